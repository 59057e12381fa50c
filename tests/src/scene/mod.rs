//! One scenario: two connected hosts, watched memory, seeded choices, and what is checked at its end.
//!
//! ```text
//! Scene::new -> area, post_receive, one_shot, write, read, send_invalidate ... -> next(side) -> finish(completions)
//! ```
//! Waits are in simulated time and short; whoever waits in vain gets counters, states and the last steps.
//!
//! This file sets a scene up and posts work; `completions` waits for what must come, `one_shots` does whole halves of
//! one-shots, `broken` says how a connection must end, `others` that the others go on.

mod broken;
mod completions;
mod one_shots;
mod others;

pub use one_shots::ReplyPlace;
pub use others::Witness;

use std::time::Duration;

use rnic_abi::step::Counter;
use rnic_abi::Stag;
use rnic_driver::board::Board;
use rnic_driver::channel::Channel;
use rnic_driver::command::{Access, Message};
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_sim::model::Gateware;

use crate::pair::Pair;
use crate::rig::{Host, Rig, RigOptions};
use crate::scoreboard::{Area, Mem, Scoreboard, Shape, BOTH};
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

impl Inbox {
    /// Watched memory of a host, registered for a channel.
    fn open(
        rig: &Rig,
        score: &mut Scoreboard,
        random: &mut Stimulus,
        board: &Board,
        channel: &Channel,
    ) -> Self {
        let mem = score.watch(board, "inbox", INBOXES * INBOX_BYTES, random);
        let options = RegionOptions::new(channel.vi().settings().ptag);
        let backing = score.buffer(mem).clone().into();
        let region = Region::register(board, backing, options)
            .unwrap_or_else(|error| rig.fail(&format!("inbox: {error}")));
        Self {
            mem,
            region,
            next: 0,
            posted: Default::default(),
        }
    }
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
                Inbox::open(&rig, &mut score, &mut random, board, channel)
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
        let inbox = &mut self.inboxes[side as usize];
        let place = inbox.next % INBOXES;
        inbox.next += 1;
        inbox.posted.push_back(place);
        let segment = inbox.region.segment(place * INBOX_BYTES, INBOX_BYTES);
        let segment = self.ok("inbox", segment);
        self.post_to_receive(side, &Descriptor::receive(vec![segment]));
    }

    /// Posts a descriptor on the receive queue; its reference.
    pub fn post_to_receive(&mut self, side: Side, descriptor: &Descriptor) -> u64 {
        let reference = self.reference();
        let vi = self.channel(side).vi_mut();
        let posted = vi.post_receive(descriptor, reference);
        self.ok("receive", posted);
        reference
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

    /// Posts a one-shot as told.
    pub fn one_shot_with(&mut self, request: Request, message: Message) -> Stag {
        let posted = self.pair.initiator.one_shot(request, message);
        self.ok("one-shot", posted)
    }

    /// A counter of a side's board.
    pub fn counter(&self, side: Side, counter: Counter) -> u64 {
        let value = self.host(side).board.observer().counter(counter.index());
        self.ok("counter", value)
    }
}

/// A scenario on boards of both configurations, with random latency and backpressure.
pub fn on_both(seed: u64, scenario: impl Fn(Scene)) {
    for gateware in BOTH {
        scenario(Scene::new(gateware, seed));
    }
}

/// What a peer may be given.
pub const REMOTE: Access = Access(Access::REMOTE_WRITE.0 | Access::REMOTE_READ.0);
