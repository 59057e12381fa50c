//! The reply buffer of a one-shot is looked at only when the reply comes: the one-shot that it fails comes back with the
//! error, its STag released, and the VI breaks.

use rnic_abi::error::{terminate, CommandError};
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::command::{Access, ReplyBuffer};
use rnic_driver::one_shot::Request;
use rnic_tests::{inline, on_both, Scene, Shape, Side, REMOTE};

/// Bytes of the reply.
const REPLY: [u8; 40] = [0x77; 40];

/// A one-shot whose reply buffer is not good for its reply.
fn refused(
    seed: u64,
    error: CommandError,
    counter: Counter,
    code: u16,
    buffer: impl Fn(&mut Scene) -> ReplyBuffer,
) {
    on_both(seed, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(2), 64);
        let reply = Some(buffer(&mut scene));
        let reference = scene.reference();
        let request = Request {
            reply,
            ..Request::new(area.backing.clone(), REMOTE, reference)
        };
        scene.post_receive(Side::Responder);
        let stag = scene.one_shot_with(request, inline(b"answer me"));
        scene.receives(Side::Responder, b"answer me");
        scene.send_invalidate(Side::Responder, stag, inline(&REPLY), false);
        let completed = scene.came_back();
        assert_eq!((completed.stag, completed.reference), (stag, reference));
        let said = completed.failure.map(|failure| failure.error);
        assert_eq!(said, Some(error));
        scene.refused(counter, BoardEvent::RecvError, code);
        let board = scene.host(Side::Initiator).board.clone();
        assert!(board.check_stag(stag).is_err(), "its STag is free");
        let free = scene.ok("elements", board.observer().sges_free());
        assert_eq!(free as usize, scene.rig.options.gateware.config().sges());
        scene.others_are_served();
        scene.finish_broken();
    });
}

/// A watched buffer of the initiator with these rights.
fn buffer(scene: &mut Scene, access: Access, bytes: usize) -> ReplyBuffer {
    let area = scene.area(Side::Initiator, "reply", Shape::Contiguous, bytes);
    let region = scene.register(Side::Initiator, &area, access);
    let segment = scene.ok("reply", region.segment(0, bytes));
    // The board keeps the region for as long as the scene lasts.
    std::mem::forget(region);
    ReplyBuffer {
        handle: segment.handle,
        va: segment.va,
        bytes: segment.bytes,
    }
}

#[test]
fn reply_longer_than_its_buffer() {
    let (error, code) = (CommandError::TooLong, terminate::DDP_TOO_LONG);
    refused(371, error, Counter::DdpErrors, code, |scene| {
        buffer(scene, Access::LOCAL, REPLY.len() - 1)
    });
}

#[test]
fn reply_buffer_without_the_right() {
    let (error, code) = (CommandError::Protection, terminate::RDMAP_CATASTROPHIC);
    let counter = Counter::LocalProtectionErrors;
    refused(372, error, counter, code, |scene| {
        buffer(scene, Access::LOCAL_READ, 64)
    });
}

#[test]
fn reply_buffer_with_a_wrong_key() {
    let (error, code) = (CommandError::Protection, terminate::RDMAP_CATASTROPHIC);
    let counter = Counter::LocalProtectionErrors;
    refused(373, error, counter, code, |scene| {
        let mut reply = buffer(scene, Access::LOCAL, 64);
        reply.handle.0 ^= 1;
        reply
    });
}
