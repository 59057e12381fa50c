//! Bench of the DMA read arbiter: order, routing, errors, resets.

use std::collections::VecDeque;

use rnic_hdl::host::dma_read::DmaRead;
use rnic_verilate::{Dut, Stimulus};
use rust_hdl::prelude::*;

fn dut(name: &str) -> Dut<DmaRead> {
    Dut::new(name, DmaRead::default(), |b| &mut b.clock).unwrap()
}

/// A request that the bus has taken: what each of its words is, and whether it is refused.
#[derive(Debug)]
struct Read {
    iova: u64,
    bytes: u64,
    epoch: u64,
    refused: bool,
    ready_at: u64,
}

#[test]
fn data_come_back_to_the_client_that_asked_in_its_order() {
    let mut dut = dut("host_dma_read");
    let mut random = Stimulus::new(3);
    let mut offered: [Option<(u64, u64)>; 4] = [None; 4];
    let mut expected: [VecDeque<(u64, u64)>; 4] = Default::default();
    let mut position = [0_u64; 4];
    let mut bus: VecDeque<Read> = VecDeque::new();
    let (mut sent, mut delivered, mut refused) = (0_u64, 0, 0);
    let (mut most_outstanding, mut refusals_counted) = (0, 0);
    let mut last_grant = None;
    for cycle in 0..30_000_u64 {
        for client in &mut offered {
            if client.is_none() && random.chance(0.3) {
                let longest = random.pick(&[1, 8, 64, 512]);
                *client = Some((sent << 16, 1 + random.below(longest)));
                sent += 1;
            }
        }
        let bus_ready = random.chance(0.7);
        // One word of the oldest request.
        let word = bus
            .front()
            .filter(|read| read.ready_at <= cycle && random.chance(0.8));
        let word = word.map(|read| {
            let words = if read.refused {
                1
            } else {
                read.bytes.div_ceil(4)
            };
            (read.iova, words, read.refused, read.epoch)
        });
        dut.drive(|b| {
            for (request, offer) in b.request.iter_mut().zip(&offered) {
                request.valid.next = offer.is_some();
                let (iova, bytes) = offer.unwrap_or_default();
                request.iova.next = iova.into();
                request.bytes.next = bytes.into();
            }
            b.dma_request.ready.next = bus_ready;
            b.dma_data.valid.next = word.is_some();
        });
        let mut ends = false;
        if let Some((iova, words, is_refused, epoch)) = word {
            let client = (0..4).find(|&c| expected[c].front().is_some_and(|e| e.0 == iova));
            let at = position[client.expect("a client waits for it")];
            ends = at + 1 == words;
            dut.drive(|b| {
                b.dma_data.data.next = ((iova >> 16 << 12) + at).into();
                b.dma_data.last.next = ends;
                b.dma_data.error.next = is_refused;
                b.dma_data.epoch.next = epoch.into();
            });
        }
        dut.settle();
        let block = dut.block();
        if block.issued.val() {
            assert!(
                last_grant.is_none_or(|last| cycle - last >= 4),
                "grants too close"
            );
            last_grant = Some(cycle);
        }
        refusals_counted += u64::from(block.refused.val());
        for client in 0..4 {
            if block.data[client].valid.val() {
                let (iova, _) = *expected[client].front().expect("data nobody asked for");
                let data = block.data[client].data.val().to_u64();
                assert_eq!(data, (iova >> 16 << 12) + position[client]);
                assert_eq!(block.data[client].last.val(), ends);
                position[client] += 1;
                if ends {
                    refused += u64::from(block.data[client].error.val());
                    position[client] = 0;
                    delivered += 1;
                    expected[client].pop_front();
                }
            }
            if offered[client].is_some() && block.request[client].ready.val() {
                expected[client].extend(offered[client].take());
            }
        }
        assert!(word.is_none() || block.data.iter().filter(|d| d.valid.val()).count() == 1);
        if word.is_some() && ends {
            bus.pop_front();
        }
        if bus_ready && block.dma_request.valid.val() {
            bus.push_back(Read {
                iova: block.dma_request.iova.val().to_u64(),
                bytes: block.dma_request.bytes.val().to_u64(),
                epoch: block.dma_request.epoch.val().to_u64(),
                refused: random.chance(0.05),
                ready_at: cycle + random.below(60),
            });
        }
        most_outstanding = most_outstanding.max(bus.len());
        assert!(bus.len() <= 8);
        dut.tick();
    }
    assert!(delivered > 500, "only {delivered} reads");
    assert!(refused > 10 && refused == refusals_counted);
    assert_eq!(most_outstanding, 8);
    assert!(expected.iter().all(|e| e.len() <= 8));
}

#[test]
fn no_client_starves() {
    let mut dut = dut("host_dma_read");
    dut.drive(|b| {
        for request in &mut b.request {
            request.valid.next = true;
        }
        b.dma_request.ready.next = true;
        b.dma_data.last.next = true;
    });
    let mut grants = [0; 4];
    for _ in 0..400 {
        // The bus answers at once.
        let busy = dut.block().busy.val();
        dut.drive(|b| b.dma_data.valid.next = busy);
        dut.settle();
        for (client, grants) in grants.iter_mut().enumerate() {
            *grants += u32::from(dut.block().request[client].ready.val());
        }
        dut.tick();
    }
    assert_eq!(grants, [25; 4]);
}

#[test]
fn data_from_before_a_reset_are_dropped() {
    let mut dut = dut("host_dma_read");
    dut.drive(|b| {
        b.request[2].valid.next = true;
        b.dma_request.ready.next = true;
    });
    dut.tick();
    dut.drive(|b| {
        b.request[2].valid.next = false;
        b.stop.next = true;
        b.reset.next = true;
        b.epoch.next = 1_u64.into();
    });
    dut.tick();
    dut.tick();
    dut.drive(|b| {
        b.stop.next = false;
        b.reset.next = false;
        b.request[1].valid.next = true;
    });
    dut.tick();
    dut.drive(|b| b.request[1].valid.next = false);
    let mut deliver = |epoch: u64, expected: [bool; 4]| {
        dut.drive(|b| {
            b.dma_data.valid.next = true;
            b.dma_data.last.next = true;
            b.dma_data.epoch.next = epoch.into();
        });
        dut.settle();
        let valid: Vec<bool> = dut.block().data.iter().map(|d| d.valid.val()).collect();
        assert_eq!(valid, expected, "epoch {epoch}");
        dut.tick();
    };
    deliver(0, [false; 4]);
    deliver(1, [false, true, false, false]);
    // And nothing that nobody waits for.
    deliver(1, [false; 4]);
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    dut("host_dma_read").fuzz(8_000, 8, |b, random| {
        b.reset.next = random.chance(0.01);
        b.stop.next = random.chance(0.1);
        b.epoch.next = random.pick(&[0_u64, 0, 0, 1]).into();
        for request in &mut b.request {
            request.iova.next = random.bits();
            request.bytes.next = random.bits();
            request.valid.next = random.chance(0.5);
        }
        b.dma_request.ready.next = random.chance(0.7);
        b.dma_data.data.next = random.bits();
        b.dma_data.last.next = random.chance(0.5);
        b.dma_data.error.next = random.chance(0.2);
        b.dma_data.epoch.next = Bits::<2>::default();
        b.dma_data.valid.next = random.chance(0.6);
    });
}
