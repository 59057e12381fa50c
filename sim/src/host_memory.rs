//! What the board reaches by DMA: IOVA ranges, each with memory behind it and the rights of the mapping.
//!
//! ```text
//! iova ---> [range, rights] ---> Region   a shared mapping in this process (memfd, file, anonymous)
//!                           \--> Process  an address in some process, this one included, by process_vm_readv / writev
//!                           \--> Nothing  known to be mapped, but not reachable: every access is refused
//! ```
//! An access must lie in one range; it is all or nothing. Stores end with their last aligned 8 bytes as one release store,
//! so that a polling reader that sees the phase bit of a CQE sees all of it. That holds for `Region`; the kernel's copy into
//! another process gives no such order, so rings and completion queues belong into shared mappings.
//!
//! It does not know of time: latency and order are the business of `dma`, quiescing before an unmap that of `simulation`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::Arc;

use rnic_abi::config::IOVA_BITS;
use thiserror::Error;
use vm_memory::mmap::MmapRegionBuilder;
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

/// Memory behind a range.
#[derive(Clone, Debug)]
pub enum Backing {
    /// `offset` bytes into a mapping of this process, shared with whoever else has it mapped.
    Region {
        /// The mapping.
        region: Arc<MmapRegion>,
        /// Where the range starts in it.
        offset: u64,
    },
    /// An address in a process that this one may access as ptrace would.
    Process {
        /// The process.
        pid: i32,
        /// Its virtual address.
        va: u64,
    },
    /// Mapped for others, not for us.
    Nothing,
}

impl Backing {
    /// A shared mapping of `bytes` of a file (or memfd) from `offset`, with the rights' protection.
    pub fn of_file(file: File, offset: u64, bytes: u64, rights: Rights) -> io::Result<Self> {
        let protection = if rights.write {
            libc::PROT_READ | libc::PROT_WRITE
        } else {
            libc::PROT_READ
        };
        // SAFETY: sysconf has no preconditions.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
        // A file is mapped from a page boundary.
        let inside = offset % page_bytes;
        let region = MmapRegionBuilder::<()>::new((bytes + inside) as usize)
            .with_mmap_prot(protection)
            .with_mmap_flags(libc::MAP_SHARED | libc::MAP_NORESERVE)
            .with_file_offset(FileOffset::new(file, offset - inside))
            .build()
            .map_err(io::Error::other)?;
        Ok(Self::Region {
            region: Arc::new(region),
            offset: inside,
        })
    }

    /// Memory of this process at `va`, whatever it is; an address that is not mapped (any more) refuses accesses.
    pub fn of_this_process(va: u64) -> Self {
        Self::Process {
            pid: std::process::id() as i32,
            va,
        }
    }
}

/// What the board may do in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// DMA reads.
    pub read: bool,
    /// DMA writes.
    pub write: bool,
}

impl Rights {
    /// Both.
    pub const READ_WRITE: Self = Self {
        read: true,
        write: true,
    };
    /// The board may only read.
    pub const READ_ONLY: Self = Self {
        read: true,
        write: false,
    };
}

/// A mapping that is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MapError {
    /// Nothing to map, or beyond the address bits of the bus.
    #[error("iova {iova:#x}, {bytes} bytes: not a range of {IOVA_BITS} address bits")]
    Range {
        /// First address.
        iova: u64,
        /// Bytes.
        bytes: u64,
    },
    /// Some of it is mapped already.
    #[error("iova {iova:#x}, {bytes} bytes: overlaps a mapping at {other:#x}")]
    Overlap {
        /// First address.
        iova: u64,
        /// Bytes.
        bytes: u64,
        /// First address of the other.
        other: u64,
    },
    /// The backing is shorter than the range.
    #[error("iova {iova:#x}, {bytes} bytes: the memory behind it ends before")]
    Short {
        /// First address.
        iova: u64,
        /// Bytes.
        bytes: u64,
    },
}

/// An access that is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DmaError {
    /// No range holds all of it.
    #[error("not mapped")]
    Unmapped,
    /// The range does not give that right.
    #[error("not permitted")]
    Forbidden,
    /// The memory behind it could not be accessed.
    #[error("memory not accessible")]
    Inaccessible,
}

#[derive(Debug)]
struct Range {
    bytes: u64,
    backing: Backing,
    rights: Rights,
}

/// All ranges of one board.
#[derive(Debug, Default)]
pub struct HostMemory {
    ranges: BTreeMap<u64, Range>,
}

impl HostMemory {
    /// Maps a range.
    pub fn map(
        &mut self,
        iova: u64,
        bytes: u64,
        backing: Backing,
        rights: Rights,
    ) -> Result<(), MapError> {
        let end = iova.checked_add(bytes);
        if bytes == 0 || end.is_none_or(|end| end > 1 << IOVA_BITS) {
            return Err(MapError::Range { iova, bytes });
        }
        if let Backing::Region { region, offset } = &backing {
            if offset
                .checked_add(bytes)
                .is_none_or(|end| end > region.size() as u64)
            {
                return Err(MapError::Short { iova, bytes });
            }
        }
        if let Some((&other, _)) = self.overlapping(iova, bytes).next() {
            return Err(MapError::Overlap { iova, bytes, other });
        }
        let range = Range {
            bytes,
            backing,
            rights,
        };
        self.ranges.insert(iova, range);
        Ok(())
    }

    /// Removes every range that lies wholly in the one given, and returns how many there were. Other ranges stay whole, as
    /// VFIO has it; a range of nothing is no error.
    pub fn unmap(&mut self, iova: u64, bytes: u64) -> usize {
        let end = iova.saturating_add(bytes);
        let inside: Vec<u64> = self
            .ranges
            .range(iova..)
            .take_while(|(&start, range)| start < end && range.bytes <= end - start)
            .map(|(&start, _)| start)
            .collect();
        for start in &inside {
            self.ranges.remove(start);
        }
        inside.len()
    }

    /// Removes every range.
    pub fn unmap_all(&mut self) {
        self.ranges.clear();
    }

    /// Number of ranges.
    pub fn ranges(&self) -> usize {
        self.ranges.len()
    }

    /// Fills `data` from `iova`.
    pub fn read(&self, iova: u64, data: &mut [u8]) -> Result<(), DmaError> {
        let (range, offset) = self.find(iova, data.len())?;
        if !range.rights.read {
            return Err(DmaError::Forbidden);
        }
        match &range.backing {
            Backing::Region {
                region,
                offset: start,
            } => {
                let at = (start + offset) as usize;
                let slice = region.get_slice(at, data.len()).map_err(inaccessible)?;
                slice.copy_to(data);
                Ok(())
            }
            Backing::Process { pid, va } => {
                copy_process(*pid, va + offset, data.as_mut_ptr(), data.len(), false)
            }
            Backing::Nothing => Err(DmaError::Inaccessible),
        }
    }

    /// Stores `data` at `iova`: everything else first, the last aligned 8 bytes with release order.
    pub fn write(&self, iova: u64, data: &[u8]) -> Result<(), DmaError> {
        let (range, offset) = self.find(iova, data.len())?;
        if !range.rights.write {
            return Err(DmaError::Forbidden);
        }
        match &range.backing {
            Backing::Region {
                region,
                offset: start,
            } => {
                let at = (start + offset) as usize;
                let slice = region.get_slice(at, data.len()).map_err(inaccessible)?;
                let aligned = (slice.ptr_guard().as_ptr() as usize + data.len()) % 8 == 0;
                match data.split_last_chunk::<8>() {
                    Some((front, back)) if aligned => {
                        slice.copy_from(front);
                        let back = u64::from_ne_bytes(*back);
                        slice
                            .store(back, front.len(), Ordering::Release)
                            .map_err(inaccessible)
                    }
                    _ => {
                        slice.copy_from(data);
                        std::sync::atomic::fence(Ordering::Release);
                        Ok(())
                    }
                }
            }
            Backing::Process { pid, va } => copy_process(
                *pid,
                va + offset,
                data.as_ptr().cast_mut(),
                data.len(),
                true,
            ),
            Backing::Nothing => Err(DmaError::Inaccessible),
        }
    }

    /// The range that holds an access, and the access's offset in it.
    fn find(&self, iova: u64, bytes: usize) -> Result<(&Range, u64), DmaError> {
        let (start, range) = self
            .ranges
            .range(..=iova)
            .next_back()
            .ok_or(DmaError::Unmapped)?;
        let offset = iova - start;
        if offset >= range.bytes || range.bytes - offset < bytes as u64 {
            return Err(DmaError::Unmapped);
        }
        Ok((range, offset))
    }

    fn overlapping(&self, iova: u64, bytes: u64) -> impl Iterator<Item = (&u64, &Range)> {
        let end = iova.saturating_add(bytes);
        self.ranges
            .range(..end)
            .rev()
            .take(1)
            .filter(move |(&start, range)| start + range.bytes > iova)
    }
}

fn inaccessible<E>(_: E) -> DmaError {
    DmaError::Inaccessible
}

/// Copies between `local` and `va` of a process, in one call.
fn copy_process(
    pid: i32,
    va: u64,
    local: *mut u8,
    bytes: usize,
    write: bool,
) -> Result<(), DmaError> {
    let here = libc::iovec {
        iov_base: local.cast(),
        iov_len: bytes,
    };
    let there = libc::iovec {
        iov_base: va as *mut libc::c_void,
        iov_len: bytes,
    };
    // SAFETY: `local` is valid for `bytes` (it comes from a slice of the caller; only read when `write`). The kernel checks
    // the other address; where the other process is this one, the memory is what its owner has mapped for DMA.
    let copied = unsafe {
        if write {
            libc::process_vm_writev(pid, &here, 1, &there, 1, 0)
        } else {
            libc::process_vm_readv(pid, &here, 1, &there, 1, 0)
        }
    };
    if copied == bytes as isize {
        Ok(())
    } else {
        Err(DmaError::Inaccessible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(bytes: usize) -> Backing {
        Backing::Region {
            region: Arc::new(MmapRegion::new(bytes).unwrap()),
            offset: 0,
        }
    }

    #[test]
    fn an_access_must_lie_in_one_range_with_the_right() {
        let mut memory = HostMemory::default();
        memory
            .map(0x1000, 0x1000, region(0x1000), Rights::READ_WRITE)
            .unwrap();
        memory
            .map(0x2000, 0x1000, region(0x1000), Rights::READ_ONLY)
            .unwrap();
        let mut data = [0; 16];
        assert_eq!(memory.write(0x1FF0, &[7; 16]), Ok(()));
        assert_eq!(memory.read(0x1FF0, &mut data), Ok(()));
        assert_eq!(data, [7; 16]);
        assert_eq!(memory.read(0x1FF8, &mut data), Err(DmaError::Unmapped));
        assert_eq!(memory.read(0x0FF8, &mut data), Err(DmaError::Unmapped));
        assert_eq!(memory.read(0x3000, &mut data), Err(DmaError::Unmapped));
        assert_eq!(memory.read(0x2000, &mut data), Ok(()));
        assert_eq!(memory.write(0x2000, &data), Err(DmaError::Forbidden));
    }

    #[test]
    fn mappings_do_not_overlap_and_unmap_takes_whole_ranges() {
        let mut memory = HostMemory::default();
        memory
            .map(0x1000, 0x2000, region(0x2000), Rights::READ_WRITE)
            .unwrap();
        for (iova, bytes) in [(0x1000, 1), (0x2FFF, 1), (0, 0x1001), (0, 0x10000)] {
            let refused = memory.map(iova, bytes, region(0x10000), Rights::READ_WRITE);
            assert!(matches!(
                refused,
                Err(MapError::Overlap { other: 0x1000, .. })
            ));
        }
        assert_eq!(memory.unmap(0x1000, 0x1000), 0);
        assert_eq!(memory.unmap(0, u64::MAX), 1);
        assert_eq!(memory.unmap(0, u64::MAX), 0);
        let short = memory.map(0, 0x1001, region(0x1000), Rights::READ_WRITE);
        assert!(matches!(short, Err(MapError::Short { .. })));
        let wide = memory.map(1 << 48, 1, region(0x1000), Rights::READ_WRITE);
        assert!(matches!(wide, Err(MapError::Range { .. })));
    }

    #[test]
    fn any_memory_of_a_process_is_reached_by_its_pid() {
        let mut buffer = vec![1_u8; 100];
        let mut memory = HostMemory::default();
        let backing = Backing::of_this_process(buffer.as_mut_ptr() as u64);
        memory
            .map(0x5000, 100, backing, Rights::READ_WRITE)
            .unwrap();
        memory.write(0x5003, &[9; 5]).unwrap();
        let mut data = [0; 10];
        memory.read(0x5000, &mut data).unwrap();
        assert_eq!(data, [1, 1, 1, 9, 9, 9, 9, 9, 1, 1]);
        assert_eq!(buffer[..10], data);
        let gone = Backing::of_this_process(8);
        memory.map(0x9000, 100, gone, Rights::READ_WRITE).unwrap();
        assert_eq!(memory.read(0x9000, &mut data), Err(DmaError::Inaccessible));
    }
}
