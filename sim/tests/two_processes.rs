//! Two `rnic-sim` processes joined by a datagram wire, and what the program writes when it ends.

mod double;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use double::{BYTES, CQE, IOVA, SINK};
use rnic_abi::registers::{map, status};
use serde_json::Value;
use vfio_user::Client;
use vmm_sys_util::eventfd::EventFd;

const MSIX: u32 = 2;
const EVENTFD_TRIGGER: u32 = 0x24;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{}", std::process::id()))
}

/// Starts the program and waits until its sockets are there.
fn start(arguments: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rnic-sim"))
        .args(["--config", "double"])
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    child
}

/// A client with memory mapped at `IOVA` and its sink set.
fn client(path: &Path) -> (Client, File, EventFd) {
    let mut client = Client::new(path).unwrap();
    let mut word = [0xFF; 4];
    while u32::from_le_bytes(word) & status::RESETTING != 0 {
        client
            .region_read(0, map::STATUS.into(), &mut word)
            .unwrap();
    }
    // SAFETY: the name ends in a zero, and the descriptor is ours alone.
    let memory = unsafe { File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), 0)) };
    memory.set_len(BYTES).unwrap();
    client.dma_map(0, IOVA, BYTES, memory.as_raw_fd()).unwrap();
    let eventfd = EventFd::new(0).unwrap();
    client
        .set_irqs(MSIX, EVENTFD_TRIGGER, 1, 1, &[eventfd.as_raw_fd()])
        .unwrap();
    store(&mut client, 0x10, IOVA + SINK);
    store(&mut client, 0x18, IOVA + CQE);
    (client, memory, eventfd)
}

fn store(client: &mut Client, offset: u64, value: u64) {
    client
        .region_write(2, offset, &value.to_le_bytes())
        .unwrap();
}

fn stats(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn frames_cross_between_two_processes() {
    let wire = place("wire");
    let wire = format!("dgram:{}", wire.display());
    let sockets = [place("one"), place("other")];
    let results = [place("one.json"), place("other.json")];
    let children: Vec<Child> = sockets
        .iter()
        .zip(&results)
        .map(|(socket, result)| {
            let [socket, result] = [socket, result].map(|path| path.to_str().unwrap());
            start(&[
                "--board",
                socket,
                "--wire",
                &wire,
                "--stats-json",
                result,
                "--once",
            ])
        })
        .collect();
    let (mut one, source, _) = client(&sockets[0]);
    let (other, sink, arrived) = client(&sockets[1]);
    for round in 0..10_u8 {
        let data = [round; 128];
        source.write_at(&data, 0).unwrap();
        store(&mut one, 0, IOVA);
        store(&mut one, 8, 128);
        assert_eq!(arrived.read().unwrap(), 1);
        let mut back = [0xFF; 128];
        sink.read_at(&mut back, SINK).unwrap();
        assert_eq!(back, data);
    }
    drop((one, other));
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let [one, other] = results.map(|path| stats(&path));
    assert_eq!(one["boards"][0]["counts"]["frames_out"], 10);
    assert_eq!(one["boards"][0]["counts"]["dma_reads_payload"], 10);
    assert_eq!(other["boards"][0]["counts"]["frames_in"], 10);
    assert_eq!(other["wire"]["delivered"], 10);
    assert!(!sockets[0].exists());
}

#[test]
fn on_sigterm_every_file_is_written() {
    let names = ["board", "stats", "trace", "timeline", "pcap"].map(place);
    let [socket, stats_file, trace, timeline, pcap] =
        names.each_ref().map(|path| path.to_str().unwrap());
    let mut child = start(&[
        "--board",
        socket,
        "--wire",
        "loop",
        "--stats-json",
        stats_file,
        "--trace",
        trace,
        "--timeline",
        timeline,
        "--pcap",
        pcap,
        "--dma-latency",
        "20",
    ]);
    let (mut client, _, arrived) = client(&names[0]);
    store(&mut client, 0, IOVA);
    store(&mut client, 8, 64);
    assert_eq!(arrived.read().unwrap(), 1);
    // SAFETY: our own child, which has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGTERM) }, 0);
    assert!(child.wait().unwrap().success());
    let stats = stats(&names[1]);
    assert_eq!(stats["trace_events"], 6);
    let trace = fs::read_to_string(&names[2]).unwrap();
    let steps: Vec<Value> = trace
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].clone())
        .collect();
    let expected = [
        "doorbell",
        "payload_read",
        "llp_send",
        "llp_receive",
        "place",
        "complete",
    ];
    assert_eq!(steps, expected);
    assert!(fs::read_to_string(&names[3]).unwrap().starts_with("<svg"));
    assert_eq!(fs::read(&names[4]).unwrap()[..4], [0x4D, 0x3C, 0xB2, 0xA1]);
}
