//! Gives each word of a VI's configuration to its five takers, each when it is ready, and takes it when all of them have it.
//!
//! A taker may wait for `valid` before it is ready, and takes a word once. It knows nothing of what the words mean.
//!
//! ```text
//!                +--> host, tpt, transmit, receive, completion
//! words ---------+       [took it: one bit each]
//!    ^--- ready when every taker takes it or took it
//! ```
//! Latency: none. Throughput: that of the slowest taker.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{ViConfigRx, ViConfigTx};

/// See the module.
#[derive(LogicBlock)]
pub struct ViConfigFork {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// From the command engine.
    pub words: ViConfigRx,
    /// To Host.
    pub host: ViConfigTx,
    /// To Tpt.
    pub tpt: ViConfigTx,
    /// To Transmit.
    pub transmit: ViConfigTx,
    /// To Receive.
    pub receive: ViConfigTx,
    /// To Completion.
    pub completion: ViConfigTx,
    host_took: DFF<Bit>,
    tpt_took: DFF<Bit>,
    transmit_took: DFF<Bit>,
    receive_took: DFF<Bit>,
    completion_took: DFF<Bit>,
    host_has: Signal<Local, Bit>,
    tpt_has: Signal<Local, Bit>,
    transmit_has: Signal<Local, Bit>,
    receive_has: Signal<Local, Bit>,
    completion_has: Signal<Local, Bit>,
    all_have: Signal<Local, Bit>,
}

impl Default for ViConfigFork {
    fn default() -> Self {
        Self::new()
    }
}

impl ViConfigFork {
    /// The fork.
    pub fn new() -> Self {
        block_new!(
            clock reset words host tpt transmit receive completion host_took tpt_took transmit_took receive_took completion_took host_has tpt_has transmit_has receive_has completion_has all_have;
        )
    }
}

impl Logic for ViConfigFork {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            host_took,
            tpt_took,
            transmit_took,
            receive_took,
            completion_took
        );
        self.host.vi.next = self.words.vi.val();
        self.host.word.next = self.words.word.val();
        self.host.data.next = self.words.data.val();
        self.host.valid.next = self.words.valid.val() & !self.host_took.q.val();
        self.host_has.next = self.host_took.q.val() | self.host.ready.val();
        self.tpt.vi.next = self.words.vi.val();
        self.tpt.word.next = self.words.word.val();
        self.tpt.data.next = self.words.data.val();
        self.tpt.valid.next = self.words.valid.val() & !self.tpt_took.q.val();
        self.tpt_has.next = self.tpt_took.q.val() | self.tpt.ready.val();
        self.transmit.vi.next = self.words.vi.val();
        self.transmit.word.next = self.words.word.val();
        self.transmit.data.next = self.words.data.val();
        self.transmit.valid.next = self.words.valid.val() & !self.transmit_took.q.val();
        self.transmit_has.next = self.transmit_took.q.val() | self.transmit.ready.val();
        self.receive.vi.next = self.words.vi.val();
        self.receive.word.next = self.words.word.val();
        self.receive.data.next = self.words.data.val();
        self.receive.valid.next = self.words.valid.val() & !self.receive_took.q.val();
        self.receive_has.next = self.receive_took.q.val() | self.receive.ready.val();
        self.completion.vi.next = self.words.vi.val();
        self.completion.word.next = self.words.word.val();
        self.completion.data.next = self.words.data.val();
        self.completion.valid.next = self.words.valid.val() & !self.completion_took.q.val();
        self.completion_has.next = self.completion_took.q.val() | self.completion.ready.val();
        self.all_have.next = (self.host_has.val() & self.tpt_has.val())
            & ((self.transmit_has.val() & self.receive_has.val()) & self.completion_has.val());
        self.words.ready.next = self.all_have.val();
        self.host_took.d.next =
            self.words.valid.val() & (self.host_has.val() & !self.all_have.val());
        self.tpt_took.d.next = self.words.valid.val() & (self.tpt_has.val() & !self.all_have.val());
        self.transmit_took.d.next =
            self.words.valid.val() & (self.transmit_has.val() & !self.all_have.val());
        self.receive_took.d.next =
            self.words.valid.val() & (self.receive_has.val() & !self.all_have.val());
        self.completion_took.d.next =
            self.words.valid.val() & (self.completion_has.val() & !self.all_have.val());
        if self.reset.val() {
            self.host_took.d.next = false;
            self.tpt_took.d.next = false;
            self.transmit_took.d.next = false;
            self.receive_took.d.next = false;
            self.completion_took.d.next = false;
        }
    }
}
