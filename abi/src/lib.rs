//! The contract between gateware, firmware, simulator and driver: every number that two of them share is typed here, once.
//!
//! Nothing in this crate moves data or knows how the gateware is built. The modules follow the path of one operation:
//! [`config`] says how large a board is, [`registers`] what its BARs hold, [`command`] and [`descriptor`] what the host
//! posts, [`wire`] what crosses to the peer, [`completion`] what comes back, [`event`] and [`error`] what goes wrong, and
//! [`step`] names the steps with their counters.
#![no_std]
#![deny(missing_docs)]

pub mod command;
pub mod completion;
pub mod config;
pub mod descriptor;
pub mod error;
pub mod event;
pub mod registers;
pub mod step;
pub mod wire;

/// Version of this contract; the driver refuses a board whose `ABI_VERSION` register differs.
pub const ABI_VERSION: u32 = 1;

/// A steering tag: table index << 8 | key (RFC 5040 section 1.2; VIA's memory handle is the same number).
///
/// ```
/// use rnic_abi::Stag;
/// let stag = Stag::new(5, 0xA7);
/// assert_eq!((stag.0, stag.index(), stag.key()), (0x5A7, 5, 0xA7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stag(pub u32);

impl Stag {
    /// The STag of TPT entry `index` under `key`.
    pub const fn new(index: u32, key: u8) -> Self {
        Self(index << 8 | key as u32)
    }
    /// Index of the TPT entry.
    pub const fn index(self) -> u32 {
        self.0 >> 8
    }
    /// The key that the entry must hold.
    pub const fn key(self) -> u8 {
        self.0 as u8
    }
}

impl core::fmt::Display for Stag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

/// An I/O virtual address: what the board puts on the bus and the IOMMU translates.
///
/// ```
/// assert_eq!(rnic_abi::Iova(0x1000).0, 4096);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Iova(pub u64);

/// A message sequence number (RFC 5041 section 4.3): counts messages of one queue, from 1.
///
/// ```
/// assert_eq!(rnic_abi::Msn(1).0, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msn(pub u32);
