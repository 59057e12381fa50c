//! The blocks of the host attachment, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::host::Host;
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
    realign = Realign::default(); never []; |_b, _random| {};
    unclocked bar_decode = BarDecode::new(); never []; |_b, _random| {};
    registers = Registers::new(); never []; |_b, _random| {};
    register_memory = RegisterMemory::new([0x1234_5678; 16]); never []; |_b, _random| {};
    counters = Counters::new(); never []; |_b, _random| {};
    unclocked host_counts = HostCounts::new(); never []; |_b, _random| {};
    unclocked board_counts = BoardCounts::default(); never []; |_b, _random| {};
    events = Events::new(FULL.vis()), small Events::new(SMALL.vis()); never []; |_b, _random| {};
    vi_state = ViState::new(FULL.vis()), small ViState::new(SMALL.vis()); never []; |_b, _random| {};
    interrupt = Interrupt::new(FULL.cqs()), small Interrupt::new(SMALL.cqs()); never []; |_b, _random| {};
    dma_read = DmaRead::default(); never []; |_b, _random| {};
    dma_write = DmaWrite::default(); never []; |_b, _random| {};
    reset_sequencer = ResetSequencer::default(); never []; |_b, _random| {};
    trace = Trace::<9>::new(); never []; |_b, _random| {};
    trace_memory = TraceMemory::<9>::default(); never []; |_b, _random| {};
    host = Host::<4, 9>::new(&FULL, 0), small Host::<2, 0>::new(&SMALL, 0); never []; |_b, _random| {};
    stream_buffer = StreamBuffer::default(); never []; |_b, _random| {};
    crc32c = Crc32c::new(); never []; |_b, _random| {};
    unclocked crc32c_step = Crc32cStep::default(); never []; |_b, _random| {};
    unclocked loopback = Loopback::default(); never []; |_b, _random| {};
}
