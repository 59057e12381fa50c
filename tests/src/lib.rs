//! What the scenario tests and benches share: the driver's transport on a simulated board, and hosts joined by a wire.
//!
//! ```text
//! Rig = Sim + two hosts;  Host = Board (driver) + its SimBoard (probes);  Pair = two connected channels
//! ```
//! The device is always the Verilated gateware. One thread drives both hosts: simulated time passes while a driver waits, so
//! a run repeats exactly.

pub mod pair;
pub mod port;
pub mod rig;

pub use pair::Pair;
pub use rig::{Host, Rig, RigOptions};
