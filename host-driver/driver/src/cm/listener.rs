//! Listeners (seed 003 section 3.3.1): each waits for one request that names its discriminator.
//!
//! | state | input | does | becomes |
//! |---|---|---|---|
//! | Listening | a Request with the same discriminator, length and bytes | Pending; tells Incoming | Held |
//! | Listening | its timeout | tells ListenerTimedOut | over |
//! | Listening | the owner closes it | | over |
//! | Held | the client gives up | tells Withdrawn | Listening |
//! | Held | the request is accepted or rejected | | over |
//!
//! Listeners of one discriminator take requests in the order in which they were opened. A listener that holds a request
//! takes no other, and its timeout waits.

use super::timer::{Context, Limit};
use super::{ConnectionId, Event, ListenerId};
use crate::address::Discriminator;
use std::time::Duration;

struct Listener {
    id: ListenerId,
    discriminator: Discriminator,
    limit: Limit,
    held: Option<ConnectionId>,
}

/// All listeners of a manager, the oldest first.
#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    opened: u32,
}

impl Listeners {
    pub(super) fn open(
        &mut self,
        now: Duration,
        discriminator: Discriminator,
        timeout: Option<Duration>,
    ) -> ListenerId {
        self.opened += 1;
        let id = ListenerId(self.opened);
        self.all.push(Listener {
            id,
            discriminator,
            limit: Limit::new(now, timeout),
            held: None,
        });
        id
    }

    /// Closes it; the request that it holds, if it holds one. None if there is no such listener.
    pub(super) fn close(&mut self, id: ListenerId) -> Option<Option<ConnectionId>> {
        let index = self.all.iter().position(|listener| listener.id == id)?;
        Some(self.all.remove(index).held)
    }

    /// The oldest that waits for this discriminator holds the connection from now on.
    pub(super) fn hold(
        &mut self,
        discriminator: Discriminator,
        connection: ConnectionId,
    ) -> Option<ListenerId> {
        let listener = self
            .all
            .iter_mut()
            .find(|listener| listener.held.is_none() && listener.discriminator == discriminator)?;
        listener.held = Some(connection);
        Some(listener.id)
    }

    /// The connection is answered: its listener has done its work.
    pub(super) fn close_of(&mut self, connection: ConnectionId) {
        self.all
            .retain(|listener| listener.held != Some(connection));
    }

    /// The connection is over without an answer: its listener listens again.
    pub(super) fn release(&mut self, connection: ConnectionId) {
        for listener in &mut self.all {
            if listener.held == Some(connection) {
                listener.held = None;
            }
        }
    }

    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.all.retain(|listener| {
            let over = listener.held.is_none() && listener.limit.is_over(now);
            if over {
                cx.tell(Event::ListenerTimedOut {
                    listener: listener.id,
                });
            }
            !over
        });
    }

    /// When the next one ends.
    pub(super) fn due(&self) -> Option<Duration> {
        let free = self.all.iter().filter(|listener| listener.held.is_none());
        free.filter_map(|listener| listener.limit.end).min()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}
