//! Every operation between two boards, with every alignment, region kind and size that matters.
//!
//! ```text
//! sends      untagged: alignments, sizes, gather and scatter
//! tagged     RDMA Write and Read to and from every region kind, several Reads outstanding, the single_message flag
//! one_shots  replies, messages from a buffer
//! traffic    loopback, random operations of both sides, several connections
//! ```

mod one_shots;
mod sends;
mod tagged;
mod traffic;
