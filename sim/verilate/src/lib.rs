//! From a rust-hdl block to its Verilog, checked and simulated.
//!
//! | module | what it does |
//! |---|---|
//! | `ports` | lists a block's ports and reads their values |
//! | `verilog` | translates a block |
//! | `isolate` | gives Verilator one process a signal |
//! | `lint` | finds Rust whose Verilog means something else |
//! | `check` | all static checks of a block: rust-hdl, lint, yosys, Verilator |
//! | `cells` | counts the cells of a block on an iCE40 |
//! | `verilate` | builds a shared library of the Verilog, cached |
//! | `model` | loads and drives such a library |
//! | `dut` | a bench: rust-hdl's simulation and the model side by side, compared each cycle |
//! | `stimulus` | seeded random inputs |
//! | `inputs` | sets all inputs of any block at random |
//! | `reach` | says what a fuzz has reached of a block |
//!
//! It knows nothing of the RNIC: blocks and boards use it.

mod cache;
mod cells;
mod check;
mod dut;
mod inputs;
mod isolate;
mod lint;
mod model;
mod ports;
mod reach;
mod shim;
mod stimulus;
mod tools;
mod verilate;
mod verilog;

pub use cells::{cells, CellReport};
pub use check::{check_block, check_verilog, BlockError};
pub use dut::{Before, ClockOf, Divergence, Dut, DutError, OutputDifference};
pub use inputs::Draw;
pub use isolate::isolate;
pub use lint::{lint, lint_source, Finding, Rule, SourceError, SourceFinding, SourceRule};
pub use model::{LoadError, Model};
pub use ports::{ports, Port, PortDirection, PortValue};
pub use reach::Reach;
pub use stimulus::Stimulus;
pub use tools::ToolError;
pub use verilate::{verilate, Options, EXPECTED_WARNINGS, LANGUAGE};
pub use verilog::verilog;
