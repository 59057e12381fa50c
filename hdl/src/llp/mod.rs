//! The lower layer: link frames and the reliable stream under MPA.

pub mod crc32c;
pub mod llp_send;
pub mod loopback;
pub mod reliable;
