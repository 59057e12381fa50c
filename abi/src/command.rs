//! The command ring and its slots (BAR4).
//!
//! A slot is 32 little-endian words; a command is one to four consecutive slots. Words 0 to 15 of the first slot are the
//! header, words 16 to 31 the inline message (or the message buffer); slots two to four hold list elements.
//!
//! ```text
//! word  register / one-shot            send_invalidate     create / modify VI      create CQ          raw_send
//!  0    opcode 7:0 | flags 15:8 | vi 31:16   (every command)
//!  1    context: comes back in the CQE       (every command)
//!  2    stag                           stag                state                   cq                 0
//!  3    access 7:0 | kind 15:8 |       0                   apply mask (bit i =     entries_log2       0
//!       page_shift 23:16 | elements 31:24                  word i is applied)
//!  4    base tagged offset, low        0                   ptag                    iova, low          0
//!  5    base tagged offset, high       0                   queues and rights       iova, high         0
//!  6    region length, bytes           0                   peer and reads          0                  0
//!  7    iova, low                      0                   send sequence           0                  iova, low
//!  8    iova, high                     0                   receive sequence        0                  iova, high
//!  9    reply handle (one-shot)        0                   max transfer bytes      0                  0
//! 10    reply va, low                  0                   0                       0                  0
//! 11    reply va, high                 0                   0                       0                  0
//! 12    reply length                   0                   0                       0                  0
//! 13    message length (one-shot)      message length      0                       0                  frame bytes
//! 14    ptag (register)                0                   0                       0                  0
//! 15    0                              0                   0                       0                  0
//! 16..  message inline, or buffer      message             -                       -                  -
//! ```
//! A region of kind `SGL` has its elements in slots two to four, 16 bytes each {iova 64, length 32, 0}; of kind `PAGES`
//! 8 bytes each {iova}. With `flags::LIST_IN_MEMORY` words 7 and 8 are the IOVA of the list in host memory instead; the
//! list is 32-byte aligned and lies within one 4 KiB page. Words shown as 0 must be 0, so the driver writes all 16 header
//! words. `CREATE_VI` empties both queues of the VI and starts their doorbell sequences at 0.
//! With `flags::MESSAGE_BUFFER` words 16 to 18 are {handle, va low, va high} of the message.

/// Words in a slot.
pub const SLOT_WORDS: usize = 32;
/// Bytes in a slot.
pub const SLOT_BYTES: usize = SLOT_WORDS * 4;
/// First word of the inline message or message buffer.
pub const MESSAGE_WORD: usize = 16;
/// Most bytes of an inline message.
pub const INLINE_BYTES: usize = 64;
/// Most slots of one command.
pub const MAX_SLOTS: usize = 4;
/// First word of list elements, counted over consecutive slots.
pub const LIST_WORD: usize = SLOT_WORDS;
/// Bytes of a ring entry: word 0 = first slot 15:0 | slot count 31:16, word 1 = sequence. Writing word 1 posts it. The entry
/// of a sequence number sits at that number modulo the number of entries.
pub const RING_ENTRY_BYTES: usize = 8;
/// Sequence of the first ring entry after a reset (then `RING_CONSUMED` is the sequence expected next), and of the first
/// doorbell of each queue of a VI after `CREATE_VI`.
pub const FIRST_SEQUENCE: u32 = 0;

/// Opcodes (word 0, bits 7:0).
pub mod opcode {
    /// Completes with no effect; its CQE reports the slots.
    pub const NOP: u8 = 0x01;
    /// Binds a region to an STag.
    pub const REGISTER: u8 = 0x02;
    /// Releases an STag; completes once every admitted access is done. Fails with `EntryBusy`, and changes nothing, while
    /// unacknowledged data comes from it.
    pub const INVALIDATE: u8 = 0x03;
    /// Binds a region to an STag, for one VI, and sends the message that advertises it.
    pub const ONE_SHOT: u8 = 0x04;
    /// Sends a message that invalidates the peer's STag.
    pub const SEND_INVALIDATE: u8 = 0x05;
    /// Creates a VI (all words applied).
    pub const CREATE_VI: u8 = 0x06;
    /// Changes the words of a VI named by the apply mask.
    pub const MODIFY_VI: u8 = 0x07;
    /// Flushes a VI and makes it idle.
    pub const DESTROY_VI: u8 = 0x08;
    /// Creates a completion queue.
    pub const CREATE_CQ: u8 = 0x09;
    /// Destroys a completion queue.
    pub const DESTROY_CQ: u8 = 0x0A;
    /// Sends a raw frame (connection manager).
    pub const RAW_SEND: u8 = 0x0B;
}

/// Flags (word 0, bits 15:8).
pub mod flags {
    /// A CQE is written also on success; errors always give one. A one-shot gives its CQE with the reply.
    pub const SIGNALLED: u8 = 0x01;
    /// The message is in one buffer {handle, va}, not inline.
    pub const MESSAGE_BUFFER: u8 = 0x02;
    /// The message is a solicited event (Send with SE).
    pub const SOLICITED: u8 = 0x04;
    /// Wait until every earlier RDMA Read of this VI has finished.
    pub const FENCE: u8 = 0x08;
    /// The element list is in host memory.
    pub const LIST_IN_MEMORY: u8 = 0x10;
    /// The region admits one message of the peer; the last segment of that message closes it (REGISTER only).
    pub const SINGLE_MESSAGE: u8 = 0x20;
    /// The message carries the advertised STag in the optional field (set only where negotiated).
    pub const ADVERTISE: u8 = 0x40;
    /// The region is bound to the command's VI (always for a one-shot).
    pub const BIND_VI: u8 = 0x80;
}

/// Access rights (word 3, bits 7:0).
pub mod access {
    /// The board may read it for this host's own work.
    pub const LOCAL_READ: u8 = 0x01;
    /// The board may write it for this host's own work.
    pub const LOCAL_WRITE: u8 = 0x02;
    /// The peer may read it.
    pub const REMOTE_READ: u8 = 0x04;
    /// The peer may write it.
    pub const REMOTE_WRITE: u8 = 0x08;
}

/// Sizes of a completion queue (word 3 of CREATE_CQ), log2 of its entries.
pub mod cq_size {
    /// Four entries: the driver reports what it consumed every quarter.
    pub const ENTRIES_LOG2_MIN: u32 = 2;
    /// 1 MiB of CQEs.
    pub const ENTRIES_LOG2_MAX: u32 = 15;
}

/// Region kinds (word 3, bits 15:8).
pub mod kind {
    /// One IOVA range.
    pub const CONTIGUOUS: u8 = 0;
    /// Pages of equal size; the first may be entered at an offset (low bits of the base).
    pub const PAGES: u8 = 1;
    /// Smallest page: 4 KiB.
    pub const PAGE_SHIFT_MIN: u8 = 12;
    /// Largest page: 2 MiB.
    pub const PAGE_SHIFT_MAX: u8 = 21;
    /// Elements of any length.
    pub const SGL: u8 = 2;
    /// A region of pages or elements is shorter than this.
    pub const LIST_REGION_LIMIT: u32 = 1 << 31;
}

/// Word 5 of VI commands: send CQ 7:0, receive CQ 15:8, reliability 23:16, rights 31:24.
pub mod vi_queues {
    /// Shift of the send queue's CQ.
    pub const SEND_CQ_SHIFT: u32 = 0;
    /// Shift of the receive queue's CQ.
    pub const RECEIVE_CQ_SHIFT: u32 = 8;
    /// Shift of the reliability level.
    pub const RELIABILITY_SHIFT: u32 = 16;
    /// Shift of the rights.
    pub const RIGHTS_SHIFT: u32 = 24;
    /// Right: the peer may RDMA Write through this VI.
    pub const ENABLE_RDMA_WRITE: u8 = 0x01;
    /// Right: the peer may RDMA Read through this VI.
    pub const ENABLE_RDMA_READ: u8 = 0x02;
}

/// Word 6 of VI commands: peer VI 7:0, negotiated 15:8, IRD 23:16, ORD 31:24.
pub mod vi_peer {
    /// Shift of the peer's VI number (link header of the `direct` codec).
    pub const PEER_VI_SHIFT: u32 = 0;
    /// Shift of the negotiated features.
    pub const NEGOTIATED_SHIFT: u32 = 8;
    /// Shift of the inbound read depth.
    pub const IRD_SHIFT: u32 = 16;
    /// Shift of the outbound read depth.
    pub const ORD_SHIFT: u32 = 24;
    /// Negotiated: STags may be advertised in the optional field.
    pub const ADVERTISE: u8 = 0x01;
    /// Negotiated: immediate data.
    pub const IMMEDIATE: u8 = 0x02;
}

/// VI states (word 2), numbered as in VIA.
pub mod vi_state {
    /// Not connected.
    pub const IDLE: u8 = 0;
    /// Traffic flows.
    pub const CONNECTED: u8 = 1;
    /// Connection is being made.
    pub const CONNECT_PENDING: u8 = 2;
    /// Broken; only destroying or modifying to idle helps.
    pub const ERROR: u8 = 3;
}

/// Reliability levels, usable as a bit mask (VIA).
pub mod reliability {
    /// At most once.
    pub const UNRELIABLE: u8 = 1;
    /// Exactly once, in order.
    pub const RELIABLE_DELIVERY: u8 = 2;
    /// A send completes when its data is in the peer's memory.
    pub const RELIABLE_RECEPTION: u8 = 4;
}
