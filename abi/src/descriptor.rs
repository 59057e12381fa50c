//! VIA descriptors (seed 000 figures 9A and 9B, seed 003's `vipl.h`): 64-byte aligned, little-endian, in registered memory.
//!
//! ```text
//! control segment, 32 bytes: next u64 @0, next handle u32 @8, segment count u16 @12, control u16 @14,
//!                            reserved u32 @16, immediate u32 @20, length u32 @24, status u32 @28
//! address segment, 16 bytes, RDMA only: remote va u64 @0, remote handle u32 @8, reserved u32 @12
//! data segment, 16 bytes each: va u64 @0, handle u32 @8, length u32 @12
//! ```
//! The segment count counts the address segment too. The board does not follow the link to a next descriptor. It reads bytes
//! 8 to 63 of a send descriptor at once, however few segments it has, so its region must cover whole 64 bytes.

/// Alignment of a descriptor, bytes.
pub const ALIGN: u64 = 64;
/// Bytes of the control segment.
pub const CONTROL_BYTES: usize = 32;
/// Bytes of an address or data segment.
pub const SEGMENT_BYTES: usize = 16;
/// Byte offset of the link: address of the next descriptor.
pub const NEXT_OFFSET: usize = 0;
/// Byte offset of the link's memory handle.
pub const NEXT_HANDLE_OFFSET: usize = 8;
/// Byte offset of the segment count.
pub const SEGMENT_COUNT_OFFSET: usize = 12;
/// Byte offset of the control word.
pub const CONTROL_OFFSET: usize = 14;
/// Byte offset of the control segment's reserved word.
pub const RESERVED_OFFSET: usize = 16;
/// Byte offset of the immediate data.
pub const IMMEDIATE_OFFSET: usize = 20;
/// Byte offset of the length, which the board writes together with the status as one 8-byte store.
pub const LENGTH_OFFSET: usize = 24;
/// Byte offset of the status.
pub const STATUS_OFFSET: usize = 28;

/// Byte offsets in an address or data segment.
pub mod segment {
    /// Virtual address, the peer's in an address segment.
    pub const VA_OFFSET: usize = 0;
    /// Memory handle, the peer's in an address segment.
    pub const HANDLE_OFFSET: usize = 8;
    /// Byte count of a data segment; reserved in an address segment.
    pub const LENGTH_OFFSET: usize = 12;
}

/// Control word.
pub mod control {
    /// Operation bits.
    pub const OP_MASK: u16 = 0x3;
    /// Send, or receive on the receive queue.
    pub const SEND_RECV: u16 = 0;
    /// RDMA Write.
    pub const RDMA_WRITE: u16 = 1;
    /// RDMA Read.
    pub const RDMA_READ: u16 = 2;
    /// No operation has this number.
    pub const OP_RESERVED: u16 = 3;
    /// Immediate data present.
    pub const IMMEDIATE: u16 = 0x4;
    /// Wait for every earlier RDMA Read.
    pub const QFENCE: u16 = 0x8;
    /// Must be zero.
    pub const RESERVED: u16 = 0xFFF0;
}

/// Status word.
pub mod status {
    /// Completed.
    pub const DONE: u32 = 0x1;
    /// Malformed descriptor.
    pub const FORMAT_ERROR: u32 = 0x2;
    /// A local buffer or the descriptor was refused.
    pub const PROTECTION_ERROR: u32 = 0x4;
    /// Too long for the buffers, or lengths disagree.
    pub const LENGTH_ERROR: u32 = 0x8;
    /// Partly transferred.
    pub const PARTIAL_ERROR: u32 = 0x10;
    /// Flushed by disconnect or error.
    pub const DESC_FLUSHED: u32 = 0x20;
    /// Transport error.
    pub const TRANSPORT_ERROR: u32 = 0x40;
    /// Remote protection error.
    pub const RDMA_PROT_ERROR: u32 = 0x80;
    /// The peer's descriptor was in error.
    pub const REMOTE_DESC_ERROR: u32 = 0x100;
    /// All error bits.
    pub const ERROR_MASK: u32 = 0x1FE;
    /// Operation field, a number.
    pub const OP_MASK: u32 = 0x7_0000;
    /// Send.
    pub const OP_SEND: u32 = 0;
    /// Receive.
    pub const OP_RECEIVE: u32 = 0x1_0000;
    /// RDMA Write.
    pub const OP_RDMA_WRITE: u32 = 0x2_0000;
    /// Receive consumed by the peer's RDMA Write with immediate data.
    pub const OP_REMOTE_RDMA_WRITE: u32 = 0x3_0000;
    /// RDMA Read.
    pub const OP_RDMA_READ: u32 = 0x4_0000;
    /// Immediate data arrived.
    pub const IMMEDIATE: u32 = 0x8_0000;
    /// Never set by the board.
    pub const RESERVED: u32 = 0xFFF0_FE00;
}
