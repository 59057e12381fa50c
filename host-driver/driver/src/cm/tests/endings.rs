//! How connections that stand end: notices, probes, boards that are opened anew.

use super::net::*;
use crate::cm::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Two stations with a connection.
fn joined() -> (Net, ConnectionId, ConnectionId) {
    let mut net = Net::new(2);
    net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), None);
    net.run(10 * MS);
    let Event::Ready { connection } = *net.stations[1].events.last().unwrap() else {
        panic!()
    };
    (net, client, connection)
}

fn lost(loss: Loss) -> Outcome {
    Outcome::Lost(loss)
}

#[test]
fn the_peer_is_told() {
    for side in [0, 1] {
        let (mut net, client, server) = joined();
        let ends = [client, server];
        net.disconnect(side, ends[side]);
        net.run(5 * MS);
        assert_eq!(
            *net.outcome(1 - side, ends[1 - side]),
            lost(Loss::Left),
            "{side}"
        );
        net.run(200 * MS);
        assert_eq!(net.stations[side].engine.live(), (0, 0));
        net.check_agreement();
    }
}

#[test]
fn both_leave_at_once() {
    let (mut net, client, server) = joined();
    net.disconnect(0, client);
    net.disconnect(1, server);
    net.run(5 * MS);
    assert_eq!(
        (net.outcome(0, client), net.outcome(1, server)),
        (&Outcome::Left, &Outcome::Left)
    );
    net.check_agreement();
}

/// A notice that is late or repeated harms no later connection of the same two VIs.
#[test]
fn a_late_notice_is_for_its_own_connection() {
    let (mut net, client, _) = joined();
    let late = Rc::new(RefCell::new(None));
    let kept = late.clone();
    net.schedule = Box::new(move |message| {
        if message.kind == MessageKind::Disconnect {
            *kept.borrow_mut() = Some(message.clone());
        }
        vec![MS]
    });
    net.disconnect(0, client);
    net.run(5 * MS);
    net.listen(1, "echo", None);
    let again = net.connect(0, at(1, "echo"), None);
    net.run(10 * MS);
    let notice = late.borrow().clone().expect("a notice").encode().unwrap();
    let now = net.now;
    net.stations[1].engine.receive(now, &notice);
    net.run(100 * MS);
    assert!(matches!(net.outcome(0, again), Outcome::Stands(_)));
    net.check_agreement();
    assert_eq!(net.stations[1].standing().len(), 1);
}

/// Keeps the first message of a kind that passes by.
fn keep(
    net: &mut Net,
    kind: MessageKind,
    lost: Option<MessageKind>,
) -> Rc<RefCell<Option<CmMessage>>> {
    let kept = Rc::new(RefCell::new(None));
    let keeper = kept.clone();
    net.schedule = Box::new(move |message| {
        if message.kind == kind {
            keeper.borrow_mut().get_or_insert_with(|| message.clone());
        }
        match lost == Some(message.kind) {
            true => vec![],
            false => vec![MS],
        }
    });
    kept
}

fn replay(net: &mut Net, to: usize, message: &CmMessage) {
    let now = net.now;
    let bytes = message.encode().unwrap();
    net.stations[to].engine.receive(now, &bytes);
    net.run(3 * MS);
}

/// A request that comes once more when its connection is over is no new one, even if somebody listens.
#[test]
fn a_late_request_is_not_held() {
    let mut net = Net::new(2);
    let request = keep(&mut net, MessageKind::Request, None);
    net.listen(1, "echo", None);
    let client = net.connect(0, at(1, "echo"), None);
    net.run(10 * MS);
    net.disconnect(0, client);
    net.run(10 * MS);
    let request = request.borrow().clone().expect("a request");
    net.listen(1, "echo", None);
    let before = net.stations[1].events.len();
    replay(&mut net, 1, &request);
    assert_eq!(net.stations[1].events.len(), before);
    // Much later nobody knows of it: it is held, and the client's board says that it is not wanted.
    net.run(OPTIONS.memory());
    net.stations[1].policy = Policy::Keep;
    replay(&mut net, 1, &request);
    let news = &net.stations[1].events[before..];
    assert!(matches!(
        news,
        [Event::Incoming { .. }, Event::Withdrawn { .. }]
    ));
}

/// A number is an opening's own: what another opening of the peer says of it is not about this connection.
#[test]
fn another_opening_of_the_peer_cannot_end_a_connection() {
    let mut net = Net::new(2);
    net.listen(1, "echo", None);
    let ready = keep(&mut net, MessageKind::Ready, None);
    net.connect(0, at(1, "echo"), None);
    net.run(10 * MS);
    let ready = ready.borrow().clone().expect("a Ready");
    let notice = CmMessage {
        kind: MessageKind::Disconnect,
        incarnation: ready.incarnation ^ 1,
        ..ready
    };
    replay(&mut net, 1, &notice);
    assert!(matches!(net.only(1), Outcome::Stands(_)));
    let own = CmMessage {
        incarnation: notice.incarnation ^ 1,
        ..notice
    };
    replay(&mut net, 1, &own);
    assert_eq!(*net.only(1), lost(Loss::Left));
}

/// The client gives up while the reply does not reach it: the server learns of it at once.
#[test]
fn a_server_that_replies_is_told_that_it_is_too_late() {
    let mut net = Net::new(2);
    keep(&mut net, MessageKind::Cancel, Some(MessageKind::Reply));
    net.listen(1, "echo", None);
    net.connect(0, at(1, "echo"), Some(25 * MS));
    net.run(28 * MS);
    let late = Failure::TimedOut { timeout: None };
    assert_eq!(*net.only(1), Outcome::Failed(late));
    net.run(100 * MS);
    net.check_agreement();
}

/// A peer that was joined goes on to look for another one; the one that gave up is not met again.
#[test]
fn a_peer_that_gave_up_is_not_met_again() {
    let mut net = Net::new(2);
    let request = keep(
        &mut net,
        MessageKind::PeerRequest,
        Some(MessageKind::PeerReply),
    );
    let first = net.connect_peer(1, at(0, "chess"), None);
    net.run(2 * MS);
    net.connect_peer(0, at(1, "chess"), None);
    net.run(15 * MS);
    assert!(matches!(net.only(0), Outcome::Joined(_)));
    net.disconnect(1, first);
    net.run(5 * MS);
    assert_eq!(*net.only(0), Outcome::Asked, "its VI is idle again");
    let request = request.borrow().clone().expect("a request");
    assert_eq!(request.source.host, host(1));
    replay(&mut net, 0, &request);
    let accepted = |event: &&Event| matches!(event, Event::Accepted { .. });
    assert_eq!(net.stations[0].events.iter().filter(accepted).count(), 1);
    // Another one is.
    net.schedule = Box::new(|_| vec![MS]);
    net.connect_peer(1, at(0, "chess"), None);
    net.run(20 * MS);
    assert!(matches!(net.only(0), Outcome::Stands(_)));
    net.check_agreement();
}

/// A Ready that is lost is sent again when the Reply comes again, long before a probe does.
#[test]
fn a_lost_ready_is_sent_again() {
    let mut net = Net::new(2);
    let mut lost = false;
    net.schedule = Box::new(move |message| {
        let first = message.kind == MessageKind::Ready && !std::mem::replace(&mut lost, true);
        match first {
            true => vec![],
            false => vec![MS],
        }
    });
    net.listen(1, "echo", None);
    net.connect(0, at(1, "echo"), None);
    net.run(9 * MS);
    assert!(matches!(net.only(1), Outcome::Joined(_)));
    net.run(6 * MS);
    assert!(matches!(net.only(1), Outcome::Stands(_)));
    assert!(!net.kinds.contains(&MessageKind::Probe));
}

#[test]
fn a_silent_peer_is_noticed() {
    let (mut net, client, server) = joined();
    net.run(1000 * MS);
    net.check_agreement();
    assert_eq!(
        net.stations[0].standing().len(),
        1,
        "probes keep a quiet connection"
    );
    net.schedule = Box::new(|_| vec![]);
    net.run(90 * MS);
    assert!(matches!(net.outcome(0, client), Outcome::Stands(_)));
    net.run(60 * MS);
    assert_eq!(
        (net.outcome(0, client), net.outcome(1, server)),
        (&lost(Loss::Silent), &lost(Loss::Silent))
    );
    net.check_agreement();
}

#[test]
fn a_board_opened_anew_has_none_of_the_old_connections() {
    for speaks in [false, true] {
        let (mut net, client, _) = joined();
        net.restart(1);
        if speaks {
            // A message of the new opening has the old one asked for at once.
            net.connect(1, at(0, "nobody"), None);
            net.run(4 * MS);
        } else {
            net.run(25 * MS);
        }
        assert_eq!(
            *net.outcome(0, client),
            lost(Loss::Forgotten),
            "speaks {speaks}"
        );
        net.check_agreement();
    }
}

/// All notices are lost, the probes are not.
#[test]
fn notices_that_are_all_lost_are_made_up_for() {
    let (mut net, client, server) = joined();
    net.schedule = Box::new(|message| match message.kind {
        MessageKind::Disconnect => vec![],
        _ => vec![MS],
    });
    net.disconnect(1, server);
    net.run(25 * MS);
    assert_eq!(*net.outcome(0, client), lost(Loss::Forgotten));
    net.run(100 * MS);
    assert_eq!(net.stations[1].engine.live(), (0, 0));
    net.check_agreement();
}

/// Every Ready is lost: a probe, or data on the VI, is as good.
#[test]
fn the_responder_learns_of_it_without_a_ready() {
    for data in [false, true] {
        let mut net = Net::new(2);
        net.schedule = Box::new(|message| match message.kind {
            MessageKind::Ready => vec![],
            _ => vec![MS],
        });
        net.listen(1, "echo", None);
        net.connect(0, at(1, "echo"), None);
        net.run(6 * MS);
        let Outcome::Joined(_) = net.only(1) else {
            panic!("{:?}", net.only(1))
        };
        let connection = *net.stations[1].outcomes.keys().next().unwrap();
        if data {
            let now = net.now;
            net.stations[1].engine.heard(now, connection).unwrap();
            net.run(MS);
        } else {
            net.run(30 * MS);
        }
        assert!(matches!(net.only(1), Outcome::Stands(_)), "data {data}");
        net.check_agreement();
    }
}

#[test]
fn what_was_asked_can_be_left_in_every_state() {
    // A client that is held, a server that holds, a server that replies.
    for (policy, side) in [(Policy::Keep, 0), (Policy::Keep, 1), (Policy::Accept, 1)] {
        let mut net = Net::new(2);
        net.stations[1].policy = policy;
        net.listen(1, "echo", Some(200 * MS));
        let client = net.connect(0, at(1, "echo"), Some(150 * MS));
        if policy == Policy::Accept {
            net.schedule = Box::new(|message| match message.kind {
                MessageKind::Reply => vec![],
                _ => vec![MS],
            });
        }
        net.run(5 * MS);
        let Event::Incoming { connection, .. } = net.stations[1].events[0] else {
            panic!()
        };
        net.schedule = Box::new(|_| vec![MS]);
        net.disconnect(side, [client, connection][side]);
        net.run(400 * MS);
        net.check_agreement();
        assert_eq!(net.stations[0].engine.live(), (0, 0), "{policy:?} {side}");
        assert_eq!(net.stations[1].engine.live(), (0, 0), "{policy:?} {side}");
        assert_eq!(net.stations[0].standing(), []);
    }
}

#[test]
fn answers_are_forgotten_in_the_end() {
    let (mut net, client, _) = joined();
    net.disconnect(0, client);
    net.connect(0, at(1, "nobody"), None);
    net.run(5 * MS);
    assert_eq!(net.stations[1].engine.remembered.len(), 2);
    net.run(OPTIONS.memory() + MS);
    assert_eq!(net.stations[1].engine.remembered.len(), 0);
    assert_eq!(
        net.stations[1].engine.due(),
        None,
        "nothing is due any more"
    );
}
