//! Which command slots are free, learned from the parity bits that the board reports and never by asking it.
//!
//! A slot's parity bit flips whenever the slot becomes free. Reports come in CQEs of several queues and in the status line,
//! and are read in any order, so each carries how many ring entries were consumed when its parity was taken: a bit says
//! something of a slot's latest command only if that command's entry was consumed before.
//!
//! ```text
//! slot posted (entry q) --- reports with consumed <= q: old, ignored
//!                       --- consumed > q, parity as at the post: busy
//!                       --- consumed > q, parity flipped: free
//! ```

use rnic_abi::completion::CONSUMED_MASK;

/// A report of the board: slot parity, and the ring entries consumed by then.
///
/// ```
/// use rnic_driver::slots::Report;
/// assert_eq!(Report::from_cqe(5, 0x8000_0003), Report { parity: 5, consumed: 3, mask: 0xFFFF });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Bit i flips whenever slot i becomes free.
    pub parity: u32,
    /// Ring entries consumed, as far as `mask` reaches.
    pub consumed: u32,
    /// Bits that `consumed` has.
    pub mask: u32,
}

impl Report {
    /// What words 6 and 7 of a CQE say.
    pub const fn from_cqe(word6: u32, word7: u32) -> Self {
        Self {
            parity: word6,
            consumed: word7 & CONSUMED_MASK,
            mask: CONSUMED_MASK,
        }
    }

    /// What the first 8 bytes of the status line say.
    pub const fn from_status_line(word: u64) -> Self {
        Self {
            parity: word as u32,
            consumed: (word >> 32) as u32,
            mask: u32::MAX,
        }
    }
}

/// The slots of one board.
///
/// ```
/// use rnic_driver::slots::{Report, Slots};
/// let mut slots = Slots::new(16);
/// assert_eq!(slots.allocate(2, 0), Some(0));
/// slots.observe(Report::from_status_line(0x1_0000_0003), 1);
/// assert_eq!(slots.free(), 16);
/// ```
#[derive(Debug)]
pub struct Slots {
    count: usize,
    /// Bit i: slot i is in use.
    busy: u32,
    /// Parity of each slot as of its latest post; it is free again when the board shows the other value.
    at_post: u32,
    /// Sequence of the ring entry that uses the slot.
    sequences: [u32; 32],
    /// Where to look first, so that slots are used in turn.
    next: usize,
}

impl Slots {
    /// `count` free slots (at most 32), parity all zero as after a reset.
    pub fn new(count: usize) -> Self {
        Self {
            count: count.min(32),
            busy: 0,
            at_post: 0,
            sequences: [0; 32],
            next: 0,
        }
    }

    /// Takes `wanted` consecutive slots for the ring entry `sequence`; the first one, or none if there is no such run.
    pub fn allocate(&mut self, wanted: usize, sequence: u32) -> Option<usize> {
        let starts = (0..self.count).map(|i| (self.next + i) % self.count);
        let run = |start: usize| {
            (start..start + wanted).all(|slot| slot < self.count && self.busy >> slot & 1 == 0)
        };
        let first = starts.into_iter().find(|&start| run(start))?;
        for slot in first..first + wanted {
            self.busy |= 1 << slot;
            self.sequences[slot] = sequence;
        }
        self.next = (first + wanted) % self.count;
        Some(first)
    }

    /// Frees what the report shows to be free. `posted` is the sequence that the next ring entry will get.
    pub fn observe(&mut self, report: Report, posted: u32) {
        for slot in 0..self.count {
            let flipped = (report.parity ^ self.at_post) >> slot & 1 == 1;
            let sequence = self.sequences[slot];
            let since = report.consumed.wrapping_sub(sequence) & report.mask;
            let entry_was_consumed =
                since >= 1 && since <= posted.wrapping_sub(sequence) & report.mask;
            if self.busy >> slot & 1 == 1 && flipped && entry_was_consumed {
                self.busy &= !(1 << slot);
                self.at_post ^= 1 << slot;
            }
        }
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.count - self.busy.count_ones() as usize
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_old_report_does_not_free_a_slot_that_was_posted_again() {
        let mut slots = Slots::new(1);
        let cqe = |parity, consumed| Report {
            parity,
            consumed,
            mask: CONSUMED_MASK,
        };
        assert_eq!(slots.allocate(1, 0), Some(0));
        slots.observe(cqe(1, 1), 1);
        assert_eq!(slots.allocate(1, 1), Some(0));
        // A CQE of another queue, written during the first use and read only now.
        slots.observe(cqe(0, 1), 2);
        assert_eq!(slots.free(), 0);
        slots.observe(cqe(0, 2), 2);
        assert_eq!(slots.free(), 1);
    }

    #[test]
    fn a_run_never_wraps() {
        let mut slots = Slots::new(4);
        assert_eq!(slots.allocate(3, 0), Some(0));
        assert_eq!(slots.allocate(2, 1), None);
        assert_eq!(slots.allocate(1, 1), Some(3));
        assert_eq!(slots.allocate(1, 2), None);
    }

    proptest! {
        /// A model board frees slots and issues reports; the driver reads the reports late and in any order.
        #[test]
        fn a_busy_slot_is_never_given_out(start in prop_oneof![Just(0u32), Just(0xFFF0), Just(u32::MAX - 5)],
                                          steps in proptest::collection::vec((0u8..4, any::<u8>()), 1..400)) {
            let mut slots = Slots::new(8);
            let (mut parity, mut sequence, mut consumed) = (0u32, start, start);
            let mut board_busy: Vec<Option<u32>> = vec![None; 8];
            let mut reports = Vec::new();
            for (step, pick) in steps {
                match step {
                    0 => if let Some(first) = slots.allocate(1 + pick as usize % 2, sequence) {
                        for busy in &mut board_busy[first..first + 1 + pick as usize % 2] {
                            prop_assert!(busy.is_none(), "a slot from {} on was still in use", first);
                            *busy = Some(sequence);
                        }
                        sequence = sequence.wrapping_add(1);
                    },
                    1 => if consumed != sequence { consumed = consumed.wrapping_add(1); },
                    2 => {
                        let slot = pick as usize % 8;
                        if board_busy[slot].is_some_and(|s| consumed.wrapping_sub(s).wrapping_sub(1) < 1 << 31) {
                            board_busy[slot] = None;
                            parity ^= 1 << slot;
                        }
                        reports.push((parity, consumed));
                    }
                    _ => if !reports.is_empty() {
                        let (parity, consumed) = reports.swap_remove(pick as usize % reports.len());
                        let mask = if pick & 1 == 0 { u32::MAX } else { CONSUMED_MASK };
                        slots.observe(Report { parity, consumed: consumed & mask, mask }, sequence);
                    },
                }
            }
            slots.observe(Report { parity, consumed, mask: u32::MAX }, sequence);
            for (slot, busy) in board_busy.iter().enumerate() {
                prop_assert!(busy.is_some() || slots.busy >> slot & 1 == 0);
            }
        }
    }
}
