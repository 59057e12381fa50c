//! The end of a connection (seed 003 section 3.3.7): how a connection that stands is left, and what is told of it.
//!
//! | state | input | does | becomes |
//! |---|---|---|---|
//! | Connected | Reply or PeerReply again: the Ready was lost | Ready | Connected |
//! | Connected | Disconnect | tells Disconnected | over |
//! | Connected | probes unanswered, or answered with "unknown" (`keepalive`) | tells Disconnected | over |
//! | Connected | the owner leaves | Disconnect | Leaving |
//! | Leaving | `retry` passed | Disconnect again | Leaving |
//! | Leaving | DisconnectAck, Disconnect, `attempts` without an answer | | over |
//!
//! Whoever gets a Disconnect answers it with DisconnectAck, even if it knows no such connection; a notice names its
//! connection by a number that is never used again, so a late one harms no later connection of the same VIs. If every notice
//! is lost, the other side's probes find out. The VI of the end that leaves is the owner's to make idle; that of the end that
//! is left goes to Error, and CONN_LOST comes behind what was received before: the notice leaves after all that was
//! acknowledged.

use super::link::{Link, Next};
use super::timer::{Context, Due, Remember, Repeat};
use super::{CmMessage, Event, Loss, MessageKind, Role};
use std::time::Duration;

/// The connection stands.
pub(super) fn take_connected(link: &Link, message: &CmMessage, cx: &mut Context<'_>) -> Next {
    match message.kind {
        MessageKind::Reply | MessageKind::PeerReply if link.name.role == Role::Initiator => {
            cx.send(link.message(MessageKind::Ready));
            Next::Stay
        }
        MessageKind::Disconnect => lose(link, Loss::Left, cx),
        _ => Next::Stay,
    }
}

/// The connection is no more.
pub(super) fn lose(link: &Link, loss: Loss, cx: &mut Context<'_>) -> Next {
    cx.tell(Event::Disconnected {
        connection: link.connection,
        loss,
    });
    Next::Over(Remember::Silence)
}

/// This end leaves and repeats so until it is heard.
#[derive(Debug)]
pub(super) struct Leaving {
    repeat: Repeat,
}

impl Leaving {
    pub(super) fn start(link: &Link, cx: &mut Context<'_>) -> Self {
        cx.send(link.message(MessageKind::Disconnect));
        Self {
            repeat: Repeat::start(cx),
        }
    }

    pub(super) fn take(&self, message: &CmMessage) -> Next {
        match message.kind {
            MessageKind::DisconnectAck | MessageKind::Disconnect => Next::Over(Remember::Silence),
            _ => Next::Stay,
        }
    }

    pub(super) fn tick(&mut self, link: &Link, cx: &mut Context<'_>) -> Next {
        match self.repeat.due(cx) {
            Due::NotYet => Next::Stay,
            Due::Again => {
                cx.send(link.message(MessageKind::Disconnect));
                Next::Stay
            }
            Due::Exhausted => Next::Over(Remember::Silence),
        }
    }

    pub(super) fn due(&self) -> Duration {
        self.repeat.next
    }
}
