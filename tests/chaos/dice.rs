//! The one source of chance. Each run, and each part of it, has a seed of its own, so that adding a draw in one place changes no
//! other.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Seeded draws.
pub(crate) struct Dice(StdRng);

impl Dice {
    /// For the part of this name of a run.
    pub(crate) fn of(seed: u64, run: u64, part: &str) -> Self {
        let mut mixed = mix(seed) ^ mix(run.wrapping_add(0x51_7C_C1_B7));
        for byte in part.bytes() {
            mixed = mix(mixed ^ u64::from(byte));
        }
        Self(StdRng::seed_from_u64(mixed))
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: u32) -> bool {
        self.0.random_range(0..100) < chance
    }

    /// Below the bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound.max(1))
    }

    /// Between two bounds, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// One of them, by weight.
    pub(crate) fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.0.random_range(0..total.max(1));
        for &(weight, choice) in choices {
            if drawn < weight {
                return choice;
            }
            drawn -= weight;
        }
        choices[0].1
    }
}

/// splitmix64's finaliser.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
