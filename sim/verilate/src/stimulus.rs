//! Seeded randomness for benches.
//!
//! Not uniform where uniform is dull: values are often all zeros, all ones or small, because that
//! is where widths and carries go wrong.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;

/// A source of random inputs; the same seed gives the same sequence everywhere.
#[derive(Clone, Debug)]
pub struct Stimulus {
    rng: ChaCha8Rng,
}

impl Stimulus {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// True with this probability: for valid, ready, reset and the like.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// A number in `0..limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.rng.random_range(0..limit)
    }

    /// One of these values.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.rng.random_range(0..values.len())]
    }

    /// A value of any width: one in four is an edge case (zeros, ones, or less than four), and
    /// the others are uniform.
    pub fn bits<const N: usize>(&mut self) -> Bits<N> {
        let zeros = Bits::<N>::default();
        match self.below(12) {
            0 => zeros,
            1 => !zeros,
            2 => (0..N.min(2)).fold(zeros, |value, place| {
                value.replace_bit(place, self.chance(0.5))
            }),
            _ => self.uniform(),
        }
    }

    /// A value of any width, all values equally likely.
    pub fn uniform<const N: usize>(&mut self) -> Bits<N> {
        let mut word = 0;
        (0..N).fold(Bits::<N>::default(), |value, place| {
            if place % 64 == 0 {
                word = self.rng.next_u64();
            }
            value.replace_bit(place, word >> (place % 64) & 1 == 1)
        })
    }

    /// The generator itself, for what is not above.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }
}
