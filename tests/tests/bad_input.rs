//! Everything that a peer, a driver or a wire may do wrong: the documented error, counter and event, memory outside what was
//! granted untouched, and the other VIs served.

use rnic_abi::command::{opcode as command, RING_ENTRY_BYTES, SLOT_BYTES};
use rnic_abi::error::{terminate, CommandError, Field};
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::registers::{map, DOORBELL_PAGE_BYTES, RING_OFFSET, SLOTS_OFFSET};
use rnic_abi::step::Counter;
use rnic_abi::Stag;
use rnic_driver::command::Access;
use rnic_driver::cqe::{Cqe, Kind};
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::transport::Bar;
use rnic_driver::vi::ViOptions;
use rnic_sim::model::Gateware;
use rnic_sim::wire::Impairments;
use rnic_tests::frames::{opcode, Fpdu, LinkFrame, Place, Segment};
use rnic_tests::{inline, Area, Rig, RigOptions, Scene, Shape, Side, BOTH};

const REMOTE: Access = Access(Access::REMOTE_WRITE.0 | Access::REMOTE_READ.0);

/// What the responder tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    Write,
    Read,
}

/// A region of the initiator, with its area.
fn granted(
    scene: &mut Scene,
    shape: Shape,
    options: impl Fn(RegionOptions) -> RegionOptions,
) -> (Area, Region) {
    let area = scene.area(Side::Initiator, "granted", shape, 1_000);
    let ptag = scene.ptag(Side::Initiator);
    let standard = RegionOptions {
        access: REMOTE,
        ..RegionOptions::new(ptag)
    };
    let region = scene.register_with(Side::Initiator, &area, options(standard));
    (area, region)
}

/// The code of the Terminate that a side sent.
fn terminate_of(scene: &Scene, side: Side) -> Option<u16> {
    let segments = scene.rig.tap.segments(scene.index(side), 0);
    segments.iter().find_map(Segment::terminate_code)
}

/// The responder accesses 8 bytes at `remote`, the initiator refuses with `code`, both VIs break, others are served.
fn refused(
    gateware: Gateware,
    seed: u64,
    tried: Try,
    code: u16,
    target: impl Fn(&mut Scene) -> (Remote, Vec<Region>),
) {
    let mut scene = Scene::new(gateware, seed);
    let (remote, regions) = target(&mut scene);
    let (_local, region) = scene.local(Side::Responder, "local", 64);
    let event = match tried {
        Try::Write => {
            scene.write(Side::Responder, &region, 0, 8, remote);
            BoardEvent::RdmawProt
        }
        Try::Read => {
            scene.read(Side::Responder, &region, 0, 8, remote);
            BoardEvent::RdmarProt
        }
    };
    scene.score.expect(0, Counter::RemoteProtectionErrors, 1);
    scene.score.expect(0, Counter::TerminatesSent, 1);
    scene.score.expect(1, Counter::TerminatesReceived, 1);
    scene.broken_with(Side::Initiator, &[event, BoardEvent::TerminateSent]);
    scene.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
    let found = terminate_of(&scene, Side::Initiator);
    assert_eq!(
        found,
        Some(code),
        "{tried:?}: Terminate {found:x?}, not {code:x}"
    );
    scene.others_are_served();
    drop(regions);
    let left = scene.finish_broken();
    let failed = left.iter().filter(|(side, event)| {
        *side == Side::Responder
            && matches!(event, rnic_driver::channel::Event::Done(done) if done.kind == Kind::Send && done.outcome.ok().is_err())
    });
    assert_eq!(failed.count(), 1, "the access fails once: {left:?}");
}

#[test]
fn stag_stale() {
    for gateware in BOTH {
        refused(
            gateware,
            301,
            Try::Write,
            terminate::DDP_INVALID_STAG,
            |scene| {
                let (_, region) = granted(scene, Shape::Contiguous, |options| options);
                let (va, handle) = (region.base(), region.stag());
                let gone = region.invalidate();
                scene.ok("invalidate", gone);
                (Remote { va, handle }, Vec::new())
            },
        );
    }
}

#[test]
fn stag_never_bound() {
    for tried in [Try::Write, Try::Read] {
        let code = match tried {
            Try::Write => terminate::DDP_INVALID_STAG,
            Try::Read => terminate::RDMAP_INVALID_STAG,
        };
        refused(Gateware::Small, 302, tried, code, |_| {
            let handle = Stag::new(Gateware::Small.config().tptes() as u32 - 1, 0x55);
            (Remote { va: 0, handle }, Vec::new())
        });
    }
}

#[test]
fn stag_beyond_the_table() {
    refused(
        Gateware::Full,
        303,
        Try::Write,
        terminate::DDP_INVALID_STAG,
        |_| {
            let handle = Stag::new(Gateware::Full.config().tptes() as u32, 1);
            (Remote { va: 0, handle }, Vec::new())
        },
    );
}

#[test]
fn stag_foreign() {
    // A one-shot's STag is bound to its VI: another connection of the same peer may not use it.
    let mut scene = Scene::new(Gateware::Full, 304);
    let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 512);
    let (stag, _) = scene.advertise(&area, REMOTE, b"mine", None);
    let mut ends =
        rnic_tests::Pair::connect_with(&scene.rig, &mut scene.pair.managers, |_| ViOptions::new(1));
    let board = scene.host(Side::Responder).board.clone();
    let memory = board.allocate("source", 4096).unwrap();
    let options = RegionOptions::new(ends.responder.vi().settings().ptag);
    let source = Region::register(&board, memory.into(), options).unwrap();
    let remote = Remote {
        va: area.backing.default_base(),
        handle: stag,
    };
    let write = Descriptor::rdma_write(remote, vec![source.segment(0, 64).unwrap()]);
    ends.responder.vi_mut().post_send(&write, 1).unwrap();
    scene.rig.settle();
    assert_eq!(
        terminate_of(&scene, Side::Initiator),
        Some(terminate::DDP_NOT_ASSOCIATED)
    );
    scene.score.expect(0, Counter::RemoteProtectionErrors, 1);
    scene.score.expect(0, Counter::TerminatesSent, 1);
    scene.score.expect(1, Counter::TerminatesReceived, 1);
    // The connection that owns it goes on.
    scene.post_receive(Side::Initiator);
    let ended = scene.send_invalidate(Side::Responder, stag, inline(b"end"), false);
    scene.receives(Side::Initiator, b"end");
    assert_eq!(scene.came_back().stag, stag);
    scene.completes(Side::Responder, Kind::SendInvalidate, ended, 3);
    scene.finish_broken();
}

#[test]
fn stag_twice() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 305);
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(2), 512);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"once", Some(reply));
        scene.give_back(stag, reference, b"end", Some((mem, at)));
        scene.post_receive(Side::Initiator);
        scene.send_invalidate(Side::Responder, stag, inline(b"again"), false);
        scene.score.expect(0, Counter::InvalidateRefusals, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::InvalidateRefused, BoardEvent::TerminateSent],
        );
        scene.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        assert_eq!(
            terminate_of(&scene, Side::Initiator),
            Some(terminate::RDMAP_CANNOT_INVALIDATE)
        );
        scene.others_are_served();
        scene.finish_broken();
    }
}

#[test]
fn wrong_ptag() {
    for (tried, code) in [
        (Try::Write, terminate::DDP_NOT_ASSOCIATED),
        (Try::Read, terminate::RDMAP_NOT_ASSOCIATED),
    ] {
        refused(Gateware::Full, 306, tried, code, |scene| {
            let (_, region) = granted(scene, Shape::Contiguous, |options| RegionOptions {
                ptag: options.ptag + 0x1_0000,
                ..options
            });
            (
                Remote {
                    va: region.base(),
                    handle: region.stag(),
                },
                vec![region],
            )
        });
    }
}

#[test]
fn wrong_vi() {
    refused(
        Gateware::Small,
        307,
        Try::Write,
        terminate::DDP_NOT_ASSOCIATED,
        |scene| {
            let other = 1 + scene.pair.initiator.vi().number();
            let (_, region) = granted(scene, Shape::Contiguous, |options| RegionOptions {
                vi: Some(other),
                ..options
            });
            (
                Remote {
                    va: region.base(),
                    handle: region.stag(),
                },
                vec![region],
            )
        },
    );
}

#[test]
fn wrong_key() {
    refused(
        Gateware::Small,
        308,
        Try::Write,
        terminate::DDP_INVALID_STAG,
        |scene| {
            let (_, region) = granted(scene, Shape::Sgl(3), |options| options);
            let handle = Stag(region.stag().0 ^ 1);
            (
                Remote {
                    va: region.base(),
                    handle,
                },
                vec![region],
            )
        },
    );
}

#[test]
fn access_without_right() {
    for (tried, access) in [
        (Try::Write, Access::REMOTE_READ),
        (Try::Read, Access::REMOTE_WRITE),
        (Try::Write, Access::LOCAL),
        (Try::Read, Access::LOCAL),
    ] {
        refused(
            Gateware::Small,
            309,
            tried,
            terminate::RDMAP_ACCESS,
            |scene| {
                let (_, region) = granted(scene, Shape::Contiguous, |options| RegionOptions {
                    access,
                    ..options
                });
                (
                    Remote {
                        va: region.base(),
                        handle: region.stag(),
                    },
                    vec![region],
                )
            },
        );
    }
}

#[test]
fn bounds_edge() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 310);
        let (area, region) = granted(&mut scene, Shape::Sgl(3), |options| options);
        let (source, local) = scene.local(Side::Responder, "local", 64);
        for at in [0, 992] {
            let remote = Remote {
                va: region.base() + at as u64,
                handle: region.stag(),
            };
            let sent = scene.write(Side::Responder, &local, 0, 8, remote);
            scene.completes(Side::Responder, Kind::Send, sent, 8);
            let data = scene.score.get_area(&source, 0, 8);
            scene.score.set_area(&area, at, &data);
        }
        scene.finish(2);
    }
}

#[test]
fn bounds_one_past() {
    for (tried, code) in [
        (Try::Write, terminate::DDP_BOUNDS),
        (Try::Read, terminate::RDMAP_BOUNDS),
    ] {
        // One past the end, and one before the start.
        for va in [993, u64::MAX] {
            refused(Gateware::Small, 311, tried, code, |scene| {
                let (_, region) = granted(scene, Shape::Contiguous, |options| options);
                let va = region.base().wrapping_add(va);
                (
                    Remote {
                        va,
                        handle: region.stag(),
                    },
                    vec![region],
                )
            });
        }
    }
}

#[test]
fn bounds_wrap() {
    for (tried, code) in [
        (Try::Write, terminate::DDP_WRAP),
        (Try::Read, terminate::RDMAP_WRAP),
    ] {
        refused(Gateware::Full, 312, tried, code, |scene| {
            let (_, region) = granted(scene, Shape::Sgl(2), |options| RegionOptions {
                base: Some(u64::MAX - 999),
                ..options
            });
            (
                Remote {
                    va: u64::MAX - 3,
                    handle: region.stag(),
                },
                vec![region],
            )
        });
    }
}

/// The responder sends a message whose frame is changed on the way; the initiator answers with a Terminate.
fn bad_frame(
    seed: u64,
    code: u16,
    counter: Counter,
    edit: impl Fn(LinkFrame) -> Vec<u32> + Clone + Send + 'static,
) {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, seed);
        let edit = edit.clone();
        scene
            .rig
            .tap
            .edit_next(1, |segment| segment.opcode == opcode::SEND, edit);
        let (_, region) = scene.local(Side::Responder, "message", 64);
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 33).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.score.expect(0, counter, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::RecvError, BoardEvent::TerminateSent],
        );
        scene.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        assert_eq!(terminate_of(&scene, Side::Initiator), Some(code));
        scene.others_are_served();
        scene.finish_broken();
    }
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

#[test]
fn frame_bad_crc() {
    bad_frame(321, terminate::MPA_CRC, Counter::MpaCrcErrors, |link| {
        let ulpdu = link.fpdu().unwrap().ulpdu;
        let body = Fpdu {
            ulpdu,
            crc_good: false,
        }
        .encode();
        link.with_body(body).encode()
    });
}

#[test]
fn frame_bad_opcode() {
    bad_frame(
        322,
        terminate::RDMAP_OPCODE,
        Counter::RdmapErrors,
        with_segment(|segment| segment.opcode = 0xB),
    );
}

#[test]
fn frame_bad_versions() {
    bad_frame(
        323,
        terminate::DDP_UNTAGGED_VERSION,
        Counter::DdpErrors,
        with_segment(|segment| segment.dv = 2),
    );
    bad_frame(
        324,
        terminate::RDMAP_VERSION,
        Counter::RdmapErrors,
        with_segment(|segment| segment.rv = 2),
    );
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
fn frame_bad_queue_and_numbers() {
    bad_frame(
        325,
        terminate::DDP_QN,
        Counter::DdpErrors,
        with_place(|qn, _, _| *qn = 7),
    );
    bad_frame(
        326,
        terminate::DDP_MSN,
        Counter::DdpErrors,
        with_place(|_, msn, _| *msn += 5),
    );
    bad_frame(
        327,
        terminate::DDP_MO,
        Counter::DdpErrors,
        with_place(|_, _, mo| *mo = 4),
    );
}

#[test]
fn message_too_long() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 328);
        let (_, region) = scene.local(Side::Responder, "message", 400);
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 400).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.score.expect(0, Counter::DdpErrors, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::RecvError, BoardEvent::TerminateSent],
        );
        assert_eq!(
            terminate_of(&scene, Side::Initiator),
            Some(terminate::DDP_TOO_LONG)
        );
        scene.drop_receive(Side::Initiator);
        scene.others_are_served();
        scene.finish_broken();
    }
}

#[test]
fn no_receive_descriptor() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 329);
        let (_, region) = scene.local(Side::Responder, "message", 64);
        let segment = region.segment(0, 40).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.score.expect(0, Counter::ReceiveQueueEmpty, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::RecvqEmpty, BoardEvent::TerminateSent],
        );
        assert_eq!(
            terminate_of(&scene, Side::Initiator),
            Some(terminate::DDP_NO_BUFFER)
        );
        scene.others_are_served();
        scene.finish_broken();
    }
}

/// The responder's message is damaged once in a way that the link repairs.
fn repaired(seed: u64, edit: impl Fn(LinkFrame) -> Vec<u32> + Clone + Send + 'static) {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, seed);
        scene.patience = std::time::Duration::from_millis(100);
        let edit = edit.clone();
        scene
            .rig
            .tap
            .edit_next(1, |segment| segment.opcode == opcode::SEND, edit);
        let (message, region) = scene.local(Side::Responder, "message", 64);
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 50).unwrap();
        let sent = scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        let data = scene.score.get_area(&message, 0, 50);
        scene.receives(Side::Initiator, &data);
        scene.completes(Side::Responder, Kind::Send, sent, 50);
        scene.rig.settle();
        assert_eq!(scene.counter(Side::Initiator, Counter::LinkHeaderErrors), 1);
        assert!(scene.counter(Side::Responder, Counter::LinkRetransmits) >= 1);
        scene.check(rnic_tests::Strictness::Lossy);
    }
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
    let (mem, at, _region, reply) = scene.reply_buffer(64);
    let rounds = 12;
    for _ in 0..rounds {
        let (stag, reference) = scene.advertise(&area, REMOTE, b"over a bad wire", Some(reply));
        let remote = Remote {
            va: 0,
            handle: stag,
        };
        let sent = scene.write(Side::Responder, &local, 0, 4_000, remote);
        scene.completes(Side::Responder, Kind::Send, sent, 4_000);
        let data = scene.score.get_area(&source, 0, 4_000);
        scene.score.set_area(&area, 0, &data);
        let message = scene.random.bytes(20);
        scene.give_back(stag, reference, &message, Some((mem, at)));
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

#[test]
fn wire_corrupts() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 345);
        scene.patience = std::time::Duration::from_millis(200);
        let mut count = 0_u32;
        // A bit of every ninth frame's link header; a damaged FPDU in a good link frame is another test (frame_bad_crc).
        scene.rig.tap.set_hand(move |_, frame| {
            count += 1;
            if count % 9 == 0 {
                frame[count as usize / 9 % 5] ^= 1 << (count % 32);
            }
        });
        rounds(&mut scene);
        seen(&scene, Counter::LinkHeaderErrors);
        scene.check(rnic_tests::Strictness::Lossy);
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

/// Posts slot words past the driver's checks, as the driver's next command; its completion. The driver posts nothing after it.
fn post_raw(rig: &Rig, sequence: &mut u32, words: &[(u32, u32)], slots: u32) -> Cqe {
    let board = &rig.hosts[0].board;
    let transport = board.transport();
    let context = 0xC0DE_0000 | *sequence;
    for word in 0..128 {
        let value = words
            .iter()
            .find(|(index, _)| *index == word)
            .map_or(0, |(_, value)| *value);
        let value = if word == 1 { context } else { value };
        let offset = SLOTS_OFFSET + 4 * word;
        assert!(offset < SLOTS_OFFSET + 4 * SLOT_BYTES as u32);
        transport.bar_write32(Bar::Commands, offset, value).unwrap();
    }
    let entries = board.identity().slots;
    let offset = RING_OFFSET + (*sequence % entries) * RING_ENTRY_BYTES as u32;
    let entry = u64::from(slots << 16) | u64::from(*sequence) << 32;
    transport.bar_write64(Bar::Commands, offset, entry).unwrap();
    *sequence = sequence.wrapping_add(1);
    for _ in 0..2_000 {
        transport.poll().unwrap();
        let mine = |cqe: &Cqe| cqe.context == u64::from(context);
        if let Some(cqe) = board.take_admin(mine).unwrap() {
            return cqe;
        }
    }
    rig.fail(&format!("no completion for {words:x?}"))
}

#[test]
fn command_fields() {
    for gateware in BOTH {
        let rig = Rig::new(RigOptions::random(gateware, 351));
        let config = gateware.config();
        let (vis, cqs) = (config.vis() as u32, config.cqs() as u32);
        let stag = 5 << 8 | 1;
        // Word 3 of a region: access, kind, page shift, elements.
        let region = |access: u32, kind: u32, shift: u32, elements: u32| {
            access | kind << 8 | shift << 16 | elements << 24
        };
        let head =
            |opcode: u8, flags: u32, vi: u32| (0, u32::from(opcode) | (flags | 1) << 8 | vi << 16);
        let register = head(command::REGISTER, 0, 0);
        let create_vi = head(command::CREATE_VI, 0, 0);
        let create_cq = head(command::CREATE_CQ, 0, 0);
        let cases: Vec<(Field, Vec<(u32, u32)>, u32)> = vec![
            (Field::Opcode, vec![head(0, 0, 0)], 1),
            (Field::Opcode, vec![head(0x0C, 0, 0)], 1),
            (Field::Opcode, vec![head(0xFF, 0, 0)], 1),
            (Field::Vi, vec![head(command::CREATE_VI, 0, vis)], 1),
            (
                Field::Stag,
                vec![register, (2, (config.tptes() as u32) << 8), (3, 1), (6, 64)],
                1,
            ),
            (
                Field::Kind,
                vec![register, (2, stag), (3, region(1, 3, 0, 0)), (6, 64)],
                1,
            ),
            (
                Field::Iova,
                vec![register, (2, stag), (3, 1), (6, 64), (8, 0x1_0000)],
                1,
            ),
            (Field::Length, vec![register, (2, stag), (3, 1), (6, 0)], 1),
            (
                Field::ElementCount,
                vec![register, (2, stag), (3, region(1, 2, 0, 0)), (6, 64)],
                1,
            ),
            (Field::Cq, vec![create_cq, (2, cqs), (3, 4)], 1),
            (Field::CqSize, vec![create_cq, (2, 2), (3, 1)], 1),
            (Field::CqSize, vec![create_cq, (2, 2), (3, 16)], 1),
            (Field::State, vec![create_vi, (2, 7)], 1),
            (Field::Reliability, vec![create_vi, (5, 3 << 16)], 1),
            (Field::Cq, vec![create_vi, (5, 2 << 16 | cqs)], 1),
            (Field::SlotCount, vec![head(command::NOP, 0, 0)], 0),
            (Field::SlotCount, vec![head(command::NOP, 0, 0)], 5),
        ];
        let mut sequence = rig.hosts[0].board.commands_posted();
        let mut wrong = Vec::new();
        let count = cases.len() as u64;
        for (field, words, slots) in cases {
            let cqe = post_raw(&rig, &mut sequence, &words, slots);
            if cqe.error != CommandError::BadField || cqe.field() != Some(field) {
                wrong.push(format!(
                    "{field:?} {words:x?}: {:?} {:?}",
                    cqe.error,
                    cqe.field()
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let good = post_raw(&rig, &mut sequence, &[head(command::NOP, 0, 0)], 1);
        assert_eq!(good.error, CommandError::None, "and good commands go on");
        let observer = rig.hosts[0].board.observer();
        assert_eq!(
            observer.counter(Counter::CommandErrors.index()).unwrap(),
            count
        );
        rig.check_bus();
    }
}

#[test]
fn ring_overflow() {
    for gateware in BOTH {
        let rig = Rig::new(RigOptions::random(gateware, 352));
        let board = &rig.hosts[0].board;
        let mut sequence = board.commands_posted();
        // An entry from a round ahead: dropped, counted, and the ring goes on with the right one.
        let entries = board.identity().slots;
        let ahead = sequence + entries;
        let offset = RING_OFFSET + (ahead % entries) * RING_ENTRY_BYTES as u32;
        let entry = u64::from(1_u32 << 16) | u64::from(ahead) << 32;
        board
            .transport()
            .bar_write64(Bar::Commands, offset, entry)
            .unwrap();
        rig.settle();
        let observer = board.observer();
        assert_eq!(observer.counter(Counter::RingErrors.index()).unwrap(), 1);
        let events = observer.take_events().unwrap();
        assert!(
            events
                .iter()
                .any(|event| event.1 == BoardEvent::Catastrophic),
            "{events:?}"
        );
        let word = (0, u32::from(command::NOP) | 1 << 8);
        let cqe = post_raw(&rig, &mut sequence, &[word], 1);
        assert_eq!(cqe.error, CommandError::None);
        rig.check_bus();
    }
}

#[test]
fn queue_overflow() {
    for gateware in BOTH {
        let scene = Scene::new(gateware, 353);
        let vi = u32::from(scene.pair.initiator.vi().number());
        let board = scene.host(Side::Initiator).board.clone();
        let memory = board.allocate("descriptors", 4096).unwrap();
        let options = RegionOptions::new(scene.ptag(Side::Initiator));
        let region = Region::register(&board, memory.into(), options).unwrap();
        let depth = gateware.config().queue_depth() as u32;
        let page = vi * DOORBELL_PAGE_BYTES as u32;
        for sequence in 0..=depth {
            let commit = u64::from(region.stag().0) | u64::from(sequence) << 32;
            let transport = board.transport();
            transport
                .bar_write64(
                    Bar::Doorbells,
                    page + map::RECEIVE_DESCRIPTOR,
                    region.base(),
                )
                .unwrap();
            transport
                .bar_write64(Bar::Doorbells, page + map::RECEIVE_COMMIT, commit)
                .unwrap();
        }
        scene.rig.settle();
        assert_eq!(scene.counter(Side::Initiator, Counter::QueueOverruns), 1);
        let events = board.observer().take_events().unwrap();
        assert!(
            events.contains(&(vi as u16, BoardEvent::PostDesc)),
            "{events:?}"
        );
        scene.rig.check_bus();
    }
}

#[test]
fn dma_unmapped() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 354);
        let (area, region) = scene.local(Side::Responder, "gone", 4096);
        let iova = area.backing.default_base();
        let page = iova & !4095;
        let board = scene.host(Side::Responder).sim.clone();
        let mapped = board.unmap(page - 4096, 64 << 10);
        assert!(mapped > 0, "the memory was mapped");
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 100).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.broken_with(Side::Responder, &[BoardEvent::SendError]);
        assert!(scene.counter(Side::Responder, Counter::DmaReadErrors) > 0);
        scene.others_are_served();
        scene.rig.check_bus();
    }
}

#[test]
fn reset_mid_operation() {
    for gateware in BOTH {
        let options = RigOptions::random(gateware, 355);
        let mut scene = Scene::with(options, ViOptions::new);
        let (_, local) = scene.local(Side::Responder, "source", 60_000);
        let (_, region) = granted(&mut scene, Shape::Contiguous, |options| options);
        let remote = Remote {
            va: region.base(),
            handle: region.stag(),
        };
        scene.write(Side::Responder, &local, 0, 1_000, remote);
        scene.rig.sim.run(700);
        assert!(
            scene.host(Side::Responder).sim.reset(),
            "comes out of reset"
        );
        let sim = scene.rig.sim.clone();
        drop((local, region));
        drop(scene);
        let mut scene = Scene::on(Rig::reopen(sim, options), ViOptions::new);
        scene.others_are_served();
        scene.rig.check_bus();
    }
}
