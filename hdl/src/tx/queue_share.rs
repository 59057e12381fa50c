//! Lets the fetch engine and retire read the work queue in turn.
//!
//! ```text
//!   fetch  --+                    +--> words to who asked
//!            +--> queue_read -----+
//!   retire --+
//! ```
//! The request goes through; the four words of the answer go to the asker, and only then may the other ask. Latency: none.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{QueueReadRx, QueueReadTx, StreamRx, StreamTx};

/// See the module; 0 is the fetch engine, 1 retire.
#[derive(LogicBlock)]
pub struct QueueShare {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Requests.
    pub ask: [QueueReadRx; 2],
    /// Their answers.
    pub words: [StreamTx; 2],
    /// To the work queue.
    pub queue_read: QueueReadTx,
    /// From it.
    pub queue_data: StreamRx,
    busy: DFF<Bit>,
    owner: DFF<Bit>,
    offered: DFF<Bit>,
    count: DFF<Bits<2>>,
    second: Signal<Local, Bit>,
}

impl QueueShare {
    /// At rest.
    pub fn new() -> Self {
        block_new!(clock reset ask words queue_read queue_data busy owner offered count second;
        )
    }
}

impl Default for QueueShare {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for QueueShare {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, owner, offered, count);
        // A request that waits for the queue stays the one that is offered.
        self.second.next = self.ask[1].valid.val() & !self.ask[0].valid.val();
        if self.offered.q.val() {
            self.second.next = self.owner.q.val();
        }
        self.queue_read.vi.next = self.ask[0].vi.val();
        self.queue_read.receive.next = false;
        self.queue_read.which.next = self.ask[0].which.val();
        self.queue_read.index.next = self.ask[0].index.val();
        self.queue_read.valid.next = self.ask[0].valid.val() & !self.busy.q.val();
        self.ask[0].ready.next = self.queue_read.ready.val() & !self.busy.q.val();
        self.ask[1].ready.next = false;
        if self.second.val() {
            self.queue_read.vi.next = self.ask[1].vi.val();
            self.queue_read.which.next = self.ask[1].which.val();
            self.queue_read.index.next = self.ask[1].index.val();
            self.queue_read.valid.next = self.ask[1].valid.val() & !self.busy.q.val();
            self.ask[1].ready.next = self.queue_read.ready.val() & !self.busy.q.val();
            self.ask[0].ready.next = false;
        }
        if !self.busy.q.val() & (self.ask[0].valid.val() | self.ask[1].valid.val()) {
            self.offered.d.next = true;
            self.owner.d.next = self.second.val();
            if self.queue_read.ready.val() {
                self.busy.d.next = true;
                self.offered.d.next = false;
                self.count.d.next = bits::<2>(0);
            }
        }
        self.words[0].data.next = self.queue_data.data.val();
        self.words[0].last.next = self.queue_data.last.val();
        self.words[0].valid.next =
            self.queue_data.valid.val() & self.busy.q.val() & !self.owner.q.val();
        self.words[1].data.next = self.queue_data.data.val();
        self.words[1].last.next = self.queue_data.last.val();
        self.words[1].valid.next =
            self.queue_data.valid.val() & self.busy.q.val() & self.owner.q.val();
        self.queue_data.ready.next = self.busy.q.val()
            & ((self.words[0].ready.val() & !self.owner.q.val())
                | (self.words[1].ready.val() & self.owner.q.val()));
        if self.busy.q.val()
            & self.queue_data.valid.val()
            & ((self.words[0].ready.val() & !self.owner.q.val())
                | (self.words[1].ready.val() & self.owner.q.val()))
        {
            self.count.d.next = self.count.q.val() + 1;
            if self.count.q.val() == bits::<2>(3) {
                self.busy.d.next = false;
            }
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.offered.d.next = false;
        }
    }
}
