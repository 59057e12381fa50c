//! The BARs of the whole host attachment: identity, registers, counters, events, resets, and the stores that pass.

use std::collections::VecDeque;

use rnic_abi::config::{Config, FULL, SMALL};
use rnic_abi::event::Event;
use rnic_abi::registers::{control, map, status, Access, MAGIC, REGISTERS};
use rnic_abi::step::{Counter, COUNTERS, STEPS};
use rnic_hdl::host::Host;
use rnic_verilate::{Dut, Stimulus};
use rust_hdl::prelude::*;

const BUILD_HASH: u64 = 0x0123_4567_89AB_CDEF;
/// A load waits for nothing but the host attachment's own work.
const MOST_LOAD_CYCLES: u32 = 80;
const RESET_CYCLES: u64 = 2_048;

type Small = Dut<Host<2, 0>>;

/// The steps and the counters that pulse in a cycle.
type Pulses = Box<dyn FnMut(u64) -> (u16, u32)>;

/// What the bench plays each cycle beside the BAR access.
#[derive(Default)]
struct Bench {
    /// Pulses to come, per step and counter.
    pulses: Option<Pulses>,
    counted: Vec<u64>,
    irqs: Vec<u64>,
    answers: VecDeque<u32>,
}

impl Bench {
    fn new() -> Self {
        Self {
            counted: vec![0; COUNTERS],
            ..Self::default()
        }
    }

    /// One cycle: pulses in, answers and interrupts out.
    fn tick<const V: usize, const TR: usize>(&mut self, dut: &mut Dut<Host<V, TR>>) {
        let cycle = dut.cycle();
        let (steps, counts) = self.pulses.as_mut().map_or((0, 0), |pulses| pulses(cycle));
        dut.drive(|b| {
            for (i, step) in b.steps.iter_mut().enumerate() {
                step.fire.next = steps >> i & 1 == 1;
                step.vi.next = (i as u64).into();
            }
            b.counts.next = u64::from(counts).into();
            b.irq.ready.next = true;
        });
        dut.settle();
        for (i, count) in self.counted.iter_mut().enumerate() {
            let pulses = u64::from(steps) | u64::from(counts) << STEPS;
            *count += pulses >> i & 1;
        }
        let block = dut.block();
        if block.bar_data.valid.val() {
            let word = block.bar_data.data.val().to_u64() as u32;
            self.answers.push_back(word);
        }
        if block.irq.valid.val() {
            self.irqs.push(block.irq.vector.val().to_u64());
        }
        dut.tick();
    }

    fn run<const V: usize, const TR: usize>(&mut self, dut: &mut Dut<Host<V, TR>>, cycles: u64) {
        for _ in 0..cycles {
            self.tick(dut);
        }
    }

    /// Offers an access until it is taken.
    fn access<const V: usize, const TR: usize>(
        &mut self,
        dut: &mut Dut<Host<V, TR>>,
        bar: u64,
        offset: u32,
        store: Option<u32>,
    ) {
        dut.drive(|b| {
            b.bar.valid.next = true;
            b.bar.bar.next = bar.into();
            b.bar.offset.next = u64::from(offset).into();
            b.bar.write.next = store.is_some();
            b.bar.data.next = u64::from(store.unwrap_or(0)).into();
        });
        for waited in 0.. {
            dut.settle();
            let taken = dut.block().bar.ready.val();
            self.tick(dut);
            if taken {
                break;
            }
            assert!(waited < MOST_LOAD_CYCLES, "an access is not taken");
        }
        dut.drive(|b| b.bar.valid.next = false);
    }

    fn store<const V: usize, const TR: usize>(
        &mut self,
        dut: &mut Dut<Host<V, TR>>,
        offset: u32,
        word: u32,
    ) {
        self.access(dut, 0, offset, Some(word));
    }

    fn load<const V: usize, const TR: usize>(
        &mut self,
        dut: &mut Dut<Host<V, TR>>,
        bar: u64,
        offset: u32,
    ) -> u32 {
        self.access(dut, bar, offset, None);
        for _ in 0..MOST_LOAD_CYCLES {
            if let Some(word) = self.answers.pop_front() {
                assert!(self.answers.is_empty(), "a load was answered twice");
                return word;
            }
            self.tick(dut);
        }
        panic!("load of BAR{bar} {offset:#x} was not answered");
    }

    fn load64<const V: usize, const TR: usize>(
        &mut self,
        dut: &mut Dut<Host<V, TR>>,
        offset: u32,
    ) -> u64 {
        let low = self.load(dut, 0, offset);
        u64::from(low) | u64::from(self.load(dut, 0, offset + 4)) << 32
    }

    /// Loads until no reset is running.
    fn start<const V: usize, const TR: usize>(&mut self, dut: &mut Dut<Host<V, TR>>) {
        while self.load(dut, 0, map::STATUS) & status::RESETTING != 0 {}
        assert!(!dut.block().reset.val());
    }
}

fn small() -> Small {
    let host = Host::new(&SMALL, BUILD_HASH);
    Dut::new("host_small", host, |b| &mut b.clock).unwrap()
}

#[test]
fn power_on_holds_reset_and_answers_loads_meanwhile() {
    let (mut dut, mut bench) = (small(), Bench::new());
    dut.settle();
    assert!(dut.block().reset.val());
    assert_eq!(
        bench.load(&mut dut, 0, map::STATUS),
        status::RESETTING | status::BUSY
    );
    assert_eq!(bench.load(&mut dut, 0, map::MAGIC), MAGIC);
    while dut.block().reset.val() {
        bench.tick(&mut dut);
    }
    assert_eq!(dut.cycle(), RESET_CYCLES);
}

fn identity<const V: usize, const TR: usize>(mut dut: Dut<Host<V, TR>>, config: &Config) {
    let mut bench = Bench::new();
    bench.start(&mut dut);
    let expected = [
        (map::MAGIC, MAGIC),
        (map::ABI_VERSION, rnic_abi::ABI_VERSION),
        (map::VIS, config.vis() as u32),
        (map::TPTES, config.tptes() as u32),
        (map::SGES, config.sges() as u32),
        (map::SLOTS, config.slots() as u32),
        (map::QUEUE_DEPTH, config.queue_depth() as u32),
        (map::CQS, config.cqs() as u32),
        (map::MAX_SEGMENT_BYTES, config.max_segment_bytes),
        (map::MAX_DESCRIPTOR_SEGMENTS, config.max_descriptor_segments),
        (map::LOG_FRAMES, config.log_frames() as u32),
        (map::READS, config.reads() as u32),
        (map::DATAPATH, 0x0130_2000 | config.id),
        (map::TRACE_ENTRIES, if TR == 0 { 0 } else { 1 << TR }),
    ];
    for (offset, word) in expected {
        assert_eq!(bench.load(&mut dut, 0, offset), word, "at {offset:#x}");
    }
    assert_eq!(bench.load64(&mut dut, map::BUILD_HASH), BUILD_HASH);
    // Stores change nothing.
    for (offset, _) in expected {
        bench.store(&mut dut, offset, 0xFFFF_FFFF);
    }
    for (offset, word) in expected {
        assert_eq!(bench.load(&mut dut, 0, offset), word, "at {offset:#x}");
    }
}

#[test]
fn the_identity_is_the_configuration_small() {
    identity(small(), &SMALL);
}

#[test]
fn the_identity_is_the_configuration_full() {
    let host = Host::<4, 9>::new(&FULL, BUILD_HASH);
    let dut = Dut::new("host_full", host, |b| &mut b.clock).unwrap();
    identity(dut, &FULL);
}

#[test]
fn every_register_reads_its_reset_value_and_unknown_offsets_read_zero() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    let alive = [
        map::MAGIC,
        map::ABI_VERSION,
        map::BUILD_HASH,
        map::STATUS,
        map::CYCLES,
    ];
    for register in REGISTERS
        .iter()
        .filter(|r| r.bar == 0 && !alive.contains(&r.offset))
    {
        let identity = register.offset < map::CONTROL;
        for i in (0..register.count).step_by(7).filter(|_| !identity) {
            let offset = register.offset + i * register.stride;
            assert_eq!(bench.load(&mut dut, 0, offset), 0, "{} {i}", register.name);
        }
    }
    let mut random = Stimulus::new(5);
    for _ in 0..200 {
        let offset = (random.below(0x1000) * 4) as u32;
        let known = REGISTERS.iter().any(|r| {
            let end = r.offset + r.stride * (r.count - 1) + r.bytes;
            r.bar == 0 && (r.offset..end).contains(&offset)
        });
        if !known {
            bench.store(&mut dut, offset, 0xFFFF_FFFF);
            assert_eq!(bench.load(&mut dut, 0, offset), 0, "at {offset:#x}");
        }
    }
    assert_eq!(bench.load(&mut dut, 2, 0x1008), 0);
    assert_eq!(bench.load(&mut dut, 4, 0x20), 0);
}

#[test]
fn what_is_stored_is_read_back_and_drives_the_board_until_reset() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    let kept: Vec<_> = REGISTERS
        .iter()
        .filter(|r| r.access == Access::ReadWrite && r.offset != map::CONTROL)
        .collect();
    assert_eq!(kept.len(), 5);
    let mut word = 0x1357_9BDF_u32;
    let mut stored = vec![];
    for register in &kept {
        for offset in (register.offset..register.offset + register.bytes).step_by(4) {
            word = word.rotate_left(5) ^ offset;
            bench.store(&mut dut, offset, word);
            stored.push((offset, word));
        }
    }
    for &(offset, word) in &stored {
        assert_eq!(bench.load(&mut dut, 0, offset), word, "at {offset:#x}");
    }
    let word = |offset| u64::from(stored.iter().find(|s| s.0 == offset).unwrap().1);
    let iova = |offset| (word(offset) | word(offset + 4) << 32) & 0xFFFF_FFFF_FFFF;
    let block = dut.block();
    assert_eq!(block.status_line_iova.val(), iova(map::STATUS_LINE_IOVA));
    assert_eq!(block.raw_ring_iova.val(), iova(map::RAW_RING_IOVA));
    assert_eq!(block.raw_ring_entries.val(), word(map::RAW_RING_ENTRIES));
    assert_eq!(block.raw_consumed.val(), word(map::RAW_CONSUMED));

    bench.store(&mut dut, map::CONTROL, control::ENABLE | control::LOOPBACK);
    assert_eq!(
        bench.load(&mut dut, 0, map::CONTROL),
        control::ENABLE | control::LOOPBACK
    );
    assert_eq!(
        bench.load(&mut dut, 0, map::STATUS) & status::ENABLED,
        status::ENABLED
    );
    assert!(dut.block().enable.val() && dut.block().loopback.val());

    bench.store(&mut dut, map::CONTROL, control::RESET);
    assert_eq!(bench.load(&mut dut, 0, map::CONTROL), control::RESET);
    assert!(dut.block().reset.val());
    // Stores are dropped meanwhile.
    bench.store(&mut dut, map::RAW_CONSUMED, 77);
    bench.start(&mut dut);
    assert_eq!(bench.load(&mut dut, 0, map::CONTROL), 0);
    assert!(!dut.block().enable.val() && !dut.block().loopback.val());
    assert_eq!(dut.block().status_line_iova.val(), 0_u64);
    assert_eq!(dut.block().raw_consumed.val(), 0_u64);
    for (offset, _) in stored {
        assert_eq!(bench.load(&mut dut, 0, offset), 0, "at {offset:#x}");
    }
}

#[test]
fn stores_pass_to_their_takers_in_the_same_cycle() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    dut.drive(|b| {
        b.ring_store.ready.next = true;
        b.doorbell_store.ready.next = true;
        b.cq_doorbell.ready.next = true;
        b.bar.valid.next = true;
        b.bar.write.next = true;
    });
    let stores = [
        (4, 0x1010),
        (4, 0x1014),
        (2, 0x1008),
        (2, 0x100C),
        (0, map::CQ_DOORBELL + 24),
    ];
    for (i, (bar, offset)) in stores.into_iter().enumerate() {
        let data = 0x8000_0100 + i as u64;
        dut.drive(|b| {
            b.bar.bar.next = bar.into();
            b.bar.offset.next = u64::from(offset).into();
            b.bar.data.next = data.into();
        });
        dut.settle();
        let block = dut.block();
        let (ring, doorbell, cq) = (&block.ring_store, &block.doorbell_store, &block.cq_doorbell);
        assert!(block.bar.ready.val());
        assert_eq!(ring.valid.val(), bar == 4);
        assert_eq!(doorbell.valid.val(), bar == 2);
        assert_eq!(cq.valid.val(), bar == 0);
        assert_eq!(
            (ring.offset.val(), doorbell.offset.val()),
            (offset.to_bits(), offset.to_bits())
        );
        assert_eq!(
            (ring.data.val(), doorbell.data.val()),
            (data.to_bits(), data.to_bits())
        );
        if bar == 0 {
            assert_eq!(cq.cq.val(), 3_u64);
            assert_eq!(cq.consumed.val(), 0x104_u64);
            assert!(cq.arm.val());
        }
        dut.tick();
    }
    // A taker that waits holds the access.
    dut.drive(|b| {
        b.bar.bar.next = 4_u64.into();
        b.ring_store.ready.next = false;
    });
    bench.run(&mut dut, 5);
    assert!(dut.block().ring_store.valid.val() && !dut.block().bar.ready.val());
    dut.drive(|b| b.ring_store.ready.next = true);
    dut.settle();
    assert!(dut.block().bar.ready.val());
}

#[test]
fn no_pulse_is_lost_at_the_highest_rates_while_everything_else_goes_on() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    let own = [
        Counter::DmaReadErrors,
        Counter::DmaWriteErrors,
        Counter::Interrupts,
        Counter::DmaReads,
        Counter::DmaWrites,
    ];
    let own_mask = own.iter().fold(0_u64, |mask, c| mask | 1 << c.index());
    let mut random = Stimulus::new(11);
    let mut next = vec![0_u64; 44];
    let mut burst = false;
    bench.pulses = Some(Box::new(move |cycle| {
        if cycle % 300 == 0 {
            burst = random.chance(0.5);
        }
        let mut mask = 0_u64;
        for (i, next) in next.iter_mut().enumerate() {
            if *next <= cycle && (burst || random.chance(0.05)) && own_mask >> i & 1 == 0 {
                mask |= 1 << i;
                *next = cycle + 8;
            }
        }
        (mask as u16, (mask >> STEPS) as u32)
    }));
    let mut random = Stimulus::new(12);
    let (mut low_bounds, mut failing) = (vec![0_u64; COUNTERS], 0);
    for _ in 0..400 {
        match random.below(6) {
            0..3 => {
                let counter = random.below(44) as usize;
                let value = bench.load64(&mut dut, map::COUNTERS + 8 * counter as u32);
                assert!(value >= low_bounds[counter], "counter {counter} went back");
                assert!(own_mask >> counter & 1 == 1 || value <= bench.counted[counter]);
                low_bounds[counter] = bench.counted[counter];
                if own_mask >> counter & 1 == 0 {
                    // Exact but for the pulses between the load and its answer.
                    assert!(
                        value + 10 >= bench.counted[counter],
                        "counter {counter}: {value} of {}, cycle {}",
                        bench.counted[counter],
                        dut.cycle()
                    );
                    low_bounds[counter] = value;
                } else {
                    low_bounds[counter] = 0;
                }
            }
            3 => {
                let (vi, kind) = (random.below(4), random.below(16));
                dut.drive(|b| {
                    b.event[1].valid.next = true;
                    b.event[1].vi.next = vi.into();
                    b.event[1].event.next = kind.into();
                });
                loop {
                    dut.settle();
                    let taken = dut.block().event[1].ready.val();
                    bench.tick(&mut dut);
                    if taken {
                        break;
                    }
                }
                dut.drive(|b| b.event[1].valid.next = false);
            }
            4 => {
                // Flushing a VI takes longer than a round of the counters, so there is one in a round at most.
                bench.run(&mut dut, 56);
                failing += 1;
                dut.drive(|b| {
                    b.failing.valid.next = true;
                    b.failing.vi.next = 2_u64.into();
                    b.failing.va.next = (0x0123_4567_0000_0000 + failing).into();
                });
                bench.tick(&mut dut);
                dut.drive(|b| b.failing.valid.next = false);
                let at = map::FIRST_FAILING_DESCRIPTOR + 16;
                assert_eq!(bench.load64(&mut dut, at), 0x0123_4567_0000_0000 + failing);
            }
            _ => bench.store(&mut dut, map::RAW_CONSUMED, random.below(1 << 32) as u32),
        }
    }
    bench.pulses = None;
    let counted = bench.counted.clone();
    for counter in (0..COUNTERS).filter(|&c| own_mask >> c & 1 == 0) {
        let value = bench.load64(&mut dut, map::COUNTERS + 8 * counter as u32);
        assert_eq!(value, counted[counter], "counter {counter}");
    }
    let total: u64 = counted.iter().sum();
    assert!(total > 10_000, "only {total} pulses");
    println!("{total} pulses in {} cycles", dut.cycle());
}

#[test]
fn cycles_count_every_cycle_since_reset() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    let mut last = None;
    for wait in [0, 3, 60, 200, 1_000, 5] {
        bench.run(&mut dut, wait);
        let value = bench.load64(&mut dut, map::CYCLES);
        let passed = dut.cycle() - RESET_CYCLES;
        assert!(value <= passed && value + u64::from(MOST_LOAD_CYCLES) * 2 > passed);
        assert!(last.is_none_or(|last| value > last));
        last = Some(value);
    }
}

/// Raises an event and waits until it is set.
fn raise(dut: &mut Small, bench: &mut Bench, vi: u64, event: Event) {
    dut.drive(|b| {
        b.event[3].valid.next = true;
        b.event[3].vi.next = vi.into();
        b.event[3].event.next = (event as u64).into();
    });
    loop {
        dut.settle();
        let taken = dut.block().event[3].ready.val();
        bench.tick(dut);
        if taken {
            break;
        }
    }
    dut.drive(|b| b.event[3].valid.next = false);
    bench.run(dut, 80);
}

#[test]
fn events_stick_until_cleared_and_interrupt_when_new() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    bench.store(&mut dut, map::INTERRUPT_MASK, 1);
    let at = |vi: u32| map::EVENTS + 4 * vi;
    raise(&mut dut, &mut bench, 2, Event::RecvqEmpty);
    assert_eq!(bench.irqs, [0]);
    raise(&mut dut, &mut bench, 2, Event::RecvqEmpty);
    assert_eq!(bench.irqs, [0], "a bit that was set already");
    raise(&mut dut, &mut bench, 2, Event::PostDesc);
    raise(&mut dut, &mut bench, 0, Event::PostDesc);
    assert_eq!(bench.irqs, [0, 0, 0]);
    let both = Event::RecvqEmpty.mask() | Event::PostDesc.mask();
    assert_eq!(bench.load(&mut dut, 0, at(2)), both);
    assert_eq!(bench.load(&mut dut, 0, map::EVENT_SUMMARY), 0b101);
    assert_eq!(
        bench.load(&mut dut, 0, map::STATUS) & status::EVENT,
        status::EVENT
    );
    bench.store(&mut dut, at(2), Event::RecvqEmpty.mask());
    assert_eq!(bench.load(&mut dut, 0, at(2)), Event::PostDesc.mask());
    assert_eq!(bench.load(&mut dut, 0, map::EVENT_SUMMARY), 0b101);
    bench.store(&mut dut, at(2), 0xFFFF_FFFF);
    assert_eq!(bench.load(&mut dut, 0, map::EVENT_SUMMARY), 0b001);
    bench.store(&mut dut, at(0), Event::PostDesc.mask());
    assert_eq!(bench.load(&mut dut, 0, map::EVENT_SUMMARY), 0);
    assert_eq!(bench.load(&mut dut, 0, map::STATUS) & status::EVENT, 0);
    // Masked: pending until unmasked.
    bench.store(&mut dut, map::INTERRUPT_MASK, 0);
    raise(&mut dut, &mut bench, 1, Event::Timeout);
    assert_eq!(bench.irqs.len(), 3);
    bench.store(&mut dut, map::INTERRUPT_MASK, 1);
    bench.run(&mut dut, 20);
    assert_eq!(bench.irqs.len(), 4);
    let sent = map::COUNTERS + 8 * Counter::Interrupts.index() as u32;
    assert_eq!(bench.load64(&mut dut, sent), 4);
}

#[test]
fn a_driver_that_clears_what_it_read_misses_no_event() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    bench.store(&mut dut, map::INTERRUPT_MASK, 1);
    bench.irqs.clear();
    let mut random = Stimulus::new(9);
    // The board raises events at random moments; the driver reads and clears, but only after an interrupt.
    let (mut raised, mut seen) = ([0_u64; 4], [0_u64; 4]);
    let mut pending: Option<(u64, u64)> = None;
    let mut left = 300;
    let (mut offset, mut found, mut state, mut idle) = (0, 0, 0, 0);
    while left > 0 || idle < 200 {
        if pending.is_none() && left > 0 && random.chance(0.1) {
            pending = Some((random.below(4), random.below(3)));
            left -= 1;
        }
        // The driver: 0 waits, 1 loads a VI's events, 2 waits for the answer, 3 clears them.
        match state {
            0 if !bench.irqs.is_empty() => {
                bench.irqs.clear();
                offset = 0;
                state = 1;
            }
            1 | 3 => idle = 0,
            _ => idle += 1,
        }
        let (driver, event) = (state, pending);
        dut.drive(|b| {
            b.event[0].valid.next = event.is_some();
            let (vi, kind) = event.unwrap_or_default();
            b.event[0].vi.next = vi.into();
            b.event[0].event.next = kind.into();
            b.bar.valid.next = driver == 1 || driver == 3;
            b.bar.bar.next = 0_u64.into();
            b.bar.write.next = driver == 3;
            b.bar.offset.next = u64::from(map::EVENTS + 4 * offset).into();
            b.bar.data.next = u64::from(found).into();
        });
        dut.settle();
        let (taken, event_taken) = (
            dut.block().bar.ready.val(),
            dut.block().event[0].ready.val(),
        );
        if let (Some((vi, kind)), true) = (pending, event_taken) {
            raised[vi as usize] |= 1 << kind;
            pending = None;
        }
        bench.tick(&mut dut);
        match state {
            1 if taken => state = 2,
            2 => {
                if let Some(word) = bench.answers.pop_front() {
                    found = word;
                    state = 3;
                }
            }
            3 if taken => {
                seen[offset as usize] |= u64::from(found);
                offset += 1;
                state = if offset == 4 { 0 } else { 1 };
            }
            _ => {}
        }
    }
    dut.drive(|b| b.bar.valid.next = false);
    assert_eq!(seen, raised);
    bench.run(&mut dut, 20);
    assert_eq!(
        bench.load(&mut dut, 0, map::EVENT_SUMMARY),
        0,
        "an event nobody was told of"
    );
}

#[test]
fn a_refused_write_is_counted_and_catastrophic() {
    let (mut dut, mut bench) = (small(), Bench::new());
    bench.start(&mut dut);
    for _ in 0..3 {
        dut.drive(|b| b.dma_write_fault.next = true);
        bench.tick(&mut dut);
        dut.drive(|b| b.dma_write_fault.next = false);
        bench.run(&mut dut, 9);
    }
    bench.run(&mut dut, 80);
    assert_eq!(
        bench.load(&mut dut, 0, map::EVENTS),
        Event::Catastrophic.mask()
    );
    assert_ne!(bench.load(&mut dut, 0, map::STATUS) & status::BUS_ERROR, 0);
    let refused = map::COUNTERS + 8 * Counter::DmaWriteErrors.index() as u32;
    assert_eq!(bench.load64(&mut dut, refused), 3);
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    let mut dut = small();
    let offsets: Vec<u32> = REGISTERS
        .iter()
        .filter(|r| r.bar == 0)
        .map(|r| r.offset)
        .collect();
    dut.fuzz(7_000, 21, |b, random| {
        let in_reset = random.chance(0.0005);
        b.bar.valid.next = random.chance(0.6);
        b.bar.bar.next = random.pick(&[0_u64, 0, 0, 2, 4]).into();
        let offset = random.pick(&offsets) + 4 * random.below(4) as u32;
        b.bar.offset.next = u64::from(offset).into();
        b.bar.write.next = random.chance(0.5);
        b.bar.data.next = random.bits();
        if offset == map::CONTROL && !in_reset {
            b.bar.data.next = 3_u64.into();
        }
        for step in &mut b.steps {
            step.fire.next = random.chance(0.1);
            step.vi.next = random.uniform();
        }
        b.counts.next = random.bits();
        b.irq.ready.next = random.chance(0.5);
        b.dma_request.ready.next = random.chance(0.5);
        b.dma_data.valid.next = random.chance(0.5);
        b.dma_data.last.next = random.chance(0.5);
        b.dma_data.error.next = random.chance(0.1);
        b.dma_data.epoch.next = random.pick(&[0_u64, 0, 1]).into();
        b.dma_data.data.next = random.bits();
        b.dma_write.ready.next = random.chance(0.8);
        b.dma_write_fault.next = random.chance(0.02);
        b.ring_store.ready.next = random.chance(0.8);
        b.doorbell_store.ready.next = random.chance(0.8);
        b.cq_doorbell.ready.next = random.chance(0.8);
        for request in &mut b.read_request {
            request.valid.next = random.chance(0.3);
            request.iova.next = random.bits();
            request.bytes.next = random.bits();
        }
        for write in &mut b.write {
            write.valid.next = random.chance(0.5);
            write.last.next = random.chance(0.3);
            write.data.next = random.bits();
            write.iova.next = random.bits();
        }
        b.vi_config.valid.next = random.chance(0.2);
        b.vi_config.vi.next = random.uniform();
        b.vi_config.word.next = (2 + random.below(2)).into();
        b.vi_config.data.next = random.bits();
        for error in &mut b.vi_error {
            error.valid.next = random.chance(0.05);
            error.vi.next = random.uniform();
            error.event.next = random.uniform();
        }
        for event in &mut b.event {
            event.valid.next = random.chance(0.05);
            event.vi.next = random.uniform();
            event.event.next = random.uniform();
        }
        b.completion_irq.valid.next = random.chance(0.1);
        b.completion_irq.vector.next = random.below(12).into();
        b.flush.ready.next = random.chance(0.1);
        b.failing.valid.next = random.chance(0.02);
        b.failing.vi.next = random.uniform();
        b.failing.va.next = random.bits();
        b.slot_parity.next = random.bits();
        b.ring_consumed.next = random.bits();
        b.sges_free.next = random.bits();
        b.blocks_busy.next = random.chance(0.5);
    });
}
