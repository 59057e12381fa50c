//! Static checks and cell counts of the blocks of the transmit stage.

use rnic_hdl::tx::ack_timer::AckTimer;
use rnic_hdl::tx::context::Context;
use rnic_hdl::tx::vi_count::ViCount;
use rnic_verilate::{cells, check_block, verilog};
use rust_hdl::prelude::*;

fn check<B: Block>(name: &str, mut block: B) {
    check_block(name, &mut block).unwrap();
    let text = verilog(name, &block).unwrap();
    std::fs::write(format!("{}/{name}.v", env!("CARGO_TARGET_TMPDIR")), &text).unwrap();
    println!("{name:16} {}", cells(name, &text).unwrap());
}

#[test]
fn small_blocks_pass_all_static_checks() {
    check("vi_count", ViCount::<3>::new(4));
    check("context", Context::<8>::new());
    check("ack_timer", AckTimer::<8>::new(6));
}
