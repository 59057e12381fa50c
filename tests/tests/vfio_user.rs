//! The host path as an application has it: `rnic-sim` serves two boards on vfio-user sockets, two `rnic` processes use them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// So long a process may take to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

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

fn source(scratch: &Scratch, bytes: usize) -> PathBuf {
    let path = scratch.file("source");
    let data: Vec<u8> = (0..bytes).map(|at| (at * 31 + (at >> 8)) as u8).collect();
    fs::write(&path, data).unwrap();
    path
}

#[test]
fn a_file_crosses_between_two_processes() {
    for config in ["small", "full"] {
        let scratch = Scratch::new(&format!("cross-{config}"));
        let stats = scratch.file("stats");
        let text = stats.to_str().unwrap();
        let stall = [
            "--dma-latency",
            "10",
            "--dma-jitter",
            "20",
            "--stall",
            "100",
        ];
        let more = [&stall[..], &["--once", "--stats-json", text]].concat();
        let mut boards = boards(&scratch, config, &more);
        let source = source(&scratch, 50_001);
        let output = copy(&scratch, &source).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let line = String::from_utf8(output.stdout).unwrap();
        let summary: Value = serde_json::from_str(line.lines().last().unwrap()).unwrap();
        assert_eq!(summary["sha256_match"], true, "{summary}");
        assert!(fs::read(scratch.file("copy")).unwrap() == fs::read(&source).unwrap());
        assert!(boards.end(), "rnic-sim ends when both boards are left");
        let stats: Value = serde_json::from_str(&fs::read_to_string(&stats).unwrap()).unwrap();
        for board in 0..2 {
            assert_eq!(stats["boards"][board]["violations"], serde_json::json!([]));
        }
    }
}

#[test]
fn peer_killed() {
    let scratch = Scratch::new("killed");
    let mut boards = boards(&scratch, "full", &[]);
    let large = source(&scratch, 4_000_000);
    // The responder's process is ours, so that it can be killed in the middle of the copy.
    let mut responder = Command::new(program("rnic-cli", "rnic"));
    responder.args(["copy-responder", "--board", &scratch.url("b")]);
    let mut responder = Process::start(&mut responder);
    let mut requester = Command::new(program("rnic-cli", "rnic"));
    requester
        .arg("copy")
        .arg(&large)
        .args(["--board", &scratch.url("a"), "--chunk", "4096"])
        .arg("--out")
        .arg(scratch.file("half"));
    let mut requester = Process::start(requester.stderr(Stdio::null()).stdout(Stdio::null()));
    let started = Instant::now();
    while fs::metadata(scratch.file("half")).map_or(0, |file| file.len()) == 0 {
        assert!(started.elapsed() < PATIENCE, "the copy does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    responder.kill();
    requester.kill();
    // Both boards are taken over by new processes and work.
    let small = source(&scratch, 9_999);
    let output = copy(&scratch, &small).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(fs::read(scratch.file("copy")).unwrap() == fs::read(&small).unwrap());
    boards.kill();
}
