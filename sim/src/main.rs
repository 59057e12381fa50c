//! `rnic-sim`: simulated boards, each on its vfio-user socket, joined by a wire.
//!
//! ```text
//! rnic-sim --config full --board /tmp/a --board /tmp/b --wire pair --pcap wire.pcap --stats-json stats.json --once
//! ```
//! It runs until SIGTERM or SIGINT, or with `--once` until every board has been used and left; then it writes its files. It
//! prints one line, `ready`, when the sockets are there.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread;
use std::time::Instant;

use anyhow::{bail, ensure, Context, Result};
use clap::Parser;
use rnic_sim::timeline;
use rnic_sim::{Datagram, Gateware, Impairments, Link, Setup, Sim, Timing, VfioUserServer};
use serde_json::json;

/// Simulated one-shot RNICs, each served on a vfio-user socket.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Configuration of the boards: small or full.
    #[arg(long, default_value = "full", value_parser = gateware)]
    config: Gateware,
    /// vfio-user socket of a board; once for each board.
    #[arg(long = "board", value_name = "PATH", required = true)]
    boards: Vec<PathBuf>,
    /// pair, loop, or dgram:PATH (a board in another rnic-sim with the same PATH).
    #[arg(long, default_value = "pair")]
    wire: String,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write what the boards send as a packet capture.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Write every step of every board as JSON lines.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Draw the first rounds as SVG.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// Write what the bus monitors counted.
    #[arg(long, value_name = "FILE")]
    stats_json: Option<PathBuf>,
    /// Cycles from a DMA read request to its data.
    #[arg(long, value_name = "CYCLES", default_value_t = 0)]
    dma_latency: u32,
    /// Up to so many cycles more, at random.
    #[arg(long, value_name = "CYCLES", default_value_t = 0)]
    dma_jitter: u32,
    /// Cycles in a thousand in which a channel pauses.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=900))]
    stall: u32,
    /// Cycles that a frame is on the wire.
    #[arg(long, value_name = "CYCLES", default_value_t = 0)]
    wire_delay: u32,
    /// Frames in a thousand that are lost.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0, value_parser = per_mille())]
    drop: u32,
    /// Frames in a thousand with a flipped bit.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0, value_parser = per_mille())]
    corrupt: u32,
    /// Frames in a thousand that are overtaken by others.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0, value_parser = per_mille())]
    reorder: u32,
    /// Frames in a thousand that arrive twice.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0, value_parser = per_mille())]
    duplicate: u32,
    /// Frames in a thousand that are cut short.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0, value_parser = per_mille())]
    truncate: u32,
    /// End when every board has been used and left.
    #[arg(long)]
    once: bool,
    /// Write a waveform of every board, FILE.0, FILE.1 ...
    #[cfg(feature = "trace")]
    #[arg(long, value_name = "FILE")]
    waves: Option<PathBuf>,
}

/// Why the program goes on or ends.
enum Happening {
    Left(usize),
    Signal,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let (happenings, happened) = channel();
    // Before any other thread starts, so that all of them leave the signals to the one that waits for them.
    let signals = block_signals()?;
    wait_for_signal(signals, happenings.clone())?;

    let sim = Sim::new(setup(&options)?);
    sim.with(|simulation| -> Result<()> {
        if let Some(path) = &options.pcap {
            simulation
                .write_pcap(path)
                .with_context(|| cannot_write(path))?;
        }
        if let Some(path) = &options.trace {
            let trace = simulation.trace();
            trace.write_to(path).with_context(|| cannot_write(path))?;
        }
        #[cfg(feature = "trace")]
        if let Some(path) = &options.waves {
            for index in 0..simulation.boards() {
                let path = format!("{}.{index}", path.display());
                simulation.board(index).open_waves(&path);
            }
        }
        Ok(())
    })?;
    let clock = sim.start_clock();
    let started = Instant::now();
    let mut servers = Vec::new();
    for (index, path) in options.boards.iter().enumerate() {
        let happenings = happenings.clone();
        let server = VfioUserServer::start(sim.board(index), path, move || {
            // Refused when the program is about to end anyway.
            let _ = happenings.send(Happening::Left(index));
        });
        servers.push(server.with_context(|| format!("cannot serve on {}", path.display()))?);
    }
    println!("ready");
    io::stdout().flush()?;

    wait_for_end(&happened, options.once, options.boards.len())?;
    drop(clock);
    for path in &options.boards {
        let _ = fs::remove_file(path);
    }
    write_results(&options, &sim, started)?;
    // A client may still be there and is not waited for.
    servers.into_iter().for_each(std::mem::forget);
    Ok(())
}

fn setup(options: &Options) -> Result<Setup> {
    let link = match options.wire.as_str() {
        "pair" => Link::Pair,
        "loop" => Link::Loop,
        other => {
            let Some(path) = other.strip_prefix("dgram:") else {
                bail!("--wire {other}: expected pair, loop or dgram:PATH");
            };
            ensure!(
                options.boards.len() == 1,
                "a datagram wire joins one board to another process"
            );
            let datagram = Datagram::open(Path::new(path));
            Link::Datagram(datagram.with_context(|| format!("cannot take an end of {path}"))?)
        }
    };
    Ok(Setup {
        boards: vec![options.config; options.boards.len()],
        link,
        timing: Timing {
            dma_latency: options.dma_latency,
            dma_jitter: options.dma_jitter,
            stall_per_mille: options.stall,
            seed: options.seed,
        },
        impairments: Impairments {
            drop: options.drop,
            corrupt: options.corrupt,
            duplicate: options.duplicate,
            reorder: options.reorder,
            truncate: options.truncate,
            delay: options.wire_delay,
            seed: options.seed,
        },
    })
}

fn wait_for_end(happened: &Receiver<Happening>, once: bool, boards: usize) -> Result<()> {
    let mut used = BTreeSet::new();
    loop {
        match happened.recv()? {
            Happening::Signal => return Ok(()),
            Happening::Left(board) => {
                used.insert(board);
                if once && used.len() == boards {
                    return Ok(());
                }
            }
        }
    }
}

fn write_results(options: &Options, sim: &Sim, started: Instant) -> Result<()> {
    sim.with(|simulation| -> Result<()> {
        simulation.flush().context("cannot write pcap or trace")?;
        if let Some(path) = &options.timeline {
            let picture = timeline::svg(simulation.trace().events());
            fs::write(path, picture).with_context(|| cannot_write(path))?;
        }
        if let Some(path) = &options.stats_json {
            let mut stats = simulation.stats();
            stats["config"] = json!(options.config.name());
            stats["seed"] = json!(options.seed);
            stats["wall_seconds"] = json!(started.elapsed().as_secs_f64());
            // Last of all and whole at once: who waits for this file finds every other one finished.
            let unfinished = path.with_extension("unfinished");
            fs::write(&unfinished, format!("{stats:#}\n"))
                .and_then(|()| fs::rename(&unfinished, path))
                .with_context(|| cannot_write(path))?;
        }
        Ok(())
    })
}

/// SIGTERM and SIGINT, blocked in this thread and those it starts.
fn block_signals() -> Result<libc::sigset_t> {
    // SAFETY: the set is initialised by sigemptyset before anything reads it; all calls work on this local only.
    let (set, status) = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::sigaddset(&mut set, libc::SIGINT);
        let status = libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        (set, status)
    };
    ensure!(status == 0, "cannot block signals");
    Ok(set)
}

fn wait_for_signal(set: libc::sigset_t, happenings: Sender<Happening>) -> Result<()> {
    thread::Builder::new().spawn(move || {
        let mut signal = 0;
        // SAFETY: both are locals that live through the call.
        while unsafe { libc::sigwait(&set, &mut signal) } == 0 {
            if happenings.send(Happening::Signal).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

fn gateware(name: &str) -> Result<Gateware, String> {
    Gateware::from_name(name).ok_or_else(|| "expected small or full".to_string())
}

fn per_mille() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=1000)
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
