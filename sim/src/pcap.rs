//! Writes what the boards send as Ethernet, IPv4 and TCP, so that every tool decodes the MPA, DDP and RDMAP inside.
//!
//! ```text
//! link frame (raw):   CM header | MPA request or reply   ->  SYN, SYN+ACK, ACK, then the request or reply as stream bytes
//! link frame (data):  one FPDU                           ->  a TCP segment at its place in the stream
//! link frame (ack):                                      ->  a TCP acknowledgement
//! ```
//! Every stream byte is as it was sent; the writer's own are the Ethernet, IPv4 and TCP headers and the three handshake
//! segments. One conversation for each connection of a VI pair: the stream is the MPA bytes, then the FPDUs at their link
//! sequence numbers, so that a frame sent again is a TCP retransmission. Frames are taken as they leave a board, before the
//! wire does anything to them (at the far end of a datagram wire: as they arrive). Board b has the address 10.0.0.b+1; time
//! is cycles at 31.25 MHz. Raw frames that are no MPA request or reply are not written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rnic_abi::wire::link::{HEADER_WORDS, TYPE_ACK, TYPE_DATA, TYPE_RAW};

use crate::tcp_segment::{Flags, Segment};

/// Nanoseconds of a cycle at 31.25 MHz.
pub const CYCLE_NS: u64 = 32;
/// The responder's port; no dissector claims it.
const SERVER_PORT: u16 = 5040;
/// The first initiator's port; each conversation has its own.
const FIRST_CLIENT_PORT: u16 = 49_152;
/// What the sequence numbers of a conversation start from, one a direction.
const INITIAL_SEQUENCE: [u32; 2] = [0x1000_0000, 0x2000_0000];

/// Where things are in the connection manager's header, which is before the MPA bytes in a raw frame (`rnic_driver::cm`).
struct CmHeader {
    /// Bytes without the addresses.
    bytes: usize,
    source_vi: usize,
    destination_vi: usize,
    /// The connection's number, the initiator's choice.
    id: usize,
    /// Link sequence number of the sender's first FPDU byte.
    sequence: usize,
    /// Where the MPA bytes begin, and how many they are; 16 bits each.
    offset: usize,
    length: usize,
}
const CM: CmHeader = CmHeader {
    bytes: 44,
    source_vi: 2,
    destination_vi: 3,
    id: 4,
    sequence: 8,
    offset: 12,
    length: 14,
};
const REQUEST_KEY: &[u8] = b"MPA ID Req Frame";
const REPLY_KEY: &[u8] = b"MPA ID Rep Frame";

/// A VI of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    board: u8,
    vi: u8,
}

/// One direction of a conversation.
#[derive(Clone, Debug, Default)]
struct Stream {
    /// The MPA request or reply.
    opening: Vec<u8>,
    /// Link sequence number of the first FPDU byte; none where the capture began too late to know.
    base: Option<u32>,
}

/// One TCP connection.
#[derive(Debug)]
struct Conversation {
    /// The connection manager's number of it.
    id: Option<u32>,
    client: End,
    client_port: u16,
    /// Client to server, server to client.
    streams: [Stream; 2],
}

/// An MPA request whose reply has not come: when it was sent (again), and what.
#[derive(Debug)]
struct Request {
    cycles: Vec<u64>,
    id: u32,
    to_board: u8,
    stream: Stream,
}

/// See the module.
#[derive(Debug)]
pub struct Pcap<W: Write = BufWriter<File>> {
    out: W,
    requests: BTreeMap<End, Request>,
    /// The latest conversation of two ends, the smaller first.
    conversations: BTreeMap<(End, End), Conversation>,
    next_port: u16,
    error: Option<io::Error>,
}

impl Pcap {
    /// Begins a file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::new(BufWriter::new(File::create(path)?))
    }
}

impl<W: Write> Pcap<W> {
    /// Begins a capture.
    pub fn new(mut out: W) -> io::Result<Self> {
        // Magic of nanosecond captures, version 2.4, zone, accuracy, longest packet, Ethernet.
        for word in [0xA1B2_3C4D_u32, 4 << 16 | 2, 0, 0, 65_535, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self {
            out,
            requests: BTreeMap::new(),
            conversations: BTreeMap::new(),
            next_port: FIRST_CLIENT_PORT,
            error: None,
        })
    }

    /// A link frame leaves board `from` for board `to`. A frame that is cut short is left out.
    pub fn frame(&mut self, cycle: u64, from: u8, to: u8, words: &[u32]) {
        let Some((header, body)) = words.split_at_checked(HEADER_WORDS) else {
            return;
        };
        let body: Vec<u8> = body.iter().flat_map(|word| word.to_le_bytes()).collect();
        let [kind, _, destination_vi, source_vi] = header[0].to_le_bytes();
        let source = End {
            board: from,
            vi: source_vi,
        };
        let destination = End {
            board: to,
            vi: destination_vi,
        };
        match kind {
            TYPE_DATA => {
                let fpdu = body.get(..(header[3] & 0xFFFF) as usize);
                if let Some(fpdu) = fpdu {
                    self.numbered(cycle, (source, destination), header[1], header[2], fpdu);
                }
            }
            TYPE_ACK => self.numbered(cycle, (source, destination), header[1], header[2], &[]),
            TYPE_RAW => {
                if let Some((bytes, rest)) = body.split_first_chunk::<4>() {
                    let bytes = u32::from_le_bytes(*bytes) as usize;
                    if let Some(message) = rest.get(..bytes) {
                        self.raw(cycle, from, to, message);
                    }
                }
            }
            _ => {}
        }
    }

    /// Writes the requests that were never answered, and everything that is buffered; reports the first error met.
    pub fn flush(&mut self) -> io::Result<()> {
        for (source, request) in std::mem::take(&mut self.requests) {
            let server = End {
                board: request.to_board,
                vi: u8::MAX,
            };
            self.open(source, server, request);
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.out.flush()
    }

    /// A connection manager's message.
    fn raw(&mut self, cycle: u64, from: u8, to: u8, message: &[u8]) {
        let Some(header) = message.get(..CM.bytes) else {
            return;
        };
        let word = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let half = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let mpa = message.get(half(CM.offset)..).unwrap_or(&[]);
        let source = End {
            board: from,
            vi: header[CM.source_vi],
        };
        let destination = End {
            board: to,
            vi: header[CM.destination_vi],
        };
        let stream = Stream {
            opening: mpa.get(..half(CM.length)).unwrap_or(mpa).to_vec(),
            base: Some(word(CM.sequence)),
        };
        let id = word(CM.id);
        if mpa.starts_with(REQUEST_KEY) {
            let request = self.requests.entry(source).or_insert_with(|| Request {
                cycles: Vec::new(),
                id,
                to_board: to,
                stream: stream.clone(),
            });
            if request.id != id {
                // The one before was never answered: it stays unwritten, its ends are not known.
                *request = Request {
                    cycles: Vec::new(),
                    id,
                    to_board: to,
                    stream,
                };
            }
            request.cycles.push(cycle);
        } else if mpa.starts_with(REPLY_KEY) {
            self.reply(cycle, id, (source, destination), stream);
        }
    }

    /// The reply shows which two VIs are joined, so the request is written only now (with its own time).
    fn reply(&mut self, cycle: u64, id: u32, (server, client): (End, End), stream: Stream) {
        let key = pair(client, server);
        let known = self.conversations.get(&key);
        let again = known.is_some_and(|known| known.id == Some(id));
        if let Some(request) = self.requests.remove(&client) {
            if again {
                // The request was repeated although its reply was on the way.
                for cycle in request.cycles {
                    self.opening(cycle, key, 0);
                }
            } else {
                self.open(client, server, request);
            }
        }
        if let Some(known) = self.conversations.get_mut(&key) {
            known.streams[1] = stream;
            self.opening(cycle, key, 1);
        }
    }

    /// A new connection: the handshake, and the request as often as it was sent.
    fn open(&mut self, client: End, server: End, request: Request) {
        let first = request.cycles.first().copied().unwrap_or(0);
        let key = pair(client, server);
        self.insert(client, server, Some(request.id), request.stream);
        for (direction, flags) in [(0, Flags::SYN), (1, Flags::SYN_ACK), (0, Flags::ACK)] {
            let segment = self.conversations[&key].handshake(key, direction, flags);
            self.write(first, &segment);
        }
        for cycle in request.cycles {
            self.opening(cycle, key, 0);
        }
    }

    fn insert(&mut self, client: End, server: End, id: Option<u32>, stream: Stream) {
        let client_port = self.next_port;
        self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_CLIENT_PORT);
        let conversation = Conversation {
            id,
            client,
            client_port,
            streams: [stream, Stream::default()],
        };
        self.conversations
            .insert(pair(client, server), conversation);
    }

    /// Writes the MPA request or reply.
    fn opening(&mut self, cycle: u64, key: (End, End), direction: usize) {
        let conversation = &self.conversations[&key];
        let segment = conversation.segment(key, direction, None, None);
        let payload = conversation.streams[direction].opening.clone();
        self.write(cycle, &segment.carrying(&payload));
    }

    /// A data or acknowledgement frame.
    fn numbered(
        &mut self,
        cycle: u64,
        (source, destination): (End, End),
        sequence: u32,
        acknowledged: u32,
        fpdu: &[u8],
    ) {
        let key = pair(source, destination);
        if !self.conversations.contains_key(&key) {
            // Connected before the capture began: a conversation without a beginning.
            self.insert(source, destination, None, Stream::default());
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let direction = usize::from(conversation.client != source);
        // Whoever speaks first in a direction names its first number: as sender, or as receiver that still expects it.
        conversation.streams[1 - direction]
            .base
            .get_or_insert(acknowledged);
        let stream = &mut conversation.streams[direction];
        stream.base.get_or_insert(sequence);
        let segment = conversation.segment(key, direction, Some(sequence), Some(acknowledged));
        self.write(cycle, &segment.carrying(fpdu));
    }

    fn write(&mut self, cycle: u64, segment: &Segment<'_>) {
        let packet = segment.to_bytes();
        let time_ns = cycle * CYCLE_NS;
        let mut record = Vec::with_capacity(16 + packet.len());
        for word in [
            (time_ns / 1_000_000_000) as u32,
            (time_ns % 1_000_000_000) as u32,
            packet.len() as u32,
            packet.len() as u32,
        ] {
            record.extend_from_slice(&word.to_le_bytes());
        }
        record.extend_from_slice(&packet);
        if let Err(error) = self.out.write_all(&record) {
            self.error.get_or_insert(error);
        }
    }
}

impl Conversation {
    /// A segment without payload; `sequence` and `acknowledged` are link numbers, none: those of the opening.
    fn segment(
        &self,
        (one, other): (End, End),
        direction: usize,
        sequence: Option<u32>,
        acknowledged: Option<u32>,
    ) -> Segment<'static> {
        let server = if one == self.client { other } else { one };
        let ports = [
            (self.client.board, self.client_port),
            (server.board, SERVER_PORT),
        ];
        let back = 1 - direction;
        let sequence = match sequence {
            Some(number) => self.tcp_number(direction, number),
            None => INITIAL_SEQUENCE[direction].wrapping_add(1),
        };
        let acknowledged = match acknowledged {
            Some(number) => self.tcp_number(back, number),
            // A reply acknowledges the request; a request has nothing to acknowledge but the handshake.
            None if direction == 1 => self.after_opening(back),
            None => INITIAL_SEQUENCE[back].wrapping_add(1),
        };
        Segment {
            source: ports[direction],
            destination: ports[back],
            sequence,
            acknowledged,
            flags: Flags::ACK,
            payload: &[],
        }
    }

    fn handshake(&self, key: (End, End), direction: usize, flags: Flags) -> Segment<'static> {
        let mut segment = self.segment(key, direction, None, None);
        segment.flags = flags;
        segment.acknowledged = INITIAL_SEQUENCE[1 - direction].wrapping_add(1);
        if flags != Flags::ACK {
            segment.sequence = INITIAL_SEQUENCE[direction];
        }
        if flags == Flags::SYN {
            segment.acknowledged = 0;
        }
        segment
    }

    /// The TCP sequence number of a link sequence number.
    fn tcp_number(&self, direction: usize, number: u32) -> u32 {
        let base = self.streams[direction].base.unwrap_or(number);
        self.after_opening(direction)
            .wrapping_add(number.wrapping_sub(base))
    }

    fn after_opening(&self, direction: usize) -> u32 {
        INITIAL_SEQUENCE[direction]
            .wrapping_add(1)
            .wrapping_add(self.streams[direction].opening.len() as u32)
    }
}

fn pair(one: End, other: End) -> (End, End) {
    (one.min(other), one.max(other))
}
