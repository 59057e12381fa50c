//! Step `place`: the receive engine. It takes frames in order from the banks, finds out what each may do, and does it.
//!
//! Store and forward: nothing is written, released, completed or sent before the frame's verdict. What changes nothing runs
//! while the frame still arrives: the header is read and compared, a Send's target found, an invalidated STag looked at.
//!
//! ```text
//!  frame --> ReadHeader --> Classify --+--------------------------------------------> AwaitVerdict (Write, errors, others)
//!                                      +-- Peek, StoreReply --+                          |
//!                                      +-- AwaitDescriptor ---+--> ReadTarget --------> AwaitVerdict (Send, Read Response)
//!  AwaitVerdict --> Request --> Book --> Move --(next segment)--> PickSegment
//!                                         +--(last)--> Close
//!  any error --> Fail (complete what it hit) --> Refuse (to `terminate_outbox`; unreliable: event) --> Release
//! ```
//! | message | target |
//! |---|---|
//! | RDMA Write | the STag and offset it names, remote write |
//! | Read Response | the VI's oldest outstanding read, local write |
//! | Send, the first that invalidates a one-shot with a reply buffer | the reply buffer, local write |
//! | other Sends | the segments of the head descriptor, local write |
//! | Read Request | none: a record to transmit |
//! | raw frame | the raw ring |
//!
//! The next frame's header is read while the last completion record leaves, and a Send's descriptor state with it.
//!
//! Latency, frame verdict to first DMA word: the TPT's and five cycles. `hdl/tests/rx_receive.rs` prints the sustained figures.

use rnic_abi::command::access;
use rnic_abi::descriptor::status;
use rnic_abi::error::{terminate, CommandError, TptError};
use rnic_abi::event::Event;
use rnic_abi::wire::{
    MPA_LENGTH_BYTES, READ_REQUEST_BYTES, TAGGED_HEADER_BYTES, UNTAGGED_HEADER_BYTES,
};
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    AckOwedTx, DmaWriteTx, EventTx, FlushViRx, QueueStepTx, ReleaseRequestTx, ReleaseResultRx,
    StepTx, StreamTx, TptDrainRx, TptPieceRx, TptRequestTx,
};
use crate::llp::llp_receive::verdict;
use crate::rx::completion_report::{record, CompletionReport};
use crate::rx::ddp_parse::DdpParse;
use crate::rx::payload_write::PayloadWrite;
use crate::rx::read_handover::ReadHandover;
use crate::rx::receive_context::{word, Layout};

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum PlaceState {
    /// Wait for a frame or for a VI to be stopped.
    Rest,
    /// Give the header to the parser word by word, as it arrives.
    ReadHeader,
    /// Decide what the frame is.
    Classify,
    /// Ask the TPT what the invalidated STag stands for, if Classify could not.
    AskPeek,
    /// Learn it, and keep reply buffer and context.
    StoreReply,
    /// Wait for the head descriptor.
    AwaitDescriptor,
    /// Read its state.
    ReadDescriptor,
    /// Find the segment that takes the next bytes.
    PickSegment,
    /// Read the target's group from the context.
    ReadTarget,
    /// Wait until the frame is known to be good.
    AwaitVerdict,
    /// Ask the TPT.
    Request,
    /// Write what the context must hold after this frame, while the TPT looks.
    Book,
    /// Let the payload be written.
    Move,
    /// Release the STag that the message invalidates.
    AskRelease,
    /// Learn whether it is released.
    AwaitRelease,
    /// Finish the completion record, the read, the descriptor; say that the frame is placed.
    Close,
    /// Report the one-shot that ended without a reply buffer.
    ReportOneShot,
    /// Give the Read Request to transmit.
    GiveRead,
    /// Complete in error what the failed message was to fill.
    Fail,
    /// Write the Terminate into the context, from where it is sent while the next frames are placed.
    Refuse,
    /// Unreliable VIs only: raise the event.
    RaiseEvent,
    /// Let the bank go.
    Release,
    /// Wait for the end of a frame that nobody wants.
    AwaitDropped,
    /// Find room in the raw ring.
    PlaceRaw,
    /// Write the raw frame.
    MoveRaw,
    /// Let go of a VI.
    Stop,
}

/// See the module. `F` is log2 of the words in a bank, `P` is F + 2.
#[derive(LogicBlock)]
pub struct Place<const F: usize, const P: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Bit i: VI i is connected.
    pub connected: Signal<In, Bits<16>>,
    /// Bit i: VI i is unreliable.
    pub unreliable: Signal<In, Bits<16>>,
    /// Bit i: VI i may be told advertised STags.
    pub advertise: Signal<In, Bits<16>>,
    /// `started_vi` starts anew.
    pub started: Signal<In, Bit>,
    /// Which.
    pub started_vi: Signal<In, Bits<4>>,
    /// A frame is here or arriving.
    pub frame_valid: Signal<In, Bit>,
    /// Its VI.
    pub frame_vi: Signal<In, Bits<4>>,
    /// It is a raw frame.
    pub frame_raw: Signal<In, Bit>,
    /// `llp_receive::verdict`, 0 while it arrives.
    pub frame_verdict: Signal<In, Bits<2>>,
    /// How many words may be read.
    pub frame_arrived: Signal<In, Bits<3>>,
    /// Word of the bank.
    pub bank_address: Signal<Out, Bits<F>>,
    /// The word asked for in the cycle before.
    pub bank_data: Signal<In, Bits<32>>,
    /// The frame is done with.
    pub release_bank: Signal<Out, Bit>,
    /// VI of the frame in work.
    pub vi: Signal<Out, Bits<4>>,
    /// The receive context's read port is in use.
    pub context_read: Signal<Out, Bit>,
    /// Receive context: word to read.
    pub context_index: Signal<Out, Bits<7>>,
    /// The word asked for in the cycle before.
    pub context_data: Signal<In, Bits<32>>,
    /// Write a word.
    pub context_write: Signal<Out, Bit>,
    /// Which.
    pub context_write_index: Signal<Out, Bits<7>>,
    /// Value.
    pub context_write_data: Signal<Out, Bits<32>>,
    /// It is taken.
    pub context_write_ready: Signal<In, Bit>,
    /// The VI has an outstanding read.
    pub read_any: Signal<In, Bit>,
    /// Context word of its oldest one.
    pub read_oldest: Signal<In, Bits<7>>,
    /// That one is done.
    pub read_retire: Signal<Out, Bit>,
    /// VI `vi` is stopped: forget its reads, its descriptors and its Terminate.
    pub let_go: Signal<Out, Bit>,
    /// The oldest read of the VI has all its data.
    pub read_done: QueueStepTx,
    /// Bit i: VI i's head descriptor is here.
    pub have: Signal<In, Bits<16>>,
    /// Bit i: and it is in the spare place of the context.
    pub spare: Signal<In, Bits<16>>,
    /// Bit i: VI i's queue has an entry.
    pub receive_ready: Signal<In, Bits<16>>,
    /// A descriptor fetch is under way.
    pub fetching: Signal<In, Bit>,
    /// For this VI.
    pub fetching_vi: Signal<In, Bits<4>>,
    /// The descriptor of the VI is used up.
    pub consume: Signal<Out, Bit>,
    /// And completed.
    pub receive_done: QueueStepTx,
    /// TPT client 0.
    pub request: TptRequestTx,
    /// Its pieces.
    pub piece: TptPieceRx,
    /// Its accesses under way.
    pub drain: TptDrainRx,
    /// Releases an STag, or looks at it.
    pub stag_release: ReleaseRequestTx,
    /// The answer.
    pub release_result: ReleaseResultRx,
    /// To host memory.
    pub write: DmaWriteTx,
    /// What is placed.
    pub owed: AckOwedTx,
    /// Read Requests for transmit.
    pub read_in: StreamTx,
    /// Completion records.
    pub complete: StreamTx,
    /// VI `vi` is to be broken; its Terminate is in the context.
    pub break_vi: Signal<Out, Bit>,
    /// A VI's Terminate is being sent.
    pub breaking: Signal<In, Bit>,
    /// Whose.
    pub breaking_vi: Signal<In, Bits<4>>,
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
    /// Header parsed.
    pub parsed: StepTx,
    /// Last payload byte handed over.
    pub placed: StepTx,
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
    /// Not resting.
    pub busy: Signal<Out, Bit>,

    state: DFF<PlaceState>,
    parse: DdpParse,
    payload: PayloadWrite<F, P>,
    report: CompletionReport,
    handover: ReadHandover<F>,

    frame: DFF<Bits<4>>,
    raw_frame: DFF<Bit>,
    /// Next word to read, of the header or of a group; and of the one whose data is here, if any.
    index: DFF<Bits<3>>,
    due: DFF<Bit>,
    due_index: DFF<Bits<3>>,
    decoded: DFF<Bit>,
    /// A Send has begun and not ended: its MO is not 0.
    partial: DFF<Bit>,
    /// Message bytes up to and with this frame; of a raw frame its bytes.
    total: DFF<Bits<32>>,
    /// Payload bytes of this frame not yet placed.
    left: DFF<Bits<16>>,
    /// Those of them that the target takes.
    chunk: DFF<Bits<16>>,
    /// First word of the target's group.
    target: DFF<Bits<7>>,
    cursor: DFF<Bits<5>>,
    segments: DFF<Bits<5>>,
    reply: DFF<Bit>,
    one_shot: DFF<Bit>,
    replying: DFF<Bits<16>>,
    broken: DFF<Bits<16>>,
    /// The verdict has been acted upon.
    admitted: DFF<Bit>,
    opened: DFF<Bit>,
    /// The release of the STag is asked for.
    asked: DFF<Bit>,
    released: DFF<Bit>,
    fault: DFF<Bit>,
    /// The fault hits a descriptor or a one-shot, which completes with it.
    fails: DFF<Bit>,
    code: DFF<Bits<16>>,
    event_code: DFF<Bits<4>>,
    /// VIA status bits 7:0, without DONE.
    error_status: DFF<Bits<8>>,
    error_code: DFF<Bits<8>>,
    carry: DFF<Bit>,
    /// The VI's head descriptor was here in the cycle before: the context shows its state.
    here: DFF<Bit>,
    accessing: DFF<Bit>,
    epoch: DFF<Bit>,
    raw_produced: DFF<Bits<16>>,

    header_done: Signal<Local, Bit>,
    last_index: Signal<Local, Bits<3>>,
    issue: Signal<Local, Bit>,
    base: Signal<Local, Bits<7>>,
    is_untagged: Signal<Local, Bit>,
    is_terminate: Signal<Local, Bit>,
    is_final: Signal<Local, Bit>,
    wants_context: Signal<Local, Bit>,
    index_wanted: Signal<Local, Bits<7>>,
    now_unreliable: Signal<Local, Bit>,
    empty: Signal<Local, Bit>,
    addend: Signal<Local, Bits<32>>,
    carry_in: Signal<Local, Bit>,
    wide_left: Signal<Local, Bits<34>>,
    wide_right: Signal<Local, Bits<34>>,
    wide_sum: Signal<Local, Bits<34>>,
    sum: Signal<Local, Bits<32>>,
    fits: Signal<Local, Bit>,
    exact: Signal<Local, Bit>,
    group_index: Signal<Local, Bits<7>>,
    more_left: Signal<Local, Bits<16>>,
    protection_code: Signal<Local, Bits<16>>,
    raw_bytes: Signal<Local, Bits<16>>,
    raw_used: Signal<Local, Bits<16>>,
    raw_index: Signal<Local, Bits<16>>,
    raw_offset: Signal<Local, Bits<48>>,
    raw_iova: Signal<Local, Bits<48>>,
    give_up: Signal<Local, Bit>,
    /// What several states do, written once below them.
    picks: Signal<Local, Bit>,
    judges: Signal<Local, Bit>,
    /// The answer to the release is here, and nothing else is to be done.
    releases: Signal<Local, Bit>,
    takes_target: Signal<Local, Bit>,
    peeks: Signal<Local, Bit>,
    before: Signal<Local, Bits<3>>,
    invalidates_now: Signal<Local, Bit>,
    asks_early: Signal<Local, Bit>,
    closes: Signal<Local, Bit>,
    stays_reply: Signal<Local, Bit>,
    bad_descriptor: Signal<Local, Bit>,
    now_cursor: Signal<Local, Bits<5>>,
    now_segments: Signal<Local, Bits<5>>,
    now_left: Signal<Local, Bits<16>>,
    is_spare: Signal<Local, Bit>,
    state_at: Signal<Local, Bits<7>>,
    segments_at: Signal<Local, Bits<7>>,
    /// The peer has sent a Terminate: none goes back.
    silent: Signal<Local, Bit>,
    /// Word of the Terminate that is written in the next cycle.
    next_word: Signal<Local, Bits<3>>,
    terminate_head: Signal<Local, Bits<32>>,
    stop_breaks: Signal<Local, Bit>,
    record_kind: Signal<Local, Bits<2>>,

    all_ones: Constant<Bits<32>>,
    verdict_good: Constant<Bits<2>>,
    verdict_dropped: Constant<Bits<2>>,
    tagged_start: Constant<Bits<P>>,
    untagged_start: Constant<Bits<P>>,
    raw_start: Constant<Bits<P>>,
    reply_group: Constant<Bits<7>>,
    segment_groups: Constant<Bits<7>>,
    spare_groups: Constant<Bits<7>>,
    state_word: Constant<Bits<7>>,
    spare_state_word: Constant<Bits<7>>,
    mo_word: Constant<Bits<7>>,
    msn_word: Constant<Bits<7>>,
    requests_base: Constant<Bits<7>>,
    terminates_base: Constant<Bits<7>>,
    context_word: Constant<Bits<7>>,
    request_bytes: Constant<Bits<16>>,
    remote_write: Constant<Bits<4>>,
    local_write: Constant<Bits<4>>,
    record_receive: Constant<Bits<2>>,
    record_one_shot: Constant<Bits<2>>,
    record_raw: Constant<Bits<2>>,
    status_done: Constant<Bits<32>>,
    status_length: Constant<Bits<8>>,
    status_protection: Constant<Bits<8>>,
    status_transport: Constant<Bits<8>>,
    error_too_long: Constant<Bits<8>>,
    error_protection: Constant<Bits<8>>,
    error_released: Constant<Bits<8>>,
    event_receive: Constant<Bits<4>>,
    event_write: Constant<Bits<4>>,
    event_write_data: Constant<Bits<4>>,
    event_empty: Constant<Bits<4>>,
    event_invalidate: Constant<Bits<4>>,
    event_terminate: Constant<Bits<4>>,
    tpt_ptag: Constant<Bits<4>>,
    tpt_vi: Constant<Bits<4>>,
    tpt_access: Constant<Bits<4>>,
    tpt_bounds: Constant<Bits<4>>,
    tpt_wrap: Constant<Bits<4>>,
    code_crc: Constant<Bits<16>>,
    code_catastrophic: Constant<Bits<16>>,
    code_stag: Constant<Bits<16>>,
    code_not_associated: Constant<Bits<16>>,
    code_bounds: Constant<Bits<16>>,
    code_wrap: Constant<Bits<16>>,
    code_access: Constant<Bits<16>>,
    code_too_long: Constant<Bits<16>>,
    code_no_buffer: Constant<Bits<16>>,
    code_invalidate: Constant<Bits<16>>,
}

impl<const F: usize, const P: usize> Place<F, P> {
    /// The engine for one context layout.
    pub fn new(layout: Layout) -> Self {
        assert_eq!(P, F + 2);
        block_new!(
            clock reset connected unreliable advertise started started_vi frame_valid frame_vi
            frame_raw frame_verdict frame_arrived bank_address bank_data release_bank vi
            context_index context_data context_write context_write_index context_write_data
            context_write_ready read_any read_oldest read_retire let_go read_done have spare
            receive_ready fetching fetching_vi consume receive_done request piece drain stag_release
            release_result write owed read_in break_vi breaking breaking_vi context_read complete event stop raw_ring_iova
            raw_ring_entries raw_consumed parsed placed ddp_errors rdmap_errors
            remote_protection_errors local_protection_errors invalidate_refusals receive_queue_empty
            terminates_received raw_received raw_dropped busy state parse payload report handover
            frame raw_frame index due due_index decoded partial total left chunk target cursor
            segments reply one_shot replying broken admitted opened asked released fault fails code
            event_code error_status error_code carry here accessing epoch raw_produced header_done
            last_index issue base is_untagged is_terminate is_final wants_context index_wanted
            now_unreliable empty addend carry_in wide_left wide_right wide_sum sum fits exact
            group_index more_left protection_code raw_bytes raw_used raw_index raw_offset raw_iova
            give_up picks judges releases peeks takes_target before invalidates_now asks_early closes stays_reply bad_descriptor now_cursor now_segments now_left is_spare state_at
            segments_at silent next_word terminate_head stop_breaks record_kind;
            all_ones = u32::MAX,
            verdict_good = verdict::GOOD,
            verdict_dropped = verdict::DROPPED,
            tagged_start = (MPA_LENGTH_BYTES + TAGGED_HEADER_BYTES) as u64,
            untagged_start = (MPA_LENGTH_BYTES + UNTAGGED_HEADER_BYTES) as u64,
            raw_start = 4u64,
            reply_group = layout.reply,
            segment_groups = layout.segments,
            spare_groups = layout.spare_segments,
            spare_state_word = word::SPARE_STATE,
            state_word = word::DESCRIPTOR_STATE,
            mo_word = word::MO,
            msn_word = word::MSN,
            requests_base = word::REQUESTS,
            terminates_base = word::TERMINATES,
            context_word = word::ONE_SHOT_CONTEXT,
            request_bytes = READ_REQUEST_BYTES as u64,
            remote_write = access::REMOTE_WRITE,
            local_write = access::LOCAL_WRITE,
            record_receive = record::RECEIVE,
            record_one_shot = record::ONE_SHOT,
            record_raw = record::RAW,
            status_done = status::DONE | status::OP_RECEIVE,
            status_length = status::LENGTH_ERROR,
            status_protection = status::PROTECTION_ERROR,
            status_transport = status::TRANSPORT_ERROR,
            error_too_long = CommandError::TooLong as u8,
            error_protection = CommandError::Protection as u8,
            error_released = CommandError::AlreadyReleased as u8,
            event_receive = Event::RecvError as u8,
            event_write = Event::RdmawProt as u8,
            event_write_data = Event::RdmawData as u8,
            event_empty = Event::RecvqEmpty as u8,
            event_invalidate = Event::InvalidateRefused as u8,
            event_terminate = Event::TerminateReceived as u8,
            tpt_ptag = TptError::Ptag as u8,
            tpt_vi = TptError::Vi as u8,
            tpt_access = TptError::Access as u8,
            tpt_bounds = TptError::Bounds as u8,
            tpt_wrap = TptError::Wrap as u8,
            code_crc = terminate::MPA_CRC,
            code_catastrophic = terminate::RDMAP_CATASTROPHIC,
            code_stag = terminate::DDP_INVALID_STAG,
            code_not_associated = terminate::DDP_NOT_ASSOCIATED,
            code_bounds = terminate::DDP_BOUNDS,
            code_wrap = terminate::DDP_WRAP,
            code_access = terminate::RDMAP_ACCESS,
            code_too_long = terminate::DDP_TOO_LONG,
            code_no_buffer = terminate::DDP_NO_BUFFER,
            code_invalidate = terminate::RDMAP_CANNOT_INVALIDATE,
        )
    }
}

impl<const F: usize, const P: usize> Logic for Place<F, P> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, parse, payload, report, handover);
        dff_setup!(
            self,
            clock,
            state,
            frame,
            raw_frame,
            index,
            due,
            due_index,
            decoded,
            partial,
            total,
            left,
            chunk,
            target,
            cursor,
            segments,
            reply,
            one_shot,
            replying,
            broken,
            admitted,
            opened,
            asked,
            released,
            fault,
            fails,
            code,
            event_code,
            error_status,
            error_code,
            carry,
            here,
            accessing,
            epoch,
            raw_produced
        );
        self.payload.reset.next = self.reset.val();
        self.report.reset.next = self.reset.val();
        self.handover.reset.next = self.reset.val();
        TptPieceRx::link(&mut self.piece, &mut self.payload.piece);
        DmaWriteTx::link(&mut self.write, &mut self.payload.write);
        StreamTx::link(&mut self.complete, &mut self.report.complete);
        StreamTx::link(&mut self.read_in, &mut self.handover.read_in);

        self.vi.next = self.frame.q.val();
        self.now_unreliable.next = self.unreliable.val().get_bit(self.frame.q.val().index());
        self.is_untagged.next = !self.parse.tagged.val();
        self.is_terminate.next = !((self.parse.is_send.val() | self.parse.is_write.val())
            | (self.parse.is_request.val() | self.parse.is_response.val()));
        self.is_final.next = self.left.q.val() == self.chunk.q.val();

        self.is_spare.next = self.spare.val().get_bit(self.frame.q.val().index());
        self.state_at.next = self.state_word.val();
        self.segments_at.next = self.segment_groups.val();
        if self.is_spare.val() {
            self.state_at.next = self.spare_state_word.val();
            self.segments_at.next = self.spare_groups.val();
        }
        self.here.d.next = self.have.val().get_bit(self.frame.q.val().index());

        // The parser sees the bank, and what the context expects.
        self.parse.word.next = self.bank_data.val();
        self.parse.index.next = self.due_index.q.val();
        self.parse.take.next = self.due.q.val() & (self.state.q.val() == PlaceState::ReadHeader);
        self.parse.expected.next = self.context_data.val();
        self.parse.unreliable.next = self.now_unreliable.val();
        self.takes_target.next = self.due.q.val()
            & ((self.state.q.val() == PlaceState::ReadTarget)
                | (self.state.q.val() == PlaceState::StoreReply));
        self.parse.load.next = self.takes_target.val();
        self.before.next = self.index.q.val() - 1;
        self.parse.load_index.next = self.due_index.q.val().get_bits::<2>(0);
        self.parse.load_data.next = self.context_data.val();
        self.base.next = bits::<7>(0);
        if self.parse.is_request.val() {
            self.base.next = self.requests_base.val();
        }
        if self.is_terminate.val() {
            self.base.next = self.terminates_base.val();
        }
        if self.parse.is_response.val() {
            self.base.next = self.read_oldest.val();
        }
        self.last_index.next = bits::<3>(3);
        if self.is_untagged.val() {
            self.last_index.next = bits::<3>(4);
        }
        self.header_done.next = (self.due.q.val() & self.decoded.q.val())
            & (self.due_index.q.val() == self.last_index.val());

        // One adder, on the context's word.
        self.addend.next = bit_cast::<32, 16>(self.parse.bytes.val());
        self.carry_in.next = false;
        if self.takes_target.val() {
            self.addend.next = bit_cast::<32, 16>(self.left.q.val()) ^ self.all_ones.val();
            self.carry_in.next = true;
        }
        if self.state.q.val() == PlaceState::Book {
            self.addend.next = bit_cast::<32, 16>(self.chunk.q.val());
            if self.parse.last.val() & self.is_untagged.val() {
                self.addend.next = bits::<32>(0);
                self.carry_in.next = true;
            } else if self.index.q.val() == bits::<3>(2) {
                self.addend.next = bits::<32>(0);
                self.carry_in.next = self.carry.q.val();
            } else if self.index.q.val() == bits::<3>(3) {
                self.addend.next = bit_cast::<32, 16>(self.chunk.q.val()) ^ self.all_ones.val();
                self.carry_in.next = true;
            }
        }
        self.wide_left.next =
            (bit_cast::<34, 32>(self.context_data.val()) << bits::<34>(1)) | bits::<34>(1);
        self.wide_right.next = bit_cast::<34, 32>(self.addend.val()) << bits::<34>(1);
        if self.carry_in.val() {
            self.wide_right.next =
                (bit_cast::<34, 32>(self.addend.val()) << bits::<34>(1)) | bits::<34>(1);
        }
        self.wide_sum.next = self.wide_left.val() + self.wide_right.val();
        self.sum.next = self.wide_sum.val().get_bits::<32>(1);
        self.fits.next = self.wide_sum.val().get_bit(33);
        self.exact.next = !self.sum.val().any();

        // The TPT.
        self.request.stag.next = self.parse.stag.val();
        self.request.to.next = (bit_cast::<64, 32>(self.parse.high.val()) << bits::<64>(32))
            | bit_cast::<64, 32>(self.parse.low.val());
        self.request.length.next = self.chunk.q.val();
        self.request.access.next = self.local_write.val();
        if self.parse.is_write.val() {
            self.request.access.next = self.remote_write.val();
        }
        self.request.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.request.last_of_message.next = self.parse.last.val() & self.is_final.val();
        self.request.valid.next = self.state.q.val() == PlaceState::Request;
        self.drain.busy.next = bits::<2>(0);
        if self.accessing.q.val() {
            self.drain.busy.next = bits::<2>(1);
            if self.epoch.q.val() {
                self.drain.busy.next = bits::<2>(2);
            }
        }
        self.stag_release.stag.next = self.parse.field.val();
        self.stag_release.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.stag_release.force.next = false;
        // A message that was not begun by an earlier segment.
        self.peeks.next = (self.parse.is_send.val() & self.parse.invalidates.val())
            & !(self.partial.q.val() | self.parse.refused.val());
        self.stag_release.peek.next = (self.state.q.val() == PlaceState::AskPeek)
            | (self.state.q.val() == PlaceState::Classify);
        // The release looks for the entry while the last bytes move; its drain waits for them, since they are an access.
        self.invalidates_now.next = (self.parse.is_send.val() & self.parse.last.val())
            & (self.parse.invalidates.val() & !self.released.q.val());
        self.asks_early.next = (self.state.q.val() == PlaceState::Move)
            & (self.is_final.val() & self.payload.granted.val())
            & (self.invalidates_now.val() & !self.asked.q.val());
        self.stag_release.valid.next = (self.state.q.val() == PlaceState::AskPeek)
            | ((self.state.q.val() == PlaceState::Classify) & self.peeks.val())
            | ((self.state.q.val() == PlaceState::AskRelease) & !self.asked.q.val())
            | self.asks_early.val();
        self.release_result.ready.next = false;
        self.protection_code.next = self.code_stag.val();
        if (self.payload.error.val() == self.tpt_ptag.val())
            | (self.payload.error.val() == self.tpt_vi.val())
        {
            self.protection_code.next = self.code_not_associated.val();
        }
        if self.payload.error.val() == self.tpt_access.val() {
            self.protection_code.next = self.code_access.val();
        }
        if self.payload.error.val() == self.tpt_bounds.val() {
            self.protection_code.next = self.code_bounds.val();
        }
        if self.payload.error.val() == self.tpt_wrap.val() {
            self.protection_code.next = self.code_wrap.val();
        }

        // Payload.
        self.payload.data.next = self.bank_data.val();
        self.payload.seek.next = (self.state.q.val() == PlaceState::Classify)
            | (self.state.q.val() == PlaceState::PlaceRaw);
        self.payload.position.next = self.untagged_start.val();
        if self.parse.tagged.val() {
            self.payload.position.next = self.tagged_start.val();
        }
        if self.raw_frame.q.val() {
            self.payload.position.next = self.raw_start.val();
        }
        self.payload.start.next = false;
        self.payload.raw.next = self.state.q.val() == PlaceState::MoveRaw;
        self.payload.raw_bytes.next = self.total.q.val().get_bits::<13>(0);
        self.raw_bytes.next = self.bank_data.val().get_bits::<16>(0);
        self.raw_used.next = self.raw_produced.q.val() - self.raw_consumed.val().get_bits::<16>(0);
        self.raw_index.next = self.raw_produced.q.val()
            & (self.raw_ring_entries.val().get_bits::<16>(0) - bits::<16>(1));
        self.raw_offset.next = bit_cast::<48, 16>(self.raw_index.val()) << bits::<48>(10);
        self.raw_iova.next = self.raw_ring_iova.val() + self.raw_offset.val();
        self.payload.raw_iova.next = self.raw_iova.val();

        // Completion record.
        self.report.open.next = false;
        self.report.finish.next = false;
        self.record_kind.next = self.record_receive.val();
        if self.reply.q.val() | (self.state.q.val() == PlaceState::ReportOneShot) {
            self.record_kind.next = self.record_one_shot.val();
        }
        if self.raw_frame.q.val() {
            self.record_kind.next = self.record_raw.val();
        }
        self.report.kind.next = self.record_kind.val();
        self.report.spare.next = self.is_spare.val();
        self.report.vi.next = self.frame.q.val();
        self.report.stag.next = self.parse.field.val();
        self.report.advertised.next = (self.parse.advertised.val() & !self.parse.invalidates.val())
            & (self.advertise.val().get_bit(self.frame.q.val().index()) & !self.raw_frame.q.val());
        self.report.invalidated.next = (self.parse.invalidates.val() & !self.raw_frame.q.val())
            & (self.released.q.val() | !self.fails.q.val());
        self.report.solicited.next = self.parse.solicited.val() & !self.raw_frame.q.val();
        self.report.raw_index.next = self.raw_index.val();
        self.report.length.next = self.total.q.val();
        self.report.status.next =
            self.status_done.val() | bit_cast::<32, 8>(self.error_status.q.val());
        self.report.error.next = self.error_code.q.val();

        // The Terminate's first word: VI, header words, tagged, nothing to send, event.
        self.terminate_head.next = (bit_cast::<32, 4>(self.event_code.q.val()) << bits::<32>(28))
            | (bit_cast::<32, 4>(self.frame.q.val()) | bits::<32>(0x500));
        if self.parse.tagged.val() {
            self.terminate_head.next = (bit_cast::<32, 4>(self.event_code.q.val())
                << bits::<32>(28))
                | (bit_cast::<32, 4>(self.frame.q.val()) | bits::<32>(0x1400));
        }
        if self.event_code.q.val() == self.event_terminate.val() {
            self.terminate_head.next = (bit_cast::<32, 4>(self.event_code.q.val())
                << bits::<32>(28))
                | bits::<32>(0x0800_0000);
        }

        // Read Requests.
        self.handover.start.next = !self.due.q.val() & (self.state.q.val() == PlaceState::GiveRead);
        self.handover.vi.next = self.frame.q.val();
        self.handover.swapped.next = self.parse.swapped.val();

        // Who reads the bank.
        self.bank_address.next = self.payload.address.val();
        if (self.state.q.val() == PlaceState::Rest) | (self.state.q.val() == PlaceState::PlaceRaw) {
            self.bank_address.next = bits::<F>(0);
        }
        if self.state.q.val() == PlaceState::ReadHeader {
            self.bank_address.next = bit_cast::<F, 3>(self.index.q.val());
        }
        if self.state.q.val() == PlaceState::GiveRead {
            self.bank_address.next = self.handover.address.val();
        }
        // The Terminate's word 3 is the FPDU's word 0.
        self.next_word.next = self.index.q.val();
        if self.report.idle.val() & self.context_write_ready.val() {
            self.next_word.next = self.index.q.val() + bits::<3>(1);
        }
        if self.state.q.val() == PlaceState::Refuse {
            self.bank_address.next = bit_cast::<F, 3>(self.next_word.val()) - bits::<F>(3);
        }

        // Pulses and handshakes, off unless a state says otherwise.
        self.release_bank.next = false;
        self.context_write.next = false;
        self.context_write_index.next = self.mo_word.val();
        self.context_write_data.next = self.sum.val();
        self.wants_context.next = false;
        self.index_wanted.next = bits::<7>(0);
        self.group_index.next = bits::<7>(0);
        self.read_retire.next = false;
        self.let_go.next = false;
        self.read_done.valid.next = false;
        self.read_done.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.consume.next = false;
        self.receive_done.valid.next = false;
        self.receive_done.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.owed.valid.next = false;
        self.owed.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.owed.sequence.next = self.bank_data.val();
        self.owed.now.next = false;
        self.owed.nak.next = false;
        self.stop.ready.next = false;
        self.break_vi.next = false;
        self.silent.next = self.event_code.q.val() == self.event_terminate.val();
        self.stop_breaks.next =
            self.breaking.val() & (self.breaking_vi.val() == self.stop.vi.val().get_bits::<4>(0));
        self.event.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.event.event.next = self.event_code.q.val();
        self.event.valid.next = self.state.q.val() == PlaceState::RaiseEvent;
        self.parsed.fire.next = false;
        self.parsed.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.placed.fire.next = false;
        self.placed.vi.next = bit_cast::<8, 4>(self.frame.q.val());
        self.ddp_errors.next = false;
        self.rdmap_errors.next = false;
        self.remote_protection_errors.next = false;
        self.local_protection_errors.next = false;
        self.invalidate_refusals.next = false;
        self.receive_queue_empty.next = false;
        self.terminates_received.next = false;
        self.raw_received.next = false;
        self.raw_dropped.next = false;
        self.issue.next = false;
        self.picks.next = false;
        self.judges.next = false;
        self.closes.next = false;
        self.releases.next = false;
        self.bad_descriptor.next = false;
        self.now_cursor.next = self.context_data.val().get_bits::<5>(0);
        self.now_segments.next = self.context_data.val().get_bits::<5>(8);
        self.now_left.next = self.parse.bytes.val();
        self.empty.next = (!self.receive_ready.val().get_bit(self.frame.q.val().index())
            | !self.connected.val().get_bit(self.frame.q.val().index()))
            & !(self.fetching.val() & (self.fetching_vi.val() == self.frame.q.val()));
        self.more_left.next = self.left.q.val() - self.chunk.q.val();
        self.give_up.next = self.frame_verdict.val() == self.verdict_dropped.val();

        match self.state.q.val() {
            PlaceState::Rest => {
                // The last frame's record may still be leaving; it shows only what the header's last word and Classify
                // change, and they wait for it. A raw frame and a stop wait here.
                if self.report.idle.val()
                    | (self.report.named.val() & (self.frame_valid.val() & !self.frame_raw.val()))
                {
                    self.index.d.next = bits::<3>(0);
                    self.due.d.next = false;
                    self.decoded.d.next = false;
                    self.partial.d.next = false;
                    self.admitted.d.next = false;
                    self.opened.d.next = false;
                    self.asked.d.next = false;
                    self.released.d.next = false;
                    self.fault.d.next = false;
                    self.fails.d.next = false;
                    self.reply.d.next = false;
                    self.one_shot.d.next = false;
                    self.event_code.d.next = self.event_receive.val();
                    if (self.stop.valid.val() & !self.stop_breaks.val() & self.report.idle.val())
                        & !(self.frame_valid.val()
                            & (self.frame_vi.val() == self.stop.vi.val().get_bits::<4>(0)))
                    {
                        self.frame.d.next = self.stop.vi.val().get_bits::<4>(0);
                        self.state.d.next = PlaceState::Stop;
                    } else if self.frame_valid.val() {
                        self.frame.d.next = self.frame_vi.val();
                        self.raw_frame.d.next = self.frame_raw.val();
                        // The bank shows word 0 already, if it has come.
                        if self.frame_arrived.val().any() {
                            self.due.d.next = true;
                            self.due_index.d.next = bits::<3>(0);
                            self.index.d.next = bits::<3>(1);
                        }
                        self.state.d.next = PlaceState::ReadHeader;
                        if self.frame_raw.val() {
                            self.state.d.next = PlaceState::PlaceRaw;
                        } else if !self.connected.val().get_bit(self.frame_vi.val().index())
                            | self.broken.q.val().get_bit(self.frame_vi.val().index())
                        {
                            self.state.d.next = PlaceState::AwaitDropped;
                        }
                    }
                }
            }
            PlaceState::ReadHeader => {
                self.wants_context.next = true;
                // Only a Read Response compares word 1, so that word need not wait for the opcode.
                self.index_wanted.next = self.base.val() | bit_cast::<7, 3>(self.index.q.val());
                if self.index.q.val() == bits::<3>(1) {
                    self.index_wanted.next = self.read_oldest.val() | bits::<7>(1);
                }
                self.issue.next = (self.frame_arrived.val() > self.index.q.val())
                    & ((self.index.q.val() <= bits::<3>(1))
                        | (self.decoded.q.val()
                            & ((self.index.q.val() < self.last_index.val())
                                | ((self.index.q.val() == self.last_index.val())
                                    & self.report.idle.val()))));
                // After the header: the descriptor's state, in case it is a Send.
                if self.decoded.q.val() & (self.index.q.val() > self.last_index.val()) {
                    self.index_wanted.next = self.state_at.val();
                }
                self.due.d.next = self.issue.val();
                self.due_index.d.next = self.index.q.val();
                if self.issue.val() {
                    self.index.d.next = self.index.q.val() + bits::<3>(1);
                }
                if self.due.q.val() {
                    self.decoded.d.next = true;
                    if self.due_index.q.val() == bits::<3>(4) {
                        self.total.d.next = self.sum.val();
                        self.partial.d.next = self.context_data.val().any();
                    }
                }
                if self.header_done.val()
                    | (self.decoded.q.val() & self.parse.refused.val() & self.report.idle.val())
                {
                    self.due.d.next = false;
                    self.state.d.next = PlaceState::Classify;
                }
                if self.give_up.val() {
                    self.due.d.next = false;
                    self.state.d.next = PlaceState::Release;
                }
            }
            PlaceState::Classify => {
                self.index.d.next = bits::<3>(0);
                self.left.d.next = self.parse.bytes.val();
                self.chunk.d.next = self.parse.bytes.val();
                self.error_status.d.next = bits::<8>(0);
                self.error_code.d.next = bits::<8>(0);
                self.state.d.next = PlaceState::AwaitVerdict;
                if self.parse.refused.val() {
                    self.fault.d.next = true;
                    self.code.d.next = self.parse.code.val();
                    // An unreliable VI lost a piece of the message that was being received.
                    if self.parse.is_send.val() & self.partial.q.val() & self.now_unreliable.val() {
                        self.fails.d.next = true;
                        self.error_status.d.next = self.status_transport.val();
                        self.reply.d.next =
                            self.replying.q.val().get_bit(self.frame.q.val().index());
                        self.error_code.d.next = self.error_released.val();
                    }
                } else if self.parse.is_response.val() {
                    self.target.d.next = self.read_oldest.val();
                    self.state.d.next = PlaceState::ReadTarget;
                    if !self.read_any.val() {
                        self.fault.d.next = true;
                        self.code.d.next = self.code_stag.val();
                        self.state.d.next = PlaceState::AwaitVerdict;
                    }
                } else if self.parse.is_request.val() {
                    if (self.parse.bytes.val() != self.request_bytes.val()) | !self.parse.last.val()
                    {
                        self.fault.d.next = true;
                        self.code.d.next = self.code_too_long.val();
                    }
                } else if self.parse.is_send.val() {
                    if self.peeks.val() {
                        self.state.d.next = PlaceState::AskPeek;
                        if self.stag_release.ready.val() {
                            self.state.d.next = PlaceState::StoreReply;
                        }
                    } else if self.replying.q.val().get_bit(self.frame.q.val().index())
                        & self.partial.q.val()
                    {
                        self.reply.d.next = true;
                        self.target.d.next = self.reply_group.val();
                        self.state.d.next = PlaceState::ReadTarget;
                    } else {
                        self.state.d.next = PlaceState::AwaitDescriptor;
                        self.picks.next = self.here.q.val();
                    }
                }
            }
            PlaceState::AskPeek => {
                if self.stag_release.ready.val() {
                    self.state.d.next = PlaceState::StoreReply;
                }
            }
            PlaceState::StoreReply => {
                self.due.d.next = false;
                self.context_write_index.next =
                    self.reply_group.val() | bit_cast::<7, 3>(self.index.q.val());
                self.context_write_data.next = self.release_result.context.val();
                if self.index.q.val() == bits::<3>(0) {
                    self.context_write_data.next = self.release_result.reply_length.val();
                }
                if self.index.q.val() == bits::<3>(1) {
                    self.context_write_data.next = self.release_result.reply_handle.val();
                }
                if self.index.q.val() == bits::<3>(2) {
                    self.context_write_data.next =
                        self.release_result.reply_va.val().get_bits::<32>(32);
                }
                if self.index.q.val() == bits::<3>(3) {
                    self.context_write_data.next =
                        self.release_result.reply_va.val().get_bits::<32>(0);
                }
                if self.index.q.val() == bits::<3>(4) {
                    self.context_write_index.next = self.context_word.val();
                }
                if self.release_result.valid.val() {
                    if self.release_result.error.val().any() {
                        self.release_result.ready.next = true;
                        self.fault.d.next = true;
                        self.code.d.next = self.code_invalidate.val();
                        self.event_code.d.next = self.event_invalidate.val();
                        self.state.d.next = PlaceState::AwaitVerdict;
                    } else {
                        self.context_write.next = true;
                        if self.context_write_ready.val() {
                            self.index.d.next = self.index.q.val() + bits::<3>(1);
                            self.reply.d.next = self.release_result.one_shot.val()
                                & self.release_result.reply_handle.val().any();
                            // What is stored is read one word behind.
                            if self.reply.q.val() {
                                self.wants_context.next = true;
                                self.index_wanted.next =
                                    self.reply_group.val() | bit_cast::<7, 3>(self.before.val());
                                self.due.d.next = true;
                                self.due_index.d.next = self.before.val();
                            }
                            if self.index.q.val() == bits::<3>(4) {
                                self.release_result.ready.next = true;
                                self.index.d.next = bits::<3>(0);
                                self.one_shot.d.next = self.release_result.one_shot.val();
                                self.target.d.next = self.reply_group.val();
                                self.state.d.next = PlaceState::AwaitDescriptor;
                                if self.reply.q.val() {
                                    self.state.d.next = PlaceState::ReadTarget;
                                }
                            }
                        }
                    }
                }
            }
            PlaceState::AwaitDescriptor => {
                self.wants_context.next = true;
                self.index_wanted.next = self.state_at.val();
                if self.give_up.val() {
                    self.state.d.next = PlaceState::Release;
                } else if self.have.val().get_bit(self.frame.q.val().index()) {
                    self.state.d.next = PlaceState::ReadDescriptor;
                } else if self.empty.val() {
                    self.fault.d.next = true;
                    self.code.d.next = self.code_no_buffer.val();
                    self.event_code.d.next = self.event_empty.val();
                    self.state.d.next = PlaceState::AwaitVerdict;
                }
            }
            PlaceState::ReadDescriptor => {
                self.picks.next = true;
            }
            PlaceState::PickSegment => {
                self.now_cursor.next = self.cursor.q.val();
                self.now_segments.next = self.segments.q.val();
                self.now_left.next = self.left.q.val();
                self.picks.next = true;
            }
            PlaceState::ReadTarget => {
                self.wants_context.next = true;
                self.index_wanted.next = self.target.q.val() | bit_cast::<7, 3>(self.index.q.val());
                self.index.d.next = self.index.q.val() + bits::<3>(1);
                self.due.d.next = true;
                self.due_index.d.next = self.index.q.val();
            }
            PlaceState::AwaitVerdict => {
                self.judges.next = true;
            }
            PlaceState::Request => {
                self.index.d.next = bits::<3>(0);
                if self.request.ready.val() {
                    self.payload.start.next = true;
                    self.accessing.d.next = true;
                    self.epoch.d.next = self.drain.epoch.val();
                    self.state.d.next = PlaceState::Move;
                    if self.is_final.val() & !self.parse.is_write.val() {
                        self.state.d.next = PlaceState::Book;
                    }
                }
            }
            PlaceState::Book => {
                // Step 0 writes the MO, the next ones each the word that the step before asked for.
                self.wants_context.next = true;
                self.group_index.next = bits::<7>(3);
                if self.index.q.val() == bits::<3>(1) {
                    self.group_index.next = bits::<7>(2);
                }
                if self.index.q.val() == bits::<3>(2) {
                    self.group_index.next = bits::<7>(0);
                }
                if self.parse.last.val() {
                    self.index_wanted.next = self.base.val() | self.msn_word.val();
                    self.context_write.next = self.is_untagged.val();
                    self.context_write_index.next = self.base.val() | self.mo_word.val();
                    self.context_write_data.next = bits::<32>(0);
                    if self.index.q.val() == bits::<3>(1) {
                        self.context_write_index.next = self.base.val() | self.msn_word.val();
                        self.context_write_data.next = self.sum.val();
                    }
                } else {
                    self.index_wanted.next = self.target.q.val() | self.group_index.val();
                    self.context_write.next = true;
                    self.context_write_data.next = self.sum.val();
                    if self.index.q.val() == bits::<3>(0) {
                        self.context_write.next = self.is_untagged.val();
                        self.context_write_index.next = self.mo_word.val();
                        self.context_write_data.next = self.total.q.val();
                    }
                    if self.index.q.val() == bits::<3>(1) {
                        self.context_write_index.next = self.target.q.val() | bits::<7>(3);
                    }
                    if self.index.q.val() == bits::<3>(2) {
                        self.context_write_index.next = self.target.q.val() | bits::<7>(2);
                    }
                    if self.index.q.val() == bits::<3>(3) {
                        self.context_write_index.next = self.target.q.val();
                    }
                    if self.index.q.val() == bits::<3>(4) {
                        self.context_write.next = self.parse.is_send.val() & !self.reply.q.val();
                        self.context_write_index.next = self.state_at.val();
                        self.context_write_data.next = bit_cast::<32, 5>(self.cursor.q.val())
                            | (bit_cast::<32, 5>(self.segments.q.val()) << bits::<32>(8));
                    }
                    if !self.context_write_ready.val() & self.index.q.val().any() {
                        // Not written: the word must be here again in the next cycle.
                        self.index_wanted.next = self.context_write_index.val();
                    }
                }
                if self.context_write_ready.val() {
                    self.carry.d.next = self.fits.val();
                    self.index.d.next = self.index.q.val() + bits::<3>(1);
                    if (self.parse.last.val()
                        & (self.index.q.val().any() | !self.is_untagged.val()))
                        | (self.index.q.val() == bits::<3>(4))
                    {
                        self.state.d.next = PlaceState::Close;
                        if self.accessing.q.val() {
                            self.state.d.next = PlaceState::Move;
                        }
                    }
                }
            }
            PlaceState::Move => {
                if self.asks_early.val() & self.stag_release.ready.val() {
                    self.asked.d.next = true;
                }
                if self.payload.done.val() {
                    self.index.d.next = bits::<3>(0);
                    self.accessing.d.next = false;
                    self.left.d.next = self.more_left.val();
                    self.closes.next = self.is_final.val() & !self.payload.error.val().any();
                    if !self.is_final.val() {
                        self.cursor.d.next = self.cursor.q.val() + bits::<5>(1);
                        self.state.d.next = PlaceState::PickSegment;
                    }
                    if self.payload.error.val().any() {
                        self.code.d.next = self.code_catastrophic.val();
                        if self.parse.is_write.val() {
                            self.code.d.next = self.protection_code.val();
                            self.event_code.d.next = self.event_write.val();
                            self.remote_protection_errors.next = true;
                        } else {
                            self.local_protection_errors.next = true;
                        }
                        self.error_status.d.next = self.status_protection.val();
                        self.error_code.d.next = self.error_protection.val();
                        self.fault.d.next = true;
                        self.state.d.next = PlaceState::Refuse;
                        if self.parse.is_send.val() {
                            self.fails.d.next = true;
                            self.state.d.next = PlaceState::Fail;
                        }
                    }
                }
            }
            PlaceState::AskRelease => {
                if self.stag_release.ready.val() | self.asked.q.val() {
                    self.asked.d.next = true;
                    self.state.d.next = PlaceState::AwaitRelease;
                }
            }
            PlaceState::AwaitRelease => {
                self.release_result.ready.next = true;
                if self.release_result.valid.val() {
                    self.released.d.next = true;
                    self.one_shot.d.next = self.release_result.one_shot.val();
                    self.state.d.next = PlaceState::Close;
                    self.releases.next = self.reply.q.val()
                        & !self.fails.q.val()
                        & !self.release_result.error.val().any();
                    self.closes.next = self.releases.val();
                    if self.fails.q.val() {
                        self.state.d.next = PlaceState::Fail;
                    } else if self.release_result.error.val().any() {
                        // It was good when it was looked at: this side's driver took it away meanwhile.
                        self.invalidate_refusals.next = true;
                        self.fault.d.next = true;
                        self.fails.d.next = true;
                        self.code.d.next = self.code_invalidate.val();
                        self.event_code.d.next = self.event_invalidate.val();
                        self.error_status.d.next = self.status_transport.val();
                        self.error_code.d.next = self.error_released.val();
                        self.state.d.next = PlaceState::Fail;
                    }
                }
            }
            PlaceState::Close => {
                self.closes.next = true;
            }
            PlaceState::ReportOneShot => {
                if self.report.idle.val() {
                    self.report.open.next = true;
                    self.report.finish.next = true;
                    self.state.d.next = PlaceState::Rest;
                }
            }
            PlaceState::GiveRead => {
                self.due.d.next = true;
                if self.handover.done.val() {
                    self.due.d.next = false;
                    self.state.d.next = PlaceState::Book;
                }
                if self.handover.excess.val() {
                    self.due.d.next = false;
                    self.ddp_errors.next = true;
                    self.code.d.next = self.code_no_buffer.val();
                    self.state.d.next = PlaceState::Refuse;
                }
            }
            PlaceState::Fail => {
                self.index.d.next = bits::<3>(0);
                if (self.reply.q.val() | self.asked.q.val()) & !self.released.q.val() {
                    self.state.d.next = PlaceState::AskRelease;
                } else if !self.opened.q.val() {
                    if self.report.idle.val() {
                        self.report.open.next = true;
                        self.opened.d.next = true;
                    }
                } else if self.report.named.val() {
                    self.report.finish.next = true;
                    self.replying.d.next = self
                        .replying
                        .q
                        .val()
                        .replace_bit(self.frame.q.val().index(), false);
                    self.consume.next = !self.reply.q.val();
                    self.receive_done.valid.next = !self.reply.q.val();
                    self.state.d.next = PlaceState::Refuse;
                }
            }
            PlaceState::Refuse => {
                self.context_write_index.next =
                    self.terminates_base.val() | bit_cast::<7, 3>(self.index.q.val());
                self.context_write_data.next = self.bank_data.val();
                if self.index.q.val() == bits::<3>(0) {
                    self.context_write_data.next = self.terminate_head.val();
                }
                if self.index.q.val() == bits::<3>(1) {
                    self.context_write_data.next =
                        bit_cast::<32, 16>(self.code.q.val()) << bits::<32>(16);
                }
                if self.index.q.val() == bits::<3>(2) {
                    self.context_write_data.next = bit_cast::<32, 16>(self.parse.ulpdu_bytes.val());
                }
                if self.now_unreliable.val() & !self.silent.val() {
                    self.state.d.next = PlaceState::RaiseEvent;
                } else if self.report.idle.val() {
                    // A record that is still open reads these words.
                    self.context_write.next = true;
                    self.index.d.next = self.next_word.val();
                    if self.context_write_ready.val() & self.index.q.val().all() {
                        self.break_vi.next = true;
                        self.broken.d.next = self
                            .broken
                            .q
                            .val()
                            .replace_bit(self.frame.q.val().index(), true);
                        self.state.d.next = PlaceState::Release;
                    }
                }
            }
            PlaceState::RaiseEvent => {
                if self.event.ready.val() {
                    self.state.d.next = PlaceState::Release;
                }
            }
            PlaceState::Release => {
                // A message of an unreliable VI that failed begins anew.
                self.context_write_data.next = bits::<32>(0);
                self.context_write.next = self.now_unreliable.val() & self.admitted.q.val();
                if self.context_write_ready.val() {
                    self.release_bank.next = true;
                    self.state.d.next = PlaceState::Rest;
                }
            }
            PlaceState::AwaitDropped => {
                if self.frame_verdict.val().any() {
                    self.state.d.next = PlaceState::Release;
                }
            }
            PlaceState::PlaceRaw => {
                // From here on it says that the record is finished.
                self.due.d.next = false;
                self.total.d.next = bit_cast::<32, 16>(self.raw_bytes.val());
                if self.frame_verdict.val().any() {
                    self.state.d.next = PlaceState::Release;
                    if self.frame_verdict.val() == self.verdict_good.val() {
                        if (self.raw_ring_entries.val().any() & self.raw_bytes.val().any())
                            & (self.raw_used.val() != self.raw_ring_entries.val().get_bits::<16>(0))
                        {
                            self.payload.start.next = true;
                            self.report.open.next = true;
                            self.state.d.next = PlaceState::MoveRaw;
                        } else {
                            self.raw_dropped.next = true;
                        }
                    } else {
                        self.raw_dropped.next = !self.give_up.val();
                    }
                }
            }
            PlaceState::MoveRaw => {
                // The ring's index holds until the record that names it has left.
                if self.payload.done.val() & !self.due.q.val() {
                    self.report.finish.next = true;
                    self.due.d.next = true;
                }
                if self.due.q.val() & self.report.idle.val() {
                    self.raw_received.next = true;
                    self.raw_produced.d.next = self.raw_produced.q.val() + bits::<16>(1);
                    self.state.d.next = PlaceState::Release;
                }
            }
            PlaceState::Stop => {
                if self.stop_breaks.val() {
                    // Its Terminate has begun to leave meanwhile.
                    self.state.d.next = PlaceState::Rest;
                } else if !(self.fetching.val() & (self.fetching_vi.val() == self.frame.q.val())) {
                    self.consume.next = true;
                    self.let_go.next = true;
                    self.replying.d.next = self
                        .replying
                        .q
                        .val()
                        .replace_bit(self.frame.q.val().index(), false);
                    self.stop.ready.next = true;
                    self.state.d.next = PlaceState::Rest;
                }
            }
            _ => {
                self.state.d.next = PlaceState::Rest;
            }
        }

        // A word of the target's group is here.
        if self.takes_target.val() {
            if self.due_index.q.val() == bits::<3>(0) {
                if self.parse.is_response.val() {
                    if !self.fits.val() | (self.parse.last.val() & !self.exact.val()) {
                        self.fault.d.next = true;
                        self.code.d.next = self.code_bounds.val();
                    }
                } else {
                    self.chunk.d.next = self.left.q.val();
                    if !self.fits.val() {
                        if self.reply.q.val() {
                            self.fault.d.next = true;
                            self.fails.d.next = true;
                            self.code.d.next = self.code_too_long.val();
                            self.error_code.d.next = self.error_too_long.val();
                        } else {
                            self.chunk.d.next = self.context_data.val().get_bits::<16>(0);
                            // An empty segment is stepped over.
                            if !self.context_data.val().any() {
                                self.cursor.d.next = self.cursor.q.val() + bits::<5>(1);
                                self.due.d.next = false;
                                self.state.d.next = PlaceState::PickSegment;
                            }
                        }
                    }
                }
            }
            if self.due_index.q.val() == bits::<3>(3) {
                self.due.d.next = false;
                self.judges.next = true;
            }
        }

        // A segment that takes the next bytes, of the head descriptor.
        if self.picks.val() {
            self.index.d.next = bits::<3>(0);
            self.cursor.d.next = self.now_cursor.val();
            self.segments.d.next = self.now_segments.val();
            self.target.d.next =
                self.segments_at.val() + (bit_cast::<7, 5>(self.now_cursor.val()) << bits::<7>(2));
            self.bad_descriptor.next = (self.state.q.val() != PlaceState::PickSegment)
                & self.context_data.val().get_bits::<8>(16).any();
            self.state.d.next = PlaceState::ReadTarget;
            if self.bad_descriptor.val() {
                self.fault.d.next = true;
                self.fails.d.next = true;
                self.code.d.next = self.code_catastrophic.val();
                self.error_status.d.next = self.context_data.val().get_bits::<8>(16);
                self.state.d.next = PlaceState::AwaitVerdict;
            } else if !self.now_left.val().any() {
                self.state.d.next = PlaceState::AwaitVerdict;
            } else if self.now_cursor.val() == self.now_segments.val() {
                self.fault.d.next = true;
                self.fails.d.next = true;
                self.code.d.next = self.code_too_long.val();
                self.error_status.d.next = self.status_length.val();
                self.state.d.next = PlaceState::AwaitVerdict;
            }
        }

        // The frame may be known to be good.
        if self.judges.val() {
            self.index.d.next = bits::<3>(0);
            self.state.d.next = PlaceState::AwaitVerdict;
            if self.give_up.val() {
                self.state.d.next = PlaceState::Release;
            } else if self.frame_verdict.val().any() {
                self.admitted.d.next = true;
                if self.frame_verdict.val() != self.verdict_good.val() {
                    self.code.d.next = self.code_crc.val();
                    self.event_code.d.next = self.event_receive.val();
                    if self.parse.is_write.val() {
                        self.event_code.d.next = self.event_write_data.val();
                    }
                    self.state.d.next = PlaceState::Refuse;
                } else {
                    self.parsed.fire.next = !self.admitted.q.val() & !self.parse.refused.val();
                    if self.fault.q.val() {
                        self.state.d.next = PlaceState::Refuse;
                        if self.fails.q.val() {
                            self.state.d.next = PlaceState::Fail;
                        }
                        self.receive_queue_empty.next =
                            self.event_code.q.val() == self.event_empty.val();
                        self.invalidate_refusals.next =
                            self.event_code.q.val() == self.event_invalidate.val();
                        if self.event_code.q.val() == self.event_receive.val() {
                            self.rdmap_errors.next =
                                self.code.q.val().get_bits::<8>(8) == bits::<8>(2);
                            self.ddp_errors.next = self.code.q.val().get_bits::<4>(12).any()
                                | (self.parse.refused.val() & !self.code.q.val().any());
                        }
                    } else if self.parse.is_request.val() {
                        self.state.d.next = PlaceState::GiveRead;
                    } else if self.is_terminate.val() {
                        self.terminates_received.next = true;
                        self.event_code.d.next = self.event_terminate.val();
                        self.state.d.next = PlaceState::Refuse;
                    } else {
                        self.state.d.next = PlaceState::Request;
                        if !self.left.q.val().any() {
                            self.state.d.next = PlaceState::Book;
                            if self.parse.is_write.val() {
                                self.state.d.next = PlaceState::Close;
                            }
                        }
                        // The record is opened before the TPT is asked: nothing may wait for the completer after that.
                        if (self.parse.is_send.val() & self.parse.last.val()) & !self.opened.q.val()
                        {
                            if self.report.idle.val() {
                                self.report.open.next = true;
                                self.opened.d.next = true;
                            } else {
                                self.state.d.next = PlaceState::AwaitVerdict;
                            }
                        }
                    }
                }
            }
        }

        self.stays_reply.next = self.reply.q.val() & !self.parse.last.val();
        // Everything of the frame is placed, and the bank shows the sequence after it.
        if self.closes.val() {
            self.state.d.next = PlaceState::Close;
            if self.invalidates_now.val() & !self.releases.val() {
                self.state.d.next = PlaceState::AskRelease;
                if self.asked.q.val() {
                    self.state.d.next = PlaceState::AwaitRelease;
                }
            } else if self.report.named.val() | !(self.parse.is_send.val() & self.parse.last.val())
            {
                self.owed.valid.next = true;
                self.placed.fire.next = true;
                self.release_bank.next = true;
                self.state.d.next = PlaceState::Rest;
                if (self.released.q.val() & self.one_shot.q.val()) & !self.reply.q.val() {
                    self.state.d.next = PlaceState::ReportOneShot;
                }
                if self.parse.is_send.val() {
                    self.replying.d.next = self
                        .replying
                        .q
                        .val()
                        .replace_bit(self.frame.q.val().index(), self.stays_reply.val());
                    if self.parse.last.val() {
                        self.report.finish.next = true;
                        self.consume.next = !self.reply.q.val();
                        self.receive_done.valid.next = !self.reply.q.val();
                    }
                }
                if self.parse.is_response.val() & self.parse.last.val() {
                    self.read_retire.next = true;
                    self.read_done.valid.next = true;
                }
            }
        }

        // The report reads the context when the engine does not.
        self.context_index.next = self.index_wanted.val();
        if !self.wants_context.val() {
            self.context_index.next = self.report.context_index.val();
        }
        self.report.context_granted.next =
            self.report.context_wanted.val() & !self.wants_context.val();
        self.report.context_data.next = self.context_data.val();
        self.context_read.next = self.wants_context.val() | self.report.context_wanted.val();

        if self.started.val() {
            self.broken.d.next = self
                .broken
                .q
                .val()
                .replace_bit(self.started_vi.val().index(), false);
        }
        self.busy.next = (self.state.q.val() != PlaceState::Rest) | !self.report.idle.val();
        if self.reset.val() {
            self.state.d.next = PlaceState::Rest;
            self.replying.d.next = bits::<16>(0);
            self.broken.d.next = bits::<16>(0);
            self.accessing.d.next = false;
            self.raw_produced.d.next = bits::<16>(0);
            self.raw_frame.d.next = false;
        }
    }
}
