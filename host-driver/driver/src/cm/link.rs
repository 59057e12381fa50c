//! What both ends of a connection keep, whatever their role: addresses, VIs, stream numbers, what was offered; and the
//! messages made of it.

use super::timer::Remember;
use super::{
    Attributes, Body, CmMessage, ConnectionId, MessageKind, Name, Offer, Opening, Private,
    RejectReason,
};
use crate::address::NetAddress;
use crate::mpa::{Enhanced, Frame, Kind};
use crate::vi::Peer;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connection: ConnectionId,
    /// As this end names it.
    pub(super) name: Name,
    pub(super) local: NetAddress,
    pub(super) remote: NetAddress,
    /// 0: not known yet.
    pub(super) remote_incarnation: u64,
    pub(super) local_vi: u8,
    pub(super) remote_vi: u8,
    pub(super) local_sequence: u32,
    pub(super) remote_sequence: u32,
    /// Of this side's VI; a server has none before it accepts.
    pub(super) attributes: Option<Attributes>,
    /// This side's, limited by the other's once that is known.
    pub(super) offer: Offer,
    /// What was sent and received of the opening.
    pub(super) opening: Opening,
}

impl Link {
    /// A message of this connection.
    pub(super) fn message(&self, kind: MessageKind) -> CmMessage {
        CmMessage {
            source_vi: self.local_vi,
            destination_vi: self.remote_vi,
            sequence: self.local_sequence,
            for_incarnation: self.remote_incarnation,
            ..CmMessage::new(kind, self.name, self.local, self.remote)
        }
    }

    /// A message with an MPA frame of what this side offers.
    pub(super) fn mpa(&self, kind: MessageKind, frame: Kind) -> CmMessage {
        CmMessage {
            attributes: self.attributes,
            ..self.with_frame(kind, frame, None)
        }
    }

    /// An MPA reply that says no.
    pub(super) fn rejection(&self, kind: MessageKind, reason: RejectReason) -> CmMessage {
        CmMessage {
            attributes: self.attributes,
            ..self.with_frame(kind, Kind::Reply, Some(reason))
        }
    }

    fn with_frame(
        &self,
        kind: MessageKind,
        frame: Kind,
        rejected: Option<RejectReason>,
    ) -> CmMessage {
        let private = Private {
            features: self.offer.features,
            reason: rejected.unwrap_or(RejectReason::Unknown),
            reliability: self.attributes.map_or(0, |a| a.reliability as u8),
            application: self.offer.private_data.clone(),
        };
        let enhanced = Enhanced {
            ird: self.offer.ird.into(),
            ord: self.offer.ord.into(),
            ..Enhanced::default()
        };
        let frame = Frame {
            rejected: rejected.is_some(),
            ..Frame::new(frame, enhanced, private.encode())
        };
        CmMessage {
            body: Body::Mpa(frame),
            ..self.message(kind)
        }
    }

    /// Takes over who answered, and with what. None if the answer lacks what it must have.
    pub(super) fn adopt(&mut self, answer: &CmMessage) -> Option<(Attributes, Vec<u8>)> {
        let attributes = answer.attributes?;
        let theirs = Offer::of_frame(answer.body.frame()?, attributes.qos);
        self.remote.host = answer.source.host;
        self.remote_incarnation = answer.incarnation;
        self.remote_vi = answer.source_vi;
        self.remote_sequence = answer.sequence;
        self.offer.limit(&theirs);
        self.opening.note(answer);
        Some((attributes, theirs.private_data))
    }

    /// Whether a message comes from the other end, as far as that is known.
    pub(super) fn is_from_peer(&self, message: &CmMessage) -> bool {
        let host = self.remote.host.is_any() || self.remote.host == message.source.host;
        let known = self.remote_incarnation;
        host && (known == 0 || known == message.incarnation)
    }

    /// What the VI is told when it is connected.
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

/// What a state machine becomes after an input.
#[derive(Debug)]
pub(super) enum Next {
    /// It stays what it is (its own state may have changed).
    Stay,
    /// The connection stands.
    Connected,
    /// This end leaves; the peer is to be told.
    Leave,
    /// The connection is over.
    Over(Remember),
    /// A peer asks again under its own number; the one that it answered is dealt with.
    AskAgain {
        /// The number that it had answered.
        dropped: u32,
    },
}
