//! `cargo xtask demo`: two simulated boards, two processes, one file.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{bail, Result};

use crate::install;
use crate::process::{self, cargo};

/// Builds the programs and moves a file from one board to the other and back; `arguments` (the
/// file, by default one that is made up, and options) go to `rnic`.
pub fn run(_arguments: &[OsString]) -> Result<ExitCode> {
    install::run_if_needed()?;
    println!("Building the simulator and the driver.");
    process::run(cargo().args(["build", "--release", "-p", "rnic-sim", "-p", "rnic-cli"]))?;
    // Two `rnic-sim`, each serving its board on a socket and joined by a wire, and a `rnic` on
    // each of them.
    bail!("the demo is not wired yet: the programs are built, but nothing starts them");
}
