//! Bench of the interrupts: none lost, none invented, masks hold back.

use std::collections::BTreeSet;

use rnic_hdl::host::interrupt::Interrupt;
use rnic_verilate::{Dut, Stimulus};

fn dut(cqs: usize) -> Dut<Interrupt> {
    let name = format!("host_interrupt_{cqs}");
    Dut::new(&name, Interrupt::new(cqs), |b| &mut b.clock).unwrap()
}

fn random_requests(cqs: usize) {
    let mut dut = dut(cqs);
    let mut random = Stimulus::new(cqs as u64);
    let (mut pending, mut sent, mut mask) = (BTreeSet::new(), 0, 0_u64);
    let mut unanswered = vec![0; cqs + 1];
    for cycle in 0..6_000 {
        if cycle % 100 == 0 {
            mask = random.uniform::<32>().to_u64();
        }
        let quiet = cycle > 5_800;
        if quiet {
            mask = 0xFFFF_FFFF;
        }
        let requests: Vec<Option<u64>> = (0..2)
            .map(|_| (random.chance(0.15) && !quiet).then(|| random.below(cqs as u64 + 1)))
            .collect();
        let ready = random.chance(0.6);
        dut.drive(|b| {
            for (port, request) in b.request.iter_mut().zip(&requests) {
                port.valid.next = request.is_some();
                port.vector.next = request.unwrap_or(0).into();
            }
            b.mask.next = mask.into();
            b.irq.ready.next = ready;
        });
        dut.settle();
        let block = dut.block();
        assert!(block.request.iter().all(|r| r.ready.val()));
        assert_eq!(block.sent.val(), block.irq.valid.val() && ready);
        if block.sent.val() {
            let vector = block.irq.vector.val().to_u64();
            pending.remove(&vector);
            unanswered[vector as usize] -= 1;
            assert!(
                unanswered[vector as usize] >= 0,
                "vector {vector} was not asked for"
            );
            sent += 1;
        }
        for vector in requests.into_iter().flatten() {
            pending.insert(vector);
            unanswered[vector as usize] += 1;
        }
        dut.tick();
    }
    assert!(pending.is_empty(), "never sent: {pending:?}");
    assert!(sent > 400, "only {sent} sent");
}

#[test]
fn every_request_is_sent_once_its_vector_is_not_masked() {
    random_requests(8);
    random_requests(32);
}

#[test]
fn masked_vectors_wait_and_bit_31_stands_for_vector_32() {
    let mut dut = dut(32);
    dut.drive(|b| {
        b.request[0].valid.next = true;
        b.request[0].vector.next = 32_u64.into();
        b.irq.ready.next = true;
        b.mask.next = 0x7FFF_FFFF_u64.into();
    });
    dut.tick();
    dut.drive(|b| b.request[0].valid.next = false);
    for _ in 0..10 {
        dut.tick();
        assert!(!dut.block().irq.valid.val() && !dut.block().busy.val());
    }
    dut.drive(|b| b.mask.next = 0x8000_0000_u64.into());
    dut.tick();
    assert!(dut.block().irq.valid.val());
    assert_eq!(dut.block().irq.vector.val(), 32_u64);
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    dut(8).fuzz(5_000, 5, |b, random| {
        b.reset.next = random.chance(0.02);
        b.stop.next = random.chance(0.1);
        for request in &mut b.request {
            request.valid.next = random.chance(0.3);
            request.vector.next = random.bits();
        }
        b.mask.next = random.bits();
        b.irq.ready.next = random.chance(0.5);
    });
}
