//! What one-shots can be asked for besides: where replies go, messages from a buffer, the single_message flag.

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::Event;
use rnic_driver::command::Message;
use rnic_driver::cqe::Kind;
use rnic_driver::one_shot::Request;
use rnic_tests::{inline, on_both, Shape, Side, REMOTE};

#[test]
fn reply_buffer() {
    on_both(207, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(2), 700);
        let reply = scene.reply_buffer(64);
        for length in [0, 1, 5, 64] {
            let (stag, reference) = scene.advertise(&area, REMOTE, b"go", Some(&reply));
            let message = scene.random.bytes(length);
            scene.give_back(stag, reference, &message, &reply);
        }
        scene.finish(12);
    });
}

#[test]
fn reply_descriptor() {
    on_both(208, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 700);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"go", None);
        scene.give_back_by_descriptor(stag, reference, b"reply");
        scene.finish(4);
    });
}

#[test]
fn message_from_a_buffer() {
    on_both(209, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let (message, region) = scene.local(Side::Initiator, "message", 250);
        let reply = scene.reply_buffer(64);
        scene.post_receive(Side::Responder);
        let segment = region.segment(0, 250).unwrap();
        let from = Message::Buffer {
            handle: segment.handle,
            va: segment.va,
            bytes: segment.bytes,
        };
        let (stag, reference) = scene.one_shot(&area, REMOTE, from, Some(&reply));
        let expected = scene.score.get_area(&message, 0, 250);
        let done = scene.receives(Side::Responder, &expected);
        assert_eq!(done.advertised, Some(stag));
        scene.give_back(stag, reference, b"", &reply);
        scene.finish(3);
    });
}

#[test]
#[ignore = "the command engine refuses SINGLE_MESSAGE on a one-shot"]
fn single_message_fires_once() {
    on_both(210, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 3_000);
        let reference = scene.reference();
        let request = Request {
            single_message: true,
            ..Request::new(area.backing.clone(), REMOTE, reference)
        };
        scene.post_receive(Side::Responder);
        let stag = scene.one_shot_with(request, inline(b"once"));
        scene.receives(Side::Responder, b"once");
        let (source, region) = scene.local(Side::Responder, "source", 3_000);
        // One message of several segments is admitted whole; its last segment fires.
        let sent = scene.write(Side::Responder, &region, 0, 2_500, area.remote(stag, 0));
        scene.completes(Side::Responder, Kind::Send, sent, 2_500);
        let data = scene.score.get_area(&source, 0, 2_500);
        scene.score.set_area(&area, 0, &data);
        scene.write(Side::Responder, &region, 0, 100, area.remote(stag, 2_600));
        scene.refused(
            Counter::RemoteProtectionErrors,
            BoardEvent::RdmawProt,
            terminate::RDMAP_ACCESS,
        );
        let left = scene.finish_broken();
        let flushed = left.iter().filter(|(side, event)| {
            *side == Side::Initiator
                && matches!(event, Event::OneShot(c) if c.failure.is_some() && c.stag == stag)
        });
        assert_eq!(flushed.count(), 1, "its one-shot is flushed once: {left:?}");
    });
}
