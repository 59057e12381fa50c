//! A connection that breaks as it must, and what the boards say of it.

use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::channel::{ChannelError, Event};
use rnic_driver::vi::ViError;

use crate::frames::Segment;
use crate::scene::{Scene, Side};
use crate::scoreboard::Strictness;

impl Scene {
    /// The initiator has refused what the responder sent: `counter` counts it once, `event` tells it, a Terminate with `code`
    /// was sent and received, and both VIs are in error.
    pub fn refused(&mut self, counter: Counter, event: BoardEvent, code: u16) {
        let (near, far) = (self.index(Side::Initiator), self.index(Side::Responder));
        self.score.expect(near, counter, 1);
        self.score.expect(near, Counter::TerminatesSent, 1);
        self.score.expect(far, Counter::TerminatesReceived, 1);
        self.broken_with(Side::Initiator, &[event, BoardEvent::TerminateSent]);
        self.broken_with(Side::Responder, &[BoardEvent::TerminateReceived]);
        let found = self.terminate_of(Side::Initiator);
        if found != Some(code) {
            self.rig
                .fail(&format!("Terminate {found:x?} instead of {code:x}"));
        }
    }

    /// The code of the Terminate that a side sent.
    pub fn terminate_of(&self, side: Side) -> Option<u16> {
        let segments = self.rig.tap.segments(self.index(side), 0);
        segments.iter().find_map(Segment::terminate_code)
    }

    /// A VI of a side must be in error, with these events among its own since they were last taken.
    pub fn broken_with(&self, side: Side, wanted: &[BoardEvent]) {
        let vi = match side {
            Side::Initiator => self.pair.initiator.vi().number(),
            Side::Responder => self.pair.responder.vi().number(),
        };
        let in_error = |simulation: &mut rnic_sim::Simulation| {
            let index = self.index(side);
            let offset = rnic_abi::registers::map::VI_STATE + 4 * u32::from(vi);
            simulation.bar_read(index, 0, offset, 4) & 7 == 3
        };
        if !self.rig.sim.run_until(2_000, in_error) {
            self.rig
                .fail(&format!("VI {vi} of {side:?} is not in error"));
        }
        self.rig.settle();
        let events = self.take_events(side);
        for &event in wanted {
            if !events.contains(&(vi, event)) {
                self.rig
                    .fail(&format!("{side:?} has events {events:?}, not {event:?}"));
            }
        }
        for (other, event) in events {
            let known = wanted.contains(&event) || event == BoardEvent::ConnLost;
            if other != vi || !known {
                self.rig
                    .fail(&format!("{side:?} has event {event:?} of VI {other}"));
            }
        }
    }

    /// The events of a side since they were last taken, which clears them.
    pub fn take_events(&self, side: Side) -> Vec<(u16, BoardEvent)> {
        let events = self.host(side).board.observer().take_events();
        self.ok("events", events)
    }

    /// A side has these events since they were last taken, and no other.
    pub fn told(&self, side: Side, wanted: &[(u16, BoardEvent)]) {
        self.rig.settle();
        let events = self.take_events(side);
        if events != wanted {
            self.rig.fail(&format!(
                "{side:?} has events {events:?}, must have {wanted:?}"
            ));
        }
    }

    /// A VI broke: takes what is left in both queues and checks memory, buses and the counters that are still certain.
    pub fn finish_broken(mut self) -> Vec<(Side, Event)> {
        let mut left = Vec::new();
        self.rig.settle();
        for side in Side::BOTH {
            loop {
                match self.channel(side).poll() {
                    Ok(Some(event)) => left.push((side, event)),
                    Ok(None) => break,
                    // A send_invalidate that was flushed is an error of the channel, not an event.
                    Err(ChannelError::Vi(ViError::Failed { .. })) => {}
                    Err(error) => self.rig.fail(&format!("completion queue: {error}")),
                }
            }
        }
        self.check(Strictness::Broken);
        left
    }

    /// Ends a scene whose driver can post nothing any more: closing it and what is `left` of its regions would wait for
    /// commands that never complete.
    pub fn forget<T>(self, left: T) {
        std::mem::forget((self, left));
    }
}
