//! Static checks of every receive block, and its cells on the smallest board's chip.

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::llp::llp_receive::LlpReceive;
use rnic_hdl::rx::completion_report::CompletionReport;
use rnic_hdl::rx::ddp_parse::DdpParse;
use rnic_hdl::rx::frame_banks::FrameBanks;
use rnic_hdl::rx::mpa_check::MpaCheck;
use rnic_hdl::rx::payload_write::PayloadWrite;
use rnic_hdl::rx::place::Place;
use rnic_hdl::rx::read_handover::ReadHandover;
use rnic_hdl::rx::read_tracker::ReadTracker;
use rnic_hdl::rx::receive::{FullReceive, SmallReceive};
use rnic_hdl::rx::receive_context::{Layout, ReceiveContext};
use rnic_hdl::rx::receive_prefetch::ReceivePrefetch;
use rnic_hdl::rx::terminate_outbox::TerminateOutbox;
use rnic_verilate::{cells, check_block, verilog};
use rust_hdl::prelude::*;

/// Checks the block and counts its logic cells; `limit` keeps growth from passing unseen.
fn pass(name: &str, mut block: impl Block, limit: u64) {
    if let Err(error) = check_block(name, &mut block) {
        panic!("{error}");
    }
    let report = cells(name, &verilog(name, &block).unwrap()).unwrap();
    println!("{name:20} {report}");
    assert!(report.logic_cells() <= limit, "{name}: {report}");
}

#[test]
fn llp_receive() {
    pass("llp_receive", LlpReceive::<8>::new(2), 700);
}
#[test]
fn mpa_check() {
    pass("mpa_check", MpaCheck::new(), 60);
}
#[test]
fn frame_banks() {
    pass("frame_banks", FrameBanks::<8, 9>::default(), 120);
}
#[test]
fn ddp_parse() {
    pass("ddp_parse", DdpParse::new(), 320);
}
#[test]
fn receive_context() {
    pass(
        "receive_context",
        ReceiveContext::<8>::new(Layout::SMALL),
        260,
    );
}
#[test]
fn read_tracker() {
    pass("read_tracker", ReadTracker::new(Layout::SMALL, 1, 2), 230);
}
#[test]
fn receive_prefetch() {
    pass(
        "receive_prefetch",
        ReceivePrefetch::new(Layout::SMALL, 6),
        420,
    );
}
#[test]
fn payload_write() {
    pass("payload_write", PayloadWrite::<8, 10>::new(), 500);
}
#[test]
fn completion_report() {
    pass("completion_report", CompletionReport::new(), 220);
}
#[test]
fn read_handover() {
    pass("read_handover", ReadHandover::<8>::default(), 100);
}
#[test]
fn terminate_outbox() {
    pass("terminate_outbox", TerminateOutbox::<2>::new(), 120);
}
#[test]
fn place() {
    pass("place", Place::<8, 10>::new(Layout::SMALL), 2150);
}
#[test]
fn receive_small() {
    pass("receive_small", SmallReceive::new(&SMALL), 3400);
}
#[test]
fn receive_full() {
    pass("receive_full", FullReceive::new(&FULL), 3900);
}
