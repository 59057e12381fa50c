//! Unreliable VIs: nothing is sent again and nobody terminates. What is lost or bad is dropped, counted and told by an event,
//! and the message after it arrives.

use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_abi::Stag;
use rnic_driver::command::Reliability;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::vi::ViOptions;
use rnic_tests::frames::{opcode, LinkFrame};
use rnic_tests::{RigOptions, Scene, Shape, Side, Strictness, BOTH, REMOTE};

/// On both configurations: a connection of unreliable VIs, on which `spoil` goes wrong and a good Send follows. `told` is
/// what the initiator's board says of it.
fn goes_on(seed: u64, counter: Option<Counter>, told: &[BoardEvent], spoil: impl Fn(&mut Scene)) {
    for gateware in BOTH {
        let options = RigOptions::random(gateware, seed);
        let mut scene = Scene::with(options, |ptag| ViOptions {
            reliability: Reliability::Unreliable,
            ..ViOptions::new(ptag)
        });
        let (message, region) = scene.local(Side::Responder, "good", 64);
        spoil(&mut scene);
        scene.rig.settle();
        scene.rig.tap.set_hand(|_, _| ());
        let vi = scene.pair.initiator.vi().number();
        let wanted: Vec<_> = told.iter().map(|&event| (vi, event)).collect();
        scene.told(Side::Initiator, &wanted);
        if let Some(counter) = counter {
            scene.score.expect(0, counter, 1);
        }
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 64).unwrap();
        let sent = scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        let data = scene.score.get_area(&message, 0, 64);
        scene.receives(Side::Initiator, &data);
        scene.completes(Side::Responder, Kind::Send, sent, 64);
        for side in Side::BOTH {
            assert_eq!(scene.counter(side, Counter::LinkRetransmits), 0);
            assert_eq!(scene.counter(side, Counter::TerminatesSent), 0);
        }
        scene.others_are_served();
        scene.check(Strictness::Lossy);
    }
}

/// The responder posts a Send that completes there, whatever becomes of it.
fn send(scene: &mut Scene) {
    let (_, region) = scene.local(Side::Responder, "spoiled", 64);
    let segment = region.segment(0, 40).unwrap();
    let sent = scene.post(Side::Responder, &Descriptor::send(vec![segment]));
    scene.completes(Side::Responder, Kind::Send, sent, 40);
}

/// The same with a Write.
fn write(scene: &mut Scene, remote: Remote) {
    let (_, region) = scene.local(Side::Responder, "spoiled", 64);
    let sent = scene.write(Side::Responder, &region, 0, 40, remote);
    scene.completes(Side::Responder, Kind::Send, sent, 40);
}

#[test]
fn unreliable_message_lost() {
    goes_on(361, None, &[], |scene| {
        let tap = scene.rig.tap.clone();
        tap.edit_next(1, |segment| segment.opcode == opcode::SEND, |_| Vec::new());
        send(scene);
    });
}

#[test]
fn unreliable_no_receive_descriptor() {
    let counter = Some(Counter::ReceiveQueueEmpty);
    goes_on(362, counter, &[BoardEvent::RecvqEmpty], send);
}

#[test]
fn unreliable_write_refused() {
    let counter = Some(Counter::RemoteProtectionErrors);
    goes_on(363, counter, &[BoardEvent::RdmawProt], |scene| {
        let handle = Stag::new(9, 9);
        write(scene, Remote { va: 0, handle });
    });
}

#[test]
fn unreliable_write_with_a_bad_crc() {
    let counter = Some(Counter::MpaCrcErrors);
    goes_on(364, counter, &[BoardEvent::RdmawData], |scene| {
        let area = scene.area(Side::Initiator, "target", Shape::Contiguous, 64);
        let target = scene.register(Side::Initiator, &area, REMOTE);
        let tap = scene.rig.tap.clone();
        tap.edit_next(
            1,
            |segment| segment.opcode == opcode::WRITE,
            LinkFrame::with_bad_crc,
        );
        write(scene, area.remote(target.stag(), 0));
    });
}

#[test]
fn unreliable_message_with_a_bad_crc() {
    let counter = Some(Counter::MpaCrcErrors);
    goes_on(365, counter, &[BoardEvent::RecvError], |scene| {
        let tap = scene.rig.tap.clone();
        tap.edit_next(
            1,
            |segment| segment.opcode == opcode::SEND,
            LinkFrame::with_bad_crc,
        );
        send(scene);
    });
}
