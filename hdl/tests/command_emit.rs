//! Writes the Verilog of each block of this stage, for a look at its cells.

use rnic_hdl::command::command_post::CommandPost;
use rust_hdl::prelude::*;

fn emit<B: Block>(name: &str, mut block: B) {
    block.connect_all();
    let text = rnic_verilate::verilog(name, &block).unwrap();
    std::fs::write(format!("{}/{name}.v", env!("CARGO_TARGET_TMPDIR")), text).unwrap();
}

#[test]
fn emit_all() {
    emit("command_post", CommandPost::<4, 5, 9>::new());
}
