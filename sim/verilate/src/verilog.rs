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

/// The top module's name for a block called `name`: an identifier that no port has, since Verilator
/// refuses a port with the name of its module.
pub(crate) fn module_name(name: &str) -> String {
    let identifier = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(identifier).collect();
    format!("block_{name}")
}
