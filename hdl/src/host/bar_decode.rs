//! Takes BAR accesses in order and gives each to the block that it is for.
//!
//! Stores into the doorbell pages (BAR2), into the ring and its slots (BAR4) and CQ doorbells (BAR0 0x1000) are passed on;
//! stores and loads of registers become operations of the register memory. Every load gets one answer, unknown offsets read
//! as zero, and so do loads of BAR2 and BAR4. Stores to nowhere, and all stores while `reset` is high, are dropped. It
//! keeps nothing.
//!
//! ```text
//!                      +--> doorbell_store      (BAR2)
//!  bar --> decode -----+--> ring_store          (BAR4)
//!                      +--> cq_doorbell         (BAR0 0x1000)
//!                      +--> op, control_store, select --> register_memory, registers
//! ```
//!
//! Latency: none; a store is offered to its taker in the cycle in which it comes, so the attachment's register is the only one
//! before the taker, and one store moves per cycle. An access is held by the attachment until it is done: a store until its
//! taker takes it, an operation until `op_done`, which waits for nothing but the register memory.

use rnic_abi::registers::map::{
    CONTROL, CYCLES, INTERRUPT_MASK, RAW_CONSUMED, STATUS, STATUS_LINE_IOVA,
};
use rust_hdl::prelude::*;

use crate::interfaces::{BarRequestRx, CqDoorbellTx, StoreTx};

/// See the module.
#[derive(LogicBlock)]
pub struct BarDecode {
    /// Stores are dropped; loads go on.
    pub reset: Signal<In, Bit>,
    /// Accesses.
    pub bar: BarRequestRx,
    /// Stores into BAR2.
    pub doorbell_store: StoreTx,
    /// Stores into BAR4.
    pub ring_store: StoreTx,
    /// CQ doorbells.
    pub cq_doorbell: CqDoorbellTx,

    /// Operation of the register memory.
    pub op_valid: Signal<Out, Bit>,
    /// Its entry; one that is always zero for what the memory does not hold.
    pub op_entry: Signal<Out, Bits<8>>,
    /// It stores.
    pub op_store: Signal<Out, Bit>,
    /// It clears events.
    pub op_clear: Signal<Out, Bit>,
    /// It loads two words: the low word of a 64-bit register.
    pub op_wide: Signal<Out, Bit>,
    /// Word to store; zero in reset.
    pub op_data: Signal<Out, Bits<32>>,
    /// It ends.
    pub op_done: Signal<In, Bit>,
    /// The load is of a 64-bit register's high word, latched before.
    pub latched: Signal<Out, Bit>,
    /// The access is to one of the first 32 registers.
    pub in_registers: Signal<Out, Bit>,
    /// The access is to `VI_STATE`.
    pub in_vi_state: Signal<Out, Bit>,
    /// The access is to the trace.
    pub in_trace: Signal<Out, Bit>,
    /// Register, VI or trace word number.
    pub index: Signal<Out, Bits<10>>,
    /// In this cycle `CONTROL` is stored.
    pub control_store: Signal<Out, Bit>,
    /// An access waits.
    pub busy: Signal<Out, Bit>,

    in_bar0: Signal<Local, Bit>,
    in_bar2: Signal<Local, Bit>,
    in_bar4: Signal<Local, Bit>,
    write: Signal<Local, Bit>,
    full: Signal<Local, Bit>,
    offset: Signal<Local, Bits<20>>,
    data: Signal<Local, Bits<32>>,

    page: Signal<Local, Bits<7>>,
    word: Signal<Local, Bits<5>>,
    stores: Signal<Local, Bit>,
    registers: Signal<Local, Bit>,
    events: Signal<Local, Bit>,
    vi_state: Signal<Local, Bit>,
    failing: Signal<Local, Bit>,
    counters: Signal<Local, Bit>,
    trace: Signal<Local, Bit>,
    cq: Signal<Local, Bit>,
    wide: Signal<Local, Bit>,
    keeps: Signal<Local, Bit>,
    operates: Signal<Local, Bit>,
    to_doorbells: Signal<Local, Bit>,
    to_ring: Signal<Local, Bit>,
    to_cq: Signal<Local, Bit>,
    waits: Signal<Local, Bit>,
    bar0: Constant<Bits<3>>,
    bar2: Constant<Bits<3>>,
    bar4: Constant<Bits<3>>,
    zero_entry: Constant<Bits<8>>,
    control: Constant<Bits<5>>,
    interrupt_mask: Constant<Bits<5>>,
    first_kept: Constant<Bits<5>>,
    last_kept: Constant<Bits<5>>,
    cycles: Constant<Bits<4>>,
}

impl Default for BarDecode {
    fn default() -> Self {
        Self::new()
    }
}

impl BarDecode {
    /// Nothing waits.
    pub fn new() -> Self {
        Self {
            reset: Default::default(),
            bar: Default::default(),
            doorbell_store: Default::default(),
            ring_store: Default::default(),
            cq_doorbell: Default::default(),
            op_valid: Default::default(),
            op_entry: Default::default(),
            op_store: Default::default(),
            op_clear: Default::default(),
            op_wide: Default::default(),
            op_data: Default::default(),
            op_done: Default::default(),
            latched: Default::default(),
            in_registers: Default::default(),
            in_vi_state: Default::default(),
            in_trace: Default::default(),
            index: Default::default(),
            control_store: Default::default(),
            busy: Default::default(),
            full: Default::default(),
            write: Default::default(),
            in_bar0: Default::default(),
            in_bar2: Default::default(),
            in_bar4: Default::default(),
            offset: Default::default(),
            data: Default::default(),
            page: Default::default(),
            word: Default::default(),
            stores: Default::default(),
            registers: Default::default(),
            events: Default::default(),
            vi_state: Default::default(),
            failing: Default::default(),
            counters: Default::default(),
            trace: Default::default(),
            cq: Default::default(),
            wide: Default::default(),
            keeps: Default::default(),
            operates: Default::default(),
            to_doorbells: Default::default(),
            to_ring: Default::default(),
            to_cq: Default::default(),
            waits: Default::default(),
            bar0: Constant::new(0_u64.into()),
            bar2: Constant::new(2_u64.into()),
            bar4: Constant::new(4_u64.into()),
            zero_entry: Constant::new(u64::from(STATUS / 4).into()),
            control: Constant::new(u64::from(CONTROL / 4).into()),
            interrupt_mask: Constant::new(u64::from(INTERRUPT_MASK / 4).into()),
            first_kept: Constant::new(u64::from(STATUS_LINE_IOVA / 4).into()),
            last_kept: Constant::new(u64::from(RAW_CONSUMED / 4).into()),
            cycles: Constant::new(u64::from(CYCLES / 8).into()),
        }
    }
}

impl Logic for BarDecode {
    #[hdl_gen]
    fn update(&mut self) {
        self.in_bar0.next = self.bar.bar.val() == self.bar0.val();
        self.in_bar2.next = self.bar.bar.val() == self.bar2.val();
        self.in_bar4.next = self.bar.bar.val() == self.bar4.val();
        self.full.next = self.bar.valid.val();
        self.write.next = self.bar.write.val();
        self.offset.next = self.bar.offset.val();
        self.data.next = self.bar.data.val();
        // Where it goes. The map of BAR0 in 128-byte pages: registers 0, events 2, VI states 4, descriptors 6 and 7,
        // counters 16 to 19, CQ doorbells 32 and 33, trace 64 to 95.
        self.page.next = self.offset.val().get_bits::<7>(7);
        self.word.next = self.offset.val().get_bits::<5>(2);
        self.stores.next = self.full.val() & self.write.val() & !self.reset.val();
        self.registers.next = self.in_bar0.val() & (self.page.val() == bits::<7>(0));
        self.events.next = self.in_bar0.val() & (self.page.val() == bits::<7>(2));
        self.vi_state.next = self.in_bar0.val() & (self.page.val() == bits::<7>(4));
        self.failing.next = self.in_bar0.val() & (self.page.val().get_bits::<6>(1) == bits::<6>(3));
        self.counters.next =
            self.in_bar0.val() & (self.page.val().get_bits::<5>(2) == bits::<5>(4));
        self.cq.next = self.in_bar0.val() & (self.page.val().get_bits::<6>(1) == bits::<6>(16));
        self.trace.next = self.in_bar0.val() & (self.page.val().get_bits::<2>(5) == bits::<2>(2));
        self.wide.next = self.counters.val()
            | self.failing.val()
            | self.trace.val()
            | (self.registers.val() & (self.offset.val().get_bits::<4>(3) == self.cycles.val()));
        self.keeps.next = self.registers.val()
            & ((self.word.val() == self.interrupt_mask.val())
                | ((self.word.val() >= self.first_kept.val())
                    & (self.word.val() <= self.last_kept.val())));

        self.op_entry.next = self.zero_entry.val();
        if self.registers.val() {
            self.op_entry.next = bit_cast::<8, 5>(self.word.val());
        }
        if self.events.val() {
            self.op_entry.next = bits::<8>(0x20) | bit_cast::<8, 5>(self.word.val());
        }
        if self.failing.val() {
            self.op_entry.next =
                bits::<8>(0x40) | bit_cast::<8, 6>(self.offset.val().get_bits::<6>(2));
        }
        if self.counters.val() {
            self.op_entry.next =
                bits::<8>(0x80) | bit_cast::<8, 7>(self.offset.val().get_bits::<7>(2));
        }
        self.op_store.next = self.write.val() & self.keeps.val();
        self.op_clear.next = self.write.val() & self.events.val();
        self.op_wide.next =
            self.wide.val() & !self.offset.val().get_bit(2) & !self.write.val() & !self.trace.val();
        // Zero in reset, when what is stored is stored over with it.
        self.op_data.next = self.data.val();
        if self.reset.val() {
            self.op_data.next = bits::<32>(0);
        }
        self.latched.next = self.wide.val() & self.offset.val().get_bit(2);
        self.in_registers.next = self.registers.val();
        self.in_vi_state.next = self.vi_state.val();
        self.in_trace.next = self.trace.val();
        self.index.next = self.offset.val().get_bits::<10>(2);
        self.operates.next = (self.full.val() & !self.write.val())
            | (self.stores.val() & (self.keeps.val() | self.events.val()));
        self.op_valid.next = self.operates.val();
        self.control_store.next =
            self.stores.val() & self.registers.val() & (self.word.val() == self.control.val());

        self.to_doorbells.next = self.stores.val() & self.in_bar2.val();
        self.to_ring.next = self.stores.val() & self.in_bar4.val();
        self.to_cq.next = self.stores.val() & self.cq.val() & !self.offset.val().get_bit(2);
        self.doorbell_store.offset.next = self.offset.val();
        self.doorbell_store.data.next = self.data.val();
        self.doorbell_store.valid.next = self.to_doorbells.val();
        self.ring_store.offset.next = self.offset.val();
        self.ring_store.data.next = self.data.val();
        self.ring_store.valid.next = self.to_ring.val();
        self.cq_doorbell.cq.next = bit_cast::<8, 5>(self.offset.val().get_bits::<5>(3));
        self.cq_doorbell.consumed.next = self.data.val().get_bits::<31>(0);
        self.cq_doorbell.arm.next = self.data.val().get_bit(31);
        self.cq_doorbell.valid.next = self.to_cq.val();

        // It goes when it is done, or goes nowhere.
        self.waits.next = (self.operates.val() & !self.op_done.val())
            | (self.to_doorbells.val() & !self.doorbell_store.ready.val())
            | (self.to_ring.val() & !self.ring_store.ready.val())
            | (self.to_cq.val() & !self.cq_doorbell.ready.val());
        self.bar.ready.next = !self.waits.val();
        self.busy.next = self.full.val();
    }
}
