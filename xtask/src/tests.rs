//! `cargo xtask test`: every test there is.

use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::{bail, Context, Result};

use crate::generate;
use crate::install;
use crate::process::{self, cargo};
use crate::report::{Counts, Report};

/// Runs all steps and ends with one line that counts.
pub fn run() -> Result<ExitCode> {
    install::run_if_needed()?;
    let mut report = Report::default();
    report.step("rustfmt", || {
        process::run(cargo().args(["fmt", "--all", "--check"]))
    });
    report.step("clippy", || {
        let mut clippy = cargo();
        clippy.args(["clippy", "--release", "--workspace", "--all-targets"]);
        process::run(clippy.args(["--", "-D", "warnings"]))
    });
    report.step("generated files", generate::check);
    report.counted("tests", cargo_test);
    report.step("cells of each block and of the Small board (iCE40)", || {
        process::run(cargo().args([
            "run",
            "--quiet",
            "--release",
            "-p",
            "rnic-hdl",
            "--example",
            "cells",
        ]))
    });
    Ok(report.finish())
}

/// Runs the tests of the workspace, showing what they print, and adds up what each binary counts.
fn cargo_test() -> Result<Counts> {
    let mut command = cargo();
    command.args(["test", "--release", "--workspace", "--no-fail-fast"]);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start `cargo test`")?;
    let output = child.stdout.take().context("`cargo test` has no output")?;
    let mut counts = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read what `cargo test` prints")?;
        println!("{line}");
        if let Some(binary) = counts_in(&line) {
            counts.passed += binary.passed;
            counts.failed += binary.failed;
        }
    }
    let status = child.wait().context("cannot wait for `cargo test`")?;
    if !status.success() && counts.failed == 0 {
        bail!("`cargo test` failed before or beside its tests ({status})");
    }
    if counts.passed == 0 {
        bail!("no test ran");
    }
    Ok(counts)
}

/// Reads `test result: ok. 25 passed; 0 failed; 0 ignored; ..`.
fn counts_in(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let mut parts = numbers.split("; ");
        let part = parts.find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
    })
}

#[cfg(test)]
mod unit {
    use super::{counts_in, Counts};

    #[test]
    fn counts_are_read_from_cargos_line() {
        let line =
            "test result: FAILED. 25 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out";
        let counts = Counts {
            passed: 25,
            failed: 3,
        };
        assert_eq!(counts_in(line), Some(counts));
        assert_eq!(counts_in("test some_test ... ok"), None);
    }
}
