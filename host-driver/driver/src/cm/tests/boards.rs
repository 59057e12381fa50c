//! Two connection managers on test boards, whose raw frames a test carries: what the VIs are told, and what the wire sees.

use crate::address::{Discriminator, HostAddress, NetAddress};
use crate::board::{Board, Options};
use crate::cm::*;
use crate::command::{Command, Reliability, ViState};
use crate::completion_queue::CompletionQueue;
use crate::cqe::{Cqe, Kind as CqeKind};
use crate::test_board::TestBoard;
use crate::vi::{Vi, ViOptions};
use rnic_abi::completion::{ADMIN_CQ, RAW_ENTRY_BYTES};
use rnic_abi::registers::map;
use std::time::Duration;

struct End {
    test: TestBoard,
    _cq: CompletionQueue,
    vi: Vi,
    cm: ConnectionManager,
    ring: u64,
    received: u32,
}

impl End {
    fn new(seed: u64) -> Self {
        Self::with(seed, Reliability::ReliableDelivery)
    }

    fn with(seed: u64, reliability: Reliability) -> Self {
        let test = TestBoard::small();
        let board = Board::open(
            test.transport(),
            Options {
                seed: Some(seed),
                address: Some(host(seed)),
                ..Options::default()
            },
        )
        .unwrap();
        let cq = board.create_cq(4).unwrap();
        let vi = Vi::create(
            &board,
            &cq,
            &cq,
            ViOptions {
                reliability,
                ..ViOptions::new(1)
            },
        )
        .unwrap();
        test.take_stores();
        let options = CmOptions {
            retry: Duration::from_millis(100),
            attempts: 3,
            ..CmOptions::default()
        };
        let cm = ConnectionManager::open(&board, options).unwrap();
        let ring = test
            .take_stores()
            .iter()
            .find(|store| store.1 == map::RAW_RING_IOVA)
            .unwrap()
            .3;
        test.take_posts();
        Self {
            test,
            _cq: cq,
            vi,
            cm,
            ring,
            received: 0,
        }
    }

    /// The raw frames sent since the last call.
    fn sent(&self) -> Vec<Vec<u8>> {
        let frame = |post: crate::command::Post| match post.command {
            Command::RawSend { iova, bytes } => Some(self.test.read(iova.0, bytes as usize)),
            _ => None,
        };
        self.test
            .take_posts()
            .into_iter()
            .filter_map(frame)
            .collect()
    }

    fn deliver(&mut self, frame: &[u8]) {
        let index = self.received % 16;
        self.test
            .write(self.ring + u64::from(index) * RAW_ENTRY_BYTES as u64, frame);
        let cqe = Cqe {
            context: index.into(),
            length: frame.len() as u32,
            ..TestBoard::cqe(CqeKind::Raw)
        };
        self.test.place(ADMIN_CQ, cqe);
        self.received += 1;
    }
}

fn host(seed: u64) -> HostAddress {
    HostAddress::new(&[seed as u8]).unwrap()
}

/// A request to the board that was opened with this seed.
fn to(seed: u64, offer: Offer) -> ConnectRequest {
    let discriminator = Discriminator::new(b"test").unwrap();
    ConnectRequest::new(
        NetAddress {
            host: host(seed),
            discriminator,
        },
        offer,
    )
}

fn offer(reads: u8, data: &[u8]) -> Offer {
    Offer {
        private_data: data.to_vec(),
        ..Offer::new(reads)
    }
}

/// Runs the whole exchange.
fn exchange(a: &mut End, b: &mut End) -> (ConnectionId, ConnectionId) {
    b.cm.listen(Discriminator::new(b"test").unwrap(), None);
    let ours = a.cm.connect(&a.vi, to(2, offer(2, b"ping"))).unwrap();
    let requests = a.sent();
    requests.iter().for_each(|request| b.deliver(request));
    let Some(Event::Incoming {
        connection: theirs,
        offer: offered,
        ..
    }) = b.cm.poll().unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (offered.private_data.as_slice(), offered.ird),
        (b"ping".as_slice(), 2)
    );
    b.cm.accept(theirs, &mut b.vi, offer(1, b"pong")).unwrap();
    let replies = b.sent();
    replies.iter().for_each(|reply| a.deliver(reply));
    let Some(Event::Accepted {
        connection,
        private_data,
        ..
    }) = a.cm.poll().unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (connection, private_data.as_slice()),
        (ours, b"pong".as_slice())
    );
    let mpa = |frames: &[Vec<u8>]| {
        let frame = frames.last().unwrap();
        frame[usize::from(frame[12])..].to_vec()
    };
    let crossed = Opening {
        request: mpa(&requests),
        reply: mpa(&replies),
    };
    assert!(crossed.reply.starts_with(b"MPA ID Rep Frame"));
    assert_eq!(a.cm.opening(ours).unwrap(), &crossed);
    assert_eq!(b.cm.opening(theirs).unwrap(), &crossed);
    assert!(a.cm.finish(ours, &mut a.vi).unwrap());
    a.sent().iter().for_each(|ready| b.deliver(ready));
    assert_eq!(
        b.cm.poll().unwrap(),
        Some(Event::Ready { connection: theirs })
    );
    assert_eq!((a.cm.poll().unwrap(), b.cm.poll().unwrap()), (None, None));
    (ours, theirs)
}

#[test]
fn two_vis_become_peers() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    exchange(&mut a, &mut b);
    let (ours, theirs) = (*a.vi.settings(), *b.vi.settings());
    assert_eq!(
        (ours.state, theirs.state),
        (ViState::Connected, ViState::Connected)
    );
    assert_eq!(
        (ours.send_sequence, ours.receive_sequence),
        (theirs.receive_sequence, theirs.send_sequence)
    );
    assert_eq!(
        (ours.peer_vi, theirs.peer_vi),
        (theirs.peer_vi, ours.peer_vi)
    );
    assert_eq!(
        (ours.ird, ours.ord, theirs.ird, theirs.ord),
        (1, 1, 1, 1),
        "the smaller depth of both"
    );
    assert_eq!((ours.negotiated, theirs.negotiated), (1, 1));
}

/// The MPA bytes of RFC 5044 section 7.1.1 and RFC 6581 section 9, with our private data in front of the application's.
#[test]
fn the_frames_are_real_mpa_frames() {
    let mut a = End::new(1);
    a.cm.connect(&a.vi, to(2, offer(2, b"x"))).unwrap();
    let sent = a.sent();
    let addresses = 2 + b"test".len();
    let mpa = [
        b"MPA ID Req Frame".as_slice(),
        &[0x50, 2, 0, 13, 0, 2, 0, 2],
        b"OSR1",
        &[Private::FEATURES, 0, 2, 0],
        b"x",
    ]
    .concat();
    assert_eq!(sent[0][HEADER_BYTES + addresses..], mpa);
    assert_eq!(sent[0][3], ANY_VI);
}

#[test]
fn a_vi_that_does_not_fit_is_not_connected() {
    let (mut a, mut b) = (End::new(1), End::with(2, Reliability::Unreliable));
    b.cm.listen(Discriminator::new(b"test").unwrap(), None);
    a.cm.connect(&a.vi, to(2, Offer::new(1))).unwrap();
    a.sent().iter().for_each(|request| b.deliver(request));
    let Some(Event::Incoming { connection, .. }) = b.cm.poll().unwrap() else {
        panic!()
    };
    b.sent();
    let error = b.cm.accept(connection, &mut b.vi, Offer::new(1));
    let ours = Reliability::Unreliable;
    assert!(
        matches!(error, Err(CmError::Mismatch(Mismatch::Reliability { ours: o, .. })) if o == ours)
    );
    assert_eq!(b.sent(), Vec::<Vec<u8>>::new());
    assert_eq!(b.vi.settings().state, ViState::Idle);
}

/// The board refuses to connect the VI: the client is not told that it is accepted.
#[test]
fn a_vi_that_cannot_be_connected_is_not_announced() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    b.cm.listen(Discriminator::new(b"test").unwrap(), None);
    a.cm.connect(&a.vi, to(2, Offer::new(1))).unwrap();
    a.sent().iter().for_each(|request| b.deliver(request));
    let Some(Event::Incoming { connection, .. }) = b.cm.poll().unwrap() else {
        panic!()
    };
    b.sent();
    let refuse = rnic_abi::error::CommandError::BadField;
    b.test.state().refuse.push(refuse);
    let error = b.cm.accept(connection, &mut b.vi, Offer::new(1));
    assert!(matches!(error, Err(CmError::Vi(_))));
    assert_eq!(b.sent(), Vec::<Vec<u8>>::new());
    b.cm.accept(connection, &mut b.vi, Offer::new(1)).unwrap();
    assert_eq!(b.sent().len(), 1);
}

#[test]
fn leaving_is_told() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let (ours, theirs) = exchange(&mut a, &mut b);
    a.cm.disconnect(ours).unwrap();
    a.sent().iter().for_each(|message| b.deliver(message));
    let loss = Loss::Left;
    let connection = theirs;
    assert_eq!(
        b.cm.poll().unwrap(),
        Some(Event::Disconnected { connection, loss })
    );
    b.vi.as_mut().set_state(ViState::Error).unwrap();
    assert_eq!(b.vi.settings().state, ViState::Error);
    assert!(matches!(
        a.cm.disconnect(ours),
        Err(CmError::Unknown { .. })
    ));
    b.sent().iter().for_each(|ack| a.deliver(ack));
    a.cm.poll().unwrap();
    assert_eq!((a.cm.connections(), b.cm.connections()), (0, 0));
}

#[test]
fn waiting_ends() {
    let mut a = End::new(1);
    let timeout = Duration::from_millis(10);
    let request = ConnectRequest {
        timeout: Some(timeout),
        ..to(2, Offer::new(2))
    };
    assert!(matches!(
        a.cm.connect_and_wait(&mut a.vi, request),
        Err(CmError::Failed(Failure::TimedOut { timeout: Some(t) })) if t == timeout
    ));
    assert!(matches!(
        a.cm.connect_and_wait(&mut a.vi, to(2, Offer::new(2))),
        Err(CmError::Failed(Failure::NotReachable { attempts: 3 }))
    ));
    let nobody =
        a.cm.accept_and_wait(&mut a.vi, Discriminator::NONE, Offer::new(2), timeout);
    assert!(matches!(nobody, Err(CmError::NobodyCame { timeout: t }) if t == timeout));
}

#[test]
fn noise_is_counted_and_ignored() {
    let mut b = End::new(2);
    b.deliver(b"noise");
    b.deliver(&[1; 60]);
    assert_eq!(b.cm.poll().unwrap(), None);
    assert_eq!(b.cm.counts().malformed, 2);
    assert_eq!(b.sent().len(), 0);
}

#[test]
fn what_cannot_be_asked_is_refused_before_it_is_sent() {
    let mut a = End::new(1);
    let long =
        a.cm.connect(&a.vi, to(2, offer(2, &[0; MAX_PRIVATE_BYTES + 1])));
    assert!(matches!(
        long,
        Err(CmError::PrivateData { bytes }) if bytes == MAX_PRIVATE_BYTES + 1
    ));
    assert!(matches!(
        a.cm.connect(&a.vi, to(1, Offer::new(2))),
        Err(CmError::NoLocalPath { address }) if address == host(1)
    ));
    assert_eq!(a.sent().len(), 0);
    a.cm.connect(&a.vi, to(2, offer(2, &[0; MAX_PRIVATE_BYTES])))
        .unwrap();
    assert_eq!(a.sent().len(), 1);
}

/// A library keeps them behind locks that its threads share.
#[test]
fn they_may_change_threads() {
    fn moves<T: Send>() {}
    moves::<ConnectionManager>();
    moves::<crate::vi::Endpoint>();
    moves::<crate::vi::WorkQueue>();
    moves::<crate::board::EventQueue>();
}

/// The same seed, another time: an opening is told from the one before.
#[test]
fn each_opening_is_an_incarnation() {
    let incarnation = |end: &mut End| {
        end.cm.connect(&end.vi, to(2, Offer::new(1))).unwrap();
        CmMessage::decode(&end.sent()[0]).unwrap().incarnation
    };
    let mut first = End::new(1);
    let one = incarnation(&mut first);
    assert_eq!(one, incarnation(&mut first));
    let End { test, cm, vi, .. } = first;
    let board = cm.board().clone();
    drop(cm);
    test.take_posts();
    let mut cm = ConnectionManager::open(&board, CmOptions::default()).unwrap();
    cm.connect(&vi, to(2, Offer::new(1))).unwrap();
    let posts = test.take_posts();
    let Command::RawSend { iova, bytes } = posts[0].command else {
        panic!("{posts:?}")
    };
    let again = CmMessage::decode(&test.read(iova.0, bytes as usize)).unwrap();
    assert_ne!(again.incarnation, one);
}
