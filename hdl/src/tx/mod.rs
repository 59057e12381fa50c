//! Transmit: from work-queue entries to link frames.

pub mod ack_timer;
pub mod context;
pub mod vi_count;
