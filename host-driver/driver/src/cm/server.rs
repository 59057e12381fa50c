//! The server's end (seed 003 sections 3.3.2, 3.3.5 and 3.3.6), from the request that a listener holds until the connection
//! stands.
//!
//! | state | input | does | becomes |
//! |---|---|---|---|
//! | Held | Request again | Pending | Held |
//! | Held | Cancel, or no Request for `retry` x `attempts` | tells Withdrawn; the listener listens again | over |
//! | Held | accept with a VI that fits | connects the VI; Reply | Replying |
//! | Held | accept with a VI that does not fit, or that cannot be connected | nothing: no message | Held |
//! | Held | reject, or the owner leaves | Reply that rejects | Rejecting |
//! | Replying | Request again, `retry` passed | Reply again | Replying |
//! | Replying | Ready; a Probe that names it; data on its VI | tells Ready | connected |
//! | Replying | Cancel | tells TimedOut | over |
//! | Replying | Disconnect | tells Ready, then Disconnected: the client was connected | over |
//! | Replying | `attempts` without an answer | tells NotReachable | leaving |
//! | Replying | the owner leaves | | leaving |
//! | Rejecting | Request again, `retry` passed | Reply again | Rejecting |
//! | Rejecting | RejectAck, Cancel | tells RejectHeard | over |
//! | Rejecting | `attempts` without an answer | tells NotReachable | over |
//!
//! A Ready that overtakes its Reply cannot be: the client sends it when it has the Reply.

use super::link::{Link, Next};
use super::timer::{Context, Due, Remember, Repeat};
use super::{Attributes, CmMessage, Event, Failure, Loss, MessageKind, RejectReason};
use crate::mpa::Kind;
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(super) enum Server {
    /// Waits for the owner's answer while the client goes on asking.
    Held { heard: Duration, theirs: Attributes },
    /// Repeats the reply until the client is known to be connected.
    Replying { repeat: Repeat },
    /// Repeats the rejection until it is heard.
    Rejecting {
        repeat: Repeat,
        reason: RejectReason,
    },
}

impl Server {
    /// A listener takes a request.
    pub(super) fn start(link: &Link, theirs: Attributes, cx: &mut Context<'_>) -> Self {
        cx.send(link.message(MessageKind::Pending));
        let heard = cx.now;
        Server::Held { heard, theirs }
    }

    /// The VI is connected.
    pub(super) fn accept(&mut self, link: &Link, cx: &mut Context<'_>) {
        cx.send(link.mpa(MessageKind::Reply, Kind::Reply));
        *self = Server::Replying {
            repeat: Repeat::start(cx),
        };
    }

    pub(super) fn reject(&mut self, link: &Link, reason: RejectReason, cx: &mut Context<'_>) {
        cx.send(link.rejection(MessageKind::Reply, reason));
        *self = Server::Rejecting {
            repeat: Repeat::start(cx),
            reason,
        };
    }

    pub(super) fn take(&mut self, link: &Link, message: &CmMessage, cx: &mut Context<'_>) -> Next {
        let connection = link.connection;
        match (message.kind, &mut *self) {
            (MessageKind::Request, Server::Held { heard, .. }) => {
                *heard = cx.now;
                cx.send(link.message(MessageKind::Pending));
                Next::Stay
            }
            (MessageKind::Request, _) => {
                cx.send(self.answer(link));
                Next::Stay
            }
            (MessageKind::Cancel, Server::Held { .. }) => {
                cx.tell(Event::Withdrawn { connection });
                Next::Over(Remember::Silence)
            }
            (MessageKind::Cancel, Server::Replying { .. }) => {
                cx.tell(Event::Failed {
                    connection,
                    failure: Failure::TimedOut { timeout: None },
                });
                Next::Over(Remember::Silence)
            }
            (MessageKind::RejectAck | MessageKind::Cancel, Server::Rejecting { .. }) => {
                cx.tell(Event::RejectHeard { connection });
                self.over(link)
            }
            (MessageKind::Ready, Server::Replying { .. }) => ready(link, cx),
            (MessageKind::Disconnect, Server::Replying { .. }) => lost_at_once(link, cx),
            _ => Next::Stay,
        }
    }

    pub(super) fn tick(&mut self, link: &Link, cx: &mut Context<'_>) -> Next {
        let connection = link.connection;
        let due = match self {
            Server::Held { heard, .. } if cx.now >= *heard + cx.options.patience() => {
                cx.tell(Event::Withdrawn { connection });
                // A client that is still there may be held once more.
                return Next::Over(Remember::Nothing);
            }
            Server::Held { .. } => Due::NotYet,
            Server::Replying { repeat } | Server::Rejecting { repeat, .. } => repeat.due(cx),
        };
        match due {
            Due::NotYet => Next::Stay,
            Due::Again => {
                cx.send(self.answer(link));
                Next::Stay
            }
            Due::Exhausted => {
                cx.tell(Event::Failed {
                    connection,
                    failure: cx.not_reachable(),
                });
                match self {
                    Server::Replying { .. } => Next::Leave,
                    _ => self.over(link),
                }
            }
        }
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self, patience: Duration) -> Duration {
        match self {
            Server::Held { heard, .. } => *heard + patience,
            Server::Replying { repeat } | Server::Rejecting { repeat, .. } => repeat.next,
        }
    }

    /// The owner does not want the connection any more.
    pub(super) fn leave(&mut self, link: &Link, cx: &mut Context<'_>) -> Next {
        match self {
            Server::Held { .. } => {
                self.reject(link, RejectReason::Refused, cx);
                Next::Stay
            }
            Server::Replying { .. } => Next::Leave,
            Server::Rejecting { .. } => self.over(link),
        }
    }

    /// What a request is answered with.
    fn answer(&self, link: &Link) -> CmMessage {
        match self {
            Server::Held { .. } => link.message(MessageKind::Pending),
            Server::Replying { .. } => link.mpa(MessageKind::Reply, Kind::Reply),
            Server::Rejecting { reason, .. } => link.rejection(MessageKind::Reply, *reason),
        }
    }

    fn over(&self, link: &Link) -> Next {
        Next::Over(Remember::Answer(Box::new(self.answer(link))))
    }
}

/// The other end is known to be connected.
pub(super) fn ready(link: &Link, cx: &mut Context<'_>) -> Next {
    cx.tell(Event::Ready {
        connection: link.connection,
    });
    Next::Connected
}

/// The other end was connected and has left before this side knew.
pub(super) fn lost_at_once(link: &Link, cx: &mut Context<'_>) -> Next {
    ready(link, cx);
    cx.tell(Event::Disconnected {
        connection: link.connection,
        loss: Loss::Left,
    });
    Next::Over(Remember::Silence)
}
