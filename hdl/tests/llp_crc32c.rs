//! CRC32c against published vectors and an independent bitwise model.

use rnic_hdl::llp::crc32c::Crc32c;
use rust_hdl::prelude::*;

/// Bit by bit with the polynomial as RFC 3720 writes it, most significant term first: nothing shared with the block.
fn model(bytes: &[u8]) -> u32 {
    let mut state = u32::MAX;
    for bit in bytes.iter().flat_map(|&b| (0..8).map(move |i| b >> i & 1)) {
        let out = (state >> 31) as u8 ^ bit;
        state = state << 1 ^ if out == 1 { 0x1EDC_6F41 } else { 0 };
    }
    (!state).reverse_bits()
}

struct Bench(Crc32c);

impl Bench {
    fn new() -> Self {
        let mut block = Crc32c::new();
        block.connect_all();
        Self(block)
    }
    fn word(&mut self, clear: bool, enable: bool, data: u32) {
        self.0.clear.next = clear;
        self.0.enable.next = enable;
        self.0.data.next = u64::from(data).into();
        for level in [false, true] {
            self.0.clock.next = level.into();
            assert!(simulate(&mut self.0, 20));
        }
    }
    fn message(&mut self, bytes: &[u8]) -> u32 {
        for (i, word) in bytes.chunks(4).enumerate() {
            self.word(i == 0, true, u32::from_le_bytes(word.try_into().unwrap()));
        }
        self.0.crc.val().to_u32()
    }
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
        assert!(bench.0.good.val());
        bench.word(false, true, 0);
        assert!(!bench.0.good.val());
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
    assert_eq!(bench.0.crc.val().to_u32(), model(&[1, 2, 3, 4, 5, 6, 7, 8]));
}
