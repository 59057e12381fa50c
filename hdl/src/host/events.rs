//! Brings events to the sticky bits of their VI, one at a time, and asks for the event interrupt.
//!
//! The bits themselves are in the register memory; here is one bit a VI that says whether it has any. The interrupt is
//! asked for when a bit is set that was clear: setting and clearing are operations of one memory, one after the other, so an
//! event that comes while the driver clears others is either among the bits it reads next or gives a new interrupt.
//!
//! ```text
//!  event[0..4], own, fault --> round robin --> [event] --> register memory --> new? --> irq
//! ```
//!
//! Latency: an event is taken within 6 cycles when none is under way, and set within 50 more. An event whose bit is
//! set already changes nothing.

use rnic_abi::event::Event;
use rnic_abi::registers::EVENT_VECTOR;
use rust_hdl::prelude::*;

use crate::interfaces::{EventRx, IrqTx};

/// See the module.
#[derive(LogicBlock)]
pub struct Events {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// From the other composites.
    pub event: [EventRx; 4],
    /// From `vi_state`.
    pub own: EventRx,
    /// The bus refused a write: catastrophic, filed under VI 0.
    pub fault: Signal<In, Bit>,

    /// An event asks the register memory to be set.
    pub set_valid: Signal<Out, Bit>,
    /// Its VI.
    pub set_vi: Signal<Out, Bits<4>>,
    /// Its bit.
    pub set_mask: Signal<Out, Bits<16>>,
    /// It is set.
    pub set_done: Signal<In, Bit>,
    /// It was clear before.
    pub set_new: Signal<In, Bit>,
    /// The driver clears events.
    pub clear_done: Signal<In, Bit>,
    /// Of this VI.
    pub clear_vi: Signal<In, Bits<4>>,
    /// Some of its events are left.
    pub clear_rest: Signal<In, Bit>,

    /// Interrupt of vector 0.
    pub irq: IrqTx,
    /// Bit i: VI i has events.
    pub summary: Signal<Out, Bits<16>>,
    /// Something is under way.
    pub busy: Signal<Out, Bit>,

    turn: DFF<Bits<3>>,
    vi: DFF<Bits<4>>,
    kind: DFF<Bits<4>>,
    valid: DFF<Bit>,
    faulted: DFF<Bit>,
    asks: DFF<Bit>,
    marks: DFF<Bits<16>>,

    offered: Signal<Local, Bit>,
    offered_vi: Signal<Local, Bits<8>>,
    offered_kind: Signal<Local, Bits<4>>,
    set_mark: Signal<Local, Bits<16>>,
    clear_mark: Signal<Local, Bits<16>>,
    one: Constant<Bits<16>>,
    vis: Constant<Bits<4>>,
    catastrophic: Constant<Bits<4>>,
    vector: Constant<Bits<8>>,
    own_turn: Constant<Bits<3>>,
    fault_turn: Constant<Bits<3>>,
}

impl Events {
    /// For a board of `vis` VIs (a power of two).
    pub fn new(vis: usize) -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            event: Default::default(),
            own: Default::default(),
            fault: Default::default(),
            set_valid: Default::default(),
            set_vi: Default::default(),
            set_mask: Default::default(),
            set_done: Default::default(),
            set_new: Default::default(),
            clear_done: Default::default(),
            clear_vi: Default::default(),
            clear_rest: Default::default(),
            irq: Default::default(),
            summary: Default::default(),
            busy: Default::default(),
            turn: Default::default(),
            vi: Default::default(),
            kind: Default::default(),
            valid: Default::default(),
            faulted: Default::default(),
            asks: Default::default(),
            marks: Default::default(),
            offered: Default::default(),
            offered_vi: Default::default(),
            offered_kind: Default::default(),
            set_mark: Default::default(),
            clear_mark: Default::default(),
            one: Constant::new(1_u64.into()),
            vis: Constant::new((vis as u64 - 1).into()),
            catastrophic: Constant::new((Event::Catastrophic as u64).into()),
            vector: Constant::new(u64::from(EVENT_VECTOR).into()),
            own_turn: Constant::new(4_u64.into()),
            fault_turn: Constant::new(5_u64.into()),
        }
    }
}

impl Logic for Events {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, turn, vi, kind, valid, faulted, asks, marks);
        // Look at one source a cycle, until one has something.
        self.offered.next = false;
        self.offered_vi.next = bits::<8>(0);
        self.offered_kind.next = self.catastrophic.val();
        for i in 0..4 {
            self.event[i].ready.next = false;
            if self.turn.q.val() == i.to_bits::<3>() {
                self.event[i].ready.next = !self.valid.q.val() & !self.reset.val();
                self.offered.next = self.event[i].valid.val();
                self.offered_vi.next = self.event[i].vi.val();
                self.offered_kind.next = self.event[i].event.val();
            }
        }
        self.own.ready.next = false;
        if self.turn.q.val() == self.own_turn.val() {
            self.own.ready.next = !self.valid.q.val() & !self.reset.val();
            self.offered.next = self.own.valid.val();
            self.offered_vi.next = self.own.vi.val();
            self.offered_kind.next = self.own.event.val();
        }
        if self.turn.q.val() == self.fault_turn.val() {
            self.offered.next = self.faulted.q.val();
        }
        if !self.valid.q.val() {
            self.vi.d.next = self.offered_vi.val().get_bits::<4>(0) & self.vis.val();
            self.kind.d.next = self.offered_kind.val();
            self.valid.d.next = self.offered.val();
            self.turn.d.next = self.turn.q.val() + 1;
            if self.turn.q.val() == self.fault_turn.val() {
                self.turn.d.next = bits::<3>(0);
                self.faulted.d.next = false;
            }
        }
        if self.fault.val() {
            self.faulted.d.next = true;
        }

        // Set it.
        self.set_valid.next = self.valid.q.val();
        self.set_vi.next = self.vi.q.val();
        self.set_mask.next = self.one.val() << bit_cast::<16, 4>(self.kind.q.val());
        self.set_mark.next = self.one.val() << bit_cast::<16, 4>(self.vi.q.val());
        self.clear_mark.next = self.one.val() << bit_cast::<16, 4>(self.clear_vi.val());
        if self.set_done.val() {
            self.valid.d.next = false;
            self.marks.d.next = self.marks.q.val() | self.set_mark.val();
        } else if self.clear_done.val() & !self.clear_rest.val() {
            self.marks.d.next = self.marks.q.val() & (self.clear_mark.val() ^ bits::<16>(0xFFFF));
        }
        if self.irq.ready.val() {
            self.asks.d.next = false;
        }
        if self.set_done.val() & self.set_new.val() {
            self.asks.d.next = true;
        }
        if self.reset.val() {
            self.valid.d.next = false;
            self.faulted.d.next = false;
            self.asks.d.next = false;
            self.marks.d.next = bits::<16>(0);
        }
        self.irq.vector.next = self.vector.val();
        self.irq.valid.next = self.asks.q.val();
        self.summary.next = self.marks.q.val();
        self.busy.next = self.valid.q.val() | self.faulted.q.val() | self.asks.q.val();
    }
}
