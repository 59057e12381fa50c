//! Link frames, MPA, DDP and RDMAP as this crate reads them from the RFCs and from `abi::wire`'s text: shares no code with the
//! gateware, the driver or the simulator, so that a mistake there is not repeated here.
//!
//! ```text
//! words --> LinkFrame { kind, VIs, sequences, body }          body --> Fpdu { ulpdu } --> Segment { header, payload }
//! words <-- LinkFrame::encode                                 body <-- Segment::encode (good) or Fpdu::encode (any ulpdu)
//! ```
//! Everything can be encoded wrong on purpose: every field is a plain number, and a check sum can be asked to be bad.

use rnic_sim::board::Frame;

/// Link frame kinds (`abi::wire::link`).
pub mod kind {
    /// One FPDU.
    pub const DATA: u8 = 0xD1;
    /// Acknowledgement alone.
    pub const ACK: u8 = 0xD2;
    /// Raw frame.
    pub const RAW: u8 = 0xD3;
}

/// RDMAP opcodes (RFC 5040 section 4.2).
pub mod opcode {
    /// RDMA Write.
    pub const WRITE: u8 = 0;
    /// RDMA Read Request.
    pub const READ_REQUEST: u8 = 1;
    /// RDMA Read Response.
    pub const READ_RESPONSE: u8 = 2;
    /// Send.
    pub const SEND: u8 = 3;
    /// Send with Invalidate.
    pub const SEND_INVALIDATE: u8 = 4;
    /// Terminate.
    pub const TERMINATE: u8 = 7;
}

/// CRC32c, bit by bit (RFC 3720 appendix B.4).
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0x82F6_3B78
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// Bytes of a frame's words.
pub fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Words of whole-word bytes.
pub fn words_of(bytes: &[u8]) -> Frame {
    assert_eq!(bytes.len() % 4, 0, "a frame has whole words");
    bytes
        .chunks(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect()
}

/// A link frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFrame {
    /// `kind`.
    pub kind: u8,
    /// 1: negative acknowledgement; 2: sent again.
    pub flags: u8,
    /// Where it goes.
    pub destination_vi: u8,
    /// Where it comes from.
    pub source_vi: u8,
    /// Stream number of its first byte.
    pub sequence: u32,
    /// Stream number expected next.
    pub acknowledged: u32,
    /// What the header says follows it.
    pub body_bytes: u32,
    /// What follows it.
    pub body: Vec<u8>,
    /// Whether its check sum is right.
    pub header_good: bool,
}

impl LinkFrame {
    /// Words before the body.
    pub const HEADER_WORDS: usize = 5;

    /// Reads a frame; none if its header is cut.
    pub fn decode(words: &[u32]) -> Option<Self> {
        let header = words.get(..Self::HEADER_WORDS)?;
        let [kind, flags, destination_vi, source_vi] = header[0].to_le_bytes();
        Some(Self {
            kind,
            flags,
            destination_vi,
            source_vi,
            sequence: header[1],
            acknowledged: header[2],
            body_bytes: header[3] & 0xFFFF,
            body: bytes_of(&words[Self::HEADER_WORDS..]),
            header_good: crc32c(&bytes_of(&header[..4])) == header[4],
        })
    }

    /// Its words, with a right or wrong header check sum as `header_good` says.
    pub fn encode(&self) -> Frame {
        let first =
            u32::from_le_bytes([self.kind, self.flags, self.destination_vi, self.source_vi]);
        let mut words = vec![first, self.sequence, self.acknowledged, self.body_bytes];
        let crc = crc32c(&bytes_of(&words));
        words.push(if self.header_good { crc } else { !crc });
        words.extend(words_of(&self.body));
        words
    }

    /// Replaces the body and its length.
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body_bytes = body.len() as u32;
        self.body = body;
        self
    }

    /// Its words with the same ULPDU under a bad check sum, in a good frame.
    pub fn with_bad_crc(self) -> Frame {
        let mut fpdu = self.fpdu().expect("the frame has an FPDU");
        fpdu.crc_good = false;
        self.with_body(fpdu.encode()).encode()
    }

    /// The FPDU of a data frame.
    pub fn fpdu(&self) -> Option<Fpdu> {
        (self.kind == kind::DATA)
            .then(|| Fpdu::decode(&self.body))
            .flatten()
    }

    /// The segment of a data frame, if all of its check sums are good.
    pub fn segment(&self) -> Option<Segment> {
        let fpdu = self
            .fpdu()
            .filter(|fpdu| fpdu.crc_good && self.header_good)?;
        Segment::decode(&fpdu.ulpdu)
    }
}

/// A framed PDU (RFC 5044 section 4.1), without markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fpdu {
    /// What is framed.
    pub ulpdu: Vec<u8>,
    /// Whether its check sum is right.
    pub crc_good: bool,
}

impl Fpdu {
    /// Reads an FPDU that fills `bytes`; none if its length disagrees with them.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
        let padded = (2 + length).next_multiple_of(4);
        if bytes.len() != padded + 4 {
            return None;
        }
        // The CRC goes out with its first byte the least significant one (RFC 5044 section 4.4, as RFC 3720 has it).
        let crc = crc32c(&bytes[..padded]).to_le_bytes();
        Some(Self {
            ulpdu: bytes[2..2 + length].to_vec(),
            crc_good: bytes[padded..] == crc,
        })
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = (self.ulpdu.len() as u16).to_be_bytes().to_vec();
        bytes.extend(&self.ulpdu);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let crc = crc32c(&bytes);
        bytes.extend(if self.crc_good { crc } else { !crc }.to_le_bytes());
        bytes
    }
}

/// Where a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Tagged (RFC 5041 section 4.2).
    Tagged {
        /// STag.
        stag: u32,
        /// Tagged offset.
        to: u64,
    },
    /// Untagged (RFC 5041 section 4.3).
    Untagged {
        /// Reserved for the ULP: RFC 5040's Invalidate STag, or the optional field.
        field: u32,
        /// Queue number.
        qn: u32,
        /// Message sequence number.
        msn: u32,
        /// Message offset.
        mo: u32,
    },
}

/// A DDP segment with its RDMAP control byte (RFC 5040 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Last of its message.
    pub last: bool,
    /// Reserved bits of the DDP control byte.
    pub reserved: u8,
    /// DDP version, 1.
    pub dv: u8,
    /// RDMAP version, 1.
    pub rv: u8,
    /// RDMAP reserved bits: 2 the optional field is valid, 1 it is advertised.
    pub rsv: u8,
    /// RDMAP opcode.
    pub opcode: u8,
    /// Where it goes.
    pub place: Place,
    /// Its bytes.
    pub payload: Vec<u8>,
}

impl Segment {
    /// Reads a ULPDU; none if its header is cut.
    pub fn decode(ulpdu: &[u8]) -> Option<Self> {
        let (&ddp, &rdmap) = (ulpdu.first()?, ulpdu.get(1)?);
        let word = |at: usize| -> Option<u32> {
            let bytes = ulpdu.get(at..at + 4)?;
            Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let (place, header) = if ddp & 0x80 != 0 {
            let to = u64::from(word(6)?) << 32 | u64::from(word(10)?);
            (Place::Tagged { stag: word(2)?, to }, 14)
        } else {
            let place = Place::Untagged {
                field: word(2)?,
                qn: word(6)?,
                msn: word(10)?,
                mo: word(14)?,
            };
            (place, 18)
        };
        Some(Self {
            last: ddp & 0x40 != 0,
            reserved: ddp >> 2 & 0xF,
            dv: ddp & 3,
            rv: rdmap >> 6,
            rsv: rdmap >> 4 & 3,
            opcode: rdmap & 0xF,
            place,
            payload: ulpdu[header..].to_vec(),
        })
    }

    /// Its ULPDU.
    pub fn encode(&self) -> Vec<u8> {
        let tagged = matches!(self.place, Place::Tagged { .. });
        let mut bytes = vec![
            u8::from(tagged) << 7 | u8::from(self.last) << 6 | self.reserved << 2 | self.dv,
            self.rv << 6 | self.rsv << 4 | self.opcode,
        ];
        match self.place {
            Place::Tagged { stag, to } => {
                bytes.extend(stag.to_be_bytes());
                bytes.extend(to.to_be_bytes());
            }
            Place::Untagged { field, qn, msn, mo } => {
                for word in [field, qn, msn, mo] {
                    bytes.extend(word.to_be_bytes());
                }
            }
        }
        bytes.extend(&self.payload);
        bytes
    }

    /// The framed segment.
    pub fn fpdu(&self) -> Vec<u8> {
        Fpdu {
            ulpdu: self.encode(),
            crc_good: true,
        }
        .encode()
    }

    /// The optional field's STag if its valid bit is set, and whether it is advertised.
    pub fn optional_stag(&self) -> Option<(u32, bool)> {
        match self.place {
            Place::Untagged { field, .. } if self.rsv & 2 != 0 => Some((field, self.rsv & 1 != 0)),
            _ => None,
        }
    }

    /// The STag in the 32-bit field of an untagged segment.
    pub fn field(&self) -> u32 {
        match self.place {
            Place::Untagged { field, .. } => field,
            Place::Tagged { stag, .. } => stag,
        }
    }

    /// Terminate control: layer 4 bits, type 4 bits, code 8 bits (RFC 5040 section 4.8).
    pub fn terminate_code(&self) -> Option<u16> {
        let code = self
            .payload
            .get(..2)
            .filter(|_| self.opcode == opcode::TERMINATE)?;
        Some(u16::from_be_bytes([code[0], code[1]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_the_one_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
    }

    #[test]
    fn a_segment_survives_the_round_trip_and_a_damaged_one_shows() {
        let segment = Segment {
            last: true,
            reserved: 0,
            dv: 1,
            rv: 1,
            rsv: 3,
            opcode: opcode::SEND,
            place: Place::Untagged {
                field: 0x1234_5678,
                qn: 0,
                msn: 9,
                mo: 512,
            },
            payload: b"please write".to_vec(),
        };
        let frame = LinkFrame {
            kind: kind::DATA,
            flags: 0,
            destination_vi: 1,
            source_vi: 2,
            sequence: 100,
            acknowledged: 200,
            body_bytes: 0,
            body: Vec::new(),
            header_good: true,
        }
        .with_body(segment.fpdu());
        let mut words = frame.encode();
        let back = LinkFrame::decode(&words).unwrap();
        assert_eq!(back, frame);
        assert_eq!(back.segment(), Some(segment.clone()));
        assert_eq!(segment.optional_stag(), Some((0x1234_5678, true)));
        *words.last_mut().unwrap() ^= 1;
        assert!(!LinkFrame::decode(&words).unwrap().fpdu().unwrap().crc_good);
        words[2] ^= 1;
        assert!(!LinkFrame::decode(&words).unwrap().header_good);
    }
}
