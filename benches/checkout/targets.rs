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
        rate(Path::OneCall, 64, 1.0),
        rate(Path::OneCall, 256, 1.5),
        rate(Path::Stepwise, 64, 0.6),
        rate(Path::Stepwise, 256, 0.9),
        added(runs, latency),
    ];
    for path in PROGRAM {
        let most = |from: usize, upto: usize| {
            let at = concurrencies.iter().filter(|at| (from..=upto).contains(*at));
            largest(at.map(|at| runs.median(path, *at, latency, "commits")))
        };
        let what = |at: &str| format!("{}, {at}: durable commits per checkout", path.name());
        targets.push(Target::new(what("C=1"), Limit::AtMost(9.0), most(1, 1)));
        targets.push(Target::new(what("C>=64"), Limit::AtMost(1.5), most(64, usize::MAX)));
        let wal = largest(concurrencies.iter().map(|at| over(path, *at, "wal_bytes")));
        let what = format!("{}: WAL bytes per checkout over ceiling", path.name());
        targets.push(Target::new(what, Limit::AtMost(1.3), wal));
        let what = format!("{}, C=256: PostgreSQL CPU per checkout over ceiling", path.name());
        targets.push(Target::new(what, Limit::AtMost(0.4), over(path, 256, "postgres_cpu_ms")));
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
    Target::new("time added to a step at C=1, in commits of the ceiling", Limit::AtMost(2.0), largest(each))
}

/// The largest of those that could be measured.
fn largest(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    figures.flatten().max_by(f64::total_cmp)
}
