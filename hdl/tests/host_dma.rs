//! Resets, DMA and trace through the whole host attachment.

use rnic_abi::config::{FULL, SMALL};
use rnic_abi::registers::{control, map, status};
use rnic_abi::step::{Counter, Step};
use rnic_hdl::host::Host;
use rnic_verilate::Dut;

/// Loads a word, with nothing else going on.
fn load<const V: usize, const TR: usize>(dut: &mut Dut<Host<V, TR>>, offset: u32) -> u32 {
    dut.drive(|b| {
        b.bar.valid.next = true;
        b.bar.bar.next = 0_u64.into();
        b.bar.write.next = false;
        b.bar.offset.next = u64::from(offset).into();
    });
    let mut taken = false;
    for _ in 0..200 {
        dut.settle();
        if taken {
            assert!(dut.block().bar_data.valid.val());
            return dut.block().bar_data.data.val().to_u64() as u32;
        }
        taken = dut.block().bar.ready.val();
        dut.tick();
        dut.drive(|b| b.bar.valid.next = !taken);
    }
    panic!("{offset:#x} is not answered");
}

/// Stores a word.
fn store<const V: usize, const TR: usize>(dut: &mut Dut<Host<V, TR>>, offset: u32, word: u32) {
    dut.drive(|b| {
        b.bar.valid.next = true;
        b.bar.bar.next = 0_u64.into();
        b.bar.write.next = true;
        b.bar.offset.next = u64::from(offset).into();
        b.bar.data.next = u64::from(word).into();
    });
    for _ in 0..200 {
        dut.settle();
        let taken = dut.block().bar.ready.val();
        dut.tick();
        if taken {
            dut.drive(|b| b.bar.valid.next = false);
            return;
        }
    }
    panic!("{offset:#x} is not taken");
}

fn started<const V: usize, const TR: usize>(mut dut: Dut<Host<V, TR>>) -> Dut<Host<V, TR>> {
    while load(&mut dut, map::STATUS) & status::RESETTING != 0 {}
    dut
}

fn small() -> Dut<Host<2, 0>> {
    let host = Host::new(&SMALL, 0);
    started(Dut::new("host_small", host, |b| &mut b.clock).unwrap())
}

fn counter<const V: usize, const TR: usize>(dut: &mut Dut<Host<V, TR>>, counter: Counter) -> u32 {
    load(dut, map::COUNTERS + 8 * counter.index() as u32)
}

#[test]
fn a_reset_lets_the_running_burst_end_and_starts_an_epoch() {
    let mut dut = small();
    // A read is outstanding, and a burst has moved one word of three.
    dut.drive(|b| {
        b.dma_request.ready.next = true;
        b.dma_write.ready.next = true;
        b.read_request[2].valid.next = true;
        b.write[0].valid.next = true;
    });
    dut.tick();
    dut.drive(|b| {
        b.read_request[2].valid.next = false;
        b.dma_write.ready.next = false;
    });
    dut.settle();
    let before = dut.block().dma_request.epoch.val();
    assert!(dut.block().dma_request.valid.val());
    dut.tick();
    store(&mut dut, map::CONTROL, control::RESET | control::ENABLE);
    for _ in 0..20 {
        dut.tick();
        assert!(!dut.block().reset.val(), "the burst is cut");
        assert!(dut.block().dma_write.valid.val());
    }
    assert_eq!(
        load(&mut dut, map::STATUS) & status::RESETTING,
        status::RESETTING
    );
    dut.drive(|b| {
        b.dma_write.ready.next = true;
        b.read_request[1].valid.next = true;
    });
    for word in 1..3 {
        dut.drive(|b| b.write[0].last.next = word == 2);
        dut.settle();
        assert!(dut.block().write[0].ready.val());
        dut.tick();
    }
    let end = dut.cycle();
    for _ in 0..3 {
        dut.settle();
        assert!(
            !dut.block().dma_write.valid.val(),
            "a burst begins in a reset"
        );
        assert!(
            !dut.block().dma_request.valid.val(),
            "a read begins in a reset"
        );
        dut.tick();
    }
    assert!(dut.block().reset.val());
    dut.drive(|b| b.write[0].valid.next = false);
    while dut.block().reset.val() {
        dut.tick();
    }
    assert!((2_048..2_052).contains(&(dut.cycle() - end)));
    // The late data of the read before the reset reach nobody; those of the new one do.
    dut.tick();
    dut.drive(|b| b.read_request[1].valid.next = false);
    dut.settle();
    assert!(dut.block().dma_request.valid.val());
    let after = dut.block().dma_request.epoch.val();
    assert_ne!(before, after);
    dut.tick();
    for (epoch, expected) in [(before, false), (after, true)] {
        dut.drive(|b| {
            b.dma_data.valid.next = true;
            b.dma_data.last.next = true;
            b.dma_data.error.next = true;
            b.dma_data.epoch.next = epoch;
        });
        dut.settle();
        assert_eq!(dut.block().read_data[1].valid.val(), expected);
        assert!(!dut.block().read_data[2].valid.val());
        dut.tick();
        dut.drive(|b| b.dma_data.valid.next = false);
    }
    assert_eq!(counter(&mut dut, Counter::DmaReads), 1);
    assert_eq!(counter(&mut dut, Counter::DmaReadErrors), 1);
    assert_eq!(counter(&mut dut, Counter::DmaWrites), 0);
    assert_eq!(
        load(&mut dut, map::STATUS) & status::BUS_ERROR,
        status::BUS_ERROR
    );
    assert_eq!(load(&mut dut, map::CONTROL), 0);
}

#[test]
fn an_idle_board_is_not_busy() {
    let mut dut = small();
    for _ in 0..100 {
        dut.tick();
    }
    assert!(!dut.block().busy.val());
    dut.drive(|b| b.blocks_busy.next = true);
    dut.tick();
    assert!(dut.block().busy.val());
    dut.drive(|b| b.blocks_busy.next = false);
    dut.tick();
    assert!(!dut.block().busy.val());
}

#[test]
fn the_trace_holds_the_last_steps_with_their_cycle() {
    let host = Host::<4, 9>::new(&FULL, 0);
    let mut dut = started(Dut::new("host_full", host, |b| &mut b.clock).unwrap());
    let mut written = vec![];
    for entry in 0..530_u64 {
        let (low, high) = (entry % 16, (entry * 7 + 3) % 16);
        dut.drive(|b| {
            for step in [low, high] {
                b.steps[step as usize].fire.next = true;
                b.steps[step as usize].vi.next = (step + 0x20).into();
            }
        });
        dut.tick();
        dut.drive(|b| b.steps.iter_mut().for_each(|step| step.fire.next = false));
        written.push((dut.cycle(), 1 << low | 1 << high, low.min(high) + 0x20));
        if entry % 3 == 0 {
            dut.tick();
        }
    }
    dut.tick();
    assert_eq!(load(&mut dut, map::TRACE_HEAD), 530);
    let first = (written[529].0, load(&mut dut, map::TRACE + 8 * (529 % 512)));
    for at in [18_usize, 19, 100, 300, 511, 512, 520, 528, 529] {
        let offset = map::TRACE + 8 * (at as u32 % 512);
        let stamp = load(&mut dut, offset);
        let high = load(&mut dut, offset + 4);
        let (cycle, mask, vi) = written[at];
        assert_eq!(
            u64::from(first.1.wrapping_sub(stamp)),
            first.0 - cycle,
            "entry {at}"
        );
        assert_eq!(u64::from(high), mask | vi << 16, "entry {at}");
    }
    assert!(Step::from_number(15).is_some() && Step::from_number(16).is_none());
}
