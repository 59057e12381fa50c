//! The bench of one block: rust-hdl's own simulation and the Verilated Verilog, side by side.
//!
//! A bench drives the typed block and reads it; the harness copies every input to the Verilated
//! model and compares every output after each settling. So a bench is written once, in Rust's
//! types, and each of its cycles is also a test that the Verilog means the same.
//!
//! ```text
//!   drive(|b| ..)      block (rust-hdl)  -- inputs, by probe -->  model (Verilator)
//!                         |                                          |
//!                      outputs  -------------- compared ---------- outputs
//! ```
//!
//! With `RNIC_WAVES=folder` in the environment every bench writes its waveform there.
//!
//! One clock only, and no tristate ports. For speed use the model alone.

use std::env;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::thread;

use rust_hdl::core::check_error::CheckError;
use rust_hdl::prelude::*;
use thiserror::Error;

use crate::inputs::{inputs, randomize, Draw};
use crate::model::{LoadError, Model};
use crate::ports::{ports, Port, PortDirection, PortValue, PortValues};
use crate::reach::{Reach, Watch};
use crate::stimulus::Stimulus;
use crate::tools::{debug_as_display, ToolError};
use crate::verilate::{verilate, Options};
use crate::verilog::{module_name, verilog};

/// How often a block is updated before it is said to oscillate. A change travels at least one
/// level of the hierarchy in each update.
const MAX_UPDATES: usize = 200;

/// A bench could not be set up.
#[derive(Error)]
pub enum DutError {
    /// rust-hdl's own check of the block.
    #[error("rust-hdl refuses {block}: {error:?}")]
    Check {
        /// The name given to the bench.
        block: String,
        /// What rust-hdl found.
        error: CheckError,
    },
    /// Verilator or the C++ compiler.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The built library.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Two simulations of one block went apart, or one did not come to rest.
#[derive(Error)]
pub enum Divergence {
    /// An output differs.
    #[error(transparent)]
    Output(#[from] Box<OutputDifference>),
    /// rust-hdl's simulation oscillates: the block has a combinational loop.
    #[error("{block} cycle {cycle}: still changing after {MAX_UPDATES} updates")]
    Unsettled {
        /// The name given to the bench.
        block: String,
        /// Rising edges so far.
        cycle: u64,
    },
}

/// An output that is not the same in Rust and in Verilog.
#[derive(Error)]
#[error(
    "{block} cycle {cycle} {phase}: {port} is {rust} in Rust and {verilog} in Verilog\n  \
     inputs: {inputs}"
)]
pub struct OutputDifference {
    /// The name given to the bench.
    pub block: String,
    /// Rising edges so far.
    pub cycle: u64,
    /// `settled` or `after the edge`.
    pub phase: &'static str,
    /// The port, as in Verilog.
    pub port: String,
    /// rust-hdl's value.
    pub rust: PortValue,
    /// Verilator's value.
    pub verilog: PortValue,
    /// All inputs at that moment.
    pub inputs: String,
}

debug_as_display!(DutError, Divergence, OutputDifference);

/// Says which input of a block is its clock.
pub type ClockOf<B> = fn(&mut B) -> &mut Signal<In, Clock>;

/// A block under test.
pub struct Dut<B: Block> {
    name: String,
    block: B,
    clock: Option<ClockOf<B>>,
    model: Model,
    ports: Vec<Port>,
    values: PortValues,
    cycle: u64,
    updates: u64,
    settled: bool,
}

impl<B: Block> Dut<B> {
    /// Connects `block` and builds its Verilated model; all inputs are zero.
    ///
    /// `clock` is usually `|b| &mut b.clock`.
    pub fn new(name: &str, block: B, clock: ClockOf<B>) -> Result<Self, DutError> {
        Self::with_options(name, block, Some(clock), &Options::bench())
    }

    /// As `new`, for a block without a clock: `tick` then only settles.
    pub fn unclocked(name: &str, block: B) -> Result<Self, DutError> {
        Self::with_options(name, block, None, &Options::bench())
    }

    /// As `new`, with other build options.
    pub fn with_options(
        name: &str,
        mut block: B,
        clock: Option<ClockOf<B>>,
        options: &Options,
    ) -> Result<Self, DutError> {
        block.connect_all();
        let top = module_name(name);
        let text = verilog(&top, &block).map_err(|error| DutError::Check {
            block: name.to_string(),
            error,
        })?;
        let ports = ports(&block);
        let waves = env::var_os("RNIC_WAVES").map(|folder| waves_file(folder.into(), name));
        let options = Options {
            trace: options.trace || waves.is_some(),
            ..options.clone()
        };
        let library = verilate(&top, &text, &ports, &options)?;
        let mut model = Model::load(&library, &ports)?;
        if let Some(file) = &waves {
            println!("{name}: waveform in {}", file.display());
            model.open_waves(file)?;
        }
        Ok(Self {
            name: name.to_string(),
            block,
            clock,
            model,
            values: PortValues::new(&ports),
            ports,
            cycle: 0,
            updates: 0,
            settled: false,
        })
    }

    /// The block, to read its outputs: `dut.block().tx.data.val()`.
    pub fn block(&self) -> &B {
        &self.block
    }

    /// The block, to set its inputs; they count from the next `settle` or `tick`.
    pub fn block_mut(&mut self) -> &mut B {
        self.settled = false;
        &mut self.block
    }

    /// Sets inputs: `dut.drive(|b| b.rx.valid.next = true)`.
    pub fn drive(&mut self, set: impl FnOnce(&mut B)) {
        set(self.block_mut());
    }

    /// Rising edges so far.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// The block's ports, in the order of its declaration.
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// The Verilated model's value of a port, by its Verilog name.
    pub fn get(&self, port: &str) -> Option<PortValue> {
        let index = self.ports.iter().position(|p| p.name == port)?;
        Some(self.model_value(index))
    }

    /// Lets inputs reach the outputs without a clock edge, and compares.
    ///
    /// # Panics
    /// If the two simulations differ.
    #[track_caller]
    pub fn settle(&mut self) {
        if let Err(divergence) = self.try_settle() {
            panic!("{divergence}");
        }
    }

    /// One clock cycle: settle, rising edge, falling edge. Outputs are compared before and after
    /// the rising edge, where the block is left, with its inputs unchanged.
    ///
    /// # Panics
    /// If the two simulations differ.
    #[track_caller]
    pub fn tick(&mut self) {
        if let Err(divergence) = self.try_tick() {
            panic!("{divergence}");
        }
    }

    /// `settle` that returns the difference.
    pub fn try_settle(&mut self) -> Result<(), Divergence> {
        if self.settled {
            return Ok(());
        }
        self.update()?;
        self.compare("settled")?;
        self.settled = true;
        Ok(())
    }

    /// `tick` that returns the difference.
    pub fn try_tick(&mut self) -> Result<(), Divergence> {
        self.try_settle()?;
        self.cycle += 1;
        let Some(clock) = self.clock else {
            return Ok(());
        };
        clock(&mut self.block).next = true.into();
        self.update()?;
        self.compare("after the edge")?;
        clock(&mut self.block).next = false.into();
        self.update()
    }

    /// Random stimulus for `cycles` cycles: before each, `stimulate` sets the inputs.
    ///
    /// The seed is printed, so that a failure shows how to repeat it.
    ///
    /// # Panics
    /// If the two simulations differ.
    #[track_caller]
    pub fn fuzz(
        &mut self,
        cycles: u64,
        seed: u64,
        mut stimulate: impl FnMut(&mut B, &mut Stimulus),
    ) {
        println!("{}: {cycles} random cycles, seed {seed}", self.name);
        let mut stimulus = Stimulus::new(seed);
        for _ in 0..cycles {
            stimulate(self.block_mut(), &mut stimulus);
            self.tick();
        }
    }

    /// As `fuzz`, with every input set at random, as `draws` says of its name's last word (`valid` of `rx$valid` and of
    /// `job_valid`); then `stimulate` sets those that need more sense than that. It also sees the ports as they were at the
    /// rising edge before, which tells what was taken there; the block itself is past it.
    ///
    /// It goes on for the least number of cycles, and beyond until all was reached but for what `never` names.
    ///
    /// # Panics
    /// If the two simulations differ.
    #[track_caller]
    pub fn fuzz_all(
        &mut self,
        cycles: RangeInclusive<u64>,
        seed: u64,
        draws: &[(&str, Draw)],
        never: &[&str],
        mut stimulate: impl FnMut(&mut B, &mut Stimulus, &Before),
    ) -> Reach {
        println!("{}: random cycles, seed {seed}", self.name);
        let mut stimulus = Stimulus::new(seed);
        let inputs = inputs(&self.block, draws);
        let mut watch = Watch::new(&self.block, &self.ports);
        let mut before_edge = PortValues::new(&self.ports);
        for cycle in 1..=*cycles.end() {
            randomize(self.block_mut(), &inputs, &mut stimulus);
            let before = Before {
                ports: &self.ports,
                values: &before_edge,
            };
            stimulate(&mut self.block, &mut stimulus, &before);
            self.settle();
            before_edge.clone_from(&self.values);
            watch.look(&self.block, &self.values);
            self.tick();
            if cycle >= *cycles.start()
                && cycle % 500 == 0
                && watch.reach().missed(never).next().is_none()
            {
                break;
            }
        }
        watch.reach()
    }

    /// Brings both simulations to rest with the block's present inputs.
    fn update(&mut self) -> Result<(), Divergence> {
        if !simulate(&mut self.block, MAX_UPDATES) {
            return Err(Divergence::Unsettled {
                block: self.name.clone(),
                cycle: self.cycle,
            });
        }
        self.values.read(&self.block);
        for (index, port) in self.ports.iter().enumerate() {
            if port.direction == PortDirection::Input {
                self.model.set(index, self.values.port(index));
            }
        }
        self.model.eval();
        self.model.dump_waves(self.updates);
        self.updates += 1;
        Ok(())
    }

    fn compare(&self, phase: &'static str) -> Result<(), Divergence> {
        for (index, port) in self.ports.iter().enumerate() {
            let rust = self.values.port(index);
            let mut words = rust.iter().enumerate();
            if port.direction == PortDirection::Output
                && !words.all(|(word, &value)| self.model.word(index, word) == value)
            {
                return Err(Divergence::Output(Box::new(OutputDifference {
                    block: self.name.clone(),
                    cycle: self.cycle,
                    phase,
                    port: port.name.clone(),
                    rust: PortValue {
                        words: rust.to_vec(),
                    },
                    verilog: self.model_value(index),
                    inputs: self.inputs(),
                })));
            }
        }
        Ok(())
    }

    fn model_value(&self, index: usize) -> PortValue {
        let words = 0..self.ports[index].words();
        PortValue {
            words: words.map(|word| self.model.word(index, word)).collect(),
        }
    }

    fn inputs(&self) -> String {
        let inputs = self.ports.iter().enumerate();
        inputs
            .filter(|(_, port)| port.direction == PortDirection::Input)
            .map(|(index, port)| format!("{} {}", port.name, self.model_value(index)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The ports as they were at the last rising edge.
pub struct Before<'a> {
    ports: &'a [Port],
    values: &'a PortValues,
}

impl Before<'_> {
    /// The low 32 bits of a port, by its Verilog name.
    ///
    /// # Panics
    /// If there is no such port.
    pub fn get(&self, port: &str) -> u32 {
        let index = self.ports.iter().position(|p| p.name == port);
        self.values
            .port(index.unwrap_or_else(|| panic!("no port {port}")))[0]
    }

    /// Whether `valid` and `ready` of a stream were both high; `stream` ends in `$` or `_`.
    pub fn moved(&self, stream: &str) -> bool {
        self.get(&format!("{stream}valid")) & self.get(&format!("{stream}ready")) == 1
    }
}

/// Tests run on threads of their name: so the file says of which test it is.
fn waves_file(folder: PathBuf, block: &str) -> PathBuf {
    let test = thread::current();
    let test = test.name().unwrap_or("main").replace("::", "-");
    folder.join(format!("{block}-{test}.fst"))
}
