//! The connection manager: makes two VIs peers by exchanging an MPA request and reply over the boards' raw queues.
//!
//! ```text
//! initiator                                responder
//! connect   -- Request {MPA request} -->   Event::Incoming
//!                                          accept: VI Connected, may receive
//! Event::Accepted <-- Reply {MPA reply} --
//! finish: VI Connected
//!           -- Ready ------------------>   Event::Ready: may send
//! ```
//! Requests and replies are repeated until they are answered; a repeated reply draws another Ready; duplicates change nothing.
//! It is a state machine that [`ConnectionManager::poll`] drives, so that one thread can hold both ends.

mod connection;
mod error;
mod message;

pub use connection::{ConnectionId, Event, Offer, Role};
pub use error::CmError;
pub use message::{
    CmMessage, CmMessageError, MessageKind, Opening, Private, RejectReason, ANY_VI, HEADER_BYTES,
};

use crate::board::Board;
use crate::mpa::Kind;
use crate::raw::{RawError, RawQueue};
use crate::vi::Vi;
use connection::{Connection, State};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Timing.
///
/// ```
/// use rnic_driver::cm::CmOptions;
/// assert!(CmOptions::default().attempts > 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CmOptions {
    /// Time between two sendings of a message, by the transport's clock.
    pub retry: Duration,
    /// How often a message is sent before the connection fails.
    pub attempts: u32,
}

impl Default for CmOptions {
    fn default() -> Self {
        Self {
            retry: Duration::from_millis(200),
            attempts: 50,
        }
    }
}

/// The connection manager of one board.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, cm::{CmOptions, ConnectionManager, Offer}, vi::{Vi, ViOptions}};
/// # use std::time::Duration;
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// # let cq = board.create_cq(6)?;
/// let mut vi = Vi::create(&board, &cq, &cq, ViOptions::new(1))?;
/// let mut cm = ConnectionManager::open(&board, CmOptions::default())?;
/// let (connection, answer) = cm.connect_and_wait(&mut vi, Offer::new(2), Duration::from_secs(5))?;
/// println!("connected, the peer says {answer:?}");
/// cm.disconnect(connection)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ConnectionManager {
    raw: RawQueue,
    options: CmOptions,
    rng: ChaCha20Rng,
    listening: bool,
    connections: BTreeMap<ConnectionId, Connection>,
    events: VecDeque<Event>,
    /// Messages that were none, for statistics.
    malformed: u64,
}

impl ConnectionManager {
    /// Takes the board's raw queue.
    pub fn open(board: &Board, options: CmOptions) -> Result<Self, CmError> {
        let rng = match board.options().seed {
            Some(seed) => ChaCha20Rng::seed_from_u64(seed ^ 0x636D),
            None => ChaCha20Rng::from_os_rng(),
        };
        let raw = RawQueue::open(board)?;
        let (connections, events) = (BTreeMap::new(), VecDeque::new());
        Ok(Self {
            raw,
            options,
            rng,
            listening: false,
            connections,
            events,
            malformed: 0,
        })
    }

    /// Whether requests are shown to the application; otherwise they are rejected.
    pub fn listen(&mut self, listening: bool) {
        self.listening = listening;
    }

    /// Messages that could not be read.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Starts to connect a VI; [`Event::Accepted`] or a failure follows.
    pub fn connect(&mut self, vi: &Vi, offer: Offer) -> Result<ConnectionId, CmError> {
        let connection = ConnectionId {
            role: Role::Initiator,
            id: self.rng.random(),
        };
        let mut state = Connection {
            state: State::Requesting,
            local_vi: vi.number() as u8,
            remote_vi: ANY_VI,
            local_sequence: self.rng.random(),
            remote_sequence: 0,
            reliability: vi.settings().reliability as u8,
            offer,
            opening: Opening::default(),
            last: Vec::new(),
            next_send: Duration::ZERO,
            sent: 0,
        };
        let private = state.private(RejectReason::Unknown);
        state.last = state.message(
            connection.id,
            MessageKind::Request,
            Some((Kind::Request, private, false)),
        )?;
        self.connections.insert(connection, state);
        match self.repeat(connection) {
            Ok(()) => Ok(connection),
            Err(error) => {
                self.connections.remove(&connection);
                Err(error)
            }
        }
    }

    /// Initiator, after [`Event::Accepted`]: connects the VI and tells the responder that it may send.
    pub fn finish(&mut self, connection: ConnectionId, vi: &mut Vi) -> Result<(), CmError> {
        let state = self.get(connection)?;
        let State::Accepted(peer) = state.state else {
            return Err(CmError::State { connection });
        };
        let ready = state.message(connection.id, MessageKind::Ready, None)?;
        vi.connect(peer)?;
        let state = self.get(connection)?;
        state.state = State::Connected;
        state.last = ready;
        self.send_last(connection)
    }

    /// Responder, after [`Event::Incoming`]: connects the VI, so that it can receive, and replies. It may send after
    /// [`Event::Ready`].
    pub fn accept(
        &mut self,
        connection: ConnectionId,
        vi: &mut Vi,
        answer: Offer,
    ) -> Result<(), CmError> {
        let sequence = self.rng.random();
        let state = self.get(connection)?;
        if state.state != State::Incoming {
            return Err(CmError::State { connection });
        }
        if state.reliability != 0 && state.reliability != vi.settings().reliability as u8 {
            let ours = vi.settings().reliability;
            let theirs = state.reliability;
            self.reject_for(connection, RejectReason::Reliability, Vec::new())?;
            return Err(CmError::Reliability { ours, theirs });
        }
        let offered = std::mem::replace(&mut state.offer, answer.clone());
        state.offer.ird = answer.ird.min(offered.ord);
        state.offer.ord = answer.ord.min(offered.ird);
        state.offer.features = answer.features & offered.features;
        state.local_vi = vi.number() as u8;
        state.local_sequence = sequence;
        let private = state.private(RejectReason::Unknown);
        let reply = state.message(
            connection.id,
            MessageKind::Reply,
            Some((Kind::Reply, private, false)),
        )?;
        let peer = state.peer();
        vi.connect(peer)?;
        let state = self.get(connection)?;
        state.state = State::Replying;
        state.last = reply;
        self.repeat(connection)
    }

    /// Responder, after [`Event::Incoming`]: says no.
    pub fn reject(
        &mut self,
        connection: ConnectionId,
        private_data: Vec<u8>,
    ) -> Result<(), CmError> {
        self.reject_for(connection, RejectReason::Refused, private_data)
    }

    fn reject_for(
        &mut self,
        connection: ConnectionId,
        reason: RejectReason,
        data: Vec<u8>,
    ) -> Result<(), CmError> {
        let state = self.get(connection)?;
        if state.state != State::Incoming {
            return Err(CmError::State { connection });
        }
        state.offer.private_data = data;
        let private = state.private(reason);
        state.last = state.message(
            connection.id,
            MessageKind::Reply,
            Some((Kind::Reply, private, true)),
        )?;
        state.state = State::Closed;
        self.send_last(connection)
    }

    /// The MPA request and reply of a connection, as this side sent and received them.
    pub fn opening(&self, connection: ConnectionId) -> Result<&Opening, CmError> {
        let state = self.connections.get(&connection);
        Ok(&state.ok_or(CmError::Unknown { connection })?.opening)
    }

    /// Tells the peer that this side leaves. The VI is the caller's to destroy.
    pub fn disconnect(&mut self, connection: ConnectionId) -> Result<(), CmError> {
        let state = self.get(connection)?;
        state.last = state.message(connection.id, MessageKind::Disconnect, None)?;
        self.send_last(connection)?;
        self.connections.remove(&connection);
        Ok(())
    }

    /// Takes messages, repeats what is due, and returns the oldest event.
    pub fn poll(&mut self) -> Result<Option<Event>, CmError> {
        self.raw
            .board()
            .transport()
            .poll()
            .map_err(RawError::from)?;
        while let Some(frame) = self.raw.receive()? {
            match CmMessage::decode(&frame) {
                Ok(message) => self.take(message, &frame)?,
                Err(_) => self.malformed += 1,
            }
        }
        let now = self.raw.board().transport().now();
        let waits = |state: &State| matches!(state, State::Requesting | State::Replying);
        let due = self
            .connections
            .iter()
            .filter(|(_, c)| waits(&c.state) && c.next_send <= now);
        for connection in due.map(|(&connection, _)| connection).collect::<Vec<_>>() {
            self.repeat(connection)?;
        }
        Ok(self.events.pop_front())
    }

    /// The next event, asleep until it comes.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Event>, CmError> {
        let board = self.raw.board().clone();
        let end = board.transport().now() + timeout;
        loop {
            if let Some(event) = self.poll()? {
                return Ok(Some(event));
            }
            let now = board.transport().now();
            if now >= end {
                return Ok(None);
            }
            board
                .wait_admin((end - now).min(self.options.retry / 4))
                .map_err(RawError::from)?;
        }
    }

    /// Connects and waits; the connection and the peer's private data.
    pub fn connect_and_wait(
        &mut self,
        vi: &mut Vi,
        offer: Offer,
        timeout: Duration,
    ) -> Result<(ConnectionId, Vec<u8>), CmError> {
        let connection = self.connect(vi, offer)?;
        loop {
            match self.wait(timeout)? {
                Some(Event::Accepted {
                    connection: c,
                    private_data,
                }) if c == connection => {
                    self.finish(connection, vi)?;
                    return Ok((connection, private_data));
                }
                Some(Event::Rejected {
                    connection: c,
                    reason,
                    ..
                }) if c == connection => {
                    return Err(CmError::Rejected { reason });
                }
                Some(Event::TimedOut { connection: c }) if c == connection => {
                    return Err(CmError::TimedOut { timeout })
                }
                Some(_) => {}
                None => return Err(CmError::TimedOut { timeout }),
            }
        }
    }

    /// Waits for a request, accepts it and waits until this side may send; the connection and the initiator's private data.
    pub fn accept_and_wait(
        &mut self,
        vi: &mut Vi,
        answer: Offer,
        timeout: Duration,
    ) -> Result<(ConnectionId, Vec<u8>), CmError> {
        self.listen(true);
        let mut accepted = None;
        loop {
            match self.wait(timeout)? {
                Some(Event::Incoming { connection, offer }) if accepted.is_none() => {
                    self.accept(connection, vi, answer.clone())?;
                    accepted = Some((connection, offer.private_data));
                }
                Some(Event::Incoming { connection, .. }) => self.reject(connection, Vec::new())?,
                Some(Event::Ready { connection }) => match accepted.take() {
                    Some((c, data)) if c == connection => {
                        self.listen(false);
                        return Ok((c, data));
                    }
                    other => accepted = other,
                },
                Some(Event::TimedOut { .. }) | None => return Err(CmError::TimedOut { timeout }),
                Some(_) => {}
            }
        }
    }

    /// Acts on one message, whose bytes are `frame`.
    fn take(&mut self, message: CmMessage, frame: &[u8]) -> Result<(), CmError> {
        let role = match message.kind {
            MessageKind::Request | MessageKind::Ready => Role::Responder,
            MessageKind::Reply => Role::Initiator,
            MessageKind::Disconnect => {
                for role in [Role::Initiator, Role::Responder] {
                    let connection = ConnectionId {
                        role,
                        id: message.id,
                    };
                    let addressed = |c: &Connection| {
                        c.local_vi == message.destination_vi && c.remote_vi == message.source_vi
                    };
                    if self.connections.get(&connection).is_some_and(addressed) {
                        self.connections.remove(&connection);
                        self.events.push_back(Event::Disconnected { connection });
                    }
                }
                return Ok(());
            }
        };
        let connection = ConnectionId {
            role,
            id: message.id,
        };
        let known = self.connections.get(&connection).map(|c| c.state.clone());
        match (message.kind, known) {
            (MessageKind::Request, None) => self.take_request(connection, message, frame),
            // The reply was lost, or the request came twice: the same answer again.
            (MessageKind::Request, Some(State::Replying | State::Connected | State::Closed)) => {
                self.send_last(connection)
            }
            (MessageKind::Reply, Some(State::Requesting)) => {
                self.take_reply(connection, message, frame)
            }
            // The Ready was lost.
            (MessageKind::Reply, Some(State::Connected)) => self.send_last(connection),
            (MessageKind::Ready, Some(State::Replying)) => {
                self.get(connection)?.state = State::Connected;
                self.events.push_back(Event::Ready { connection });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_request(
        &mut self,
        connection: ConnectionId,
        message: CmMessage,
        bytes: &[u8],
    ) -> Result<(), CmError> {
        let Some(frame) = message.frame.filter(|frame| frame.kind == Kind::Request) else {
            self.malformed += 1;
            return Ok(());
        };
        let mut opening = Opening::default();
        opening.note(bytes);
        let private = Private::decode(&frame.private_data);
        let enhanced = frame.enhanced.unwrap_or_default();
        let offer = Offer {
            ird: enhanced.ird.min(u8::MAX.into()) as u8,
            ord: enhanced.ord.min(u8::MAX.into()) as u8,
            features: private.features,
            private_data: private.application,
        };
        let state = Connection {
            state: State::Incoming,
            local_vi: message.destination_vi,
            remote_vi: message.source_vi,
            local_sequence: 0,
            remote_sequence: message.sequence,
            offer: offer.clone(),
            reliability: private.reliability,
            opening,
            last: Vec::new(),
            next_send: Duration::ZERO,
            sent: 0,
        };
        self.connections.insert(connection, state);
        if self.listening {
            self.events.push_back(Event::Incoming { connection, offer });
            return Ok(());
        }
        self.reject_for(connection, RejectReason::NoListener, Vec::new())?;
        // A later listener may take the initiator's next request.
        self.connections.remove(&connection);
        Ok(())
    }

    fn take_reply(
        &mut self,
        connection: ConnectionId,
        message: CmMessage,
        bytes: &[u8],
    ) -> Result<(), CmError> {
        let Some(frame) = message.frame.filter(|frame| frame.kind == Kind::Reply) else {
            self.malformed += 1;
            return Ok(());
        };
        let private = Private::decode(&frame.private_data);
        let state = self.get(connection)?;
        state.opening.note(bytes);
        if frame.rejected {
            state.state = State::Closed;
            let (reason, private_data) = (private.reason, private.application);
            self.events.push_back(Event::Rejected {
                connection,
                reason,
                private_data,
            });
            return Ok(());
        }
        let enhanced = frame.enhanced.unwrap_or_default();
        state.remote_vi = message.source_vi;
        state.remote_sequence = message.sequence;
        state.offer.ird = state.offer.ird.min(enhanced.ord.min(u8::MAX.into()) as u8);
        state.offer.ord = state.offer.ord.min(enhanced.ird.min(u8::MAX.into()) as u8);
        state.offer.features &= private.features;
        state.state = State::Accepted(state.peer());
        self.events.push_back(Event::Accepted {
            connection,
            private_data: private.application,
        });
        Ok(())
    }

    /// Sends a connection's last message and sets its timer; after too many times the connection fails.
    fn repeat(&mut self, connection: ConnectionId) -> Result<(), CmError> {
        let now = self.raw.board().transport().now();
        let CmOptions { retry, attempts } = self.options;
        let state = self.get(connection)?;
        if state.sent >= attempts {
            state.state = State::Closed;
            self.events.push_back(Event::TimedOut { connection });
            return Ok(());
        }
        state.sent += 1;
        state.next_send = now + retry;
        self.send_last(connection)
    }

    fn send_last(&mut self, connection: ConnectionId) -> Result<(), CmError> {
        let state = self.get(connection)?;
        let frame = state.last.clone();
        state.opening.note(&frame);
        match self.raw.send(&frame) {
            // As good as lost on the wire: it is repeated.
            Err(RawError::Busy { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    fn get(&mut self, connection: ConnectionId) -> Result<&mut Connection, CmError> {
        self.connections
            .get_mut(&connection)
            .ok_or(CmError::Unknown { connection })
    }
}

#[cfg(test)]
mod tests;
