//! Asynchronous events, drained by one owner into a queue that keeps them in their order a VI.
//!
//! ```text
//! EVENT_SUMMARY --> EVENTS of each VI that has some: read, then cleared --> queue --> take, take_of
//!      ^                     + VI_STATE, FIRST_FAILING_DESCRIPTOR
//!  eventfd of the event vector: signalled when a bit is set that was clear
//! ```
//! No event is slept over: [`EventQueue::wait`] looks at the registers after it has read the eventfd and before it sleeps; a
//! bit that is set after that look signals the eventfd again. An event that comes twice before it is drained is told once.

use super::{Board, BoardError, ViStatus};
use crate::transport::TransportError;
use rnic_abi::event::Event;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vmm_sys_util::eventfd::EventFd;

/// An event of a VI.
///
/// ```
/// use rnic_abi::event::Event;
/// use rnic_driver::board::{ViEvent, ViStatus};
/// let lost = ViEvent { vi: 3, event: Event::ConnLost, status: ViStatus::decode(3), failing_descriptor: None };
/// assert_eq!(lost.event.name(), "conn_lost");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViEvent {
    /// The VI; 0 for what is the whole board's.
    pub vi: u16,
    /// The event.
    pub event: Event,
    /// The VI's state when the event was drained.
    pub status: ViStatus,
    /// va of the descriptor at the head of the failing queue when the VI went into error, if it did and there was one.
    pub failing_descriptor: Option<u64>,
}

/// The owner of a board's events. There is one at a time: events are cleared on the board when they are drained.
///
/// ```no_run
/// # use rnic_driver::board::{Board, Options};
/// # use std::time::Duration;
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let mut events = board.event_queue()?;
/// while events.wait(Duration::from_secs(1))? {
///     while let Some(event) = events.take() {
///         println!("VI {}: {}", event.vi, event.event.name());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventQueue {
    board: Board,
    eventfd: EventFd,
    pending: VecDeque<ViEvent>,
}

impl Board {
    /// Becomes the owner of the board's events.
    pub fn event_queue(&self) -> Result<EventQueue, EventQueueError> {
        let eventfd = self.event_eventfd().ok_or(EventQueueError::NoInterrupt)?;
        if self.0.events_owned.swap(true, Ordering::AcqRel) {
            return Err(EventQueueError::Owned);
        }
        Ok(EventQueue {
            board: self.clone(),
            eventfd,
            pending: VecDeque::new(),
        })
    }
}

impl EventQueue {
    /// The oldest event.
    pub fn take(&mut self) -> Option<ViEvent> {
        self.pending.pop_front()
    }

    /// The oldest event of a VI.
    pub fn take_of(&mut self, vi: u16) -> Option<ViEvent> {
        let index = self.pending.iter().position(|event| event.vi == vi)?;
        self.pending.remove(index)
    }

    /// Whether events are waiting to be taken.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Moves what the board has into the queue, VI by VI, each VI's in the order of their bits; how many there were.
    pub fn drain(&mut self) -> Result<usize, EventQueueError> {
        let observer = self.board.observer();
        let events = observer.take_events()?;
        for &(vi, event) in &events {
            let failing = observer.first_failing_descriptor(vi)?;
            self.pending.push_back(ViEvent {
                vi,
                event,
                status: observer.vi_status(vi)?,
                failing_descriptor: Some(failing).filter(|&va| va != 0),
            });
        }
        Ok(events.len())
    }

    /// Sleeps until an event is in the queue or `timeout` has passed; true if one is.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, EventQueueError> {
        let board = self.board.clone();
        let transport = board.transport();
        let end = transport.now() + timeout;
        loop {
            self.drain()?;
            if !self.is_empty() {
                return Ok(true);
            }
            let now = transport.now();
            if now >= end {
                return Ok(false);
            }
            if transport.wait(&self.eventfd, end - now)? {
                self.eventfd
                    .read()
                    .map_err(|source| TransportError::Wait { source })?;
            }
        }
    }

    /// The eventfd, for a thread that waits for several things: read it, then [`drain`](Self::drain), and sleep only then.
    pub fn eventfd(&self) -> &EventFd {
        &self.eventfd
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        self.board.0.events_owned.store(false, Ordering::Release);
    }
}

/// Why events could not be had.
///
/// ```
/// use rnic_driver::board::EventQueueError;
/// assert_eq!(EventQueueError::Owned.to_string(), "the board's events have an owner already");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum EventQueueError {
    /// There is an event queue of this board.
    #[error("the board's events have an owner already")]
    Owned,
    /// The event vector has no eventfd.
    #[error("the board's event vector has no eventfd")]
    NoInterrupt,
    /// A register.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// Waiting.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
