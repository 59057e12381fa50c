//! The host attachment: everything between the bus and the other composites.

pub mod realign;
