//! `cargo xtask gen`: the files that are generated from `abi`, so that no number is typed twice.
//!
//! They are kept in the repository, to be read there; `--check` (which `cargo xtask test` runs)
//! fails where one is not what would be generated.

mod registers;

use std::fs;
use std::process::ExitCode;

use anyhow::{bail, Context, Result};

use crate::process::root;

/// One generated file.
struct Generated {
    /// From the root.
    path: &'static str,
    /// Its whole text.
    text: fn() -> String,
}

/// All of them.
const FILES: &[Generated] = &[Generated {
    path: "abi/REGISTERS.md",
    text: registers::reference,
}];

/// Writes all files, or only compares them.
pub fn run(only_check: bool) -> Result<ExitCode> {
    if only_check {
        check()?;
    } else {
        write()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails if a file is not what would be generated, and names all that are not.
pub fn check() -> Result<()> {
    let differs = |file: &&Generated| {
        let present = fs::read_to_string(root().join(file.path)).ok();
        present != Some((file.text)())
    };
    let stale: Vec<_> = FILES.iter().filter(differs).map(|file| file.path).collect();
    if !stale.is_empty() {
        let stale = stale.join(", ");
        bail!("not as generated (run `cargo xtask gen`): {stale}");
    }
    println!("as generated: {}", FILES.len());
    Ok(())
}

fn write() -> Result<()> {
    for Generated { path, text } in FILES {
        fs::write(root().join(path), text()).with_context(|| format!("cannot write {path}"))?;
        println!("wrote {path}");
    }
    Ok(())
}
