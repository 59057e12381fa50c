//! Virtual interfaces: created with their queues' descriptors, connected, posted to by doorbell, completed by CQE.
//!
//! ```text
//! Vi            descriptor places in memory of its own, references, completions
//! Endpoint      number, settings, states            WorkQueue   doorbell, sequence, counts
//! ```
//! A [`Vi`] has as many descriptor places a queue as the board has queue entries, in one registered region, so that posting
//! allocates nothing. One-shots and send_invalidates share the send queue; it counts them too and a `Vi` never overruns it.
//! Who has descriptors elsewhere uses [`Endpoint`] and [`WorkQueue`] by themselves.

mod endpoint;
mod error;
mod work_queue;

pub use endpoint::{Endpoint, Peer, ViOptions};
pub use error::ViError;
pub use work_queue::{Queue, WorkQueue};

use crate::board::Board;
use crate::command::{Command, Message, Post, SendInvalidate, ViChange, ViSettings};
use crate::completion_queue::CompletionQueue;
use crate::cqe::{Cqe, Kind};
use crate::descriptor::{Descriptor, Outcome};
use crate::memory::Buffer;
use crate::region::{Region, RegionOptions};
use rnic_abi::descriptor::ALIGN;
use rnic_abi::Stag;
use std::collections::VecDeque;

/// A finished descriptor or send_invalidate.
///
/// ```
/// use rnic_driver::{cqe::Kind, descriptor::Outcome, vi::Done};
/// let outcome = Outcome { length: 12, status: 0x1_0001 };
/// let done = Done { kind: Kind::Receive, reference: 5, outcome, advertised: None, invalidated: None, solicited: false };
/// assert!(done.outcome.ok().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Send, Receive or SendInvalidate.
    pub kind: Kind,
    /// The poster's number.
    pub reference: u64,
    /// Length and VIA status.
    pub outcome: Outcome,
    /// STag that the peer advertised with this message.
    pub advertised: Option<Stag>,
    /// STag of this host that the peer invalidated with this message.
    pub invalidated: Option<Stag>,
    /// The message asked for an event.
    pub solicited: bool,
}

/// A work queue with descriptor places.
struct Places {
    queue: WorkQueue,
    /// Offset of the first place in the descriptor region.
    offset: usize,
    free: VecDeque<usize>,
    /// Posted, oldest first: place and reference.
    posted: VecDeque<(usize, u64)>,
}

impl Places {
    fn new(queue: WorkQueue, offset: usize) -> Self {
        Self {
            offset,
            free: (0..queue.depth()).collect(),
            posted: VecDeque::new(),
            queue,
        }
    }
}

/// A VI. Dropping it destroys it.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, descriptor::Descriptor, region::{Region, RegionOptions}, vi::{Vi, ViOptions}};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let mut cq = board.create_cq(6)?;
/// let ptag = board.allocate_ptag();
/// let mut vi = Vi::create(&board, &cq, &cq, ViOptions::new(ptag))?;
/// let memory = Region::register(&board, board.allocate("in", 4096)?.into(), RegionOptions::new(ptag))?;
/// vi.post_receive(&Descriptor::receive(vec![memory.segment(0, 512)?]), 1)?;
/// if let Some(cqe) = cq.poll()? {
///     println!("{:?}", vi.complete(&cqe)?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vi {
    // Destroyed before the memory that the board fetches descriptors from.
    endpoint: Endpoint,
    send: Places,
    receive: Places,
    place_bytes: usize,
    descriptors: Region,
    memory: Buffer,
    /// send_invalidates that the board has, oldest first: context and reference.
    invalidates: VecDeque<(u32, u64)>,
}

impl Vi {
    /// Creates an idle VI whose queues complete into these CQs.
    pub fn create(
        board: &Board,
        send_cq: &CompletionQueue,
        receive_cq: &CompletionQueue,
        options: ViOptions,
    ) -> Result<Self, ViError> {
        let identity = board.identity();
        let depth = identity.queue_depth as usize;
        let place_bytes = Descriptor::size(identity.max_descriptor_segments as usize)
            .next_multiple_of(ALIGN as usize);
        let memory = board.allocate("rnic-descriptors", 2 * depth * place_bytes)?;
        let descriptors = Region::register(
            board,
            memory.clone().into(),
            RegionOptions::new(options.ptag),
        )?;
        let (endpoint, send, receive) = Endpoint::create(board, send_cq, receive_cq, options)?;
        Ok(Self {
            endpoint,
            send: Places::new(send, 0),
            receive: Places::new(receive, depth * place_bytes),
            place_bytes,
            descriptors,
            memory,
            invalidates: VecDeque::new(),
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.endpoint.number()
    }

    /// Its board.
    pub fn board(&self) -> &Board {
        self.endpoint.board()
    }

    /// What the driver has told it.
    pub fn settings(&self) -> &ViSettings {
        self.endpoint.settings()
    }

    /// Makes it Connected to `peer`.
    pub fn connect(&mut self, peer: Peer) -> Result<(), ViError> {
        self.endpoint.connect(peer)
    }

    /// Changes some of its words.
    pub fn modify(&mut self, change: ViChange) -> Result<(), ViError> {
        self.endpoint.modify(change)
    }

    /// Send queue entries that are free.
    pub fn send_space(&self) -> usize {
        self.send.queue.space()
    }

    /// Receive queue entries that are free.
    pub fn receive_space(&self) -> usize {
        self.receive.queue.space()
    }

    /// Posts a Send, RDMA Write or RDMA Read; its completion brings `reference` back.
    pub fn post_send(&mut self, descriptor: &Descriptor, reference: u64) -> Result<(), ViError> {
        self.post(Queue::Send, descriptor, reference)
    }

    /// Posts a receive.
    pub fn post_receive(&mut self, descriptor: &Descriptor, reference: u64) -> Result<(), ViError> {
        self.post(Queue::Receive, descriptor, reference)
    }

    fn post(
        &mut self,
        queue: Queue,
        descriptor: &Descriptor,
        reference: u64,
    ) -> Result<(), ViError> {
        let identity = self.endpoint.board().identity();
        let bytes = descriptor.encode(identity.max_descriptor_segments)?;
        let places = match queue {
            Queue::Receive => &mut self.receive,
            Queue::Send => &mut self.send,
        };
        places.queue.check_space()?;
        let place = *places.free.front().ok_or(ViError::QueueFull {
            queue: queue.name(),
            depth: identity.queue_depth,
        })?;
        let offset = places.offset + place * self.place_bytes;
        self.memory.write(offset, &bytes)?;
        let va = self.descriptors.base() + offset as u64;
        places.queue.post_at(va, self.descriptors.stag())?;
        places.free.pop_front();
        places.posted.push_back((place, reference));
        Ok(())
    }

    /// Ends the peer's one-shot: sends a message that invalidates its STag. With `fence`, after every earlier RDMA Read.
    pub fn send_invalidate(
        &mut self,
        stag: Stag,
        message: Message,
        fence: bool,
        reference: u64,
    ) -> Result<(), ViError> {
        self.send.queue.check_space()?;
        let context = self.board().next_context();
        let command = Command::SendInvalidate(SendInvalidate {
            stag,
            message,
            fence,
            solicited: false,
        });
        self.board().post(&Post {
            vi: self.number(),
            context,
            signalled: true,
            command,
        })?;
        self.send.queue.take_entry();
        self.invalidates.push_back((context, reference));
        Ok(())
    }

    /// Takes a completion of this VI: the oldest descriptor of its queue, or a send_invalidate.
    pub fn complete(&mut self, cqe: &Cqe) -> Result<Done, ViError> {
        let done = |kind, reference, outcome| Done {
            kind,
            reference,
            outcome,
            advertised: cqe.advertised.then_some(cqe.stag),
            invalidated: cqe.invalidated.then_some(cqe.stag),
            solicited: cqe.solicited,
        };
        let (kind, vi) = (cqe.kind, cqe.vi);
        let number = self.number();
        let queue = match kind {
            _ if vi != number => return Err(ViError::Foreign { kind, vi, number }),
            Kind::Send => &mut self.send,
            Kind::Receive => &mut self.receive,
            Kind::SendInvalidate => {
                let found = self
                    .invalidates
                    .iter()
                    .position(|&(context, _)| u64::from(context) == cqe.context);
                let unknown = ViError::Unknown {
                    kind,
                    context: cqe.context,
                };
                let (_, reference) = found
                    .and_then(|index| self.invalidates.remove(index))
                    .ok_or(unknown)?;
                self.send.queue.release_entry();
                cqe.ok()
                    .map_err(|failure| ViError::Failed { reference, failure })?;
                return Ok(done(
                    kind,
                    reference,
                    Outcome {
                        length: cqe.length,
                        status: cqe.status,
                    },
                ));
            }
            _ => return Err(ViError::Foreign { kind, vi, number }),
        };
        let va = |place: usize| {
            self.descriptors.base() + (queue.offset + place * self.place_bytes) as u64
        };
        let expected = queue.posted.front().map(|&(place, _)| va(place));
        if expected != Some(cqe.context) {
            return Err(ViError::OutOfOrder {
                kind,
                expected,
                found: cqe.context,
            });
        }
        let Some((place, reference)) = queue.posted.pop_front() else {
            return Err(ViError::Unknown {
                kind,
                context: cqe.context,
            });
        };
        queue.free.push_back(place);
        queue.queue.release_entry();
        Ok(done(
            kind,
            reference,
            Outcome {
                length: cqe.length,
                status: cqe.status,
            },
        ))
    }

    /// What the board wrote into the oldest descriptor of a queue, for a caller that polls memory instead of a CQ.
    pub fn oldest_outcome(&self, receive: bool) -> Result<Option<Outcome>, ViError> {
        let queue = if receive { &self.receive } else { &self.send };
        let Some(&(place, _)) = queue.posted.front() else {
            return Ok(None);
        };
        let word = self
            .memory
            .load_u64(queue.offset + place * self.place_bytes + Outcome::OFFSET)?;
        Ok(Some(Outcome::decode(word)).filter(Outcome::is_done))
    }

    /// Takes a send queue entry for a one-shot.
    pub(crate) fn hold_one_shot(&mut self) -> Result<(), ViError> {
        self.send.queue.check_space()?;
        self.send.queue.take_entry();
        Ok(())
    }

    /// Gives it back.
    pub(crate) fn release_one_shot(&mut self) {
        self.send.queue.release_entry();
    }

    /// Flushes it, makes it idle and gives its number back. Descriptors still posted complete as flushed in its CQs.
    pub fn destroy(self) -> Result<(), ViError> {
        self.endpoint.destroy()
    }
}

impl AsRef<Endpoint> for Vi {
    fn as_ref(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl AsMut<Endpoint> for Vi {
    fn as_mut(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }
}

#[cfg(test)]
mod tests;
