//! Announces this process to the others, and counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bigcommerce::budget::Replicas;
use crate::db::Db;
use crate::http;

/// How the processes that share the quotas of the stores know of each other. It outlives the other tasks: until the
/// last of them has ended, this process still spends.
pub(super) struct Heartbeat {
    pub(super) replicas: Replicas,
    /// How many processes of this kind live, this one included.
    serving: Arc<AtomicU32>,
    pub(super) tasks: TaskTracker,
    pub(super) leaving: CancellationToken,
}

impl Heartbeat {
    pub(super) fn new() -> Self {
        // The others know of this process after their next beat; a second more, for a slow one.
        let replicas = Replicas::joining(Db::BEAT + Duration::from_secs(1));
        let serving = Arc::new(AtomicU32::new(1));
        Self { replicas, serving, tasks: TaskTracker::new(), leaving: CancellationToken::new() }
    }

    /// How many live processes serve requests. Processes that only recover take no share of the rate limits.
    pub(super) fn living(&self) -> http::Living {
        let serving = self.serving.clone();
        Arc::new(move || serving.load(Ordering::Relaxed))
    }

    /// What says that this process is alive, and counts the others, until it leaves.
    pub(super) fn beating(&self, db: &Db, kind: &'static str) -> Beating {
        Beating {
            db: db.clone(),
            kind,
            replicas: self.replicas.clone(),
            serving: self.serving.clone(),
            leaving: self.leaving.clone(),
        }
    }

    pub(super) async fn leave(self, db: &Db) {
        self.leaving.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = db.leave().await {
            tracing::warn!(%error, "this process counts as alive for a few seconds more");
        }
    }
}

/// One process says that it is alive.
#[derive(Clone)]
pub(super) struct Beating {
    db: Db,
    kind: &'static str,
    replicas: Replicas,
    serving: Arc<AtomicU32>,
    leaving: CancellationToken,
}

impl Beating {
    pub(super) async fn beat(self) {
        let mut beats = tokio::time::interval(Db::BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.leaving.cancelled() => return,
                _ = beats.tick() => {}
            }
            if let Err(error) = self.db.look_at_durability().await {
                tracing::warn!(%error, "commit durability could not be checked");
            }
            match self.db.beat(self.kind).await {
                Ok((live, alike)) => {
                    self.serving.store(alike, Ordering::Relaxed);
                    self.replicas.observe(live);
                }
                Err(error) => tracing::warn!(%error, "the other processes could not be counted"),
            }
        }
    }
}
