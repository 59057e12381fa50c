//! Commands and doorbells written past the driver and its checks. After a raw command the driver's own ring is out of step:
//! it posts nothing any more on that board, and whoever used it forgets it (`Scene::forget`).

use rnic_abi::command::{MAX_SLOTS, RING_ENTRY_BYTES, SLOT_BYTES, SLOT_WORDS};
use rnic_abi::registers::{map, DOORBELL_PAGE_BYTES, RING_OFFSET, SLOTS_OFFSET};
use rnic_driver::board::Board;
use rnic_driver::cqe::Cqe;
use rnic_driver::transport::Bar;

/// Turns that a completion may take.
const TURNS: usize = 2_000;
/// Contexts that no driver gives soon.
const CONTEXTS: u32 = 0xC0DE_0000;

/// Words of a command by index, over all of its slots; those not given are zero.
pub type Words = Vec<(usize, u32)>;

/// Some words with others in their places.
pub fn changed(words: &[(usize, u32)], changes: &[(usize, u32)]) -> Words {
    let kept = words
        .iter()
        .filter(|(index, _)| changes.iter().all(|(other, _)| other != index));
    kept.chain(changes).copied().collect()
}

/// The ring of one board, in the test's own hand.
pub struct RawRing {
    board: Board,
    sequence: u32,
    /// First slot of the next command.
    pub slot: u32,
}

impl RawRing {
    /// Goes on where the driver is; it must have nothing under way.
    pub fn new(board: &Board) -> Self {
        Self {
            board: board.clone(),
            sequence: board.commands_posted(),
            slot: 0,
        }
    }

    /// Sequence of the next entry.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Writes the entry with a sequence.
    pub fn enter(&self, sequence: u32, slots: u32) {
        let index = sequence % self.board.identity().slots;
        let offset = RING_OFFSET + index * RING_ENTRY_BYTES as u32;
        let entry = u64::from(self.slot | slots << 16) | u64::from(sequence) << 32;
        let stored = self
            .board
            .transport()
            .bar_write64(Bar::Commands, offset, entry);
        stored.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Posts a command without waiting for it; its context.
    pub fn post(&mut self, words: &[(usize, u32)], slots: u32) -> u32 {
        let context = CONTEXTS | self.sequence & 0xFFFF;
        let first = SLOTS_OFFSET + self.slot * SLOT_BYTES as u32;
        let count = (slots as usize).clamp(1, MAX_SLOTS) * SLOT_WORDS;
        for word in 0..count {
            let given = words.iter().find(|(index, _)| *index == word);
            let value = match word {
                1 => context,
                _ => given.map_or(0, |(_, value)| *value),
            };
            let offset = first + 4 * word as u32;
            let stored = self
                .board
                .transport()
                .bar_write32(Bar::Commands, offset, value);
            stored.unwrap_or_else(|error| panic!("{error}"));
        }
        self.enter(self.sequence, slots);
        self.sequence = self.sequence.wrapping_add(1);
        context
    }

    /// Posts a command and takes its completion from the admin queue.
    pub fn execute(&mut self, words: &[(usize, u32)], slots: u32) -> Option<Cqe> {
        let context = self.post(words, slots);
        self.completion(context)
    }

    /// The completion of a command in the admin queue.
    pub fn completion(&self, context: u32) -> Option<Cqe> {
        let mine = |cqe: &Cqe| cqe.context == u64::from(context);
        (0..TURNS).find_map(|_| {
            self.board.transport().poll().ok()?;
            self.board.take_admin(mine).ok()?
        })
    }
}

/// Which doorbell of a VI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Send queue.
    Send,
    /// Receive queue.
    Receive,
}

/// Rings a doorbell for a descriptor.
pub fn ring_doorbell(board: &Board, vi: u16, queue: Queue, va: u64, handle: u32, sequence: u32) {
    let page = u32::from(vi) * DOORBELL_PAGE_BYTES as u32;
    let (latch, commit) = match queue {
        Queue::Send => (map::SEND_DESCRIPTOR, map::SEND_COMMIT),
        Queue::Receive => (map::RECEIVE_DESCRIPTOR, map::RECEIVE_COMMIT),
    };
    let second = u64::from(handle) | u64::from(sequence) << 32;
    for (offset, value) in [(latch, va), (commit, second)] {
        let stored = board
            .transport()
            .bar_write64(Bar::Doorbells, page + offset, value);
        stored.unwrap_or_else(|error| panic!("{error}"));
    }
}
