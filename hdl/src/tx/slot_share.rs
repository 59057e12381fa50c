//! Lets the fetch engine and the payload reader read slot RAM.
//!
//! ```text
//!   payload reader (first) --+
//!                            +--> slot_read; the word goes to both, each knows whether it asked
//!   fetch engine ------------+
//! ```
//! Latency: none.

use rust_hdl::prelude::*;

use crate::interfaces::{SlotReadRx, SlotReadTx};

/// See the module; 0 is the payload reader, 1 the fetch engine.
#[derive(LogicBlock, Default)]
pub struct SlotShare {
    /// Requests.
    pub ask: [SlotReadRx; 2],
    /// To slot RAM.
    pub slot_read: SlotReadTx,
}

impl Logic for SlotShare {
    #[hdl_gen]
    fn update(&mut self) {
        self.slot_read.word.next = self.ask[1].word.val();
        if self.ask[0].valid.val() {
            self.slot_read.word.next = self.ask[0].word.val();
        }
        self.slot_read.valid.next = self.ask[0].valid.val() | self.ask[1].valid.val();
        self.ask[0].ready.next = self.slot_read.ready.val();
        self.ask[1].ready.next = self.slot_read.ready.val() & !self.ask[0].valid.val();
        self.ask[0].data.next = self.slot_read.data.val();
        self.ask[1].data.next = self.slot_read.data.val();
    }
}
