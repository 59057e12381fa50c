//! The vfio-user transport against the library's own server: accesses, memory, eventfds, and what is missing.

use rnic_abi::{registers, Iova};
use rnic_driver::memory::HostMemory;
use rnic_driver::transport::{Bar, Rights, Transport, TransportError, VfioUser};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::{channel, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};
use vmm_sys_util::eventfd::{EventFd, EFD_NONBLOCK};

/// What the server was asked.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Write {
        bar: u32,
        offset: u64,
        bytes: Vec<u8>,
    },
    Map {
        iova: u64,
        bytes: u64,
        first: u8,
    },
    Unmap {
        iova: u64,
        bytes: u64,
    },
    Reset,
    Irqs {
        start: u32,
        fds: usize,
    },
}

struct Backend(Sender<Asked>);

impl Backend {
    fn tell(&self, asked: Asked) -> io::Result<()> {
        self.0.send(asked).map_err(io::Error::other)
    }
}

impl ServerBackend for Backend {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        for (index, byte) in data.iter_mut().enumerate() {
            *byte = (region as u8) << 4 | (offset as u8 + index as u8) & 0xF;
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        self.tell(Asked::Write {
            bar: region,
            offset,
            bytes: data.to_vec(),
        })
    }

    fn dma_map(
        &mut self,
        _: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        fd: Option<File>,
    ) -> io::Result<()> {
        let file = fd.ok_or(io::ErrorKind::InvalidInput)?;
        let mut first = [0];
        file.read_exact_at(&mut first, offset)?;
        file.write_all_at(&[first[0] + 1], offset)?;
        self.tell(Asked::Map {
            iova: address,
            bytes: size,
            first: first[0],
        })
    }

    fn dma_unmap(&mut self, _: DmaUnmapFlags, address: u64, size: u64) -> io::Result<()> {
        self.tell(Asked::Unmap {
            iova: address,
            bytes: size,
        })
    }

    fn reset(&mut self) -> io::Result<()> {
        self.tell(Asked::Reset)
    }

    fn set_irqs(
        &mut self,
        index: u32,
        _: u32,
        start: u32,
        _: u32,
        fds: Vec<File>,
    ) -> io::Result<()> {
        assert_eq!(index, 2, "MSI-X");
        for file in &fds {
            // The eventfd's own file: 8 bytes add to its counter.
            io::Write::write_all(&mut &*file, &1u64.to_ne_bytes())?;
        }
        self.tell(Asked::Irqs {
            start,
            fds: fds.len(),
        })
    }
}

/// Serves one client with these BAR sizes; the thread ends with the client.
fn serve(
    name: &str,
    bar0_bytes: u64,
) -> (PathBuf, std::sync::mpsc::Receiver<Asked>, JoinHandle<()>) {
    let path = std::env::temp_dir().join(format!("rnic-transport-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let sizes = [
        bar0_bytes,
        0,
        64 << 10,
        0,
        registers::BAR4_BYTES,
        0,
        0,
        4096,
        0,
    ];
    let regions = sizes.iter().enumerate().map(|(index, &size)| {
        let mut region = ServerRegion {
            region_info: Default::default(),
            sparse_areas: Vec::new(),
            mmap_fd: None,
        };
        region.region_info.index = index as u32;
        region.region_info.size = size;
        region.region_info.argsz = std::mem::size_of_val(&region.region_info) as u32;
        region.region_info.flags = 3;
        region
    });
    let irqs = (0..5)
        .map(|index| IrqInfo {
            index,
            flags: 1,
            count: 33,
        })
        .collect();
    let server = Server::new(&path, true, irqs, regions.collect()).unwrap();
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        // It reports the end of the client's stream as an error.
        let _ = server.run(&mut Backend(sender));
    });
    (path, receiver, thread)
}

#[test]
fn every_operation_is_one_message() {
    let (path, asked, thread) = serve("operations", registers::BAR0_BYTES);
    let board = VfioUser::connect(&path).unwrap();
    let next = || asked.recv_timeout(Duration::from_secs(5)).unwrap();

    assert_eq!(board.bar_read32(Bar::Commands, 4).unwrap(), 0x4746_4544);
    assert_eq!(
        board.bar_read64(Bar::Registers, 8).unwrap(),
        0x0F0E_0D0C_0B0A_0908
    );
    board
        .bar_write64(Bar::Doorbells, 8, 0x0102_0304_0506_0708)
        .unwrap();
    assert_eq!(
        next(),
        Asked::Write {
            bar: 2,
            offset: 8,
            bytes: vec![8, 7, 6, 5, 4, 3, 2, 1]
        }
    );
    board.bar_write32(Bar::Registers, 0x40, 5).unwrap();
    assert_eq!(
        next(),
        Asked::Write {
            bar: 0,
            offset: 0x40,
            bytes: vec![5, 0, 0, 0]
        }
    );

    let memory = HostMemory::new("shared", 4096).unwrap();
    memory.file().unwrap().write_all_at(&[7], 0).unwrap();
    board
        .dma_map(Iova(1 << 32), &memory, Rights::ReadWrite)
        .unwrap();
    assert_eq!(
        next(),
        Asked::Map {
            iova: 1 << 32,
            bytes: 4096,
            first: 7
        }
    );
    let mut seen = [0];
    memory.file().unwrap().read_exact_at(&mut seen, 0).unwrap();
    assert_eq!(seen, [8], "both see the same memory");
    board.dma_unmap(Iova(1 << 32), 4096).unwrap();
    assert_eq!(
        next(),
        Asked::Unmap {
            iova: 1 << 32,
            bytes: 4096
        }
    );

    let eventfds: Vec<_> = (0..33)
        .map(|_| EventFd::new(EFD_NONBLOCK).unwrap())
        .collect();
    board
        .enable_msix(
            eventfds
                .iter()
                .map(|eventfd| eventfd.try_clone().unwrap())
                .collect(),
        )
        .unwrap();
    for (start, fds) in [(0, 16), (16, 16), (32, 1)] {
        assert_eq!(next(), Asked::Irqs { start, fds });
    }
    for eventfd in &eventfds {
        assert!(board.wait(eventfd, Duration::from_secs(1)).unwrap());
        assert_eq!(eventfd.read().unwrap(), 1);
        assert!(!board.wait(eventfd, Duration::ZERO).unwrap());
    }
    board.reset().unwrap();
    assert_eq!(next(), Asked::Reset);
    assert_eq!(board.url(), format!("vfio-user:{}", path.display()));
    drop(board);
    thread.join().unwrap();
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_small_bar_and_a_missing_server_are_named() {
    let (path, _asked, thread) = serve("small", 4096);
    let error = VfioUser::connect(&path).err().unwrap();
    assert!(
        matches!(
            error,
            TransportError::BarTooSmall {
                bar: 0,
                bytes: 4096,
                ..
            }
        ),
        "{error}"
    );
    thread.join().unwrap();
    let _ = std::fs::remove_file(&path);
    assert!(matches!(
        VfioUser::connect(&path).err().unwrap(),
        TransportError::Connect { .. }
    ));
}
