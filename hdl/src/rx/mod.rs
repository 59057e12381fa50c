//! Receive: from link frames to host memory, completions and what transmit must know.

pub mod completion_report;
pub mod ddp_parse;
pub mod frame_banks;
pub mod mpa_check;
pub mod payload_write;
pub mod place;
pub mod read_handover;
pub mod read_tracker;
pub mod receive;
pub mod receive_context;
pub mod receive_prefetch;
pub mod terminate_outbox;
