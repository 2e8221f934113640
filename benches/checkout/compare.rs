//! The main comparison: the ceiling, the bare calls and the program's two paths, in turn, three times.

use std::time::Duration;

use super::ceiling::Ceiling;
use super::cell::{self, Watched};
use super::database::Database;
use super::figures::{Cell, Figures, Runs, real};
use super::place::{self, Place};
use super::program::Running;
use super::report::{Limit, Target, progress};
use super::shopper::{Path, Shopper};
use super::targets;
use super::upstream::Counts;

/// The latency and the number of shoppers for the question whether the program scales with slow upstreams.
const SLOW: Duration = Duration::from_millis(50);
const CROWD: usize = 1024;

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let database = place.database().await?;
    let program = place.start(&database, place.options.stores, &[]).await?;
    let counted = straight_path(place, &program).await?;
    let relay = place.start_relay().await?;
    let scene = Scene { place, database, program, relay };
    let runs = scene.runs().await?;
    let latency = place.options.latency();
    tables(place, &runs, latency, &scene.concurrencies());
    let mut all = targets::of(&runs, latency, &scene.concurrencies());
    if scene.has_crowd() {
        all.push(crowd(&scene, &runs));
    }
    all.extend(counted);
    let size = std::fs::metadata(&place.options.program)?.len();
    all.push(Target::new(
        "size of the program, MB",
        Limit::AtMost(30.0),
        Some(super::figures::megabytes(size)),
    ));
    all.retain(|target| target.measured.is_some());
    place.report.targets(&all);
    scene.program.stop().await?;
    scene.relay.stop().await?;
    scene.database.drop().await
}

/// What became of the crowd: a table and its target.
fn crowd(scene: &Scene<'_>, runs: &Runs) -> Target {
    let (slow, crowd) = scene.crowd();
    let rate = "checkouts_per_s";
    let rows = [Path::Bare, Path::Relay, Path::OneCall].map(|path| {
        let over = |other| runs.ratio(path, other, crowd, slow, rate);
        let cpu = runs.median(path, crowd, slow, "program_cpu_ms");
        (
            path.name().to_owned(),
            vec![runs.median(path, crowd, slow, rate), cpu, over(Path::Bare), over(Path::Relay)],
        )
    });
    let title = format!("{crowd} shoppers, upstream answers after {} ms", slow.as_millis());
    scene.place.report.table(&title, &["checkouts/s", "cpu ms", "/bare", "/relay"], &rows);
    Target::new(
        format!("{} ms upstream, {crowd} shoppers: checkouts/s over relay", slow.as_millis()),
        Limit::AtLeast(0.7),
        runs.ratio(Path::OneCall, Path::Relay, crowd, slow, rate),
    )
}

/// One checkout on each path, alone: what it costs of the quota is exact.
async fn straight_path(place: &Place, program: &Running) -> anyhow::Result<Vec<Target>> {
    let shop = place::shop(program, 1)?;
    let mut targets = Vec::new();
    for (path, most) in [(Path::OneCall, 7.0), (Path::Stepwise, 8.0)] {
        let before = place.upstream.counts();
        Shopper::enter(&shop).await?.checkout(path).await?;
        let after = place.upstream.counts();
        let called = |count: fn(&Counts) -> u64| Some(real(count(&after) - count(&before)));
        let name = path.name();
        targets.push(Target::new(
            format!("{name}: management calls up to the payment"),
            Limit::AtMost(most),
            called(|counts| counts.management),
        ));
        targets.push(Target::new(
            format!("{name}: payment calls"),
            Limit::AtMost(1.0),
            called(|counts| counts.payments),
        ));
        anyhow::ensure!(after.strange == before.strange, "a call is not on the straight path");
    }
    Ok(targets)
}

/// What all runs have in common.
struct Scene<'a> {
    place: &'a Place,
    database: Database,
    program: Running,
    relay: Running,
}

impl Scene<'_> {
    fn concurrencies(&self) -> Vec<usize> {
        let options = &self.place.options;
        if options.shoppers.is_empty() {
            options.size(vec![1, 64, 256], vec![1, 8])
        } else {
            options.shoppers.clone()
        }
    }

    /// Whether the slow upstream is measured, too.
    fn has_crowd(&self) -> bool {
        self.place.options.shoppers.is_empty()
    }

    fn crowd(&self) -> (Duration, usize) {
        (SLOW, self.place.options.size(CROWD, 16))
    }

    async fn runs(&self) -> anyhow::Result<Runs> {
        let ceiling = Ceiling::find(self.place.folder.path())?;
        let mut runs = Runs::default();
        let (slow, crowd) = self.crowd();
        for round in 1..=self.place.options.rounds {
            for concurrency in self.concurrencies() {
                let upstream = &self.place.upstream;
                let window = self.place.options.seconds;
                let figures = ceiling.run(&self.database, upstream, concurrency, window).await?;
                self.keep(
                    &mut runs,
                    Path::Ceiling,
                    concurrency,
                    self.place.options.latency(),
                    round,
                    figures,
                );
                for path in [Path::Bare, Path::Relay, Path::OneCall, Path::Stepwise] {
                    self.shoppers(&mut runs, path, concurrency, self.place.options.latency(), round).await?;
                }
            }
            if self.has_crowd() {
                for path in [Path::Bare, Path::Relay, Path::OneCall] {
                    self.shoppers(&mut runs, path, crowd, slow, round).await?;
                }
            }
        }
        self.place.upstream.set_latency(self.place.options.latency());
        Ok(runs)
    }

    async fn shoppers(
        &self,
        runs: &mut Runs,
        path: Path,
        concurrency: usize,
        latency: Duration,
        round: usize,
    ) -> anyhow::Result<()> {
        let place = self.place;
        place.upstream.set_latency(latency);
        let upstream = &place.upstream;
        let (shop, database, program) = match path {
            Path::Bare | Path::Ceiling => (place.bare_shop()?, None, None),
            Path::Relay => (place::shop(&self.relay, 1)?, None, Some(&self.relay)),
            Path::OneCall | Path::Stepwise => {
                let shop = place::shop(&self.program, place.options.stores)?;
                (shop, Some(&self.database), Some(&self.program))
            }
        };
        let watched = Watched { upstream, database, program };
        let figures = cell::run(path, &shop, concurrency, place.options.seconds, &watched).await?;
        self.keep(runs, path, concurrency, latency, round, figures);
        Ok(())
    }

    fn keep(
        &self,
        runs: &mut Runs,
        path: Path,
        concurrency: usize,
        latency: Duration,
        round: usize,
        figures: Figures,
    ) {
        let rate = figures.get("checkouts_per_s").copied().unwrap_or_default();
        let name = path.name();
        progress(&format!("round {round}, C={concurrency}, {name}: {rate:.1} checkouts/s"));
        let cell = Cell { path, concurrency, latency, round, figures };
        self.place.report.cell(&cell);
        runs.0.push(cell);
    }
}

/// The columns of the table: what they are called, and which figure.
const COLUMNS: &[(&str, &str)] = &[
    ("checkouts/s", "checkouts_per_s"),
    ("p50 ms", "checkout_p50_ms"),
    ("p99 ms", "checkout_p99_ms"),
    ("step p50", "step_p50_ms"),
    ("step p99", "step_p99_ms"),
    ("cpu ms", "program_cpu_ms"),
    ("others ms", "others_cpu_ms"),
    ("pg cpu ms", "postgres_cpu_ms"),
    ("wal B", "wal_bytes"),
    ("commits", "commits"),
    ("syncs", "wal_syncs"),
    ("mgmt calls", "management_calls"),
    ("pay calls", "payment_calls"),
    ("after", "calls_afterwards"),
    ("rss MB", "memory_mb"),
];

/// The columns of the table of ratios: what they are called, over which path, and which figure.
const RATIOS: &[(&str, Path, &str)] = &[
    ("checkouts/s /ceiling", Path::Ceiling, "checkouts_per_s"),
    ("checkouts/s /bare", Path::Bare, "checkouts_per_s"),
    ("checkouts/s /relay", Path::Relay, "checkouts_per_s"),
    ("cpu /relay", Path::Relay, "program_cpu_ms"),
    ("p50 /ceiling", Path::Ceiling, "checkout_p50_ms"),
    ("p50 /bare", Path::Bare, "checkout_p50_ms"),
    ("p99 /bare", Path::Bare, "checkout_p99_ms"),
    ("pg cpu /ceiling", Path::Ceiling, "postgres_cpu_ms"),
    ("wal /ceiling", Path::Ceiling, "wal_bytes"),
    ("commits /ceiling", Path::Ceiling, "commits"),
];

fn tables(place: &Place, runs: &Runs, latency: Duration, concurrencies: &[usize]) {
    let columns: Vec<&str> = COLUMNS.iter().map(|(column, _)| *column).collect();
    let ratios: Vec<&str> = RATIOS.iter().map(|(column, ..)| *column).collect();
    for &concurrency in concurrencies {
        let rows = [Path::Ceiling, Path::Bare, Path::Relay, Path::OneCall, Path::Stepwise].map(|path| {
            let figure = |(_, name): &(&str, &str)| runs.median(path, concurrency, latency, name);
            (path.name().to_owned(), COLUMNS.iter().map(figure).collect())
        });
        place.report.table(&format!("C={concurrency}, for each checkout"), &columns, &rows);
        let rows = [Path::OneCall, Path::Stepwise].map(|path| {
            let ratio =
                |(_, over, name): &(&str, Path, &str)| runs.ratio(path, *over, concurrency, latency, name);
            (path.name().to_owned(), RATIOS.iter().map(ratio).collect())
        });
        place.report.table(&format!("C={concurrency}, ratios"), &ratios, &rows);
    }
}
