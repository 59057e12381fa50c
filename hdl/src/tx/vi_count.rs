//! One small counter for each VI.
//!
//! It counts what is outstanding: log entries, reads, finished messages. Up and down may come in the same cycle, for the
//! same VI or for two. It does not guard against running over or under: its users do.
//!
//! ```text
//!   up, down, clear (VI number each) ---> [count x 16] ---> nonzero mask, full mask
//! ```
//! Latency: the masks change in the cycle after the event.

use rust_hdl::prelude::*;

use crate::block_new::block_new;

/// Counters of `W` bits. A board with fewer than 16 VIs never counts on the others, and synthesis drops them.
#[derive(LogicBlock)]
pub struct ViCount<const W: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous; all counters to zero.
    pub reset: Signal<In, Bit>,
    /// VI of `up`.
    pub up_vi: Signal<In, Bits<8>>,
    /// One more.
    pub up: Signal<In, Bit>,
    /// VI of `down`.
    pub down_vi: Signal<In, Bits<8>>,
    /// One less.
    pub down: Signal<In, Bit>,
    /// VI of `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// To zero.
    pub clear: Signal<In, Bit>,
    /// VI of `look_count`.
    pub look_vi: Signal<In, Bits<8>>,
    /// Its count.
    pub look_count: Signal<Out, Bits<W>>,
    /// VIs whose count is not zero.
    pub nonzero: Signal<Out, Bits<16>>,
    /// VIs whose count is the limit.
    pub full: Signal<Out, Bits<16>>,
    count: [DFF<Bits<W>>; 16],
    goes_up: [Signal<Local, Bit>; 16],
    goes_down: [Signal<Local, Bit>; 16],
    nonzero_below: [Signal<Local, Bits<16>>; 17],
    full_below: [Signal<Local, Bits<16>>; 17],
    limit: Constant<Bits<W>>,
}

impl<const W: usize> ViCount<W> {
    /// Counters that are full at `limit`.
    pub fn new(limit: u32) -> Self {
        block_new!(clock reset up_vi up down_vi down clear_vi clear look_vi look_count nonzero full count goes_up goes_down nonzero_below
            full_below; limit = limit)
    }
}

impl<const W: usize> Logic for ViCount<W> {
    #[hdl_gen]
    fn update(&mut self) {
        self.nonzero_below[0].next = bits::<16>(0);
        self.full_below[0].next = bits::<16>(0);
        self.look_count.next = bits::<W>(0);
        for i in 0..16 {
            self.count[i].clock.next = self.clock.val();
            self.count[i].d.next = self.count[i].q.val();
            self.goes_up[i].next = self.up.val() & (self.up_vi.val() == i.to_bits::<8>());
            self.goes_down[i].next = self.down.val() & (self.down_vi.val() == i.to_bits::<8>());
            if self.look_vi.val() == i.to_bits::<8>() {
                self.look_count.next = self.count[i].q.val();
            }
            if self.goes_up[i].val() & !self.goes_down[i].val() {
                self.count[i].d.next = self.count[i].q.val() + 1;
            }
            if self.goes_down[i].val() & !self.goes_up[i].val() {
                self.count[i].d.next = self.count[i].q.val() - 1;
            }
            if self.reset.val() | (self.clear.val() & (self.clear_vi.val() == i.to_bits::<8>())) {
                self.count[i].d.next = bits::<W>(0);
            }
            self.nonzero_below[i + 1].next = self.nonzero_below[i].val();
            if self.count[i].q.val().any() {
                self.nonzero_below[i + 1].next =
                    self.nonzero_below[i].val() | (bits::<16>(1) << i.to_bits::<8>());
            }
            self.full_below[i + 1].next = self.full_below[i].val();
            if self.count[i].q.val() == self.limit.val() {
                self.full_below[i + 1].next =
                    self.full_below[i].val() | (bits::<16>(1) << i.to_bits::<8>());
            }
        }
        self.nonzero.next = self.nonzero_below[16].val();
        self.full.next = self.full_below[16].val();
    }
}
