//! CRC32c over whole 32-bit words, as MPA wants it (RFC 5044 section 4.4; polynomial as in RFC 3720 section 12.1).
//!
//! One word a cycle, byte 0 of the wire in bits 7:0. The payload before the CRC word is a multiple of four bytes in MPA
//! (the pad is covered), so no byte enables. It does not find the CRC word in a frame: its user enables it on the words
//! that count.
//!
//! ```text
//!   data ---->+-----------+      state       +-----+
//!   enable -->| x = data  |--> Crc32cStep -->| DFF |--+--> ~state = crc     the CRC of the words so far
//!   clear --->|  ^ state  |   (XOR matrix)   +-----+  +--> state == residue = good
//!             +-----------+<--------------------------+
//! ```
//! Latency: `crc` and `good` count a word from the cycle after it was enabled. Throughput: a word a cycle.

use rust_hdl::prelude::*;

/// The polynomial, bit-reversed, without its top term.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// What the state becomes when the bytes of `x` (already XORed into it) are shifted out.
const fn shift_word(x: u32) -> u32 {
    let mut state = x;
    let mut bit = 0;
    while bit < 32 {
        state = (state >> 1) ^ (POLYNOMIAL * (state & 1));
        bit += 1;
    }
    state
}

/// The state after a message and its own CRC: the CRC is the inverted state, so all ones are shifted.
const RESIDUE: u32 = shift_word(u32::MAX);

/// The XOR matrix of one word: combinational, each output bit the parity of some bits of `x`.
#[derive(LogicBlock, Default)]
pub struct Crc32cStep {
    /// State XOR data.
    pub x: Signal<In, Bits<32>>,
    /// The next state.
    pub y: Signal<Out, Bits<32>>,
}

impl Crc32cStep {
    /// The bits of `x` whose parity is bit `row` of `y`. The map is linear: column j is the image of bit j alone.
    fn row(row: usize) -> u32 {
        (0..32).fold(0, |mask, column| {
            mask | (shift_word(1 << column) >> row & 1) << column
        })
    }
}

impl Logic for Crc32cStep {
    fn update(&mut self) {
        self.y.next = u64::from(shift_word(self.x.val().to_u32())).into();
    }
    fn connect(&mut self) {
        self.y.connect();
    }
    fn hdl(&self) -> Verilog {
        let rows = (0..32)
            .map(|row| format!("   y[{row}] = ^(x & 32'h{:08x});\n", Self::row(row)))
            .collect::<String>();
        Verilog::Custom(format!("always @(*) begin\n{rows}end\n"))
    }
    fn timing(&self) -> Vec<TimingInfo> {
        vec![]
    }
}

/// CRC32c of a stream of words.
#[derive(LogicBlock)]
pub struct Crc32c {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Start anew; with `enable`, this word is the first.
    pub clear: Signal<In, Bit>,
    /// Count this word.
    pub enable: Signal<In, Bit>,
    /// The word.
    pub data: Signal<In, Bits<32>>,
    /// CRC of the words since `clear`, ready to be sent as a word.
    pub crc: Signal<Out, Bits<32>>,
    /// The last word was the CRC of those before it.
    pub good: Signal<Out, Bit>,
    state: DFF<Bits<32>>,
    step: Crc32cStep,
    start: Signal<Local, Bits<32>>,
    ones: Constant<Bits<32>>,
    residue: Constant<Bits<32>>,
}

impl Crc32c {
    /// A block that must be cleared before its first word.
    pub fn new() -> Self {
        Self {
            clock: Default::default(),
            clear: Default::default(),
            enable: Default::default(),
            data: Default::default(),
            crc: Default::default(),
            good: Default::default(),
            state: Default::default(),
            step: Default::default(),
            start: Default::default(),
            ones: Constant::new(u64::from(u32::MAX).into()),
            residue: Constant::new(u64::from(RESIDUE).into()),
        }
    }
}

impl Default for Crc32c {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for Crc32c {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        self.start.next = self.state.q.val();
        if self.clear.val() {
            self.start.next = self.ones.val();
        }
        self.step.x.next = self.start.val() ^ self.data.val();
        if self.enable.val() {
            self.state.d.next = self.step.y.val();
        } else if self.clear.val() {
            self.state.d.next = self.ones.val();
        }
        self.crc.next = self.state.q.val() ^ self.ones.val();
        self.good.next = self.state.q.val() == self.residue.val();
    }
}
