//! The host path as an application has it: `rnic-sim` serves two boards on vfio-user sockets, two `rnic` processes use them.
//! `killed`: one of the two is killed in the middle of its work.

mod killed;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rnic_tests::processes::{rnic, Process, Scratch};
use rnic_tests::BOTH;
use serde_json::Value;

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

#[test]
fn a_file_crosses_between_two_processes() {
    for (config, timing) in [("small", TIMINGS[1]), ("full", TIMINGS[2])] {
        let scratch = Scratch::new(&format!("cross-{config}"));
        let stats = scratch.file("stats");
        let text = stats.to_str().unwrap();
        let more = [&timing[..], &["--once", "--stats-json", text]].concat();
        let mut boards = scratch.boards(config, &more);
        let source = scratch.source(50_001);
        let mut copy = scratch.copy_with_peer(&source);
        let summary = Process::start(copy.args(["--sim-stats", text])).summary();
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
    let mut boards = scratch.boards(config, &more);
    let mut interactions = rnic();
    interactions
        .arg("interactions")
        .args(["--board", &scratch.url("a"), "--peer", &scratch.url("b")])
        .args([
            "--seed",
            "7",
            "--rounds",
            "8",
            "--sim-stats",
            text,
            "--json",
        ])
        .stdout(Stdio::piped());
    let line = Process::start(&mut interactions).summary();
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

/// `rnic info`, `stats` and `trace` show people and programs the same.
#[test]
fn boards_are_looked_at() {
    for gateware in BOTH {
        let scratch = Scratch::new(&format!("looked-at-{}", gateware.name()));
        let mut boards = scratch.boards(gateware.name(), &[]);
        let url = scratch.url("a");
        let said = |more: &[&str]| {
            let output = rnic().args(more).arg(&url).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let json = |command: &str| {
            let text = said(&[command, "--json"]);
            serde_json::from_str::<Value>(&text).unwrap()
        };

        let (info, text) = (json("info"), said(&["info"]));
        assert_eq!(info["url"], url);
        let name = info["configuration"].as_str().unwrap();
        assert!(name.eq_ignore_ascii_case(gateware.name()), "{info}");
        assert!(text.contains(&format!("configuration {name}\n")), "{text}");
        for key in ["vis", "tptes", "slots", "queue_depth", "trace_entries"] {
            let line = format!("\n{:>8} ", info[key].as_u64().unwrap());
            assert!(text.contains(&line), "{key} of {info}: {text}");
        }

        let (stats, text) = (json("stats"), said(&["stats", "--all", "--take-events"]));
        assert!(stats["cycles"].as_u64() > Some(0), "{stats}");
        assert_eq!(stats["events"], serde_json::json!([]));
        let vis = stats["vis"].as_array().unwrap();
        assert_eq!(Some(vis.len() as u64), info["vis"].as_u64());
        for (vi, shown) in vis.iter().enumerate() {
            assert_eq!(shown["state"], "Idle", "{stats}");
            assert!(text.contains(&format!("VI {vi}: Idle\n")), "{text}");
        }
        for (counter, value) in stats["counters"].as_object().unwrap() {
            let line = format!("{value:>14} {counter}: ", value = value.as_u64().unwrap());
            assert!(text.contains(&line), "{line:?}: {text}");
        }

        let (trace, text) = (json("trace"), said(&["trace"]));
        assert_eq!(trace["trace_entries"], info["trace_entries"]);
        assert_eq!(trace["entries"], serde_json::json!([]), "nothing happened");
        let none = format!("a {name} board has no trace RAM\n");
        assert_eq!(text == none, info["trace_entries"] == 0, "{text}");
        boards.kill();
    }
}

/// What needs a board to go wrong; the rest is in `host-driver/cli/tests`.
#[test]
fn commands_that_fail_say_why() {
    let scratch = Scratch::new("fail");
    let mut boards = scratch.boards("small", &[]);
    let (board, nowhere) = (scratch.url("a"), scratch.url("nowhere"));
    let fails = |command: &mut Command, why: &str| {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains(why), "{command:?}: {said}");
        assert!(!said.contains("panicked"), "{command:?}: {said}");
    };
    for command in ["info", "stats", "trace"] {
        for form in [&[][..], &["--json"]] {
            let full = fs::OpenOptions::new().write(true).open("/dev/full");
            let mut command_line = rnic();
            command_line.arg(command).arg(&board).args(form);
            let why = "No space left on device";
            fails(command_line.stdout(full.unwrap()), why);
        }
    }
    let started = Instant::now();
    let mut interactions = rnic();
    interactions.args(["interactions", "--board", &board, "--peer", &nowhere]);
    fails(&mut interactions, "the responder ended with exit status: 1");
    let most = Duration::from_secs(30);
    assert!(started.elapsed() < most, "it does not wait for nobody");
    boards.kill();
}
