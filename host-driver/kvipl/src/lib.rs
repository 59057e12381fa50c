//! The Kernel VI Provider Library (KVIPL, seed 003) of the one-shot RNIC.
//!
//! So far the names alone: what a C program sees, what every call may answer, and the list of calls. No call is here yet.
//!
//! ```text
//! codes     return codes, asynchronous errors, VI states: every enum of the header, once
//! exports   the 40 calls: ordinals, sections of the document, return codes; kvipl.def is made from it
//! c         layouts of include/vipl.h and include/kvipl.h
//! ```
#![deny(missing_docs)]

pub mod c;
pub mod codes;
pub mod exports;

pub use codes::{ErrorCode, KvipReturn, ResourceCode, ViState};
