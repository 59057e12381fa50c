//! What requester and responder say to each other. Every request repeats STag, offset and length in its bytes, so that a peer
//! which does not see the optional header field can serve it too.
//!
//! ```text
//! request, 32 bytes, little-endian                            reply, 8 bytes
//!  0 operation u8 | 1 slot u8 | 2 zero u16                     0 status u32, 0 is good
//!  4 stag u32     | 8 to u64                                   4 bytes moved u32
//! 16 length u32   | 20 zero u32 | 24 file offset u64
//! ```

use anyhow::{bail, ensure, Context};
use rnic_abi::Stag;
use rnic_driver::cm::Opening;
use serde_json::{json, Value};

/// Bytes of a request.
pub const REQUEST_BYTES: usize = 32;
/// Bytes of a reply.
pub const REPLY_BYTES: usize = 8;

/// What the requester wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// RDMA-Read the advertised buffer into the responder's slot, end with Send with Invalidate.
    Fetch = 1,
    /// RDMA-Write the responder's slot to the advertised buffer, end with Send with Invalidate.
    Return = 2,
    /// As `Return`, but end with an RDMA Write of the reply right behind the buffer: the requester invalidates by itself.
    ReturnPlain = 3,
    /// No more requests.
    Finish = 4,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is wanted.
    pub operation: Operation,
    /// Which of the responder's buffers.
    pub slot: u8,
    /// The advertised buffer.
    pub stag: Stag,
    /// Its first byte.
    pub to: u64,
    /// Its bytes.
    pub length: u32,
    /// Where in the file they belong.
    pub file_offset: u64,
}

impl Request {
    /// Its bytes.
    pub fn encode(&self) -> [u8; REQUEST_BYTES] {
        let mut bytes = [0; REQUEST_BYTES];
        bytes[0] = self.operation as u8;
        bytes[1] = self.slot;
        bytes[4..8].copy_from_slice(&self.stag.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.to.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.file_offset.to_le_bytes());
        bytes
    }

    /// Reads a request.
    pub fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        ensure!(
            bytes.len() == REQUEST_BYTES,
            "a request of {} bytes, not {REQUEST_BYTES}",
            bytes.len()
        );
        let number = |range: std::ops::Range<usize>| {
            bytes[range]
                .iter()
                .rev()
                .fold(0, |n, &byte| n << 8 | u64::from(byte))
        };
        let operation = match bytes[0] {
            1 => Operation::Fetch,
            2 => Operation::Return,
            3 => Operation::ReturnPlain,
            4 => Operation::Finish,
            other => bail!("a request has operation {other}"),
        };
        Ok(Self {
            operation,
            slot: bytes[1],
            stag: Stag(number(4..8) as u32),
            to: number(8..16),
            length: number(16..20) as u32,
            file_offset: number(24..32),
        })
    }
}

/// The responder's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 0 is good.
    pub status: u32,
    /// Bytes moved.
    pub bytes: u32,
}

impl Reply {
    /// Its bytes.
    pub fn encode(&self) -> [u8; REPLY_BYTES] {
        (u64::from(self.status) | u64::from(self.bytes) << 32).to_le_bytes()
    }

    /// Reads a reply and fails unless it is good and about `bytes` bytes.
    pub fn check(received: &[u8], bytes: usize) -> anyhow::Result<()> {
        let word: [u8; REPLY_BYTES] = received
            .try_into()
            .context("a reply has the wrong length")?;
        let word = u64::from_le_bytes(word);
        let reply = Self {
            status: word as u32,
            bytes: (word >> 32) as u32,
        };
        ensure!(
            reply.status == 0,
            "the responder reports status {}",
            reply.status
        );
        ensure!(
            reply.bytes as usize == bytes,
            "the responder moved {} bytes, not {bytes}",
            reply.bytes
        );
        Ok(())
    }
}

/// What the initiator tells about itself in its private data: the responder's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// How many.
    pub count: u8,
    /// Bytes of each.
    pub bytes: u32,
}

impl Buffers {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = b"rnic".to_vec();
        bytes.push(self.count);
        bytes.extend(self.bytes.to_le_bytes());
        bytes
    }

    /// Reads it.
    pub fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        match *bytes {
            [b'r', b'n', b'i', b'c', count, a, b, c, d] if count > 0 => Ok(Self {
                count,
                bytes: u32::from_le_bytes([a, b, c, d]),
            }),
            _ => bail!("the initiator is no `rnic`: its private data is {bytes:02x?}"),
        }
    }
}

/// The MPA request and reply that opened the connection, in hexadecimal, so that both ends and a capture can be compared.
pub fn opening_json(opening: &Opening) -> Value {
    json!({"request": hexadecimal(&opening.request), "reply": hexadecimal(&opening.reply)})
}

/// Bytes as text.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn requests_round_trip(operation in 1u8..=4, slot: u8, stag: u32, to: u64, length: u32, file_offset: u64) {
            let operation = [Operation::Fetch, Operation::Return, Operation::ReturnPlain, Operation::Finish][operation as usize - 1];
            let request = Request { operation, slot, stag: Stag(stag), to, length, file_offset };
            prop_assert_eq!(Request::decode(&request.encode()).unwrap(), request);
        }

        #[test]
        fn buffers_round_trip(count in 1u8.., bytes: u32) {
            let buffers = Buffers { count, bytes };
            prop_assert_eq!(Buffers::decode(&buffers.encode()).unwrap(), buffers);
        }
    }

    #[test]
    fn a_bad_reply_is_refused() {
        let good = Reply {
            status: 0,
            bytes: 7,
        }
        .encode();
        assert!(Reply::check(&good, 7).is_ok());
        assert!(Reply::check(&good, 8).is_err());
        assert!(Reply::check(&good[..7], 7).is_err());
        assert!(Reply::check(
            &Reply {
                status: 1,
                bytes: 7
            }
            .encode(),
            7
        )
        .is_err());
        assert!(Request::decode(&[0; REQUEST_BYTES]).is_err());
    }
}
