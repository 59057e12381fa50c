//! `cargo xtask bench`: what the board and its driver take, beside the budget where there is one.
//!
//! ```text
//! latency       doorbell -> wire -> host memory -> completion, in cycles, from the bus monitors' marks
//! throughput    sustained messages, one-shot rounds and a large Write; without and with DMA latency
//! interactions  a one-shot beside classic and fast registration: what host and board say to each other
//! speed         simulated cycles in a second
//! wall          post to completion, and goodput from 64 B to 1 MiB, in this process and over vfio-user; a plot
//! ```
//! All on the Verilated gateware; no latency, no backpressure and no loss unless said. Cycles repeat exactly, wall times do
//! not; neither fails anything.
//!
//! Arguments: `--json` (one JSON line a figure), names of groups (all without one), `--plot FILE`.

mod figure;
mod interactions;
mod latency;
mod plot;
mod speed;
mod stage;
mod throughput;
mod wall;

use std::path::PathBuf;
use std::process::ExitCode;

use figure::Report;
use rnic_sim::model::Gateware;

/// Both configurations, the larger first.
const CONFIGURATIONS: [Gateware; 2] = [Gateware::Full, Gateware::Small];

fn main() -> ExitCode {
    let mut report = Report::default();
    let mut groups = Vec::new();
    let mut plot = PathBuf::from("goodput.svg");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => report.json = true,
            "--plot" => plot = arguments.next().unwrap_or_default().into(),
            // Cargo's own.
            "--bench" => {}
            _ => groups.push(argument),
        }
    }
    let wanted = |group: &str| groups.is_empty() || groups.iter().any(|name| name == group);
    for gateware in CONFIGURATIONS {
        if wanted("latency") {
            report.group("latency", gateware, latency::measure);
        }
        if wanted("throughput") {
            report.group("throughput", gateware, throughput::measure);
        }
        if wanted("interactions") {
            report.group("interactions", gateware, interactions::measure);
        }
        if wanted("speed") {
            report.group("simulation speed", gateware, speed::measure);
        }
    }
    if wanted("wall") {
        report.group("wall time", Gateware::Full, |report, gateware| {
            wall::measure(report, gateware, &plot)
        });
    }
    report.finish()
}
