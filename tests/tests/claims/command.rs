//! Claims 1 to 5, 10, 11: one command message, in the ring, that describes buffers, binds a portion and writes the send.

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::registers::map;
use rnic_abi::step::{Counter, Step};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Remote;
use rnic_driver::one_shot::Request;
use rnic_sim::model::Gateware;
use rnic_tests::frames::opcode;
use rnic_tests::{inline, on_both, Scene, Shape, Side, REMOTE};

use crate::{events_so_far, only, steps, ASK, DONE};

#[test]
fn claim_01_driver_and_nic_perform_a_one_shot_initiation() {
    on_both(101, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 1000);
        let reply = scene.reply_buffer(64);
        scene.rig.settle();
        let first = events_so_far(&scene);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        let path = [
            Step::CommandPost,
            Step::CommandFetch,
            Step::TptBind,
            Step::DdpInsert,
            Step::MpaFrame,
            Step::LlpSend,
        ];
        let mut taken: Vec<Step> = steps(&scene, first)
            .into_iter()
            .filter(|step| path.contains(step))
            .collect();
        // The words of a command are bound while its last ones are still decoded.
        taken[1..3].sort();
        assert_eq!(taken, path, "one pass over the initiation's steps");
        scene.give_back(stag, reference, DONE, &reply);
        scene.finish(3);
    });
}

#[test]
fn claim_02_the_driver_posts_a_single_command_message() {
    on_both(102, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 600);
        let reply = scene.reply_buffer(64);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).sim.counts();
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        scene.fill(stag, &area);
        scene.give_back(stag, reference, DONE, &reply);
        scene.rig.settle();
        let moved = scene.host(Side::Initiator).sim.counts() - before;
        assert_eq!((moved.commands, moved.doorbells), (1, 0));
        assert_eq!((moved.mmio_reads, moved.cqes), (0, 1));
        scene.finish(4);
    });
}

#[test]
fn claim_03_the_command_describes_pinned_buffers() {
    for (gateware, shape) in [
        (Gateware::Small, Shape::Sgl(5)),
        (Gateware::Small, Shape::Sgl(12)),
        (Gateware::Small, Shape::Pages),
        (Gateware::Full, Shape::Sgl(5)),
        (Gateware::Full, Shape::Sgl(12)),
        (Gateware::Full, Shape::Pages),
    ] {
        let mut scene = Scene::new(gateware, 103);
        let area = scene.area(Side::Initiator, "buffers", shape, 9_001);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).board.commands_posted();
        let reply = scene.reply_buffer(64);
        let registered = scene.host(Side::Initiator).board.commands_posted() - before;
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        let posted = scene.host(Side::Initiator).board.commands_posted() - before;
        assert_eq!(
            posted - registered,
            1,
            "the buffers came with the one command"
        );
        scene.fill(stag, &area);
        scene.give_back(stag, reference, DONE, &reply);
        scene.finish(4);
    }
}

#[test]
fn claim_04_the_command_binds_a_portion_to_an_stag() {
    on_both(104, |mut scene| {
        let whole = scene.area(Side::Initiator, "pinned", Shape::Contiguous, 4096);
        let start = whole.pieces[0].start;
        let portion = scene
            .score
            .contiguous(whole.mem, start + 1000..start + 1777);
        let (stag, _) = scene.advertise(&portion, REMOTE, ASK, None);
        scene.fill(stag, &portion);
        // One byte beyond the portion is pinned too, but not bound: refused, and nothing of the message is written.
        let (_source, region) = scene.local(Side::Responder, "beyond", 8);
        scene.write(Side::Responder, &region, 0, 8, portion.remote(stag, 770));
        scene.refused(
            Counter::RemoteProtectionErrors,
            BoardEvent::RdmawProt,
            terminate::DDP_BOUNDS,
        );
        scene.finish_broken();
    });
}

#[test]
fn claim_05_the_command_writes_the_send() {
    on_both(105, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 64);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).board.commands_posted();
        let first = scene.rig.tap.count();
        scene.post_receive(Side::Responder);
        let message = scene.random.bytes(61);
        let (_, reference) = scene.one_shot(&area, REMOTE, inline(&message), None);
        let done = scene.receives(Side::Responder, &message);
        let posted = scene.host(Side::Initiator).board.commands_posted() - before;
        assert_eq!(posted, 1);
        let send = only(&scene, Side::Initiator, first, opcode::SEND);
        assert_eq!(send.payload, message);
        let stag = done.advertised.unwrap();
        scene.give_back_by_descriptor(stag, reference, DONE);
        scene.finish(4);
    });
}

#[test]
fn claim_10_the_command_describes_a_section_of_memory() {
    on_both(110, |mut scene| {
        let area = scene.area(Side::Initiator, "section", Shape::Sgl(3), 3_333);
        let reference = scene.reference();
        // The section starts at a tagged offset of the application's choice.
        let base = 0x0012_3456_FFFF_F800;
        let request = Request {
            base: Some(base),
            ..Request::new(area.backing.clone(), REMOTE, reference)
        };
        scene.post_receive(Side::Responder);
        let stag = scene.one_shot_with(request, inline(ASK));
        scene.receives(Side::Responder, ASK);
        let (source, region) = scene.local(Side::Responder, "source", 3_000);
        let remote = Remote {
            va: base + 333,
            handle: stag,
        };
        let written = scene.write(Side::Responder, &region, 0, 3_000, remote);
        scene.completes(Side::Responder, Kind::Send, written, 3_000);
        let data = scene.score.get_area(&source, 0, 3_000);
        scene.score.set_area(&area, 333, &data);
        scene.give_back_by_descriptor(stag, reference, DONE);
        scene.finish(5);
    });
}

#[test]
fn claim_11_the_command_is_posted_to_a_command_ring() {
    on_both(111, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let reply = scene.reply_buffer(64);
        scene.rig.settle();
        let board = scene.host(Side::Initiator).sim.clone();
        let consumed = board.bar_read(0, map::RING_CONSUMED, 4);
        let before = scene.host(Side::Initiator).sim.counts();
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        assert_eq!(board.bar_read(0, map::RING_CONSUMED, 4), consumed + 1);
        let moved = scene.host(Side::Initiator).sim.counts() - before;
        assert_eq!(moved.commands, 1, "one entry of the ring was completed");
        scene.give_back(stag, reference, DONE, &reply);
        scene.finish(3);
    });
}
