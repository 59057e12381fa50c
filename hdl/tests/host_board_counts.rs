//! Bench of the counters' wires: each pulse reaches its own counter's bit.

use rnic_abi::step::{Counter, STEPS};
use rnic_hdl::host::board_counts::BoardCounts;
use rnic_verilate::{check_block, Dut};

#[test]
fn passes_the_static_checks() {
    check_block("board_counts", &mut BoardCounts::default()).unwrap();
}

#[test]
fn pulses_reach_their_bits() {
    let mut dut = Dut::unclocked("board_counts", BoardCounts::default()).unwrap();
    dut.drive(|b| {
        b.link_gaps.next = true;
        b.flushed.next = true;
    });
    dut.settle();
    let bit = |counter: Counter| 1_u64 << (counter.index() - STEPS);
    assert_eq!(
        dut.block().counts.val().to_u64(),
        bit(Counter::LinkGaps) | bit(Counter::Flushed)
    );
}

#[test]
fn rust_and_verilog_agree() {
    let mut dut = Dut::unclocked("board_counts", BoardCounts::default()).unwrap();
    dut.fuzz(500, 1, |b, random| {
        b.link_header_errors.next = random.chance(0.5);
        b.link_duplicates.next = random.chance(0.5);
        b.link_retransmits.next = random.chance(0.5);
        b.mpa_crc_errors.next = random.chance(0.5);
        b.terminates_sent.next = random.chance(0.5);
        b.raw_dropped.next = random.chance(0.5);
        b.acks_sent.next = random.chance(0.5);
        b.timeouts.next = random.chance(0.5);
    });
}
