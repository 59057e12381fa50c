//! Puts the counts of this composite's own blocks beside those of the others.
//!
//! ```text
//!  counts (others) --+
//!  own pulses -------+--> all (bit i: counter 16 + i)
//! ```
//!
//! Wires only; no latency.

use rnic_abi::step::{Counter, STEPS};
use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock)]
pub struct HostCounts {
    /// Bit i: counter 16 + i counts. The bits below are ignored.
    pub counts: Signal<In, Bits<28>>,
    /// `dma_read_errors`.
    pub read_refused: Signal<In, Bit>,
    /// `dma_write_errors`.
    pub write_refused: Signal<In, Bit>,
    /// `interrupts`.
    pub irq_sent: Signal<In, Bit>,
    /// `dma_reads`.
    pub read: Signal<In, Bit>,
    /// `dma_writes`.
    pub write: Signal<In, Bit>,
    /// All of them.
    pub all: Signal<Out, Bits<28>>,
    at_read_refused: Constant<Bits<5>>,
    at_write_refused: Constant<Bits<5>>,
    at_interrupt: Constant<Bits<5>>,
    at_read: Constant<Bits<5>>,
    at_write: Constant<Bits<5>>,
}

/// The bit of a counter.
fn bit_of(counter: Counter) -> Constant<Bits<5>> {
    Constant::new(((counter.index() - STEPS) as u64).into())
}

impl Default for HostCounts {
    fn default() -> Self {
        Self::new()
    }
}

impl HostCounts {
    /// Wires.
    pub fn new() -> Self {
        Self {
            counts: Default::default(),
            read_refused: Default::default(),
            write_refused: Default::default(),
            irq_sent: Default::default(),
            read: Default::default(),
            write: Default::default(),
            all: Default::default(),
            at_read_refused: bit_of(Counter::DmaReadErrors),
            at_write_refused: bit_of(Counter::DmaWriteErrors),
            at_interrupt: bit_of(Counter::Interrupts),
            at_read: bit_of(Counter::DmaReads),
            at_write: bit_of(Counter::DmaWrites),
        }
    }
}

impl Logic for HostCounts {
    #[hdl_gen]
    fn update(&mut self) {
        self.all.next = self
            .counts
            .val()
            .replace_bit(self.at_read_refused.val().index(), self.read_refused.val())
            .replace_bit(
                self.at_write_refused.val().index(),
                self.write_refused.val(),
            )
            .replace_bit(self.at_interrupt.val().index(), self.irq_sent.val())
            .replace_bit(self.at_read.val().index(), self.read.val())
            .replace_bit(self.at_write.val().index(), self.write.val());
    }
}
