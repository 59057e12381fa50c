//! A connection that breaks as it must, and all others, which go on.

use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::{ChannelError, Event};
use rnic_driver::command::{Access, Message};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::{ViError, ViOptions};

use crate::frames::Segment;
use crate::pair::Pair;
use crate::scene::{Scene, Side};
use crate::scoreboard::Strictness;

impl Scene {
    /// The initiator has refused what the responder sent: `counter` counts it once, `event` tells it, a Terminate with `code`
    /// was sent and received, and both VIs are in error.
    pub fn refused(&mut self, counter: Counter, event: BoardEvent, code: u16) {
        let (near, far) = (self.index(Side::Initiator), self.index(Side::Responder));
        self.score.expect(near, counter, 1);
        self.score.expect(near, Counter::TerminatesSent, 1);
        self.score.expect(far, Counter::TerminatesReceived, 1);
        self.broken_with(Side::Initiator, &[event, BoardEvent::TerminateSent]);
        self.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        let found = self.terminate_of(Side::Initiator);
        if found != Some(code) {
            self.rig
                .fail(&format!("Terminate {found:x?} instead of {code:x}"));
        }
    }

    /// The code of the Terminate that a side sent.
    pub fn terminate_of(&self, side: Side) -> Option<u16> {
        let segments = self.rig.tap.segments(self.index(side), 0);
        segments.iter().find_map(Segment::terminate_code)
    }

    /// A VI of a side must be in error, with these events among its own since they were last taken.
    pub fn broken_with(&self, side: Side, wanted: &[BoardEvent]) {
        let vi = match side {
            Side::Initiator => self.pair.initiator.vi().number(),
            Side::Responder => self.pair.responder.vi().number(),
        };
        let observer = self.host(side).board.observer();
        let in_error = |simulation: &mut rnic_sim::Simulation| {
            let index = self.index(side);
            let offset = rnic_abi::registers::map::VI_STATE + 4 * u32::from(vi);
            simulation.bar_read(index, 0, offset, 4) & 7 == 3
        };
        if !self.rig.sim.run_until(2_000, in_error) {
            self.rig
                .fail(&format!("VI {vi} of {side:?} is not in error"));
        }
        self.rig.settle();
        let events = self.ok("events", observer.take_events());
        for &event in wanted {
            if !events.contains(&(vi, event)) {
                self.rig
                    .fail(&format!("{side:?} has events {events:?}, not {event:?}"));
            }
        }
        for (other, event) in events {
            let known = wanted.contains(&event) || event == BoardEvent::ConnLost;
            if other != vi || !known {
                self.rig
                    .fail(&format!("{side:?} has event {event:?} of VI {other}"));
            }
        }
    }

    /// A VI broke: takes what is left in both queues and checks memory, buses and the counters that are still certain.
    pub fn finish_broken(mut self) -> Vec<(Side, Event)> {
        let mut left = Vec::new();
        self.rig.settle();
        for side in Side::BOTH {
            loop {
                match self.channel(side).poll() {
                    Ok(Some(event)) => left.push((side, event)),
                    Ok(None) => break,
                    // A send_invalidate that was flushed is an error of the channel, not an event.
                    Err(ChannelError::Vi(ViError::Failed { .. })) => {}
                    Err(error) => self.rig.fail(&format!("completion queue: {error}")),
                }
            }
        }
        self.check(Strictness::Broken);
        left
    }

    /// Another connection between the same boards does a whole one-shot: the boards go on serving other VIs.
    pub fn others_are_served(&mut self) {
        let mut ends = Pair::connect_with(&self.rig, &mut self.pair.managers, ViOptions::new);
        let (first, last) = (0, self.rig.hosts.len() - 1);
        let buffer = |host: usize, name: &str, bytes: usize| {
            let buffer = self.rig.hosts[host].board.allocate(name, bytes);
            self.ok(name, buffer)
        };
        let region = |host: usize, name: &str, ptag: u32| {
            let memory = buffer(host, name, 4096);
            let (board, options) = (&self.rig.hosts[host].board, RegionOptions::new(ptag));
            self.ok(name, Region::register(board, memory.into(), options))
        };
        let inbox = region(first, "inbox", ends.initiator.vi().settings().ptag);
        let source = region(last, "source", ends.responder.vi().settings().ptag);
        let answer = buffer(first, "answer", 512);
        let receive =
            |region: &Region| Descriptor::receive(vec![self.ok("segment", region.segment(0, 64))]);
        let vi = ends.initiator.vi_mut();
        self.ok("receive", vi.post_receive(&receive(&inbox), 1));
        let vi = ends.responder.vi_mut();
        self.ok("receive", vi.post_receive(&receive(&source), 1));
        let access = Access::REMOTE_WRITE;
        let request = Request::new(answer.clone().into(), access, 2);
        let message = Message::Inline(b"still there?".to_vec());
        let stag = self.ok("one-shot", ends.initiator.one_shot(request, message));
        let clock = self.rig.hosts[first].board.transport().clone();
        let end = clock.now() + self.patience;
        let mut came_back = false;
        while !came_back {
            if clock.now() >= end {
                self.rig.fail("another connection is not served");
            }
            match self.ok("responder", ends.responder.poll()) {
                Some(Event::Done(done)) if done.kind == Kind::Receive => {
                    assert_eq!(done.advertised, Some(stag));
                    let filled = self.ok("source", source.segment(512, 512));
                    if let rnic_driver::region::Backing::Contiguous(memory) = source.backing() {
                        self.ok("source", memory.fill(0x5A));
                    }
                    let remote = Remote {
                        va: answer.iova().0,
                        handle: stag,
                    };
                    let write = Descriptor::rdma_write(remote, vec![filled]);
                    let vi = ends.responder.vi_mut();
                    self.ok("write", vi.post_send(&write, 3));
                    let reply = Message::Inline(b"yes".to_vec());
                    self.ok("end", vi.send_invalidate(stag, reply, false, 4));
                }
                Some(Event::Done(done)) => self.ok("responder", done.outcome.ok()),
                Some(other) => self.rig.fail(&format!("{other:?}")),
                None => {}
            }
            if let Some(Event::OneShot(completed)) = self.ok("initiator", ends.initiator.poll()) {
                assert_eq!((completed.stag, completed.reference), (stag, 2));
                assert!(completed.failure.is_none(), "{completed:?}");
                let found = self.ok("answer", answer.to_vec(0, 512));
                assert!(found.iter().all(|&byte| byte == 0x5A));
                came_back = true;
            }
        }
        self.rig.settle();
    }

    /// Ends a scene whose driver can post nothing any more: closing would wait for commands that never complete.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}
