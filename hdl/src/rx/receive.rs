//! The receive composite: link frames in, host memory, completions and acknowledgements out. Wires only.
//!
//! ```text
//!  frames --> LlpReceive --> FrameBanks ----> Place --> write, complete, read_in, event
//!               |                              +-- context --> TerminateOutbox --> terminate, vi_error
//!               |  ^  MpaCheck                 |  ^
//!               |  +---- placed ---------------+  +-- ReceiveContext <-- ReceivePrefetch <-- queue, DMA read, TPT
//!               +--> ack, ack_owed                                   <-- ReadTracker <------ read_out
//! ```
//! Latency, idle TPT: last wire word to last payload DMA word 12 cycles and the words of the payload.

use rnic_abi::config::Config;
use rust_hdl::prelude::*;

use crate::interfaces::{
    AckEventTx, AckOwedRx, AckOwedTx, DmaWriteTx, EventTx, FlushViRx, QueueReadTx, QueueStepTx,
    ReadClientDataRx, ReadClientRequestTx, ReleaseRequestTx, ReleaseResultRx, StepTx, StreamRx,
    StreamTx, TptDrainRx, TptPieceRx, TptRequestTx, ViConfigRx, ViErrorTx,
};
use crate::llp::llp_receive::LlpReceive;
use crate::rx::frame_banks::FrameBanks;
use crate::rx::mpa_check::MpaCheck;
use crate::rx::place::Place;
use crate::rx::read_tracker::ReadTracker;
use crate::rx::receive_context::{Layout, ReceiveContext};
use crate::rx::receive_prefetch::ReceivePrefetch;
use crate::rx::terminate_outbox::TerminateOutbox;

/// See the module. `V` is log2 of the VIs, `F` of the words in a frame bank, `F1` is F + 1, `P` is F + 2, `C` is log2 of the
/// words of the receive context.
#[derive(LogicBlock)]
pub struct Receive<const V: usize, const F: usize, const F1: usize, const P: usize, const C: usize>
{
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Bit i: VI i is connected.
    pub connected: Signal<In, Bits<16>>,
    /// Words of VI commands; word 8 starts the VI anew.
    pub vi_config: ViConfigRx,
    /// Link frames off the wire.
    pub frames: StreamRx,
    /// TPT client 0: payload.
    pub place_request: TptRequestTx,
    /// Its pieces.
    pub place_piece: TptPieceRx,
    /// Its accesses under way.
    pub place_drain: TptDrainRx,
    /// TPT client 1: receive descriptors.
    pub prefetch_request: TptRequestTx,
    /// Its pieces.
    pub prefetch_piece: TptPieceRx,
    /// Its accesses under way.
    pub prefetch_drain: TptDrainRx,
    /// Releases an STag, or looks at it.
    pub stag_release: ReleaseRequestTx,
    /// The answer.
    pub release_result: ReleaseResultRx,
    /// Reads receive descriptors.
    pub read_request: ReadClientRequestTx,
    /// Their bytes.
    pub read_data: ReadClientDataRx,
    /// Writes payload.
    pub write: DmaWriteTx,
    /// Bit i: VI i's receive queue has an entry that was not taken.
    pub receive_ready: Signal<In, Bits<16>>,
    /// Asks for a receive queue's next entry.
    pub queue_read: QueueReadTx,
    /// The entry.
    pub queue_data: StreamRx,
    /// An entry was taken.
    pub receive_next: QueueStepTx,
    /// A descriptor is complete.
    pub receive_done: QueueStepTx,
    /// What the peer acknowledges.
    pub ack: AckEventTx,
    /// What this side acknowledges.
    pub ack_owed: AckOwedTx,
    /// Read Requests of the peer.
    pub read_in: StreamTx,
    /// Read Requests of this side.
    pub read_out: StreamRx,
    /// A VI's oldest Read Request has all its data.
    pub read_done: QueueStepTx,
    /// Terminates to send.
    pub terminate: StreamTx,
    /// Completion records.
    pub complete: StreamTx,
    /// Breaks a VI.
    pub vi_error: ViErrorTx,
    /// Raises an event.
    pub event: EventTx,
    /// A VI to let go.
    pub stop: FlushViRx,
    /// Raw ring.
    pub raw_ring_iova: Signal<In, Bits<48>>,
    /// Its entries, 0 for off.
    pub raw_ring_entries: Signal<In, Bits<32>>,
    /// Entries consumed by the driver.
    pub raw_consumed: Signal<In, Bits<32>>,
    /// Step.
    pub llp_receive: StepTx,
    /// Step.
    pub mpa_check: StepTx,
    /// Step.
    pub ddp_parse: StepTx,
    /// Step.
    pub place: StepTx,
    /// Step, of receive descriptors.
    pub descriptor_fetch: StepTx,
    /// Counter pulse.
    pub link_header_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub link_duplicates: Signal<Out, Bit>,
    /// Counter pulse.
    pub link_gaps: Signal<Out, Bit>,
    /// Counter pulse.
    pub link_unknown_vi: Signal<Out, Bit>,
    /// Counter pulse.
    pub mpa_crc_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub ddp_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub rdmap_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub remote_protection_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub local_protection_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub invalidate_refusals: Signal<Out, Bit>,
    /// Counter pulse.
    pub receive_queue_empty: Signal<Out, Bit>,
    /// Counter pulse.
    pub terminates_received: Signal<Out, Bit>,
    /// Counter pulse.
    pub raw_received: Signal<Out, Bit>,
    /// Counter pulse.
    pub raw_dropped: Signal<Out, Bit>,
    /// Something is under way.
    pub busy: Signal<Out, Bit>,

    link: LlpReceive<F>,
    check: MpaCheck,
    banks: FrameBanks<F, F1>,
    context: ReceiveContext<C>,
    tracker: ReadTracker,
    prefetch: ReceivePrefetch,
    engine: Place<F, P>,
    outbox: TerminateOutbox<V>,
    vi_mask: Constant<Bits<8>>,
}

/// Receive of `Small`: four VIs, banks of 256 words, 64 context words a VI.
pub type SmallReceive = Receive<2, 8, 9, 10, 8>;
/// Receive of `Full`: sixteen VIs, banks of 512 words, 128 context words a VI.
pub type FullReceive = Receive<4, 9, 10, 11, 11>;

impl<const V: usize, const F: usize, const F1: usize, const P: usize, const C: usize>
    Receive<V, F, F1, P, C>
{
    /// The composite for `config`, whose exponents the type repeats.
    pub fn new(config: &Config) -> Self {
        let layout = if C - V == usize::from(Layout::SMALL.words_log2) {
            Layout::SMALL
        } else {
            Layout::FULL
        };
        assert_eq!(V, config.vis_log2);
        assert_eq!(C, V + usize::from(layout.words_log2));
        assert_eq!((F1, P), (F + 1, F + 2));
        assert!(4 << F > config.max_segment_bytes + 28);
        Self {
            link: LlpReceive::new(config.vis_log2),
            context: ReceiveContext::new(layout),
            tracker: ReadTracker::new(layout, config.reads_log2, config.vis_log2),
            prefetch: ReceivePrefetch::new(layout, config.max_descriptor_segments),
            engine: Place::new(layout),
            outbox: TerminateOutbox::new(),
            vi_mask: Constant::new(((1u64 << V) - 1).into()),
            clock: Default::default(),
            reset: Default::default(),
            connected: Default::default(),
            vi_config: Default::default(),
            frames: Default::default(),
            place_request: Default::default(),
            place_piece: Default::default(),
            place_drain: Default::default(),
            prefetch_request: Default::default(),
            prefetch_piece: Default::default(),
            prefetch_drain: Default::default(),
            stag_release: Default::default(),
            release_result: Default::default(),
            read_request: Default::default(),
            read_data: Default::default(),
            write: Default::default(),
            receive_ready: Default::default(),
            queue_read: Default::default(),
            queue_data: Default::default(),
            receive_next: Default::default(),
            receive_done: Default::default(),
            ack: Default::default(),
            ack_owed: Default::default(),
            read_in: Default::default(),
            read_out: Default::default(),
            read_done: Default::default(),
            terminate: Default::default(),
            complete: Default::default(),
            vi_error: Default::default(),
            event: Default::default(),
            stop: Default::default(),
            raw_ring_iova: Default::default(),
            raw_ring_entries: Default::default(),
            raw_consumed: Default::default(),
            llp_receive: Default::default(),
            mpa_check: Default::default(),
            ddp_parse: Default::default(),
            place: Default::default(),
            descriptor_fetch: Default::default(),
            link_header_errors: Default::default(),
            link_duplicates: Default::default(),
            link_gaps: Default::default(),
            link_unknown_vi: Default::default(),
            mpa_crc_errors: Default::default(),
            ddp_errors: Default::default(),
            rdmap_errors: Default::default(),
            remote_protection_errors: Default::default(),
            local_protection_errors: Default::default(),
            invalidate_refusals: Default::default(),
            receive_queue_empty: Default::default(),
            terminates_received: Default::default(),
            raw_received: Default::default(),
            raw_dropped: Default::default(),
            busy: Default::default(),
            check: Default::default(),
            banks: Default::default(),
        }
    }
}

impl<const V: usize, const F: usize, const F1: usize, const P: usize, const C: usize> Logic
    for Receive<V, F, F1, P, C>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, link, check, banks, context, tracker, prefetch, engine, outbox);
        self.link.reset.next = self.reset.val();
        self.banks.reset.next = self.reset.val();
        self.context.reset.next = self.reset.val();
        self.tracker.reset.next = self.reset.val();
        self.prefetch.reset.next = self.reset.val();
        self.engine.reset.next = self.reset.val();
        self.outbox.reset.next = self.reset.val();

        // VI commands: a word is taken when link table and context both take it.
        self.context.vi_config.vi.next = self.vi_config.vi.val() & self.vi_mask.val();
        self.context.vi_config.word.next = self.vi_config.word.val();
        self.context.vi_config.data.next = self.vi_config.data.val();
        self.context.vi_config.valid.next = self.vi_config.valid.val();
        self.link.vi_config.vi.next = self.vi_config.vi.val();
        self.link.vi_config.word.next = self.vi_config.word.val();
        self.link.vi_config.data.next = self.vi_config.data.val();
        self.link.vi_config.valid.next =
            self.vi_config.valid.val() & self.context.vi_config.ready.val();
        self.vi_config.ready.next =
            self.link.vi_config.ready.val() & self.context.vi_config.ready.val();
        self.context.config_taken.next = self.vi_config.valid.val()
            & (self.link.vi_config.ready.val() & self.context.vi_config.ready.val());

        // Link frames into banks.
        StreamRx::link(&mut self.frames, &mut self.link.frames);
        AckEventTx::link(&mut self.ack, &mut self.link.ack);
        AckOwedTx::link(&mut self.ack_owed, &mut self.link.ack_owed);
        AckOwedRx::join(&mut self.link.placed, &mut self.engine.owed);
        StepTx::link(&mut self.llp_receive, &mut self.link.step);
        StepTx::link(&mut self.mpa_check, &mut self.check.step);
        self.link.connected.next = self.connected.val();
        self.link.bank_free.next = self.banks.bank_free.val();
        self.link.length_good.next = self.check.length_good.val();
        self.link.settled.next = self.banks.settled.val();
        self.check.first.next = self.link.first.val();
        self.check.word.next = self.link.word.val();
        self.check.raw.next = self.link.raw.val();
        self.check.words.next = self.link.words.val();
        self.check.close.next = self.link.close.val();
        self.check.verdict.next = self.link.verdict.val();
        self.check.vi.next = self.link.vi.val();
        self.banks.open.next = self.link.open.val();
        self.banks.vi.next = self.link.vi.val();
        self.banks.raw.next = self.link.raw.val();
        self.banks.close.next = self.link.close.val();
        self.banks.verdict.next = self.link.verdict.val();
        self.banks.arrived.next = self.link.arrived.val();
        self.banks.write.next = self.link.write.val();
        self.banks.address.next = self.link.address.val();
        self.banks.word.next = self.link.word.val();
        self.banks.asked_vi.next = self.link.notice_vi.val();

        // Banks to the engine.
        self.banks.read_address.next = self.engine.bank_address.val();
        self.banks.release_bank.next = self.engine.release_bank.val();
        self.engine.bank_data.next = self.banks.read_data.val();
        self.engine.frame_valid.next = self.banks.frame_valid.val();
        self.engine.frame_vi.next = self.banks.frame_vi.val();
        self.engine.frame_raw.next = self.banks.frame_raw.val();
        self.engine.frame_verdict.next = self.banks.frame_verdict.val();
        self.engine.frame_arrived.next = self.banks.frame_arrived.val();
        self.engine.connected.next = self.connected.val();
        self.engine.receive_ready.next = self.receive_ready.val();
        self.engine.raw_ring_iova.next = self.raw_ring_iova.val();
        self.engine.raw_ring_entries.next = self.raw_ring_entries.val();
        self.engine.raw_consumed.next = self.raw_consumed.val();

        // Context: the engine reads and writes, prefetch and tracker write.
        self.context.read_vi.next = self.engine.vi.val();
        self.context.read_index.next = self.engine.context_index.val();
        self.context.place_reads.next = self.engine.context_read.val();
        self.engine.context_data.next = self.context.data.val();
        self.context.place_write.next = self.engine.context_write.val();
        self.context.place_index.next = self.engine.context_write_index.val();
        self.context.place_data.next = self.engine.context_write_data.val();
        self.engine.context_write_ready.next = self.context.place_ready.val();
        self.engine.unreliable.next = self.context.unreliable.val();
        self.engine.advertise.next = self.context.advertise.val();
        self.engine.started.next = self.context.started.val();
        self.engine.started_vi.next = self.context.started_vi.val();
        self.context.prefetch_write.next = self.prefetch.write.val();
        self.context.prefetch_vi.next = self.prefetch.write_vi.val();
        self.context.prefetch_index.next = self.prefetch.write_index.val();
        self.context.prefetch_data.next = self.prefetch.write_data.val();
        self.context.reads_write.next = self.tracker.write.val();
        self.context.reads_vi.next = self.tracker.write_vi.val();
        self.context.reads_index.next = self.tracker.write_index.val();
        self.context.reads_data.next = self.tracker.write_data.val();
        self.tracker.write_ready.next = self.context.reads_ready.val();

        // Reads of this side.
        StreamRx::link(&mut self.read_out, &mut self.tracker.read_out);
        QueueStepTx::link(&mut self.read_done, &mut self.engine.read_done);
        self.tracker.vi.next = self.engine.vi.val();
        self.tracker.retire.next = self.engine.read_retire.val();
        self.tracker.forget.next = self.engine.let_go.val();
        self.engine.read_any.next = self.tracker.any.val();
        self.engine.read_oldest.next = self.tracker.oldest.val();

        // Receive descriptors.
        TptRequestTx::link(&mut self.prefetch_request, &mut self.prefetch.request);
        TptPieceRx::link(&mut self.prefetch_piece, &mut self.prefetch.piece);
        TptDrainRx::link(&mut self.prefetch_drain, &mut self.prefetch.drain);
        ReadClientRequestTx::link(&mut self.read_request, &mut self.prefetch.read_request);
        ReadClientDataRx::link(&mut self.read_data, &mut self.prefetch.read_data);
        QueueReadTx::link(&mut self.queue_read, &mut self.prefetch.queue_read);
        StreamRx::link(&mut self.queue_data, &mut self.prefetch.queue_data);
        QueueStepTx::link(&mut self.receive_next, &mut self.prefetch.receive_next);
        QueueStepTx::link(&mut self.receive_done, &mut self.engine.receive_done);
        StepTx::link(&mut self.descriptor_fetch, &mut self.prefetch.step);
        self.prefetch.connected.next = self.connected.val();
        self.prefetch.receive_ready.next = self.receive_ready.val();
        self.prefetch.hold.next = self.stop.valid.val();
        self.prefetch.held_vi.next = self.stop.vi.val().get_bits::<4>(0);
        self.prefetch.consume.next = self.engine.consume.val();
        self.prefetch.consumed_vi.next = self.engine.vi.val();
        self.prefetch.let_go.next = self.engine.let_go.val();
        self.engine.have.next = self.prefetch.have.val();
        self.engine.spare.next = self.prefetch.spare.val();
        self.engine.fetching.next = self.prefetch.fetching.val();
        self.engine.fetching_vi.next = self.prefetch.fetching_vi.val();

        // Broken VIs.
        self.outbox.put.next = self.engine.break_vi.val();
        self.outbox.drop.next = self.engine.let_go.val();
        self.outbox.vi.next = self.engine.vi.val();
        self.engine.breaking.next = self.outbox.sending.val();
        self.engine.breaking_vi.next = self.outbox.sending_vi.val();
        self.context.outbox_vi.next = self.outbox.sending_vi.val();
        self.context.outbox_index.next = self.outbox.read_index.val();
        self.outbox.read_granted.next = self.context.outbox_granted.val();
        self.outbox.data.next = self.context.data.val();
        StreamTx::link(&mut self.terminate, &mut self.outbox.terminate);
        ViErrorTx::link(&mut self.vi_error, &mut self.outbox.vi_error);

        // The engine's neighbours.
        TptRequestTx::link(&mut self.place_request, &mut self.engine.request);
        TptPieceRx::link(&mut self.place_piece, &mut self.engine.piece);
        TptDrainRx::link(&mut self.place_drain, &mut self.engine.drain);
        ReleaseRequestTx::link(&mut self.stag_release, &mut self.engine.stag_release);
        ReleaseResultRx::link(&mut self.release_result, &mut self.engine.release_result);
        DmaWriteTx::link(&mut self.write, &mut self.engine.write);
        StreamTx::link(&mut self.read_in, &mut self.engine.read_in);
        StreamTx::link(&mut self.complete, &mut self.engine.complete);
        EventTx::link(&mut self.event, &mut self.engine.event);
        self.engine.stop.vi.next = self.stop.vi.val() & self.vi_mask.val();
        self.engine.stop.valid.next = self.stop.valid.val();
        self.stop.ready.next = self.engine.stop.ready.val();
        StepTx::link(&mut self.ddp_parse, &mut self.engine.parsed);
        StepTx::link(&mut self.place, &mut self.engine.placed);

        // Counters.
        self.link_header_errors.next = self.link.link_header_errors.val();
        self.link_duplicates.next = self.link.link_duplicates.val();
        self.link_gaps.next = self.link.link_gaps.val();
        self.link_unknown_vi.next = self.link.link_unknown_vi.val();
        self.mpa_crc_errors.next = self.check.mpa_crc_errors.val();
        self.ddp_errors.next = self.engine.ddp_errors.val();
        self.rdmap_errors.next = self.engine.rdmap_errors.val();
        self.remote_protection_errors.next = self.engine.remote_protection_errors.val();
        self.local_protection_errors.next =
            self.engine.local_protection_errors.val() | self.prefetch.local_protection_errors.val();
        self.invalidate_refusals.next = self.engine.invalidate_refusals.val();
        self.receive_queue_empty.next = self.engine.receive_queue_empty.val();
        self.terminates_received.next = self.engine.terminates_received.val();
        self.raw_received.next = self.engine.raw_received.val();
        self.raw_dropped.next = self.engine.raw_dropped.val();
        self.busy.next = (self.link.busy.val() | self.engine.busy.val())
            | (self.banks.frame_valid.val() | self.prefetch.fetching.val())
            | self.outbox.busy.val();
    }
}
