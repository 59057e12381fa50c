//! Both models on a net that loses nothing, and the ways in which they end without a connection.

use super::net::*;
use crate::address::{HostAddress, NetAddress};
use crate::cm::*;
use crate::command::Reliability;
use std::time::Duration;

const SOON: Option<Duration> = Some(Duration::from_millis(50));

fn stands(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stands(_))
}

#[test]
fn a_client_meets_its_server() {
    let mut net = Net::new(2);
    net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), SOON);
    net.run(10 * MS);
    assert!(stands(net.outcome(0, client)) && stands(net.only(1)));
    net.check_agreement();
    let Event::Incoming {
        from,
        attributes: theirs,
        ref offer,
        ..
    } = net.stations[1].events[0]
    else {
        panic!("{:?}", net.stations[1].events)
    };
    assert_eq!((from, theirs, offer.ird), (at(0, "me"), attributes(), 2));
    let Event::Accepted {
        attributes: theirs, ..
    } = net.stations[0].events[0]
    else {
        panic!("{:?}", net.stations[0].events)
    };
    assert_eq!(theirs, attributes());
}

#[test]
fn whoever_is_on_the_wire_can_be_asked() {
    let mut net = Net::new(2);
    net.listen(1, "echo", None);
    let any = NetAddress {
        host: HostAddress::ANY,
        ..at(1, "echo")
    };
    net.connect(0, any, SOON);
    net.run(200 * MS);
    assert!(stands(net.only(0)) && stands(net.only(1)));
    net.check_agreement();
}

#[test]
fn nobody_listens() {
    let mut net = Net::new(2);
    for wrong in ["ech", "echo\0", "", "Echo"] {
        net.listen(1, "echo", None);
        let client = net.connect(0, at(1, wrong), SOON);
        net.run(10 * MS);
        let at = at(1, wrong);
        assert_eq!(
            *net.outcome(0, client),
            Outcome::Failed(Failure::NoMatch { at })
        );
    }
    assert_eq!(net.stations[1].events, []);
}

#[test]
fn nobody_is_there() {
    let mut net = Net::new(2);
    let client = net.connect(0, at(2, "echo"), None);
    let peer = net.connect_peer(0, at(2, "echo"), None);
    net.run(79 * MS);
    assert_eq!(*net.outcome(0, client), Outcome::Asked);
    net.run(2 * MS);
    let gone = Outcome::Failed(Failure::NotReachable { attempts: 8 });
    assert_eq!(
        (net.outcome(0, client), net.outcome(0, peer)),
        (&gone, &gone)
    );
    assert!(net.stations[1].engine.counts.foreign >= 16);
    net.check_agreement();
}

#[test]
fn the_server_does_not_answer_in_time() {
    let mut net = Net::new(2);
    net.stations[1].policy = Policy::Keep;
    let listener = net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), Some(200 * MS));
    net.run(195 * MS);
    assert_eq!(
        *net.outcome(0, client),
        Outcome::Asked,
        "longer than silence may last"
    );
    let Event::Incoming { connection, .. } = net.stations[1].events[0] else {
        panic!()
    };
    net.run(10 * MS);
    let timeout = Some(200 * MS);
    assert_eq!(
        *net.outcome(0, client),
        Outcome::Failed(Failure::TimedOut { timeout })
    );
    assert_eq!(
        net.stations[1].events[1..],
        [Event::Withdrawn { connection }]
    );
    let late = net.stations[1].accept(net.now, connection);
    assert!(matches!(late, Err(CmError::Unknown { .. })));
    // The listener waits for others.
    net.stations[1].policy = Policy::Accept;
    net.connect(0, at(1, "echo"), SOON);
    net.run(10 * MS);
    let Event::Incoming { listener: same, .. } = net.stations[1].events[2] else {
        panic!()
    };
    assert_eq!(same, listener);
    net.check_agreement();
}

#[test]
fn a_vi_that_does_not_fit_may_be_changed() {
    let mut net = Net::new(2);
    net.stations[1].policy = Policy::Keep;
    net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), None);
    net.run(5 * MS);
    let Event::Incoming { connection, .. } = net.stations[1].events[0] else {
        panic!()
    };
    let fitting = attributes();
    for (wrong, reason) in [
        (
            Attributes {
                reliability: Reliability::Unreliable,
                ..fitting
            },
            RejectReason::Reliability,
        ),
        (
            Attributes {
                max_transfer_bytes: 1,
                ..fitting
            },
            RejectReason::MaxTransfer,
        ),
        (Attributes { qos: 1, ..fitting }, RejectReason::Qos),
    ] {
        net.stations[1].attributes = wrong;
        let sent = net.messages;
        let error = net.stations[1].accept(net.now, connection).unwrap_err();
        assert!(matches!(error, CmError::Mismatch(m) if m.reason() == reason));
        net.run(Duration::ZERO);
        assert_eq!(net.messages, sent, "a failed accept sends nothing");
    }
    net.run(100 * MS);
    assert_eq!(*net.outcome(0, client), Outcome::Asked);
    net.stations[1].attributes = Attributes {
        enable_rdma_read: true,
        ..fitting
    };
    net.stations[1].accept(net.now, connection).unwrap();
    net.run(10 * MS);
    assert!(stands(net.outcome(0, client)) && stands(net.only(1)));
    let again = net.stations[1].accept(net.now, connection);
    assert!(matches!(
        again,
        Err(CmError::State {
            state: "connected",
            ..
        })
    ));
}

#[test]
fn a_rejection_is_heard_and_the_client_may_ask_again() {
    let mut net = Net::new(2);
    net.stations[1].policy = Policy::Reject;
    net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), SOON);
    net.run(10 * MS);
    let rejected = Failure::Rejected {
        reason: RejectReason::Refused,
        private_data: b"no".to_vec(),
    };
    assert_eq!(*net.outcome(0, client), Outcome::Failed(rejected));
    assert_eq!(*net.only(1), Outcome::Rejected);
    net.stations[1].policy = Policy::Accept;
    net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), SOON);
    net.run(10 * MS);
    assert!(stands(net.outcome(0, client)));
    net.check_agreement();
}

#[test]
fn listeners_serve_in_their_order_and_end() {
    let mut net = Net::new(2);
    let listeners: Vec<_> = (0..3)
        .map(|_| net.listen(1, "echo", Some(30 * MS)))
        .collect();
    net.connect(0, at(1, "echo"), SOON);
    net.run(5 * MS);
    net.connect(0, at(1, "echo"), SOON);
    net.run(5 * MS);
    let served = |event: &Event| match event {
        Event::Incoming { listener, .. } => Some(*listener),
        _ => None,
    };
    let order: Vec<_> = net.stations[1].events.iter().filter_map(served).collect();
    assert_eq!(order, listeners[..2]);
    net.run(40 * MS);
    let last = net.stations[1].events.last();
    assert_eq!(
        last,
        Some(&Event::ListenerTimedOut {
            listener: listeners[2]
        })
    );
    assert_eq!(net.stations[1].engine.live(), (2, 0));
}

#[test]
fn a_listener_that_is_closed_matches_nothing() {
    let mut net = Net::new(2);
    net.stations[1].policy = Policy::Keep;
    let listener = net.listen(1, "echo", None);
    let held = net.connect(0, at(1, "echo"), None);
    net.run(5 * MS);
    let now = net.now;
    net.stations[1].engine.stop_listening(now, listener);
    let later = net.connect(0, at(1, "echo"), None);
    net.run(10 * MS);
    assert!(matches!(
        net.outcome(0, held),
        Outcome::Failed(Failure::Rejected {
            reason: RejectReason::NoListener,
            ..
        })
    ));
    assert!(matches!(
        net.outcome(0, later),
        Outcome::Failed(Failure::NoMatch { .. })
    ));
    net.check_agreement();
}

#[test]
fn the_wire_is_cut_after_the_request() {
    for policy in [Policy::Accept, Policy::Reject] {
        let mut net = Net::new(2);
        net.stations[1].policy = Policy::Keep;
        net.listen(1, "echo", None);
        let client = net.connect(0, at(1, "echo"), None);
        net.run(5 * MS);
        let Event::Incoming { connection, .. } = net.stations[1].events[0] else {
            panic!()
        };
        net.schedule = Box::new(|_| vec![]);
        let now = net.now;
        match policy {
            Policy::Accept => net.stations[1].accept(now, connection).unwrap(),
            _ => {
                let reject = net.stations[1].engine.reject(now, connection, vec![]);
                reject.unwrap()
            }
        }
        net.run(300 * MS);
        let gone = Outcome::Failed(Failure::NotReachable { attempts: 8 });
        assert_eq!(
            (net.outcome(0, client), net.outcome(1, connection)),
            (&gone, &gone)
        );
        net.check_agreement();
    }
}

#[test]
fn peers_meet_early_late_and_at_once() {
    for late in [0, 1, 100] {
        for first in [0, 1] {
            let mut net = Net::new(2);
            net.connect_peer(first, at(1 - first, "chess"), None);
            net.run(late * MS);
            net.connect_peer(1 - first, at(first, "chess"), None);
            net.run(30 * MS);
            assert!(
                stands(net.only(0)) && stands(net.only(1)),
                "{late} {first}: {:?} {:?}",
                net.only(0),
                net.only(1)
            );
            net.check_agreement();
        }
    }
}

#[test]
fn peers_are_joined_with_their_own() {
    let mut net = Net::new(2);
    let names = ["a", "b", "c", "d"];
    for name in names {
        net.connect_peer(0, at(1, name), None);
    }
    for name in names.iter().rev() {
        net.connect_peer(1, at(0, name), None);
    }
    net.run(50 * MS);
    let sequences = |station: usize| -> Vec<u32> {
        let standing = net.stations[station].standing();
        standing.iter().map(|peer| peer.send_sequence).collect()
    };
    let wanted: Vec<u32> = net.stations[1]
        .standing()
        .iter()
        .rev()
        .map(|peer| peer.receive_sequence)
        .collect();
    assert_eq!((sequences(0).len(), sequences(0)), (4, wanted));
    net.check_agreement();
}

#[test]
fn peers_of_one_discriminator_are_joined_in_their_order() {
    for late in 0..2 {
        let mut net = Net::new(2);
        // What the second station sends first arrives last.
        let mut delay = 8;
        net.schedule = Box::new(move |_| {
            delay = (delay - 1i32).max(1);
            vec![MS * delay as u32]
        });
        for _ in 0..2 {
            net.connect_peer(late, at(1 - late, "go"), None);
        }
        net.run(2 * MS);
        for _ in 0..2 {
            net.connect_peer(1 - late, at(late, "go"), None);
        }
        net.run(100 * MS);
        let (a, b) = (net.stations[0].standing(), net.stations[1].standing());
        let order: Vec<u32> = b.iter().map(|peer| peer.receive_sequence).collect();
        let sent: Vec<u32> = a.iter().map(|peer| peer.send_sequence).collect();
        assert_eq!((sent.len(), sent), (2, order));
        net.check_agreement();
    }
}

#[test]
fn peers_that_differ_are_told_the_same() {
    let ours = attributes();
    for (theirs, reason) in [
        (
            Attributes {
                reliability: Reliability::Unreliable,
                ..ours
            },
            RejectReason::Reliability,
        ),
        (
            Attributes {
                max_transfer_bytes: 1,
                qos: 1,
                ..ours
            },
            RejectReason::MaxTransfer,
        ),
        (Attributes { qos: 1, ..ours }, RejectReason::Qos),
    ] {
        for (first, second) in [(0, 1), (1, 0)] {
            let mut net = Net::new(2);
            net.stations[second].attributes = theirs;
            net.connect_peer(first, at(second, "chess"), None);
            net.connect_peer(second, at(first, "chess"), None);
            net.run(50 * MS);
            for index in 0..2 {
                let outcome = net.only(index);
                assert!(
                    matches!(outcome, Outcome::Failed(Failure::Mismatch(m)) if m.reason() == reason),
                    "{outcome:?}"
                );
            }
            net.check_agreement();
        }
    }
}

#[test]
fn a_peer_waits_for_a_peer_alone() {
    let mut net = Net::new(2);
    net.listen(1, "chess", None);
    let peer = net.connect_peer(0, at(1, "chess"), Some(150 * MS));
    net.run(149 * MS);
    assert_eq!(
        *net.outcome(0, peer),
        Outcome::Asked,
        "the other board is there"
    );
    net.run(2 * MS);
    let timeout = Some(150 * MS);
    assert_eq!(
        *net.outcome(0, peer),
        Outcome::Failed(Failure::TimedOut { timeout })
    );
    assert_eq!(net.stations[1].events, []);
    // And a client's request is none of a peer's.
    net.connect_peer(0, at(1, "go"), None);
    let client = net.connect(1, at(0, "go"), None);
    net.run(5 * MS);
    assert!(matches!(
        net.outcome(1, client),
        Outcome::Failed(Failure::NoMatch { .. })
    ));
}

#[test]
fn a_peer_that_left_is_not_met() {
    let mut net = Net::new(2);
    let first = net.connect_peer(0, at(1, "chess"), None);
    net.run(5 * MS);
    net.disconnect(0, first);
    let second = net.connect_peer(1, at(0, "chess"), Some(60 * MS));
    net.run(100 * MS);
    assert!(matches!(
        net.outcome(1, second),
        Outcome::Failed(Failure::TimedOut { .. })
    ));
    net.check_agreement();
}

#[test]
fn one_board_reaches_itself() {
    let mut net = Net::new(1);
    net.listen(0, "echo", None);
    net.connect(0, at(0, "echo"), SOON);
    for _ in 0..4 {
        net.connect_peer(0, at(0, "chess"), SOON);
    }
    net.run(45 * MS);
    assert_eq!(net.stations[0].standing().len(), 6);
    net.check_agreement();
    assert_eq!(net.messages, 0, "nothing goes to the wire");
    let ends: Vec<_> = net.stations[0].outcomes.keys().copied().collect();
    net.disconnect(0, ends[0]);
    net.run(5 * MS);
    let lost = net.stations[0]
        .outcomes
        .values()
        .filter(|outcome| matches!(outcome, Outcome::Lost(Loss::Left)));
    assert_eq!(lost.count(), 1);
    net.run(200 * MS);
    net.check_agreement();
}

#[test]
fn nobody_is_reached_at_home() {
    let mut net = Net::new(1);
    net.connect(0, at(0, "echo"), SOON);
    net.run(5 * MS);
    assert!(matches!(
        net.only(0),
        Outcome::Failed(Failure::NoMatch { .. })
    ));
}
