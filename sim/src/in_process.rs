//! Boards in this process, shared between threads: the driver's in-process transport, tests, and the vfio-user server.
//!
//! ```text
//! Sim (clone freely) --- one lock --- Simulation        SimBoard = Sim + board number: what a transport needs
//!   run, run_until ...: the caller is the clock         start_clock: a thread is the clock, asleep when nothing moves
//! ```
//! *Without a clock thread* cycles pass only in `run..`, `bar_read`, `unmap` and `reset`, so that one thread's calls decide
//! everything and a run repeats exactly. *With* one, the clock runs whenever something moves; an idle board costs no
//! processor time, and calls of other threads come first.
//!
//! This crate does not know the driver. The driver's port trait is implemented on `SimBoard` where both crates meet: in the
//! library of `rnic-tests`, which the scenario tests and the benches use.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use vmm_sys_util::eventfd::EventFd;

use crate::bus_monitor::BusCounts;
use crate::host_memory::{Backing, MapError, Rights};
use crate::model::Gateware;
use crate::pcap::CYCLE_NS;
use crate::simulation::{Setup, Simulation};

/// Cycles that the clock thread runs before it looks whether somebody wants the lock.
const BATCH_CYCLES: u64 = 32;

struct Shared {
    simulation: Mutex<Simulation>,
    /// Callers that want the lock: the clock thread steps back for them (a std mutex is not fair).
    waiting: AtomicUsize,
    clocked: AtomicBool,
    /// Something may move again, or the clock is to stop.
    wake: Condvar,
}

/// A simulation that threads share.
#[derive(Clone)]
pub struct Sim {
    shared: Arc<Shared>,
}

impl Sim {
    /// Boards at power-on.
    pub fn new(setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            simulation: Mutex::new(Simulation::new(setup)),
            waiting: AtomicUsize::new(0),
            clocked: AtomicBool::new(false),
            wake: Condvar::new(),
        });
        let weak = Arc::downgrade(&shared);
        let sim = Self { shared };
        sim.with(|simulation| {
            if let Some(datagram) = simulation.wire().datagram() {
                datagram.set_waker(move || {
                    if let Some(shared) = weak.upgrade() {
                        // Through the lock, so that the clock cannot be between looking and falling asleep.
                        drop(Self { shared }.lock());
                    }
                });
            }
        });
        sim
    }

    /// Does something with the simulation; nothing else happens in it meanwhile.
    pub fn with<R>(&self, act: impl FnOnce(&mut Simulation) -> R) -> R {
        act(&mut self.lock().guard)
    }

    /// Runs some cycles.
    pub fn run(&self, cycles: u64) {
        self.with(|simulation| simulation.run(cycles));
    }

    /// Runs until `done`, or for `limit` cycles; true if it came to be. `done` is looked at before every cycle, and must not
    /// use this `Sim` (it has the simulation itself).
    pub fn run_until(&self, limit: u64, done: impl FnMut(&mut Simulation) -> bool) -> bool {
        self.with(|simulation| simulation.run_until(limit, done))
    }

    /// Runs until nothing moves, or for `limit` cycles; true if it came to rest.
    pub fn run_until_idle(&self, limit: u64) -> bool {
        self.with(|simulation| simulation.run_until_idle(limit))
    }

    /// Cycles so far.
    pub fn cycles(&self) -> u64 {
        self.with(|simulation| simulation.cycles())
    }

    /// Simulated time: cycles at 31.25 MHz.
    pub fn now_ns(&self) -> u64 {
        self.cycles() * CYCLE_NS
    }

    /// A board.
    pub fn board(&self, index: usize) -> SimBoard {
        let boards = self.with(|simulation| simulation.boards());
        assert!(index < boards, "board {index} of {boards}");
        SimBoard {
            sim: self.clone(),
            index,
        }
    }

    /// Starts a thread that is the clock until the handle is dropped.
    pub fn start_clock(&self) -> Clock {
        let was = self.shared.clocked.swap(true, Ordering::AcqRel);
        assert!(!was, "there is a clock already");
        let shared = self.shared.clone();
        let thread = thread::Builder::new()
            .name("clock".to_string())
            .spawn(move || tick(&shared))
            .ok();
        Clock {
            sim: self.clone(),
            thread,
        }
    }

    fn lock(&self) -> Locked<'_> {
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        let guard = lock(&self.shared.simulation);
        self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
        Locked {
            guard,
            shared: &self.shared,
        }
    }
}

/// The lock, and the duty to wake the clock.
struct Locked<'a> {
    guard: MutexGuard<'a, Simulation>,
    shared: &'a Shared,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.shared.clocked.load(Ordering::Acquire) && self.guard.busy() {
            self.shared.wake.notify_one();
        }
    }
}

/// A running clock; dropping it stops it.
pub struct Clock {
    sim: Sim,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.sim.shared.clocked.store(false, Ordering::Release);
        drop(self.sim.lock());
        self.sim.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The clock thread.
fn tick(shared: &Shared) {
    let mut simulation = lock(&shared.simulation);
    while shared.clocked.load(Ordering::Acquire) {
        if simulation.busy() {
            simulation.run(BATCH_CYCLES);
        } else {
            simulation = shared
                .wake
                .wait(simulation)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if shared.waiting.load(Ordering::Acquire) > 0 {
            drop(simulation);
            while shared.waiting.load(Ordering::Acquire) > 0 {
                thread::yield_now();
            }
            simulation = lock(&shared.simulation);
        }
    }
}

fn lock(simulation: &Mutex<Simulation>) -> MutexGuard<'_, Simulation> {
    simulation.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One board of a `Sim`, with what a driver's transport needs.
#[derive(Clone)]
pub struct SimBoard {
    sim: Sim,
    index: usize,
}

impl SimBoard {
    /// The simulation it is in.
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Its number.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its gateware.
    pub fn gateware(&self) -> Gateware {
        self.with_board(|board| board.gateware())
    }

    /// Stores 4 or 8 bytes at a multiple of 4; returns at once.
    pub fn bar_write(&self, bar: u8, offset: u32, bytes: usize, value: u64) {
        self.sim
            .with(|simulation| simulation.bar_write(self.index, bar, offset, bytes, value));
    }

    /// Loads 4 or 8 bytes from a multiple of 4; runs the clock until the answer is here. All ones if none comes.
    pub fn bar_read(&self, bar: u8, offset: u32, bytes: usize) -> u64 {
        self.sim
            .with(|simulation| simulation.bar_read(self.index, bar, offset, bytes))
    }

    /// Gives the board `bytes` of memory at `iova`.
    pub fn map(
        &self,
        iova: u64,
        bytes: u64,
        backing: Backing,
        rights: Rights,
    ) -> Result<(), MapError> {
        self.with_board(|board| board.memory.map(iova, bytes, backing, rights))
    }

    /// Takes away every range in the one given, once accesses under way are over; returns how many there were.
    pub fn unmap(&self, iova: u64, bytes: u64) -> usize {
        self.sim
            .with(|simulation| simulation.unmap(self.index, iova, bytes))
    }

    /// Messages of an interrupt vector since power-on.
    pub fn interrupts(&self, vector: usize) -> u64 {
        self.with_board(|board| board.interrupts(vector))
    }

    /// The vector that has waited longest to be taken; messages of one vector that nobody took are one.
    pub fn take_interrupt(&self) -> Option<usize> {
        self.with_board(|board| board.take_interrupt())
    }

    /// Number of interrupt vectors.
    pub fn vectors(&self) -> usize {
        self.with_board(|board| board.vectors())
    }

    /// What a vector signals from here on.
    pub fn set_eventfd(&self, vector: usize, eventfd: Option<EventFd>) {
        self.with_board(|board| board.set_eventfd(vector, eventfd));
    }

    /// Resets the board and waits until it is out of reset; false if it does not come out.
    pub fn reset(&self) -> bool {
        self.sim.with(|simulation| simulation.reset(self.index))
    }

    /// What its bus monitor has counted.
    pub fn counts(&self) -> BusCounts {
        self.with_board(|board| board.monitor.snapshot())
    }

    /// Does something with the board.
    pub fn with_board<R>(&self, act: impl FnOnce(&mut crate::board::Board) -> R) -> R {
        self.sim
            .with(|simulation| act(simulation.board(self.index)))
    }
}
