//! Bench of the register slice: order, throughput, backpressure, reset.

use std::collections::VecDeque;

use rnic_hdl::stream::StreamBuffer;
use rnic_verilate::{check_block, Dut, Stimulus};

fn dut() -> Dut<StreamBuffer> {
    Dut::new("stream_buffer", StreamBuffer::default(), |b| &mut b.clock).unwrap()
}

#[test]
fn passes_the_static_checks() {
    check_block("stream_buffer", &mut StreamBuffer::default()).unwrap();
}

#[test]
fn a_word_moves_in_each_cycle_when_the_sink_is_ready() {
    let mut dut = dut();
    dut.drive(|b| b.tx.ready.next = true);
    for word in 0..10_u64 {
        dut.drive(|b| {
            b.rx.valid.next = true;
            b.rx.data.next = word.into();
        });
        dut.tick();
        assert!(dut.block().tx.valid.val());
        assert_eq!(dut.block().tx.data.val(), word);
        assert!(dut.block().rx.ready.val());
    }
}

#[test]
fn two_words_are_held_while_the_sink_waits() {
    let mut dut = dut();
    for word in 0..3_u64 {
        dut.drive(|b| {
            b.rx.valid.next = true;
            b.rx.data.next = word.into();
        });
        dut.tick();
    }
    assert!(!dut.block().rx.ready.val(), "the third word was taken");
    assert_eq!(dut.block().tx.data.val(), 0);
}

#[test]
fn words_stay_in_order_under_random_backpressure() {
    let mut dut = dut();
    let mut expected = VecDeque::new();
    let mut delivered = 0;
    let mut stimulus = Stimulus::new(7);
    let mut word = stimulus.bits::<32>();
    for _ in 0..2_000 {
        let (offer, take) = (stimulus.chance(0.6), stimulus.chance(0.5));
        dut.drive(|b| {
            b.rx.valid.next = offer;
            b.rx.data.next = word;
            b.rx.last.next = word.get_bit(0);
            b.tx.ready.next = take;
        });
        dut.settle();
        let (rx, tx) = (&dut.block().rx, &dut.block().tx);
        if tx.valid.val() && take {
            assert_eq!(Some((tx.data.val(), tx.last.val())), expected.pop_front());
            delivered += 1;
        }
        if offer && rx.ready.val() {
            expected.push_back((word, word.get_bit(0)));
            word = stimulus.bits();
        }
        dut.tick();
    }
    assert!(delivered > 800, "only {delivered} words were delivered");
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    dut().fuzz(5_000, 1, |b, random| {
        b.reset.next = random.chance(0.02);
        b.rx.data.next = random.bits();
        b.rx.last.next = random.chance(0.2);
        b.rx.valid.next = random.chance(0.7);
        b.tx.ready.next = random.chance(0.5);
    });
}
