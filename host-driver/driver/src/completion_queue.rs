//! Completion queues: memory that the board fills, polled by phase bit, with a lazy consumer index and a race-free wait.
//!
//! ```text
//! poll: load the last 8 bytes of the entry (acquire); phase as expected -> the other 24 are there too
//! wait: arm (stores the consumer index; the board fires at once if it is ahead) -> poll -> sleep on the eventfd -> poll
//! ```
//! The consumer index is stored every quarter of the queue; the board takes all others as not yet consumed.

use crate::board::{Board, ExecuteError};
use crate::command::Command;
use crate::cqe::{Cqe, CqeError};
use crate::memory::{Buffer, MemoryError};
use crate::transport::{Bar, Metered, TransportError};
use rnic_abi::completion::{CQE_BYTES, CQE_WORDS, PHASE};
use rnic_abi::registers::map::CQ_DOORBELL;
use rnic_abi::Iova;
use std::time::Duration;
use vmm_sys_util::eventfd::EventFd;

/// Consumer doorbell: the index's bits.
const INDEX_MASK: u32 = (1 << 31) - 1;
/// Consumer doorbell: arms the interrupt.
const ARM: u32 = 1 << 31;

/// The memory side of a queue, without the board that fills it.
pub(crate) struct QueueMemory {
    cq: u32,
    entries_log2: u32,
    memory: Buffer,
    /// Entries consumed since creation, modulo 2^31.
    consumed: u32,
    /// What the board was last told.
    reported: u32,
}

impl QueueMemory {
    /// A queue over zeroed memory of at least `32 << entries_log2` bytes.
    pub(crate) fn new(cq: u32, entries_log2: u32, memory: Buffer) -> Self {
        Self {
            cq,
            entries_log2,
            memory,
            consumed: 0,
            reported: 0,
        }
    }

    pub(crate) fn iova(&self) -> Iova {
        self.memory.iova()
    }

    /// The next entry, if the board has written it; tells the board every quarter of the queue.
    pub(crate) fn poll(
        &mut self,
        transport: &Metered,
    ) -> Result<Option<Cqe>, CompletionQueueError> {
        let index = self.consumed & ((1 << self.entries_log2) - 1);
        let offset = index as usize * CQE_BYTES;
        let last = self.memory.load_u64(offset + CQE_BYTES - 8)?;
        // 1 in the first round over the queue, then flipping.
        let expected = self.consumed >> self.entries_log2 & 1 == 0;
        if ((last >> 32) as u32 & PHASE != 0) != expected {
            return Ok(None);
        }
        let mut words = [0; CQE_WORDS];
        for pair in 0..CQE_WORDS / 2 - 1 {
            let value = self.memory.load_u64(offset + pair * 8)?;
            words[pair * 2] = value as u32;
            words[pair * 2 + 1] = (value >> 32) as u32;
        }
        words[CQE_WORDS - 2] = last as u32;
        words[CQE_WORDS - 1] = (last >> 32) as u32;
        self.consumed = (self.consumed + 1) & INDEX_MASK;
        let unreported = self.consumed.wrapping_sub(self.reported) & INDEX_MASK;
        if unreported >= 1 << self.entries_log2.saturating_sub(2) {
            self.store_index(transport, 0)?;
        }
        Ok(Some(Cqe::decode(words)?))
    }

    /// Asks for an interrupt with the next entry.
    pub(crate) fn arm(&mut self, transport: &Metered) -> Result<(), TransportError> {
        self.store_index(transport, ARM)
    }

    fn store_index(&mut self, transport: &Metered, arm: u32) -> Result<(), TransportError> {
        transport.bar_write32(
            Bar::Registers,
            CQ_DOORBELL + self.cq * 8,
            self.consumed | arm,
        )?;
        self.reported = self.consumed;
        Ok(())
    }
}

/// A completion queue of an application. Dropping it destroys it.
///
/// ```no_run
/// use rnic_driver::board::{Board, Options};
/// use std::time::Duration;
/// let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let mut cq = board.create_cq(6)?;
/// if let Some(cqe) = cq.wait(Duration::from_millis(10))? {
///     println!("{:?} of VI {}", cqe.kind, cqe.vi);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CompletionQueue {
    board: Board,
    queue: QueueMemory,
    eventfd: Option<EventFd>,
    destroyed: bool,
}

impl CompletionQueue {
    pub(crate) fn new(board: Board, queue: QueueMemory, eventfd: Option<EventFd>) -> Self {
        Self {
            board,
            queue,
            eventfd,
            destroyed: false,
        }
    }

    /// Its number.
    pub fn number(&self) -> u8 {
        self.queue.cq as u8
    }

    /// How many entries it has.
    pub fn entries(&self) -> usize {
        1 << self.queue.entries_log2
    }

    /// The next completion, if there is one. Makes no register access but the lazy consumer index.
    pub fn poll(&mut self) -> Result<Option<Cqe>, CompletionQueueError> {
        let cqe = self.queue.poll(self.board.transport())?;
        if let Some(cqe) = &cqe {
            self.board.observe(cqe.slots);
        }
        Ok(cqe)
    }

    /// As [`poll`](Self::poll), after a turn for a board that runs only when asked to.
    pub fn poll_once(&mut self) -> Result<Option<Cqe>, CompletionQueueError> {
        if let Some(cqe) = self.poll()? {
            return Ok(Some(cqe));
        }
        self.board.transport().poll()?;
        self.poll()
    }

    /// Asks for an interrupt with the next completion (at once if one is there).
    pub fn arm(&mut self) -> Result<(), CompletionQueueError> {
        Ok(self.queue.arm(self.board.transport())?)
    }

    /// The next completion, asleep until it comes or `timeout` has passed.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Cqe>, CompletionQueueError> {
        let end = self.board.transport().now() + timeout;
        loop {
            if let Some(cqe) = self.poll()? {
                return Ok(Some(cqe));
            }
            let now = self.board.transport().now();
            if now >= end {
                return Ok(None);
            }
            let Some(eventfd) = &self.eventfd else {
                let cq = self.queue.cq;
                return Err(CompletionQueueError::NoInterrupt { cq });
            };
            self.queue.arm(self.board.transport())?;
            // What came between the poll and the arm makes the board fire at once, so sleeping is safe.
            if self.board.transport().wait(eventfd, end - now)? {
                eventfd
                    .read()
                    .map_err(|source| TransportError::Wait { source })?;
            }
        }
    }

    /// The eventfd of its interrupt, for a caller that waits for several things.
    pub fn eventfd(&self) -> Option<&EventFd> {
        self.eventfd.as_ref()
    }

    /// The board that fills it.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Destroys it and says whether that worked.
    pub fn destroy(mut self) -> Result<(), ExecuteError> {
        self.destroy_now()
    }

    fn destroy_now(&mut self) -> Result<(), ExecuteError> {
        if std::mem::replace(&mut self.destroyed, true) {
            return Ok(());
        }
        let done = self
            .board
            .execute(0, Command::DestroyCq { cq: self.queue.cq });
        self.board.free_cq(self.queue.cq);
        done.map(|_| ())
    }
}

impl Drop for CompletionQueue {
    fn drop(&mut self) {
        // A board that does not answer any more has nothing to destroy.
        let _ = self.destroy_now();
    }
}

/// Why a completion could not be had.
///
/// ```
/// let error = rnic_driver::completion_queue::CompletionQueueError::NoInterrupt { cq: 31 };
/// assert_eq!(error.to_string(), "completion queue 31 has no interrupt vector; poll it");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum CompletionQueueError {
    /// Its entry makes no sense.
    #[error(transparent)]
    Cqe(#[from] CqeError),
    /// Its memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Its vector is beyond the interrupt mask.
    #[error("completion queue {cq} has no interrupt vector; poll it")]
    NoInterrupt {
        /// The queue.
        cq: u32,
    },
}
