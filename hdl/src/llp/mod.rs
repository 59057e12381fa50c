//! Lower layer: what carries FPDUs from board to board.

pub mod crc32c;
