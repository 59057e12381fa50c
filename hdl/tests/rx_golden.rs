//! The parser and the checks against captures of Linux soft-iWARP (tests/golden, made by convert.py).

mod rx_bench;

use std::path::Path;

use rnic_abi::config::FULL;
use rnic_hdl::llp::crc32c::Crc32c;
use rnic_hdl::rx::ddp_parse::DdpParse;
use rnic_hdl::rx::receive::FullReceive;
use rnic_verilate::Dut;
use rx_bench::wire::crc32c;
use rx_bench::Bench;

const UNRELIABLE: u8 = 1;
/// FPDUs of each capture, and its RDMA Read Requests.
const FPDUS: usize = 923;
const READ_REQUESTS: usize = 15;

fn vectors(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/golden")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let byte = |at: &str| u8::from_str_radix(at, 16).unwrap();
    let mut vectors: Vec<Vec<u8>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        // `=N`: the same as vector N.
        let vector = match line.strip_prefix('=') {
            Some(number) => vectors[number.parse::<usize>().unwrap()].clone(),
            None => (0..line.len() / 2)
                .map(|i| byte(&line[2 * i..2 * i + 2]))
                .collect(),
        };
        vectors.push(vector);
    }
    assert_eq!(vectors.len(), FPDUS, "{name} is a whole capture");
    vectors
}

/// A ULPDU read byte by byte, as RFC 5041 figures 4 and 5 and RFC 5040 figure 4 draw it.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    tagged: bool,
    last: bool,
    opcode: u8,
    field: u32,
    to: u64,
    qn: u32,
    msn: u32,
    mo: u32,
    bytes: usize,
}

fn decode(ulpdu: &[u8]) -> Decoded {
    let word = |at: usize| u32::from_be_bytes(ulpdu[at..at + 4].try_into().unwrap());
    let tagged = ulpdu[0] & 0x80 != 0;
    assert_eq!((ulpdu[0] & 3, ulpdu[1] >> 6), (1, 1), "versions");
    let untagged_word = |at| if tagged { 0 } else { word(at) };
    Decoded {
        tagged,
        last: ulpdu[0] & 0x40 != 0,
        opcode: ulpdu[1] & 15,
        field: word(2),
        to: if tagged {
            u64::from(word(6)) << 32 | u64::from(word(10))
        } else {
            0
        },
        qn: untagged_word(6),
        msn: untagged_word(10),
        mo: untagged_word(14),
        bytes: ulpdu.len() - if tagged { 14 } else { 18 },
    }
}

fn frame(ulpdu: &[u8]) -> Vec<u32> {
    let mut bytes = (ulpdu.len() as u16).to_be_bytes().to_vec();
    bytes.extend(ulpdu);
    bytes.resize(bytes.len().next_multiple_of(4).max(20), 0);
    bytes
        .chunks(4)
        .map(|c| u32::from_le_bytes(c.try_into().unwrap()))
        .collect()
}

/// Gives the header words to the parser, with what a context would expect; returns the code of its refusal.
fn parse(dut: &mut Dut<DdpParse>, words: &[u32], expected: [u32; 5]) -> Option<u32> {
    let count = if words[0] >> 16 & 0x80 != 0 { 4 } else { 5 };
    for index in 0..count {
        dut.drive(|b| {
            b.take.next = true;
            b.index.next = (index as u64).into();
            b.word.next = u64::from(words[index]).into();
            b.expected.next = u64::from(expected[index]).into();
        });
        dut.tick();
    }
    dut.drive(|b| b.take.next = false);
    dut.settle();
    let block = dut.block();
    block.refused.val().then(|| block.code.val().to_u32())
}

fn check_ulpdus(name: &str, ulpdus: &[Vec<u8>]) {
    let mut dut = Dut::new(name, DdpParse::new(), |b| &mut b.clock).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for ulpdu in ulpdus {
        let decoded = decode(ulpdu);
        kinds.insert((decoded.opcode, decoded.last));
        let words = frame(ulpdu);
        let (high, low) = ((decoded.to >> 32) as u32, decoded.to as u32);
        let expected = if decoded.tagged {
            [0, decoded.field, high, low, 0]
        } else {
            [0, 0, decoded.qn, decoded.msn, decoded.mo]
        };
        assert_eq!(parse(&mut dut, &words, expected), None, "{decoded:?}");
        let b = dut.block();
        let parsed = (b.tagged.val(), b.last.val(), b.opcode.val().to_u32() as u8);
        assert_eq!(parsed, (decoded.tagged, decoded.last, decoded.opcode));
        assert_eq!(b.field.val().to_u32(), decoded.field);
        assert_eq!(b.bytes.val().to_u64() as usize, decoded.bytes);
        assert_eq!(b.ulpdu_bytes.val().to_u64() as usize, ulpdu.len());
        if decoded.tagged {
            assert_eq!(
                (
                    b.stag.val().to_u32(),
                    b.high.val().to_u32(),
                    b.low.val().to_u32()
                ),
                (decoded.field, high, low)
            );
        } else {
            assert_eq!(
                (b.high.val().to_u32(), b.low.val().to_u32()),
                (decoded.qn, decoded.msn)
            );
            // Any other expectation is refused, with the code that says which.
            for (index, code) in [(2, 0x1201), (3, 0x1203), (4, 0x1204)] {
                let mut other = expected;
                other[index] ^= 1 << (index * 7);
                assert_eq!(parse(&mut dut, &words, other), Some(code));
            }
        }
    }
    assert!(kinds.len() >= 8, "{kinds:?}");
}

#[test]
fn ulpdus_of_siw_default() {
    check_ulpdus("golden_default", &vectors("siw-default.txt"));
}

#[test]
fn fpdus_of_siw_crc() {
    let fpdus = vectors("siw-crc.txt");
    let ulpdus: Vec<Vec<u8>> = fpdus
        .iter()
        .map(|fpdu| fpdu[2..2 + usize::from(u16::from_be_bytes([fpdu[0], fpdu[1]]))].to_vec())
        .collect();
    check_ulpdus("golden_crc", &ulpdus);
    let mut dut = Dut::new("golden_crc32c", Crc32c::new(), |b| &mut b.clock).unwrap();
    for fpdu in &fpdus {
        let end = fpdu.len() - 4;
        assert_eq!(crc32c(&fpdu[..end]).to_le_bytes(), fpdu[end..]);
        for (index, word) in fpdu.chunks(4).enumerate() {
            dut.drive(|b| {
                b.clear.next = index == 0;
                b.enable.next = true;
                b.data.next = u64::from(u32::from_le_bytes(word.try_into().unwrap())).into();
            });
            dut.tick();
        }
        assert!(dut.block().good.val());
    }
}

/// The whole capture through the composite, on an unreliable VI, where segments of different messages may follow each other.
#[test]
fn full_takes_the_fpdus_of_siw_crc() {
    let mut bench: Bench<4, 9, 10, 11, 11> = Bench::new("golden_full", FullReceive::new(&FULL), 1);
    bench.connect(9, UNRELIABLE, 0);
    let fpdus = vectors("siw-crc.txt");
    // The Terminate breaks the VI; in the capture it is the last one.
    let terminate = fpdus.iter().position(|fpdu| fpdu[3] & 15 == 7);
    assert_eq!(terminate, Some(FPDUS - 1));
    let mut requests = 0;
    for some in fpdus.chunks(100) {
        for fpdu in some {
            bench.send(9, fpdu);
            requests += usize::from(fpdu[3] & 15 == 1);
        }
        bench.finish();
    }
    assert_eq!(bench.count("mpa_check") as usize, fpdus.len());
    assert_eq!(
        bench.count("mpa_crc_errors")
            + bench.count("rdmap_errors")
            + bench.count("link_header_errors"),
        0
    );
    assert_eq!(bench.count("terminates_received"), 1);
    let records = bench.requests();
    assert_eq!(records.len(), requests);
    let mut expected = fpdus.iter().filter(|f| f[3] & 15 == 1);
    for record in records {
        let payload = &expected.next().unwrap()[20..48];
        let words: Vec<u32> = payload
            .chunks(4)
            .map(|c| u32::from_be_bytes(c.try_into().unwrap()))
            .collect();
        assert_eq!(record[0], 9);
        assert_eq!(record[1..], words);
    }
    assert_eq!(requests, READ_REQUESTS);
}
