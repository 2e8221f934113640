//! How the property tests run: nothing is written to disk, and what fails can be run again.

use proptest::test_runner::{Config, RngSeed};

/// A configuration whose seed is printed with a failure. `PROPTEST_RNG_SEED=<seed> cargo test <name>` runs the same
/// cases again; `PROPTEST_CASES` runs more of them. A case worth keeping becomes a test with a name.
pub(crate) fn seeded() -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => rand::random(),
    };
    println!("PROPTEST_RNG_SEED={seed}");
    Config { rng_seed: RngSeed::Fixed(seed), ..config }
}
