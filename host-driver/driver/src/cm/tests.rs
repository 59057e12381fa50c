//! Two connection managers whose raw frames a test carries, loses or repeats.

use super::*;
use crate::board::Options;
use crate::command::Reliability;
use crate::command::{Command, ViState};
use crate::completion_queue::CompletionQueue;
use crate::cqe::{Cqe, Kind as CqeKind};
use crate::mpa::MpaError;
use crate::test_board::TestBoard;
use crate::vi::ViOptions;
use rnic_abi::completion::{ADMIN_CQ, RAW_ENTRY_BYTES};
use rnic_abi::registers::map;

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

    /// Polls until its own timer has expired once.
    fn let_timer_expire(&mut self) -> Vec<Event> {
        (0..150).filter_map(|_| self.cm.poll().unwrap()).collect()
    }
}

fn offer(reads: u8, data: &[u8]) -> Offer {
    Offer {
        private_data: data.to_vec(),
        ..Offer::new(reads)
    }
}

/// Runs the whole exchange; `repeats` is how often each message is delivered.
fn exchange(a: &mut End, b: &mut End, repeats: usize) {
    b.cm.listen(true);
    let ours = a.cm.connect(&a.vi, offer(2, b"ping")).unwrap();
    let requests = a.sent();
    for request in &requests {
        (0..repeats).for_each(|_| b.deliver(request));
    }
    let Some(Event::Incoming {
        connection: theirs,
        offer: offered,
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
    for reply in &replies {
        (0..repeats).for_each(|_| a.deliver(reply));
    }
    let Some(Event::Accepted {
        connection,
        private_data,
    }) = a.cm.poll().unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (connection, private_data.as_slice()),
        (ours, b"pong".as_slice())
    );
    let crossed = Opening {
        request: requests[0][HEADER_BYTES..].to_vec(),
        reply: replies[0][HEADER_BYTES..].to_vec(),
    };
    assert_eq!(a.cm.opening(ours).unwrap(), &crossed);
    assert_eq!(b.cm.opening(theirs).unwrap(), &crossed);
    a.cm.finish(ours, &mut a.vi).unwrap();
    for ready in a.sent() {
        (0..repeats).for_each(|_| b.deliver(&ready));
    }
    assert_eq!(
        b.cm.poll().unwrap(),
        Some(Event::Ready { connection: theirs })
    );
    assert_eq!((a.cm.poll().unwrap(), b.cm.poll().unwrap()), (None, None));
}

#[test]
fn two_vis_become_peers() {
    for repeats in [1, 3] {
        let (mut a, mut b) = (End::new(1), End::new(2));
        exchange(&mut a, &mut b, repeats);
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
}

#[test]
fn the_frames_are_real_mpa_frames() {
    let mut a = End::new(1);
    a.cm.connect(&a.vi, offer(2, b"x")).unwrap();
    let sent = a.sent();
    assert_eq!(
        &sent[0][HEADER_BYTES..HEADER_BYTES + 16],
        b"MPA ID Req Frame"
    );
    assert_eq!(sent[0][2], ANY_VI);
}

#[test]
fn every_lost_message_is_repeated() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    b.cm.listen(true);
    let ours = a.cm.connect(&a.vi, offer(2, b"")).unwrap();
    a.sent();
    assert_eq!(a.let_timer_expire(), []);
    for request in a.sent() {
        b.deliver(&request);
    }
    let Some(Event::Incoming {
        connection: theirs, ..
    }) = b.cm.poll().unwrap()
    else {
        panic!()
    };
    b.cm.accept(theirs, &mut b.vi, offer(2, b"")).unwrap();
    b.sent();
    b.let_timer_expire();
    let replies = b.sent();
    assert!(!replies.is_empty());
    a.deliver(&replies[0]);
    assert!(matches!(a.cm.poll().unwrap(), Some(Event::Accepted { .. })));
    a.cm.finish(ours, &mut a.vi).unwrap();
    assert_eq!(a.sent().len(), 1, "the Ready, which is lost");
    a.deliver(&replies[0]);
    assert_eq!(a.cm.poll().unwrap(), None);
    let ready = a.sent();
    assert_eq!(ready.len(), 1, "a repeated reply draws another Ready");
    b.deliver(&ready[0]);
    assert_eq!(
        b.cm.poll().unwrap(),
        Some(Event::Ready { connection: theirs })
    );
}

#[test]
fn silence_times_out() {
    let mut a = End::new(1);
    let connection = a.cm.connect(&a.vi, offer(2, b"")).unwrap();
    let events: Vec<_> = (0..10).flat_map(|_| a.let_timer_expire()).collect();
    assert_eq!(events, [Event::TimedOut { connection }]);
    assert_eq!(a.sent().len(), 3);
    assert!(matches!(
        a.cm.connect_and_wait(&mut a.vi, offer(2, b""), Duration::from_millis(10)),
        Err(CmError::TimedOut { .. })
    ));
}

#[test]
fn a_rejection_carries_its_reason() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    let rejected = |a: &mut End, b: &mut End| {
        for reply in b.sent() {
            a.deliver(&reply);
        }
        match a.cm.poll().unwrap() {
            Some(Event::Rejected {
                reason,
                private_data,
                ..
            }) => (reason, private_data),
            other => panic!("{other:?}"),
        }
    };
    a.cm.connect(&a.vi, offer(2, b"")).unwrap();
    a.sent().iter().for_each(|request| b.deliver(request));
    assert_eq!(b.cm.poll().unwrap(), None);
    assert_eq!(rejected(&mut a, &mut b).0, RejectReason::NoListener);

    b.cm.listen(true);
    a.cm.connect(&a.vi, offer(2, b"")).unwrap();
    a.sent().iter().for_each(|request| b.deliver(request));
    let Some(Event::Incoming { connection, .. }) = b.cm.poll().unwrap() else {
        panic!()
    };
    b.cm.reject(connection, b"busy".to_vec()).unwrap();
    assert_eq!(
        rejected(&mut a, &mut b),
        (RejectReason::Refused, b"busy".to_vec())
    );
    assert!(matches!(
        b.cm.accept(connection, &mut b.vi, offer(1, b"")),
        Err(CmError::State { .. })
    ));

    let mut c = End::with(3, Reliability::Unreliable);
    c.cm.listen(true);
    a.cm.connect(&a.vi, offer(2, b"")).unwrap();
    a.sent().iter().for_each(|request| c.deliver(request));
    let Some(Event::Incoming { connection, .. }) = c.cm.poll().unwrap() else {
        panic!()
    };
    let error =
        c.cm.accept(connection, &mut c.vi, offer(1, b""))
            .unwrap_err();
    assert!(matches!(error, CmError::Reliability { theirs: 2, .. }));
    assert_eq!(rejected(&mut a, &mut c).0, RejectReason::Reliability);
}

#[test]
fn leaving_is_told() {
    let (mut a, mut b) = (End::new(1), End::new(2));
    exchange(&mut a, &mut b, 1);
    let connection = *a.cm.connections.keys().next().unwrap();
    a.cm.disconnect(connection).unwrap();
    a.sent().iter().for_each(|message| b.deliver(message));
    assert!(
        matches!(b.cm.poll().unwrap(), Some(Event::Disconnected { connection }) if connection.role == Role::Responder)
    );
    assert!(matches!(
        a.cm.disconnect(connection),
        Err(CmError::Unknown { .. })
    ));
}

#[test]
fn noise_is_counted_and_ignored() {
    let mut b = End::new(2);
    b.deliver(b"noise");
    b.deliver(&[1; 40]);
    assert_eq!(b.cm.poll().unwrap(), None);
    assert_eq!(b.cm.malformed(), 2);
    assert_eq!(b.sent().len(), 0);
}

#[test]
fn too_much_private_data_is_refused_before_it_is_sent() {
    let mut a = End::new(1);
    assert!(matches!(
        a.cm.connect(&a.vi, offer(2, &[0; 501])),
        Err(CmError::Mpa(MpaError::PrivateData { .. }))
    ));
    let long = a.cm.connect(&a.vi, offer(2, &[0; 500]));
    assert!(matches!(
        long,
        Err(CmError::Raw(RawError::Length { bytes: 548 }))
    ));
}
