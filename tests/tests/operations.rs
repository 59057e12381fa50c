//! Every operation between two boards, with every alignment, region kind and size that matters.

use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::Event;
use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote, Segment};
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_sim::model::Gateware;
use rnic_tests::{inline, Area, RigOptions, Scene, Shape, Side, BOTH};

const REMOTE: Access = Access(Access::REMOTE_WRITE.0 | Access::REMOTE_READ.0);
/// Local rights besides, as a region that is also a source or sink here.
const ALL: Access = Access(REMOTE.0 | Access::LOCAL.0);

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
    let reference = scene.reference();
    let receive = Descriptor::receive(vec![sink.segment(0, sink.bytes()).unwrap()]);
    let posted = scene
        .channel(Side::Responder)
        .vi_mut()
        .post_receive(&receive, reference);
    scene.ok("receive", posted);
    let segment = source.segment(0, bytes).unwrap();
    let sent = scene.post(Side::Initiator, &Descriptor::send(vec![segment]));
    scene.completes(Side::Responder, Kind::Receive, reference, bytes);
    let data = scene.score.get_area(from, 0, bytes);
    scene.score.set_area(to, 0, &data);
    scene.completes(Side::Initiator, Kind::Send, sent, bytes);
}

#[test]
fn send_every_alignment() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 201);
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
    }
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
            let reference = scene.reference();
            let receive = Descriptor::receive(scatter.iter().map(|piece| piece.1).collect());
            let posted = scene
                .channel(Side::Responder)
                .vi_mut()
                .post_receive(&receive, reference);
            scene.ok("receive", posted);
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

#[test]
fn write_into_every_region_kind() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 204);
        let mut delivered = 0;
        let (source, source_region) = scene.local(Side::Initiator, "source", 12_000);
        for shape in shapes(gateware) {
            let sink = scene.area(Side::Responder, "sink", shape, 12_000);
            let sink_region = scene.register(Side::Responder, &sink, REMOTE);
            for (at, bytes) in [(0, 12_000), (7_777, 1), (3, 5_001), (0, 0)] {
                let remote = Remote {
                    va: sink_region.base() + at as u64,
                    handle: sink_region.stag(),
                };
                let from = scene.random.below(12_001 - bytes);
                let sent = scene.write(Side::Initiator, &source_region, from, bytes, remote);
                scene.completes(Side::Initiator, Kind::Send, sent, bytes);
                let data = scene.score.get_area(&source, from, bytes);
                scene.score.set_area(&sink, at, &data);
                delivered += 1;
            }
        }
        scene.finish(delivered);
    }
}

#[test]
fn read_from_every_region_kind() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 205);
        let mut delivered = 0;
        let (sink, sink_region) = scene.local(Side::Initiator, "sink", 12_000);
        for shape in shapes(gateware) {
            let source = scene.area(Side::Responder, "source", shape, 12_000);
            let source_region = scene.register(Side::Responder, &source, REMOTE);
            for (at, bytes) in [(0, 12_000), (7_777, 1), (3, 5_001), (0, 0)] {
                let remote = Remote {
                    va: source_region.base() + at as u64,
                    handle: source_region.stag(),
                };
                let to = scene.random.below(12_001 - bytes);
                let read = scene.read(Side::Initiator, &sink_region, to, bytes, remote);
                scene.completes(Side::Initiator, Kind::Send, read, bytes);
                let data = scene.score.get_area(&source, at, bytes);
                scene.score.set_area(&sink, to, &data);
                delivered += 1;
            }
        }
        scene.finish(delivered);
    }
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
fn reply_buffer() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 207);
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(2), 700);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        for length in [0, 1, 5, 64] {
            let (stag, reference) = scene.advertise(&area, REMOTE, b"go", Some(reply));
            let message = scene.random.bytes(length);
            scene.give_back(stag, reference, &message, Some((mem, at)));
        }
        scene.finish(12);
    }
}

#[test]
fn reply_descriptor() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 208);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 700);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"go", None);
        scene.post_receive(Side::Initiator);
        let ended = scene.send_invalidate(Side::Responder, stag, inline(b"reply"), false);
        let done = scene.receives(Side::Initiator, b"reply");
        assert_eq!(done.invalidated, Some(stag));
        let completed = scene.came_back();
        assert_eq!((completed.stag, completed.reference), (stag, reference));
        scene.completes(Side::Responder, Kind::SendInvalidate, ended, 5);
        scene.finish(4);
    }
}

#[test]
fn message_from_a_buffer() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 209);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let (message, region) = scene.local(Side::Initiator, "message", 250);
        let (mem, at, _reply, reply) = scene.reply_buffer(64);
        scene.post_receive(Side::Responder);
        let segment = region.segment(0, 250).unwrap();
        let from = rnic_driver::command::Message::Buffer {
            handle: segment.handle,
            va: segment.va,
            bytes: segment.bytes,
        };
        let (stag, reference) = scene.one_shot(&area, REMOTE, from, Some(reply));
        let expected = scene.score.get_area(&message, 0, 250);
        let done = scene.receives(Side::Responder, &expected);
        assert_eq!(done.advertised, Some(stag));
        scene.give_back(stag, reference, b"", Some((mem, at)));
        scene.finish(3);
    }
}

#[test]
fn single_message_fires_once() {
    for gateware in BOTH {
        let mut scene = Scene::new(gateware, 210);
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 3_000);
        let options = RegionOptions {
            access: REMOTE,
            single_message: true,
            ..RegionOptions::new(scene.ptag(Side::Initiator))
        };
        let target = scene.register_with(Side::Initiator, &area, options);
        let (source, region) = scene.local(Side::Responder, "source", 3_000);
        let remote = |at: u64| Remote {
            va: target.base() + at,
            handle: target.stag(),
        };
        // One message of several segments is admitted whole; its last segment fires.
        let sent = scene.write(Side::Responder, &region, 0, 2_500, remote(0));
        scene.completes(Side::Responder, Kind::Send, sent, 2_500);
        let data = scene.score.get_area(&source, 0, 2_500);
        scene.score.set_area(&area, 0, &data);
        scene.write(Side::Responder, &region, 0, 100, remote(2_600));
        scene.score.expect(0, Counter::RemoteProtectionErrors, 1);
        scene.score.expect(0, Counter::TerminatesSent, 1);
        scene.score.expect(1, Counter::TerminatesReceived, 1);
        scene.broken_with(
            Side::Initiator,
            &[BoardEvent::RdmawProt, BoardEvent::TerminateSent],
        );
        scene.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        scene.finish_broken();
    }
}

#[test]
fn loopback() {
    for gateware in BOTH {
        let options = RigOptions {
            loopback: true,
            ..RigOptions::random(gateware, 211)
        };
        let mut scene = Scene::with(options, ViOptions::new);
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(3), 2_000);
        let (mem, at, _region, reply) = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"to myself", Some(reply));
        let (source, region) = scene.local(Side::Responder, "source", 2_000);
        let remote = Remote {
            va: 0,
            handle: stag,
        };
        let sent = scene.write(Side::Responder, &region, 0, 2_000, remote);
        scene.completes(Side::Responder, Kind::Send, sent, 2_000);
        let data = scene.score.get_area(&source, 0, 2_000);
        scene.score.set_area(&area, 0, &data);
        scene.give_back(stag, reference, b"done", Some((mem, at)));
        scene.finish(4);
    }
}

/// Random operations of both sides at once on one connection, many outstanding.
#[test]
fn mixed_traffic() {
    for (gateware, seed) in [(Gateware::Small, 212), (Gateware::Full, 213)] {
        let mut scene = Scene::new(gateware, seed);
        let bytes = 6_000;
        let mut ends = Vec::new();
        for side in Side::BOTH {
            let local = scene.local(side, "source and sink", bytes);
            let shared = scene.area(side, "shared", Shape::Sgl(4), bytes);
            let region = scene.register(side, &shared, ALL);
            ends.push((local, shared, region));
        }
        let mut delivered = 0;
        for _ in 0..12 {
            // A batch whose operations touch different bytes, so that their order does not matter; then all complete.
            let batch = 4;
            let room = bytes / batch;
            let mut waiting = Vec::new();
            for index in 0..batch {
                for side in Side::BOTH {
                    let (mine, other) = (side as usize, side.other() as usize);
                    let length = 1 + scene.random.below(room - 1);
                    let at = index * room + scene.random.below(room - length);
                    let remote = Remote {
                        va: ends[other].2.base() + at as u64,
                        handle: ends[other].2.stag(),
                    };
                    let (local, region) = (&ends[mine].0 .0, &ends[mine].0 .1);
                    let write = scene.random.below(2) == 0;
                    let segment = region.segment(at, length).unwrap();
                    // A side's even rooms are written, its odd ones read: source and sink never overlap.
                    let descriptor = if write && index % 2 == 0 {
                        let data = scene.score.get_area(local, at, length);
                        scene.score.set_area(&ends[other].1, at, &data);
                        Descriptor::rdma_write(remote, vec![segment])
                    } else if index % 2 == 1 {
                        let data = scene.score.get_area(&ends[other].1, at, length);
                        scene.score.set_area(local, at, &data);
                        Descriptor::rdma_read(remote, vec![segment])
                    } else {
                        continue;
                    };
                    let reference = scene.post(side, &descriptor);
                    waiting.push((side, reference, length));
                }
            }
            for (side, reference, length) in waiting {
                scene.completes(side, Kind::Send, reference, length);
                delivered += 1;
            }
        }
        scene.finish(delivered);
    }
}

/// Several connections between the same boards, each with its own one-shot, all under way at once.
#[test]
fn every_vi_at_once() {
    use rnic_driver::cm::{CmOptions, ConnectionManager};
    for gateware in BOTH {
        let rig = rnic_tests::Rig::new(RigOptions::random(gateware, 214));
        let mut managers: Vec<_> = rig
            .hosts
            .iter()
            .map(|host| ConnectionManager::open(&host.board, CmOptions::default()).unwrap())
            .collect();
        let count = 3;
        let mut ends: Vec<_> = (0..count)
            .map(|_| rnic_tests::Pair::connect_with(&rig, &mut managers, ViOptions::new))
            .collect();
        let mut work = Vec::new();
        for (index, end) in ends.iter_mut().enumerate() {
            let answer = rig.hosts[0].board.allocate("answer", 4096).unwrap();
            let request = Request::new(answer.clone().into(), REMOTE, index as u64);
            let vi = end.responder.vi();
            let memory = rig.hosts[1].board.allocate("responder", 8192).unwrap();
            memory.fill(index as u8 + 1).unwrap();
            let options = rnic_driver::region::RegionOptions::new(vi.settings().ptag);
            let region =
                Region::register(&rig.hosts[1].board, memory.clone().into(), options).unwrap();
            let receive = Descriptor::receive(vec![region.segment(0, 64).unwrap()]);
            end.responder
                .vi_mut()
                .post_receive(&receive, 0)
                .unwrap_or_else(|error| rig.fail(&error.to_string()));
            let inbox = rig.hosts[0].board.allocate("reply", 64).unwrap();
            let options =
                rnic_driver::region::RegionOptions::new(end.initiator.vi().settings().ptag);
            let inbox = Region::register(&rig.hosts[0].board, inbox.into(), options).unwrap();
            let segment = inbox.segment(0, 64).unwrap();
            let receive = Descriptor::receive(vec![segment]);
            end.initiator.vi_mut().post_receive(&receive, 0).unwrap();
            let stag = end.initiator.one_shot(request, inline(b"go")).unwrap();
            work.push((answer, region, inbox, stag));
        }
        let mut finished = vec![false; count];
        let clock = rig.hosts[0].board.transport().clone();
        let limit = clock.now() + std::time::Duration::from_millis(10);
        while finished.iter().any(|done| !done) {
            if clock.now() > limit {
                rig.fail(&format!("not all came back: {finished:?}"));
            }
            for (index, end) in ends.iter_mut().enumerate() {
                let (answer, region, _, stag) = &work[index];
                match end.responder.poll().unwrap() {
                    Some(Event::Done(done)) if done.kind == Kind::Receive => {
                        assert_eq!(done.advertised, Some(*stag));
                        let remote = Remote {
                            va: answer.iova().0,
                            handle: *stag,
                        };
                        let segment = region.segment(4096, 4096).unwrap();
                        let write = Descriptor::rdma_write(remote, vec![segment]);
                        let vi = end.responder.vi_mut();
                        vi.post_send(&write, 1).unwrap();
                        vi.send_invalidate(*stag, inline(b"done"), false, 2)
                            .unwrap();
                    }
                    Some(Event::Done(done)) => assert!(done.outcome.ok().is_ok()),
                    Some(other) => panic!("{other:?}"),
                    None => {}
                }
                if let Some(Event::OneShot(completed)) = end.initiator.poll().unwrap() {
                    assert_eq!(completed.stag, *stag);
                    assert_eq!(completed.reference, index as u64);
                    let found = answer.to_vec(0, 4096).unwrap();
                    assert!(found.iter().all(|&byte| byte == index as u8 + 1));
                    finished[index] = true;
                }
            }
        }
        rig.check_bus();
    }
}
