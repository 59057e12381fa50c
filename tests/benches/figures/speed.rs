//! Simulated cycles in a second of wall time, while a stream of Writes keeps the boards busy.

use std::time::Instant;

use anyhow::Result;
use rnic_sim::model::Gateware;
use rnic_tests::RigOptions;

use crate::figure::{Figure, Limit, Report};
use crate::stage::{Stage, LARGE_BYTES};

/// Cycles that are timed.
const CYCLES: u64 = 100_000;

/// One board joined to itself, two boards joined by a wire.
pub fn measure(report: &mut Report, gateware: Gateware) -> Result<()> {
    for (loopback, name) in [
        (true, "simulation speed, one board"),
        (false, "simulation speed, two boards"),
    ] {
        let options = RigOptions {
            loopback,
            ..RigOptions::ideal(gateware)
        };
        let mut stage = Stage::new(options)?;
        let descriptor = stage.write(0, 0, LARGE_BYTES)?;
        stage.pair.initiator.vi_mut().post_send(&descriptor, 0)?;
        let start = Instant::now();
        stage.rig.sim.run(CYCLES);
        let speed = CYCLES as f64 / start.elapsed().as_secs_f64();
        stage.settle()?;
        report.add(Figure::plain(name, speed, "cycles/s", Limit::Min));
    }
    Ok(())
}
