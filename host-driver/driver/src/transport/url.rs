//! URLs of boards: `vfio-user:PATH`, `pci:0000:01:00.0`, `sim:`; each may end in `?address=` ([`crate::address`]).

use crate::address::{split_url, AddressError, HostAddress, URL_KEY};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a board is, and what its network address is to be if not that derived from the place.
///
/// ```
/// use rnic_driver::transport::BoardUrl;
/// let url: BoardUrl = "sim:?address=0a000001".parse().unwrap();
/// assert_eq!(url.address.unwrap().bytes(), [10, 0, 0, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoardUrl {
    /// Where it is.
    pub place: BoardPlace,
    /// Its network address.
    pub address: Option<HostAddress>,
}

/// Where a board is.
///
/// ```
/// use rnic_driver::transport::BoardUrl;
/// for text in ["vfio-user:/tmp/a.sock", "pci:0000:01:00.0?address=0102", "sim:"] {
///     assert_eq!(text.parse::<BoardUrl>().unwrap().to_string(), text);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BoardPlace {
    /// A vfio-user socket.
    VfioUser(PathBuf),
    /// A PCI function under vfio-pci.
    Pci(PciAddress),
    /// The simulator in this process.
    Sim,
}

/// A PCI function.
///
/// ```
/// use rnic_driver::transport::PciAddress;
/// let address: PciAddress = "0000:01:00.0".parse().unwrap();
/// assert_eq!((address.bus, address.function), (1, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PciAddress {
    /// Domain.
    pub domain: u16,
    /// Bus.
    pub bus: u8,
    /// Device, 0 to 31.
    pub device: u8,
    /// Function, 0 to 7.
    pub function: u8,
}

/// Why a URL does not name a board.
///
/// ```
/// use rnic_driver::transport::{BoardUrl, UrlError};
/// assert!(matches!("usb:1".parse::<BoardUrl>(), Err(UrlError::Scheme { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The part before the colon is unknown.
    #[error("`{url}` is not a board: a URL is vfio-user:PATH, pci:0000:01:00.0 or sim:")]
    Scheme {
        /// The whole text.
        url: String,
    },
    /// `vfio-user:` without a path.
    #[error("`{url}` names no socket")]
    Path {
        /// The whole text.
        url: String,
    },
    /// Not a PCI address.
    #[error(
        "`{text}` is not a PCI address: the form is DDDD:BB:DD.F in hexadecimal, {part} is wrong"
    )]
    Pci {
        /// The address as given.
        text: String,
        /// The part that is wrong.
        part: &'static str,
    },
    /// What follows `?address=`.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// `sim:` takes nothing after the colon.
    #[error("`sim:` takes no `{rest}`")]
    Sim {
        /// What followed.
        rest: String,
    },
}

impl FromStr for BoardUrl {
    type Err = UrlError;
    fn from_str(url: &str) -> Result<Self, UrlError> {
        let (board, address) = split_url(url)?;
        let place = match board.split_once(':') {
            Some(("vfio-user", "")) => return Err(UrlError::Path { url: url.into() }),
            Some(("vfio-user", path)) => BoardPlace::VfioUser(path.into()),
            Some(("pci", address)) => BoardPlace::Pci(address.parse()?),
            Some(("sim", "")) => BoardPlace::Sim,
            Some(("sim", rest)) => return Err(UrlError::Sim { rest: rest.into() }),
            _ => return Err(UrlError::Scheme { url: url.into() }),
        };
        Ok(Self { place, address })
    }
}

impl fmt::Display for BoardUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            BoardPlace::VfioUser(path) => write!(f, "vfio-user:{}", path.display())?,
            BoardPlace::Pci(address) => write!(f, "pci:{address}")?,
            BoardPlace::Sim => f.write_str("sim:")?,
        }
        match &self.address {
            Some(address) => write!(f, "{URL_KEY}{address}"),
            None => Ok(()),
        }
    }
}

impl FromStr for PciAddress {
    type Err = UrlError;
    fn from_str(text: &str) -> Result<Self, UrlError> {
        let wrong = |part| UrlError::Pci {
            text: text.into(),
            part,
        };
        let hex = |digits: Option<&str>, width, part| {
            digits
                .filter(|d| d.len() == width && d.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|d| u16::from_str_radix(d, 16).ok())
                .ok_or(wrong(part))
        };
        let mut parts = text.split(':');
        let domain = hex(parts.next(), 4, "the domain")?;
        let bus = hex(parts.next(), 2, "the bus")?;
        let (device, function) = parts
            .next()
            .and_then(|rest| rest.split_once('.'))
            .ok_or(wrong("the device"))?;
        let device = hex(Some(device), 2, "the device")?;
        let function = hex(Some(function), 1, "the function")?;
        if parts.next().is_some() {
            return Err(wrong("the end"));
        }
        if device > 31 {
            return Err(wrong("the device"));
        }
        if function > 7 {
            return Err(wrong("the function"));
        }
        Ok(PciAddress {
            domain,
            bus: bus as u8,
            device: device as u8,
            function: function as u8,
        })
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04x}:{:02x}:{:02x}.{:x}",
            self.domain, self.bus, self.device, self.function
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_wrong_url_names_what_is_wrong() {
        let parse = |url: &str| url.parse::<BoardUrl>().unwrap_err();
        assert!(matches!(parse(""), UrlError::Scheme { .. }));
        assert!(matches!(parse("/tmp/socket"), UrlError::Scheme { .. }));
        assert!(matches!(parse("vfio-user:"), UrlError::Path { .. }));
        assert!(matches!(parse("sim:1"), UrlError::Sim { .. }));
        assert!(matches!(parse("sim:?address=x"), UrlError::Address(_)));
        for (url, wrong) in [
            ("pci:", "the domain"),
            ("pci:01:00.0", "the domain"),
            ("pci:0000:1:00.0", "the bus"),
            ("pci:0000:01:00", "the device"),
            ("pci:0000:01:20.0", "the device"),
            ("pci:0000:01:00.8", "the function"),
            ("pci:0000:01:00.0:1", "the end"),
        ] {
            match parse(url) {
                UrlError::Pci { part, .. } => assert!(
                    part == wrong || url == "pci:0000:01:00.0:1",
                    "{url}: {part}"
                ),
                other => panic!("{url}: {other}"),
            }
        }
    }

    proptest! {
        #[test]
        fn addresses_round_trip(domain: u16, bus: u8, device in 0u8..32, function in 0u8..8) {
            let address = PciAddress { domain, bus, device, function };
            prop_assert_eq!(address.to_string().parse::<PciAddress>().unwrap(), address);
        }
    }
}
