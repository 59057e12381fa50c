//! The blocks of the receive stage, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
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

alone! {
    llp_receive = LlpReceive::<9>::new(4), small LlpReceive::<8>::new(2); never []; |_b, _random| {};
    mpa_check = MpaCheck::new(); never []; |_b, _random| {};
    frame_banks = FrameBanks::<9, 10>::default(), small FrameBanks::<8, 9>::default(); never []; |_b, _random| {};
    ddp_parse = DdpParse::new(); never []; |_b, _random| {};
    receive_context = ReceiveContext::<11>::new(Layout::FULL), small ReceiveContext::<8>::new(Layout::SMALL); never []; |_b, _random| {};
    read_tracker = ReadTracker::new(Layout::FULL, 2, 4), small ReadTracker::new(Layout::SMALL, 1, 2); never []; |_b, _random| {};
    receive_prefetch = ReceivePrefetch::<4>::new(Layout::FULL, 16), small ReceivePrefetch::<2>::new(Layout::SMALL, 6); never []; |_b, _random| {};
    payload_write = PayloadWrite::<9, 11>::new(), small PayloadWrite::<8, 10>::new(); never []; |_b, _random| {};
    completion_report = CompletionReport::new(); never []; |_b, _random| {};
    read_handover = ReadHandover::<9>::default(), small ReadHandover::<8>::default(); never []; |_b, _random| {};
    terminate_outbox = TerminateOutbox::<4>::new(), small TerminateOutbox::<2>::new(); never []; |_b, _random| {};
    place = Place::<9, 11>::new(Layout::FULL), small Place::<8, 10>::new(Layout::SMALL); never []; |_b, _random| {};
    receive = FullReceive::new(&FULL), small SmallReceive::new(&SMALL); never []; |_b, _random| {};
}
