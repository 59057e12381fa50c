//! Completion queue entries and the slot-status line.
//!
//! A CQE is eight little-endian words, written in one 32-byte aligned burst whose last 8-byte store holds the phase bit:
//! ```text
//! 0  vi 15:0 | kind 23:16 | error 31:24 (`error::CommandError`)
//! 1  status: VIA status word of a descriptor; the refused `error::Field` of a command; Terminate code 15:0 of a one-shot
//! 2  length, bytes
//! 3  stag: advertised with a Send, or invalidated by one (flags in word 7 tell which)
//! 4  context low: descriptor va low, or the command's context
//! 5  context high: descriptor va high, or 0
//! 6  slot parity: bit i flips whenever slot i becomes free
//! 7  phase 31 | advertised 30 | invalidated 29 | solicited 28 | 0 | ring entries consumed 15:0
//! ```
//! The low half of word 7 dates word 6: CQEs of different queues are read in any order, and an old parity must not free a slot
//! that was posted again. A parity bit says something of a slot's latest command only if that command's ring entry was
//! consumed before.
//!
//! The phase bit is 1 in the first round over the queue and flips each round. Memory starts zeroed.

/// Bytes of a CQE.
pub const CQE_BYTES: usize = 32;
/// Words of a CQE.
pub const CQE_WORDS: usize = 8;
/// Word 0: shift of the kind.
pub const KIND_SHIFT: u32 = 16;
/// Word 0: shift of the error.
pub const ERROR_SHIFT: u32 = 24;
/// Word 7: phase.
pub const PHASE: u32 = 1 << 31;
/// Word 7: `stag` was advertised to this host.
pub const ADVERTISED: u32 = 1 << 30;
/// Word 7: `stag` was invalidated by the peer.
pub const INVALIDATED: u32 = 1 << 29;
/// Word 7: the message asked for an event.
pub const SOLICITED: u32 = 1 << 28;
/// Word 7: ring entries consumed when word 6 was taken, modulo 2^16.
pub const CONSUMED_MASK: u32 = 0xFFFF;

/// What completed (word 0, bits 23:16).
pub mod kind {
    /// A command.
    pub const COMMAND: u8 = 1;
    /// A send-queue descriptor.
    pub const SEND: u8 = 2;
    /// A receive descriptor.
    pub const RECEIVE: u8 = 3;
    /// A one-shot: its STag came back, or it failed.
    pub const ONE_SHOT: u8 = 4;
    /// A send_invalidate.
    pub const SEND_INVALIDATE: u8 = 5;
    /// A raw frame was received (context low = ring index, length = bytes).
    pub const RAW: u8 = 6;
}

/// CQ of command completions, raw frames and anything that belongs to no VI.
pub const ADMIN_CQ: u32 = 0;

/// Bytes of the slot-status line: word 0 slot parity, word 1 ring entries consumed, one 8-byte store; the rest zero, never
/// written. A change is told there once neither a CQE nor the line was written for 256 cycles, so a driver that waits for a
/// slot sees it.
pub const STATUS_LINE_BYTES: usize = 64;

/// Bytes of one entry of the raw receive ring in host memory.
pub const RAW_ENTRY_BYTES: usize = 1024;
