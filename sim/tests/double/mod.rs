//! How this crate's tests use the double (`loopback.rs` is its gateware).

/// Where tests map memory, unless they say otherwise.
pub const IOVA: u64 = 0x10_0000;
/// Bytes of that memory: a page of source, one of sink, one of completions.
pub const BYTES: u64 = 0x3000;
/// Offset of the sink.
pub const SINK: u64 = 0x1000;
/// Offset of the completion.
pub const CQE: u64 = 0x2000;
