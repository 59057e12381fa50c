//! The blocks of the transmit stage, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_hdl::llp::llp_send::LlpSend;
use rnic_hdl::llp::reliable::Reliable;
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
use rnic_hdl::tx::vi_count::ViCount;

alone! {
    vi_count = ViCount::<5>::new(16), small ViCount::<3>::new(4); never []; |_b, _random| {};
    context = Context::<11>::new(), small Context::<8>::new(); never []; |_b, _random| {};
    ack_timer = AckTimer::<11>::new(7), small AckTimer::<8>::new(6); never []; |_b, _random| {};
    descriptor_fetch = DescriptorFetch::<11, 12>::new(7, 7, 16), small DescriptorFetch::<8, 8>::new(6, 5, 6); never []; |_b, _random| {};
    reads_outstanding = ReadsOutstanding::new(4), small ReadsOutstanding::new(2); never []; |_b, _random| {};
    read_queue = ReadQueue::<11, 12, 2>::new(4, 7, 7, 32, 16), small ReadQueue::<8, 8, 1>::new(2, 6, 5, 32, 6); never []; |_b, _random| {};
    scheduler = Scheduler::new(); never []; |_b, _random| {};
    ddp_insert = DdpInsert::<11, 4, 2>::new(7, 64, 32, 16, 1024), small DdpInsert::<8, 2, 1>::new(6, 48, 32, 6, 512); never []; |_b, _random| {};
    payload_fifo = PayloadFifo::<9>::new(1024), small PayloadFifo::<8>::new(536); never []; |_b, _random| {};
    payload_read = PayloadRead::<12, 9>::new(7, 1024), small PayloadRead::<8, 8>::new(5, 536); never []; |_b, _random| {};
    mpa_frame = MpaFrame::new(); never []; |_b, _random| {};
    llp_send = LlpSend::new(); never []; |_b, _random| {};
    reliable = Reliable::<11, 4, 10>::new(7, 64, 6), small Reliable::<8, 2, 5>::new(6, 48, 3); never []; |_b, _random| {};
    terminate = Terminate::new(); never []; |_b, _random| {};
    queue_share = QueueShare::new(); never []; |_b, _random| {};
    fault = Fault::new(); never []; |_b, _random| {};
    source_use = SourceUse::<11, 12, 5>::new(7, 4), small SourceUse::<8, 8, 3>::new(6, 2); never []; |_b, _random| {};
    retire = Retire::<10, 7>::new(6), small Retire::<5, 4>::new(3); never []; |_b, _random| {};
    unclocked slot_share = SlotShare::default(); never []; |_b, _random| {};
    unclocked header_fields = HeaderFields::new(); never []; |_b, _random| {};
}
