//! The blocks of the host attachment and those that belong to no stage, each alone, with any input, at the sizes of `Small` and
//! `Full`.

mod alone;

use alone::{alone, alone_unclocked};
use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::block_ram::BlockRam;
use rnic_hdl::host::bar_decode::BarDecode;
use rnic_hdl::host::board_counts::BoardCounts;
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
use rnic_hdl::host::trace_memory::TraceMemory;
use rnic_hdl::host::vi_state::ViState;
use rnic_hdl::llp::crc32c::{Crc32c, Crc32cStep};
use rnic_hdl::llp::loopback::Loopback;
use rnic_hdl::stream::StreamBuffer;

alone! {
    realign = Realign::default(),
        with |b, random, _| b.piece.bytes.next = (1 + random.below(40)).into();

    registers = Registers::new();
    register_memory = RegisterMemory::new([0x1234_5678; 16]),
        with |b, random, _| {
            // All entries alike, and one event at a time.
            b.op_entry.next = random.uniform();
            b.set_mask.next = (1_u64 << random.below(16)).into();
            b.failing.valid.next = random.chance(0.05);
        };
    counters = Counters::new();
    events = Events::new(FULL.vis()), small Events::new(SMALL.vis()),
        never ["irq$vector"];
    vi_state = ViState::new(FULL.vis()), small ViState::new(SMALL.vis());
    interrupt = Interrupt::new(FULL.cqs()), small Interrupt::new(SMALL.cqs());
    dma_read = DmaRead::default();
    dma_write = DmaWrite::default();
    reset_sequencer = ResetSequencer::default();
    trace = Trace::<9>::new();
    trace_memory = TraceMemory::<9>::default();
    stream_buffer = StreamBuffer::default();
    block_ram = BlockRam::<32, 6>::default();
    crc32c = Crc32c::new();
}

alone_unclocked! {
    bar_decode = BarDecode::new(),
        with |b, random, _| {
            // BAR0 in pages of 128 bytes, of which not all are used.
            let page = random.pick(&[0, 2, 4, 6, 16, 32, 33, 64, 100]);
            b.bar.offset.next = ((page << 7) | (4 * random.below(32))).into();
        };
    host_counts = HostCounts::new();
    board_counts = BoardCounts::default();
    crc32c_step = Crc32cStep::default();
    loopback = Loopback::default();
}
