//! The raw queue: frames that belong to no connection, in both directions ([`rnic_abi::command::opcode::RAW_SEND`] and the
//! raw receive ring). Frames may be lost; the connection manager repeats its own.

use crate::board::{Board, BoardError, PostError};
use crate::command::{Command, Post};
use crate::completion_queue::CompletionQueueError;
use crate::cqe::Kind;
use crate::memory::{Buffer, MemoryError};
use crate::transport::{Bar, TransportError};
use rnic_abi::completion::RAW_ENTRY_BYTES;
use rnic_abi::registers::map;
use rnic_abi::wire::link::RAW_MAX_BYTES;

/// Entries of the receive ring, a power of two.
const RING_ENTRIES: usize = 16;
/// Frames that may be on their way out.
const SEND_FRAMES: usize = 8;

/// The raw queue of a board. Dropping it turns the receive ring off.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, raw::RawQueue};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let mut raw = RawQueue::open(&board)?;
/// raw.send(b"anyone there?")?;
/// while let Some(frame) = raw.receive()? {
///     println!("{} bytes", frame.len());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RawQueue {
    board: Board,
    ring: Buffer,
    consumed: u32,
    frames: Buffer,
    /// Context of the command that has the frame buffer, if one has.
    in_use: [Option<u32>; SEND_FRAMES],
}

impl RawQueue {
    /// Turns the receive ring on.
    pub fn open(board: &Board) -> Result<Self, RawError> {
        let ring = board.allocate("rnic-raw-ring", RING_ENTRIES * RAW_ENTRY_BYTES)?;
        let frames = board.allocate("rnic-raw-frames", SEND_FRAMES * RAW_ENTRY_BYTES)?;
        let transport = board.transport();
        transport.bar_write64(Bar::Registers, map::RAW_RING_IOVA, ring.iova().0)?;
        transport.bar_write32(Bar::Registers, map::RAW_CONSUMED, 0)?;
        transport.bar_write32(Bar::Registers, map::RAW_RING_ENTRIES, RING_ENTRIES as u32)?;
        Ok(Self {
            board: board.clone(),
            ring,
            consumed: 0,
            frames,
            in_use: [None; SEND_FRAMES],
        })
    }

    /// Sends a frame; it has left when its buffer is used again.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), RawError> {
        if frame.is_empty() || frame.len() > RAW_MAX_BYTES {
            return Err(RawError::Length { bytes: frame.len() });
        }
        self.reap()?;
        let free = self
            .in_use
            .iter()
            .position(Option::is_none)
            .ok_or(RawError::Busy {
                frames: SEND_FRAMES,
            })?;
        let buffer = self
            .frames
            .slice(free * RAW_ENTRY_BYTES..(free + 1) * RAW_ENTRY_BYTES)?;
        buffer.write(0, frame)?;
        let context = self.board.next_context();
        let command = Command::RawSend {
            iova: buffer.iova(),
            bytes: frame.len() as u32,
        };
        self.board.post(&Post {
            vi: 0,
            context,
            signalled: true,
            command,
        })?;
        self.in_use[free] = Some(context);
        Ok(())
    }

    /// Finds frame buffers whose command has completed, well or not: a frame that failed is a frame lost.
    fn reap(&mut self) -> Result<(), RawError> {
        for in_use in &mut self.in_use {
            let Some(context) = *in_use else { continue };
            let mine = |cqe: &crate::cqe::Cqe| {
                cqe.kind == Kind::Command && cqe.context == u64::from(context)
            };
            if self.board.take_admin(mine)?.is_some() {
                *in_use = None;
            }
        }
        Ok(())
    }

    /// The oldest frame received, if there is one.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, RawError> {
        let Some(cqe) = self.board.take_admin(|cqe| cqe.kind == Kind::Raw)? else {
            return Ok(None);
        };
        let index = cqe.context as usize % RING_ENTRIES;
        let bytes = cqe.length as usize;
        let frame = match bytes <= RAW_ENTRY_BYTES {
            true => self.ring.to_vec(index * RAW_ENTRY_BYTES, bytes)?,
            false => return Err(RawError::Length { bytes }),
        };
        self.consumed = self.consumed.wrapping_add(1);
        self.board
            .transport()
            .bar_write32(Bar::Registers, map::RAW_CONSUMED, self.consumed)?;
        Ok(Some(frame))
    }

    /// Its board.
    pub fn board(&self) -> &Board {
        &self.board
    }
}

impl Drop for RawQueue {
    fn drop(&mut self) {
        // A board that is gone writes nothing any more.
        let _ = self
            .board
            .transport()
            .bar_write32(Bar::Registers, map::RAW_RING_ENTRIES, 0);
    }
}

/// Why a raw frame was not sent or received.
///
/// ```
/// use rnic_driver::raw::RawError;
/// assert_eq!(RawError::Length { bytes: 600 }.to_string(), "a raw frame of 600 bytes; it has 1 to 536");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// Empty or too long.
    #[error("a raw frame of {bytes} bytes; it has 1 to {RAW_MAX_BYTES}")]
    Length {
        /// Its bytes.
        bytes: usize,
    },
    /// All frame buffers are on their way.
    #[error("all {frames} raw frame buffers are on their way out")]
    Busy {
        /// How many there are.
        frames: usize,
    },
    /// The command was not posted.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The admin queue.
    #[error(transparent)]
    CompletionQueue(#[from] CompletionQueueError),
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A register.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
