//! Bench of the register memory alone: what cannot be reached through the BARs in reasonable time.

use rnic_abi::registers::map;
use rnic_hdl::host::register_memory::RegisterMemory;
use rnic_verilate::Dut;

/// Loads the two words of an entry.
fn load(dut: &mut Dut<RegisterMemory>, entry: u64) -> u64 {
    dut.drive(|b| {
        b.op_valid.next = true;
        b.op_entry.next = entry.into();
        b.op_wide.next = true;
    });
    let mut value = 0;
    for _ in 0..80 {
        dut.settle();
        let block = dut.block();
        if block.low_valid.val() {
            value = block.value.val().to_u64();
        }
        if block.high_valid.val() {
            value |= block.value.val().to_u64() << 32;
        }
        let done = block.op_done.val();
        dut.tick();
        if done {
            dut.drive(|b| b.op_valid.next = false);
            return value;
        }
    }
    panic!("entry {entry:#x} was not loaded");
}

#[test]
fn a_low_word_that_wraps_carries_into_the_high_word() {
    // Counter low words at the brink, high words at 7; no reset, so they stay.
    let mut words = vec![0_u32; 256];
    for counter in 0..64 {
        words[0x80 + 2 * counter] = 0xFFFF_FFFE;
        words[0x81 + 2 * counter] = 7;
    }
    let cycles = (map::CYCLES / 4) as usize;
    words[cycles] = 0xFFFF_FFF8;
    words[cycles + 1] = 41;
    let mut dut = Dut::new("register_memory", RegisterMemory::with_words(&words), |b| {
        &mut b.clock
    })
    .unwrap();
    // All sources have counted one more than memory holds (low bits 7), then three more (low bits 2).
    let mut live = 7_u64;
    for round in 0..3 {
        for _ in 0..130 {
            // `live` follows the entry by one cycle, as in `counters`.
            dut.settle();
            let entry = dut.block().entry.val().to_u64();
            let low_word = entry & 0x81 == 0x80;
            dut.tick();
            dut.drive(|b| {
                b.live.next = live.into();
                b.live_mask.next = if low_word { 7_u64 } else { 0 }.into();
            });
        }
        let expected = [0x7_FFFF_FFFF_u64, 0x8_0000_0002, 0x8_0000_0005][round];
        dut.drive(|b| b.live_mask.next = 0_u64.into());
        for counter in [0, 17, 43] {
            assert_eq!(
                load(&mut dut, 0x80 + 2 * counter),
                expected,
                "counter {counter}"
            );
        }
        live = (live + 3) % 8;
    }
    // Sources that are never visited stay.
    assert_eq!(load(&mut dut, 0x80 + 2 * 50), 0x7_FFFF_FFFE);
    assert_eq!(load(&mut dut, cycles as u64), 0x29_FFFF_FFF8);
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    let words: Vec<u32> = (0..256_u32).map(|i| i.wrapping_mul(0x9E37_79B9)).collect();
    let mut dut = Dut::new(
        "register_memory_fuzz",
        RegisterMemory::with_words(&words),
        |b| &mut b.clock,
    )
    .unwrap();
    dut.fuzz(20_000, 4, |b, random| {
        b.reset.next = random.chance(0.01);
        b.op_valid.next = random.chance(0.7);
        b.op_entry.next = random.uniform();
        b.op_store.next = random.chance(0.2);
        b.op_clear.next = random.chance(0.2);
        b.op_wide.next = random.chance(0.3);
        b.op_data.next = random.bits();
        b.set_valid.next = random.chance(0.4);
        b.set_vi.next = random.uniform();
        b.set_mask.next = (1_u64 << random.below(16)).into();
        b.failing.valid.next = random.chance(0.05);
        b.failing.vi.next = random.uniform();
        b.failing.va.next = random.bits();
        b.live.next = random.bits();
        b.live_mask.next = random.bits();
    });
}
