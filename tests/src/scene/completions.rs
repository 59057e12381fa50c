//! What must come: completions, messages, and at the end of a scenario nothing more.

use std::time::Duration;

use rnic_driver::channel::Event;
use rnic_driver::cqe::Kind;
use rnic_driver::one_shot::Completed;
use rnic_driver::vi::Done;

use crate::scene::{Scene, Side, INBOX_BYTES};
use crate::scoreboard::Strictness;

impl Scene {
    /// The next event of a side; fails if none comes.
    pub fn next(&mut self, side: Side) -> Event {
        match self.poll_for(side, self.patience) {
            Some(event) => event,
            None => {
                let other = self.channel(side.other()).poll();
                let board = &self.host(side.other()).board;
                let admin = [board, &self.host(side).board].map(|b| b.take_admin(|_| true));
                self.rig.fail(&format!(
                    "{side:?} waits for a completion in vain; the other has {other:x?}, admin {admin:x?}"
                ))
            }
        }
    }

    /// The next event of a side, if one comes in time.
    pub fn poll_for(&mut self, side: Side, patience: Duration) -> Option<Event> {
        let clock = self.rig.hosts[0].board.transport().clone();
        let end = clock.now() + patience;
        loop {
            let polled = self.channel(side).poll();
            if let Some(event) = self.ok("completion queue", polled) {
                self.delivered += 1;
                return Some(event);
            }
            if clock.now() >= end {
                return None;
            }
        }
    }

    /// The next event of a side, which is a descriptor or send_invalidate of this kind.
    pub fn done(&mut self, side: Side, kind: Kind) -> Done {
        match self.next(side) {
            Event::Done(done) if done.kind == kind => done,
            other => self
                .rig
                .fail(&format!("{side:?} waits for {kind:?}, gets {other:?}")),
        }
    }

    /// As `done`, without an error and for this reference and length.
    pub fn completes(&mut self, side: Side, kind: Kind, reference: u64, length: usize) -> Done {
        let done = self.done(side, kind);
        if done.reference != reference
            || done.outcome.ok().is_err()
            || done.outcome.length as usize != length
        {
            self.rig.fail(&format!(
                "{side:?}: {kind:?} {reference:#x} of {length} bytes must complete, gets {done:x?}"
            ));
        }
        done
    }

    /// The next event of the initiator, which is a one-shot.
    pub fn came_back(&mut self) -> Completed {
        match self.next(Side::Initiator) {
            Event::OneShot(completed) => completed,
            other => self
                .rig
                .fail(&format!("waits for a one-shot, gets {other:?}")),
        }
    }

    /// A message arrives in the oldest posted inbox place of a side.
    pub fn receives(&mut self, side: Side, message: &[u8]) -> Done {
        let place = self.inboxes[side as usize].posted.pop_front();
        let Some(place) = place else {
            self.rig.fail("no receive is posted");
        };
        let done = self.done(side, Kind::Receive);
        if done.outcome.ok().is_err() || done.outcome.length as usize != message.len() {
            self.rig.fail(&format!(
                "{side:?}: a message of {} bytes must arrive, gets {done:x?}",
                message.len()
            ));
        }
        let mem = self.inboxes[side as usize].mem;
        self.score.set(mem, place * INBOX_BYTES, message);
        done
    }

    /// Forgets the oldest posted inbox place: its receive ended in error, and what is in its buffer then is not defined. What
    /// is around it must still be untouched.
    pub fn drop_receive(&mut self, side: Side) {
        let inbox = &mut self.inboxes[side as usize];
        let Some(place) = inbox.posted.pop_front() else {
            self.rig.fail("no receive is posted");
        };
        let (mem, at) = (inbox.mem, place * INBOX_BYTES);
        let found = self.score.buffer(mem).to_vec(at, INBOX_BYTES);
        let found = self.ok("inbox", found);
        self.score.set(mem, at, &found);
    }

    /// Nothing more comes; memory, counters and buses are as they must be. `delivered` completions were taken in all.
    pub fn finish(mut self, delivered: usize) {
        self.rig.settle();
        for side in Side::BOTH {
            if let Some(event) = self.poll_for(side, Duration::from_micros(2)) {
                self.rig
                    .fail(&format!("{side:?} gets one too many: {event:?}"));
            }
        }
        let wire = self.rig.options.impairments;
        let faults = wire.drop + wire.corrupt + wire.reorder + wire.truncate + wire.duplicate;
        let strictness = match faults {
            0 => Strictness::Clean,
            _ => Strictness::Lossy,
        };
        self.check(strictness);
        assert_eq!(self.delivered, delivered, "completions delivered");
    }

    /// Memory, counters and buses are as they must be, and no event is left that nobody waited for.
    pub fn check(&self, strictness: Strictness) {
        for side in Side::BOTH {
            self.told(side, &[]);
        }
        if let Err(error) = self.score.check_memory() {
            self.rig.fail(&error);
        }
        if let Err(error) = self.score.check_counters(&self.rig, strictness) {
            self.rig.fail(&error);
        }
        self.rig.check_bus();
    }
}
