//! The connection manager's messages: a 16-byte header, then a real MPA request or reply.
//!
//! ```text
//!  0  kind u8 | 1 source VI u8 | 2 destination VI u8 | 3 flags u8, zero
//!  4  message id u32: chosen by the initiator, the same in every message of a connection
//!  8  initial stream sequence u32: number of the first FPDU byte that the source sends; the MPA frame's bytes come before it
//! 12  length u32: bytes that follow
//! 16  MPA frame (request and reply)
//! ```
//! The header is little-endian. The private data of the MPA frame starts with eight bytes of our own:
//! `"OSR1" | features u8 | reject reason u8 | reliability u8 | 0`, then what the application gives.

use crate::mpa::{Frame, MpaError};
use rnic_abi::command::vi_peer;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 16;
/// Destination VI of a request: whichever listens.
pub const ANY_VI: u8 = 0xFF;
/// Bytes of our own private data.
pub const PRIVATE_HEADER_BYTES: usize = 8;
const PRIVATE_MAGIC: &[u8; 4] = b"OSR1";

/// Kinds of message.
///
/// ```
/// use rnic_driver::cm::MessageKind;
/// assert_eq!(MessageKind::from_code(3), Some(MessageKind::Ready));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageKind {
    /// Carries the MPA request.
    Request = 1,
    /// Carries the MPA reply.
    Reply = 2,
    /// The initiator is connected: the responder may send.
    Ready = 3,
    /// The sender leaves.
    Disconnect = 4,
}

impl MessageKind {
    /// The kind of a code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(MessageKind::Request),
            2 => Some(MessageKind::Reply),
            3 => Some(MessageKind::Ready),
            4 => Some(MessageKind::Disconnect),
            _ => None,
        }
    }
}

/// One message.
///
/// ```
/// use rnic_driver::cm::{CmMessage, MessageKind};
/// let ready = CmMessage { kind: MessageKind::Ready, source_vi: 1, destination_vi: 2, id: 7, sequence: 100, frame: None };
/// assert_eq!(CmMessage::decode(&ready.encode().unwrap()), Ok(ready));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CmMessage {
    /// Kind.
    pub kind: MessageKind,
    /// The sender's VI.
    pub source_vi: u8,
    /// The receiver's VI.
    pub destination_vi: u8,
    /// The connection.
    pub id: u32,
    /// Number of the first FPDU byte that the source sends.
    pub sequence: u32,
    /// MPA frame of a request or reply.
    pub frame: Option<Frame>,
}

impl CmMessage {
    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>, MpaError> {
        let frame = self
            .frame
            .as_ref()
            .map(Frame::encode)
            .transpose()?
            .unwrap_or_default();
        let mut bytes = vec![self.kind as u8, self.source_vi, self.destination_vi, 0];
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend((frame.len() as u32).to_le_bytes());
        bytes.extend(frame);
        Ok(bytes)
    }

    /// Reads a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, CmMessageError> {
        let truncated = CmMessageError::Truncated { bytes: bytes.len() };
        let (header, body) = split(bytes).ok_or(truncated)?;
        let kind =
            MessageKind::from_code(header[0]).ok_or(CmMessageError::Kind { kind: header[0] })?;
        if header[3] != 0 {
            return Err(CmMessageError::Flags { flags: header[3] });
        }
        let frame = match kind {
            MessageKind::Request | MessageKind::Reply => Some(Frame::decode(body)?.0),
            MessageKind::Ready | MessageKind::Disconnect => None,
        };
        Ok(Self {
            kind,
            source_vi: header[1],
            destination_vi: header[2],
            id: word(header, 4),
            sequence: word(header, 8),
            frame,
        })
    }
}

/// Header, and as many bytes as it says follow it; none if something is missing.
fn split(bytes: &[u8]) -> Option<(&[u8; HEADER_BYTES], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    Some((header, rest.get(..word(header, 12) as usize)?))
}

fn word(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// The MPA request and reply of a connection, byte for byte as they crossed the wire; empty where none has.
///
/// ```
/// assert!(rnic_driver::cm::Opening::default().reply.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Opening {
    /// The initiator's.
    pub request: Vec<u8>,
    /// The responder's.
    pub reply: Vec<u8>,
}

impl Opening {
    /// Keeps the MPA bytes of a message that was sent or received; those that come again are the same.
    pub(super) fn note(&mut self, message: &[u8]) {
        let Some((header, mpa)) = split(message) else {
            return;
        };
        match MessageKind::from_code(header[0]) {
            Some(MessageKind::Request) => self.request = mpa.to_vec(),
            Some(MessageKind::Reply) => self.reply = mpa.to_vec(),
            _ => {}
        }
    }
}

/// Why a raw frame is no message.
///
/// ```
/// use rnic_driver::cm::{CmMessage, CmMessageError};
/// assert_eq!(CmMessage::decode(&[0; 16]), Err(CmMessageError::Kind { kind: 0 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CmMessageError {
    /// Bytes are missing.
    #[error("a connection message ends after {bytes} bytes")]
    Truncated {
        /// How many there are.
        bytes: usize,
    },
    /// Unknown kind.
    #[error("a connection message has kind {kind}")]
    Kind {
        /// The kind byte.
        kind: u8,
    },
    /// Flags that we do not know.
    #[error("a connection message has flags 0x{flags:02x}")]
    Flags {
        /// The flags byte.
        flags: u8,
    },
    /// Its MPA frame.
    #[error(transparent)]
    Mpa(#[from] MpaError),
}

/// Why a responder said no.
///
/// ```
/// use rnic_driver::cm::RejectReason;
/// assert_eq!(RejectReason::from_code(1), RejectReason::NoListener);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RejectReason {
    /// The peer gave no reason that we know.
    Unknown = 0,
    /// Nobody listens.
    NoListener = 1,
    /// The application refused.
    Refused = 2,
    /// Reliability levels differ (VIA).
    Reliability = 3,
}

impl RejectReason {
    /// The reason of a code.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => RejectReason::NoListener,
            2 => RejectReason::Refused,
            3 => RejectReason::Reliability,
            _ => RejectReason::Unknown,
        }
    }
}

/// Our own private data; a peer that sends none has no features.
///
/// ```
/// use rnic_driver::cm::{Private, RejectReason};
/// let ours = Private { features: 1, reason: RejectReason::Unknown, reliability: 2, application: b"copy".to_vec() };
/// assert_eq!(Private::decode(&ours.encode()), ours);
/// assert_eq!(Private::decode(b"something else").features, 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Private {
    /// Features offered (`abi::command::vi_peer`).
    pub features: u8,
    /// Reason of a rejection.
    pub reason: RejectReason,
    /// Reliability level (VIA); 0 where unknown.
    pub reliability: u8,
    /// The application's bytes.
    pub application: Vec<u8>,
}

impl Private {
    /// Features that this driver knows.
    pub const FEATURES: u8 = vi_peer::ADVERTISE;

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = PRIVATE_MAGIC.to_vec();
        bytes.extend([self.features, self.reason as u8, self.reliability, 0]);
        bytes.extend(&self.application);
        bytes
    }

    /// Reads it; foreign private data is all the application's.
    pub fn decode(bytes: &[u8]) -> Self {
        match bytes.split_first_chunk::<PRIVATE_HEADER_BYTES>() {
            Some((&[a, b, c, d, features, reason, reliability, 0], rest))
                if &[a, b, c, d] == PRIVATE_MAGIC =>
            {
                Self {
                    features,
                    reason: RejectReason::from_code(reason),
                    reliability,
                    application: rest.to_vec(),
                }
            }
            _ => Self {
                features: 0,
                reason: RejectReason::Unknown,
                reliability: 0,
                application: bytes.to_vec(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpa::{Enhanced, Kind};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_message_round_trips(kind in 1u8..=4, vis: (u8, u8), id: u32, sequence: u32, data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let kind = MessageKind::from_code(kind).unwrap();
            let mpa = match kind {
                MessageKind::Request => Some(Kind::Request),
                MessageKind::Reply => Some(Kind::Reply),
                _ => None,
            };
            let frame = mpa.map(|kind| Frame::new(kind, Enhanced::default(), data));
            let message = CmMessage { kind, source_vi: vis.0, destination_vi: vis.1, id, sequence, frame };
            let bytes = message.encode().unwrap();
            prop_assert_eq!(CmMessage::decode(&bytes), Ok(message));
            for cut in 0..bytes.len() {
                prop_assert!(CmMessage::decode(&bytes[..cut]).is_err());
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = CmMessage::decode(&bytes);
            let _ = Private::decode(&bytes);
        }
    }
}
