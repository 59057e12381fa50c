//! `rnic trace URL`: the trace RAM, oldest entry first, with the cycles between entries.

use crate::endpoint;
use rnic_driver::transport::BoardUrl;
use serde_json::json;
use std::io::{stdout, Write};

/// Arguments of `rnic trace`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The board.
    url: BoardUrl,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// Shows the trace.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let observer = endpoint::observe(&arguments.url)?;
    let entries = observer.trace()?;
    if arguments.json {
        let lines: Vec<_> = entries
            .iter()
            .map(|entry| {
                let steps: Vec<_> = entry.steps().map(|step| step.name()).collect();
                json!({"cycle": entry.cycle, "vi": entry.vi, "steps": steps})
            })
            .collect();
        writeln!(
            out,
            "{}",
            json!({"trace_entries": observer.identity().trace_entries, "entries": lines})
        )?;
        return Ok(());
    }
    if observer.identity().trace_entries == 0 {
        writeln!(
            out,
            "a {} board has no trace RAM",
            observer.identity().configuration()
        )?;
    }
    let mut before = entries.first().map_or(0, |entry| entry.cycle);
    for entry in entries {
        let steps: Vec<_> = entry.steps().map(|step| step.name()).collect();
        writeln!(
            out,
            "{:>10} +{:<6} VI {:<3} {}",
            entry.cycle,
            entry.cycle.wrapping_sub(before),
            entry.vi,
            steps.join(", ")
        )?;
        before = entry.cycle;
    }
    Ok(())
}
