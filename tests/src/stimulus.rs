//! Seeded choices of a scenario: bytes, sizes, alignments, cuts.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// See the module.
pub struct Stimulus {
    random: ChaCha8Rng,
}

impl Stimulus {
    /// The same choices for the same seed.
    pub fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(0x5354_494D);
        Self { random }
    }

    /// Random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.random.fill(&mut bytes[..]);
        bytes
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit)
    }

    /// Lengths of `count` pieces, none empty, that sum to `total`.
    pub fn cuts(&mut self, total: usize, count: usize) -> Vec<usize> {
        assert!(
            count > 0 && count <= total,
            "{count} pieces of {total} bytes"
        );
        let mut lengths = vec![1; count];
        for _ in 0..total - count {
            let piece = self.below(count);
            lengths[piece] += 1;
        }
        lengths
    }

    /// One of several.
    pub fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
