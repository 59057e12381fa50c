//! A board: opened, checked, reset and enabled; its command ring, its books of STags, VIs and CQs, its admin queue.
//!
//! `Board` is a handle; clones share the board. Posting never reads a register. The admin completion queue (CQ 0) belongs to
//! the board: command completions are matched by context, raw frames and everything else wait in an inbox.
//!
//! ```text
//! open: MAGIC, ABI_VERSION, identity -> reset and wait -> status line, MSI-X -> enable -> CREATE_CQ 0
//! ```

mod admin;
mod error;
mod event_queue;
mod identity;
mod observe;

pub use event_queue::{EventQueue, EventQueueError, ViEvent};

pub use error::{BoardError, ExecuteError, PostError};
pub use identity::Identity;
pub use observe::{Counters, Observer, TraceEntry, ViStatus};

use crate::address::HostAddress;
use crate::command::{Command, Post};
use crate::completion_queue::{CompletionQueue, QueueMemory};
use crate::cqe::{Cqe, Kind};
use crate::memory::{Buffer, HostMemory, IovaAllocator, Mapping, MemoryError};
use crate::ring::{Ring, RingError};
use crate::slots::Report;
use crate::stag_table::{StagError, StagTable};
use crate::transport::{self, Bar, BoardUrl, Metered, Rights, Transport, TransportError};
use admin::Admin;
use rnic_abi::completion::{ADMIN_CQ, CQE_BYTES, STATUS_LINE_BYTES};
use rnic_abi::registers::{control, map, status, EVENT_VECTOR};
use rnic_abi::Stag;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vmm_sys_util::eventfd::{EventFd, EFD_NONBLOCK};

/// How to open a board.
///
/// ```
/// use rnic_driver::board::Options;
/// let options = Options { seed: Some(1), ..Options::default() };
/// assert!(!options.loopback);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Join the board's transmit side to its receive side.
    pub loopback: bool,
    /// Makes STag keys and stream numbers the same in every run; without it they are secret.
    pub seed: Option<u64>,
    /// How long a command or a reset may take, by the transport's clock.
    pub timeout: Duration,
    /// log2 of the entries of the admin completion queue.
    pub admin_cq_entries_log2: u32,
    /// The board's network address; without it, it is derived from the URL ([`crate::address`]).
    pub address: Option<HostAddress>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            loopback: false,
            seed: None,
            timeout: Duration::from_secs(10),
            admin_cq_entries_log2: 7,
            address: None,
        }
    }
}

/// An open board. Clones are handles of the same board; the last one dropped resets it.
///
/// ```no_run
/// use rnic_driver::board::{Board, Options};
/// use rnic_driver::command::Command;
/// let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// board.execute(0, Command::Nop)?;
/// println!("{} after {} cycles", board.transport().url(), board.observer().cycles()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Board(Arc<Inner>);

struct Inner {
    transport: Arc<Metered>,
    observer: Observer,
    options: Options,
    iovas: Arc<Mutex<IovaAllocator>>,
    ring: Mutex<Ring>,
    stags: Mutex<StagTable>,
    admin: Mutex<Admin>,
    /// Bit i: VI i, CQ i is in use.
    vis: AtomicU32,
    cqs: AtomicU32,
    next_ptag: AtomicU32,
    /// The board did not answer in time; it is not waited for again.
    lost: AtomicBool,
    eventfds: Vec<EventFd>,
    /// Signalled when a raw frame goes to the inbox.
    raw_arrived: EventFd,
    /// An event queue exists.
    events_owned: AtomicBool,
    status_line: Buffer,
}

/// An eventfd that never blocks its reader.
fn eventfd() -> Result<EventFd, TransportError> {
    EventFd::new(EFD_NONBLOCK).map_err(|source| TransportError::System {
        operation: "eventfd",
        source,
    })
}

/// Locks; a thread that panicked leaves numbers that are still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// Opens the board that a URL names.
    pub fn open_url(url: &str, options: Options) -> Result<Self, BoardError> {
        Self::open_at(&url.parse()?, options)
    }

    /// Opens the board at a URL, whose address counts if `options` has none.
    pub fn open_at(url: &BoardUrl, options: Options) -> Result<Self, BoardError> {
        let address = options.address.or(url.address);
        Self::open(transport::open(url)?, Options { address, ..options })
    }

    /// Opens the board behind a transport.
    pub fn open(transport: Box<dyn Transport>, options: Options) -> Result<Self, BoardError> {
        let transport = Metered::new(transport);
        let observer = Observer::open(transport.clone())?;
        let identity = *observer.identity();
        reset(&transport, options.timeout)?;

        let iovas = Arc::new(Mutex::new(IovaAllocator::new()));
        let map_new = |name, bytes| {
            let mapping = Mapping::new(
                &transport,
                &iovas,
                HostMemory::new(name, bytes)?,
                Rights::ReadWrite,
            )?;
            Buffer::new(mapping, bytes)
        };
        let status_line = map_new("rnic-status-line", STATUS_LINE_BYTES)?;
        let admin_log2 = options.admin_cq_entries_log2;
        let admin = QueueMemory::new(
            ADMIN_CQ,
            admin_log2,
            map_new("rnic-admin-cq", CQE_BYTES << admin_log2)?,
        );

        // Vector 0 is for events, CQ i has vector i + 1; the mask register has 32 bits, so CQ 31 has no interrupt.
        let vectors = (identity.cqs + 1).min(u32::BITS);
        let eventfds = (0..vectors)
            .map(|_| eventfd())
            .collect::<Result<Vec<_>, _>>()?;
        let copies = eventfds
            .iter()
            .map(EventFd::try_clone)
            .collect::<Result<Vec<_>, _>>();
        transport.enable_msix(copies.map_err(|source| TransportError::System {
            operation: "copying an eventfd",
            source,
        })?)?;
        transport.bar_write64(Bar::Registers, map::STATUS_LINE_IOVA, status_line.iova().0)?;
        transport.bar_write32(
            Bar::Registers,
            map::INTERRUPT_MASK,
            u32::MAX >> (u32::BITS - vectors),
        )?;
        let loopback = if options.loopback {
            control::LOOPBACK
        } else {
            0
        };
        transport.bar_write32(Bar::Registers, map::CONTROL, control::ENABLE | loopback)?;

        let create_admin = Command::CreateCq {
            cq: ADMIN_CQ,
            entries_log2: admin_log2,
            iova: admin.iova(),
        };
        let board = Self(Arc::new(Inner {
            observer,
            options,
            iovas,
            ring: Mutex::new(Ring::new(identity.slots as usize)),
            stags: Mutex::new(StagTable::new(identity.tptes, options.seed)),
            admin: Mutex::new(Admin::new(admin)),
            raw_arrived: eventfd()?,
            events_owned: AtomicBool::new(false),
            vis: AtomicU32::new(0),
            cqs: AtomicU32::new(1 << ADMIN_CQ),
            next_ptag: AtomicU32::new(1),
            lost: AtomicBool::new(false),
            eventfds,
            status_line,
            transport,
        }));
        board
            .execute(0, create_admin)
            .map_err(|source| BoardError::AdminQueue {
                source: Box::new(source),
            })?;
        Ok(board)
    }

    /// What the board is.
    pub fn identity(&self) -> &Identity {
        self.0.observer.identity()
    }

    /// Its registers: counters, events, states, trace.
    pub fn observer(&self) -> &Observer {
        &self.0.observer
    }

    /// Its network address.
    pub fn address(&self) -> HostAddress {
        let derived = || HostAddress::of_url(&self.0.transport.url());
        self.0.options.address.unwrap_or_else(derived)
    }

    /// How it was opened.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// What carries accesses to it, with their counts.
    pub fn transport(&self) -> &Arc<Metered> {
        &self.0.transport
    }

    /// Zeroed memory that the board may read and write.
    pub fn allocate(&self, name: &str, bytes: usize) -> Result<Buffer, MemoryError> {
        Buffer::new(
            self.map(HostMemory::new(name, bytes)?, Rights::ReadWrite)?,
            bytes,
        )
    }

    /// Maps memory for the board.
    pub fn map(
        &self,
        memory: Arc<HostMemory>,
        rights: Rights,
    ) -> Result<Arc<Mapping>, MemoryError> {
        Mapping::new(&self.0.transport, &self.0.iovas, memory, rights)
    }

    /// All bytes of a mapping as a buffer.
    pub fn buffer(&self, mapping: Arc<Mapping>) -> Result<Buffer, MemoryError> {
        let bytes = mapping.memory().bytes();
        Buffer::new(mapping, bytes)
    }

    /// Posts a command: stores only. If no slot is known to be free, the status line and the admin queue are consulted first.
    pub fn post(&self, post: &Post) -> Result<(), PostError> {
        let image = post.encode(&self.identity().limits())?;
        let first = lock(&self.0.ring).post(&self.0.transport, &image);
        match first {
            Err(RingError::Full { .. }) => {}
            other => return Ok(other?),
        }
        let line = self.0.status_line.load_u64(0)?;
        self.observe(Report::from_status_line(line));
        self.drain_admin()?;
        Ok(lock(&self.0.ring).post(&self.0.transport, &image)?)
    }

    /// Posts a command and waits for its completion.
    pub fn execute(&self, vi: u16, command: Command) -> Result<Cqe, ExecuteError> {
        let opcode = command.opcode();
        let lost = ExecuteError::Timeout {
            opcode,
            timeout: self.0.options.timeout,
        };
        if self.0.lost.load(Ordering::Relaxed) {
            return Err(lost);
        }
        let end = self.0.transport.now() + self.0.options.timeout;
        let context = self.next_context();
        let post = Post {
            vi,
            context,
            signalled: true,
            command,
        };
        loop {
            match self.post(&post) {
                Err(PostError::Ring(RingError::Full { .. })) if self.0.transport.now() < end => {
                    self.0.transport.poll()?
                }
                other => break other?,
            }
        }
        let mine = |cqe: &Cqe| cqe.kind == Kind::Command && cqe.context == u64::from(context);
        let mut polls = 0;
        while self.0.transport.now() < end {
            if let Some(cqe) = self.take_admin(mine)? {
                cqe.ok()?;
                return Ok(cqe);
            }
            // Most commands are done before an interrupt could be asked for.
            match polls {
                0..100 => self.0.transport.poll()?,
                100..200 => std::thread::sleep(Duration::from_micros(20)),
                _ => self.wait_admin(Duration::from_millis(20))?,
            }
            polls += 1;
        }
        self.0.lost.store(true, Ordering::Relaxed);
        Err(lost)
    }

    /// Learns which slots are free.
    pub(crate) fn observe(&self, report: Report) {
        lock(&self.0.ring).observe(report);
    }

    /// Takes a free STag.
    pub fn allocate_stag(&self) -> Result<Stag, StagError> {
        lock(&self.0.stags).allocate()
    }

    /// Gives an STag back that the board no longer holds.
    pub fn free_stag(&self, stag: Stag) -> Result<(), StagError> {
        lock(&self.0.stags).free(stag)
    }

    /// Whether an STag of this board is in use.
    pub fn check_stag(&self, stag: Stag) -> Result<(), StagError> {
        lock(&self.0.stags).check(stag)
    }

    /// A protection tag that no other call has got.
    pub fn allocate_ptag(&self) -> u32 {
        self.0.next_ptag.fetch_add(1, Ordering::Relaxed)
    }

    /// Creates a completion queue of `1 << entries_log2` entries.
    pub fn create_cq(&self, entries_log2: u32) -> Result<CompletionQueue, ExecuteError> {
        let count = self.identity().cqs;
        let cq = take_bit(&self.0.cqs, count).ok_or(ExecuteError::Exhausted {
            what: "completion queues",
            count,
        })?;
        let create = || {
            // The command refuses a size that the board cannot take; the memory must not be asked for first.
            let bytes = CQE_BYTES << entries_log2.min(16);
            let memory = self.allocate("rnic-cq", bytes)?;
            let command = Command::CreateCq {
                cq,
                entries_log2,
                iova: memory.iova(),
            };
            self.execute(0, command)?;
            Ok(QueueMemory::new(cq, entries_log2, memory))
        };
        match create() {
            Ok(queue) => Ok(CompletionQueue::new(
                self.clone(),
                queue,
                self.eventfd(cq + 1),
            )),
            Err(error) => {
                self.free_cq(cq);
                Err(error)
            }
        }
    }

    /// The eventfd of a vector, if it has one.
    fn eventfd(&self, vector: u32) -> Option<EventFd> {
        self.0.eventfds.get(vector as usize)?.try_clone().ok()
    }

    /// The eventfd that the board signals when a VI has an event.
    pub fn event_eventfd(&self) -> Option<EventFd> {
        self.eventfd(EVENT_VECTOR)
    }

    pub(crate) fn free_cq(&self, cq: u32) {
        self.0.cqs.fetch_and(!(1 << cq), Ordering::Relaxed);
    }

    pub(crate) fn take_vi(&self) -> Option<u16> {
        take_bit(&self.0.vis, self.identity().vis).map(|vi| vi as u16)
    }

    pub(crate) fn free_vi(&self, vi: u16) {
        self.0.vis.fetch_and(!(1 << vi), Ordering::Relaxed);
    }

    /// Command slots that are free, as far as is known.
    pub fn free_slots(&self) -> usize {
        lock(&self.0.ring).free_slots()
    }

    /// Commands posted since the board was opened, modulo 2^32.
    pub fn commands_posted(&self) -> u32 {
        lock(&self.0.ring).posted()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A reset ends all DMA, so that memory can be unmapped. A board that is gone needs none.
        if !self.lost.load(Ordering::Relaxed) {
            let _ = reset(&self.transport, self.options.timeout);
        }
        let _ = self.transport.enable_msix(Vec::new());
    }
}

/// Resets the board and waits until it is quiet.
fn reset(transport: &Metered, timeout: Duration) -> Result<(), BoardError> {
    transport.bar_write32(Bar::Registers, map::CONTROL, control::RESET)?;
    let end = transport.now() + timeout;
    loop {
        transport.poll()?;
        let running = transport.bar_read32(Bar::Registers, map::STATUS)? & status::RESETTING != 0;
        if !running && transport.bar_read32(Bar::Registers, map::CONTROL)? & control::RESET == 0 {
            return Ok(());
        }
        if transport.now() >= end {
            return Err(BoardError::ResetTimeout { timeout });
        }
    }
}

/// Sets the lowest clear bit below `count`.
fn take_bit(bits: &AtomicU32, count: u32) -> Option<u32> {
    let mut taken = None;
    let _ = bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
        taken = Some(bits.trailing_ones()).filter(|&bit| bit < count);
        taken.map(|bit| bits | 1 << bit)
    });
    taken
}

#[cfg(test)]
mod tests;
