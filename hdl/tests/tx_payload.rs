//! Bench of the payload FIFO (packing of pieces of any alignment) and of the header fields.

use std::collections::VecDeque;

use rnic_hdl::tx::header_fields::HeaderFields;
use rnic_hdl::tx::payload_fifo::PayloadFifo;
use rnic_verilate::{Dut, Stimulus};

const LARGEST: u64 = 536;

struct Job {
    bytes: Vec<u8>,
    failed: bool,
}

/// One word of the bus: data, last of its piece, refused.
type BusWord = (u32, bool, bool);

/// The aligned words that hold `bytes` from byte `from` on; what was not asked for must not matter.
fn bus_words(from: usize, bytes: &[u8], random: &mut Stimulus) -> Vec<BusWord> {
    let mut all: Vec<u8> = (0..from).map(|_| random.below(256) as u8).collect();
    all.extend_from_slice(bytes);
    while all.len() % 4 != 0 {
        all.push(random.below(256) as u8);
    }
    let count = all.len() / 4;
    let word = |c: &[u8]| u32::from_le_bytes(c.try_into().unwrap());
    all.chunks(4)
        .enumerate()
        .map(|(i, c)| (word(c), i + 1 == count, false))
        .collect()
}

/// Sends `jobs` random jobs through, of at most `most` bytes in pieces of at most `piece`; returns words and cycles.
fn run(
    seed: u64,
    jobs: usize,
    most: u64,
    piece: u64,
    bus: f64,
    wire: f64,
    failures: f64,
) -> (u64, u64) {
    println!("seed {seed}");
    let mut random = Stimulus::new(seed);
    let mut dut = Dut::new("payload_fifo", PayloadFifo::<8>::new(LARGEST as u32), |b| {
        &mut b.clock
    })
    .unwrap();
    dut.drive(|b| b.reset.next = true);
    dut.tick();
    dut.drive(|b| b.reset.next = false);
    let (mut waiting, mut arriving): (VecDeque<(usize, Vec<u8>, bool)>, VecDeque<BusWord>) =
        Default::default();
    let mut expected: VecDeque<Job> = VecDeque::new();
    let (mut started, mut left, mut words, mut at, mut opened) = (0, 0, 0, 0, false);
    let begin = dut.cycle();
    while left < jobs {
        assert!(
            dut.cycle() - begin < 400_000,
            "stuck with {left} of {jobs} jobs"
        );
        let bytes = 1 + random.below(most);
        let wants = waiting.is_empty() && !opened && started < jobs;
        let next_piece = waiting.front().cloned();
        let give = random
            .chance(bus)
            .then(|| arriving.front().copied())
            .flatten();
        let take = random.chance(wire);
        dut.drive(|b| {
            b.job_bytes.next = bytes.into();
            b.open.next = false;
            b.push.next = false;
            b.write.next = give.is_some_and(|g| !g.2);
            b.arrived.next = give.is_some_and(|g| g.1);
            b.error.next = give.is_some_and(|g| g.2);
            b.word.next = u64::from(give.map_or(0xEEEE_EEEE, |g| g.0)).into();
            b.out_ready.next = take;
            if let Some((from, data, closes)) = &next_piece {
                b.from.next = (*from as u64).into();
                b.bytes.next = (data.len() as u64 % 4).into();
                b.closes.next = *closes;
            }
        });
        dut.settle();
        let (opens, pushes) = (
            wants && dut.block().room.val(),
            next_piece.is_some() && dut.block().takes.val(),
        );
        dut.drive(|b| {
            b.open.next = opens;
            b.push.next = pushes;
        });
        dut.settle();
        let out = (dut.block().out_valid.val() && take).then(|| {
            let b = dut.block();
            (
                b.out_data.val().to_u32(),
                b.out_last.val(),
                b.out_error.val(),
            )
        });
        dut.tick();
        opened = opens;
        if give.is_some() {
            arriving.pop_front();
        }
        if pushes {
            let (from, data, _) = waiting.pop_front().unwrap();
            if random.chance(failures) {
                arriving.push_back((0, true, true));
                expected.back_mut().unwrap().failed = true;
            } else {
                arriving.extend(bus_words(from, &data, &mut random));
            }
        }
        if opens {
            let bytes: Vec<u8> = (0..bytes).map(|_| random.below(256) as u8).collect();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let n = (1 + random.below(piece) as usize).min(rest.len());
                waiting.push_back((
                    random.below(4) as usize,
                    rest[..n].to_vec(),
                    n == rest.len(),
                ));
                rest = &rest[n..];
            }
            expected.push_back(Job {
                bytes,
                failed: false,
            });
            started += 1;
        }
        if let Some((data, last, error)) = out {
            let job = expected.front().expect("a job");
            let end = job.bytes.len().min(4 * at + 4);
            if !job.failed {
                let got = &data.to_le_bytes()[..end - 4 * at];
                assert_eq!(got, &job.bytes[4 * at..end], "word {at} of job {left}");
            }
            at += 1;
            words += 1;
            assert_eq!(
                last,
                end == job.bytes.len(),
                "job {left} of {} bytes",
                job.bytes.len()
            );
            if last {
                assert_eq!(error, job.failed);
                expected.pop_front();
                left += 1;
                at = 0;
            }
        }
    }
    dut.settle();
    assert!(dut.block().idle.val() && dut.block().quiet.val() && expected.is_empty());
    (words, dut.cycle() - begin)
}

#[test]
fn pieces_of_any_alignment_are_packed() {
    for seed in 0..4 {
        run(seed, 300, 40, 9, 1.0, 1.0, 0.0);
        run(seed, 300, 40, 9, 0.7, 0.5, 0.0);
        run(seed, 60, LARGEST, 200, 0.9, 0.8, 0.0);
    }
    // Every byte a piece of its own.
    run(4, 200, 20, 1, 1.0, 1.0, 0.0);
}

#[test]
fn long_pieces_pass_at_a_word_a_cycle() {
    let (words, cycles) = run(5, 100, LARGEST, LARGEST, 1.0, 1.0, 0.0);
    println!("{words} words in {cycles} cycles");
    assert!(words * 10 > cycles * 9);
}

#[test]
fn a_job_with_a_failed_piece_keeps_its_length_and_is_marked() {
    for seed in 6..9 {
        run(seed, 300, 60, 12, 0.9, 0.8, 0.1);
        run(seed, 100, LARGEST, 100, 1.0, 0.9, 0.1);
    }
}

#[test]
fn the_fifo_means_the_same_in_verilog() {
    let mut dut = Dut::new("payload_fifo", PayloadFifo::<8>::new(LARGEST as u32), |b| {
        &mut b.clock
    })
    .unwrap();
    dut.fuzz(5_000, 10, |b, random| {
        b.reset.next = random.chance(0.02);
        b.job_bytes.next = random.bits();
        b.open.next = random.chance(0.2);
        b.abandon.next = random.chance(0.02);
        b.from.next = random.bits();
        b.bytes.next = random.bits();
        b.closes.next = random.chance(0.3);
        b.push.next = random.chance(0.3);
        b.word.next = random.bits();
        b.write.next = random.chance(0.7);
        b.arrived.next = random.chance(0.3);
        b.error.next = random.chance(0.1);
        b.out_ready.next = random.chance(0.6);
    });
}

#[test]
fn the_header_fields_mean_the_same_in_verilog() {
    Dut::unclocked("header_fields", HeaderFields::new())
        .unwrap()
        .fuzz(5_000, 11, |b, random| {
            b.kind.next = random.bits();
            b.entry.next = random.bits();
            b.response.next = random.chance(0.3);
            b.last.next = random.chance(0.5);
            b.bytes.next = random.bits();
            b.nak.next = random.chance(0.3);
        });
}

#[test]
fn header_fields_say_what_the_standards_say() {
    let mut dut = Dut::unclocked("header_fields", HeaderFields::new()).unwrap();
    // kind, entry, response, last, bytes; DDP control, RDMAP control, MPA length, bytes behind the link header.
    let advertised = 1 | 0x40 << 4;
    let cases: [(u64, u64, bool, bool, u64, [u64; 4]); 8] = [
        (0, 0, false, true, 5, [0x41, 0x43, 23, 32]),
        (0, 0, false, false, 512, [0x01, 0x43, 530, 536]),
        (0, 1 << 17, false, true, 3, [0xC1, 0x40, 17, 24]),
        (0, 2 << 17, false, true, 28, [0x41, 0x41, 46, 52]),
        (0, advertised, false, true, 64, [0x41, 0x73, 82, 88]),
        (0, 2 | 4 << 4, false, true, 1, [0x41, 0x46, 19, 28]),
        (1, 0, true, false, 512, [0x81, 0x42, 526, 532]),
        (4, 0, false, false, 4, [0x41, 0x47, 22, 28]),
    ];
    for (kind, entry, response, last, bytes, expected) in cases {
        dut.drive(|b| {
            b.kind.next = kind.into();
            b.entry.next = entry.into();
            b.response.next = response;
            b.last.next = last;
            b.bytes.next = bytes.into();
        });
        dut.settle();
        let b = dut.block();
        let got = [
            b.control.val().to_u64(),
            b.opcode.val().to_u64(),
            b.ulpdu.val().to_u64(),
            b.frame_bytes.val().to_u64(),
        ];
        assert_eq!(got, expected, "kind {kind}, entry {entry:#x}");
    }
}
