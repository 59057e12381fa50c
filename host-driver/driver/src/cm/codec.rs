//! Messages as bytes: a header, two network addresses, then an MPA request or reply as RFC 5044 has it, or names.
//!
//! ```text
//!  0  version u8 = 2 | 1 kind u8 | 2 source VI u8 | 3 destination VI u8
//!  4  id u32: the initiator's choice, the same in every message of a connection; of a probe: its number
//!  8  initial stream sequence u32: number of the first FPDU byte that the source sends; the MPA frame comes before it
//! 12  header bytes u16, addresses included | 14 bytes behind it u16
//! 16  source incarnation u64                24 destination incarnation u64, 0: any
//! 32  maximum transfer bytes u32
//! 36  quality of service u8 | 37 reliability u8, 0: no attributes | 38 rights u8: RDMA Write 0, Read 1
//! 39  flags u8: the sender is the responder 0, behind an older request 1
//! 40  bytes of source host | 41 of source discriminator | 42 of destination host | 43 of destination discriminator, u8 each
//! 44  these four, then the rest: MPA frame; names of 5 bytes each: role u8 (responder 1) | id u32
//! ```
//! The header is little-endian, the MPA frame is not. A message of another version, of an unknown kind, with unknown flags
//! or with bytes missing is none; bytes behind its end are ignored.

use super::{Attributes, Body, CmMessage, MessageKind, Name, Role};
use crate::address::{AddressError, Discriminator, HostAddress, NetAddress};
use crate::address::{DISCRIMINATOR_MAX_BYTES, HOST_MAX_BYTES};
use crate::command::Reliability;
use crate::mpa::{Frame, MpaError, HEADER_BYTES as MPA_HEADER_BYTES};
use rnic_abi::wire::link::RAW_MAX_BYTES;

/// Version of the messages.
pub const VERSION: u8 = 2;
/// Bytes of the header before the addresses.
pub const HEADER_BYTES: usize = 44;
/// IRD and ORD in the private data of an MPA frame.
const DEPTHS_BYTES: usize = 4;
/// Most bytes of private data of the application, so that a request with the longest addresses is one raw frame.
pub const MAX_PRIVATE_BYTES: usize = RAW_MAX_BYTES
    - HEADER_BYTES
    - 2 * (HOST_MAX_BYTES + DISCRIMINATOR_MAX_BYTES)
    - MPA_HEADER_BYTES
    - DEPTHS_BYTES
    - super::PRIVATE_HEADER_BYTES;
/// Bytes of a name.
const NAME_BYTES: usize = 5;
/// Most names in a probe: more than a board has VIs.
pub(super) const MAX_NAMES: usize = 64;

const WRITE: u8 = 1;
const READ: u8 = 2;
const RESPONDER: u8 = 1;
const BEHIND: u8 = 2;

const fn bit(set: bool, mask: u8) -> u8 {
    if set {
        mask
    } else {
        0
    }
}

const fn has_frame(kind: MessageKind) -> bool {
    use MessageKind::{NoMatch, PeerReply, PeerRequest, Reply, Request};
    matches!(kind, Request | Reply | NoMatch | PeerRequest | PeerReply)
}

impl CmMessage {
    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>, MpaError> {
        let body = match &self.body {
            Body::Empty => Vec::new(),
            Body::Mpa(frame) => frame.encode()?,
            Body::Names(names) => names.iter().flat_map(encode_name).collect(),
        };
        let addresses = [
            self.source.host.bytes(),
            self.source.discriminator.bytes(),
            self.destination.host.bytes(),
            self.destination.discriminator.bytes(),
        ];
        let offset = HEADER_BYTES + addresses.map(<[u8]>::len).iter().sum::<usize>();
        let mut bytes = vec![
            VERSION,
            self.kind as u8,
            self.source_vi,
            self.destination_vi,
        ];
        bytes.extend(self.name.id.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend((offset as u16).to_le_bytes());
        bytes.extend((body.len() as u16).to_le_bytes());
        bytes.extend(self.incarnation.to_le_bytes());
        bytes.extend(self.for_incarnation.to_le_bytes());
        let flags = bit(self.name.role == Role::Responder, RESPONDER) | bit(self.behind, BEHIND);
        match &self.attributes {
            Some(a) => {
                let rights = bit(a.enable_rdma_write, WRITE) | bit(a.enable_rdma_read, READ);
                bytes.extend(a.max_transfer_bytes.to_le_bytes());
                bytes.extend([a.qos, a.reliability as u8, rights, flags]);
            }
            None => bytes.extend([0, 0, 0, 0, 0, 0, 0, flags]),
        }
        bytes.extend(addresses.map(|address| address.len() as u8));
        addresses.into_iter().for_each(|part| bytes.extend(part));
        bytes.extend(body);
        Ok(bytes)
    }

    /// Reads a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, CmMessageError> {
        let truncated = || CmMessageError::Truncated { bytes: bytes.len() };
        let (header, _) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or_else(truncated)?;
        let [version, kind, source_vi, destination_vi, ..] = *header;
        if version != VERSION {
            return Err(CmMessageError::Version { version });
        }
        let kind = MessageKind::from_code(kind).ok_or(CmMessageError::Kind { kind })?;
        let flags = header[39];
        if flags & !(RESPONDER | BEHIND) != 0 {
            return Err(CmMessageError::Flags { flags });
        }
        let role = match flags & RESPONDER {
            0 => Role::Initiator,
            _ => Role::Responder,
        };
        let mut at = HEADER_BYTES;
        let mut part = |index: usize| {
            let start = at;
            at += usize::from(header[index]);
            bytes.get(start..at).ok_or_else(truncated)
        };
        let source = NetAddress {
            host: HostAddress::new(part(40)?)?,
            discriminator: Discriminator::new(part(41)?)?,
        };
        let destination = NetAddress {
            host: HostAddress::new(part(42)?)?,
            discriminator: Discriminator::new(part(43)?)?,
        };
        let (offset, length) = (
            usize::from(number::<u16>(header, 12)),
            usize::from(number::<u16>(header, 14)),
        );
        if offset != at {
            return Err(CmMessageError::Offset {
                offset,
                expected: at,
            });
        }
        let rest = bytes.get(at..at + length).ok_or_else(truncated)?;
        let body = match kind {
            kind if has_frame(kind) => Body::Mpa(Frame::decode(rest)?.0),
            MessageKind::Probe | MessageKind::ProbeAck => Body::Names(decode_names(rest)?),
            _ => Body::Empty,
        };
        Ok(Self {
            kind,
            name: Name {
                role,
                id: number::<u32>(header, 4),
            },
            behind: flags & BEHIND != 0,
            source_vi,
            destination_vi,
            sequence: number::<u32>(header, 8),
            incarnation: number::<u64>(header, 16),
            for_incarnation: number::<u64>(header, 24),
            source,
            destination,
            attributes: attributes(header)?,
            body,
        })
    }
}

/// A little-endian number of the header.
trait Number: Sized {
    fn read(header: &[u8; HEADER_BYTES], at: usize) -> Self;
}
macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn read(header: &[u8; HEADER_BYTES], at: usize) -> Self {
                std::array::from_fn::<u8, { size_of::<$type>() }, _>(|i| header[at + i])
                    .iter()
                    .rev()
                    .fold(0, |sum, &byte| sum << 8 | Self::from(byte))
            }
        }
    )*};
}
numbers!(u16 u32 u64);

fn number<T: Number>(header: &[u8; HEADER_BYTES], at: usize) -> T {
    T::read(header, at)
}

fn attributes(header: &[u8; HEADER_BYTES]) -> Result<Option<Attributes>, CmMessageError> {
    let [qos, level, rights] = [header[36], header[37], header[38]];
    if level == 0 {
        return Ok(None);
    }
    Ok(Some(Attributes {
        reliability: Reliability::from_code(level).ok_or(CmMessageError::Reliability { level })?,
        max_transfer_bytes: number::<u32>(header, 32),
        qos,
        enable_rdma_write: rights & WRITE != 0,
        enable_rdma_read: rights & READ != 0,
    }))
}

fn encode_name(name: &Name) -> [u8; NAME_BYTES] {
    let [a, b, c, d] = name.id.to_le_bytes();
    [bit(name.role == Role::Responder, RESPONDER), a, b, c, d]
}

fn decode_names(bytes: &[u8]) -> Result<Vec<Name>, CmMessageError> {
    if bytes.len() % NAME_BYTES != 0 || bytes.len() > MAX_NAMES * NAME_BYTES {
        return Err(CmMessageError::Names { bytes: bytes.len() });
    }
    let name = |entry: &[u8]| Name {
        role: match entry[0] {
            RESPONDER => Role::Responder,
            _ => Role::Initiator,
        },
        id: u32::from_le_bytes([entry[1], entry[2], entry[3], entry[4]]),
    };
    Ok(bytes.chunks_exact(NAME_BYTES).map(name).collect())
}

/// Why a raw frame is no message.
///
/// ```
/// use rnic_driver::cm::{CmMessage, CmMessageError};
/// assert_eq!(CmMessage::decode(&[0; 44]), Err(CmMessageError::Version { version: 0 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CmMessageError {
    /// Bytes are missing.
    #[error("a connection message ends after {bytes} bytes")]
    Truncated {
        /// How many there are.
        bytes: usize,
    },
    /// Another version.
    #[error("a connection message has version {version}, this driver speaks version {VERSION}")]
    Version {
        /// The version byte.
        version: u8,
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
    /// No reliability level.
    #[error("a connection message has reliability level {level}")]
    Reliability {
        /// The level byte.
        level: u8,
    },
    /// Header and addresses do not end where it says.
    #[error("a connection message's addresses end at byte {expected}, its header says {offset}")]
    Offset {
        /// What the header says.
        offset: usize,
        /// Where they end.
        expected: usize,
    },
    /// No list of names.
    #[error("a connection message has {bytes} bytes of names")]
    Names {
        /// Their bytes.
        bytes: usize,
    },
    /// An address is too long.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Its MPA frame.
    #[error(transparent)]
    Mpa(#[from] MpaError),
}

#[cfg(test)]
mod tests;
