//! Queues that overflow: the work that finds no room is dropped and told, the VI beside it goes on.

use rnic_abi::error::CommandError;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::{Channel, Event};
use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_tests::pair::Ends;
use rnic_tests::raw::{ring_doorbell, Queue};
use rnic_tests::{inline, on_both, Pair, Scene, Side};

/// Entries of a queue that is soon full, as log2.
const FEW_LOG2: u32 = 2;
const FEW: usize = 1 << FEW_LOG2;

/// The VI told that a doorbell found no room, once.
fn overrun(scene: &Scene, vi: u16) {
    assert_eq!(scene.counter(Side::Initiator, Counter::QueueOverruns), 1);
    let events = scene.host(Side::Initiator).board.observer().take_events();
    let events = scene.ok("events", events);
    assert_eq!(events, [(vi, BoardEvent::PostDesc)]);
}

#[test]
fn queue_overflow() {
    on_both(353, |mut scene| {
        let vi = scene.pair.initiator.vi().number();
        let board = scene.host(Side::Initiator).board.clone();
        let memory = board.allocate("descriptors", 4096).unwrap();
        let options = RegionOptions::new(scene.ptag(Side::Initiator));
        let region = Region::register(&board, memory.into(), options).unwrap();
        for sequence in 0..=board.identity().queue_depth {
            let (va, handle) = (region.base(), region.stag().0);
            ring_doorbell(&board, vi, Queue::Receive, va, handle, sequence);
        }
        scene.rig.settle();
        overrun(&scene, vi);
        scene.others_are_served();
        scene.rig.check_bus();
    });
}

#[test]
fn send_queue_overflow() {
    on_both(357, |mut scene| {
        let vi = scene.pair.initiator.vi().number();
        let board = scene.host(Side::Initiator).board.clone();
        let depth = board.identity().queue_depth as usize;
        let (area, source) = scene.local(Side::Initiator, "source", 64);
        let target = scene.area(Side::Responder, "target", rnic_tests::Shape::Contiguous, 64);
        let region = scene.register(Side::Responder, &target, Access::REMOTE_WRITE);
        // Nothing is acknowledged, so the queue fills.
        scene.rig.tap.set_hand(|_, frame| frame.clear());
        let remote = target.remote(region.stag(), 0);
        let mut posted = Vec::new();
        for _ in 0..depth {
            posted.push(scene.write(Side::Initiator, &source, 0, 64, remote));
        }
        let (va, handle) = (source.base(), source.stag().0);
        ring_doorbell(&board, vi, Queue::Send, va, handle, depth as u32);
        scene.rig.sim.run(500);
        overrun(&scene, vi);
        // Then all that was posted arrives.
        scene.rig.tap.set_hand(|_, _| ());
        scene.patience = std::time::Duration::from_millis(100);
        for reference in posted {
            scene.completes(Side::Initiator, Kind::Send, reference, 64);
        }
        let data = scene.score.get_area(&area, 0, 64);
        scene.score.set_area(&target, 0, &data);
        scene.others_are_served();
        if let Err(error) = scene.score.check_memory() {
            scene.rig.fail(&error);
        }
        scene.rig.check_bus();
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

#[test]
fn cq_overflow() {
    on_both(358, |mut scene| {
        let mut ends = narrow(&mut scene);
        let vi = ends.responder.vi().number();
        let region = |side, ptag| {
            let board = &scene.host(side).board;
            let memory = board.allocate("messages", 4096).unwrap();
            Region::register(board, memory.into(), RegionOptions::new(ptag)).unwrap()
        };
        let inbox = region(Side::Responder, ends.responder.vi().settings().ptag);
        let source = region(Side::Initiator, ends.initiator.vi().settings().ptag);
        let count = FEW + 2;
        for reference in 0..count as u64 {
            let receive = Descriptor::receive(vec![inbox.segment(0, 64).unwrap()]);
            let posted = ends.responder.vi_mut().post_receive(&receive, reference);
            scene.ok("receive", posted);
        }
        // The sender takes its completions, the receiver does not.
        for reference in 0..count as u64 {
            let send = Descriptor::send(vec![source.segment(0, 16).unwrap()]);
            let posted = ends.initiator.vi_mut().post_send(&send, reference);
            scene.ok("send", posted);
            scene.rig.settle();
            let event = scene.ok("completion", ends.initiator.poll());
            assert!(
                matches!(&event, Some(Event::Done(done)) if done.reference == reference),
                "{event:?}"
            );
        }
        let lost = scene.counter(Side::Responder, Counter::CqOverflows);
        assert_eq!(lost, (count - FEW) as u64);
        let events = scene.host(Side::Responder).board.observer().take_events();
        let events = scene.ok("events", events);
        assert!(events.contains(&(vi, BoardEvent::CompProt)), "{events:?}");
        // What was in the queue is still there, whole and in order.
        for reference in 0..FEW as u64 {
            let event = scene.ok("completion", ends.responder.poll());
            assert!(
                matches!(&event, Some(Event::Done(done)) if done.reference == reference),
                "{event:?}"
            );
        }
        scene.others_are_served();
        scene.rig.check_bus();
    });
}

#[test]
fn one_shot_without_a_cq_entry() {
    on_both(359, |mut scene| {
        let mut ends = narrow(&mut scene);
        let board = scene.host(Side::Initiator).board.clone();
        let answer = board.allocate("answer", 4096).unwrap();
        // A one-shot's entry is reserved when it is posted: the fifth finds none.
        for reference in 0..=FEW as u64 {
            let request = Request::new(answer.clone().into(), Access::REMOTE_WRITE, reference);
            let posted = ends.initiator.one_shot(request, inline(b"?"));
            scene.ok("one-shot", posted);
        }
        scene.rig.sim.run(2_000);
        let refused = board.take_admin(|cqe| cqe.error == CommandError::CqFull);
        let refused = scene.ok("admin queue", refused);
        assert!(refused.is_some(), "the last one is refused in CQ 0");
        assert_eq!(scene.counter(Side::Initiator, Counter::CommandErrors), 1);
        assert_eq!(scene.counter(Side::Initiator, Counter::CqOverflows), 0);
        scene.rig.check_bus();
    });
}
