//! What `rnic copy` and its responder must say to each other, message by message and segment by segment.
//!
//! Every STag is one that was advertised before and not invalidated since; every segment continues its message where the one
//! before ended; every message has the length that was asked for; the optional field speaks in the requests and nowhere else.

use std::collections::{BTreeMap, VecDeque};

use rnic_tests::frames::{opcode, Place, Segment};

use crate::decoded::ReadRequest;
use crate::{REQUESTER, RESPONDER};

/// Queues of untagged messages (RFC 5041 section 4.3, RFC 5040 section 5.1).
const SENDS: u32 = 0;
const READ_REQUESTS: u32 = 1;
/// RDMAP reserved bits: the optional field is valid, and its STag is advertised.
const ADVERTISED: u8 = 3;
/// Operations of a request (`rnic copy`'s own protocol).
const FETCH: u8 = 1;
const RETURN: u8 = 2;
const FINISH: u8 = 4;

/// A one-shot under way.
struct Shot {
    operation: u8,
    to: u64,
    length: usize,
    file_offset: u64,
    /// The responder has asked for the data.
    asked: bool,
    data: Vec<u8>,
}

/// Chunks by their places in the file.
type Chunks = BTreeMap<u64, Vec<u8>>;

/// See the module.
#[derive(Default)]
pub struct Conversation {
    /// One-shots whose STag is the responder's to use.
    live: BTreeMap<u32, Shot>,
    /// Read Requests that are not answered whole.
    reads: VecDeque<ReadRequest>,
    /// Messages that a board has begun in a queue, and bytes of the last one if it goes on.
    untagged: BTreeMap<(usize, u32), (u32, u32)>,
    /// Opcode and STag of the tagged message that a board is in the middle of.
    tagged: [Option<(u8, u32)>; 2],
    fetched: Chunks,
    returned: Chunks,
    finished: bool,
}

impl Conversation {
    /// The next segment on the wire.
    pub fn take(&mut self, board: usize, segment: &Segment) {
        assert!(!self.finished, "after the end: {segment:x?}");
        match segment.place {
            Place::Tagged { stag, .. } => {
                let message = (segment.opcode, stag);
                let before = self.tagged[board].replace(message);
                assert_eq!(before.unwrap_or(message), message, "interrupted");
                if segment.last {
                    self.tagged[board] = None;
                }
            }
            Place::Untagged { qn, msn, mo, .. } => {
                assert_eq!(self.tagged[board], None, "interrupted by {segment:x?}");
                let next = self.untagged.entry((board, qn)).or_insert((1, 0));
                assert_eq!((msn, mo), *next, "{segment:x?}");
                *next = match segment.last {
                    true => (msn + 1, 0),
                    false => (msn, mo + segment.payload.len() as u32),
                };
                // Messages of this protocol fit in a segment.
                assert!(segment.last, "{segment:x?}");
                let queue = match segment.opcode {
                    opcode::READ_REQUEST => READ_REQUESTS,
                    _ => SENDS,
                };
                assert_eq!(qn, queue, "{segment:x?}");
            }
        }
        if segment.opcode != opcode::SEND {
            assert_eq!(segment.rsv, 0, "nothing is advertised: {segment:x?}");
        }
        match (board, segment.opcode) {
            (REQUESTER, opcode::SEND) => self.request(segment),
            (RESPONDER, opcode::READ_REQUEST) => self.read_request(segment),
            (REQUESTER, opcode::READ_RESPONSE) => self.read_response(segment),
            (RESPONDER, opcode::WRITE) => self.write(segment),
            (RESPONDER, opcode::SEND_INVALIDATE) => self.end(segment),
            _ => panic!("board {board} sent {segment:x?}"),
        }
    }

    fn shot(&mut self, stag: u32) -> &mut Shot {
        let shot = self.live.get_mut(&stag);
        shot.unwrap_or_else(|| panic!("STag {stag:#x} is not advertised"))
    }

    /// A one-shot's request, or the requester's goodbye.
    fn request(&mut self, segment: &Segment) {
        let payload = &segment.payload;
        assert_eq!(payload.len(), 32, "{segment:x?}");
        let number = |at: usize, bytes: usize| {
            let bytes = payload[at..at + bytes].iter().rev();
            bytes.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let operation = payload[0];
        if operation == FINISH {
            let optional = (segment.rsv, segment.field());
            assert_eq!(optional, (0, 0), "an ordinary Send: {segment:x?}");
            assert!(self.live.is_empty() && self.reads.is_empty());
            self.finished = true;
            return;
        }
        assert!([FETCH, RETURN].contains(&operation), "{segment:x?}");
        assert_eq!(segment.rsv, ADVERTISED, "{segment:x?}");
        let stag = segment.field();
        assert_eq!(u64::from(stag), number(4, 4), "{segment:x?}");
        let shot = Shot {
            operation,
            to: number(8, 8),
            length: number(16, 4) as usize,
            file_offset: number(24, 8),
            asked: false,
            data: Vec::new(),
        };
        let twice = self.live.insert(stag, shot).is_some();
        assert!(!twice, "STag {stag:#x} is advertised already");
    }

    fn read_request(&mut self, segment: &Segment) {
        assert_eq!(segment.field(), 0, "{segment:x?}");
        let read = ReadRequest::decode(&segment.payload);
        let (stag, to) = read.source;
        let shot = self.shot(stag);
        assert_eq!(shot.operation, FETCH, "{segment:x?}");
        assert_eq!((to, read.bytes as usize), (shot.to, shot.length));
        let twice = std::mem::replace(&mut shot.asked, true);
        assert!(!twice, "asked twice: {segment:x?}");
        self.reads.push_back(read);
    }

    /// Responses come in the order of the requests.
    fn read_response(&mut self, segment: &Segment) {
        let read = self.reads.front().expect("nobody asked").clone();
        let shot = self.shot(read.source.0);
        if append(shot, segment, read.sink) {
            self.reads.pop_front();
        }
    }

    fn write(&mut self, segment: &Segment) {
        let stag = segment.field();
        let shot = self.shot(stag);
        assert_eq!(shot.operation, RETURN, "{segment:x?}");
        let to = shot.to;
        append(shot, segment, (stag, to));
    }

    /// The responder's reply takes the STag away.
    fn end(&mut self, segment: &Segment) {
        let stag = segment.field();
        let shot = self.live.remove(&stag);
        let shot = shot.unwrap_or_else(|| panic!("STag {stag:#x} is not advertised"));
        assert_eq!(shot.data.len(), shot.length, "{segment:x?}");
        let status = 0_u32.to_le_bytes();
        let moved = (shot.length as u32).to_le_bytes();
        assert_eq!(segment.payload, [status, moved].concat());
        let chunks = match shot.operation {
            FETCH => &mut self.fetched,
            _ => &mut self.returned,
        };
        let twice = chunks.insert(shot.file_offset, shot.data).is_some();
        assert!(!twice, "chunk {} came twice", shot.file_offset);
    }

    /// One-shots that have ended; the conversation must have, too.
    pub fn operations(&self) -> usize {
        assert!(self.finished, "the requester did not say goodbye");
        self.fetched.len() + self.returned.len()
    }

    /// The file as the Read Responses carried it.
    pub fn fetched(&self) -> Vec<u8> {
        whole(&self.fetched)
    }

    /// The file as the Writes carried it.
    pub fn returned(&self) -> Vec<u8> {
        whole(&self.returned)
    }
}

/// Adds a tagged segment's bytes, which must go right behind those before; true after the last.
fn append(shot: &mut Shot, segment: &Segment, (stag, start): (u32, u64)) -> bool {
    let to = start + shot.data.len() as u64;
    assert_eq!(segment.place, Place::Tagged { stag, to }, "{segment:x?}");
    shot.data.extend(&segment.payload);
    let complete = shot.data.len() == shot.length;
    assert_eq!(segment.last, complete, "{segment:x?}");
    complete
}

/// Chunks without gaps.
fn whole(chunks: &Chunks) -> Vec<u8> {
    let mut file = Vec::new();
    for (offset, chunk) in chunks {
        assert_eq!(*offset, file.len() as u64, "a gap in the file");
        file.extend(chunk);
    }
    file
}
