//! A memory of 2^TR entries of 64 bits, or of none: then it reads as zero.
//!
//! rust-hdl cannot leave a memory out by a const generic, so this block writes its own Verilog. Of the nine address bits
//! the low TR count.
//!
//! An entry that is overwritten in the cycle in which it is read may read as anything.
//!
//! ```text
//!  write_at, write_data, writes --> [2^TR x 64] --> read_data (of read_at, a cycle later)
//! ```

use std::collections::BTreeMap;

use rust_hdl::core::ast::Verilog;
use rust_hdl::core::timing::TimingInfo;
use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct TraceMemory<const TR: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Entry to write.
    pub write_at: Signal<In, Bits<9>>,
    /// Its value.
    pub write_data: Signal<In, Bits<64>>,
    /// Write it.
    pub writes: Signal<In, Bit>,
    /// Entry to read.
    pub read_at: Signal<In, Bits<9>>,
    /// Its value.
    pub read_data: Signal<Out, Bits<64>>,
    _entries: BTreeMap<u64, Bits<64>>,
}

impl<const TR: usize> Logic for TraceMemory<TR> {
    fn update(&mut self) {
        if TR > 0 && self.clock.pos_edge() {
            let low_bits = (1 << TR) - 1;
            let at = self.read_at.val().to_u64() & low_bits;
            self.read_data.next = self._entries.get(&at).copied().unwrap_or_default();
            if self.writes.val() {
                let at = self.write_at.val().to_u64() & low_bits;
                self._entries.insert(at, self.write_data.val());
            }
        }
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        if TR == 0 {
            return Verilog::Custom("always @(*) read_data = 64'h0;\n".into());
        }
        Verilog::Custom(format!(
            "(* no_rw_check *) reg [63:0] entries [0:{last}];\n\
             always @(posedge clock) begin\n\
             \x20  read_data <= entries[read_at[{high}:0]];\n\
             \x20  if (writes) entries[write_at[{high}:0]] <= write_data;\n\
             end\n",
            last = (1 << TR) - 1,
            high = TR - 1,
        ))
    }

    fn timing(&self) -> Vec<TimingInfo> {
        vec![]
    }
}
