//! The peer accesses what it may not: the initiator's board refuses by a Terminate with the RFCs' code, both VIs are in error,
//! nothing is written.

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_abi::Stag;
use rnic_driver::channel::Event;
use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_tests::{inline, on_both, Area, Pair, Scene, Shape, Side, REMOTE};

/// Bytes of what is granted.
const GRANTED: usize = 1_000;

/// What the responder tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    Write,
    Read,
}

impl Try {
    const BOTH: [Self; 2] = [Self::Write, Self::Read];

    /// The Terminate's code: DDP's for a Write, RDMAP's for a Read.
    fn code(self, write: u16, read: u16) -> u16 {
        match self {
            Try::Write => write,
            Try::Read => read,
        }
    }
}

/// A region of the initiator, with its area.
fn granted(
    scene: &mut Scene,
    shape: Shape,
    options: impl Fn(RegionOptions) -> RegionOptions,
) -> (Area, Region) {
    let area = scene.area(Side::Initiator, "granted", shape, GRANTED);
    let standard = RegionOptions {
        access: REMOTE,
        ..RegionOptions::new(scene.ptag(Side::Initiator))
    };
    let region = scene.register_with(Side::Initiator, &area, options(standard));
    (area, region)
}

/// What the responder names, and the region behind it, if there is one.
type Target = (Remote, Option<Region>);

/// A granted region, `offset` from its base.
fn into((_, region): (Area, Region), offset: u64) -> Target {
    let remote = Remote {
        va: region.base().wrapping_add(offset),
        handle: region.stag(),
    };
    (remote, Some(region))
}

/// The responder accesses 8 bytes at `target`, the initiator refuses with `code`, both VIs break, others are served.
fn refused(seed: u64, tried: Try, code: u16, target: impl Fn(&mut Scene) -> Target) {
    on_both(seed, |mut scene| {
        let (remote, region) = target(&mut scene);
        let (_, local) = scene.local(Side::Responder, "local", 64);
        let event = match tried {
            Try::Write => {
                scene.write(Side::Responder, &local, 0, 8, remote);
                BoardEvent::RdmawProt
            }
            Try::Read => {
                scene.read(Side::Responder, &local, 0, 8, remote);
                BoardEvent::RdmarProt
            }
        };
        scene.refused(Counter::RemoteProtectionErrors, event, code);
        scene.others_are_served();
        drop(region);
        let left = scene.finish_broken();
        let failed = left.iter().filter(|(side, event)| {
            *side == Side::Responder
                && matches!(event, Event::Done(done) if done.kind == Kind::Send && done.outcome.ok().is_err())
        });
        assert_eq!(failed.count(), 1, "the access fails once: {left:?}");
    });
}

#[test]
fn stag_stale() {
    for tried in Try::BOTH {
        let code = tried.code(terminate::DDP_INVALID_STAG, terminate::RDMAP_INVALID_STAG);
        refused(301, tried, code, |scene| {
            let (_, region) = granted(scene, Shape::Contiguous, |options| options);
            let (va, handle) = (region.base(), region.stag());
            let gone = region.invalidate();
            scene.ok("invalidate", gone);
            (Remote { va, handle }, None)
        });
    }
}

#[test]
fn stag_never_bound() {
    for tried in Try::BOTH {
        let code = tried.code(terminate::DDP_INVALID_STAG, terminate::RDMAP_INVALID_STAG);
        refused(302, tried, code, |scene| {
            let last = scene.rig.options.gateware.config().tptes() as u32 - 1;
            let handle = Stag::new(last, 0x55);
            (Remote { va: 0, handle }, None)
        });
    }
}

#[test]
fn stag_beyond_the_table() {
    for tried in Try::BOTH {
        let code = tried.code(terminate::DDP_INVALID_STAG, terminate::RDMAP_INVALID_STAG);
        refused(303, tried, code, |scene| {
            let beyond = scene.rig.options.gateware.config().tptes() as u32;
            let handle = Stag::new(beyond, 1);
            (Remote { va: 0, handle }, None)
        });
    }
}

#[test]
fn stag_foreign() {
    // A one-shot's STag is bound to its VI: another connection of the same peer may not use it.
    on_both(304, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 512);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"mine", None);
        let mut ends =
            Pair::connect_with(&scene.rig, &mut scene.pair.managers, |_| ViOptions::new(1));
        let source = scene.area(Side::Responder, "source", Shape::Contiguous, 64);
        let options = RegionOptions::new(ends.responder.vi().settings().ptag);
        let source = scene.register_with(Side::Responder, &source, options);
        let segment = source.segment(0, 64).unwrap();
        let write = Descriptor::rdma_write(area.remote(stag, 0), vec![segment]);
        ends.responder.vi_mut().post_send(&write, 1).unwrap();
        scene.rig.settle();
        assert_eq!(
            scene.terminate_of(Side::Initiator),
            Some(terminate::DDP_NOT_ASSOCIATED)
        );
        scene.score.expect(0, Counter::RemoteProtectionErrors, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        let (near, far) = (ends.initiator.vi().number(), ends.responder.vi().number());
        let refused = [
            BoardEvent::ConnLost,
            BoardEvent::RdmawProt,
            BoardEvent::TerminateSent,
        ];
        scene.told(Side::Initiator, &refused.map(|event| (near, event)));
        let told = [BoardEvent::ConnLost, BoardEvent::TerminateReceived];
        scene.told(Side::Responder, &told.map(|event| (far, event)));
        // The connection that owns it goes on.
        scene.give_back_by_descriptor(stag, reference, b"end");
        scene.finish_broken();
    });
}

#[test]
fn stag_twice() {
    on_both(305, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(2), 512);
        let reply = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"once", Some(&reply));
        scene.give_back(stag, reference, b"end", &reply);
        scene.post_receive(Side::Initiator);
        scene.send_invalidate(Side::Responder, stag, inline(b"again"), false);
        scene.refused(
            Counter::InvalidateRefusals,
            BoardEvent::InvalidateRefused,
            terminate::RDMAP_CANNOT_INVALIDATE,
        );
        scene.others_are_served();
        scene.finish_broken();
    });
}

#[test]
fn wrong_ptag() {
    for tried in Try::BOTH {
        let code = tried.code(
            terminate::DDP_NOT_ASSOCIATED,
            terminate::RDMAP_NOT_ASSOCIATED,
        );
        refused(306, tried, code, |scene| {
            let foreign = |options: RegionOptions| RegionOptions {
                ptag: options.ptag + 0x1_0000,
                ..options
            };
            into(granted(scene, Shape::Contiguous, foreign), 0)
        });
    }
}

#[test]
fn wrong_vi() {
    for tried in Try::BOTH {
        let code = tried.code(
            terminate::DDP_NOT_ASSOCIATED,
            terminate::RDMAP_NOT_ASSOCIATED,
        );
        refused(307, tried, code, |scene| {
            let other = 1 + scene.pair.initiator.vi().number();
            let bound = |options| RegionOptions {
                vi: Some(other),
                ..options
            };
            into(granted(scene, Shape::Contiguous, bound), 0)
        });
    }
}

#[test]
fn wrong_key() {
    for tried in Try::BOTH {
        let code = tried.code(terminate::DDP_INVALID_STAG, terminate::RDMAP_INVALID_STAG);
        refused(308, tried, code, |scene| {
            let (mut remote, region) = into(granted(scene, Shape::Sgl(3), |options| options), 0);
            remote.handle.0 ^= 1;
            (remote, region)
        });
    }
}

#[test]
fn access_without_right() {
    for (tried, access) in [
        (Try::Write, Access::REMOTE_READ),
        (Try::Read, Access::REMOTE_WRITE),
        (Try::Write, Access::LOCAL),
        (Try::Read, Access::LOCAL),
    ] {
        refused(309, tried, terminate::RDMAP_ACCESS, |scene| {
            let weak = |options| RegionOptions { access, ..options };
            into(granted(scene, Shape::Contiguous, weak), 0)
        });
    }
}

#[test]
fn bounds_edge() {
    on_both(310, |mut scene| {
        let (area, region) = granted(&mut scene, Shape::Sgl(3), |options| options);
        let (source, local) = scene.local(Side::Responder, "local", 64);
        for at in [0, GRANTED - 8] {
            let remote = Remote {
                va: region.base() + at as u64,
                handle: region.stag(),
            };
            let sent = scene.write(Side::Responder, &local, 0, 8, remote);
            scene.completes(Side::Responder, Kind::Send, sent, 8);
            let data = scene.score.get_area(&source, 0, 8);
            scene.score.set_area(&area, at, &data);
            let read = scene.read(Side::Responder, &local, 8, 8, remote);
            scene.completes(Side::Responder, Kind::Send, read, 8);
            scene.score.set_area(&source, 8, &data);
        }
        scene.finish(4);
    });
}

#[test]
fn bounds_one_past() {
    for tried in Try::BOTH {
        let code = tried.code(terminate::DDP_BOUNDS, terminate::RDMAP_BOUNDS);
        // One past the end, and one before the start.
        for offset in [GRANTED as u64 - 7, u64::MAX] {
            refused(311, tried, code, |scene| {
                into(granted(scene, Shape::Contiguous, |options| options), offset)
            });
        }
    }
}

#[test]
fn bounds_wrap() {
    for tried in Try::BOTH {
        let code = tried.code(terminate::DDP_WRAP, terminate::RDMAP_WRAP);
        refused(312, tried, code, |scene| {
            // It ends at 2^64 exactly; the access begins within it and wraps.
            let at_the_end = |options| RegionOptions {
                base: Some(u64::MAX - (GRANTED as u64 - 1)),
                ..options
            };
            into(
                granted(scene, Shape::Sgl(2), at_the_end),
                GRANTED as u64 - 4,
            )
        });
    }
}
