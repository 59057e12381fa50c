//! From a rust-hdl block to its Verilog, checked and simulated.
//!
//! | module | what it does |
//! |---|---|
//! | `ports` | lists a block's ports and reads their values |
//! | `verilog` | translates a block |
//! | `lint` | finds Rust whose Verilog means something else |
//! | `verilate` | builds a shared library of the Verilog, cached |
//! | `model` | loads and drives such a library |
//! | `dut` | a bench: rust-hdl's simulation and the model side by side, compared each cycle |
//! | `stimulus` | seeded random inputs |
//!
//! It knows nothing of the RNIC: blocks and boards use it.

mod cache;
mod dut;
mod lint;
mod model;
mod ports;
mod shim;
mod stimulus;
mod tools;
mod verilate;
mod verilog;

pub use dut::{Divergence, Dut, DutError, OutputDifference};
pub use lint::{lint, lint_source, Finding, Rule, SourceError, SourceFinding, SourceRule};
pub use model::{LoadError, Model, TracedModel};
pub use ports::{ports, Port, PortDirection, PortValue};
pub use stimulus::Stimulus;
pub use tools::ToolError;
pub use verilate::{verilate, Options};
pub use verilog::verilog;
