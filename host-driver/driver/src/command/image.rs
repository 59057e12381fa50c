//! The words of a command as they lie in its slots.

use rnic_abi::command::{MAX_SLOTS, SLOT_WORDS};

/// Words of a command and which of them mean something; the rest is never written to the board.
///
/// ```
/// use rnic_driver::command::Image;
/// let mut image = Image::new();
/// image.set(0, 7);
/// image.set(40, 9);
/// assert_eq!((image.slots(), image.word(40), image.is_used(1)), (2, 9, false));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    words: [u32; MAX_SLOTS * SLOT_WORDS],
    /// Bit i: word i is used.
    used: u128,
}

impl Image {
    /// No word used.
    pub fn new() -> Self {
        Self {
            words: [0; MAX_SLOTS * SLOT_WORDS],
            used: 0,
        }
    }

    /// Sets word `index`, which counts over consecutive slots. Words beyond the fourth slot do not exist and are ignored.
    pub fn set(&mut self, index: usize, value: u32) {
        if let Some(word) = self.words.get_mut(index) {
            *word = value;
            self.used |= 1 << index;
        }
    }

    /// Sets two words, the low one first.
    pub fn set64(&mut self, index: usize, value: u64) {
        self.set(index, value as u32);
        self.set(index + 1, (value >> 32) as u32);
    }

    /// Word `index`; 0 where nothing was set.
    pub fn word(&self, index: usize) -> u32 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// Two words, the low one first.
    pub fn word64(&self, index: usize) -> u64 {
        u64::from(self.word(index)) | u64::from(self.word(index + 1)) << 32
    }

    /// Whether word `index` means something.
    pub fn is_used(&self, index: usize) -> bool {
        index < self.words.len() && self.used >> index & 1 == 1
    }

    /// Slots that the used words reach into, at least 1.
    pub fn slots(&self) -> usize {
        ((128 - self.used.leading_zeros() as usize).div_ceil(SLOT_WORDS)).max(1)
    }
}

impl Default for Image {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used = (0..self.words.len()).filter(|&index| self.is_used(index));
        f.debug_map()
            .entries(used.map(|index| (index, format!("{:08x}", self.words[index]))))
            .finish()
    }
}
