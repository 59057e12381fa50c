//! Lets two blocks write host memory through one bus, a whole burst at a time.
//!
//! The bus carries the bursts in the order in which they are granted and never mixes two. It holds no word: a writer that has
//! started a burst keeps the bus until `last`. Splitting at 4 KiB and alignment are the writers' work.
//!
//! ```text
//!  write[0] (place)    --+
//!                        +--> the one that has the bus --> dma_write
//!  write[1] (complete) --+
//! ```
//!
//! Latency: none; words pass through in the same cycle, with no cycle between bursts. After a burst the other writer goes first.

use rust_hdl::prelude::*;

use crate::interfaces::{DmaWriteRx, DmaWriteTx};

/// See the module.
#[derive(LogicBlock, Default)]
pub struct DmaWrite {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Start no burst.
    pub stop: Signal<In, Bit>,
    /// From `place` and from the completer.
    pub write: [DmaWriteRx; 2],
    /// To the bus.
    pub dma_write: DmaWriteTx,
    /// A burst ends.
    pub issued: Signal<Out, Bit>,
    /// No burst is under way.
    pub quiet: Signal<Out, Bit>,

    /// A burst is under way.
    running: DFF<Bit>,
    /// Its writer, or the one that goes first.
    turn: DFF<Bit>,

    second: Signal<Local, Bit>,
    valid: Signal<Local, Bit>,
    last: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
}

impl Logic for DmaWrite {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, running, turn);
        self.second.next = self.turn.q.val();
        if !self.running.q.val() {
            if self.turn.q.val() {
                self.second.next = self.write[1].valid.val() | !self.write[0].valid.val();
            } else {
                self.second.next = self.write[1].valid.val() & !self.write[0].valid.val();
            }
        }
        self.dma_write.iova.next = self.write[0].iova.val();
        self.dma_write.bytes.next = self.write[0].bytes.val();
        self.dma_write.data.next = self.write[0].data.val();
        self.last.next = self.write[0].last.val();
        self.valid.next = self.write[0].valid.val();
        if self.second.val() {
            self.dma_write.iova.next = self.write[1].iova.val();
            self.dma_write.bytes.next = self.write[1].bytes.val();
            self.dma_write.data.next = self.write[1].data.val();
            self.last.next = self.write[1].last.val();
            self.valid.next = self.write[1].valid.val();
        }
        self.dma_write.last.next = self.last.val();
        self.dma_write.valid.next = false;
        self.moves.next = false;
        self.write[0].ready.next = false;
        self.write[1].ready.next = false;
        if (self.running.q.val() | !self.stop.val()) & !self.reset.val() {
            self.dma_write.valid.next = self.valid.val();
            self.moves.next = self.valid.val() & self.dma_write.ready.val();
            self.write[0].ready.next = self.dma_write.ready.val() & !self.second.val();
            self.write[1].ready.next = self.dma_write.ready.val() & self.second.val();
            // Offered is as good as begun: the bus may wait with ready, but the burst must stay.
            if self.valid.val() {
                self.running.d.next = true;
                self.turn.d.next = self.second.val();
            }
        }
        if self.moves.val() & self.last.val() {
            self.running.d.next = false;
            self.turn.d.next = !self.second.val();
        }
        if self.reset.val() {
            self.running.d.next = false;
            self.turn.d.next = false;
        }
        self.issued.next = self.moves.val() & self.last.val();
        self.quiet.next = !self.running.q.val();
    }
}
