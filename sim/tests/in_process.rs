//! The simulator around its test double: accesses, DMA, wire, interrupts, determinism, sleep.

mod double;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rnic_abi::command::{opcode, RING_ENTRY_BYTES, SLOT_BYTES};
use rnic_abi::registers::{map, status, RING_OFFSET, SLOTS_OFFSET};
use rnic_abi::step::Step;
use rnic_sim::{Backing, BusEvent, Gateware, Impairments, Rights, Setup, Sim, SimBoard, Timing};
use vm_memory::{Bytes, MmapRegion, VolatileMemory};

use double::{BYTES, CQE, IOVA, SINK};

/// Memory of a test.
fn memory() -> Arc<MmapRegion> {
    Arc::new(MmapRegion::new(BYTES as usize).unwrap())
}

/// Maps `region` at `IOVA`.
fn map_all(board: &SimBoard, region: &Arc<MmapRegion>) {
    let backing = Backing::Region {
        region: region.clone(),
        offset: 0,
    };
    board.map(IOVA, BYTES, backing, Rights::READ_WRITE).unwrap();
}

/// Waits for the end of power-on reset.
fn wait_for_power_on(board: &SimBoard) {
    while board.bar_read(0, map::STATUS, 4) & u64::from(status::RESETTING) != 0 {}
}

/// Says where what arrives goes.
fn set_sink(board: &SimBoard, sink: u64, cqe: u64) {
    board.bar_write(2, 0x10, 8, sink);
    board.bar_write(2, 0x18, 8, cqe);
}

/// Sends `bytes` from `source`.
fn go(board: &SimBoard, source: u64, bytes: u64) {
    board.bar_write(2, 0x00, 8, source);
    board.bar_write(2, 0x08, 8, bytes);
}

/// Two doubles with memory, out of reset, sinks set.
fn pair(setup: Setup) -> (Sim, [SimBoard; 2], [Arc<MmapRegion>; 2]) {
    let sim = Sim::new(setup);
    let boards = [sim.board(0), sim.board(1)];
    let memories = [memory(), memory()];
    for (board, memory) in boards.iter().zip(&memories) {
        map_all(board, memory);
        wait_for_power_on(board);
        set_sink(board, IOVA + SINK, IOVA + CQE);
    }
    (sim, boards, memories)
}

fn fill(memory: &MmapRegion, offset: u64, bytes: usize, seed: u8) -> Vec<u8> {
    let data: Vec<u8> = (0..bytes)
        .map(|at| (at as u8).wrapping_mul(31) ^ seed ^ (at >> 8) as u8)
        .collect();
    let slice = memory.get_slice(offset as usize, bytes).unwrap();
    slice.copy_from(&data);
    data
}

fn bytes_at(memory: &MmapRegion, offset: u64, bytes: usize) -> Vec<u8> {
    let mut data = vec![0; bytes];
    memory
        .as_volatile_slice()
        .read_slice(&mut data, offset as usize)
        .unwrap();
    data
}

fn no_violations(sim: &Sim) {
    sim.with(|simulation| {
        for index in 0..simulation.boards() {
            assert_eq!(simulation.board(index).monitor.violations(), [""; 0]);
        }
    });
}

#[test]
fn registers_answer_in_order_and_eight_bytes_are_two_beats() {
    let (sim, [board, _], _) = pair(Setup::pair(Gateware::Double));
    board.bar_write(0, 0x800, 8, 0x1122_3344_5566_7788);
    board.bar_write(4, 0x20, 4, 0xAABB_CCDD);
    assert_eq!(board.bar_read(0, 0x800, 8), 0x1122_3344_5566_7788);
    assert_eq!(board.bar_read(0, 0x804, 4), 0x1122_3344);
    assert_eq!(board.bar_read(4, 0x20, 4), 0xAABB_CCDD);
    let counts = board.counts();
    assert!(counts.mmio_write_beats == 2 * counts.mmio_writes - 1);
    no_violations(&sim);
}

#[test]
fn payload_crosses_the_wire_with_every_timing() {
    let timings = [
        Timing::default(),
        Timing {
            dma_latency: 200,
            ..Timing::default()
        },
        Timing {
            dma_latency: 10,
            dma_jitter: 50,
            stall_per_mille: 400,
            seed: 3,
        },
    ];
    for timing in timings {
        let setup = Setup {
            timing,
            ..Setup::pair(Gateware::Double)
        };
        let (sim, [one, other], [from, to]) = pair(setup);
        for (round, bytes) in [4, 64, 508, 1024].into_iter().enumerate() {
            let data = fill(&from, 0x100, bytes, round as u8);
            go(&one, IOVA + 0x100, bytes as u64);
            let before = other.interrupts(1);
            assert!(sim.run_until(100_000, |simulation| {
                simulation.board(1).interrupts(1) == before + 1
            }));
            assert_eq!(bytes_at(&to, SINK, bytes), data);
            let length = bytes_at(&to, CQE, 4);
            assert_eq!(length, (bytes as u32).to_le_bytes());
        }
        assert_eq!(one.counts().dma_reads_payload, 4);
        assert_eq!(other.counts().dma_writes, 8);
        assert_eq!(other.counts().interrupts, 4);
        no_violations(&sim);
    }
}

#[test]
fn dma_latency_is_what_was_asked_for() {
    let mut cycles = Vec::new();
    for dma_latency in [0, 100] {
        let setup = Setup {
            timing: Timing {
                dma_latency,
                ..Timing::default()
            },
            ..Setup::pair(Gateware::Double)
        };
        let (sim, [one, _], _) = pair(setup);
        one.with_board(|board| board.monitor.record_marks());
        go(&one, IOVA, 64);
        assert!(sim.run_until_idle(10_000));
        one.with_board(|board| {
            let marks = board.monitor.marks();
            let of = |wanted: fn(&BusEvent) -> bool| {
                marks.iter().find(|(_, event)| wanted(event)).unwrap().0
            };
            let last = of(|event| matches!(event, BusEvent::WireOutLast(21)));
            let read = of(|event| matches!(event, BusEvent::DmaReadLast(64)));
            assert!(of(|event| *event == BusEvent::WireOutFirst) < last && read < last);
            cycles.push(read);
        });
    }
    assert_eq!(cycles[1] - cycles[0], 100);
}

#[test]
fn refused_dma_is_reported_to_the_board_and_counted() {
    let (sim, [one, other], [from, to]) = pair(Setup::pair(Gateware::Double));
    // A read of nothing: no frame, no interrupt.
    go(&one, IOVA + BYTES, 64);
    assert!(sim.run_until_idle(10_000));
    let counts = one.counts();
    assert_eq!((counts.dma_read_errors, counts.frames_out), (1, 0));
    let bus_error = u64::from(status::BUS_ERROR);
    assert_eq!(one.bar_read(0, map::STATUS, 4) & bus_error, bus_error);
    // A write to memory that may only be read: the memory stays as it is.
    let backing = Backing::Region {
        region: to.clone(),
        offset: 0,
    };
    other
        .map(0x50_0000, 0x1000, backing, Rights::READ_ONLY)
        .unwrap();
    set_sink(&other, 0x50_0000, IOVA + CQE);
    fill(&from, 0, 64, 9);
    let before = bytes_at(&to, 0, 64);
    go(&one, IOVA, 64);
    assert!(sim.run_until_idle(10_000));
    assert_eq!(other.counts().dma_write_faults, 1);
    assert_eq!(other.bar_read(0, map::STATUS, 4) & bus_error, bus_error);
    assert_eq!(bytes_at(&to, 0, 64), before);
    no_violations(&sim);
}

#[test]
fn unmap_waits_for_the_accesses_under_way() {
    let setup = Setup {
        timing: Timing {
            dma_latency: 500,
            ..Timing::default()
        },
        ..Setup::pair(Gateware::Double)
    };
    let (sim, [one, other], [from, to]) = pair(setup);
    let data = fill(&from, 0, 256, 5);
    go(&one, IOVA, 256);
    // The request is out, its answer is not.
    sim.run(50);
    assert_eq!(one.unmap(IOVA, BYTES), 1);
    assert_eq!(one.counts().dma_reads, 1);
    assert!(sim.run_until_idle(10_000));
    assert_eq!(bytes_at(&to, SINK, 256), data);
    go(&one, IOVA, 256);
    assert!(sim.run_until_idle(10_000));
    assert_eq!(one.counts().dma_read_errors, 1);
    assert_eq!(one.unmap(IOVA, BYTES), 0, "an unmap of nothing is no error");
    assert_eq!(other.interrupts(1), 1);
}

#[test]
fn same_seed_and_stimulus_same_trace_hash() {
    let run = |seed: u64| {
        let setup = Setup {
            timing: Timing {
                dma_latency: 3,
                dma_jitter: 40,
                stall_per_mille: 200,
                seed,
            },
            impairments: Impairments {
                drop: 100,
                duplicate: 100,
                reorder: 100,
                seed,
                ..Impairments::default()
            },
            ..Setup::pair(Gateware::Double)
        };
        let (sim, [one, other], _) = pair(setup);
        for round in 0..40 {
            go(&one, IOVA + 4 * round, 64 + 4 * round);
            go(&other, IOVA, 128);
            sim.run(700);
        }
        assert!(sim.run_until_idle(100_000));
        sim.with(|simulation| {
            let trace = simulation.trace();
            assert!(trace
                .events()
                .iter()
                .any(|event| event.step == Step::Complete));
            (trace.hash(), trace.count(), simulation.cycles())
        })
    };
    let first = run(1);
    assert!(first.1 > 300, "{} events", first.1);
    for _ in 0..3 {
        assert_eq!(run(1), first);
    }
    assert_ne!(run(2).0, first.0);
}

#[test]
fn the_monitor_knows_commands_queues_and_phases() {
    let (sim, [one, other], _) = pair(Setup::pair(Gateware::Double));
    let post = |board: &SimBoard, entry: u32, words: &[(u32, u32)]| {
        for &(word, value) in words {
            board.bar_write(
                4,
                SLOTS_OFFSET + entry * SLOT_BYTES as u32 + 4 * word,
                4,
                value.into(),
            );
        }
        let ring_entry = u64::from(entry | 1 << 16) | 1 << 32;
        board.bar_write(
            4,
            RING_OFFSET + entry * RING_ENTRY_BYTES as u32,
            8,
            ring_entry,
        );
    };
    let cqe = (IOVA + CQE) as u32;
    let create_cq = [
        (0, opcode::CREATE_CQ.into()),
        (2, 1),
        (3, 4),
        (4, cqe),
        (5, 0),
    ];
    post(&other, 0, &create_cq);
    post(&other, 1, &[(0, opcode::NOP.into()), (1, 77)]);
    go(&one, IOVA, 64);
    assert!(sim.run_until_idle(10_000));
    let counts = other.counts();
    assert_eq!((counts.commands, counts.cqes, counts.dma_writes), (2, 1, 2));
    let stats = sim.with(|simulation| simulation.stats());
    let phase = &stats["boards"][1]["phases"][0];
    assert_eq!(phase["label"], 77);
    assert_eq!(phase["counts"]["cqes"], 1);
    assert_eq!(phase["counts"]["mmio_writes"], 0);
    assert_eq!(stats["boards"][1]["commands"]["create_cq"], 1);
    assert_eq!(stats["boards"][0]["counts"]["dma_reads_payload"], 1);
    assert_eq!(stats["boards"][0]["counts"]["dma_reads_nonpayload"], 0);
}

#[test]
fn a_board_joined_to_itself_hears_itself() {
    let sim = Sim::new(Setup::looped(Gateware::Double));
    let board = sim.board(0);
    let memory = memory();
    map_all(&board, &memory);
    wait_for_power_on(&board);
    set_sink(&board, IOVA + SINK, IOVA + CQE);
    let data = fill(&memory, 0, 100, 1);
    go(&board, IOVA, 100);
    assert!(sim.run_until_idle(10_000));
    assert_eq!(bytes_at(&memory, SINK, 100), data);
}

#[test]
fn the_clock_thread_sleeps_when_nothing_moves_and_wakes_for_a_store() {
    let (sim, [one, other], [from, to]) = pair(Setup::pair(Gateware::Double));
    let clock = sim.start_clock();
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(10);
        while !done() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    wait("asleep", &|| sim.with(|simulation| !simulation.busy()));
    let asleep = sim.cycles();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(sim.cycles(), asleep);
    let data = fill(&from, 0, 64, 1);
    go(&one, IOVA, 64);
    wait("interrupt", &|| other.interrupts(1) == 1);
    assert_eq!(bytes_at(&to, SINK, 64), data);
    assert!(sim.cycles() > asleep);
    drop(clock);
}

#[test]
fn an_eventfd_is_signalled_by_its_vector() {
    let (sim, [one, other], _) = pair(Setup::pair(Gateware::Double));
    let eventfd = vmm_sys_util::eventfd::EventFd::new(libc::EFD_NONBLOCK).unwrap();
    other.set_eventfd(1, Some(eventfd.try_clone().unwrap()));
    go(&one, IOVA, 64);
    assert!(sim.run_until_idle(10_000));
    assert_eq!(eventfd.read().unwrap(), 1);
    assert!(eventfd.read().is_err());
}
