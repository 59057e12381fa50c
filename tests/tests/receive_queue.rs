//! A receive queue that is exactly full, emptied by one and filled again, with a send posted right after.

use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::vi::ViOptions;
use rnic_sim::model::Gateware;
use rnic_tests::{RigOptions, Scene, Side};

/// The responder posts `receives`, consumes one, posts one more and sends.
fn refill_and_send(gateware: Gateware, receives: usize) {
    let mut scene = Scene::with(RigOptions::ideal(gateware), ViOptions::new);
    let (answer, reply) = scene.local(Side::Responder, "reply", 4096);
    let (filled, inbox) = scene.local(Side::Responder, "filled inbox", 4096);
    let (asked, source) = scene.local(Side::Initiator, "source", 4096);
    let receive = Descriptor::receive(vec![inbox.segment(0, 64).unwrap()]);
    let post = |scene: &mut Scene, reference| {
        let vi = scene.channel(Side::Responder).vi_mut();
        let posted = vi.post_receive(&receive, reference);
        scene.ok("receive", posted);
    };
    let (landed, landing) = scene.local(Side::Initiator, "landing", 4096);
    let landing = Descriptor::receive(vec![landing.segment(0, 64).unwrap()]);
    let posted = scene
        .channel(Side::Initiator)
        .vi_mut()
        .post_receive(&landing, 0);
    scene.ok("receive", posted);
    for reference in 0..receives as u64 {
        post(&mut scene, reference);
    }
    let first = scene.post(
        Side::Initiator,
        &Descriptor::send(vec![source.segment(0, 48).unwrap()]),
    );
    scene.done(Side::Responder, Kind::Receive);
    post(&mut scene, receives as u64);
    let sent = scene.post(
        Side::Responder,
        &Descriptor::send(vec![reply.segment(0, 48).unwrap()]),
    );
    scene.completes(Side::Responder, Kind::Send, sent, 48);
    scene.completes(Side::Initiator, Kind::Send, first, 48);
    scene.done(Side::Initiator, Kind::Receive);
    for (from, to) in [(&asked, &filled), (&answer, &landed)] {
        let data = scene.score.get_area(from, 0, 48);
        scene.score.set_area(to, 0, &data);
    }
    scene.finish(4);
}

#[test]
fn refilled_when_not_full() {
    refill_and_send(Gateware::Small, 7);
    refill_and_send(Gateware::Full, 63);
}

#[test]
fn refilled_when_full() {
    refill_and_send(Gateware::Small, 8);
    refill_and_send(Gateware::Full, 64);
}
