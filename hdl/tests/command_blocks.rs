//! Static checks, cells and random input of the command side's blocks, in both configurations.

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::command::command_fetch::CommandFetch;
use rnic_hdl::command::command_post::CommandPost;
use rnic_hdl::command::doorbell::Doorbell;
use rnic_hdl::command::event_merge::EventMerge;
use rnic_hdl::command::queue_pointers::QueuePointers;
use rnic_hdl::command::work_queue::WorkQueue;
use rnic_hdl::command::Command;
use rnic_verilate::{cells, check_block, verilog, Dut};
use rust_hdl::prelude::*;

type Small = Command<4, 5, 9, 2, 4, 3, 4, 8, 3>;
type Full = Command<5, 6, 10, 4, 16, 6, 7, 13, 5>;

fn check<B: Block>(name: &str, mut block: B) {
    check_block(name, &mut block).unwrap();
    block.connect_all();
    println!(
        "{name:20} {}",
        cells(name, &verilog(name, &block).unwrap()).unwrap()
    );
}

#[test]
fn small_blocks_pass_the_static_checks() {
    check("command_post", CommandPost::<4, 5, 9>::new());
    check("command_fetch", CommandFetch::<4, 9, 2, 4, 3>::new(&SMALL));
    check("doorbell", Doorbell::<2>::new());
    check("queue_pointers", QueuePointers::<3, 4>::new());
    check("work_queue", WorkQueue::<2, 4, 3, 4, 8>::new());
    check("event_merge", EventMerge::<3>::default());
    check("command", Small::new(&SMALL));
}

#[test]
fn full_passes_the_static_checks() {
    check_block("command_full", &mut Full::new(&FULL)).unwrap();
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    let mut dut = Dut::new("command_full", Full::new(&FULL), |b| &mut b.clock).unwrap();
    let mut sequence = 0_u64;
    dut.fuzz(6_000, 1, |b, random| {
        b.reset.next = random.chance(0.001);
        b.enable.next = random.chance(0.95);
        // Mostly slot words, sometimes a ring entry with the right sequence.
        b.ring_store.valid.next = random.chance(0.8);
        b.ring_store.offset.next = (0x1000 + 4 * random.below(0x400)).into();
        b.ring_store.data.next = (random.below(14) | random.below(4) << 8).into();
        if random.chance(0.1) {
            b.ring_store.offset.next = (8 * (sequence % 32)).into();
            b.ring_store.data.next = (random.below(32) | random.below(6) << 16).into();
        } else if random.chance(0.1) {
            b.ring_store.offset.next = (8 * (sequence % 32) + 4).into();
            b.ring_store.data.next = sequence.into();
            b.ring_store.valid.next = true;
            sequence += 1;
        }
        b.doorbell_store.valid.next = random.chance(0.6);
        b.doorbell_store.offset.next = ((random.below(16) << 12) | (4 * random.below(9))).into();
        b.doorbell_store.data.next = random.bits();
        if random.chance(0.7) {
            b.doorbell_store.data.next = random.below(8).into();
        }
        b.bind.ready.next = random.chance(0.8);
        b.bind_result.valid.next = random.chance(0.1);
        b.bind_result.error.next = random.pick(&[0, 0, 2]).into();
        b.release.ready.next = random.chance(0.5);
        b.release_result.valid.next = random.chance(0.3);
        b.release_result.error.next = random.pick(&[0, 0, 1, 2, 7]).into();
        b.release_result.one_shot.next = random.chance(0.3);
        b.vi_config.ready.next = random.chance(0.7);
        b.cq_config.ready.next = random.chance(0.7);
        b.cq_reserve.ready.next = random.chance(0.5);
        b.cq_reserve.ok.next = random.chance(0.9);
        b.list_request.ready.next = random.chance(0.5);
        b.list_data.valid.next = random.chance(0.5);
        b.list_data.last.next = random.chance(0.2);
        b.list_data.error.next = random.chance(0.05);
        b.list_data.data.next = random.bits();
        b.complete.ready.next = random.chance(0.8);
        b.raw_send.ready.next = random.chance(0.8);
        b.slot_read.valid.next = random.chance(0.5);
        b.slot_read.word.next = random.below(1024).into();
        for free in &mut b.slot_free {
            free.valid.next = random.chance(0.05);
            free.slot.next = random.below(29).into();
            free.count.next = (1 + random.below(4)).into();
        }
        for (port, data) in b.queue_read.iter_mut().zip(&mut b.queue_data) {
            port.valid.next = random.chance(0.5);
            port.vi.next = random.below(16).into();
            port.receive.next = random.chance(0.5);
            port.which.next = random.below(3).into();
            port.index.next = random.below(64).into();
            data.ready.next = random.chance(0.7);
        }
        for step in b.send_done.iter_mut().chain(&mut b.receive_done) {
            step.valid.next = random.chance(0.1);
            step.vi.next = random.below(16).into();
        }
        for step in [&mut b.send_next, &mut b.receive_next] {
            step.valid.next = random.chance(0.1);
            step.vi.next = random.below(16).into();
        }
        b.connected.next = random.pick(&[0xFFFF, 0xFF0F]).into();
        b.flushing.next = random.pick(&[0, 0, 0xFFFF]).into();
        b.event.ready.next = random.chance(0.7);
    });
    assert!(sequence > 100);
}
