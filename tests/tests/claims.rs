//! One test a claim of the one-shot patent application (seed 001), each against the Verilated gateware.
//!
//! ```text
//! 1-5, 10, 11   one command in the BAR-mapped ring        12-15   the driver's STag and command table
//! 6-9, 24       the optional field and its bits           17-23, 25   how it comes back
//! ```

use rnic_abi::event::Event as BoardEvent;
use rnic_abi::registers::map;
use rnic_abi::step::{Counter, Step};
use rnic_abi::Stag;
use rnic_driver::command::Access;
use rnic_driver::command_table::State;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::Request;
use rnic_sim::model::Gateware;
use rnic_tests::frames::{opcode, LinkFrame, Segment};
use rnic_tests::{inline, Area, Scene, Shape, Side, BOTH};

const REMOTE: Access = Access(Access::REMOTE_WRITE.0 | Access::REMOTE_READ.0);
/// Message of a one-shot.
const ASK: &[u8] = b"please fill this";
/// Message of its end.
const DONE: &[u8] = b"done";

/// The address of a byte of what an STag names.
fn remote(stag: Stag, area: &Area, offset: u64) -> Remote {
    Remote {
        va: area.backing.default_base() + offset,
        handle: stag,
    }
}

/// The responder RDMA-Writes all of what it was given, in one message.
fn fill(scene: &mut Scene, stag: Stag, area: &Area) {
    let bytes = area.bytes();
    let (source, region) = scene.local(Side::Responder, "source", bytes);
    let reference = scene.write(Side::Responder, &region, 0, bytes, remote(stag, area, 0));
    scene.completes(Side::Responder, Kind::Send, reference, bytes);
    let data = scene.score.get_area(&source, 0, bytes);
    scene.score.set_area(area, 0, &data);
}

/// A whole one-shot over an area: message, RDMA Write of all of it, reply into a reply buffer. Four completions.
fn round(scene: &mut Scene, area: &Area) -> Stag {
    let (mem, at, _region, reply) = scene.reply_buffer(64);
    let (stag, reference) = scene.advertise(area, REMOTE, ASK, Some(reply));
    fill(scene, stag, area);
    scene.give_back(stag, reference, DONE, Some((mem, at)));
    stag
}

/// The only segment with this opcode that a side sent from frame `first` on.
fn only(scene: &Scene, side: Side, first: usize, opcode: u8) -> Segment {
    let segments = scene.rig.tap.segments(scene.index(side), first);
    let mut of_opcode = segments.into_iter().filter(|s| s.opcode == opcode);
    let (one, more) = (of_opcode.next(), of_opcode.next());
    assert_eq!(more, None, "one segment with opcode {opcode}");
    one.unwrap_or_else(|| scene.rig.fail("the segment was not sent"))
}

/// Steps of the initiator's board since event number `first`.
fn steps(scene: &Scene, first: usize) -> Vec<Step> {
    scene.rig.sim.with(|simulation| {
        simulation.trace().events()[first..]
            .iter()
            .filter(|event| event.board == 0)
            .map(|event| event.step)
            .collect()
    })
}

fn events_so_far(scene: &Scene) -> usize {
    scene
        .rig
        .sim
        .with(|simulation| simulation.trace().events().len())
}

#[test]
fn claim_01_driver_and_nic_perform_a_one_shot_initiation() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 101);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 1000);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        scene.rig.settle();
        let first = events_so_far(&scene);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
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
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        scene.finish(3);
    }
}

#[test]
fn claim_02_the_driver_posts_a_single_command_message() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 102);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 600);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).sim.counts();
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        fill(&mut scene, stag, &area);
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        scene.rig.settle();
        let moved = scene.host(Side::Initiator).sim.counts() - before;
        assert_eq!((moved.commands, moved.doorbells), (1, 0));
        assert_eq!((moved.mmio_reads, moved.cqes), (0, 1));
        scene.finish(4);
    }
}

#[test]
fn claim_03_the_command_describes_pinned_buffers() {
    for (gateware, shape) in [
        (Gateware::Small, Shape::Sgl(5)),
        (Gateware::Full, Shape::Sgl(12)),
        (Gateware::Full, Shape::Pages),
    ] {
        let mut scene = Scene::new(gateware, 103);
        let area = scene.area(Side::Initiator, "buffers", shape, 9_001);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).board.commands_posted();
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let registered = scene.host(Side::Initiator).board.commands_posted() - before;
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        let posted = scene.host(Side::Initiator).board.commands_posted() - before;
        assert_eq!(
            posted - registered,
            1,
            "the buffers came with the one command"
        );
        fill(&mut scene, stag, &area);
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        scene.finish(4);
    }
}

#[test]
fn claim_04_the_command_binds_a_portion_to_an_stag() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 104);
        let whole = scene.area(Side::Initiator, "pinned", Shape::Contiguous, 4096);
        let start = whole.pieces[0].start;
        let portion = scene
            .score
            .contiguous(whole.mem, start + 1000..start + 1777);
        let (stag, _) = scene.advertise(&portion, REMOTE, ASK, None);
        fill(&mut scene, stag, &portion);
        // One byte beyond the portion is pinned too, but not bound: refused, and nothing of the message is written.
        let (_source, region) = scene.local(Side::Responder, "beyond", 8);
        scene.write(Side::Responder, &region, 0, 8, remote(stag, &portion, 770));
        scene.score.expect(0, Counter::RemoteProtectionErrors, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::RdmawProt, BoardEvent::TerminateSent],
        );
        scene.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        scene.finish_broken();
    }
}

#[test]
fn claim_05_the_command_writes_the_send() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 105);
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
        scene.post_receive(Side::Initiator);
        end_into_descriptor(&mut scene, stag, reference);
        scene.finish(4);
    }
}

/// Ends a one-shot without a reply buffer: the reply goes into a receive descriptor, and the one-shot comes back besides.
fn end_into_descriptor(scene: &mut Scene, stag: Stag, reference: u64) {
    let ended = scene.send_invalidate(Side::Responder, stag, inline(DONE), false);
    let done = scene.receives(Side::Initiator, DONE);
    assert_eq!(done.invalidated, Some(stag));
    let completed = scene.came_back();
    assert_eq!((completed.stag, completed.reference), (stag, reference));
    assert!(completed.failure.is_none());
    scene.completes(Side::Responder, Kind::SendInvalidate, ended, DONE.len());
}

#[test]
fn claim_06_the_stag_is_placed_in_an_optional_field_of_the_header() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 106);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 128);
        let first = scene.rig.tap.count();
        let stag = round(&mut scene, &area);
        let send = only(&scene, Side::Initiator, first, opcode::SEND);
        assert_eq!(send.field(), stag.0);
        scene.finish(4);
    }
}

/// The control byte's reserved bits of an ordinary Send, and those of a one-shot's.
fn reserved_bits(gateware: Gateware, seed: u64) -> (u8, u8) {
    let mut scene = Scene::new(gateware, seed);
    let (area, region) = scene.local(Side::Initiator, "message", 40);
    let first = scene.rig.tap.count();
    scene.post_receive(Side::Responder);
    let segment = region.segment(0, 40).unwrap();
    let reference = scene.post(Side::Initiator, &Descriptor::send(vec![segment]));
    let message = scene.score.get_area(&area, 0, 40);
    let done = scene.receives(Side::Responder, &message);
    assert_eq!(done.advertised, None);
    scene.completes(Side::Initiator, Kind::Send, reference, 40);
    let ordinary = only(&scene, Side::Initiator, first, opcode::SEND);
    assert_eq!(ordinary.optional_stag(), None);
    let first = scene.rig.tap.count();
    let answer = scene.area(Side::Initiator, "answer", Shape::Contiguous, 128);
    let stag = round(&mut scene, &answer);
    let advertising = only(&scene, Side::Initiator, first, opcode::SEND);
    assert_eq!(advertising.optional_stag(), Some((stag.0, true)));
    scene.finish(6);
    (ordinary.rsv, advertising.rsv)
}

#[test]
fn claim_07_a_field_of_the_header_says_that_the_stag_is_valid() {
    for gateware in BOTH {
        let (ordinary, advertising) = reserved_bits(gateware, 107);
        assert_ne!(ordinary, advertising, "the field's value tells them apart");
    }
}

#[test]
fn claim_08_a_bit_of_the_header_says_that_the_stag_is_valid() {
    for gateware in BOTH {
        let (ordinary, advertising) = reserved_bits(gateware, 108);
        assert_eq!((ordinary & 2, advertising & 2), (0, 2));
    }
}

#[test]
fn claim_09_a_second_bit_advertises_the_portion_of_memory() {
    for gateware in BOTH {
        let (ordinary, advertising) = reserved_bits(gateware, 109);
        assert_eq!((ordinary & 1, advertising & 1), (0, 1));
    }
}

#[test]
fn claim_10_the_command_describes_a_section_of_memory() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 110);
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
        scene.post_receive(Side::Initiator);
        end_into_descriptor(&mut scene, stag, reference);
        scene.finish(5);
    }
}

#[test]
fn claim_11_the_command_is_posted_to_a_command_ring() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 111);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        scene.rig.settle();
        let board = scene.host(Side::Initiator).sim.clone();
        let consumed = board.bar_read(0, map::RING_CONSUMED, 4);
        let before = scene.host(Side::Initiator).sim.counts();
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        assert_eq!(board.bar_read(0, map::RING_CONSUMED, 4), consumed + 1);
        let moved = scene.host(Side::Initiator).sim.counts() - before;
        assert_eq!(moved.commands, 1, "one entry of the ring was completed");
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        scene.finish(3);
    }
}

#[test]
fn claim_12_the_driver_allocates_the_stag() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 112);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        scene.post_receive(Side::Responder);
        scene.rig.settle();
        let steps = scene.rig.sim.with(|simulation| simulation.trace().count());
        let (stag, reference) = scene.one_shot(&area, REMOTE, inline(ASK), Some(reply));
        let board = scene.host(Side::Initiator).board.clone();
        assert!(board.check_stag(stag).is_ok());
        let unmoved = scene.rig.sim.with(|simulation| simulation.trace().count());
        assert_eq!(steps, unmoved, "the board has not done anything yet");
        let done = scene.receives(Side::Responder, ASK);
        assert_eq!(done.advertised, Some(stag), "and then uses the driver's");
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        assert!(board.check_stag(stag).is_err());
        scene.finish(3);
    }
}

#[test]
fn claim_13_the_stag_is_returned_synchronously() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 113);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        scene.post_receive(Side::Responder);
        scene.rig.settle();
        let cycle = scene.rig.sim.cycles();
        let reads = scene
            .host(Side::Initiator)
            .board
            .transport()
            .accesses()
            .reads;
        let (stag, reference) = scene.one_shot(&area, REMOTE, inline(ASK), Some(reply));
        assert_eq!(scene.rig.sim.cycles(), cycle, "no time passes in the call");
        let after = scene
            .host(Side::Initiator)
            .board
            .transport()
            .accesses()
            .reads;
        assert_eq!(reads, after, "and nothing is read");
        scene.receives(Side::Responder, ASK);
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        scene.finish(3);
    }
}

#[test]
fn claim_14_the_stag_is_saved_in_the_command_table() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 114);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        let saved = *scene.pair.initiator.one_shots().table().get(stag).unwrap();
        assert_eq!((saved.stag, saved.state), (stag, State::Posted));
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        let saved = *scene.pair.initiator.one_shots().table().get(stag).unwrap();
        assert_eq!((saved.stag, saved.state), (stag, State::Completed));
        scene.finish(3);
    }
}

#[test]
fn claim_15_the_saved_stag_is_associated_with_a_reference() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 115);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let mut outstanding = Vec::new();
        for index in 0..4 {
            let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 32 + index);
            outstanding.push(scene.advertise(&area, REMOTE, ASK, Some(reply)));
        }
        for &(stag, reference) in &outstanding {
            let table = scene.pair.initiator.one_shots().table();
            assert_eq!(table.get(stag).unwrap().reference, reference);
        }
        // They come back in another order, each with its own reference.
        outstanding.swap(0, 2);
        outstanding.swap(1, 3);
        for (stag, reference) in outstanding {
            scene.give_back(stag, reference, DONE, Some((mem, at)));
        }
        scene.finish(12);
    }
}

#[test]
fn claim_16_the_nic_is_rdma_enabled() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 116);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 2_000);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        fill(&mut scene, stag, &area);
        let (copy, sink) = scene.local(Side::Responder, "copy", 2_000);
        let first = scene.rig.tap.count();
        let read = scene.read(Side::Responder, &sink, 0, 2_000, remote(stag, &area, 0));
        scene.completes(Side::Responder, Kind::Send, read, 2_000);
        let data = scene.score.get_area(&area, 0, 2_000);
        scene.score.set_area(&copy, 0, &data);
        only(&scene, Side::Responder, first, opcode::READ_REQUEST);
        let responses: Vec<Segment> = scene.rig.tap.segments(0, first);
        assert!(responses.iter().all(|s| s.opcode == opcode::READ_RESPONSE));
        let bytes: Vec<u8> = responses.into_iter().flat_map(|s| s.payload).collect();
        assert_eq!(bytes, data);
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        scene.finish(5);
    }
}

#[test]
fn claim_17_driver_and_nic_perform_a_one_shot_completion() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 117);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 500);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        fill(&mut scene, stag, &area);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).sim.counts();
        let first = events_so_far(&scene);
        scene.give_back(stag, reference, DONE, Some((mem, at)));
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
    }
}

#[test]
fn claim_18_the_nic_receives_an_optional_field_with_an_stag() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 118);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 300);
        // On the responder: pinned memory of the remote host.
        scene.post_receive(Side::Responder);
        let first = scene.rig.tap.count();
        let (stag, reference) = scene.one_shot(&area, REMOTE, inline(ASK), None);
        let done = scene.receives(Side::Responder, ASK);
        assert_eq!((done.advertised, done.invalidated), (Some(stag), None));
        let sent = only(&scene, Side::Initiator, first, opcode::SEND);
        assert_eq!(sent.optional_stag(), Some((stag.0, true)));
        // On the initiator: the same STag comes back in the field.
        scene.post_receive(Side::Initiator);
        end_into_descriptor(&mut scene, stag, reference);
        let sent = only(&scene, Side::Responder, first, opcode::SEND_INVALIDATE);
        assert_eq!(sent.field(), stag.0);
        scene.finish(4);
    }
}

#[test]
fn claim_19_the_header_says_whether_the_optional_field_is_valid() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 119);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 300);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        // The same field under an opcode that does not validate it is an ordinary Send: the STag stays bound.
        let invalidates = |segment: &Segment| segment.opcode == opcode::SEND_INVALIDATE;
        scene
            .rig
            .tap
            .edit_next(1, invalidates, move |link: LinkFrame| {
                let mut segment = link.segment().unwrap();
                segment.opcode = opcode::SEND;
                assert_eq!(segment.field(), stag.0);
                link.with_body(segment.fpdu()).encode()
            });
        scene.post_receive(Side::Initiator);
        let ended = scene.send_invalidate(Side::Responder, stag, inline(DONE), false);
        let done = scene.receives(Side::Initiator, DONE);
        assert_eq!((done.invalidated, done.advertised), (None, None));
        scene.completes(Side::Responder, Kind::SendInvalidate, ended, DONE.len());
        assert_eq!(scene.pair.initiator.outstanding(), 1);
        fill(&mut scene, stag, &area);
        // Under the opcode that does, it is released.
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        assert_eq!(scene.pair.initiator.outstanding(), 0);
        scene.finish(6);
    }
}

#[test]
fn claim_20_the_stag_is_deassociated_and_gives_no_access_any_more() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 120);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 300);
        let stag = round(&mut scene, &area);
        let (_source, region) = scene.local(Side::Responder, "late", 64);
        scene.write(Side::Responder, &region, 0, 64, remote(stag, &area, 0));
        scene.score.expect(0, Counter::RemoteProtectionErrors, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::RdmawProt, BoardEvent::TerminateSent],
        );
        scene.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        scene.finish_broken();
    }
}

#[test]
fn claim_21_the_driver_compares_the_stag_with_the_one_sent() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 121);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let areas: Vec<Area> = (0..2)
            .map(|_| scene.area(Side::Initiator, "answer", Shape::Contiguous, 64))
            .collect();
        let (one, one_reference) = scene.advertise(&areas[0], REMOTE, ASK, Some(reply));
        let (two, two_reference) = scene.advertise(&areas[1], REMOTE, ASK, Some(reply));
        // The later one comes back first; each is recognised by its STag.
        let completed = scene.give_back(two, two_reference, DONE, Some((mem, at)));
        assert_eq!(completed.backing.bytes(), 64);
        let table = scene.pair.initiator.one_shots().table();
        assert_eq!(table.get(one).unwrap().state, State::Posted);
        assert_eq!(table.get(two).unwrap().state, State::Completed);
        scene.give_back(one, one_reference, DONE, Some((mem, at)));
        scene.finish(6);
    }
}

#[test]
fn claim_22_the_stag_is_deassociated_from_its_sgl() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 122);
        let area = scene.area(Side::Initiator, "pieces", Shape::Sgl(9), 2_222);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let free = |scene: &Scene| {
            let observer = scene.host(Side::Initiator).board.observer();
            observer.sges_free().unwrap()
        };
        let before = free(&scene);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        assert_eq!(free(&scene), before - 9);
        fill(&mut scene, stag, &area);
        scene.give_back(stag, reference, DONE, Some((mem, at)));
        assert_eq!(free(&scene), before);
        scene.finish(4);
    }
}

#[test]
fn claim_23_every_resource_of_the_pinned_memory_is_freed() {
    // More rounds than the board has TPT entries, and more elements in all than it has: nothing may be lost in any round.
    let gateware = Gateware::Small;
    let mut scene = Scene::new(gateware, 123);
    let board = scene.host(Side::Initiator).board.clone();
    let (mem, at, _region, reply) = scene.reply_buffer(64);
    let rounds = gateware.config().tptes() + 6;
    let area = scene.area(Side::Initiator, "pieces", Shape::Sgl(3), 100);
    let free = board.observer().sges_free().unwrap();
    for _ in 0..rounds {
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        scene.give_back(stag, reference, DONE, Some((mem, at)));
    }
    assert!(rounds * 3 > gateware.config().sges());
    assert_eq!(board.observer().sges_free().unwrap(), free);
    assert_eq!(board.free_slots(), gateware.config().slots());
    let depth = gateware.config().queue_depth();
    assert_eq!(scene.pair.initiator.vi().send_space(), depth);
    scene.finish(3 * rounds);
}

#[test]
fn claim_24_a_write_is_initiated_with_a_validated_stag_in_the_send() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 124);
        let area = scene.area(Side::Initiator, "answer", Shape::Pages, 5_000);
        let first = scene.rig.tap.count();
        let stag = round(&mut scene, &area);
        let send = only(&scene, Side::Initiator, first, opcode::SEND);
        assert_eq!((send.field(), send.rsv), (stag.0, 3));
        let writes = scene.rig.tap.segments(1, first);
        let writes = writes.iter().filter(|s| s.opcode == opcode::WRITE);
        assert!(writes.count() > 1, "the RDMA Write that it initiated");
        scene.finish(4);
    }
}

#[test]
fn claim_25_a_write_is_completed_with_a_validated_stag() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 125);
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(4), 1_500);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let first = scene.rig.tap.count();
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(reply));
        fill(&mut scene, stag, &area);
        let completed = scene.give_back(stag, reference, DONE, Some((mem, at)));
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
    }
}
