//! The static checks of one block, which every block passes before it is simulated.
//!
//! In order: rust-hdl's connections and loops; our lint; yosys (undriven wires, several drivers,
//! logic loops, latches); Verilator's lint. A pass is remembered in the cache by the Verilog's
//! hash, so an unchanged block costs nothing.

use std::fs;
use std::process::Command;

use rust_hdl::core::check_error::CheckError;
use rust_hdl::prelude::*;
use thiserror::Error;

use crate::cache;
use crate::isolate::isolate;
use crate::lint::{lint, Finding};
use crate::tools::{debug_as_display, run, verilator_version, yosys_version, ToolError};
use crate::verilate::{EXPECTED_WARNINGS, LANGUAGE};
use crate::verilog::{module_name, verilog};

/// A block that should not be used.
#[derive(Error)]
pub enum BlockError {
    /// rust-hdl: something is unconnected, reads itself, or writes its inputs.
    #[error("rust-hdl refuses {block}: {error:?}")]
    RustHdl {
        /// The name given to the block.
        block: String,
        /// What rust-hdl found.
        error: CheckError,
    },
    /// The lint: Verilog that means something else.
    #[error("lint of {block}:\n{}", list(findings))]
    Lint {
        /// The name given to the block.
        block: String,
        /// All places.
        findings: Vec<Finding>,
    },
    /// yosys or Verilator, which is named inside.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

debug_as_display!(BlockError);

fn list(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(|f| format!("  {f}")).collect();
    lines.join("\n")
}

/// What Verilator's lint is told: everything but style, of which only undriven signals count.
const VERILATOR_LINT: &[&str] = &["--lint-only", "-Wall", "-Wno-style", "-Wwarn-UNDRIVEN"];

/// Runs all static checks on `block`, which is connected here.
pub fn check_block(name: &str, block: &mut impl Block) -> Result<(), BlockError> {
    block.connect_all();
    let top = module_name(name);
    let text = verilog(&top, block).map_err(|error| BlockError::RustHdl {
        block: name.to_string(),
        error,
    })?;
    let findings = lint(block);
    if !findings.is_empty() {
        return Err(BlockError::Lint {
            block: name.to_string(),
            findings,
        });
    }
    check_verilog(&top, &text)?;
    Ok(())
}

/// The checks that need only the Verilog text, with top module `top`.
pub fn check_verilog(top: &str, verilog: &str) -> Result<(), ToolError> {
    // Flattened, too: a loop may lead through children.
    let script = format!(
        "read_verilog top.v; hierarchy -check -top {top}; proc; \
         select -assert-none t:$dlatch t:$adlatch; check -assert; flatten; check -assert"
    );
    let verilog = &isolate(verilog);
    let mut ingredients = vec![yosys_version()?, verilator_version()?, &script, verilog];
    let flags = [VERILATOR_LINT, EXPECTED_WARNINGS, LANGUAGE].concat();
    ingredients.extend(&flags);
    let name = format!("checked-{}", cache::key(&ingredients));
    cache::get_or_build(&cache::default_root(), &name, |work| {
        let source = work.join("top.v");
        fs::write(&source, verilog).map_err(ToolError::file(&source))?;
        let mut verilator = Command::new("verilator");
        verilator.args(&flags).args(["--top-module", top]);
        run(verilator.arg(&source), top)?;
        let mut yosys = Command::new("yosys");
        run(yosys.current_dir(work).args(["-q", "-p", &script]), top)?;
        Ok(())
    })?;
    Ok(())
}
