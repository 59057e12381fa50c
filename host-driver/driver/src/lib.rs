//! The userspace driver of the one-shot RNIC.
//!
//! A driver process owns a board: it maps memory for it, posts commands and descriptors with stores alone, and learns what
//! happened from completion queues in its own memory. Nothing here knows whether the board is simulated.
//!
//! ```text
//! transport   vfio-user socket, kernel VFIO, or a board in this process
//! memory      memfds mapped for DMA                 stag_table, command_table   the driver's own books
//! board       identity, counters, events            slots, ring, command        posting
//! completion_queue, cqe                             what came back
//! region, vi, one_shot, cm, mpa, address            what an application uses
//! ```
//!
//! Start at [`board::Board::open_url`] and [`channel::Channel`].
#![deny(missing_docs)]

pub mod address;
pub mod board;
pub mod channel;
pub mod cm;
pub mod command;
pub mod command_table;
pub mod completion_queue;
pub mod cqe;
pub mod descriptor;
pub mod memory;
pub mod mpa;
pub mod one_shot;
pub mod raw;
pub mod region;
pub mod ring;
pub mod slots;
pub mod stag_table;
pub mod transport;
pub mod vi;

#[cfg(test)]
mod test_board;
