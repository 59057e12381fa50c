//! Joins boards: whole frames, lossless and in order unless asked otherwise.
//!
//! ```text
//! send(board, frame) --> editor --> fate (drop, truncate, corrupt, duplicate) --> [due, in order of due] --> take(now) -> (board, frame)
//! ```
//! Store and forward: a frame is due `1 + delay` cycles after its last word left. Fates are seeded and counted. A frame to be
//! reordered is held back so long that later ones overtake it. What a real medium adds (preamble, gap) it does not model.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{json, Value};

use crate::board::Frame;
use crate::datagram::Datagram;

/// Who is joined to whom.
#[derive(Debug)]
pub enum Link {
    /// Boards 0 and 1, 2 and 3, and so on.
    Pair,
    /// Every board to itself.
    Loop,
    /// Board 0 to a board in another process.
    Datagram(Datagram),
}

/// What the wire does wrong, in frames per thousand, and how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Impairments {
    /// Frames lost.
    pub drop: u32,
    /// Frames with one bit flipped.
    pub corrupt: u32,
    /// Frames that arrive twice.
    pub duplicate: u32,
    /// Frames that arrive late, after others.
    pub reorder: u32,
    /// Frames that lose their end.
    pub truncate: u32,
    /// Cycles on the way.
    pub delay: u32,
    /// Seed of all of it.
    pub seed: u64,
}

/// How much longer a reordered frame takes: at least a frame's time, at most a few.
const HELD_BACK_CYCLES: std::ops::RangeInclusive<u64> = 300..=2_000;

/// What happened to frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// Frames given to the wire.
    pub sent: u64,
    /// Frames that arrived, copies included.
    pub delivered: u64,
    /// Lost on purpose.
    pub dropped: u64,
    /// Damaged on purpose.
    pub corrupted: u64,
    /// Doubled on purpose.
    pub duplicated: u64,
    /// Held back on purpose.
    pub reordered: u64,
    /// Cut on purpose.
    pub truncated: u64,
    /// Lost because nobody is at the other end (datagram wire, board without a partner).
    pub unconnected: u64,
}

impl WireCounts {
    /// Every count under its name.
    pub fn to_json(&self) -> Value {
        json!({
            "sent": self.sent, "delivered": self.delivered, "dropped": self.dropped, "corrupted": self.corrupted,
            "duplicated": self.duplicated, "reordered": self.reordered, "truncated": self.truncated,
            "unconnected": self.unconnected,
        })
    }
}

/// Sees every frame as it leaves a board (cycle, board, frame) before its fate, and may change it; an emptied frame is lost.
pub type Editor = Box<dyn FnMut(u64, usize, &mut Frame) + Send>;

/// See the module.
pub struct Wire {
    link: Link,
    impairments: Impairments,
    editor: Option<Editor>,
    random: ChaCha8Rng,
    boards: usize,
    /// (due, order of sending) to (board, frame).
    under_way: BTreeMap<(u64, u64), (usize, Frame)>,
    next: u64,
    counts: WireCounts,
}

impl Wire {
    /// A wire for so many boards.
    pub fn new(link: Link, impairments: Impairments, boards: usize) -> Self {
        Self {
            link,
            impairments,
            editor: None,
            random: ChaCha8Rng::seed_from_u64(impairments.seed),
            boards,
            under_way: BTreeMap::new(),
            next: 0,
            counts: WireCounts::default(),
        }
    }

    /// Changes what goes wrong from here on; the random sequence goes on.
    pub fn set_impairments(&mut self, impairments: Impairments) {
        self.impairments = impairments;
    }

    /// Who looks at frames from here on: a test's tap, or its hand on one frame.
    pub fn set_editor(&mut self, editor: Option<Editor>) {
        self.editor = editor;
    }

    /// What happened so far.
    pub fn counts(&self) -> WireCounts {
        self.counts
    }

    /// Who is joined to whom.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Its other process, if it has one.
    pub fn datagram(&self) -> Option<&Datagram> {
        match &self.link {
            Link::Datagram(datagram) => Some(datagram),
            _ => None,
        }
    }

    /// Frames are under way.
    #[inline]
    pub fn busy(&self) -> bool {
        !self.under_way.is_empty() || self.datagram().is_some_and(Datagram::has_arrivals)
    }

    /// A frame leaves `board`; its last word left in cycle `now`.
    pub fn send(&mut self, board: usize, now: u64, mut frame: Frame) {
        self.counts.sent += 1;
        if let Some(editor) = &mut self.editor {
            editor(now, board, &mut frame);
        }
        let to = match &self.link {
            Link::Pair => board ^ 1,
            Link::Loop | Link::Datagram(_) => board,
        };
        if to >= self.boards {
            self.counts.unconnected += 1;
            return;
        }
        if frame.is_empty() || self.happens(self.impairments.drop) {
            self.counts.dropped += 1;
            return;
        }
        if self.happens(self.impairments.truncate) && frame.len() > 1 {
            self.counts.truncated += 1;
            let words = self.random.random_range(1..frame.len());
            frame.truncate(words);
        }
        if self.happens(self.impairments.corrupt) {
            self.counts.corrupted += 1;
            let word = self.random.random_range(0..frame.len());
            frame[word] ^= 1 << self.random.random_range(0..32);
        }
        let mut due = now + 1 + u64::from(self.impairments.delay);
        if self.happens(self.impairments.duplicate) {
            self.counts.duplicated += 1;
            self.queue(due, to, frame.clone());
        }
        if self.happens(self.impairments.reorder) {
            self.counts.reordered += 1;
            due += self.random.random_range(HELD_BACK_CYCLES);
        }
        self.queue(due, to, frame);
    }

    /// The next frame that has arrived by cycle `now`, and the board it arrives at.
    #[inline]
    pub fn take(&mut self, now: u64) -> Option<(usize, Frame)> {
        while let Some((&(due, _), _)) = self.under_way.first_key_value() {
            if due > now {
                break;
            }
            let (_, (to, frame)) = self.under_way.pop_first()?;
            match &mut self.link {
                Link::Datagram(datagram) => {
                    if !datagram.send(&frame) {
                        self.counts.unconnected += 1;
                    }
                }
                _ => {
                    self.counts.delivered += 1;
                    return Some((to, frame));
                }
            }
        }
        if let Link::Datagram(datagram) = &mut self.link {
            if datagram.has_arrivals() {
                let frame = datagram.take()?;
                self.counts.delivered += 1;
                return Some((0, frame));
            }
        }
        None
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.random.random_range(0..1000) < per_mille
    }

    fn queue(&mut self, due: u64, to: usize, frame: Frame) {
        self.under_way.insert((due, self.next), (to, frame));
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(impairments: Impairments, frames: u32) -> (Vec<Frame>, WireCounts) {
        let mut wire = Wire::new(Link::Pair, impairments, 2);
        let mut arrived = Vec::new();
        for now in 0..u64::from(frames) * 100 + 10_000 {
            if now % 100 == 0 && now / 100 < u64::from(frames) {
                wire.send(0, now, vec![(now / 100) as u32; 8]);
            }
            while let Some((board, frame)) = wire.take(now) {
                assert_eq!(board, 1);
                arrived.push(frame);
            }
        }
        assert!(!wire.busy());
        (arrived, wire.counts())
    }

    #[test]
    fn without_impairments_every_frame_arrives_in_order() {
        let (arrived, counts) = arrivals(Impairments::default(), 1000);
        let expected: Vec<Frame> = (0..1000).map(|number| vec![number; 8]).collect();
        assert_eq!(arrived, expected);
        assert_eq!((counts.sent, counts.delivered), (1000, 1000));
    }

    #[test]
    fn every_impairment_happens_about_as_often_as_asked() {
        let impairments = Impairments {
            drop: 50,
            corrupt: 50,
            duplicate: 50,
            reorder: 50,
            truncate: 50,
            delay: 7,
            seed: 1,
        };
        let (arrived, counts) = arrivals(impairments, 4000);
        for count in [
            counts.dropped,
            counts.corrupted,
            counts.duplicated,
            counts.reordered,
            counts.truncated,
        ] {
            assert!((120..280).contains(&count), "{counts:?}");
        }
        let expected = counts.sent - counts.dropped + counts.duplicated;
        assert_eq!(counts.delivered, expected);
        assert_eq!(arrived.len() as u64, expected);
        assert!(arrived.windows(2).any(|two| two[0][0] == two[1][0] + 1));
        assert_eq!(
            arrivals(impairments, 4000).0,
            arrived,
            "same seed, same fates"
        );
    }

    #[test]
    fn an_editor_changes_and_loses_frames() {
        let mut wire = Wire::new(Link::Pair, Impairments::default(), 2);
        wire.set_editor(Some(Box::new(|_, board, frame: &mut Frame| {
            frame[0] += board as u32;
            if frame[0] == 8 {
                frame.clear();
            }
        })));
        wire.send(1, 0, vec![5]);
        wire.send(1, 0, vec![7]);
        assert_eq!(wire.take(1), Some((0, vec![6])));
        assert_eq!(wire.take(1), None);
        assert_eq!(wire.counts().dropped, 1);
    }

    #[test]
    fn a_board_without_a_partner_sends_to_nobody() {
        let mut wire = Wire::new(Link::Pair, Impairments::default(), 1);
        wire.send(0, 0, vec![1]);
        assert_eq!(wire.counts().unconnected, 1);
        assert!(!wire.busy());
    }
}
