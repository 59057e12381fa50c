//! Keeps the Read Requests of the peers until their Read Responses are acknowledged.
//!
//! A record that arrives on `read_in` is split: what goes into the response's header to the context RAM, the source like a
//! data segment to the segment RAM, so that a response is read as a message is.
//!
//! ```text
//!   read_in ---> [word counter] --+--> context RAM, read record p of the VI
//!                                 +--> segment RAM, slot p & 1, segment first + p / 2
//!   pending: VIs with a response not yet begun      room for 2^R per VI until `free`
//! ```
//! Receive refuses what is more than the negotiated depth; a record that comes all the same finds no room and waits, which
//! only a peer's protocol error can cause. `read_in` waits for the two RAMs' write ports, never for the wire.

use rust_hdl::prelude::*;

use super::vi_count::ViCount;
use crate::block_new::block_new;
use crate::interfaces::StreamRx;

/// See the module.
#[derive(LogicBlock)]
pub struct ReadQueue<const CA: usize, const DA: usize, const R: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// From Receive.
    pub read_in: StreamRx,
    /// Context RAM: address.
    pub context_address: Signal<Out, Bits<CA>>,
    /// Context RAM: wants to write `data`.
    pub context_write: Signal<Out, Bit>,
    /// Context RAM: written.
    pub context_ready: Signal<In, Bit>,
    /// Segment RAM: address.
    pub segment_address: Signal<Out, Bits<DA>>,
    /// Segment RAM: wants to write `data`.
    pub segment_write: Signal<Out, Bit>,
    /// Segment RAM: written.
    pub segment_ready: Signal<In, Bit>,
    /// The word for either RAM.
    pub data: Signal<Out, Bits<32>>,
    /// The oldest pending response of `begun_vi` has been sent to its end.
    pub begun: Signal<In, Bit>,
    /// See `begun`.
    pub begun_vi: Signal<In, Bits<8>>,
    /// The oldest response of `free_vi` is acknowledged.
    pub free: Signal<In, Bit>,
    /// See `free`.
    pub free_vi: Signal<In, Bits<8>>,
    /// Forget the records of `clear_vi`.
    pub clear: Signal<In, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// VIs with a response to send.
    pub pending: Signal<Out, Bits<16>>,
    waiting: ViCount<4>,
    used: ViCount<4>,
    position: [DFF<Bits<R>>; 16],
    at: Signal<Local, Bits<R>>,
    vi: DFF<Bits<8>>,
    word: DFF<Bits<3>>,
    moves: Signal<Local, Bit>,
    to_context: Signal<Local, Bit>,
    to_segment: Signal<Local, Bit>,
    context_word: Signal<Local, Bits<CA>>,
    segment_word: Signal<Local, Bits<DA>>,
    high: Signal<Local, Bits<R>>,
    stored: Signal<Local, Bit>,
    words_log2: Constant<Bits<4>>,
    vi_mask: Constant<Bits<8>>,
    slot_words_log2: Constant<Bits<4>>,
    read_base: Constant<Bits<CA>>,
    first_segment: Constant<Bits<DA>>,
}

impl<const CA: usize, const DA: usize, const R: usize> ReadQueue<CA, DA, R> {
    /// `read_base`: first context word of the read records; `first_segment`: segment of read record 0 in its slot.
    pub fn new(
        vis_log2: u32,
        words_log2: u32,
        slot_words_log2: u32,
        read_base: u32,
        first_segment: u32,
    ) -> Self {
        block_new!(clock reset read_in context_address context_write context_ready segment_address segment_write segment_ready
            data begun begun_vi free free_vi clear clear_vi pending position at vi word moves to_context to_segment
            context_word segment_word high stored;
            words_log2 = words_log2, vi_mask = (1_u32 << vis_log2) - 1, slot_words_log2 = slot_words_log2, read_base = read_base,
            first_segment = first_segment * 4; waiting = ViCount::new(1 << R), used = ViCount::new(1 << R))
    }
}

impl<const CA: usize, const DA: usize, const R: usize> Logic for ReadQueue<CA, DA, R> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, vi, word);
        clock!(self, clock, waiting, used);
        self.waiting.look_vi.next = bits::<8>(0);
        self.waiting.reset.next = self.reset.val();
        self.used.look_vi.next = bits::<8>(0);
        self.used.reset.next = self.reset.val();
        self.at.next = bits::<R>(0);
        for i in 0..16 {
            self.position[i].clock.next = self.clock.val();
            self.position[i].d.next = self.position[i].q.val();
            if self.vi.q.val() == i.to_bits::<8>() {
                self.at.next = self.position[i].q.val();
            }
        }
        // read_in: vi | sink stag | sink to high, low | size | source stag | source to high, low.
        self.to_context.next = false;
        self.to_segment.next = false;
        self.context_word.next = bits::<CA>(0);
        self.segment_word.next = bits::<DA>(0);
        if self.word.q.val() == bits::<3>(1) {
            self.to_context.next = true;
            self.context_word.next = bits::<CA>(2);
        }
        if self.word.q.val() == bits::<3>(2) {
            self.to_context.next = true;
            self.context_word.next = bits::<CA>(4);
        }
        if self.word.q.val() == bits::<3>(3) {
            self.to_context.next = true;
            self.context_word.next = bits::<CA>(3);
        }
        if self.word.q.val() == bits::<3>(4) {
            self.to_context.next = true;
            self.to_segment.next = true;
            self.context_word.next = bits::<CA>(1);
            self.segment_word.next = bits::<DA>(3);
        }
        if self.word.q.val() == bits::<3>(5) {
            self.to_segment.next = true;
            self.segment_word.next = bits::<DA>(2);
        }
        if self.word.q.val() == bits::<3>(6) {
            self.to_segment.next = true;
            self.segment_word.next = bits::<DA>(1);
        }
        if self.word.q.val() == bits::<3>(7) {
            self.to_segment.next = true;
        }
        self.context_address.next = (bit_cast::<CA, 8>(self.vi.q.val()) << self.words_log2.val())
            | self.read_base.val()
            | (bit_cast::<CA, R>(self.at.val()) << bits::<4>(3))
            | self.context_word.val();
        self.high.next = self.at.val() >> bits::<2>(1);
        self.segment_address.next = (((bit_cast::<DA, 8>(self.vi.q.val()) << bits::<4>(1))
            | (bit_cast::<DA, R>(self.at.val()) & bits::<DA>(1)))
            << self.slot_words_log2.val())
            | self.first_segment.val()
            | (bit_cast::<DA, R>(self.high.val()) << bits::<4>(2))
            | self.segment_word.val();
        self.data.next = self.read_in.data.val();
        // A word for both RAMs goes when both ports are free.
        self.moves.next = !self.reset.val()
            & self.read_in.valid.val()
            & (self.context_ready.val() | !self.to_context.val())
            & (self.segment_ready.val() | !self.to_segment.val());
        if (self.word.q.val() == bits::<3>(1))
            & self.used.full.val().get_bit(self.vi.q.val().index())
        {
            self.moves.next = false;
        }
        self.context_write.next = self.moves.val() & self.to_context.val();
        self.segment_write.next = self.moves.val() & self.to_segment.val();
        self.read_in.ready.next = self.moves.val();
        self.stored.next = false;
        if self.moves.val() {
            self.word.d.next = self.word.q.val() + 1;
            if self.word.q.val() == bits::<3>(0) {
                self.vi.d.next = self.read_in.data.val().get_bits::<8>(0) & self.vi_mask.val();
            }
            if self.word.q.val() == bits::<3>(7) {
                self.stored.next = true;
            }
        }
        for i in 0..16 {
            if self.stored.val() & (self.vi.q.val() == i.to_bits::<8>()) {
                self.position[i].d.next = self.position[i].q.val() + 1;
            }
            if self.reset.val() | (self.clear.val() & (self.clear_vi.val() == i.to_bits::<8>())) {
                self.position[i].d.next = bits::<R>(0);
            }
        }
        if self.reset.val() {
            self.word.d.next = bits::<3>(0);
            self.vi.d.next = bits::<8>(0);
        }
        self.waiting.up_vi.next = self.vi.q.val();
        self.waiting.up.next = self.stored.val();
        self.waiting.down_vi.next = self.begun_vi.val();
        self.waiting.down.next = self.begun.val();
        self.waiting.clear_vi.next = self.clear_vi.val();
        self.waiting.clear.next = self.clear.val();
        self.used.up_vi.next = self.vi.q.val();
        self.used.up.next = self.stored.val();
        self.used.down_vi.next = self.free_vi.val();
        self.used.down.next = self.free.val();
        self.used.clear_vi.next = self.clear_vi.val();
        self.used.clear.next = self.clear.val();
        self.pending.next = self.waiting.nonzero.val();
    }
}
