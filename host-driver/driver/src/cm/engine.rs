//! The manager without a board: state machines that are given time and messages, and give messages and events.
//!
//! ```text
//!             connect, accept, ...              take_event
//!                    |                              ^
//!  receive ----> Engine: ends (client, server, peer_to_peer, disconnect), listeners, keepalive, memory
//!  poll(now) --------|
//!                    +----> take_outgoing         messages to its own host come back to it by themselves
//! ```
//! This file has what the owner calls; `route` has what messages and time do. The owner's calls that connect a VI take a
//! closure that does it: between the check and the message, so that a VI that cannot be connected is not announced.

use super::client::Client;
use super::disconnect::Leaving;
use super::keepalive::Keepalive;
use super::link::{Link, Next};
use super::listener::Listeners;
use super::peer_to_peer::PeerToPeer;
use super::server::Server;
use super::timer::{CmOptions, Context, Remember};
use super::{
    Attributes, CmError, CmMessage, ConnectRequest, ConnectionId, Event, ListenerId, MessageKind,
    Name, Offer, Opening, RejectReason, Role, ANY_VI, MAX_PRIVATE_BYTES,
};
use crate::address::{Discriminator, HostAddress, NetAddress};
use crate::mpa::Kind;
use crate::vi::Peer;
use rand::Rng;
use rand_chacha::ChaCha20Rng;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A VI as its peer sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalVi {
    pub(super) number: u8,
    pub(super) attributes: Attributes,
}

/// What one end is doing.
#[derive(Debug)]
pub(super) enum Phase {
    Client(Client),
    Server(Server),
    Peer(PeerToPeer),
    Connected,
    Leaving(Leaving),
}

impl Phase {
    const fn name(&self) -> &'static str {
        match self {
            Phase::Client(Client::Requesting { .. }) => "requesting",
            Phase::Client(Client::Accepted) => "accepted",
            Phase::Server(Server::Held { .. }) => "held",
            Phase::Server(Server::Replying { .. }) => "replying",
            Phase::Server(Server::Rejecting { .. }) => "rejecting",
            Phase::Peer(_) => "between peers",
            Phase::Connected => "connected",
            Phase::Leaving(_) => "leaving",
        }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct End {
    pub(super) link: Link,
    pub(super) phase: Phase,
}

/// Where machines leave what they have to say.
pub(super) struct Shared {
    pub(super) options: CmOptions,
    pub(super) out: VecDeque<CmMessage>,
    pub(super) events: VecDeque<Event>,
}

impl Shared {
    pub(super) fn context(&mut self, now: Duration) -> Context<'_> {
        Context {
            now,
            options: &self.options,
            out: &mut self.out,
            events: &mut self.events,
        }
    }
}

/// Names a request that came: host and incarnation that it came from, its number.
pub(super) type RequestKey = (HostAddress, u64, u32);

/// See the module.
pub(super) struct Engine {
    pub(super) host: HostAddress,
    pub(super) incarnation: u64,
    /// Messages to the own host go out by the wire: it leads back.
    pub(super) wire_returns: bool,
    pub(super) rng: ChaCha20Rng,
    pub(super) shared: Shared,
    pub(super) ends: BTreeMap<ConnectionId, End>,
    pub(super) listeners: Listeners,
    pub(super) keepalive: Keepalive,
    /// Requests that are dealt with, and until when that is known.
    pub(super) remembered: BTreeMap<RequestKey, (Duration, Remember)>,
    /// Messages that this host has for itself.
    pub(super) own: VecDeque<CmMessage>,
    pub(super) connections: u32,
    pub(super) counts: Counts,
}

/// Messages that no machine got.
///
/// ```
/// assert_eq!(rnic_driver::cm::Counts::default().malformed, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They could not be read.
    pub malformed: u64,
    /// They were for another host.
    pub foreign: u64,
}

impl Engine {
    pub(super) fn new(
        now: Duration,
        host: HostAddress,
        options: CmOptions,
        mut rng: ChaCha20Rng,
    ) -> Self {
        // With a seed the time alone tells an opening from the one before.
        let incarnation = rng.random::<u64>() ^ now.as_nanos() as u64;
        Self {
            host,
            // 0 means "any" in messages.
            incarnation: incarnation.max(1),
            wire_returns: false,
            rng,
            shared: Shared {
                options,
                out: VecDeque::new(),
                events: VecDeque::new(),
            },
            ends: BTreeMap::new(),
            listeners: Listeners::default(),
            keepalive: Keepalive::default(),
            remembered: BTreeMap::new(),
            own: VecDeque::new(),
            connections: 0,
            counts: Counts::default(),
        }
    }

    pub(super) fn listen(
        &mut self,
        now: Duration,
        discriminator: Discriminator,
        timeout: Option<Duration>,
    ) -> ListenerId {
        self.listeners.open(now, discriminator, timeout)
    }

    /// Closes a listener; a client whose request it holds is told that nobody listens.
    pub(super) fn stop_listening(&mut self, now: Duration, listener: ListenerId) {
        let Some(Some(connection)) = self.listeners.close(listener) else {
            return;
        };
        let Some(end) = self.ends.get_mut(&connection) else {
            return;
        };
        if let Phase::Server(server) = &mut end.phase {
            let cx = &mut self.shared.context(now);
            server.reject(&end.link, RejectReason::NoListener, cx);
        }
    }

    /// A client's request.
    pub(super) fn connect(
        &mut self,
        now: Duration,
        vi: LocalVi,
        request: ConnectRequest,
    ) -> Result<ConnectionId, CmError> {
        check_private(&request.offer)?;
        let link = self.asking(vi, &request);
        let connection = link.connection;
        let client = Client::start(&link, request.timeout, &mut self.shared.context(now));
        self.insert(link, Phase::Client(client));
        Ok(connection)
    }

    /// A peer's request.
    pub(super) fn connect_peer(
        &mut self,
        now: Duration,
        vi: LocalVi,
        request: ConnectRequest,
    ) -> Result<ConnectionId, CmError> {
        check_private(&request.offer)?;
        let link = self.asking(vi, &request);
        let connection = link.connection;
        let behind = self.is_behind(connection, link.remote);
        let cx = &mut self.shared.context(now);
        let peer = PeerToPeer::start(&link, request.timeout, behind, cx);
        self.insert(link, Phase::Peer(peer));
        Ok(connection)
    }

    fn asking(&mut self, vi: LocalVi, request: &ConnectRequest) -> Link {
        let local = NetAddress {
            host: self.host,
            discriminator: request.from,
        };
        let name = Name {
            role: Role::Initiator,
            id: self.rng.random(),
        };
        let mut link = Link {
            connection: self.next_connection(),
            name,
            local,
            remote: request.to,
            remote_incarnation: 0,
            local_vi: vi.number,
            remote_vi: ANY_VI,
            local_sequence: self.rng.random(),
            remote_sequence: 0,
            attributes: Some(vi.attributes),
            offer: request.offer.clone(),
            opening: Opening::default(),
        };
        let sent = link.mpa(MessageKind::Request, Kind::Request);
        link.opening.note(&sent);
        link
    }

    pub(super) fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    pub(super) fn insert(&mut self, link: Link, phase: Phase) {
        self.ends.insert(link.connection, End { link, phase });
    }

    /// Client or peer, when a partner is found: connects the VI and tells the partner. True if the connection stands for this
    /// end; the end that answers waits for Ready. The second argument of `connect` says that the partner is a VI of this board.
    pub(super) fn finish(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        connect: impl FnOnce(Peer, bool) -> Result<(), CmError>,
    ) -> Result<bool, CmError> {
        let host = self.host;
        let end = get(&mut self.ends, connection)?;
        match &end.phase {
            Phase::Client(Client::Accepted) => {}
            Phase::Peer(peer) if peer.is_found() => {}
            Phase::Peer(peer) if peer.is_asking() => return Err(CmError::Withdrawn { connection }),
            phase => {
                let state = phase.name();
                return Err(CmError::State { connection, state });
            }
        }
        connect(end.link.peer(), end.link.remote.host == host)?;
        let cx = &mut self.shared.context(now);
        let next = match &mut end.phase {
            Phase::Peer(peer) => peer.finish(&mut end.link, cx),
            _ => {
                cx.send(end.link.message(MessageKind::Ready));
                Next::Connected
            }
        };
        let stands = matches!(next, Next::Connected);
        self.apply(now, connection, next);
        Ok(stands)
    }

    /// Server: connects the VI and replies. If the VI does not fit or cannot be connected, the request is still held.
    pub(super) fn accept(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        vi: LocalVi,
        mut answer: Offer,
        connect: impl FnOnce(Peer, bool) -> Result<(), CmError>,
    ) -> Result<(), CmError> {
        check_private(&answer)?;
        let host = self.host;
        let local_sequence = self.rng.random();
        let end = get(&mut self.ends, connection)?;
        let state = end.phase.name();
        let Phase::Server(server @ Server::Held { .. }) = &mut end.phase else {
            return Err(CmError::State { connection, state });
        };
        if let Server::Held { theirs, .. } = server {
            vi.attributes.check(theirs)?;
        }
        answer.limit(&end.link.offer);
        let link = Link {
            local_vi: vi.number,
            local_sequence,
            attributes: Some(vi.attributes),
            offer: answer,
            ..end.link.clone()
        };
        connect(link.peer(), link.remote.host == host)?;
        end.link = link;
        let reply = end.link.mpa(MessageKind::Reply, Kind::Reply);
        end.link.opening.note(&reply);
        server.accept(&end.link, &mut self.shared.context(now));
        self.listeners.close_of(connection);
        Ok(())
    }

    /// Server: says no.
    pub(super) fn reject(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        private_data: Vec<u8>,
    ) -> Result<(), CmError> {
        let end = get(&mut self.ends, connection)?;
        let state = end.phase.name();
        let Phase::Server(server @ Server::Held { .. }) = &mut end.phase else {
            return Err(CmError::State { connection, state });
        };
        let offer = Offer {
            private_data,
            ..Offer::new(0)
        };
        check_private(&offer)?;
        end.link.offer = offer;
        let cx = &mut self.shared.context(now);
        server.reject(&end.link, RejectReason::Refused, cx);
        self.listeners.close_of(connection);
        Ok(())
    }

    /// Leaves a connection, in whatever state it is. The VI is the owner's to make idle.
    pub(super) fn disconnect(
        &mut self,
        now: Duration,
        connection: ConnectionId,
    ) -> Result<(), CmError> {
        let end = get(&mut self.ends, connection)?;
        let cx = &mut self.shared.context(now);
        let next = match &mut end.phase {
            Phase::Client(_) => Client::leave(&end.link, cx),
            Phase::Server(server) => server.leave(&end.link, cx),
            Phase::Peer(peer) => peer.leave(&end.link, cx),
            Phase::Connected => Next::Leave,
            Phase::Leaving(_) => return Err(CmError::Unknown { connection }),
        };
        self.apply(now, connection, next);
        Ok(())
    }

    /// The VI of this end has received something: its partner is connected.
    pub(super) fn heard(&mut self, now: Duration, connection: ConnectionId) -> Result<(), CmError> {
        let end = get(&mut self.ends, connection)?;
        let ready = end.link.message(MessageKind::Ready);
        self.deliver(now, connection, &ready);
        Ok(())
    }

    /// The MPA request and reply, as this end sent and received them.
    pub(super) fn opening(&self, connection: ConnectionId) -> Result<&Opening, CmError> {
        let end = self.ends.get(&connection);
        Ok(&end.ok_or(CmError::Unknown { connection })?.link.opening)
    }

    pub(super) fn take_event(&mut self) -> Option<Event> {
        self.shared.events.pop_front()
    }

    /// A message for the wire.
    pub(super) fn take_outgoing(&mut self) -> Option<CmMessage> {
        while let Some(mut message) = self.shared.out.pop_front() {
            message.incarnation = self.incarnation;
            if message.destination.host == self.host && !self.wire_returns {
                self.own.push_back(message);
            } else {
                return Some(message);
            }
        }
        None
    }

    /// Ends of connections that are not over, and listeners.
    pub(super) fn live(&self) -> (usize, usize) {
        (self.ends.len(), self.listeners.len())
    }
}

fn get(
    ends: &mut BTreeMap<ConnectionId, End>,
    connection: ConnectionId,
) -> Result<&mut End, CmError> {
    ends.get_mut(&connection)
        .ok_or(CmError::Unknown { connection })
}

fn check_private(offer: &Offer) -> Result<(), CmError> {
    let bytes = offer.private_data.len();
    if bytes > MAX_PRIVATE_BYTES {
        return Err(CmError::PrivateData { bytes });
    }
    Ok(())
}
