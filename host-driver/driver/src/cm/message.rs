//! The connection manager's messages, as values; `codec` has their bytes.

use super::{Attributes, Private};
use crate::address::NetAddress;
use crate::mpa::Frame;

/// Destination VI of a message whose receiver chooses it.
pub const ANY_VI: u8 = 0xFF;

/// Which end of a connection this is.
///
/// ```
/// use rnic_driver::cm::Role;
/// assert_eq!(Role::Initiator.other(), Role::Responder);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Its request is the one that was answered.
    Initiator,
    /// It answered.
    Responder,
}

impl Role {
    /// The other end's.
    pub const fn other(self) -> Self {
        match self {
            Role::Initiator => Role::Responder,
            Role::Responder => Role::Initiator,
        }
    }
}

macro_rules! kinds {
    ($($code:literal $ident:ident $doc:literal;)*) => {
        /// Kinds of message.
        ///
        /// ```
        /// use rnic_driver::cm::MessageKind;
        /// assert_eq!(MessageKind::from_code(3), Some(MessageKind::Ready));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum MessageKind { $(#[doc = $doc] $ident = $code,)* }
        impl MessageKind {
            /// All kinds.
            pub const ALL: &'static [MessageKind] = &[$(MessageKind::$ident,)*];
            /// The kind of a code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(MessageKind::$ident),)* _ => None }
            }
        }
    };
}
kinds! {
    1 Request "A client asks; carries the MPA request.";
    2 Reply "The server accepts or rejects; carries the MPA reply.";
    3 Ready "The initiator is connected: the responder may send.";
    4 Disconnect "The sender leaves, or has given the connection up.";
    5 Pending "The request is here, its answer is the program's to give.";
    6 NoMatch "Nobody waits for this discriminator; carries an MPA reply that rejects.";
    7 RejectAck "The rejection is here.";
    8 Cancel "The initiator no longer wants the connection.";
    9 PeerRequest "A peer asks; carries the MPA request.";
    10 PeerReply "The other peer answers; carries the MPA reply.";
    11 DisconnectAck "The sender has no such connection, or no more.";
    12 Probe "Names the connections that the sender believes to stand.";
    13 ProbeAck "Names those of them that the receiver does not have.";
}

/// Names a connection in a message: the end that the sender is, and the initiator's number.
///
/// ```
/// use rnic_driver::cm::{Name, Role};
/// let ours = Name { role: Role::Initiator, id: 7 };
/// assert_eq!(ours.of_peer(), Name { role: Role::Responder, id: 7 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The end.
    pub role: Role,
    /// The number; random, the initiator's choice.
    pub id: u32,
}

impl Name {
    /// The same connection as the peer names it.
    pub const fn of_peer(self) -> Self {
        Self {
            role: self.role.other(),
            id: self.id,
        }
    }
}

/// What follows a message's header.
///
/// ```
/// assert_eq!(rnic_driver::cm::Body::Names(vec![]).frame(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// Nothing.
    Empty,
    /// The MPA frame of a request or an answer.
    Mpa(Frame),
    /// The connections that a probe or its answer names, as the prober names them.
    Names(Vec<Name>),
}

impl Body {
    /// The MPA frame.
    pub const fn frame(&self) -> Option<&Frame> {
        match self {
            Body::Mpa(frame) => Some(frame),
            _ => None,
        }
    }
}

/// One message.
///
/// ```
/// use rnic_driver::address::{Discriminator, HostAddress, NetAddress};
/// use rnic_driver::cm::{CmMessage, MessageKind, Name, Role};
/// let here = NetAddress { host: HostAddress::new(&[1])?, discriminator: Discriminator::NONE };
/// let there = NetAddress { host: HostAddress::new(&[2])?, discriminator: Discriminator::NONE };
/// let ready = CmMessage::new(MessageKind::Ready, Name { role: Role::Initiator, id: 7 }, here, there);
/// assert_eq!(CmMessage::decode(&ready.encode()?)?, ready);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CmMessage {
    /// Kind.
    pub kind: MessageKind,
    /// The connection, as the sender names it; of a probe: a random number.
    pub name: Name,
    /// A peer request that waits for an older one of the same discriminator.
    pub behind: bool,
    /// The sender's VI.
    pub source_vi: u8,
    /// The receiver's VI.
    pub destination_vi: u8,
    /// Number of the first FPDU byte that the source sends.
    pub sequence: u32,
    /// One opening of the sender's board, at random.
    pub incarnation: u64,
    /// The opening of the receiver's board that is meant; 0: any.
    pub for_incarnation: u64,
    /// Where it comes from.
    pub source: NetAddress,
    /// Where it goes.
    pub destination: NetAddress,
    /// The sender's VI's, in requests and answers that accept.
    pub attributes: Option<Attributes>,
    /// The rest.
    pub body: Body,
}

impl CmMessage {
    /// A message with nothing but a name and addresses.
    pub const fn new(
        kind: MessageKind,
        name: Name,
        source: NetAddress,
        destination: NetAddress,
    ) -> Self {
        Self {
            kind,
            name,
            behind: false,
            source_vi: ANY_VI,
            destination_vi: ANY_VI,
            sequence: 0,
            incarnation: 0,
            for_incarnation: 0,
            source,
            destination,
            attributes: None,
            body: Body::Empty,
        }
    }

    /// An answer to this message about the same connection.
    pub(super) fn answer(&self, kind: MessageKind, source: NetAddress) -> Self {
        Self {
            source_vi: self.destination_vi,
            destination_vi: self.source_vi,
            for_incarnation: self.incarnation,
            ..Self::new(kind, self.name.of_peer(), source, self.source)
        }
    }

    /// Whether it carries an MPA reply that rejects.
    pub(super) fn rejects(&self) -> bool {
        self.body.frame().is_some_and(|frame| frame.rejected)
    }

    /// Our part of the MPA frame's private data.
    pub(super) fn private(&self) -> Option<Private> {
        let frame = self.body.frame()?;
        Some(Private::decode(&frame.private_data))
    }
}

/// The MPA request and reply of a connection, byte for byte as they crossed the wire; empty where none has.
///
/// ```
/// assert!(rnic_driver::cm::Opening::default().reply.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Opening {
    /// The initiator's.
    pub request: Vec<u8>,
    /// The responder's.
    pub reply: Vec<u8>,
}

impl Opening {
    /// Keeps the MPA bytes of a message that was sent or received. Frames of both ends are of this driver's making, so that
    /// encoding one again gives the bytes that came.
    pub(super) fn note(&mut self, message: &CmMessage) {
        // A frame that cannot be encoded is not sent either.
        let Some(Ok(bytes)) = message.body.frame().map(Frame::encode) else {
            return;
        };
        match message.kind {
            MessageKind::Request | MessageKind::PeerRequest => self.request = bytes,
            _ => self.reply = bytes,
        }
    }
}
