//! A frame that is wrong in itself. What the link header's check covers is repaired by the link; what is wrong in a good link
//! frame breaks the VI with the RFCs' Terminate code.

use std::time::Duration;

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_tests::frames::{opcode, LinkFrame, Place, Segment};
use rnic_tests::{on_both, Scene, Shape, Side, Strictness, REMOTE};

/// What happens to a frame on its way.
type Edit = fn(LinkFrame) -> Vec<u32>;

/// The message whose frame is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Send,
    Write,
}

/// The responder sends a message whose frame is changed on the way; the initiator answers with a Terminate.
fn bad_frame(
    seed: u64,
    sent: Sent,
    code: u16,
    counter: Counter,
    edit: impl Fn(LinkFrame) -> Vec<u32> + Clone + Send + 'static,
) {
    on_both(seed, |mut scene| {
        let area = scene.area(Side::Initiator, "target", Shape::Contiguous, 64);
        let target = scene.register(Side::Initiator, &area, REMOTE);
        let (_, region) = scene.local(Side::Responder, "message", 64);
        let wanted = match sent {
            Sent::Send => opcode::SEND,
            Sent::Write => opcode::WRITE,
        };
        let tap = scene.rig.tap.clone();
        tap.edit_next(1, move |segment| segment.opcode == wanted, edit.clone());
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 33).unwrap();
        let event = match sent {
            Sent::Send => {
                scene.post(Side::Responder, &Descriptor::send(vec![segment]));
                BoardEvent::RecvError
            }
            Sent::Write => {
                let remote = area.remote(target.stag(), 0);
                let write = Descriptor::rdma_write(remote, vec![segment]);
                scene.post(Side::Responder, &write);
                match counter {
                    Counter::MpaCrcErrors => BoardEvent::RdmawData,
                    _ => BoardEvent::RecvError,
                }
            }
        };
        scene.refused(counter, event, code);
        scene.others_are_served();
        scene.finish_broken();
    });
}

/// Changes the segment in a frame and frames it again with good check sums.
fn with_segment(
    change: impl Fn(&mut Segment) + Clone + Send + 'static,
) -> impl Fn(LinkFrame) -> Vec<u32> + Clone + Send + 'static {
    move |link| {
        let mut segment = link.segment().unwrap();
        change(&mut segment);
        link.with_body(segment.fpdu()).encode()
    }
}

/// Changes a number of an untagged header.
fn with_place(
    change: impl Fn(&mut u32, &mut u32, &mut u32) + Clone + Send + 'static,
) -> impl Fn(LinkFrame) -> Vec<u32> + Clone + Send + 'static {
    with_segment(move |segment| {
        if let Place::Untagged { qn, msn, mo, .. } = &mut segment.place {
            change(qn, msn, mo);
        }
    })
}

#[test]
fn frame_bad_crc() {
    for (seed, sent) in [(321, Sent::Send), (320, Sent::Write)] {
        bad_frame(
            seed,
            sent,
            terminate::MPA_CRC,
            Counter::MpaCrcErrors,
            LinkFrame::with_bad_crc,
        );
    }
}

#[test]
fn frame_bad_opcode() {
    let edit = with_segment(|segment| segment.opcode = 0xB);
    let code = terminate::RDMAP_OPCODE;
    bad_frame(322, Sent::Send, code, Counter::RdmapErrors, edit.clone());
    bad_frame(319, Sent::Write, code, Counter::RdmapErrors, edit);
}

#[test]
fn frame_bad_versions() {
    let bad_dv = with_segment(|segment| segment.dv = 2);
    let code = terminate::DDP_UNTAGGED_VERSION;
    bad_frame(323, Sent::Send, code, Counter::DdpErrors, bad_dv.clone());
    let code = terminate::DDP_TAGGED_VERSION;
    bad_frame(318, Sent::Write, code, Counter::DdpErrors, bad_dv);
    let bad_rv = with_segment(|segment| segment.rv = 2);
    let code = terminate::RDMAP_VERSION;
    bad_frame(324, Sent::Send, code, Counter::RdmapErrors, bad_rv.clone());
    bad_frame(317, Sent::Write, code, Counter::RdmapErrors, bad_rv);
}

#[test]
fn frame_bad_queue_and_numbers() {
    let edits = [
        (325, terminate::DDP_QN, 0),
        (326, terminate::DDP_MSN, 1),
        (327, terminate::DDP_MO, 2),
    ];
    for (seed, code, number) in edits {
        let edit = with_place(move |qn, msn, mo| match number {
            0 => *qn = 7,
            1 => *msn += 5,
            _ => *mo = 4,
        });
        bad_frame(seed, Sent::Send, code, Counter::DdpErrors, edit);
    }
}

#[test]
fn message_too_long() {
    on_both(328, |mut scene| {
        let (_, region) = scene.local(Side::Responder, "message", 400);
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 400).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.refused(
            Counter::DdpErrors,
            BoardEvent::RecvError,
            terminate::DDP_TOO_LONG,
        );
        scene.drop_receive(Side::Initiator);
        scene.others_are_served();
        scene.finish_broken();
    });
}

#[test]
fn no_receive_descriptor() {
    on_both(329, |mut scene| {
        let (_, region) = scene.local(Side::Responder, "message", 64);
        let segment = region.segment(0, 40).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.refused(
            Counter::ReceiveQueueEmpty,
            BoardEvent::RecvqEmpty,
            terminate::DDP_NO_BUFFER,
        );
        scene.others_are_served();
        scene.finish_broken();
    });
}

/// The responder's message is damaged once in a way that the link repairs.
fn repaired(seed: u64, edit: Edit) {
    on_both(seed, |mut scene| {
        scene.patience = Duration::from_millis(100);
        let tap = scene.rig.tap.clone();
        tap.edit_next(1, |segment| segment.opcode == opcode::SEND, edit);
        let (message, region) = scene.local(Side::Responder, "message", 64);
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 50).unwrap();
        let sent = scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        let data = scene.score.get_area(&message, 0, 50);
        scene.receives(Side::Initiator, &data);
        scene.completes(Side::Responder, Kind::Send, sent, 50);
        scene.rig.settle();
        let counted = |scene: &Scene| scene.counter(Side::Initiator, Counter::LinkHeaderErrors);
        assert_eq!(counted(&scene), 1);
        assert!(scene.counter(Side::Responder, Counter::LinkRetransmits) >= 1);
        scene.others_are_served();
        scene.check(Strictness::Lossy);
    });
}

#[test]
fn frame_truncated() {
    repaired(331, |link| {
        let mut words = link.encode();
        words.truncate(words.len() - 3);
        words
    });
}

#[test]
fn frame_cut_in_its_header() {
    repaired(332, |link| link.encode()[..3].to_vec());
}

#[test]
fn frame_oversized() {
    repaired(333, |link| {
        let mut words = link.encode();
        words.extend(vec![0x5555_5555; 1_000]);
        words
    });
}
