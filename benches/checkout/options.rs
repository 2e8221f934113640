//! The command line of the benchmarks.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Checkouts beside what PostgreSQL and the upstream calls alone would take
    Compare,
    /// Instructions of one checkout under callgrind (needs valgrind; not part of all)
    Instructions,
    /// How soon checkouts are claimed that a `kill -9` interrupted
    Recovery,
    /// Checkouts with a long history in the tables, beside empty tables
    History,
    /// Resident memory, idle and at work
    Memory,
    /// From the start of the process to its first readiness
    Startup,
    /// One, two and four processes on one database
    Scale,
    /// Honest shoppers beside connections that others hold: idle, half-sent, unread
    Siege,
    /// All of them one after the other
    All,
    /// All of them for a moment only, to see that they run
    Short,
}

/// Benchmarks of checkouts. Nothing else should run on the machine meanwhile. (`./dev bench ops` measures operators' lists.)
#[derive(Debug, Clone, Parser)]
#[command(name = "./dev bench")]
pub(crate) struct Options {
    /// What to measure [default: compare; with --short: all]
    #[arg(value_enum)]
    name: Option<Name>,
    /// How long each cell is measured
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// How often everything is repeated; what counts is the median
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// How long the upstream takes for each answer, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// How many shoppers are compared, instead of 1, 64, 256, and 1024 with a slow upstream
    #[arg(long, value_delimiter = ',')]
    pub(crate) shoppers: Vec<usize>,
    /// Checkouts that are interrupted (recovery, default 10000) or finished before (history, default 1000000)
    #[arg(long)]
    pub(crate) checkouts: Option<i64>,
    /// Stores that the checkouts are spread over: each has a quota of its own
    #[arg(long, default_value_t = 512)]
    pub(crate) stores: usize,
    /// Connections of the program to PostgreSQL, instead of its default
    #[arg(long)]
    pub(crate) connections: Option<u32>,
    /// Everything for a moment only, to see that it runs
    #[arg(long)]
    pub(crate) short: bool,
    /// One JSON object on each line instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// The program that is measured
    #[arg(long)]
    pub(crate) program: PathBuf,
}

impl Options {
    /// Reads the command line. With `short`, everything is small.
    pub(crate) fn read() -> Self {
        let mut options = Self::parse_from(std::env::args_os().filter(|argument| argument != "--bench"));
        options.short |= options.name == Some(Name::Short);
        if options.short {
            options.seconds = Duration::from_millis(200);
            options.rounds = 1;
            options.stores = options.stores.min(64);
        }
        options
    }

    /// How long the upstream takes for each answer.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// Whether that one is to be measured.
    pub(crate) fn wants(&self, name: Name) -> bool {
        match self.name {
            None if self.short => name != Name::Instructions,
            None => name == Name::Compare,
            Some(Name::All | Name::Short) => name != Name::Instructions,
            Some(chosen) => name == chosen,
        }
    }

    /// Of two sizes the one that is meant.
    pub(crate) fn size<T>(&self, usual: T, short: T) -> T {
        if self.short { short } else { usual }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "must be a number of seconds".to_owned())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(duration) }
}
