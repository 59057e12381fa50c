//! Another decoder's opinion of the wire: tshark reads the capture of a copy, as `cargo xtask demo` makes it: `rnic-sim` with
//! two boards, `rnic copy` and `rnic copy-responder`.
//!
//! ```text
//! board a, requester                             board b, responder
//! MPA request, as the drivers say they exchanged it
//!                                                MPA reply, likewise
//! Send, STag in the optional field, advertised
//!    one-shot Fetch:                             Read Request from it
//! Read Responses                                 Send with Invalidate of it
//!    one-shot Return:                            Writes into it, Send with Invalidate of it
//! Send without an STag: the end
//! ```
//! Every field of every FPDU is tshark's; the tests' own decoder (`frames`) must read the same bytes in the same way.

mod conversation;
mod decoded;

use std::fs;
use std::path::Path;

use conversation::Conversation;
use decoded::segments;
use rnic_tests::processes::{Process, Scratch, CHUNK};
use rnic_tests::tshark::{self, bytes, number, rows};
use rnic_tests::BOTH;
use serde_json::Value;

/// The requester's board and the responder's.
const REQUESTER: usize = 0;
const RESPONDER: usize = 1;
/// What the file has: neither whole chunks nor whole words.
const FILE_BYTES: usize = 50_001;

#[test]
fn tshark_decodes_a_copy() {
    for gateware in BOTH {
        let scratch = Scratch::new(&format!("wire-{}", gateware.name()));
        let pcap = scratch.file("wire.pcap");
        let stall = "--dma-latency 10 --dma-jitter 20 --stall 100 --once --pcap";
        let mut more: Vec<_> = stall.split(' ').collect();
        more.push(pcap.to_str().unwrap());
        let mut boards = scratch.boards(gateware.name(), &more);
        let source = scratch.source(FILE_BYTES);
        let mut responder = Process::start(&mut scratch.responder());
        let requester = Process::start(&mut scratch.copy(&source)).summary();
        let responder = responder.summary();
        assert!(boards.end(), "rnic-sim ends when both boards are left");
        assert_eq!(requester["sha256_match"], true, "{requester}");

        opening_is_the_drivers(&pcap, &requester["mpa"], &responder["mpa"]);
        let segments = segments(&pcap);
        let mut conversation = Conversation::default();
        for (board, segment) in &segments {
            conversation.take(*board, segment);
        }
        assert_eq!(conversation.operations(), requester["operations"]);
        let file = fs::read(&source).unwrap();
        assert!(conversation.fetched() == file, "what the responder read");
        assert!(conversation.returned() == file, "what the responder wrote");
        nothing_else_is_there(&pcap, segments.len());
    }
}

/// The MPA request and reply are byte for byte what each driver says it sent and received.
fn opening_is_the_drivers(pcap: &Path, requester: &Value, responder: &Value) {
    assert_eq!(requester, responder, "both drivers saw the same");
    let driver = |which: &str| bytes(requester[which].as_str().unwrap());
    for (which, filter, from) in [
        ("request", "iwarp_mpa.req", "10.0.0.1"),
        ("reply", "iwarp_mpa.rep", "10.0.0.2"),
    ] {
        let fields = [
            "ip.src",
            "tcp.payload",
            "iwarp_mpa.marker_flag",
            "iwarp_mpa.crc_flag",
            "iwarp_mpa.rej_flag",
            "iwarp_mpa.rev",
            "iwarp_mpa.privatedata",
        ];
        let found = rows(pcap, filter, &fields);
        let [row] = &found[..] else {
            panic!("one MPA {which}, not {found:?}");
        };
        assert_eq!(row[0], from, "{which}");
        assert_eq!(bytes(&row[1]), driver(which), "{which}");
        let flags = [&row[2], &row[3], &row[4], &row[5]].map(|text| number(text));
        assert_eq!(
            flags,
            [0, 1, 0, 2],
            "no markers, CRC, no rejection: {row:?}"
        );
        // IRD, ORD and our own eight bytes, then what the application says: `rnic copy` asks for buffers of its chunk.
        let private = bytes(&row[6]);
        assert_eq!(&private[4..8], b"OSR1", "{which}");
        let application = &private[12..];
        match which {
            "request" => {
                assert!(application.starts_with(b"rnic"), "{row:?}");
                assert!(application.ends_with(&CHUNK.to_le_bytes()), "{row:?}");
            }
            _ => assert!(application.is_empty(), "{row:?}"),
        }
    }
    // Asked again before the responder was there: the same bytes.
    for row in rows(pcap, "tcp.analysis.retransmission", &["tcp.payload"]) {
        let again = bytes(&row[0]);
        assert!(again == driver("request") || again == driver("reply"));
    }
}

/// All CRCs are good, all stream bytes were decoded, and tshark has nothing to say against any packet.
fn nothing_else_is_there(pcap: &Path, fpdus: usize) {
    let text = tshark::text(pcap, &["-Y", "iwarp_ddp", "-V"]);
    assert_eq!(text.matches("(Good CRC32)").count(), fpdus);
    assert!(!text.contains("Bad CRC32"));
    let carrying = "tcp.len > 0 && !tcp.analysis.retransmission";
    let opening = 2;
    let packets = rows(pcap, carrying, &["frame.number"]).len();
    assert_eq!(packets, opening + fpdus);
    // Above 0x200000: more than a chat. The openings that came again are looked at elsewhere.
    let unhappy =
        "(_ws.malformed || _ws.expert.severity > 0x200000) && !tcp.analysis.retransmission";
    let unhappy = rows(pcap, unhappy, &["frame.number", "_ws.expert.message"]);
    assert_eq!(unhappy, Vec::<Vec<String>>::new());
}
