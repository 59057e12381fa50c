//! What one-shots can be asked for besides: where replies go, messages from a buffer.

use rnic_driver::command::Message;
use rnic_tests::{on_both, Shape, Side, REMOTE};

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
