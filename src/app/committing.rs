//! The group committer at work: begun anew when it panics, like everything else that has to go on as long as the process does.
//!
//! Guarantees: nobody waits for a committer that does not run. While it is down everybody writes alone, as after its end.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guarded::{guarded, told};
use crate::db::Committer;
use crate::telemetry::Metrics;

/// The name of this work in the log and in the metrics.
const NAME: &str = "committer";

/// The group committer at work. It outlives the other tasks: whatever they end with, they want written.
pub(super) struct Committing {
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Committing {
    pub(super) fn begin(committer: Committer, metrics: &Metrics) -> Self {
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let (report, observer, stop) = (told(metrics, NAME), metrics.commits(), stopping.clone());
        // Whoever has it: the work, or what stands in for it.
        let committer = Arc::new(Mutex::new(committer));
        tasks.spawn(async move {
            let work = || async {
                committer.lock().await.run(&stop, &*observer).await;
                // Its queue is closed: there is nothing to begin anew.
                stop.cancel();
            };
            let meanwhile = || async { committer.lock().await.stand_in().await };
            guarded(NAME, report, stop.clone(), work, meanwhile).await;
            committer.lock().await.close();
        });
        Self { tasks, stopping }
    }

    /// Answers everybody who is queued. Whoever comes later writes alone.
    pub(super) async fn end(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
