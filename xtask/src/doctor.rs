//! Shows which tools are there, in which version, and what is missing. Changes nothing.

use std::process::ExitCode;

use anyhow::Result;

use crate::packages::{component, COMPONENTS, PACKAGES};
use crate::process::{answer, command};

/// Prints the table; fails if something is missing.
pub fn run() -> Result<ExitCode> {
    let mut missing = 0;
    let mut show = |name: &str, purpose: &str, found: Option<String>| {
        missing += u32::from(found.is_none());
        let found = found.unwrap_or_else(|| "MISSING".to_string());
        println!("{name:12} {purpose:50} {found}");
    };
    let rustc = answer(command("rustc").arg("--version"));
    show("rustc", "compiles everything", rustc);
    for &(name, subcommand) in COMPONENTS {
        show(name, "checks the Rust sources", component(subcommand));
    }
    for package in PACKAGES {
        show(package.name, package.purpose, package.found());
    }
    if missing == 0 {
        println!("\nEverything is there.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{missing} missing; `cargo xtask test` and `cargo xtask demo` install them.");
    Ok(ExitCode::FAILURE)
}
