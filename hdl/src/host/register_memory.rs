//! The memory behind the registers: identity, what the driver stored, sticky events, failing descriptors, and counters.
//!
//! One memory of 256 words serves them all; each cycle one entry is read, and in the next one written back. It decodes no
//! offsets and drives no control signal: `registers` keeps what the board acts on.
//!
//! ```text
//! entry (8 bits)      holds
//! 000 rrrrr           register r: words 0 to 15 are the identity, from the bitstream; the others what the driver stored
//! 001 vvvvv           sticky events of VI v
//! 01 vvvvv h          first failing descriptor of VI v, low and high word
//! 1 cccccc h          counter c, low and high word; CYCLES is at its register's two words
//!
//!   bar op, event, visit --> choose --> [memory] --> + (live - low bits) --> write back, value
//!                                                      | carry: the high word is bumped next
//! ```
//!
//! Visits go round all counters; every sixteen visits one bar op or event comes between. A load of a counter is itself
//! a visit, so it is exact, and its high word is read before any other visit: an 8-byte read is atomic. A round is 45
//! visits, two short operations, a load of two words in 6 cycles, and one failing descriptor in 3 (flushing a VI takes longer
//! than a round): 56 cycles at most; see `counters` for what that allows.
//!
//! Latency: a store or a load of one word is done 2 to 25 cycles after it came, a load of a counter 6 to 62. A failing
//! descriptor is taken at once and stalls everything for three cycles. While `reset` is high, all but the identity is swept.

use rnic_abi::registers::map::CYCLES;
use rnic_abi::step::{Counter, STEPS};
use rust_hdl::prelude::*;

use crate::block_ram::BlockRam;
use crate::interfaces::FailingDescriptorRx;

/// What the choice of the entry is about to do.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum State {
    /// Visits counters in turn, and takes short operations between.
    Scan,
    /// The low word of a long load is added up.
    AddUp,
    /// Its carry, if any, bumps the high word.
    Carry,
    /// The bump is written.
    WriteCarry,
    /// Reads the high word.
    ReadHigh,
}

/// See the module.
#[derive(LogicBlock)]
pub struct RegisterMemory {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,

    /// The BAR decoder asks for an operation; holds until `op_done`.
    pub op_valid: Signal<In, Bit>,
    /// Entry.
    pub op_entry: Signal<In, Bits<8>>,
    /// Store `op_data`; else load.
    pub op_store: Signal<In, Bit>,
    /// Clear the event bits that are set in `op_data`.
    pub op_clear: Signal<In, Bit>,
    /// Load two words.
    pub op_wide: Signal<In, Bit>,
    /// Word to store; zero in reset.
    pub op_data: Signal<In, Bits<32>>,
    /// In this cycle the operation ends.
    pub op_done: Signal<Out, Bit>,
    /// In this cycle `value` is the low word, or the only one.
    pub low_valid: Signal<Out, Bit>,
    /// In this cycle `value` is the high word.
    pub high_valid: Signal<Out, Bit>,
    /// Loaded word.
    pub value: Signal<Out, Bits<32>>,

    /// An event asks to be set; holds until `set_done`.
    pub set_valid: Signal<In, Bit>,
    /// Its VI.
    pub set_vi: Signal<In, Bits<4>>,
    /// Its bit.
    pub set_mask: Signal<In, Bits<16>>,
    /// In this cycle it is set.
    pub set_done: Signal<Out, Bit>,
    /// It was not set before.
    pub set_new: Signal<Out, Bit>,
    /// In this cycle events of the VI of `op_entry` are cleared.
    pub clear_done: Signal<Out, Bit>,
    /// Some are left.
    pub clear_rest: Signal<Out, Bit>,

    /// First failing descriptors.
    pub failing: FailingDescriptorRx,

    /// Entry that is read, for `counters`.
    pub entry: Signal<Out, Bits<8>>,
    /// Its live bits, a cycle later.
    pub live: Signal<In, Bits<7>>,
    /// How many.
    pub live_mask: Signal<In, Bits<7>>,

    memory: BlockRam<32, 8>,
    state: DFF<State>,
    scan: DFF<Bits<8>>,
    /// A short operation was taken since the last visit.
    inserted: DFF<Bit>,
    // The operation whose entry was read in the cycle before.
    at: DFF<Bits<8>>,
    writes: DFF<Bit>,
    sweeps: DFF<Bit>,
    is_bar: DFF<Bit>,
    is_last: DFF<Bit>,
    is_set: DFF<Bit>,
    is_bump: DFF<Bit>,
    carry: DFF<Bit>,
    carry_at: DFF<Bits<8>>,
    va_high: DFF<Bits<32>>,
    va_vi: DFF<Bits<5>>,
    va_pending: DFF<Bit>,
    /// The high word was written in the cycle before, so the entry must be read again.
    va_settles: DFF<Bit>,

    stall: Signal<Local, Bit>,
    slot: Signal<Local, Bit>,
    bar_fits: Signal<Local, Bit>,
    wants_bar: Signal<Local, Bit>,
    meets: Signal<Local, Bit>,
    take_bar: Signal<Local, Bit>,
    take_set: Signal<Local, Bit>,
    read_at: Signal<Local, Bits<8>>,
    scan_at: Signal<Local, Bits<8>>,
    scan_ends: Signal<Local, Bit>,
    read: Signal<Local, Bits<32>>,
    events: Signal<Local, Bits<16>>,
    events_next: Signal<Local, Bits<16>>,
    difference: Signal<Local, Bits<7>>,
    change: Signal<Local, Bits<7>>,
    sum: Signal<Local, Bits<33>>,
    write_data: Signal<Local, Bits<32>>,
    write_first: Signal<Local, Bits<32>>,
    write_at: Signal<Local, Bits<8>>,
    va_low: Signal<Local, Bits<32>>,
    writes_va: Signal<Local, Bit>,
    last_scan: Constant<Bits<8>>,
    cycles_entry: Constant<Bits<8>>,
    high_word: Constant<Bits<8>>,
    counters_at: Constant<Bits<8>>,
    events_at: Constant<Bits<8>>,
    failing_at: Constant<Bits<8>>,
}

impl RegisterMemory {
    /// `identity` are the first sixteen words of BAR0.
    pub fn new(identity: [u32; 16]) -> Self {
        Self::with_words(&identity)
    }

    /// The first entries of the memory at power-on; what is behind the identity lasts until the first reset.
    pub fn with_words(words: &[u32]) -> Self {
        let words = words.iter().map(|&word| u64::from(word).into());
        Self {
            clock: Default::default(),
            reset: Default::default(),
            op_valid: Default::default(),
            op_entry: Default::default(),
            op_store: Default::default(),
            op_clear: Default::default(),
            op_wide: Default::default(),
            op_data: Default::default(),
            op_done: Default::default(),
            low_valid: Default::default(),
            high_valid: Default::default(),
            value: Default::default(),
            set_valid: Default::default(),
            set_vi: Default::default(),
            set_mask: Default::default(),
            set_done: Default::default(),
            set_new: Default::default(),
            clear_done: Default::default(),
            clear_rest: Default::default(),
            failing: Default::default(),
            entry: Default::default(),
            live: Default::default(),
            live_mask: Default::default(),
            memory: BlockRam::with_words(words),
            state: Default::default(),
            scan: Default::default(),
            inserted: Default::default(),
            at: Default::default(),
            writes: Default::default(),
            sweeps: Default::default(),
            is_bar: Default::default(),
            is_last: Default::default(),
            is_set: Default::default(),
            is_bump: Default::default(),
            carry: Default::default(),
            carry_at: Default::default(),
            va_high: Default::default(),
            va_vi: Default::default(),
            va_pending: Default::default(),
            va_settles: Default::default(),
            stall: Default::default(),
            slot: Default::default(),
            bar_fits: Default::default(),
            wants_bar: Default::default(),
            meets: Default::default(),
            take_bar: Default::default(),
            take_set: Default::default(),
            read_at: Default::default(),
            scan_at: Default::default(),
            scan_ends: Default::default(),
            read: Default::default(),
            events: Default::default(),
            events_next: Default::default(),
            difference: Default::default(),
            change: Default::default(),
            sum: Default::default(),
            write_data: Default::default(),
            write_first: Default::default(),
            write_at: Default::default(),
            va_low: Default::default(),
            writes_va: Default::default(),
            last_scan: Constant::new(((STEPS + Counter::ALL.len()) as u64).into()),
            cycles_entry: Constant::new(u64::from(CYCLES / 4).into()),
            high_word: Constant::new(1_u64.into()),
            counters_at: Constant::new(0x80_u64.into()),
            events_at: Constant::new(0x20_u64.into()),
            failing_at: Constant::new(0x40_u64.into()),
        }
    }
}

impl Logic for RegisterMemory {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, scan, inserted, at, writes, sweeps, is_bar, is_last, is_set,
            is_bump, carry, carry_at, va_high, va_vi, va_pending, va_settles
        );
        self.memory.clock.next = self.clock.val();

        // Choose the entry to read.
        self.stall.next = (self.failing.valid.val() & !self.reset.val())
            | self.va_pending.q.val()
            | self.va_settles.q.val();
        self.scan_ends.next = self.scan.q.val() >= self.last_scan.val();
        self.scan_at.next = self.counters_at.val() | (self.scan.q.val() << bits::<8>(1));
        if self.scan_ends.val() {
            self.scan_at.next = self.cycles_entry.val();
        }
        if self.reset.val() {
            self.scan_at.next = self.scan.q.val();
        }
        self.slot.next = (self.state.q.val() == State::Scan)
            & !self.carry.q.val()
            & !self.inserted.q.val()
            & !self.scan.q.val().get_bits::<4>(0).any();
        self.bar_fits.next = self.op_valid.val() & (!self.op_wide.val() | !self.scan.q.val().any());
        self.wants_bar.next = self.slot.val()
            & self.bar_fits.val()
            & !(self.set_valid.val() & self.scan.q.val().get_bit(4));
        // A word that is being written cannot be read: wait for a cycle.
        self.meets.next =
            self.wants_bar.val() & self.writes.q.val() & (self.op_entry.val() == self.at.q.val());
        self.take_bar.next = self.wants_bar.val() & !self.meets.val();
        self.take_set.next = self.slot.val() & self.set_valid.val() & !self.wants_bar.val();
        self.read_at.next = self.scan_at.val();
        if self.take_set.val() {
            self.read_at.next = self.events_at.val() | bit_cast::<8, 4>(self.set_vi.val());
        }
        if self.take_bar.val() {
            self.read_at.next = self.op_entry.val();
        }
        if self.state.q.val() == State::ReadHigh {
            self.read_at.next = self.op_entry.val() | self.high_word.val();
        }
        if self.carry.q.val() {
            self.read_at.next = self.carry_at.q.val() | self.high_word.val();
        }
        if self.stall.val() {
            self.read_at.next = self.at.q.val();
        }
        self.memory.read_address.next = self.read_at.val();
        self.entry.next = self.read_at.val();

        if !self.stall.val() {
            self.at.d.next = self.read_at.val();
            self.is_bar.d.next = false;
            self.is_last.d.next = false;
            self.is_set.d.next = false;
            self.is_bump.d.next = false;
            self.writes.d.next = false;
            self.sweeps.d.next = false;
            // A bump goes before anything else; no state but Scan and Carry meets one of its own.
            if self.carry.q.val() {
                self.is_bump.d.next = true;
                self.writes.d.next = true;
            }
            match self.state.q.val() {
                State::Scan => {
                    if self.carry.q.val() | self.meets.val() {
                        self.inserted.d.next = self.inserted.q.val();
                    } else if self.take_bar.val() {
                        self.inserted.d.next = true;
                        self.is_bar.d.next = true;
                        self.is_last.d.next = !self.op_wide.val();
                        self.writes.d.next =
                            self.op_wide.val() | self.op_store.val() | self.op_clear.val();
                        if self.op_wide.val() {
                            self.state.d.next = State::AddUp;
                        }
                    } else if self.take_set.val() {
                        self.inserted.d.next = true;
                        self.is_set.d.next = true;
                        self.writes.d.next = true;
                    } else {
                        self.inserted.d.next = false;
                        self.writes.d.next = true;
                        self.scan.d.next = self.scan.q.val() + 1;
                        if self.reset.val() {
                            // Words 0 to 15 are the identity.
                            self.sweeps.d.next = true;
                            self.writes.d.next = self.scan.q.val().get_bits::<4>(4).any();
                        } else if self.scan_ends.val() {
                            self.scan.d.next = bits::<8>(0);
                        }
                    }
                }
                State::AddUp => {
                    self.state.d.next = State::Carry;
                }
                State::Carry => {
                    self.state.d.next = State::WriteCarry;
                }
                State::WriteCarry => {
                    self.state.d.next = State::ReadHigh;
                }
                State::ReadHigh => {
                    self.is_bar.d.next = true;
                    self.is_last.d.next = true;
                    self.state.d.next = State::Scan;
                }
                _ => {
                    self.state.d.next = State::Scan;
                }
            }
        }

        // Add up what was read.
        self.read.next = self.memory.read_data.val();
        self.difference.next = self.live.val() - self.read.val().get_bits::<7>(0);
        self.change.next = self.difference.val() & self.live_mask.val();
        if self.is_bump.q.val() {
            self.change.next = bits::<7>(1);
        }
        self.sum.next = bit_cast::<33, 32>(self.read.val()) + bit_cast::<33, 7>(self.change.val());
        self.carry_at.d.next = self.at.q.val();
        self.carry.d.next = self.sum.val().get_bit(32)
            & self.writes.q.val()
            & !self.stall.val()
            & !self.reset.val();
        if self.stall.val() {
            self.carry_at.d.next = self.carry_at.q.val();
            self.carry.d.next = self.carry.q.val();
        }
        self.value.next = self.sum.val().get_bits::<32>(0);
        self.low_valid.next =
            self.is_bar.q.val() & !(self.is_last.q.val() & self.op_wide.val()) & !self.stall.val();
        self.high_valid.next =
            self.is_bar.q.val() & self.is_last.q.val() & self.op_wide.val() & !self.stall.val();
        self.op_done.next = self.is_bar.q.val() & self.is_last.q.val() & !self.stall.val();

        // Events.
        self.events.next = self.read.val().get_bits::<16>(0);
        self.events_next.next =
            self.events.val() & (self.op_data.val().get_bits::<16>(0) ^ bits::<16>(0xFFFF));
        if self.is_set.q.val() {
            self.events_next.next = self.events.val() | self.set_mask.val();
        }
        self.set_done.next = self.is_set.q.val() & !self.stall.val();
        self.set_new.next = !(self.events.val() & self.set_mask.val()).any();
        self.clear_done.next = self.is_bar.q.val() & self.op_clear.val() & !self.stall.val();
        self.clear_rest.next = self.events_next.val().any();

        // Write back: while stalled a failing descriptor, else what was added up or stored (zero in a sweep).
        self.write_at.next = self.at.q.val();
        self.write_first.next = self.sum.val().get_bits::<32>(0);
        if (self.is_bar.q.val() & self.op_store.val()) | self.sweeps.q.val() {
            self.write_first.next = self.op_data.val();
        }
        if self.is_set.q.val() | (self.is_bar.q.val() & self.op_clear.val()) {
            self.write_first.next = bit_cast::<32, 16>(self.events_next.val());
        }
        self.va_low.next = self.failing.va.val().get_bits::<32>(0);
        self.write_data.next = self.write_first.val();
        self.va_pending.d.next = false;
        self.va_settles.d.next = self.va_pending.q.val();
        self.writes_va.next = false;
        if self.va_pending.q.val() {
            self.writes_va.next = true;
            self.write_data.next = self.va_high.q.val();
            self.write_at.next = self.failing_at.val()
                | (bit_cast::<8, 5>(self.va_vi.q.val()) << bits::<8>(1))
                | self.high_word.val();
        } else if self.failing.valid.val() & !self.reset.val() {
            self.writes_va.next = true;
            self.write_data.next = self.va_low.val();
            self.write_at.next = self.failing_at.val()
                | (bit_cast::<8, 5>(self.failing.vi.val().get_bits::<5>(0)) << bits::<8>(1));
            self.va_pending.d.next = true;
        }
        if self.failing.valid.val() {
            self.va_high.d.next = self.failing.va.val().get_bits::<32>(32);
            self.va_vi.d.next = self.failing.vi.val().get_bits::<5>(0);
        }
        self.memory.write_address.next = self.write_at.val();
        self.memory.write_data.next = self.write_data.val();
        self.memory.write_enable.next =
            self.writes_va.val() | (self.writes.q.val() & !self.stall.val());
    }
}
