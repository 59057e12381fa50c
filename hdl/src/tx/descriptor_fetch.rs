//! Step `descriptor_fetch`: takes the next entry of a VI's send queue and turns it into a message record.
//!
//! A record is what the rest of Transmit knows of a message, the same for descriptors and for ring commands: a few header
//! words in the context RAM and the data segments in the segment RAM. Each VI has two records, so that the next message is
//! fetched while the current one leaves; a replay borrows the one that is not current.
//!
//! ```text
//!  send_ready, two slots a VI --> choose --> queue_read --> entry words --+--> ring command: (slot RAM) -------+
//!                                                                         |                                     v
//!                                                                         +--> TPT --> DMA read --> words --> records
//!
//!  record word 0: kind 3:0 | command flags 11:4 | command slot 16:12 | operation 18:17 | refused 20:19 | index 31:24
//!         word 1: length    word 2: stag    words 3, 4: remote offset    word 5: data segments
//!  segment RAM, VI * 2 + slot, then segment: va low | va high | handle | length
//! ```
//! `refused` is 0, or which error the descriptor completes with: 1 format, 2 length, 3 protection. The first access is
//! bytes 12 to 63 of a descriptor, the second what is behind them; a descriptor's region must cover whole 64 bytes and be
//! word-aligned.
//!
//! Latency: a ring command with an inline message is loaded with the first word of its queue entry; a descriptor
//! of 64 bytes 19 cycles after it plus the TPT's and the bus's latency. One fetch at a time.

use rnic_abi::command::{access, flags, MESSAGE_WORD};
use rnic_abi::descriptor::{control, ALIGN, CONTROL_BYTES, LENGTH_OFFSET, SEGMENT_COUNT_OFFSET};
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    QueueReadTx, QueueStepTx, ReadClientDataRx, ReadClientRequestTx, SlotReadTx, StepTx, StreamRx,
    TptDrainRx, TptPieceRx, TptRequestTx,
};

/// What the fetch engine does.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum FetchState {
    /// Chooses a VI that has an entry and a free record.
    Choose,
    /// Asks the work queue for the entry.
    AskQueue,
    /// Takes the entry's first word and learns its kind.
    TakeEntry,
    /// Takes the handle or the STag.
    TakeHandle,
    /// Takes the low half of the descriptor's address.
    TakeVaLow,
    /// Takes the high half, or the length of a command's message.
    TakeVaHigh,
    /// Asks for a word of the message buffer in the command's slot.
    AskSlot,
    /// Stores that word.
    StoreSlot,
    /// Asks the TPT for bytes 12 to 63 of a descriptor, or for the rest of it.
    Check,
    /// Waits for a piece and passes it to the bus.
    ReadPiece,
    /// Takes the piece's words.
    TakeWords,
    /// Writes the number of data segments of a descriptor that could not be read.
    StoreCount,
    /// Writes the record's entry word; the record is loaded.
    StoreEntry,
}

/// See the module. `CA` and `DA` are the address bits of the context RAM and of the segment RAM.
#[derive(LogicBlock)]
pub struct DescriptorFetch<const CA: usize, const DA: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Start nothing new.
    pub pause: Signal<In, Bit>,
    /// VIs with a connection.
    pub connected: Signal<In, Bits<16>>,
    /// VIs whose send queue has an entry not yet taken.
    pub send_ready: Signal<In, Bits<16>>,
    /// VIs that send again from their log.
    pub replaying: Signal<In, Bits<16>>,
    /// Slot of each VI's current message.
    pub head: Signal<In, Bits<16>>,
    /// A replay wants entry `again_index` of `again_vi` in the slot that is not current.
    pub again: Signal<In, Bit>,
    /// See `again`.
    pub again_vi: Signal<In, Bits<8>>,
    /// See `again`.
    pub again_index: Signal<In, Bits<8>>,
    /// It is there.
    pub again_done: Signal<Out, Bit>,
    /// The record `unload_slot` of `unload_vi` is not needed any more.
    pub unload: Signal<In, Bit>,
    /// See `unload`.
    pub unload_vi: Signal<In, Bits<8>>,
    /// See `unload`.
    pub unload_slot: Signal<In, Bit>,
    /// Forget the records of `clear_vi`.
    pub clear: Signal<In, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// VIs whose slot 0 holds a message.
    pub loaded0: Signal<Out, Bits<16>>,
    /// VIs whose slot 1 holds a message.
    pub loaded1: Signal<Out, Bits<16>>,
    /// VIs whose message in slot 0 waits for earlier reads.
    pub fence0: Signal<Out, Bits<16>>,
    /// VIs whose message in slot 1 waits for earlier reads.
    pub fence1: Signal<Out, Bits<16>>,
    /// VIs whose message in slot 0 is an RDMA Read.
    pub read0: Signal<Out, Bits<16>>,
    /// VIs whose message in slot 1 is an RDMA Read.
    pub read1: Signal<Out, Bits<16>>,
    /// VIs whose message in slot 0 is inline.
    pub at_once0: Signal<Out, Bits<16>>,
    /// VIs whose message in slot 1 is inline.
    pub at_once1: Signal<Out, Bits<16>>,
    /// The length of an inline message is still to come.
    pub unsettled: Signal<Out, Bit>,
    /// Nothing is being fetched.
    pub idle: Signal<Out, Bit>,
    /// The send queue's entries.
    pub queue_read: QueueReadTx,
    /// Their words.
    pub queue_data: StreamRx,
    /// An entry was taken.
    pub send_next: QueueStepTx,
    /// Message buffers of ring commands.
    pub slot_read: SlotReadTx,
    /// TPT: descriptor accesses.
    pub request: TptRequestTx,
    /// TPT: answers.
    pub piece: TptPieceRx,
    /// TPT: drain.
    pub drain: TptDrainRx,
    /// Bus reads.
    pub read_request: ReadClientRequestTx,
    /// Their words.
    pub read_data: ReadClientDataRx,
    /// Context RAM: address.
    pub context_address: Signal<Out, Bits<CA>>,
    /// Context RAM: word.
    pub context_data: Signal<Out, Bits<32>>,
    /// Context RAM: write, always taken.
    pub context_write: Signal<Out, Bit>,
    /// Segment RAM: address.
    pub segment_address: Signal<Out, Bits<DA>>,
    /// Segment RAM: word.
    pub segment_data: Signal<Out, Bits<32>>,
    /// Segment RAM: write, always taken.
    pub segment_write: Signal<Out, Bit>,
    /// A descriptor was fetched.
    pub step: StepTx,
    /// The TPT refused a descriptor.
    pub protection_error: Signal<Out, Bit>,
    state: DFF<FetchState>,
    vi: DFF<Bits<8>>,
    slot: DFF<Bit>,
    which: DFF<Bits<2>>,
    replays: DFF<Bit>,
    again_now: DFF<Bit>,
    index: DFF<Bits<8>>,
    entry: DFF<Bits<32>>,
    handle: DFF<Bits<32>>,
    va_low: DFF<Bits<32>>,
    va_high: DFF<Bits<32>>,
    piece_last: DFF<Bit>,
    word: DFF<Bits<8>>,
    words: DFF<Bits<8>>,
    segments: DFF<Bits<8>>,
    rdma: DFF<Bit>,
    bad: DFF<Bits<2>>,
    rest: DFF<Bits<36>>,
    busy: DFF<Bits<2>>,
    full0: DFF<Bits<16>>,
    full1: DFF<Bits<16>>,
    fences0: DFF<Bits<16>>,
    fences1: DFF<Bits<16>>,
    reads0: DFF<Bits<16>>,
    reads1: DFF<Bits<16>>,
    at_onces0: DFF<Bits<16>>,
    at_onces1: DFF<Bits<16>>,
    tail: DFF<Bits<16>>,
    evicted: DFF<Bits<16>>,
    last_index: [DFF<Bits<8>>; 16],
    evicted_index: Signal<Local, Bits<8>>,
    clear_mask: Signal<Local, Bits<16>>,
    tail_full: Signal<Local, Bits<16>>,
    wanted: Signal<Local, Bits<16>>,
    chosen: Signal<Local, Bits<8>>,
    found: Signal<Local, Bit>,
    chosen_evicted: Signal<Local, Bit>,
    mask: Signal<Local, Bits<16>>,
    not_mask: Signal<Local, Bits<16>>,
    release_mask: Signal<Local, Bits<16>>,
    keep0: Signal<Local, Bits<16>>,
    keep1: Signal<Local, Bits<16>>,
    load: Signal<Local, Bit>,
    borrow: Signal<Local, Bit>,
    again_mask: Signal<Local, Bits<16>>,
    load_fence: Signal<Local, Bit>,
    load_read: Signal<Local, Bit>,
    load_at_once: Signal<Local, Bit>,
    load_entry: Signal<Local, Bits<32>>,
    is_early: Signal<Local, Bit>,
    record: Signal<Local, Bits<CA>>,
    record_word: Signal<Local, Bits<CA>>,
    segment_base: Signal<Local, Bits<DA>>,
    segment_word: Signal<Local, Bits<DA>>,
    data: Signal<Local, Bits<32>>,
    place: Signal<Local, Bits<8>>,
    takes_word: Signal<Local, Bit>,
    next_word: Signal<Local, Bits<8>>,
    is_inline: Signal<Local, Bit>,
    control: Signal<Local, Bits<16>>,
    count: Signal<Local, Bits<16>>,
    is_short: Signal<Local, Bit>,
    most: Signal<Local, Bits<16>>,
    is_rdma: Signal<Local, Bit>,
    final_bad: Signal<Local, Bits<2>>,
    later_words: Signal<Local, Bits<8>>,
    va: Signal<Local, Bits<64>>,
    later_va: Signal<Local, Bits<64>>,
    words_log2: Constant<Bits<4>>,
    slot_words_log2: Constant<Bits<4>>,
    remote_segment: Constant<Bits<DA>>,
    most_segments: Constant<Bits<16>>,
    message_word: Constant<Bits<13>>,
    message_buffer_bit: Constant<Bits<5>>,
    fence_bit: Constant<Bits<5>>,
    local_read: Constant<Bits<4>>,
    op_mask: Constant<Bits<16>>,
    op_write: Constant<Bits<16>>,
    op_read: Constant<Bits<16>>,
    refused_bits: Constant<Bits<16>>,
    fence_control: Constant<Bits<16>>,
    fence_flag: Constant<Bits<32>>,
}

impl<const CA: usize, const DA: usize> DescriptorFetch<CA, DA> {
    /// `words_log2`: context words of a VI; `slot_words_log2`: segment RAM words of a slot, whose last four are the address
    /// segment; `most_segments`: data segments of a descriptor.
    pub fn new(words_log2: u32, slot_words_log2: u32, most_segments: u32) -> Self {
        // The word numbers below, and what the first access covers, are those of this layout.
        const { assert!(ALIGN == 64 && CONTROL_BYTES == 32) };
        const { assert!(SEGMENT_COUNT_OFFSET == 12 && LENGTH_OFFSET == 24) };
        block_new!(clock reset pause connected send_ready replaying head again again_vi again_index again_done unload unload_vi
            unload_slot clear clear_vi loaded0 loaded1 fence0 fence1 read0 read1 at_once0 at_once1 unsettled idle queue_read queue_data send_next slot_read
            request piece drain read_request read_data context_address context_data context_write segment_address segment_data
            segment_write step protection_error state vi slot which replays again_now index entry handle va_low va_high piece_last word words
            segments rdma bad rest busy full0 full1 fences0 fences1 reads0 reads1 at_onces0 at_onces1 tail evicted last_index evicted_index
            clear_mask tail_full wanted chosen found chosen_evicted mask not_mask release_mask keep0 keep1 load borrow again_mask load_fence
            load_read load_at_once load_entry is_early record record_word segment_base segment_word data place takes_word next_word is_inline control count is_short most
            is_rdma final_bad later_words va later_va;
            words_log2 = words_log2,
            slot_words_log2 = slot_words_log2,
            remote_segment = (1_u32 << slot_words_log2) - 4,
            most_segments = most_segments,
            message_word = MESSAGE_WORD as u32,
            message_buffer_bit = 4 + flags::MESSAGE_BUFFER.trailing_zeros(),
            fence_bit = 4 + flags::FENCE.trailing_zeros(),
            local_read = access::LOCAL_READ,
            op_mask = control::OP_MASK,
            op_write = control::RDMA_WRITE,
            op_read = control::RDMA_READ,
            // Immediate data is not sent yet.
            refused_bits = control::RESERVED | control::IMMEDIATE,
            fence_control = control::QFENCE,
            fence_flag = u32::from(flags::FENCE) << 4,
        )
    }
}

impl<const CA: usize, const DA: usize> Logic for DescriptorFetch<CA, DA> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, vi, slot, which, replays, again_now, index, entry, handle, va_low,
            va_high, piece_last, word, words, segments, rdma, bad, rest, busy, full0, full1,
            fences0, fences1, reads0, reads1, at_onces0, at_onces1, tail, evicted
        );
        for i in 0..16 {
            self.last_index[i].clock.next = self.clock.val();
            self.last_index[i].d.next = self.last_index[i].q.val();
        }

        // Which VI next: one whose evicted message must come back, or with a free record and an entry in its queue.
        self.tail_full.next = (self.full1.q.val() & self.tail.q.val())
            | (self.full0.q.val() & (self.tail.q.val() ^ bits::<16>(0xFFFF)));
        self.wanted.next = (self.evicted.q.val()
            | (self.send_ready.val() & (self.tail_full.val() ^ bits::<16>(0xFFFF))))
            & self.connected.val()
            & (self.replaying.val() ^ bits::<16>(0xFFFF));
        self.chosen.next = self.vi.q.val();
        self.found.next = false;
        for i in 0..16 {
            if self.wanted.val().get_bit(i) {
                self.chosen.next = i.to_bits();
                self.found.next = true;
            }
        }
        for i in 0..16 {
            if self.wanted.val().get_bit(i) & (i.to_bits::<8>() < self.vi.q.val()) {
                self.chosen.next = i.to_bits();
            }
        }
        self.evicted_index.next = bits::<8>(0);
        for i in 0..16 {
            if self.chosen.val() == i.to_bits::<8>() {
                self.evicted_index.next = self.last_index[i].q.val();
            }
        }
        self.chosen_evicted.next = self.evicted.q.val().get_bit(self.chosen.val().index());

        // Addresses.
        self.record.next =
            (bit_cast::<CA, 8>(self.vi.q.val()) << self.words_log2.val()) | bits::<CA>(16);
        self.segment_base.next =
            (bit_cast::<DA, 8>(self.vi.q.val()) << bits::<4>(1)) << self.slot_words_log2.val();
        if self.slot.q.val() {
            self.record.next =
                (bit_cast::<CA, 8>(self.vi.q.val()) << self.words_log2.val()) | bits::<CA>(24);
            self.segment_base.next = ((bit_cast::<DA, 8>(self.vi.q.val()) << bits::<4>(1))
                | bits::<DA>(1))
                << self.slot_words_log2.val();
        }
        self.record_word.next = bits::<CA>(0);
        self.segment_word.next = bits::<DA>(0);
        self.data.next = self.read_data.data.val();
        self.context_write.next = false;
        self.segment_write.next = false;

        self.later_words.next = self.words.q.val() - bits::<8>(16);
        self.va.next = bit_cast::<64, 32>(self.va_low.q.val())
            | (bit_cast::<64, 32>(self.va_high.q.val()) << bits::<6>(32));
        self.later_va.next = self.va.val() + bits::<64>(52);

        // Outputs at rest.
        self.queue_read.vi.next = self.vi.q.val();
        self.queue_read.receive.next = false;
        self.queue_read.which.next = self.which.q.val();
        self.queue_read.index.next = self.index.q.val();
        self.queue_read.valid.next = false;
        self.queue_data.ready.next = false;
        self.send_next.vi.next = self.vi.q.val();
        self.send_next.valid.next = false;
        self.slot_read.valid.next = false;
        self.slot_read.word.next = (bit_cast::<13, 5>(self.entry.q.val().get_bits::<5>(12))
            << bits::<4>(5))
            | self.message_word.val()
            | bit_cast::<13, 8>(self.word.q.val());
        self.request.stag.next = self.handle.q.val();
        self.request.to.next = self.va.val();
        self.request.length.next = bits::<16>(52);
        if self.word.q.val().get_bits::<4>(4).any() {
            self.request.length.next = bit_cast::<16, 8>(self.later_words.val()) << bits::<4>(2);
        }
        self.request.access.next = self.local_read.val();
        self.request.vi.next = self.vi.q.val();
        self.request.last_of_message.next = false;
        self.request.valid.next = false;
        self.piece.ready.next = false;
        self.read_request.iova.next = self.piece.iova.val();
        self.read_request.bytes.next = self.piece.bytes.val();
        self.read_request.valid.next = false;
        self.drain.busy.next = self.busy.q.val();
        // A cycle later, when the record's last word can be read.
        self.again_done.next = self.again_now.q.val();
        self.again_now.d.next = false;
        self.step.fire.next = false;
        self.step.vi.next = self.vi.q.val();
        self.protection_error.next = false;
        self.load.next = false;
        self.borrow.next = false;
        self.load_read.next = false;
        self.load_at_once.next = false;
        self.load_entry.next = self.entry.q.val();
        if self.state.q.val() == FetchState::TakeEntry {
            self.load_entry.next = self.queue_data.data.val();
        }
        self.load_fence.next = self.load_entry.val().get_bit(self.fence_bit.val().index());
        // Of an inline message the first word is enough to begin with; a replay wants the whole record.
        self.is_early.next = self.load_entry.val().get_bits::<4>(0).any()
            & !self
                .load_entry
                .val()
                .get_bit(self.message_buffer_bit.val().index())
            & !self.replays.q.val();
        self.is_inline.next = !self
            .entry
            .q
            .val()
            .get_bit(self.message_buffer_bit.val().index());

        // The word of a descriptor that is on the bus.
        self.takes_word.next = false;
        self.next_word.next = self.word.q.val() + 1;
        self.place.next = self.word.q.val() - 8;
        if self.rdma.q.val() {
            self.place.next = self.word.q.val() - 12;
        }
        self.control.next = self.read_data.data.val().get_bits::<16>(16);
        self.count.next = self.read_data.data.val().get_bits::<16>(0);
        self.is_rdma.next = ((self.control.val() & self.op_mask.val()) == self.op_write.val())
            | ((self.control.val() & self.op_mask.val()) == self.op_read.val());
        // An RDMA Read names its peer and at least one place of its own, or there is nothing to ask for.
        self.is_short.next = self.is_rdma.val()
            & ((self.count.val() == bits::<16>(0))
                | ((self.count.val() == bits::<16>(1))
                    & ((self.control.val() & self.op_mask.val()) == self.op_read.val())));
        self.most.next = self.most_segments.val();
        if self.is_rdma.val() {
            self.most.next = self.most_segments.val() + 1;
        }
        self.final_bad.next = self.bad.q.val();
        if (self.bad.q.val() == bits::<2>(0)) & !self.rest.q.val().all() {
            self.final_bad.next = bits::<2>(2);
        }

        match self.state.q.val() {
            FetchState::Choose => {
                self.bad.d.next = bits::<2>(0);
                self.rest.d.next = bits::<36>(0xF_FFFF_FFFF_u64);
                self.segments.d.next = bits::<8>(0);
                self.rdma.d.next = false;
                self.replays.d.next = false;
                if self.again.val() & !self.again_now.q.val() {
                    self.vi.d.next = self.again_vi.val();
                    self.slot.d.next = !self.head.val().get_bit(self.again_vi.val().index());
                    self.which.d.next = bits::<2>(0);
                    self.index.d.next = self.again_index.val();
                    self.replays.d.next = true;
                    self.borrow.next = true;
                    self.state.d.next = FetchState::AskQueue;
                } else if self.found.val() & !self.pause.val() {
                    self.vi.d.next = self.chosen.val();
                    self.slot.d.next = self.tail.q.val().get_bit(self.chosen.val().index());
                    self.which.d.next = bits::<2>(1);
                    self.index.d.next = self.evicted_index.val();
                    if self.chosen_evicted.val() {
                        // It was the newest record. The oldest may have left meanwhile, so the head does not tell where.
                        self.slot.d.next = !self.tail.q.val().get_bit(self.chosen.val().index());
                        self.which.d.next = bits::<2>(0);
                    }
                    self.state.d.next = FetchState::AskQueue;
                }
            }
            FetchState::AskQueue => {
                self.queue_read.valid.next = true;
                if self.queue_read.ready.val() {
                    self.state.d.next = FetchState::TakeEntry;
                }
            }
            FetchState::TakeEntry => {
                self.queue_data.ready.next = true;
                self.data.next = self.queue_data.data.val();
                if self.queue_data.valid.val() {
                    self.entry.d.next = self.queue_data.data.val();
                    self.context_write.next = true;
                    self.send_next.valid.next = self.which.q.val() == bits::<2>(1);
                    self.load.next = self.is_early.val();
                    self.load_at_once.next = true;
                    self.state.d.next = FetchState::TakeHandle;
                }
            }
            FetchState::TakeHandle => {
                self.queue_data.ready.next = true;
                self.data.next = self.queue_data.data.val();
                self.record_word.next = bits::<CA>(2);
                if self.queue_data.valid.val() {
                    self.handle.d.next = self.queue_data.data.val();
                    self.context_write.next = true;
                    self.state.d.next = FetchState::TakeVaLow;
                }
            }
            FetchState::TakeVaLow => {
                self.queue_data.ready.next = true;
                // Past the link, which the board does not follow: a descriptor is 64-byte aligned.
                self.va_low.d.next = self.queue_data.data.val() | bits::<32>(12);
                if self.queue_data.valid.val() {
                    self.state.d.next = FetchState::TakeVaHigh;
                    self.load.next = self.entry.q.val().get_bits::<4>(0).any()
                        & self.is_inline.val()
                        & self.replays.q.val();
                }
            }
            FetchState::TakeVaHigh => {
                self.queue_data.ready.next = true;
                self.data.next = self.queue_data.data.val();
                self.record_word.next = bits::<CA>(1);
                self.segment_word.next = bits::<DA>(3);
                self.word.d.next = bits::<8>(0);
                self.words.d.next = bits::<8>(16);
                self.va_high.d.next = self.queue_data.data.val();
                if self.queue_data.valid.val() {
                    self.context_write.next = true;
                    self.segment_write.next = true;
                    if self.entry.q.val().get_bits::<4>(0).any() {
                        if self.is_inline.val() {
                            self.state.d.next = FetchState::Choose;
                        } else {
                            self.state.d.next = FetchState::AskSlot;
                        }
                    } else {
                        self.word.d.next = bits::<8>(3);
                        self.state.d.next = FetchState::Check;
                    }
                }
            }
            FetchState::AskSlot => {
                self.slot_read.valid.next = true;
                if self.slot_read.ready.val() {
                    self.state.d.next = FetchState::StoreSlot;
                }
            }
            FetchState::StoreSlot => {
                // The slot has {handle, va low, va high}, a segment {va low, va high, handle, length}.
                self.data.next = self.slot_read.data.val();
                self.segment_write.next = true;
                self.segment_word.next = bits::<DA>(1);
                if self.word.q.val() == bits::<8>(0) {
                    self.segment_word.next = bits::<DA>(2);
                }
                if self.word.q.val() == bits::<8>(1) {
                    self.segment_word.next = bits::<DA>(0);
                }
                self.word.d.next = self.next_word.val();
                self.state.d.next = FetchState::AskSlot;
                if self.word.q.val() == bits::<8>(2) {
                    self.load.next = true;
                    self.state.d.next = FetchState::Choose;
                }
            }
            FetchState::Check => {
                self.request.valid.next = true;
                if self.request.ready.val() {
                    self.busy.d.next = bits::<2>(1);
                    if self.drain.epoch.val() {
                        self.busy.d.next = bits::<2>(2);
                    }
                    self.state.d.next = FetchState::ReadPiece;
                }
            }
            FetchState::ReadPiece => {
                self.piece_last.d.next = self.piece.last.val();
                if self.piece.valid.val() {
                    if self.piece.error.val().any() {
                        self.piece.ready.next = true;
                        self.busy.d.next = bits::<2>(0);
                        self.protection_error.next = true;
                        self.bad.d.next = bits::<2>(3);
                        self.state.d.next = FetchState::StoreCount;
                    } else {
                        self.read_request.valid.next = true;
                        self.piece.ready.next = self.read_request.ready.val();
                        if self.read_request.ready.val() {
                            self.state.d.next = FetchState::TakeWords;
                        }
                    }
                }
            }
            FetchState::TakeWords => {
                self.takes_word.next = self.read_data.valid.val() & !self.read_data.error.val();
                if self.read_data.valid.val() & self.read_data.last.val() {
                    self.state.d.next = FetchState::ReadPiece;
                    if self.piece_last.q.val() {
                        self.busy.d.next = bits::<2>(0);
                        self.state.d.next = FetchState::StoreEntry;
                        // The first 64 bytes hold two segments; the rest comes in a second access.
                        if (self.words.q.val() > bits::<8>(16))
                            & (self.word.q.val() < bits::<8>(16))
                        {
                            self.va_low.d.next = self.later_va.val().get_bits::<32>(0);
                            self.va_high.d.next = self.later_va.val().get_bits::<32>(32);
                            self.state.d.next = FetchState::Check;
                        }
                    }
                    if self.read_data.error.val() {
                        self.busy.d.next = bits::<2>(0);
                        self.bad.d.next = bits::<2>(3);
                        self.state.d.next = FetchState::StoreCount;
                    }
                }
            }
            FetchState::StoreCount => {
                self.record_word.next = bits::<CA>(5);
                self.data.next = bit_cast::<32, 8>(self.segments.q.val());
                self.context_write.next = true;
                self.state.d.next = FetchState::StoreEntry;
            }
            FetchState::StoreEntry => {
                self.data.next =
                    self.entry.q.val() | (bit_cast::<32, 2>(self.final_bad.val()) << bits::<5>(19));
                self.context_write.next = true;
                self.step.fire.next = true;
                self.load.next = true;
                self.load_read.next = self.entry.q.val().get_bit(18);
                self.state.d.next = FetchState::Choose;
            }
            _ => {
                self.state.d.next = FetchState::Choose;
            }
        }

        // A word of the descriptor, by its number.
        if self.takes_word.val() {
            self.word.d.next = self.next_word.val();
            if self.word.q.val() == bits::<8>(3) {
                self.rdma.d.next = self.is_rdma.val();
                self.entry.d.next = (self.entry.q.val() & bits::<32>(0xFF00_0000_u64))
                    | (bit_cast::<32, 16>(self.control.val() & self.op_mask.val())
                        << bits::<5>(17));
                if (self.control.val() & self.fence_control.val()).any() {
                    self.entry.d.next = (self.entry.q.val() & bits::<32>(0xFF00_0000_u64))
                        | (bit_cast::<32, 16>(self.control.val() & self.op_mask.val())
                            << bits::<5>(17))
                        | self.fence_flag.val();
                }
                self.segments.d.next = bit_cast::<8, 16>(self.count.val());
                self.words.d.next =
                    (bit_cast::<8, 16>(self.count.val()) << bits::<4>(2)) + bits::<8>(8);
                if self.is_rdma.val() {
                    self.segments.d.next = bit_cast::<8, 16>(self.count.val()) - 1;
                }
                if (self.control.val() & self.refused_bits.val()).any()
                    | ((self.control.val() & self.op_mask.val()) == self.op_mask.val())
                    | (self.count.val() > self.most.val())
                    | self.is_short.val()
                {
                    self.bad.d.next = bits::<2>(1);
                    self.words.d.next = bits::<8>(8);
                    self.segments.d.next = bits::<8>(0);
                }
            }
            if self.word.q.val() == bits::<8>(4) {
                self.record_word.next = bits::<CA>(5);
                self.data.next = bit_cast::<32, 8>(self.segments.q.val());
                self.context_write.next = true;
            }
            if self.word.q.val() == bits::<8>(6) {
                self.record_word.next = bits::<CA>(1);
                self.context_write.next = true;
                // Complemented; with the segments' lengths it comes to all ones.
                self.rest.d.next =
                    bit_cast::<36, 32>(self.read_data.data.val()) ^ bits::<36>(0xF_FFFF_FFFF_u64);
            }
            if (self.word.q.val() >= bits::<8>(8)) & (self.word.q.val() < self.words.q.val()) {
                self.segment_write.next = true;
                self.segment_word.next = bit_cast::<DA, 8>(self.place.val());
                if self.rdma.q.val() & (self.word.q.val() < bits::<8>(12)) {
                    // The address segment {va low, va high, handle} also goes where the header build finds it.
                    self.segment_word.next = self.remote_segment.val()
                        | bit_cast::<DA, 2>(self.word.q.val().get_bits::<2>(0));
                    self.context_write.next = self.word.q.val().get_bits::<2>(0) != bits::<2>(3);
                    self.record_word.next = bits::<CA>(3);
                    if self.word.q.val().get_bit(0) {
                        self.record_word.next = bits::<CA>(4);
                    }
                    if self.word.q.val().get_bit(1) {
                        self.record_word.next = bits::<CA>(2);
                    }
                } else if self.word.q.val().get_bits::<2>(0) == bits::<2>(3) {
                    self.rest.d.next =
                        self.rest.q.val() + bit_cast::<36, 32>(self.read_data.data.val());
                }
            }
        }
        self.context_address.next = self.record.val() | self.record_word.val();
        self.context_data.next = self.data.val();
        self.segment_address.next = self.segment_base.val() | self.segment_word.val();
        self.segment_data.next = self.data.val();

        // Which records hold what.
        self.mask.next = bits::<16>(1) << self.vi.q.val();
        self.not_mask.next = self.mask.val() ^ bits::<16>(0xFFFF);
        self.again_mask.next = bits::<16>(1) << self.again_vi.val();
        self.keep0.next = bits::<16>(0xFFFF);
        self.keep1.next = bits::<16>(0xFFFF);
        self.release_mask.next = (bits::<16>(1) << self.unload_vi.val()) ^ bits::<16>(0xFFFF);
        if self.unload.val() {
            if self.unload_slot.val() {
                self.keep1.next = self.release_mask.val();
            } else {
                self.keep0.next = self.release_mask.val();
            }
        }
        self.full0.d.next = self.full0.q.val() & self.keep0.val();
        self.full1.d.next = self.full1.q.val() & self.keep1.val();
        if self.load.val() {
            if self.replays.q.val() {
                self.again_now.d.next = true;
            } else {
                self.evicted.d.next = self.evicted.q.val() & self.not_mask.val();
                if self.which.q.val() == bits::<2>(1) {
                    self.tail.d.next = self.tail.q.val() ^ self.mask.val();
                    for i in 0..16 {
                        if self.vi.q.val() == i.to_bits::<8>() {
                            self.last_index[i].d.next = self.load_entry.val().get_bits::<8>(24);
                        }
                    }
                }
                if self.slot.q.val() {
                    self.full1.d.next = (self.full1.q.val() & self.keep1.val()) | self.mask.val();
                    self.fences1.d.next = self.fences1.q.val() & self.not_mask.val();
                    self.reads1.d.next = self.reads1.q.val() & self.not_mask.val();
                    self.at_onces1.d.next = self.at_onces1.q.val() & self.not_mask.val();
                    if self.load_at_once.val() {
                        self.at_onces1.d.next = self.at_onces1.q.val() | self.mask.val();
                    }
                    if self.load_fence.val() {
                        self.fences1.d.next = self.fences1.q.val() | self.mask.val();
                    }
                    if self.load_read.val() {
                        self.reads1.d.next = self.reads1.q.val() | self.mask.val();
                    }
                } else {
                    self.full0.d.next = (self.full0.q.val() & self.keep0.val()) | self.mask.val();
                    self.fences0.d.next = self.fences0.q.val() & self.not_mask.val();
                    self.reads0.d.next = self.reads0.q.val() & self.not_mask.val();
                    self.at_onces0.d.next = self.at_onces0.q.val() & self.not_mask.val();
                    if self.load_at_once.val() {
                        self.at_onces0.d.next = self.at_onces0.q.val() | self.mask.val();
                    }
                    if self.load_fence.val() {
                        self.fences0.d.next = self.fences0.q.val() | self.mask.val();
                    }
                    if self.load_read.val() {
                        self.reads0.d.next = self.reads0.q.val() | self.mask.val();
                    }
                }
            }
        }
        if self.borrow.val() {
            // What was prefetched into the borrowed record must come back.
            self.evicted.d.next = self.evicted.q.val()
                | (self.again_mask.val() & self.full0.q.val() & self.full1.q.val());
            if self.head.val().get_bit(self.again_vi.val().index()) {
                self.full0.d.next =
                    self.full0.q.val() & (self.again_mask.val() ^ bits::<16>(0xFFFF));
            } else {
                self.full1.d.next =
                    self.full1.q.val() & (self.again_mask.val() ^ bits::<16>(0xFFFF));
            }
        }
        self.clear_mask.next = (bits::<16>(1) << self.clear_vi.val()) ^ bits::<16>(0xFFFF);
        if self.clear.val() {
            self.full0.d.next = self.full0.q.val() & self.clear_mask.val();
            self.full1.d.next = self.full1.q.val() & self.clear_mask.val();
            self.tail.d.next = self.tail.q.val() & self.clear_mask.val();
            self.evicted.d.next = self.evicted.q.val() & self.clear_mask.val();
        }
        if self.reset.val() {
            self.state.d.next = FetchState::Choose;
            self.vi.d.next = bits::<8>(0);
            self.busy.d.next = bits::<2>(0);
            self.full0.d.next = bits::<16>(0);
            self.full1.d.next = bits::<16>(0);
            self.tail.d.next = bits::<16>(0);
            self.evicted.d.next = bits::<16>(0);
        }
        self.loaded0.next = self.full0.q.val();
        self.loaded1.next = self.full1.q.val();
        self.fence0.next = self.fences0.q.val();
        self.fence1.next = self.fences1.q.val();
        self.read0.next = self.reads0.q.val();
        self.read1.next = self.reads1.q.val();
        self.idle.next = self.state.q.val() == FetchState::Choose;
        self.at_once0.next = self.at_onces0.q.val();
        self.at_once1.next = self.at_onces1.q.val();
        self.unsettled.next = (self.state.q.val() == FetchState::TakeHandle)
            | (self.state.q.val() == FetchState::TakeVaLow)
            | (self.state.q.val() == FetchState::TakeVaHigh);
    }
}
