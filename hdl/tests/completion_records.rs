//! Records become status writes and CQEs, in place, in order, in time.

mod completion_bench;

use completion_bench::{Bench, REGION_IOVA};
use rnic_abi::completion::{kind, ADVERTISED, PHASE};
use rnic_abi::event::Event;

const VA: u64 = 0x0000_0007_8000_0340;
const COMP_PROT: u64 = Event::CompProt as u64;

fn command(cq: u32, context: u32) -> [u32; 8] {
    [
        cq | 1 << 24,
        0,
        context,
        0,
        0x77,
        5,
        9,
        2 << 8 | u32::from(kind::COMMAND),
    ]
}

fn receive(cq: u32, length: u32) -> [u32; 8] {
    let (low, high) = (VA as u32, (VA >> 32) as u32);
    let end = ADVERTISED | PHASE | u32::from(kind::RECEIVE);
    [
        cq | 1 << 8 | 2 << 24,
        0x4242,
        low,
        high,
        0x5501,
        length,
        0x10001,
        end,
    ]
}

#[test]
fn a_command_completion_is_one_cqe() {
    let mut bench = Bench::new(1, 1.0);
    bench.config(3, 0x9_FFFF_FFE0, 2);
    bench.dut.drive(|b| {
        b.slot_parity.next = 0x1111_u64.into();
        b.ring_consumed.next = 0xABCD_1234_u64.into();
    });
    bench.post(2, &command(3, 0xC0));
    bench.post(2, &command(3, 0xC1));
    bench.run_until_bursts(2);
    let [first, second] = &bench.bursts[..] else {
        panic!()
    };
    assert_eq!(first.iova, 0x9_FFFF_FFE0);
    assert_eq!(
        first.words,
        [0x0201_0001, 9, 5, 0x77, 0xC0, 0, 0x1111, 0x8000_1234]
    );
    assert_eq!(second.iova, 0xA_0000_0000, "the address did not carry");
    assert_eq!(second.words[4], 0xC1);
    let distance = second.cycle - first.cycle;
    println!("command records: one in {distance} cycles");
    assert!(distance <= 21);
    assert!(bench.events.is_empty() && bench.accesses.is_empty());
}

#[test]
fn a_receive_record_writes_the_status_then_the_cqe_within_the_budget() {
    let mut bench = Bench::new(2, 1.0);
    bench.config(1, 0x10_0000, 3);
    let record = receive(1, 0x123);
    bench.jobs[0].extend(record[..5].iter().map(|&w| Some(w)));
    bench.jobs[0].extend([None; 40]);
    bench.jobs[0].extend(record[5..].iter().map(|&w| Some(w)));
    bench.run_until_bursts(2);
    assert_eq!(bench.accesses, [(0x4242, VA + 24, 2)]);
    assert_eq!(bench.bursts[0].iova, REGION_IOVA + VA + 24);
    assert_eq!(bench.bursts[0].words, [0x123, 0x10001]);
    assert_eq!(bench.bursts[1].iova, 0x10_0000);
    let cqe = [
        0x0003_0002,
        0x10001,
        0x123,
        0x5501,
        VA as u32,
        7,
        0,
        0xC000_0000,
    ];
    assert_eq!(bench.bursts[1].words, cqe);
    let word_5 = bench.taken[0][5];
    let latency = bench.bursts[1].cycle - word_5;
    println!(
        "word 5 to last CQE word: {latency} cycles; word 7: {}",
        bench.bursts[1].cycle - bench.taken[0][7]
    );
    assert!(latency <= 12);
    assert_eq!(bench.busy, 0);
}

/// Gathering and checking one record hides behind the CQE of the one before; the TPT of the bench takes 8 cycles.
#[test]
fn records_of_two_ports_overlap() {
    let mut bench = Bench::new(10, 1.0);
    bench.config(1, 0x10_0000, 6);
    for serial in 0..20 {
        bench.post(0, &receive(1, serial));
        bench.post(1, &receive(1, 100 + serial));
    }
    bench.run_until_bursts(80);
    let cqes: Vec<_> = bench.bursts.iter().filter(|b| b.words.len() == 8).collect();
    let cycles = (cqes[39].cycle - cqes[9].cycle) as f64 / 30.0;
    println!("records with a status write: one in {cycles:.1} cycles");
    assert!(cycles <= 24.0, "one in {cycles:.1} cycles");
    for (i, cqe) in cqes.iter().enumerate() {
        assert_eq!(cqe.words[2], (i / 2 + i % 2 * 100) as u32);
    }
}

#[test]
fn the_table_serves_others_while_a_receive_record_waits() {
    let mut bench = Bench::new(3, 1.0);
    bench.config(1, 0x10_0000, 3);
    let record = receive(1, 4);
    bench.jobs[0].extend(record[..5].iter().map(|&w| Some(w)));
    bench.run(40);
    assert_eq!(bench.busy, 1, "the access is not filed");
    assert!(bench.reserve(1));
    bench.config(2, 0x20_0000, 3);
    // A release: its drain must not wait for this record.
    bench.epoch = true;
    bench.run(4);
    assert_eq!(bench.busy & 1, 0, "the old epoch is still busy");
    bench.run(30);
    assert_eq!(bench.accesses.len(), 2, "the check was not done again");
    assert_eq!(bench.busy, 2);
    bench.jobs[0].extend(record[5..].iter().map(|&w| Some(w)));
    bench.run_until_bursts(2);
    bench.consumed(1, 1, false);
    assert!(bench.irqs.is_empty());
}

#[test]
fn a_refused_status_write_is_an_event_and_the_cqe_still_comes() {
    let mut bench = Bench::new(4, 0.6);
    bench.config(1, 0x10_0000, 3);
    bench.refuse = true;
    bench.post(1, &receive(1, 4));
    bench.run_until_bursts(1);
    assert_eq!(bench.bursts[0].words[2], 4);
    bench.run(20);
    assert_eq!(bench.events, [(2, COMP_PROT)]);
    assert_eq!(bench.bursts.len(), 1);
}

#[test]
fn a_full_queue_loses_cqes_but_never_a_reserved_one() {
    let mut bench = Bench::new(5, 0.7);
    bench.config(4, 0x40_0000, 2);
    assert!(bench.reserve(4));
    for context in 0..6 {
        bench.post(2, &command(4, context));
    }
    bench.run(600);
    assert_eq!((bench.bursts.len(), bench.overflows), (3, 3));
    assert_eq!(bench.events, [(1, COMP_PROT); 3]);
    assert!(!bench.reserve(4));
    let mut reserved = command(4, 9);
    reserved[0] |= 1 << 9;
    bench.post(1, &reserved);
    bench.run_until_bursts(4);
    assert_eq!(bench.bursts[3].iova, 0x40_0060);
    assert_eq!(bench.bursts[3].words[7] & PHASE, PHASE);
    bench.consumed(4, 2, false);
    bench.post(2, &command(4, 10));
    bench.post(2, &command(4, 11));
    bench.post(2, &command(4, 12));
    bench.run(300);
    assert_eq!((bench.bursts.len(), bench.overflows), (6, 4));
    assert_eq!(bench.bursts[4].iova, 0x40_0000);
    assert_eq!(
        bench.bursts[4].words[7] & PHASE,
        0,
        "the phase did not flip"
    );
    assert_eq!(bench.steps, 6);
}

#[test]
fn a_queue_that_is_not_there_loses_everything() {
    let mut bench = Bench::new(6, 1.0);
    bench.config(2, 0x40_0000, 4);
    bench.config(2, 0, 0);
    bench.consumed(2, 5, false);
    bench.consumed(5, 5, false);
    bench.post(2, &command(2, 1));
    bench.post(2, &command(5, 1));
    bench.run(100);
    assert_eq!((bench.bursts.len(), bench.overflows), (0, 2));
    assert!(!bench.reserve(6));
}

#[test]
fn one_interrupt_comes_for_each_arm() {
    let mut bench = Bench::new(7, 0.7);
    bench.config(4, 0x40_0000, 4);
    bench.post(2, &command(4, 0));
    bench.run(60);
    assert!(bench.irqs.is_empty());
    // The producer is ahead: at once.
    bench.consumed(4, 0, true);
    bench.run(20);
    assert_eq!(bench.irqs, [5]);
    bench.consumed(4, 1, true);
    bench.run(20);
    assert_eq!(bench.irqs, [5]);
    bench.post(2, &command(4, 1));
    bench.post(2, &command(4, 2));
    bench.run(120);
    assert_eq!(bench.irqs, [5, 5]);
    // A doorbell without arm leaves the arm alone.
    bench.consumed(4, 3, true);
    bench.consumed(4, 3, false);
    bench.post(2, &command(4, 3));
    bench.run(80);
    assert_eq!(bench.irqs, [5, 5, 5]);
}

#[test]
fn random_traffic_on_all_ports_arrives_once_and_in_order() {
    let mut bench = Bench::new(8, 0.6);
    let bases = [0xFFFF_FF80_u64, 0x1_0000_0100, 0x33_0000, 0x44_0000];
    for (cq, base) in bases.iter().enumerate() {
        bench.config(cq as u64, *base, 3);
    }
    let mut expected: Vec<Vec<u32>> = vec![Vec::new(); 3];
    for serial in 0..400_u32 {
        let port = bench.random.below(3) as usize;
        let cq = bench.random.below(4) as u32;
        let writeback = bench.random.chance(0.5);
        let record = if writeback {
            receive(cq, serial)
        } else {
            command(cq, serial)
        };
        let mut record = record;
        record[5] = serial;
        for (i, word) in record.into_iter().enumerate() {
            if (port == 0 && i >= 4) || i == 0 {
                let gap = bench.random.below(6) as usize;
                bench.jobs[port].extend(vec![None; gap]);
            }
            bench.jobs[port].push_back(Some(word));
        }
        expected[port].push(serial);
    }
    let mut producers = [0_u64; 4];
    let mut consumed = [0_u64; 4];
    let (mut seen, mut got) = (0, 0);
    while got < 400 {
        bench.cycle();
        if bench.random.chance(0.003) {
            bench.epoch = !bench.epoch;
        }
        assert!(bench.dut.cycle() < 60_000, "only {got} records came");
        while seen < bench.bursts.len() {
            let burst = bench.bursts[seen].clone();
            seen += 1;
            if burst.words.len() == 2 {
                continue;
            }
            let cq = (0..4)
                .find(|&q| (bases[q]..bases[q] + 256).contains(&burst.iova))
                .unwrap();
            assert_eq!(burst.iova, bases[cq] + producers[cq] % 8 * 32);
            assert_eq!(burst.words[7] >> 31 == 1, producers[cq] / 8 % 2 == 0);
            producers[cq] += 1;
            let serial = burst.words[2];
            let port = (0..3).find(|&p| expected[p].first() == Some(&serial));
            let port = port.unwrap_or_else(|| {
                let heads: Vec<_> = expected.iter().map(|e| e.first()).collect();
                panic!("{burst:x?} comes out of order; next are {heads:x?}; {} lost, {} written, events {:?}", bench.overflows, bench.steps, bench.events)
            });
            expected[port].remove(0);
            got += 1;
            if producers[cq] - consumed[cq] >= 4 || bench.random.chance(0.3) {
                consumed[cq] = producers[cq];
                bench.consumed(cq as u64, consumed[cq], false);
            }
        }
    }
    bench.run(4);
    let writes = bench.bursts.iter().filter(|b| b.words.len() == 2).count();
    assert!(writes > 150 && bench.overflows == 0 && bench.events.is_empty());
    assert_eq!(bench.steps, 400);
}

#[test]
fn the_status_line_follows_when_nothing_else_tells() {
    let mut bench = Bench::new(9, 0.7);
    bench.config(0, 0x40_0000, 4);
    bench.dut.drive(|b| b.slot_parity.next = 1_u64.into());
    bench.run(600);
    assert!(bench.bursts.is_empty(), "there is no line");
    bench
        .dut
        .drive(|b| b.status_line_iova.next = 0x88_0000_0040_u64.into());
    bench.run(20);
    bench
        .dut
        .drive(|b| b.ring_consumed.next = 0x1_0001_u64.into());
    bench.run(300);
    let words: Vec<_> = bench.bursts.iter().map(|b| b.words.clone()).collect();
    assert_eq!(words, [vec![1, 0], vec![1, 0x1_0001]]);
    assert!(bench.bursts.iter().all(|b| b.iova == 0x88_0000_0040));
    // A CQE just told it: the line waits.
    bench.run(300);
    bench.post(2, &command(0, 0));
    bench.run_until_bursts(3);
    bench.dut.drive(|b| b.slot_parity.next = 3_u64.into());
    bench.run(250);
    assert_eq!(bench.bursts.len(), 3);
    bench.run(40);
    assert_eq!(bench.bursts[3].words, [3, 0x1_0001]);
}
