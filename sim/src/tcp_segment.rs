//! One Ethernet frame with an IPv4 packet with a TCP segment, as bytes with good check sums.
//!
//! Board b has the MAC 02:00:00:00:00:b+1 and the address 10.0.0.b+1. No options, no fragments, a window that never closes.

const ETHERNET_BYTES: usize = 14;
const IP_BYTES: usize = 20;
const TCP_BYTES: usize = 20;
const ETHERTYPE_IPV4: u16 = 0x0800;
const PROTOCOL_TCP: u8 = 6;
const TIME_TO_LIVE: u8 = 64;
const DO_NOT_FRAGMENT: u16 = 0x4000;

/// TCP control bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const SYN: Self = Self(0x02);
    pub(crate) const SYN_ACK: Self = Self(0x12);
    pub(crate) const ACK: Self = Self(0x10);
    const PUSH: u8 = 0x08;
}

/// A segment to be written. Ends are (board, port).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) source: (u8, u16),
    pub(crate) destination: (u8, u16),
    pub(crate) sequence: u32,
    pub(crate) acknowledged: u32,
    pub(crate) flags: Flags,
    pub(crate) payload: &'a [u8],
}

impl Segment<'_> {
    /// The same with stream bytes.
    pub(crate) fn carrying<'b>(self, payload: &'b [u8]) -> Segment<'b> {
        Segment {
            source: self.source,
            destination: self.destination,
            sequence: self.sequence,
            acknowledged: self.acknowledged,
            flags: self.flags,
            payload,
        }
    }

    /// All bytes, from the destination MAC on.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(ETHERNET_BYTES + IP_BYTES + TCP_BYTES + self.payload.len());
        bytes.extend_from_slice(&mac(self.destination.0));
        bytes.extend_from_slice(&mac(self.source.0));
        bytes.extend_from_slice(&ETHERTYPE_IPV4.to_be_bytes());

        let tcp_bytes = (TCP_BYTES + self.payload.len()) as u16;
        let mut ip = [0; IP_BYTES];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&(IP_BYTES as u16 + tcp_bytes).to_be_bytes());
        ip[6..8].copy_from_slice(&DO_NOT_FRAGMENT.to_be_bytes());
        ip[8] = TIME_TO_LIVE;
        ip[9] = PROTOCOL_TCP;
        ip[12..16].copy_from_slice(&address(self.source.0));
        ip[16..20].copy_from_slice(&address(self.destination.0));
        let sum = check_sum(&[&ip]);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend_from_slice(&ip);

        let mut tcp = [0; TCP_BYTES];
        tcp[0..2].copy_from_slice(&self.source.1.to_be_bytes());
        tcp[2..4].copy_from_slice(&self.destination.1.to_be_bytes());
        tcp[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        tcp[8..12].copy_from_slice(&self.acknowledged.to_be_bytes());
        tcp[12] = ((TCP_BYTES / 4) << 4) as u8;
        tcp[13] = self.flags.0;
        if !self.payload.is_empty() {
            tcp[13] |= Flags::PUSH;
        }
        tcp[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        let protocol = [0, PROTOCOL_TCP];
        let length = tcp_bytes.to_be_bytes();
        let sum = check_sum(&[&ip[12..20], &protocol, &length, &tcp, self.payload]);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes.extend_from_slice(&tcp);
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

fn mac(board: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, board + 1]
}

fn address(board: u8) -> [u8; 4] {
    [10, 0, 0, board + 1]
}

/// The Internet check sum (RFC 1071) over parts of which all but the last have an even length.
fn check_sum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for two in part.chunks(2) {
            let low = two.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([two[0], low]));
        }
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_of_rfc_1071() {
        let data = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7];
        assert_eq!(check_sum(&[&data]), !0xDDF2);
    }
}
