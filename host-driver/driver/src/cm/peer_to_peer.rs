//! A peer's end (seed 003 sections 3.3.8 and 3.3.9), until the connection stands.
//!
//! Both peers ask, and name the same discriminator as their remote address. Of two requests that meet, the end with the smaller
//! (host address, request number) answers, so that requests that cross make one connection; it answers with the oldest of its
//! requests, and only what the other side says is its oldest of that discriminator.
//!
//! | state | input | does | becomes |
//! |---|---|---|---|
//! | Asking | a PeerRequest that it is to answer, attributes fit | tells Accepted | Found |
//! | Asking | the same, attributes differ | PeerReply that rejects; tells Mismatch | Refusing |
//! | Asking | a PeerRequest that the other side is to answer | PeerRequest at once | Asking |
//! | Asking | PeerReply that accepts | tells Accepted | Accepted |
//! | Asking | PeerReply that rejects | RejectAck; tells Mismatch | over |
//! | Asking | Pending: the other board is there, no peer yet | counts as an answer, not as the last one | Asking |
//! | Asking | `retry` passed | PeerRequest again | Asking |
//! | Asking | `attempts` without an answer | Cancel; tells NotReachable | over |
//! | Asking | its timeout | Cancel; tells TimedOut | over |
//! | Asking, Accepted | Disconnect: the other side gave up | tells NotReachable | over |
//! | Accepted | the owner has connected the VI | Ready | connected |
//! | Found | the owner has connected the VI | PeerReply | Replying |
//! | Found | PeerRequest again | Pending | Found |
//! | Found | Cancel: the other side gave up | | Asking |
//! | Replying | PeerRequest again, `retry` passed | PeerReply again | Replying |
//! | Replying | Ready; a Probe that names it; data on its VI | tells Ready | connected |
//! | Replying | Cancel: the other side gave up | tells Withdrawn | Asking |
//! | Replying | Disconnect | tells Ready, then Disconnected | over |
//! | Replying | `attempts` without an answer | tells NotReachable | leaving |
//! | Refusing | PeerRequest again, `retry` passed | PeerReply again | Refusing |
//! | Refusing | RejectAck, Cancel, `attempts` without an answer | | over |
//! | any | the owner leaves | Cancel or Disconnect; a peer that was Found is free again | over, leaving |
//!
//! The timeout does not run out while a partner is Found, Accepted or Replying; back in Asking it does.

use super::link::{Link, Next};
use super::server::{lost_at_once, ready};
use super::timer::{Context, Due, Limit, Remember, Repeat};
use super::{
    Attributes, CmMessage, Event, Failure, MessageKind, Mismatch, Name, RejectReason, Role,
};
use crate::mpa::Kind;
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(super) struct PeerToPeer {
    state: State,
    /// The link as it was when asking, to ask again with.
    asking: Box<Link>,
    limit: Limit,
    /// An older request of the same discriminator is first.
    pub(super) behind: bool,
}

#[derive(Debug)]
enum State {
    /// Repeats the request until it is answered, or meets one that it answers.
    Asking { repeat: Repeat },
    /// The other side answered; the owner is to connect the VI.
    Accepted,
    /// This side is to answer; the owner is to connect the VI first.
    Found,
    /// Repeats the answer until the other side is known to be connected.
    Replying { repeat: Repeat },
    /// Repeats the refusal until it is heard.
    Refusing {
        repeat: Repeat,
        reason: RejectReason,
    },
}

impl PeerToPeer {
    /// Sends the first request.
    pub(super) fn start(
        link: &Link,
        timeout: Option<Duration>,
        behind: bool,
        cx: &mut Context<'_>,
    ) -> Self {
        let this = Self {
            state: State::Asking {
                repeat: Repeat::start(cx),
            },
            asking: Box::new(link.clone()),
            limit: Limit::new(cx.now, timeout),
            behind,
        };
        cx.send(this.request(link));
        this
    }

    /// Whether it looks for a partner still.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }

    /// Whether the owner is to connect the VI.
    pub(super) fn is_found(&self) -> bool {
        matches!(self.state, State::Accepted | State::Found)
    }

    /// Whether this end answers a request that it meets, not the other way round.
    pub(super) fn answers(link: &Link, request: &CmMessage) -> bool {
        (link.local.host, link.name.id) < (request.source.host, request.name.id)
    }

    /// A request that this end does not answer: the other side is to have this end's request soon.
    pub(super) fn nudge(&mut self, cx: &Context<'_>) {
        if let State::Asking { repeat } = &mut self.state {
            repeat.hurry(cx);
        }
    }

    /// Becomes the partner of a request that it answers.
    pub(super) fn meet(&mut self, link: &mut Link, request: &CmMessage, cx: &mut Context<'_>) {
        let Some(ours) = link.attributes else { return };
        link.name = Name {
            role: Role::Responder,
            id: request.name.id,
        };
        let Some((theirs, private_data)) = link.adopt(request) else {
            *link = *self.asking.clone();
            return;
        };
        let connection = link.connection;
        match ours.check(&theirs) {
            Ok(()) => {
                self.state = State::Found;
                cx.tell(Event::Accepted {
                    connection,
                    attributes: theirs,
                    private_data,
                });
            }
            Err(mismatch) => {
                let reason = mismatch.reason();
                cx.send(link.rejection(MessageKind::PeerReply, reason));
                self.state = State::Refusing {
                    repeat: Repeat::start(cx),
                    reason,
                };
                cx.tell(Event::Failed {
                    connection,
                    failure: Failure::Mismatch(mismatch),
                });
            }
        }
    }

    /// The VI is connected. Stay: the other side is to be told by the answer.
    pub(super) fn finish(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Next {
        match self.state {
            State::Found => {
                let reply = link.mpa(MessageKind::PeerReply, Kind::Reply);
                link.opening.note(&reply);
                cx.send(reply);
                let repeat = Repeat::start(cx);
                self.state = State::Replying { repeat };
                Next::Stay
            }
            _ => {
                cx.send(link.message(MessageKind::Ready));
                Next::Connected
            }
        }
    }

    pub(super) fn take(
        &mut self,
        link: &mut Link,
        message: &CmMessage,
        cx: &mut Context<'_>,
    ) -> Next {
        match (message.kind, &mut self.state) {
            (MessageKind::PeerRequest, _) => {
                cx.send(self.answer(link));
                Next::Stay
            }
            (MessageKind::PeerReply, State::Asking { .. }) => self.replied(link, message, cx),
            (MessageKind::Pending, State::Asking { repeat }) => {
                repeat.heard();
                Next::Stay
            }
            (MessageKind::Cancel, State::Found) => self.ask_again(link, cx),
            (MessageKind::Cancel, State::Replying { .. }) => {
                cx.tell(Event::Withdrawn {
                    connection: link.connection,
                });
                self.ask_again(link, cx)
            }
            (MessageKind::RejectAck | MessageKind::Cancel, State::Refusing { .. }) => {
                self.refused(link)
            }
            (MessageKind::Ready, State::Replying { .. }) => ready(link, cx),
            (MessageKind::Disconnect, State::Replying { .. }) => lost_at_once(link, cx),
            (MessageKind::Disconnect, State::Asking { .. } | State::Accepted) => {
                fail(link, cx.not_reachable(), cx)
            }
            _ => Next::Stay,
        }
    }

    fn replied(&mut self, link: &mut Link, message: &CmMessage, cx: &mut Context<'_>) -> Next {
        let connection = link.connection;
        if message.rejects() {
            cx.send(message.answer(MessageKind::RejectAck, link.local));
            let mismatch = mismatch(link.attributes, message.attributes);
            return fail(link, mismatch.unwrap_or_else(|| cx.not_reachable()), cx);
        }
        if let Some((attributes, private_data)) = link.adopt(message) {
            self.state = State::Accepted;
            cx.tell(Event::Accepted {
                connection,
                attributes,
                private_data,
            });
        }
        Next::Stay
    }

    pub(super) fn tick(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Next {
        let due = match &mut self.state {
            State::Asking { .. } if self.limit.is_over(cx.now) => {
                cx.send(link.message(MessageKind::Cancel));
                return fail(link, self.limit.failure(), cx);
            }
            State::Accepted | State::Found => Due::NotYet,
            State::Asking { repeat }
            | State::Replying { repeat }
            | State::Refusing { repeat, .. } => repeat.due(cx),
        };
        match (due, &self.state) {
            (Due::NotYet, _) => Next::Stay,
            (Due::Again, State::Asking { .. }) => {
                cx.send(self.request(link));
                Next::Stay
            }
            (Due::Again, _) => {
                cx.send(self.answer(link));
                Next::Stay
            }
            (Due::Exhausted, State::Refusing { .. }) => self.refused(link),
            (Due::Exhausted, State::Replying { .. }) => {
                cx.tell(Event::Failed {
                    connection: link.connection,
                    failure: cx.not_reachable(),
                });
                Next::Leave
            }
            (Due::Exhausted, _) => {
                cx.send(link.message(MessageKind::Cancel));
                fail(link, cx.not_reachable(), cx)
            }
        }
    }

    /// The owner does not want the connection any more.
    pub(super) fn leave(&mut self, link: &Link, cx: &mut Context<'_>) -> Next {
        match self.state {
            State::Asking { .. } | State::Accepted => {
                cx.send(link.message(MessageKind::Cancel));
                Next::Over(Remember::Nothing)
            }
            State::Found => Next::Over(Remember::Nothing),
            State::Replying { .. } => Next::Leave,
            State::Refusing { .. } => self.refused(link),
        }
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self) -> Option<Duration> {
        match &self.state {
            State::Asking { repeat } => {
                Some(self.limit.end.map_or(repeat.next, |e| e.min(repeat.next)))
            }
            State::Replying { repeat } | State::Refusing { repeat, .. } => Some(repeat.next),
            State::Accepted | State::Found => None,
        }
    }

    fn ask_again(&mut self, link: &mut Link, cx: &Context<'_>) -> Next {
        let dropped = link.name.id;
        *link = *self.asking.clone();
        let mut repeat = Repeat::start(cx);
        repeat.hurry(cx);
        self.state = State::Asking { repeat };
        Next::AskAgain { dropped }
    }

    fn request(&self, link: &Link) -> CmMessage {
        CmMessage {
            behind: self.behind,
            ..link.mpa(MessageKind::PeerRequest, Kind::Request)
        }
    }

    /// What a request that met this end is answered with.
    fn answer(&self, link: &Link) -> CmMessage {
        match self.state {
            State::Replying { .. } => link.mpa(MessageKind::PeerReply, Kind::Reply),
            State::Refusing { reason, .. } => link.rejection(MessageKind::PeerReply, reason),
            State::Asking { .. } | State::Accepted | State::Found => {
                link.message(MessageKind::Pending)
            }
        }
    }

    fn refused(&self, link: &Link) -> Next {
        Next::Over(Remember::Answer(Box::new(self.answer(link))))
    }
}

/// The difference that a refusal is about: both ends compare the same two sets of attributes in the same order.
fn mismatch(ours: Option<Attributes>, theirs: Option<Attributes>) -> Option<Failure> {
    let found: Result<(), Mismatch> = ours?.check(&theirs?);
    found.err().map(Failure::Mismatch)
}

fn fail(link: &Link, failure: Failure, cx: &mut Context<'_>) -> Next {
    cx.tell(Event::Failed {
        connection: link.connection,
        failure,
    });
    Next::Over(Remember::Nothing)
}
