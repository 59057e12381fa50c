//! What a host does to its own board: memory that is not mapped for DMA, a reset in the middle of an operation.

use std::time::Duration;

use rnic_abi::descriptor::status;
use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::Event;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::vi::Done;
use rnic_tests::frames::kind;
use rnic_tests::{on_both, Area, Scene, Shape, Side, BOTH, REMOTE};

/// A descriptor was not carried out: its VI went into error before.
fn is_flushed(done: &Done) {
    let flushed = done.outcome.status & status::DESC_FLUSHED != 0;
    assert!(flushed && done.outcome.length == 0, "{done:?}");
}

/// Takes the memory of an area away from its board.
fn unmap(scene: &Scene, side: Side, area: &Area) {
    let page = area.backing.default_base() & !4095;
    let taken = scene.host(side).sim.unmap(page - 4096, 64 << 10);
    assert!(taken > 0, "the memory was mapped");
}

#[test]
fn dma_unmapped() {
    on_both(354, |mut scene| {
        let (area, region) = scene.local(Side::Responder, "gone", 4096);
        unmap(&scene, Side::Responder, &area);
        let (_, landing) = scene.local(Side::Initiator, "landing", 200);
        let room = Descriptor::receive(vec![landing.segment(0, 200).unwrap()]);
        let received = scene.post_to_receive(Side::Initiator, &room);
        let segment = region.segment(0, 100).unwrap();
        let sent = scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        // The frame had begun: it goes out with a bad check sum, so that the peer takes nothing of it.
        scene.broken_with(Side::Responder, &[BoardEvent::SendError]);
        let wanted = [BoardEvent::RecvError, BoardEvent::TerminateSent];
        scene.broken_with(Side::Initiator, &wanted);
        assert_eq!(
            scene.terminate_of(Side::Initiator),
            Some(terminate::MPA_CRC)
        );
        scene.score.expect(1, Counter::DmaReadErrors, 1);
        scene.score.expect(0, Counter::MpaCrcErrors, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        // The Terminate finds the VI in error already.
        assert_eq!(scene.counter(Side::Responder, Counter::LinkUnknownVi), 1);
        let vi = scene.pair.responder.vi().number();
        let observer = scene.host(Side::Responder).board.observer();
        let failing = scene.ok("failing", observer.first_failing_descriptor(vi));
        assert_ne!(failing, 0, "the board names the descriptor");
        scene.others_are_served();
        let left = scene.finish_broken();
        assert_eq!(left.len(), 2, "{left:?}");
        for (side, event) in left {
            let (kind, number) = match side {
                Side::Initiator => (Kind::Receive, received),
                Side::Responder => (Kind::Send, sent),
            };
            let Event::Done(done) = event else {
                panic!("{event:?}");
            };
            assert_eq!((done.kind, done.reference), (kind, number));
            is_flushed(&done);
        }
    });
}

#[test]
fn dma_unmapped_write() {
    on_both(356, |mut scene| {
        let area = scene.area(Side::Initiator, "gone", Shape::Contiguous, 4096);
        let target = scene.register(Side::Initiator, &area, REMOTE);
        let (_, source) = scene.local(Side::Responder, "source", 100);
        unmap(&scene, Side::Initiator, &area);
        // The bus posts writes: only the board's own counter and event tell that one was refused.
        let remote = area.remote(target.stag(), 0);
        let sent = scene.write(Side::Responder, &source, 0, 100, remote);
        scene.completes(Side::Responder, Kind::Send, sent, 100);
        scene.score.expect(0, Counter::DmaWriteErrors, 1);
        scene.told(Side::Initiator, &[(0, BoardEvent::Catastrophic)]);
        scene.others_are_served();
        scene.finish(1);
    });
}

/// Bytes that the responder is writing when it is reset.
const WRITTEN: usize = 40_000;

/// The responder's board is reset so many cycles after it began to write: a part of it was placed, and nothing beside it.
fn reset_while_writing(scene: &mut Scene, cycles: u64) {
    let (source, local) = scene.local(Side::Responder, "source", WRITTEN);
    let area = scene.area(Side::Initiator, "granted", Shape::Sgl(3), WRITTEN);
    let region = scene.register(Side::Initiator, &area, REMOTE);
    let remote = area.remote(region.stag(), 0);
    scene.write(Side::Responder, &local, 0, WRITTEN, remote);
    scene.rig.sim.run(cycles);
    scene.reset_under_driver(Side::Responder);
    scene.rig.settle();
    let data = scene.score.get_area(&source, 0, WRITTEN);
    let placed = scene.score.set_some(&area, 0, &data);
    let placed = scene.ok("granted", placed);
    assert!(0 < placed && placed < WRITTEN / 2, "{placed} bytes placed");
    scene.told(Side::Initiator, &[]);
    // The reset cut a frame, if one was on its way.
    let cut = scene.rig.tap.cut(scene.index(Side::Responder));
    scene.score.expect(0, Counter::LinkHeaderErrors, cut);
    // The board no longer knows it.
    std::mem::forget(local);
}

#[test]
fn reset_mid_operation() {
    on_both(355, |mut scene| {
        reset_while_writing(&mut scene, 4_000);
        let unknown = scene.counter(Side::Responder, Counter::LinkUnknownVi);
        // The peer finds out when it has something to say: nobody acknowledges.
        let frames = scene.rig.tap.count();
        let (_, message) = scene.local(Side::Initiator, "message", 64);
        let segment = scene.ok("message", message.segment(0, 64));
        let sent = scene.post(Side::Initiator, &Descriptor::send(vec![segment]));
        scene.patience = Duration::from_millis(500);
        let done = scene.done(Side::Initiator, Kind::Send);
        assert_eq!(done.reference, sent);
        is_flushed(&done);
        let given_up = [BoardEvent::Timeout, BoardEvent::ConnLost];
        scene.broken_with(Side::Initiator, &given_up);
        let said = scene.rig.tap.sent(0, kind::DATA, frames);
        let unknown = scene.counter(Side::Responder, Counter::LinkUnknownVi) - unknown;
        assert_eq!(unknown, said, "the new board knows no such connection");
        for (counter, times) in [
            (Counter::LinkRetransmits, said - 1),
            (Counter::Timeouts, said),
            (Counter::Flushed, 1),
        ] {
            assert_eq!(
                scene.counter(Side::Initiator, counter),
                times,
                "{counter:?}"
            );
        }
        scene.new_driver(Side::Responder);
        scene.others_are_served();
        let left = scene.finish_broken();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn reset_at_any_moment() {
    for gateware in BOTH {
        let mut cut = 0;
        for seed in 381..389 {
            let mut scene = Scene::new(gateware, seed);
            let cycles = 1_200 + scene.random.below(2_500);
            reset_while_writing(&mut scene, cycles as u64);
            cut += scene.rig.tap.cut(1);
            scene.new_driver(Side::Responder);
            scene.others_are_served();
            let left = scene.finish_broken();
            assert!(left.is_empty(), "{left:?}");
        }
        assert!(cut > 0, "no reset came in the middle of a frame");
    }
}
