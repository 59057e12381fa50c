//! What `rnic` says when it is asked for what there is not: the argument and its value, a status that is not zero, nothing on
//! standard output, no panic. No board is needed; `tests/tests/vfio_user.rs` has those.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// clap's status for a bad command line, and ours for work that failed.
const BAD_ARGUMENT: i32 = 2;
const FAILED: i32 = 1;

/// Runs `rnic`, which must end with `status` and say all of `words`.
fn refused(arguments: &[&str], status: i32, words: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_rnic"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert_eq!(output.stdout, b"", "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}, {word:?}: {said}");
    }
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
}

/// Every command with a board's URL, and the argument that the URL is.
fn commands(url: &str) -> Vec<(Vec<&str>, &'static str)> {
    let mut all = Vec::new();
    for command in ["info", "stats", "trace"] {
        all.push((vec![command, url], "<URL>"));
        all.push((vec![command, url, "--json"], "<URL>"));
    }
    for command in ["interactions", "copy-responder"] {
        all.push((vec![command, "--board", url], "--board"));
        all.push((vec![command, "--board", url, "--json"], "--board"));
    }
    all
}

fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rnic-cli-{}-{name}", std::process::id()))
}

#[test]
fn bad_urls() {
    for (url, wrong) in [
        ("", "is not a board"),
        ("usb:1", "`usb:1` is not a board"),
        ("/tmp/a.sock", "`/tmp/a.sock` is not a board"),
        ("vfio-user:", "names no socket"),
        ("pci:01:00.0", "the domain is wrong"),
        ("pci:0000:01:00.9", "the function is wrong"),
        ("sim:1", "takes no `1`"),
    ] {
        for (arguments, name) in commands(url) {
            let value = format!("value '{url}' for ");
            let words = match url {
                // clap's own words for an empty value.
                "" => vec![name],
                _ => vec![name, &value, wrong],
            };
            refused(&arguments, BAD_ARGUMENT, &words);
        }
        if !url.is_empty() {
            let peer = ["interactions", "--board", "sim:", "--peer", url];
            refused(&peer, BAD_ARGUMENT, &["--peer", url, wrong]);
        }
    }
}

#[test]
fn boards_that_are_not_there() {
    let nowhere = place("nowhere");
    let socket = format!("vfio-user:{}", nowhere.display());
    for (url, wrong) in [
        (socket.as_str(), "no vfio-user server answers at"),
        ("sim:", "inside the simulator's own process"),
        // What is missing first depends on the machine: VFIO or the device.
        ("pci:ffff:1f:1f.7", ""),
    ] {
        for (arguments, _) in commands(url) {
            let opening = format!("cannot open {url}: ");
            refused(&arguments, FAILED, &[&opening, wrong]);
        }
    }
}

/// A server has one client; whoever else connects is kept waiting, but not for ever.
#[test]
fn a_board_in_use() {
    let path = place("in-use");
    let _ = fs::remove_file(&path);
    let _busy = UnixListener::bind(&path).unwrap();
    let url = format!("vfio-user:{}", path.display());
    std::thread::scope(|scope| {
        for (arguments, _) in commands(&url) {
            let wrong = "does not answer within 10s: is the board in use?";
            scope.spawn(move || refused(&arguments, FAILED, &[wrong]));
        }
    });
    fs::remove_file(&path).unwrap();
}

#[test]
fn bad_options() {
    let interactions =
        |more: &[&'static str]| [&["interactions", "--board", "sim:"], more].concat();
    for (arguments, words) in [
        (vec![], vec!["Usage: rnic <COMMAND>"]),
        (vec!["reset"], vec!["unrecognized subcommand 'reset'"]),
        (vec!["info"], vec!["required", "<URL>"]),
        (
            vec!["stats", "sim:", "again"],
            vec!["unexpected", "'again'"],
        ),
        (
            vec!["trace", "sim:", "--all"],
            vec!["unexpected", "'--all'"],
        ),
        (vec!["interactions"], vec!["required", "--board"]),
        (
            interactions(&["--rounds", "0"]),
            vec!["'0'", "--rounds", "1..=4294967295"],
        ),
        (
            interactions(&["--bytes", "1048577"]),
            vec!["'1048577'", "--bytes", "1..=1048576"],
        ),
        (interactions(&["--seed", "x"]), vec!["'x'", "--seed"]),
        (
            interactions(&["--wait", "sleep"]),
            vec!["'sleep'", "--wait", "poll, interrupt"],
        ),
    ] {
        refused(&arguments, BAD_ARGUMENT, &words);
    }
    let alone = interactions(&["--peer", "sim:"]);
    refused(
        &alone,
        FAILED,
        &["--peer sim: is the requester's own board"],
    );
}

/// Before any board is opened: the file is whole afterwards.
#[test]
fn a_copy_onto_itself() {
    let path = place("itself");
    fs::write(&path, b"precious").unwrap();
    let file = path.to_str().unwrap();
    let copy = |file, out| ["copy", file, "--board", "sim:", "--out", out];
    let wrong = format!("--out {file} is the file itself");
    refused(&copy(file, file), FAILED, &[&wrong]);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    refused(&copy("/no/such/file", file), FAILED, &["/no/such/file"]);
    refused(&copy("/", file), FAILED, &["/ is no file"]);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let folder = "/no/such/folder/copy";
    refused(&copy(file, folder), FAILED, &["cannot write", folder]);
    fs::remove_file(&path).unwrap();
}
