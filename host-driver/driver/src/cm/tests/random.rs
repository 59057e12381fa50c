//! Random programs on a net that loses, repeats and reorders at random. When the net is whole again and all timers are over,
//! both ends of every connection agree, and nothing is left but connections that stand.

use super::net::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::time::Duration;

/// How bad the net is.
#[derive(Clone, Copy, Debug)]
struct Weather {
    seed: u64,
    /// Of 100 messages, how many are lost, and how many come twice.
    lost: u32,
    doubled: u32,
    /// Most milliseconds on the way.
    slowest: u32,
}

fn weather() -> impl Strategy<Value = Weather> {
    (any::<u64>(), 0u32..60, 0u32..30, 1u32..60).prop_map(|(seed, lost, doubled, slowest)| {
        Weather {
            seed,
            lost,
            doubled,
            slowest,
        }
    })
}

impl Weather {
    fn schedule(self) -> Schedule {
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed);
        Box::new(move |_| {
            let copies = match rng.random_range(0..100) {
                roll if roll < self.lost => 0,
                roll if roll >= 100 - self.doubled => 2,
                _ => 1,
            };
            (0..copies)
                .map(|_| {
                    Duration::from_micros(rng.random_range(100..1000 * u64::from(self.slowest)))
                })
                .collect()
        })
    }
}

/// What a program does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Listen {
        timeout: u32,
    },
    Connect {
        timeout: u32,
    },
    ConnectPeer {
        timeout: u32,
    },
    /// The newest, the one before it...
    Disconnect {
        back: usize,
    },
    Policy {
        policy: usize,
    },
    Qos {
        qos: u8,
    },
    Restart,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    after: u32,
    station: usize,
    name: usize,
    act: Act,
}

fn step() -> impl Strategy<Value = Step> {
    let timeout = 1u32..400;
    let act = prop_oneof![
        6 => timeout.clone().prop_map(|timeout| Act::Listen { timeout }),
        6 => timeout.clone().prop_map(|timeout| Act::Connect { timeout }),
        8 => timeout.prop_map(|timeout| Act::ConnectPeer { timeout }),
        5 => (0usize..4).prop_map(|back| Act::Disconnect { back }),
        1 => (0usize..3).prop_map(|policy| Act::Policy { policy }),
        1 => (0u8..2).prop_map(|qos| Act::Qos { qos }),
        1 => Just(Act::Restart),
    ];
    (0u32..60, 0usize..2, 0usize..2, act).prop_map(|(after, station, name, act)| Step {
        after,
        station,
        name,
        act,
    })
}

const NAMES: [&str; 2] = ["red", "blue"];

fn play(net: &mut Net, step: Step, home: bool) {
    net.run(MS * step.after);
    let other = if home { step.station } else { 1 - step.station };
    let to = at(other, NAMES[step.name]);
    let time = |timeout: u32| Some(MS * timeout);
    match step.act {
        Act::Listen { timeout } => {
            net.listen(step.station, NAMES[step.name], time(timeout));
        }
        Act::Connect { timeout } => {
            net.connect(step.station, to, time(timeout));
        }
        Act::ConnectPeer { timeout } => {
            net.connect_peer(step.station, to, time(timeout));
        }
        Act::Disconnect { back } => {
            let ends = net.stations[step.station].outcomes.keys().rev();
            if let Some(&connection) = ends.clone().nth(back) {
                net.disconnect(step.station, connection);
            }
        }
        Act::Policy { policy } => {
            net.stations[step.station].policy =
                [Policy::Accept, Policy::Reject, Policy::Keep][policy];
        }
        Act::Qos { qos } => net.stations[step.station].attributes.qos = qos,
        Act::Restart => net.restart(step.station),
    }
}

/// Lets the net be whole again and everything come to its end.
fn settle(net: &mut Net) {
    net.schedule = Box::new(|_| vec![MS]);
    for station in &mut net.stations {
        // A request that is kept for ever is its owner's business.
        station.policy = Policy::Reject;
    }
    net.run(Duration::from_secs(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn both_ends_agree(weather in weather(), steps in prop::collection::vec(step(), 1..25)) {
        let mut net = Net::new(2);
        net.schedule = weather.schedule();
        for step in steps {
            play(&mut net, step, false);
        }
        settle(&mut net);
        net.check_agreement();
        for station in &net.stations {
            prop_assert_eq!(station.engine.live().1, 0, "listeners are over");
            prop_assert_eq!(station.engine.remembered.len(), 0);
            let asked = station.outcomes.values().filter(|&o| *o == Outcome::Asked);
            prop_assert_eq!(asked.count(), 0, "requests are over");
        }
    }

    #[test]
    fn one_board_agrees_with_itself(steps in prop::collection::vec(step(), 1..25)) {
        let mut net = Net::new(1);
        for step in steps.into_iter().filter(|step| !matches!(step.act, Act::Restart)) {
            play(&mut net, Step { station: 0, ..step }, true);
        }
        settle(&mut net);
        net.check_agreement();
        prop_assert_eq!(net.stations[0].engine.live().1, 0);
    }
}

/// The weather of the property spoils what it is to spoil, and does not spoil everything.
#[test]
fn connections_are_made_in_bad_weather() {
    let (mut made, mut failed) = (0, 0);
    for seed in 0..100 {
        let weather = Weather {
            seed,
            lost: 60,
            doubled: 20,
            slowest: 30,
        };
        let mut net = Net::new(2);
        net.schedule = weather.schedule();
        net.listen(1, "red", None);
        let client = net.connect(0, at(1, "red"), None);
        let timeout = Some(500 * MS);
        net.connect_peer(0, at(1, "blue"), timeout);
        net.connect_peer(1, at(0, "blue"), timeout);
        net.run(60 * MS);
        match net.outcome(0, client) {
            Outcome::Stands(_) => made += 1,
            _ => failed += 1,
        }
        settle(&mut net);
        net.check_agreement();
    }
    assert!(made > 20 && failed > 5, "{made} made, {failed} not");
}
