//! A block RAM with one read and one write port, without the logic that yosys adds to keep the old word when both ports
//! meet at one address.
//!
//! A block that uses it never reads an address in the cycle in which it is written, or does not use what it read: the
//! simulation gives the old word, hardware may give anything.
//!
//! Latency: the word is there one cycle after its address.

use std::collections::BTreeMap;

use rust_hdl::prelude::*;

/// 2^N words of `D` bits, zero at power-up if not made `with_words`.
#[derive(LogicBlock, Default)]
pub struct BlockRam<const D: usize, const N: usize> {
    /// Clock of both ports.
    pub clock: Signal<In, Clock>,
    /// Word to read.
    pub read_address: Signal<In, Bits<N>>,
    /// What `read_address` held in the cycle before.
    pub read_data: Signal<Out, Bits<D>>,
    /// Word to write.
    pub write_address: Signal<In, Bits<N>>,
    /// Its new value.
    pub write_data: Signal<In, Bits<D>>,
    /// Write in this cycle.
    pub write_enable: Signal<In, Bit>,
    _words: BTreeMap<Bits<N>, Bits<D>>,
}

impl<const D: usize, const N: usize> BlockRam<D, N> {
    /// Holds `words` at power-up, from address 0; the others are zero.
    pub fn with_words(words: impl IntoIterator<Item = Bits<D>>) -> Self {
        let words = (0_u64..).zip(words);
        Self {
            _words: words.map(|(at, word)| (at.into(), word)).collect(),
            ..Default::default()
        }
    }
}

impl<const D: usize, const N: usize> Logic for BlockRam<D, N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let word = self._words.get(&self.read_address.val());
            self.read_data.next = word.copied().unwrap_or_default();
            if self.write_enable.val() {
                self._words
                    .insert(self.write_address.val(), self.write_data.val());
            }
        }
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        let first_words: String = self
            ._words
            .iter()
            .map(|(at, word)| format!("words[{}] = {};\n", at.to_u64(), word.verilog()))
            .collect();
        Verilog::Custom(format!(
            "(* no_rw_check *) reg [{width}:0] words [0:{last}];\n\
             integer word;\n\
             initial begin\n\
             for (word = 0; word <= {last}; word = word + 1) words[word] = 0;\n\
             {first_words}end\n\
             always @(posedge clock) begin\n\
             read_data <= words[read_address];\n\
             if (write_enable) words[write_address] <= write_data;\n\
             end\n",
            width = D - 1,
            last = (1_u64 << N) - 1
        ))
    }

    fn timing(&self) -> Vec<TimingInfo> {
        vec![TimingInfo {
            name: "block_ram".into(),
            clock: "clock".into(),
            inputs: vec![
                "read_address".into(),
                "write_address".into(),
                "write_data".into(),
                "write_enable".into(),
            ],
            outputs: vec!["read_data".into()],
        }]
    }
}
