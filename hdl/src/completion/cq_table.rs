//! The completion queues: where they are, how far the board and the driver have come, which entries are kept, which are
//! armed.
//!
//! It writes no CQE. All numbers are 16 bits wide and pass one 16-bit adder, a halfword a cycle, so a queue has at most
//! 2^15 entries and indices count modulo 2^16.
//!
//! ```text
//! halfword  0 iova 15:5 | entries_log2 4:0 (0: no queue)   1 iova 31:16   2 iova 47:32
//!           3 produced   4 consumed   5 armed 15 | reserved 14:0
//! ```
//! Latency: claim 10 cycles, reserve 6, doorbell 4, finish 3, configure 7. One at a time, finish and claim first.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{CqConfigRx, CqDoorbellRx, CqReserveRx, IrqTx};

/// Where the work on one queue is. `Ask` states only present an address.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum TableState {
    /// Choose who is served.
    Choose,
    /// Read the reservations.
    AskReserved,
    /// Disarm, or give a reservation back, or start counting.
    TakeReserved,
    /// Subtract what the driver consumed.
    TakeConsumed,
    /// Add what the board produced.
    TakeProduced,
    /// Read the size.
    TakeSize,
    /// Is there room?
    Judge,
    /// Address of the entry, low part.
    AddLow,
    /// Middle part.
    AddMiddle,
    /// High part.
    AddHigh,
    /// Store the driver's index.
    StoreConsumed,
    /// Is the board ahead of it?
    Compare,
    /// Arm, or interrupt at once.
    Arm,
    /// Write a new queue.
    Configure,
}

/// `C` is log2 of the queues, `A` = C + 3.
#[derive(LogicBlock)]
pub struct CqTable<const C: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset; sweeps the table.
    pub reset: Signal<In, Bit>,
    /// Creates and destroys queues.
    pub cq_config: CqConfigRx,
    /// Keeps an entry for a one-shot.
    pub cq_reserve: CqReserveRx,
    /// The driver's index and arm bit.
    pub cq_doorbell: CqDoorbellRx,
    /// Claim the next entry of `claim_cq`; held until `claim_done`.
    pub claim_valid: Signal<In, Bit>,
    /// Its queue.
    pub claim_cq: Signal<In, Bits<C>>,
    /// The entry was reserved.
    pub claim_reserved: Signal<In, Bit>,
    /// The claim is finished.
    pub claim_done: Signal<Out, Bit>,
    /// It got an entry; stays until the next claim.
    pub claim_ok: Signal<Out, Bit>,
    /// Phase bit of the entry; stays.
    pub claim_phase: Signal<Out, Bit>,
    /// A part of the entry's IOVA.
    pub part: Signal<Out, Bits<16>>,
    /// Which part: 0 low, 1 middle, 2 high.
    pub part_valid: Signal<Out, Bits<3>>,
    /// The claimed entry has been written.
    pub finish: Signal<In, Bit>,
    /// Vector cq + 1.
    pub irq: IrqTx,

    entries: BlockRam<16, A>,
    state: DFF<TableState>,
    cq: DFF<Bits<C>>,
    reserving: DFF<Bit>,
    finishing: DFF<Bit>,
    finish_now: DFF<Bit>,
    sum_so_far: DFF<Bits<16>>,
    kept: DFF<Bits<16>>,
    size: DFF<Bits<16>>,
    carry: DFF<Bit>,
    ok: DFF<Bit>,
    phase: DFF<Bit>,
    open: DFF<Bit>,
    open_cq: DFF<Bits<C>>,
    irq_pending: DFF<Bit>,
    irq_cq: DFF<Bits<C>>,
    written: DFF<Bits<3>>,

    halfword: Signal<Local, Bits<3>>,
    read_halfword: Signal<Local, Bits<3>>,
    data: Signal<Local, Bits<16>>,
    write_data: Signal<Local, Bits<16>>,
    left: Signal<Local, Bits<16>>,
    right: Signal<Local, Bits<16>>,
    carry_in: Signal<Local, Bit>,
    total: Signal<Local, Bits<17>>,
    sum: Signal<Local, Bits<16>>,
    log2: Signal<Local, Bits<4>>,
    above: Signal<Local, Bits<16>>,
    over: Signal<Local, Bits<16>>,
    place: Signal<Local, Bits<16>>,
    reservations: Signal<Local, Bits<15>>,
    any_reserved: Signal<Local, Bit>,
    exists: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    ahead: Signal<Local, Bit>,
    consumed: Signal<Local, Bits<16>>,
    doorbell_cq: Signal<Local, Bits<C>>,
    config_data: Signal<Local, Bits<16>>,
    swept: Signal<Local, Bits<A>>,
    low_bits: Constant<Bits<16>>,
}

impl<const C: usize, const A: usize> Default for CqTable<C, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const C: usize, const A: usize> CqTable<C, A> {
    /// No queue.
    pub fn new() -> Self {
        assert_eq!(A, C + 3);
        block_new!(
            clock reset cq_config cq_reserve cq_doorbell claim_valid claim_cq claim_reserved claim_done
            claim_ok claim_phase part part_valid finish irq entries state cq reserving finishing
            finish_now sum_so_far kept size carry ok phase open open_cq irq_pending irq_cq written
            halfword read_halfword data write_data left right carry_in total sum log2 above over place
            reservations any_reserved exists fits ahead consumed doorbell_cq config_data swept;
            low_bits = 0xFFE0_u64,
        )
    }
}

impl<const C: usize, const A: usize> Logic for CqTable<C, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            cq,
            reserving,
            finishing,
            finish_now,
            sum_so_far,
            kept,
            size,
            carry,
            ok,
            phase,
            open,
            open_cq,
            irq_pending,
            irq_cq,
            written
        );
        clock!(self, clock, entries);
        self.data.next = self.entries.read_data.val();
        self.consumed.next = bit_cast::<16, 31>(self.cq_doorbell.consumed.val());
        self.doorbell_cq.next = bit_cast::<C, 8>(self.cq_doorbell.cq.val());
        self.reservations.next = bit_cast::<15, 16>(self.data.val());
        self.any_reserved.next = self.reservations.val().any();
        self.log2.next = bit_cast::<4, 16>(self.size.q.val());
        self.exists.next = self.log2.val().any();
        self.above.next = bits::<16>(0xFFFF) << self.log2.val();
        self.over.next = self.sum_so_far.q.val() & self.above.val();
        self.place.next = self.kept.q.val() & !self.above.val();
        self.fits.next = self.exists.val()
            & (!self.over.val().any() | (self.claim_reserved.val() & !self.reserving.q.val()));
        // An entry that is claimed but not yet written does not count.
        self.ahead.next = self.sum_so_far.q.val().any()
            & !((self.sum_so_far.q.val() == bits::<16>(1))
                & self.open.q.val()
                & (self.open_cq.q.val() == self.cq.q.val()));
        self.config_data.next = bits::<16>(0);
        if self.written.q.val() == bits::<3>(0) {
            self.config_data.next = (bit_cast::<16, 48>(self.cq_config.iova.val())
                & self.low_bits.val())
                | bit_cast::<16, 5>(self.cq_config.entries_log2.val());
        }
        if self.written.q.val() == bits::<3>(1) {
            self.config_data.next = self.cq_config.iova.val().get_bits::<16>(16);
        }
        if self.written.q.val() == bits::<3>(2) {
            self.config_data.next = self.cq_config.iova.val().get_bits::<16>(32);
        }

        // The adder.
        self.left.next = self.data.val();
        self.right.next = bits::<16>(0);
        self.carry_in.next = false;
        if self.state.q.val() == TableState::TakeReserved {
            self.right.next = bits::<16>(0xFFFF);
        }
        if self.state.q.val() == TableState::TakeConsumed {
            self.left.next = self.sum_so_far.q.val();
            self.right.next = !self.data.val();
            self.carry_in.next = true;
        }
        if self.state.q.val() == TableState::TakeProduced {
            self.right.next = self.sum_so_far.q.val();
        }
        if self.state.q.val() == TableState::Judge {
            self.left.next = self.kept.q.val();
            self.carry_in.next = true;
        }
        if self.state.q.val() == TableState::AddLow {
            self.left.next = self.size.q.val() & self.low_bits.val();
            self.right.next = self.place.val() << bits::<4>(5);
        }
        if self.state.q.val() == TableState::AddMiddle {
            self.right.next = self.place.val() >> bits::<4>(11);
            self.carry_in.next = self.carry.q.val();
        }
        if self.state.q.val() == TableState::AddHigh {
            self.carry_in.next = self.carry.q.val();
        }
        if self.state.q.val() == TableState::Compare {
            self.right.next = !self.consumed.val();
            self.carry_in.next = true;
        }
        self.total.next = bit_cast::<17, 16>(self.left.val())
            + bit_cast::<17, 16>(self.right.val())
            + bit_cast::<17, 1>(self.carry_in.val().into());
        self.sum.next = bit_cast::<16, 17>(self.total.val());
        self.carry.d.next = self.total.val().get_bit(16);

        self.read_halfword.next = bits::<3>(5);
        self.halfword.next = bits::<3>(5);
        self.write_data.next = self.sum.val();
        self.entries.write_enable.next = false;
        self.cq_config.ready.next = false;
        self.cq_reserve.ready.next = false;
        self.cq_reserve.ok.next = self.fits.val();
        self.cq_doorbell.ready.next = false;
        self.claim_done.next = false;
        self.part.next = self.sum.val();
        self.part_valid.next = bits::<3>(0);
        if self.irq.ready.val() {
            self.irq_pending.d.next = false;
        }
        if self.finish.val() {
            self.finishing.d.next = true;
        }
        match self.state.q.val() {
            TableState::Choose => {
                self.reserving.d.next = false;
                self.finish_now.d.next = false;
                self.written.d.next = bits::<3>(0);
                if self.irq_pending.q.val() {
                    // One interrupt at a time.
                } else if self.finishing.q.val() {
                    self.finish_now.d.next = true;
                    self.cq.d.next = self.open_cq.q.val();
                    self.state.d.next = TableState::AskReserved;
                } else if self.claim_valid.val() {
                    self.cq.d.next = self.claim_cq.val();
                    self.state.d.next = TableState::AskReserved;
                } else if self.cq_config.valid.val() {
                    self.cq.d.next = bit_cast::<C, 8>(self.cq_config.cq.val());
                    self.state.d.next = TableState::Configure;
                } else if self.cq_reserve.valid.val() {
                    self.reserving.d.next = true;
                    self.cq.d.next = bit_cast::<C, 8>(self.cq_reserve.cq.val());
                    self.state.d.next = TableState::AskReserved;
                } else if self.cq_doorbell.valid.val() {
                    self.cq.d.next = self.doorbell_cq.val();
                    self.state.d.next = TableState::StoreConsumed;
                    if bit_cast::<8, C>(self.doorbell_cq.val()) != self.cq_doorbell.cq.val() {
                        // No such queue.
                        self.cq_doorbell.ready.next = true;
                        self.state.d.next = TableState::Choose;
                    }
                }
            }
            TableState::AskReserved => {
                self.state.d.next = TableState::TakeReserved;
            }
            TableState::TakeReserved => {
                self.kept.d.next = self.data.val();
                self.sum_so_far.d.next = self.data.val() & bits::<16>(0x7FFF);
                self.read_halfword.next = bits::<3>(4);
                self.state.d.next = TableState::TakeConsumed;
                if self.finish_now.q.val() {
                    self.finishing.d.next = false;
                    self.open.d.next = false;
                    self.write_data.next = self.data.val() & bits::<16>(0x7FFF);
                    self.entries.write_enable.next = true;
                    self.irq_pending.d.next = self.data.val().get_bit(15);
                    self.irq_cq.d.next = self.cq.q.val();
                    self.state.d.next = TableState::Choose;
                } else if !self.reserving.q.val()
                    & self.claim_reserved.val()
                    & self.any_reserved.val()
                {
                    self.entries.write_enable.next = true;
                }
            }
            TableState::TakeConsumed => {
                self.sum_so_far.d.next = self.sum.val();
                self.read_halfword.next = bits::<3>(3);
                self.state.d.next = TableState::TakeProduced;
            }
            TableState::TakeProduced => {
                self.sum_so_far.d.next = self.sum.val();
                self.read_halfword.next = bits::<3>(0);
                if !self.reserving.q.val() {
                    self.kept.d.next = self.data.val();
                }
                self.state.d.next = TableState::TakeSize;
            }
            TableState::TakeSize => {
                self.size.d.next = self.data.val();
                self.state.d.next = TableState::Judge;
            }
            TableState::Judge => {
                self.entries.write_enable.next = self.fits.val();
                self.read_halfword.next = bits::<3>(1);
                if self.reserving.q.val() {
                    self.cq_reserve.ready.next = true;
                    self.state.d.next = TableState::Choose;
                } else {
                    self.halfword.next = bits::<3>(3);
                    self.ok.d.next = self.fits.val();
                    self.phase.d.next = !self.kept.q.val().get_bit(self.log2.val().index());
                    self.state.d.next = TableState::AddLow;
                    if !self.fits.val() {
                        self.claim_done.next = true;
                        self.state.d.next = TableState::Choose;
                    }
                }
            }
            TableState::AddLow => {
                self.part_valid.next = bits::<3>(1);
                self.read_halfword.next = bits::<3>(1);
                self.state.d.next = TableState::AddMiddle;
            }
            TableState::AddMiddle => {
                self.part_valid.next = bits::<3>(2);
                self.read_halfword.next = bits::<3>(2);
                self.state.d.next = TableState::AddHigh;
            }
            TableState::AddHigh => {
                self.part_valid.next = bits::<3>(4);
                self.open.d.next = true;
                self.open_cq.d.next = self.cq.q.val();
                self.claim_done.next = true;
                self.state.d.next = TableState::Choose;
            }
            TableState::StoreConsumed => {
                self.halfword.next = bits::<3>(4);
                self.write_data.next = self.consumed.val();
                self.entries.write_enable.next = true;
                self.read_halfword.next = bits::<3>(3);
                self.state.d.next = TableState::Compare;
            }
            TableState::Compare => {
                self.sum_so_far.d.next = self.sum.val();
                self.state.d.next = TableState::Arm;
                if !self.cq_doorbell.arm.val() {
                    self.cq_doorbell.ready.next = true;
                    self.state.d.next = TableState::Choose;
                }
            }
            TableState::Arm => {
                self.entries.write_enable.next = true;
                self.write_data.next = self.data.val() | bits::<16>(0x8000);
                if self.ahead.val() {
                    self.write_data.next = self.data.val() & bits::<16>(0x7FFF);
                    self.irq_pending.d.next = true;
                    self.irq_cq.d.next = self.cq.q.val();
                }
                self.cq_doorbell.ready.next = true;
                self.state.d.next = TableState::Choose;
            }
            TableState::Configure => {
                self.halfword.next = self.written.q.val();
                self.write_data.next = self.config_data.val();
                self.entries.write_enable.next = true;
                self.written.d.next = self.written.q.val() + 1;
                if self.written.q.val() == bits::<3>(5) {
                    self.cq_config.ready.next = true;
                    self.state.d.next = TableState::Choose;
                }
            }
            _ => {
                self.state.d.next = TableState::Choose;
            }
        }
        self.entries.read_address.next = (bit_cast::<A, C>(self.cq.q.val()) << bits::<3>(3))
            | bit_cast::<A, 3>(self.read_halfword.val());
        self.entries.write_address.next = (bit_cast::<A, C>(self.cq.q.val()) << bits::<3>(3))
            | bit_cast::<A, 3>(self.halfword.val());
        self.entries.write_data.next = self.write_data.val();
        self.claim_ok.next = self.ok.q.val();
        self.claim_phase.next = self.phase.q.val();
        self.irq.valid.next = self.irq_pending.q.val();
        self.irq.vector.next = bit_cast::<8, C>(self.irq_cq.q.val()) + bits::<8>(1);

        self.swept.next = bit_cast::<A, 16>(self.sum_so_far.q.val());
        if self.reset.val() {
            self.state.d.next = TableState::Choose;
            self.finishing.d.next = false;
            self.open.d.next = false;
            self.irq_pending.d.next = false;
            self.entries.write_enable.next = true;
            self.entries.write_address.next = self.swept.val();
            self.entries.write_data.next = bits::<16>(0);
            self.sum_so_far.d.next = self.sum_so_far.q.val() + 1;
        }
    }
}
