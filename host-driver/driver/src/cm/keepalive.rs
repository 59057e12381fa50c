//! Keepalive: every board with which connections stand is probed, and so a peer that is gone is noticed without traffic.
//!
//! ```text
//! one end                                          the other
//! Probe {number, names of the connections} ----->  compares them with its own
//!                                         <-----   ProbeAck {number, names that it does not have}
//! ```
//! | state | input | does |
//! |---|---|---|
//! | waiting | `keepalive` passed | Probe, with the number of the last one if that was not answered |
//! | probed | ProbeAck of this number | the connections that it names are lost: Forgotten |
//! | probed | `misses` probes without an answer | all connections with this board are lost: Silent |
//! | waiting | a message of another incarnation of the same host | Probe at once |
//!
//! A board that was opened anew knows none of the old connections and so ends them all. That a name is unknown never becomes
//! untrue, since numbers are not used twice; a late or repeated ProbeAck therefore does no harm. A probe counts as the Ready
//! of a connection that it names.

use super::timer::Context;
use super::{Body, CmMessage, MessageKind, Name, Role};
use crate::address::{Discriminator, HostAddress, NetAddress};
use std::collections::BTreeMap;
use std::time::Duration;

/// An opening of a board.
pub(super) type Peer = (HostAddress, u64);

/// Where the probing of one peer is.
struct Watch {
    number: u32,
    next: Duration,
    /// Probes since the last answer.
    unanswered: u32,
}

/// The probing of all peers.
#[derive(Default)]
pub(super) struct Keepalive {
    watches: BTreeMap<Peer, Watch>,
}

impl Keepalive {
    /// Probes the peers of the connections that stand; returns those that are silent. `number` draws a random number.
    pub(super) fn tick(
        &mut self,
        host: HostAddress,
        standing: &BTreeMap<Peer, Vec<Name>>,
        mut number: impl FnMut() -> u32,
        cx: &mut Context<'_>,
    ) -> Vec<Peer> {
        let Some(keepalive) = cx.options.keepalive else {
            return Vec::new();
        };
        self.watches.retain(|peer, _| standing.contains_key(peer));
        let mut silent = Vec::new();
        for (&peer, names) in standing {
            let watch = self.watches.entry(peer).or_insert_with(|| Watch {
                number: number(),
                next: cx.now + keepalive,
                unanswered: 0,
            });
            if cx.now < watch.next {
                continue;
            }
            if watch.unanswered >= cx.options.misses {
                silent.push(peer);
                continue;
            }
            watch.unanswered += 1;
            watch.next = cx.now + keepalive;
            let address = |host| NetAddress {
                host,
                discriminator: Discriminator::NONE,
            };
            let name = Name {
                role: Role::Initiator,
                id: watch.number,
            };
            cx.send(CmMessage {
                for_incarnation: peer.1,
                body: Body::Names(names.clone()),
                ..CmMessage::new(MessageKind::Probe, name, address(host), address(peer.0))
            });
        }
        for peer in &silent {
            self.watches.remove(peer);
        }
        silent
    }

    /// An answer: which peer gave it, if it answers the last probe.
    pub(super) fn answered(
        &mut self,
        ack: &CmMessage,
        mut number: impl FnMut() -> u32,
    ) -> Vec<Peer> {
        let mut peers = Vec::new();
        for (&peer, watch) in &mut self.watches {
            if peer.0 == ack.source.host && watch.number == ack.name.id {
                watch.unanswered = 0;
                watch.number = number();
                peers.push(peer);
            }
        }
        peers
    }

    /// A message of this peer: another opening of the same board is asked at once whether it is still there.
    pub(super) fn met(&mut self, peer: Peer, now: Duration) {
        for (known, watch) in &mut self.watches {
            if known.0 == peer.0 && known.1 != peer.1 && watch.unanswered == 0 {
                watch.next = watch.next.min(now);
            }
        }
    }

    /// When the next probe is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.watches.values().map(|watch| watch.next).min()
    }
}
