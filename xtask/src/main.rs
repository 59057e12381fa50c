//! `cargo xtask`: everything one does with this repository, on a machine with Rust and nothing
//! else.
//!
//! | command | what it does |
//! |---|---|
//! | `demo` | the main job, on two simulated boards |
//! | `test` | every test; what CI runs |
//! | `bench` | measurements |
//! | `gen` | writes the files that are generated from `abi` |
//! | `doctor` | shows which tools are there |
//! | `synth`, `formal`, `soak` | come with the boards |
//!
//! It starts tools and tells what they said; the work itself is in the other crates.

mod bench;
mod children;
mod demo;
mod doctor;
mod generate;
mod install;
mod packages;
mod process;
mod report;
mod tests;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The exit code of a command that this repository does not have yet.
const NOT_HERE_YET: u8 = 2;

/// Builds, tests and shows the one-shot RNIC.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Moves a file between two simulated boards by one-shot operations.
    Demo(demo::Arguments),
    /// Runs every test.
    Test,
    /// Measures.
    Bench {
        /// Passed on to the benches.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Writes the generated files.
    Gen {
        /// Only compares, and fails where a file differs.
        #[arg(long)]
        check: bool,
    },
    /// Shows which tools are there.
    Doctor,
    /// Synthesizes a board's bitstream.
    Synth,
    /// Proves the gateware's properties.
    Formal,
    /// Runs random scenarios for hours.
    Soak,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test => tests::run(),
        Task::Bench { arguments } => bench::run(&arguments),
        Task::Gen { check } => generate::run(check),
        Task::Doctor => doctor::run(),
        Task::Synth => return not_here_yet("synth", "bitstreams come with the boards"),
        Task::Formal => return not_here_yet("formal", "proofs come with the boards"),
        Task::Soak => return not_here_yet("soak", "long runs come with the boards"),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn not_here_yet(command: &str, why: &str) -> ExitCode {
    eprintln!("`cargo xtask {command}` is not here yet: {why}.");
    ExitCode::from(NOT_HERE_YET)
}
