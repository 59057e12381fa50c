//! Mapped memory and ranges of it.

use super::{HostMemory, IovaAllocator, MemoryError};
use crate::transport::{Metered, Rights};
use rnic_abi::Iova;
use std::ops::{Bound, RangeBounds};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use vm_memory::{Bytes, VolatileMemory};

/// Memory mapped for the board. Dropping the last holder unmaps it and frees its IOVA.
///
/// ```no_run
/// use rnic_driver::board::{Board, Options};
/// use rnic_driver::transport::Rights;
/// let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let buffer = board.allocate("payload", 65536)?;
/// assert_eq!(buffer.mapping().rights(), Rights::ReadWrite);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Mapping {
    memory: Arc<HostMemory>,
    iova: Iova,
    rights: Rights,
    transport: Arc<Metered>,
    iovas: Arc<Mutex<IovaAllocator>>,
}

impl Mapping {
    /// Maps `memory` for the board behind `transport`.
    pub(crate) fn new(
        transport: &Arc<Metered>,
        iovas: &Arc<Mutex<IovaAllocator>>,
        memory: Arc<HostMemory>,
        rights: Rights,
    ) -> Result<Arc<Self>, MemoryError> {
        let bytes = memory.bytes();
        let free = || iovas.lock().unwrap_or_else(PoisonError::into_inner);
        let iova = free().allocate(bytes as u64).ok_or(MemoryError::NoIova {
            bytes: bytes as u64,
        })?;
        if let Err(source) = transport.dma_map(iova, &memory, rights) {
            free().free(iova);
            return Err(MemoryError::Map { bytes, source });
        }
        Ok(Arc::new(Self {
            memory,
            iova,
            rights,
            transport: transport.clone(),
            iovas: iovas.clone(),
        }))
    }

    /// Where the board sees its first byte.
    pub fn iova(&self) -> Iova {
        self.iova
    }

    /// What the board may do.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// The memory.
    pub fn memory(&self) -> &Arc<HostMemory> {
        &self.memory
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A transport that fails here is gone, and its mappings with it. The IOVA is free only if the unmap is sure.
        if self
            .transport
            .dma_unmap(self.iova, self.memory.bytes() as u64)
            .is_ok()
        {
            self.iovas
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .free(self.iova);
        }
    }
}

/// A range of mapped memory. Clones and slices share the mapping and keep it alive.
///
/// ```no_run
/// # use rnic_driver::board::{Board, Options};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let buffer = board.allocate("payload", 4096)?;
/// let tail = buffer.slice(4000..)?;
/// tail.write(0, b"abc")?;
/// assert_eq!(buffer.to_vec(4000, 3)?, b"abc");
/// assert_eq!(tail.iova().0, buffer.iova().0 + 4000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Buffer {
    mapping: Arc<Mapping>,
    offset: usize,
    bytes: usize,
}

impl Buffer {
    /// All of a mapping's first `bytes`.
    pub(crate) fn new(mapping: Arc<Mapping>, bytes: usize) -> Result<Self, MemoryError> {
        let buffer_bytes = mapping.memory.bytes();
        if bytes > buffer_bytes {
            return Err(MemoryError::Range {
                offset: 0,
                bytes,
                buffer_bytes,
            });
        }
        Ok(Self {
            mapping,
            offset: 0,
            bytes,
        })
    }

    /// Byte count.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether it holds no byte.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Where the board sees its first byte.
    pub fn iova(&self) -> Iova {
        Iova(self.mapping.iova.0 + self.offset as u64)
    }

    /// The mapping that it is a part of.
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// A part of it.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Buffer, MemoryError> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.bytes,
        };
        let bytes = end.saturating_sub(start);
        if start > end {
            return Err(MemoryError::Range {
                offset: start,
                bytes,
                buffer_bytes: self.bytes,
            });
        }
        self.check(start, bytes)?;
        Ok(Buffer {
            mapping: self.mapping.clone(),
            offset: self.offset + start,
            bytes,
        })
    }

    /// Copies `source` to `offset`.
    pub fn write(&self, offset: usize, source: &[u8]) -> Result<(), MemoryError> {
        let range = self.range(offset, source.len());
        let slice = self.volatile(offset, source.len())?;
        slice.write_slice(source, 0).map_err(|_| range)
    }

    /// Copies from `offset` into `target`.
    pub fn read(&self, offset: usize, target: &mut [u8]) -> Result<(), MemoryError> {
        let range = self.range(offset, target.len());
        let slice = self.volatile(offset, target.len())?;
        slice.read_slice(target, 0).map_err(|_| range)
    }

    /// Copies `bytes` from `offset` out.
    pub fn to_vec(&self, offset: usize, bytes: usize) -> Result<Vec<u8>, MemoryError> {
        self.check(offset, bytes)?;
        let mut target = vec![0; bytes];
        self.read(offset, &mut target)?;
        Ok(target)
    }

    /// Sets every byte.
    pub fn fill(&self, value: u8) -> Result<(), MemoryError> {
        const CHUNK: usize = 4096;
        let chunk = [value; CHUNK];
        for offset in (0..self.bytes).step_by(CHUNK) {
            self.write(offset, &chunk[..CHUNK.min(self.bytes - offset)])?;
        }
        Ok(())
    }

    /// Loads a word with acquire order: what the board wrote before it is visible after it.
    pub fn load_u32(&self, offset: usize) -> Result<u32, MemoryError> {
        Ok(u32::from_le(
            self.atomic::<AtomicU32>(offset, 4)?.load(Ordering::Acquire),
        ))
    }

    /// Loads an 8-byte word with acquire order.
    pub fn load_u64(&self, offset: usize) -> Result<u64, MemoryError> {
        Ok(u64::from_le(
            self.atomic::<AtomicU64>(offset, 8)?.load(Ordering::Acquire),
        ))
    }

    /// Stores an 8-byte word with release order.
    pub fn store_u64(&self, offset: usize, value: u64) -> Result<(), MemoryError> {
        self.atomic::<AtomicU64>(offset, 8)?
            .store(value.to_le(), Ordering::Release);
        Ok(())
    }

    fn atomic<T: vm_memory::AtomicInteger>(
        &self,
        offset: usize,
        bytes: usize,
    ) -> Result<&T, MemoryError> {
        self.check(offset, bytes)?;
        // The mapping is page aligned, so the offset alone decides.
        if (self.offset + offset) % bytes != 0 {
            return Err(MemoryError::Alignment { offset, bytes });
        }
        self.mapping
            .memory
            .region()
            .get_atomic_ref(self.offset + offset)
            .map_err(|_| self.range(offset, bytes))
    }

    fn volatile(
        &self,
        offset: usize,
        bytes: usize,
    ) -> Result<vm_memory::VolatileSlice<'_>, MemoryError> {
        self.check(offset, bytes)?;
        self.mapping
            .memory
            .region()
            .get_slice(self.offset + offset, bytes)
            .map_err(|_| self.range(offset, bytes))
    }

    fn check(&self, offset: usize, bytes: usize) -> Result<(), MemoryError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.bytes => Ok(()),
            _ => Err(self.range(offset, bytes)),
        }
    }

    fn range(&self, offset: usize, bytes: usize) -> MemoryError {
        MemoryError::Range {
            offset,
            bytes,
            buffer_bytes: self.bytes,
        }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Buffer {{ iova: 0x{:x}, bytes: {} }}",
            self.iova().0,
            self.bytes
        )
    }
}

/// A buffer between guard bytes, to prove that nothing outside a granted range was touched.
///
/// ```no_run
/// # use rnic_driver::board::{Board, Options};
/// # use rnic_driver::memory::GuardedBuffer;
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let guarded = GuardedBuffer::new(board.allocate("guarded", 4096)?, 64)?;
/// assert_eq!(guarded.buffer().len(), 4096 - 2 * 64);
/// guarded.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GuardedBuffer {
    whole: Buffer,
    inner: Buffer,
    guard_bytes: usize,
}

impl GuardedBuffer {
    /// Keeps `guard_bytes` at each end of `whole` as guards and fills them with a pattern.
    pub fn new(whole: Buffer, guard_bytes: usize) -> Result<Self, MemoryError> {
        let inner = whole.slice(guard_bytes..whole.len().saturating_sub(guard_bytes))?;
        let guarded = Self {
            whole,
            inner,
            guard_bytes,
        };
        let pattern: Vec<u8> = (0..guard_bytes).map(Self::pattern).collect();
        guarded.whole.write(0, &pattern)?;
        guarded.whole.write(guarded.after(), &pattern)?;
        Ok(guarded)
    }

    /// What is between the guards.
    pub fn buffer(&self) -> &Buffer {
        &self.inner
    }

    /// Fails with the first guard byte that changed.
    pub fn check(&self) -> Result<(), MemoryError> {
        for (side, start) in [("before", 0), ("after", self.after())] {
            let found = self.whole.to_vec(start, self.guard_bytes)?;
            if let Some(index) =
                (0..self.guard_bytes).find(|&index| found[index] != Self::pattern(index))
            {
                let offset = if side == "before" {
                    self.guard_bytes - index
                } else {
                    index + 1
                };
                return Err(MemoryError::Guard {
                    side,
                    offset,
                    expected: Self::pattern(index),
                    found: found[index],
                });
            }
        }
        Ok(())
    }

    fn after(&self) -> usize {
        self.whole.len() - self.guard_bytes
    }

    /// Differs from byte to byte, so that a shifted write shows too.
    fn pattern(index: usize) -> u8 {
        0xA5 ^ (index as u8).wrapping_mul(29)
    }
}
