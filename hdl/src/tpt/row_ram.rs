//! A block RAM of `2^I` entries of `2^R` rows of `W` bits: one synchronous read port, one write port.
//!
//! It exists because the address is an entry's index and a row's number side by side, and rust-hdl cannot add const
//! generics. It does not forward a write to a read of the same row in the same cycle: the read gives the old row here, and may give
//! anything on a chip (`no_rw_check`: yosys would add a comparator and a register for each bit). Its users never rely on
//! such a read.
//!
//! ```text
//!   address = { index[I], row[R] }
//! ```
//! Latency: a row is at `read_data` in the cycle after its address.

use std::collections::BTreeMap;

use rust_hdl::prelude::*;

/// The RAM.
#[derive(LogicBlock, Default)]
pub struct RowRam<const I: usize, const R: usize, const W: usize> {
    /// Clock of both ports.
    pub clock: Signal<In, Clock>,
    /// Entry to read.
    pub read_index: Signal<In, Bits<I>>,
    /// Row to read.
    pub read_row: Signal<In, Bits<R>>,
    /// What was asked for in the cycle before.
    pub read_data: Signal<Out, Bits<W>>,
    /// Entry to write.
    pub write_index: Signal<In, Bits<I>>,
    /// Row to write.
    pub write_row: Signal<In, Bits<R>>,
    /// What is written.
    pub write_data: Signal<In, Bits<W>>,
    /// Write in this cycle.
    pub write_enable: Signal<In, Bit>,
    _rows: BTreeMap<(Bits<I>, Bits<R>), Bits<W>>,
}

impl<const I: usize, const R: usize, const W: usize> Logic for RowRam<I, R, W> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let read = (self.read_index.val(), self.read_row.val());
            self.read_data.next = self._rows.get(&read).copied().unwrap_or_default();
            if self.write_enable.val() {
                let write = (self.write_index.val(), self.write_row.val());
                self._rows.insert(write, self.write_data.val());
            }
        }
    }
    fn connect(&mut self) {
        self.read_data.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "(* no_rw_check *) reg [{top}:0] mem [0:{last}];\n\
             integer i;\n\
             initial begin\n   for (i = 0; i <= {last}; i = i + 1) mem[i] = 0;\nend\n\
             always @(posedge clock) begin\n   \
             read_data <= mem[{{read_index, read_row}}];\n   \
             if (write_enable) mem[{{write_index, write_row}}] <= write_data;\n\
             end\n",
            top = W - 1,
            last = (1_usize << (I + R)) - 1,
        ))
    }
    fn timing(&self) -> Vec<TimingInfo> {
        vec![]
    }
}
