//! What crosses the wire: MPA (RFC 5044), DDP (RFC 5041), RDMAP (RFC 5040) and the `direct` link frame.
//!
//! Everything of the RFCs is big-endian; the link header and the CRC fields are little-endian. An FPDU starts word-aligned
//! and its header is 16 bytes (tagged) or 20 bytes (untagged) with the MPA length, so payload is word-aligned too:
//! ```text
//! tagged    len16 ddp8 rdmap8 | stag32 | to64              | payload, pad | crc32c
//! untagged  len16 ddp8 rdmap8 | field32 | qn32 | msn32 | mo32 | payload, pad | crc32c
//! ```

/// DDP control byte.
pub mod ddp {
    /// Tagged.
    pub const TAGGED: u8 = 0x80;
    /// Last segment of the message.
    pub const LAST: u8 = 0x40;
    /// Reserved bits, zero.
    pub const RESERVED_MASK: u8 = 0x3C;
    /// Version bits.
    pub const VERSION_MASK: u8 = 0x03;
    /// DDP version 1.
    pub const VERSION: u8 = 0x01;
    /// Queue of Send messages.
    pub const QN_SEND: u32 = 0;
    /// Queue of Read Requests.
    pub const QN_READ_REQUEST: u32 = 1;
    /// Queue of Terminates.
    pub const QN_TERMINATE: u32 = 2;
}

/// RDMAP control byte.
pub mod rdmap {
    /// Version bits.
    pub const VERSION_MASK: u8 = 0xC0;
    /// RDMAP version 1.
    pub const VERSION: u8 = 0x40;
    /// Opcode bits.
    pub const OPCODE_MASK: u8 = 0x0F;
    /// Rsv bit: the 32-bit field of an untagged header holds a valid STag.
    pub const STAG_VALID: u8 = 0x20;
    /// Rsv bit: that STag is advertised; on a Write, an Immediate Data message follows.
    pub const ADVERTISED: u8 = 0x10;
    /// RDMA Write.
    pub const WRITE: u8 = 0;
    /// RDMA Read Request.
    pub const READ_REQUEST: u8 = 1;
    /// RDMA Read Response.
    pub const READ_RESPONSE: u8 = 2;
    /// Send.
    pub const SEND: u8 = 3;
    /// Send with Invalidate.
    pub const SEND_INVALIDATE: u8 = 4;
    /// Send with Solicited Event.
    pub const SEND_SE: u8 = 5;
    /// Send with Solicited Event and Invalidate.
    pub const SEND_SE_INVALIDATE: u8 = 6;
    /// Terminate.
    pub const TERMINATE: u8 = 7;
    /// Immediate Data (RFC 7306).
    pub const IMMEDIATE: u8 = 8;
    /// Immediate Data with Solicited Event.
    pub const IMMEDIATE_SE: u8 = 9;
}

/// Bytes of a tagged DDP/RDMAP header.
pub const TAGGED_HEADER_BYTES: usize = 14;
/// Bytes of an untagged DDP/RDMAP header.
pub const UNTAGGED_HEADER_BYTES: usize = 18;
/// Bytes of the MPA length field.
pub const MPA_LENGTH_BYTES: usize = 2;
/// Bytes of the MPA CRC.
pub const MPA_CRC_BYTES: usize = 4;
/// Bytes of a Read Request's payload: sink stag, sink to, size, source stag, source to.
pub const READ_REQUEST_BYTES: usize = 28;
/// Largest ULPDU length the gateware takes beyond its segment size is none; the DDP limit is 65,535.
pub const MAX_ULPDU_BYTES: usize = 65_535;

/// CRC32c (RFC 3720): polynomial, reflected, initial value and final exclusive-or both all ones.
pub const CRC32C_POLYNOMIAL_REFLECTED: u32 = 0x82F6_3B78;

/// The `direct` link frame: five header words, then one FPDU or raw frame of whole words.
///
/// ```text
/// 0  type 7:0 | flags 15:8 | destination vi 23:16 | source vi 31:24
/// 1  sequence: stream byte number of the frame's first byte
/// 2  acknowledged: next stream byte expected, everything before it is placed
/// 3  bytes that follow the header, CRC and pad included 15:0 | 0
/// 4  CRC32c over words 0 to 3
/// ```
/// A raw frame is {bytes 31:0, the bytes, pad to a word, CRC32c over all words after the header}; it is not numbered.
pub mod link {
    /// Words of the header.
    pub const HEADER_WORDS: usize = 5;
    /// A numbered frame: one FPDU.
    pub const TYPE_DATA: u8 = 0xD1;
    /// Acknowledgement alone; no bytes follow.
    pub const TYPE_ACK: u8 = 0xD2;
    /// A raw frame.
    pub const TYPE_RAW: u8 = 0xD3;
    /// Flag: a frame before this acknowledgement's number is missing; send again from there.
    pub const FLAG_NAK: u8 = 0x01;
    /// Flag: sent again from the log.
    pub const FLAG_RETRANSMIT: u8 = 0x02;
    /// Most bytes in a raw frame.
    pub const RAW_MAX_BYTES: usize = 536;
}
