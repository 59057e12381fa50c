//! The driver's own table of STags: which TPT entries are free, and which key each gets next.
//!
//! Allocation needs no round trip to the board. Every TPT index has a secret random permutation of the 256 keys, so a key
//! comes back only after 255 others, and a peer cannot guess the next one. Security rests on the VI binding and the
//! protection tag; the key is a second line.

use rand::seq::SliceRandom;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rnic_abi::Stag;
use std::collections::VecDeque;

/// All TPT indices of one board.
///
/// ```
/// use rnic_driver::stag_table::{StagError, StagTable};
/// let mut table = StagTable::new(64, Some(1));
/// let stag = table.allocate().unwrap();
/// assert!(table.check(stag).is_ok());
/// table.free(stag).unwrap();
/// assert!(matches!(table.check(stag), Err(StagError::Stale { .. })));
/// ```
pub struct StagTable {
    entries: Vec<Entry>,
    /// Indices in the order in which they became free: the longest unused goes first.
    free: VecDeque<u32>,
}

/// One index.
struct Entry {
    keys: Vec<u8>,
    next: usize,
    /// The STag in use, else the last one used.
    stag: Option<Stag>,
    in_use: bool,
}

impl StagTable {
    /// A table for `entries` indices. With a seed the keys are the same in every run; without, they are the system's randomness.
    pub fn new(entries: u32, seed: Option<u64>) -> Self {
        let mut rng = match seed {
            Some(seed) => ChaCha20Rng::seed_from_u64(seed),
            None => ChaCha20Rng::from_os_rng(),
        };
        let entry = |index| {
            // Index 0 goes without key 0: STag 0 says "no reply buffer" in a one-shot command.
            let first = u8::from(index == 0);
            let mut keys: Vec<u8> = (first..=u8::MAX).collect();
            keys.shuffle(&mut rng);
            Entry {
                keys,
                next: 0,
                stag: None,
                in_use: false,
            }
        };
        Self {
            entries: (0..entries).map(entry).collect(),
            free: (0..entries).collect(),
        }
    }

    /// Takes a free STag.
    pub fn allocate(&mut self) -> Result<Stag, StagError> {
        let index = self.free.pop_front().ok_or(StagError::Exhausted {
            entries: self.entries.len(),
        })?;
        let entry = &mut self.entries[index as usize];
        let stag = Stag::new(index, entry.keys[entry.next]);
        entry.next = (entry.next + 1) % entry.keys.len();
        entry.stag = Some(stag);
        entry.in_use = true;
        Ok(stag)
    }

    /// Gives an STag back: its index gets another key the next time.
    pub fn free(&mut self, stag: Stag) -> Result<(), StagError> {
        self.check(stag)?;
        self.entries[stag.index() as usize].in_use = false;
        self.free.push_back(stag.index());
        Ok(())
    }

    /// Whether this very STag is in use.
    pub fn check(&self, stag: Stag) -> Result<(), StagError> {
        let entries = self.entries.len();
        let entry = self
            .entries
            .get(stag.index() as usize)
            .ok_or(StagError::OutOfRange { stag, entries })?;
        match entry.stag {
            Some(current) if current == stag && entry.in_use => Ok(()),
            Some(last) => Err(StagError::Stale {
                stag,
                last,
                in_use: entry.in_use,
            }),
            None => Err(StagError::NeverAllocated { stag }),
        }
    }

    /// How many are free.
    pub fn available(&self) -> usize {
        self.free.len()
    }
}

/// Why an STag cannot be had or used.
///
/// ```
/// use rnic_driver::stag_table::{StagError, StagTable};
/// use rnic_abi::Stag;
/// let table = StagTable::new(64, None);
/// assert_eq!(table.check(Stag(0x4000)), Err(StagError::OutOfRange { stag: Stag(0x4000), entries: 64 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StagError {
    /// All are in use.
    #[error("all {entries} STags are in use")]
    Exhausted {
        /// TPT entries of the board.
        entries: usize,
    },
    /// The board has no such entry.
    #[error("STag {stag} has index {}, the board has {entries} entries", stag.index())]
    OutOfRange {
        /// The STag.
        stag: Stag,
        /// TPT entries of the board.
        entries: usize,
    },
    /// The index was never used.
    #[error("STag {stag} was never allocated")]
    NeverAllocated {
        /// The STag.
        stag: Stag,
    },
    /// The index is free, or in use under another key.
    #[error("STag {stag} is stale: its entry's last STag is {last}, {}", if *.in_use { "in use" } else { "free" })]
    Stale {
        /// The STag.
        stag: Stag,
        /// The last STag of that index.
        last: Stag,
        /// Whether that one is in use.
        in_use: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_index_shows_every_key_once_before_any_again() {
        let mut table = StagTable::new(2, Some(7));
        let mut seen = HashSet::new();
        for round in 0..2 * 256 {
            let stag = table.allocate().unwrap();
            table.free(stag).unwrap();
            if stag.index() == 1 {
                assert!(
                    seen.insert(stag.key()),
                    "key {} twice in round {round}",
                    stag.key()
                );
            }
            assert_ne!(stag, Stag(0));
        }
        assert_eq!(seen.len(), 256);
    }

    #[test]
    fn keys_follow_the_seed() {
        let keys = |seed| {
            let mut table = StagTable::new(8, seed);
            (0..8)
                .map(|_| table.allocate().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(Some(1)), keys(Some(1)));
        assert_ne!(keys(Some(1)), keys(Some(2)));
        assert_ne!(keys(None), keys(None));
    }

    #[test]
    fn exhaustion_double_free_and_stale_are_told_apart() {
        let mut table = StagTable::new(2, Some(1));
        let a = table.allocate().unwrap();
        let b = table.allocate().unwrap();
        assert_eq!(table.allocate(), Err(StagError::Exhausted { entries: 2 }));
        table.free(a).unwrap();
        assert_eq!(
            table.free(a),
            Err(StagError::Stale {
                stag: a,
                last: a,
                in_use: false
            })
        );
        let c = table.allocate().unwrap();
        assert_eq!(c.index(), a.index());
        assert_eq!(
            table.check(a),
            Err(StagError::Stale {
                stag: a,
                last: c,
                in_use: true
            })
        );
        assert!(table.check(b).is_ok());
        assert_eq!(
            StagTable::new(2, None).check(Stag(0x101)),
            Err(StagError::NeverAllocated { stag: Stag(0x101) })
        );
    }
}
