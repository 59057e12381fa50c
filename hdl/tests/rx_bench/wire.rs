//! Frames as the RFCs and the link header describe them, written without looking at the gateware.

use std::iter;

/// CRC32c bit by bit, polynomial as in RFC 3720, most significant term first.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut state = u32::MAX;
    for bit in bytes.iter().flat_map(|&b| (0..8).map(move |i| b >> i & 1)) {
        let out = (state >> 31) as u8 ^ bit;
        state = state << 1 ^ if out == 1 { 0x1EDC_6F41 } else { 0 };
    }
    (!state).reverse_bits()
}

fn fpdu(ulpdu: &[u8]) -> Vec<u8> {
    let mut bytes = (ulpdu.len() as u16).to_be_bytes().to_vec();
    bytes.extend(ulpdu);
    bytes.extend(iter::repeat_n(0, (4 - bytes.len() % 4) % 4));
    let crc = crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// A tagged segment: Write (0) or Read Response (2).
pub fn tagged(opcode: u8, last: bool, stag: u32, to: u64, payload: &[u8]) -> Vec<u8> {
    let mut ulpdu = vec![0x81 | u8::from(last) << 6, 0x40 | opcode];
    ulpdu.extend(stag.to_be_bytes());
    ulpdu.extend(to.to_be_bytes());
    ulpdu.extend(payload);
    fpdu(&ulpdu)
}

/// The numbers of an untagged segment.
#[derive(Clone, Copy, Debug)]
pub struct Untagged {
    pub opcode: u8,
    pub rsv: u8,
    pub last: bool,
    pub field: u32,
    pub qn: u32,
    pub msn: u32,
    pub mo: u32,
}

/// An untagged segment.
pub fn untagged(header: Untagged, payload: &[u8]) -> Vec<u8> {
    let mut ulpdu = vec![
        0x01 | u8::from(header.last) << 6,
        0x40 | header.rsv | header.opcode,
    ];
    for word in [header.field, header.qn, header.msn, header.mo] {
        ulpdu.extend(word.to_be_bytes());
    }
    ulpdu.extend(payload);
    fpdu(&ulpdu)
}

/// A raw frame's bytes.
pub fn raw(payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
    bytes.extend(payload);
    bytes.extend(iter::repeat_n(0, (4 - bytes.len() % 4) % 4));
    let crc = crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// The numbers of a link header.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub kind: u8,
    pub flags: u8,
    pub vi: u8,
    pub from: u8,
    pub sequence: u32,
    pub acknowledged: u32,
}

/// A link frame as words.
pub fn link(header: Link, bytes: &[u8]) -> Vec<u32> {
    let mut head = vec![header.kind, header.flags, header.vi, header.from];
    head.extend(header.sequence.to_le_bytes());
    head.extend(header.acknowledged.to_le_bytes());
    head.extend((bytes.len() as u32).to_le_bytes());
    let crc = crc32c(&head);
    head.extend(crc.to_le_bytes());
    head.extend(bytes);
    head.resize(head.len().next_multiple_of(4), 0);
    head.chunks(4)
        .map(|c| u32::from_le_bytes(c.try_into().unwrap()))
        .collect()
}
