//! What carries BAR accesses, DMA mappings and interrupts to a board. Nothing above this module knows which one it is.
//!
//! A transport does not know registers, rings or what memory is used for; it counts nothing (see [`Metered`]).
//!
//! ```text
//!            Board, rings, memory, VIs
//!                      |
//!                   Metered          counts BAR accesses
//!                      |
//!                dyn Transport
//!          /           |            \
//!    VfioUser       VfioPci       InProcess<B: BoardPort>
//!    (socket)      (kernel)       (simulator in this process)
//! ```

mod in_process;
mod meter;
mod url;
mod vfio_pci;
mod vfio_user;

pub use in_process::{BoardPort, InProcess};
pub use meter::{BarAccesses, Metered};
pub use url::{BoardPlace, BoardUrl, PciAddress, UrlError};
pub use vfio_pci::VfioPci;
pub use vfio_user::VfioUser;

use crate::memory::HostMemory;
use rnic_abi::Iova;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vmm_sys_util::eventfd::EventFd;

/// One of the board's BARs.
///
/// ```
/// use rnic_driver::transport::Bar;
/// assert_eq!(Bar::Commands.number(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bar {
    /// BAR0: registers and counters.
    Registers,
    /// BAR2: one doorbell page per VI.
    Doorbells,
    /// BAR4: command ring and slots.
    Commands,
}

impl Bar {
    /// Number of the BAR, which is also its VFIO region index.
    pub const fn number(self) -> u8 {
        match self {
            Bar::Registers => 0,
            Bar::Doorbells => 2,
            Bar::Commands => 4,
        }
    }
}

/// What the board may do with mapped memory.
///
/// ```
/// use rnic_driver::transport::Rights;
/// assert!(Rights::ReadWrite.board_may_write() && !Rights::ReadOnly.board_may_write());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rights {
    /// The board may read.
    ReadOnly,
    /// The board may read and write.
    ReadWrite,
}

impl Rights {
    /// Whether the board may write.
    pub const fn board_may_write(self) -> bool {
        matches!(self, Rights::ReadWrite)
    }
}

/// A board at the other end of some attachment.
///
/// All offsets are in bytes and naturally aligned; an 8-byte access is one call and one access of the bus.
/// An implementor is complete with the first nine methods:
///
/// ```
/// use rnic_driver::transport::{Bar, Rights, Transport, TransportError};
/// use rnic_driver::memory::HostMemory;
/// use rnic_abi::Iova;
/// use vmm_sys_util::eventfd::EventFd;
/// use std::sync::Arc;
/// struct Nothing;
/// impl Transport for Nothing {
///     fn bar_read32(&self, _: Bar, _: u32) -> Result<u32, TransportError> { Ok(!0) }
///     fn bar_read64(&self, _: Bar, _: u32) -> Result<u64, TransportError> { Ok(!0) }
///     fn bar_write32(&self, _: Bar, _: u32, _: u32) -> Result<(), TransportError> { Ok(()) }
///     fn bar_write64(&self, _: Bar, _: u32, _: u64) -> Result<(), TransportError> { Ok(()) }
///     fn dma_map(&self, _: Iova, _: &Arc<HostMemory>, _: Rights) -> Result<(), TransportError> { Ok(()) }
///     fn dma_unmap(&self, _: Iova, _: u64) -> Result<(), TransportError> { Ok(()) }
///     fn enable_msix(&self, _: Vec<EventFd>) -> Result<(), TransportError> { Ok(()) }
///     fn reset(&self) -> Result<(), TransportError> { Ok(()) }
///     fn url(&self) -> String { "nothing:".into() }
/// }
/// assert_eq!(Nothing.bar_read32(Bar::Registers, 0).unwrap(), u32::MAX);
/// ```
pub trait Transport: Send + Sync {
    /// Loads 4 bytes.
    fn bar_read32(&self, bar: Bar, offset: u32) -> Result<u32, TransportError>;
    /// Loads 8 bytes atomically.
    fn bar_read64(&self, bar: Bar, offset: u32) -> Result<u64, TransportError>;
    /// Stores 4 bytes.
    fn bar_write32(&self, bar: Bar, offset: u32, value: u32) -> Result<(), TransportError>;
    /// Stores 8 bytes in one access.
    fn bar_write64(&self, bar: Bar, offset: u32, value: u64) -> Result<(), TransportError>;
    /// Lets the board reach all of `memory` at `iova`.
    fn dma_map(
        &self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        rights: Rights,
    ) -> Result<(), TransportError>;
    /// Ends a mapping; returns when no access to it is on its way any more.
    fn dma_unmap(&self, iova: Iova, bytes: u64) -> Result<(), TransportError>;
    /// Joins MSI-X vector i to eventfd i; an empty list turns MSI-X off.
    fn enable_msix(&self, eventfds: Vec<EventFd>) -> Result<(), TransportError>;
    /// Resets the device through its attachment.
    fn reset(&self) -> Result<(), TransportError>;
    /// Where the board is.
    fn url(&self) -> String;
    /// Lets time pass for a board that only runs when asked to; others ignore it.
    fn poll(&self) -> Result<(), TransportError> {
        Ok(())
    }
    /// Time since some fixed moment, by the clock that the board's peers live by.
    fn now(&self) -> Duration {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
    /// Waits until `eventfd` is readable or `timeout` has passed; true if it is readable. Does not read it.
    fn wait(&self, eventfd: &EventFd, timeout: Duration) -> Result<bool, TransportError> {
        wait_readable(eventfd, timeout).map_err(|source| TransportError::Wait { source })
    }
}

/// poll(2) on one eventfd.
pub(crate) fn wait_readable(eventfd: &EventFd, timeout: Duration) -> io::Result<bool> {
    let mut fds = libc::pollfd {
        fd: eventfd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let millis = libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: `fds` is one valid pollfd that outlives the call.
    let ready = unsafe { libc::poll(&mut fds, 1, millis) };
    match ready {
        0 => Ok(false),
        n if n > 0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}

/// Opens the transport that a URL names; `sim:` has none outside the process that simulates.
///
/// ```
/// use rnic_driver::transport::{self, TransportError};
/// let error = transport::open(&"vfio-user:/no/such/socket".parse().unwrap()).err().unwrap();
/// assert!(matches!(error, TransportError::Connect { .. }));
/// ```
pub fn open(url: &BoardUrl) -> Result<Box<dyn Transport>, TransportError> {
    match &url.place {
        BoardPlace::VfioUser(path) => Ok(Box::new(VfioUser::connect(path)?)),
        BoardPlace::Pci(address) => Ok(Box::new(VfioPci::open(*address)?)),
        BoardPlace::Sim => Err(TransportError::NoSimulator),
    }
}

/// Why a transport failed.
///
/// ```
/// let error = rnic_driver::transport::TransportError::NoSimulator;
/// assert!(error.to_string().contains("sim:"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The socket could not be connected.
    #[error("no vfio-user server answers at {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the client said.
        source: ::vfio_user::Error,
    },
    /// Something has the socket and says nothing.
    #[error("the server at {} does not answer within {limit:?}: is the board in use?", path.display())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// A BAR is smaller than the contract says.
    #[error("BAR{bar} has {bytes} bytes, the register map needs {needed}")]
    BarTooSmall {
        /// BAR number.
        bar: u8,
        /// Its size.
        bytes: u64,
        /// What the map needs.
        needed: u64,
    },
    /// A message to the server failed.
    #[error("{operation} over vfio-user failed at 0x{at:x}: {source}")]
    Message {
        /// What was tried.
        operation: &'static str,
        /// Offset or IOVA.
        at: u64,
        /// What the client said.
        source: ::vfio_user::Error,
    },
    /// This machine has no VFIO.
    #[error("/dev/vfio/vfio is not there: load the vfio-pci module (or use a vfio-user board)")]
    NoVfio,
    /// There is no such PCI function.
    #[error("there is no PCI device {address} ({})", path.display())]
    NoSuchDevice {
        /// The address asked for.
        address: PciAddress,
        /// Where it would be.
        path: PathBuf,
    },
    /// The device has no IOMMU group.
    #[error("PCI device {address} is in no IOMMU group: turn the IOMMU on")]
    NoIommuGroup {
        /// The device.
        address: PciAddress,
    },
    /// The device is not bound to vfio-pci.
    #[error("PCI device {address} is bound to {bound}, not to vfio-pci")]
    NotBound {
        /// The device.
        address: PciAddress,
        /// Its driver, or "no driver".
        bound: String,
    },
    /// A device file may not be opened.
    #[error("no permission to open {}: {source}", path.display())]
    NoPermission {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A VFIO call failed.
    #[error("{operation} of {address} failed: {source}")]
    Vfio {
        /// What was tried.
        operation: &'static str,
        /// The device.
        address: PciAddress,
        /// What it said.
        source: vfio_ioctls::VfioError,
    },
    /// A system call failed.
    #[error("{operation} failed: {source}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// An access outside a BAR.
    #[error("offset 0x{offset:x} is not an aligned {bytes}-byte access inside BAR{bar}")]
    Offset {
        /// BAR number.
        bar: u8,
        /// Byte offset.
        offset: u32,
        /// Access size.
        bytes: u32,
    },
    /// Waiting for an interrupt failed.
    #[error("waiting for an interrupt failed: {source}")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
    /// Memory for this attachment needs a file.
    #[error("memory at iova 0x{iova:x} has no file behind it")]
    NoFile {
        /// Where it would have been mapped.
        iova: u64,
    },
    /// The simulated board refused.
    #[error("the board in this process refused {operation} at 0x{at:x}: {reason}")]
    Port {
        /// What was tried.
        operation: &'static str,
        /// Offset or IOVA.
        at: u64,
        /// Why.
        reason: String,
    },
    /// `sim:` was asked for outside the process that simulates.
    #[error("sim: names a board inside the simulator's own process; another process reaches it as vfio-user:PATH")]
    NoSimulator,
}
