//! Two channels, connected to each other through the boards' connection managers.

use std::time::Duration;

use rnic_driver::address::{Discriminator, NetAddress};
use rnic_driver::channel::Channel;
use rnic_driver::cm::{CmOptions, ConnectRequest, ConnectionId, ConnectionManager, Event, Offer};
use rnic_driver::vi::ViOptions;

use crate::rig::Rig;

/// log2 of the entries of a channel's queue.
pub(crate) const CQ_ENTRIES_LOG2: u32 = 6;
/// Timing of the connection managers: a lost message is repeated soon, and nobody is probed: a scene has no other frames than
/// its own.
pub(crate) const CM: CmOptions = CmOptions {
    retry: Duration::from_millis(1),
    attempts: 50,
    keepalive: None,
    misses: 5,
};

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
                ConnectionManager::open(&host.board, CM)
                    .unwrap_or_else(|error| rig.fail(&format!("connection manager: {error}")))
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
                .unwrap_or_else(|error| rig.fail(&format!("channel on board {index}: {error}")))
        };
        let last = managers.len() - 1;
        let (initiator, responder) = (open(0), open(last));
        Self::join(rig, managers, initiator, responder)
    }

    /// Connects channels that are open already.
    pub fn join(
        rig: &Rig,
        managers: &mut [ConnectionManager],
        mut initiator: Channel,
        mut responder: Channel,
    ) -> Ends {
        let last = managers.len() - 1;
        let reads = rig.hosts[0]
            .board
            .identity()
            .config()
            .map_or(1, |c| c.reads() as u8);
        let service = NetAddress {
            host: managers[last].address(),
            discriminator: Discriminator::NONE,
        };
        managers[last].listen(service.discriminator, None);
        let request = ConnectRequest {
            timeout: None,
            ..ConnectRequest::new(service, Offer::new(reads))
        };
        let connection = managers[0]
            .connect(initiator.vi(), request)
            .unwrap_or_else(|error| rig.fail(&format!("connect: {error}")));
        let clock = rig.hosts[0].board.transport().clone();
        let end = clock.now() + rig.options.connect_timeout;
        let (mut finished, mut ready) = (false, false);
        while !(finished && ready) {
            if clock.now() >= end {
                rig.fail(&format!(
                    "no connection: finished {finished}, ready {ready}"
                ));
            }
            for manager in managers.iter_mut() {
                match manager
                    .poll()
                    .unwrap_or_else(|error| rig.fail(&format!("manager: {error}")))
                {
                    Some(Event::Incoming { connection, .. }) => manager
                        .accept(connection, responder.vi_mut(), Offer::new(reads))
                        .unwrap_or_else(|error| rig.fail(&format!("accept: {error}"))),
                    Some(Event::Accepted { connection, .. }) => {
                        manager
                            .finish(connection, initiator.vi_mut())
                            .unwrap_or_else(|error| rig.fail(&format!("finish: {error}")));
                        finished = true;
                    }
                    Some(Event::Ready { .. }) => ready = true,
                    // A repeated message that came late, of a connection that stands already.
                    Some(Event::Disconnected { .. }) | None => rig.sim.run(64),
                    Some(other) => rig.fail(&format!("while connecting: {other:?}")),
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
