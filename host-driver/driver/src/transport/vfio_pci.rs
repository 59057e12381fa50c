//! A board in a PCI slot, through the kernel's VFIO (type 1): container, group, mapped BARs, MSI-X, IOMMU mappings.
//!
//! BARs are mapped uncached by the kernel and reached with volatile accesses of 4 and 8 bytes. Only `vfio-pci` devices in a
//! viable group are taken; binding a device to vfio-pci is the administrator's work.

use super::{Bar, PciAddress, Rights, Transport, TransportError};
use crate::memory::HostMemory;
use rnic_abi::{registers, Iova};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use vfio_ioctls::{VfioContainer, VfioDevice, VfioError};
use vmm_sys_util::eventfd::EventFd;

/// The transport.
///
/// ```
/// use rnic_driver::transport::VfioPci;
/// // No machine has this function; the error says whether VFIO itself, or only the device, is missing.
/// assert!(VfioPci::open("ffff:ff:1f.7".parse().unwrap()).is_err());
/// ```
pub struct VfioPci {
    address: PciAddress,
    // Order of fields is order of release: mappings of the device's file, the device, then its container.
    bars: [MappedBar; 3],
    device: VfioDevice,
    container: Arc<VfioContainer>,
    eventfds: Mutex<Vec<EventFd>>,
}

/// One BAR in this process.
struct MappedBar {
    base: *mut u8,
    bytes: usize,
}

// SAFETY: the pointer is to device memory that any thread may access with volatile loads and stores; it is never freed before
// the whole transport is dropped.
unsafe impl Send for MappedBar {}
// SAFETY: as above; the device orders concurrent accesses.
unsafe impl Sync for MappedBar {}

impl Drop for MappedBar {
    fn drop(&mut self) {
        // SAFETY: `base` and `bytes` are what mmap gave, and nothing else unmaps them.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

impl MappedBar {
    fn map(device: &VfioDevice, bar: Bar, needed: u64) -> Result<Self, TransportError> {
        let index = u32::from(bar.number());
        let bytes = device.get_region_size(index);
        if bytes < needed {
            return Err(TransportError::BarTooSmall {
                bar: bar.number(),
                bytes,
                needed,
            });
        }
        let offset = device.get_region_offset(index) as libc::off_t;
        // SAFETY: a new shared mapping of the device's file; the kernel checks offset and length against the region.
        let base = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(
                std::ptr::null_mut(),
                bytes as usize,
                protection,
                libc::MAP_SHARED,
                device.as_raw_fd(),
                offset,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(TransportError::System {
                operation: "mapping a BAR",
                source: io::Error::last_os_error(),
            });
        }
        Ok(Self {
            base: base.cast(),
            bytes: bytes as usize,
        })
    }

    /// The address of an aligned access inside the BAR.
    fn at(&self, bar: Bar, offset: u32, bytes: u32) -> Result<*mut u8, TransportError> {
        if offset % bytes != 0 || offset as usize + bytes as usize > self.bytes {
            return Err(TransportError::Offset {
                bar: bar.number(),
                offset,
                bytes,
            });
        }
        // SAFETY: the offset was checked against the mapping's length.
        Ok(unsafe { self.base.add(offset as usize) })
    }
}

impl VfioPci {
    /// Opens a function that is bound to vfio-pci.
    pub fn open(address: PciAddress) -> Result<Self, TransportError> {
        Self::open_under(address, Path::new("/"))
    }

    /// As [`open`](Self::open), with the file system's root named, for tests of what is missing.
    fn open_under(address: PciAddress, root: &Path) -> Result<Self, TransportError> {
        let control = root.join("dev/vfio/vfio");
        if !control.exists() {
            return Err(TransportError::NoVfio);
        }
        let sysfs = root.join("sys/bus/pci/devices").join(address.to_string());
        if !sysfs.exists() {
            return Err(TransportError::NoSuchDevice {
                address,
                path: sysfs,
            });
        }
        let group = sysfs
            .join("iommu_group")
            .canonicalize()
            .map_err(|_| TransportError::NoIommuGroup { address })?;
        let bound = sysfs.join("driver").canonicalize().ok();
        let bound = bound
            .as_deref()
            .and_then(Path::file_name)
            .map_or("no driver".into(), |name| name.to_string_lossy());
        if bound != "vfio-pci" {
            return Err(TransportError::NotBound {
                address,
                bound: bound.into_owned(),
            });
        }
        may_open(&control)?;
        may_open(
            &root
                .join("dev/vfio")
                .join(group.file_name().unwrap_or_default()),
        )?;

        let vfio = |operation| {
            move |source| TransportError::Vfio {
                operation,
                address,
                source,
            }
        };
        let container = Arc::new(VfioContainer::new(None).map_err(vfio("opening the container"))?);
        let device =
            VfioDevice::new(&sysfs, container.clone(), true).map_err(vfio("opening the device"))?;
        let bars = [
            MappedBar::map(&device, Bar::Registers, registers::BAR0_BYTES)?,
            MappedBar::map(&device, Bar::Doorbells, registers::DOORBELL_PAGE_BYTES)?,
            MappedBar::map(&device, Bar::Commands, registers::BAR4_BYTES)?,
        ];
        Ok(Self {
            address,
            bars,
            device,
            container,
            eventfds: Mutex::new(Vec::new()),
        })
    }

    fn at(&self, bar: Bar, offset: u32, bytes: u32) -> Result<*mut u8, TransportError> {
        self.bars[usize::from(bar.number()) / 2].at(bar, offset, bytes)
    }

    fn vfio(&self, operation: &'static str) -> impl FnOnce(VfioError) -> TransportError {
        let address = self.address;
        move |source| TransportError::Vfio {
            operation,
            address,
            source,
        }
    }
}

/// Says plainly when a device file is there but closed to this user.
fn may_open(path: &Path) -> Result<(), TransportError> {
    match std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
    {
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            Err(TransportError::NoPermission {
                path: PathBuf::from(path),
                source,
            })
        }
        // Any other error comes again, with its own words, from the call that needs the file.
        _ => Ok(()),
    }
}

impl Transport for VfioPci {
    fn bar_read32(&self, bar: Bar, offset: u32) -> Result<u32, TransportError> {
        let pointer = self.at(bar, offset, 4)?.cast::<u32>();
        // SAFETY: aligned and inside the mapping; volatile because the device is on the other side.
        Ok(u32::from_le(unsafe { pointer.read_volatile() }))
    }

    fn bar_read64(&self, bar: Bar, offset: u32) -> Result<u64, TransportError> {
        let pointer = self.at(bar, offset, 8)?.cast::<u64>();
        // SAFETY: as above.
        Ok(u64::from_le(unsafe { pointer.read_volatile() }))
    }

    fn bar_write32(&self, bar: Bar, offset: u32, value: u32) -> Result<(), TransportError> {
        let pointer = self.at(bar, offset, 4)?.cast::<u32>();
        // The fence keeps host memory that the store hands over ahead of the store.
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        // SAFETY: as above.
        unsafe { pointer.write_volatile(value.to_le()) };
        Ok(())
    }

    fn bar_write64(&self, bar: Bar, offset: u32, value: u64) -> Result<(), TransportError> {
        let pointer = self.at(bar, offset, 8)?.cast::<u64>();
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        // SAFETY: as above.
        unsafe { pointer.write_volatile(value.to_le()) };
        Ok(())
    }

    fn dma_map(
        &self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        _rights: Rights,
    ) -> Result<(), TransportError> {
        // SAFETY: `HostMemory` is only ever accessed through volatile slices and atomics, and the mapping's owner
        // (`memory::Mapping`) holds the Arc until after dma_unmap.
        unsafe {
            self.container
                .vfio_dma_map(iova.0, memory.bytes(), memory.host_address())
        }
        .map_err(self.vfio("a DMA map"))
    }

    fn dma_unmap(&self, iova: Iova, bytes: u64) -> Result<(), TransportError> {
        self.container
            .vfio_dma_unmap(iova.0, bytes as usize)
            .map_err(self.vfio("a DMA unmap"))
    }

    fn enable_msix(&self, eventfds: Vec<EventFd>) -> Result<(), TransportError> {
        if eventfds.is_empty() {
            return self
                .device
                .disable_msix()
                .map_err(self.vfio("turning MSI-X off"));
        }
        self.device
            .enable_msix(eventfds.iter().collect())
            .map_err(self.vfio("turning MSI-X on"))?;
        *self.eventfds.lock().unwrap_or_else(PoisonError::into_inner) = eventfds;
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        self.device.reset();
        Ok(())
    }

    fn url(&self) -> String {
        format!("pci:{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A file system with just enough of /dev and /sys.
    fn root(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("rnic-vfio-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("sys/bus/pci/devices")).unwrap();
        root
    }

    const ADDRESS: PciAddress = PciAddress {
        domain: 0,
        bus: 1,
        device: 0,
        function: 0,
    };

    #[test]
    fn what_is_missing_is_named() {
        let root = root("missing");
        let open = || VfioPci::open_under(ADDRESS, &root).err().unwrap();
        assert!(matches!(open(), TransportError::NoVfio));

        fs::create_dir_all(root.join("dev/vfio")).unwrap();
        fs::write(root.join("dev/vfio/vfio"), "").unwrap();
        let error = open();
        assert!(matches!(
            error,
            TransportError::NoSuchDevice {
                address: ADDRESS,
                ..
            }
        ));
        assert!(error.to_string().contains("0000:01:00.0"));

        let device = root.join("sys/bus/pci/devices/0000:01:00.0");
        fs::create_dir_all(&device).unwrap();
        assert!(matches!(open(), TransportError::NoIommuGroup { .. }));

        let group = root.join("sys/kernel/iommu_groups/7");
        fs::create_dir_all(&group).unwrap();
        symlink(&group, device.join("iommu_group")).unwrap();
        assert!(matches!(open(), TransportError::NotBound { bound, .. } if bound == "no driver"));

        let driver = root.join("sys/bus/pci/drivers/nvme");
        fs::create_dir_all(&driver).unwrap();
        symlink(&driver, device.join("driver")).unwrap();
        assert!(matches!(open(), TransportError::NotBound { bound, .. } if bound == "nvme"));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_closed_device_file_is_named() {
        // The check itself: a directory opened for writing is refused differently, so only the kind counts.
        let missing = may_open(Path::new("/no/such/file"));
        assert!(
            missing.is_ok(),
            "other errors come from the call that needs the file"
        );
    }
}
