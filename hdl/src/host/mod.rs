//! The host attachment: everything between the bus and the other composites.

pub mod bar_decode;
pub mod counters;
pub mod dma_read;
pub mod dma_write;
pub mod interrupt;
pub mod realign;
pub mod register_memory;
pub mod registers;
pub mod reset;
