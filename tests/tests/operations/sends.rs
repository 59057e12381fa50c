//! Sends: every alignment and size, gather and scatter.

use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Segment};
use rnic_driver::region::Region;
use rnic_tests::{on_both, Area, Scene, Shape, Side, BOTH};

/// An area that starts at a given byte of a word.
fn aligned(scene: &mut Scene, side: Side, name: &str, offset: usize, bytes: usize) -> Area {
    let mem = scene
        .area(side, name, Shape::Contiguous, bytes.max(1) + 16)
        .mem;
    scene.score.contiguous(mem, offset..offset + bytes)
}

/// Pieces of a region as descriptor segments, and where they are in the area.
fn pieces(scene: &mut Scene, region: &Region, count: usize, bytes: usize) -> Vec<(usize, Segment)> {
    let room = region.bytes() / count;
    (0..count)
        .zip(scene.random.cuts(bytes, count))
        .map(|(index, length)| {
            assert!(
                length < room,
                "a piece of {length} bytes in a room of {room}"
            );
            let at = index * room + scene.random.below(room - length);
            (at, region.segment(at, length).unwrap())
        })
        .collect()
}

/// Sends from one area to another; two completions.
fn send(scene: &mut Scene, from: &Area, source: &Region, to: &Area, sink: &Region, bytes: usize) {
    let receive = Descriptor::receive(vec![sink.segment(0, sink.bytes()).unwrap()]);
    let reference = scene.post_to_receive(Side::Responder, &receive);
    let segment = source.segment(0, bytes).unwrap();
    let sent = scene.post(Side::Initiator, &Descriptor::send(vec![segment]));
    scene.completes(Side::Responder, Kind::Receive, reference, bytes);
    let data = scene.score.get_area(from, 0, bytes);
    scene.score.set_area(to, 0, &data);
    scene.completes(Side::Initiator, Kind::Send, sent, bytes);
}

#[test]
fn send_every_alignment() {
    on_both(201, |mut scene| {
        let mut delivered = 0;
        for from in 0..4 {
            for to in 0..4 {
                let source = aligned(&mut scene, Side::Initiator, "source", from, 61 + from);
                let sink = aligned(&mut scene, Side::Responder, "sink", to, 80);
                let source_region = scene.register(Side::Initiator, &source, Access::LOCAL);
                let sink_region = scene.register(Side::Responder, &sink, Access::LOCAL);
                send(
                    &mut scene,
                    &source,
                    &source_region,
                    &sink,
                    &sink_region,
                    61 + from,
                );
                delivered += 2;
            }
        }
        scene.finish(delivered);
    });
}

#[test]
fn send_every_size() {
    for gateware in BOTH {
        let most = gateware.config().max_segment_bytes as usize;
        let mut sizes = vec![
            0, 1, 2, 3, 4, 5, 63, 64, 65, 4095, 4096, 4097, 65_535, 65_536,
        ];
        sizes.extend([most - 1, most, most + 1, 2 * most, 3 * most + 3]);
        let mut scene = Scene::new(gateware, 202);
        let (source, source_region) = scene.local(Side::Initiator, "source", 65_536);
        let (sink, sink_region) = scene.local(Side::Responder, "sink", 65_536);
        for &bytes in &sizes {
            send(
                &mut scene,
                &source,
                &source_region,
                &sink,
                &sink_region,
                bytes,
            );
            let data = scene.random.bytes(65_536);
            let start = source.pieces[0].start;
            scene.score.fill(source.mem, start, &data);
        }
        scene.finish(2 * sizes.len());
    }
}

#[test]
fn send_gather_scatter() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 203);
        let most = gateware.config().max_descriptor_segments as usize;
        let (source, source_region) = scene.local(Side::Initiator, "source", 20_000);
        let (sink, sink_region) = scene.local(Side::Responder, "sink", 20_000);
        let rounds = 6;
        for round in 0..rounds {
            let bytes = 40 + round * 700;
            let gather = pieces(&mut scene, &source_region, 1 + round % most, bytes);
            let scatter = pieces(&mut scene, &sink_region, most - round % most, bytes);
            let receive = Descriptor::receive(scatter.iter().map(|piece| piece.1).collect());
            let reference = scene.post_to_receive(Side::Responder, &receive);
            let segments = gather.iter().map(|piece| piece.1).collect();
            let sent = scene.post(Side::Initiator, &Descriptor::send(segments));
            scene.completes(Side::Responder, Kind::Receive, reference, bytes);
            scene.completes(Side::Initiator, Kind::Send, sent, bytes);
            let mut data: Vec<u8> = gather
                .iter()
                .flat_map(|&(at, segment)| {
                    scene.score.get_area(&source, at, segment.bytes as usize)
                })
                .collect();
            for (at, segment) in scatter {
                let later = data.split_off(segment.bytes as usize);
                scene.score.set_area(&sink, at, &data);
                data = later;
            }
        }
        scene.finish(2 * rounds);
    }
}
