//! Bench of the byte realigner: gather, scatter, throughput, reset.

use std::collections::VecDeque;

use rnic_hdl::host::realign::Realign;
use rnic_verilate::{lint, Dut, Stimulus};
use rust_hdl::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Piece {
    from: usize,
    to: usize,
    bytes: usize,
    first: bool,
    last: bool,
    split: bool,
}

fn dut() -> Dut<Realign> {
    Dut::new("host_realign", Realign::default(), |b| &mut b.clock).unwrap()
}

/// The words that hold `bytes`, put at byte `from` of the first; other bytes are 0xEE.
fn words(from: usize, bytes: &[u8]) -> Vec<u32> {
    let mut padded = vec![0xEE; from];
    padded.extend_from_slice(bytes);
    padded.resize(padded.len().div_ceil(4) * 4, 0xEE);
    let words = padded.chunks(4);
    words
        .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
        .collect()
}

/// Runs until `records` output records are complete; gives their words, and the cycles it took.
fn run(
    dut: &mut Dut<Realign>,
    random: &mut Stimulus,
    pieces: &[Piece],
    input: &[u32],
    records: usize,
    pace: f64,
) -> (Vec<Vec<u32>>, usize) {
    let (mut pieces, mut input) = (
        pieces.iter().copied().collect::<VecDeque<_>>(),
        input.iter().copied().collect::<VecDeque<_>>(),
    );
    let mut output = vec![vec![]];
    let mut cycles = 0;
    let (mut offer_piece, mut offer_word) = (false, false);
    while output.len() <= records {
        offer_piece = !pieces.is_empty() && (offer_piece || random.chance(pace));
        offer_word = !input.is_empty() && (offer_word || random.chance(pace));
        let take = random.chance(pace);
        let (piece, word) = (pieces.front().copied(), input.front().copied());
        dut.drive(|b| {
            b.piece.valid.next = offer_piece;
            if let Some(piece) = piece {
                b.piece.from.next = piece.from.to_bits();
                b.piece.to.next = piece.to.to_bits();
                b.piece.bytes.next = piece.bytes.to_bits();
                b.piece.first.next = piece.first;
                b.piece.last.next = piece.last;
                b.piece.split.next = piece.split;
            }
            b.rx.valid.next = offer_word;
            b.rx.data.next = u64::from(word.unwrap_or(0)).into();
            b.tx.ready.next = take;
        });
        dut.settle();
        let block = dut.block();
        if take && block.tx.valid.val() {
            let record = output.last_mut().unwrap();
            record.push(block.tx.data.val().to_u64() as u32);
            if block.tx.last.val() {
                output.push(vec![]);
            }
        }
        if offer_piece && block.piece.ready.val() {
            pieces.pop_front();
            offer_piece = false;
        }
        if offer_word && block.rx.ready.val() {
            input.pop_front();
            offer_word = false;
        }
        dut.tick();
        cycles += 1;
        assert!(cycles < 100_000, "stuck with {} pieces", pieces.len());
    }
    assert!(pieces.is_empty(), "{} pieces were not taken", pieces.len());
    assert!(input.is_empty(), "{} words were not taken", input.len());
    output.pop();
    (output, cycles)
}

/// The bytes of a record's words.
fn bytes(words: &[u32], to: usize, count: usize) -> Vec<u8> {
    assert_eq!(words.len(), (to + count).div_ceil(4), "words of a record");
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    bytes[to..to + count].to_vec()
}

#[test]
fn pieces_of_any_alignment_are_gathered_into_one_record() {
    let mut dut = dut();
    for seed in 0..12 {
        let mut random = Stimulus::new(seed);
        let (mut pieces, mut input, mut expected) = (vec![], vec![], vec![]);
        for _ in 0..40 {
            let (to, count) = (random.below(4) as usize, 1 + random.below(6) as usize);
            let mut record = vec![];
            for piece in 0..count {
                let from = random.below(4) as usize;
                let most = random.pick(&[9, 9, 60]);
                let length = 1 + random.below(most) as usize;
                let data: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
                input.extend(words(from, &data));
                record.extend(data);
                pieces.push(Piece {
                    from,
                    to,
                    bytes: length,
                    first: piece == 0,
                    last: piece == count - 1,
                    split: false,
                });
            }
            expected.push((to, record));
        }
        let pace = [0.3, 0.7, 1.0][seed as usize % 3];
        let (output, _) = run(&mut dut, &mut random, &pieces, &input, 40, pace);
        for (words, (to, record)) in output.iter().zip(&expected) {
            assert_eq!(&bytes(words, *to, record.len()), record);
        }
    }
}

#[test]
fn a_contiguous_stream_is_scattered_to_bursts_of_any_alignment() {
    let mut dut = dut();
    for seed in 0..12 {
        let mut random = Stimulus::new(seed);
        let (mut pieces, mut input, mut expected) = (vec![], vec![], vec![]);
        for _ in 0..20 {
            let start = random.below(4) as usize;
            let count = 1 + random.below(5) as usize;
            let mut stream = vec![];
            for piece in 0..count {
                let to = random.below(4) as usize;
                let most = random.pick(&[9, 9, 60]);
                let length = 1 + random.below(most) as usize;
                let data: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
                pieces.push(Piece {
                    from: (start + stream.len()) % 4,
                    to,
                    bytes: length,
                    first: true,
                    last: true,
                    split: piece != count - 1,
                });
                stream.extend_from_slice(&data);
                expected.push((to, data));
            }
            input.extend(words(start, &stream));
        }
        let pace = [0.3, 0.7, 1.0][seed as usize % 3];
        let records = expected.len();
        let (output, _) = run(&mut dut, &mut random, &pieces, &input, records, pace);
        for (words, (to, record)) in output.iter().zip(&expected) {
            assert_eq!(&bytes(words, *to, record.len()), record);
        }
    }
}

#[test]
fn a_word_moves_in_each_cycle_and_pieces_leave_no_gap() {
    let mut dut = dut();
    let mut random = Stimulus::new(1);
    let (mut pieces, mut input) = (vec![], vec![]);
    for piece in 0..8_u32 {
        let data: Vec<u8> = (40 * piece..40 * (piece + 1)).map(|b| b as u8).collect();
        input.extend(words(0, &data));
        pieces.push(Piece {
            from: 0,
            to: 0,
            bytes: 40,
            first: piece == 0,
            last: piece == 7,
            split: false,
        });
    }
    let (output, cycles) = run(&mut dut, &mut random, &pieces, &input, 1, 1.0);
    assert_eq!(output[0].len(), 80);
    // One cycle to take the first piece, one from input to output.
    assert_eq!(cycles, 82);
}

#[test]
fn the_longest_piece_passes() {
    let mut dut = dut();
    let mut random = Stimulus::new(2);
    let data: Vec<u8> = (0..4096).map(|_| random.below(256) as u8).collect();
    let piece = Piece {
        from: 3,
        to: 1,
        bytes: 4096,
        first: true,
        last: true,
        split: false,
    };
    let input = words(3, &data);
    let (output, _) = run(&mut dut, &mut random, &[piece], &input, 1, 1.0);
    assert_eq!(bytes(&output[0], 1, 4096), data);
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    dut().fuzz(6_000, 3, |b, random| {
        b.reset.next = random.chance(0.02);
        b.piece.from.next = random.uniform();
        b.piece.to.next = random.uniform();
        b.piece.bytes.next = (1 + random.below(20)).into();
        b.piece.first.next = random.chance(0.5);
        b.piece.last.next = random.chance(0.5);
        b.piece.split.next = random.chance(0.3);
        b.piece.valid.next = random.chance(0.7);
        b.rx.data.next = random.bits();
        b.rx.valid.next = random.chance(0.7);
        b.tx.ready.next = random.chance(0.7);
    });
}

#[test]
fn the_verilog_means_what_the_rust_says() {
    let mut block = Realign::default();
    block.connect_all();
    assert_eq!(lint(&block), []);
}
