//! Why opening, posting or executing failed: one type a verb.

use crate::command::FieldError;
use crate::completion_queue::CompletionQueueError;
use crate::cqe::Failure;
use crate::memory::MemoryError;
use crate::ring::RingError;
use crate::transport::{TransportError, UrlError};
use std::time::Duration;

/// Why a board could not be opened or asked.
///
/// ```
/// use rnic_driver::board::BoardError;
/// let error = BoardError::Version { board: 2, driver: 1 };
/// assert_eq!(error.to_string(), "the board speaks version 2 of the register map, this driver version 1");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoardError {
    /// The URL is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Not this kind of board.
    #[error("MAGIC reads 0x{magic:08x}, a one-shot RNIC has 0x{expected:08x}")]
    NotARnic {
        /// What was read.
        magic: u32,
        /// What was expected.
        expected: u32,
    },
    /// Another version of the contract.
    #[error("the board speaks version {board} of the register map, this driver version {driver}")]
    Version {
        /// The board's.
        board: u32,
        /// The driver's.
        driver: u32,
    },
    /// An identity register makes no sense.
    #[error("identity register {name} reads {value}, which is not 1 to {most}")]
    Identity {
        /// The register.
        name: &'static str,
        /// Its value.
        value: u32,
        /// The most it may be.
        most: u32,
    },
    /// The reset did not end.
    #[error("the reset did not end within {timeout:?}")]
    ResetTimeout {
        /// How long it was waited for.
        timeout: Duration,
    },
    /// CQ 0 could not be created.
    #[error("the admin completion queue could not be created: {source}")]
    AdminQueue {
        /// Why.
        source: Box<ExecuteError>,
    },
    /// An array register has no such element.
    #[error("{name} has {count} elements, not one with index {index}")]
    Index {
        /// The register.
        name: &'static str,
        /// The index asked for.
        index: u32,
        /// Elements.
        count: u32,
    },
}

/// Why a command was not posted.
///
/// ```
/// use rnic_driver::{board::PostError, ring::RingError};
/// let error = PostError::from(RingError::Full { wanted: 1, free: 0, slots: 16 });
/// assert!(error.to_string().contains("0 of 16"));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// A field holds what the board cannot take.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The ring is full, or its transport failed.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The status line.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The admin queue.
    #[error(transparent)]
    CompletionQueue(#[from] CompletionQueueError),
}

/// Why a command did not complete well.
///
/// ```
/// use rnic_driver::board::ExecuteError;
/// let error = ExecuteError::Exhausted { what: "VIs", count: 4 };
/// assert_eq!(error.to_string(), "all 4 VIs are in use");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// It was not posted.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The board refused it.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// It did not complete in time; later commands fail at once.
    #[error("the command with opcode 0x{opcode:02x} did not complete within {timeout:?}")]
    Timeout {
        /// Its opcode.
        opcode: u8,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// None left.
    #[error("all {count} {what} are in use")]
    Exhausted {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: u32,
    },
    /// The admin queue.
    #[error(transparent)]
    CompletionQueue(#[from] CompletionQueueError),
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
