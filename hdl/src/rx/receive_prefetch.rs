//! Fetches the receive descriptors of every connected VI before a message needs them: the head one, and the one behind it.
//!
//! It reads the queue's next entry, has the TPT check the descriptor, reads its bytes 12 to 47 (control and one segment,
//! without the link, which the board does not follow) and, when it has more segments, reads it again to its end: that spares an
//! adder and costs only long descriptors. Control word and segments go into the receive context; a bad descriptor is kept with
//! its VIA status, and `place` completes it so.
//! The context has two places a VI, filled in turn: one for any descriptor, and a spare one for short ones. A longer one is
//! left in the queue until the first place is free. One fetch at a time. It does not look at the segments.
//!
//! ```text
//! receive_ready --> choose --> queue_read --> queue_data --> TPT --> read_request --> read_data --> context, `have`
//! ```
//! Latency: about 20 cycles and a DMA read of 9 words. A descriptor is 64-byte aligned; a piece that is not at a multiple of
//! four bytes is refused.

use rnic_abi::command::access;
use rnic_abi::descriptor::{control, status, CONTROL_BYTES, SEGMENT_BYTES, SEGMENT_COUNT_OFFSET};
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    QueueReadTx, QueueStepTx, ReadClientDataRx, ReadClientRequestTx, StepTx, StreamRx, TptDrainRx,
    TptPieceRx, TptRequestTx,
};
use crate::rx::receive_context::{word, Layout};

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum PrefetchState {
    /// Choose a VI that has an entry and room for a descriptor here.
    Choose,
    /// Ask for the queue's next entry.
    ReadQueue,
    /// Take its four words.
    TakeEntry,
    /// Have the TPT check the descriptor.
    Check,
    /// Take one piece of it.
    TakePiece,
    /// Ask for the piece's bytes.
    AskBytes,
    /// Take them.
    TakeBytes,
    /// Write the descriptor's state.
    Keep,
    /// Let the queue step.
    Settle,
}

/// See the module.
#[derive(LogicBlock)]
pub struct ReceivePrefetch {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Bit i: VI i is connected.
    pub connected: Signal<In, Bits<16>>,
    /// Bit i: VI i's receive queue has an entry that was not taken.
    pub receive_ready: Signal<In, Bits<16>>,
    /// Start nothing for VI `held_vi`: it is being stopped.
    pub hold: Signal<In, Bit>,
    /// Which.
    pub held_vi: Signal<In, Bits<4>>,
    /// Asks the work queues.
    pub queue_read: QueueReadTx,
    /// Their answer.
    pub queue_data: StreamRx,
    /// The entry was taken.
    pub receive_next: QueueStepTx,
    /// TPT client 1.
    pub request: TptRequestTx,
    /// Its pieces.
    pub piece: TptPieceRx,
    /// Its accesses under way.
    pub drain: TptDrainRx,
    /// Reads host memory.
    pub read_request: ReadClientRequestTx,
    /// The bytes.
    pub read_data: ReadClientDataRx,
    /// To the receive context.
    pub write: Signal<Out, Bit>,
    /// VI.
    pub write_vi: Signal<Out, Bits<4>>,
    /// Word.
    pub write_index: Signal<Out, Bits<7>>,
    /// Value.
    pub write_data: Signal<Out, Bits<32>>,
    /// Bit i: VI i's head descriptor is here.
    pub have: Signal<Out, Bits<16>>,
    /// Bit i: and it is in the spare place.
    pub spare: Signal<Out, Bits<16>>,
    /// A fetch is under way.
    pub fetching: Signal<Out, Bit>,
    /// For this VI.
    pub fetching_vi: Signal<Out, Bits<4>>,
    /// The head descriptor of `consumed_vi` is used up.
    pub consume: Signal<In, Bit>,
    /// No descriptor of `consumed_vi` is wanted any more.
    pub let_go: Signal<In, Bit>,
    /// Whose.
    pub consumed_vi: Signal<In, Bits<4>>,
    /// A descriptor was fetched.
    pub step: StepTx,
    /// Counter pulse.
    pub local_protection_errors: Signal<Out, Bit>,

    state: DFF<PrefetchState>,
    vi: DFF<Bits<4>>,
    handle: DFF<Bits<32>>,
    va_low: DFF<Bits<32>>,
    va_high: DFF<Bits<32>>,
    entry_word: DFF<Bits<2>>,
    /// Bytes to fetch: 36, or all that follow the link.
    length: DFF<Bits<10>>,
    /// The whole descriptor is being read, not its first bytes.
    whole: DFF<Bit>,
    /// It has more segments than the first bytes hold.
    more: DFF<Bit>,
    iova: DFF<Bits<48>>,
    bytes: DFF<Bits<13>>,
    last_piece: DFF<Bit>,
    at: DFF<Bits<8>>,
    count: DFF<Bits<5>>,
    trouble: DFF<Bits<3>>,
    /// It does not fit the spare place.
    too_long: DFF<Bit>,
    /// Bit i: VI i has a descriptor in the first, in the spare place; the spare one is filled next.
    have_first: DFF<Bits<16>>,
    have_spare: DFF<Bits<16>>,
    fill_spare: DFF<Bits<16>>,
    busy: DFF<Bit>,
    epoch: DFF<Bit>,

    candidates: Signal<Local, Bits<16>>,
    sought: Signal<Local, Bit>,
    fills_spare: Signal<Local, Bit>,
    fills_first: Signal<Local, Bit>,
    now_spare: Signal<Local, Bits<16>>,
    fits: Signal<Local, Bit>,
    chosen: Signal<Local, Bits<4>>,
    count_word: Signal<Local, Bits<16>>,
    control_word: Signal<Local, Bits<16>>,
    segment_at: Signal<Local, Bits<8>>,
    turned_at: Signal<Local, Bits<8>>,
    full_length: Signal<Local, Bits<10>>,
    first_bytes: Constant<Bits<10>>,
    control_bytes: Constant<Bits<10>>,
    link_bytes: Constant<Bits<32>>,
    first_word: Constant<Bits<8>>,
    control_refused: Constant<Bits<16>>,
    most_segments: Constant<Bits<16>>,
    in_first_read: Constant<Bits<16>>,
    segments: Constant<Bits<8>>,
    spare_segments: Constant<Bits<8>>,
    spare_count: Constant<Bits<16>>,
    spare_words: Constant<Bits<8>>,
    spare_state_word: Constant<Bits<7>>,
    spare_handle_word: Constant<Bits<7>>,
    first_segment_word: Constant<Bits<8>>,
    state_word: Constant<Bits<7>>,
    handle_word: Constant<Bits<7>>,
    local_read: Constant<Bits<4>>,
    format_error: Constant<Bits<3>>,
    protection_error: Constant<Bits<3>>,
}

impl ReceivePrefetch {
    /// The block for descriptors of at most `max_segments` data segments.
    pub fn new(layout: Layout, max_segments: u32) -> Self {
        block_new!(
            clock reset connected receive_ready hold held_vi queue_read queue_data receive_next
            request piece drain read_request read_data write write_vi write_index write_data have
            spare fetching fetching_vi consume let_go consumed_vi step local_protection_errors state vi
            handle va_low va_high entry_word length whole more iova bytes last_piece at count
            trouble too_long have_first have_spare fill_spare busy epoch candidates sought fills_first fills_spare
            now_spare fits chosen count_word control_word segment_at
            turned_at full_length;
            first_bytes = (CONTROL_BYTES + SEGMENT_BYTES - SEGMENT_COUNT_OFFSET) as u64,
            control_bytes = (CONTROL_BYTES - SEGMENT_COUNT_OFFSET) as u64,
            link_bytes = SEGMENT_COUNT_OFFSET as u64,
            first_word = (SEGMENT_COUNT_OFFSET / 4) as u64,
            control_refused = control::RESERVED | control::OP_MASK,
            most_segments = max_segments,
            in_first_read = 1u64,
            segments = layout.segments,
            spare_segments = layout.spare_segments,
            spare_count = layout.spare_count,
            spare_words = layout.spare_count * 4,
            spare_state_word = word::SPARE_STATE,
            spare_handle_word = word::SPARE_HANDLE,
            first_segment_word = (CONTROL_BYTES / 4) as u64,
            state_word = word::DESCRIPTOR_STATE,
            handle_word = word::DESCRIPTOR_HANDLE,
            local_read = access::LOCAL_READ,
            format_error = status::FORMAT_ERROR,
            protection_error = status::PROTECTION_ERROR,
        )
    }
}

impl Logic for ReceivePrefetch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, vi, handle, va_low, va_high, entry_word, length, whole, more, iova,
            bytes, last_piece, at, count, trouble, too_long, have_first, have_spare, fill_spare,
            busy, epoch
        );
        self.candidates.next = (self.receive_ready.val() & self.connected.val())
            & (((self.fill_spare.q.val() | self.have_first.q.val())
                & ((self.fill_spare.q.val() ^ bits::<16>(0xFFFF)) | self.have_spare.q.val()))
                ^ bits::<16>(0xFFFF));
        // The highest below the last one, else the highest.
        self.sought.next = false;
        self.chosen.next = bits::<4>(0);
        for i in 0..16 {
            if self.candidates.val().get_bit(i)
                & !(self.hold.val() & (self.held_vi.val() == i.to_bits::<4>()))
            {
                self.sought.next = true;
                self.chosen.next = i.to_bits::<4>();
            }
        }
        for i in 0..16 {
            if (self.candidates.val().get_bit(i)
                & !(self.hold.val() & (self.held_vi.val() == i.to_bits::<4>())))
                & (i.to_bits::<4>() < self.vi.q.val())
            {
                self.chosen.next = i.to_bits::<4>();
            }
        }
        self.fills_spare.next = self.fill_spare.q.val().get_bit(self.vi.q.val().index());
        self.fills_first.next = !self.fills_spare.val();
        // Of two, the one that is filled next is the older.
        self.now_spare.next = self.have_spare.q.val()
            & ((self.have_first.q.val() ^ bits::<16>(0xFFFF)) | self.fill_spare.q.val());

        self.queue_read.vi.next = bit_cast::<8, 4>(self.vi.q.val());
        self.queue_read.receive.next = true;
        self.queue_read.which.next = bits::<2>(1);
        self.queue_read.index.next = bits::<8>(0);
        self.queue_read.valid.next = self.state.q.val() == PrefetchState::ReadQueue;
        self.queue_data.ready.next = self.state.q.val() == PrefetchState::TakeEntry;
        self.receive_next.vi.next = bit_cast::<8, 4>(self.vi.q.val());
        self.receive_next.valid.next = false;

        self.request.stag.next = self.handle.q.val();
        self.request.to.next = (bit_cast::<64, 32>(self.va_high.q.val()) << bits::<64>(32))
            | bit_cast::<64, 32>(self.va_low.q.val());
        self.request.length.next = bit_cast::<16, 10>(self.length.q.val());
        self.request.access.next = self.local_read.val();
        self.request.vi.next = bit_cast::<8, 4>(self.vi.q.val());
        self.request.last_of_message.next = false;
        self.request.valid.next = self.state.q.val() == PrefetchState::Check;
        self.piece.ready.next = self.state.q.val() == PrefetchState::TakePiece;
        self.read_request.iova.next = self.iova.q.val();
        self.read_request.bytes.next = self.bytes.q.val();
        self.read_request.valid.next = self.state.q.val() == PrefetchState::AskBytes;

        self.drain.busy.next = bits::<2>(0);
        if self.busy.q.val() {
            self.drain.busy.next = bits::<2>(1);
            if self.epoch.q.val() {
                self.drain.busy.next = bits::<2>(2);
            }
        }

        self.count_word.next = self.read_data.data.val().get_bits::<16>(0);
        self.control_word.next = self.read_data.data.val().get_bits::<16>(16);
        self.full_length.next =
            self.control_bytes.val() + (bit_cast::<10, 5>(self.count.q.val()) << bits::<10>(4));
        // Memory has {va low, va high, handle, length}; a group is {length, handle, va high, va low}.
        self.segment_at.next = self.at.q.val() - self.first_segment_word.val();
        self.turned_at.next = (self.segment_at.val() ^ bits::<8>(3)) + self.segments.val();
        self.fits.next = true;
        if self.fills_spare.val() {
            self.turned_at.next =
                (self.segment_at.val() ^ bits::<8>(3)) + self.spare_segments.val();
            self.fits.next = self.segment_at.val() < self.spare_words.val();
        }

        self.write.next = false;
        self.write_vi.next = self.vi.q.val();
        self.write_index.next = self.turned_at.val().get_bits::<7>(0);
        self.write_data.next = self.read_data.data.val();
        self.step.fire.next = false;
        self.step.vi.next = bit_cast::<8, 4>(self.vi.q.val());
        self.local_protection_errors.next = false;

        match self.state.q.val() {
            PrefetchState::Choose => {
                self.entry_word.d.next = bits::<2>(0);
                if self.sought.val() {
                    self.vi.d.next = self.chosen.val();
                    self.state.d.next = PrefetchState::ReadQueue;
                }
            }
            PrefetchState::ReadQueue => {
                if self.queue_read.ready.val() {
                    self.state.d.next = PrefetchState::TakeEntry;
                }
            }
            PrefetchState::TakeEntry => {
                if self.queue_data.valid.val() {
                    self.entry_word.d.next = self.entry_word.q.val() + bits::<2>(1);
                    self.write.next = self.entry_word.q.val().any();
                    self.write_index.next = self.handle_word.val()
                        + bit_cast::<7, 2>(self.entry_word.q.val())
                        - bits::<7>(1);
                    if self.fills_spare.val() {
                        self.write_index.next = self.spare_handle_word.val()
                            + bit_cast::<7, 2>(self.entry_word.q.val())
                            - bits::<7>(1);
                    }
                    self.write_data.next = self.queue_data.data.val();
                    if self.entry_word.q.val() == bits::<2>(1) {
                        self.handle.d.next = self.queue_data.data.val();
                    }
                    if self.entry_word.q.val() == bits::<2>(2) {
                        self.va_low.d.next = self.queue_data.data.val() | self.link_bytes.val();
                    }
                    if self.entry_word.q.val() == bits::<2>(3) {
                        self.va_high.d.next = self.queue_data.data.val();
                        self.length.d.next = self.first_bytes.val();
                        self.whole.d.next = false;
                        self.too_long.d.next = false;
                        self.trouble.d.next = bits::<3>(0);
                        self.state.d.next = PrefetchState::Check;
                    }
                }
            }
            PrefetchState::Check => {
                self.at.d.next = self.first_word.val();
                if self.request.ready.val() {
                    self.busy.d.next = true;
                    self.epoch.d.next = self.drain.epoch.val();
                    self.state.d.next = PrefetchState::TakePiece;
                }
            }
            PrefetchState::TakePiece => {
                if self.piece.valid.val() {
                    self.iova.d.next = self.piece.iova.val();
                    self.bytes.d.next = self.piece.bytes.val();
                    self.last_piece.d.next = self.piece.last.val();
                    self.state.d.next = PrefetchState::AskBytes;
                    if self.piece.error.val().any() {
                        self.local_protection_errors.next = true;
                        self.trouble.d.next = self.protection_error.val();
                        self.state.d.next = PrefetchState::Keep;
                    }
                    // Pieces that follow are swallowed here, too.
                    if self.piece.iova.val().get_bits::<2>(0).any() | self.trouble.q.val().any() {
                        self.trouble.d.next = self.protection_error.val();
                        self.state.d.next = PrefetchState::TakePiece;
                        if self.piece.last.val() {
                            self.state.d.next = PrefetchState::Keep;
                        }
                    }
                }
            }
            PrefetchState::AskBytes => {
                if self.read_request.ready.val() {
                    self.state.d.next = PrefetchState::TakeBytes;
                }
            }
            PrefetchState::TakeBytes => {
                if self.read_data.valid.val() {
                    self.at.d.next = self.at.q.val() + bits::<8>(1);
                    if self.at.q.val() == self.first_word.val() {
                        self.more.d.next = false;
                        self.count.d.next = self.count_word.val().get_bits::<5>(0);
                        if (self.count_word.val() > self.most_segments.val())
                            | (self.control_word.val() & self.control_refused.val()).any()
                        {
                            self.trouble.d.next = self.format_error.val();
                        } else if self.count_word.val() > self.in_first_read.val() {
                            self.more.d.next = true;
                            self.too_long.d.next = self.fills_spare.val()
                                & (self.count_word.val() > self.spare_count.val());
                        }
                    }
                    self.write.next =
                        (self.at.q.val() >= self.first_segment_word.val()) & self.fits.val();
                    if self.read_data.error.val() {
                        self.write.next = false;
                        self.trouble.d.next = self.protection_error.val();
                    }
                    if self.read_data.last.val() {
                        self.state.d.next = PrefetchState::TakePiece;
                        if self.last_piece.q.val() {
                            self.state.d.next = PrefetchState::Keep;
                        }
                    }
                }
            }
            PrefetchState::Keep => {
                self.busy.d.next = false;
                self.length.d.next = self.full_length.val();
                self.write.next = true;
                self.write_index.next = self.state_word.val();
                if self.fills_spare.val() {
                    self.write_index.next = self.spare_state_word.val();
                }
                self.write_data.next = (bit_cast::<32, 3>(self.trouble.q.val()) << bits::<32>(16))
                    | (bit_cast::<32, 5>(self.count.q.val()) << bits::<32>(8));
                if self.too_long.q.val() & !self.trouble.q.val().any() {
                    if !self.let_go.val() {
                        self.fill_spare.d.next = self
                            .fill_spare
                            .q
                            .val()
                            .replace_bit(self.vi.q.val().index(), false);
                        self.state.d.next = PrefetchState::Choose;
                    }
                } else if (self.more.q.val() & !self.whole.q.val()) & !self.trouble.q.val().any() {
                    self.whole.d.next = true;
                    self.state.d.next = PrefetchState::Check;
                } else if !self.consume.val() & !self.let_go.val() {
                    if self.fills_spare.val() {
                        self.have_spare.d.next = self
                            .have_spare
                            .q
                            .val()
                            .replace_bit(self.vi.q.val().index(), true);
                    } else {
                        self.have_first.d.next = self
                            .have_first
                            .q
                            .val()
                            .replace_bit(self.vi.q.val().index(), true);
                    }
                    self.fill_spare.d.next = self
                        .fill_spare
                        .q
                        .val()
                        .replace_bit(self.vi.q.val().index(), self.fills_first.val());
                    self.receive_next.valid.next = true;
                    self.step.fire.next = true;
                    self.state.d.next = PrefetchState::Settle;
                }
            }
            PrefetchState::Settle => {
                self.state.d.next = PrefetchState::Choose;
            }
            _ => {
                self.state.d.next = PrefetchState::Choose;
            }
        }
        self.have.next = self.have_first.q.val() | self.have_spare.q.val();
        self.spare.next = self.now_spare.val();
        self.fetching.next = self.state.q.val() != PrefetchState::Choose;
        self.fetching_vi.next = self.vi.q.val();
        if self.consume.val() | self.let_go.val() {
            if self.now_spare.val().get_bit(self.consumed_vi.val().index()) | self.let_go.val() {
                self.have_spare.d.next = self
                    .have_spare
                    .q
                    .val()
                    .replace_bit(self.consumed_vi.val().index(), false);
            }
            if !self.now_spare.val().get_bit(self.consumed_vi.val().index()) | self.let_go.val() {
                self.have_first.d.next = self
                    .have_first
                    .q
                    .val()
                    .replace_bit(self.consumed_vi.val().index(), false);
            }
        }
        if self.let_go.val() {
            self.fill_spare.d.next = self
                .fill_spare
                .q
                .val()
                .replace_bit(self.consumed_vi.val().index(), false);
        }
        if self.reset.val() {
            self.state.d.next = PrefetchState::Choose;
            self.have_first.d.next = bits::<16>(0);
            self.have_spare.d.next = bits::<16>(0);
            self.fill_spare.d.next = bits::<16>(0);
            self.busy.d.next = false;
        }
    }
}
