//! The host path as an application has it: `rnic-sim` serves two boards on vfio-user sockets, two `rnic` processes use them.
//! `killed`: one of the two is killed in the middle of its work.

mod killed;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// So long a process may take to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How hosts and wire keep the boards waiting: not at all; and at random, more and less.
const TIMINGS: [[&str; 8]; 3] = [
    timing(["0", "0", "0", "1"]),
    timing(["10", "20", "100", "2"]),
    timing(["37", "30", "150", "3"]),
];

const fn timing([latency, jitter, stall, seed]: [&str; 4]) -> [&str; 8] {
    [
        "--dma-latency",
        latency,
        "--dma-jitter",
        jitter,
        "--stall",
        stall,
        "--seed",
        seed,
    ]
}

/// A program of this workspace, built if it is not there; it lies beside the tests' own directory.
fn program(package: &str, name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-q", "-p", package]);
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success(), "building {package}");
    directory.join(name)
}

/// A child that does not outlive the test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for its end; true if it ended well.
    fn end(&mut self) -> bool {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.success();
            }
            assert!(started.elapsed() < PATIENCE, "a process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Files of one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("rnic-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("vfio-user:{}", self.file(name).display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two boards on sockets `a` and `b`.
fn boards(scratch: &Scratch, config: &str, more: &[&str]) -> Process {
    let mut command = Command::new(program("rnic-sim", "rnic-sim"));
    command
        .args(["--config", config, "--wire", "pair"])
        .arg("--board")
        .arg(scratch.file("a"))
        .arg("--board")
        .arg(scratch.file("b"))
        .args(more)
        .stdout(Stdio::piped());
    let mut boards = Process::start(&mut command);
    let mut line = String::new();
    let output = boards.0.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    boards
}

/// Copies a file from a requester's process to a responder's and back.
fn copy(scratch: &Scratch, source: &Path) -> Command {
    let mut command = Command::new(program("rnic-cli", "rnic"));
    command
        .arg("copy")
        .arg(source)
        .args(["--board", &scratch.url("a"), "--peer", &scratch.url("b")])
        .arg("--out")
        .arg(scratch.file("copy"))
        .args(["--chunk", "4096", "--seed", "7", "--json"])
        .stdout(Stdio::piped());
    command
}

/// The other end of a copy, on board `b`.
fn responder(scratch: &Scratch) -> Command {
    let mut command = Command::new(program("rnic-cli", "rnic"));
    command.args(["copy-responder", "--board", &scratch.url("b")]);
    command
}

/// Waits for something that must come to be.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "waits in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The JSON line that a command ends with.
fn summary(command: &mut Command) -> Value {
    let output = command.stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn source(scratch: &Scratch, bytes: usize) -> PathBuf {
    let path = scratch.file("source");
    let data: Vec<u8> = (0..bytes).map(|at| (at * 31 + (at >> 8)) as u8).collect();
    fs::write(&path, data).unwrap();
    path
}

#[test]
fn a_file_crosses_between_two_processes() {
    for (config, timing) in [("small", TIMINGS[1]), ("full", TIMINGS[2])] {
        let scratch = Scratch::new(&format!("cross-{config}"));
        let stats = scratch.file("stats");
        let text = stats.to_str().unwrap();
        let more = [&timing[..], &["--once", "--stats-json", text]].concat();
        let mut boards = boards(&scratch, config, &more);
        let source = source(&scratch, 50_001);
        let summary = summary(copy(&scratch, &source).args(["--sim-stats", text]));
        assert_eq!(summary["sha256_match"], true, "{summary}");
        let each = &summary["per_operation"];
        assert_eq!(each["mmio_reads"], 0.0, "{summary}");
        assert_eq!(each["dma_reads_nonpayload"], 0.0, "{summary}");
        assert_eq!(each["cqes"], 1.0, "{summary}");
        assert!(fs::read(scratch.file("copy")).unwrap() == fs::read(&source).unwrap());
        assert!(boards.end(), "rnic-sim ends when both boards are left");
        let stats: Value = serde_json::from_str(&fs::read_to_string(&stats).unwrap()).unwrap();
        for board in 0..2 {
            assert_eq!(stats["boards"][board]["violations"], serde_json::json!([]));
        }
    }
}

/// What `rnic interactions` counts on boards with some timing.
fn interactions(config: &str, timing: &[&str]) -> Value {
    let scratch = Scratch::new(&format!("interactions-{config}"));
    let stats = scratch.file("stats");
    let text = stats.to_str().unwrap();
    let more = [timing, &["--once", "--stats-json", text]].concat();
    let mut boards = boards(&scratch, config, &more);
    let mut rnic = Command::new(program("rnic-cli", "rnic"));
    rnic.arg("interactions")
        .args(["--board", &scratch.url("a"), "--peer", &scratch.url("b")])
        .args([
            "--seed",
            "7",
            "--rounds",
            "8",
            "--sim-stats",
            text,
            "--json",
        ]);
    let line = summary(&mut rnic);
    assert!(boards.end(), "rnic-sim ends when both boards are left");
    line
}

/// Per round, by the requester's bus monitor: commands, completions, and of a one-shot no reads but payload; whatever the
/// host's and the wire's timing. Only the classic scheme's stores may depend on it: the driver waits for its commands, and
/// arms their queue when one takes long.
#[test]
fn interactions_are_what_each_scheme_needs() {
    for config in ["small", "full"] {
        let mut first: Option<Value> = None;
        for timing in TIMINGS {
            let line = interactions(config, &timing);
            let told = format!("{config} {timing:?}: {line}");
            // Commands, completions, and DMA reads besides payload: a descriptor each.
            for (scheme, each, reads) in [
                ("one_shot", 1.0, 0.0),
                ("one_shot_no_reply", 1.0, 1.0),
                ("classic", 3.0, 1.0),
                ("fast_registration", 2.0, 2.0),
            ] {
                let found = &line[scheme];
                assert_eq!(found["source"], "bus monitor of the simulator", "{told}");
                assert_eq!(found["commands"], each, "{scheme}, {told}");
                let receive = if scheme == "one_shot_no_reply" {
                    1.0
                } else {
                    0.0
                };
                assert_eq!(found["cqes"], each + receive, "{scheme}, {told}");
                assert_eq!(found["mmio_reads"], 0.0, "{scheme}, {told}");
                assert_eq!(found["dma_reads_nonpayload"], reads, "{scheme}, {told}");
                assert!(found["mmio_writes"].as_f64() > Some(0.0), "{told}");
                if let Some(first) = first.as_ref().filter(|_| scheme != "classic") {
                    let stores = &first[scheme]["mmio_writes"];
                    assert_eq!(&found["mmio_writes"], stores, "{scheme}, {told}");
                }
                assert!(found["cycles"].as_f64() > Some(0.0), "{told}");
            }
            first.get_or_insert(line);
        }
    }
}
