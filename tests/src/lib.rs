//! What the scenario tests and benches share: the driver's transport on a simulated board, hosts joined by a wire, and an
//! independent opinion of what must happen.
//!
//! ```text
//! Rig = Sim + two hosts;  Host = Board (driver) + its SimBoard (probes);  Pair = two connected channels
//! Tap, frames, tshark: what is on the wire        raw: commands past the driver's checks
//! Scoreboard: memory, counters        Scene = all of them, for one scenario
//! processes: the same boards served by `rnic-sim` to `rnic` processes
//! ```
//! The device is always the Verilated gateware. In process, one thread drives both hosts: simulated time passes while a driver waits, so
//! a run repeats exactly.

pub mod frames;
pub mod pair;
pub mod port;
pub mod processes;
pub mod raw;
pub mod rig;
pub mod scene;
pub mod scoreboard;
pub mod stimulus;
pub mod tap;
pub mod tshark;

pub use pair::Pair;
pub use rig::{Host, Rig, RigOptions};
pub use scene::{on_both, ReplyPlace, Scene, Side, REMOTE};
pub use scoreboard::{inline, Area, Mem, Scoreboard, Shape, Strictness, BOTH};
