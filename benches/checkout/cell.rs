//! One cell of the comparison: so many shoppers, one after the other on each connection, for so long.
//!
//! Guarantees: what is counted lies between two moments in the middle of the run, after everybody is at work and before
//! anybody stops; a checkout that fails fails the run, and so does one that is completed and was not charged what it costs, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::database::{Database, Work};
use super::figures::{Figures, add_times, grown, megabytes, ms, real};
use super::program::Running;
use super::shopper::{Path, Shop, Shopper};
use super::upstream::{Counts, Upstream};

/// A window in which not everybody completed a checkout tells little, so it is made longer, up to this.
const LONGEST: Duration = Duration::from_secs(30);

/// What is watched meanwhile.
pub(crate) struct Watched<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) database: Option<&'a Database>,
    pub(crate) program: Option<&'a Running>,
}

/// How it stands at one moment.
pub(crate) struct Moment {
    at: Instant,
    completed: u64,
    work: Option<Work>,
    cpu: Option<Duration>,
    /// Of this process: the shoppers and the upstream.
    own_cpu: Option<Duration>,
    upstream: Counts,
}

impl Watched<'_> {
    pub(crate) async fn look(&self, completed: u64) -> anyhow::Result<Moment> {
        let work = match self.database {
            Some(database) => Some(database.work().await?),
            None => None,
        };
        let cpu = self.program.and_then(Running::cpu);
        let own_cpu = super::proc::cpu(std::process::id());
        Ok(Moment { at: Instant::now(), completed, work, cpu, own_cpu, upstream: self.upstream.counts() })
    }
}

/// How long everybody is at work, at least, before anything is counted.
pub(crate) fn warm_up(window: Duration) -> Duration {
    (window / 5).clamp(Duration::from_millis(50), Duration::from_secs(1))
}

/// Runs a path.
pub(crate) async fn run(
    path: Path,
    shop: &Arc<Shop>,
    concurrency: usize,
    window: Duration,
    watched: &Watched<'_>,
) -> anyhow::Result<Figures> {
    let mut shoppers = Vec::with_capacity(concurrency);
    for _ in 0..concurrency {
        shoppers.push(Shopper::enter(shop).await?);
    }
    let closed = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    for mut shopper in shoppers {
        let closed = closed.clone();
        running.spawn(async move {
            while !closed.load(Ordering::Relaxed) {
                shopper.checkout(path).await?;
            }
            anyhow::Ok(shopper.into_seen())
        });
    }
    // Shoppers that began together are in step with each other until each has completed something.
    let everybody = u64::try_from(concurrency).unwrap_or(u64::MAX);
    passed(shop, everybody, warm_up(window)).await;
    let before = watched.look(shop.completed()).await?;
    passed(shop, before.completed + everybody, window).await;
    let after = watched.look(shop.completed()).await?;
    let resident = watched.program.and_then(Running::resident);
    closed.store(true, Ordering::Relaxed);
    let mut seen = Vec::new();
    while let Some(ended) = running.join_next().await {
        let of_one = ended?.with_context(|| watched.program.map(Running::last_words).unwrap_or_default());
        let (of_one, sold) = of_one?;
        watched.upstream.books().hold(&sold)?;
        seen.extend(of_one);
    }
    let mut figures = between(&before, &after)?;
    add_times(&mut figures, &seen, before.at, after.at);
    if let Some(resident) = resident {
        figures.insert("memory_mb".to_owned(), megabytes(resident));
    }
    Ok(figures)
}

/// Waits for that time, and until so many checkouts are completed, but not forever.
async fn passed(shop: &Shop, completed: u64, time: Duration) {
    let began = Instant::now();
    tokio::time::sleep(time).await;
    while shop.completed() < completed && began.elapsed() < LONGEST {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What happened between two moments, for each checkout.
pub(crate) fn between(before: &Moment, after: &Moment) -> anyhow::Result<Figures> {
    let completed = after.completed.saturating_sub(before.completed);
    anyhow::ensure!(completed > 0, "not one checkout was completed");
    let strange = after.upstream.strange - before.upstream.strange;
    anyhow::ensure!(strange == 0, "{strange} calls were not on the straight path");
    let checkouts = real(completed);
    let mut figures = Figures::new();
    let mut add = |name: &str, sum: f64| figures.insert(name.to_owned(), sum / checkouts);
    let spent = |before: Option<Duration>, after: Option<Duration>| Some(ms(after?.saturating_sub(before?)));
    if let Some(cpu) = spent(before.cpu, after.cpu) {
        add("program_cpu_ms", cpu);
    }
    if let Some(cpu) = spent(before.own_cpu, after.own_cpu) {
        add("others_cpu_ms", cpu);
    }
    if let (Some(from), Some(to)) = (before.work, after.work) {
        if let Some(cpu) = spent(from.cpu, to.cpu) {
            add("postgres_cpu_ms", cpu);
        }
        add("wal_bytes", grown(from.wal, to.wal));
        add("commits", grown(from.commits, to.commits));
        add("wal_syncs", grown(from.syncs, to.syncs));
    }
    add("management_calls", real(after.upstream.management - before.upstream.management));
    add("payment_calls", real(after.upstream.payments - before.upstream.payments));
    add("calls_afterwards", real(after.upstream.afterwards - before.upstream.afterwards));
    let seconds = (after.at - before.at).as_secs_f64();
    figures.insert("checkouts_per_s".to_owned(), checkouts / seconds);
    Ok(figures)
}

impl Moment {
    /// Whether a checkout was completed since that moment.
    pub(crate) fn saw_some_since(&self, before: &Self) -> bool {
        self.completed > before.completed
    }

    /// The same moment, when checkouts are counted otherwise: as so many commits each.
    pub(crate) fn by_commits(mut self, each: u64) -> Self {
        let commits = self.work.map(|work| u64::try_from(work.commits).unwrap_or_default());
        self.completed = commits.unwrap_or_default() / each;
        self
    }
}
