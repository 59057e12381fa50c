//! Joins the board to its wire, or, with CONTROL.LOOPBACK, its transmit side to its own receive side.
//!
//! Purely combinational; it buffers nothing and looks at no frame. Switching it in the middle of a frame cuts that frame,
//! which the link header check of the receiver finds.
//!
//! ```text
//! transmit --+--> wire_tx        wire_rx --> 0\
//!            |                                 +--> receive
//!            +-----------------------------> 1/
//! ```

use crate::interfaces::*;
use rust_hdl::prelude::*;

/// The switch between wire and loopback.
#[derive(LogicBlock, Default)]
pub struct Loopback {
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
}

impl Logic for Loopback {
    #[hdl_gen]
    fn update(&mut self) {
        self.wire_tx.data.next = self.from_transmit.data.val();
        self.wire_tx.last.next = self.from_transmit.last.val();
        self.wire_tx.valid.next = self.from_transmit.valid.val() & !self.enable.val();
        self.to_receive.data.next = self.wire_rx.data.val();
        self.to_receive.last.next = self.wire_rx.last.val();
        self.to_receive.valid.next = self.wire_rx.valid.val() & !self.enable.val();
        self.from_transmit.ready.next = self.wire_tx.ready.val() & !self.enable.val();
        self.wire_rx.ready.next = self.to_receive.ready.val() & !self.enable.val();
        if self.enable.val() {
            self.to_receive.data.next = self.from_transmit.data.val();
            self.to_receive.last.next = self.from_transmit.last.val();
            self.to_receive.valid.next = self.from_transmit.valid.val();
            self.from_transmit.ready.next = self.to_receive.ready.val();
        }
    }
}
