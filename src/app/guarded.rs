//! Background work that has to go on as long as the process does: a panic in it is logged and counted, and it begins anew.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Metrics;

/// Before it begins anew, after the first panic; twice as long after each that follows soon.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After it has run for so long, an earlier panic does not count any more.
const CALM: Duration = Duration::from_mins(1);
/// After so many in a row this process is not ready.
const TOO_MANY: u32 = 3;

/// How background work does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It has begun.
    Begun,
    /// It ran for long enough.
    Works,
    /// It panicked, or ended though nobody stopped it.
    Restarted,
    /// The same, and often in a row.
    KeepsFailing,
}

/// Tells the metrics, and `/readyz` with them, how the work of this name does.
pub(super) fn told(metrics: &Metrics, name: &'static str) -> impl Fn(Health) + Send + use<> {
    let metrics = metrics.clone();
    move |health| match health {
        Health::Begun => metrics.background_begun(name),
        Health::Works => metrics.background_works(name),
        Health::Restarted => metrics.background_restarted(name, false),
        Health::KeepsFailing => metrics.background_restarted(name, true),
    }
}

/// For work that nobody has to stand in for.
pub(super) async fn nobody() -> Infallible {
    std::future::pending().await
}

/// Runs `work` until it ends by itself while `stopping`, and anew whenever it panics or ends before that; `meanwhile` while it
/// is down.
pub(super) async fn guarded<F: Future<Output = ()>, M: Future<Output = Infallible>>(
    name: &'static str,
    report: impl Fn(Health),
    stopping: CancellationToken,
    work: impl Fn() -> F,
    meanwhile: impl Fn() -> M,
) {
    let mut in_a_row = 0_u32;
    loop {
        report(Health::Begun);
        let mut running = pin!(AssertUnwindSafe(work()).catch_unwind());
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = tokio::time::sleep(CALM) => {
                in_a_row = 0;
                report(Health::Works);
                running.await
            }
        };
        // One that panics on the way out has nothing left to do.
        if stopping.is_cancelled() {
            return;
        }
        in_a_row = in_a_row.saturating_add(1);
        let how = if ended.is_err() { "panicked" } else { "ended" };
        tracing::error!(task = name, in_a_row, "background work {how}: it begins anew");
        report(if in_a_row >= TOO_MANY { Health::KeepsFailing } else { Health::Restarted });
        let pause = PAUSE.saturating_mul(1 << in_a_row.saturating_sub(1).min(5)).min(LONGEST_PAUSE);
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            never = meanwhile() => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Health::{Begun, KeepsFailing, Restarted, Works};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_panics_begins_anew_and_is_reported_until_it_works() {
        let (runs, reports) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        let stopping = CancellationToken::new();
        let report = |health| reports.lock().expect("no panic").push(health);
        let work = || async {
            match runs.fetch_add(1, Ordering::Relaxed) {
                0 | 2 => panic!("as a library does on input that it does not expect"),
                1 => {}
                _ => {
                    tokio::time::sleep(CALM * 2).await;
                    stopping.cancel();
                }
            }
        };
        let stood_in = AtomicU32::new(0);
        let meanwhile = || async {
            stood_in.fetch_add(1, Ordering::Relaxed);
            nobody().await
        };
        guarded("test", report, stopping.clone(), work, meanwhile).await;
        assert_eq!(runs.load(Ordering::Relaxed), 4);
        assert_eq!(stood_in.load(Ordering::Relaxed), 3, "while it is down, and only then");
        assert_eq!(
            *reports.lock().expect("no panic"),
            [Begun, Restarted, Begun, Restarted, Begun, KeepsFailing, Begun, Works]
        );
    }
}
