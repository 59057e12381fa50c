//! RDMA Write and Read: every region kind, several Reads outstanding, regions that admit one message.

use rnic_abi::error::terminate;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Remote;
use rnic_driver::region::RegionOptions;
use rnic_sim::model::Gateware;
use rnic_tests::{on_both, Scene, Shape, Side, BOTH, REMOTE};

/// Bytes of each side's memory.
const BYTES: usize = 12_000;

/// Shapes that a region can have.
fn shapes(gateware: Gateware) -> Vec<Shape> {
    let most = if gateware == Gateware::Small { 16 } else { 40 };
    vec![
        Shape::Contiguous,
        Shape::Pages,
        Shape::Sgl(1),
        Shape::Sgl(6),
        Shape::Sgl(most),
    ]
}

/// Which way the data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tagged {
    Write,
    Read,
}

/// Writes of the initiator's memory into every kind of region of the responder, or Reads the other way, of several lengths
/// and alignments.
fn every_region_kind(seed: u64, operation: Tagged) {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, seed);
        let mut delivered = 0;
        let (near, near_region) = scene.local(Side::Initiator, "near", BYTES);
        for shape in shapes(gateware) {
            let far = scene.area(Side::Responder, "far", shape, BYTES);
            let far_region = scene.register(Side::Responder, &far, REMOTE);
            for (at, bytes) in [(0, BYTES), (7_777, 1), (3, 5_001), (0, 0)] {
                let remote = Remote {
                    va: far_region.base() + at as u64,
                    handle: far_region.stag(),
                };
                let here = scene.random.below(BYTES + 1 - bytes);
                let post = match operation {
                    Tagged::Write => Scene::write,
                    Tagged::Read => Scene::read,
                };
                let posted = post(
                    &mut scene,
                    Side::Initiator,
                    &near_region,
                    here,
                    bytes,
                    remote,
                );
                scene.completes(Side::Initiator, Kind::Send, posted, bytes);
                let ((from, start), (to, end)) = match operation {
                    Tagged::Write => ((&near, here), (&far, at)),
                    Tagged::Read => ((&far, at), (&near, here)),
                };
                let data = scene.score.get_area(from, start, bytes);
                scene.score.set_area(to, end, &data);
                delivered += 1;
            }
        }
        scene.finish(delivered);
    }
}

#[test]
fn write_into_every_region_kind() {
    every_region_kind(204, Tagged::Write);
}

#[test]
fn read_from_every_region_kind() {
    every_region_kind(205, Tagged::Read);
}

#[test]
fn reads_outstanding() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 206);
        let (sink, sink_region) = scene.local(Side::Initiator, "sink", 8_000);
        let source = scene.area(Side::Responder, "source", Shape::Pages, 8_000);
        let source_region = scene.register(Side::Responder, &source, REMOTE);
        let count = gateware.config().queue_depth().min(12);
        let each = 8_000 / count;
        let posted: Vec<u64> = (0..count)
            .map(|index| {
                let remote = Remote {
                    va: source_region.base() + (index * each) as u64,
                    handle: source_region.stag(),
                };
                scene.read(
                    Side::Initiator,
                    &sink_region,
                    index * each,
                    each - index,
                    remote,
                )
            })
            .collect();
        for (index, reference) in posted.into_iter().enumerate() {
            scene.completes(Side::Initiator, Kind::Send, reference, each - index);
            let data = scene.score.get_area(&source, index * each, each - index);
            scene.score.set_area(&sink, index * each, &data);
        }
        scene.finish(count);
    }
}

#[test]
fn single_message_fires_once() {
    on_both(210, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 3_000);
        let options = RegionOptions {
            access: REMOTE,
            single_message: true,
            ..RegionOptions::new(scene.ptag(Side::Initiator))
        };
        let target = scene.register_with(Side::Initiator, &area, options);
        let (source, region) = scene.local(Side::Responder, "source", 3_000);
        let remote = |at| area.remote(target.stag(), at);
        // One message of several segments is admitted whole; its last segment fires.
        let sent = scene.write(Side::Responder, &region, 0, 2_500, remote(0));
        scene.completes(Side::Responder, Kind::Send, sent, 2_500);
        let data = scene.score.get_area(&source, 0, 2_500);
        scene.score.set_area(&area, 0, &data);
        scene.write(Side::Responder, &region, 0, 100, remote(2_600));
        scene.refused(
            Counter::RemoteProtectionErrors,
            BoardEvent::RdmawProt,
            terminate::DDP_INVALID_STAG,
        );
        scene.finish_broken();
    });
}
