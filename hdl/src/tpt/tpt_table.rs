//! The table RAM: four rows of 96 bits an entry, and who may use its two ports when.
//!
//! It knows where a field is, not what it means. Nothing here checks anything.
//!
//! ```text
//! row  high 32            low 32                                                        extra 32
//!  0   ptag               elements 31:24 | key 23:16 | vi 15:12 | flags 11:0            reply handle
//!  1   base, high         base, low                                                     reply va, low
//!  2   context            length                                                        reply va, high
//!  3   fired 31 | iova    iova, low                              (contiguous)           reply length
//!      fired 31 | start   cursor 29:20 | last 19:10 | first 9:0  (list)
//! flags: 0 valid, 1 list, 2 pages, 3 bound, 4 one-shot, 5 single message, 11:8 access
//! ```
//! `cursor` is the element at which the last access ended and `start` its offset in the region.
//!
//! Reads: `tpt_check` drives the address unless it lent the port to `tpt_release` or `tpt_bind`. Writes: the walk's cursor
//! goes first, then a release, then a bind. Latency: a row is out in the cycle after its address.

use rust_hdl::prelude::*;

use super::row_ram::RowRam;

/// The table.
#[derive(LogicBlock, Default)]
pub struct TptTable<const T: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Low word of the row asked for in the cycle before.
    pub low: Signal<Out, Bits<32>>,
    /// Its high word.
    pub high: Signal<Out, Bits<32>>,
    /// Its extra word.
    pub extra: Signal<Out, Bits<32>>,

    /// Entry that `tpt_check` reads.
    pub check_index: Signal<In, Bits<T>>,
    /// Row that it reads.
    pub check_row: Signal<In, Bits<2>>,
    /// The port is lent to `tpt_release`.
    pub lent_release: Signal<In, Bit>,
    /// Entry that it reads or clears.
    pub release_index: Signal<In, Bits<T>>,
    /// Row that it reads.
    pub release_row: Signal<In, Bits<2>>,
    /// Write zero to the low word of row 0.
    pub release_clear: Signal<In, Bit>,
    /// It is written in this cycle.
    pub release_ready: Signal<Out, Bit>,
    /// The port is lent to `tpt_bind`, which reads row 0.
    pub lent_bind: Signal<In, Bit>,
    /// Entry that it reads.
    pub bind_read_index: Signal<In, Bits<T>>,
    /// Entry that it writes.
    pub bind_index: Signal<In, Bits<T>>,
    /// Row that it writes.
    pub bind_row: Signal<In, Bits<2>>,
    /// Write the low word.
    pub bind_low_write: Signal<In, Bit>,
    /// What is written there.
    pub bind_low: Signal<In, Bits<32>>,
    /// Write the high word.
    pub bind_high_write: Signal<In, Bit>,
    /// What is written there.
    pub bind_high: Signal<In, Bits<32>>,
    /// Write the extra word.
    pub bind_extra_write: Signal<In, Bit>,
    /// What is written there.
    pub bind_extra: Signal<In, Bits<32>>,
    /// Nobody else writes in this cycle.
    pub bind_ready: Signal<Out, Bit>,
    /// A row 0 is asked for in this cycle: `valid` is not written then, since a chip may give anything for such a read.
    pub flags_read: Signal<Out, Bit>,
    /// Entry whose row 3 the walk writes.
    pub walk_index: Signal<In, Bits<T>>,
    /// Write the low word.
    pub walk_low_write: Signal<In, Bit>,
    /// What is written there.
    pub walk_low: Signal<In, Bits<32>>,
    /// Write the high word.
    pub walk_high_write: Signal<In, Bit>,
    /// What is written there.
    pub walk_high: Signal<In, Bits<32>>,

    low_ram: RowRam<T, 2, 32>,
    high_ram: RowRam<T, 2, 32>,
    extra_ram: RowRam<T, 2, 32>,
    read_index: Signal<Local, Bits<T>>,
    read_row: Signal<Local, Bits<2>>,
    write_index: Signal<Local, Bits<T>>,
    write_row: Signal<Local, Bits<2>>,
    write_low: Signal<Local, Bits<32>>,
    write_high: Signal<Local, Bits<32>>,
}

impl<const T: usize> Logic for TptTable<T> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, low_ram, high_ram, extra_ram);
        self.low.next = self.low_ram.read_data.val();
        self.high.next = self.high_ram.read_data.val();
        self.extra.next = self.extra_ram.read_data.val();

        self.read_index.next = self.check_index.val();
        self.read_row.next = self.check_row.val();
        if self.lent_release.val() {
            self.read_index.next = self.release_index.val();
            self.read_row.next = self.release_row.val();
        } else if self.lent_bind.val() {
            self.read_index.next = self.bind_read_index.val();
            self.read_row.next = bits::<2>(0);
        }
        self.flags_read.next = self.read_row.val() == bits::<2>(0);
        self.low_ram.read_index.next = self.read_index.val();
        self.low_ram.read_row.next = self.read_row.val();
        self.high_ram.read_index.next = self.read_index.val();
        self.high_ram.read_row.next = self.read_row.val();
        self.extra_ram.read_index.next = self.read_index.val();
        self.extra_ram.read_row.next = self.read_row.val();

        self.write_index.next = self.bind_index.val();
        self.write_row.next = self.bind_row.val();
        self.write_low.next = self.bind_low.val();
        self.write_high.next = self.bind_high.val();
        self.low_ram.write_enable.next = self.bind_low_write.val();
        self.high_ram.write_enable.next = self.bind_high_write.val();
        self.extra_ram.write_enable.next = self.bind_extra_write.val();
        self.bind_ready.next = true;
        self.release_ready.next = true;
        if self.walk_high_write.val() {
            self.write_index.next = self.walk_index.val();
            self.write_row.next = bits::<2>(3);
            self.write_low.next = self.walk_low.val();
            self.write_high.next = self.walk_high.val();
            self.low_ram.write_enable.next = self.walk_low_write.val();
            self.high_ram.write_enable.next = true;
            self.extra_ram.write_enable.next = false;
            self.bind_ready.next = false;
            self.release_ready.next = false;
        } else if self.release_clear.val() {
            self.write_index.next = self.release_index.val();
            self.write_row.next = bits::<2>(0);
            self.write_low.next = bits::<32>(0);
            self.low_ram.write_enable.next = true;
            self.high_ram.write_enable.next = false;
            self.extra_ram.write_enable.next = false;
            self.bind_ready.next = false;
        }
        self.low_ram.write_index.next = self.write_index.val();
        self.low_ram.write_row.next = self.write_row.val();
        self.low_ram.write_data.next = self.write_low.val();
        self.high_ram.write_index.next = self.write_index.val();
        self.high_ram.write_row.next = self.write_row.val();
        self.high_ram.write_data.next = self.write_high.val();
        self.extra_ram.write_index.next = self.write_index.val();
        self.extra_ram.write_row.next = self.write_row.val();
        self.extra_ram.write_data.next = self.bind_extra.val();
    }
}
