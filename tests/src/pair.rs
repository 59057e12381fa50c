//! Two channels, connected to each other through the boards' connection managers.

use std::time::Duration;

use rnic_driver::channel::Channel;
use rnic_driver::cm::{CmOptions, ConnectionId, ConnectionManager, Event, Offer};
use rnic_driver::vi::ViOptions;

use crate::rig::Rig;

/// log2 of the entries of a channel's queue.
const CQ_ENTRIES_LOG2: u32 = 6;
/// Simulated time after which a connection should stand.
const TIMEOUT: Duration = Duration::from_millis(500);

/// See the module.
pub struct Pair {
    /// On the first host, the initiator's.
    pub initiator: Channel,
    /// On the last host (the same one with loopback).
    pub responder: Channel,
    /// Both ends' managers; the same one twice is kept once.
    pub managers: Vec<ConnectionManager>,
    /// The initiator's name of the connection.
    pub connection: ConnectionId,
}

impl Pair {
    /// Opens a channel on each end and connects them, `reads` deep in both directions.
    pub fn connect(rig: &Rig, options: impl Fn(u32) -> ViOptions) -> Self {
        let mut managers: Vec<_> = rig
            .hosts
            .iter()
            .map(|host| {
                ConnectionManager::open(&host.board, CmOptions::default())
                    .unwrap_or_else(|error| panic!("connection manager: {error}"))
            })
            .collect();
        Self::connect_with(rig, &mut managers, options).into_pair(managers)
    }

    /// As `connect`, with managers that exist already.
    pub fn connect_with(
        rig: &Rig,
        managers: &mut [ConnectionManager],
        options: impl Fn(u32) -> ViOptions,
    ) -> Ends {
        let open = |index: usize| {
            let board = &rig.hosts[index].board;
            Channel::open(board, CQ_ENTRIES_LOG2, options(board.allocate_ptag()))
                .unwrap_or_else(|error| panic!("channel on board {index}: {error}"))
        };
        let last = managers.len() - 1;
        let reads = rig.hosts[0]
            .board
            .identity()
            .config()
            .map_or(1, |c| c.reads() as u8);
        let mut initiator = open(0);
        let mut responder = open(last);
        managers[last].listen(true);
        let connection = managers[0]
            .connect(initiator.vi(), Offer::new(reads))
            .unwrap_or_else(|error| panic!("connect: {error}"));
        let clock = rig.hosts[0].board.transport().clone();
        let end = clock.now() + TIMEOUT;
        let (mut finished, mut ready) = (false, false);
        while !(finished && ready) {
            assert!(
                clock.now() < end,
                "no connection: finished {finished}, ready {ready}"
            );
            for manager in managers.iter_mut() {
                match manager
                    .poll()
                    .unwrap_or_else(|error| panic!("manager: {error}"))
                {
                    Some(Event::Incoming { connection, .. }) => manager
                        .accept(connection, responder.vi_mut(), Offer::new(reads))
                        .unwrap_or_else(|error| panic!("accept: {error}")),
                    Some(Event::Accepted { connection, .. }) => {
                        manager
                            .finish(connection, initiator.vi_mut())
                            .unwrap_or_else(|error| panic!("finish: {error}"));
                        finished = true;
                    }
                    Some(Event::Ready { .. }) => ready = true,
                    Some(other) => panic!("while connecting: {other:?}"),
                    None => rig.sim.run(64),
                }
            }
        }
        Ends {
            initiator,
            responder,
            connection,
        }
    }
}

/// Two connected channels without their managers.
pub struct Ends {
    /// On the first host.
    pub initiator: Channel,
    /// On the last host.
    pub responder: Channel,
    /// The initiator's name of the connection.
    pub connection: ConnectionId,
}

impl Ends {
    fn into_pair(self, managers: Vec<ConnectionManager>) -> Pair {
        Pair {
            initiator: self.initiator,
            responder: self.responder,
            managers,
            connection: self.connection,
        }
    }
}
