//! The manager on a board: an engine, the raw queue that carries its messages, and the VIs that it is given.

use super::engine::{Engine, LocalVi};
use super::local;
use super::{
    Attributes, CmError, CmOptions, ConnectRequest, ConnectionId, Counts, Event, Failure,
    ListenerId, Offer, Opening,
};
use crate::address::{Discriminator, HostAddress};
use crate::board::Board;
use crate::raw::{RawError, RawQueue};
use crate::vi::{Endpoint, Peer};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use std::time::Duration;

/// The connection manager of one board.
///
/// It does nothing by itself: [`poll`](Self::poll) or [`wait`](Self::wait) take messages and repeat what is due, so that one
/// thread can hold both ends. VIs are given to the calls that need them; a VI is anything that has an [`Endpoint`].
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, vi::{Vi, ViOptions}};
/// # use rnic_driver::address::{Discriminator, HostAddress, NetAddress};
/// # use rnic_driver::cm::{CmOptions, ConnectRequest, ConnectionManager, Offer};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// # let cq = board.create_cq(6)?;
/// let mut vi = Vi::create(&board, &cq, &cq, ViOptions::new(1))?;
/// let mut cm = ConnectionManager::open(&board, CmOptions::default())?;
/// let host = HostAddress::of_url("vfio-user:/tmp/b.sock");
/// let echo = NetAddress { host, discriminator: Discriminator::new(b"echo")? };
/// let (connection, answer) = cm.connect_and_wait(&mut vi, ConnectRequest::new(echo, Offer::new(2)))?;
/// println!("connected, the peer says {answer:?}");
/// cm.disconnect(connection)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ConnectionManager {
    raw: RawQueue,
    engine: Engine,
}

impl ConnectionManager {
    /// Takes the board's raw queue.
    pub fn open(board: &Board, options: CmOptions) -> Result<Self, CmError> {
        let rng = match board.options().seed {
            Some(seed) => ChaCha20Rng::seed_from_u64(seed ^ 0x636D),
            None => ChaCha20Rng::from_os_rng(),
        };
        let mut engine = Engine::new(board.transport().now(), board.address(), options, rng);
        engine.wire_returns = board.options().loopback;
        let raw = RawQueue::open(board)?;
        Ok(Self { raw, engine })
    }

    /// The board's address.
    pub fn address(&self) -> HostAddress {
        self.engine.host
    }

    /// Its board.
    pub fn board(&self) -> &Board {
        self.raw.board()
    }

    /// Messages that no connection got.
    pub fn counts(&self) -> Counts {
        self.engine.counts
    }

    /// Connections that are not over yet, those included that leave.
    pub fn connections(&self) -> usize {
        self.engine.live().0
    }

    /// Server: waits for one request with this discriminator; [`Event::Incoming`] or [`Event::ListenerTimedOut`] follows.
    pub fn listen(
        &mut self,
        discriminator: Discriminator,
        timeout: Option<Duration>,
    ) -> ListenerId {
        let now = self.now();
        self.engine.listen(now, discriminator, timeout)
    }

    /// Server: waits no more; a request that is held is told that nobody listens.
    pub fn stop_listening(&mut self, listener: ListenerId) -> Result<(), CmError> {
        let now = self.now();
        self.engine.stop_listening(now, listener);
        self.flush()
    }

    /// Client: asks; [`Event::Accepted`] or [`Event::Failed`] follows.
    pub fn connect(
        &mut self,
        vi: &impl AsRef<Endpoint>,
        request: ConnectRequest,
    ) -> Result<ConnectionId, CmError> {
        self.ask(vi, request, Engine::connect)
    }

    /// Peer: asks, and waits for the peer to ask, too; [`Event::Accepted`] or [`Event::Failed`] follows.
    pub fn connect_peer(
        &mut self,
        vi: &impl AsRef<Endpoint>,
        request: ConnectRequest,
    ) -> Result<ConnectionId, CmError> {
        self.ask(vi, request, Engine::connect_peer)
    }

    fn ask(
        &mut self,
        vi: &impl AsRef<Endpoint>,
        request: ConnectRequest,
        ask: impl FnOnce(
            &mut Engine,
            Duration,
            LocalVi,
            ConnectRequest,
        ) -> Result<ConnectionId, CmError>,
    ) -> Result<ConnectionId, CmError> {
        if request.to.host == self.engine.host {
            local::features(self.board())?;
        }
        let vi = local_vi(vi.as_ref(), request.offer.qos);
        let now = self.now();
        let connection = ask(&mut self.engine, now, vi, request)?;
        self.flush()?;
        Ok(connection)
    }

    /// Client or peer, after [`Event::Accepted`]: connects the VI and tells the partner. The end that answers may send after
    /// [`Event::Ready`], the other one at once: a client, and that one of two peers whose call returns true.
    pub fn finish(
        &mut self,
        connection: ConnectionId,
        vi: &mut impl AsMut<Endpoint>,
    ) -> Result<bool, CmError> {
        let (now, board) = (self.now(), self.board().clone());
        let joined = self.engine.finish(now, connection, |peer, is_local| {
            join(&board, vi.as_mut(), peer, is_local)
        })?;
        self.flush()?;
        Ok(joined)
    }

    /// Server, after [`Event::Incoming`]: connects the VI, so that it can receive, and replies. It may send after
    /// [`Event::Ready`]. A VI that does not fit is an error that the client does not learn of.
    pub fn accept(
        &mut self,
        connection: ConnectionId,
        vi: &mut impl AsMut<Endpoint>,
        answer: Offer,
    ) -> Result<(), CmError> {
        let (now, board) = (self.now(), self.board().clone());
        let vi = vi.as_mut();
        let local = local_vi(vi, answer.qos);
        self.engine
            .accept(now, connection, local, answer, |peer, is_local| {
                join(&board, vi, peer, is_local)
            })?;
        self.flush()
    }

    /// Server, after [`Event::Incoming`]: says no; [`Event::RejectHeard`] or [`Event::Failed`] follows.
    pub fn reject(
        &mut self,
        connection: ConnectionId,
        private_data: Vec<u8>,
    ) -> Result<(), CmError> {
        let now = self.now();
        self.engine.reject(now, connection, private_data)?;
        self.flush()
    }

    /// Leaves a connection, in whatever state it is, and tells the other side. The VI is the caller's to make idle.
    pub fn disconnect(&mut self, connection: ConnectionId) -> Result<(), CmError> {
        let now = self.now();
        self.engine.disconnect(now, connection)?;
        self.flush()
    }

    /// The MPA request and reply of a connection, as this side sent and received them.
    pub fn opening(&self, connection: ConnectionId) -> Result<&Opening, CmError> {
        self.engine.opening(connection)
    }

    /// The VI of an end that waits for [`Event::Ready`] has received something, which is as good.
    pub fn heard(&mut self, connection: ConnectionId) -> Result<(), CmError> {
        let now = self.now();
        self.engine.heard(now, connection)
    }

    /// Takes messages, repeats what is due, and returns the oldest event.
    pub fn poll(&mut self) -> Result<Option<Event>, CmError> {
        self.board().transport().poll().map_err(RawError::from)?;
        while let Some(frame) = self.raw.receive()? {
            let now = self.now();
            self.engine.receive(now, &frame);
        }
        let now = self.now();
        self.engine.poll(now);
        self.flush()?;
        Ok(self.engine.take_event())
    }

    /// When `poll` has something to do though no message comes, by the transport's clock.
    pub fn due(&self) -> Option<Duration> {
        self.engine.due()
    }

    /// The next event, asleep until it comes.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Event>, CmError> {
        let end = self.now() + timeout;
        loop {
            if let Some(event) = self.poll()? {
                return Ok(Some(event));
            }
            let now = self.now();
            if now >= end {
                return Ok(None);
            }
            let until = self.due().map_or(end, |due| due.min(end));
            // A wait is in whole milliseconds.
            let sleep = until.saturating_sub(now).max(Duration::from_millis(1));
            self.board().wait_admin(sleep).map_err(RawError::from)?;
        }
    }

    /// Connects as a client and waits; the connection and the server's private data.
    pub fn connect_and_wait<V: AsRef<Endpoint> + AsMut<Endpoint>>(
        &mut self,
        vi: &mut V,
        request: ConnectRequest,
    ) -> Result<(ConnectionId, Vec<u8>), CmError> {
        let connection = self.connect(vi, request)?;
        loop {
            match self.wait(self.engine.shared.options.patience())? {
                Some(Event::Accepted {
                    connection: c,
                    private_data,
                    ..
                }) if c == connection => {
                    self.finish(connection, vi)?;
                    return Ok((connection, private_data));
                }
                Some(Event::Failed {
                    connection: c,
                    failure,
                }) if c == connection => return Err(failure.into()),
                _ => {}
            }
        }
    }

    /// Waits for a request, accepts it and waits until this side may send; the connection and the client's private data.
    pub fn accept_and_wait(
        &mut self,
        vi: &mut impl AsMut<Endpoint>,
        discriminator: Discriminator,
        answer: Offer,
        timeout: Duration,
    ) -> Result<(ConnectionId, Vec<u8>), CmError> {
        let listener = self.listen(discriminator, Some(timeout));
        let mut accepted = None;
        loop {
            match self.wait(self.engine.shared.options.patience())? {
                Some(Event::Incoming {
                    listener: l,
                    connection,
                    offer,
                    ..
                }) if l == listener => {
                    if let Err(error) = self.accept(connection, vi, answer.clone()) {
                        // The client would be held for ever: nobody but this call knows of it.
                        self.stop_listening(listener)?;
                        return Err(error);
                    }
                    accepted = Some((connection, offer.private_data));
                }
                Some(Event::Ready { connection }) => match accepted.take() {
                    Some((c, data)) if c == connection => return Ok((c, data)),
                    other => accepted = other,
                },
                Some(Event::Failed {
                    connection,
                    failure,
                }) if accepted.as_ref().is_some_and(|a| a.0 == connection) => {
                    return Err(match failure {
                        Failure::TimedOut { .. } => CmError::Withdrawn { connection },
                        failure => failure.into(),
                    })
                }
                Some(Event::ListenerTimedOut { listener: l }) if l == listener => {
                    return Err(CmError::NobodyCame { timeout })
                }
                _ => {}
            }
        }
    }

    fn now(&self) -> Duration {
        self.board().transport().now()
    }

    /// Sends what is to be sent.
    fn flush(&mut self) -> Result<(), CmError> {
        while let Some(message) = self.engine.take_outgoing() {
            match self.raw.send(&message.encode()?) {
                // As good as lost on the wire: it is repeated.
                Err(RawError::Busy { .. }) => {}
                other => other?,
            }
        }
        Ok(())
    }
}

fn local_vi(vi: &Endpoint, qos: u8) -> LocalVi {
    LocalVi {
        number: vi.number() as u8,
        attributes: Attributes::of(vi.settings(), qos),
    }
}

fn join(board: &Board, vi: &mut Endpoint, peer: Peer, is_local: bool) -> Result<(), CmError> {
    let extra = match is_local {
        true => local::features(board)?,
        false => 0,
    };
    vi.connect(Peer {
        negotiated: peer.negotiated | extra,
        ..peer
    })?;
    Ok(())
}
