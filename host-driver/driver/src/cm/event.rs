//! What an owner of connections is told, and what it says of itself when it asks for one.

use super::{Attributes, Mismatch, Private, RejectReason};
use crate::address::{Discriminator, NetAddress};
use crate::mpa::Frame;
use std::fmt;
use std::time::Duration;

/// Names one end of a connection in its manager; never used again.
///
/// ```
/// # fn of(event: &rnic_driver::cm::Event) -> Option<rnic_driver::cm::ConnectionId> { event.connection() }
/// let listener: Option<rnic_driver::cm::ListenerId> = None;
/// assert!(listener.is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(super) u32);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Names a listener; never used again.
///
/// ```
/// fn same(one: rnic_driver::cm::ListenerId, other: rnic_driver::cm::ListenerId) -> bool { one == other }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub(super) u32);

/// What one side wants of a connection, beside its VI's attributes.
///
/// ```
/// use rnic_driver::cm::Offer;
/// let offer = Offer { private_data: b"copy".to_vec(), ..Offer::new(2) };
/// assert_eq!((offer.ird, offer.ord, offer.qos), (2, 2, 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Inbound read depth.
    pub ird: u8,
    /// Outbound read depth.
    pub ord: u8,
    /// Features (`abi::command::vi_peer`); what both sides offer is negotiated.
    pub features: u8,
    /// Quality of service; it must be the peer's too.
    pub qos: u8,
    /// The application's private data, at most [`super::MAX_PRIVATE_BYTES`].
    pub private_data: Vec<u8>,
}

impl Offer {
    /// Read depths of `reads` both ways, all features.
    pub const fn new(reads: u8) -> Self {
        Self {
            ird: reads,
            ord: reads,
            features: Private::FEATURES,
            qos: 0,
            private_data: Vec::new(),
        }
    }

    /// What a request or reply offers.
    pub(super) fn of_frame(frame: &Frame, qos: u8) -> Self {
        let private = Private::decode(&frame.private_data);
        let enhanced = frame.enhanced.unwrap_or_default();
        Self {
            ird: enhanced.ird.min(u8::MAX.into()) as u8,
            ord: enhanced.ord.min(u8::MAX.into()) as u8,
            features: private.features,
            qos,
            private_data: private.application,
        }
    }

    /// Takes away what the other side does not offer.
    pub(super) fn limit(&mut self, theirs: &Self) {
        self.ird = self.ird.min(theirs.ord);
        self.ord = self.ord.min(theirs.ird);
        self.features &= theirs.features;
    }
}

/// A client's or peer's request.
///
/// ```
/// use rnic_driver::address::{Discriminator, HostAddress, NetAddress};
/// use rnic_driver::cm::{ConnectRequest, Offer};
/// let to = NetAddress { host: HostAddress::ANY, discriminator: Discriminator::new(b"copy")? };
/// let request = ConnectRequest { timeout: None, ..ConnectRequest::new(to, Offer::new(2)) };
/// assert_eq!(request.from, Discriminator::NONE);
/// # Ok::<(), rnic_driver::address::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// What this side calls itself; shown to the other side, not matched.
    pub from: Discriminator,
    /// Who is asked.
    pub to: NetAddress,
    /// What this side wants.
    pub offer: Offer,
    /// How long the request stands; none: for ever, if only the peer's manager answers.
    pub timeout: Option<Duration>,
}

impl ConnectRequest {
    /// A request without a name of its own that stands for ten seconds.
    pub const fn new(to: NetAddress, offer: Offer) -> Self {
        Self {
            from: Discriminator::NONE,
            to,
            offer,
            timeout: Some(Duration::from_secs(10)),
        }
    }
}

/// Why a connection was not made.
///
/// ```
/// let error = rnic_driver::cm::Failure::NotReachable { attempts: 50 };
/// assert_eq!(error.to_string(), "the peer's board is not reachable: 50 messages got no answer");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server's program said no.
    #[error("the peer rejected the connection: {reason:?}")]
    Rejected {
        /// Why.
        reason: RejectReason,
        /// The peer's private data.
        private_data: Vec<u8>,
    },
    /// The server's board is up, but nobody listens at this discriminator.
    #[error("nobody listens at {at:?}")]
    NoMatch {
        /// What was asked for.
        at: NetAddress,
    },
    /// No answer at all.
    #[error("the peer's board is not reachable: {attempts} messages got no answer")]
    NotReachable {
        /// How many were sent.
        attempts: u32,
    },
    /// A timeout ended: this side's, or the other side gave up.
    #[error("the connection was not made in time{}", .timeout.map_or(String::new(), |t| format!(": {t:?}")))]
    TimedOut {
        /// This side's timeout; none where the other side gave up.
        timeout: Option<Duration>,
    },
    /// Peers whose VIs cannot be joined; both are told the same.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// Why a connection is no more.
///
/// ```
/// assert_ne!(rnic_driver::cm::Loss::Left, rnic_driver::cm::Loss::Silent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The other side disconnected.
    Left,
    /// The other board answers no probe.
    Silent,
    /// The other board is there and does not know the connection: it was opened anew, or its notice was lost.
    Forgotten,
}

/// What happened to a connection or a listener.
///
/// ```
/// use rnic_driver::cm::Event;
/// fn is_news(event: &Event) -> bool { !matches!(event, Event::Withdrawn { .. }) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Server: a request came. Answer with `accept` or `reject`.
    Incoming {
        /// The listener, which holds the request and takes no other meanwhile.
        listener: ListenerId,
        /// The connection.
        connection: ConnectionId,
        /// What the client calls itself.
        from: NetAddress,
        /// The attributes of the client's VI.
        attributes: Attributes,
        /// What the client offers.
        offer: Offer,
    },
    /// Server: the client gave up before it was answered; the connection is no more, the listener listens again.
    /// Peer: the peer that had been found gave up; the VI is to be idle, the request stands again.
    Withdrawn {
        /// The connection.
        connection: ConnectionId,
    },
    /// Client or peer: a partner is found. Call `finish`.
    Accepted {
        /// The connection.
        connection: ConnectionId,
        /// The attributes of the partner's VI.
        attributes: Attributes,
        /// The partner's private data.
        private_data: Vec<u8>,
    },
    /// The end that answered: the other one is connected; this side may send.
    Ready {
        /// The connection.
        connection: ConnectionId,
    },
    /// Server: the client knows that it is rejected.
    RejectHeard {
        /// The connection.
        connection: ConnectionId,
    },
    /// The connection was not made and is no more; a VI that was connected for it is to be idle.
    Failed {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        failure: Failure,
    },
    /// The connection stood and is no more; its VI is to go into error.
    Disconnected {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        loss: Loss,
    },
    /// Nobody came in time; the listener is no more.
    ListenerTimedOut {
        /// The listener.
        listener: ListenerId,
    },
}

impl Event {
    /// The connection that it is about.
    pub const fn connection(&self) -> Option<ConnectionId> {
        match self {
            Event::Incoming { connection, .. }
            | Event::Withdrawn { connection }
            | Event::Accepted { connection, .. }
            | Event::Ready { connection }
            | Event::RejectHeard { connection }
            | Event::Failed { connection, .. }
            | Event::Disconnected { connection, .. } => Some(*connection),
            Event::ListenerTimedOut { .. } => None,
        }
    }
}
