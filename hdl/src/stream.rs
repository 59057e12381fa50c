//! The register slice that stands where a stream crosses a block boundary unregistered.
//!
//! ```text
//!           +--------------+
//!    rx --->| StreamBuffer |---> tx      latency 1 cycle, one word in each cycle
//!           +--------------+
//! ```
//!
//! It knows nothing of records: `last` travels with its word. It drops words only in reset.

use rust_hdl::prelude::*;

use crate::interfaces::{StreamRx, StreamTx};

/// A register slice of two words: every output, `rx.ready` included, comes from a register, and
/// still a word moves in each cycle.
///
/// The second word is what was under way when `tx.ready` fell, since `rx.ready` follows a cycle
/// later.
#[derive(LogicBlock, Default)]
pub struct StreamBuffer {
    /// The clock of both streams.
    pub clock: Signal<In, Clock>,
    /// Empties the buffer.
    pub reset: Signal<In, Bit>,
    /// From the source.
    pub rx: StreamRx,
    /// To the sink.
    pub tx: StreamTx,
    data: DFF<Bits<32>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,
    spare_data: DFF<Bits<32>>,
    spare_last: DFF<Bit>,
    spare_valid: DFF<Bit>,
    moves_in: Signal<Local, Bit>,
    can_advance: Signal<Local, Bit>,
}

impl Logic for StreamBuffer {
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
