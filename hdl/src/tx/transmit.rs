//! The transmit composite: wiring only.
//!
//! Sizes come by const generics: `CA`, `DA`: address bits of context and segment RAM; `MA`: of the finished messages; `P`: of the
//! payload FIFO; `G`, `R`: log2 of log entries and reads; `W`: bits that count up to the queue depth; `L`: bits that count up
//! to the log entries; `U`: address bits of the TPT entries' last uses. [`SmallTransmit`] and [`FullTransmit`] name those of the two configurations.
//!
//! ```text
//! block RAM           Small      Full
//! context             256 x 32   2048 x 32   4 / 16 VIs of 64 / 128 words
//! segments            256 x 32   4096 x 32   two slots a VI of 32 / 128 words
//! payload FIFO        256 x 32    512 x 32   two segments
//! finished messages    32 x 32   1024 x 32
//! last uses           256 x 16   4096 x 16   of each TPT entry by each VI
//! ```

use rnic_abi::config::Config;
use rnic_abi::wire::link::RAW_MAX_BYTES;
use rust_hdl::prelude::*;

use super::ack_timer::AckTimer;
use super::context::Context;
use super::ddp_insert::DdpInsert;
use super::descriptor_fetch::DescriptorFetch;
use super::fault::Fault;
use super::mpa_frame::MpaFrame;
use super::payload_read::PayloadRead;
use super::queue_share::QueueShare;
use super::read_queue::ReadQueue;
use super::reads_outstanding::ReadsOutstanding;
use super::retire::Retire;
use super::scheduler::Scheduler;
use super::slot_share::SlotShare;
use super::source_use::SourceUse;
use super::terminate::Terminate;
use super::vi_count::ViCount;
use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{
    AckEventRx, AckOwedRx, EventTx, FlushViRx, QueueReadTx, QueueStepRx, QueueStepTx,
    ReadClientDataRx, ReadClientRequestTx, SlotFreeTx, SlotReadTx, SourceQueryRx, StepTx, StreamRx,
    StreamTx, TptDrainRx, TptPieceRx, TptRequestTx, ViConfigRx, ViErrorTx,
};
use crate::llp::llp_send::LlpSend;
use crate::llp::reliable::Reliable;

/// Transmit of configuration `Small`.
pub type SmallTransmit = Transmit<8, 8, 5, 8, 2, 1, 4, 3, 8>;
/// Transmit of configuration `Full`.
pub type FullTransmit = Transmit<11, 12, 10, 9, 4, 2, 7, 5, 12>;

/// See the module.
#[derive(LogicBlock)]
pub struct Transmit<
    const CA: usize,
    const DA: usize,
    const MA: usize,
    const P: usize,
    const G: usize,
    const R: usize,
    const W: usize,
    const L: usize,
    const U: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// The board works; else nothing new starts.
    pub enable: Signal<In, Bit>,
    /// VIs with a connection.
    pub connected: Signal<In, Bits<16>>,
    /// Words of VI commands.
    pub vi_config: ViConfigRx,
    /// VIs whose send queue has an entry not yet taken.
    pub send_ready: Signal<In, Bits<16>>,
    /// Reads send queues.
    pub queue_read: QueueReadTx,
    /// Their entries.
    pub queue_data: StreamRx,
    /// An entry was taken.
    pub send_next: QueueStepTx,
    /// An entry is completed.
    pub send_done: QueueStepTx,
    /// Inline messages and message buffers.
    pub slot_read: SlotReadTx,
    /// Slots of a completed ring command.
    pub slot_free: SlotFreeTx,
    /// Raw frames to send.
    pub raw_send: StreamRx,
    /// TPT: 0 descriptors, 1 payload.
    pub request: [TptRequestTx; 2],
    /// TPT: answers.
    pub piece: [TptPieceRx; 2],
    /// TPT: drain.
    pub drain: [TptDrainRx; 2],
    /// Bus reads: 0 descriptors, 1 payload.
    pub read_request: [ReadClientRequestTx; 2],
    /// Their words.
    pub read_data: [ReadClientDataRx; 2],
    /// The peer's acknowledgements.
    pub ack: AckEventRx,
    /// Acknowledgements owed to the peer.
    pub ack_owed: AckOwedRx,
    /// Read Requests of the peers.
    pub read_in: StreamRx,
    /// Read Requests of this board, for Receive.
    pub read_out: StreamTx,
    /// A VI's oldest read has its data.
    pub read_done: QueueStepRx,
    /// Terminates to send.
    pub terminate: StreamRx,
    /// Completion records.
    pub complete: StreamTx,
    /// A VI is broken.
    pub vi_error: ViErrorTx,
    /// Event `rdmar_prot`.
    pub event: EventTx,
    /// Flush: let go of a VI.
    pub stop: FlushViRx,
    /// Is data of a TPT entry unacknowledged?
    pub source_query: SourceQueryRx,
    /// Link frames.
    pub wire_out: StreamTx,
    /// Step `payload_read`.
    pub payload_read: StepTx,
    /// Step `ddp_insert`.
    pub ddp_insert: StepTx,
    /// Step `mpa_frame`.
    pub mpa_frame: StepTx,
    /// Step `llp_send`.
    pub llp_send: StepTx,
    /// Step `descriptor_fetch`.
    pub descriptor_fetch: StepTx,
    /// Counter `link_retransmits`.
    pub retransmits: Signal<Out, Bit>,
    /// Counter `terminates_sent`.
    pub terminates_sent: Signal<Out, Bit>,
    /// Counter `acks_sent`.
    pub acks_sent: Signal<Out, Bit>,
    /// Counter `timeouts`.
    pub timeouts: Signal<Out, Bit>,
    /// Counter `local_protection_errors`.
    pub local_protection_errors: Signal<Out, Bit>,
    /// Something is under way, or not acknowledged yet.
    pub busy: Signal<Out, Bit>,
    scheduler: Scheduler,
    fetch: DescriptorFetch<CA, DA>,
    slots: SlotShare,
    queue: QueueShare,
    context: Context<CA>,
    segments: BlockRam<32, DA>,
    build: DdpInsert<CA, G, R>,
    payload: PayloadRead<DA, P>,
    frame: MpaFrame,
    send: LlpSend,
    reliable: Reliable<CA, G, MA>,
    logged: ViCount<L>,
    sources: SourceUse<CA, U, L>,
    acks: AckTimer<CA>,
    reads: ReadQueue<CA, DA, R>,
    outstanding: ReadsOutstanding,
    terminates: Terminate,
    retire: Retire<MA, W>,
    fault: Fault,
    works: Signal<Local, Bit>,
    live: Signal<Local, Bits<16>>,
    link_idle: Signal<Local, Bit>,
    config_vi: Signal<Local, Bits<8>>,
    vis: Constant<Bits<16>>,
    vi_mask: Constant<Bits<8>>,
}

impl<
        const CA: usize,
        const DA: usize,
        const MA: usize,
        const P: usize,
        const G: usize,
        const R: usize,
        const W: usize,
        const L: usize,
        const U: usize,
    > Transmit<CA, DA, MA, P, G, R, W, L, U>
{
    /// # Panics
    /// If the const generics are not those of `config`.
    pub fn new(config: &Config) -> Self {
        assert_eq!((G, R), (config.log_frames_log2, config.reads_log2));
        assert_eq!(U, config.vis_log2 + config.tptes_log2);
        assert_eq!(MA, config.vis_log2 + config.queue_depth_log2);
        assert_eq!(
            (W, L),
            (config.queue_depth_log2 + 1, config.log_frames_log2 + 1)
        );
        // Context: 32 words, read records, log; segments: the descriptor's, one for each two responses, the address segment.
        let words_log2 = (CA - config.vis_log2) as u32;
        let slot_words_log2 = (DA - config.vis_log2 - 1) as u32;
        let (read_base, log_base) = (32_usize, 32 + (8_usize << R));
        assert!(log_base % (4 << G) == 0 && log_base + (4 << G) <= 1 << words_log2);
        let first_segment = config.max_descriptor_segments;
        assert!(
            (first_segment as usize + (1_usize << R).div_ceil(2) + 1) * 4 <= 1 << slot_words_log2
        );
        let largest_bytes = config.max_segment_bytes.max(RAW_MAX_BYTES as u32);
        block_new!(
            clock reset enable connected vi_config send_ready queue_read queue_data send_next send_done
            slot_read slot_free raw_send request piece drain read_request read_data ack ack_owed
            read_in read_out read_done terminate complete vi_error event stop source_query wire_out
            payload_read ddp_insert mpa_frame llp_send descriptor_fetch retransmits
            terminates_sent acks_sent timeouts local_protection_errors busy slots queue context
            segments frame send terminates fault works live link_idle config_vi;
            vis = (1_u32 << config.vis()) - 1, vi_mask = config.vis() as u32 - 1;
            scheduler = Scheduler::new(),
            fetch = DescriptorFetch::new(words_log2, slot_words_log2, first_segment),
            build = DdpInsert::new(
                words_log2, log_base as u32, read_base as u32, first_segment, config.max_segment_bytes
            ),
            payload = PayloadRead::new(slot_words_log2, largest_bytes),
            reliable = Reliable::new(words_log2, log_base as u32, config.queue_depth_log2 as u32),
            logged = ViCount::new(1 << G),
            sources = SourceUse::new(words_log2, config.vis_log2 as u32),
            acks = AckTimer::new(words_log2),
            reads = ReadQueue::new(config.vis_log2 as u32, words_log2, slot_words_log2, read_base as u32, first_segment),
            outstanding = ReadsOutstanding::new(1 << R),
            retire = Retire::new(config.queue_depth_log2 as u32)
        )
    }
}

impl<
        const CA: usize,
        const DA: usize,
        const MA: usize,
        const P: usize,
        const G: usize,
        const R: usize,
        const W: usize,
        const L: usize,
        const U: usize,
    > Logic for Transmit<CA, DA, MA, P, G, R, W, L, U>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(
            self,
            clock,
            scheduler,
            fetch,
            queue,
            context,
            segments,
            build,
            payload,
            frame,
            send,
            reliable,
            logged,
            sources,
            acks,
            reads,
            outstanding,
            terminates,
            retire,
            fault
        );
        self.scheduler.reset.next = self.reset.val();
        self.fetch.reset.next = self.reset.val();
        self.queue.reset.next = self.reset.val();
        self.build.reset.next = self.reset.val();
        self.payload.reset.next = self.reset.val();
        self.frame.reset.next = self.reset.val();
        self.send.reset.next = self.reset.val();
        self.reliable.reset.next = self.reset.val();
        self.sources.reset.next = self.reset.val();
        self.logged.reset.next = self.reset.val();
        self.acks.reset.next = self.reset.val();
        self.reads.reset.next = self.reset.val();
        self.outstanding.reset.next = self.reset.val();
        self.terminates.reset.next = self.reset.val();
        self.retire.reset.next = self.reset.val();
        self.fault.reset.next = self.reset.val();

        // Nothing new starts while the board is disabled or a VI is being flushed.
        self.works.next = self.enable.val() & !self.scheduler.pause.val();
        self.live.next = bits::<16>(0);
        if self.enable.val() {
            self.live.next = self.connected.val() & self.vis.val();
        }

        // VI numbers have only this configuration's bits from here on, so that synthesis drops the other VIs.
        self.config_vi.next = self.vi_config.vi.val() & self.vi_mask.val();
        // Configuration goes to four blocks; the reliable engine takes its time.
        self.reliable.vi_config.vi.next = self.config_vi.val();
        self.reliable.vi_config.word.next = self.vi_config.word.val();
        self.reliable.vi_config.data.next = self.vi_config.data.val();
        self.reliable.vi_config.valid.next = self.vi_config.valid.val();
        self.vi_config.ready.next = self.reliable.vi_config.ready.val();
        self.scheduler.config_vi.next = self.config_vi.val();
        self.scheduler.config_word.next = self.vi_config.word.val();
        self.scheduler.config_data.next = self.vi_config.data.val();
        self.scheduler.config_valid.next = self.vi_config.valid.val();
        self.outstanding.config_vi.next = self.config_vi.val();
        self.outstanding.config_word.next = self.vi_config.word.val();
        self.outstanding.config_data.next = self.vi_config.data.val();
        self.outstanding.config_valid.next = self.vi_config.valid.val();
        self.retire.config_vi.next = self.config_vi.val();
        self.retire.config_word.next = self.vi_config.word.val();
        self.retire.config_data.next = self.vi_config.data.val();
        self.retire.config_valid.next = self.vi_config.valid.val();

        // Queue entries to records.
        self.fetch.connected.next = self.live.val();
        self.fetch.send_ready.next = self.send_ready.val();
        self.fetch.replaying.next = self.scheduler.replaying.val();
        self.fetch.head.next = self.scheduler.head.val();
        self.fetch.pause.next = !self.works.val();
        self.fetch.again.next = self.build.again.val();
        self.fetch.again_vi.next = self.scheduler.vi.val();
        self.fetch.again_index.next = self.build.again_index.val();
        self.fetch.unload.next = self.scheduler.unload.val();
        self.fetch.unload_vi.next = self.scheduler.vi.val();
        self.fetch.unload_slot.next = self.scheduler.slot.val();
        QueueReadTx::join(&mut self.fetch.queue_read, &mut self.queue.ask[0]);
        QueueReadTx::join(&mut self.retire.queue_read, &mut self.queue.ask[1]);
        StreamTx::join(&mut self.queue.words[0], &mut self.fetch.queue_data);
        StreamTx::join(&mut self.queue.words[1], &mut self.retire.queue_data);
        QueueReadTx::link(&mut self.queue_read, &mut self.queue.queue_read);
        StreamRx::link(&mut self.queue_data, &mut self.queue.queue_data);
        QueueStepTx::link(&mut self.send_next, &mut self.fetch.send_next);
        SlotReadTx::join(&mut self.payload.slot_read, &mut self.slots.ask[0]);
        SlotReadTx::join(&mut self.fetch.slot_read, &mut self.slots.ask[1]);
        SlotReadTx::link(&mut self.slot_read, &mut self.slots.slot_read);
        TptRequestTx::link(&mut self.request[0], &mut self.fetch.request);
        TptPieceRx::link(&mut self.piece[0], &mut self.fetch.piece);
        TptDrainRx::link(&mut self.drain[0], &mut self.fetch.drain);
        ReadClientRequestTx::link(&mut self.read_request[0], &mut self.fetch.read_request);
        ReadClientDataRx::link(&mut self.read_data[0], &mut self.fetch.read_data);
        StepTx::link(&mut self.descriptor_fetch, &mut self.fetch.step);

        // The two RAMs.
        self.context.service_active.next = self.reliable.active.val() | self.sources.active.val();
        self.context.service_read.next = self.sources.read_address.val();
        if self.reliable.active.val() {
            self.context.service_read.next = self.reliable.read_address.val();
        }
        self.context.build_read.next = self.build.read_address.val();
        self.context.fetch_address.next = self.fetch.context_address.val();
        self.context.fetch_data.next = self.fetch.context_data.val();
        self.context.fetch_write.next = self.fetch.context_write.val();
        self.context.ack_address.next = self.acks.address.val();
        self.context.ack_data.next = self.acks.data.val();
        self.context.ack_write.next = self.acks.write.val();
        self.acks.ready.next = self.context.ack_ready.val();
        self.context.service_address.next = self.reliable.write_address.val();
        self.context.service_data.next = self.reliable.write_data.val();
        self.context.service_write.next = self.reliable.write.val();
        self.reliable.write_ready.next = self.context.service_ready.val();
        self.context.build_address.next = self.build.write_address.val();
        self.context.build_data.next = self.build.write_data.val();
        self.context.build_write.next = self.build.write.val();
        self.build.write_ready.next = self.context.build_ready.val();
        self.context.reads_address.next = self.reads.context_address.val();
        self.context.reads_data.next = self.reads.data.val();
        self.context.reads_write.next = self.reads.context_write.val();
        self.reads.context_ready.next = self.context.reads_ready.val();
        self.reliable.read_data.next = self.context.read_data.val();
        self.sources.granted.next = !self.reliable.active.val();
        self.sources.read_data.next = self.context.read_data.val();
        self.build.read_data.next = self.context.read_data.val();
        self.build.run.next = self.context.build_run.val();
        self.reads.segment_ready.next = !self.fetch.segment_write.val();
        self.segments.write_address.next = self.reads.segment_address.val();
        self.segments.write_data.next = self.reads.data.val();
        if self.fetch.segment_write.val() {
            self.segments.write_address.next = self.fetch.segment_address.val();
            self.segments.write_data.next = self.fetch.segment_data.val();
        }
        self.segments.write_enable.next =
            self.fetch.segment_write.val() | self.reads.segment_write.val();
        self.segments.read_address.next = self.payload.segment_address.val();
        self.payload.segment_data.next = self.segments.read_data.val();

        // What is built next.
        self.scheduler.connected.next = self.live.val();
        self.scheduler.loaded0.next = self.fetch.loaded0.val();
        self.scheduler.loaded1.next = self.fetch.loaded1.val();
        self.scheduler.fence0.next = self.fetch.fence0.val();
        self.scheduler.fence1.next = self.fetch.fence1.val();
        self.scheduler.read0.next = self.fetch.read0.val();
        self.scheduler.read1.next = self.fetch.read1.val();
        self.scheduler.at_once0.next = self.fetch.at_once0.val();
        self.scheduler.at_once1.next = self.fetch.at_once1.val();
        self.scheduler.reads_open.next = self.outstanding.nonzero.val();
        self.scheduler.reads_full.next = self.outstanding.full.val();
        self.scheduler.responses.next = self.reads.pending.val();
        self.scheduler.log_full.next = self.logged.full.val();
        self.scheduler.logged.next = self.logged.nonzero.val();
        self.scheduler.ack_due.next = self.acks.due.val();
        self.scheduler.ack_owed.next = self.acks.any_owed.val();
        self.scheduler.nak.next = self.acks.nak.val();
        self.scheduler.replay_start.next = self.reliable.replay_start.val();
        self.scheduler.replay_end.next = self.reliable.replay_end.val();
        self.scheduler.replay_vi.next = self.reliable.vi.val();
        self.scheduler.terminate_waits.next = self.terminates.waits.val();
        self.scheduler.terminate_vi.next = self.terminates.vi.val() & self.vi_mask.val();
        self.scheduler.raw_waits.next = self.raw_send.valid.val();
        self.scheduler.raw_left.next = self.send.raw_left.val();
        self.scheduler.done.next = self.build.done.val();
        self.scheduler.failed.next = self.build.failed.val();
        self.scheduler.failed_response.next = self.build.failed_response.val();
        self.scheduler.status.next = self.build.status.val();
        self.scheduler.ends.next = self.build.ends.val();
        self.scheduler.error.next = self.payload.job_error.val();
        self.scheduler.refused_ready.next = self.terminates.refused_ready.val();
        self.scheduler.ask_done.next = self.reliable.ask_done.val();
        self.scheduler.forget_done.next = self.reliable.forget_done.val();
        self.scheduler.stop.vi.next = self.stop.vi.val() & self.vi_mask.val();
        self.scheduler.stop.valid.next = self.stop.valid.val();
        self.stop.ready.next = self.scheduler.stop.ready.val();
        self.link_idle.next = self.payload.idle.val()
            & self.frame.idle.val()
            & self.send.idle.val()
            & !self.build.busy.val();
        self.scheduler.link_idle.next = self.link_idle.val();
        self.scheduler.pipes_idle.next =
            self.link_idle.val() & self.fetch.idle.val() & self.retire.idle.val();

        // Header build.
        self.build.unsettled.next = self.fetch.unsettled.val();
        self.build.start.next = self.scheduler.start.val();
        self.build.kind.next = self.scheduler.kind.val();
        self.build.vi.next = self.scheduler.vi.val();
        self.build.slot.next = self.scheduler.slot.val();
        self.build.at_once.next = self.scheduler.at_once.val();
        self.build.nak.next = self.scheduler.said_nak.val();
        self.build.alive.next = self.scheduler.alive.val();
        self.build.again_done.next = self.fetch.again_done.val();
        self.build.raw_bytes.next = bit_cast::<16, 32>(self.raw_send.data.val());
        StreamTx::join(&mut self.terminates.out, &mut self.build.terminate);
        StreamRx::link(&mut self.terminate, &mut self.terminates.terminate);
        self.terminates.refused.next = self.scheduler.refused.val();
        self.terminates.refused_vi.next = self.scheduler.refused_vi.val();
        self.terminates.refused_code.next = self.scheduler.refused_code.val();
        EventTx::link(&mut self.event, &mut self.terminates.event);
        StepTx::link(&mut self.ddp_insert, &mut self.build.step);

        // Payload.
        self.payload.job_vi.next = self.scheduler.vi.val();
        self.payload.job_valid.next = self.build.job_valid.val();
        self.payload.job_mode.next = self.build.job_mode.val();
        self.payload.job_slot.next = self.build.job_slot.val();
        self.payload.job_segment.next = self.build.job_segment.val();
        self.payload.job_offset.next = self.build.job_offset.val();
        self.payload.job_bytes.next = self.build.job_bytes.val();
        self.payload.job_response.next = self.build.job_response.val();
        self.payload.job_last.next = self.build.job_last.val();
        self.payload.job_again.next = self.build.job_again.val();
        self.payload.job_command.next = self.build.job_command.val();
        self.payload.job_index.next = self.build.job_index.val();
        self.build.job_ready.next = self.payload.job_ready.val();
        self.build.job_refused.next = self.payload.job_refused.val();
        self.payload.raw_data.next = self.raw_send.data.val();
        self.payload.raw_valid.next = self.raw_send.valid.val();
        self.raw_send.ready.next = self.payload.raw_ready.val() | self.send.raw_left.val();
        self.payload.link_idle.next = self.frame.idle.val();
        TptRequestTx::link(&mut self.request[1], &mut self.payload.request);
        TptPieceRx::link(&mut self.piece[1], &mut self.payload.piece);
        TptDrainRx::link(&mut self.drain[1], &mut self.payload.drain);
        ReadClientRequestTx::link(&mut self.read_request[1], &mut self.payload.read_request);
        ReadClientDataRx::link(&mut self.read_data[1], &mut self.payload.read_data);
        StreamTx::link(&mut self.read_out, &mut self.payload.read_out);

        // Frames.
        self.frame.header_data.next = self.build.out_data.val();
        self.frame.header_last.next = self.build.out_last.val();
        self.frame.header_valid.next = self.build.out_valid.val();
        self.build.out_ready.next = self.frame.header_ready.val();
        self.frame.header_payload.next = self.build.out_payload.val();
        self.frame.header_tail.next = self.build.out_tail.val();
        self.frame.payload_data.next = self.payload.out_data.val();
        self.frame.payload_last.next = self.payload.out_last.val();
        self.frame.payload_error.next = self.payload.out_error.val();
        self.frame.payload_valid.next = self.payload.out_valid.val();
        self.payload.out_ready.next = self.frame.payload_ready.val();
        self.send.data.next = self.frame.out_data.val();
        self.send.last.next = self.frame.out_last.val();
        self.send.spoilt.next = self.frame.out_spoilt.val();
        self.send.valid.next = self.frame.out_valid.val();
        self.frame.out_ready.next = self.send.ready.val();
        StreamTx::link(&mut self.wire_out, &mut self.send.wire_out);
        StepTx::link(&mut self.payload_read, &mut self.frame.payload_step);
        StepTx::link(&mut self.mpa_frame, &mut self.frame.step);
        StepTx::link(&mut self.llp_send, &mut self.send.step);

        // Acknowledgements, both ways.
        self.acks.ack_owed.vi.next = self.ack_owed.vi.val() & self.vi_mask.val();
        self.acks.ack_owed.sequence.next = self.ack_owed.sequence.val();
        self.acks.ack_owed.now.next = self.ack_owed.now.val();
        self.acks.ack_owed.nak.next = self.ack_owed.nak.val();
        self.acks.ack_owed.valid.next = self.ack_owed.valid.val();
        self.acks.taken.next = self.build.ack_taken.val();
        self.acks.taken_vi.next = self.scheduler.vi.val();
        self.acks.taken_nak.next = self.build.ack_nak.val();
        self.reliable.ack.vi.next = self.ack.vi.val() & self.vi_mask.val();
        self.reliable.ack.sequence.next = self.ack.sequence.val();
        self.reliable.ack.nak.next = self.ack.nak.val();
        self.reliable.ack.valid.next = self.ack.valid.val();
        self.ack.ready.next = self.reliable.ack.ready.val();
        self.reliable.slow_tick.next = self.acks.slow_tick.val();
        self.reliable.build_idle.next = !self.scheduler.building.val();
        self.reliable.connected.next = self.connected.val() & self.vis.val();
        self.reliable.logged.next = self.logged.nonzero.val();
        self.reliable.replaying.next = self.scheduler.replaying.val();
        self.reliable.ask.next = self.scheduler.ask.val();
        self.reliable.ask_advance.next = self.scheduler.ask_advance.val();
        self.reliable.ask_vi.next = self.scheduler.vi.val();
        self.reliable.ask_position.next = self.build.replayed_position.val();
        self.reliable.forget.next = self.scheduler.forget.val();
        self.reliable.forget_vi.next = self.scheduler.clear_vi.val();
        self.logged.up.next = self.scheduler.log_up.val();
        self.logged.up_vi.next = self.scheduler.vi.val();
        self.logged.down.next = self.reliable.popped.val();
        self.logged.down_vi.next = self.reliable.vi.val();

        // What an invalidate must not take away.
        SourceQueryRx::link(&mut self.source_query, &mut self.sources.query);
        self.sources.used.next = self.payload.used.val();
        self.sources.index.next = self.payload.used_index.val();
        self.sources.vi.next = self.scheduler.vi.val();
        self.sources.frame.next = self.build.frame.val();
        self.sources.building.next = self.scheduler.building.val();
        self.sources.look_count.next = self.logged.look_count.val();
        self.logged.look_vi.next = self.sources.look_vi.val();

        // Reads, both ways.
        StreamRx::link(&mut self.read_in, &mut self.reads.read_in);
        self.reads.begun.next = self.scheduler.response_begun.val();
        self.reads.begun_vi.next = self.scheduler.vi.val();
        self.reads.free.next = self.reliable.response_done.val();
        self.reads.free_vi.next = self.reliable.vi.val();
        self.outstanding.issued.next = self.payload.issued.val();
        self.outstanding.issued_vi.next = self.scheduler.vi.val();
        self.outstanding.issued_last.next = self.build.job_last.val();
        self.outstanding.read_done.vi.next = self.read_done.vi.val() & self.vi_mask.val();
        self.outstanding.read_done.valid.next = self.read_done.valid.val();

        // Completions and faults.
        self.retire.pause.next = !self.works.val();
        self.retire.finished.next = self.reliable.finished.val();
        self.retire.finished_vi.next = self.reliable.vi.val();
        self.retire.finished_at.next = self.reliable.finished_at.val();
        self.retire.finished_data.next = self.reliable.finished_data.val();
        self.retire.reads_done.next = self.outstanding.descriptor_done.val();
        self.retire.reads_done_vi.next = self.outstanding.descriptor_vi.val();
        self.retire.failing.next = self.scheduler.failing.val();
        self.retire.fail_low.next = self.scheduler.fail_low.val();
        self.retire.fail_high.next = self.scheduler.fail_high.val();
        StreamTx::link(&mut self.complete, &mut self.retire.complete);
        QueueStepTx::link(&mut self.send_done, &mut self.retire.send_done);
        SlotFreeTx::link(&mut self.slot_free, &mut self.retire.slot_free);
        ViErrorTx::join(&mut self.build.vi_error, &mut self.fault.fault[0]);
        ViErrorTx::join(&mut self.reliable.vi_error, &mut self.fault.fault[1]);
        ViErrorTx::join(&mut self.frame.vi_error, &mut self.fault.fault[2]);
        ViErrorTx::join(&mut self.retire.vi_error, &mut self.fault.fault[3]);
        ViErrorTx::link(&mut self.vi_error, &mut self.fault.vi_error);
        self.fetch.clear.next = self.scheduler.clear.val();
        self.fetch.clear_vi.next = self.scheduler.clear_vi.val();
        self.logged.clear.next = self.scheduler.clear.val();
        self.logged.clear_vi.next = self.scheduler.clear_vi.val();
        self.acks.clear.next = self.scheduler.clear.val();
        self.acks.clear_vi.next = self.scheduler.clear_vi.val();
        self.reads.clear.next = self.scheduler.clear.val();
        self.reads.clear_vi.next = self.scheduler.clear_vi.val();
        self.outstanding.clear.next = self.scheduler.clear.val();
        self.outstanding.clear_vi.next = self.scheduler.clear_vi.val();
        self.retire.clear.next = self.scheduler.clear.val();
        self.retire.clear_vi.next = self.scheduler.clear_vi.val();

        // Counters.
        self.retransmits.next = self.build.retransmitted.val();
        self.terminates_sent.next = self.build.terminate_sent.val();
        self.acks_sent.next = self.build.ack_sent.val();
        self.timeouts.next = self.reliable.timeout.val();
        self.local_protection_errors.next =
            self.fetch.protection_error.val() | self.payload.protection_error.val();
        self.busy.next = !self.link_idle.val()
            | !self.fetch.idle.val()
            | !self.retire.idle.val()
            | self.scheduler.building.val()
            | self.reliable.busy.val()
            | self.logged.nonzero.val().any()
            | self.acks.any_owed.val().any()
            | self.outstanding.nonzero.val().any();
    }
}
