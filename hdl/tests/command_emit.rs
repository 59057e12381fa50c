//! Writes the Verilog of each block of this stage, for a look at its cells.

use rnic_abi::config::SMALL;
use rnic_hdl::command::command_fetch::CommandFetch;
use rnic_hdl::command::command_post::CommandPost;
use rnic_hdl::command::doorbell::Doorbell;
use rnic_hdl::command::work_queue::WorkQueue;
use rnic_hdl::command::Command;
use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::Completion;
use rust_hdl::prelude::*;

fn emit<B: Block>(name: &str, mut block: B) {
    if let Err(e) = rnic_verilate::check_block(name, &mut block) {
        println!("{name}: {e}");
    }
    block.connect_all();
    let text = rnic_verilate::verilog(name, &block).unwrap();
    std::fs::write(format!("{}/{name}.v", env!("CARGO_TARGET_TMPDIR")), text).unwrap();
}

#[test]
fn emit_all() {
    emit("command_post", CommandPost::<4, 5, 9>::new());
    emit("command_fetch", CommandFetch::<4, 9, 2, 4, 3>::new(&SMALL));
    emit("command", Command::<4, 5, 9, 2, 4, 3, 4, 8, 3>::new(&SMALL));
    emit("complete", Complete::<3>::new());
    emit("cq_table", CqTable::<3, 6>::new());
    emit("flush", Flush::new());
    emit("completion", Completion::<3, 6>::default());
    emit("doorbell", Doorbell::<2>::new());
    emit("work_queue", WorkQueue::<2, 4, 3, 4, 8>::new());
}
