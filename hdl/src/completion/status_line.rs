//! Wants the slot-status line {slot parity, ring consumed} written when it changed and no CQE went out for 256 cycles.
//!
//! It does not write: the completer does, when it is idle. It watches for changes by parity: slots become free one a
//! cycle, and the ring counts up by one.
//!
//! ```text
//!  slot parity, ring consumed --> changed? --> dirty --+-- 256 quiet cycles --> wanted
//! ```
//! Latency: 257 cycles after the change at least.

use rust_hdl::prelude::*;

/// Says when the line is due.
#[derive(LogicBlock, Default)]
pub struct StatusLine {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// As the command side has it.
    pub slot_parity: Signal<In, Bits<32>>,
    /// As the command side has it.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// Where the line is; 0 turns it off.
    pub iova: Signal<In, Bits<48>>,
    /// A CQE was written.
    pub cqe: Signal<In, Bit>,
    /// The completer has begun to write the line.
    pub taken: Signal<In, Bit>,
    /// Write the line.
    pub wanted: Signal<Out, Bit>,
    seen_parity: DFF<Bit>,
    seen_consumed: DFF<Bit>,
    dirty: DFF<Bit>,
    quiet: DFF<Bits<8>>,
    on: DFF<Bit>,
    parity_now: Signal<Local, Bit>,
    consumed_now: Signal<Local, Bit>,
}

impl Logic for StatusLine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, seen_parity, seen_consumed, dirty, quiet, on);
        self.parity_now.next = self.slot_parity.val().xor();
        self.consumed_now.next = self.ring_consumed.val().get_bit(0);
        self.seen_parity.d.next = self.parity_now.val();
        self.seen_consumed.d.next = self.consumed_now.val();
        self.on.d.next = self.iova.val().any();
        if !self.quiet.q.val().all() {
            self.quiet.d.next = self.quiet.q.val() + 1;
        }
        if self.cqe.val() | !self.dirty.q.val() {
            self.quiet.d.next = bits::<8>(0);
        }
        if self.taken.val() {
            self.dirty.d.next = false;
        }
        if (self.parity_now.val() != self.seen_parity.q.val())
            | (self.consumed_now.val() != self.seen_consumed.q.val())
        {
            self.dirty.d.next = true;
        }
        self.wanted.next = self.dirty.q.val() & self.on.q.val() & self.quiet.q.val().all();
        if self.reset.val() {
            self.dirty.d.next = false;
            self.quiet.d.next = bits::<8>(0);
        }
    }
}
