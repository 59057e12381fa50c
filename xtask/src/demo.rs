//! `cargo xtask demo`: two simulated boards, two processes, one file.
//!
//! ```text
//!               +--------------- rnic-sim ---------------+
//!               |  board A ======== wire ======= board B |---> wire.pcap, timeline.svg
//!               +-----|---------------------------|------+
//!                  A.sock                      B.sock            (vfio-user)
//!               rnic copy  ----- starts ---->  rnic copy-responder
//! ```
//! `rnic copy` leaves both boards when it has its copy; then the simulator writes its files, what the bus monitors counted
//! last, and ends. `rnic copy` waits for that last file, so that its table comes from the monitors and every path it prints
//! is there. Whatever happens, no process and no socket is left.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{bail, ensure, Context, Result};
use clap::Args;

use crate::children::{self, Running};
use crate::install;
use crate::process::{self, answer, cargo, command};

/// How long the simulator may take to write its files.
const WRITING: Duration = Duration::from_secs(30);

/// What the demo can be asked for.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file to move [default: the `rnic` executable].
    file: Option<PathBuf>,
    /// Print nothing but one JSON line on standard output.
    #[arg(long)]
    json: bool,
    /// Configuration of the boards: small or full.
    #[arg(long, default_value = "full")]
    config: String,
    /// Where the copy goes [default: target/demo/copy].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where the packet capture goes [default: target/demo/wire.pcap].
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Where the picture of the first rounds goes [default: target/demo/timeline.svg].
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// Write every step of both boards as JSON lines.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Seed of STag keys, of the wire's faults and of the hosts' latencies.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bytes of one operation.
    #[arg(long)]
    chunk: Option<u32>,
    /// Operations under way at once.
    #[arg(long)]
    depth: Option<u8>,
    /// Cycles from a board's DMA read to its data.
    #[arg(long, value_name = "CYCLES", default_value_t = 0)]
    dma_latency: u32,
    /// Frames in a thousand that the wire loses.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0)]
    drop: u32,
    /// Frames in a thousand in which the wire flips a bit.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0)]
    corrupt: u32,
    /// Frames in a thousand that the wire lets be overtaken.
    #[arg(long, value_name = "PERMILLE", default_value_t = 0)]
    reorder: u32,
}

/// Builds the programs, moves the file from one board to the other and back, and shows what happened.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    install::run_if_needed()?;
    eprintln!("Building the simulator and the driver.");
    process::run(cargo().args(["build", "--release", "-p", "rnic-sim", "-p", "rnic-cli"]))?;
    let paths = Paths::new(arguments)?;
    children::notice_signals();
    let scratch = Scratch::new()?;

    let (simulator, _stdout) = start_simulator(arguments, &paths, &scratch)?;
    let mut copy = start_copy(arguments, &paths, &scratch)?;
    let status = copy.wait(None)?;
    if !status.success() {
        // It has said why. The simulator's files may show more.
        simulator.stop()?;
        eprintln!("packet capture: {}", paths.pcap.display());
        return Ok(ExitCode::FAILURE);
    }
    let status = simulator.wait_or_stop(WRITING)?;
    ensure!(status.success(), "rnic-sim ended with {status}");
    Ok(ExitCode::SUCCESS)
}

/// Starts the boards and waits until their sockets are there. The pipe is to be kept: the simulator may still print.
fn start_simulator(
    arguments: &Arguments,
    paths: &Paths,
    scratch: &Scratch,
) -> Result<(Running, BufReader<ChildStdout>)> {
    eprintln!(
        "Two {} boards, joined by a wire, each on a vfio-user socket.",
        arguments.config
    );
    let mut simulator = command(&paths.program("rnic-sim"));
    simulator
        .args(["--config", &arguments.config, "--wire", "pair", "--once"])
        .arg("--board")
        .arg(scratch.file("A.sock"))
        .arg("--board")
        .arg(scratch.file("B.sock"))
        .arg("--pcap")
        .arg(&paths.pcap)
        .arg("--timeline")
        .arg(&paths.timeline)
        .arg("--stats-json")
        .arg(scratch.file("stats.json"));
    if let Some(trace) = &arguments.trace {
        simulator.arg("--trace").arg(std::path::absolute(trace)?);
    }
    let numbers = [
        ("--seed", arguments.seed),
        ("--dma-latency", arguments.dma_latency.into()),
        ("--drop", arguments.drop.into()),
        ("--corrupt", arguments.corrupt.into()),
        ("--reorder", arguments.reorder.into()),
    ];
    for (option, value) in numbers {
        simulator.arg(option).arg(value.to_string());
    }
    let mut simulator = Running::start(simulator.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let stdout = simulator
        .take_stdout()
        .context("rnic-sim has no standard output")?;
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    stdout
        .read_line(&mut line)
        .context("cannot hear rnic-sim")?;
    if line.trim_end() != "ready" {
        bail!("rnic-sim ended before it was ready");
    }
    Ok((simulator, stdout))
}

/// Starts the requester, which starts the responder.
fn start_copy(arguments: &Arguments, paths: &Paths, scratch: &Scratch) -> Result<Running> {
    eprintln!("Two processes, each with a board: one asks, the other reads and writes its memory.");
    let url = |name: &str| format!("vfio-user:{}", scratch.file(name).display());
    let mut copy = command(&paths.program("rnic"));
    copy.arg("copy")
        .args(["--board", &url("A.sock"), "--peer", &url("B.sock")])
        .args(["--seed", &arguments.seed.to_string()])
        .arg("--out")
        .arg(&paths.out)
        .arg("--sim-stats")
        .arg(scratch.file("stats.json"))
        .arg("--pcap")
        .arg(&paths.pcap)
        .arg("--timeline")
        .arg(&paths.timeline);
    if let Some(version) = answer(command("verilator").arg("--version")) {
        let name = version.lines().next().unwrap_or_default();
        copy.args(["--simulator", name]);
    }
    if let Some(chunk) = arguments.chunk {
        copy.args(["--chunk", &chunk.to_string()]);
    }
    if let Some(depth) = arguments.depth {
        copy.args(["--depth", &depth.to_string()]);
    }
    if arguments.json {
        copy.arg("--json");
    }
    if let Some(file) = &arguments.file {
        copy.arg(std::path::absolute(file)?);
    }
    Running::start(copy.stdin(Stdio::null()))
}

/// Programs and results.
struct Paths {
    programs: PathBuf,
    out: PathBuf,
    pcap: PathBuf,
    timeline: PathBuf,
}

impl Paths {
    fn new(arguments: &Arguments) -> Result<Self> {
        // This program lies beside those that were built, wherever cargo puts them.
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let programs = program.parent().unwrap_or(Path::new(".")).to_path_buf();
        let results = programs.parent().unwrap_or(&programs).join("demo");
        fs::create_dir_all(&results)
            .with_context(|| format!("cannot make {}", results.display()))?;
        let place = |given: &Option<PathBuf>, name: &str| match given {
            Some(path) => std::path::absolute(path),
            None => Ok(results.join(name)),
        };
        Ok(Self {
            out: place(&arguments.out, "copy")?,
            pcap: place(&arguments.pcap, "wire.pcap")?,
            timeline: place(&arguments.timeline, "timeline.svg")?,
            programs,
        })
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }
}

/// A folder for sockets, gone when the demo is over. Not in the target folder: a socket's path may have 107 bytes.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("rnic-demo-{}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{} is in the way", path.display())
            }
            Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is a few bytes in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}
