//! Step `ddp_insert`: writes the link, MPA, DDP and RDMAP header words of one frame, and keeps the VI's counters.
//!
//! The scheduler names a VI and what to build; the words come from the context RAM one after the other and leave one after
//! the other, so nothing is wider than a word. With them the log entry and the VI's progress are written back.
//!
//! ```text
//!  build (vi, kind) --> read record, offset, sequence --> payload job --> header words, log entry, progress --> done
//!                                |                             |               |
//!                           context RAM                  payload_read      mpa_frame
//! ```
//! The first word of an inline message leaves at once; other frames wait until payload_read has checked and asked for their
//! source. The word that a state uses was asked for in the cycle before (`word`, from the next state). The block stands still
//! while the reliable engine has the RAM (`run` low).
//!
//! Latency: two cycles from `start` to the first word of an inline message, 18 and the TPT's for others. Header words follow
//! in each cycle in which the wire takes them; behind an inline message's first word there is a gap of six cycles.

use rnic_abi::event::Event;
use rnic_abi::wire::{ddp, READ_REQUEST_BYTES};
use rust_hdl::prelude::*;

use super::header_fields::HeaderFields;
use crate::block_new::block_new;
use crate::interfaces::{StepTx, StreamRx, ViErrorTx};

/// What header build does; the name says which word is there.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum BuildState {
    /// Waits for the scheduler.
    Idle,
    /// Replay: learns which log entry is next.
    ReadPointers,
    /// Replay: the position is known, its entry is asked for.
    SettlePosition,
    /// Replay: takes the log entry's description.
    ReadLogged,
    /// Replay: has the message record fetched again.
    FetchAgain,
    /// Response: learns which read record is the oldest.
    ReadPosition,
    /// Response: the record is known, its first word is asked for.
    SettleRecord,
    /// Terminate: takes the request's first word.
    ReadTerminate,
    /// Message: takes the record's entry word.
    ReadEntry,
    /// Puts out the first link word.
    WriteType,
    /// Takes the message's length.
    ReadLength,
    /// Compares it with the largest transfer.
    CheckLimit,
    /// Takes the progress and finds what is left.
    ReadOffset,
    /// Read Request: compares with the number of segments.
    ReadCount,
    /// Finds the segment's length.
    Cut,
    /// Takes the stream sequence.
    ReadSequence,
    /// Hands the payload job over.
    GiveJob,
    /// Puts out the sequence.
    WriteSequence,
    /// Puts out the acknowledged sequence.
    WriteAck,
    /// Puts out the byte count, and adds the offset to the low half of the remote address.
    WriteBytes,
    /// Puts out MPA length, DDP and RDMAP control.
    WriteControl,
    /// Untagged: puts out the STag field.
    WriteField,
    /// Untagged: puts out the queue number.
    WriteQueue,
    /// Untagged: puts out the message sequence number.
    WriteMsn,
    /// Untagged: puts out the message offset.
    WriteOffset,
    /// Tagged: puts out the STag.
    WriteStag,
    /// Tagged: puts out the high half of the tagged offset.
    WriteToHigh,
    /// Tagged: puts out the low half.
    WriteToLow,
    /// Raw: puts out the frame's length.
    WriteRaw,
    /// Terminate: puts out the control word.
    WriteCause,
    /// Terminate: passes over the length, which is in the header too.
    SkipLength,
    /// Terminate: puts out the offending header.
    WriteOffender,
    /// Terminate: passes over what is left of the request.
    SkipRest,
    /// Breaks the VI after a Terminate.
    BreakVi,
    /// Tells the scheduler.
    Report,
    /// Tells the scheduler that the message cannot be sent.
    Fail,
}

/// See the module. `CA`: address bits of the context RAM; `G`, `R`: log2 of log entries and reads.
#[derive(LogicBlock)]
pub struct DdpInsert<const CA: usize, const G: usize, const R: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Build one frame; held until `done`.
    pub start: Signal<In, Bit>,
    /// 0 message, 1 response, 2 replay, 3 acknowledgement, 4 Terminate, 5 raw.
    pub kind: Signal<In, Bits<3>>,
    /// VI of the frame.
    pub vi: Signal<In, Bits<8>>,
    /// Slot of the VI's current message.
    pub slot: Signal<In, Bit>,
    /// A missing frame is to be reported.
    pub nak: Signal<In, Bit>,
    /// The VI is connected; a Terminate for another is dropped.
    pub alive: Signal<In, Bit>,
    /// The frame is built, or could not be.
    pub done: Signal<Out, Bit>,
    /// With `done`: the message cannot be sent.
    pub failed: Signal<Out, Bit>,
    /// With `failed`: it is a Read Response.
    pub failed_response: Signal<Out, Bit>,
    /// Log entry that was sent again.
    pub replayed_position: Signal<Out, Bits<G>>,
    /// Number of the frame that is built, modulo 4096; its low bits are the log entry.
    pub frame: Signal<Out, Bits<12>>,
    /// With `failed`: 1 format, 2 length, 3 protection.
    pub status: Signal<Out, Bits<2>>,
    /// With `done`: message or response ends here.
    pub ends: Signal<Out, Bit>,
    /// The message is inline; counts for kind 0.
    pub at_once: Signal<In, Bit>,
    /// Works on a frame.
    pub busy: Signal<Out, Bit>,
    /// The length of an inline message is not there yet.
    pub unsettled: Signal<In, Bit>,
    /// The word in `read_data` is the one asked for.
    pub run: Signal<In, Bit>,
    /// Context RAM: word to read.
    pub read_address: Signal<Out, Bits<CA>>,
    /// Context RAM: word read.
    pub read_data: Signal<In, Bits<32>>,
    /// Context RAM: word to write.
    pub write_address: Signal<Out, Bits<CA>>,
    /// Context RAM: its value.
    pub write_data: Signal<Out, Bits<32>>,
    /// Context RAM: wants to write.
    pub write: Signal<Out, Bit>,
    /// Context RAM: written.
    pub write_ready: Signal<In, Bit>,
    /// Replay: fetch this VI's record again.
    pub again: Signal<Out, Bit>,
    /// Replay: of this queue entry.
    pub again_index: Signal<Out, Bits<8>>,
    /// Replay: it is there.
    pub again_done: Signal<In, Bit>,
    /// Payload job: valid.
    pub job_valid: Signal<Out, Bit>,
    /// Payload job: done.
    pub job_ready: Signal<In, Bit>,
    /// Payload job: with `job_ready`, its source was refused.
    pub job_refused: Signal<In, Bit>,
    /// Payload job: 0 nothing, 1 segments, 2 inline, 3 Read Request, 4 raw.
    pub job_mode: Signal<Out, Bits<3>>,
    /// Payload job: slot of the segments.
    pub job_slot: Signal<Out, Bit>,
    /// Payload job: first segment.
    pub job_segment: Signal<Out, Bits<8>>,
    /// Payload job: byte offset in the message, or segment number of a Read Request.
    pub job_offset: Signal<Out, Bits<32>>,
    /// Payload job: bytes.
    pub job_bytes: Signal<Out, Bits<16>>,
    /// Payload job: it is a Read Response.
    pub job_response: Signal<Out, Bit>,
    /// Payload job: the last Read Request of its descriptor.
    pub job_last: Signal<Out, Bit>,
    /// Payload job: sent before.
    pub job_again: Signal<Out, Bit>,
    /// Payload job: command slot of an inline message.
    pub job_command: Signal<Out, Bits<5>>,
    /// Payload job: queue index.
    pub job_index: Signal<Out, Bits<8>>,
    /// Payload of the raw frame, bytes.
    pub raw_bytes: Signal<In, Bits<16>>,
    /// Terminate requests.
    pub terminate: StreamRx,
    /// Header word.
    pub out_data: Signal<Out, Bits<32>>,
    /// It is the frame's last header word.
    pub out_last: Signal<Out, Bit>,
    /// There is one.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    /// Valid with the frame's last header word: payload follows.
    pub out_payload: Signal<Out, Bit>,
    /// Valid with the frame's last header word: payload bytes modulo 4.
    pub out_tail: Signal<Out, Bits<2>>,
    /// The VI's acknowledgement number is in a header.
    pub ack_taken: Signal<Out, Bit>,
    /// That header reports a missing frame.
    pub ack_nak: Signal<Out, Bit>,
    /// A Terminate was sent.
    pub vi_error: ViErrorTx,
    /// A header is complete.
    pub step: StepTx,
    /// Counts Terminates.
    pub terminate_sent: Signal<Out, Bit>,
    /// Counts frames sent again.
    pub retransmitted: Signal<Out, Bit>,
    /// Counts acknowledgements alone.
    pub ack_sent: Signal<Out, Bit>,
    fields: HeaderFields,
    state: DFF<BuildState>,
    entry: DFF<Bits<32>>,
    rest: DFF<Bits<32>>,
    offset: DFF<Bits<32>>,
    sequence: DFF<Bits<32>>,
    low: DFF<Bits<33>>,
    bytes: DFF<Bits<16>>,
    last: DFF<Bit>,
    response: DFF<Bit>,
    index: DFF<Bits<8>>,
    position: DFF<Bits<12>>,
    headers: DFF<Bits<4>>,
    limit_hit: DFF<Bit>,
    given: DFF<Bit>,
    refused: DFF<Bit>,
    payload: DFF<Bit>,
    tail: DFF<Bits<2>>,
    data: DFF<Bits<32>>,
    data_last: DFF<Bit>,
    valid: DFF<Bit>,
    nak_said: DFF<Bit>,
    next: Signal<Local, BuildState>,
    free: Signal<Local, Bit>,
    put: Signal<Local, Bit>,
    put_last: Signal<Local, Bit>,
    plain: Signal<Local, Bits<32>>,
    big: Signal<Local, Bits<32>>,
    is_big: Signal<Local, Bit>,
    swapped: Signal<Local, Bits<32>>,
    is_replay: Signal<Local, Bit>,
    is_message: Signal<Local, Bit>,
    is_terminate: Signal<Local, Bit>,
    is_ack: Signal<Local, Bit>,
    is_raw: Signal<Local, Bit>,
    record: Signal<Local, Bits<CA>>,
    record_slot: Signal<Local, Bit>,
    log: Signal<Local, Bits<CA>>,
    word: Signal<Local, Bits<CA>>,
    context: Signal<Local, Bits<CA>>,
    write_word: Signal<Local, Bits<CA>>,
    addend: Signal<Local, Bits<32>>,
    carry: Signal<Local, Bits<1>>,
    sum: Signal<Local, Bits<33>>,
    left: Signal<Local, Bits<32>>,
    is_long: Signal<Local, Bit>,
    count_left: Signal<Local, Bits<8>>,
    high: Signal<Local, Bits<R>>,
    logged_size: Signal<Local, Bits<16>>,
    logged_index: Signal<Local, Bits<8>>,
    next_position: Signal<Local, Bits<12>>,
    place: Signal<Local, Bits<G>>,
    next_index: Signal<Local, Bits<R>>,
    steps: Signal<Local, Bit>,
    keeps: Signal<Local, Bit>,
    keep: Signal<Local, Bit>,
    go: Signal<Local, Bit>,
    is_bad: Signal<Local, Bit>,
    logged_position: Signal<Local, Bits<8>>,
    logged_offset: Signal<Local, Bits<32>>,
    words_log2: Constant<Bits<4>>,
    log_base: Constant<Bits<CA>>,
    read_base: Constant<Bits<CA>>,
    first_segment: Constant<Bits<8>>,
    max_segment: Constant<Bits<16>>,
    below_segment: Constant<Bits<32>>,
    above_segment: Constant<Bits<32>>,
    qn_read_request: Constant<Bits<32>>,
    qn_terminate: Constant<Bits<32>>,
    read_request_bytes: Constant<Bits<16>>,
    terminate_event: Constant<Bits<4>>,
    header_included: Constant<Bits<32>>,
}

impl<const CA: usize, const G: usize, const R: usize> DdpInsert<CA, G, R> {
    /// `words_log2`: context words of a VI; `log_base`, `read_base`: where its log and its read records start;
    /// `first_segment`: segment of read record 0.
    pub fn new(
        words_log2: u32,
        log_base: u32,
        read_base: u32,
        first_segment: u32,
        max_segment_bytes: u32,
    ) -> Self {
        assert!(max_segment_bytes.is_power_of_two());
        block_new!(clock reset start kind vi slot nak alive done failed failed_response replayed_position frame
            status ends at_once busy unsettled run read_address read_data write_address write_data write write_ready
            again again_index again_done job_valid job_ready job_refused job_mode job_slot job_segment job_offset
            job_bytes job_response job_last job_again job_command job_index raw_bytes terminate out_data out_last
            out_valid out_ready out_payload out_tail ack_taken ack_nak vi_error step terminate_sent retransmitted
            ack_sent state entry rest offset sequence low bytes last response index position headers limit_hit given
            refused payload tail data data_last valid nak_said next free put put_last plain big is_big swapped
            is_replay is_message is_terminate is_ack is_raw record record_slot log word context write_word addend
            carry sum left is_long count_left high logged_size logged_index next_position place next_index steps
            keeps keep go is_bad logged_position logged_offset;
            words_log2 = words_log2,
            log_base = log_base,
            read_base = read_base,
            first_segment = first_segment,
            max_segment = max_segment_bytes,
            below_segment = max_segment_bytes - 1,
            above_segment = !(2 * max_segment_bytes - 1),
            qn_read_request = ddp::QN_READ_REQUEST,
            qn_terminate = ddp::QN_TERMINATE,
            read_request_bytes = READ_REQUEST_BYTES as u32,
            terminate_event = Event::TerminateSent as u8,
            // RFC 5040 figure 7: segment length valid, DDP header included.
            header_included = 0xC000_u32,
            ; fields = HeaderFields::new()
        )
    }
}

impl<const CA: usize, const G: usize, const R: usize> Logic for DdpInsert<CA, G, R> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, entry, rest, offset, sequence, low, bytes, last, response, index,
            position, headers, limit_hit, given, refused, payload, tail, data, data_last, valid,
            nak_said
        );
        // What is built.
        self.is_message.next = self.kind.val() == bits::<3>(0);
        self.is_replay.next = self.kind.val() == bits::<3>(2);
        self.is_ack.next = self.kind.val() == bits::<3>(3);
        self.is_terminate.next = self.kind.val() == bits::<3>(4);
        self.is_raw.next = self.kind.val() == bits::<3>(5);
        self.fields.kind.next = self.kind.val();
        self.fields.entry.next = self.entry.q.val();
        self.fields.response.next = self.response.q.val();
        self.fields.last.next = self.last.q.val();
        self.fields.bytes.next = self.bytes.q.val();
        self.fields.nak.next = self.nak.val();

        // Where its words are.
        self.context.next = bit_cast::<CA, 8>(self.vi.val()) << self.words_log2.val();
        self.record_slot.next = self.slot.val() ^ self.is_replay.val();
        self.record.next = bits::<CA>(16);
        if self.record_slot.val() {
            self.record.next = bits::<CA>(24);
        }
        // At rest the flag is still that of the frame before, and what is asked for is a message's.
        if self.response.q.val() & (self.state.q.val() != BuildState::Idle) {
            self.record.next =
                self.read_base.val() | (bit_cast::<CA, 8>(self.index.q.val()) << bits::<4>(3));
        }
        self.place.next = self.position.q.val().get_bits::<G>(0);
        self.log.next = self.log_base.val() | (bit_cast::<CA, G>(self.place.val()) << bits::<4>(2));
        self.high.next = bit_cast::<R, 8>(self.index.q.val()) >> bits::<2>(1);

        // One adder: the word that is there, and what the state adds to it. `rest` is kept complemented, so that a word is
        // subtracted from it by adding.
        self.addend.next = bits::<32>(0);
        self.carry.next = bits::<1>(0);
        if (self.state.q.val() == BuildState::CheckLimit)
            | (self.state.q.val() == BuildState::ReadOffset)
        {
            self.addend.next = self.rest.q.val();
        }
        if (self.state.q.val() == BuildState::CheckLimit)
            | (self.state.q.val() == BuildState::WriteOffset)
        {
            self.carry.next = bits::<1>(1);
        }
        if self.state.q.val() == BuildState::WriteSequence {
            self.addend.next = bit_cast::<32, 16>(self.fields.frame_bytes.val());
        }
        if self.state.q.val() == BuildState::WriteBytes {
            self.addend.next = self.offset.q.val();
        }
        if self.state.q.val() == BuildState::WriteControl {
            // The next segment of a read, or the next byte.
            self.carry.next = bits::<1>(1);
            if !self.fields.is_read.val() {
                self.addend.next = bit_cast::<32, 16>(self.bytes.q.val());
                self.carry.next = bits::<1>(0);
            }
        }
        if self.state.q.val() == BuildState::WriteToHigh {
            self.carry.next = self.low.q.val().get_bits::<1>(32);
        }
        self.sum.next = bit_cast::<33, 32>(self.read_data.val())
            + bit_cast::<33, 32>(self.addend.val())
            + bit_cast::<33, 1>(self.carry.val());

        // Outputs at rest.
        self.free.next = !self.valid.q.val() | self.out_ready.val();
        if self.out_ready.val() {
            self.valid.d.next = false;
        }
        self.put.next = false;
        self.put_last.next = false;
        self.plain.next = bits::<32>(0);
        self.big.next = self.sum.val().get_bits::<32>(0);
        self.is_big.next = false;
        self.next.next = self.state.q.val();
        self.done.next = false;
        self.failed.next = false;
        self.failed_response.next = self.response.q.val();
        self.replayed_position.next = self.place.val();
        self.frame.next = self.position.q.val();
        self.is_bad.next = self.entry.q.val().get_bits::<2>(19).any()
            & !self.fields.is_command.val()
            & !self.response.q.val();
        self.status.next = bits::<2>(2);
        if self.is_bad.val() {
            self.status.next = self.entry.q.val().get_bits::<2>(19);
        }
        if self.refused.q.val() {
            self.status.next = bits::<2>(3);
        }
        self.ends.next = self.last.q.val();
        self.again.next = false;
        self.again_index.next = self.index.q.val();
        self.terminate.ready.next = false;
        self.ack_taken.next = false;
        self.ack_nak.next = self.nak_said.q.val();
        self.vi_error.valid.next = false;
        self.vi_error.vi.next = self.vi.val();
        self.vi_error.event.next = self.terminate_event.val();
        self.step.fire.next = false;
        self.step.vi.next = self.vi.val();
        self.terminate_sent.next = false;
        self.retransmitted.next = false;
        self.ack_sent.next = false;
        self.write_word.next = bits::<CA>(0);
        self.write_data.next = self.sequence.q.val();

        self.left.next = self.rest.q.val() ^ bits::<32>(0xFFFF_FFFF_u64);
        self.is_long.next = (self.left.val() & self.above_segment.val()).any()
            | ((self.left.val() & bit_cast::<32, 16>(self.max_segment.val())).any()
                & (self.left.val() & self.below_segment.val()).any());
        self.count_left.next =
            bit_cast::<8, 32>(self.read_data.val()) - bit_cast::<8, 32>(self.offset.q.val());

        // What the log says of the frame.
        self.logged_size.next = self.bytes.q.val();
        if self.fields.is_read.val() {
            self.logged_size.next = bit_cast::<16, 32>(self.offset.q.val());
        }
        self.logged_index.next = self.entry.q.val().get_bits::<8>(24);
        if self.response.q.val() {
            self.logged_index.next = self.index.q.val();
        }
        self.logged_offset.next = self.offset.q.val();
        if self.fields.is_read.val() {
            self.logged_offset.next = self.left.val();
        }
        self.logged_position.next = self.read_data.val().get_bits::<8>(8);
        self.next_position.next = self.position.q.val() + 1;
        self.next_index.next = bit_cast::<R, 8>(self.index.q.val()) + 1;

        // Message and response frames are logged; with each header word one word of what must be kept is written.
        self.keeps.next = self.is_message.val() | (self.kind.val() == bits::<3>(1));
        self.go.next = self.free.val() & (self.write_ready.val() | !self.keeps.val());
        self.keep.next = false;

        // A state that uses no word of the RAM need not wait for it.
        self.steps.next = self.run.val()
            | (self.state.q.val() == BuildState::FetchAgain)
            | (self.state.q.val() == BuildState::GiveJob)
            | (self.state.q.val() == BuildState::BreakVi);
        if self.steps.val() {
            match self.state.q.val() {
                BuildState::Idle => {
                    self.response.d.next = self.kind.val() == bits::<3>(1);
                    self.last.d.next = false;
                    self.entry.d.next = bits::<32>(0);
                    self.limit_hit.d.next = false;
                    self.given.d.next = false;
                    self.refused.d.next = false;
                    if self.start.val() {
                        self.next.next = BuildState::ReadEntry;
                        // The source of an inline message needs no check: its first word can go at once.
                        if self.is_message.val() & self.at_once.val() {
                            self.next.next = BuildState::WriteType;
                        }
                        if self.kind.val() == bits::<3>(1) {
                            self.next.next = BuildState::ReadPosition;
                        }
                        if self.is_replay.val() {
                            self.next.next = BuildState::ReadPointers;
                        }
                        if self.is_terminate.val() {
                            self.next.next = BuildState::ReadTerminate;
                        }
                        if self.is_ack.val() {
                            self.next.next = BuildState::WriteType;
                        }
                        if self.is_raw.val() {
                            self.next.next = BuildState::GiveJob;
                        }
                    }
                }
                BuildState::ReadPointers => {
                    self.position.d.next = bit_cast::<12, 8>(self.logged_position.val());
                    self.next.next = BuildState::SettlePosition;
                }
                BuildState::SettlePosition => {
                    self.next.next = BuildState::ReadLogged;
                }
                BuildState::ReadLogged => {
                    self.bytes.d.next = self.read_data.val().get_bits::<16>(0);
                    self.last.d.next = self.read_data.val().get_bit(16);
                    self.response.d.next = self.read_data.val().get_bit(17);
                    self.index.d.next = self.read_data.val().get_bits::<8>(24);
                    self.next.next = BuildState::FetchAgain;
                    if self.read_data.val().get_bit(17) {
                        self.next.next = BuildState::ReadOffset;
                    }
                }
                BuildState::FetchAgain => {
                    self.again.next = true;
                    if self.again_done.val() {
                        self.next.next = BuildState::ReadEntry;
                    }
                }
                BuildState::ReadPosition => {
                    self.index.d.next = bit_cast::<8, 32>(self.read_data.val());
                    self.next.next = BuildState::SettleRecord;
                }
                BuildState::SettleRecord => {
                    self.next.next = BuildState::ReadLength;
                }
                BuildState::ReadTerminate => {
                    self.terminate.ready.next = true;
                    self.headers.d.next = self.terminate.data.val().get_bits::<4>(8);
                    self.bytes.d.next =
                        (bit_cast::<16, 4>(self.terminate.data.val().get_bits::<4>(8))
                            << bits::<4>(2))
                            + bits::<16>(4);
                    if self.terminate.valid.val() {
                        self.next.next = BuildState::WriteType;
                        if !self.alive.val() {
                            self.next.next = BuildState::SkipRest;
                        }
                    }
                }
                BuildState::ReadEntry => {
                    self.entry.d.next = self.read_data.val();
                    self.next.next = BuildState::ReadLength;
                    if self.is_replay.val() {
                        self.next.next = BuildState::ReadOffset;
                    }
                    // Its length may still be on its way.
                    if self.is_message.val() & self.at_once.val() & self.unsettled.val() {
                        self.next.next = BuildState::ReadEntry;
                    }
                }
                BuildState::WriteType => {
                    self.plain.next = bit_cast::<32, 8>(self.fields.kind_byte.val())
                        | (bit_cast::<32, 8>(self.fields.flags.val()) << bits::<5>(8))
                        | (bit_cast::<32, 8>(self.read_data.val().get_bits::<8>(0))
                            << bits::<5>(16))
                        | (bit_cast::<32, 8>(self.vi.val()) << bits::<5>(24));
                    if self.is_raw.val() {
                        self.plain.next = bit_cast::<32, 8>(self.fields.kind_byte.val());
                    }
                    if self.free.val() {
                        self.put.next = true;
                        self.nak_said.d.next = self.nak.val() & !self.is_raw.val();
                        self.next.next = BuildState::ReadEntry;
                        if self.is_ack.val() | self.is_terminate.val() {
                            self.next.next = BuildState::ReadSequence;
                        }
                        self.payload.d.next = false;
                        if self.given.q.val() {
                            self.payload.d.next = self.fields.mode.val() != bits::<3>(0);
                            self.tail.d.next = self.bytes.q.val().get_bits::<2>(0);
                            self.next.next = BuildState::WriteSequence;
                        }
                        if self.is_raw.val() {
                            self.tail.d.next = self.raw_bytes.val().get_bits::<2>(0);
                            self.payload.d.next = self.raw_bytes.val().any();
                        }
                    }
                }
                BuildState::ReadLength => {
                    self.rest.d.next = self.read_data.val() ^ bits::<32>(0xFFFF_FFFF_u64);
                    self.next.next = BuildState::ReadOffset;
                    if !self.fields.is_inline.val() & !self.response.q.val() {
                        self.next.next = BuildState::CheckLimit;
                    }
                }
                BuildState::CheckLimit => {
                    self.limit_hit.d.next = !self.sum.val().get_bit(32);
                    self.next.next = BuildState::ReadOffset;
                }
                BuildState::ReadOffset => {
                    self.next.next = BuildState::Cut;
                    if !self.fields.is_read.val() {
                        self.offset.d.next = self.read_data.val();
                        self.rest.d.next = self.sum.val().get_bits::<32>(0);
                    } else if self.is_replay.val() {
                        // The log has the segment number in the place of the length.
                        self.offset.d.next = bit_cast::<32, 16>(self.bytes.q.val());
                    } else {
                        self.offset.d.next = self.read_data.val();
                        self.next.next = BuildState::ReadCount;
                    }
                }
                BuildState::ReadCount => {
                    self.last.d.next = self.count_left.val() == bits::<8>(1);
                    self.next.next = BuildState::Cut;
                }
                BuildState::Cut => {
                    if self.fields.is_read.val() {
                        self.bytes.d.next = self.read_request_bytes.val();
                    } else if !self.is_replay.val() {
                        if self.is_long.val() {
                            self.bytes.d.next = self.max_segment.val();
                        } else {
                            self.bytes.d.next = bit_cast::<16, 32>(self.left.val());
                            self.last.d.next = true;
                        }
                    }
                    if !self.is_replay.val() {
                        self.position.d.next = self.read_data.val().get_bits::<12>(0);
                    }
                    self.next.next = BuildState::ReadSequence;
                }
                BuildState::ReadSequence => {
                    self.sequence.d.next = self.read_data.val();
                    self.next.next = BuildState::GiveJob;
                    if self.is_ack.val() | self.is_terminate.val() {
                        self.next.next = BuildState::WriteSequence;
                    }
                    if self.limit_hit.q.val() | self.is_bad.val() {
                        self.next.next = BuildState::Fail;
                    }
                }
                BuildState::GiveJob => {
                    if self.fields.is_inline.val() & self.is_message.val() {
                        self.payload.d.next = self.fields.mode.val() != bits::<3>(0);
                        self.tail.d.next = self.bytes.q.val().get_bits::<2>(0);
                    }
                    if self.is_raw.val() {
                        self.bytes.d.next = self.raw_bytes.val();
                    }
                    self.given.d.next = true;
                    self.refused.d.next = self.job_refused.val();
                    if self.job_ready.val() {
                        self.next.next = BuildState::WriteType;
                        if self.fields.is_inline.val() & self.is_message.val() {
                            self.next.next = BuildState::WriteSequence;
                        }
                        if self.job_refused.val() {
                            self.next.next = BuildState::Fail;
                        }
                    }
                }
                BuildState::WriteSequence => {
                    // The next frame's sequence is kept.
                    self.plain.next = self.sequence.q.val();
                    if self.is_raw.val() {
                        self.plain.next = bits::<32>(0);
                    }
                    self.keep.next = self.keeps.val() | self.is_terminate.val();
                    self.write_word.next = bits::<CA>(2);
                    self.write_data.next = self.sum.val().get_bits::<32>(0);
                    if self.free.val() & (self.write_ready.val() | !self.keep.val()) {
                        self.put.next = true;
                        self.next.next = BuildState::WriteAck;
                    }
                }
                BuildState::WriteAck => {
                    // The frame's sequence is logged.
                    self.plain.next = self.read_data.val();
                    if self.is_raw.val() {
                        self.plain.next = bits::<32>(0);
                    }
                    self.keep.next = self.keeps.val();
                    self.write_word.next = self.log.val() | bits::<CA>(3);
                    if self.go.val() {
                        self.put.next = true;
                        self.ack_taken.next = !self.is_raw.val();
                        self.next.next = BuildState::WriteBytes;
                    }
                }
                BuildState::WriteBytes => {
                    // The frame's description is logged.
                    self.plain.next = bit_cast::<32, 16>(self.fields.frame_bytes.val());
                    self.low.d.next = self.sum.val();
                    if self.is_ack.val() {
                        self.plain.next = bits::<32>(0);
                    }
                    self.keep.next = self.keeps.val();
                    self.write_word.next = self.log.val();
                    self.write_data.next = bit_cast::<32, 16>(self.logged_size.val())
                        | (bit_cast::<32, 8>(self.fields.marks.val()) << bits::<5>(16))
                        | (bit_cast::<32, 8>(self.logged_index.val()) << bits::<5>(24));
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteControl;
                        if self.is_raw.val() {
                            self.next.next = BuildState::WriteRaw;
                        }
                        if self.is_ack.val() {
                            self.put_last.next = true;
                            self.ack_sent.next = true;
                            self.next.next = BuildState::Report;
                        }
                    }
                }
                BuildState::WriteControl => {
                    // The progress of the message or response is kept.
                    self.plain.next = bit_cast::<32, 8>(self.fields.ulpdu.val().get_bits::<8>(8))
                        | (bit_cast::<32, 8>(self.fields.ulpdu.val().get_bits::<8>(0))
                            << bits::<5>(8))
                        | (bit_cast::<32, 8>(self.fields.control.val()) << bits::<5>(16))
                        | (bit_cast::<32, 8>(self.fields.opcode.val()) << bits::<5>(24));
                    self.keep.next = self.keeps.val();
                    self.write_word.next = bits::<CA>(6);
                    if self.response.q.val() {
                        self.write_word.next = bits::<CA>(7);
                    }
                    self.write_data.next = self.sum.val().get_bits::<32>(0);
                    if self.last.q.val() {
                        self.write_data.next = bits::<32>(0);
                    }
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteField;
                        if self.fields.is_tagged.val() {
                            self.next.next = BuildState::WriteStag;
                        }
                    }
                }
                BuildState::WriteField => {
                    self.is_big.next = true;
                    if !self.fields.names_stag.val() {
                        self.big.next = bits::<32>(0);
                    }
                    self.keep.next = self.keeps.val();
                    self.write_word.next = self.log.val() | bits::<CA>(1);
                    self.write_data.next = self.logged_offset.val();
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteQueue;
                    }
                }
                BuildState::WriteQueue => {
                    // The log has grown.
                    self.is_big.next = true;
                    self.big.next = bits::<32>(0);
                    if self.fields.is_read.val() {
                        self.big.next = self.qn_read_request.val();
                    }
                    if self.is_terminate.val() {
                        self.big.next = self.qn_terminate.val();
                    }
                    self.keep.next = self.keeps.val();
                    self.write_word.next = bits::<CA>(10);
                    self.write_data.next = bit_cast::<32, 12>(self.next_position.val());
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteMsn;
                    }
                }
                BuildState::WriteMsn => {
                    self.is_big.next = true;
                    if self.is_terminate.val() {
                        self.big.next = bits::<32>(1);
                    }
                    self.keep.next = self.keeps.val();
                    self.write_word.next = self.log.val() | bits::<CA>(2);
                    self.write_data.next = self.read_data.val();
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteOffset;
                    }
                }
                BuildState::WriteOffset => {
                    // The message sequence number counts messages.
                    self.is_big.next = true;
                    self.big.next = self.offset.q.val();
                    if self.fields.is_read.val() | self.is_terminate.val() {
                        self.big.next = bits::<32>(0);
                    }
                    self.keep.next =
                        self.keeps.val() & (self.last.q.val() | self.fields.is_read.val());
                    self.write_word.next = bits::<CA>(4);
                    if self.fields.is_read.val() {
                        self.write_word.next = bits::<CA>(5);
                    }
                    self.write_data.next = self.sum.val().get_bits::<32>(0);
                    if self.go.val() {
                        self.put.next = true;
                        self.put_last.next = !self.is_terminate.val();
                        self.step.fire.next = true;
                        self.next.next = BuildState::Report;
                        if self.is_terminate.val() {
                            self.next.next = BuildState::WriteCause;
                        }
                    }
                }
                BuildState::WriteStag => {
                    self.is_big.next = true;
                    self.keep.next = self.keeps.val();
                    self.write_word.next = self.log.val() | bits::<CA>(1);
                    self.write_data.next = self.logged_offset.val();
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteToHigh;
                    }
                }
                BuildState::WriteToHigh => {
                    self.is_big.next = true;
                    self.keep.next = self.keeps.val();
                    self.write_word.next = bits::<CA>(10);
                    self.write_data.next = bit_cast::<32, 12>(self.next_position.val());
                    if self.go.val() {
                        self.put.next = true;
                        self.next.next = BuildState::WriteToLow;
                    }
                }
                BuildState::WriteToLow => {
                    self.is_big.next = true;
                    self.big.next = self.low.q.val().get_bits::<32>(0);
                    self.keep.next = self.keeps.val() & self.last.q.val() & self.response.q.val();
                    self.write_word.next = bits::<CA>(12);
                    self.write_data.next = bit_cast::<32, R>(self.next_index.val());
                    if self.go.val() {
                        self.put.next = true;
                        self.put_last.next = true;
                        self.step.fire.next = true;
                        self.next.next = BuildState::Report;
                    }
                }
                BuildState::WriteRaw => {
                    self.plain.next = bit_cast::<32, 16>(self.bytes.q.val());
                    if self.free.val() {
                        self.put.next = true;
                        self.put_last.next = true;
                        self.next.next = BuildState::Report;
                    }
                }
                BuildState::WriteCause => {
                    self.is_big.next = true;
                    self.big.next = self.terminate.data.val();
                    if self.headers.q.val().any() {
                        self.big.next = self.terminate.data.val() | self.header_included.val();
                    }
                    if self.free.val() & self.terminate.valid.val() {
                        self.terminate.ready.next = true;
                        self.put.next = true;
                        self.put_last.next = !self.headers.q.val().any();
                        self.next.next = BuildState::SkipLength;
                    }
                }
                BuildState::SkipLength => {
                    self.terminate.ready.next = true;
                    if self.terminate.valid.val() {
                        self.next.next = BuildState::WriteOffender;
                        if !self.headers.q.val().any() {
                            self.next.next = BuildState::SkipRest;
                        }
                        if self.terminate.last.val() {
                            self.next.next = BuildState::BreakVi;
                        }
                    }
                }
                BuildState::WriteOffender => {
                    self.plain.next = self.terminate.data.val();
                    if self.free.val() & self.terminate.valid.val() {
                        self.terminate.ready.next = true;
                        self.put.next = true;
                        self.headers.d.next = self.headers.q.val() - 1;
                        if self.headers.q.val() == bits::<4>(1) {
                            self.put_last.next = true;
                            self.next.next = BuildState::SkipRest;
                            if self.terminate.last.val() {
                                self.next.next = BuildState::BreakVi;
                            }
                        }
                    }
                }
                BuildState::SkipRest => {
                    self.terminate.ready.next = true;
                    if self.terminate.valid.val() & self.terminate.last.val() {
                        self.next.next = BuildState::BreakVi;
                        if !self.alive.val() {
                            self.next.next = BuildState::Report;
                        }
                    }
                }
                BuildState::BreakVi => {
                    self.vi_error.valid.next = true;
                    if self.vi_error.ready.val() {
                        self.terminate_sent.next = true;
                        self.next.next = BuildState::Report;
                    }
                }
                BuildState::Report => {
                    self.done.next = true;
                    self.retransmitted.next = self.is_replay.val();
                    self.next.next = BuildState::Idle;
                }
                BuildState::Fail => {
                    self.done.next = true;
                    self.failed.next = true;
                    self.next.next = BuildState::Idle;
                }
                _ => {
                    self.next.next = BuildState::Idle;
                }
            }
        }
        self.write.next = self.keep.val() & self.free.val() & self.steps.val();
        if self.reset.val() {
            self.next.next = BuildState::Idle;
        }
        self.state.d.next = self.next.val();

        // The word that the next state uses.
        self.word.next = bits::<CA>(0);
        match self.next.val() {
            BuildState::ReadPointers => {
                self.word.next = bits::<CA>(11);
            }
            BuildState::ReadLogged => {
                self.word.next = self.log.val();
            }
            BuildState::ReadPosition => {
                self.word.next = bits::<CA>(12);
            }
            BuildState::ReadEntry => {
                self.word.next = self.record.val();
            }
            BuildState::WriteType => {
                self.word.next = bits::<CA>(1);
            }
            BuildState::ReadLength => {
                self.word.next = self.record.val() | bits::<CA>(1);
            }
            BuildState::CheckLimit => {
                self.word.next = bits::<CA>(3);
            }
            BuildState::ReadOffset => {
                self.word.next = bits::<CA>(6);
                if self.response.q.val() {
                    self.word.next = bits::<CA>(7);
                }
                if self.is_replay.val() {
                    self.word.next = self.log.val() | bits::<CA>(1);
                }
            }
            BuildState::ReadCount => {
                self.word.next = self.record.val() | bits::<CA>(5);
            }
            BuildState::Cut => {
                self.word.next = bits::<CA>(10);
            }
            BuildState::ReadSequence => {
                self.word.next = bits::<CA>(2);
                if self.is_replay.val() {
                    self.word.next = self.log.val() | bits::<CA>(3);
                }
            }
            BuildState::WriteSequence => {
                self.word.next = bits::<CA>(2);
            }
            BuildState::WriteAck => {
                self.word.next = bits::<CA>(8);
            }
            BuildState::WriteControl => {
                self.word.next = bits::<CA>(6);
                if self.response.q.val() {
                    self.word.next = bits::<CA>(7);
                }
            }
            BuildState::WriteOffset => {
                self.word.next = bits::<CA>(4);
                if self.fields.is_read.val() {
                    self.word.next = bits::<CA>(5);
                }
            }
            BuildState::WriteBytes => {
                self.word.next = self.record.val() | bits::<CA>(3);
            }
            BuildState::WriteField => {
                self.word.next = self.record.val() | bits::<CA>(2);
            }
            BuildState::WriteStag => {
                self.word.next = self.record.val() | bits::<CA>(2);
            }
            BuildState::WriteToHigh => {
                self.word.next = self.record.val() | bits::<CA>(4);
            }
            BuildState::WriteMsn => {
                self.word.next = bits::<CA>(4);
                if self.fields.is_read.val() {
                    self.word.next = bits::<CA>(5);
                }
                if self.is_replay.val() {
                    self.word.next = self.log.val() | bits::<CA>(2);
                }
            }
            _ => {
                self.word.next = bits::<CA>(0);
            }
        }
        self.read_address.next = self.context.val() | self.word.val();
        self.write_address.next = self.context.val() | self.write_word.val();

        // The header word.
        self.swapped.next = (self.big.val() << bits::<5>(24))
            | ((self.big.val() & bits::<32>(0xFF00)) << bits::<5>(8))
            | ((self.big.val() >> bits::<5>(8)) & bits::<32>(0xFF00))
            | (self.big.val() >> bits::<5>(24));
        if self.put.val() {
            self.valid.d.next = true;
            self.data_last.d.next = self.put_last.val();
            self.data.d.next = self.plain.val();
            if self.is_big.val() {
                self.data.d.next = self.swapped.val();
            }
        }
        if self.reset.val() {
            self.valid.d.next = false;
        }
        self.out_data.next = self.data.q.val();
        self.out_last.next = self.data_last.q.val();
        self.out_valid.next = self.valid.q.val();
        self.out_payload.next = self.payload.q.val();
        self.out_tail.next = self.tail.q.val();
        self.busy.next = (self.state.q.val() != BuildState::Idle) | self.valid.q.val();

        // The payload job.
        self.job_valid.next = self.state.q.val() == BuildState::GiveJob;
        self.job_mode.next = self.fields.mode.val();
        self.job_slot.next = self.record_slot.val();
        self.job_segment.next = bits::<8>(0);
        if self.response.q.val() {
            self.job_slot.next = self.index.q.val().get_bit(0);
            self.job_segment.next = self.first_segment.val() + bit_cast::<8, R>(self.high.val());
        }
        self.job_offset.next = self.offset.q.val();
        self.job_bytes.next = self.bytes.q.val();
        self.job_response.next = self.response.q.val();
        self.job_last.next = self.last.q.val();
        self.job_again.next = self.is_replay.val();
        self.job_command.next = self.entry.q.val().get_bits::<5>(12);
        self.job_index.next = self.entry.q.val().get_bits::<8>(24);
    }
}
