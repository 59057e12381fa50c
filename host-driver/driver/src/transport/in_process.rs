//! A board that lives in this process: a simulator's board behind the small trait [`BoardPort`].
//!
//! Simulated time passes when the driver waits (`poll`), so that one thread can drive both ends of a wire and the same seed
//! gives the same run. The adapter knows nothing of how the board is simulated.

use super::{wait_readable, Bar, Rights, Transport, TransportError};
use crate::memory::HostMemory;
use rnic_abi::Iova;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vmm_sys_util::eventfd::EventFd;

/// What an in-process board offers. Errors are the port's own words.
///
/// ```
/// use rnic_driver::memory::HostMemory;
/// use rnic_driver::transport::{Bar, BoardPort, InProcess, Rights, Transport};
/// use rnic_abi::Iova;
/// use std::sync::Arc;
/// struct Registers([u32; 4]);
/// impl BoardPort for Registers {
///     fn bar_read(&mut self, _: Bar, offset: u32, _: u32) -> Result<u64, String> { Ok(self.0[offset as usize / 4].into()) }
///     fn bar_write(&mut self, _: Bar, offset: u32, _: u32, value: u64) -> Result<(), String> {
///         self.0[offset as usize / 4] = value as u32;
///         Ok(())
///     }
///     fn dma_map(&mut self, _: Iova, _: &Arc<HostMemory>, _: Rights) -> Result<(), String> { Ok(()) }
///     fn dma_unmap(&mut self, _: Iova, _: u64) -> Result<(), String> { Ok(()) }
///     fn poll_irq(&mut self) -> Option<u32> { None }
///     fn reset(&mut self) -> Result<(), String> { self.0 = [0; 4]; Ok(()) }
///     fn poll(&mut self) {}
///     fn now_ns(&mut self) -> u64 { 0 }
/// }
/// let board = InProcess::new(Registers([0; 4]));
/// board.bar_write32(Bar::Registers, 8, 7).unwrap();
/// assert_eq!(board.bar_read32(Bar::Registers, 8).unwrap(), 7);
/// ```
pub trait BoardPort: Send {
    /// Loads `bytes` (4 or 8).
    fn bar_read(&mut self, bar: Bar, offset: u32, bytes: u32) -> Result<u64, String>;
    /// Stores `bytes` (4 or 8) in one access; it may be posted.
    fn bar_write(&mut self, bar: Bar, offset: u32, bytes: u32, value: u64) -> Result<(), String>;
    /// Lets the board reach all of `memory` at `iova`. Its host range is `host_address()` and `bytes()`, its file `file()`;
    /// the port keeps the `Arc` until the unmap.
    fn dma_map(
        &mut self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        rights: Rights,
    ) -> Result<(), String>;
    /// Ends the mapping; returns once the board has quiesced towards it.
    fn dma_unmap(&mut self, iova: Iova, bytes: u64) -> Result<(), String>;
    /// The next interrupt vector that the board sent, oldest first.
    fn poll_irq(&mut self) -> Option<u32>;
    /// Resets the device.
    fn reset(&mut self) -> Result<(), String>;
    /// Lets simulated time pass: a few dozen to a few thousand cycles.
    fn poll(&mut self);
    /// Simulated time in nanoseconds.
    fn now_ns(&mut self) -> u64;
}

/// The transport around a [`BoardPort`]; see there for an example.
pub struct InProcess<B> {
    state: Mutex<State<B>>,
}

/// The board and the eventfds its vectors go to.
struct State<B> {
    port: B,
    eventfds: Vec<EventFd>,
}

impl<B: BoardPort> State<B> {
    /// Hands the vectors that the board has sent to their eventfds.
    fn deliver(&mut self) -> Result<(), TransportError> {
        while let Some(vector) = self.port.poll_irq() {
            if let Some(eventfd) = self.eventfds.get(vector as usize) {
                eventfd.write(1).map_err(|source| TransportError::System {
                    operation: "signalling an eventfd",
                    source,
                })?;
            }
        }
        Ok(())
    }
}

impl<B: BoardPort> InProcess<B> {
    /// A transport to `port`.
    pub fn new(port: B) -> Self {
        Self {
            state: Mutex::new(State {
                port,
                eventfds: Vec::new(),
            }),
        }
    }

    /// Runs `f` on the port, e.g. to look at a simulator's probes.
    pub fn with_port<R>(&self, f: impl FnOnce(&mut B) -> R) -> R {
        f(&mut self.state().port)
    }

    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the operation and its place beside the port's words.
fn refused(operation: &'static str, at: u64) -> impl FnOnce(String) -> TransportError {
    move |reason| TransportError::Port {
        operation,
        at,
        reason,
    }
}

impl<B: BoardPort> Transport for InProcess<B> {
    fn bar_read32(&self, bar: Bar, offset: u32) -> Result<u32, TransportError> {
        let value = self
            .state()
            .port
            .bar_read(bar, offset, 4)
            .map_err(refused("a 4-byte load", offset.into()))?;
        Ok(value as u32)
    }

    fn bar_read64(&self, bar: Bar, offset: u32) -> Result<u64, TransportError> {
        self.state()
            .port
            .bar_read(bar, offset, 8)
            .map_err(refused("an 8-byte load", offset.into()))
    }

    fn bar_write32(&self, bar: Bar, offset: u32, value: u32) -> Result<(), TransportError> {
        self.state()
            .port
            .bar_write(bar, offset, 4, value.into())
            .map_err(refused("a 4-byte store", offset.into()))
    }

    fn bar_write64(&self, bar: Bar, offset: u32, value: u64) -> Result<(), TransportError> {
        self.state()
            .port
            .bar_write(bar, offset, 8, value)
            .map_err(refused("an 8-byte store", offset.into()))
    }

    fn dma_map(
        &self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        rights: Rights,
    ) -> Result<(), TransportError> {
        self.state()
            .port
            .dma_map(iova, memory, rights)
            .map_err(refused("a DMA map", iova.0))
    }

    fn dma_unmap(&self, iova: Iova, bytes: u64) -> Result<(), TransportError> {
        self.state()
            .port
            .dma_unmap(iova, bytes)
            .map_err(refused("a DMA unmap", iova.0))
    }

    fn enable_msix(&self, eventfds: Vec<EventFd>) -> Result<(), TransportError> {
        self.state().eventfds = eventfds;
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        self.state()
            .port
            .reset()
            .map_err(refused("a device reset", 0))
    }

    fn url(&self) -> String {
        "sim:".into()
    }

    fn poll(&self) -> Result<(), TransportError> {
        let mut state = self.state();
        state.port.poll();
        state.deliver()
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.state().port.now_ns())
    }

    fn wait(&self, eventfd: &EventFd, timeout: Duration) -> Result<bool, TransportError> {
        let end = self.now() + timeout;
        // A port whose clock stands still must not hang the caller.
        let wall_end = Instant::now() + timeout.max(Duration::from_secs(1)) * 10;
        loop {
            if wait_readable(eventfd, Duration::ZERO)
                .map_err(|source| TransportError::Wait { source })?
            {
                return Ok(true);
            }
            if self.now() >= end || Instant::now() >= wall_end {
                return Ok(false);
            }
            self.poll()?;
        }
    }
}
