//! Receive never waits for transmit: a full read queue and a wire that stands still cost their own VI only.

mod rx_bench;

use rnic_abi::config::SMALL;
use rnic_abi::error::terminate;
use rnic_abi::event::Event;
use rnic_hdl::rx::receive::SmallReceive;
use rnic_hdl::tx::read_queue::ReadQueue;
use rnic_verilate::Dut;
use rx_bench::wire::{tagged, untagged, Untagged};
use rx_bench::{Bench, Region};

type Small = Bench<2, 8, 9, 10, 8>;
const RELIABLE: u8 = 2;
const BUFFER: u32 = 0x2A5;

fn small(name: &str, seed: u64) -> Small {
    let mut bench = Small::new(name, SmallReceive::new(&SMALL), seed);
    bench.regions.insert(
        BUFFER,
        Region {
            base: 0x1_0000,
            iova: 0x8003,
            bytes: 0x4000,
            access: 0xF,
            split: 4096,
        },
    );
    for vi in 0..3 {
        bench.connect(vi, RELIABLE, 1000);
    }
    bench
}

/// A Write on `vi` is placed within the time that the message itself needs, and 100 cycles.
#[track_caller]
fn places(bench: &mut Small, vi: u8) {
    let payload = bench.bytes(64);
    bench.expect(0x8003, &payload);
    let (before, start) = (bench.count("place"), bench.dut.cycle());
    bench.send(vi, &tagged(0, true, BUFFER, 0x1_0000, &payload));
    while bench.count("place") == before {
        assert!(bench.dut.cycle() < start + 200, "VI {vi} is held up");
        bench.cycle();
    }
}

#[test]
fn a_terminate_that_the_wire_does_not_take_holds_up_no_other_vi() {
    let mut bench = small("rx_terminate_stuck", 1);
    bench.terminate_stuck = true;
    // Two VIs break; the third goes on.
    for vi in [1, 2] {
        bench.send(vi, &tagged(0, true, 0x777, 0x1_0000, &[vi; 8]));
        places(&mut bench, 0);
        // More of a broken VI is dropped.
        bench.send(vi, &tagged(0, true, 0x777, 0x1_0000, &[vi; 8]));
        places(&mut bench, 0);
    }
    assert!(bench.terminates().is_empty() && bench.vi_errors.is_empty());
    bench.terminate_stuck = false;
    bench.finish();
    let terminates = bench.terminates();
    assert_eq!(terminates.len(), 2, "one Terminate a VI");
    for (record, vi) in terminates.iter().zip([1_u32, 2]) {
        let code = u32::from(terminate::DDP_INVALID_STAG) << 16;
        assert_eq!(record[..3], [vi | 0x1400, code, 14 + 8]);
        assert_eq!(record[4].swap_bytes(), 0x777);
    }
    let errors: Vec<_> = bench.vi_errors.drain(..).collect();
    assert_eq!(errors, [1, 2].map(|vi| (vi, Event::RdmawProt as u8)));
}

#[test]
fn a_stopped_vi_takes_its_waiting_terminate_along() {
    let mut bench = small("rx_terminate_stopped", 2);
    bench.terminate_stuck = true;
    for vi in [1, 2] {
        bench.send(vi, &tagged(0, true, 0x777, 0x1_0000, &[vi; 8]));
        places(&mut bench, 0);
    }
    // VI 2 waits behind VI 1: it is let go at once, and its Terminate with it.
    bench.stop = Some(2);
    let start = bench.dut.cycle();
    while bench.stop.is_some() {
        assert!(
            bench.dut.cycle() < start + 50,
            "the stop waits for the wire"
        );
        bench.cycle();
    }
    places(&mut bench, 0);
    // VI 1 is being sent: its stop waits until transmit has the record, other VIs go on.
    bench.stop = Some(1);
    places(&mut bench, 0);
    assert_eq!(bench.stop, Some(1));
    bench.terminate_stuck = false;
    bench.finish();
    assert_eq!(bench.stop, None);
    assert_eq!(bench.terminates().len(), 1);
    assert_eq!(bench.vi_errors.len(), 1);
}

#[test]
fn an_excess_read_request_costs_its_own_vi_only() {
    let mut bench = small("rx_read_excess", 3);
    let request = |msn| Untagged {
        opcode: 1,
        rsv: 0,
        last: true,
        field: 0,
        qn: 1,
        msn,
        mo: 0,
    };
    bench.read_in_full = true;
    bench.send(1, &untagged(request(1), &[0; 28]));
    places(&mut bench, 0);
    bench.read_in_full = false;
    bench.finish();
    let terminates = bench.terminates();
    assert_eq!(terminates.len(), 1);
    assert_eq!(terminates[0][1] >> 16, u32::from(terminate::DDP_NO_BUFFER));
    assert!(bench.requests().is_empty());
    bench.send(0, &untagged(request(1), &[0; 28]));
    bench.finish();
    assert_eq!(bench.requests().len(), 1);
}

type Queue = ReadQueue<8, 8, 1>;

/// Offers a record for `vi`; the cycles until word 0 and until the last word were taken, none if word 0 never is.
fn offer(dut: &mut Dut<Queue>, vi: u32, patience: u64) -> Option<(u64, u64)> {
    let start = dut.cycle();
    let mut first = None;
    for word in 0..8_u32 {
        dut.drive(|b| {
            b.read_in.valid.next = true;
            b.read_in.data.next = u64::from(if word == 0 { vi } else { word }).into();
            b.read_in.last.next = word == 7;
        });
        loop {
            dut.settle();
            let ready = dut.block().read_in.ready.val();
            dut.tick();
            if ready {
                first = first.or(Some(dut.cycle() - start));
                break;
            }
            if word == 0 && dut.cycle() - start >= patience {
                dut.drive(|b| b.read_in.valid.next = false);
                dut.tick();
                return None;
            }
            assert!(dut.cycle() - start < 100, "word {word} waits");
        }
    }
    dut.drive(|b| b.read_in.valid.next = false);
    dut.tick();
    first.map(|first| (first, dut.cycle() - 1 - start))
}

#[test]
fn a_full_read_queue_refuses_word_0_and_never_a_later_one() {
    let mut dut = Dut::new("read_queue_full", Queue::new(2, 6, 5, 32, 4), |b| {
        &mut b.clock
    })
    .unwrap();
    dut.drive(|b| b.reset.next = true);
    dut.tick();
    dut.drive(|b| {
        b.reset.next = false;
        b.context_ready.next = true;
        b.segment_ready.next = true;
    });
    assert_eq!(offer(&mut dut, 1, 64), Some((1, 8)));
    assert_eq!(offer(&mut dut, 1, 64), Some((1, 8)));
    // Full: word 0 is not begun with, however long it waits; the next VI's record is taken at once.
    assert_eq!(offer(&mut dut, 1, 64), None);
    assert_eq!(offer(&mut dut, 2, 64), Some((1, 8)));
    dut.drive(|b| {
        b.free.next = true;
        b.free_vi.next = 1.into();
    });
    dut.tick();
    dut.drive(|b| b.free.next = false);
    assert_eq!(offer(&mut dut, 1, 64), Some((1, 8)));
    assert_eq!(offer(&mut dut, 1, 64), None);
    dut.fuzz(3_000, 4, |b, random| {
        b.reset.next = random.chance(0.01);
        b.read_in.data.next = random.bits();
        b.read_in.valid.next = random.chance(0.7);
        b.context_ready.next = random.chance(0.5);
        b.segment_ready.next = random.chance(0.5);
        b.free.next = random.chance(0.1);
        b.free_vi.next = random.bits();
        b.clear.next = random.chance(0.05);
        b.clear_vi.next = random.bits();
    });
}
