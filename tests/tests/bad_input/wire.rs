//! A wire with faults. Reliable VIs repair and count what the link header's check shows; an FPDU damaged in a good link frame
//! is MPA error 2.

use std::time::Duration;

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::vi::ViOptions;
use rnic_sim::wire::Impairments;
use rnic_tests::frames::LinkFrame;
use rnic_tests::{on_both, RigOptions, Scene, Shape, Side, Strictness, BOTH, REMOTE};

/// Many messages in both directions over a wire with faults: all arrive, once, in order.
fn faulty_wire(seed: u64, impairments: Impairments, sign: Counter) {
    for gateware in BOTH {
        let options = RigOptions {
            impairments: Impairments {
                seed,
                ..impairments
            },
            ..RigOptions::random(gateware, seed)
        };
        let mut scene = Scene::with(options, ViOptions::new);
        let delivered = rounds(&mut scene);
        seen(&scene, sign);
        scene.finish(delivered);
    }
}

/// One-shots with RDMA Writes of several segments; how many completions.
fn rounds(scene: &mut Scene) -> usize {
    let area = scene.area(Side::Initiator, "answer", Shape::Sgl(3), 4_000);
    let (source, local) = scene.local(Side::Responder, "source", 4_000);
    let reply = scene.reply_buffer(64);
    let rounds = 12;
    for _ in 0..rounds {
        let (stag, reference) = scene.advertise(&area, REMOTE, b"over a bad wire", Some(&reply));
        scene.fill_from(&source, &local, stag, &area);
        let message = scene.random.bytes(20);
        scene.give_back(stag, reference, &message, &reply);
    }
    4 * rounds
}

/// What the wire did was counted on one of the boards.
fn seen(scene: &Scene, sign: Counter) {
    scene.rig.settle();
    let of = |side: &Side| scene.counter(*side, sign);
    let seen: u64 = Side::BOTH.iter().map(of).sum();
    assert!(seen > 0, "{sign:?} counts what the wire did");
}

/// Flips a bit of the words in `damaged` of every ninth frame.
fn corrupt(scene: &Scene, damaged: fn(&[u32]) -> std::ops::Range<usize>) {
    let mut count = 0;
    scene.rig.tap.set_hand(move |_, frame| {
        count += 1;
        let words = damaged(frame);
        if count % 9 == 0 && !words.is_empty() {
            let word = words.start + count / 9 % words.len();
            frame[word] ^= 1 << (count % 32);
        }
    });
}

#[test]
fn wire_corrupts() {
    on_both(345, |mut scene| {
        scene.patience = Duration::from_millis(200);
        corrupt(&scene, |_| 0..LinkFrame::HEADER_WORDS);
        rounds(&mut scene);
        seen(&scene, Counter::LinkHeaderErrors);
        scene.others_are_served();
        scene.check(Strictness::Lossy);
    });
}

#[test]
fn wire_corrupts_an_fpdu() {
    for word in 0..4 {
        on_both(346 + word, |mut scene| {
            let area = scene.area(Side::Initiator, "target", Shape::Sgl(2), 64);
            let target = scene.register(Side::Initiator, &area, REMOTE);
            let (_, region) = scene.local(Side::Responder, "source", 64);
            // A word of the payload, of the pad and check sum, or of the header behind the length, which decides what
            // kind of frame it is.
            let mut first = true;
            scene.rig.tap.set_hand(move |board, frame| {
                let data = LinkFrame::decode(frame).is_some_and(|link| link.segment().is_some());
                if board == 1 && data && std::mem::take(&mut first) {
                    let places = [
                        LinkFrame::HEADER_WORDS + 5,
                        frame.len() - 1,
                        frame.len() - 2,
                        frame.len() - 4,
                    ];
                    frame[places[word as usize]] ^= 0x100;
                }
            });
            let remote = area.remote(target.stag(), 0);
            scene.write(Side::Responder, &region, 0, 61, remote);
            scene.refused(
                Counter::MpaCrcErrors,
                BoardEvent::RdmawData,
                terminate::MPA_CRC,
            );
            scene.others_are_served();
            scene.finish_broken();
        });
    }
}

#[test]
fn wire_loses() {
    let impairments = Impairments {
        drop: 40,
        ..Impairments::default()
    };
    faulty_wire(341, impairments, Counter::LinkRetransmits);
}

#[test]
fn wire_repeats() {
    let impairments = Impairments {
        duplicate: 60,
        ..Impairments::default()
    };
    faulty_wire(342, impairments, Counter::LinkDuplicates);
}

#[test]
fn wire_reorders() {
    let impairments = Impairments {
        reorder: 60,
        ..Impairments::default()
    };
    faulty_wire(343, impairments, Counter::LinkGaps);
}

#[test]
fn wire_truncates() {
    let impairments = Impairments {
        truncate: 40,
        ..Impairments::default()
    };
    faulty_wire(344, impairments, Counter::LinkHeaderErrors);
}
