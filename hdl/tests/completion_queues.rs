//! Bench of the completion side: CQEs, status writes, reservations, arming, overflow, the status line, flush.

mod completion_bench;

use completion_bench::Bench;
use rnic_abi::completion::{kind, ADVERTISED, PHASE};
use rnic_abi::descriptor::status;
use rnic_abi::error::CommandError;
use rnic_abi::event::Event;

const BASE: u64 = 0x1234_5678_F000;

fn record(cq: u32, flags: u32, vi: u32, tag: u32) -> [u32; 8] {
    [
        cq | flags << 8 | vi << 24,
        0x5A7,
        0x4000 + tag * 64,
        0x7F00,
        0xAB00 + tag,
        100 + tag,
        status::DONE,
        u32::from(kind::RECEIVE) | ADVERTISED,
    ]
}

fn expected(vi: u32, words: [u32; 8], parity: u32, phase: bool) -> [u32; 8] {
    let head = vi | (words[7] & 0xFFFF) << 16;
    let tail = words[7] & 0x7000_0000 | if phase { PHASE } else { 0 };
    [
        head, words[6], words[5], words[4], words[2], words[3], parity, tail,
    ]
}

#[test]
fn the_late_words_of_a_receive_reach_the_bus_within_budget() {
    let mut bench = Bench::new(1, 1.0);
    bench.create_cq(2, 4, BASE);
    bench.parity = 0x55;
    let words = record(2, 1, 1, 0);
    bench.record(0, words, |index| if index == 5 { 60 } else { 0 });
    bench.drain();
    let latency = bench.last_write_cycle - bench.last_job_cycle;
    println!("last record word to last CQE word: {latency} cycles");
    assert!(latency <= 9, "{latency} cycles");
    assert_eq!(bench.checks, [(0x5A7, 0x7F00_0000_4018, 1)]);
    assert_eq!(bench.bursts[0], (0x7F00_0000_4018, vec![100, status::DONE]));
    assert_eq!(
        bench.bursts[1],
        (BASE, expected(1, words, 0x55, true).to_vec())
    );
    assert_eq!((bench.completes, bench.bursts.len()), (1, 2));
}

#[test]
fn entries_follow_each_other_with_their_phase() {
    let mut bench = Bench::new(2, 0.6);
    bench.create_cq(7, 3, BASE);
    bench.create_cq(1, 1, 0x8000);
    for round in 0..40_u32 {
        let (cq, base, size) = if round % 4 == 3 {
            (1, 0x8000, 2)
        } else {
            (7, BASE, 8)
        };
        let index = if cq == 1 {
            round / 4
        } else {
            round - (round + 1) / 4
        };
        let source = (round % 3) as usize;
        let words = record(cq, u32::from(round % 5 == 0), round & 3, round);
        bench.parity = round.wrapping_mul(0x0101_0101);
        bench.record(source, words, |_| 0);
        bench.drain();
        let iova = base + 32 * u64::from(index % size);
        let phase = index / size % 2 == 0;
        assert_eq!(
            bench.cqe(iova),
            expected(round & 3, words, bench.parity, phase),
            "round {round}"
        );
        bench.doorbells.push_back((cq as u8, index + 1, false));
        bench.drain();
    }
    assert_eq!(
        (bench.completes, bench.overflows, bench.checks.len()),
        (40, 0, 8)
    );
    assert!(bench.events.is_empty() && bench.irqs.is_empty());
}

#[test]
fn a_full_queue_loses_the_cqe_and_says_so() {
    let mut bench = Bench::new(3, 0.7);
    bench.create_cq(3, 2, BASE);
    bench.reserves.push_back(3);
    bench.drain();
    for round in 0..4 {
        bench.record(1, record(3, 0, 2, round), |_| 0);
    }
    bench.drain();
    assert_eq!((bench.completes, bench.overflows), (3, 1));
    assert_eq!(bench.events, [(2, Event::CompProt as u8)]);
    bench.reserves.push_back(3);
    bench.drain();
    assert_eq!(bench.reserved, [true, false]);
    // The reserved entry is still there.
    let words = record(3, 2, 2, 9);
    bench.record(2, words, |_| 0);
    bench.drain();
    assert_eq!((bench.completes, bench.overflows), (4, 1));
    assert_eq!(bench.cqe(BASE + 96), expected(2, words, 0, true));
    // One is consumed: one can be kept, no second one.
    bench.doorbells.push_back((3, 1, false));
    bench.drain();
    bench.reserves.extend([3, 3]);
    bench.drain();
    assert_eq!(bench.reserved.len(), 4);
    bench.doorbells.push_back((3, 2, false));
    bench.drain();
    bench.reserves.push_back(3);
    bench.drain();
    assert_eq!(bench.reserved.iter().filter(|ok| **ok).count(), 3);
    // A queue that does not exist.
    bench.record(2, record(5, 0, 0, 0), |_| 0);
    bench.reserves.push_back(5);
    bench.drain();
    assert_eq!(
        (bench.completes, bench.overflows, bench.reserved.last()),
        (4, 2, Some(&false))
    );
}

#[test]
fn one_interrupt_an_arm() {
    let mut bench = Bench::new(4, 0.5);
    bench.create_cq(4, 4, BASE);
    bench.doorbells.push_back((4, 0, true));
    bench.drain();
    assert!(bench.irqs.is_empty());
    for round in 0..3 {
        bench.record(0, record(4, 0, 0, round), |_| 0);
    }
    bench.drain();
    assert_eq!(bench.irqs, [5]);
    // Armed with less than was produced: at once.
    bench.doorbells.push_back((4, 2, true));
    bench.drain();
    assert_eq!(bench.irqs, [5, 5]);
    bench.doorbells.push_back((4, 3, true));
    bench.drain();
    assert_eq!(bench.irqs.len(), 2);
    // Armed while an entry is claimed but not yet written: the interrupt comes after it.
    bench.record(
        0,
        record(4, 1, 0, 3),
        |index| if index == 5 { 200 } else { 0 },
    );
    bench.cycles(60);
    bench.doorbells.push_back((4, 3, true));
    bench.cycles(60);
    assert_eq!(bench.irqs.len(), 2);
    bench.drain();
    assert_eq!(bench.irqs.len(), 3);
    bench.doorbells.push_back((31, 3, true));
    bench.drain();
    assert_eq!(bench.irqs.len(), 3);
}

#[test]
fn a_refused_status_write_raises_comp_prot_and_the_cqe_still_comes() {
    let mut bench = Bench::new(5, 0.5);
    bench.create_cq(0, 4, BASE);
    bench.pieces.push_back(vec![(4, 0, 0)]);
    bench.pieces.push_back(vec![(0, 0x100, 4), (0, 0x9000, 4)]);
    bench.pieces.push_back(vec![(0, 0x102, 8)]);
    bench.pieces.push_back(vec![(0, 0x104, 8)]);
    for round in 0..4 {
        bench.record(0, record(0, 1, 3, round), |_| 0);
    }
    bench.drain();
    assert_eq!(bench.events, vec![(3, Event::CompProt as u8); 3]);
    assert_eq!(
        (bench.completes, bench.bursts.len(), bench.checks.len()),
        (4, 5, 4)
    );
    assert_eq!(bench.memory[&0x104], 103);
    assert!(!bench.dut.block().drain.busy.val().any());
}

#[test]
fn the_status_line_is_written_when_nothing_else_reports() {
    let mut bench = Bench::new(6, 0.8);
    bench.create_cq(0, 4, BASE);
    bench.parity = 1;
    bench.cycles(600);
    assert!(bench.bursts.is_empty(), "the line is off");
    bench.line = 0xFEED_0040;
    bench.cycles(20);
    assert_eq!(bench.bursts, [(0xFEED_0040, vec![1, 0])]);
    bench.consumed = 1;
    bench.cycles(200);
    bench.record(1, record(0, 0, 0, 0), |_| 0);
    bench.drain();
    bench.cycles(200);
    assert_eq!(bench.bursts.len(), 2, "only the CQE");
    bench.cycles(120);
    assert_eq!(bench.bursts[2], (0xFEED_0040, vec![1, 1]));
    bench.cycles(600);
    assert_eq!(bench.bursts.len(), 3);
}

#[test]
fn flush_completes_everything_once() {
    let mut bench = Bench::new(7, 0.6);
    bench.create_cq(2, 5, BASE);
    bench.create_cq(5, 5, 0x10_0000);
    bench
        .vi_words
        .extend([(1, 2, 1), (1, 5, 2 | 5 << 8), (2, 5, 0x0707)]);
    bench.drain();
    for _ in 0..2 {
        bench.reserves.push_back(2);
    }
    bench.drain();
    let descriptor = |tag: u32| [tag << 24, 0x900 + tag, 0x2_0000 + tag * 64, 0x7A];
    let send_invalidate = |signalled: u32, slot: u32, count: u32| {
        [
            2 | signalled << 4 | slot << 12 | count << 17,
            0x777,
            0xC1,
            9,
        ]
    };
    let one_shot = |slot: u32| [1 | slot << 12 | 1 << 17, 0x5A7, 0xC2, 64];
    bench.send.insert(
        1,
        [
            one_shot(3),
            descriptor(1),
            send_invalidate(1, 4, 2),
            send_invalidate(0, 6, 4),
            one_shot(15),
        ]
        .into(),
    );
    bench
        .receive
        .insert(1, [descriptor(2), descriptor(3)].into());
    bench.receive.insert(2, [descriptor(7)].into());
    bench.walks.extend([(0x5A7, 0xC2), (0x6A8, 0xC3)]);
    bench.flush = Some(1);
    bench.drain();
    assert_eq!(bench.stops, [('t', 1), ('r', 1)]);
    assert!(bench.send[&1].is_empty() && bench.receive[&1].is_empty());
    assert_eq!(bench.receive[&2].len(), 1);
    assert_eq!(bench.frees, [(3, 1), (4, 2), (6, 4), (15, 1)]);
    assert_eq!(bench.failing, [(1, 0x7A_0002_0040)]);
    assert_eq!(
        bench.checks,
        [
            (0x901, 0x7A_0002_0058, 1),
            (0x902, 0x7A_0002_0098, 1),
            (0x903, 0x7A_0002_00D8, 1)
        ]
    );
    let flushed = CommandError::Flushed as u32;
    let head = |kind: u8| 1 | (u32::from(kind) | flushed << 8) << 16;
    let gone = status::DONE | status::DESC_FLUSHED;
    assert_eq!(
        bench.cqe(BASE),
        [head(kind::SEND), gone, 0, 0, 0x2_0040, 0x7A, 0, PHASE]
    );
    assert_eq!(
        bench.cqe(BASE + 32),
        [head(kind::SEND_INVALIDATE), 0, 0, 0x777, 0xC1, 0, 0, PHASE]
    );
    assert_eq!(
        bench.cqe(BASE + 64),
        [head(kind::ONE_SHOT), 0, 0, 0x5A7, 0xC2, 0, 0, PHASE]
    );
    assert_eq!(
        bench.cqe(BASE + 96),
        [head(kind::ONE_SHOT), 0, 0, 0x6A8, 0xC3, 0, 0, PHASE]
    );
    let gone = gone | status::OP_RECEIVE;
    assert_eq!(
        bench.cqe(0x10_0000),
        [head(kind::RECEIVE), gone, 0, 0, 0x2_0080, 0x7A, 0, PHASE]
    );
    assert_eq!(
        bench.cqe(0x10_0020),
        [head(kind::RECEIVE), gone, 0, 0, 0x2_00C0, 0x7A, 0, PHASE]
    );
    assert_eq!(
        (bench.completes, bench.flushed, bench.bursts.len()),
        (6, 9, 9)
    );
    // Nothing left: ready at once, nothing more.
    bench.flush = Some(1);
    bench.drain();
    assert_eq!((bench.completes, bench.failing.len()), (6, 1));
}

#[test]
fn all_sources_are_served_under_load() {
    let mut bench = Bench::new(8, 0.7);
    bench.create_cq(6, 7, BASE);
    for round in 0..40 {
        for source in 0..3 {
            let wait = bench.random.below(3) as u32;
            bench.record(
                source,
                record(6, round & 1, source as u32, round),
                move |_| wait,
            );
        }
    }
    bench.drain();
    assert_eq!(
        (bench.completes, bench.overflows, bench.checks.len()),
        (120, 0, 60)
    );
    let mut next = [0; 3];
    for index in 0..120 {
        let cqe = bench.cqe(BASE + 32 * index);
        let source = (cqe[0] & 3) as usize;
        assert_eq!(cqe[2], 100 + next[source], "source {source} in order");
        next[source] += 1;
        assert!(
            index > 30 || next.iter().max().unwrap() - next.iter().min().unwrap() < 4,
            "fair"
        );
    }
}
