//! `cargo xtask bench`: the measurements, which are a bench of the `tests` crate.

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::install;
use crate::process::{self, cargo};

/// Runs the bench; `arguments` go to it. The plot goes to `target/bench`.
pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    install::run_if_needed()?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let target = program.ancestors().nth(2).unwrap_or(&program);
    let results = target.join("bench");
    fs::create_dir_all(&results).with_context(|| format!("cannot make {}", results.display()))?;
    let mut bench = cargo();
    bench
        .args(["bench", "-p", "rnic-tests", "--bench", "figures", "--"])
        .arg("--plot")
        .arg(results.join("goodput.svg"))
        .args(arguments);
    process::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
