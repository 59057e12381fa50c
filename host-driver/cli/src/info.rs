//! `rnic info URL`: the identity registers.

use crate::endpoint;
use rnic_driver::transport::BoardUrl;
use serde_json::json;
use std::io::{stdout, Write};

/// Arguments of `rnic info`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The board.
    url: BoardUrl,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// Shows what a board is; changes nothing on it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let observer = endpoint::observe(&arguments.url)?;
    let identity = observer.identity();
    let figures = [
        ("vis", identity.vis, "VIs"),
        ("tptes", identity.tptes, "TPT entries"),
        ("sges", identity.sges, "scatter-gather elements"),
        ("slots", identity.slots, "command slots"),
        (
            "queue_depth",
            identity.queue_depth,
            "entries of a work queue",
        ),
        ("cqs", identity.cqs, "completion queues"),
        (
            "max_segment_bytes",
            identity.max_segment_bytes,
            "bytes in a DDP segment",
        ),
        (
            "max_descriptor_segments",
            identity.max_descriptor_segments,
            "data segments in a descriptor",
        ),
        (
            "log_frames",
            identity.log_frames,
            "unacknowledged FPDUs of a VI",
        ),
        (
            "reads",
            identity.reads,
            "outstanding reads of a VI, each way",
        ),
        (
            "datapath_bits",
            identity.datapath_bits(),
            "bits of the datapath",
        ),
        (
            "iova_bits",
            identity.iova_bits(),
            "bits of an I/O virtual address",
        ),
        (
            "trace_entries",
            identity.trace_entries,
            "entries of the trace RAM",
        ),
    ];
    let build = format!("{:016x}", identity.build_hash);
    if arguments.json {
        let mut line = json!({
            "url": observer.transport().url(),
            "configuration": identity.configuration(),
            "abi_version": identity.abi_version,
            "build_hash": build,
            "address": observer.address().to_string(),
            "lower_layers": identity.lower_layers(),
        });
        figures
            .iter()
            .for_each(|&(key, value, _)| line[key] = json!(value));
        writeln!(out, "{line}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{}: one-shot RNIC, configuration {}",
        observer.transport().url(),
        identity.configuration()
    )?;
    writeln!(
        out,
        "register map version {}, gateware {build}",
        identity.abi_version
    )?;
    writeln!(out, "network address {}", observer.address())?;
    writeln!(out, "lower layers: {}", identity.lower_layers().join(", "))?;
    for (_, value, text) in figures {
        writeln!(out, "{value:>8} {text}")?;
    }
    Ok(())
}
