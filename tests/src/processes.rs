//! The host path as an application has it: `rnic-sim` serves two boards on vfio-user sockets, `rnic` processes use them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// So long a process may take for anything on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of one operation of a copy.
pub const CHUNK: u32 = 4096;

/// A program of this workspace, built if it is not there; it lies beside the tests' own directory.
fn program(package: &str, name: &str) -> Command {
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
    Command::new(directory.join(name))
}

/// The driver's command line.
pub fn rnic() -> Command {
    program("rnic-cli", "rnic")
}

/// Waits for something that must come to be.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "waits in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A child that does not outlive the test.
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for its end; true if it ended well.
    pub fn end(&mut self) -> bool {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.success();
            }
            assert!(started.elapsed() < PATIENCE, "a process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its good end; the JSON line that it printed last, if its output is piped.
    pub fn summary(&mut self) -> Value {
        assert!(self.end(), "a process failed");
        let mut text = String::new();
        let output = self.0.stdout.as_mut().expect("a pipe");
        output.read_to_string(&mut text).unwrap();
        let line = text.lines().last().map(serde_json::from_str);
        match line {
            Some(Ok(value)) => value,
            _ => panic!("no JSON at the end of {text:?}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Files of one test.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory, gone when this is dropped. Not in the target folder: a socket's path may have 107 bytes.
    pub fn new(name: &str) -> Self {
        let name = format!("rnic-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The URL of a board.
    pub fn url(&self, board: &str) -> String {
        format!("vfio-user:{}", self.file(board).display())
    }

    /// A file to copy.
    pub fn source(&self, bytes: usize) -> PathBuf {
        let path = self.file("source");
        let data: Vec<u8> = (0..bytes).map(|at| (at * 31 + (at >> 8)) as u8).collect();
        fs::write(&path, data).unwrap();
        path
    }

    /// Two boards, `a` and `b`, that are ready.
    pub fn boards(&self, config: &str, more: &[&str]) -> Process {
        let mut command = program("rnic-sim", "rnic-sim");
        command
            .args(["--config", config, "--wire", "pair"])
            .arg("--board")
            .arg(self.file("a"))
            .arg("--board")
            .arg(self.file("b"))
            .args(more)
            .stdout(Stdio::piped());
        let mut boards = Process::start(&mut command);
        let mut line = String::new();
        let output = boards.0.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        boards
    }

    /// Copies a file through board `a` to `copy`; somebody must respond on board `b`.
    pub fn copy(&self, source: &Path) -> Command {
        let mut command = rnic();
        command
            .arg("copy")
            .arg(source)
            .args(["--board", &self.url("a"), "--chunk", &CHUNK.to_string()])
            .args(["--seed", "7", "--json"])
            .arg("--out")
            .arg(self.file("copy"))
            .stdout(Stdio::piped());
        command
    }

    /// The same; it starts its responder itself.
    pub fn copy_with_peer(&self, source: &Path) -> Command {
        let mut command = self.copy(source);
        command.args(["--peer", &self.url("b")]);
        command
    }

    /// The responder on board `b`, where the test wants to hold it.
    pub fn responder(&self) -> Command {
        let mut command = rnic();
        command
            .args(["copy-responder", "--board", &self.url("b"), "--json"])
            .stdout(Stdio::piped());
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
