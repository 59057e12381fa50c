//! A wire to another `rnic-sim`: one frame, as little-endian words, in each datagram of a Unix socket.
//!
//! ```text
//! PATH.0 <----- datagrams -----> PATH.1       whoever comes first takes PATH.0 (a lock file decides)
//! ```
//! A frame for nobody (the other process is not there) is lost, as on an unplugged cable. Nothing is in step: the two
//! processes have a clock each.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use crate::board::Frame;

/// More than any frame has.
const MAX_DATAGRAM_BYTES: usize = 16 << 10;

type Waker = Box<dyn Fn() + Send + Sync>;

/// What the receiving thread shares with the clock loop.
#[derive(Default)]
struct Arrivals {
    frames: Mutex<VecDeque<Frame>>,
    any: AtomicBool,
    waker: OnceLock<Waker>,
    closed: AtomicBool,
}

/// One end.
pub struct Datagram {
    socket: UnixDatagram,
    end: usize,
    own: PathBuf,
    peer: PathBuf,
    arrivals: Arc<Arrivals>,
    _lock: File,
}

impl Datagram {
    /// Takes the first free end of `path` and starts to receive.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (end, lock) = match lock_end(path, 0)? {
            Some(lock) => (0, lock),
            None => match lock_end(path, 1)? {
                Some(lock) => (1, lock),
                None => return Err(io::ErrorKind::AddrInUse.into()),
            },
        };
        let own = end_path(path, end);
        let _ = fs::remove_file(&own);
        let socket = UnixDatagram::bind(&own)?;
        let arrivals = Arc::new(Arrivals::default());
        let receiver = socket.try_clone()?;
        let shared = arrivals.clone();
        thread::Builder::new()
            .name("wire".to_string())
            .spawn(move || receive(&receiver, &shared))?;
        Ok(Self {
            socket,
            end,
            own,
            peer: end_path(path, 1 - end),
            arrivals,
            _lock: lock,
        })
    }

    /// Which end this is: 0 or 1.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Called from another thread whenever a frame has arrived; set once.
    pub fn set_waker(&self, waker: impl Fn() + Send + Sync + 'static) {
        let _ = self.arrivals.waker.set(Box::new(waker));
    }

    /// Frames wait to be taken.
    #[inline]
    pub fn has_arrivals(&self) -> bool {
        self.arrivals.any.load(Ordering::Acquire)
    }

    /// The next frame that has arrived.
    pub fn take(&mut self) -> Option<Frame> {
        let mut frames = lock(&self.arrivals.frames);
        let frame = frames.pop_front();
        self.arrivals
            .any
            .store(!frames.is_empty(), Ordering::Release);
        frame
    }

    /// Sends a frame; false if nobody is there. Waits while the other end's socket is full, which keeps the wire lossless.
    pub fn send(&mut self, frame: &[u32]) -> bool {
        let bytes: Vec<u8> = frame.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.socket.send_to(&bytes, &self.peer).is_ok()
    }
}

impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagram")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Drop for Datagram {
    fn drop(&mut self) {
        self.arrivals.closed.store(true, Ordering::Release);
        // Wakes the receiving thread: an empty datagram is no frame.
        let _ = self.socket.send_to(&[], &self.own);
        let _ = fs::remove_file(&self.own);
    }
}

fn receive(socket: &UnixDatagram, arrivals: &Arrivals) {
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    while let Ok(bytes) = socket.recv(&mut buffer) {
        if arrivals.closed.load(Ordering::Acquire) {
            return;
        }
        let words = buffer[..bytes].chunks_exact(4);
        let frame: Frame = words
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        if frame.is_empty() {
            continue;
        }
        lock(&arrivals.frames).push_back(frame);
        arrivals.any.store(true, Ordering::Release);
        if let Some(waker) = arrivals.waker.get() {
            waker();
        }
    }
}

fn lock(frames: &Mutex<VecDeque<Frame>>) -> std::sync::MutexGuard<'_, VecDeque<Frame>> {
    frames.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end_path(path: &Path, end: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{end}"));
    name.into()
}

/// The lock of an end, if nobody has it; it goes with its process.
fn lock_end(path: &Path, end: usize) -> io::Result<Option<File>> {
    let mut name = end_path(path, end).into_os_string();
    name.push(".lock");
    let file = File::create(&name)?;
    // SAFETY: the descriptor is open for the whole call, which touches no memory of ours.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(Some(file));
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::WouldBlock {
        return Ok(None);
    }
    Err(error)
}
