//! Joins the events of the ring, the doorbells and the engine.
//!
//! Latency: one cycle. The lowest port goes first; events are rare, so nothing more is needed.

use rust_hdl::prelude::*;

use crate::interfaces::{EventRx, EventTx};

/// `P` sources.
#[derive(LogicBlock)]
pub struct EventMerge<const P: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The sources.
    pub source: [EventRx; P],
    /// To the event registers.
    pub event: EventTx,
    valid: DFF<Bit>,
    vi: DFF<Bits<8>>,
    kind: DFF<Bits<4>>,
    free: Signal<Local, Bit>,
    busy: [Signal<Local, Bit>; 5],
}

impl<const P: usize> Default for EventMerge<P> {
    fn default() -> Self {
        assert!(P < 5);
        Self {
            clock: Default::default(),
            reset: Default::default(),
            source: array_init::array_init(|_| Default::default()),
            event: Default::default(),
            valid: Default::default(),
            vi: Default::default(),
            kind: Default::default(),
            free: Default::default(),
            busy: Default::default(),
        }
    }
}

impl<const P: usize> Logic for EventMerge<P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, vi, kind);
        self.free.next = !self.valid.q.val() & !self.reset.val();
        if self.event.ready.val() {
            self.valid.d.next = false;
        }
        self.busy[0].next = !self.free.val();
        for i in 0..P {
            self.source[i].ready.next = !self.busy[i].val();
            self.busy[i + 1].next = self.busy[i].val() | self.source[i].valid.val();
            if self.source[i].valid.val() & !self.busy[i].val() {
                self.valid.d.next = true;
                self.vi.d.next = self.source[i].vi.val();
                self.kind.d.next = self.source[i].event.val();
            }
        }
        for i in P..4 {
            self.busy[i + 1].next = self.busy[i].val();
        }
        self.event.valid.next = self.valid.q.val();
        self.event.vi.next = self.vi.q.val();
        self.event.event.next = self.kind.q.val();
        if self.reset.val() {
            self.valid.d.next = false;
        }
    }
}
