//! Serves a board on a vfio-user socket, as a PCI function.
//!
//! ```text
//! client --- socket --- one thread a board --- SimBoard (lock) --- simulation        clock: in_process::Clock
//!   region write -> queued store, returns at once       region read -> runs the clock until the answer
//!   DMA map, unmap -> host memory      SET_IRQS -> eventfds      reset, function-level reset, goodbye -> board reset
//! ```
//! BAR0, BAR2 and BAR4 are not mappable: a mappable region would make clients wait for every store. A region access never
//! answers with an error, which clients do not survive: what is not there reads as ones.
//!
//! *DMA maps.* With a descriptor: that file is mapped, with the rights of the map. Without one, `offset` is the virtual
//! address in the client's process (its pid is the socket peer's), reached by process_vm_readv / writev; `offset` 0 (what
//! QEMU sends for memory it does not share) is kept as a range that the board cannot reach.

use std::fs::{self, File};
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use vfio_bindings::bindings::vfio::{
    vfio_region_info, VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_INFO_NORESIZE, VFIO_IRQ_SET_ACTION_TRIGGER,
    VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_NONE, VFIO_PCI_CONFIG_REGION_INDEX,
    VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_READ,
    VFIO_REGION_INFO_FLAG_WRITE,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};
use vmm_sys_util::eventfd::EventFd;

use crate::host_memory::{Backing, Rights};
use crate::in_process::SimBoard;
use crate::pci_config::{bar_bytes, PciConfig, CONFIG_BYTES, MSIX_TABLE_OFFSET};
use crate::peer::peer_pid;

/// A served board; dropping it ends the service once the client has left.
pub struct VfioUserServer {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl VfioUserServer {
    /// Listens on `path` (a socket that nobody listens on any more is replaced) and serves one client after the other. Calls
    /// `left` whenever one has left and the board is reset.
    pub fn start(
        board: SimBoard,
        path: &Path,
        left: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        if path.exists() && UnixStream::connect(path).is_err() {
            fs::remove_file(path)?;
        }
        let server = Server::new(path, true, irqs(&board), regions(&board));
        let server = server.map_err(io::Error::other)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let socket = path.to_path_buf();
        let serve = move || {
            let mut function = Function::new(board, socket);
            loop {
                // An error here is a client that went away in the middle of something.
                let _ = server.run(&mut function);
                function.disconnect();
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                left();
            }
        };
        let thread = thread::Builder::new()
            .name("vfio-user".to_string())
            .spawn(serve)?;
        Ok(Self {
            path: path.to_path_buf(),
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for VfioUserServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Ends a wait for a client; the connection must be closed again before its end is waited for.
        let listens = UnixStream::connect(&self.path).is_ok();
        if let (true, Some(thread)) = (listens, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// The PCI function that a client sees.
struct Function {
    board: SimBoard,
    socket: PathBuf,
    config: PciConfig,
    /// The MSI-X page of BAR0; the client keeps it, nobody looks at it (interrupts are eventfds).
    msix: Vec<u8>,
}

impl Function {
    fn new(board: SimBoard, socket: PathBuf) -> Self {
        let sizes = board.gateware().config();
        let page = bar_bytes(&sizes)[0] as usize - MSIX_TABLE_OFFSET as usize;
        Self {
            config: PciConfig::new(&sizes),
            msix: vec![0; page],
            socket,
            board,
        }
    }

    /// What a reset of the function does. Mappings and interrupts are the client's and stay.
    fn reset_function(&mut self) {
        self.board.reset();
        self.config = PciConfig::new(&self.board.gateware().config());
        self.msix.fill(0);
    }

    /// The client is gone: as with VFIO, the board is reset and nothing of the client is reachable any more.
    fn disconnect(&mut self) {
        for vector in 0..self.board.vectors() {
            self.board.set_eventfd(vector, None);
        }
        self.reset_function();
        self.board.unmap(0, u64::MAX);
    }

    /// A piece of a BAR access: 8 bytes where they are aligned, else 4.
    fn pieces(offset: u64, bytes: usize) -> impl Iterator<Item = (u64, usize)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let left = bytes - at;
            let here = offset + at as u64;
            let piece = match left {
                8.. if here % 8 == 0 => 8,
                4.. => 4,
                _ => return None,
            };
            at += piece;
            Some((here, piece))
        })
    }

    fn in_msix(&self, region: u32, offset: u64) -> Option<usize> {
        let table = u64::from(MSIX_TABLE_OFFSET);
        (region == 0 && offset >= table).then(|| (offset - table) as usize)
    }

    fn bar_of(&self, region: u32, offset: u64, bytes: usize) -> Option<u8> {
        let sizes = bar_bytes(&self.board.gateware().config());
        let size = *sizes.get(region as usize)?;
        let aligned = offset % 4 == 0 && bytes % 4 == 0;
        let inside = offset.checked_add(bytes as u64)? <= size;
        (aligned && inside).then_some(region as u8)
    }
}

impl ServerBackend for Function {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.config.read(offset, data);
        } else if let Some(at) = self.in_msix(region, offset) {
            for (at, byte) in (at..).zip(data) {
                *byte = self.msix.get(at).copied().unwrap_or(0xFF);
            }
        } else if let Some(bar) = self.bar_of(region, offset, data.len()) {
            for (at, bytes) in Self::pieces(offset, data.len()) {
                let value = self.board.bar_read(bar, at as u32, bytes).to_le_bytes();
                let start = (at - offset) as usize;
                data[start..start + bytes].copy_from_slice(&value[..bytes]);
            }
        } else {
            data.fill(0xFF);
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            if self.config.write(offset, data) {
                self.reset_function();
            }
        } else if let Some(at) = self.in_msix(region, offset) {
            for (at, &byte) in (at..).zip(data) {
                if let Some(place) = self.msix.get_mut(at) {
                    *place = byte;
                }
            }
        } else if let Some(bar) = self.bar_of(region, offset, data.len()) {
            for (at, bytes) in Self::pieces(offset, data.len()) {
                let mut value = [0; 8];
                let start = (at - offset) as usize;
                value[..bytes].copy_from_slice(&data[start..start + bytes]);
                let value = u64::from_le_bytes(value);
                self.board.bar_write(bar, at as u32, bytes, value);
            }
        }
        Ok(())
    }

    fn dma_map(
        &mut self,
        flags: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        fd: Option<File>,
    ) -> io::Result<()> {
        let rights = Rights {
            read: flags.contains(DmaMapFlags::READ),
            write: flags.contains(DmaMapFlags::WRITE),
        };
        let backing = match fd {
            Some(file) => Backing::of_file(file, offset, size, rights)?,
            None if offset == 0 => Backing::Nothing,
            None => Backing::Process {
                pid: peer_pid(&self.socket)?,
                va: offset,
            },
        };
        let mapped = self.board.map(address, size, backing, rights);
        mapped.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    fn dma_unmap(&mut self, flags: DmaUnmapFlags, address: u64, size: u64) -> io::Result<()> {
        if flags.contains(DmaUnmapFlags::UNMAP_ALL) {
            self.board.unmap(0, u64::MAX);
        } else {
            self.board.unmap(address, size);
        }
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        self.reset_function();
        Ok(())
    }

    fn set_irqs(
        &mut self,
        index: u32,
        flags: u32,
        start: u32,
        count: u32,
        fds: Vec<File>,
    ) -> io::Result<()> {
        // Masking is the client's business: it keeps the MSI-X table.
        if index != VFIO_PCI_MSIX_IRQ_INDEX || flags & VFIO_IRQ_SET_ACTION_TRIGGER == 0 {
            return Ok(());
        }
        let vectors = start as usize..(start as usize).saturating_add(count as usize);
        let vectors = vectors.start..vectors.end.min(self.board.vectors());
        if flags & VFIO_IRQ_SET_DATA_EVENTFD != 0 {
            let mut fds = fds.into_iter();
            for vector in vectors {
                let eventfd = fds.next().map(|file| {
                    // SAFETY: the descriptor was received for us, and ownership moves from the file to the eventfd.
                    unsafe { EventFd::from_raw_fd(file.into_raw_fd()) }
                });
                self.board.set_eventfd(vector, eventfd);
            }
        } else if flags & VFIO_IRQ_SET_DATA_NONE != 0 && count == 0 {
            for vector in 0..self.board.vectors() {
                self.board.set_eventfd(vector, None);
            }
        } else if flags & VFIO_IRQ_SET_DATA_NONE != 0 {
            for vector in vectors {
                self.board.with_board(|board| board.signal(vector));
            }
        }
        Ok(())
    }
}

/// All nine regions of VFIO's PCI layout.
fn regions(board: &SimBoard) -> Vec<ServerRegion> {
    let bars = bar_bytes(&board.gateware().config());
    let region = |index: u32| {
        let size = match index {
            VFIO_PCI_CONFIG_REGION_INDEX => CONFIG_BYTES as u64,
            _ => bars.get(index as usize).copied().unwrap_or(0),
        };
        let flags = match size {
            0 => 0,
            _ => VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
        };
        let region_info = vfio_region_info {
            argsz: size_of::<vfio_region_info>() as u32,
            flags,
            index,
            cap_offset: 0,
            size,
            offset: 0,
        };
        ServerRegion {
            region_info,
            sparse_areas: Vec::new(),
            mmap_fd: None::<RawFd>,
        }
    };
    (0..VFIO_PCI_NUM_REGIONS).map(region).collect()
}

/// All five interrupt kinds of VFIO's PCI layout; only MSI-X has vectors.
fn irqs(board: &SimBoard) -> Vec<IrqInfo> {
    let irq = |index: u32| IrqInfo {
        index,
        flags: VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE,
        count: match index {
            VFIO_PCI_MSIX_IRQ_INDEX => board.vectors() as u32,
            _ => 0,
        },
    };
    (0..VFIO_PCI_NUM_IRQS).map(irq).collect()
}
