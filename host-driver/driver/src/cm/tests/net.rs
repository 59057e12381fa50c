//! Stations on a net: an engine each, with an owner that answers events and keeps the state of its VIs; a schedule decides
//! when, how often and whether each message arrives.

use crate::address::{Discriminator, HostAddress, NetAddress};
use crate::cm::engine::{Engine, LocalVi};
use crate::cm::*;
use crate::command::Reliability;
use crate::vi::Peer;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub const MS: Duration = Duration::from_millis(1);
pub const OPTIONS: CmOptions = CmOptions {
    retry: Duration::from_millis(10),
    attempts: 8,
    keepalive: Some(Duration::from_millis(20)),
    misses: 5,
};

pub fn discriminator(text: &str) -> Discriminator {
    Discriminator::new(text.as_bytes()).unwrap()
}

pub fn host(index: usize) -> HostAddress {
    HostAddress::new(&[index as u8 + 1]).unwrap()
}

pub fn at(index: usize, text: &str) -> NetAddress {
    NetAddress {
        host: host(index),
        discriminator: discriminator(text),
    }
}

pub fn attributes() -> Attributes {
    Attributes {
        reliability: Reliability::ReliableDelivery,
        max_transfer_bytes: 4096,
        qos: 0,
        enable_rdma_write: true,
        enable_rdma_read: false,
    }
}

/// What has become of one end.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Asked, nothing heard yet.
    Asked,
    /// The VI is connected, the other end is not known to be.
    Joined(Peer),
    /// The connection stands.
    Stands(Peer),
    Failed(Failure),
    Rejected,
    Lost(Loss),
    /// Its owner left.
    Left,
}

/// What a station's owner does with requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    Accept,
    Reject,
    Keep,
}

pub struct Station {
    pub engine: Engine,
    pub policy: Policy,
    pub attributes: Attributes,
    pub outcomes: BTreeMap<ConnectionId, Outcome>,
    /// In the order in which they came.
    pub events: Vec<Event>,
    vis: u8,
}

impl Station {
    fn new(index: usize, life: u64) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(1000 * life + index as u64);
        Self {
            engine: Engine::new(Duration::ZERO, host(index), OPTIONS, rng),
            policy: Policy::Accept,
            attributes: attributes(),
            outcomes: BTreeMap::new(),
            events: Vec::new(),
            vis: 0,
        }
    }

    fn vi(&mut self) -> LocalVi {
        self.vis += 1;
        LocalVi {
            number: self.vis,
            attributes: self.attributes,
        }
    }

    /// What an owner does.
    fn handle(&mut self, now: Duration, event: Event) {
        self.events.push(event.clone());
        let mut joined = None;
        match event {
            Event::Incoming { connection, .. } if self.policy == Policy::Accept => {
                match self.accept(now, connection) {
                    Err(CmError::Mismatch(_)) => {
                        let reject = self.engine.reject(now, connection, b"no".to_vec());
                        reject.unwrap();
                    }
                    other => other.unwrap(),
                }
            }
            Event::Incoming { connection, .. } if self.policy == Policy::Reject => {
                let reject = self.engine.reject(now, connection, b"no".to_vec());
                reject.unwrap();
            }
            Event::Incoming { .. } | Event::ListenerTimedOut { .. } => {}
            Event::Withdrawn { connection } => {
                // A peer that had been joined asks again; a server's connection is no more.
                if let Some(outcome) = self.outcomes.get_mut(&connection) {
                    assert!(matches!(outcome, Outcome::Joined(_) | Outcome::Left));
                    *outcome = Outcome::Asked;
                }
            }
            Event::Accepted { connection, .. } => {
                let finished = self.engine.finish(now, connection, |peer, _| {
                    joined = Some(peer);
                    Ok(())
                });
                match (finished, joined) {
                    (Ok(true), Some(peer)) => {
                        self.outcomes.insert(connection, Outcome::Stands(peer));
                    }
                    (Ok(false), Some(peer)) => {
                        self.outcomes.insert(connection, Outcome::Joined(peer));
                    }
                    (Err(CmError::Withdrawn { .. } | CmError::Unknown { .. }), None) => {}
                    other => panic!("{other:?}"),
                }
            }
            Event::Ready { connection } => {
                let outcome = self.outcomes.get_mut(&connection).expect("joined");
                match outcome.clone() {
                    Outcome::Joined(peer) => *outcome = Outcome::Stands(peer),
                    // Its owner left before the event was taken.
                    Outcome::Left => {}
                    other => panic!("Ready after {other:?}"),
                }
            }
            Event::RejectHeard { connection } => {
                self.outcomes.insert(connection, Outcome::Rejected);
            }
            Event::Failed {
                connection,
                failure,
            } => {
                self.outcomes.insert(connection, Outcome::Failed(failure));
            }
            Event::Disconnected { connection, loss } => {
                let before = self.outcomes.insert(connection, Outcome::Lost(loss));
                assert!(
                    matches!(before, Some(Outcome::Stands(_) | Outcome::Left)),
                    "{before:?} is lost"
                );
            }
        }
    }

    pub fn accept(&mut self, now: Duration, connection: ConnectionId) -> Result<(), CmError> {
        let vi = self.vi();
        let mut joined = None;
        self.engine
            .accept(now, connection, vi, Offer::new(1), |peer, _| {
                joined = Some(peer);
                Ok(())
            })?;
        self.outcomes
            .insert(connection, Outcome::Joined(joined.unwrap()));
        Ok(())
    }

    /// The peers that its standing connections were told of.
    pub fn standing(&self) -> Vec<Peer> {
        let peer = |outcome: &Outcome| match outcome {
            Outcome::Stands(peer) => Some(*peer),
            _ => None,
        };
        self.outcomes.values().filter_map(peer).collect()
    }
}

/// When a message arrives, again and again; none: never.
pub type Schedule = Box<dyn FnMut(&CmMessage) -> Vec<Duration>>;

pub struct Net {
    pub now: Duration,
    pub stations: Vec<Station>,
    pub schedule: Schedule,
    /// Arrival, sender, bytes.
    flying: Vec<(Duration, usize, Vec<u8>)>,
    /// Kinds that were sent.
    pub kinds: BTreeSet<MessageKind>,
    pub messages: usize,
    lives: u64,
}

impl Net {
    /// A net that delivers everything after a millisecond.
    pub fn new(stations: usize) -> Self {
        Self {
            now: Duration::from_secs(1),
            stations: (0..stations).map(|index| Station::new(index, 0)).collect(),
            schedule: Box::new(|_| vec![MS]),
            flying: Vec::new(),
            kinds: BTreeSet::new(),
            messages: 0,
            lives: 0,
        }
    }

    /// The program of a station ends without a word and starts anew.
    pub fn restart(&mut self, index: usize) {
        self.lives += 1;
        self.stations[index] = Station::new(index, self.lives);
    }

    pub fn listen(&mut self, index: usize, text: &str, timeout: Option<Duration>) -> ListenerId {
        let engine = &mut self.stations[index].engine;
        engine.listen(self.now, discriminator(text), timeout)
    }

    pub fn connect(
        &mut self,
        from: usize,
        to: NetAddress,
        timeout: Option<Duration>,
    ) -> ConnectionId {
        self.ask(from, to, timeout, Engine::connect)
    }

    pub fn connect_peer(
        &mut self,
        from: usize,
        to: NetAddress,
        timeout: Option<Duration>,
    ) -> ConnectionId {
        self.ask(from, to, timeout, Engine::connect_peer)
    }

    fn ask(
        &mut self,
        from: usize,
        to: NetAddress,
        timeout: Option<Duration>,
        ask: impl Fn(&mut Engine, Duration, LocalVi, ConnectRequest) -> Result<ConnectionId, CmError>,
    ) -> ConnectionId {
        let station = &mut self.stations[from];
        let vi = station.vi();
        let request = ConnectRequest {
            from: discriminator("me"),
            timeout,
            ..ConnectRequest::new(to, Offer::new(2))
        };
        let connection = ask(&mut station.engine, self.now, vi, request).unwrap();
        station.outcomes.insert(connection, Outcome::Asked);
        connection
    }

    pub fn disconnect(&mut self, index: usize, connection: ConnectionId) {
        let station = &mut self.stations[index];
        if station.engine.disconnect(self.now, connection).is_ok() {
            station.outcomes.insert(connection, Outcome::Left);
        }
    }

    pub fn outcome(&self, index: usize, connection: ConnectionId) -> &Outcome {
        &self.stations[index].outcomes[&connection]
    }

    /// The outcome of the only connection of a station.
    pub fn only(&self, index: usize) -> &Outcome {
        let outcomes = &self.stations[index].outcomes;
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes.values().next().unwrap()
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.turn();
        loop {
            let dues = self.stations.iter().filter_map(|s| s.engine.due());
            let arrivals = self.flying.iter().map(|flying| flying.0);
            let next = dues.chain(arrivals).min().unwrap_or(end);
            if next > end {
                break;
            }
            self.now = next.max(self.now + MS / 8);
            if self.now >= end {
                break;
            }
            self.turn();
        }
        self.now = end;
        self.turn();
    }

    /// Delivers what has arrived, lets every engine and owner act, and sends.
    fn turn(&mut self) {
        let now = self.now;
        self.flying.sort_by_key(|flying| flying.0);
        let later = self.flying.partition_point(|flying| flying.0 <= now);
        for (_, from, bytes) in self.flying.drain(..later) {
            for (index, station) in self.stations.iter_mut().enumerate() {
                if index != from {
                    station.engine.receive(now, &bytes);
                }
            }
        }
        for (index, station) in self.stations.iter_mut().enumerate() {
            for _ in 0..3 {
                station.engine.poll(now);
                while let Some(event) = station.engine.take_event() {
                    station.handle(now, event);
                }
            }
            while let Some(message) = station.engine.take_outgoing() {
                self.kinds.insert(message.kind);
                self.messages += 1;
                let bytes = message.encode().unwrap();
                for delay in (self.schedule)(&message) {
                    self.flying.push((now + delay, index, bytes.clone()));
                }
            }
        }
    }

    /// Every standing end has its counterpart, which was told the same numbers, and nothing else is left.
    pub fn check_agreement(&self) {
        let mut standing: Vec<Peer> = self.stations.iter().flat_map(Station::standing).collect();
        while let Some(one) = standing.pop() {
            let other = standing.iter().position(|other| {
                other.send_sequence == one.receive_sequence
                    && other.receive_sequence == one.send_sequence
            });
            let other = standing.remove(other.unwrap_or_else(|| panic!("{one:?} stands alone")));
            assert_eq!(
                (one.ird, one.ord, one.negotiated),
                (other.ord, other.ird, other.negotiated)
            );
        }
        for station in &self.stations {
            let (ends, _) = station.engine.live();
            assert_eq!(ends, station.standing().len(), "{:?}", station.outcomes);
            let hanging = station
                .outcomes
                .values()
                .find(|o| matches!(o, Outcome::Joined(_)));
            assert_eq!(hanging, None);
        }
    }
}
