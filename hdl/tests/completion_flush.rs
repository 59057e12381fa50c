//! A flush leaves one completion for each item, in post order.

mod completion_bench;

use completion_bench::{Bench, REGION_IOVA};
use rnic_abi::command::flags::SIGNALLED;
use rnic_abi::completion::kind;
use rnic_abi::error::CommandError;

const FLUSHED: u32 = (CommandError::Flushed as u32) << 24;

fn descriptor(number: u32) -> [u32; 4] {
    [number << 24, 0x900 + number, 0x40 * number, number]
}

fn ring(kind: u32, signalled: bool, slot: u32, context: u32) -> [u32; 4] {
    let flags = if signalled { u32::from(SIGNALLED) } else { 0 };
    [
        kind | flags << 4 | slot << 12 | 2 << 17,
        0xABC00,
        context,
        64,
    ]
}

#[test]
fn every_item_is_completed_once() {
    for seed in 0..4 {
        let mut bench = Bench::new(seed, if seed == 0 { 1.0 } else { 0.5 });
        bench.config(3, 0x30_0000, 4);
        bench.config(6, 0x60_0000, 4);
        bench.queues_of(2, 3, 6);
        bench.send_queue.push_back(ring(1, true, 4, 0x11));
        bench.send_queue.push_back(ring(2, false, 6, 0x22));
        bench.send_queue.push_back(ring(2, true, 8, 0x33));
        bench.send_queue.push_back(descriptor(1));
        bench.send_queue.push_back(descriptor(2));
        bench.receive_queue.push_back(descriptor(3));
        bench.one_shots.push_back((0x5501, 0x11));
        bench.one_shots.push_back((0x6601, 0x12));
        assert!(bench.reserve(3) && bench.reserve(3));
        let before = bench.dut.cycle();
        bench.flush(2);
        if seed == 0 {
            println!("8 items in {} cycles", bench.dut.cycle() - before);
        }
        bench.run(100);
        assert_eq!(bench.stops, [true; 2]);
        assert_eq!(bench.freed, [(4, 2), (6, 2), (8, 2)]);
        assert_eq!(bench.failing, [(2, 1 << 32 | 0x40)]);
        assert_eq!((bench.flushed, bench.overflows), (7, 0));
        let status: Vec<_> = bench.bursts.iter().filter(|b| b.words.len() == 2).collect();
        let places: Vec<u64> = status.iter().map(|b| b.iova - REGION_IOVA).collect();
        assert_eq!(places, [1, 2, 3].map(|n| (n << 32) + n * 0x40 + 24));
        assert_eq!(status[0].words, [0, 0x21]);
        assert_eq!(status[2].words, [0, 0x1_0021]);
        let cqes: Vec<_> = bench.bursts.iter().filter(|b| b.words.len() == 8).collect();
        let places: Vec<u64> = cqes.iter().map(|b| b.iova).collect();
        let sends = (0..3).map(|n| 0x30_0000 + 32 * n);
        let walked = (3..5).map(|n| 0x30_0000 + 32 * n);
        let all: Vec<u64> = sends.chain([0x60_0000]).chain(walked).collect();
        assert_eq!(places, all);
        let word_0 = |kind: u8| FLUSHED | u32::from(kind) << 16 | 2;
        assert_eq!(
            cqes[0].words[..6],
            [word_0(kind::SEND_INVALIDATE), 0, 0, 0, 0x33, 0]
        );
        assert_eq!(
            cqes[1].words[..6],
            [word_0(kind::SEND), 0x21, 0, 0, 0x40, 1]
        );
        assert_eq!(
            cqes[3].words[..6],
            [word_0(kind::RECEIVE), 0x1_0021, 0, 0, 0xC0, 3]
        );
        assert_eq!(
            cqes[4].words[..6],
            [word_0(kind::ONE_SHOT), 0, 0, 0x5501, 0x11, 0]
        );
        assert_eq!(
            cqes[5].words[..6],
            [word_0(kind::ONE_SHOT), 0, 0, 0x6601, 0x12, 0]
        );
    }
}

#[test]
fn the_first_receive_descriptor_fails_when_no_send_descriptor_does() {
    let mut bench = Bench::new(9, 0.7);
    bench.config(1, 0x30_0000, 4);
    bench.queues_of(2, 1, 1);
    bench.receive_queue.push_back(descriptor(5));
    bench.receive_queue.push_back(descriptor(6));
    bench.flush(2);
    assert_eq!(bench.failing, [(2, 5 << 32 | 0x140)]);
    // An idle VI has nothing to flush.
    bench.failing.clear();
    bench.flush(2);
    assert_eq!((bench.failing.len(), bench.flushed), (0, 2));
}
