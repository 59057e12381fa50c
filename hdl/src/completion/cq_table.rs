//! The completion queues' state, and the words of the two records that `complete` is working on, in one RAM.
//!
//! One adder works on one RAM word a cycle. It writes no host memory: it says where the next CQE goes.
//!
//! ```text
//!  CqConfig ----+                      +-> slot (iova, phase) ---> complete
//!  CqReserve ---+    +-----+   +---+   |
//!  CqDoorbell --+--> | RAM |-->| + |---+-> back into the RAM
//!  ViConfig ----+    +-----+   +---+   |
//!  record words-+        +-------------+-> record words, when no operation runs
//! ```
//! Rows of a queue; "free" are the entries that are neither unread nor reserved:
//! ```text
//! 0 iova low    1 iova high 15:0 | entries - 1 31:16    2 free 15:0 | producer 31:16    3 consumer 15:0 | armed 31
//! ```
//! Since free is at least 1 when an entry is taken, adding FFFF FFFF to row 2 takes one, adding 0001 0000 moves the producer.
//! A queue has at most 2^15 entries.
//!
//! Cycles: prepare 6 (8 with the VI's queue looked up), commit 4, reserve 4, doorbell 5, configuration 5.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{CqConfigRx, CqDoorbellRx, CqReserveRx, IrqTx, ViConfigRx};

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum TableState {
    /// Pick the next operation; without one the read port is the record's.
    Choose,
    /// Read the VI's row.
    FetchVi,
    /// Take the queue's number from it.
    LookUpQueue,
    /// Read row 2 for an entry.
    FetchFree,
    /// Take one entry, unless it was reserved.
    TakeEntry,
    /// Answer a reservation.
    Answer,
    /// Cut the producer down to an index; see which round it is in.
    MaskIndex,
    /// Add the index to the queue's address, low word.
    FindLow,
    /// The carry goes into the high word.
    FindHigh,
    /// Read row 2 for the producer.
    FetchProducer,
    /// The producer moves: the CQE is written.
    Advance,
    /// An armed queue interrupts, once.
    Disarm,
    /// Read row 3 for the consumer.
    FetchConsumer,
    /// How far did the consumer move?
    Subtract,
    /// So many entries are free again; is the producer ahead?
    Credit,
    /// Keep the consumer index and the arm bit.
    Remember,
    /// Configure: row 0.
    WriteLow,
    /// Row 1.
    WriteHigh,
    /// Row 2.
    WriteFree,
    /// Row 3.
    WriteConsumer,
}

/// `C` is log2 of the queues, `A` = C + 3.
#[derive(LogicBlock)]
pub struct CqTable<const C: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Destroys all queues.
    pub reset: Signal<In, Bit>,
    /// Queue set-up.
    pub cq_config: CqConfigRx,
    /// Reservations.
    pub cq_reserve: CqReserveRx,
    /// Consumer indices.
    pub cq_doorbell: CqDoorbellRx,
    /// VI set-up: word 5 names its queues.
    pub vi_config: ViConfigRx,
    /// Interrupts.
    pub irq: IrqTx,

    /// Write a word of the record.
    pub store_valid: Signal<In, Bit>,
    /// In this cycle.
    pub store_ready: Signal<Out, Bit>,
    /// Which word, 1 to 6, and in bit 3 the record's half.
    pub store_index: Signal<In, Bits<4>>,
    /// The word.
    pub store_data: Signal<In, Bits<32>>,
    /// Word of a record to read, its half in bit 3; word 0 is the low word of the slot's iova.
    pub read_index: Signal<In, Bits<4>>,
    /// The word asked for in the cycle before, if `idle` and not `prepare` was then.
    pub read_data: Signal<Out, Bits<32>>,
    /// Start nothing but `prepare` and `commit`, unless `prepare` is high.
    pub hold: Signal<In, Bit>,
    /// A CQE is being written: its interrupt comes after it.
    pub hold_irq: Signal<In, Bit>,
    /// No operation runs.
    pub idle: Signal<Out, Bit>,

    /// Find the place of the next CQE: high until `prepared`.
    pub prepare: Signal<In, Bit>,
    /// Half of the record whose CQE it is.
    pub prepare_half: Signal<In, Bit>,
    /// Queue.
    pub prepare_cq: Signal<In, Bits<C>>,
    /// Its entry was reserved.
    pub prepare_reserved: Signal<In, Bit>,
    /// The queue is that of VI `prepare_vi`'s send queue, or with `prepare_receive` of its receive queue.
    pub prepare_look_up: Signal<In, Bit>,
    /// See `prepare_look_up`.
    pub prepare_receive: Signal<In, Bit>,
    /// See `prepare_look_up`.
    pub prepare_vi: Signal<In, Bits<4>>,
    /// Found, or lost.
    pub prepared: Signal<Out, Bit>,
    /// There is no entry; holds until the next prepare.
    pub lost: Signal<Out, Bit>,
    /// High bits of the slot's iova.
    pub slot_high: Signal<Out, Bits<16>>,
    /// The CQE's phase bit.
    pub phase: Signal<Out, Bit>,
    /// The CQE is written; only while `idle`.
    pub commit: Signal<In, Bit>,

    ram: BlockRam<32, A>,
    state: DFF<TableState>,
    sweep: DFF<Bits<A>>,
    cq: DFF<Bits<C>>,
    record_cq: DFF<Bits<C>>,
    for_record: DFF<Bit>,
    operand: DFF<Bits<32>>,
    carry: DFF<Bit>,
    high: DFF<Bits<16>>,
    phase_bit: DFF<Bit>,
    is_lost: DFF<Bit>,
    others_first: DFF<Bit>,
    ok: DFF<Bit>,
    ahead: DFF<Bit>,
    irq_pending: DFF<Bit>,
    irq_cq: DFF<Bits<C>>,

    left: Signal<Local, Bits<34>>,
    right: Signal<Local, Bits<34>>,
    total: Signal<Local, Bits<34>>,
    sum: Signal<Local, Bits<32>>,
    sum_low: Signal<Local, Bits<16>>,
    not_sum: Signal<Local, Bits<16>>,
    not_consumed: Signal<Local, Bits<16>>,
    low_half: Signal<Local, Bits<16>>,
    high_half: Signal<Local, Bits<16>>,
    index: Signal<Local, Bits<16>>,
    round: Signal<Local, Bits<16>>,
    is_free: Signal<Local, Bit>,
    can_start: Signal<Local, Bit>,
    others_want: Signal<Local, Bit>,
    prepares: Signal<Local, Bit>,
    read_row: Signal<Local, Bits<2>>,
    write_row: Signal<Local, Bits<2>>,
    queue_row: Signal<Local, Bits<A>>,
    writes: Signal<Local, Bit>,
    armed: Signal<Local, Bit>,
    arms: Signal<Local, Bit>,
    addend: Signal<Local, Bits<32>>,
    masked: Signal<Local, Bits<16>>,
    from_sum: Signal<Local, Bits<32>>,
    from_store: Signal<Local, Bits<32>>,
    from_low: Signal<Local, Bits<32>>,
    from_high: Signal<Local, Bits<32>>,
    from_size: Signal<Local, Bits<32>>,
    from_vi: Signal<Local, Bits<32>>,
    result: Signal<Local, Bits<32>>,
    row_1: Signal<Local, Bits<32>>,
    all: Constant<Bits<32>>,
    is_sum: Signal<Local, Bit>,
    is_row_3: Signal<Local, Bit>,
    size: Signal<Local, Bits<16>>,
    mask: Signal<Local, Bits<16>>,
    vector: Signal<Local, Bits<8>>,
    record_base: Constant<Bits<A>>,
    vi_base: Constant<Bits<A>>,
    one: Constant<Bits<16>>,
    ones: Constant<Bits<16>>,
    minus_one: Constant<Bits<32>>,
    next_producer: Constant<Bits<32>>,
    queues_word: Constant<Bits<4>>,
    queues_mask: Constant<Bits<32>>,
}

impl<const C: usize, const A: usize> Default for CqTable<C, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const C: usize, const A: usize> CqTable<C, A> {
    /// The exponents must fit each other.
    pub fn new() -> Self {
        assert!((3..=5).contains(&C) && A == C + 3);
        block_new!(
            clock reset cq_config cq_reserve cq_doorbell vi_config irq store_valid store_ready
            store_index store_data read_index read_data hold hold_irq idle prepare prepare_half prepare_cq prepare_reserved
            prepare_look_up prepare_receive prepare_vi prepared lost slot_high phase commit ram state
            sweep cq record_cq for_record operand carry high phase_bit is_lost others_first ok ahead irq_pending
            irq_cq left right total sum sum_low not_sum not_consumed low_half high_half index round
            is_free can_start others_want prepares read_row write_row queue_row writes armed arms addend masked from_sum from_store from_low from_high from_size from_vi result row_1 is_sum is_row_3 size mask vector;
            record_base = 1_u64 << (A - 1),
            vi_base = 3_u64 << (A - 2),
            one = 1_u64,
            ones = 0xFFFF_u64,
            all = 0xFFFF_FFFF_u64,
            minus_one = 0xFFFF_FFFF_u64,
            next_producer = 0x1_0000_u64,
            queues_word = 5_u64,
            queues_mask = 0x101_u64 * ((1_u64 << C) - 1),
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
            sweep,
            cq,
            record_cq,
            for_record,
            operand,
            carry,
            high,
            phase_bit,
            is_lost,
            others_first,
            ok,
            ahead,
            irq_pending,
            irq_cq
        );
        clock!(self, clock, ram);

        // The adder: what was read, the operand, and a carry from one bit below.
        self.left.next =
            (bit_cast::<34, 32>(self.ram.read_data.val()) << bits::<6>(1)) | bits::<34>(1);
        self.right.next = (bit_cast::<34, 32>(self.operand.q.val()) << bits::<6>(1))
            | bit_cast::<34, 1>(self.carry.q.val().into());
        self.total.next = self.left.val() + self.right.val();
        self.sum.next = self.total.val().get_bits::<32>(1);
        self.sum_low.next = self.total.val().get_bits::<16>(1);
        self.not_sum.next = !self.sum_low.val();
        self.not_consumed.next = !self.cq_doorbell.consumed.val().get_bits::<16>(0);
        self.low_half.next = self.ram.read_data.val().get_bits::<16>(0);
        self.high_half.next = self.ram.read_data.val().get_bits::<16>(16);
        self.is_free.next = self.low_half.val().any();

        // Row 1 holds entries - 1, ones from the bottom up: the bit above them is the round's.
        self.index.next = self.operand.q.val().get_bits::<16>(5);
        self.round.next = ((self.high_half.val() << bits::<5>(1)) | self.one.val())
            & !self.high_half.val()
            & self.index.val();

        // Of records that come without a pause each lets another operation pass.
        self.others_want.next =
            self.cq_reserve.valid.val() | self.cq_doorbell.valid.val() | self.cq_config.valid.val();
        self.prepares.next = self.prepare.val()
            & !self.irq_pending.q.val()
            & !(self.others_first.q.val() & self.others_want.val());
        self.can_start.next = (self.prepare.val() | !self.hold.val()) & !self.irq_pending.q.val();
        self.idle.next = (self.state.q.val() == TableState::Choose) & !self.irq_pending.q.val();
        self.read_row.next = bits::<2>(2);
        self.write_row.next = bits::<2>(2);
        self.writes.next = false;
        self.arms.next = false;
        self.is_sum.next = false;
        self.is_row_3.next = false;
        self.addend.next = bits::<32>(0);
        self.masked.next = self.index.val() & self.high_half.val();
        self.armed.next = self.ram.read_data.val().get_bit(31);
        self.prepared.next = false;
        self.cq_config.ready.next = false;
        self.cq_reserve.ready.next = false;
        self.cq_reserve.ok.next = self.ok.q.val();
        self.cq_doorbell.ready.next = false;
        self.size.next = self.one.val() << self.cq_config.entries_log2.val();
        if !self.cq_config.entries_log2.val().any() {
            self.size.next = bits::<16>(0);
        }
        self.mask.next = !(self.ones.val() << self.cq_config.entries_log2.val());
        self.vector.next = bit_cast::<8, C>(self.irq_cq.q.val()) + 1;
        if self.irq.ready.val() & !self.hold_irq.val() {
            self.irq_pending.d.next = false;
        }

        match self.state.q.val() {
            TableState::Choose => {
                if self.commit.val() {
                    self.cq.d.next = self.record_cq.q.val();

                    self.state.d.next = TableState::FetchProducer;
                } else if self.prepares.val() {
                    self.cq.d.next = self.prepare_cq.val();

                    self.for_record.d.next = true;
                    self.others_first.d.next = true;
                    self.is_lost.d.next = false;
                    self.state.d.next = TableState::FetchFree;
                    if self.prepare_look_up.val() {
                        self.state.d.next = TableState::FetchVi;
                    }
                } else if self.can_start.val() {
                    self.others_first.d.next = false;
                    if self.cq_reserve.valid.val() {
                        self.cq.d.next = bit_cast::<C, 8>(self.cq_reserve.cq.val());

                        self.for_record.d.next = false;
                        self.state.d.next = TableState::FetchFree;
                    } else if self.cq_doorbell.valid.val() {
                        self.cq.d.next = bit_cast::<C, 8>(self.cq_doorbell.cq.val());

                        self.state.d.next = TableState::FetchConsumer;
                    } else if self.cq_config.valid.val() {
                        self.cq.d.next = bit_cast::<C, 8>(self.cq_config.cq.val());
                        self.state.d.next = TableState::WriteLow;
                    }
                }
            }
            TableState::FetchVi => {
                self.state.d.next = TableState::LookUpQueue;
            }
            TableState::LookUpQueue => {
                self.cq.d.next = self.ram.read_data.val().get_bits::<C>(0);
                if self.prepare_receive.val() {
                    self.cq.d.next = self.ram.read_data.val().get_bits::<C>(8);
                }
                self.state.d.next = TableState::FetchFree;
            }
            TableState::FetchFree => {
                self.addend.next = self.minus_one.val();
                self.state.d.next = TableState::TakeEntry;
            }
            TableState::TakeEntry => {
                self.is_sum.next = true;
                self.addend.next = bit_cast::<32, 16>(self.high_half.val()) << bits::<6>(5);
                self.read_row.next = bits::<2>(1);
                self.ok.d.next = self.is_free.val();
                self.writes.next = self.is_free.val();
                self.state.d.next = TableState::Answer;
                if self.for_record.q.val() {
                    self.record_cq.d.next = self.cq.q.val();

                    if self.prepare_reserved.val() {
                        self.writes.next = false;
                    } else {
                        self.is_lost.d.next = !self.is_free.val();
                    }
                    self.state.d.next = TableState::MaskIndex;
                }
            }
            TableState::Answer => {
                self.cq_reserve.ready.next = true;
                self.state.d.next = TableState::Choose;
            }
            TableState::MaskIndex => {
                self.addend.next = bit_cast::<32, 16>(self.masked.val()) << bits::<6>(5);
                self.read_row.next = bits::<2>(0);

                self.phase_bit.d.next = !self.round.val().any();
                // A queue that was destroyed has no entries, whatever its other rows say.
                if !self.high_half.val().get_bit(0) {
                    self.is_lost.d.next = true;
                }
                self.state.d.next = TableState::FindLow;
            }
            TableState::FindLow => {
                self.is_sum.next = true;
                self.read_row.next = bits::<2>(1);
                self.writes.next = true;

                self.carry.d.next = self.total.val().get_bit(33);
                self.state.d.next = TableState::FindHigh;
            }
            TableState::FindHigh => {
                self.carry.d.next = false;
                self.prepared.next = true;
                self.state.d.next = TableState::Choose;
            }
            TableState::FetchProducer => {
                self.addend.next = self.next_producer.val();
                self.state.d.next = TableState::Advance;
            }
            TableState::Advance => {
                self.is_sum.next = true;
                self.read_row.next = bits::<2>(3);
                self.writes.next = true;

                self.state.d.next = TableState::Disarm;
            }
            TableState::Disarm => {
                self.is_row_3.next = true;
                self.write_row.next = bits::<2>(3);
                self.writes.next = true;
                if self.armed.val() {
                    self.irq_pending.d.next = true;
                    self.irq_cq.d.next = self.cq.q.val();
                }
                self.state.d.next = TableState::Choose;
            }
            TableState::FetchConsumer => {
                self.addend.next = bit_cast::<32, 16>(self.not_consumed.val());
                self.read_row.next = bits::<2>(3);
                self.state.d.next = TableState::Subtract;
            }
            TableState::Subtract => {
                // old + not new = old - new - 1, so its complement is new - old.
                self.addend.next = bit_cast::<32, 16>(self.not_sum.val());
                self.state.d.next = TableState::Credit;
            }
            TableState::Credit => {
                self.is_sum.next = true;
                self.read_row.next = bits::<2>(3);
                self.writes.next = true;
                self.ahead.d.next =
                    self.high_half.val() != bit_cast::<16, 31>(self.cq_doorbell.consumed.val());
                self.state.d.next = TableState::Remember;
            }
            TableState::Remember => {
                self.is_row_3.next = true;
                self.write_row.next = bits::<2>(3);
                self.writes.next = true;

                if self.cq_doorbell.arm.val() & self.ahead.q.val() {
                    self.irq_pending.d.next = true;
                    self.irq_cq.d.next = self.cq.q.val();
                } else if self.cq_doorbell.arm.val() | self.armed.val() {
                    self.arms.next = true;
                }
                self.cq_doorbell.ready.next = true;
                self.state.d.next = TableState::Choose;
            }
            TableState::WriteLow => {
                self.write_row.next = bits::<2>(0);
                self.writes.next = true;

                self.state.d.next = TableState::WriteHigh;
            }
            TableState::WriteHigh => {
                self.write_row.next = bits::<2>(1);
                self.writes.next = true;

                self.state.d.next = TableState::WriteFree;
            }
            TableState::WriteFree => {
                self.writes.next = true;

                self.state.d.next = TableState::WriteConsumer;
            }
            TableState::WriteConsumer => {
                self.write_row.next = bits::<2>(3);
                self.writes.next = true;
                self.cq_config.ready.next = true;
                self.state.d.next = TableState::Choose;
            }
            _ => {
                self.state.d.next = TableState::Choose;
            }
        }

        if !(self.state.q.val() == TableState::Credit) {
            self.operand.d.next = self.addend.val();
        }
        if self.state.q.val() == TableState::FindHigh {
            self.high.d.next = self.sum_low.val();
        }

        // What is written: one source at a time, so that sources can be or-ed.
        self.from_sum.next = bits::<32>(0);
        if self.writes.val() & (self.is_sum.val() | self.is_row_3.val()) {
            self.from_sum.next = self.all.val();
        }
        self.from_store.next = bits::<32>(0);
        self.from_vi.next = bits::<32>(0);
        if !self.writes.val() & !self.reset.val() {
            if self.store_valid.val() {
                self.from_store.next = self.all.val();
            } else {
                self.from_vi.next = self.queues_mask.val();
            }
        }
        self.from_low.next = bits::<32>(0);
        if self.state.q.val() == TableState::WriteLow {
            self.from_low.next = self.all.val();
        }
        self.from_high.next = bits::<32>(0);
        if self.state.q.val() == TableState::WriteHigh {
            self.from_high.next = self.all.val();
        }
        self.from_size.next = bits::<32>(0);
        if self.state.q.val() == TableState::WriteFree {
            self.from_size.next = self.all.val();
        }
        self.result.next = self.sum.val();
        if self.is_row_3.val() {
            self.result.next = self.sum.val().replace_bit(31, self.arms.val());
        }
        self.row_1.next = (bit_cast::<32, 16>(self.mask.val()) << bits::<6>(16))
            | bit_cast::<32, 16>(self.cq_config.iova.val().get_bits::<16>(32));
        self.ram.write_data.next = ((self.result.val() & self.from_sum.val())
            | (self.store_data.val() & self.from_store.val()))
            | ((self.cq_config.iova.val().get_bits::<32>(0) & self.from_low.val())
                | (self.row_1.val() & self.from_high.val()))
            | (bit_cast::<32, 16>(self.size.val()) & self.from_size.val())
            | (self.vi_config.data.val() & self.from_vi.val());

        // Addresses. The queue's rows are in the lower half; the record and the VIs' rows share the upper one.
        self.queue_row.next = bit_cast::<A, C>(self.cq.q.val()) << bits::<4>(2);
        self.ram.read_address.next = self.queue_row.val() | bit_cast::<A, 2>(self.read_row.val());
        if self.state.q.val() == TableState::Choose {
            self.ram.read_address.next =
                self.record_base.val() | bit_cast::<A, 4>(self.read_index.val());
        }
        if self.state.q.val() == TableState::FetchVi {
            self.ram.read_address.next =
                self.vi_base.val() | bit_cast::<A, 4>(self.prepare_vi.val());
        }
        self.read_data.next = self.ram.read_data.val();

        // The write port: the operation's, then the record's, then the VIs'.
        self.store_ready.next = !self.writes.val();
        self.vi_config.ready.next = !self.writes.val() & !self.store_valid.val();
        self.ram.write_enable.next = self.writes.val();
        self.ram.write_address.next = self.queue_row.val() | bit_cast::<A, 2>(self.write_row.val());
        if self.state.q.val() == TableState::FindLow {
            self.ram.write_address.next = self.record_base.val()
                | (bit_cast::<A, 1>(self.prepare_half.val().into()) << bits::<4>(3));
        }
        if !self.writes.val() {
            if self.store_valid.val() {
                self.ram.write_enable.next = true;
                self.ram.write_address.next =
                    self.record_base.val() | bit_cast::<A, 4>(self.store_index.val());
            } else if self.vi_config.valid.val()
                & (self.vi_config.word.val() == self.queues_word.val())
            {
                self.ram.write_enable.next = true;
                self.ram.write_address.next =
                    self.vi_base.val() | bit_cast::<A, 4>(self.vi_config.vi.val().get_bits::<4>(0));
            }
        }
        self.lost.next = self.is_lost.q.val();
        self.slot_high.next = self.high.q.val();
        self.phase.next = self.phase_bit.q.val();
        self.irq.valid.next = self.irq_pending.q.val() & !self.hold_irq.val();
        self.irq.vector.next = self.vector.val();

        self.sweep.d.next = self.sweep.q.val() + 1;
        if self.reset.val() {
            self.state.d.next = TableState::Choose;
            self.carry.d.next = false;
            self.irq_pending.d.next = false;
            self.store_ready.next = false;
            self.vi_config.ready.next = false;
            self.ram.write_enable.next = true;
            self.ram.write_address.next = self.sweep.q.val();
        }
    }
}
