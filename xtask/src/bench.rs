//! `cargo xtask bench`: the measurements, which are cargo benches of the `tests` crate.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::install;
use crate::process::{self, cargo, root};

/// Runs all benches; `arguments` go to them.
pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    if !root().join("tests/benches").is_dir() {
        eprintln!("There are no benches yet.");
        return Ok(ExitCode::from(crate::NOT_HERE_YET));
    }
    install::run_if_needed()?;
    let mut bench = cargo();
    bench
        .args(["bench", "-p", "rnic-tests", "--"])
        .args(arguments);
    process::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
