//! Every kind of message lost once, sent twice, and overtaken by those behind it, in each scenario in which it is sent: what
//! comes out is as if nothing had happened.

use super::net::*;
use crate::cm::*;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

#[derive(Clone, Copy, Debug)]
enum Spoil {
    Lose,
    Repeat,
    Delay,
}

/// Spoils the first message of a kind; counts how often it did.
fn spoil(kind: MessageKind, spoil: Spoil) -> (Schedule, Rc<Cell<u32>>) {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let schedule = move |message: &CmMessage| {
        if message.kind != kind || counted.get() > 0 {
            return vec![MS];
        }
        counted.set(1);
        match spoil {
            Spoil::Lose => vec![],
            Spoil::Repeat => vec![MS, 2 * MS, 40 * MS],
            Spoil::Delay => vec![25 * MS],
        }
    };
    (Box::new(schedule), count)
}

/// A scenario, and what each station has to show for it.
struct Scenario {
    name: &'static str,
    play: fn(&mut Net),
    check: fn(&Net) -> bool,
}

fn outcomes(net: &Net, index: usize) -> Vec<&Outcome> {
    net.stations[index].outcomes.values().collect()
}

fn all_stand(net: &Net) -> bool {
    (0..2).all(|index| matches!(outcomes(net, index)[..], [Outcome::Stands(_)]))
}

const SCENARIOS: [Scenario; 7] = [
    Scenario {
        name: "connect, probe",
        play: |net| {
            net.listen(1, "echo", None);
            net.connect(0, at(1, "echo"), Some(150 * MS));
            net.run(300 * MS);
        },
        check: all_stand,
    },
    Scenario {
        name: "disconnect",
        play: |net| {
            net.listen(1, "echo", None);
            let client = net.connect(0, at(1, "echo"), Some(150 * MS));
            net.run(100 * MS);
            net.disconnect(0, client);
            net.run(100 * MS);
        },
        check: |net| {
            matches!(outcomes(net, 0)[..], [Outcome::Left])
                && matches!(outcomes(net, 1)[..], [Outcome::Lost(_)])
        },
    },
    Scenario {
        name: "reject",
        play: |net| {
            net.stations[1].policy = Policy::Reject;
            net.listen(1, "echo", None);
            net.connect(0, at(1, "echo"), Some(150 * MS));
            net.run(200 * MS);
        },
        check: |net| {
            let rejected = Failure::Rejected {
                reason: RejectReason::Refused,
                private_data: b"no".to_vec(),
            };
            outcomes(net, 0) == [&Outcome::Failed(rejected)]
                && outcomes(net, 1) == [&Outcome::Rejected]
        },
    },
    Scenario {
        name: "nobody listens, and then somebody does",
        play: |net| {
            net.connect(0, at(1, "echo"), Some(150 * MS));
            net.run(32 * MS);
            net.listen(1, "echo", Some(100 * MS));
            net.run(200 * MS);
        },
        check: |net| {
            matches!(
                outcomes(net, 0)[..],
                [Outcome::Failed(Failure::NoMatch { .. })]
            ) && matches!(net.stations[1].events[..], [Event::ListenerTimedOut { .. }])
        },
    },
    Scenario {
        name: "give up",
        play: |net| {
            net.stations[1].policy = Policy::Keep;
            net.listen(1, "echo", Some(30 * MS));
            net.connect(0, at(1, "echo"), Some(50 * MS));
            net.run(400 * MS);
        },
        check: |net| {
            let gave_up = Failure::TimedOut {
                timeout: Some(50 * MS),
            };
            outcomes(net, 0) == [&Outcome::Failed(gave_up)]
                && matches!(
                    net.stations[1].events.last(),
                    Some(Event::ListenerTimedOut { .. })
                )
        },
    },
    Scenario {
        name: "peers",
        play: |net| {
            net.connect_peer(1, at(0, "chess"), Some(200 * MS));
            net.run(2 * MS);
            net.connect_peer(0, at(1, "chess"), Some(200 * MS));
            net.run(300 * MS);
        },
        check: all_stand,
    },
    Scenario {
        name: "peers that differ",
        play: |net| {
            net.stations[1].attributes.qos = 1;
            net.connect_peer(0, at(1, "chess"), Some(200 * MS));
            net.connect_peer(1, at(0, "chess"), Some(200 * MS));
            net.run(300 * MS);
        },
        check: |net| {
            let same = |outcome: &&Outcome| {
                matches!(
                    outcome,
                    Outcome::Failed(Failure::Mismatch(Mismatch::Qos { .. }))
                )
            };
            (0..2).all(|index| outcomes(net, index).iter().all(same))
        },
    },
];

#[test]
fn each_message_may_be_lost_repeated_and_overtaken() {
    let mut spoiled = BTreeSet::new();
    for scenario in &SCENARIOS {
        let mut whole = Net::new(2);
        (scenario.play)(&mut whole);
        assert!((scenario.check)(&whole), "{} unspoiled", scenario.name);
        whole.check_agreement();
        for &kind in &whole.kinds {
            for how in [Spoil::Lose, Spoil::Repeat, Spoil::Delay] {
                let mut net = Net::new(2);
                let (schedule, count) = spoil(kind, how);
                net.schedule = schedule;
                (scenario.play)(&mut net);
                let what = format!("{}: {how:?} {kind:?}", scenario.name);
                assert_eq!(count.get(), 1, "{what}");
                assert!(
                    (scenario.check)(&net),
                    "{what}: {:?}, {:?}",
                    outcomes(&net, 0),
                    outcomes(&net, 1)
                );
                net.check_agreement();
                spoiled.insert(kind);
            }
        }
    }
    let all: BTreeSet<_> = MessageKind::ALL.iter().copied().collect();
    assert_eq!(spoiled, all, "no kind is left out");
}
