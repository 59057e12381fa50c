//! The transmit composite between models of its neighbours; every byte on the wire is compared with an encoder of its own. The test
//! that has this module says of which size.

use crate::tx_bench::{tagged, untagged, Bench};
use crate::ROUNDS;

const MOST: usize = crate::CONFIG.max_segment_bytes as usize;
const RELIABLE: u32 = 2;

/// Entry of a ring command: kind, flags, first slot, STag, context, length.
fn command(kind: u32, flags: u32, slot: u32, stag: u32, context: u32, length: u32) -> [u32; 4] {
    [
        kind | flags << 4 | slot << 12 | 1 << 17,
        stag,
        context,
        length,
    ]
}

#[test]
fn an_inline_one_shot_leaves_with_its_stag_advertised() {
    let mut bench = Bench::new(1);
    bench.connect(2, RELIABLE, 0x1000);
    bench.run(10);
    let message: Vec<u8> = (1..=61).collect();
    bench.put_message(3, &message);
    // ADVERTISE
    bench.post(2, command(1, 0x40, 3, 0xABCD_1234, 77, 61));
    let posted = bench.dut.cycle();
    bench.until(300, "frame", |b| !b.frames.is_empty());
    let frame = &bench.frames[0];
    println!(
        "queue entry visible to first wire word: {} cycles",
        frame.first_cycle - posted
    );
    // Three composites share the 28 cycles from the doorbell; this one's share.
    assert!(frame.first_cycle - posted <= 7);
    println!(
        "first to last wire word: {} cycles, {} words",
        frame.last_cycle - frame.first_cycle + 1,
        5 + frame.body.len() / 4
    );
    assert_eq!(
        (frame.kind, frame.flags, frame.peer, frame.vi),
        (0xD1, 0, 18, 2)
    );
    assert_eq!((frame.sequence, frame.acknowledged), (0x1000, 0x5002));
    assert_eq!(
        frame.body,
        untagged(0x73, 0xABCD_1234, 0, 1, &message, MOST)[0]
    );
    bench.until(300, "slot", |b| !b.freed.is_empty());
    assert_eq!(bench.freed, [(3, 1)]);
    bench.run(50);
    assert!(
        bench.completions.is_empty(),
        "the reply completes a one-shot"
    );
    assert_eq!(bench.open_entries(2), 0);
}

#[test]
fn a_send_invalidate_from_a_buffer_completes_when_it_is_acknowledged() {
    let mut bench = Bench::new(2);
    bench.connect(1, RELIABLE, 7);
    let va = 0x2FFD_u32;
    bench.slots[5 * 32 + 16..5 * 32 + 19].copy_from_slice(&[0x77, va, 0]);
    // SIGNALLED, MESSAGE_BUFFER, SOLICITED
    bench.post(1, command(2, 0x07, 5, 0x55AA, 0xC0, 1300));
    bench.until(3000, "completion", |b| !b.completions.is_empty());
    let message = bench.memory[va as usize..va as usize + 1300].to_vec();
    let expected = untagged(0x46, 0x55AA, 0, 1, &message, MOST);
    let bodies: Vec<_> = bench.frames.iter().map(|f| f.body.clone()).collect();
    assert_eq!(bodies, expected);
    assert_eq!(
        bench.completions,
        [[2 | 1 << 24, 0, 0xC0, 0, 0x55AA, 1300, 0, 5]]
    );
    bench.run(3);
    assert_eq!(bench.freed, [(5, 1)]);
    assert!(bench.checked.iter().all(|c| c.0 == 0x77 && c.3 == 1));
}

#[test]
fn descriptors_gather_segments_of_any_alignment() {
    let mut bench = Bench::new(3);
    bench.connect(0, RELIABLE, 0xFFFF_FF00);
    let segments = [
        (0x1003, 5, 3),
        (0x2001, 5, 700),
        (0x4FFE, 6, 5),
        (0x5100, 6, 0),
        (0x6002, 7, 401),
        (0x7000, 7, 1),
    ];
    bench.descriptor(0x8000, 0, None, &segments);
    bench.post(0, Bench::descriptor_entry(0x8000));
    bench.descriptor(0x8100, 1, Some((0x12_FFFF_FF80, 0x99)), &segments[..5]);
    bench.post(0, Bench::descriptor_entry(0x8100));
    bench.descriptor(0x8200, 0, None, &[]);
    bench.post(0, Bench::descriptor_entry(0x8200));
    bench.until(5000, "completions", |b| b.completions.len() == 3);
    let gather = |n: usize| -> Vec<u8> {
        segments[..n]
            .iter()
            .flat_map(|s| bench.memory[s.0 as usize..(s.0 + s.2 as u64) as usize].to_vec())
            .collect()
    };
    let mut expected = untagged(0x43, 0, 0, 1, &gather(6), MOST);
    expected.extend(tagged(0x40, 0x99, 0x12_FFFF_FF80, &gather(5), MOST));
    expected.extend(untagged(0x43, 0, 0, 2, &[], MOST));
    let bodies: Vec<_> = bench.frames.iter().map(|f| f.body.clone()).collect();
    assert_eq!(bodies.len(), expected.len());
    assert_eq!(bodies, expected);
    let mut sequence = 0xFFFF_FF00_u32;
    for frame in &bench.frames {
        assert_eq!(frame.sequence, sequence);
        sequence = sequence.wrapping_add(frame.body.len() as u32);
    }
    assert_eq!(
        bench.completions[0],
        [1 | 1 << 8, 0xD00D, 0x8000, 0, 0, 1110, 1, 2]
    );
    assert_eq!(
        bench.completions[1],
        [1 | 1 << 8, 0xD00D, 0x8100, 0, 0, 1109, 0x2_0001, 2]
    );
    assert_eq!(
        bench.completions[2],
        [1 | 1 << 8, 0xD00D, 0x8200, 0, 0, 0, 1, 2]
    );
}

#[test]
fn an_rdma_read_asks_for_each_segment_and_completes_with_its_data() {
    let mut bench = Bench::new(4);
    bench.connect(3, RELIABLE, 0);
    bench.descriptor(
        0x8000,
        2,
        Some((0x1_FFFF_FFF0, 0x77)),
        &[(0x3001, 5, 100), (0x1_0000_4000, 6, 9)],
    );
    bench.post(3, Bench::descriptor_entry(0x8000));
    bench.descriptor(0x8100, 0, None, &[(0x1000, 5, 4)]);
    bench.post(3, Bench::descriptor_entry(0x8100));
    bench.until(2000, "frames", |b| b.frames.len() == 3);
    let request = |sink: u32, to: u64, size: u32, source: u64| -> Vec<u8> {
        [
            &sink.to_be_bytes()[..],
            &to.to_be_bytes(),
            &size.to_be_bytes(),
            &0x77_u32.to_be_bytes(),
            &source.to_be_bytes(),
        ]
        .concat()
    };
    assert_eq!(
        bench.frames[0].body,
        untagged(0x41, 0, 1, 1, &request(5, 0x3001, 100, 0x1_FFFF_FFF0), MOST)[0]
    );
    assert_eq!(
        bench.frames[1].body,
        untagged(
            0x41,
            0,
            1,
            2,
            &request(6, 0x1_0000_4000, 9, 0x2_0000_0054),
            MOST
        )[0]
    );
    assert_eq!(
        bench.reads,
        [
            [3, 5, 0x3001, 0, 100, 0, 0, 0],
            [3 | 1 << 16, 6, 0x4000, 1, 9, 0, 0, 0]
        ]
    );
    bench.run(300);
    assert!(
        bench.completions.is_empty(),
        "the Send waits behind the Read"
    );
    bench.read_done.push_back(3);
    bench.run(100);
    assert!(bench.completions.is_empty());
    bench.read_done.push_back(3);
    bench.until(300, "completions", |b| b.completions.len() == 2);
    assert_eq!(
        bench.completions[0],
        [4 | 1 << 8 | 3 << 24, 0xD00D, 0x8000, 0, 0, 109, 0x4_0001, 2]
    );
    assert_eq!(bench.completions[1][5..], [4, 1, 2]);
}

fn read_in(bench: &mut Bench, vi: u32, sink: u32, to: u64, size: u32, source: u32, at: u64) {
    let words = [
        vi,
        sink,
        (to >> 32) as u32,
        to as u32,
        size,
        source,
        (at >> 32) as u32,
        at as u32,
    ];
    for (i, w) in words.into_iter().enumerate() {
        bench.read_in.push_back((w, i == 7));
    }
}

#[test]
fn read_responses_carry_the_source_in_tagged_segments() {
    let mut bench = Bench::new(5);
    bench.connect(0, RELIABLE, 0);
    read_in(
        &mut bench,
        0,
        0xA1,
        0x9_FFFF_FFFE,
        2 * MOST as u32 + 1,
        0x51,
        0x2003,
    );
    read_in(&mut bench, 0, 0xA2, 0x10, 0, 0x52, 0x40);
    bench.until(3000, "frames", |b| b.frames.len() == 4);
    let mut expected = tagged(
        0x42,
        0xA1,
        0x9_FFFF_FFFE,
        &bench.memory[0x2003..0x2003 + 2 * MOST + 1],
        MOST,
    );
    expected.extend(tagged(0x42, 0xA2, 0x10, &[], MOST));
    let bodies: Vec<_> = bench.frames.iter().map(|f| f.body.clone()).collect();
    assert_eq!(bodies, expected);
    assert!(
        bench.checked.iter().all(|c| c.0 == 0x51 && c.3 == 4),
        "{:?}",
        bench.checked
    );
    for n in 0..3 {
        bench.run(200);
        read_in(&mut bench, 0, 0xB0 + n, 0, 8, 0x53, 0x100);
        bench.until(500, "response", |b| b.frames.len() == 5 + n as usize);
    }
}

#[test]
fn a_refused_read_draws_a_terminate_and_breaks_the_vi() {
    let mut bench = Bench::new(6);
    bench.connect(0, RELIABLE, 100);
    bench.connect(1, RELIABLE, 100);
    bench.refused.insert(0x51, 5);
    read_in(&mut bench, 0, 0xA1, 0, 600, 0x51, 0x2003);
    read_in(&mut bench, 1, 0xA2, 0, 5, 0x52, 0x2003);
    bench.until(3000, "frames", |b| {
        b.frames.len() == 2 && !b.vi_errors.is_empty()
    });
    let terminate = bench.frames.iter().find(|f| f.vi == 0).unwrap();
    assert_eq!(
        terminate.body,
        untagged(0x47, 0, 2, 1, &[0x01, 0x01, 0, 0], MOST)[0]
    );
    assert_eq!(terminate.sequence, 100);
    assert_eq!(bench.events, [(0, 7)]);
    assert_eq!(bench.vi_errors, [(0, 11)]);
    assert_eq!(bench.counted("terminates_sent"), 1);
    assert_eq!(bench.counted("local_protection_errors"), 0);
}

#[test]
fn a_terminate_of_receive_carries_the_offending_header() {
    let mut bench = Bench::new(7);
    bench.connect(2, RELIABLE, 100);
    for (i, w) in [
        2 | 4 << 8 | 1 << 12,
        0x0100_0000,
        30,
        0x4081_1E00,
        0x11,
        0x22,
        0x33,
        0,
    ]
    .into_iter()
    .enumerate()
    {
        bench.terminate.push_back((w, i == 7));
    }
    bench.until(500, "error", |b| {
        !b.vi_errors.is_empty() && b.frames.len() == 1
    });
    let mut message = vec![0x01, 0x00, 0xC0, 0x00];
    message.extend(
        [0x4081_1E00_u32, 0x11, 0x22, 0x33]
            .iter()
            .flat_map(|w| w.to_le_bytes()),
    );
    assert_eq!(
        bench.frames[0].body,
        untagged(0x47, 0, 2, 1, &message, MOST)[0]
    );
    assert_eq!(bench.vi_errors, [(2, 11)]);
    assert!(bench.terminate.is_empty());
}

#[test]
fn raw_frames_leave_unchecked_and_unnumbered() {
    let mut bench = Bench::new(8);
    for w in [(0x2FFF, false), (0, false), (301, true)] {
        bench.raw.push_back(w);
    }
    bench.until(1000, "frame", |b| b.frames.len() == 1);
    bench.until(10, "handshake", |b| b.raw.is_empty());
    let frame = &bench.frames[0];
    assert_eq!((frame.kind, frame.good), (0xD3, true));
    let mut body = 301_u32.to_le_bytes().to_vec();
    body.extend_from_slice(&bench.memory[0x2FFF..0x2FFF + 301]);
    body.resize(4 + 304, 0);
    assert_eq!(frame.body[..308], body);
    assert!(bench.checked.is_empty());
    for w in [(0x100, false), (0, false), (16, true)] {
        bench.raw.push_back(w);
    }
    bench.until(1000, "second frame", |b| b.raw.is_empty());
}

#[test]
fn acknowledgements_leave_alone_when_nothing_carries_them() {
    let mut bench = Bench::new(9);
    bench.connect(1, RELIABLE, 0);
    bench.run(20);
    bench.owed.push_back((1, 0x6000, false, false));
    let start = bench.dut.cycle();
    bench.until(200, "acknowledgement", |b| b.frames.len() == 1);
    println!(
        "acknowledgement after {} cycles",
        bench.frames[0].first_cycle - start
    );
    assert_eq!(
        (
            bench.frames[0].kind,
            bench.frames[0].flags,
            bench.frames[0].acknowledged
        ),
        (0xD2, 0, 0x6000)
    );
    bench.run(200);
    assert_eq!(bench.frames.len(), 1);
    bench.owed.push_back((1, 0x6100, true, true));
    let start = bench.dut.cycle();
    bench.until(50, "NAK", |b| b.frames.len() == 2);
    println!(
        "acknowledgement at once after {} cycles",
        bench.frames[1].first_cycle - start
    );
    assert_eq!(
        (
            bench.frames[1].kind,
            bench.frames[1].flags,
            bench.frames[1].acknowledged
        ),
        (0xD2, 1, 0x6100)
    );
    assert_eq!(bench.counted("acks_sent"), 2);
}

#[test]
fn lost_frames_are_sent_again_byte_for_byte() {
    let mut bench = Bench::new(10);
    bench.connect(0, RELIABLE, 0);
    bench.lose.extend([1, 2, 9]);
    bench.descriptor(0x8000, 0, None, &[(0x1001, 5, 1200)]);
    bench.post(0, Bench::descriptor_entry(0x8000));
    bench.put_message(2, &[9; 20]);
    bench.post(0, command(1, 0x40, 2, 0x123, 0, 20));
    bench.descriptor(
        0x8100,
        1,
        Some((0x500, 0x99)),
        &[(0x3001, 5, 900), (0x100, 6, 77)],
    );
    bench.post(0, Bench::descriptor_entry(0x8100));
    bench.until(40_000, "completions", |b| {
        b.completions.len() == 2 && b.open_entries(0) == 0
    });
    let mut expected = untagged(0x43, 0, 0, 1, &bench.memory[0x1001..0x1001 + 1200], MOST);
    expected.extend(untagged(0x73, 0x123, 0, 2, &[9; 20], MOST));
    let source = [
        &bench.memory[0x3001..0x3001 + 900],
        &bench.memory[0x100..0x100 + 77],
    ]
    .concat();
    expected.extend(tagged(0x40, 0x99, 0x500, &source, MOST));
    let mut sequence = 0;
    for body in expected {
        let sent: Vec<_> = bench
            .frames
            .iter()
            .filter(|f| f.sequence == sequence)
            .collect();
        assert!(!sent.is_empty());
        for (i, frame) in sent.iter().enumerate() {
            assert_eq!(frame.body, body);
            assert_eq!(frame.flags & 2 != 0, i > 0);
        }
        sequence += body.len() as u32;
    }
    assert_eq!(
        bench.counted("retransmits") as usize,
        bench.frames.iter().filter(|f| f.flags & 2 != 0).count()
    );
    assert!(bench.counted("retransmits") >= 3);
}

#[test]
fn a_silent_peer_is_given_up_after_nine_timeouts() {
    let mut bench = Bench::new(11);
    bench.connect(0, RELIABLE, 0);
    bench.auto_ack = false;
    bench.put_message(2, &[9; 4]);
    bench.post(0, command(1, 0, 2, 0, 0, 4));
    bench.until(16_000, "second timeout", |b| b.counted("timeouts") == 2);
    bench.until(200, "third sending", |b| b.frames.len() == 3);
    assert!(bench.frames[1..]
        .iter()
        .all(|f| f.flags == 2 && f.body == bench.frames[0].body));
}

#[test]
fn bad_descriptors_complete_with_their_error_after_what_came_before() {
    let bad: [(u32, Option<(u64, u32)>, u32, u32, u32); 6] = [
        // control, remote, stag of the segment, length error, status
        (0x10, None, 5, 0, 2),
        (3, None, 5, 0, 2),
        (4, None, 5, 0, 2),
        (0, None, 5, 1, 8),
        (0, None, 0x66, 0, 4),
        (1, Some((0, 1)), 0x66, 0, 4),
    ];
    for (n, (control, remote, stag, excess, status)) in bad.into_iter().enumerate().take(2 * ROUNDS)
    {
        let mut bench = Bench::new(12 + n as u64);
        bench.refused.insert(0x66, 2);
        bench.connect(0, RELIABLE, 0);
        bench.connect(1, RELIABLE, 0);
        bench.put_message(2, &[9; 4]);
        bench.post(0, command(1, 0, 2, 0, 0, 4));
        bench.descriptor(
            0x8000,
            control,
            remote,
            &[(0x1001, 5, 40), (0x2002, stag, 60)],
        );
        let length = u32::from_le_bytes(bench.memory[0x8018..0x801C].try_into().unwrap());
        bench.put(0x8018, &[length + excess]);
        bench.post(0, Bench::descriptor_entry(0x8000));
        bench.post(0, command(1, 0, 2, 0, 0, 4));
        bench.until(1000, "error", |b| !b.vi_errors.is_empty());
        assert_eq!(bench.vi_errors, [(0, 13)]);
        assert_eq!(
            bench.completions,
            [[1 | 1 << 8, 0xD00D, 0x8000, 0, 0, 0, 1 | status, 2]]
        );
        assert_eq!(bench.frames.len(), 1, "only the message before it left");
        // The other VI goes on.
        bench.connected &= !1;
        bench.descriptor(0x8100, 0, None, &[(0x1001, 5, 40)]);
        bench.post(1, Bench::descriptor_entry(0x8100));
        bench.until(1000, "other VI", |b| b.completions.len() == 2);
        assert_eq!(
            bench.frames[1].body,
            untagged(0x43, 0, 0, 1, &bench.memory[0x1001..0x1001 + 40], MOST)[0]
        );
    }
}

/// It could only ask for what the segments of an earlier message say.
#[test]
fn a_read_without_data_segments_asks_for_nothing() {
    let mut bench = Bench::new(19);
    bench.connect(0, RELIABLE, 0);
    bench.descriptor(0x8000, 0, None, &[(0x1001, 5, 40), (0x2002, 5, 60)]);
    bench.post(0, Bench::descriptor_entry(0x8000));
    bench.until(1000, "message before it", |b| b.frames.len() == 1);
    bench.descriptor(0x8100, 2, Some((0x9000, 7)), &[]);
    bench.post(0, Bench::descriptor_entry(0x8100));
    bench.until(1000, "error", |b| !b.vi_errors.is_empty());
    assert_eq!(bench.completions.last().unwrap()[6], 1 | 2, "format error");
    assert_eq!(bench.frames.len(), 1);
}

#[test]
fn a_failed_read_spoils_the_frame_and_breaks_the_vi() {
    let mut bench = Bench::new(20);
    bench.connect(0, RELIABLE, 0);
    bench.broken_iova.insert(0x2000);
    bench.descriptor(
        0x8000,
        0,
        None,
        &[(0x1001, 5, 40), (0x2002, 5, 61), (0x3000, 5, 30)],
    );
    bench.post(0, Bench::descriptor_entry(0x8000));
    bench.until(1000, "error", |b| {
        !b.vi_errors.is_empty() && b.frames.len() == 1
    });
    assert_eq!(bench.vi_errors, [(0, 13)]);
    assert!(!bench.frames[0].good);
    bench.connected = 0;
    bench.stop = Some(0);
    bench.until(500, "flush", |b| b.stopped);
    bench.broken_iova.clear();
    bench.connect(0, RELIABLE, 0x40);
}

#[test]
fn a_flushed_vi_starts_anew() {
    let mut bench = Bench::new(21);
    bench.auto_ack = false;
    bench.connect(0, RELIABLE, 0);
    bench.descriptor(0x8000, 0, None, &[(0x1001, 5, 4000)]);
    bench.post(0, Bench::descriptor_entry(0x8000));
    bench.until(3000, "full log", |b| b.frames.len() == 4);
    bench.connected = 0;
    bench.stop = Some(0);
    bench.until(500, "flush", |b| b.stopped);
    bench.run(20);
    assert!(!bench.dut.block().busy.val());
    assert_eq!(bench.frames.len(), 4);
    bench.auto_ack = true;
    bench.connect(0, RELIABLE, 0x500);
    bench.put_message(2, &[9; 4]);
    bench.post(0, command(1, 0, 2, 0, 0, 4));
    bench.until(500, "frame", |b| b.frames.len() == 5);
    assert_eq!(bench.frames[4].sequence, 0x500);
    assert_eq!(
        bench.frames[4].body,
        untagged(0x43, 0, 0, 1, &[9; 4], MOST)[0]
    );
}

#[test]
fn an_unreliable_vi_completes_when_the_frame_has_left() {
    let mut bench = Bench::new(22);
    bench.auto_ack = false;
    bench.connect(0, 1, 0);
    bench.descriptor(0x8000, 0, None, &[(0x1001, 5, 4000)]);
    bench.post(0, Bench::descriptor_entry(0x8000));
    bench.until(5000, "completion", |b| b.completions.len() == 1);
    assert_eq!(bench.frames.len(), 4000_usize.div_ceil(MOST));
    assert_eq!(bench.completions[0][5..], [4000, 1, 2]);
}

#[test]
fn sources_of_unacknowledged_frames_are_held() {
    let mut bench = Bench::new(26);
    for vi in 0..3 {
        bench.connect(vi, RELIABLE, 0);
    }
    bench.auto_ack = false;
    assert!(![7, 9, 11].iter().any(|&e| bench.held(e)));
    // Entries 7 and 9 on VI 1 in two frames, entry 9 on VI 2 as well; entry 11 of a Read Response.
    bench.descriptor(
        0x8000,
        0,
        None,
        &[(0x1000, 0x705, MOST as u32), (0x2000, 0x906, 100)],
    );
    bench.post(1, Bench::descriptor_entry(0x8000));
    bench.descriptor(0x8100, 0, None, &[(0x1000, 0x906, 40)]);
    bench.post(2, Bench::descriptor_entry(0x8100));
    read_in(&mut bench, 0, 0xA1, 0, 8, 0xB01, 0x2003);
    bench.until(1000, "frames", |b| b.frames.len() == 4);
    let seen = |bench: &mut Bench| [0, 7, 8, 9, 11].map(|e| bench.held(e));
    assert_eq!(seen(&mut bench), [false, true, false, true, true]);
    // A replay changes nothing.
    bench.until(16_000, "retransmission", |b| b.counted("retransmits") >= 4);
    bench.run(300);
    assert_eq!(seen(&mut bench), [false, true, false, true, true]);
    let ack = |bench: &mut Bench, vi: u8, sequence: u32| {
        let now = bench.dut.cycle();
        bench.acks.push_back((now, vi, sequence, false));
        bench.run(40);
    };
    ack(&mut bench, 1, 24 + MOST as u32);
    assert_eq!(seen(&mut bench), [false, false, false, true, true]);
    ack(&mut bench, 1, 24 + MOST as u32 + 24 + 100);
    assert_eq!(seen(&mut bench), [false, false, false, true, true]);
    ack(&mut bench, 2, 24 + 40);
    assert_eq!(seen(&mut bench), [false, false, false, false, true]);
    ack(&mut bench, 0, 20 + 8);
    assert_eq!(seen(&mut bench), [false; 5]);
    // A frame that is being read, and a VI that is flushed and starts again.
    bench.wire_open = false;
    bench.post(1, Bench::descriptor_entry(0x8000));
    bench.until(200, "access", |b| {
        b.checked.iter().filter(|c| c.0 == 0x705).count() > 2
    });
    assert!(bench.held(7));
    bench.wire_open = true;
    bench.until(500, "frames", |b| b.data_frames(1) >= 4);
    bench.connected &= !2;
    bench.stop = Some(1);
    bench.until(500, "flush", |b| b.stopped);
    assert_eq!(seen(&mut bench), [false; 5]);
    bench.connect(1, RELIABLE, 0x40);
    bench.post(1, Bench::descriptor_entry(0x8100));
    bench.run(300);
    assert_eq!(seen(&mut bench), [false, false, false, true, false]);
}

#[test]
fn small_sends_are_sustained() {
    let mut bench = Bench::new(23);
    bench.connect(0, RELIABLE, 0);
    for n in 0..7 {
        bench.descriptor(0x8000 + 64 * n, 0, None, &[(0x1000 + 64 * n as u64, 5, 64)]);
    }
    for n in 0..21 {
        bench.post(0, Bench::descriptor_entry(0x8000 + 64 * (n % 7)));
    }
    bench.until(5000, "completions", |b| b.completions.len() == 21);
    let cycles = bench.frames[20].last_cycle - bench.frames[4].last_cycle;
    println!("64-byte Sends: one per {:.1} cycles", cycles as f64 / 16.0);
}

#[test]
fn a_long_write_fills_the_wire() {
    for latency in [0, 100] {
        let mut bench = Bench::new(24);
        bench.dma_latency = latency;
        bench.connect(0, RELIABLE, 0);
        bench.descriptor(0x8000, 1, Some((0, 9)), &[(0x100, 5, 0x4000)]);
        bench.post(0, Bench::descriptor_entry(0x8000));
        bench.until(20_000, "completion", |b| b.completions.len() == 1);
        let words: usize = bench.frames[1..].iter().map(|f| 5 + f.body.len() / 4).sum();
        let cycles = bench.frames.last().unwrap().last_cycle - bench.frames[0].last_cycle;
        println!(
            "16 KiB Write, DMA latency {latency}: {:.3} words per cycle",
            words as f64 / cycles as f64
        );
    }
}

#[test]
fn the_tpt_is_not_held_while_the_wire_stands_still() {
    let mut bench = Bench::new(25);
    for vi in 0..2 {
        bench.connect(vi, RELIABLE, 0);
    }
    // Whole frames, and a frame of twelve pieces: each segment crosses a 4 KiB boundary.
    let long = [(0x100, 5, 3000)];
    let short: Vec<_> = (0..6).map(|i| (0x4FF0 + 0x1000 * i, 6, 33)).collect();
    bench.descriptor(0x8000, 1, Some((0, 9)), &long);
    bench.descriptor(0x8100, 0, None, &short);
    for vi in 0..2 {
        for at in [0x8000, 0x8100] {
            bench.post(vi, Bench::descriptor_entry(at));
        }
    }
    let mut checked = 0;
    for stall in 0..40 {
        bench.wire_open = false;
        bench.run(200);
        assert!(
            bench.tpt_idle(),
            "stall {stall}: the TPT waits for the wire"
        );
        bench.wire_open = true;
        bench.run(60);
        checked = bench.checked.len();
    }
    assert!(checked > 20, "{checked} accesses");
    assert_eq!(bench.longest_hold, 0);
    bench.until(5000, "completions", |b| b.completions.len() == 4);
    let gathered: Vec<u8> = short
        .iter()
        .flat_map(|s| bench.memory[s.0 as usize..s.0 as usize + 33].to_vec())
        .collect();
    for vi in 0..2 {
        let bodies: Vec<_> = bench.frames.iter().filter(|f| f.vi == vi).collect();
        let mut expected = tagged(0x40, 9, 0, &bench.memory[0x100..0x100 + 3000], MOST);
        expected.extend(untagged(0x43, 0, 0, 1, &gathered, MOST));
        let mut sequence = 0;
        for body in &expected {
            let sent: Vec<_> = bodies.iter().filter(|f| f.sequence == sequence).collect();
            assert!(!sent.is_empty() && sent.iter().all(|f| &f.body == body));
            sequence += body.len() as u32;
        }
    }
}

#[test]
fn random_traffic_on_all_vis_with_losses_and_backpressure() {
    for seed in 30..30 + ROUNDS as u64 {
        let mut bench = Bench::new(seed);
        bench.ready = 0.7;
        bench.tpt_latency = 3;
        let mut expected: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 4];
        for vi in 0..4_u8 {
            bench.connect(vi, RELIABLE, 0);
            let mut msn = 1;
            for n in 0..8_usize {
                let index = vi as usize * 8 + n;
                let at = 0x8000 + 256 * index;
                let pieces = 1 + bench.random.below(4) as usize;
                let segments: Vec<_> = (0..pieces)
                    .map(|_| {
                        (
                            bench.random.below(0x6000),
                            5,
                            bench.random.below(500) as u32,
                        )
                    })
                    .collect();
                let message: Vec<u8> = segments
                    .iter()
                    .flat_map(|s| {
                        bench.memory[s.0 as usize..(s.0 + u64::from(s.2)) as usize].to_vec()
                    })
                    .collect();
                match bench.random.below(3) {
                    0 => {
                        bench.descriptor(at, 0, None, &segments);
                        bench.post(vi, Bench::descriptor_entry(at));
                        expected[vi as usize].extend(untagged(0x43, 0, 0, msn, &message, MOST));
                        msn += 1;
                    }
                    1 => {
                        bench.descriptor(at, 1, Some((0xFFFF_FFFF - 100, 8)), &segments);
                        bench.post(vi, Bench::descriptor_entry(at));
                        expected[vi as usize].extend(tagged(
                            0x40,
                            8,
                            0xFFFF_FFFF - 100,
                            &message,
                            MOST,
                        ));
                    }
                    _ => {
                        let slot = index % 16;
                        let length = 1 + bench.random.below(64) as usize;
                        // Two messages may share a slot here: both have its words.
                        let message: Vec<u8> = (0..length).map(|i| (slot * 3 + i) as u8).collect();
                        let full: Vec<u8> = (0..64).map(|i| (slot * 3 + i) as u8).collect();
                        bench.put_message(slot, &full);
                        bench.post(vi, command(1, 0x44, slot as u32, 0x777, 0, length as u32));
                        expected[vi as usize].extend(untagged(0x75, 0x777, 0, msn, &message, MOST));
                        msn += 1;
                    }
                }
            }
        }
        for n in 0..20 {
            if bench.random.chance(0.3) {
                bench.lose.insert(3 * n);
            }
        }
        bench.until(60_000, "end", |b| (0..4).all(|vi| b.open_entries(vi) == 0));
        for vi in 0..4_u8 {
            let mut sequence = 0;
            for body in &expected[vi as usize] {
                let sent: Vec<_> = bench
                    .frames
                    .iter()
                    .filter(|f| f.vi == vi && f.kind == 0xD1 && f.sequence == sequence)
                    .collect();
                assert!(!sent.is_empty());
                assert!(sent.iter().all(|f| &f.body == body));
                sequence += body.len() as u32;
            }
        }
        println!(
            "{} frames, {} sent again",
            bench.frames.len(),
            bench.counted("retransmits")
        );
        assert_eq!(bench.counted("ddp_insert"), bench.counted("mpa_frame"));
        assert!(bench.vi_errors.is_empty());
    }
}
