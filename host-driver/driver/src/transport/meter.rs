//! Counts the BAR accesses that pass through a transport, to be compared with the board's and the simulator's own counts.

use super::{Bar, Rights, Transport, TransportError};
use crate::memory::HostMemory;
use rnic_abi::Iova;
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use vmm_sys_util::eventfd::EventFd;

/// BAR accesses made so far; an 8-byte access counts once.
///
/// ```
/// use rnic_driver::transport::BarAccesses;
/// let window = BarAccesses { reads: 5, writes: 9 } - BarAccesses { reads: 5, writes: 2 };
/// assert_eq!(window, BarAccesses { reads: 0, writes: 7 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarAccesses {
    /// Loads.
    pub reads: u64,
    /// Stores.
    pub writes: u64,
}

impl Sub for BarAccesses {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self {
            reads: self.reads.wrapping_sub(earlier.reads),
            writes: self.writes.wrapping_sub(earlier.writes),
        }
    }
}

/// A transport that counts.
///
/// ```no_run
/// use rnic_driver::transport::{self, Bar, Metered};
/// let board = Metered::new(transport::open(&"vfio-user:/tmp/a.sock".parse()?)?);
/// board.bar_read32(Bar::Registers, 0)?;
/// assert_eq!(board.accesses().reads, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Metered {
    inner: Box<dyn Transport>,
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Metered {
    /// Counts what passes through `inner`.
    pub fn new(inner: Box<dyn Transport>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        })
    }

    /// Accesses so far.
    pub fn accesses(&self) -> BarAccesses {
        BarAccesses {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
        }
    }

    /// Loads 4 bytes.
    pub fn bar_read32(&self, bar: Bar, offset: u32) -> Result<u32, TransportError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.bar_read32(bar, offset)
    }

    /// Loads 8 bytes atomically.
    pub fn bar_read64(&self, bar: Bar, offset: u32) -> Result<u64, TransportError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.bar_read64(bar, offset)
    }

    /// Stores 4 bytes.
    pub fn bar_write32(&self, bar: Bar, offset: u32, value: u32) -> Result<(), TransportError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.bar_write32(bar, offset, value)
    }

    /// Stores 8 bytes in one access.
    pub fn bar_write64(&self, bar: Bar, offset: u32, value: u64) -> Result<(), TransportError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.bar_write64(bar, offset, value)
    }

    /// See [`Transport::dma_map`].
    pub fn dma_map(
        &self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        rights: Rights,
    ) -> Result<(), TransportError> {
        self.inner.dma_map(iova, memory, rights)
    }

    /// See [`Transport::dma_unmap`].
    pub fn dma_unmap(&self, iova: Iova, bytes: u64) -> Result<(), TransportError> {
        self.inner.dma_unmap(iova, bytes)
    }

    /// See [`Transport::enable_msix`].
    pub fn enable_msix(&self, eventfds: Vec<EventFd>) -> Result<(), TransportError> {
        self.inner.enable_msix(eventfds)
    }

    /// See [`Transport::reset`].
    pub fn reset(&self) -> Result<(), TransportError> {
        self.inner.reset()
    }

    /// See [`Transport::url`].
    pub fn url(&self) -> String {
        self.inner.url()
    }

    /// See [`Transport::poll`].
    pub fn poll(&self) -> Result<(), TransportError> {
        self.inner.poll()
    }

    /// See [`Transport::now`].
    pub fn now(&self) -> Duration {
        self.inner.now()
    }

    /// See [`Transport::wait`].
    pub fn wait(&self, eventfd: &EventFd, timeout: Duration) -> Result<bool, TransportError> {
        self.inner.wait(eventfd, timeout)
    }
}
