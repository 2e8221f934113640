//! The targets of the comparison. docs/performance.md says why each is what it is.

use std::time::Duration;

use super::bare;
use super::figures::Runs;
use super::report::{Limit, Target};
use super::shopper::Path;

const PROGRAM: [Path; 2] = [Path::OneCall, Path::Stepwise];

/// Those that the comparison measures.
pub(crate) fn of(runs: &Runs, latency: Duration, concurrencies: &[usize]) -> Vec<Target> {
    let over = |path, concurrency, name| runs.ratio(path, Path::Ceiling, concurrency, latency, name);
    let rate = |path: Path, concurrency, limit| {
        let what = format!("{}, C={concurrency}: checkouts/s over ceiling", path.name());
        Target::new(what, Limit::AtLeast(limit), over(path, concurrency, "checkouts_per_s"))
    };
    let mut targets = vec![
        rate(Path::OneCall, 1, 0.45),
        rate(Path::OneCall, 64, 0.65),
        rate(Path::OneCall, 256, 0.95),
        rate(Path::Stepwise, 1, 0.3),
        rate(Path::Stepwise, 64, 0.45),
        rate(Path::Stepwise, 256, 0.65),
        added(runs, latency),
    ];
    for at in [64, 256] {
        let cpu = runs.ratio(Path::OneCall, Path::Relay, at, latency, "program_cpu_ms");
        let what = format!("one call, C={at}: the program's CPU per checkout over relay's");
        targets.push(Target::new(what, Limit::AtMost(1.6), cpu));
    }
    for (at, most) in [(1, 1.5), (64, 0.6), (256, 0.35)] {
        let what = format!("one call, C={at}: PostgreSQL's CPU per checkout over ceiling");
        targets.push(Target::new(what, Limit::AtMost(most), over(Path::OneCall, at, "postgres_cpu_ms")));
    }
    for (path, alone, log) in [(Path::OneCall, 9.0, 1.5), (Path::Stepwise, 12.0, 2.0)] {
        let most = |from: usize, upto: usize| {
            let at = concurrencies.iter().filter(|at| (from..=upto).contains(*at));
            largest(at.map(|at| runs.median(path, *at, latency, "commits")))
        };
        let what = |at: &str| format!("{}, {at}: durable commits per checkout", path.name());
        targets.push(Target::new(what("C=1"), Limit::AtMost(alone), most(1, 1)));
        targets.push(Target::new(what("C>=64"), Limit::AtMost(0.5), most(64, usize::MAX)));
        let wal = largest(concurrencies.iter().map(|at| over(path, *at, "wal_bytes")));
        let what = format!("{}: WAL bytes per checkout over ceiling", path.name());
        targets.push(Target::new(what, Limit::AtMost(log), wal));
    }
    let memory = largest(PROGRAM.map(|path| runs.median(path, 256, latency, "memory_mb")).into_iter());
    targets.push(Target::new("resident memory at C=256, MB", Limit::AtMost(150.0), memory));
    targets
}

/// What a step takes longer through the program than its bare call, in commits of the ceiling; of the steps with one
/// call, the one for which it is most.
fn added(runs: &Runs, latency: Duration) -> Target {
    let p50 = |path, name: &str| runs.median(path, 1, latency, &format!("{name}_p50_ms"));
    let commit = p50(Path::Ceiling, "step");
    let each = bare::STEPS.iter().map(|(step, calls)| {
        let bare: Option<f64> = calls.iter().map(|call| p50(Path::Bare, call)).sum();
        Some((p50(Path::Stepwise, step)? - bare?) / commit?)
    });
    Target::new("time added to a step at C=1, in commits of the ceiling", Limit::AtMost(4.0), largest(each))
}

/// The largest of those that could be measured.
fn largest(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    figures.flatten().max_by(f64::total_cmp)
}
