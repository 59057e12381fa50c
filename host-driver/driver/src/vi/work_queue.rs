//! A work queue's doorbell: posts descriptors that lie in any registered memory.
//!
//! A doorbell is two 8-byte stores in the VI's page: the descriptor's address, then {memory handle, sequence}. A queue counts
//! what it has posted and what has been taken back; it knows no descriptors and refuses none: what is wrong with one the board
//! says in its status word or as an event, one too many included.

use super::ViError;
use crate::board::Board;
use crate::transport::Bar;
use rnic_abi::command::FIRST_SEQUENCE;
use rnic_abi::registers::{map, DOORBELL_PAGE_BYTES};
use rnic_abi::Stag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Send or receive.
///
/// ```
/// assert_eq!(rnic_driver::vi::Queue::Send.name(), "send");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Sends, RDMA Writes and Reads; ring commands, too.
    Send,
    /// Receives.
    Receive,
}

impl Queue {
    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Queue::Send => "send",
            Queue::Receive => "receive",
        }
    }
}

/// The number of a VI; free again when nothing can post to it any more.
pub(super) struct Number {
    pub(super) board: Board,
    pub(super) vi: u16,
    /// The board may still use it.
    pub(super) lost: AtomicBool,
}

impl Drop for Number {
    fn drop(&mut self) {
        if !self.lost.load(Ordering::Relaxed) {
            self.board.free_vi(self.vi);
        }
    }
}

/// One of a VI's two work queues. It keeps the VI's number taken, not the VI alive.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, vi::{Endpoint, ViOptions}};
/// # use rnic_abi::Stag;
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// # let (cq, descriptor_va, handle) = (board.create_cq(6)?, 0, Stag(0));
/// let (vi, mut send, _receive) = Endpoint::create(&board, &cq, &cq, ViOptions::new(board.allocate_ptag()))?;
/// send.post_at(descriptor_va, handle)?;
/// assert_eq!(send.used(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WorkQueue {
    number: Arc<Number>,
    queue: Queue,
    sequence: u32,
    used: usize,
}

impl WorkQueue {
    pub(super) fn new(number: &Arc<Number>, queue: Queue) -> Self {
        Self {
            number: number.clone(),
            queue,
            sequence: FIRST_SEQUENCE,
            used: 0,
        }
    }

    /// Which queue it is.
    pub fn queue(&self) -> Queue {
        self.queue
    }

    /// Entries in use: descriptors and ring commands that have not been taken back.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Entries that are free.
    pub fn space(&self) -> usize {
        self.depth().saturating_sub(self.used)
    }

    /// Entries.
    pub fn depth(&self) -> usize {
        self.number.board.identity().queue_depth as usize
    }

    /// Rings the doorbell for the descriptor at `va`, whose memory has this handle. If a store fails, nothing was posted.
    pub fn post_at(&mut self, va: u64, handle: Stag) -> Result<(), ViError> {
        let (first, second) = match self.queue {
            Queue::Receive => (map::RECEIVE_DESCRIPTOR, map::RECEIVE_COMMIT),
            Queue::Send => (map::SEND_DESCRIPTOR, map::SEND_COMMIT),
        };
        let commit = u64::from(handle.0) | u64::from(self.sequence) << 32;
        let page = u32::from(self.number.vi) * DOORBELL_PAGE_BYTES as u32;
        let transport = self.number.board.transport();
        transport.bar_write64(Bar::Doorbells, page + first, va)?;
        transport.bar_write64(Bar::Doorbells, page + second, commit)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.used += 1;
        Ok(())
    }

    /// A ring command takes an entry of its own accord.
    pub fn take_entry(&mut self) {
        self.used += 1;
    }

    /// An entry has completed.
    pub fn release_entry(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    /// That an entry is free.
    pub fn check_space(&self) -> Result<(), ViError> {
        if self.space() > 0 {
            return Ok(());
        }
        Err(ViError::QueueFull {
            queue: self.queue.name(),
            depth: self.number.board.identity().queue_depth,
        })
    }
}
