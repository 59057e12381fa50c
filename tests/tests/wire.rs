//! Another decoder's opinion of the wire: tshark reads the capture of a run of one-shots in both directions of transfer.

use std::path::{Path, PathBuf};
use std::process::Command;

use rnic_driver::cqe::Kind;
use rnic_driver::vi::ViOptions;
use rnic_tests::frames::{kind, opcode, Place};
use rnic_tests::{Rig, RigOptions, Scene, Shape, Side, BOTH, REMOTE};

/// What tshark prints.
fn tshark(file: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(["-o", "tcp.check_checksum:TRUE"])
        .args(["--disable-protocol", "smb_direct"])
        .args(["--disable-protocol", "rpcordma"])
        .args(arguments)
        .output();
    let output = output.unwrap_or_else(|error| panic!("tshark: {error} (`cargo xtask doctor`)"));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The fields of every packet that passes the filter.
fn rows(file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-Y", filter, "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let text = tshark(file, &arguments);
    let row = |line: &str| line.split('\t').map(str::to_string).collect();
    text.lines().map(row).collect()
}

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Bytes that tshark shows in hexadecimal.
fn hexadecimal(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let digits = text.strip_prefix("0x").map_or(digits, str::to_string);
    u64::from_str_radix(&digits, 16).unwrap_or_else(|_| panic!("{text:?} is no number"))
}

#[test]
fn tshark_decodes_a_run() {
    for gateware in BOTH {
        let name = format!("run-{}.pcap", gateware.name());
        let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let options = RigOptions::random(gateware, 401);
        let rig = Rig::with_pcap(options, Some(path.clone()));
        let mut scene = Scene::on(rig, ViOptions::new);
        let reply = scene.reply_buffer(64);
        let rounds = 3;
        for _ in 0..rounds {
            let area = scene.area(Side::Initiator, "answer", Shape::Sgl(3), 2_100);
            let (stag, reference) =
                scene.advertise(&area, REMOTE, b"please fill this", Some(&reply));
            scene.fill(stag, &area);
            let (sink, region) = scene.local(Side::Responder, "sink", 1_700);
            let remote = area.remote(stag, 0);
            let read = scene.read(Side::Responder, &region, 0, 1_700, remote);
            scene.completes(Side::Responder, Kind::Send, read, 1_700);
            let data = scene.score.get_area(&area, 0, 1_700);
            scene.score.set_area(&sink, 0, &data);
            scene.give_back(stag, reference, b"done", &reply);
        }
        scene.rig.settle();
        let flushed = scene.rig.sim.with(|simulation| simulation.flush());
        scene.ok("capture", flushed);
        let tapped = scene.rig.tap.frames(0);
        scene.finish(5 * rounds);

        // The drivers' own MPA request and reply open the stream.
        assert_eq!(rows(&path, "iwarp_mpa.req", &["ip.src"]), [["10.0.0.1"]]);
        assert_eq!(rows(&path, "iwarp_mpa.rep", &["ip.src"]), [["10.0.0.2"]]);
        let fields = [
            "ip.src",
            "iwarp_rdma.opcode",
            "iwarp_ddp.last_flag",
            "iwarp_ddp.stag",
            "iwarp_ddp.tagged_offset",
            "iwarp_rdma.reserved",
            "iwarp_rdma.inval_stag",
            "iwarp_ddp.qn",
            "iwarp_ddp.msn",
            "iwarp_ddp.mo",
            "iwarp_rdma.rsv",
            "iwarp_ddp.dv",
            "iwarp_rdma.version",
        ];
        let decoded = rows(&path, "iwarp_ddp", &fields);
        let sent: Vec<_> = tapped
            .iter()
            .filter(|frame| frame.link.kind == kind::DATA)
            .collect();
        assert_eq!(decoded.len(), sent.len(), "every FPDU is one for tshark");
        for (row, tapped) in decoded.iter().zip(&sent) {
            let segment = tapped.link.segment().unwrap();
            assert_eq!(row[0], format!("10.0.0.{}", tapped.board + 1), "{row:?}");
            assert_eq!(number(&row[1]), u64::from(segment.opcode), "{row:?}");
            let last = matches!(row[2].as_str(), "1" | "True");
            assert_eq!(last, segment.last, "{row:?}");
            assert_eq!(number(&row[10]), u64::from(segment.rsv), "{row:?}");
            assert_eq!(number(&row[11]), 1, "DDP version: {row:?}");
            assert_eq!(number(&row[12]), 1, "RDMAP version: {row:?}");
            match segment.place {
                Place::Tagged { stag, to } => {
                    assert_eq!(number(&row[3]), u64::from(stag), "{row:?}");
                    assert_eq!(hexadecimal(&row[4]), to, "{row:?}");
                }
                Place::Untagged { field, qn, msn, mo } => {
                    let shown = match segment.opcode {
                        opcode::SEND_INVALIDATE => number(&row[6]),
                        _ => hexadecimal(&row[5]),
                    };
                    assert_eq!(shown, u64::from(field), "{row:?}");
                    let numbers = [&row[7], &row[8], &row[9]].map(|text| number(text));
                    assert_eq!(numbers, [qn, msn, mo].map(u64::from), "{row:?}");
                }
            }
        }
        let of = |code: u8| {
            let segments = sent.iter().filter_map(|tapped| tapped.link.segment());
            segments.filter(|segment| segment.opcode == code).count()
        };
        assert_eq!(of(opcode::SEND), rounds);
        assert_eq!(of(opcode::SEND_INVALIDATE), rounds);
        assert_eq!(of(opcode::READ_REQUEST), rounds);
        assert!(of(opcode::WRITE) > rounds && of(opcode::READ_RESPONSE) > rounds);
        let text = tshark(&path, &["-Y", "iwarp_ddp", "-V"]);
        assert_eq!(text.matches("(Good CRC32)").count(), sent.len());
        assert!(!text.contains("Bad CRC32"));
        let unhappy = "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || tcp.analysis.retransmission || _ws.malformed";
        assert_eq!(
            rows(&path, unhappy, &["frame.number"]),
            Vec::<Vec<String>>::new()
        );
    }
}
