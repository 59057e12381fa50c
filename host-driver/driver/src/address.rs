//! Network addresses (seed 003 section 3.3): a host address, which names a board, and a discriminator, which names a
//! service or a program behind it.
//!
//! A host address is 1 to 16 bytes. A board's own is eight bytes derived from its URL, or what `?address=` at the end of the
//! URL says in hexadecimal: `vfio-user:/tmp/a.sock?address=0a000001`. The same board named by two different paths has two
//! addresses, so peers agree on a path or give addresses. [`HostAddress::ANY`] is for a destination alone: whichever other
//! board the wire has.

use std::fmt;
use std::str::FromStr;

/// Most bytes of a host address.
pub const HOST_MAX_BYTES: usize = 16;
/// Most bytes of a discriminator.
pub const DISCRIMINATOR_MAX_BYTES: usize = 64;
/// What introduces the address in a board's URL.
pub(crate) const URL_KEY: &str = "?address=";

/// Bytes that are compared with their length: a prefix is another value, and so is one that is longer by a zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Bytes<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Bytes<N> {
    const EMPTY: Self = Self {
        bytes: [0; N],
        length: 0,
    };

    fn new(field: &'static str, bytes: &[u8]) -> Result<Self, AddressError> {
        let mut this = Self::EMPTY;
        let target = this
            .bytes
            .get_mut(..bytes.len())
            .ok_or(AddressError::Length {
                field,
                bytes: bytes.len(),
                most: N,
            })?;
        target.copy_from_slice(bytes);
        this.length = bytes.len() as u8;
        Ok(this)
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Names a board.
///
/// ```
/// use rnic_driver::address::HostAddress;
/// let address: HostAddress = "0a000001".parse().unwrap();
/// assert_eq!(address.bytes(), [10, 0, 0, 1]);
/// assert_eq!(HostAddress::of_url("vfio-user:/tmp/a.sock").bytes().len(), 8);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostAddress(Bytes<HOST_MAX_BYTES>);

impl HostAddress {
    /// As a destination: whichever other board is on the wire. No board has it.
    pub const ANY: Self = Self(Bytes::EMPTY);

    /// An address of these bytes; none at all is [`ANY`](Self::ANY).
    pub fn new(bytes: &[u8]) -> Result<Self, AddressError> {
        Ok(Self(Bytes::new("host address", bytes)?))
    }

    /// The address of the board with this URL: the eight bytes of the FNV-1a sum of its text, most significant first.
    pub fn of_url(url: &str) -> Self {
        const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01B3;
        let mut bytes = Bytes::EMPTY;
        let sum = url.bytes().fold(BASIS, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(PRIME)
        });
        bytes.bytes[..8].copy_from_slice(&sum.to_be_bytes());
        bytes.length = 8;
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Whether it is [`ANY`](Self::ANY).
    pub fn is_any(&self) -> bool {
        self.0.length == 0
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostAddress({self})")
    }
}

impl FromStr for HostAddress {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError::Digits { text: text.into() };
        if text.is_empty() || text.len() % 2 != 0 || !text.is_ascii() {
            return Err(wrong());
        }
        let bytes = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong()))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(&bytes)
    }
}

/// Names a service, or a program, at a host.
///
/// ```
/// use rnic_driver::address::Discriminator;
/// assert_ne!(Discriminator::new(b"echo").unwrap(), Discriminator::new(b"echo\0").unwrap());
/// assert!(Discriminator::new(&[0; 65]).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Discriminator(Bytes<DISCRIMINATOR_MAX_BYTES>);

impl Discriminator {
    /// The discriminator of no bytes.
    pub const NONE: Self = Self(Bytes::EMPTY);

    /// A discriminator of these bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, AddressError> {
        Ok(Self(Bytes::new("discriminator", bytes)?))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for Discriminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Discriminator({})", self.bytes().escape_ascii())
    }
}

/// A host and a discriminator there.
///
/// ```
/// use rnic_driver::address::{Discriminator, HostAddress, NetAddress};
/// let echo = NetAddress { host: HostAddress::ANY, discriminator: Discriminator::new(b"echo").unwrap() };
/// assert!(echo.host.is_any());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetAddress {
    /// The board.
    pub host: HostAddress,
    /// The service there.
    pub discriminator: Discriminator,
}

/// Parts a board's URL from the address at its end.
pub(crate) fn split_url(url: &str) -> Result<(&str, Option<HostAddress>), AddressError> {
    match url.split_once(URL_KEY) {
        Some((board, address)) => Ok((board, Some(address.parse()?))),
        None => Ok((url, None)),
    }
}

/// Why bytes or text are no address.
///
/// ```
/// use rnic_driver::address::HostAddress;
/// assert_eq!(HostAddress::new(&[1; 17]).unwrap_err().to_string(), "a host address of 17 bytes; it has at most 16");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Too long.
    #[error("a {field} of {bytes} bytes; it has at most {most}")]
    Length {
        /// Host address or discriminator.
        field: &'static str,
        /// Its bytes.
        bytes: usize,
        /// The most it may have.
        most: usize,
    },
    /// Not hexadecimal.
    #[error("host address `{text}` is not two hexadecimal digits a byte")]
    Digits {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_agree() {
        let address = HostAddress::new(&[0, 255, 16]).unwrap();
        assert_eq!(address.to_string(), "00ff10");
        assert_eq!("00ff10".parse(), Ok(address));
        for wrong in ["", "0", "0g", "é"] {
            assert!(matches!(
                wrong.parse::<HostAddress>(),
                Err(AddressError::Digits { .. })
            ));
        }
        let long = "00".repeat(17);
        assert!(matches!(
            long.parse::<HostAddress>(),
            Err(AddressError::Length { bytes: 17, .. })
        ));
    }

    /// FNV-1a of "a" is af63dc4c8601ec8c (the function's published test vector).
    #[test]
    fn a_url_has_a_stable_address() {
        assert_eq!(HostAddress::of_url("a").to_string(), "af63dc4c8601ec8c");
        assert_ne!(
            HostAddress::of_url("vfio-user:/a"),
            HostAddress::of_url("vfio-user:/b")
        );
    }

    #[test]
    fn an_address_may_stand_in_the_url() {
        let address = HostAddress::new(&[1, 2]).unwrap();
        assert_eq!(
            split_url("vfio-user:/a?address=0102"),
            Ok(("vfio-user:/a", Some(address)))
        );
        assert_eq!(split_url("vfio-user:/a"), Ok(("vfio-user:/a", None)));
        assert!(split_url("vfio-user:/a?address=").is_err());
    }
}
