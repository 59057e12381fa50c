//! Virtual interfaces: created with their queues' descriptors, connected, posted to by doorbell, completed by CQE.
//!
//! A doorbell is two 8-byte stores in the VI's page: the descriptor's address, then {memory handle, sequence}. Each queue has
//! as many descriptor places as the board has queue entries, in one registered region, so that posting allocates nothing.
//! One-shots and send_invalidates share the send queue; the VI counts them too and never overruns it.

use crate::board::{Board, ExecuteError, PostError};
use crate::command::{
    Command, Message, Post, Reliability, SendInvalidate, ViChange, ViSettings, ViState,
};
use crate::completion_queue::CompletionQueue;
use crate::cqe::{Cqe, Failure, Kind};
use crate::descriptor::{Descriptor, DescriptorError, Outcome};
use crate::memory::{Buffer, MemoryError};
use crate::region::{Region, RegionError, RegionOptions};
use crate::transport::{Bar, TransportError};
use rnic_abi::command::FIRST_SEQUENCE;
use rnic_abi::descriptor::ALIGN;
use rnic_abi::registers::{map, DOORBELL_PAGE_BYTES};
use rnic_abi::Stag;
use std::collections::VecDeque;

/// What a VI is created with.
///
/// ```
/// use rnic_driver::vi::ViOptions;
/// let options = ViOptions { enable_rdma_read: false, ..ViOptions::new(3) };
/// assert!(options.enable_rdma_write);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ViOptions {
    /// Protection tag.
    pub ptag: u32,
    /// Reliability level.
    pub reliability: Reliability,
    /// The peer may RDMA Write.
    pub enable_rdma_write: bool,
    /// The peer may RDMA Read.
    pub enable_rdma_read: bool,
    /// Longest message.
    pub max_transfer_bytes: u32,
}

impl ViOptions {
    /// Reliable delivery, both rights, 1 MiB.
    pub const fn new(ptag: u32) -> Self {
        let reliability = Reliability::ReliableDelivery;
        Self {
            ptag,
            reliability,
            enable_rdma_write: true,
            enable_rdma_read: true,
            max_transfer_bytes: 1 << 20,
        }
    }
}

/// What connecting tells a VI; the connection manager negotiates it.
///
/// ```
/// use rnic_driver::vi::Peer;
/// let peer = Peer { vi: 2, negotiated: 1, ird: 2, ord: 2, send_sequence: 100, receive_sequence: 200 };
/// assert_eq!(peer.vi, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The peer's VI number.
    pub vi: u8,
    /// Negotiated features (`abi::command::vi_peer`).
    pub negotiated: u8,
    /// Inbound read depth.
    pub ird: u8,
    /// Outbound read depth.
    pub ord: u8,
    /// Stream number of the first byte sent.
    pub send_sequence: u32,
    /// Stream number of the first byte expected.
    pub receive_sequence: u32,
}

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

/// One work queue's descriptor places.
struct WorkQueue {
    /// Offset of the first place in the descriptor region.
    offset: usize,
    free: VecDeque<usize>,
    /// Posted, oldest first: place and reference.
    posted: VecDeque<(usize, u64)>,
    sequence: u32,
}

impl WorkQueue {
    fn new(offset: usize, depth: usize) -> Self {
        Self {
            offset,
            free: (0..depth).collect(),
            posted: VecDeque::new(),
            sequence: FIRST_SEQUENCE,
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
    board: Board,
    number: u16,
    settings: ViSettings,
    place_bytes: usize,
    descriptors: Region,
    memory: Buffer,
    send: WorkQueue,
    receive: WorkQueue,
    /// send_invalidates that the board has, oldest first: context and reference.
    invalidates: VecDeque<(u32, u64)>,
    /// Send queue entries that one-shots hold.
    one_shots: usize,
    destroyed: bool,
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
        let number = board.take_vi().ok_or(ExecuteError::Exhausted {
            what: "VIs",
            count: identity.vis,
        })?;
        let settings = ViSettings {
            ptag: options.ptag,
            send_cq: send_cq.number(),
            receive_cq: receive_cq.number(),
            reliability: options.reliability,
            enable_rdma_write: options.enable_rdma_write,
            enable_rdma_read: options.enable_rdma_read,
            max_transfer_bytes: options.max_transfer_bytes,
            ..ViSettings::default()
        };
        if let Err(error) = board.execute(number, Command::CreateVi(settings)) {
            board.free_vi(number);
            return Err(error.into());
        }
        Ok(Self {
            board: board.clone(),
            number,
            settings,
            place_bytes,
            descriptors,
            memory,
            send: WorkQueue::new(0, depth),
            receive: WorkQueue::new(depth * place_bytes, depth),
            invalidates: VecDeque::new(),
            one_shots: 0,
            destroyed: false,
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// What the driver has told it.
    pub fn settings(&self) -> &ViSettings {
        &self.settings
    }

    /// Makes it Connected to `peer`.
    pub fn connect(&mut self, peer: Peer) -> Result<(), ViError> {
        let settings = ViSettings {
            state: ViState::Connected,
            peer_vi: peer.vi,
            negotiated: peer.negotiated,
            ird: peer.ird,
            ord: peer.ord,
            send_sequence: peer.send_sequence,
            receive_sequence: peer.receive_sequence,
            ..self.settings
        };
        self.modify(ViChange::new(settings).state().peer().sequences())
    }

    /// Changes some of its words.
    pub fn modify(&mut self, change: ViChange) -> Result<(), ViError> {
        self.board.execute(self.number, Command::ModifyVi(change))?;
        self.settings = *change.settings();
        Ok(())
    }

    /// Send queue entries that are free.
    pub fn send_space(&self) -> usize {
        let depth = self.board.identity().queue_depth as usize;
        depth.saturating_sub(self.send.posted.len() + self.invalidates.len() + self.one_shots)
    }

    /// Receive queue entries that are free.
    pub fn receive_space(&self) -> usize {
        self.receive.free.len()
    }

    /// Posts a Send, RDMA Write or RDMA Read; its completion brings `reference` back.
    pub fn post_send(&mut self, descriptor: &Descriptor, reference: u64) -> Result<(), ViError> {
        self.check_send_space()?;
        self.post(false, descriptor, reference)
    }

    /// Posts a receive.
    pub fn post_receive(&mut self, descriptor: &Descriptor, reference: u64) -> Result<(), ViError> {
        self.post(true, descriptor, reference)
    }

    fn post(
        &mut self,
        receive: bool,
        descriptor: &Descriptor,
        reference: u64,
    ) -> Result<(), ViError> {
        let identity = self.board.identity();
        let bytes = descriptor.encode(identity.max_descriptor_segments)?;
        let (queue, first, second) = match receive {
            true => (
                &mut self.receive,
                map::RECEIVE_DESCRIPTOR,
                map::RECEIVE_COMMIT,
            ),
            false => (&mut self.send, map::SEND_DESCRIPTOR, map::SEND_COMMIT),
        };
        let name = if receive { "receive" } else { "send" };
        let place = *queue.free.front().ok_or(ViError::QueueFull {
            queue: name,
            depth: identity.queue_depth,
        })?;
        let offset = queue.offset + place * self.place_bytes;
        self.memory.write(offset, &bytes)?;
        let va = self.descriptors.base() + offset as u64;
        let commit = u64::from(self.descriptors.stag().0) | u64::from(queue.sequence) << 32;
        let page = u32::from(self.number) * DOORBELL_PAGE_BYTES as u32;
        let transport = self.board.transport();
        transport.bar_write64(Bar::Doorbells, page + first, va)?;
        transport.bar_write64(Bar::Doorbells, page + second, commit)?;
        queue.free.pop_front();
        queue.posted.push_back((place, reference));
        queue.sequence = queue.sequence.wrapping_add(1);
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
        self.check_send_space()?;
        let context = self.board.next_context();
        let command = Command::SendInvalidate(SendInvalidate {
            stag,
            message,
            fence,
            solicited: false,
        });
        self.board.post(&Post {
            vi: self.number,
            context,
            signalled: true,
            command,
        })?;
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
        let queue = match kind {
            _ if vi != self.number => {
                return Err(ViError::Foreign {
                    kind,
                    vi,
                    number: self.number,
                })
            }
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
            _ => {
                return Err(ViError::Foreign {
                    kind,
                    vi,
                    number: self.number,
                })
            }
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
        self.check_send_space()?;
        self.one_shots += 1;
        Ok(())
    }

    /// Gives it back.
    pub(crate) fn release_one_shot(&mut self) {
        self.one_shots = self.one_shots.saturating_sub(1);
    }

    fn check_send_space(&self) -> Result<(), ViError> {
        if self.send_space() > 0 {
            return Ok(());
        }
        Err(ViError::QueueFull {
            queue: "send",
            depth: self.board.identity().queue_depth,
        })
    }

    /// Flushes it, makes it idle and gives its number back. Descriptors still posted complete as flushed in its CQs.
    pub fn destroy(mut self) -> Result<(), ViError> {
        self.destroy_now()
    }

    fn destroy_now(&mut self) -> Result<(), ViError> {
        if !std::mem::replace(&mut self.destroyed, true) {
            self.board.execute(self.number, Command::DestroyVi)?;
            self.board.free_vi(self.number);
        }
        Ok(())
    }
}

impl Drop for Vi {
    fn drop(&mut self) {
        // If it fails, the number stays taken: the board may still use it.
        let _ = self.destroy_now();
    }
}

/// Why a VI could not do it.
///
/// ```
/// use rnic_driver::vi::ViError;
/// let error = ViError::QueueFull { queue: "send", depth: 8 };
/// assert_eq!(error.to_string(), "all 8 entries of the send queue are in use");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ViError {
    /// A command about it.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// A command was not posted.
    #[error(transparent)]
    Post(#[from] PostError),
    /// Its descriptors' region.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The descriptor.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No entry left.
    #[error("all {depth} entries of the {queue} queue are in use")]
    QueueFull {
        /// Which queue.
        queue: &'static str,
        /// Its entries.
        depth: u32,
    },
    /// A completion of something else.
    #[error("a {kind:?} completion of VI {vi} is not one of VI {number}'s queues")]
    Foreign {
        /// Its kind.
        kind: Kind,
        /// Its VI.
        vi: u16,
        /// This VI.
        number: u16,
    },
    /// A completion that nothing waits for.
    #[error("a {kind:?} completion has context 0x{context:x}, which nothing was posted with")]
    Unknown {
        /// Its kind.
        kind: Kind,
        /// Its context.
        context: u64,
    },
    /// A descriptor completed before an older one.
    #[error("a {kind:?} completion names the descriptor at 0x{found:x}; the oldest one is {expected:x?}")]
    OutOfOrder {
        /// Its kind.
        kind: Kind,
        /// The oldest posted.
        expected: Option<u64>,
        /// The one named.
        found: u64,
    },
    /// A send_invalidate failed.
    #[error("send_invalidate {reference}: {failure}")]
    Failed {
        /// The poster's number.
        reference: u64,
        /// How.
        failure: Failure,
    },
}

#[cfg(test)]
mod tests;
