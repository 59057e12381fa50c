//! Ready/valid streams, and the register slice that stands at block boundaries.
//!
//! A word moves in each cycle in which `valid` and `ready` are both high. A source that has raised
//! `valid` keeps it, and the word, until it has moved; it does not wait for `ready`. `last` marks
//! the final word of a frame or message.
//!
//! ```text
//!           +--------------+
//!    rx --->| StreamBuffer |---> tx      latency 1 cycle, one word in each cycle
//!           +--------------+
//! ```
//!
//! No byte enables, and no error mark: blocks that need them carry them in `data`.

use rust_hdl::prelude::*;

/// The source's end of a stream.
#[derive(Clone, Debug, Default, LogicInterface)]
#[join = "StreamRx"]
pub struct StreamTx<const W: usize> {
    /// The word.
    pub data: Signal<Out, Bits<W>>,
    /// It is the last of its frame.
    pub last: Signal<Out, Bit>,
    /// There is a word.
    pub valid: Signal<Out, Bit>,
    /// The sink takes a word in this cycle.
    pub ready: Signal<In, Bit>,
}

/// The sink's end of a stream.
#[derive(Clone, Debug, Default, LogicInterface)]
#[join = "StreamTx"]
pub struct StreamRx<const W: usize> {
    /// The word.
    pub data: Signal<In, Bits<W>>,
    /// It is the last of its frame.
    pub last: Signal<In, Bit>,
    /// There is a word.
    pub valid: Signal<In, Bit>,
    /// The sink takes a word in this cycle.
    pub ready: Signal<Out, Bit>,
}

/// A register slice of two words: every output, `rx.ready` included, comes from a register, and
/// still a word moves in each cycle.
///
/// The second word is what was under way when `tx.ready` fell, since `rx.ready` follows a cycle
/// later.
#[derive(LogicBlock, Default)]
pub struct StreamBuffer<const W: usize> {
    /// The clock of both streams.
    pub clock: Signal<In, Clock>,
    /// Empties the buffer.
    pub reset: Signal<In, Bit>,
    /// From the source.
    pub rx: StreamRx<W>,
    /// To the sink.
    pub tx: StreamTx<W>,
    data: DFF<Bits<W>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,
    spare_data: DFF<Bits<W>>,
    spare_last: DFF<Bit>,
    spare_valid: DFF<Bit>,
    moves_in: Signal<Local, Bit>,
    can_advance: Signal<Local, Bit>,
}

impl<const W: usize> Logic for StreamBuffer<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            data,
            last,
            valid,
            spare_data,
            spare_last,
            spare_valid
        );
        self.tx.data.next = self.data.q.val();
        self.tx.last.next = self.last.q.val();
        self.tx.valid.next = self.valid.q.val();
        self.rx.ready.next = !self.spare_valid.q.val();

        self.moves_in.next = self.rx.valid.val() & !self.spare_valid.q.val();
        self.can_advance.next = self.tx.ready.val() | !self.valid.q.val();
        if self.can_advance.val() {
            // The spare word is the older one.
            if self.spare_valid.q.val() {
                self.data.d.next = self.spare_data.q.val();
                self.last.d.next = self.spare_last.q.val();
                self.valid.d.next = true;
                self.spare_valid.d.next = false;
            } else {
                self.data.d.next = self.rx.data.val();
                self.last.d.next = self.rx.last.val();
                self.valid.d.next = self.rx.valid.val();
            }
        } else if self.moves_in.val() {
            self.spare_data.d.next = self.rx.data.val();
            self.spare_last.d.next = self.rx.last.val();
            self.spare_valid.d.next = true;
        }
        if self.reset.val() {
            self.valid.d.next = false;
            self.spare_valid.d.next = false;
        }
    }
}
