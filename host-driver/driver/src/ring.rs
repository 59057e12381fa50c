//! The command ring: slot words and ring entries, written with 8-byte stores and never read back.
//!
//! The ring remembers what each slot's RAM holds, so a command costs stores only for the pairs of words in which it differs
//! from the slot's last one; then one 8-byte store of the ring entry posts it.
//!
//! ```text
//! slot words (changed pairs) ... -> {first slot | count << 16, sequence}   at RING_OFFSET + (sequence mod entries) * 8
//! ```

use crate::command::Image;
use crate::slots::{Report, Slots};
use crate::transport::{Bar, Metered, TransportError};
use rnic_abi::command::{flags, FIRST_SEQUENCE, RING_ENTRY_BYTES, SLOT_BYTES, SLOT_WORDS};
use rnic_abi::registers::{RING_OFFSET, SLOTS_OFFSET};

/// The ring of one board.
///
/// ```no_run
/// use rnic_driver::{command::Image, ring::Ring, transport::{self, Metered}};
/// let transport = Metered::new(transport::open(&"vfio-user:/tmp/a.sock".parse()?)?);
/// let mut ring = Ring::new(16);
/// let mut nop = Image::new();
/// nop.set(0, 0x0101);
/// ring.post(&transport, &nop)?;
/// assert_eq!(ring.posted(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ring {
    slots: Slots,
    sequence: u32,
    /// What the slot RAM holds, where known.
    shadow: Vec<Option<u32>>,
}

impl Ring {
    /// A ring of `slots` entries and slots, as after a reset.
    pub fn new(slots: usize) -> Self {
        let slots = Slots::new(slots);
        let shadow = vec![None; slots.count() * SLOT_WORDS];
        Self {
            slots,
            sequence: FIRST_SEQUENCE,
            shadow,
        }
    }

    /// Posts a command. The caller has made host memory that it names visible before.
    pub fn post(&mut self, transport: &Metered, image: &Image) -> Result<(), RingError> {
        let wanted = image.slots();
        let full = RingError::Full {
            wanted,
            free: self.slots.free(),
            slots: self.slots.count(),
        };
        let first = self.slots.allocate(wanted, self.sequence).ok_or(full)?;
        for pair in (0..wanted * SLOT_WORDS).step_by(2) {
            self.store_pair(transport, first * SLOT_WORDS, pair, image)?;
        }
        let index = self.sequence as usize % self.slots.count();
        let entry = (first | wanted << 16) as u64 | u64::from(self.sequence) << 32;
        transport.bar_write64(
            Bar::Commands,
            RING_OFFSET + (index * RING_ENTRY_BYTES) as u32,
            entry,
        )?;
        self.sequence = self.sequence.wrapping_add(1);
        if image.word(0) >> 8 & u32::from(flags::LIST_IN_MEMORY) != 0 {
            // The board reads the list into words of the first slot: what they hold then is not known here.
            self.shadow[first * SLOT_WORDS..(first + 1) * SLOT_WORDS].fill(None);
        }
        Ok(())
    }

    /// Stores words `pair` and `pair + 1` if the slots hold something else.
    fn store_pair(
        &mut self,
        transport: &Metered,
        first_word: usize,
        pair: usize,
        image: &Image,
    ) -> Result<(), RingError> {
        let differs = |word: usize| {
            image.is_used(word) && self.shadow[first_word + word] != Some(image.word(word))
        };
        if !differs(pair) && !differs(pair + 1) {
            return Ok(());
        }
        let mut value = 0;
        for (word, shift) in [(pair, 0), (pair + 1, 32)] {
            let shadow = &mut self.shadow[first_word + word];
            let wanted = if image.is_used(word) {
                image.word(word)
            } else {
                shadow.unwrap_or(0)
            };
            *shadow = Some(wanted);
            value |= u64::from(wanted) << shift;
        }
        let offset = SLOTS_OFFSET as usize + (first_word + pair) * 4;
        debug_assert!(offset + 8 <= SLOTS_OFFSET as usize + self.slots.count() * SLOT_BYTES);
        Ok(transport.bar_write64(Bar::Commands, offset as u32, value)?)
    }

    /// Learns which slots are free.
    pub fn observe(&mut self, report: Report) {
        self.slots.observe(report, self.sequence);
    }

    /// Slots free, as far as is known.
    pub fn free_slots(&self) -> usize {
        self.slots.free()
    }

    /// Sequence of the next entry: with [`FIRST_SEQUENCE`] 0, the number of commands posted, modulo 2^32.
    pub fn posted(&self) -> u32 {
        self.sequence
    }
}

/// Why a command was not posted.
///
/// ```
/// let error = rnic_driver::ring::RingError::Full { wanted: 2, free: 1, slots: 16 };
/// assert_eq!(error.to_string(), "no 2 consecutive command slots are free (1 of 16 are)");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// Not enough free slots in a row.
    #[error("no {wanted} consecutive command slots are free ({free} of {slots} are)")]
    Full {
        /// Slots needed.
        wanted: usize,
        /// Slots free.
        free: usize,
        /// Slots of the board.
        slots: usize,
    },
    /// The transport failed; the slot stays taken.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_board::TestBoard;

    fn image(words: &[(usize, u32)]) -> Image {
        let mut image = Image::new();
        words
            .iter()
            .for_each(|&(index, value)| image.set(index, value));
        image
    }

    #[test]
    fn words_are_merged_and_the_entry_comes_last() {
        let board = TestBoard::small();
        let transport = Metered::new(board.transport());
        let mut ring = Ring::new(16);
        ring.post(
            &transport,
            &image(&[(0, 0xA0), (1, 0xA1), (2, 0xA2), (16, 0xB0)]),
        )
        .unwrap();
        assert_eq!(
            board.take_stores(),
            [
                (Bar::Commands, SLOTS_OFFSET, 8, 0xA1_0000_00A0),
                (Bar::Commands, SLOTS_OFFSET + 8, 8, 0xA2),
                (Bar::Commands, SLOTS_OFFSET + 64, 8, 0xB0),
                (Bar::Commands, RING_OFFSET, 8, 0x1_0000),
            ]
        );
        assert_eq!(transport.accesses().reads, 0);
    }

    #[test]
    fn a_slot_used_again_gets_only_what_changed() {
        let board = TestBoard::small();
        let transport = Metered::new(board.transport());
        let mut ring = Ring::new(1);
        ring.post(&transport, &image(&[(0, 1), (1, 2), (4, 3), (5, 4)]))
            .unwrap();
        ring.observe(Report {
            parity: 1,
            consumed: 1,
            mask: u32::MAX,
        });
        board.take_stores();
        ring.post(&transport, &image(&[(0, 1), (1, 9), (4, 3), (5, 4)]))
            .unwrap();
        assert_eq!(
            board.take_stores(),
            [
                (Bar::Commands, SLOTS_OFFSET, 8, 0x9_0000_0001),
                (Bar::Commands, RING_OFFSET, 8, 0x1_0001_0000)
            ]
        );
    }

    #[test]
    fn a_slot_that_took_a_list_is_written_whole_again() {
        let board = TestBoard::small();
        let transport = Metered::new(board.transport());
        let mut ring = Ring::new(1);
        let list = u32::from(flags::LIST_IN_MEMORY) << 8;
        ring.post(&transport, &image(&[(0, list), (4, 3)])).unwrap();
        ring.observe(Report {
            parity: 1,
            consumed: 1,
            mask: u32::MAX,
        });
        board.take_stores();
        ring.post(&transport, &image(&[(0, list), (4, 3)])).unwrap();
        assert_eq!(board.take_stores().len(), 3);
    }

    #[test]
    fn a_full_ring_says_so_and_stores_nothing() {
        let board = TestBoard::small();
        let transport = Metered::new(board.transport());
        let mut ring = Ring::new(2);
        ring.post(&transport, &image(&[(0, 1)])).unwrap();
        board.take_stores();
        let error = ring
            .post(&transport, &image(&[(0, 1), (32, 1)]))
            .unwrap_err();
        assert!(matches!(
            error,
            RingError::Full {
                wanted: 2,
                free: 1,
                slots: 2
            }
        ));
        assert_eq!(board.take_stores(), []);
    }
}
