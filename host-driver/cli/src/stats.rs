//! `rnic stats URL`: counters, VI states and pending events, read without disturbing the board.

use crate::endpoint;
use rnic_driver::transport::BoardUrl;
use serde_json::{json, Map};
use std::io::{stdout, Write};

/// Arguments of `rnic stats`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The board.
    url: BoardUrl,
    /// Show counters that are zero too.
    #[arg(long)]
    all: bool,
    /// Take the pending events, which clears them on the board.
    #[arg(long)]
    take_events: bool,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// Shows the counters.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let observer = endpoint::observe(&arguments.url)?;
    let counters = observer.counters()?;
    let events = if arguments.take_events {
        observer.take_events()?
    } else {
        Vec::new()
    };
    let states = (0..observer.identity().vis as u16)
        .map(|vi| Ok((vi, observer.vi_status(vi)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if arguments.json {
        let values: Map<_, _> = counters
            .named()
            .map(|(name, _, value)| (name.into(), json!(value)))
            .collect();
        let events: Vec<_> = events
            .iter()
            .map(|(vi, event)| json!({"vi": vi, "event": event.name()}))
            .collect();
        let states: Vec<_> = states
            .iter()
            .map(|(vi, status)| json!({"vi": vi, "state": format!("{:?}", status.state), "flushing": status.flushing}))
            .collect();
        let line =
            json!({"cycles": counters.cycles, "counters": values, "events": events, "vis": states});
        writeln!(out, "{line}")?;
        return Ok(());
    }
    writeln!(out, "{:>14} clock cycles since reset", counters.cycles)?;
    for (name, doc, value) in counters
        .named()
        .filter(|&(_, _, value)| arguments.all || value != 0)
    {
        writeln!(out, "{value:>14} {name}: {doc}")?;
    }
    for (vi, status) in states {
        writeln!(
            out,
            "VI {vi}: {:?}{}",
            status.state,
            if status.flushing { ", flushing" } else { "" }
        )?;
    }
    for (vi, event) in events {
        writeln!(out, "VI {vi}: event {}", event.name())?;
    }
    Ok(())
}
