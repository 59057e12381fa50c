//! MPA request and reply frames (RFC 5044 section 7.1.1, RFC 6581 section 9), encoded and decoded. Big-endian.
//!
//! ```text
//!  0  key, 16 bytes: "MPA ID Req Frame" or "MPA ID Rep Frame"
//! 16  M C R S Res[4]     M: send me markers, C: CRC wanted, R: rejected (reply only), S: private data starts with IRD, ORD
//! 17  revision
//! 18  private data length, u16, at most 512
//! 20  private data; with S: A B IRD[14] | C D ORD[14], then the rest
//! ```

/// Bytes before the private data.
pub const HEADER_BYTES: usize = 20;
/// Most bytes of private data, IRD and ORD included (RFC 5044 section 7.1.1).
pub const MAX_PRIVATE_BYTES: usize = 512;
/// Revision that we send: enhanced connection setup (RFC 6581).
pub const REVISION: u8 = 2;

const REQUEST_KEY: &[u8; 16] = b"MPA ID Req Frame";
const REPLY_KEY: &[u8; 16] = b"MPA ID Rep Frame";
const MARKERS: u8 = 0x80;
const CRC: u8 = 0x40;
const REJECTED: u8 = 0x20;
const ENHANCED: u8 = 0x10;
/// Bits of a read depth.
const DEPTH_MASK: u16 = 0x3FFF;
const HIGH: u16 = 0x8000;
const LOW: u16 = 0x4000;
const ENHANCED_BYTES: usize = 4;

/// Request or reply.
///
/// ```
/// assert_ne!(rnic_driver::mpa::Kind::Request, rnic_driver::mpa::Kind::Reply);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The initiator's.
    Request,
    /// The responder's.
    Reply,
}

/// Enhanced connection data (RFC 6581 section 9.1).
///
/// ```
/// use rnic_driver::mpa::Enhanced;
/// assert_eq!(Enhanced { ird: 2, ord: 2, ..Enhanced::default() }.ird, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Enhanced {
    /// Bit A: peer-to-peer mode.
    pub peer_to_peer: bool,
    /// Bit B: a Send as ready-to-receive message.
    pub rtr_send: bool,
    /// Bit C: a zero-length Write as ready-to-receive message.
    pub rtr_write: bool,
    /// Bit D: a zero-length Read as ready-to-receive message.
    pub rtr_read: bool,
    /// Inbound read depth, 14 bits.
    pub ird: u16,
    /// Outbound read depth, 14 bits.
    pub ord: u16,
}

/// One frame.
///
/// ```
/// use rnic_driver::mpa::{Enhanced, Frame, Kind};
/// let frame = Frame::new(Kind::Request, Enhanced { ird: 2, ord: 2, ..Enhanced::default() }, b"hello".to_vec());
/// let bytes = frame.encode().unwrap();
/// assert_eq!(&bytes[..16], b"MPA ID Req Frame");
/// assert_eq!(Frame::decode(&bytes).unwrap(), (frame, bytes.len()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Request or reply.
    pub kind: Kind,
    /// The other side shall insert markers.
    pub markers: bool,
    /// CRCs are wanted; either side's wish turns them on for both.
    pub crc: bool,
    /// The connection is rejected.
    pub rejected: bool,
    /// Revision.
    pub revision: u8,
    /// IRD and ORD, where S is set.
    pub enhanced: Option<Enhanced>,
    /// Private data after them.
    pub private_data: Vec<u8>,
}

impl Frame {
    /// A frame of revision 2 without markers, with CRCs.
    pub const fn new(kind: Kind, enhanced: Enhanced, private_data: Vec<u8>) -> Self {
        let enhanced = Some(enhanced);
        Self {
            kind,
            markers: false,
            crc: true,
            rejected: false,
            revision: REVISION,
            enhanced,
            private_data,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Result<Vec<u8>, MpaError> {
        let length = self.private_data.len()
            + if self.enhanced.is_some() {
                ENHANCED_BYTES
            } else {
                0
            };
        if length > MAX_PRIVATE_BYTES {
            return Err(MpaError::PrivateData { bytes: length });
        }
        let mut flags = 0;
        for (bit, set) in [
            (MARKERS, self.markers),
            (CRC, self.crc),
            (REJECTED, self.rejected),
            (ENHANCED, self.enhanced.is_some()),
        ] {
            flags |= if set { bit } else { 0 };
        }
        let key = match self.kind {
            Kind::Request => REQUEST_KEY,
            Kind::Reply => REPLY_KEY,
        };
        let mut bytes = key.to_vec();
        bytes.push(flags);
        bytes.push(self.revision);
        bytes.extend((length as u16).to_be_bytes());
        if let Some(e) = &self.enhanced {
            for (name, depth, high, low) in [
                ("IRD", e.ird, e.peer_to_peer, e.rtr_send),
                ("ORD", e.ord, e.rtr_write, e.rtr_read),
            ] {
                if depth > DEPTH_MASK {
                    return Err(MpaError::Depth { name, depth });
                }
                let word = depth | if high { HIGH } else { 0 } | if low { LOW } else { 0 };
                bytes.extend(word.to_be_bytes());
            }
        }
        bytes.extend(&self.private_data);
        Ok(bytes)
    }

    /// Reads a frame from the start of a stream; returns its length too.
    pub fn decode(stream: &[u8]) -> Result<(Self, usize), MpaError> {
        let short = |needed| MpaError::Truncated {
            bytes: stream.len(),
            needed,
        };
        let (key, rest) = stream
            .split_first_chunk::<16>()
            .ok_or(short(HEADER_BYTES))?;
        let kind = match key {
            REQUEST_KEY => Kind::Request,
            REPLY_KEY => Kind::Reply,
            _ => return Err(MpaError::Key { key: *key }),
        };
        let (&[flags, revision, high, low], rest) =
            rest.split_first_chunk::<4>().ok_or(short(HEADER_BYTES))?;
        if revision == 0 || revision > REVISION {
            return Err(MpaError::Revision { revision });
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > MAX_PRIVATE_BYTES {
            return Err(MpaError::PrivateData { bytes: length });
        }
        let private = rest.get(..length).ok_or(short(HEADER_BYTES + length))?;
        // S has a meaning from revision 2 on (RFC 6581 section 9).
        let enhanced = flags & ENHANCED != 0 && revision >= 2;
        let (enhanced, private_data) =
            match (enhanced, private.split_first_chunk::<ENHANCED_BYTES>()) {
                (false, _) => (None, private),
                (true, None) => return Err(MpaError::NoDepths { bytes: length }),
                (true, Some((&[a, b, c, d], rest))) => {
                    let (ird, ord) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                    let enhanced = Enhanced {
                        peer_to_peer: ird & HIGH != 0,
                        rtr_send: ird & LOW != 0,
                        rtr_write: ord & HIGH != 0,
                        rtr_read: ord & LOW != 0,
                        ird: ird & DEPTH_MASK,
                        ord: ord & DEPTH_MASK,
                    };
                    (Some(enhanced), rest)
                }
            };
        let frame = Self {
            kind,
            markers: flags & MARKERS != 0,
            crc: flags & CRC != 0,
            // R counts only in a reply (RFC 5044 section 7.1.1).
            rejected: flags & REJECTED != 0 && kind == Kind::Reply,
            revision,
            enhanced,
            private_data: private_data.to_vec(),
        };
        Ok((frame, HEADER_BYTES + length))
    }
}

/// Why a frame is none.
///
/// ```
/// use rnic_driver::mpa::{Frame, MpaError};
/// assert_eq!(Frame::decode(b"MPA"), Err(MpaError::Truncated { bytes: 3, needed: 20 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MpaError {
    /// More bytes are needed.
    #[error("an MPA frame ends after {bytes} of {needed} bytes")]
    Truncated {
        /// How many there are.
        bytes: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Not an MPA frame.
    #[error("key {:?} is not that of an MPA frame", String::from_utf8_lossy(.key))]
    Key {
        /// The 16 bytes.
        key: [u8; 16],
    },
    /// Unknown revision.
    #[error("MPA revision {revision} is not 1 or 2")]
    Revision {
        /// The revision.
        revision: u8,
    },
    /// Too much private data.
    #[error("{bytes} bytes of private data; an MPA frame has at most {MAX_PRIVATE_BYTES}")]
    PrivateData {
        /// How many.
        bytes: usize,
    },
    /// S is set, but there is no room for IRD and ORD.
    #[error("{bytes} bytes of private data have no room for IRD and ORD")]
    NoDepths {
        /// How many.
        bytes: usize,
    },
    /// A read depth does not fit.
    #[error("{name} = {depth} has more than 14 bits")]
    Depth {
        /// IRD or ORD.
        name: &'static str,
        /// Its value.
        depth: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame() -> impl Strategy<Value = Frame> {
        let enhanced = (any::<[bool; 4]>(), 0u16..=DEPTH_MASK, 0u16..=DEPTH_MASK).prop_map(
            |(bits, ird, ord)| Enhanced {
                peer_to_peer: bits[0],
                rtr_send: bits[1],
                rtr_write: bits[2],
                rtr_read: bits[3],
                ird,
                ord,
            },
        );
        let data = proptest::collection::vec(any::<u8>(), 0..=MAX_PRIVATE_BYTES - ENHANCED_BYTES);
        (any::<[bool; 4]>(), proptest::option::of(enhanced), data).prop_map(
            |(bits, enhanced, private_data)| Frame {
                kind: if bits[0] { Kind::Reply } else { Kind::Request },
                markers: bits[1],
                crc: bits[2],
                rejected: bits[3] && bits[0],
                revision: REVISION,
                enhanced,
                private_data,
            },
        )
    }

    proptest! {
        #[test]
        fn every_frame_round_trips(frame in frame(), tail in proptest::collection::vec(any::<u8>(), 0..8)) {
            let bytes = frame.encode().unwrap();
            let stream = [bytes.clone(), tail].concat();
            prop_assert_eq!(Frame::decode(&stream), Ok((frame, bytes.len())));
            for cut in 0..bytes.len() {
                let truncated = matches!(Frame::decode(&bytes[..cut]), Err(MpaError::Truncated { .. }));
                prop_assert!(truncated);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Frame::decode(&bytes);
            let _ = Frame::decode(&[REPLY_KEY.to_vec(), bytes].concat());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = Frame::new(Kind::Request, Enhanced::default(), vec![])
            .encode()
            .unwrap();
        let with = |index: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[index] = value;
            Frame::decode(&bytes)
        };
        assert!(matches!(with(0, b'X'), Err(MpaError::Key { .. })));
        assert_eq!(with(17, 3), Err(MpaError::Revision { revision: 3 }));
        assert_eq!(with(18, 3), Err(MpaError::PrivateData { bytes: 0x304 }));
        assert_eq!(with(19, 2), Err(MpaError::NoDepths { bytes: 2 }));
        let long = Frame::new(Kind::Reply, Enhanced::default(), vec![0; 509]).encode();
        assert_eq!(long, Err(MpaError::PrivateData { bytes: 513 }));
        let deep = Frame::new(
            Kind::Reply,
            Enhanced {
                ord: 0x4000,
                ..Enhanced::default()
            },
            vec![],
        )
        .encode();
        assert_eq!(
            deep,
            Err(MpaError::Depth {
                name: "ORD",
                depth: 0x4000
            })
        );
    }

    /// Rev 2 with S: the layout of RFC 6581 section 9.1, figure 7, by hand.
    #[test]
    fn the_bits_are_where_the_rfc_has_them() {
        let enhanced = Enhanced {
            peer_to_peer: true,
            rtr_read: true,
            ird: 1,
            ord: 2,
            ..Enhanced::default()
        };
        let bytes = Frame::new(Kind::Reply, enhanced, vec![0xEE])
            .encode()
            .unwrap();
        assert_eq!(bytes[16..], [0x50, 2, 0, 5, 0x80, 1, 0x40, 2, 0xEE]);
    }
}
