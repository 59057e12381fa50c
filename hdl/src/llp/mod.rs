//! The lower layer: what carries FPDUs from board to board, link frames and the reliable stream under MPA.

pub mod crc32c;
pub mod llp_receive;
pub mod llp_send;
pub mod loopback;
pub mod reliable;
