//! Claims 16, 17, 20, 22, 23, 25: the completion by an RDMA-enabled NIC, after which nothing of the binding is left.

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::{Counter, Step};
use rnic_driver::cqe::Kind;
use rnic_tests::frames::{opcode, Segment};
use rnic_tests::{on_both, Scene, Shape, Side, REMOTE};

use crate::{events_so_far, only, round, steps, ASK, DONE};

#[test]
fn claim_16_the_nic_is_rdma_enabled() {
    on_both(116, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 2_000);
        let reply = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        scene.fill(stag, &area);
        let (copy, sink) = scene.local(Side::Responder, "copy", 2_000);
        let first = scene.rig.tap.count();
        let read = scene.read(Side::Responder, &sink, 0, 2_000, area.remote(stag, 0));
        scene.completes(Side::Responder, Kind::Send, read, 2_000);
        let data = scene.score.get_area(&area, 0, 2_000);
        scene.score.set_area(&copy, 0, &data);
        only(&scene, Side::Responder, first, opcode::READ_REQUEST);
        let responses: Vec<Segment> = scene.rig.tap.segments(0, first);
        assert!(responses.iter().all(|s| s.opcode == opcode::READ_RESPONSE));
        let bytes: Vec<u8> = responses.into_iter().flat_map(|s| s.payload).collect();
        assert_eq!(bytes, data);
        scene.give_back(stag, reference, DONE, &reply);
        scene.finish(5);
    });
}

#[test]
fn claim_17_driver_and_nic_perform_a_one_shot_completion() {
    on_both(117, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 500);
        let reply = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        scene.fill(stag, &area);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).sim.counts();
        let first = events_so_far(&scene);
        scene.give_back(stag, reference, DONE, &reply);
        scene.rig.settle();
        let moved = scene.host(Side::Initiator).sim.counts() - before;
        assert_eq!((moved.cqes, moved.commands, moved.mmio_reads), (1, 0, 0));
        let path = [
            Step::DdpParse,
            Step::TptRelease,
            Step::Place,
            Step::Complete,
        ];
        let taken: Vec<Step> = steps(&scene, first)
            .into_iter()
            .filter(|step| path.contains(step))
            .collect();
        assert_eq!(taken, path, "one pass over the completion's steps");
        scene.finish(4);
    });
}

#[test]
fn claim_20_the_stag_is_deassociated_and_gives_no_access_any_more() {
    on_both(120, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 300);
        let stag = round(&mut scene, &area);
        let (_source, region) = scene.local(Side::Responder, "late", 64);
        scene.write(Side::Responder, &region, 0, 64, area.remote(stag, 0));
        scene.refused(
            Counter::RemoteProtectionErrors,
            BoardEvent::RdmawProt,
            terminate::DDP_INVALID_STAG,
        );
        scene.finish_broken();
    });
}

#[test]
fn claim_22_the_stag_is_deassociated_from_its_sgl() {
    on_both(122, |mut scene| {
        let area = scene.area(Side::Initiator, "pieces", Shape::Sgl(9), 2_222);
        let reply = scene.reply_buffer(64);
        let free = |scene: &Scene| {
            let observer = scene.host(Side::Initiator).board.observer();
            observer.sges_free().unwrap()
        };
        let before = free(&scene);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        assert_eq!(free(&scene), before - 9);
        scene.fill(stag, &area);
        scene.give_back(stag, reference, DONE, &reply);
        assert_eq!(free(&scene), before);
        scene.finish(4);
    });
}

#[test]
fn claim_23_every_resource_of_the_pinned_memory_is_freed() {
    on_both(123, |mut scene| {
        let config = scene.rig.options.gateware.config();
        let board = scene.host(Side::Initiator).board.clone();
        let reply = scene.reply_buffer(64);
        let pieces = 3;
        let area = scene.area(Side::Initiator, "pieces", Shape::Sgl(pieces), 100);
        let free = board.observer().sges_free().unwrap();
        // More rounds than the board has TPT entries, and more elements in all than it has: nothing may be lost in any round.
        let rounds = config.tptes().max(config.sges() / pieces) + 6;
        for _ in 0..rounds {
            let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
            scene.give_back(stag, reference, DONE, &reply);
        }
        assert!(rounds > config.tptes() && rounds * pieces > config.sges());
        assert_eq!(board.observer().sges_free().unwrap(), free);
        assert_eq!(board.free_slots(), config.slots());
        assert_eq!(scene.pair.initiator.vi().send_space(), config.queue_depth());
        scene.finish(3 * rounds);
    });
}

#[test]
fn claim_25_a_write_is_completed_with_a_validated_stag() {
    on_both(125, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(4), 1_500);
        let reply = scene.reply_buffer(64);
        let first = scene.rig.tap.count();
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        scene.fill(stag, &area);
        let completed = scene.give_back(stag, reference, DONE, &reply);
        assert_eq!(completed.stag, stag);
        let completion = only(&scene, Side::Responder, first, opcode::SEND_INVALIDATE);
        assert_eq!(completion.field(), stag.0, "identified in the first field");
        let writes = scene.rig.tap.segments(1, first);
        assert_eq!(
            writes.last().unwrap().opcode,
            opcode::SEND_INVALIDATE,
            "validated by the opcode in the second"
        );
        scene.finish(4);
    });
}
