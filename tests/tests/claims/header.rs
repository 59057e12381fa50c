//! Claims 6 to 9, 18, 19, 24: the STag in the optional field of the header, and the bits that say what it is.

use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_sim::model::Gateware;
use rnic_tests::frames::{opcode, LinkFrame, Segment};
use rnic_tests::{inline, on_both, Scene, Shape, Side, BOTH, REMOTE};

use crate::{only, round, ASK, DONE};

#[test]
fn claim_06_the_stag_is_placed_in_an_optional_field_of_the_header() {
    on_both(106, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 128);
        let first = scene.rig.tap.count();
        let stag = round(&mut scene, &area);
        let send = only(&scene, Side::Initiator, first, opcode::SEND);
        assert_eq!(send.field(), stag.0);
        scene.finish(4);
    });
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
fn claim_18_the_nic_receives_an_optional_field_with_an_stag() {
    on_both(118, |mut scene| {
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
        scene.give_back_by_descriptor(stag, reference, DONE);
        let sent = only(&scene, Side::Responder, first, opcode::SEND_INVALIDATE);
        assert_eq!(sent.field(), stag.0);
        scene.finish(4);
    });
}

#[test]
fn claim_19_the_header_says_whether_the_optional_field_is_valid() {
    on_both(119, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 300);
        let reply = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
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
        scene.fill(stag, &area);
        // Under the opcode that does, it is released.
        scene.give_back(stag, reference, DONE, &reply);
        assert_eq!(scene.pair.initiator.outstanding(), 0);
        scene.finish(6);
    });
}

#[test]
fn claim_24_a_write_is_initiated_with_a_validated_stag_in_the_send() {
    on_both(124, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Pages, 5_000);
        let first = scene.rig.tap.count();
        let stag = round(&mut scene, &area);
        let send = only(&scene, Side::Initiator, first, opcode::SEND);
        assert_eq!((send.field(), send.rsv), (stag.0, 3));
        let writes = scene.rig.tap.segments(1, first);
        let writes = writes.iter().filter(|s| s.opcode == opcode::WRITE);
        assert!(writes.count() > 1, "the RDMA Write that it initiated");
        scene.finish(4);
    });
}
