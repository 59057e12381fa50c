//! A VI without its work queues' contents: its number, what the board was told of it, its states.

use super::work_queue::{Number, Queue, WorkQueue};
use super::ViError;
use crate::board::{Board, ExecuteError};
use crate::command::{Command, Reliability, ViChange, ViSettings, ViState};
use crate::completion_queue::CompletionQueue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

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

/// A VI as the board knows it: what [`Vi`](super::Vi) is built on, and what a library is that keeps descriptors in its user's
/// memory. Dropping it destroys the VI.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, vi::{Endpoint, ViOptions}};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// # let cq = board.create_cq(6)?;
/// let (vi, send, receive) = Endpoint::create(&board, &cq, &cq, ViOptions::new(board.allocate_ptag()))?;
/// println!("VI {}: {} sends, {} receives", vi.number(), send.space(), receive.space());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Endpoint {
    number: Arc<Number>,
    settings: ViSettings,
    destroyed: bool,
}

impl Endpoint {
    /// Creates an idle VI whose queues complete into these CQs; its send and its receive queue.
    pub fn create(
        board: &Board,
        send_cq: &CompletionQueue,
        receive_cq: &CompletionQueue,
        options: ViOptions,
    ) -> Result<(Self, WorkQueue, WorkQueue), ViError> {
        let vi = board.take_vi().ok_or(ExecuteError::Exhausted {
            what: "VIs",
            count: board.identity().vis,
        })?;
        let number = Arc::new(Number {
            board: board.clone(),
            vi,
            lost: AtomicBool::new(false),
        });
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
        board.execute(vi, Command::CreateVi(settings))?;
        let queues = [Queue::Send, Queue::Receive].map(|queue| WorkQueue::new(&number, queue));
        let [send, receive] = queues;
        let this = Self {
            number,
            settings,
            destroyed: false,
        };
        Ok((this, send, receive))
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number.vi
    }

    /// Its board.
    pub fn board(&self) -> &Board {
        &self.number.board
    }

    /// What the driver has told it. The board may have broken it meanwhile:
    /// [`Observer::vi_status`](crate::board::Observer::vi_status) has its state.
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

    /// Changes its state alone: to Idle or Error flushes its work, Error brings CONN_LOST behind what was flushed.
    pub fn set_state(&mut self, state: ViState) -> Result<(), ViError> {
        let settings = ViSettings {
            state,
            ..self.settings
        };
        self.modify(ViChange::new(settings).state())
    }

    /// Changes some of its words.
    pub fn modify(&mut self, change: ViChange) -> Result<(), ViError> {
        self.board()
            .execute(self.number(), Command::ModifyVi(change))?;
        self.settings = *change.settings();
        Ok(())
    }

    /// Flushes it, makes it idle and, once its queues are dropped, gives its number back. Descriptors still posted complete as
    /// flushed in its CQs.
    pub fn destroy(mut self) -> Result<(), ViError> {
        self.destroy_now()
    }

    fn destroy_now(&mut self) -> Result<(), ViError> {
        if !std::mem::replace(&mut self.destroyed, true) {
            let done = self.board().execute(self.number(), Command::DestroyVi);
            // If it failed, the number stays taken: the board may still use it.
            self.number.lost.store(done.is_err(), Ordering::Relaxed);
            done?;
        }
        Ok(())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // An error has kept the number taken, which is all that can be done about it.
        let _ = self.destroy_now();
    }
}

impl AsRef<Endpoint> for Endpoint {
    fn as_ref(&self) -> &Endpoint {
        self
    }
}

impl AsMut<Endpoint> for Endpoint {
    fn as_mut(&mut self) -> &mut Endpoint {
        self
    }
}
