//! The RAM of scatter-gather elements, in two halves that are written apart, and who may use its ports.
//!
//! It does not know which elements are free: `free_list` does.
//!
//! ```text
//! row  high 16                     low 32
//!  0   iova 47:32                  iova 31:0
//!  1   next element of the chain   length in bytes; of a page less one
//! ```
//! Reads: the walk goes first; a bind reads only `next`. Writes: a bind never writes `next`, and a link is written only while
//! no bind walks the chain, so the two never meet. Latency: a row is out in the cycle after its address.

use rust_hdl::prelude::*;

use super::row_ram::RowRam;

/// The elements.
#[derive(LogicBlock, Default)]
pub struct SgeTable<const S: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Low word of the row asked for in the cycle before.
    pub low: Signal<Out, Bits<32>>,
    /// Its high half-word.
    pub high: Signal<Out, Bits<16>>,

    /// The walk reads.
    pub walk_read: Signal<In, Bit>,
    /// Element that it reads.
    pub walk_element: Signal<In, Bits<S>>,
    /// Row that it reads.
    pub walk_row: Signal<In, Bits<1>>,
    /// Element that a bind writes, or whose row 1 it reads when the walk does not read.
    pub bind_element: Signal<In, Bits<S>>,
    /// Row that it writes.
    pub bind_row: Signal<In, Bits<1>>,
    /// Write the low word.
    pub bind_low_write: Signal<In, Bit>,
    /// What is written there.
    pub bind_low: Signal<In, Bits<32>>,
    /// Write the high half-word (of row 0).
    pub bind_high_write: Signal<In, Bit>,
    /// What is written there.
    pub bind_high: Signal<In, Bits<16>>,
    /// Write `next` of an element.
    pub link_write: Signal<In, Bit>,
    /// The element.
    pub link_element: Signal<In, Bits<S>>,
    /// Its successor.
    pub link_next: Signal<In, Bits<S>>,

    low_ram: RowRam<S, 1, 32>,
    high_ram: RowRam<S, 1, 16>,
    read_element: Signal<Local, Bits<S>>,
    read_row: Signal<Local, Bits<1>>,
}

impl<const S: usize> Logic for SgeTable<S> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, low_ram, high_ram);
        self.low.next = self.low_ram.read_data.val();
        self.high.next = self.high_ram.read_data.val();
        self.read_element.next = self.bind_element.val();
        self.read_row.next = bits::<1>(1);
        if self.walk_read.val() {
            self.read_element.next = self.walk_element.val();
            self.read_row.next = self.walk_row.val();
        }
        self.low_ram.read_index.next = self.read_element.val();
        self.low_ram.read_row.next = self.read_row.val();
        self.high_ram.read_index.next = self.read_element.val();
        self.high_ram.read_row.next = self.read_row.val();

        self.low_ram.write_index.next = self.bind_element.val();
        self.low_ram.write_row.next = self.bind_row.val();
        self.low_ram.write_data.next = self.bind_low.val();
        self.low_ram.write_enable.next = self.bind_low_write.val();
        self.high_ram.write_index.next = self.bind_element.val();
        self.high_ram.write_row.next = bits::<1>(0);
        self.high_ram.write_data.next = self.bind_high.val();
        self.high_ram.write_enable.next = self.bind_high_write.val();
        if self.link_write.val() {
            self.high_ram.write_index.next = self.link_element.val();
            self.high_ram.write_row.next = bits::<1>(1);
            self.high_ram.write_data.next = bit_cast::<16, S>(self.link_next.val());
            self.high_ram.write_enable.next = true;
        }
    }
}
