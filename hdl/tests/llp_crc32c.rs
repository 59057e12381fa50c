//! CRC32c against published vectors and an independent bitwise model.

use rnic_hdl::llp::crc32c::{Crc32c, Crc32cStep};
use rnic_verilate::{check_block, Dut, Stimulus};

/// Bit by bit with the polynomial as RFC 3720 writes it, most significant term first: nothing shared with the block.
fn model(bytes: &[u8]) -> u32 {
    let mut state = u32::MAX;
    for bit in bytes.iter().flat_map(|&b| (0..8).map(move |i| b >> i & 1)) {
        let out = (state >> 31) as u8 ^ bit;
        state = state << 1 ^ if out == 1 { 0x1EDC_6F41 } else { 0 };
    }
    (!state).reverse_bits()
}

struct Bench(Dut<Crc32c>);

impl Bench {
    fn new() -> Self {
        Self(Dut::new("crc32c", Crc32c::new(), |b| &mut b.clock).unwrap())
    }
    fn word(&mut self, clear: bool, enable: bool, data: u32) {
        self.0.drive(|b| {
            b.clear.next = clear;
            b.enable.next = enable;
            b.data.next = u64::from(data).into();
        });
        self.0.tick();
    }
    fn message(&mut self, bytes: &[u8]) -> u32 {
        for (i, word) in bytes.chunks(4).enumerate() {
            self.word(i == 0, true, u32::from_le_bytes(word.try_into().unwrap()));
        }
        self.crc()
    }
    fn crc(&self) -> u32 {
        self.0.block().crc.val().to_u64() as u32
    }
    fn good(&self) -> bool {
        self.0.block().good.val()
    }
}

#[test]
fn crc32c_passes_the_static_checks() {
    check_block("crc32c_step", &mut Crc32cStep::default()).unwrap();
    check_block("crc32c", &mut Crc32c::new()).unwrap();
}

/// RFC 3720 appendix B.4; its byte lists are the CRC as sent, first byte first.
#[test]
fn rfc_3720_vectors() {
    let read_command = [
        0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0,
        0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ];
    let ascending: Vec<u8> = (0..32).collect();
    let descending: Vec<u8> = (0..32).rev().collect();
    let mut bench = Bench::new();
    for (bytes, crc) in [
        (vec![0; 32], [0xaa, 0x36, 0x91, 0x8a]),
        (vec![0xff; 32], [0x43, 0xab, 0xa8, 0x62]),
        (ascending, [0x4e, 0x79, 0xdd, 0x46]),
        (descending, [0x5c, 0xdb, 0x3f, 0x11]),
        (read_command.to_vec(), [0x56, 0x3a, 0x96, 0xd9]),
    ] {
        let crc = u32::from_le_bytes(crc);
        assert_eq!(model(&bytes), crc);
        assert_eq!(bench.message(&bytes), crc);
        bench.word(false, true, crc);
        assert!(bench.good());
        bench.word(false, true, 0);
        assert!(!bench.good());
    }
}

#[test]
fn pauses_and_a_lone_clear_do_not_count() {
    let mut bench = Bench::new();
    bench.word(false, true, 0x1234_5678);
    bench.word(true, false, 0xffff_ffff);
    for word in [0x0403_0201_u32, 0x0807_0605] {
        bench.word(false, true, word);
        bench.word(false, false, 0xdead_beef);
    }
    assert_eq!(bench.crc(), model(&[1, 2, 3, 4, 5, 6, 7, 8]));
}

#[test]
fn any_message_and_any_single_bit_error() {
    let mut random = Stimulus::new(3);
    let mut bench = Bench::new();
    for _ in 0..50 {
        let words = random.below(40) as usize + 1;
        let mut bytes: Vec<u8> = (0..words * 4).map(|_| random.below(256) as u8).collect();
        let crc = bench.message(&bytes);
        assert_eq!(crc, model(&bytes));
        bytes.extend(crc.to_le_bytes());
        bench.message(&bytes);
        assert!(bench.good());
        let bit = random.below(bytes.len() as u64 * 8) as usize;
        bytes[bit / 8] ^= 1 << (bit % 8);
        bench.message(&bytes);
        assert!(!bench.good());
    }
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    Bench::new().0.fuzz(3_000, 1, |b, random| {
        b.clear.next = random.chance(0.1);
        b.enable.next = random.chance(0.8);
        b.data.next = random.bits();
    });
}
