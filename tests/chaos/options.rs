//! What may be asked of this program.

use clap::Parser;

/// Drives whole checkouts with random shoppers, faults, kills and restarts, heals, and checks what must be true.
///
/// Every decision comes from the seed. Which of two racing requests is faster does not: a replay repeats the decisions of a run, not
/// the interleaving, so a violation may need several replays to show again.
#[derive(Debug, Clone, Parser)]
#[command(name = "./dev chaos")]
pub(crate) struct Options {
    /// How many checkouts
    #[arg(long, default_value_t = 300)]
    pub(crate) runs: u64,
    /// Where every decision comes from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The number of the first run; `--first 17 --runs 1` repeats the decisions of run 17
    #[arg(long, default_value_t = 0)]
    pub(crate) first: u64,
    /// Shoppers at a time
    #[arg(long, default_value_t = 32)]
    pub(crate) shoppers: usize,
    /// Checkouts between two healings
    #[arg(long, default_value_t = 1000)]
    pub(crate) batch: u64,
    /// One fault in every run, and no other: `process-payment:hang-after`; `list` prints the names
    #[arg(long)]
    pub(crate) cell: Option<String>,
    /// No kills and no restarts
    #[arg(long)]
    pub(crate) calm: bool,
    /// In how many of a hundred runs a merchant, another app, the hosted page or a second tab interferes
    #[arg(long, default_value_t = 20)]
    pub(crate) others: u32,
    /// Print what each run does
    #[arg(long)]
    pub(crate) trace: bool,
    /// Keep the logs of the replicas in this folder
    #[arg(long)]
    pub(crate) logs: Option<std::path::PathBuf>,
}
