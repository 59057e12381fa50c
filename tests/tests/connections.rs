//! Connections between boards, from the manager's messages to the VIs' states: peers that meet over a wire that loses frames, a notice, a
//! connection that is made again, and a peer that falls silent.

use std::time::Duration;

use rnic_abi::event::Event as BoardEvent;
use rnic_driver::address::{Discriminator, NetAddress};
use rnic_driver::board::{EventQueue, ViEvent};
use rnic_driver::channel::{BufferPool, Channel, Event as Done};
use rnic_driver::cm::{
    CmOptions, ConnectRequest, ConnectionId, ConnectionManager, Event, Loss, Offer,
};
use rnic_driver::command::ViState;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::vi::ViOptions;
use rnic_sim::wire::Impairments;
use rnic_tests::{Rig, RigOptions, BOTH};

/// Times small enough for a simulation, large enough for a slow host.
const CM: CmOptions = CmOptions {
    retry: Duration::from_millis(1),
    attempts: 50,
    keepalive: Some(Duration::from_millis(2)),
    misses: 5,
};
const BYTES: usize = 64;

/// One host's end.
struct End {
    manager: ConnectionManager,
    channel: Channel,
    pool: BufferPool,
    events: EventQueue,
    /// Its connection, and whether it stands.
    connection: Option<ConnectionId>,
    stands: bool,
    lost: Option<Loss>,
}

impl End {
    fn open(rig: &Rig, index: usize) -> Self {
        let board = &rig.hosts[index].board;
        let ptag = board.allocate_ptag();
        Self {
            manager: ConnectionManager::open(board, CM).unwrap(),
            channel: Channel::open(board, 6, ViOptions::new(ptag)).unwrap(),
            pool: BufferPool::new(board, "messages", 2, BYTES, ptag).unwrap(),
            events: board.event_queue().unwrap(),
            connection: None,
            stands: false,
            lost: None,
        }
    }

    /// Asks for a peer.
    fn ask(&mut self, rig: &Rig, host: usize) {
        let to = NetAddress {
            host: rig.hosts[host].board.address(),
            discriminator: Discriminator::new(b"chess").unwrap(),
        };
        let request = ConnectRequest {
            timeout: None,
            ..ConnectRequest::new(to, Offer::new(1))
        };
        let connection = self.manager.connect_peer(self.channel.vi(), request);
        self.connection = Some(connection.unwrap());
        self.lost = None;
    }

    fn turn(&mut self, rig: &Rig) {
        match self.manager.poll().unwrap() {
            Some(Event::Accepted { connection, .. }) => {
                let vi = self.channel.vi_mut();
                self.stands = match self.manager.finish(connection, vi) {
                    Ok(stands) => stands,
                    Err(error) => rig.fail(&format!("finish: {error}")),
                };
            }
            Some(Event::Ready { .. }) => self.stands = true,
            Some(Event::Disconnected { loss, .. }) => {
                self.stands = false;
                self.lost = Some(loss);
                self.state(ViState::Error);
            }
            Some(other) => rig.fail(&format!("{other:?}")),
            None => {}
        }
    }

    fn state(&mut self, state: ViState) {
        self.channel.vi_mut().as_mut().set_state(state).unwrap();
    }

    fn post_receive(&mut self) {
        let receive = Descriptor::receive(vec![self.pool.segment(0, BYTES).unwrap()]);
        self.channel.vi_mut().post_receive(&receive, 1).unwrap();
    }

    fn send(&mut self, byte: u8) {
        self.pool.buffer(1).unwrap().fill(byte).unwrap();
        let send = Descriptor::send(vec![self.pool.segment(1, BYTES).unwrap()]);
        self.channel.vi_mut().post_send(&send, 2).unwrap();
    }

    /// The next completion of a kind; whether it went well.
    fn done(&mut self, rig: &Rig, kind: Kind) -> bool {
        match self.channel.wait(Duration::from_millis(50)) {
            Ok(Some(Done::Done(done))) if done.kind == kind => done.outcome.ok().is_ok(),
            other => rig.fail(&format!("{other:?} where {kind:?} was due")),
        }
    }

    fn event(&mut self, rig: &Rig) -> ViEvent {
        if !self.events.wait(Duration::from_millis(50)).unwrap() {
            rig.fail("no event");
        }
        self.events.take().unwrap()
    }
}

fn both(rig: &Rig, ends: &mut [End; 2], what: &str, over: impl Fn(&[End; 2]) -> bool) {
    let clock = rig.hosts[0].board.transport().clone();
    let limit = clock.now() + Duration::from_millis(200);
    while !over(ends) {
        if clock.now() >= limit {
            rig.fail(what);
        }
        ends.iter_mut().for_each(|end| end.turn(rig));
        rig.sim.run(64);
    }
}

/// Both ask, and a message crosses each way.
fn meet(rig: &Rig, ends: &mut [End; 2], first: usize) {
    for end in ends.iter_mut() {
        end.post_receive();
    }
    for asks in [first, 1 - first] {
        ends[asks].ask(rig, 1 - asks);
    }
    both(rig, ends, "peers do not meet", |ends| {
        ends.iter().all(|end| end.stands)
    });
    for from in [0, 1] {
        let byte = 0x30 + from as u8;
        ends[from].send(byte);
        assert!(ends[1 - from].done(rig, Kind::Receive));
        assert!(ends[from].done(rig, Kind::Send));
        let inbox = ends[1 - from].pool.buffer(0).unwrap();
        assert_eq!(inbox.to_vec(0, BYTES).unwrap(), [byte; BYTES]);
    }
}

#[test]
fn peers_meet_and_part_over_a_wire_that_loses() {
    for gateware in BOTH {
        let options = RigOptions::random(gateware, 611);
        let impairments = Impairments {
            drop: 150,
            ..options.impairments
        };
        let rig = Rig::new(RigOptions {
            impairments,
            ..options
        });
        let mut ends = [End::open(&rig, 0), End::open(&rig, 1)];
        for round in 0..3 {
            let leaves = round % 2;
            meet(&rig, &mut ends, leaves);
            // What is posted when the connection ends comes back flushed, on both sides.
            ends.iter_mut().for_each(End::post_receive);
            let connection = ends[leaves].connection.take().unwrap();
            ends[leaves].manager.disconnect(connection).unwrap();
            ends[leaves].state(ViState::Idle);
            ends[leaves].stands = false;
            both(&rig, &mut ends, "no notice", |ends| {
                ends[1 - leaves].lost.is_some()
            });
            assert_eq!(ends[1 - leaves].lost, Some(Loss::Left), "round {round}");
            let told = ends[1 - leaves].event(&rig);
            let vi = ends[1 - leaves].channel.vi().number();
            assert_eq!((told.vi, told.event), (vi, BoardEvent::ConnLost));
            assert_eq!(told.status.state, ViState::Error);
            ends[1 - leaves].state(ViState::Idle);
            for end in &mut ends {
                assert!(!end.done(&rig, Kind::Receive));
            }
            both(&rig, &mut ends, "something is left", |ends| {
                ends.iter().all(|end| end.manager.connections() == 0)
            });
            assert!(
                ends[leaves].events.drain().unwrap() == 0,
                "nobody else is told"
            );
        }
        rig.check_bus();
    }
}

#[test]
fn a_cut_wire_is_noticed_without_traffic() {
    for gateware in BOTH {
        let rig = Rig::new(RigOptions::random(gateware, 612));
        let mut ends = [End::open(&rig, 0), End::open(&rig, 1)];
        meet(&rig, &mut ends, 0);
        let clock = rig.hosts[0].board.transport().clone();
        let quiet = clock.now() + Duration::from_millis(20);
        both(&rig, &mut ends, "time stands still", |_| {
            clock.now() >= quiet
        });
        assert!(ends.iter().all(|end| end.stands), "probes keep it");
        rig.sim.with(|simulation| {
            let cut = |_, _, frame: &mut Vec<u32>| frame.clear();
            simulation.wire().set_editor(Some(Box::new(cut)));
        });
        both(&rig, &mut ends, "nobody notices", |ends| {
            ends.iter().all(|end| end.lost.is_some())
        });
        for end in &mut ends {
            assert_eq!(end.lost, Some(Loss::Silent));
            assert_eq!(end.event(&rig).event, BoardEvent::ConnLost);
        }
    }
}
