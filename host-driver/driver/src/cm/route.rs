//! What messages and time do to an engine: each message goes to the end that it names, or is answered for an end that is not
//! there.
//!
//! | message that names no end | answer |
//! |---|---|
//! | Request, remembered | the same answer again, or none |
//! | Request, a listener waits for it | held: Pending |
//! | Request | NoMatch, remembered |
//! | PeerRequest, remembered | the same answer again, or none |
//! | PeerRequest | the oldest request that meets it answers; else Pending |
//! | Reply, PeerReply, Pending: this end gave up | Cancel; RejectAck if it rejects |
//! | Disconnect | DisconnectAck |
//! | any other | none |
//!
//! A message for another host, or for another opening of this board, is not answered; but probes and disconnects of what was
//! before this opening are, since nobody else can.

use super::disconnect::{lose, take_connected, Leaving};
use super::engine::{Engine, Phase};
use super::keepalive::Peer;
use super::link::{Link, Next};
use super::peer_to_peer::PeerToPeer;
use super::server::Server;
use super::timer::Remember;
use super::{
    Body, CmMessage, ConnectionId, Event, Loss, MessageKind, Name, Offer, Opening, RejectReason,
    Role,
};
use crate::address::NetAddress;
use rand::Rng;
use std::collections::BTreeMap;
use std::time::Duration;

impl Engine {
    /// Takes a frame from the wire.
    pub(super) fn receive(&mut self, now: Duration, frame: &[u8]) {
        match CmMessage::decode(frame) {
            Ok(message) => self.route(now, &message),
            Err(_) => self.counts.malformed += 1,
        }
    }

    /// Does what is due, and takes what this host has sent to itself.
    pub(super) fn poll(&mut self, now: Duration) {
        self.tick(now);
        let mut wire = Vec::new();
        loop {
            wire.extend(std::iter::from_fn(|| self.take_outgoing()));
            let Some(message) = self.own.pop_front() else {
                break;
            };
            self.route(now, &message);
        }
        self.shared.out.extend(wire);
    }

    fn route(&mut self, now: Duration, message: &CmMessage) {
        let host = message.destination.host;
        if host != self.host && !host.is_any() {
            self.counts.foreign += 1;
            return;
        }
        self.keepalive
            .met((message.source.host, message.incarnation), now);
        let ours = [0, self.incarnation].contains(&message.for_incarnation);
        let found = self
            .ends
            .iter()
            .find(|(_, end)| {
                end.link.name == message.name.of_peer() && end.link.is_from_peer(message)
            })
            .map(|(&connection, _)| connection);
        match (message.kind, found) {
            (MessageKind::Probe, _) => self.take_probe(now, message),
            (MessageKind::ProbeAck, _) => self.take_probe_ack(now, message),
            (MessageKind::Disconnect, found) => {
                self.answer(message, MessageKind::DisconnectAck);
                if let Some(connection) = found.filter(|_| ours) {
                    self.deliver(now, connection, message);
                }
            }
            _ if !ours => {}
            (_, Some(connection)) => self.deliver(now, connection, message),
            (MessageKind::Request | MessageKind::PeerRequest, None) => {
                let key = (message.source.host, message.incarnation, message.name.id);
                match self.remembered.get(&key) {
                    Some((_, Remember::Answer(answer))) => {
                        self.shared.out.push_back((**answer).clone());
                    }
                    Some(_) => {}
                    None if message.kind == MessageKind::Request => self.take_request(now, message),
                    None => self.take_peer_request(now, message),
                }
            }
            (MessageKind::Reply | MessageKind::PeerReply | MessageKind::Pending, None) => {
                let kind = match message.rejects() {
                    true => MessageKind::RejectAck,
                    false => MessageKind::Cancel,
                };
                self.answer(message, kind);
            }
            _ => {}
        }
    }

    fn answer(&mut self, message: &CmMessage, kind: MessageKind) {
        let source = NetAddress {
            host: self.host,
            discriminator: message.destination.discriminator,
        };
        self.shared.out.push_back(message.answer(kind, source));
    }

    /// Gives a message to the end that it names.
    pub(super) fn deliver(&mut self, now: Duration, connection: ConnectionId, message: &CmMessage) {
        let Some(end) = self.ends.get_mut(&connection) else {
            return;
        };
        let cx = &mut self.shared.context(now);
        let next = match &mut end.phase {
            Phase::Client(client) => client.take(&mut end.link, message, cx),
            Phase::Server(server) => server.take(&end.link, message, cx),
            Phase::Peer(peer) => peer.take(&mut end.link, message, cx),
            Phase::Connected => take_connected(&end.link, message, cx),
            Phase::Leaving(leaving) => leaving.take(message),
        };
        if let Next::AskAgain { dropped } = next {
            let key = (message.source.host, message.incarnation, dropped);
            let until = now + self.shared.options.memory();
            self.remembered.insert(key, (until, Remember::Silence));
        }
        self.apply(now, connection, next);
    }

    /// Makes an end what its machine says.
    pub(super) fn apply(&mut self, now: Duration, connection: ConnectionId, next: Next) {
        let Some(end) = self.ends.get_mut(&connection) else {
            return;
        };
        match next {
            Next::Stay | Next::AskAgain { .. } => {}
            Next::Connected => end.phase = Phase::Connected,
            Next::Leave => {
                let leaving = Leaving::start(&end.link, &mut self.shared.context(now));
                end.phase = Phase::Leaving(leaving);
            }
            Next::Over(remember) => {
                let link = &end.link;
                let key = (link.remote.host, link.remote_incarnation, link.name.id);
                let known = !matches!(remember, Remember::Nothing);
                if known && link.name.role == Role::Responder {
                    let until = now + self.shared.options.memory();
                    self.remembered.insert(key, (until, remember));
                }
                self.ends.remove(&connection);
                self.listeners.release(connection);
            }
        }
    }

    /// A request that is new.
    fn take_request(&mut self, now: Duration, message: &CmMessage) {
        let (Some(attributes), Some(frame)) = (message.attributes, message.body.frame()) else {
            self.counts.malformed += 1;
            return;
        };
        let mut opening = Opening::default();
        opening.note(message);
        let link = Link {
            connection: self.next_connection(),
            name: message.name.of_peer(),
            local: NetAddress {
                host: self.host,
                discriminator: message.destination.discriminator,
            },
            remote: message.source,
            remote_incarnation: message.incarnation,
            local_vi: message.destination_vi,
            remote_vi: message.source_vi,
            local_sequence: 0,
            remote_sequence: message.sequence,
            attributes: None,
            offer: Offer::of_frame(frame, attributes.qos),
            opening,
        };
        let connection = link.connection;
        let discriminator = message.destination.discriminator;
        let Some(listener) = self.listeners.hold(discriminator, connection) else {
            let link = Link {
                offer: Offer::new(0),
                ..link
            };
            let answer = link.rejection(MessageKind::NoMatch, RejectReason::NoListener);
            let key = (message.source.host, message.incarnation, message.name.id);
            let until = now + self.shared.options.memory();
            let remember = Remember::Answer(Box::new(answer.clone()));
            self.remembered.insert(key, (until, remember));
            self.shared.out.push_back(answer);
            return;
        };
        let cx = &mut self.shared.context(now);
        let server = Server::start(&link, attributes, cx);
        cx.tell(Event::Incoming {
            listener,
            connection,
            from: link.remote,
            attributes,
            offer: link.offer.clone(),
        });
        self.insert(link, Phase::Server(server));
    }

    /// A peer's request that is new: the oldest of this side's that names the same discriminator may meet it.
    fn take_peer_request(&mut self, now: Duration, message: &CmMessage) {
        let cx = &mut self.shared.context(now);
        for end in self.ends.values_mut() {
            let link = &mut end.link;
            let Phase::Peer(peer) = &mut end.phase else {
                continue;
            };
            let itself = link.local.host == message.source.host && link.name.id == message.name.id;
            let same = link.remote.discriminator == message.destination.discriminator;
            if itself || !same || !link.is_from_peer(message) || !peer.is_asking() {
                continue;
            }
            if !PeerToPeer::answers(link, message) {
                peer.nudge(cx);
            } else if !message.behind {
                peer.meet(link, message, cx);
                break;
            }
        }
        // Whoever is found is the program's to join; until then the other side knows that this board is there.
        self.answer(message, MessageKind::Pending);
    }

    /// Whether an older request asks the same host for the same discriminator. On one board any two may meet.
    pub(super) fn is_behind(&self, connection: ConnectionId, remote: NetAddress) -> bool {
        let older = self.ends.range(..connection);
        let asks = |phase: &Phase| matches!(phase, Phase::Peer(peer) if peer.is_asking());
        let mut same = older.filter(|(_, end)| end.link.remote == remote && asks(&end.phase));
        remote.host != self.host && same.next().is_some()
    }

    fn take_probe(&mut self, now: Duration, message: &CmMessage) {
        let Body::Names(names) = &message.body else {
            return;
        };
        let mut unknown = Vec::new();
        for &name in names {
            let found = self.ends.iter().find(|(_, end)| {
                let gone = matches!(end.phase, Phase::Leaving(_));
                end.link.name == name.of_peer() && end.link.is_from_peer(message) && !gone
            });
            match found.map(|(&connection, end)| (connection, end.link.message(MessageKind::Ready)))
            {
                // Whoever believes the connection to stand is connected.
                Some((connection, ready)) => self.deliver(now, connection, &ready),
                None => unknown.push(name),
            }
        }
        let source = NetAddress {
            host: self.host,
            ..message.destination
        };
        self.shared.out.push_back(CmMessage {
            body: Body::Names(unknown),
            ..message.answer(MessageKind::ProbeAck, source)
        });
    }

    fn take_probe_ack(&mut self, now: Duration, message: &CmMessage) {
        let Body::Names(unknown) = &message.body else {
            return;
        };
        let rng = &mut self.rng;
        for peer in self.keepalive.answered(message, || rng.random()) {
            self.lose_where(now, Loss::Forgotten, |name, of| {
                of == peer && unknown.contains(&name)
            });
        }
    }

    /// Loses the standing connections that `lost` picks by name and peer.
    fn lose_where(&mut self, now: Duration, loss: Loss, lost: impl Fn(Name, Peer) -> bool) {
        let standing = self.ends.iter().filter(|(_, end)| {
            let peer = (end.link.remote.host, end.link.remote_incarnation);
            matches!(end.phase, Phase::Connected) && lost(end.link.name, peer)
        });
        for connection in standing.map(|(&c, _)| c).collect::<Vec<_>>() {
            let next = lose(
                &self.ends[&connection].link,
                loss,
                &mut self.shared.context(now),
            );
            self.apply(now, connection, next);
        }
    }

    fn tick(&mut self, now: Duration) {
        self.listeners.tick(&mut self.shared.context(now));
        self.remembered.retain(|_, (until, _)| now < *until);
        for connection in self.ends.keys().copied().collect::<Vec<_>>() {
            let behind = match self.ends.get(&connection) {
                Some(end) => self.is_behind(connection, end.link.remote),
                None => continue,
            };
            let Some(end) = self.ends.get_mut(&connection) else {
                continue;
            };
            let cx = &mut self.shared.context(now);
            let next = match &mut end.phase {
                Phase::Client(client) => client.tick(&mut end.link, cx),
                Phase::Server(server) => server.tick(&end.link, cx),
                Phase::Peer(peer) => {
                    peer.behind = behind;
                    peer.tick(&mut end.link, cx)
                }
                Phase::Connected => Next::Stay,
                Phase::Leaving(leaving) => leaving.tick(&end.link, cx),
            };
            self.apply(now, connection, next);
        }
        let mut standing = BTreeMap::<Peer, Vec<Name>>::new();
        for end in self.ends.values() {
            let peer = (end.link.remote.host, end.link.remote_incarnation);
            if matches!(end.phase, Phase::Connected) && peer.0 != self.host {
                standing.entry(peer).or_default().push(end.link.name);
            }
        }
        let rng = &mut self.rng;
        let cx = &mut self.shared.context(now);
        for silent in self
            .keepalive
            .tick(self.host, &standing, || rng.random(), cx)
        {
            self.lose_where(now, Loss::Silent, |_, peer| peer == silent);
        }
    }

    /// When something is due that no message brings; none: nothing is.
    pub(super) fn due(&self) -> Option<Duration> {
        let patience = self.shared.options.patience();
        let ends = self.ends.values().filter_map(|end| match &end.phase {
            Phase::Client(client) => client.due(),
            Phase::Server(server) => Some(server.due(patience)),
            Phase::Peer(peer) => peer.due(),
            Phase::Leaving(leaving) => Some(leaving.due()),
            Phase::Connected => None,
        });
        ends.chain(self.listeners.due())
            .chain(self.keepalive.due())
            .min()
    }
}
