//! One end of a connection: what it was offered, where it is, and the messages that it sends.

use super::{CmError, CmMessage, MessageKind, Opening, Private, RejectReason};
use crate::mpa::{Enhanced, Frame, Kind};
use crate::vi::Peer;
use std::time::Duration;

/// Which end of a connection this is.
///
/// ```
/// assert_ne!(rnic_driver::cm::Role::Initiator, rnic_driver::cm::Role::Responder);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// It sent the request.
    Initiator,
    /// It got the request.
    Responder,
}

/// Names one end of a connection.
///
/// ```
/// use rnic_driver::cm::{ConnectionId, Role};
/// assert_eq!(ConnectionId { role: Role::Initiator, id: 7 }.id, 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    /// Which end.
    pub role: Role,
    /// The message id of the connection.
    pub id: u32,
}

/// What one side wants of a connection.
///
/// ```
/// use rnic_driver::cm::Offer;
/// let offer = Offer { private_data: b"copy".to_vec(), ..Offer::new(2) };
/// assert_eq!((offer.ird, offer.ord), (2, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Inbound read depth.
    pub ird: u8,
    /// Outbound read depth.
    pub ord: u8,
    /// Features (`abi::command::vi_peer`); what both sides offer is negotiated.
    pub features: u8,
    /// The application's private data.
    pub private_data: Vec<u8>,
}

impl Offer {
    /// Read depths of `reads` both ways, all features.
    pub const fn new(reads: u8) -> Self {
        Self {
            ird: reads,
            ord: reads,
            features: Private::FEATURES,
            private_data: Vec::new(),
        }
    }
}

/// What happened to a connection.
///
/// ```
/// use rnic_driver::cm::{ConnectionId, Event, Role};
/// let event = Event::Ready { connection: ConnectionId { role: Role::Responder, id: 1 } };
/// assert!(matches!(event, Event::Ready { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Responder: a request came. Answer with `accept` or `reject`.
    Incoming {
        /// The connection.
        connection: ConnectionId,
        /// What the initiator offers.
        offer: Offer,
    },
    /// Initiator: the peer accepted. Call `finish`.
    Accepted {
        /// The connection.
        connection: ConnectionId,
        /// The peer's private data.
        private_data: Vec<u8>,
    },
    /// Responder: the initiator is connected; this side may send.
    Ready {
        /// The connection.
        connection: ConnectionId,
    },
    /// Initiator: the peer said no.
    Rejected {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        reason: RejectReason,
        /// The peer's private data.
        private_data: Vec<u8>,
    },
    /// The peer did not answer.
    TimedOut {
        /// The connection.
        connection: ConnectionId,
    },
    /// The peer left.
    Disconnected {
        /// The connection.
        connection: ConnectionId,
    },
}

/// Where one end of a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Initiator: repeats the request.
    Requesting,
    /// Initiator: the reply is here, `finish` is not called yet.
    Accepted(Peer),
    /// Responder: the request is here, `accept` is not called yet.
    Incoming,
    /// Responder: repeats the reply.
    Replying,
    /// Both know.
    Connected,
    /// Rejected or timed out; kept so that repeated messages get the same answer.
    Closed,
}

/// One end of a connection.
pub(super) struct Connection {
    pub(super) state: State,
    pub(super) local_vi: u8,
    pub(super) remote_vi: u8,
    pub(super) local_sequence: u32,
    pub(super) remote_sequence: u32,
    pub(super) offer: Offer,
    pub(super) reliability: u8,
    /// What was sent and received of the opening.
    pub(super) opening: Opening,
    /// The message to repeat, when, and how often yet.
    pub(super) last: Vec<u8>,
    pub(super) next_send: Duration,
    pub(super) sent: u32,
}

impl Connection {
    pub(super) fn private(&self, reason: RejectReason) -> Vec<u8> {
        let application = self.offer.private_data.clone();
        Private {
            features: self.offer.features,
            reason,
            reliability: self.reliability,
            application,
        }
        .encode()
    }

    pub(super) fn message(
        &self,
        id: u32,
        kind: MessageKind,
        frame: Option<(Kind, Vec<u8>, bool)>,
    ) -> Result<Vec<u8>, CmError> {
        let enhanced = Enhanced {
            ird: self.offer.ird.into(),
            ord: self.offer.ord.into(),
            ..Enhanced::default()
        };
        let frame = frame.map(|(kind, private, rejected)| Frame {
            rejected,
            ..Frame::new(kind, enhanced, private)
        });
        let (source_vi, destination_vi) = (self.local_vi, self.remote_vi);
        let message = CmMessage {
            kind,
            source_vi,
            destination_vi,
            id,
            sequence: self.local_sequence,
            frame,
        };
        Ok(message.encode()?)
    }

    pub(super) fn peer(&self) -> Peer {
        Peer {
            vi: self.remote_vi,
            negotiated: self.offer.features,
            ird: self.offer.ird,
            ord: self.offer.ord,
            send_sequence: self.local_sequence,
            receive_sequence: self.remote_sequence,
        }
    }
}
