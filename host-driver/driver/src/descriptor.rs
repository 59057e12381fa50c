//! VIA descriptors as they lie in registered memory ([`rnic_abi::descriptor`]).
//!
//! Only the layout: where a descriptor lies and when it may be used again is [`crate::vi`]'s.

use rnic_abi::descriptor::{
    control, status, CONTROL_BYTES, CONTROL_OFFSET, IMMEDIATE_OFFSET, LENGTH_OFFSET, SEGMENT_BYTES,
    SEGMENT_COUNT_OFFSET, STATUS_OFFSET,
};
use rnic_abi::Stag;

/// A piece of registered memory.
///
/// ```
/// use rnic_driver::descriptor::Segment;
/// assert_eq!(Segment { va: 0x1000, handle: rnic_abi::Stag(0x101), bytes: 64 }.bytes, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// First byte.
    pub va: u64,
    /// Memory handle.
    pub handle: Stag,
    /// Byte count.
    pub bytes: u32,
}

/// Memory of the peer.
///
/// ```
/// use rnic_driver::descriptor::Remote;
/// assert_eq!(Remote { va: 0, handle: rnic_abi::Stag(0x305) }.handle.index(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// First byte: virtual address or tagged offset.
    pub va: u64,
    /// The peer's STag.
    pub handle: Stag,
}

/// What a descriptor asks for.
///
/// ```
/// use rnic_driver::descriptor::Operation;
/// assert!(matches!(Operation::SendReceive, Operation::SendReceive));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Send on the send queue, receive on the receive queue.
    SendReceive,
    /// RDMA Write.
    RdmaWrite(Remote),
    /// RDMA Read.
    RdmaRead(Remote),
}

/// A descriptor.
///
/// ```
/// use rnic_driver::descriptor::{Descriptor, Operation, Segment};
/// let receive = Descriptor::receive(vec![Segment { va: 0x1000, handle: rnic_abi::Stag(0x101), bytes: 512 }]);
/// let bytes = receive.encode(6).unwrap();
/// assert_eq!(bytes.len(), 32 + 16);
/// assert_eq!(Descriptor::decode(&bytes), Ok(receive));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// What it asks for.
    pub operation: Operation,
    /// Local memory.
    pub segments: Vec<Segment>,
    /// Immediate data.
    pub immediate: Option<u32>,
    /// Wait for every earlier RDMA Read of the VI.
    pub fence: bool,
}

impl Descriptor {
    /// A send of these segments.
    pub const fn send(segments: Vec<Segment>) -> Self {
        Self {
            operation: Operation::SendReceive,
            segments,
            immediate: None,
            fence: false,
        }
    }

    /// A receive into these segments.
    pub const fn receive(segments: Vec<Segment>) -> Self {
        Self::send(segments)
    }

    /// An RDMA Write from these segments.
    pub const fn rdma_write(remote: Remote, segments: Vec<Segment>) -> Self {
        Self {
            operation: Operation::RdmaWrite(remote),
            segments,
            immediate: None,
            fence: false,
        }
    }

    /// An RDMA Read into these segments, at least one.
    pub const fn rdma_read(remote: Remote, segments: Vec<Segment>) -> Self {
        Self {
            operation: Operation::RdmaRead(remote),
            segments,
            immediate: None,
            fence: false,
        }
    }

    /// Sum of its segments.
    pub fn bytes(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| u64::from(segment.bytes))
            .sum()
    }

    /// Bytes of the largest descriptor with `segments` data segments.
    pub const fn size(segments: usize) -> usize {
        CONTROL_BYTES + (segments + 1) * SEGMENT_BYTES
    }

    /// Its bytes, if it has at most `most` data segments. Status and reserved bytes are zero.
    pub fn encode(&self, most: u32) -> Result<Vec<u8>, DescriptorError> {
        if self.segments.len() > most as usize {
            return Err(DescriptorError::Segments {
                segments: self.segments.len(),
                most,
            });
        }
        if matches!(self.operation, Operation::RdmaRead(_)) && self.segments.is_empty() {
            return Err(DescriptorError::NothingToRead);
        }
        let length = u32::try_from(self.bytes()).map_err(|_| DescriptorError::Length {
            bytes: self.bytes(),
        })?;
        let (operation, remote) = match self.operation {
            Operation::SendReceive => (control::SEND_RECV, None),
            Operation::RdmaWrite(remote) => (control::RDMA_WRITE, Some(remote)),
            Operation::RdmaRead(remote) => (control::RDMA_READ, Some(remote)),
        };
        let mut word = operation;
        word |= if self.immediate.is_some() {
            control::IMMEDIATE
        } else {
            0
        };
        word |= if self.fence { control::QFENCE } else { 0 };
        let count = self.segments.len() + usize::from(remote.is_some());
        let mut bytes = vec![0; CONTROL_BYTES];
        bytes[SEGMENT_COUNT_OFFSET..][..2].copy_from_slice(&(count as u16).to_le_bytes());
        bytes[CONTROL_OFFSET..][..2].copy_from_slice(&word.to_le_bytes());
        bytes[IMMEDIATE_OFFSET..][..4].copy_from_slice(&self.immediate.unwrap_or(0).to_le_bytes());
        bytes[LENGTH_OFFSET..][..4].copy_from_slice(&length.to_le_bytes());
        let remote = remote.map(|remote| (remote.va, remote.handle, 0));
        let local = self
            .segments
            .iter()
            .map(|segment| (segment.va, segment.handle, segment.bytes));
        for (va, handle, length) in remote.into_iter().chain(local) {
            bytes.extend(va.to_le_bytes());
            bytes.extend(handle.0.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        Ok(bytes)
    }

    /// Reads it back, as a model of the board does.
    pub fn decode(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let short = DescriptorError::Truncated { bytes: bytes.len() };
        let field = |offset: usize, width: usize| -> Result<u64, DescriptorError> {
            let part = bytes.get(offset..offset + width).ok_or(short.clone())?;
            Ok(part
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u64::from(byte)))
        };
        field(STATUS_OFFSET, 4)?;
        let word = field(CONTROL_OFFSET, 2)? as u16;
        let count = field(SEGMENT_COUNT_OFFSET, 2)? as usize;
        let segment = |index: usize| -> Result<Segment, DescriptorError> {
            let offset = CONTROL_BYTES + index * SEGMENT_BYTES;
            let handle = Stag(field(offset + 8, 4)? as u32);
            Ok(Segment {
                va: field(offset, 8)?,
                handle,
                bytes: field(offset + 12, 4)? as u32,
            })
        };
        let remote = || {
            segment(0).map(|segment| Remote {
                va: segment.va,
                handle: segment.handle,
            })
        };
        let (operation, first) = match word & control::OP_MASK {
            control::SEND_RECV => (Operation::SendReceive, 0),
            control::RDMA_WRITE => (Operation::RdmaWrite(remote()?), 1),
            control::RDMA_READ => (Operation::RdmaRead(remote()?), 1),
            _ => return Err(DescriptorError::Control { control: word }),
        };
        if word & control::RESERVED != 0 {
            return Err(DescriptorError::Control { control: word });
        }
        Ok(Self {
            operation,
            segments: (first..count).map(segment).collect::<Result<_, _>>()?,
            immediate: (word & control::IMMEDIATE != 0)
                .then_some(field(IMMEDIATE_OFFSET, 4)? as u32),
            fence: word & control::QFENCE != 0,
        })
    }
}

/// What the board wrote into a descriptor: one 8-byte store of length and status.
///
/// ```
/// use rnic_driver::descriptor::Outcome;
/// let outcome = Outcome::decode(0x0001_0001_0000_0040);
/// assert!(outcome.is_done() && outcome.ok().is_ok());
/// assert_eq!(outcome.length, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// Bytes transferred.
    pub length: u32,
    /// VIA status word.
    pub status: u32,
}

impl Outcome {
    /// Offset of the 8 bytes in a descriptor.
    pub const OFFSET: usize = LENGTH_OFFSET;

    /// Reads the 8 bytes.
    pub const fn decode(word: u64) -> Self {
        const _: () = assert!(STATUS_OFFSET == LENGTH_OFFSET + 4);
        Self {
            length: word as u32,
            status: (word >> 32) as u32,
        }
    }

    /// Whether the board has completed it.
    pub const fn is_done(&self) -> bool {
        self.status & (status::DONE | status::ERROR_MASK) != 0
    }

    /// Fails if an error bit is set.
    pub const fn ok(&self) -> Result<(), StatusError> {
        if self.status & status::ERROR_MASK == 0 {
            return Ok(());
        }
        Err(StatusError {
            status: self.status,
        })
    }
}

/// A descriptor completed with an error.
///
/// ```
/// use rnic_driver::descriptor::StatusError;
/// assert_eq!(StatusError { status: 0x24 }.to_string(), "the descriptor completed with status 0x24: protection error, flushed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the descriptor completed with status 0x{status:x}: {}", names(*.status))]
pub struct StatusError {
    /// VIA status word.
    pub status: u32,
}

/// Names of the error bits in a status.
fn names(word: u32) -> String {
    let names = [
        (status::FORMAT_ERROR, "format error"),
        (status::PROTECTION_ERROR, "protection error"),
        (status::LENGTH_ERROR, "length error"),
        (status::PARTIAL_ERROR, "partly transferred"),
        (status::DESC_FLUSHED, "flushed"),
        (status::TRANSPORT_ERROR, "transport error"),
        (status::RDMA_PROT_ERROR, "remote protection error"),
        (
            status::REMOTE_DESC_ERROR,
            "the peer's descriptor was in error",
        ),
    ];
    names
        .iter()
        .filter(|(bit, _)| word & bit != 0)
        .map(|&(_, name)| name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why a descriptor cannot be built or read.
///
/// ```
/// use rnic_driver::descriptor::{Descriptor, DescriptorError, Segment};
/// let segment = Segment { va: 0, handle: rnic_abi::Stag(0x101), bytes: 1 };
/// let error = Descriptor::send(vec![segment; 7]).encode(6).unwrap_err();
/// assert_eq!(error, DescriptorError::Segments { segments: 7, most: 6 });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// Too many data segments.
    #[error("a descriptor with {segments} data segments; the board takes {most}")]
    Segments {
        /// How many.
        segments: usize,
        /// What the board takes.
        most: u32,
    },
    /// An RDMA Read names no place for what it reads.
    #[error("an RDMA Read with 0 data segments; it needs one, which may be empty")]
    NothingToRead,
    /// Longer than the length field.
    #[error("a descriptor over {bytes} bytes; the length field has 32 bits")]
    Length {
        /// Sum of the segments.
        bytes: u64,
    },
    /// Bytes are missing.
    #[error("a descriptor ends after {bytes} bytes")]
    Truncated {
        /// How many there are.
        bytes: usize,
    },
    /// The control word has an unknown operation or reserved bits.
    #[error("control word 0x{control:04x} has an unknown operation or reserved bits")]
    Control {
        /// The control word.
        control: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_descriptor_round_trips(op in 0u8..3, remote: (u64, u32), segments in proptest::collection::vec((any::<u64>(), any::<u32>(), 0u32..1 << 24), 0..=16),
                                        immediate: Option<u32>, fence: bool) {
            let remote = Remote { va: remote.0, handle: Stag(remote.1) };
            let operation = [Operation::SendReceive, Operation::RdmaWrite(remote), Operation::RdmaRead(remote)][op as usize];
            let segments = segments.into_iter().map(|(va, handle, bytes)| Segment { va, handle: Stag(handle), bytes }).collect();
            let descriptor = Descriptor { operation, segments, immediate, fence };
            if op == 2 && descriptor.segments.is_empty() {
                prop_assert_eq!(descriptor.encode(16), Err(DescriptorError::NothingToRead));
                return Ok(());
            }
            let bytes = descriptor.encode(16).unwrap();
            prop_assert!(bytes.len() <= Descriptor::size(16));
            prop_assert_eq!(Descriptor::decode(&bytes), Ok(descriptor));
            for cut in 0..bytes.len() {
                prop_assert!(Descriptor::decode(&bytes[..cut]).is_err());
            }
        }
    }

    #[test]
    fn the_length_field_is_the_sum() {
        let segment = |bytes| Segment {
            va: 0,
            handle: Stag(0x101),
            bytes,
        };
        let bytes = Descriptor::send(vec![segment(3), segment(5)])
            .encode(2)
            .unwrap();
        assert_eq!(bytes[LENGTH_OFFSET..][..4], [8, 0, 0, 0]);
        let long = Descriptor::send(vec![segment(u32::MAX), segment(1)]).encode(2);
        assert_eq!(long, Err(DescriptorError::Length { bytes: 1 << 32 }));
    }
}
