//! Reads along with the stores into the command ring and its slots, to know what is posted and where the CQs are.
//!
//! ```text
//! BAR4 store -> slot words (shadow) -> ring entry's sequence word -> opcode, CQ ranges
//! ```
//! It believes what is stored, not what the board makes of it: a refused `CREATE_CQ` still gives a range here.

use std::collections::BTreeMap;

use rnic_abi::command::{opcode, RING_ENTRY_BYTES, SLOT_BYTES, SLOT_WORDS};
use rnic_abi::completion::CQE_BYTES;
use rnic_abi::registers::{map, BAR4_BYTES, RING_OFFSET, SLOTS_OFFSET};

use crate::model::BarBeat;

/// A command whose ring entry was just completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// `abi::command::opcode`.
    pub opcode: u8,
    /// The command's context word.
    pub context: u32,
}

/// What a store was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Completed a ring entry.
    Ring(Posted),
    /// Completed a descriptor doorbell.
    Descriptor,
    /// A word of a slot or the first word of a ring entry: prepares a command.
    Prepares,
    /// Anything else.
    Other,
}

/// Where the completion queues are and what was posted.
#[derive(Debug)]
pub struct CommandWatch {
    bar4: Vec<u32>,
    /// CQ number to first address and bytes.
    queues: BTreeMap<u32, (u64, u64)>,
}

impl Default for CommandWatch {
    fn default() -> Self {
        Self {
            bar4: vec![0; BAR4_BYTES as usize / 4],
            queues: BTreeMap::new(),
        }
    }
}

impl CommandWatch {
    /// Takes a store and says what it was.
    pub fn store(&mut self, beat: &BarBeat) -> Store {
        match beat.bar {
            2 => {
                let word = beat.offset % rnic_abi::registers::DOORBELL_PAGE_BYTES as u32;
                if word == map::SEND_COMMIT + 4 || word == map::RECEIVE_COMMIT + 4 {
                    Store::Descriptor
                } else {
                    Store::Other
                }
            }
            4 => {
                let index = beat.offset as usize / 4;
                let Some(place) = self.bar4.get_mut(index) else {
                    return Store::Other;
                };
                *place = beat.data;
                let in_ring = (RING_OFFSET..SLOTS_OFFSET).contains(&beat.offset);
                if !in_ring || (beat.offset - RING_OFFSET) as usize % RING_ENTRY_BYTES != 4 {
                    return Store::Prepares;
                }
                Store::Ring(self.posted(self.bar4[index - 1] & 0xFFFF))
            }
            _ => Store::Other,
        }
    }

    /// Whether a burst at `iova` goes into a completion queue.
    pub fn is_cqe(&self, iova: u64, bytes: usize) -> bool {
        bytes == CQE_BYTES
            && self
                .queues
                .values()
                .any(|&(start, length)| iova >= start && iova - start < length)
    }

    fn posted(&mut self, slot: u32) -> Posted {
        let start = (SLOTS_OFFSET as usize + slot as usize * SLOT_BYTES) / 4;
        let mut words = [0; SLOT_WORDS];
        if let Some(slot) = self.bar4.get(start..start + SLOT_WORDS) {
            words.copy_from_slice(slot);
        }
        let opcode = words[0] as u8;
        // Words 2 to 5: queue, entries, place (`abi::command`).
        let (queue, entries_log2) = (words[2], words[3]);
        let iova = u64::from(words[4]) | u64::from(words[5]) << 32;
        match opcode {
            opcode::CREATE_CQ => {
                let bytes = (CQE_BYTES as u64) << entries_log2.min(24);
                self.queues.insert(queue, (iova, bytes));
            }
            opcode::DESTROY_CQ => {
                self.queues.remove(&queue);
            }
            _ => {}
        }
        Posted {
            opcode,
            context: words[1],
        }
    }
}
