//! Prints how many iCE40 cells each block of `Small` takes on its own, each of its composites, and their sum, which is the
//! total of the board: `cargo run --release --example cells`. A composite counts all that is in it, so the blocks' rows do
//! not add up to it. The sum is of what `top.rs` wires together; Yosys takes many minutes for the board in one run and then
//! finds little more to share. Nothing is placed.
//!
//! Arguments: `--full` composites of `Full` for comparison (its board is not meant for this chip); `--board` the whole of
//! `Small` in one run.

use std::error::Error;

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::command::command_fetch::CommandFetch;
use rnic_hdl::command::command_post::CommandPost;
use rnic_hdl::command::doorbell::Doorbell;
use rnic_hdl::command::event_merge::EventMerge;
use rnic_hdl::command::queue_pointers::QueuePointers;
use rnic_hdl::command::vi_config_fork::ViConfigFork;
use rnic_hdl::command::work_queue::WorkQueue;
use rnic_hdl::command::Command;
use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;
use rnic_hdl::completion::Completion;
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
use rnic_hdl::host::vi_state::ViState;
use rnic_hdl::host::Host;
use rnic_hdl::llp::crc32c::Crc32c;
use rnic_hdl::llp::llp_receive::LlpReceive;
use rnic_hdl::llp::llp_send::LlpSend;
use rnic_hdl::llp::loopback::Loopback;
use rnic_hdl::llp::reliable::Reliable;
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
use rnic_hdl::stream::StreamBuffer;
use rnic_hdl::top::Small;
use rnic_hdl::tpt::free_list::FreeList;
use rnic_hdl::tpt::sge_table::SgeTable;
use rnic_hdl::tpt::sge_walk::SgeWalk;
use rnic_hdl::tpt::tpt_bind::TptBind;
use rnic_hdl::tpt::tpt_check::TptCheck;
use rnic_hdl::tpt::tpt_release::TptRelease;
use rnic_hdl::tpt::tpt_table::TptTable;
use rnic_hdl::tpt::vi_table::ViTable;
use rnic_hdl::tpt::Tpt;
use rnic_hdl::tx::ack_timer::AckTimer;
use rnic_hdl::tx::context::Context;
use rnic_hdl::tx::ddp_insert::DdpInsert;
use rnic_hdl::tx::descriptor_fetch::DescriptorFetch;
use rnic_hdl::tx::fault::Fault;
use rnic_hdl::tx::header_fields::HeaderFields;
use rnic_hdl::tx::mpa_frame::MpaFrame;
use rnic_hdl::tx::payload_fifo::PayloadFifo;
use rnic_hdl::tx::payload_read::PayloadRead;
use rnic_hdl::tx::queue_share::QueueShare;
use rnic_hdl::tx::read_queue::ReadQueue;
use rnic_hdl::tx::reads_outstanding::ReadsOutstanding;
use rnic_hdl::tx::retire::Retire;
use rnic_hdl::tx::scheduler::Scheduler;
use rnic_hdl::tx::slot_share::SlotShare;
use rnic_hdl::tx::source_use::SourceUse;
use rnic_hdl::tx::terminate::Terminate;
use rnic_hdl::tx::transmit::{FullTransmit, SmallTransmit};
use rnic_hdl::tx::vi_count::ViCount;
use rnic_verilate::{cells, verilog, CellReport};
use rust_hdl::prelude::Block;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = |argument: &str| std::env::args().any(|given| given == argument);
    println!("blocks, in path order");
    blocks()?;
    println!("composites of Small, and what else its top has");
    let parts = [
        row("host", Host::<2, 0>::new(&SMALL, 0))?,
        row("command", Command::<4, 5, 9, 2, 4, 3, 4, 8, 3>::new(&SMALL))?,
        row("tpt", Tpt::<6, 7, 2>::new())?,
        row("tx/transmit", SmallTransmit::new(&SMALL))?,
        row("rx/receive", SmallReceive::new(&SMALL))?,
        row("completion", Completion::<3, 2, 6>::default())?,
        row("llp/loopback", Loopback::default())?,
        row("host/board_counts", BoardCounts::default())?,
        row("command/vi_config_fork", ViConfigFork::default())?,
    ];
    println!("total of Small");
    println!(
        "  {:32} {}",
        "sum of these",
        parts.into_iter().sum::<CellReport>()
    );
    if wanted("--full") {
        println!("composites of Full");
        row("host", Host::<4, 9>::new(&FULL, 0))?;
        row(
            "command",
            Command::<5, 6, 10, 4, 16, 6, 7, 13, 5>::new(&FULL),
        )?;
        row("tpt", Tpt::<8, 10, 4>::new())?;
        row("tx/transmit", FullTransmit::new(&FULL))?;
        row("rx/receive", FullReceive::new(&FULL))?;
        row("completion", Completion::<5, 4, 8>::default())?;
    }
    if wanted("--board") {
        println!("the whole board in one run");
        row("top Small", Small::new(0))?;
    }
    Ok(())
}

/// Every block alone, with the sizes of `Small`.
fn blocks() -> Result<(), Box<dyn Error>> {
    row("host/bar_decode", BarDecode::new())?;
    row("host/registers", Registers::new())?;
    row("host/register_memory", RegisterMemory::new([!0; 16]))?;
    row("host/counters", Counters::new())?;
    row("host/host_counts", HostCounts::new())?;
    row("host/events", Events::new(SMALL.vis()))?;
    row("host/vi_state", ViState::new(SMALL.vis()))?;
    row("host/interrupt", Interrupt::new(SMALL.cqs()))?;
    row("host/trace (Full)", Trace::<9>::new())?;
    row("host/reset", ResetSequencer::default())?;
    row("host/realign", Realign::default())?;
    row("host/dma_read", DmaRead::default())?;
    row("host/dma_write", DmaWrite::default())?;
    row("command/command_post", CommandPost::<4, 5, 9>::new())?;
    row(
        "command/command_fetch",
        CommandFetch::<4, 9, 2, 4, 3>::new(&SMALL),
    )?;
    row("command/doorbell", Doorbell::<2>::new())?;
    row("command/queue_pointers", QueuePointers::<3, 4>::new())?;
    row("command/work_queue", WorkQueue::<2, 4, 3, 4, 8>::new())?;
    row("command/event_merge", EventMerge::<3>::default())?;
    row("command/vi_config_fork", ViConfigFork::default())?;
    row("tpt/vi_table", ViTable::<2>::new())?;
    row("tpt/tpt_table", TptTable::<6>::default())?;
    row("tpt/free_list", FreeList::<7>::new())?;
    row("tpt/sge_table", SgeTable::<7>::default())?;
    row("tpt/sge_walk", SgeWalk::<6, 7>::default())?;
    row("tpt/tpt_bind", TptBind::<6, 7, 2>::new())?;
    row("tpt/tpt_check", TptCheck::<6, 2>::new())?;
    row("tpt/tpt_release", TptRelease::<6, 7, 2>::new())?;
    row("tx/scheduler", Scheduler::new())?;
    row("tx/context", Context::<8>::new())?;
    row("tx/vi_count", ViCount::<3>::new(4))?;
    row("tx/descriptor_fetch", DescriptorFetch::<8, 8>::new(6, 5, 6))?;
    row("tx/slot_share", SlotShare::default())?;
    row("tx/queue_share", QueueShare::new())?;
    row("tx/read_queue", ReadQueue::<8, 8, 1>::new(2, 6, 5, 48, 6))?;
    row("tx/reads_outstanding", ReadsOutstanding::new(2))?;
    row("tx/payload_read", PayloadRead::<8, 8>::new(5, 536))?;
    row("tx/payload_fifo", PayloadFifo::<8>::new(536))?;
    row("tx/header_fields", HeaderFields::new())?;
    row(
        "tx/ddp_insert",
        DdpInsert::<8, 2, 1>::new(6, 32, 48, 6, 512),
    )?;
    row("tx/mpa_frame", MpaFrame::new())?;
    row("tx/terminate", Terminate::new())?;
    row("tx/ack_timer", AckTimer::<8>::new(6))?;
    row("tx/source_use", SourceUse::<8, 8, 3>::new(6, 2))?;
    row("tx/retire", Retire::<5, 4>::new(3))?;
    row("tx/fault", Fault::new())?;
    row("llp/reliable", Reliable::<8, 2, 5>::new(6, 32, 3))?;
    row("llp/llp_send", LlpSend::new())?;
    row("llp/crc32c", Crc32c::new())?;
    row("llp/loopback", Loopback::default())?;
    row("llp/llp_receive", LlpReceive::<8>::new(2))?;
    row("rx/frame_banks", FrameBanks::<8, 9>::default())?;
    row("rx/mpa_check", MpaCheck::new())?;
    row("rx/ddp_parse", DdpParse::new())?;
    row(
        "rx/receive_context",
        ReceiveContext::<8>::new(Layout::SMALL),
    )?;
    row("rx/read_tracker", ReadTracker::new(Layout::SMALL, 1, 2))?;
    row(
        "rx/receive_prefetch",
        ReceivePrefetch::new(Layout::SMALL, 6),
    )?;
    row("rx/place", Place::<8, 10>::new(Layout::SMALL))?;
    row("rx/payload_write", PayloadWrite::<8, 10>::new())?;
    row("rx/read_handover", ReadHandover::<8>::default())?;
    row("rx/terminate_outbox", TerminateOutbox::<2>::new())?;
    row("rx/completion_report", CompletionReport::new())?;
    row("completion/complete", Complete::<3>::new())?;
    row("completion/cq_table", CqTable::<3, 6>::new())?;
    row("completion/flush", Flush::<2>::new())?;
    row("completion/status_line", StatusLine::default())?;
    row("stream", StreamBuffer::default())?;
    Ok(())
}

/// One block: `path` is its file in `src`, and what else there is to say.
fn row(path: &str, mut block: impl Block) -> Result<CellReport, Box<dyn Error>> {
    block.connect_all();
    let name = path.split(' ').next().unwrap_or(path);
    let top = name.replace('/', "_");
    let text = verilog(&top, &block).map_err(|error| format!("{path}: {error:?}"))?;
    let report = cells(&top, &text)?;
    println!("  {path:32} {report}");
    Ok(report)
}
