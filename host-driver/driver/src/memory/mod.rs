//! Host memory that the board can reach: page-aligned memfds, IOVAs for them, and DMA mappings that end when dropped.
//!
//! The board writes this memory at any time, so it is never borrowed as a Rust slice: bytes are copied in and out through
//! vm-memory's volatile slices, and words that order others are atomics.
//!
//! ```text
//! HostMemory (memfd, mmap) <- Mapping (IOVA, unmapped on drop) <- Buffer (a range of it; clones share the mapping)
//! ```

mod buffer;
mod iova;

pub use buffer::{Buffer, GuardedBuffer, Mapping};
pub use iova::{IovaAllocator, PAGE_BYTES};

use crate::transport::TransportError;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
use std::sync::Arc;
use vm_memory::{FileOffset, MmapRegion};

/// Page-aligned memory of this process, backed by a memfd so that another process can map it too.
///
/// ```
/// use rnic_driver::memory::HostMemory;
/// let memory = HostMemory::new("example", 5000).unwrap();
/// assert_eq!(memory.bytes(), 8192);
/// assert!(memory.file().is_some());
/// ```
pub struct HostMemory {
    region: MmapRegion<()>,
}

impl HostMemory {
    /// Zeroed memory of at least `bytes`, rounded up to whole pages. The name shows in /proc/PID/maps.
    pub fn new(name: &str, bytes: usize) -> Result<Arc<Self>, MemoryError> {
        let size = bytes
            .checked_next_multiple_of(PAGE_BYTES as usize)
            .filter(|_| bytes > 0);
        let size = size.ok_or(MemoryError::Size { bytes })?;
        let name =
            std::ffi::CString::new(name).map_err(|_| MemoryError::Name { name: name.into() })?;
        // SAFETY: `name` is a valid C string; the call has no other precondition.
        let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(MemoryError::System {
                operation: "memfd_create",
                bytes,
                source: io::Error::last_os_error(),
            });
        }
        // SAFETY: the descriptor is new and nobody else owns it.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(size as u64)
            .map_err(|source| MemoryError::System {
                operation: "sizing a memfd",
                bytes,
                source,
            })?;
        let region = MmapRegion::from_file(FileOffset::new(file, 0), size).map_err(|error| {
            MemoryError::System {
                operation: "mmap",
                bytes,
                source: io::Error::other(error),
            }
        })?;
        Ok(Arc::new(Self { region }))
    }

    /// Size, a multiple of the page size.
    pub fn bytes(&self) -> usize {
        self.region.size()
    }

    /// First byte in this process. Reach it with volatile or atomic accesses only.
    pub fn host_address(&self) -> *mut u8 {
        self.region.as_ptr()
    }

    /// The memfd; the memory starts at its offset 0.
    pub fn file(&self) -> Option<&File> {
        self.region.file_offset().map(FileOffset::file)
    }

    /// The whole memory as vm-memory sees it.
    pub fn region(&self) -> &MmapRegion<()> {
        &self.region
    }
}

/// Why memory could not be had, mapped or accessed.
///
/// ```
/// use rnic_driver::memory::{HostMemory, MemoryError};
/// assert!(matches!(HostMemory::new("none", 0), Err(MemoryError::Size { bytes: 0 })));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// Zero bytes, or more than an address holds.
    #[error("memory of {bytes} bytes cannot be allocated")]
    Size {
        /// Bytes asked for.
        bytes: usize,
    },
    /// The name has a zero byte.
    #[error("memory cannot be called {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// The kernel refused.
    #[error("{operation} of {bytes} bytes failed: {source}")]
    System {
        /// The call.
        operation: &'static str,
        /// Bytes asked for.
        bytes: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// No IOVA range is left.
    #[error("no free range of {bytes} bytes among the I/O virtual addresses")]
    NoIova {
        /// Bytes asked for.
        bytes: u64,
    },
    /// The transport could not map it.
    #[error("memory of {bytes} bytes could not be mapped for DMA: {source}")]
    Map {
        /// Bytes.
        bytes: usize,
        /// What the transport said.
        source: TransportError,
    },
    /// An access outside a buffer.
    #[error("bytes {offset} to {offset}+{bytes} are outside a buffer of {buffer_bytes} bytes")]
    Range {
        /// First byte.
        offset: usize,
        /// Byte count.
        bytes: usize,
        /// Bytes of the buffer.
        buffer_bytes: usize,
    },
    /// A word access that is not aligned.
    #[error("offset {offset} is not aligned for {bytes}-byte words")]
    Alignment {
        /// Offset in the buffer.
        offset: usize,
        /// Word size.
        bytes: usize,
    },
    /// A guard byte has changed.
    #[error("guard byte {offset} bytes {side} the buffer is 0x{found:02x}, not 0x{expected:02x}")]
    Guard {
        /// "before" or "after".
        side: &'static str,
        /// Distance, from 1.
        offset: usize,
        /// What it was.
        expected: u8,
        /// What it is.
        found: u8,
    },
}
