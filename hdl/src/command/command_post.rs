//! Step 1, `command_post`: BAR4 stores become slot words and ring entries; slots become free again.
//!
//! It does not look into a slot: that is `command_fetch`'s work, which reads the slot RAM through this block. Transmit
//! reads inline messages from the same RAM when the engine does not need it.
//!
//! ```text
//!  BAR4 stores ---+--> slot RAM (2^L slots x 32 words) <--- list words that land from host memory
//!                 |        |
//!                 |        +--> engine (first), slot_read (transmit)
//!                 +--> low word --> ring RAM --> head entry --> engine
//!                                                  |
//!  frees of transmit and flush, engine -----> slot parity, one slot a cycle
//! ```
//! Ring entry as kept (nine bits): slot 4:0 | count 7:5 | bad 8.
//!
//! Latency: with an empty ring the head entry is valid one cycle after its sequence word, and word 0 of its slot is then
//! already at the RAM's output. Throughput: one store a cycle; a new head entry three cycles after the last one.

use rnic_abi::command::{MAX_SLOTS, SLOT_WORDS};
use rnic_abi::event::Event;
use rnic_abi::registers::{RING_OFFSET, SLOTS_OFFSET};
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{EventTx, SlotFreeRx, SlotReadRx, StepTx, StoreRx};

/// `L` is log2 of the slots, `P` = L + 1, `W` = L + 5.
#[derive(LogicBlock)]
pub struct CommandPost<const L: usize, const P: usize, const W: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Stores into BAR4.
    pub store: StoreRx,
    /// The head of the ring is valid.
    pub entry_valid: Signal<Out, Bit>,
    /// Its first slot.
    pub entry_slot: Signal<Out, Bits<L>>,
    /// Its slot count.
    pub entry_count: Signal<Out, Bits<3>>,
    /// Slot or count is out of range.
    pub entry_bad: Signal<Out, Bit>,
    /// The engine has finished the head entry.
    pub entry_done: Signal<In, Bit>,
    /// The engine frees the head entry's slots.
    pub entry_free: Signal<In, Bit>,
    /// That is still under way.
    pub entry_freeing: Signal<Out, Bit>,
    /// Slot word that the engine reads.
    pub read_word: Signal<In, Bits<W>>,
    /// The engine needs the read port in this cycle; else transmit may have it.
    pub read_wanted: Signal<In, Bit>,
    /// `read_data` is what the engine asked for in the cycle before.
    pub read_valid: Signal<Out, Bit>,
    /// The word.
    pub read_data: Signal<Out, Bits<32>>,
    /// A list word comes from host memory; it goes before stores.
    pub land_valid: Signal<In, Bit>,
    /// Its place.
    pub land_word: Signal<In, Bits<W>>,
    /// The list word.
    pub land_data: Signal<In, Bits<32>>,
    /// Transmit's reads.
    pub slot_read: SlotReadRx,
    /// Frees of transmit and flush; one port frees at most once in 9 cycles.
    pub slot_free: [SlotFreeRx; 2],
    /// Bit i flips whenever slot i becomes free.
    pub slot_parity: Signal<Out, Bits<32>>,
    /// Ring entries finished since reset.
    pub ring_consumed: Signal<Out, Bits<32>>,
    /// Catastrophic: the ring was written out of sequence.
    pub event: EventTx,
    /// A ring entry arrived (its VI is not known yet: 0).
    pub step: StepTx,
    /// A ring entry was dropped.
    pub ring_error: Signal<Out, Bit>,
    /// Entries or frees are under way.
    pub busy: Signal<Out, Bit>,

    slots: BlockRam<32, W>,
    ring: BlockRam<9, L>,
    low: DFF<Bits<9>>,
    head: DFF<Bits<9>>,
    head_valid: DFF<Bit>,
    head_is_low: DFF<Bit>,
    refill: DFF<Bits<2>>,
    expected: DFF<Bits<32>>,
    consumed: DFF<Bits<32>>,
    reading: DFF<Bit>,
    posted: DFF<Bit>,
    error: DFF<Bit>,
    error_pending: DFF<Bit>,
    parity: DFF<Bits<32>>,
    flip_slot: DFF<Bits<L>>,
    flip_left: DFF<Bits<3>>,
    engine_pending: DFF<Bit>,
    pending: [DFF<Bit>; 2],
    pending_slot: [DFF<Bits<L>>; 2],
    pending_count: [DFF<Bits<3>>; 2],

    moves: Signal<Local, Bit>,
    page: Signal<Local, Bits<8>>,
    word_high: Signal<Local, Bit>,
    in_ring: Signal<Local, Bit>,
    in_slots: Signal<Local, Bit>,
    beyond: Signal<Local, Bits<12>>,
    position: Signal<Local, Bits<L>>,
    first: Signal<Local, Bits<5>>,
    count: Signal<Local, Bits<3>>,
    slot_end: Signal<Local, Bits<6>>,
    unused: Signal<Local, Bits<32>>,
    bad: Signal<Local, Bit>,
    entry: Signal<Local, Bits<9>>,
    distance: Signal<Local, Bits<P>>,
    empty: Signal<Local, Bit>,
    full: Signal<Local, Bit>,
    good: Signal<Local, Bit>,
    engine_has_port: Signal<Local, Bit>,
    flip_mask: Signal<Local, Bits<32>>,
    ring_page: Constant<Bits<8>>,
    slots_page: Constant<Bits<8>>,
    beyond_mask: Constant<Bits<12>>,
    unused_mask: Constant<Bits<32>>,
    max_count: Constant<Bits<3>>,
    slots_end: Constant<Bits<6>>,
    depth: Constant<Bits<P>>,
    catastrophic: Constant<Bits<4>>,
}

impl<const L: usize, const P: usize, const W: usize> Default for CommandPost<L, P, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const L: usize, const P: usize, const W: usize> CommandPost<L, P, W> {
    /// The exponents must fit each other.
    pub fn new() -> Self {
        assert!(L <= 5 && P == L + 1 && 1 << (W - L) == SLOT_WORDS);
        let slot_bytes_mask = (4_u64 << W) - 1;
        block_new!(
            clock reset store entry_valid entry_slot entry_count entry_bad entry_done entry_free
            entry_freeing read_word read_wanted read_valid read_data land_valid land_word land_data
            slot_read slot_free slot_parity ring_consumed event step ring_error busy slots ring low head
            head_valid head_is_low refill expected consumed reading posted error error_pending parity
            flip_slot flip_left engine_pending pending pending_slot pending_count moves page word_high
            in_ring in_slots beyond position first count slot_end unused bad entry distance empty full
            good engine_has_port flip_mask;
            ring_page = RING_OFFSET >> 12,
            slots_page = SLOTS_OFFSET >> 12,
            beyond_mask = !slot_bytes_mask & 0xFFF,
            unused_mask = 0xFFFF_FFFF_u64 & !((1_u64 << L) - 1) & !(7_u64 << 16),
            max_count = MAX_SLOTS as u64,
            slots_end = 1_u64 << L,
            depth = 1_u64 << L,
            catastrophic = Event::Catastrophic as u8,
        )
    }
}

impl<const L: usize, const P: usize, const W: usize> Logic for CommandPost<L, P, W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            low,
            head,
            head_valid,
            head_is_low,
            refill,
            expected,
            consumed,
            reading,
            posted,
            error,
            error_pending,
            parity,
            flip_slot,
            flip_left,
            engine_pending
        );
        for i in 0..2 {
            self.pending[i].clock.next = self.clock.val();
            self.pending_slot[i].clock.next = self.clock.val();
            self.pending_count[i].clock.next = self.clock.val();
            self.pending[i].d.next = self.pending[i].q.val();
            self.pending_slot[i].d.next = self.pending_slot[i].q.val();
            self.pending_count[i].d.next = self.pending_count[i].q.val();
        }
        clock!(self, clock, slots, ring);

        // Where the store goes.
        self.store.ready.next = !self.land_valid.val() & !self.reset.val();
        self.moves.next = self.store.valid.val() & !self.land_valid.val() & !self.reset.val();
        self.page.next = self.store.offset.val().get_bits::<8>(12);
        self.word_high.next = self.store.offset.val().get_bit(2);
        self.beyond.next = bit_cast::<12, 20>(self.store.offset.val()) & self.beyond_mask.val();
        self.position.next = self.store.offset.val().get_bits::<L>(3);
        self.in_ring.next = self.moves.val() & (self.page.val() == self.ring_page.val());
        self.in_slots.next = self.moves.val()
            & (self.page.val() == self.slots_page.val())
            & !self.beyond.val().any();

        // Slot words.
        self.slots.write_enable.next = self.in_slots.val() | self.land_valid.val();
        self.slots.write_address.next = self.store.offset.val().get_bits::<W>(2);
        self.slots.write_data.next = self.store.data.val();
        if self.land_valid.val() {
            self.slots.write_address.next = self.land_word.val();
            self.slots.write_data.next = self.land_data.val();
        }

        // The low word of a ring entry is checked as it arrives.
        self.first.next = bit_cast::<5, 32>(self.store.data.val());
        self.count.next = self.store.data.val().get_bits::<3>(16);
        self.slot_end.next =
            bit_cast::<6, 5>(self.first.val()) + bit_cast::<6, 3>(self.count.val());
        self.unused.next = self.store.data.val() & self.unused_mask.val();
        self.bad.next = self.unused.val().any()
            | !self.count.val().any()
            | (self.count.val() > self.max_count.val())
            | (self.slot_end.val() > self.slots_end.val());
        self.entry.next = bit_cast::<9, 5>(self.first.val())
            | (bit_cast::<9, 3>(self.count.val()) << bits::<4>(5))
            | (bit_cast::<9, 1>(self.bad.val().into()) << bits::<4>(8));

        // Entries posted and not finished: 0 to 2^L.
        self.distance.next =
            bit_cast::<P, 32>(self.expected.q.val()) ^ bit_cast::<P, 32>(self.consumed.q.val());
        self.empty.next = !self.distance.val().any();
        self.full.next = self.distance.val() == self.depth.val();
        self.good.next = (self.store.data.val() == self.expected.q.val())
            & (self.position.val() == bit_cast::<L, 32>(self.expected.q.val()))
            & !self.full.val();

        self.ring.write_enable.next = false;
        self.ring.write_address.next = bit_cast::<L, 32>(self.expected.q.val());
        self.ring.write_data.next = self.low.q.val();
        self.ring.read_address.next = bit_cast::<L, 32>(self.consumed.q.val());

        // The head follows: from the ring RAM, two cycles after it was asked for.
        self.refill.d.next = bits::<2>(0);
        if !self.head_valid.q.val() & !self.empty.val() {
            self.refill.d.next = self.refill.q.val() + 1;
            if self.refill.q.val() == bits::<2>(1) {
                self.head.d.next = self.ring.read_data.val();
            }
            if self.refill.q.val() == bits::<2>(2) {
                self.head_valid.d.next = true;
            }
        }
        if self.entry_done.val() {
            self.head_valid.d.next = false;
            self.consumed.d.next = self.consumed.q.val() + 1;
            self.refill.d.next = bits::<2>(0);
        }

        // A ring entry's words. Into an empty ring the low word goes to the head at once, so that the slot RAM is
        // already reading word 0 while the sequence word arrives.
        self.posted.d.next = false;
        self.error.d.next = false;
        if self.event.ready.val() {
            self.error_pending.d.next = false;
        }
        if self.in_ring.val() {
            if !self.word_high.val() {
                self.low.d.next = self.entry.val();
                self.head_is_low.d.next = false;
                if self.empty.val() {
                    self.head.d.next = self.entry.val();
                    self.head_is_low.d.next = true;
                }
            } else if self.good.val() {
                self.expected.d.next = self.expected.q.val() + 1;
                self.ring.write_enable.next = true;
                self.posted.d.next = true;
                self.head_is_low.d.next = false;
                if self.empty.val() & self.head_is_low.q.val() {
                    self.head_valid.d.next = true;
                }
            } else {
                self.error.d.next = true;
                self.error_pending.d.next = true;
            }
        }
        self.entry_valid.next = self.head_valid.q.val();
        self.entry_slot.next = bit_cast::<L, 9>(self.head.q.val());
        self.entry_count.next = self.head.q.val().get_bits::<3>(5);
        self.entry_bad.next = self.head.q.val().get_bit(8);

        // The read port: the engine's unless it is idle and transmit asks.
        self.engine_has_port.next = self.read_wanted.val() | !self.slot_read.valid.val();
        self.reading.d.next = self.engine_has_port.val();
        self.slots.read_address.next = bit_cast::<W, 13>(self.slot_read.word.val());
        if self.engine_has_port.val() {
            self.slots.read_address.next = self.read_word.val();
        }
        self.slot_read.ready.next = !self.read_wanted.val() & !self.reset.val();
        self.slot_read.data.next = self.slots.read_data.val();
        self.read_valid.next = self.reading.q.val();
        self.read_data.next = self.slots.read_data.val();

        // Frees: one slot a cycle, the ports first, because the engine can wait.
        self.flip_mask.next = bits::<32>(0);
        if self.flip_left.q.val().any() {
            self.flip_mask.next = bits::<32>(1) << self.flip_slot.q.val();
        }
        if self.flip_left.q.val() > bits::<3>(1) {
            self.flip_slot.d.next = self.flip_slot.q.val() + 1;
            self.flip_left.d.next = self.flip_left.q.val() - 1;
        } else {
            self.flip_left.d.next = bits::<3>(0);
            if self.pending[0].q.val() {
                self.flip_slot.d.next = self.pending_slot[0].q.val();
                self.flip_left.d.next = self.pending_count[0].q.val();
                self.pending[0].d.next = false;
            } else if self.pending[1].q.val() {
                self.flip_slot.d.next = self.pending_slot[1].q.val();
                self.flip_left.d.next = self.pending_count[1].q.val();
                self.pending[1].d.next = false;
            } else if self.engine_pending.q.val() {
                self.flip_slot.d.next = bit_cast::<L, 9>(self.head.q.val());
                self.flip_left.d.next = self.head.q.val().get_bits::<3>(5);
                self.engine_pending.d.next = false;
            }
        }
        self.parity.d.next = self.parity.q.val() ^ self.flip_mask.val();
        for i in 0..2 {
            if self.slot_free[i].valid.val() {
                self.pending[i].d.next = true;
                self.pending_slot[i].d.next = self.slot_free[i].slot.val().get_bits::<L>(0);
                self.pending_count[i].d.next = self.slot_free[i].count.val();
            }
        }
        if self.entry_free.val() {
            self.engine_pending.d.next = true;
        }
        self.entry_freeing.next = self.engine_pending.q.val() | self.flip_left.q.val().any();

        self.slot_parity.next = self.parity.q.val();
        self.ring_consumed.next = self.consumed.q.val();
        self.event.vi.next = bits::<8>(0);
        self.event.event.next = self.catastrophic.val();
        self.event.valid.next = self.error_pending.q.val();
        self.step.fire.next = self.posted.q.val();
        self.step.vi.next = bits::<8>(0);
        self.ring_error.next = self.error.q.val();
        self.busy.next = !self.empty.val() | self.flip_left.q.val().any();

        if self.reset.val() {
            self.head_valid.d.next = false;
            self.head_is_low.d.next = false;
            self.refill.d.next = bits::<2>(0);
            self.expected.d.next = bits::<32>(0);
            self.consumed.d.next = bits::<32>(0);
            self.posted.d.next = false;
            self.error.d.next = false;
            self.error_pending.d.next = false;
            self.parity.d.next = bits::<32>(0);
            self.flip_left.d.next = bits::<3>(0);
            self.engine_pending.d.next = false;
            for i in 0..2 {
                self.pending[i].d.next = false;
            }
        }
    }
}
