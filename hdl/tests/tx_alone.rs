//! The blocks of the transmit stage, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::{alone, alone_unclocked};
use rnic_abi::command::vi_queues;
use rnic_abi::wire::link;
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
    vi_count = ViCount::<5>::new(16), small ViCount::<3>::new(4);
    context = Context::<11>::new(), small Context::<8>::new();
    ack_timer = AckTimer::<11>::new(7), small AckTimer::<8>::new(6);
    descriptor_fetch = DescriptorFetch::<11, 12>::new(7, 7, 16), small DescriptorFetch::<8, 8>::new(6, 5, 6),
        never ["queue_read$receive", "request$access", "request$last_of_message"];
    reads_outstanding = ReadsOutstanding::new(4), small ReadsOutstanding::new(2);
    read_queue = ReadQueue::<11, 12, 2>::new(4, 7, 7, 32, 16), small ReadQueue::<8, 8, 1>::new(2, 6, 5, 32, 6);
    scheduler = Scheduler::new(),
        with |b, random, _| {
            b.connected.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0xFFFF, 0x7EF0]).into();
            b.stop.valid.next = random.chance(0.1);
            b.terminate_waits.next = random.chance(0.05);
            b.raw_waits.next = random.chance(0.1);
            b.failed.next = random.chance(0.1);
            b.replay_start.next = random.chance(0.05);
            b.config_word.next = random.pick(&[4_u64, 5]).into();
            b.config_data.next = (random.pick(&[1_u64, 2]) << vi_queues::RELIABILITY_SHIFT).into();
        };
    ddp_insert = DdpInsert::<11, 4, 2>::new(7, 64, 32, 16, 1024), small DdpInsert::<8, 2, 1>::new(6, 48, 32, 6, 512),
        never ["vi_error$event"];
    payload_fifo = PayloadFifo::<9>::new(1024), small PayloadFifo::<8>::new(536);
    payload_read = PayloadRead::<12, 9>::new(7, 1024), small PayloadRead::<8, 8>::new(5, 536),
        with |b, random, before| {
            // A job stays until it is taken.
            b.job_mode.next = random.pick(&[1_u64, 1, 2, 3, 3, 4]).into();
            b.job_offset.next = random.below(64).into();
            b.job_bytes.next = random.below(600).into();
            if !before.moved("job_") {
                b.job_valid.next = true;
                b.job_mode.next = b.job_mode.val();
                b.job_offset.next = b.job_offset.val();
                b.job_bytes.next = b.job_bytes.val();
            }
            b.raw_data.next = random.pick(&[0_u64, 64, 500, 0xFFFF_FFF0]).into();
            b.piece.bytes.next = random.below(300).into();
        };
    mpa_frame = MpaFrame::new(),
        never ["vi_error$event"],
        with |b, random, _| if random.chance(0.5) {
            // Of a data frame, whose failed payload breaks the VI.
            b.header_data.next = (random.below(1 << 24) << 8 | u64::from(link::TYPE_DATA)).into();
        };
    llp_send = LlpSend::new();
    reliable = Reliable::<11, 4, 10>::new(7, 64, 6), small Reliable::<8, 2, 5>::new(6, 48, 3),
        never ["vi_error$event"],
        with |b, random, _| {
            // Seldom somebody acknowledges, and what is in the log has often been sent several times.
            b.ack.valid.next = random.chance(0.2);
            b.connected.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0x0F0F]).into();
            b.logged.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0xF0F3]).into();
            if random.chance(0.3) {
                b.read_data.next = (random.below(1 << 16) | random.pick(&[0, 7, 8]) << 16).into();
            }
        };
    terminate = Terminate::new(),
        never ["event$event"];
    queue_share = QueueShare::new(),
        never ["queue_read$receive"];
    fault = Fault::new();
    source_use = SourceUse::<11, 12, 5>::new(7, 4), small SourceUse::<8, 8, 3>::new(6, 2);
    retire = Retire::<10, 7>::new(6), small Retire::<5, 4>::new(3),
        never ["queue_read$receive", "queue_read$which", "queue_read$index", "vi_error$event"];
}

alone_unclocked! {
    slot_share = SlotShare::default();
    header_fields = HeaderFields::new();
}
