//! The Verilated board and everything around it.

include!(concat!(env!("OUT_DIR"), "/ports.rs"));
