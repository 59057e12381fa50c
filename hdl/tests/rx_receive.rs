//! The receive composite: what good frames do to memory, completions and acknowledgements.

mod rx_bench;

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::rx::receive::{FullReceive, SmallReceive};
use rx_bench::wire::{raw, tagged, untagged, Link, Untagged};
use rx_bench::{wire, Bench, Binding, Owed, Region};

type Small = Bench<2, 8, 9, 10, 8>;
type Full = Bench<4, 9, 10, 11, 11>;

const RELIABLE: u8 = 2;
const DESCRIPTORS: u32 = 0x100;
const BUFFER: u32 = 0x2A5;

fn small(name: &str, seed: u64) -> Small {
    let mut bench = Small::new(name, SmallReceive::new(&SMALL), seed);
    regions(&mut bench.regions);
    bench.connect(1, RELIABLE, 1000);
    bench
}

fn regions(regions: &mut std::collections::BTreeMap<u32, Region>) {
    regions.insert(
        DESCRIPTORS,
        Region {
            base: 0x7000_0000_1000,
            iova: 0x1000,
            bytes: 0x1000,
            access: 1,
            split: 4096,
        },
    );
    regions.insert(
        BUFFER,
        Region {
            base: 0x1_0000,
            iova: 0x8003,
            bytes: 0x4000,
            access: 0xF,
            split: 4096,
        },
    );
}

fn send(opcode: u8, msn: u32, mo: u32, last: bool, field: u32) -> Untagged {
    Untagged {
        opcode,
        rsv: 0,
        last,
        field,
        qn: 0,
        msn,
        mo,
    }
}

#[test]
fn a_write_lands_at_any_alignment_and_is_acknowledged_after_it() {
    let mut bench = small("rx_write", 1);
    for (offset, length) in [
        (0_u64, 64_usize),
        (1, 64),
        (2, 61),
        (3, 1),
        (5, 512),
        (0xFF0, 300),
        (7, 4),
        (9, 0),
    ] {
        let payload = bench.bytes(length);
        bench.expect(0x8003 + offset, &payload);
        bench.send(1, &tagged(0, true, BUFFER, 0x1_0000 + offset, &payload));
        bench.finish();
    }
    assert_eq!(bench.count("place"), 8);
    assert_eq!(bench.count("ddp_parse"), 8);
    assert_eq!(bench.count("mpa_check"), 8);
    assert_eq!(bench.count("llp_receive"), 8);
    assert_eq!(bench.acks.len(), 8);
    assert_eq!(bench.acks[0], (1, 77, false));
    assert_eq!(bench.owed.len(), 8);
    assert_eq!(
        bench.owed[7],
        Owed {
            vi: 1,
            sequence: bench.sequence[1],
            now: false,
            nak: false
        }
    );
    assert!(bench.completions().is_empty() && bench.terminates().is_empty());
}

#[test]
fn random_writes_under_backpressure_split_into_pieces() {
    let mut bench = small("rx_write_random", 2);
    bench.pace = 0.6;
    for _ in 0..30 {
        bench.regions.get_mut(&BUFFER).unwrap().split = bench.random.pick(&[1, 3, 5, 64, 4096]);
        let (offset, length) = (bench.random.below(0x3000), bench.random.below(200) as usize);
        let payload = bench.bytes(length);
        bench.expect(0x8003 + offset, &payload);
        bench.send(1, &tagged(0, false, BUFFER, 0x1_0000 + offset, &payload));
        bench.finish();
    }
    assert_eq!(bench.count("place"), 30);
}

#[test]
fn a_send_goes_into_its_descriptor_and_completes() {
    let mut bench = small("rx_send", 3);
    bench.post(1, DESCRIPTORS, 0x7000_0000_1040, &[(0x1_0011, BUFFER, 100)]);
    bench.post(
        1,
        DESCRIPTORS,
        0x7000_0000_1080,
        &[
            (0x1_0100, BUFFER, 10),
            (0x1_0200, BUFFER, 0),
            (0x1_0302, BUFFER, 7),
            (0x1_0401, BUFFER, 600),
        ],
    );
    let first = bench.bytes(64);
    bench.expect(0x8003 + 0x11, &first);
    bench.send(
        1,
        &untagged(
            Untagged {
                rsv: 0x30,
                ..send(3, 1, 0, true, 0xABCD)
            },
            &first,
        ),
    );
    bench.finish();
    let cqe = bench.completions();
    assert_eq!(
        cqe,
        [[
            0x0100_0103,
            DESCRIPTORS,
            0x1040,
            0x7000,
            0xABCD,
            64,
            0x1_0001,
            0x4000_0003
        ]]
    );
    assert_eq!(bench.receive_done, [1]);

    // Two segments of a message over three segments of a descriptor, one of them empty.
    let second = bench.bytes(300);
    bench.expect(0x8003 + 0x100, &second[..10]);
    bench.expect(0x8003 + 0x302, &second[10..17]);
    bench.expect(0x8003 + 0x401, &second[17..]);
    bench.send(1, &untagged(send(5, 2, 0, false, 0), &second[..150]));
    bench.send(1, &untagged(send(5, 2, 150, true, 0), &second[150..]));
    bench.finish();
    let cqe = bench.completions();
    assert_eq!(
        cqe,
        [[
            0x0100_0103,
            DESCRIPTORS,
            0x1080,
            0x7000,
            0,
            300,
            0x1_0001,
            0x1000_0003
        ]]
    );
    assert_eq!(bench.count("descriptor_fetch"), 2);
    assert!(bench.vi_errors.is_empty());
}

#[test]
fn random_sends_under_backpressure() {
    let mut bench = small("rx_send_random", 4);
    bench.pace = 0.7;
    let mut at = 0x1_0000_u64;
    for msn in 1..=15_u32 {
        let parts = 1 + bench.random.below(6) as usize;
        let mut segments = vec![];
        for _ in 0..parts {
            let length = 1 + bench.random.below(90) as u32;
            segments.push((at, BUFFER, length));
            at += u64::from(length) + 5;
        }
        let room: u32 = segments.iter().map(|s| s.2).sum();
        bench.post(
            1,
            DESCRIPTORS,
            0x7000_0000_1000 + u64::from(msn % 8) * 256,
            &segments,
        );
        let length = bench.random.below(u64::from(room) + 1) as usize;
        let payload = bench.bytes(length);
        let mut placed = 0;
        for &(va, _, room) in &segments {
            let count = (length - placed).min(room as usize);
            bench.expect(va - 0x1_0000 + 0x8003, &payload[placed..placed + count]);
            placed += count;
        }
        let mut mo = 0;
        loop {
            let count = (length - mo).min(1 + bench.random.below(150) as usize);
            let last = mo + count == length;
            bench.send(
                1,
                &untagged(send(3, msn, mo as u32, last, 9), &payload[mo..mo + count]),
            );
            mo += count;
            if last {
                break;
            }
        }
        bench.finish();
        let cqe = bench.completions();
        assert_eq!(cqe.len(), 1);
        assert_eq!(cqe[0][5], length as u32);
        assert_eq!(cqe[0][6], 0x1_0001);
    }
    assert_eq!(bench.receive_done.len(), 15);
}

#[test]
fn send_with_invalidate_ends_a_one_shot_in_its_reply_buffer() {
    let mut bench = small("rx_reply", 5);
    let binding = Binding {
        one_shot: true,
        context: 0xC0DE,
        reply_handle: BUFFER,
        reply_va: 0x1_0021,
        reply_length: 700,
    };
    bench.bindings.insert(0x55AA, binding);
    let reply = bench.bytes(64);
    bench.expect(0x8003 + 0x21, &reply);
    bench.send(1, &untagged(send(4, 1, 0, true, 0x55AA), &reply));
    bench.finish();
    assert_eq!(
        bench.completions(),
        [[0x0100_0202, 0, 0xC0DE, 0, 0x55AA, 64, 0, 0x2000_0004]]
    );
    assert_eq!(bench.releases, [0x55AA]);

    // In two segments, and to the last byte.
    bench.bindings.insert(
        0x55AB,
        Binding {
            reply_va: 0x1_0FF0,
            ..binding
        },
    );
    let reply = bench.bytes(700);
    bench.expect(0x8003 + 0xFF0, &reply);
    bench.send(1, &untagged(send(6, 2, 0, false, 0x55AB), &reply[..512]));
    bench.send(1, &untagged(send(6, 2, 512, true, 0x55AB), &reply[512..]));
    bench.finish();
    assert_eq!(
        bench.completions(),
        [[0x0100_0202, 0, 0xC0DE, 0, 0x55AB, 700, 0, 0x3000_0004]]
    );
    assert!(bench.receive_done.is_empty());
}

#[test]
fn send_with_invalidate_without_a_reply_buffer_takes_a_descriptor() {
    let mut bench = small("rx_invalidate", 6);
    bench.post(1, DESCRIPTORS, 0x7000_0000_1040, &[(0x1_0000, BUFFER, 100)]);
    bench.post(1, DESCRIPTORS, 0x7000_0000_1080, &[(0x1_0100, BUFFER, 100)]);
    bench.bindings.insert(0x100, Binding::default());
    bench.bindings.insert(
        0x200,
        Binding {
            one_shot: true,
            context: 5,
            ..Binding::default()
        },
    );
    for (msn, stag, offset) in [(1, 0x100, 0), (2, 0x200, 0x100)] {
        let payload = bench.bytes(20);
        bench.expect(0x8003 + offset, &payload);
        bench.send(1, &untagged(send(4, msn, 0, true, stag), &payload));
    }
    bench.finish();
    assert_eq!(
        bench.completions(),
        [
            [
                0x0100_0103,
                DESCRIPTORS,
                0x1040,
                0x7000,
                0x100,
                20,
                0x1_0001,
                0x2000_0003
            ],
            [
                0x0100_0103,
                DESCRIPTORS,
                0x1080,
                0x7000,
                0x200,
                20,
                0x1_0001,
                0x2000_0003
            ],
            [0x0100_0202, 0, 5, 0, 0x200, 20, 0, 0x2000_0004],
        ]
    );
    assert_eq!(bench.releases, [0x100, 0x200]);
}

#[test]
fn reads_in_both_directions() {
    let mut bench = small("rx_reads", 7);
    // The peer reads.
    let mut payload = vec![];
    for word in [0xAA_u32, 0x1, 0x2, 4096, 0xBB, 0x3, 0x4] {
        payload.extend(word.to_be_bytes());
    }
    bench.send(
        1,
        &untagged(
            Untagged {
                opcode: 1,
                rsv: 0,
                last: true,
                field: 0,
                qn: 1,
                msn: 1,
                mo: 0,
            },
            &payload,
        ),
    );
    bench.send(
        1,
        &untagged(
            Untagged {
                opcode: 1,
                rsv: 0,
                last: true,
                field: 0,
                qn: 1,
                msn: 2,
                mo: 0,
            },
            &payload,
        ),
    );
    bench.finish();
    assert_eq!(
        bench.requests(),
        [
            [1, 0xAA, 0x1, 0x2, 4096, 0xBB, 0x3, 0x4],
            [1, 0xAA, 0x1, 0x2, 4096, 0xBB, 0x3, 0x4]
        ]
    );
    // This side reads: two outstanding, the first in two segments.
    bench.read(1, BUFFER, 0x1_0007, 600);
    bench.read(1, BUFFER, 0x1_0300, 0);
    bench.finish();
    let data = bench.bytes(600);
    bench.expect(0x8003 + 7, &data);
    bench.send(1, &tagged(2, false, BUFFER, 0x1_0007, &data[..512]));
    bench.send(1, &tagged(2, true, BUFFER, 0x1_0007 + 512, &data[512..]));
    bench.finish();
    assert_eq!(bench.read_done, [1]);
    bench.send(1, &tagged(2, true, BUFFER, 0x1_0300, &[]));
    bench.read(1, BUFFER, 0x1_0400, 5);
    bench.finish();
    let data = bench.bytes(5);
    bench.expect(0x8003 + 0x400, &data);
    bench.send(1, &tagged(2, true, BUFFER, 0x1_0400, &data));
    bench.finish();
    assert_eq!(bench.read_done, [1, 1, 1]);
    assert!(bench.vi_errors.is_empty());
}

fn raw_frame(bytes: &[u8]) -> Vec<u32> {
    wire::link(
        Link {
            kind: 0xD3,
            flags: 0,
            vi: 0,
            from: 0,
            sequence: 0,
            acknowledged: 0,
        },
        &raw(bytes),
    )
}

#[test]
fn raw_frames_fill_the_ring_and_no_more() {
    let mut bench = small("rx_raw", 8);
    let payload = bench.bytes(33);
    bench.put(raw_frame(&payload));
    bench.finish();
    assert_eq!(bench.count("raw_dropped"), 1, "the ring is off");
    bench.raw_ring = (0x1_0000, 2, 0);
    for (index, length) in [(0_u64, 1_usize), (1, 536), (0, 77)] {
        let payload = bench.bytes(length);
        if index == 0 && length == 77 {
            bench.put(raw_frame(&payload));
            bench.finish();
            assert_eq!(bench.count("raw_dropped"), 2, "the ring is full");
            bench.raw_ring.2 = 1;
        }
        bench.expect(0x1_0000 + 1024 * index, &payload);
        bench.put(raw_frame(&payload));
        bench.finish();
        assert_eq!(
            bench.completions(),
            [[0, 0, index as u32, 0, 0, length as u32, 0, 6]]
        );
    }
    assert_eq!(bench.count("raw_received"), 3);
}

/// The engine was seen to wait for ever for the end of a frame whose first word had come before it looked.
#[test]
fn a_raw_frame_that_waits_in_its_bank_is_received() {
    let mut bench = small("rx_raw_queued", 10);
    bench.raw_ring = (0x1_0000, 4, 0);
    for index in 0..3 {
        let payload = bench.bytes(200);
        bench.expect(0x1_0000 + 1024 * index, &payload);
        bench.put(raw_frame(&payload));
    }
    bench.finish();
    assert_eq!(bench.completions().len(), 3);
    assert_eq!(bench.count("raw_received"), 3);
}

#[test]
fn full_takes_long_segments_on_many_vis() {
    let mut bench = Full::new("rx_full", FullReceive::new(&FULL), 9);
    regions(&mut bench.regions);
    for vi in [0, 7, 14] {
        bench.connect(vi, 4, u32::MAX - 100);
    }
    for (vi, length) in [(0_u8, 1024_usize), (14, 1448 - 20), (7, 1), (14, 900)] {
        let payload = bench.bytes(length);
        let offset = u64::from(vi) * 1000;
        bench.expect(0x8003 + offset, &payload);
        bench.send(vi, &tagged(0, true, BUFFER, 0x1_0000 + offset, &payload));
        bench.finish();
    }
    let segments: Vec<_> = (0..16).map(|i| (0x1_0000 + i * 50, BUFFER, 40)).collect();
    bench.post(14, DESCRIPTORS, 0x7000_0000_1200, &segments);
    let payload = bench.bytes(640);
    for i in 0..16 {
        bench.expect(
            0x8003 + i * 50,
            &payload[i as usize * 40..i as usize * 40 + 40],
        );
    }
    bench.send(14, &untagged(send(3, 1, 0, true, 0), &payload));
    bench.finish();
    assert_eq!(bench.completions()[0][5..7], [640, 0x1_0001]);
    assert_eq!(bench.count("place"), 5);
}

#[test]
fn latency_and_throughput() {
    let mut bench = small("rx_latency", 10);
    for words in [1_u64, 4, 16, 128] {
        let payload = bench.bytes(4 * words as usize);
        bench.expect(0x8003 + 1, &payload);
        bench.send(1, &tagged(0, true, BUFFER, 0x1_0001, &payload));
        bench.finish();
        let cycles = bench.last_write_cycle - bench.last_wire_cycle;
        println!("write, {words} words: last wire word to last payload word {cycles} cycles");
        assert!(cycles <= 12 + words || words < 16, "{cycles}");
    }
    let mut msn = 0;
    for words in [16_u64, 100] {
        msn += 1;
        bench.post(1, DESCRIPTORS, 0x7000_0000_1040, &[(0x1_0001, BUFFER, 500)]);
        bench.finish();
        let payload = bench.bytes(4 * words as usize);
        bench.expect(0x8003 + 1, &payload);
        bench.send(1, &untagged(send(3, msn, 0, true, 0), &payload));
        bench.finish();
        println!(
            "send, {words} words: last wire word to last payload word {} cycles, to last completion word {} more",
            bench.last_write_cycle - bench.last_wire_cycle,
            bench.last_complete_cycle - bench.last_write_cycle
        );
    }
    bench.bindings.insert(
        0x55AA,
        Binding {
            one_shot: true,
            context: 1,
            reply_handle: BUFFER,
            reply_va: 0x1_0021,
            reply_length: 64,
        },
    );
    let reply = bench.bytes(64);
    bench.expect(0x8003 + 0x21, &reply);
    // The TPT's look at an STag takes 7 cycles (tpt_release); one more for a table that is lent.
    bench.release_delay = 8;
    bench.send(1, &untagged(send(4, 3, 0, true, 0x55AA), &reply));
    bench.finish();
    let cycles = bench.last_write_cycle - bench.last_wire_cycle;
    println!(
        "reply, 16 words: last wire word to last payload word {cycles} cycles, to last completion word {} more (release of 8)",
        bench.last_complete_cycle - bench.last_write_cycle
    );
    assert!(cycles <= 12 + 16, "{cycles}");
    bench.release_delay = 4;
    for (words, budget) in [(16_usize, 40.0), (128, 153.0)] {
        let payload = bench.bytes(4 * words);
        bench.expect(0x8003, &payload);
        let before = bench.count("place");
        let start = bench.dut.cycle();
        for _ in 0..20 {
            bench.send(1, &tagged(0, true, BUFFER, 0x1_0000, &payload));
        }
        while bench.count("place") < before + 20 {
            bench.cycle();
        }
        let cycles = (bench.dut.cycle() - start) as f64 / 20.0;
        println!("writes of {words} words: {cycles:.1} cycles each");
        assert!(cycles <= budget);
        bench.finish();
    }
}

/// Back-to-back 64-byte Sends, many receive descriptors posted: cycles for each, descriptor fetch included.
#[test]
fn sustained_sends_of_64_bytes() {
    const SENDS: u32 = 32;
    let mut figures = vec![];
    for (vis, budget) in [(&[1_u8][..], 40.0), (&[1, 2][..], 40.0)] {
        let mut bench = small("rx_sustained_sends", 11);
        bench.connect(2, RELIABLE, 5000);
        // DMA latency 0: the read arbiter and the bus add two cycles.
        bench.read_delay = 2;
        let payload = bench.bytes(64);
        for i in 0..SENDS {
            let vi = vis[i as usize % vis.len()];
            let va = 0x7000_0000_1000 + u64::from(i) * 64;
            bench.post(vi, DESCRIPTORS, va, &[(0x1_0000, BUFFER, 64)]);
        }
        bench.finish();
        bench.expect(0x8003, &payload);
        let start = bench.dut.cycle();
        for i in 0..SENDS {
            let vi = vis[i as usize % vis.len()];
            let msn = 1 + i / vis.len() as u32;
            bench.send(vi, &untagged(send(3, msn, 0, true, 0), &payload));
        }
        while bench.count("place") < SENDS {
            bench.cycle();
        }
        let cycles = (bench.dut.cycle() - start) as f64 / f64::from(SENDS);
        println!(
            "sends of 16 words on {} VIs: {cycles:.1} cycles each",
            vis.len()
        );
        bench.finish();
        assert_eq!(bench.completions().len(), SENDS as usize);
        figures.push((cycles, budget));
    }
    assert!(
        figures.iter().all(|(cycles, budget)| cycles <= budget),
        "{figures:?}"
    );
}

/// Descriptors of every length wait in the queue: short ones go to the spare place of the context, long ones do not.
fn descriptors_in_a_row<
    const V: usize,
    const F: usize,
    const F1: usize,
    const P: usize,
    const C: usize,
>(
    mut bench: Bench<V, F, F1, P, C>,
    most_segments: u64,
) {
    regions(&mut bench.regions);
    bench.connect(1, RELIABLE, 1000);
    bench.connect(2, RELIABLE, 2000);
    bench.pace = 0.8;
    let mut at = 0x1_0000_u64;
    let mut frames = vec![];
    for i in 0..13_u64 {
        let vi = if i % 3 == 2 { 2 } else { 1 };
        let mut segments = vec![];
        for _ in 0..1 + bench
            .random
            .below(if i % 2 == 0 { 1 } else { most_segments })
        {
            let length = 1 + bench.random.below(40) as u32;
            segments.push((at, BUFFER, length));
            at += u64::from(length) + 3;
        }
        let va = 0x7000_0000_1000 + i * 0x120;
        bench.post(vi, DESCRIPTORS, va, &segments);
        frames.push((vi, va, segments));
    }
    // What is prefetched when the first message comes is left to chance.
    for _ in 0..bench.random.below(300) {
        bench.cycle();
    }
    let mut msns = [0_u32; 3];
    for (vi, _, segments) in &frames {
        let room: u32 = segments.iter().map(|s| s.2).sum();
        let payload = bench.bytes(room as usize);
        let mut rest = &payload[..];
        for &(to, _, length) in segments {
            let (head, tail) = rest.split_at(length as usize);
            bench.expect(0x8003 + to - 0x1_0000, head);
            rest = tail;
        }
        msns[usize::from(*vi)] += 1;
        let header = send(3, msns[usize::from(*vi)], 0, true, 0);
        bench.send(*vi, &untagged(header, &payload));
    }
    bench.finish();
    let records = bench.completions();
    assert_eq!(records.len(), frames.len());
    for (record, (vi, va, segments)) in records.iter().zip(&frames) {
        let room: u32 = segments.iter().map(|s| s.2).sum();
        assert_eq!(record[0] >> 24, u32::from(*vi));
        assert_eq!(record[1..4], [DESCRIPTORS, *va as u32, (va >> 32) as u32]);
        assert_eq!(record[5..7], [room, 0x1_0001]);
    }
    assert_eq!(bench.count("descriptor_fetch"), frames.len() as u32);
    assert!(bench.vi_errors.is_empty());
}

#[test]
fn descriptors_of_any_length_follow_each_other() {
    for seed in [12, 13] {
        let block = SmallReceive::new(&SMALL);
        descriptors_in_a_row(Small::new("rx_descriptors", block, seed), 6);
        let block = FullReceive::new(&FULL);
        descriptors_in_a_row(Full::new("rx_descriptors_full", block, seed), 16);
    }
}
