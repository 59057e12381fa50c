//! Static checks and size of every block of the host attachment, alone and together.

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::host::bar_decode::BarDecode;
use rnic_hdl::host::counters::Counters;
use rnic_hdl::host::dma_read::DmaRead;
use rnic_hdl::host::dma_write::DmaWrite;
use rnic_hdl::host::events::Events;
use rnic_hdl::host::host_counts::HostCounts;
use rnic_hdl::host::interrupt::Interrupt;
use rnic_hdl::host::realign::Realign;
use rnic_hdl::host::register_memory::RegisterMemory;
use rnic_hdl::host::registers::Registers;
use rnic_hdl::host::reset::ResetSequencer;
use rnic_hdl::host::trace::Trace;
use rnic_hdl::host::vi_state::ViState;
use rnic_hdl::host::Host;
use rnic_verilate::{cells, check_block, verilog, CellReport};
use rust_hdl::prelude::*;

/// Checks a block and prints what it is made of.
fn check(name: &str, mut block: impl Block) -> CellReport {
    check_block(name, &mut block).unwrap();
    let report = cells(name, &verilog(name, &block).unwrap()).unwrap();
    println!("{name:24} {report}");
    report
}

#[test]
fn every_block_passes_the_static_checks() {
    check("host_realign", Realign::default());
    check("host_bar_decode", BarDecode::new());
    check("host_registers", Registers::new());
    check(
        "host_register_memory",
        RegisterMemory::new([0x1234_5678; 16]),
    );
    check("host_counters", Counters::new());
    check("host_host_counts", HostCounts::new());
    check("host_events", Events::new(SMALL.vis()));
    check("host_vi_state", ViState::new(SMALL.vis()));
    check("host_interrupt", Interrupt::new(SMALL.cqs()));
    check("host_dma_read", DmaRead::default());
    check("host_dma_write", DmaWrite::default());
    check("host_reset", ResetSequencer::default());
    check("host_trace", Trace::<9>::new());
}

#[test]
fn the_composite_passes_the_static_checks_and_is_small() {
    let small = check("host_small", Host::<2, 0>::new(&SMALL, 0));
    assert!(small.block_rams <= 4, "{small}");
    let full = check("host_full", Host::<4, 9>::new(&FULL, 0));
    assert!(full.block_rams <= 10, "{full}");
}
