//! Queues that overflow: the work that finds no room is dropped and told, the VI beside it goes on.

use std::time::Duration;

use rnic_abi::completion::CQE_BYTES;
use rnic_abi::error::CommandError;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::{Channel, Event};
use rnic_driver::command::{Access, ReplyBuffer};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_sim::BusEvent;
use rnic_tests::pair::Ends;
use rnic_tests::raw::{ring_doorbell, Queue};
use rnic_tests::{inline, on_both, Area, Pair, Scene, Shape, Side, Strictness};

/// Entries of a queue that is soon full, as log2.
const FEW_LOG2: u32 = 2;
const FEW: usize = 1 << FEW_LOG2;

/// The initiator's doorbell found no room: dropped, counted and told, once.
fn overrun(scene: &mut Scene) {
    let vi = scene.pair.initiator.vi().number();
    scene.score.expect_overrun(0);
    assert_eq!(scene.counter(Side::Initiator, Counter::QueueOverruns), 1);
    let told = scene.take_events(Side::Initiator);
    assert_eq!(told, [(vi, BoardEvent::PostDesc)]);
}

/// Rings a doorbell of the initiator past the driver, which knows that the queue is full. It names watched memory, in which
/// nothing may be written.
fn one_too_many(scene: &mut Scene, queue: Queue) -> Region {
    let (vi, board) = (
        scene.pair.initiator.vi().number(),
        scene.host(Side::Initiator).board.clone(),
    );
    let (_, spare) = scene.local(Side::Initiator, "spare", 4096);
    let va = spare.base().next_multiple_of(64);
    let depth = board.identity().queue_depth;
    ring_doorbell(&board, vi, queue, va, spare.stag().0, depth);
    spare
}

#[test]
fn queue_overflow() {
    on_both(353, |mut scene| {
        let depth = scene.rig.options.gateware.config().queue_depth();
        for _ in 0..depth {
            scene.post_receive(Side::Initiator);
        }
        let _spare = one_too_many(&mut scene, Queue::Receive);
        scene.rig.settle();
        overrun(&mut scene);
        scene.others_are_served();
        // All that had been posted is there, and the queue takes more.
        let (source, local) = scene.local(Side::Responder, "source", 64);
        for round in 0..depth + 2 {
            if round >= depth {
                scene.post_receive(Side::Initiator);
            }
            let bytes = 1 + round % 60;
            let segment = local.segment(0, bytes).unwrap();
            let sent = scene.post(Side::Responder, &Descriptor::send(vec![segment]));
            let data = scene.score.get_area(&source, 0, bytes);
            scene.receives(Side::Initiator, &data);
            scene.completes(Side::Responder, Kind::Send, sent, bytes);
        }
        scene.finish(2 * (depth + 2));
    });
}

#[test]
fn send_queue_overflow() {
    on_both(357, |mut scene| {
        let depth = scene.rig.options.gateware.config().queue_depth();
        let (area, source) = scene.local(Side::Initiator, "source", 64 * (depth + 1));
        let target = scene.area(Side::Responder, "target", Shape::Sgl(3), 64 * (depth + 1));
        let region = scene.register(Side::Responder, &target, Access::REMOTE_WRITE);
        // Nothing is acknowledged, so the queue fills.
        scene.rig.tap.set_hand(|_, frame| frame.clear());
        let write = |scene: &mut Scene, index: usize| {
            let remote = target.remote(region.stag(), 64 * index);
            scene.write(Side::Initiator, &source, 64 * index, 64, remote)
        };
        let posted: Vec<u64> = (0..depth).map(|index| write(&mut scene, index)).collect();
        let _spare = one_too_many(&mut scene, Queue::Send);
        scene.rig.sim.run(500);
        overrun(&mut scene);
        // Then all that was posted arrives, and the queue takes more.
        scene.rig.tap.set_hand(|_, _| ());
        scene.patience = Duration::from_millis(100);
        for reference in posted {
            scene.completes(Side::Initiator, Kind::Send, reference, 64);
        }
        let reference = write(&mut scene, depth);
        scene.completes(Side::Initiator, Kind::Send, reference, 64);
        let data = scene.score.get_area(&area, 0, 64 * (depth + 1));
        scene.score.set_area(&target, 0, &data);
        scene.others_are_served();
        scene.check(Strictness::Lossy);
    });
}

/// A connection whose ends have completion queues of few entries.
fn narrow(scene: &mut Scene) -> Ends {
    let open = |side| {
        let board = &scene.host(side).board;
        let options = ViOptions::new(board.allocate_ptag());
        scene.ok("channel", Channel::open(board, FEW_LOG2, options))
    };
    let (initiator, responder) = (open(Side::Initiator), open(Side::Responder));
    Pair::join(&scene.rig, &mut scene.pair.managers, initiator, responder)
}

/// Watched memory that is registered for an end of another connection.
fn memory(scene: &mut Scene, side: Side, end: &Channel, bytes: usize) -> (Area, Region) {
    let area = scene.area(side, "messages", Shape::Contiguous, bytes);
    let options = RegionOptions::new(end.vi().settings().ptag);
    let region = scene.register_with(side, &area, options);
    (area, region)
}

/// Every CQE since the record of marks began went into one queue of few entries, in order, and nothing behind its end.
fn kept_to_its_queue(scene: &Scene, side: Side) {
    scene.host(side).sim.with_board(|board| {
        let marks = board.monitor.marks().iter();
        let cqes: Vec<u64> = marks
            .filter_map(|(_, event)| match event {
                BusEvent::CqeLast(iova) => Some(*iova),
                _ => None,
            })
            .collect();
        let entry = |index: usize| cqes[0] + (index * CQE_BYTES) as u64;
        assert_eq!(cqes, (0..FEW).map(entry).collect::<Vec<_>>());
        assert_eq!(cqes[0] % 4096, 0, "the queue has a page of its own");
        let mut behind = vec![0xFF; 4096 - FEW * CQE_BYTES];
        board.memory.read(entry(FEW), &mut behind).unwrap();
        assert!(behind.iter().all(|&byte| byte == 0), "behind the queue");
    });
}

#[test]
fn cq_overflow() {
    on_both(358, |mut scene| {
        let mut ends = narrow(&mut scene);
        let vi = ends.responder.vi().number();
        let count = FEW + 2;
        let (inbox, landing) = memory(&mut scene, Side::Responder, &ends.responder, 64 * count);
        let (source, local) = memory(&mut scene, Side::Initiator, &ends.initiator, 64);
        for reference in 0..count {
            let room = landing.segment(64 * reference, 64).unwrap();
            let receive = Descriptor::receive(vec![room]);
            let vi = ends.responder.vi_mut();
            scene.ok("receive", vi.post_receive(&receive, reference as u64));
        }
        scene.rig.settle();
        let sim = scene.host(Side::Responder).sim.clone();
        sim.with_board(|board| board.monitor.record_marks());
        // The sender takes its completions, the receiver does not.
        for reference in 0..count {
            let bytes = 16 + reference;
            let send = Descriptor::send(vec![local.segment(reference, bytes).unwrap()]);
            let vi = ends.initiator.vi_mut();
            scene.ok("send", vi.post_send(&send, reference as u64));
            let done = scene.next_done(&mut ends.initiator, Kind::Send, bytes);
            assert_eq!(done.reference, reference as u64);
            // Messages arrive whether or not there is room to tell of them.
            let data = scene.score.get_area(&source, reference, bytes);
            scene.score.set_area(&inbox, 64 * reference, &data);
        }
        scene.told(Side::Responder, &[(vi, BoardEvent::CompProt)]);
        scene.told(Side::Initiator, &[]);
        scene
            .score
            .expect(1, Counter::CqOverflows, (count - FEW) as u64);
        kept_to_its_queue(&scene, Side::Responder);
        // What was in the queue is still there, whole and in order.
        for reference in 0..FEW {
            let done = scene.next_done(&mut ends.responder, Kind::Receive, 16 + reference);
            assert_eq!(done.reference, reference as u64);
        }
        scene.others_are_served();
        scene.finish(0);
    });
}

#[test]
fn one_shot_without_a_cq_entry() {
    on_both(359, |mut scene| {
        let mut ends = narrow(&mut scene);
        let board = scene.host(Side::Initiator).board.clone();
        let elements = board.observer().sges_free().unwrap();
        let (inbox, landing) = memory(&mut scene, Side::Responder, &ends.responder, 64);
        let (replies, place) = memory(&mut scene, Side::Initiator, &ends.initiator, 64);
        let answer = scene.area(Side::Initiator, "answer", Shape::Sgl(2), 512);
        let reply = place.segment(0, 64).unwrap();
        let reply = ReplyBuffer {
            handle: reply.handle,
            va: reply.va,
            bytes: reply.bytes,
        };
        let room = Descriptor::receive(vec![landing.segment(0, 64).unwrap()]);
        for _ in 0..=FEW {
            let posted = ends.responder.vi_mut().post_receive(&room, 0);
            scene.ok("receive", posted);
        }
        let post = |scene: &Scene, ends: &mut Ends, reference: usize| {
            let backing = answer.backing.clone();
            let request = Request {
                reply: Some(reply),
                ..Request::new(backing, Access::REMOTE_WRITE, reference as u64)
            };
            let posted = ends
                .initiator
                .one_shot(request, inline(&[reference as u8; 9]));
            scene.ok("one-shot", posted)
        };
        // A one-shot's entry is reserved when it is posted: the fifth finds none.
        let stags: Vec<_> = (0..=FEW).map(|i| post(&scene, &mut ends, i)).collect();
        // It comes back at once, by CQ 0, and has never left.
        let Event::OneShot(refused) = scene.next_of(&mut ends.initiator) else {
            panic!("not a one-shot");
        };
        assert_eq!((refused.reference, refused.stag), (FEW as u64, stags[FEW]));
        let failure = refused.failure.map(|failure| failure.error);
        assert_eq!(failure, Some(CommandError::CqFull));
        assert!(board.check_stag(stags[FEW]).is_err(), "its STag is free");
        scene.score.expect(0, Counter::CommandErrors, 1);
        let asked = |scene: &Scene, ends: &mut Ends, stag| {
            let done = scene.next_done(&mut ends.responder, Kind::Receive, 9);
            assert_eq!(done.advertised, Some(stag));
        };
        let end = |scene: &Scene, ends: &mut Ends, stag, reference: usize| {
            let vi = ends.responder.vi_mut();
            scene.ok("end", vi.send_invalidate(stag, inline(b"ok"), false, 0));
            let Event::OneShot(done) = scene.next_of(&mut ends.initiator) else {
                panic!("not a one-shot");
            };
            assert_eq!((done.reference, done.stag), (reference as u64, stag));
            assert!(done.failure.is_none(), "{done:?}");
            scene.next_done(&mut ends.responder, Kind::SendInvalidate, 2);
        };
        // The others are served, and with room in the queue the next one is.
        for &stag in &stags[..FEW] {
            asked(&scene, &mut ends, stag);
        }
        for (reference, &stag) in stags[..FEW].iter().enumerate() {
            end(&scene, &mut ends, stag, reference);
        }
        let stag = post(&scene, &mut ends, FEW);
        asked(&scene, &mut ends, stag);
        end(&scene, &mut ends, stag, FEW);
        scene.score.set_area(&inbox, 0, &[FEW as u8; 9]);
        scene.score.set_area(&replies, 0, b"ok");
        assert_eq!(board.observer().sges_free().unwrap(), elements);
        scene.others_are_served();
        scene.finish(0);
    });
}
