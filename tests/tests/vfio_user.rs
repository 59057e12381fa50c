//! The host path as an application has it: `rnic-sim` serves two boards on vfio-user sockets, two `rnic` processes use them.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rnic_tests::processes::{rnic, Process, Scratch, PATIENCE};
use serde_json::Value;

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

/// Per round, by the requester's bus monitor: commands, completions, and of a one-shot no reads but payload.
#[test]
fn interactions_are_what_each_scheme_needs() {
    for config in ["small", "full"] {
        let scratch = Scratch::new(&format!("interactions-{config}"));
        let stats = scratch.file("stats");
        let text = stats.to_str().unwrap();
        let mut boards = scratch.boards(config, &["--once", "--stats-json", text]);
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
    let mut boards = scratch.boards("full", &[]);
    let large = scratch.source(4_000_000);
    // The responder's process is ours, so that it can be killed in the middle of the copy.
    let mut responder = Process::start(&mut scratch.responder());
    let said = fs::File::create(scratch.file("said")).unwrap();
    let mut requester = Process::start(scratch.copy(&large).stderr(said));
    let started = Instant::now();
    while fs::metadata(scratch.file("copy")).map_or(0, |file| file.len()) == 0 {
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
    let small = scratch.source(9_999);
    let summary = Process::start(&mut scratch.copy_with_peer(&small)).summary();
    assert_eq!(summary["sha256_match"], true, "{summary}");
    assert!(fs::read(scratch.file("copy")).unwrap() == fs::read(&small).unwrap());
    boards.kill();
}
