//! Verilog text of a block, under a name of one's choice.
//!
//! rust-hdl's own `generate_verilog` calls every top module `top` and panics where its checks
//! fail.

use rust_hdl::core::check_error::CheckError;
use rust_hdl::prelude::*;

/// Checks `block`, on which `connect_all` was called, and translates it; modules are named
/// `top`, `top$child`, `top$child$grandchild`.
pub fn verilog(top: &str, block: &impl Block) -> Result<String, CheckError> {
    check_all(block)?;
    let mut modules = ModuleDefines::default();
    block.accept(top, &mut modules);
    Ok(modules.defines())
}
