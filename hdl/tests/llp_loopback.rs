//! Bench of the switch between wire and loopback: both ways, and the end of a frame that a reset cut.

use rnic_hdl::llp::loopback::Loopback;
use rnic_verilate::{check_block, Dut, Stimulus};

fn dut() -> Dut<Loopback> {
    Dut::new("loopback", Loopback::default(), |b| &mut b.clock).unwrap()
}

/// Cycles of a reset here.
const RESET_CYCLES: usize = 20;

/// Transmit offers a word, or nothing.
fn offer(dut: &mut Dut<Loopback>, word: Option<(u64, bool)>) {
    dut.drive(|b| {
        b.from_transmit.valid.next = word.is_some();
        b.from_transmit.data.next = word.map_or(0, |word| word.0).into();
        b.from_transmit.last.next = word.is_some_and(|word| word.1);
    });
}

/// The word on the wire in this cycle, if the wire takes one.
fn taken(dut: &mut Dut<Loopback>) -> Option<(u64, bool)> {
    dut.settle();
    let wire = &dut.block().wire_tx;
    (wire.valid.val() & wire.ready.val()).then(|| (u64::from(wire.data.val()), wire.last.val()))
}

/// Holds reset for some cycles, in which transmit offers nothing. Zeros follow what is `open`, and nothing else leaves; how
/// many.
fn reset(dut: &mut Dut<Loopback>, open: bool) -> usize {
    offer(dut, None);
    dut.drive(|b| b.reset.next = true);
    let mut zeros = 0;
    for _ in 0..RESET_CYCLES {
        let word = taken(dut);
        assert!(
            word.is_none() || word == Some((0, false)) && open,
            "{word:?}"
        );
        assert_eq!(dut.block().wire_tx.valid.val(), open);
        zeros += usize::from(word.is_some());
        dut.tick();
    }
    dut.drive(|b| b.reset.next = false);
    zeros
}

#[test]
fn passes_the_static_checks() {
    check_block("loopback", &mut Loopback::default()).unwrap();
}

#[test]
fn the_wire_is_joined_both_ways() {
    let mut dut = dut();
    dut.drive(|b| {
        b.wire_tx.ready.next = true;
        b.wire_rx.valid.next = true;
        b.wire_rx.data.next = 0x55_u64.into();
    });
    offer(&mut dut, Some((0x77, true)));
    assert_eq!(taken(&mut dut), Some((0x77, true)));
    let block = dut.block();
    assert!(block.from_transmit.ready.val() && block.to_receive.valid.val());
    assert_eq!(u64::from(block.to_receive.data.val()), 0x55);
    assert!(!block.wire_rx.ready.val(), "receive is not ready");
}

#[test]
fn looped_frames_do_not_reach_the_wire() {
    let mut dut = dut();
    dut.drive(|b| {
        b.enable.next = true;
        b.wire_tx.ready.next = true;
        b.wire_rx.valid.next = true;
        b.to_receive.ready.next = true;
    });
    offer(&mut dut, Some((0x77, false)));
    assert_eq!(taken(&mut dut), None);
    let block = dut.block();
    assert_eq!(u64::from(block.to_receive.data.val()), 0x77);
    assert!(block.from_transmit.ready.val() && !block.wire_rx.ready.val());
    // The wire has seen nothing of that frame, so there is nothing to end.
    dut.tick();
    dut.drive(|b| b.enable.next = false);
    reset(&mut dut, false);
    assert_eq!(taken(&mut dut), None);
}

#[test]
fn a_frame_that_a_reset_cut_is_ended() {
    let mut dut = dut();
    dut.drive(|b| b.wire_tx.ready.next = true);
    for word in 1..4 {
        offer(&mut dut, Some((word, false)));
        assert_eq!(taken(&mut dut), Some((word, false)));
        dut.tick();
    }
    let zeros = reset(&mut dut, true);
    assert_eq!(zeros, RESET_CYCLES, "it is made too long for a frame");
    // The end waits for the wire, and the next frame for the end.
    dut.drive(|b| b.wire_tx.ready.next = false);
    offer(&mut dut, Some((9, false)));
    for _ in 0..3 {
        dut.settle();
        assert!(dut.block().wire_tx.valid.val());
        assert!(!dut.block().from_transmit.ready.val());
        dut.tick();
    }
    dut.drive(|b| b.wire_tx.ready.next = true);
    assert_eq!(taken(&mut dut), Some((0, true)));
    assert!(!dut.block().from_transmit.ready.val());
    dut.tick();
    assert_eq!(taken(&mut dut), Some((9, false)));
    assert!(dut.block().from_transmit.ready.val());
}

#[test]
fn a_reset_between_frames_ends_nothing() {
    let mut dut = dut();
    dut.drive(|b| b.wire_tx.ready.next = true);
    for word in [(1, false), (2, true)] {
        offer(&mut dut, Some(word));
        assert_eq!(taken(&mut dut), Some(word));
        dut.tick();
    }
    reset(&mut dut, false);
    assert_eq!(taken(&mut dut), None);
}

/// Frames of counted words with resets anywhere: on the wire, every frame begins with its first word and has an end.
#[test]
fn frames_stay_frames_whatever_is_reset() {
    let mut dut = dut();
    let mut random = Stimulus::new(31);
    let (mut frame, mut word, mut offered) = (1, 0, None);
    let (mut wire, mut whole, mut cut) = (Vec::new(), 0, 0);
    for _ in 0..4_000 {
        if random.chance(0.01) {
            let ready = dut.block().wire_tx.ready.val();
            let zeros = reset(&mut dut, !wire.is_empty());
            assert!(!ready || wire.is_empty() || zeros == RESET_CYCLES);
            wire.extend(vec![0; zeros]);
            // What transmit had begun is gone.
            (frame, word, offered) = (frame + 1, 0, None);
        }
        if offered.is_none() && random.chance(0.7) {
            offered = Some((frame << 8 | word, word == 6));
        }
        offer(&mut dut, offered);
        let ready = random.chance(0.6);
        dut.drive(|b| b.wire_tx.ready.next = ready);
        if let Some((data, last)) = taken(&mut dut) {
            wire.push(data);
            if last {
                let first = wire[0] >> 8;
                let counted = |(at, &data): &(usize, &u64)| data == first << 8 | *at as u64;
                let good = wire.iter().enumerate().take_while(counted).count();
                if good == 7 && wire.len() == 7 {
                    whole += 1;
                } else {
                    let zeros = wire[good..].iter().all(|&data| data == 0);
                    assert!(good > 0 && good < 7 && zeros, "{wire:x?}");
                    cut += 1;
                }
                wire.clear();
            }
        }
        if offered.is_some() && dut.block().from_transmit.ready.val() {
            offered = None;
            (frame, word) = if word == 6 {
                (frame + 1, 0)
            } else {
                (frame, word + 1)
            };
        }
        dut.tick();
    }
    assert!(whole > 100 && cut > 10, "{whole} whole, {cut} cut");
}

#[test]
fn verilog_means_the_same() {
    dut().fuzz(5_000, 1, |b, random| {
        b.reset.next = random.chance(0.02);
        b.enable.next = random.chance(0.1);
        b.from_transmit.data.next = random.bits();
        b.from_transmit.last.next = random.chance(0.2);
        b.from_transmit.valid.next = random.chance(0.7);
        b.to_receive.ready.next = random.chance(0.7);
        b.wire_tx.ready.next = random.chance(0.6);
        b.wire_rx.data.next = random.bits();
        b.wire_rx.last.next = random.chance(0.2);
        b.wire_rx.valid.next = random.chance(0.7);
    });
}
