//! The others, who go on: a whole one-shot on another connection; work of this one that needs no command; a new driver on a
//! board that was reset.

use rnic_driver::channel::{Channel, Event};
use rnic_driver::cm::ConnectionManager;
use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::{Done, ViOptions};

use crate::pair::{Ends, Pair, CM, CQ_ENTRIES_LOG2};
use crate::rig::Host;
use crate::scene::{Inbox, Scene, Side, REMOTE};
use crate::scoreboard::{inline, Area, Shape};

/// Bytes of a message's room.
const ROOM: usize = 64;
/// Bytes that a peer writes.
const ANSWER: usize = 512;
/// Message of the other connection's one-shot, and its end.
const QUESTION: &[u8] = b"still there?";
const REPLY: &[u8] = b"yes";

/// Memory of both sides, registered before anything goes wrong.
pub struct Witness(Vec<(Area, Region)>);

impl Scene {
    /// Another connection between the same boards does a whole one-shot: the boards go on serving other VIs.
    pub fn others_are_served(&mut self) {
        let ends = Pair::connect_with(&self.rig, &mut self.pair.managers, ViOptions::new);
        self.is_served(ends);
    }

    /// A connection does a whole one-shot, in watched memory.
    pub fn is_served(&mut self, mut ends: Ends) {
        let ptags = [&ends.initiator, &ends.responder].map(|end| end.vi().settings().ptag);
        let region = |scene: &mut Self, side, name: &str, bytes| {
            let area = scene.area(side, name, Shape::Contiguous, bytes);
            let options = RegionOptions::new(ptags[side as usize]);
            let region = scene.register_with(side, &area, options);
            (area, region)
        };
        let answer = self.area(Side::Initiator, "other answer", Shape::Sgl(2), ANSWER);
        let (inbox, landing) = region(self, Side::Initiator, "other inbox", ROOM);
        let (source, local) = region(self, Side::Responder, "other source", ROOM + ANSWER);
        let room =
            |region: &Region| Descriptor::receive(vec![self.ok("room", region.segment(0, ROOM))]);
        let vi = ends.initiator.vi_mut();
        self.ok("receive", vi.post_receive(&room(&landing), 1));
        let vi = ends.responder.vi_mut();
        self.ok("receive", vi.post_receive(&room(&local), 1));
        let request = Request::new(answer.backing.clone(), Access::REMOTE_WRITE, 2);
        let stag = self.ok(
            "one-shot",
            ends.initiator.one_shot(request, inline(QUESTION)),
        );

        let asked = self.next_done(&mut ends.responder, Kind::Receive, QUESTION.len());
        assert_eq!(asked.advertised, Some(stag));
        let segment = self.ok("source", local.segment(ROOM, ANSWER));
        let write = Descriptor::rdma_write(answer.remote(stag, 0), vec![segment]);
        let vi = ends.responder.vi_mut();
        self.ok("write", vi.post_send(&write, 3));
        self.ok("end", vi.send_invalidate(stag, inline(REPLY), false, 4));

        let told = self.next_done(&mut ends.initiator, Kind::Receive, REPLY.len());
        assert_eq!(told.invalidated, Some(stag));
        match self.next_of(&mut ends.initiator) {
            Event::OneShot(completed) => {
                assert_eq!((completed.stag, completed.reference), (stag, 2));
                assert!(completed.failure.is_none(), "{completed:?}");
            }
            other => self.rig.fail(&format!("not a one-shot: {other:?}")),
        }
        self.next_done(&mut ends.responder, Kind::Send, ANSWER);
        self.next_done(&mut ends.responder, Kind::SendInvalidate, REPLY.len());
        self.rig.settle();
        self.score.set_area(&source, 0, QUESTION);
        self.score.set_area(&inbox, 0, REPLY);
        let data = self.score.get_area(&source, ROOM, ANSWER);
        self.score.set_area(&answer, 0, &data);
    }

    /// The next event of a channel that is not the scene's.
    pub fn next_of(&self, channel: &mut Channel) -> Event {
        let clock = self.rig.hosts[0].board.transport().clone();
        let end = clock.now() + self.patience;
        while clock.now() < end {
            if let Some(event) = self.ok("another channel", channel.poll()) {
                return event;
            }
        }
        self.rig.fail("another connection is not served")
    }

    /// The same, which is a good descriptor or send_invalidate of this kind and length.
    pub fn next_done(&self, channel: &mut Channel, kind: Kind, length: usize) -> Done {
        match self.next_of(channel) {
            Event::Done(done)
                if done.kind == kind
                    && done.outcome.ok().is_ok()
                    && done.outcome.length as usize == length =>
            {
                done
            }
            other => self.rig.fail(&format!(
                "waits for {kind:?} of {length} bytes, gets {other:?}"
            )),
        }
    }

    /// Makes ready what `doorbells_are_served` needs.
    pub fn witness(&mut self) -> Witness {
        let local_too = Access(REMOTE.0 | Access::LOCAL.0);
        let ready = |side: &Side| {
            let area = self.area(*side, "witness", Shape::Sgl(2), 256);
            let region = self.register(*side, &area, local_too);
            (area, region)
        };
        Witness(Side::BOTH.iter().map(ready).collect())
    }

    /// A Send, an RDMA Write and an RDMA Read in both directions, by doorbells alone: for boards to which the driver can post
    /// no command any more.
    pub fn doorbells_are_served(&mut self, witness: &Witness) {
        for side in Side::BOTH {
            let (near, local) = &witness.0[side as usize];
            let (far, there) = &witness.0[side.other() as usize];
            let remote = |at: u64| Remote {
                va: there.base() + at,
                handle: there.stag(),
            };
            self.post_receive(side.other());
            let segment = self.ok("witness", local.segment(3, 60));
            let sent = self.post(side, &Descriptor::send(vec![segment]));
            let data = self.score.get_area(near, 3, 60);
            self.receives(side.other(), &data);
            self.completes(side, Kind::Send, sent, 60);
            let written = self.write(side, local, 64, 37, remote(130));
            self.completes(side, Kind::Send, written, 37);
            let data = self.score.get_area(near, 64, 37);
            self.score.set_area(far, 130, &data);
            let read = self.read(side, local, 200, 31, remote(1));
            self.completes(side, Kind::Send, read, 31);
            let data = self.score.get_area(far, 1, 31);
            self.score.set_area(near, 200, &data);
        }
        self.rig.settle();
    }

    /// A side's board is reset under its driver, as when the driver's process is gone: none of its memory is mapped any more.
    pub fn reset_under_driver(&mut self, side: Side) {
        let sim = self.host(side).sim.clone();
        self.rig.tap.may_cut(self.index(side));
        assert!(sim.reset(), "it comes out of reset");
        sim.with_board(|board| board.memory.unmap_all());
    }

    /// A new driver on a side's board that was reset under the old one. The scene's connection has no end there any more.
    pub fn new_driver(&mut self, side: Side) {
        let index = self.index(side);
        let sim = self.host(side).sim.clone();
        let host = Host::open(sim, self.rig.options, &self.rig.tap);
        let manager = ConnectionManager::open(&host.board, CM);
        let manager = self.ok("connection manager", manager);
        let options = ViOptions::new(host.board.allocate_ptag());
        let channel = Channel::open(&host.board, CQ_ENTRIES_LOG2, options);
        let channel = self.ok("channel", channel);
        let score = &mut self.score;
        let inbox = Inbox::open(&self.rig, score, &mut self.random, &host.board, &channel);
        score.forget_counters(index);
        // What the old driver had cannot be given back: the board no longer knows it.
        std::mem::forget((
            std::mem::replace(&mut self.rig.hosts[index], host),
            std::mem::replace(&mut self.pair.managers[index], manager),
            std::mem::replace(self.channel(side), channel),
            std::mem::replace(&mut self.inboxes[side as usize], inbox),
        ));
    }
}
