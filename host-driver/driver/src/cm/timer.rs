//! Time for the state machines: how they are told of it, how messages are repeated, when requests end.

use super::{CmMessage, Event, Failure, MessageKind};
use std::collections::VecDeque;
use std::time::Duration;

/// Timing of a connection manager.
///
/// ```
/// use rnic_driver::cm::CmOptions;
/// let options = CmOptions::default();
/// assert!(options.attempts > 1 && options.memory() > options.retry * options.attempts);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CmOptions {
    /// Time between two sendings of a message, by the transport's clock.
    pub retry: Duration,
    /// How often a message is sent without an answer before the peer is not reachable.
    pub attempts: u32,
    /// Time between two probes of a peer with which connections stand; none: they are not probed.
    pub keepalive: Option<Duration>,
    /// How many probes may go unanswered before the connections with a peer are lost.
    pub misses: u32,
}

impl CmOptions {
    /// How long a silent peer is waited for.
    pub const fn patience(&self) -> Duration {
        self.retry.saturating_mul(self.attempts)
    }

    /// How long answers are remembered for requests that come late.
    pub const fn memory(&self) -> Duration {
        self.patience().saturating_mul(2)
    }
}

impl Default for CmOptions {
    fn default() -> Self {
        Self {
            retry: Duration::from_millis(200),
            attempts: 50,
            keepalive: Some(Duration::from_secs(1)),
            misses: 5,
        }
    }
}

/// What a state machine may do while it takes an input.
pub(super) struct Context<'a> {
    pub(super) now: Duration,
    pub(super) options: &'a CmOptions,
    pub(super) out: &'a mut VecDeque<CmMessage>,
    pub(super) events: &'a mut VecDeque<Event>,
}

impl Context<'_> {
    pub(super) fn send(&mut self, message: CmMessage) {
        self.out.push_back(message);
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn not_reachable(&self) -> Failure {
        Failure::NotReachable {
            attempts: self.options.attempts,
        }
    }
}

/// Whether a message is to be sent again.
pub(super) enum Due {
    NotYet,
    Again,
    Exhausted,
}

/// A message that is repeated until it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub(super) next: Duration,
    unanswered: u32,
}

impl Repeat {
    /// It has just been sent for the first time.
    pub(super) fn start(cx: &Context<'_>) -> Self {
        Self {
            next: cx.now + cx.options.retry,
            unanswered: 1,
        }
    }

    pub(super) fn due(&mut self, cx: &Context<'_>) -> Due {
        if cx.now < self.next {
            return Due::NotYet;
        }
        if self.unanswered >= cx.options.attempts {
            return Due::Exhausted;
        }
        self.unanswered += 1;
        self.next = cx.now + cx.options.retry;
        Due::Again
    }

    /// The peer's manager is there, though it has no answer yet.
    pub(super) fn heard(&mut self) {
        self.unanswered = 0;
    }

    /// Sends at the next occasion.
    pub(super) fn hurry(&mut self, cx: &Context<'_>) {
        self.next = self.next.min(cx.now);
    }
}

/// When a request or listener ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    timeout: Option<Duration>,
    pub(super) end: Option<Duration>,
}

impl Limit {
    pub(super) fn new(now: Duration, timeout: Option<Duration>) -> Self {
        Self {
            timeout,
            // A timeout beyond the clock's range is none.
            end: timeout.and_then(|timeout| now.checked_add(timeout)),
        }
    }

    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.end.is_some_and(|end| now >= end)
    }

    pub(super) const fn failure(&self) -> Failure {
        Failure::TimedOut {
            timeout: self.timeout,
        }
    }
}

/// What is kept of a connection that is over, for requests that come once more.
#[derive(Clone, Debug)]
pub(super) enum Remember {
    /// Nothing: another such message is a new request.
    Nothing,
    /// It was dealt with: no answer.
    Silence,
    /// The same answer again.
    Answer(Box<CmMessage>),
}

/// Whether this answer rejects: it is a rejection, or says that nobody is there.
pub(super) fn is_final(message: &CmMessage) -> bool {
    message.kind == MessageKind::NoMatch || message.rejects()
}
