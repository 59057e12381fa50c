//! Allocator of I/O virtual addresses: first fit over page-aligned ranges, one unmapped page between neighbours.
//!
//! The order of calls decides the addresses and nothing else, so equal runs use equal addresses.

use rnic_abi::config::IOVA_BITS;
use rnic_abi::Iova;
use std::collections::BTreeMap;

/// Bytes of a page, the granule of every IOMMU.
pub const PAGE_BYTES: u64 = 4096;
/// First address given out: above the MSI window (0xFEE0_0000 on x86) and everything else that sits under 4 GiB.
const FIRST: u64 = 1 << 32;

/// Ranges in use.
///
/// ```
/// use rnic_driver::memory::IovaAllocator;
/// let mut iovas = IovaAllocator::new();
/// let a = iovas.allocate(8192).unwrap();
/// let b = iovas.allocate(4096).unwrap();
/// assert!(b.0 > a.0 + 8192, "a page stays unmapped between them");
/// iovas.free(a);
/// assert_eq!(iovas.allocate(100), Some(a));
/// ```
#[derive(Debug, Default)]
pub struct IovaAllocator {
    used: BTreeMap<u64, u64>,
}

impl IovaAllocator {
    /// Nothing in use.
    pub fn new() -> Self {
        Self::default()
    }

    /// A free range of at least `bytes`; none if the address space is full.
    pub fn allocate(&mut self, bytes: u64) -> Option<Iova> {
        let bytes = bytes.max(1).checked_next_multiple_of(PAGE_BYTES)?;
        let mut start = FIRST;
        for (&used, &length) in &self.used {
            if start.checked_add(bytes)?.checked_add(PAGE_BYTES)? <= used {
                break;
            }
            start = used + length + PAGE_BYTES;
        }
        if start.checked_add(bytes)? > 1 << IOVA_BITS {
            return None;
        }
        self.used.insert(start, bytes);
        Some(Iova(start))
    }

    /// Gives a range back.
    pub fn free(&mut self, iova: Iova) {
        self.used.remove(&iova.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_never_touch(steps in proptest::collection::vec((1u64..100_000, any::<bool>()), 1..60)) {
            let mut iovas = IovaAllocator::new();
            let mut held: Vec<(u64, u64)> = Vec::new();
            for (bytes, free_one) in steps {
                if free_one && !held.is_empty() {
                    let (start, _) = held.swap_remove(bytes as usize % held.len());
                    iovas.free(Iova(start));
                }
                let start = iovas.allocate(bytes).unwrap().0;
                prop_assert_eq!(start % PAGE_BYTES, 0);
                for &(other, length) in &held {
                    prop_assert!(start + bytes + PAGE_BYTES <= other + PAGE_BYTES || start >= other + length + PAGE_BYTES
                        || start + bytes.next_multiple_of(PAGE_BYTES) + PAGE_BYTES <= other);
                    prop_assert!(start + bytes <= other || start >= other + length);
                }
                held.push((start, bytes));
            }
        }
    }

    #[test]
    fn the_address_space_ends() {
        let mut iovas = IovaAllocator::new();
        assert_eq!(iovas.allocate(1 << 48), None);
        assert_eq!(iovas.allocate(u64::MAX), None);
        assert!(iovas.allocate((1 << 48) - FIRST).is_some());
        assert_eq!(iovas.allocate(1), None);
    }
}
