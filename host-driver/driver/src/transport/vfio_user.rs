//! A board behind a vfio-user socket: every BAR access is one message, memory is shared by passing its memfd.
//!
//! BARs are not mapped: a mapped region turns posted writes off in the server. The client library asks for read and write
//! access whatever [`Rights`] say, and does not look at error replies to maps.

use super::{Bar, Rights, Transport, TransportError};
use crate::memory::HostMemory;
use ::vfio_user::{Client, Error};
use rnic_abi::{registers, Iova};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{mpsc, Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use vmm_sys_util::eventfd::EventFd;

/// VFIO's index of MSI-X among a PCI device's interrupts (`VFIO_PCI_MSIX_IRQ_INDEX`).
const MSIX_INDEX: u32 = 2;
/// `VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER`.
const SET_EVENTFDS: u32 = 0x24;
/// `VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER`.
const DISABLE: u32 = 0x21;
/// So long a server may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The library's server takes at most this many descriptors in one message.
const FDS_PER_MESSAGE: usize = 16;

/// The transport.
///
/// ```no_run
/// use rnic_driver::transport::{Bar, Transport, VfioUser};
/// let board = VfioUser::connect("/tmp/a.sock".as_ref())?;
/// println!("magic {:08x}", board.bar_read32(Bar::Registers, 0)?);
/// # Ok::<(), rnic_driver::transport::TransportError>(())
/// ```
pub struct VfioUser {
    path: PathBuf,
    client: Mutex<Client>,
}

impl VfioUser {
    /// Connects to the server and checks that the three BARs are as large as the register map.
    pub fn connect(path: &Path) -> Result<Self, TransportError> {
        let client = greet(path)?;
        for (bar, needed) in [
            (Bar::Registers, registers::BAR0_BYTES),
            (Bar::Commands, registers::BAR4_BYTES),
        ] {
            let bytes = client
                .region(bar.number().into())
                .map_or(0, |region| region.size);
            if bytes < needed {
                return Err(TransportError::BarTooSmall {
                    bar: bar.number(),
                    bytes,
                    needed,
                });
            }
        }
        Ok(Self {
            path: path.into(),
            client: Mutex::new(client),
        })
    }

    /// The client; a thread that panicked between two messages has left it usable.
    fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Exchanges the first messages with a server. One that has a client already lets others connect and keeps them waiting, and
/// so does the library, for ever; therefore a thread waits, and is left alone when the time is over.
fn greet(path: &Path) -> Result<Client, TransportError> {
    let (sender, receiver) = mpsc::channel();
    let place = path.to_path_buf();
    // A client that nobody takes any more is dropped, which closes its socket.
    thread::spawn(move || sender.send(Client::new(&place)));
    match receiver.recv_timeout(ANSWER) {
        Ok(client) => client.map_err(|source| TransportError::Connect {
            path: path.into(),
            source,
        }),
        Err(_) => Err(TransportError::NoAnswer {
            path: path.into(),
            limit: ANSWER,
        }),
    }
}

/// Puts the operation and its place beside the library's error.
fn message(operation: &'static str, at: u64) -> impl FnOnce(Error) -> TransportError {
    move |source| TransportError::Message {
        operation,
        at,
        source,
    }
}

impl Transport for VfioUser {
    fn bar_read32(&self, bar: Bar, offset: u32) -> Result<u32, TransportError> {
        let mut bytes = [0; 4];
        self.client()
            .region_read(bar.number().into(), offset.into(), &mut bytes)
            .map_err(message("a 4-byte load", offset.into()))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn bar_read64(&self, bar: Bar, offset: u32) -> Result<u64, TransportError> {
        let mut bytes = [0; 8];
        self.client()
            .region_read(bar.number().into(), offset.into(), &mut bytes)
            .map_err(message("an 8-byte load", offset.into()))?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn bar_write32(&self, bar: Bar, offset: u32, value: u32) -> Result<(), TransportError> {
        self.client()
            .region_write(bar.number().into(), offset.into(), &value.to_le_bytes())
            .map_err(message("a 4-byte store", offset.into()))
    }

    fn bar_write64(&self, bar: Bar, offset: u32, value: u64) -> Result<(), TransportError> {
        self.client()
            .region_write(bar.number().into(), offset.into(), &value.to_le_bytes())
            .map_err(message("an 8-byte store", offset.into()))
    }

    fn dma_map(
        &self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        _rights: Rights,
    ) -> Result<(), TransportError> {
        let file = memory
            .file()
            .ok_or(TransportError::NoFile { iova: iova.0 })?;
        self.client()
            .dma_map(0, iova.0, memory.bytes() as u64, file.as_raw_fd())
            .map_err(message("a DMA map", iova.0))
    }

    fn dma_unmap(&self, iova: Iova, bytes: u64) -> Result<(), TransportError> {
        self.client()
            .dma_unmap(iova.0, bytes)
            .map_err(message("a DMA unmap", iova.0))
    }

    fn enable_msix(&self, eventfds: Vec<EventFd>) -> Result<(), TransportError> {
        let mut client = self.client();
        if eventfds.is_empty() {
            return client
                .set_irqs(MSIX_INDEX, DISABLE, 0, 0, &[])
                .map_err(message("turning MSI-X off", 0));
        }
        for (batch, fds) in eventfds.chunks(FDS_PER_MESSAGE).enumerate() {
            let raw: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
            let start = (batch * FDS_PER_MESSAGE) as u32;
            client
                .set_irqs(MSIX_INDEX, SET_EVENTFDS, start, raw.len() as u32, &raw)
                .map_err(message("turning MSI-X on", start.into()))?;
        }
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        self.client().reset().map_err(message("a device reset", 0))
    }

    fn url(&self) -> String {
        format!("vfio-user:{}", self.path.display())
    }
}

impl Drop for VfioUser {
    fn drop(&mut self) {
        // The server notices a closed socket as well; this only makes it prompt.
        let _ = self.client().shutdown();
    }
}
