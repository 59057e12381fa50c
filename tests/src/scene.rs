//! One scenario: two connected hosts, watched memory, seeded choices, and what is checked at its end.
//!
//! ```text
//! Scene::new -> area, post_receive, one_shot, write, read, send_invalidate ... -> next(side) -> finish(completions)
//! ```
//! Waits are in simulated time and short; whoever waits in vain gets counters, states and the last steps.

use std::time::Duration;

use rnic_abi::step::Counter;
use rnic_abi::Stag;
use rnic_driver::channel::{Channel, ChannelError, Event};
use rnic_driver::command::{Access, Message, ReplyBuffer};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::{Completed, Request};
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::{Done, ViError, ViOptions};
use rnic_sim::model::Gateware;

use crate::pair::Pair;
use crate::rig::{Host, Rig, RigOptions};
use crate::scoreboard::{Area, Mem, Scoreboard, Shape, Strictness};
use crate::stimulus::Stimulus;

/// Bytes of each receive buffer.
pub const INBOX_BYTES: usize = 256;
/// Receive buffers of each side.
const INBOXES: usize = 16;

/// Which end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It asked for the connection; one-shots start here.
    Initiator,
    /// It was asked.
    Responder,
}

impl Side {
    /// Both.
    pub const BOTH: [Side; 2] = [Side::Initiator, Side::Responder];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Side::Initiator => Side::Responder,
            Side::Responder => Side::Initiator,
        }
    }
}

/// Where small messages arrive.
struct Inbox {
    mem: Mem,
    region: Region,
    next: usize,
    /// Places posted, oldest first.
    posted: std::collections::VecDeque<usize>,
}

/// See the module.
pub struct Scene {
    // Dropped in this order: channels before regions, all of them before the boards.
    /// The connected channels.
    pub pair: Pair,
    inboxes: Vec<Inbox>,
    /// What must happen.
    pub score: Scoreboard,
    /// Seeded choices.
    pub random: Stimulus,
    /// How long something may take, in simulated time.
    pub patience: Duration,
    /// Events taken from the channels.
    pub delivered: usize,
    reference: u64,
    /// The boards.
    pub rig: Rig,
}

impl Scene {
    /// Random latency and backpressure, a wire without faults.
    pub fn new(gateware: Gateware, seed: u64) -> Self {
        Self::with(RigOptions::random(gateware, seed), ViOptions::new)
    }

    /// As asked.
    pub fn with(options: RigOptions, vi: impl Fn(u32) -> ViOptions) -> Self {
        Self::on(Rig::new(options), vi)
    }

    /// On boards that are open.
    pub fn on(rig: Rig, vi: impl Fn(u32) -> ViOptions) -> Self {
        let pair = Pair::connect(&rig, vi);
        let mut random = Stimulus::new(rig.options.seed);
        let mut score = Scoreboard::new();
        let last = rig.hosts.len() - 1;
        let inboxes = [(0, &pair.initiator), (last, &pair.responder)]
            .into_iter()
            .map(|(host, channel)| {
                let board = &rig.hosts[host].board;
                let mem = score.watch(board, "inbox", INBOXES * INBOX_BYTES, &mut random);
                let options = RegionOptions::new(channel.vi().settings().ptag);
                let backing = score.buffer(mem).clone().into();
                let region = Region::register(board, backing, options)
                    .unwrap_or_else(|error| rig.fail(&format!("inbox: {error}")));
                let (next, posted) = (0, Default::default());
                Inbox {
                    mem,
                    region,
                    next,
                    posted,
                }
            })
            .collect();
        let patience = match rig.options.impairments {
            wire if wire.drop + wire.corrupt + wire.reorder + wire.truncate > 0 => {
                Duration::from_millis(200)
            }
            _ => Duration::from_millis(5),
        };
        Self {
            pair,
            inboxes,
            score,
            random,
            patience,
            delivered: 0,
            reference: 0x1000,
            rig,
        }
    }

    /// A host's number.
    pub fn index(&self, side: Side) -> usize {
        match side {
            Side::Initiator => 0,
            Side::Responder => self.rig.hosts.len() - 1,
        }
    }

    /// A host.
    pub fn host(&self, side: Side) -> &Host {
        &self.rig.hosts[self.index(side)]
    }

    /// A channel.
    pub fn channel(&mut self, side: Side) -> &mut Channel {
        match side {
            Side::Initiator => &mut self.pair.initiator,
            Side::Responder => &mut self.pair.responder,
        }
    }

    /// Protection tag of a side's VI.
    pub fn ptag(&self, side: Side) -> u32 {
        match side {
            Side::Initiator => self.pair.initiator.vi().settings().ptag,
            Side::Responder => self.pair.responder.vi().settings().ptag,
        }
    }

    /// Unwraps, or fails with all that is known.
    pub fn ok<T, E: std::fmt::Display>(&self, what: &str, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| self.rig.fail(&format!("{what}: {error}")))
    }

    /// A number that no other operation has.
    pub fn reference(&mut self) -> u64 {
        self.reference += 1;
        self.reference
    }

    /// New watched memory in some shape.
    pub fn area(&mut self, side: Side, name: &str, shape: Shape, bytes: usize) -> Area {
        let board = &self.rig.hosts[self.index(side)].board;
        self.score.area(board, name, shape, bytes, &mut self.random)
    }

    /// Registers an area.
    pub fn register(&self, side: Side, area: &Area, access: Access) -> Region {
        let options = RegionOptions {
            access,
            ..RegionOptions::new(self.ptag(side))
        };
        self.register_with(side, area, options)
    }

    /// Registers an area as told.
    pub fn register_with(&self, side: Side, area: &Area, options: RegionOptions) -> Region {
        let board = &self.host(side).board;
        self.ok(
            "register",
            Region::register(board, area.backing.clone(), options),
        )
    }

    /// A new contiguous area with local rights, and its region.
    pub fn local(&mut self, side: Side, name: &str, bytes: usize) -> (Area, Region) {
        let area = self.area(side, name, Shape::Contiguous, bytes);
        let region = self.register(side, &area, Access::LOCAL);
        (area, region)
    }

    /// Posts a receive of the next inbox place.
    pub fn post_receive(&mut self, side: Side) {
        let reference = self.reference();
        let inbox = &mut self.inboxes[side as usize];
        let place = inbox.next % INBOXES;
        inbox.next += 1;
        inbox.posted.push_back(place);
        let segment = inbox.region.segment(place * INBOX_BYTES, INBOX_BYTES);
        let segment = self.ok("inbox", segment);
        let descriptor = Descriptor::receive(vec![segment]);
        let posted = self
            .channel(side)
            .vi_mut()
            .post_receive(&descriptor, reference);
        self.ok("receive", posted);
    }

    /// Posts a descriptor on the send queue; its reference.
    pub fn post(&mut self, side: Side, descriptor: &Descriptor) -> u64 {
        let reference = self.reference();
        let posted = self.channel(side).vi_mut().post_send(descriptor, reference);
        self.ok("send", posted);
        reference
    }

    /// An RDMA Write of part of a region.
    pub fn write(
        &mut self,
        side: Side,
        source: &Region,
        at: usize,
        bytes: usize,
        remote: Remote,
    ) -> u64 {
        let segment = self.ok("source", source.segment(at, bytes));
        self.post(side, &Descriptor::rdma_write(remote, vec![segment]))
    }

    /// An RDMA Read into part of a region.
    pub fn read(
        &mut self,
        side: Side,
        sink: &Region,
        at: usize,
        bytes: usize,
        remote: Remote,
    ) -> u64 {
        let segment = self.ok("sink", sink.segment(at, bytes));
        self.post(side, &Descriptor::rdma_read(remote, vec![segment]))
    }

    /// Ends a one-shot of the other side.
    pub fn send_invalidate(
        &mut self,
        side: Side,
        stag: Stag,
        message: Message,
        fence: bool,
    ) -> u64 {
        let reference = self.reference();
        let vi = self.channel(side).vi_mut();
        let posted = vi.send_invalidate(stag, message, fence, reference);
        self.ok("send_invalidate", posted);
        reference
    }

    /// Posts a one-shot of the initiator over an area; its STag and reference.
    pub fn one_shot(
        &mut self,
        area: &Area,
        access: Access,
        message: Message,
        reply: Option<ReplyBuffer>,
    ) -> (Stag, u64) {
        let reference = self.reference();
        let request = Request {
            reply,
            ..Request::new(area.backing.clone(), access, reference)
        };
        (self.one_shot_with(request, message), reference)
    }

    /// Posts a one-shot as told.
    pub fn one_shot_with(&mut self, request: Request, message: Message) -> Stag {
        let posted = self.pair.initiator.one_shot(request, message);
        self.ok("one-shot", posted)
    }

    /// The next event of a side; fails if none comes.
    pub fn next(&mut self, side: Side) -> Event {
        match self.poll_for(side, self.patience) {
            Some(event) => event,
            None => {
                let other = self.channel(side.other()).poll();
                let board = &self.host(side.other()).board;
                let admin = [board, &self.host(side).board].map(|b| b.take_admin(|_| true));
                self.rig.fail(&format!(
                    "{side:?} waits for a completion in vain; the other has {other:x?}, admin {admin:x?}"
                ))
            }
        }
    }

    /// The next event of a side, if one comes in time.
    pub fn poll_for(&mut self, side: Side, patience: Duration) -> Option<Event> {
        let clock = self.rig.hosts[0].board.transport().clone();
        let end = clock.now() + patience;
        loop {
            let polled = self.channel(side).poll();
            if let Some(event) = self.ok("completion queue", polled) {
                self.delivered += 1;
                return Some(event);
            }
            if clock.now() >= end {
                return None;
            }
        }
    }

    /// The next event of a side, which is a descriptor or send_invalidate of this kind.
    pub fn done(&mut self, side: Side, kind: Kind) -> Done {
        match self.next(side) {
            Event::Done(done) if done.kind == kind => done,
            other => self
                .rig
                .fail(&format!("{side:?} waits for {kind:?}, gets {other:?}")),
        }
    }

    /// As `done`, without an error and for this reference and length.
    pub fn completes(&mut self, side: Side, kind: Kind, reference: u64, length: usize) -> Done {
        let done = self.done(side, kind);
        if done.reference != reference
            || done.outcome.ok().is_err()
            || done.outcome.length as usize != length
        {
            self.rig.fail(&format!(
                "{side:?}: {kind:?} {reference:#x} of {length} bytes must complete, gets {done:x?}"
            ));
        }
        done
    }

    /// The next event of the initiator, which is a one-shot.
    pub fn came_back(&mut self) -> Completed {
        match self.next(Side::Initiator) {
            Event::OneShot(completed) => completed,
            other => self
                .rig
                .fail(&format!("waits for a one-shot, gets {other:?}")),
        }
    }

    /// A message arrives in the oldest posted inbox place of a side.
    pub fn receives(&mut self, side: Side, message: &[u8]) -> Done {
        let place = self.inboxes[side as usize].posted.pop_front();
        let Some(place) = place else {
            self.rig.fail("no receive is posted");
        };
        let done = self.done(side, Kind::Receive);
        if done.outcome.ok().is_err() || done.outcome.length as usize != message.len() {
            self.rig.fail(&format!(
                "{side:?}: a message of {} bytes must arrive, gets {done:x?}",
                message.len()
            ));
        }
        let mem = self.inboxes[side as usize].mem;
        self.score.set(mem, place * INBOX_BYTES, message);
        done
    }

    /// Forgets the oldest posted inbox place: its receive ended in error, and what is in its buffer then is not defined. What
    /// is around it must still be untouched.
    pub fn drop_receive(&mut self, side: Side) {
        let inbox = &mut self.inboxes[side as usize];
        let Some(place) = inbox.posted.pop_front() else {
            self.rig.fail("no receive is posted");
        };
        let (mem, at) = (inbox.mem, place * INBOX_BYTES);
        let found = self.score.buffer(mem).to_vec(at, INBOX_BYTES);
        let found = self.ok("inbox", found);
        self.score.set(mem, at, &found);
    }

    /// The whole of a one-shot's first half: the message is with the responder, which learns the STag.
    pub fn advertise(
        &mut self,
        area: &Area,
        access: Access,
        message: &[u8],
        reply: Option<ReplyBuffer>,
    ) -> (Stag, u64) {
        self.post_receive(Side::Responder);
        let message_command = Message::Inline(message.to_vec());
        let (stag, reference) = self.one_shot(area, access, message_command, reply);
        let done = self.receives(Side::Responder, message);
        if done.advertised != Some(stag) {
            self.rig.fail(&format!(
                "{stag} was advertised, the responder sees {done:x?}"
            ));
        }
        (stag, reference)
    }

    /// The second half: the responder invalidates, the initiator gets its STag back with `reply` in `buffer`.
    pub fn give_back(
        &mut self,
        stag: Stag,
        reference: u64,
        reply: &[u8],
        buffer: Option<(Mem, usize)>,
    ) -> Completed {
        let ended =
            self.send_invalidate(Side::Responder, stag, Message::Inline(reply.to_vec()), true);
        let completed = self.came_back();
        let right = completed.stag == stag
            && completed.reference == reference
            && completed.failure.is_none()
            && completed.length as usize == reply.len();
        if !right {
            self.rig.fail(&format!(
                "{stag}, reference {reference:#x}, must come back with {} bytes: {completed:x?}",
                reply.len()
            ));
        }
        if let Some((mem, offset)) = buffer {
            self.score.set(mem, offset, reply);
        }
        self.completes(Side::Responder, Kind::SendInvalidate, ended, reply.len());
        completed
    }

    /// A reply buffer in new watched memory of the initiator.
    pub fn reply_buffer(&mut self, bytes: usize) -> (Mem, usize, Region, ReplyBuffer) {
        let (area, region) = self.local(Side::Initiator, "reply", bytes);
        let segment = self.ok("reply", region.segment(0, bytes));
        let reply = ReplyBuffer {
            handle: segment.handle,
            va: segment.va,
            bytes: segment.bytes,
        };
        (area.mem, area.pieces[0].start, region, reply)
    }

    /// A counter of a side's board.
    pub fn counter(&self, side: Side, counter: Counter) -> u64 {
        let value = self.host(side).board.observer().counter(counter.index());
        self.ok("counter", value)
    }

    /// Nothing more comes; memory, counters and buses are as they must be. `delivered` completions were taken in all.
    pub fn finish(mut self, delivered: usize) {
        self.rig.settle();
        for side in Side::BOTH {
            if let Some(event) = self.poll_for(side, Duration::from_micros(2)) {
                self.rig
                    .fail(&format!("{side:?} gets one too many: {event:?}"));
            }
        }
        let wire = self.rig.options.impairments;
        let faults = wire.drop + wire.corrupt + wire.reorder + wire.truncate + wire.duplicate;
        let strictness = match faults {
            0 => Strictness::Clean,
            _ => Strictness::Lossy,
        };
        self.check(strictness);
        assert_eq!(self.delivered, delivered, "completions delivered");
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

    /// Memory, counters and buses are as they must be.
    pub fn check(&self, strictness: Strictness) {
        if let Err(error) = self.score.check_memory() {
            self.rig.fail(&error);
        }
        if let Err(error) = self.score.check_counters(&self.rig, strictness) {
            self.rig.fail(&error);
        }
        self.rig.check_bus();
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

    /// A VI of a side must be in error, with these events among its own since they were last taken.
    pub fn broken_with(&self, side: Side, wanted: &[rnic_abi::event::Event]) {
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
            let known = wanted.contains(&event) || event == rnic_abi::event::Event::ConnLost;
            if other != vi || !known {
                self.rig
                    .fail(&format!("{side:?} has event {event:?} of VI {other}"));
            }
        }
    }
}
