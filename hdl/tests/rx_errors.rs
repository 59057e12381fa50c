//! Bad frames and refused accesses: the documented error, counter and event, memory untouched, other VIs served.

mod rx_bench;

use rnic_abi::config::SMALL;
use rnic_abi::error::terminate;
use rnic_abi::event::Event;
use rnic_hdl::rx::receive::SmallReceive;
use rx_bench::wire::{link, raw, tagged, untagged, Link, Untagged};
use rx_bench::{wire, Bench, Binding, Owed, Region};

type Small = Bench<2, 8, 9, 10, 8>;

const UNRELIABLE: u8 = 1;
const RELIABLE: u8 = 4;
const DESCRIPTORS: u32 = 0x100;
const BUFFER: u32 = 0x2A5;
const READ_ONLY: u32 = 0x3A5;

/// VI 1 reliable, VI 2 unreliable, VI 0 reliable: the one that must go on.
fn small(name: &str, seed: u64) -> Small {
    let mut bench = Small::new(name, SmallReceive::new(&SMALL), seed);
    let descriptors = Region {
        base: 0x7000_0000_1000,
        iova: 0x1000,
        bytes: 0x1000,
        access: 1,
        split: 4096,
    };
    let buffer = Region {
        base: 0x1_0000,
        iova: 0x8003,
        bytes: 0x4000,
        access: 0xF,
        split: 4096,
    };
    bench.regions.insert(DESCRIPTORS, descriptors);
    bench.regions.insert(BUFFER, buffer);
    bench.regions.insert(
        READ_ONLY,
        Region {
            access: 5,
            ..buffer
        },
    );
    bench.connect(0, RELIABLE, 5000);
    bench.connect(1, RELIABLE, 1000);
    bench.connect(2, UNRELIABLE, 0xFFFF_FFF0);
    bench
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

/// VI 0 still receives.
#[track_caller]
fn goes_on(bench: &mut Small) {
    let payload = bench.bytes(40);
    let offset = bench.random.below(0x1000);
    bench.expect(0x8003 + offset, &payload);
    let before = bench.count("place");
    bench.send(0, &tagged(0, true, BUFFER, 0x1_0000 + offset, &payload));
    bench.finish();
    assert_eq!(bench.count("place"), before + 1);
}

/// `fpdu` on VI 1 is answered by this Terminate and event; then VI 1 is connected anew.
#[track_caller]
fn refused(bench: &mut Small, fpdu: &[u8], code: u16, event: Event, counter: &str) {
    let before = bench.count(counter);
    bench.send(1, fpdu);
    bench.finish();
    let words: Vec<u32> = fpdu
        .chunks(4)
        .map(|c| u32::from_le_bytes(c.try_into().unwrap()))
        .collect();
    let is_tagged = fpdu[2] & 0x80 != 0;
    let head = 1 | if is_tagged { 0x1400 } else { 0x500 };
    let length = u32::from(u16::from_be_bytes([fpdu[0], fpdu[1]]));
    let terminates = bench.terminates();
    assert_eq!(terminates.len(), 1, "Terminates");
    assert_eq!(terminates[0][..3], [head, u32::from(code) << 16, length]);
    assert_eq!(
        terminates[0][3..][..words.len().min(5)],
        words[..words.len().min(5)]
    );
    assert_eq!(
        bench.vi_errors.drain(..).collect::<Vec<_>>(),
        [(1, event as u8)]
    );
    assert_eq!(bench.count(counter), before + 1, "{counter}");
    // Until it starts anew the VI takes nothing.
    let payload = bench.bytes(8);
    bench.send(1, &tagged(0, true, BUFFER, 0x1_0000, &payload));
    bench.finish();
    goes_on(bench);
    bench.connected &= !2;
    bench.stop = Some(1);
    bench.finish();
    assert_eq!(bench.stop, None);
    bench.connect(1, RELIABLE, 1000);
}

#[test]
fn refused_tagged_accesses_touch_nothing() {
    let mut bench = small("rx_refused_tagged", 1);
    let payload = bench.bytes(100);
    let top = 0x1_0000 + 0x4000;
    for (stag, to, code) in [
        (0x777, 0x1_0000, terminate::DDP_INVALID_STAG),
        (READ_ONLY, 0x1_0000, terminate::RDMAP_ACCESS),
        (BUFFER, top - 99, terminate::DDP_BOUNDS),
        (BUFFER, 0xFFFF, terminate::DDP_BOUNDS),
        (BUFFER, u64::MAX - 50, terminate::DDP_WRAP),
    ] {
        let fpdu = tagged(0, true, stag, to, &payload);
        refused(
            &mut bench,
            &fpdu,
            code,
            Event::RdmawProt,
            "remote_protection_errors",
        );
    }
    // At the edge it is good.
    bench.expect(0x8003 + 0x4000 - 100, &payload);
    bench.send(1, &tagged(0, true, BUFFER, top - 100, &payload));
    bench.finish();
    assert!(bench.vi_errors.is_empty());
}

#[test]
fn bad_headers_draw_terminates() {
    let mut bench = small("rx_bad_headers", 2);
    let good = untagged(send(3, 1, 0, true, 0), &[7; 12]);
    let reseal = |mut fpdu: Vec<u8>| {
        let end = fpdu.len() - 4;
        let crc = wire::crc32c(&fpdu[..end]);
        fpdu[end..].copy_from_slice(&crc.to_le_bytes());
        fpdu
    };
    let with = |at: usize, value: u8| {
        let mut fpdu = good.clone();
        fpdu[at] = value;
        reseal(fpdu)
    };
    let ddp = "ddp_errors";
    let rdmap = "rdmap_errors";
    let event = Event::RecvError;
    refused(
        &mut bench,
        &with(2, 0x42),
        terminate::DDP_UNTAGGED_VERSION,
        event,
        ddp,
    );
    refused(
        &mut bench,
        &with(3, 0x83),
        terminate::RDMAP_VERSION,
        event,
        rdmap,
    );
    for opcode in [8, 9, 10, 15] {
        refused(
            &mut bench,
            &with(3, 0x40 | opcode),
            terminate::RDMAP_OPCODE,
            event,
            rdmap,
        );
    }
    refused(
        &mut bench,
        &with(3, 0x40),
        terminate::RDMAP_OPCODE,
        event,
        rdmap,
    );
    refused(&mut bench, &with(11, 1), terminate::DDP_QN, event, ddp);
    refused(&mut bench, &with(11, 3), terminate::DDP_QN, event, ddp);
    refused(&mut bench, &with(15, 2), terminate::DDP_MSN, event, ddp);
    refused(&mut bench, &with(19, 4), terminate::DDP_MO, event, ddp);
    let mut version = tagged(0, true, BUFFER, 0x1_0000, &[1; 4]);
    version[2] = 0xC2;
    refused(
        &mut bench,
        &reseal(version),
        terminate::DDP_TAGGED_VERSION,
        event,
        ddp,
    );
    let short = reseal(vec![0, 10, 0x41, 0x43, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    refused(
        &mut bench,
        &short,
        terminate::RDMAP_CATASTROPHIC,
        event,
        ddp,
    );
    // A bad CRC in a good link frame is MPA error 2; so is a length that disagrees with the frame's.
    let mut crc = good.clone();
    crc[21] ^= 4;
    refused(
        &mut bench,
        &crc,
        terminate::MPA_CRC,
        event,
        "mpa_crc_errors",
    );
    let mut length = good.clone();
    length[1] += 4;
    refused(
        &mut bench,
        &reseal(length),
        terminate::MPA_CRC,
        event,
        "mpa_crc_errors",
    );
    // Read Requests and Read Responses.
    let request = Untagged {
        opcode: 1,
        qn: 1,
        ..send(1, 1, 0, true, 0)
    };
    refused(
        &mut bench,
        &untagged(request, &[0; 24]),
        terminate::DDP_TOO_LONG,
        event,
        ddp,
    );
    refused(
        &mut bench,
        &tagged(2, true, BUFFER, 0x1_0000, &[1; 4]),
        terminate::DDP_INVALID_STAG,
        event,
        ddp,
    );
    bench.read_in_full = true;
    refused(
        &mut bench,
        &untagged(request, &[0; 28]),
        terminate::DDP_NO_BUFFER,
        event,
        ddp,
    );
    bench.read_in_full = false;
    for (stag, to, length, last, code) in [
        (READ_ONLY, 0x1_0000, 8, true, terminate::DDP_INVALID_STAG),
        (BUFFER, 0x1_0001, 8, true, terminate::DDP_BOUNDS),
        (BUFFER, 0x1_0001_0000, 8, true, terminate::DDP_BOUNDS),
        (BUFFER, 0x1_0000, 9, false, terminate::DDP_BOUNDS),
        (BUFFER, 0x1_0000, 7, true, terminate::DDP_BOUNDS),
    ] {
        bench.read(1, BUFFER, 0x1_0000, 8);
        bench.finish();
        refused(
            &mut bench,
            &tagged(2, last, stag, to, &vec![1; length]),
            code,
            event,
            ddp,
        );
    }
    assert!(bench.read_done.is_empty());
    bench.read(1, READ_ONLY, 0x1_0000, 8);
    bench.finish();
    let fpdu = tagged(2, true, READ_ONLY, 0x1_0000, &[1; 8]);
    refused(
        &mut bench,
        &fpdu,
        terminate::RDMAP_CATASTROPHIC,
        event,
        "local_protection_errors",
    );
}

#[test]
fn messages_without_room_complete_in_error() {
    let mut bench = small("rx_no_room", 3);
    let event = Event::RecvError;
    let fpdu = untagged(send(3, 1, 0, true, 0), &[9; 30]);
    refused(
        &mut bench,
        &fpdu,
        terminate::DDP_NO_BUFFER,
        Event::RecvqEmpty,
        "receive_queue_empty",
    );
    assert!(bench.completions().is_empty());

    // Too long: what fits is written, the descriptor completes with a length error.
    bench.post(
        1,
        DESCRIPTORS,
        0x7000_0000_1040,
        &[(0x1_0000, BUFFER, 10), (0x1_0020, BUFFER, 19)],
    );
    bench.expect(0x8003, &[9; 10]);
    bench.expect(0x8023, &[9; 19]);
    refused(
        &mut bench,
        &fpdu,
        terminate::DDP_TOO_LONG,
        event,
        "ddp_errors",
    );
    let cqe = bench.completions();
    assert_eq!((cqe.len(), cqe[0][6], cqe[0][7]), (1, 0x1_0009, 3));

    // A segment that the TPT refuses, a descriptor that it refuses, a malformed one.
    bench.post(1, DESCRIPTORS, 0x7000_0000_1080, &[(0x1_0000, 0x9900, 40)]);
    refused(
        &mut bench,
        &fpdu,
        terminate::RDMAP_CATASTROPHIC,
        event,
        "local_protection_errors",
    );
    assert_eq!(bench.completions()[0][6], 0x1_0005);
    bench.queues.get_mut(&1).unwrap().push_back((0x9900, 0x40));
    bench.cycle();
    refused(
        &mut bench,
        &fpdu,
        terminate::RDMAP_CATASTROPHIC,
        event,
        "local_protection_errors",
    );
    assert_eq!(bench.completions()[0][6], 0x1_0005);
    let seven: Vec<_> = (0..7).map(|i| (0x1_0000 + i * 10, BUFFER, 10)).collect();
    bench.post(1, DESCRIPTORS, 0x7000_0000_1100, &seven);
    refused(
        &mut bench,
        &fpdu,
        terminate::RDMAP_CATASTROPHIC,
        event,
        "descriptor_fetch",
    );
    assert_eq!(bench.completions()[0][6], 0x1_0003);
    assert_eq!(bench.receive_done.len(), 4);
}

#[test]
fn invalidate_is_refused_or_too_long() {
    let mut bench = small("rx_invalidate_refused", 4);
    bench.post(1, DESCRIPTORS, 0x7000_0000_1040, &[(0x1_0000, BUFFER, 100)]);
    let fpdu = untagged(send(4, 1, 0, true, 0x1234), &[5; 30]);
    let code = terminate::RDMAP_CANNOT_INVALIDATE;
    refused(
        &mut bench,
        &fpdu,
        code,
        Event::InvalidateRefused,
        "invalidate_refusals",
    );
    assert!(bench.completions().is_empty() && bench.releases.is_empty());

    let binding = Binding {
        one_shot: true,
        context: 0xC0,
        reply_handle: BUFFER,
        reply_va: 0x1_0100,
        reply_length: 29,
    };
    bench.bindings.insert(0x1234, binding);
    refused(
        &mut bench,
        &fpdu,
        terminate::DDP_TOO_LONG,
        Event::RecvError,
        "ddp_errors",
    );
    assert_eq!(
        bench.completions(),
        [[0x0100_0202, 0, 0xC0, 0, 0x1234, 30, 0, 0x2000_0C04]]
    );
    assert_eq!(bench.releases, [0x1234]);

    bench.bindings.insert(
        0x1234,
        Binding {
            reply_handle: READ_ONLY,
            reply_length: 64,
            ..binding
        },
    );
    refused(
        &mut bench,
        &fpdu,
        terminate::RDMAP_CATASTROPHIC,
        Event::RecvError,
        "local_protection_errors",
    );
    let record = &bench.completions()[0];
    assert_eq!((record[4], record[7]), (0x1234, 0x2000_0D04));
}

#[test]
fn link_faults_are_repaired_and_counted() {
    let mut bench = small("rx_link_faults", 5);
    bench.pace = 0.8;
    let payload = bench.bytes(32);
    let fpdu = tagged(0, true, BUFFER, 0x1_0000, &payload);
    let header = Link {
        kind: 0xD1,
        flags: 0,
        vi: 1,
        from: 2,
        sequence: 1000,
        acknowledged: 9,
    };
    let good = link(header, &fpdu);
    // Damaged headers, cut and stretched frames, wrong VIs, an unknown type.
    for word in 0..5 {
        let mut bad = good.clone();
        bad[word] ^= 1 << 5;
        bench.put(bad);
    }
    for length in [1, 3, 4, 5, 6, good.len() - 1] {
        bench.put(good[..length].to_vec());
    }
    let mut long = good.clone();
    long.push(0);
    bench.put(long);
    bench.put(link(
        Link {
            kind: 0xD7,
            ..header
        },
        &fpdu,
    ));
    bench.put(link(header, &fpdu[..fpdu.len() - 2]));
    bench.put(link(header, &vec![0; 1024]));
    bench.finish();
    assert_eq!(bench.count("link_header_errors"), 5 + 6 + 1 + 1 + 1 + 1);
    bench.put(link(Link { vi: 3, ..header }, &fpdu));
    bench.put(link(Link { vi: 17, ..header }, &fpdu));
    bench.put(link(Link { from: 1, ..header }, &fpdu));
    bench.put(link(
        Link {
            kind: 0xD2,
            vi: 3,
            ..header
        },
        &[],
    ));
    bench.finish();
    assert_eq!(bench.count("link_unknown_vi"), 4);
    assert!(bench.owed.is_empty());
    bench.acks.clear();

    // A gap is said once; what fills it is placed; what comes again is acknowledged again.
    let length = fpdu.len() as u32;
    for _ in 0..3 {
        bench.send_at(1, 1000 + length, &fpdu);
    }
    bench.finish();
    assert_eq!(bench.count("link_gaps"), 3);
    assert_eq!(
        bench.owed,
        [Owed {
            vi: 1,
            sequence: 1000,
            now: true,
            nak: true
        }]
    );
    bench.expect(0x8003, &payload);
    bench.send(1, &fpdu);
    bench.send(1, &fpdu);
    bench.send_at(1, 1000, &fpdu);
    bench.send_at(1, 1000 + length, &fpdu);
    bench.finish();
    assert_eq!(bench.count("place"), 2);
    assert_eq!(bench.count("link_duplicates"), 2);
    let last = bench.owed.last().copied().unwrap();
    assert_eq!(
        last,
        Owed {
            vi: 1,
            sequence: 1000 + 2 * length,
            now: true,
            nak: false
        }
    );
    for window in bench.owed.windows(2) {
        assert!(
            window[0].sequence <= window[1].sequence,
            "acknowledgements never go back"
        );
    }
    // Pure acknowledgements carry a NAK along.
    bench.acks.clear();
    bench.put(link(
        Link {
            kind: 0xD2,
            flags: 1,
            acknowledged: 4321,
            ..header
        },
        &[],
    ));
    bench.finish();
    assert_eq!(bench.acks, [(1, 4321, true)]);
    goes_on(&mut bench);
}

#[test]
fn unreliable_vis_take_gaps_and_drop_what_is_broken() {
    let mut bench = small("rx_unreliable", 6);
    for i in 0..3 {
        bench.post(
            2,
            DESCRIPTORS,
            0x7000_0000_1040 + i * 64,
            &[(0x1_0000 + i * 1000, BUFFER, 600)],
        );
    }
    // A message is lost, the next one is taken.
    bench.sequence[2] = bench.sequence[2].wrapping_add(40);
    let payload = bench.bytes(50);
    bench.expect(0x8003, &payload);
    bench.send(2, &untagged(send(3, 7, 0, true, 0), &payload));
    bench.finish();
    assert_eq!(bench.completions()[0][5..7], [50, 0x1_0001]);
    // The second half of a message is lost: its descriptor completes in error, the message after the next is taken.
    let payload = bench.bytes(30);
    bench.expect(0x8003 + 1000, &payload);
    bench.send(2, &untagged(send(3, 8, 0, false, 0), &payload));
    bench.send(2, &untagged(send(3, 9, 0, true, 0), &payload));
    bench.finish();
    let cqe = bench.completions();
    assert_eq!((cqe.len(), cqe[0][6]), (1, 0x1_0041));
    assert_eq!(
        bench.events.drain(..).collect::<Vec<_>>(),
        [(2, Event::RecvError as u8)]
    );
    bench.expect(0x8003 + 2000, &payload);
    bench.send(2, &untagged(send(3, 10, 0, true, 0), &payload));
    bench.finish();
    assert_eq!(bench.completions()[0][5..7], [30, 0x1_0001]);
    // No descriptor, a refused Write, a Write with a bad CRC: events, no Terminate.
    bench.send(2, &untagged(send(3, 11, 0, true, 0), &payload));
    bench.send(2, &tagged(0, true, 0x999, 0, &payload));
    let mut fpdu = tagged(0, true, BUFFER, 0x1_0000, &payload);
    fpdu[20] ^= 1;
    bench.send(2, &fpdu);
    bench.finish();
    let events = [Event::RecvqEmpty, Event::RdmawProt, Event::RdmawData].map(|e| (2, e as u8));
    assert_eq!(bench.events.drain(..).collect::<Vec<_>>(), events);
    assert!(bench.terminates().is_empty() && bench.vi_errors.is_empty());
    let before = bench.count("place");
    bench.expect(0x8003, &payload);
    bench.send(2, &tagged(0, true, BUFFER, 0x1_0000, &payload));
    bench.finish();
    assert_eq!(bench.count("place"), before + 1);
}

#[test]
fn a_terminate_breaks_its_vi() {
    let mut bench = small("rx_terminate", 7);
    bench.send(
        1,
        &untagged(
            Untagged {
                opcode: 7,
                qn: 2,
                ..send(7, 1, 0, true, 0)
            },
            &[0x10, 0x02, 0, 0],
        ),
    );
    bench.finish();
    assert_eq!(bench.vi_errors, [(1, Event::TerminateReceived as u8)]);
    assert_eq!(bench.count("terminates_received"), 1);
    goes_on(&mut bench);
}

#[test]
fn bad_raw_frames_are_dropped() {
    let mut bench = small("rx_bad_raw", 8);
    bench.raw_ring = (0x1_0000, 4, 0);
    let header = Link {
        kind: 0xD3,
        flags: 0,
        vi: 0,
        from: 0,
        sequence: 0,
        acknowledged: 0,
    };
    let mut bad = raw(&[1; 20]);
    bad[9] ^= 1;
    bench.put(link(header, &bad));
    let mut lie = raw(&[1; 20]);
    lie[0] = 60;
    let crc = wire::crc32c(&lie[..24]);
    lie[24..].copy_from_slice(&crc.to_le_bytes());
    bench.put(link(header, &lie));
    bench.put(link(header, &raw(&[])));
    bench.finish();
    assert_eq!(bench.count("raw_dropped"), 3);
    assert!(bench.completions().is_empty());
}

/// Everything at once, with half of the frames damaged: rust-hdl and Verilator agree, memory keeps its guards.
#[test]
fn random_damage() {
    let mut bench = small("rx_random_damage", 9);
    bench.pace = 0.7;
    let mut delivered = 0;
    for _ in 0..60 {
        let length = bench.random.below(120) as usize;
        let payload = bench.bytes(length);
        let offset = bench.random.below(0x2000);
        let fpdu = tagged(0, true, BUFFER, 0x1_0000 + offset, &payload);
        let header = Link {
            kind: 0xD1,
            flags: 0,
            vi: 0,
            from: 1,
            sequence: bench.sequence[0],
            acknowledged: 0,
        };
        let mut words = link(header, &fpdu);
        // The FPDU itself stays whole: a bad one would break the VI.
        let damage = bench.random.below(4);
        match damage {
            0 => {
                let (word, bit) = (bench.random.below(5) as usize, bench.random.below(32));
                words[word] ^= 1 << bit;
            }
            1 => words.truncate(1 + bench.random.below(words.len() as u64 - 1) as usize),
            _ => {
                bench.sequence[0] += fpdu.len() as u32;
                bench.expect(0x8003 + offset, &payload);
                delivered += 1;
            }
        }
        bench.put(words);
    }
    bench.finish();
    assert!(delivered > 10);
    assert_eq!(bench.count("place"), delivered);
}
