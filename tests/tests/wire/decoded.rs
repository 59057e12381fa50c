//! FPDUs as tshark decodes them, each compared with what `rnic_tests::frames` makes of the same bytes.

use std::path::Path;

use rnic_tests::frames::{opcode, Fpdu, Place, Segment};
use rnic_tests::tshark::{bytes, number, rows};

use crate::{REQUESTER, RESPONDER};

/// Every FPDU as tshark has it, oldest first: who sent it, and what.
pub fn segments(pcap: &Path) -> Vec<(usize, Segment)> {
    let fields = [
        "ip.src",
        "tcp.payload",
        "iwarp_mpa.ulpdulength",
        "iwarp_ddp.tagged_flag",
        "iwarp_ddp.last_flag",
        "iwarp_ddp.rsvd",
        "iwarp_ddp.dv",
        "iwarp_rdma.version",
        "iwarp_rdma.rsv",
        "iwarp_rdma.opcode",
        "iwarp_ddp.stag",
        "iwarp_ddp.tagged_offset",
        "iwarp_rdma.reserved",
        "iwarp_rdma.inval_stag",
        "iwarp_ddp.qn",
        "iwarp_ddp.msn",
        "iwarp_ddp.mo",
        "iwarp_rdma.sinkstag",
        "iwarp_rdma.sinkto",
        "iwarp_rdma.rdmardsz",
        "iwarp_rdma.srcstag",
        "iwarp_rdma.srcto",
        "data.data",
    ];
    let decoded = rows(pcap, "iwarp_ddp", &fields);
    let segment = |row: Vec<String>| {
        let shown = |name: &str| {
            let at = fields.iter().position(|field| *field == name).unwrap();
            row[at].as_str()
        };
        let value = |name: &str| number(shown(name));
        let byte = |name: &str| value(name) as u8;
        let word = |name: &str| value(name) as u32;
        let code = byte("iwarp_rdma.opcode");
        let place = match value("iwarp_ddp.tagged_flag") {
            1 => Place::Tagged {
                stag: word("iwarp_ddp.stag"),
                to: value("iwarp_ddp.tagged_offset"),
            },
            _ => Place::Untagged {
                field: match code {
                    opcode::SEND_INVALIDATE => word("iwarp_rdma.inval_stag"),
                    _ => big_endian(&bytes(shown("iwarp_rdma.reserved"))),
                },
                qn: word("iwarp_ddp.qn"),
                msn: word("iwarp_ddp.msn"),
                mo: word("iwarp_ddp.mo"),
            },
        };
        let payload = match code {
            opcode::READ_REQUEST => ReadRequest {
                sink: (word("iwarp_rdma.sinkstag"), value("iwarp_rdma.sinkto")),
                bytes: word("iwarp_rdma.rdmardsz"),
                source: (word("iwarp_rdma.srcstag"), value("iwarp_rdma.srcto")),
            }
            .encode(),
            _ => bytes(shown("data.data")),
        };
        let segment = Segment {
            last: value("iwarp_ddp.last_flag") == 1,
            reserved: byte("iwarp_ddp.rsvd"),
            dv: byte("iwarp_ddp.dv"),
            rv: byte("iwarp_rdma.version"),
            rsv: byte("iwarp_rdma.rsv"),
            opcode: code,
            place,
            payload,
        };
        let fpdu = Fpdu::decode(&bytes(shown("tcp.payload"))).unwrap();
        assert!(fpdu.crc_good, "{row:?}");
        assert_eq!(value("iwarp_mpa.ulpdulength"), fpdu.ulpdu.len() as u64);
        assert_eq!(Segment::decode(&fpdu.ulpdu).unwrap(), segment, "{row:?}");
        assert_eq!((segment.reserved, segment.dv, segment.rv), (0, 1, 1));
        let board = match shown("ip.src") {
            "10.0.0.1" => REQUESTER,
            "10.0.0.2" => RESPONDER,
            other => panic!("{other} is no board"),
        };
        (board, segment)
    };
    decoded.into_iter().map(segment).collect()
}

/// A Read Request's payload (RFC 5040 section 4.4): STag and offset where the data go, how many bytes, where they are.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    pub sink: (u32, u64),
    pub bytes: u32,
    pub source: (u32, u64),
}

impl ReadRequest {
    fn encode(&self) -> Vec<u8> {
        let mut payload = self.sink.0.to_be_bytes().to_vec();
        payload.extend(self.sink.1.to_be_bytes());
        payload.extend(self.bytes.to_be_bytes());
        payload.extend(self.source.0.to_be_bytes());
        payload.extend(self.source.1.to_be_bytes());
        payload
    }

    pub fn decode(payload: &[u8]) -> Self {
        assert_eq!(payload.len(), 28, "{payload:x?}");
        let word = |at: usize| big_endian(&payload[at..at + 4]);
        let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
        Self {
            sink: (word(0), long(4)),
            bytes: word(12),
            source: (word(16), long(20)),
        }
    }
}

fn big_endian(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().unwrap_or_else(|_| panic!("{bytes:x?}")))
}
