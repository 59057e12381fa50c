//! Joins the board to its wire, or, with CONTROL.LOOPBACK, its transmit side to its own receive side.
//!
//! The ways through are combinational; it buffers nothing and looks at no frame. Switching it in the middle of a frame cuts
//! that frame, which the link header check of the receiver finds. A reset in the middle of a frame out cuts it too: then
//! zeros follow for as long as the reset is held, and right after it the end, so that the wire is not left with half a frame
//! to which the next one sticks. With 2,048 cycles of zeros it is longer than any frame: the receiver drops it,
//! whatever length its header tells.
//!
//! ```text
//! transmit --+--> wire_tx        wire_rx --> 0\
//!            |                                 +--> receive
//!            +-----------------------------> 1/
//! ```
//! Latency: none; after a reset that cut a frame its end holds the wire for one word.

use crate::interfaces::*;
use rust_hdl::prelude::*;

/// The switch between wire and loopback.
#[derive(LogicBlock, Default)]
pub struct Loopback {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Join the two sides.
    pub enable: Signal<In, Bit>,
    /// Frames of the transmit composite.
    pub from_transmit: StreamRx,
    /// Frames for the receive composite.
    pub to_receive: StreamTx,
    /// The wire, outward.
    pub wire_tx: StreamTx,
    /// The wire, inward.
    pub wire_rx: StreamRx,

    /// The wire has taken a part of a frame. Not reset: it is what a reset must know.
    open: DFF<Bit>,
    /// A reset came upon it: its end is due.
    cut: DFF<Bit>,
}

impl Logic for Loopback {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, open, cut);
        self.wire_tx.data.next = self.from_transmit.data.val();
        self.wire_tx.last.next = self.from_transmit.last.val();
        self.wire_tx.valid.next = self.from_transmit.valid.val() & !self.enable.val();
        self.to_receive.data.next = self.wire_rx.data.val();
        self.to_receive.last.next = self.wire_rx.last.val();
        self.to_receive.valid.next = self.wire_rx.valid.val() & !self.enable.val();
        self.from_transmit.ready.next = self.wire_tx.ready.val() & !self.enable.val();
        self.wire_rx.ready.next = self.to_receive.ready.val() & !self.enable.val();
        if self.from_transmit.valid.val() & self.wire_tx.ready.val() & !self.enable.val() {
            self.open.d.next = !self.from_transmit.last.val();
        }
        if self.enable.val() {
            self.to_receive.data.next = self.from_transmit.data.val();
            self.to_receive.last.next = self.from_transmit.last.val();
            self.to_receive.valid.next = self.from_transmit.valid.val();
            self.from_transmit.ready.next = self.to_receive.ready.val();
        }
        if self.open.q.val() & (self.reset.val() | self.cut.q.val()) {
            self.wire_tx.data.next = bits::<32>(0);
            self.wire_tx.last.next = !self.reset.val();
            self.wire_tx.valid.next = true;
            self.from_transmit.ready.next = false;
            self.open.d.next = true;
            self.cut.d.next = true;
            if !self.reset.val() & self.wire_tx.ready.val() {
                self.open.d.next = false;
                self.cut.d.next = false;
            }
        }
    }
}
