//! Step `payload_read`: reads the payload of each frame from its source.
//!
//! ```text
//!  job --> find segment (segment RAM) --> check (TPT) --> pieces --> bus reads ------+
//!      --> inline words (slot RAM) --------------------------------------------------+--> payload FIFO --> mpa_frame
//!      --> Read Request: seven words from the segment RAM, and a record for Receive -+
//!      --> raw: bus reads, unchecked ------------------------------------------------+
//! ```
//! A job begins when the FIFO has room for all of it, so that the TPT is never held while the wire is waited for: a piece waits
//! for the bus alone. Header build waits until every check of its job has passed, so nothing of a refused frame ever leaves. It
//! goes on when the first piece of the last segment is asked for, not when the data have come: the next job overlaps with
//! them. A bus read that fails marks the frame.
//!
//! `drain.busy` is cleared when nothing is outstanding; when the epoch has changed, a new access waits for that, so a release
//! waits for the accesses of its time and for no others.
//!
//! `low` is first what is left of the offset, complemented: adding a segment's length carries if the offset lies in it. Then
//! it is the low half of the address. Latency: five cycles from a job to its TPT request for the first segment, one more for
//! each segment passed over.

use rnic_abi::command::{access, MESSAGE_WORD};
use rnic_abi::config::DMA_BOUNDARY_BYTES;
use rust_hdl::prelude::*;

use super::payload_fifo::PayloadFifo;
use crate::block_new::block_new;
use crate::interfaces::{
    ReadClientDataRx, ReadClientRequestTx, SlotReadTx, StreamTx, TptDrainRx, TptPieceRx,
    TptRequestTx,
};

/// What the reader does; where it uses a word of the segment RAM, the word was asked for in the cycle before.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum PayloadState {
    /// Waits for a job, and for room for it.
    Idle,
    /// Adds the segment's length: passes over the segment, or finds how much of it is left.
    ReadSegment,
    /// Adds the offset to the low half of the segment's address.
    AddLow,
    /// Adds the carry to the high half.
    AddHigh,
    /// Takes the handle.
    ReadHandle,
    /// Asks the TPT.
    Check,
    /// Passes pieces to the bus.
    ReadPieces,
    /// Lets header build go on.
    Accept,
    /// Refused: waits until what was asked for has come, and drops it.
    Quieten,
    /// Refused: tells header build.
    Refuse,
    /// Inline: waits until the FIFO takes words in this job's order.
    StartInline,
    /// Inline: reads the slot.
    ReadSlot,
    /// Read Request: waits until the FIFO takes words in this job's order.
    StartRequest,
    /// Read Request: gives Receive its record.
    TellReceive,
    /// Read Request: stores the payload.
    StoreRequest,
    /// Raw: takes the low half of the address.
    RawLow,
    /// Raw: takes the high half.
    RawHigh,
    /// Raw: looks at the byte count.
    RawBytes,
    /// Raw: waits for room.
    RawOpen,
    /// Raw: finds how much lies before the next 4 KiB boundary.
    RawSplit,
    /// Raw: asks the bus.
    RawRead,
}

/// See the module. `DA`: address bits of the segment RAM; `P`: log2 of the FIFO's words.
#[derive(LogicBlock)]
pub struct PayloadRead<const DA: usize, const P: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// A job (see ddp_insert); held until `job_ready`.
    pub job_valid: Signal<In, Bit>,
    /// Job done: all its reads are asked for. An inline job goes on by itself.
    pub job_ready: Signal<Out, Bit>,
    /// With `job_ready`: the TPT refused the source, nothing of the job is left.
    pub job_refused: Signal<Out, Bit>,
    /// With `job_refused`: the TPT's reason.
    pub job_error: Signal<Out, Bits<4>>,
    /// 0 nothing, 1 segments, 2 inline, 3 Read Request, 4 raw.
    pub job_mode: Signal<In, Bits<3>>,
    /// VI.
    pub job_vi: Signal<In, Bits<8>>,
    /// Slot of the segments.
    pub job_slot: Signal<In, Bit>,
    /// First segment.
    pub job_segment: Signal<In, Bits<8>>,
    /// Byte offset, or segment number of a Read Request.
    pub job_offset: Signal<In, Bits<32>>,
    /// Bytes.
    pub job_bytes: Signal<In, Bits<16>>,
    /// A Read Response: the peer's right counts.
    pub job_response: Signal<In, Bit>,
    /// Last Read Request of its descriptor.
    pub job_last: Signal<In, Bit>,
    /// Sent before: Receive knows.
    pub job_again: Signal<In, Bit>,
    /// Command slot of an inline message.
    pub job_command: Signal<In, Bits<5>>,
    /// Queue index.
    pub job_index: Signal<In, Bits<8>>,
    /// Raw request: iova low, high, then the byte count, which stays until the frame has left.
    pub raw_data: Signal<In, Bits<32>>,
    /// There is a word.
    pub raw_valid: Signal<In, Bit>,
    /// One of the first two words is taken.
    pub raw_ready: Signal<Out, Bit>,
    /// mpa_frame is between frames.
    pub link_idle: Signal<In, Bit>,
    /// Segment RAM: word to read.
    pub segment_address: Signal<Out, Bits<DA>>,
    /// Segment RAM: word asked for in the cycle before.
    pub segment_data: Signal<In, Bits<32>>,
    /// Slot RAM.
    pub slot_read: SlotReadTx,
    /// TPT: payload accesses.
    pub request: TptRequestTx,
    /// TPT: answers.
    pub piece: TptPieceRx,
    /// TPT: drain.
    pub drain: TptDrainRx,
    /// Bus reads.
    pub read_request: ReadClientRequestTx,
    /// Their words.
    pub read_data: ReadClientDataRx,
    /// To Receive: a read is issued.
    pub read_out: StreamTx,
    /// A read was issued.
    pub issued: Signal<Out, Bit>,
    /// The TPT refused a source of this host.
    pub protection_error: Signal<Out, Bit>,
    /// A frame that was not sent before has data of TPT entry `used_index`.
    pub used: Signal<Out, Bit>,
    /// See `used`.
    pub used_index: Signal<Out, Bits<8>>,
    /// No job under way, nothing stored.
    pub idle: Signal<Out, Bit>,
    /// Payload word.
    pub out_data: Signal<Out, Bits<32>>,
    /// Last of its job.
    pub out_last: Signal<Out, Bit>,
    /// With `out_last`: a bus read failed.
    pub out_error: Signal<Out, Bit>,
    /// There is one.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    fifo: PayloadFifo<P>,
    state: DFF<PayloadState>,
    segment: DFF<Bits<8>>,
    rest: DFF<Bits<16>>,
    command: DFF<Bits<5>>,
    low: DFF<Bits<33>>,
    high: DFF<Bits<32>>,
    kept: DFF<Bits<32>>,
    bytes: DFF<Bits<16>>,
    covers: DFF<Bit>,
    word: DFF<Bits<4>>,
    error: DFF<Bits<4>>,
    accepted: DFF<Bit>,
    accepting: DFF<Bit>,
    incoming: DFF<Bit>,
    incoming_last: DFF<Bit>,
    busy: DFF<Bits<2>>,
    next: Signal<Local, PayloadState>,
    next_word: Signal<Local, Bits<4>>,
    addend: Signal<Local, Bits<32>>,
    flipped: Signal<Local, Bits<32>>,
    sum: Signal<Local, Bits<33>>,
    half: Signal<Local, Bits<32>>,
    carry: Signal<Local, Bits<1>>,
    high_sum: Signal<Local, Bits<32>>,
    base: Signal<Local, Bits<DA>>,
    at: Signal<Local, Bits<DA>>,
    kind: Signal<Local, Bits<DA>>,
    at_segment: Signal<Local, Bits<8>>,
    request_word: Signal<Local, Bits<32>>,
    swapped: Signal<Local, Bits<32>>,
    next_segment: Signal<Local, Bits<8>>,
    rest_less_one: Signal<Local, Bits<16>>,
    kept_bytes: Signal<Local, Bits<16>>,
    to_boundary: Signal<Local, Bits<16>>,
    last_word: Signal<Local, Bits<4>>,
    wanted: Signal<Local, Bits<8>>,
    is_request: Signal<Local, Bit>,
    other_epoch_busy: Signal<Local, Bit>,
    slot_words_log2: Constant<Bits<4>>,
    remote_segment: Constant<Bits<8>>,
    message_word: Constant<Bits<13>>,
    local_read: Constant<Bits<4>>,
    remote_read: Constant<Bits<4>>,
    boundary: Constant<Bits<16>>,
}

impl<const DA: usize, const P: usize> PayloadRead<DA, P> {
    /// `slot_words_log2`: segment RAM words of a slot; `largest_bytes`: of a job.
    pub fn new(slot_words_log2: u32, largest_bytes: u32) -> Self {
        block_new!(clock reset job_valid job_ready job_refused job_error job_mode job_vi job_slot job_segment job_offset job_bytes
            job_response job_last job_again job_command job_index raw_data raw_valid raw_ready link_idle
            segment_address segment_data slot_read request piece drain read_request read_data read_out issued
            protection_error used used_index idle out_data out_last out_error out_valid out_ready state segment rest
            command low high kept bytes covers word error accepted accepting incoming incoming_last busy next next_word
            addend flipped sum half carry high_sum base at kind at_segment request_word swapped next_segment rest_less_one
            kept_bytes to_boundary last_word wanted is_request other_epoch_busy;
            slot_words_log2 = slot_words_log2,
            remote_segment = (1_u32 << (slot_words_log2 - 2)) - 1,
            message_word = MESSAGE_WORD as u32,
            local_read = access::LOCAL_READ,
            remote_read = access::REMOTE_READ,
            boundary = DMA_BOUNDARY_BYTES;
            fifo = PayloadFifo::new(largest_bytes)
        )
    }
}

impl<const DA: usize, const P: usize> Logic for PayloadRead<DA, P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            segment,
            rest,
            command,
            low,
            high,
            kept,
            bytes,
            covers,
            word,
            error,
            accepted,
            accepting,
            incoming,
            incoming_last,
            busy
        );
        clock!(self, clock, fifo);
        self.fifo.reset.next = self.reset.val();

        // Outputs at rest.
        self.next.next = self.state.q.val();
        self.next_word.next = self.word.q.val();
        self.next_segment.next = self.segment.q.val();
        self.job_ready.next = self.accepting.q.val();
        self.accepting.d.next = false;
        self.job_refused.next = false;
        self.job_error.next = self.error.q.val();
        self.raw_ready.next = false;
        self.slot_read.valid.next = false;
        self.slot_read.word.next = (bit_cast::<13, 5>(self.command.q.val()) << bits::<4>(5))
            | self.message_word.val()
            | bit_cast::<13, 4>(self.word.q.val());
        self.request.stag.next = self.kept.q.val();
        self.request.to.next = bit_cast::<64, 32>(self.low.q.val().get_bits::<32>(0))
            | (bit_cast::<64, 32>(self.high.q.val()) << bits::<6>(32));
        self.request.length.next = self.bytes.q.val();
        self.request.access.next = self.local_read.val();
        if self.job_response.val() {
            self.request.access.next = self.remote_read.val();
        }
        self.request.vi.next = self.job_vi.val();
        // The message's last access, not every access of its last frame.
        self.request.last_of_message.next = self.job_last.val() & self.covers.q.val();
        self.request.valid.next = false;
        self.piece.ready.next = false;
        self.read_request.iova.next = self.piece.iova.val();
        self.read_request.bytes.next = self.piece.bytes.val();
        self.read_request.valid.next = false;
        self.issued.next = false;
        self.used.next = false;
        self.used_index.next = self.kept.q.val().get_bits::<8>(8);
        self.protection_error.next = false;
        self.incoming.d.next = false;
        self.incoming_last.d.next = false;
        self.read_out.valid.next = false;
        self.read_out.last.next = self.word.q.val() == bits::<4>(7);
        self.read_out.data.next = self.segment_data.val();
        self.fifo.job_bytes.next = self.job_bytes.val();
        self.fifo.open.next = false;
        self.fifo.abandon.next = false;
        self.fifo.word.next = self.read_data.data.val();
        self.fifo.write.next = self.read_data.valid.val() & !self.read_data.error.val();
        self.fifo.arrived.next = self.read_data.valid.val() & self.read_data.last.val();
        self.fifo.error.next = self.read_data.valid.val() & self.read_data.error.val();
        self.fifo.from.next = self.piece.iova.val().get_bits::<2>(0);
        self.fifo.bytes.next = self.piece.bytes.val().get_bits::<2>(0);
        self.fifo.closes.next = self.covers.q.val();
        self.fifo.push.next = false;

        // Arithmetic: one adder for the low half, which also seeks, and one for the high half.
        self.addend.next = self.segment_data.val();
        self.half.next = self.segment_data.val();
        self.flipped.next = self.low.q.val().get_bits::<32>(0);
        if self.state.q.val() == PayloadState::AddLow {
            self.flipped.next = self.low.q.val().get_bits::<32>(0) ^ bits::<32>(0xFFFF_FFFF_u64);
        }
        if self.state.q.val() == PayloadState::RawLow {
            self.addend.next = self.raw_data.val();
        }
        if self.state.q.val() == PayloadState::RawRead {
            self.addend.next = bit_cast::<32, 16>(self.bytes.q.val());
        }
        if self.state.q.val() == PayloadState::RawHigh {
            self.half.next = self.raw_data.val();
        }
        if self.state.q.val() == PayloadState::RawSplit {
            self.half.next = self.high.q.val();
        }
        self.sum.next =
            bit_cast::<33, 32>(self.addend.val()) + bit_cast::<33, 32>(self.flipped.val());
        self.carry.next = self.low.q.val().get_bits::<1>(32);
        if (self.state.q.val() == PayloadState::StoreRequest) & (self.word.q.val() != bits::<4>(7))
        {
            self.carry.next = bits::<1>(0);
        }
        self.high_sum.next = self.half.val() + bit_cast::<32, 1>(self.carry.val());
        self.to_boundary.next =
            self.boundary.val() - bit_cast::<16, 12>(self.low.q.val().get_bits::<12>(0));
        self.rest_less_one.next = self.rest.q.val() - bits::<16>(1);
        self.last_word.next = self.rest_less_one.val().get_bits::<4>(2);
        self.kept_bytes.next = bit_cast::<16, 32>(self.kept.q.val()) + bits::<16>(1);
        self.wanted.next = self.job_offset.val().get_bits::<8>(0);
        self.is_request.next = self.job_mode.val() == bits::<3>(3);
        self.other_epoch_busy.next = self.busy.q.val().get_bit(1);
        if self.drain.epoch.val() {
            self.other_epoch_busy.next = self.busy.q.val().get_bit(0);
        }
        if self.fifo.quiet.val() & (self.state.q.val() != PayloadState::ReadPieces) {
            self.busy.d.next = bits::<2>(0);
        }
        // Payload of a Read Request (RFC 5040 section 4.4), big-endian, step by step.
        self.request_word.next = self.high_sum.val();
        if self.word.q.val() == bits::<4>(8) {
            self.request_word.next = self.low.q.val().get_bits::<32>(0);
        }
        self.swapped.next = (self.request_word.val() << bits::<5>(24))
            | ((self.request_word.val() & bits::<32>(0xFF00)) << bits::<5>(8))
            | ((self.request_word.val() >> bits::<5>(8)) & bits::<32>(0xFF00))
            | (self.request_word.val() >> bits::<5>(24));

        match self.state.q.val() {
            PayloadState::Idle => {
                self.next_segment.next = self.job_segment.val();
                self.rest.d.next = self.job_bytes.val();
                self.command.d.next = self.job_command.val();
                self.low.d.next = bits::<33>(0);
                if self.job_mode.val() == bits::<3>(1) {
                    self.low.d.next =
                        bit_cast::<33, 32>(self.job_offset.val() ^ bits::<32>(0xFFFF_FFFF_u64));
                }
                self.next_word.next = bits::<4>(0);
                self.accepted.d.next = false;
                if self.job_valid.val() & !self.accepting.q.val() {
                    if self.job_mode.val() == bits::<3>(0) {
                        self.job_ready.next = true;
                    } else if self.job_mode.val() == bits::<3>(4) {
                        self.next.next = PayloadState::RawLow;
                    } else if self.fifo.room.val() {
                        self.fifo.open.next = true;
                        self.next.next = PayloadState::ReadSegment;
                        if self.job_mode.val() == bits::<3>(2) {
                            self.job_ready.next = true;
                            self.next.next = PayloadState::StartInline;
                        }
                    }
                }
            }
            PayloadState::ReadSegment => {
                self.kept.d.next = self.sum.val().get_bits::<32>(0);
                if self.is_request.val() & (self.segment.q.val() == self.wanted.val()) {
                    self.next.next = PayloadState::StartRequest;
                } else if !self.is_request.val() & self.sum.val().get_bit(32) {
                    self.next.next = PayloadState::AddLow;
                } else {
                    self.low.d.next = bit_cast::<33, 32>(self.sum.val().get_bits::<32>(0));
                    self.next_segment.next = self.segment.q.val() + bits::<8>(1);
                }
            }
            PayloadState::AddLow => {
                self.low.d.next = self.sum.val();
                self.bytes.d.next = self.rest.q.val();
                self.covers.d.next = true;
                if self.kept.q.val() < bit_cast::<32, 16>(self.rest_less_one.val()) {
                    self.bytes.d.next = self.kept_bytes.val();
                    self.covers.d.next = false;
                }
                self.next.next = PayloadState::AddHigh;
            }
            PayloadState::AddHigh => {
                self.high.d.next = self.high_sum.val();
                self.next.next = PayloadState::ReadHandle;
            }
            PayloadState::ReadHandle => {
                self.kept.d.next = self.segment_data.val();
                self.next.next = PayloadState::Check;
            }
            PayloadState::Check => {
                self.request.valid.next = !self.other_epoch_busy.val();
                if self.request.ready.val() & !self.other_epoch_busy.val() {
                    self.used.next = !self.job_again.val();
                    self.busy.d.next = self.busy.q.val() | bits::<2>(1);
                    if self.drain.epoch.val() {
                        self.busy.d.next = self.busy.q.val() | bits::<2>(2);
                    }
                    self.next.next = PayloadState::ReadPieces;
                }
            }
            PayloadState::ReadPieces => {
                self.error.d.next = self.piece.error.val();
                self.fifo.closes.next = self.piece.last.val() & self.covers.q.val();
                if self.piece.valid.val() {
                    if self.piece.error.val().any() {
                        self.piece.ready.next = true;
                        self.protection_error.next = !self.job_response.val();
                        self.next.next = PayloadState::Quieten;
                    } else {
                        self.read_request.valid.next = self.fifo.takes.val();
                        self.piece.ready.next =
                            self.fifo.takes.val() & self.read_request.ready.val();
                        if self.fifo.takes.val() & self.read_request.ready.val() {
                            self.fifo.push.next = true;
                            // With the first piece of the last segment the whole job is admitted.
                            self.accepted.d.next = self.accepted.q.val() | self.covers.q.val();
                            self.accepting.d.next = self.covers.q.val() & !self.accepted.q.val();
                            if self.piece.last.val() {
                                self.rest.d.next = self.rest.q.val() - self.bytes.q.val();
                                self.next_segment.next = self.segment.q.val() + bits::<8>(1);
                                self.low.d.next = bits::<33>(0xFFFF_FFFF_u64);
                                self.next.next = PayloadState::ReadSegment;
                                if self.covers.q.val() {
                                    self.next.next = PayloadState::Idle;
                                }
                            }
                        }
                    }
                }
            }
            PayloadState::Accept => {
                self.job_ready.next = true;
                self.next.next = PayloadState::Idle;
            }
            PayloadState::Quieten => {
                // Between frames the FIFO holds this job only.
                if self.fifo.quiet.val() & self.link_idle.val() {
                    self.fifo.abandon.next = true;
                    self.next.next = PayloadState::Refuse;
                }
            }
            PayloadState::Refuse => {
                self.job_ready.next = true;
                self.job_refused.next = true;
                self.next.next = PayloadState::Idle;
            }
            PayloadState::StartInline => {
                self.fifo.from.next = bits::<2>(0);
                self.fifo.bytes.next = self.rest.q.val().get_bits::<2>(0);
                self.fifo.closes.next = true;
                if self.fifo.quiet.val() {
                    self.fifo.push.next = true;
                    self.next.next = PayloadState::ReadSlot;
                }
            }
            PayloadState::ReadSlot => {
                // The word asked for comes in the next cycle.
                self.slot_read.valid.next = !self.incoming_last.q.val();
                if self.slot_read.ready.val() & !self.incoming_last.q.val() {
                    self.incoming.d.next = true;
                    self.incoming_last.d.next = self.word.q.val() == self.last_word.val();
                    self.next_word.next = self.word.q.val() + 1;
                }
                self.fifo.word.next = self.slot_read.data.val();
                self.fifo.write.next = self.incoming.q.val();
                self.fifo.arrived.next = self.incoming_last.q.val();
                if self.incoming_last.q.val() {
                    self.next.next = PayloadState::Idle;
                }
            }
            PayloadState::StartRequest => {
                if self.fifo.quiet.val() {
                    self.next.next = PayloadState::TellReceive;
                    if self.job_again.val() {
                        self.next.next = PayloadState::StoreRequest;
                    }
                }
            }
            PayloadState::TellReceive => {
                self.read_out.valid.next = true;
                if self.word.q.val() == bits::<4>(0) {
                    self.read_out.data.next = bit_cast::<32, 8>(self.job_vi.val())
                        | (bit_cast::<32, 8>(self.job_index.val()) << bits::<5>(8));
                    if self.job_last.val() {
                        self.read_out.data.next = bit_cast::<32, 8>(self.job_vi.val())
                            | (bit_cast::<32, 8>(self.job_index.val()) << bits::<5>(8))
                            | bits::<32>(0x1_0000);
                    }
                }
                if self.word.q.val() > bits::<4>(4) {
                    self.read_out.data.next = bits::<32>(0);
                }
                if self.read_out.ready.val() {
                    self.next_word.next = self.word.q.val() + 1;
                    if self.word.q.val() == bits::<4>(7) {
                        self.issued.next = true;
                        self.next_word.next = bits::<4>(0);
                        self.next.next = PayloadState::StoreRequest;
                    }
                }
            }
            PayloadState::StoreRequest => {
                self.fifo.from.next = bits::<2>(0);
                self.fifo.bytes.next = bits::<2>(0);
                self.fifo.closes.next = true;
                self.fifo.push.next = self.word.q.val() == bits::<4>(0);
                self.fifo.word.next = self.swapped.val();
                self.fifo.write.next =
                    (self.word.q.val() != bits::<4>(0)) & (self.word.q.val() != bits::<4>(5));
                self.next_word.next = self.word.q.val() + 1;
                if self.word.q.val() == bits::<4>(5) {
                    // The offset of the source is the remote address plus the segments before this one.
                    self.low.d.next = self.sum.val();
                }
                if self.word.q.val() == bits::<4>(8) {
                    self.fifo.arrived.next = true;
                    self.next.next = PayloadState::Accept;
                }
            }
            PayloadState::RawLow => {
                self.raw_ready.next = true;
                if self.raw_valid.val() {
                    self.low.d.next = self.sum.val();
                    self.next.next = PayloadState::RawHigh;
                }
            }
            PayloadState::RawHigh => {
                self.raw_ready.next = true;
                self.high.d.next = self.high_sum.val();
                if self.raw_valid.val() {
                    self.next.next = PayloadState::RawBytes;
                }
            }
            PayloadState::RawBytes => {
                self.rest.d.next = bit_cast::<16, 32>(self.raw_data.val());
                if self.raw_valid.val() {
                    self.next.next = PayloadState::RawOpen;
                    if !self.raw_data.val().any() {
                        self.next.next = PayloadState::Accept;
                    }
                }
            }
            PayloadState::RawOpen => {
                if self.fifo.room.val() {
                    self.fifo.open.next = true;
                    self.next.next = PayloadState::RawSplit;
                }
            }
            PayloadState::RawSplit => {
                self.high.d.next = self.high_sum.val();
                self.bytes.d.next = self.rest.q.val();
                self.covers.d.next = true;
                if self.to_boundary.val() < self.rest.q.val() {
                    self.bytes.d.next = self.to_boundary.val();
                    self.covers.d.next = false;
                }
                self.next.next = PayloadState::RawRead;
            }
            PayloadState::RawRead => {
                self.read_request.iova.next =
                    bit_cast::<48, 32>(self.low.q.val().get_bits::<32>(0))
                        | (bit_cast::<48, 32>(self.high.q.val()) << bits::<6>(32));
                self.read_request.bytes.next = bit_cast::<13, 16>(self.bytes.q.val());
                self.fifo.from.next = self.low.q.val().get_bits::<2>(0);
                self.fifo.bytes.next = self.bytes.q.val().get_bits::<2>(0);
                self.read_request.valid.next = self.fifo.takes.val();
                if self.fifo.takes.val() & self.read_request.ready.val() {
                    self.fifo.push.next = true;
                    self.rest.d.next = self.rest.q.val() - self.bytes.q.val();
                    self.low.d.next = self.sum.val();
                    self.next.next = PayloadState::RawSplit;
                    if self.covers.q.val() {
                        self.next.next = PayloadState::Accept;
                    }
                }
            }
            _ => {
                self.next.next = PayloadState::Idle;
            }
        }
        if self.reset.val() {
            self.next.next = PayloadState::Idle;
            self.busy.d.next = bits::<2>(0);
        }
        self.state.d.next = self.next.val();
        self.word.d.next = self.next_word.val();
        self.segment.d.next = self.next_segment.val();

        // The word of the segment RAM that the next state uses: {va low, va high, handle, length}.
        self.kind.next = bits::<DA>(3);
        self.at_segment.next = self.next_segment.val();
        if self.next.val() == PayloadState::AddLow {
            self.kind.next = bits::<DA>(0);
        }
        if self.next.val() == PayloadState::AddHigh {
            self.kind.next = bits::<DA>(1);
        }
        if self.next.val() == PayloadState::ReadHandle {
            self.kind.next = bits::<DA>(2);
        }
        if self.next.val() == PayloadState::TellReceive {
            if self.next_word.val() == bits::<4>(1) {
                self.kind.next = bits::<DA>(2);
            }
            if self.next_word.val() == bits::<4>(2) {
                self.kind.next = bits::<DA>(0);
            }
            if self.next_word.val() == bits::<4>(3) {
                self.kind.next = bits::<DA>(1);
            }
        }
        if self.next.val() == PayloadState::StoreRequest {
            if self.next_word.val() >= bits::<4>(5) {
                self.at_segment.next = self.remote_segment.val();
            }
            if (self.next_word.val() == bits::<4>(1)) | (self.next_word.val() == bits::<4>(6)) {
                self.kind.next = bits::<DA>(2);
            }
            if (self.next_word.val() == bits::<4>(2)) | (self.next_word.val() == bits::<4>(7)) {
                self.kind.next = bits::<DA>(1);
            }
            if (self.next_word.val() == bits::<4>(3)) | (self.next_word.val() == bits::<4>(5)) {
                self.kind.next = bits::<DA>(0);
            }
        }
        self.base.next =
            (bit_cast::<DA, 8>(self.job_vi.val()) << bits::<4>(1)) << self.slot_words_log2.val();
        if self.job_slot.val() {
            self.base.next = ((bit_cast::<DA, 8>(self.job_vi.val()) << bits::<4>(1))
                | bits::<DA>(1))
                << self.slot_words_log2.val();
        }
        self.at.next = self.base.val() | (bit_cast::<DA, 8>(self.at_segment.val()) << bits::<4>(2));
        self.segment_address.next = self.at.val() | self.kind.val();

        // Payload to mpa_frame.
        self.out_data.next = self.fifo.out_data.val();
        self.out_last.next = self.fifo.out_last.val();
        self.out_error.next = self.fifo.out_error.val();
        self.out_valid.next = self.fifo.out_valid.val();
        self.fifo.out_ready.next = self.out_ready.val();
        self.drain.busy.next = self.busy.q.val();
        self.idle.next = (self.state.q.val() == PayloadState::Idle) & self.fifo.idle.val();
    }
}
