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

/// Per round, by the requester's bus monitor: commands, completions, and of a one-shot no reads but payload.
#[test]
fn interactions_are_what_each_scheme_needs() {
    for config in ["small", "full"] {
        let scratch = Scratch::new(&format!("interactions-{config}"));
        let stats = scratch.file("stats");
        let text = stats.to_str().unwrap();
        let mut boards = boards(&scratch, config, &["--once", "--stats-json", text]);
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
        for (scheme, each) in [
            ("one_shot", 1.0),
            ("classic", 3.0),
            ("fast_registration", 2.0),
        ] {
            let found = &line[scheme];
            assert_eq!(found["source"], "bus monitor of the simulator", "{line}");
            assert_eq!(found["commands"], each, "{scheme}: {line}");
            assert_eq!(found["cqes"], each, "{scheme}: {line}");
            assert_eq!(found["mmio_reads"], 0.0, "{scheme}: {line}");
            assert!(found["mmio_writes"].as_f64() > Some(0.0), "{line}");
            assert!(found["cycles"].as_f64() > Some(0.0), "{line}");
        }
        assert_eq!(line["one_shot"]["dma_reads_nonpayload"], 0.0, "{line}");
        // A descriptor each.
        assert_eq!(line["classic"]["dma_reads_nonpayload"], 1.0, "{line}");
        let fast = &line["fast_registration"]["dma_reads_nonpayload"];
        assert_eq!(*fast, 2.0, "{line}");
        assert!(boards.end(), "rnic-sim ends when both boards are left");
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
    let said = fs::File::create(scratch.file("said")).unwrap();
    let mut requester = Process::start(requester.stderr(said).stdout(Stdio::null()));
    let started = Instant::now();
    while fs::metadata(scratch.file("half")).map_or(0, |file| file.len()) == 0 {
        assert!(started.elapsed() < PATIENCE, "the copy does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    responder.kill();
    // The survivor's board gives up, and its one-shots come back with an error.
    assert!(!requester.end(), "a copy without its peer does not succeed");
    let said = fs::read_to_string(scratch.file("said")).unwrap();
    assert!(
        said.contains("the VI went into error or was disconnected"),
        "{said}"
    );
    // Both boards are taken over by new processes and work.
    let small = source(&scratch, 9_999);
    let output = copy(&scratch, &small).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(fs::read(scratch.file("copy")).unwrap() == fs::read(&small).unwrap());
    boards.kill();
}
