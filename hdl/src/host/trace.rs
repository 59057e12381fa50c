//! Writes down which steps fired when, for as long as the trace memory reaches back.
//!
//! In each cycle in which a step fires one entry is written: cycle stamp 31:0, step mask 47:32, VI of the lowest step 55:48. The
//! memory is a ring of 2^TR entries; `head` counts entries written, so the newest is at `head` - 1. With TR = 0 there is no
//! memory, and `head` stays at zero. It filters nothing and never stops.
//!
//! ```text
//!  steps[16] --+--> fires (mask, for the counters too)
//!              +--> [mask, vi, stamp] --> memory[head] --> entry of `index`
//! ```
//!
//! Latency: an entry can be read three cycles after its step. One entry per cycle.

use rust_hdl::prelude::*;

use super::trace_memory::TraceMemory;
use crate::interfaces::StepRx;

/// See the module.
#[derive(LogicBlock)]
pub struct Trace<const TR: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous; the entries stay, their count starts again.
    pub reset: Signal<In, Bit>,
    /// All steps, by number.
    pub steps: [StepRx; 16],
    /// Bit i: step i fires.
    pub fires: Signal<Out, Bits<16>>,
    /// Entries written since reset.
    pub head: Signal<Out, Bits<32>>,
    /// Entry to read.
    pub index: Signal<In, Bits<9>>,
    /// It, a cycle later.
    pub entry: Signal<Out, Bits<64>>,

    memory: TraceMemory<TR>,
    stamp: DFF<Bits<32>>,
    count: DFF<Bits<32>>,
    mask: DFF<Bits<16>>,
    vi: DFF<Bits<8>>,

    lanes: [Signal<Local, Bits<16>>; 16],
    all: Signal<Local, Bits<16>>,
    first_vi: Signal<Local, Bits<8>>,
    writes: Signal<Local, Bit>,
    exists: Constant<Bit>,
}

impl<const TR: usize> Default for Trace<TR> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const TR: usize> Trace<TR> {
    /// An empty trace.
    pub fn new() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            steps: Default::default(),
            fires: Default::default(),
            head: Default::default(),
            index: Default::default(),
            entry: Default::default(),
            memory: Default::default(),
            stamp: Default::default(),
            count: Default::default(),
            mask: Default::default(),
            vi: Default::default(),
            lanes: Default::default(),
            all: Default::default(),
            first_vi: Default::default(),
            writes: Default::default(),
            exists: Constant::new(TR > 0),
        }
    }
}

impl<const TR: usize> Logic for Trace<TR> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, stamp, count, mask, vi);
        for i in 0..16 {
            self.lanes[i].next = bits::<16>(0).replace_bit(i, self.steps[i].fire.val());
        }
        self.all.next = self.lanes[0].val()
            | self.lanes[1].val()
            | self.lanes[2].val()
            | self.lanes[3].val()
            | self.lanes[4].val()
            | self.lanes[5].val()
            | self.lanes[6].val()
            | self.lanes[7].val()
            | self.lanes[8].val()
            | self.lanes[9].val()
            | self.lanes[10].val()
            | self.lanes[11].val()
            | self.lanes[12].val()
            | self.lanes[13].val()
            | self.lanes[14].val()
            | self.lanes[15].val();
        self.fires.next = self.all.val();
        // From the highest down, so that the lowest stays.
        self.first_vi.next = bits::<8>(0);
        for i in 0..16 {
            if self.steps[15 - i].fire.val() {
                self.first_vi.next = self.steps[15 - i].vi.val();
            }
        }
        self.mask.d.next = self.all.val();
        self.vi.d.next = self.first_vi.val();
        self.stamp.d.next = self.stamp.q.val() + 1;

        // The stamp counts with CYCLES; the entry is written in the cycle after its step.
        self.writes.next = self.mask.q.val().any() & self.exists.val() & !self.reset.val();
        if self.writes.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        if self.reset.val() {
            self.stamp.d.next = bits::<32>(0);
            self.count.d.next = bits::<32>(0);
            self.mask.d.next = bits::<16>(0);
        }
        self.memory.clock.next = self.clock.val();
        self.memory.write_at.next = self.count.q.val().get_bits::<9>(0);
        self.memory.write_data.next = bit_cast::<64, 32>(self.stamp.q.val())
            | (bit_cast::<64, 16>(self.mask.q.val()) << bits::<7>(32))
            | (bit_cast::<64, 8>(self.vi.q.val()) << bits::<7>(48));
        self.memory.writes.next = self.writes.val();
        self.memory.read_at.next = self.index.val();
        self.entry.next = self.memory.read_data.val();
        self.head.next = self.count.q.val();
    }
}
