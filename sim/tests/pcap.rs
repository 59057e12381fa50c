//! A capture with a hand-made connection, decoded by tshark.

use std::path::Path;
use std::process::Command;

use rnic_abi::wire::{ddp, link, rdmap, CRC32C_POLYNOMIAL_REFLECTED};
use rnic_sim::pcap::Pcap;

/// Which VIs are joined: of board 0, of board 1.
const VIS: [u8; 2] = [3, 1];
/// First link sequence numbers, of board 0 and of board 1.
const FIRST: [u32; 2] = [0xFFFF_FFF0, 700];

fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc >>= 1;
            crc ^= CRC32C_POLYNOMIAL_REFLECTED & low.wrapping_neg();
        }
    }
    !crc
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks(4)
        .map(|word| {
            let mut four = [0; 4];
            four[..word.len()].copy_from_slice(word);
            u32::from_le_bytes(four)
        })
        .collect()
}

fn frame(kind: u8, from: usize, sequence: u32, acknowledged: u32, body: &[u8]) -> Vec<u32> {
    let first = u32::from_le_bytes([kind, 0, VIS[1 - from], VIS[from]]);
    let mut frame = vec![first, sequence, acknowledged, body.len() as u32];
    let header: Vec<u8> = frame.iter().flat_map(|word| word.to_le_bytes()).collect();
    frame.push(crc32c(&header));
    frame.extend(words(body));
    frame
}

fn raw(from: usize, key: &[u8; 16], private_data: &[u8]) -> Vec<u32> {
    // The connection manager's header and two host addresses.
    let mut message = vec![0; 44 + 2 * 8];
    // The requester does not know the other VI yet.
    message[2] = VIS[from];
    message[3] = if from == 0 { 0xFF } else { VIS[0] };
    message[4..8].copy_from_slice(&77_u32.to_le_bytes());
    message[8..12].copy_from_slice(&FIRST[from].to_le_bytes());
    let (offset, length) = (message.len() as u16, (20 + private_data.len()) as u16);
    message[12..14].copy_from_slice(&offset.to_le_bytes());
    message[14..16].copy_from_slice(&length.to_le_bytes());
    message.extend_from_slice(key);
    message.extend_from_slice(&[0x50, 2, 0, private_data.len() as u8]);
    message.extend_from_slice(private_data);
    let mut body = (message.len() as u32).to_le_bytes().to_vec();
    body.extend_from_slice(&message);
    body.resize(body.len().next_multiple_of(4), 0);
    let crc = crc32c(&body);
    body.extend_from_slice(&crc.to_le_bytes());
    frame(link::TYPE_RAW, from, 0, 0, &body)
}

fn fpdu(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = ((header.len() + payload.len()) as u16)
        .to_be_bytes()
        .to_vec();
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let crc = crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn send(opcode: u8, field: u32, msn: u32, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![ddp::LAST | ddp::VERSION, rdmap::VERSION | opcode];
    for word in [field, 0, msn, 0] {
        header.extend_from_slice(&word.to_be_bytes());
    }
    fpdu(&header, payload)
}

fn write(stag: u32, to: u64, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![ddp::TAGGED | ddp::LAST | ddp::VERSION, rdmap::VERSION];
    header.extend_from_slice(&stag.to_be_bytes());
    header.extend_from_slice(&to.to_be_bytes());
    fpdu(&header, payload)
}

/// What tshark prints.
fn tshark_text(file: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(["-o", "tcp.check_checksum:TRUE"])
        .args(["--disable-protocol", "smb_direct"])
        .args(["--disable-protocol", "rpcordma"])
        .args(arguments)
        .output()
        .expect("tshark is not installed");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The fields of every packet that passes the filter.
fn tshark(file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-Y", filter, "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    tshark_text(file, &arguments)
        .lines()
        .map(|line| line.split('\t').map(str::to_string).collect())
        .collect()
}

#[test]
fn tshark_decodes_a_connection_with_a_retransmission() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hand-made.pcap");
    let mut pcap = Pcap::create(&path).unwrap();
    let advertised = rdmap::SEND | rdmap::STAG_VALID | rdmap::ADVERTISED;
    let first = send(advertised, 0x1234, 1, b"please write");
    let second = send(rdmap::SEND, 0, 2, b"more");
    let data = write(0x1234, 0x1_0000_0008, &[7; 100]);
    let reply = send(rdmap::SEND_INVALIDATE, 0x1234, 1, b"done");
    let mut cycle = 1000;
    let mut put = |from: u8, frame: &[u32]| {
        pcap.frame(cycle, from, from ^ 1, frame);
        cycle += 500;
    };
    put(0, &raw(0, b"MPA ID Req Frame", b"abcd"));
    put(0, &raw(0, b"MPA ID Req Frame", b"abcd"));
    put(1, &raw(1, b"MPA ID Rep Frame", b"abcd"));
    let one = frame(link::TYPE_DATA, 0, FIRST[0], FIRST[1], &first);
    put(0, &one);
    let next = FIRST[0].wrapping_add(first.len() as u32);
    put(1, &frame(link::TYPE_ACK, 1, FIRST[1], next, &[]));
    put(0, &frame(link::TYPE_DATA, 0, next, FIRST[1], &second));
    put(0, &one);
    let next = next.wrapping_add(second.len() as u32);
    put(1, &frame(link::TYPE_DATA, 1, FIRST[1], next, &data));
    put(
        1,
        &frame(
            link::TYPE_DATA,
            1,
            FIRST[1] + data.len() as u32,
            next,
            &reply,
        ),
    );
    put(0, &one[..3]);
    pcap.flush().unwrap();

    let all = tshark(
        &path,
        "tcp",
        &[
            "tcp.stream",
            "tcp.flags.syn",
            "tcp.checksum.status",
            "frame.time_epoch",
        ],
    );
    // Handshake 3, requests 2, reply 1, data 5, acknowledgement 1; the cut frame is left out.
    assert_eq!(all.len(), 12, "{all:?}");
    assert!(
        all.iter().all(|row| row[0] == "0" && row[2] == "1"),
        "{all:?}"
    );
    assert_eq!(
        all.iter()
            .filter(|row| row[1] == "1" || row[1] == "True")
            .count(),
        2
    );
    assert_eq!(all[0][3], "0.000032000");
    assert_eq!(tshark(&path, "iwarp_mpa.req", &["ip.src"])[0], ["10.0.0.1"]);
    assert_eq!(tshark(&path, "iwarp_mpa.rep", &["ip.src"]), [["10.0.0.2"]]);
    let fields = [
        "ip.src",
        "iwarp_rdma.opcode",
        "iwarp_ddp.stag",
        "iwarp_ddp.tagged_offset",
        "iwarp_rdma.inval_stag",
    ];
    let fpdus = tshark(&path, "iwarp_ddp && !tcp.analysis.retransmission", &fields);
    assert_eq!(fpdus.len(), 4, "{fpdus:?}");
    let opcodes: Vec<u32> = fpdus.iter().map(|row| number(&row[1])).collect();
    assert_eq!(opcodes, [3, 3, 0, 4]);
    assert_eq!(number(&fpdus[2][2]), 0x1234);
    assert!(fpdus[2][3].ends_with("0100000008"), "{fpdus:?}");
    assert_eq!(number(&fpdus[3][4]), 0x1234);
    assert!(tshark(
        &path,
        "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment",
        &["frame.number"]
    )
    .is_empty());
    let verdicts = tshark_text(&path, &["-Y", "iwarp_ddp", "-V"]);
    assert_eq!(verdicts.matches("(Good CRC32)").count(), 4);
    assert!(!verdicts.contains("Bad CRC32"));
    let again = tshark(
        &path,
        "tcp.analysis.retransmission && tcp.len > 0",
        &["frame.number"],
    );
    assert_eq!(again.len(), 2, "the request and the first FPDU: {again:?}");
}

fn number(text: &str) -> u32 {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}
