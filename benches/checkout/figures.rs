//! Figures by name, and what is made of several: medians, and ratios taken side by side.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::shopper::{Path, Seen, WHOLE};

/// Figures of one run, by name. What could not be measured is not there.
pub(crate) type Figures = BTreeMap<String, f64>;

/// One run of one path.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) path: Path,
    pub(crate) concurrency: usize,
    pub(crate) latency: Duration,
    pub(crate) round: usize,
    pub(crate) figures: Figures,
}

/// Every run.
#[derive(Debug, Default)]
pub(crate) struct Runs(pub(crate) Vec<Cell>);

impl Runs {
    fn of(&self, path: Path, concurrency: usize, latency: Duration) -> impl Iterator<Item = &Cell> {
        let same = move |cell: &&Cell| {
            cell.path == path && cell.concurrency == concurrency && cell.latency == latency
        };
        self.0.iter().filter(same)
    }

    /// The median of a figure over the rounds.
    pub(crate) fn median(
        &self,
        path: Path,
        concurrency: usize,
        latency: Duration,
        name: &str,
    ) -> Option<f64> {
        median(
            self.of(path, concurrency, latency).filter_map(|cell| cell.figures.get(name)).copied().collect(),
        )
    }

    /// The median of the ratios of a figure to that of another path in the same round.
    pub(crate) fn ratio(
        &self,
        path: Path,
        over: Path,
        concurrency: usize,
        latency: Duration,
        name: &str,
    ) -> Option<f64> {
        let ratio = |cell: &Cell| {
            let mut others = self.of(over, concurrency, latency);
            let other = others.find(|other| other.round == cell.round)?.figures.get(name).copied()?;
            let own = cell.figures.get(name).copied()?;
            (other > 0.0).then_some(own / other)
        };
        median(self.of(path, concurrency, latency).filter_map(ratio).collect())
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(upper, *values.get(middle - 1)?)) }
}

/// What so many of a hundred stay within. `sorted` is.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().checked_sub(1)?)).copied()
}

/// Adds `NAME_p50_ms` and `NAME_p99_ms`.
pub(crate) fn add_spread(figures: &mut Figures, name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    for percent in [50, 99] {
        if let Some(at) = percentile(&times, percent) {
            figures.insert(format!("{name}_p{percent}_ms"), ms(at));
        }
    }
}

/// The times of what ended between two moments: of whole checkouts, of steps, and of each kind of step.
pub(crate) fn add_times(figures: &mut Figures, seen: &[Seen], from: Instant, to: Instant) {
    let mut by_name: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| from <= seen.ended && seen.ended <= to) {
        by_name.entry(seen.what).or_default().push(seen.took);
        if seen.what != WHOLE {
            by_name.entry("step").or_default().push(seen.took);
        }
    }
    for (name, times) in by_name {
        add_spread(figures, name, times);
    }
}

/// Milliseconds.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "figures are read by people: no count here needs 53 bits")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A difference of two counters of PostgreSQL as a figure.
pub(crate) fn grown(before: i64, after: i64) -> f64 {
    real(u64::try_from(after.saturating_sub(before)).unwrap_or_default())
}

/// Bytes as megabytes of a million.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    real(bytes) / 1e6
}
