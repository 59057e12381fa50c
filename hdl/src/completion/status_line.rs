//! Says when the slot-status line in host memory is out of date and nothing else has told the driver.
//!
//! `complete` writes the line; this block only watches. A slot parity flips one bit a cycle and the ring's count moves by
//! one, so one bit of each is enough to see a change.
//!
//! ```text
//!  slot parity ----> xor --+
//!                          +--> differs from before --> [changed] --+
//!  ring consumed -> bit 0 -+                                        +--> due
//!  CQE or line written --> 0 --> [quiet cycles] --> all ones -------+
//! ```
//! Latency: `due` two cycles after a change, if nothing was written for 256 cycles before it; else when they are over.

use rust_hdl::prelude::*;

/// The watch.
#[derive(LogicBlock, Default)]
pub struct StatusLine {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forgets changes.
    pub reset: Signal<In, Bit>,
    /// Bit i flips whenever slot i becomes free.
    pub slot_parity: Signal<In, Bits<32>>,
    /// Ring entries consumed.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// Where the line is; 0: nowhere. Its low 6 bits are not looked at.
    pub iova: Signal<In, Bits<48>>,
    /// A CQE or the line is on its way.
    pub told: Signal<In, Bit>,
    /// The line is being written.
    pub taken: Signal<In, Bit>,
    /// Write the line.
    pub due: Signal<Out, Bit>,
    /// It will be due: the board must not sleep before.
    pub pending: Signal<Out, Bit>,

    parity: DFF<Bit>,
    count: DFF<Bit>,
    changed: DFF<Bit>,
    quiet: DFF<Bits<8>>,

    parity_now: Signal<Local, Bit>,
    count_now: Signal<Local, Bit>,
    line: Signal<Local, Bits<42>>,
}

impl Logic for StatusLine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, parity, count, changed, quiet);
        self.parity_now.next = self.slot_parity.val().xor();
        self.count_now.next = self.ring_consumed.val().get_bit(0);
        self.parity.d.next = self.parity_now.val();
        self.count.d.next = self.count_now.val();
        self.line.next = self.iova.val().get_bits::<42>(6);

        if !self.quiet.q.val().all() {
            self.quiet.d.next = self.quiet.q.val() + 1;
        }
        if self.told.val() {
            self.quiet.d.next = bits::<8>(0);
        }
        if self.taken.val() {
            self.changed.d.next = false;
        }
        if (self.parity_now.val() != self.parity.q.val())
            | (self.count_now.val() != self.count.q.val())
        {
            self.changed.d.next = true;
        }
        self.pending.next = self.changed.q.val() & self.line.val().any();
        self.due.next = self.pending.val() & self.quiet.q.val().all();

        if self.reset.val() {
            self.changed.d.next = false;
            self.quiet.d.next = bits::<8>(0);
        }
    }
}
