//! The gateware of the one-shot RNIC, one block a file.

pub mod stream;
