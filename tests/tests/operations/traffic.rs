//! More than one thing at a time: a board joined to itself, random operations of both sides, several connections.

use std::time::Duration;

use rnic_driver::channel::Event;
use rnic_driver::cm::{CmOptions, ConnectionManager};
use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_sim::model::Gateware;
use rnic_tests::{inline, Pair, Rig, RigOptions, Scene, Shape, Side, BOTH, REMOTE};

/// Local rights besides, as a region that is also a source or sink here.
const ALL: Access = Access(REMOTE.0 | Access::LOCAL.0);

#[test]
fn loopback() {
    for gateware in BOTH {
        let options = RigOptions {
            loopback: true,
            ..RigOptions::random(gateware, 211)
        };
        let mut scene = Scene::with(options, ViOptions::new);
        let area = scene.area(Side::Initiator, "answer", Shape::Sgl(3), 2_000);
        let reply = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, b"to myself", Some(&reply));
        scene.fill(stag, &area);
        scene.give_back(stag, reference, b"done", &reply);
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
    for gateware in BOTH {
        let rig = Rig::new(RigOptions::random(gateware, 214));
        let mut managers: Vec<_> = rig
            .hosts
            .iter()
            .map(|host| ConnectionManager::open(&host.board, CmOptions::default()).unwrap())
            .collect();
        let count = 3;
        let mut ends: Vec<_> = (0..count)
            .map(|_| Pair::connect_with(&rig, &mut managers, ViOptions::new))
            .collect();
        let mut work = Vec::new();
        for (index, end) in ends.iter_mut().enumerate() {
            let answer = rig.hosts[0].board.allocate("answer", 4096).unwrap();
            let request = Request::new(answer.clone().into(), REMOTE, index as u64);
            let vi = end.responder.vi();
            let memory = rig.hosts[1].board.allocate("responder", 8192).unwrap();
            memory.fill(index as u8 + 1).unwrap();
            let options = RegionOptions::new(vi.settings().ptag);
            let region =
                Region::register(&rig.hosts[1].board, memory.clone().into(), options).unwrap();
            let receive = Descriptor::receive(vec![region.segment(0, 64).unwrap()]);
            end.responder
                .vi_mut()
                .post_receive(&receive, 0)
                .unwrap_or_else(|error| rig.fail(&error.to_string()));
            let inbox = rig.hosts[0].board.allocate("reply", 64).unwrap();
            let options = RegionOptions::new(end.initiator.vi().settings().ptag);
            let inbox = Region::register(&rig.hosts[0].board, inbox.into(), options).unwrap();
            let segment = inbox.segment(0, 64).unwrap();
            let receive = Descriptor::receive(vec![segment]);
            end.initiator.vi_mut().post_receive(&receive, 0).unwrap();
            let stag = end.initiator.one_shot(request, inline(b"go")).unwrap();
            work.push((answer, region, inbox, stag));
        }
        let mut finished = vec![false; count];
        let clock = rig.hosts[0].board.transport().clone();
        let limit = clock.now() + Duration::from_millis(10);
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
