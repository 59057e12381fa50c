//! Counts the pulses of every step and every counter, between two visits of the register memory.
//!
//! A counter of 64 bits lives in the register memory. Here each source has a few bits that count modulo 8 (16 for the fast
//! ones, 128 for the clock) and are never cleared; the low bits of the counter in memory are what they were at the last
//! visit, so the difference is what happened since. A visit that is lost or repeated does no harm. It holds no 64-bit
//! state, and does not add.
//!
//! ```text
//!  pulses ---> [ bit planes: 3 bits a source ] ---> pick by entry ---> [live, mask]
//! ```
//!
//! The planes are bit-sliced: plane k holds bit k of all sources. Latency: `live` and `mask` belong to the `entry` of the
//! cycle before, like the data of the memory. Bound: a source may pulse 7 times, a fast one 15 times, between two visits; the
//! register memory visits each every 56 cycles at most, so a source may pulse every 8 cycles. The fast ones may every 4: DMA
//! reads and writes, and posted commands and doorbells, which are as fast as the host's stores.

use rnic_abi::registers::map::CYCLES;
use rnic_abi::step::{Counter, Step, STEPS};
use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock)]
pub struct Counters {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Bit i: step i fires.
    pub fires: Signal<In, Bits<16>>,
    /// Bit i: counter 16 + i counts.
    pub counts: Signal<In, Bits<28>>,
    /// Entry of the register memory that is read.
    pub entry: Signal<In, Bits<8>>,
    /// Low bits of what it should hold.
    pub live: Signal<Out, Bits<7>>,
    /// Which of these bits there are; none if the entry is no counter's low word.
    pub mask: Signal<Out, Bits<7>>,

    units: DFF<Bits<64>>,
    twos: DFF<Bits<64>>,
    fours: DFF<Bits<64>>,
    /// Only the fast sources have it.
    eights: DFF<Bits<64>>,
    cycles: DFF<Bits<7>>,
    picked: DFF<Bits<4>>,
    picked_cycles: DFF<Bits<7>>,
    is_counter: DFF<Bit>,
    is_fast: DFF<Bit>,
    is_cycles: DFF<Bit>,

    pulses: Signal<Local, Bits<64>>,
    carry_twos: Signal<Local, Bits<64>>,
    carry_fours: Signal<Local, Bits<64>>,
    carry_eights: Signal<Local, Bits<64>>,
    source: Signal<Local, Bits<6>>,
    fast: Constant<Bits<64>>,
    cycles_entry: Constant<Bits<8>>,
    steps: Constant<Bits<6>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl Counters {
    /// All at zero.
    pub fn new() -> Self {
        let fast = [Step::CommandPost as usize, Step::Doorbell as usize]
            .into_iter()
            .chain([Counter::DmaReads.index(), Counter::DmaWrites.index()])
            .fold(0_u64, |fast, source| fast | 1 << source);
        Self {
            clock: Default::default(),
            reset: Default::default(),
            fires: Default::default(),
            counts: Default::default(),
            entry: Default::default(),
            live: Default::default(),
            mask: Default::default(),
            units: Default::default(),
            twos: Default::default(),
            fours: Default::default(),
            eights: Default::default(),
            cycles: Default::default(),
            picked: Default::default(),
            picked_cycles: Default::default(),
            is_counter: Default::default(),
            is_fast: Default::default(),
            is_cycles: Default::default(),
            pulses: Default::default(),
            carry_twos: Default::default(),
            carry_fours: Default::default(),
            carry_eights: Default::default(),
            source: Default::default(),
            fast: Constant::new(fast.into()),
            cycles_entry: Constant::new(u64::from(CYCLES / 4).into()),
            steps: Constant::new((STEPS as u64).into()),
        }
    }
}

impl Logic for Counters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            units,
            twos,
            fours,
            eights,
            cycles,
            picked,
            picked_cycles,
            is_counter,
            is_fast,
            is_cycles
        );
        self.pulses.next = bit_cast::<64, 16>(self.fires.val())
            | (bit_cast::<64, 28>(self.counts.val()) << self.steps.val());
        self.carry_twos.next = self.pulses.val() & self.units.q.val();
        self.carry_fours.next = self.carry_twos.val() & self.twos.q.val();
        self.carry_eights.next = self.carry_fours.val() & self.fours.q.val() & self.fast.val();
        self.units.d.next = self.units.q.val() ^ self.pulses.val();
        self.twos.d.next = self.twos.q.val() ^ self.carry_twos.val();
        self.fours.d.next = self.fours.q.val() ^ self.carry_fours.val();
        self.eights.d.next = self.eights.q.val() ^ self.carry_eights.val();
        self.cycles.d.next = self.cycles.q.val() + 1;
        if self.reset.val() {
            self.units.d.next = bits::<64>(0);
            self.twos.d.next = bits::<64>(0);
            self.fours.d.next = bits::<64>(0);
            self.eights.d.next = bits::<64>(0);
            self.cycles.d.next = bits::<7>(0);
        }

        // Entries: 1, source in six bits, high word.
        self.source.next = self.entry.val().get_bits::<6>(1);
        self.picked.d.next = bits::<4>(0)
            .replace_bit(0, self.units.q.val().get_bit(self.source.val().index()))
            .replace_bit(1, self.twos.q.val().get_bit(self.source.val().index()))
            .replace_bit(2, self.fours.q.val().get_bit(self.source.val().index()))
            .replace_bit(3, self.eights.q.val().get_bit(self.source.val().index()));
        self.picked_cycles.d.next = self.cycles.q.val();
        self.is_cycles.d.next = self.entry.val() == self.cycles_entry.val();
        self.is_counter.d.next = self.entry.val().get_bit(7) & !self.entry.val().get_bit(0);
        self.is_fast.d.next = self.fast.val().get_bit(self.source.val().index());

        self.live.next = bit_cast::<7, 4>(self.picked.q.val());
        self.mask.next = bits::<7>(0);
        if self.is_counter.q.val() {
            self.mask.next = bits::<7>(0x07);
            if self.is_fast.q.val() {
                self.mask.next = bits::<7>(0x0F);
            }
        }
        if self.is_cycles.q.val() {
            self.live.next = self.picked_cycles.q.val();
            self.mask.next = bits::<7>(0x7F);
        }
    }
}
