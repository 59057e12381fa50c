//! Merges the interrupt requests of events and completions, masks them, and sends them one at a time.
//!
//! A request sets the pending bit of its vector; a vector that the mask holds back stays pending and is sent when it is
//! unmasked. Requests for a vector that is pending already merge with it. Bit 31 of the mask also stands for the vectors above
//! it. Vector numbers beyond the board's queues are ignored. It knows no message addresses: the bus has them.
//!
//! ```text
//!  request[0] (events) ---+--> [pending] -- & mask --> highest first --> [vector] --> irq
//!  request[1] (complete) -+
//! ```
//!
//! Latency: three cycles from a request to `irq`. A vector every two cycles.

use rust_hdl::prelude::*;

use crate::interfaces::{IrqRx, IrqTx};

/// See the module.
#[derive(LogicBlock)]
pub struct Interrupt {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Send nothing new.
    pub stop: Signal<In, Bit>,
    /// From events and from the completer.
    pub request: [IrqRx; 2],
    /// Bit i: vector i may be sent.
    pub mask: Signal<In, Bits<32>>,
    /// To the bus.
    pub irq: IrqTx,
    /// One is sent.
    pub sent: Signal<Out, Bit>,
    /// Nothing is offered to the bus.
    pub quiet: Signal<Out, Bit>,
    /// Something will be sent.
    pub busy: Signal<Out, Bit>,

    pending: DFF<Bits<33>>,
    vector: DFF<Bits<6>>,
    valid: DFF<Bit>,

    first: Signal<Local, Bits<33>>,
    second: Signal<Local, Bits<33>>,
    clears: Signal<Local, Bits<33>>,
    allowed: Signal<Local, Bits<33>>,
    ripe: Signal<Local, Bits<33>>,
    choice: Signal<Local, Bits<6>>,
    one: Constant<Bits<33>>,
    top: Constant<Bits<33>>,
    vectors: Constant<Bits<33>>,
}

impl Interrupt {
    /// For a board of `cqs` completion queues: vector 0 is the events', the others theirs.
    pub fn new(cqs: usize) -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            stop: Default::default(),
            request: Default::default(),
            mask: Default::default(),
            irq: Default::default(),
            sent: Default::default(),
            quiet: Default::default(),
            busy: Default::default(),
            pending: Default::default(),
            vector: Default::default(),
            valid: Default::default(),
            first: Default::default(),
            second: Default::default(),
            clears: Default::default(),
            allowed: Default::default(),
            ripe: Default::default(),
            choice: Default::default(),
            one: Constant::new(1_u64.into()),
            top: Constant::new((1_u64 << 32).into()),
            vectors: Constant::new(((2_u64 << cqs) - 1).into()),
        }
    }
}

impl Logic for Interrupt {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pending, vector, valid);
        self.request[0].ready.next = !self.reset.val();
        self.request[1].ready.next = !self.reset.val();
        self.first.next = bits::<33>(0);
        if self.request[0].valid.val() {
            self.first.next = self.one.val() << bit_cast::<33, 8>(self.request[0].vector.val());
        }
        self.second.next = bits::<33>(0);
        if self.request[1].valid.val() {
            self.second.next = self.one.val() << bit_cast::<33, 8>(self.request[1].vector.val());
        }
        self.allowed.next = bit_cast::<33, 32>(self.mask.val());
        if self.mask.val().get_bit(31) {
            self.allowed.next = bit_cast::<33, 32>(self.mask.val()) | self.top.val();
        }
        self.ripe.next = self.pending.q.val() & self.allowed.val();
        self.choice.next = bits::<6>(0);
        for i in 0..33 {
            if self.ripe.val().get_bit(i) {
                self.choice.next = i.to_bits();
            }
        }
        self.clears.next = bits::<33>(0);
        self.sent.next = self.valid.q.val() & self.irq.ready.val();
        if self.valid.q.val() {
            if self.irq.ready.val() {
                self.valid.d.next = false;
            }
        } else if self.ripe.val().any() & !self.stop.val() {
            self.valid.d.next = true;
            self.vector.d.next = self.choice.val();
            self.clears.next = self.one.val() << bit_cast::<33, 6>(self.choice.val());
        }
        self.pending.d.next =
            ((self.pending.q.val() ^ self.clears.val()) | self.first.val() | self.second.val())
                & self.vectors.val();
        if self.reset.val() {
            self.pending.d.next = bits::<33>(0);
            self.valid.d.next = false;
        }
        self.irq.vector.next = bit_cast::<8, 6>(self.vector.q.val());
        self.irq.valid.next = self.valid.q.val();
        self.quiet.next = !self.valid.q.val();
        self.busy.next = self.valid.q.val() | self.ripe.val().any();
    }
}
