//! Remembers which acknowledgements are owed, and says when one can wait no longer.
//!
//! Receive says "everything before this sequence is placed"; the number goes into the context RAM, where every data frame
//! of the VI picks it up. If none leaves in time, or if Receive asks for it, an acknowledgement alone is due; the scheduler
//! does not wait if nothing is loaded or logged that could carry one, or if the log is full.
//!
//! ```text
//!   ack_owed ---> [pending] ---> context RAM, word 8
//!                     |
//!                     +--> owed ---(tick)---> aged ---(tick)---> due ---> scheduler
//!   taken (a header with the number left) clears all three
//! ```
//! An acknowledgement waits one to two ticks of 16 cycles. The slow tick, every 1,024 cycles, drives the retransmission
//! timers. An `ack_owed` that finds another still pending replaces it; frames are never that close.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::AckOwedRx;

/// See the module. An address in the context RAM is VI number << `words_log2` | word.
#[derive(LogicBlock)]
pub struct AckTimer<const CA: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// From Receive.
    pub ack_owed: AckOwedRx,
    /// Context RAM: address.
    pub address: Signal<Out, Bits<CA>>,
    /// Context RAM: word.
    pub data: Signal<Out, Bits<32>>,
    /// Context RAM: wants to write.
    pub write: Signal<Out, Bit>,
    /// Context RAM: written.
    pub ready: Signal<In, Bit>,
    /// VI of `taken`.
    pub taken_vi: Signal<In, Bits<8>>,
    /// A header has read the number of `taken_vi`.
    pub taken: Signal<In, Bit>,
    /// That header also says that a frame is missing.
    pub taken_nak: Signal<In, Bit>,
    /// VI of `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// Forget what is owed.
    pub clear: Signal<In, Bit>,
    /// VIs that owe an acknowledgement now.
    pub due: Signal<Out, Bits<16>>,
    /// VIs whose next acknowledgement says that a frame is missing.
    pub nak: Signal<Out, Bits<16>>,
    /// VIs that owe any acknowledgement.
    pub any_owed: Signal<Out, Bits<16>>,
    /// One cycle in 1,024.
    pub slow_tick: Signal<Out, Bit>,
    pending: DFF<Bit>,
    vi: DFF<Bits<8>>,
    sequence: DFF<Bits<32>>,
    now: DFF<Bit>,
    is_nak: DFF<Bit>,
    owed: DFF<Bits<16>>,
    aged: DFF<Bits<16>>,
    due_now: DFF<Bits<16>>,
    nak_now: DFF<Bits<16>>,
    cycles: DFF<Bits<10>>,
    set: Signal<Local, Bits<16>>,
    set_due: Signal<Local, Bits<16>>,
    set_nak: Signal<Local, Bits<16>>,
    keep: Signal<Local, Bits<16>>,
    keep_nak: Signal<Local, Bits<16>>,
    tick: Signal<Local, Bit>,
    words_log2: Constant<Bits<4>>,
    word: Constant<Bits<CA>>,
}

impl<const CA: usize> AckTimer<CA> {
    /// `words_log2` is log2 of the context words of a VI.
    pub fn new(words_log2: u32) -> Self {
        block_new!(clock reset ack_owed address data write ready taken_vi taken taken_nak clear_vi clear due nak any_owed slow_tick pending
            vi sequence now is_nak owed aged due_now nak_now cycles set set_due set_nak keep keep_nak tick;
            words_log2 = words_log2, word = 8_u32)
    }
}

impl<const CA: usize> Logic for AckTimer<CA> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, pending, vi, sequence, now, is_nak, owed, aged, due_now, nak_now, cycles
        );
        self.address.next =
            (bit_cast::<CA, 8>(self.vi.q.val()) << self.words_log2.val()) | self.word.val();
        self.data.next = self.sequence.q.val();
        self.write.next = self.pending.q.val();

        self.set.next = bits::<16>(0);
        self.set_due.next = bits::<16>(0);
        self.set_nak.next = bits::<16>(0);
        if self.pending.q.val() & self.ready.val() {
            self.pending.d.next = false;
            self.set.next = bits::<16>(1) << self.vi.q.val();
            if self.now.q.val() {
                self.set_due.next = bits::<16>(1) << self.vi.q.val();
            }
            if self.is_nak.q.val() {
                self.set_nak.next = bits::<16>(1) << self.vi.q.val();
            }
        }
        if self.ack_owed.valid.val() {
            self.pending.d.next = true;
            self.vi.d.next = self.ack_owed.vi.val();
            self.sequence.d.next = self.ack_owed.sequence.val();
            self.now.d.next = self.ack_owed.now.val();
            self.is_nak.d.next = self.ack_owed.nak.val();
        }

        // A number written in the cycle in which the old one is taken stays owed.
        self.keep.next = bits::<16>(0xFFFF);
        if self.taken.val() {
            self.keep.next = (bits::<16>(1) << self.taken_vi.val()) ^ bits::<16>(0xFFFF);
        }
        if self.clear.val() {
            self.keep.next = (bits::<16>(1) << self.clear_vi.val()) ^ bits::<16>(0xFFFF);
        }
        self.keep_nak.next = self.keep.val();
        if self.taken.val() & !self.taken_nak.val() {
            self.keep_nak.next = bits::<16>(0xFFFF);
        }
        self.cycles.d.next = self.cycles.q.val() + 1;
        self.tick.next = self.cycles.q.val().get_bits::<4>(0) == bits::<4>(0);
        self.slow_tick.next = self.cycles.q.val() == bits::<10>(0);
        self.owed.d.next = (self.owed.q.val() & self.keep.val()) | self.set.val();
        self.aged.d.next = self.aged.q.val() & self.keep.val();
        self.due_now.d.next = (self.due_now.q.val() & self.keep.val()) | self.set_due.val();
        self.nak_now.d.next = (self.nak_now.q.val() & self.keep_nak.val()) | self.set_nak.val();
        if self.tick.val() {
            self.aged.d.next = self.owed.q.val() & self.keep.val();
            self.due_now.d.next = ((self.due_now.q.val()
                | (self.aged.q.val() & self.owed.q.val()))
                & self.keep.val())
                | self.set_due.val();
        }
        if self.reset.val() {
            self.pending.d.next = false;
            self.owed.d.next = bits::<16>(0);
            self.aged.d.next = bits::<16>(0);
            self.due_now.d.next = bits::<16>(0);
            self.nak_now.d.next = bits::<16>(0);
        }
        self.due.next = self.due_now.q.val() | self.nak_now.q.val();
        self.nak.next = self.nak_now.q.val();
        self.any_owed.next = self.owed.q.val();
    }
}
