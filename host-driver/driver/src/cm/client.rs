//! The client's end (seed 003 sections 3.3.3 and 3.3.4), until the connection stands.
//!
//! | state | input | does | becomes |
//! |---|---|---|---|
//! | Requesting | Reply that accepts | tells Accepted | Accepted |
//! | Requesting | Reply that rejects | RejectAck; tells Rejected | over |
//! | Requesting | NoMatch | tells NoMatch | over |
//! | Requesting | Pending | counts as an answer, not as the last one | Requesting |
//! | Requesting | `retry` passed | Request again | Requesting |
//! | Requesting | `attempts` without an answer | Cancel; tells NotReachable | over |
//! | Requesting | its timeout | Cancel; tells TimedOut | over |
//! | Requesting, Accepted | Disconnect: the server gave up | tells NotReachable | over |
//! | Requesting, Accepted | the owner leaves | Cancel | over |
//! | Accepted | the owner has connected the VI | Ready | connected |
//!
//! The request is repeated while it is Pending, too: that is how the server knows that the client still waits, and the client
//! that the server's board is still there. A Cancel that is lost is made up for by the answer to whatever comes next.

use super::link::{Link, Next};
use super::timer::{is_final, Context, Due, Limit, Remember, Repeat};
use super::{CmMessage, Event, Failure, MessageKind, RejectReason};
use crate::mpa::Kind;
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(super) enum Client {
    /// Repeats the request until it is answered.
    Requesting { repeat: Repeat, limit: Limit },
    /// The reply is here; the owner is to connect the VI.
    Accepted,
}

impl Client {
    /// Sends the request.
    pub(super) fn start(link: &Link, timeout: Option<Duration>, cx: &mut Context<'_>) -> Self {
        cx.send(link.mpa(MessageKind::Request, Kind::Request));
        Client::Requesting {
            repeat: Repeat::start(cx),
            limit: Limit::new(cx.now, timeout),
        }
    }

    pub(super) fn take(
        &mut self,
        link: &mut Link,
        message: &CmMessage,
        cx: &mut Context<'_>,
    ) -> Next {
        let connection = link.connection;
        match (message.kind, &mut *self) {
            (MessageKind::Reply | MessageKind::NoMatch, Client::Requesting { .. })
                if is_final(message) =>
            {
                let private = message.private();
                let failure = match message.kind {
                    MessageKind::NoMatch => Failure::NoMatch { at: link.remote },
                    _ => {
                        cx.send(message.answer(MessageKind::RejectAck, link.local));
                        let reason = private.as_ref().map(|private| private.reason);
                        Failure::Rejected {
                            reason: reason.unwrap_or(RejectReason::Unknown),
                            private_data: private.map_or(Vec::new(), |private| private.application),
                        }
                    }
                };
                fail(link, failure, cx)
            }
            (MessageKind::Reply, Client::Requesting { .. }) => {
                if let Some((attributes, private_data)) = link.adopt(message) {
                    *self = Client::Accepted;
                    cx.tell(Event::Accepted {
                        connection,
                        attributes,
                        private_data,
                    });
                }
                Next::Stay
            }
            (MessageKind::Pending, Client::Requesting { repeat, .. }) => {
                repeat.heard();
                Next::Stay
            }
            (MessageKind::Disconnect, _) => fail(link, cx.not_reachable(), cx),
            _ => Next::Stay,
        }
    }

    pub(super) fn tick(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Next {
        let Client::Requesting { repeat, limit } = self else {
            return Next::Stay;
        };
        if limit.is_over(cx.now) {
            cx.send(link.message(MessageKind::Cancel));
            return fail(link, limit.failure(), cx);
        }
        match repeat.due(cx) {
            Due::NotYet => Next::Stay,
            Due::Again => {
                cx.send(link.mpa(MessageKind::Request, Kind::Request));
                Next::Stay
            }
            Due::Exhausted => {
                cx.send(link.message(MessageKind::Cancel));
                fail(link, cx.not_reachable(), cx)
            }
        }
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self) -> Option<Duration> {
        match self {
            Client::Requesting { repeat, limit } => {
                Some(limit.end.map_or(repeat.next, |end| end.min(repeat.next)))
            }
            Client::Accepted => None,
        }
    }

    /// The owner does not want the connection any more.
    pub(super) fn leave(link: &Link, cx: &mut Context<'_>) -> Next {
        cx.send(link.message(MessageKind::Cancel));
        Next::Over(Remember::Nothing)
    }
}

/// Nothing is remembered: a client answers what comes late as it answers what it never knew.
fn fail(link: &Link, failure: Failure, cx: &mut Context<'_>) -> Next {
    cx.tell(Event::Failed {
        connection: link.connection,
        failure,
    });
    Next::Over(Remember::Nothing)
}
