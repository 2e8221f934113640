//! What the database knows of all checkouts, read at most every few seconds however often the metrics are.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::labels::{Connection, Reason, Standing};
use crate::checkout::{Status, StuckReason};
use crate::db::{Db, Vitals};

/// How old a reading may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long the database may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

type Seconds = Gauge<f64, AtomicU64>;

/// The gauges that the database fills.
pub(super) struct Gauges {
    db: Db,
    read_at: Mutex<Option<Instant>>,
    up: Gauge,
    checkouts: Family<Standing, Gauge>,
    stuck: Family<Reason, Gauge>,
    oldest_stuck: Seconds,
    recovery_lag: Seconds,
    oldest_unknown_payment: Seconds,
    webhook_lag: Seconds,
    webhook_silence: Seconds,
    connections: Family<Connection, Gauge>,
    newer_records: Gauge,
    unreadable_records: Gauge,
    event_lag: Seconds,
    personal_data_overdue: Seconds,
    /// For how long personal data is kept; `None`: forever.
    personal_data_kept: Option<Duration>,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry, db: Db, personal_data_kept: Option<Duration>) -> Self {
        let all = Self {
            db,
            read_at: Mutex::default(),
            up: Gauge::default(),
            checkouts: Family::default(),
            stuck: Family::default(),
            oldest_stuck: Seconds::default(),
            recovery_lag: Seconds::default(),
            oldest_unknown_payment: Seconds::default(),
            webhook_lag: Seconds::default(),
            webhook_silence: Seconds::default(),
            connections: Family::default(),
            newer_records: Gauge::default(),
            unreadable_records: Gauge::default(),
            event_lag: Seconds::default(),
            personal_data_overdue: Seconds::default(),
            personal_data_kept,
        };
        registry.register("database_up", "Whether the database answered the latest reading", all.up.clone());
        let help = "Checkouts by status; finished ones are an estimate once there are many";
        registry.register("checkouts", help, all.checkouts.clone());
        registry.register(
            "stuck_checkouts",
            "Checkouts that need manual review, by reason",
            all.stuck.clone(),
        );
        let mut age = |name: &str, help: &str, gauge: &Seconds| {
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        };
        age(
            "oldest_stuck",
            "How long the oldest stuck checkout has been stuck; 0: none is",
            &all.oldest_stuck,
        );
        age("recovery_lag", "How long the longest overdue checkout waits for recovery", &all.recovery_lag);
        let help = "How long it has not been known whether a shopper was charged; 0: it is known of all";
        age("oldest_unknown_payment", help, &all.oldest_unknown_payment);
        let help =
            "From an event at BigCommerce to its webhook, the longest of the last five minutes; 0: none came";
        age("webhook_lag", help, &all.webhook_lag);
        age(
            "event_delivery_lag",
            "How long the oldest event waits for its delivery; 0: none does",
            &all.event_lag,
        );
        age("webhook_silence", "Since the last webhook; NaN: none ever came", &all.webhook_silence);
        let help = "For how long an ended checkout has held personal data beyond RETENTION_DAYS, the oldest; 0: none does";
        age("personal_data_overdue", help, &all.personal_data_overdue);
        let help = "Overdue checkouts that a newer version of the program wrote; this one leaves them alone";
        registry.register("newer_records", help, all.newer_records.clone());
        let help = "Checkouts that no running version can read; manual review is needed";
        registry.register("unreadable_records", help, all.unreadable_records.clone());
        let help = "Connections of this process to the database";
        registry.register("database_connections", help, all.connections.clone());
        all.show(&Vitals::default());
        all
    }

    /// Reads the database when the last reading is too old. Whoever comes meanwhile waits for it. Dropped half-way: the
    /// next one reads.
    pub(super) async fn refresh(&self) {
        self.show_connections();
        let mut read_at = self.read_at.lock().await;
        if read_at.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        let vitals = tokio::time::timeout(QUERY_TIMEOUT, self.db.vitals()).await;
        // Also after a failure: a database in trouble is not asked more often than one that is well.
        *read_at = Some(Instant::now());
        match &vitals {
            Ok(Ok(vitals)) => self.show(vitals),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the metrics could not be read from the database");
            }
            Err(_) => tracing::warn!("the database is too slow for the metrics"),
        }
        self.up.set(i64::from(matches!(vitals, Ok(Ok(_)))));
    }

    fn show(&self, vitals: &Vitals) {
        let count = |counts: &[(String, i64)], word: &str| {
            counts.iter().find(|(known, _)| known == word).map_or(0, |(_, count)| *count)
        };
        for status in Status::ALL.iter().map(|status| status.as_str()) {
            self.checkouts.get_or_create(&Standing { status }).set(count(&vitals.statuses, status));
        }
        for reason in StuckReason::ALL.iter().map(|reason| reason.as_str()) {
            self.stuck.get_or_create(&Reason { reason }).set(count(&vitals.stuck, reason));
        }
        let seconds = |value: Option<Duration>| value.unwrap_or_default().as_secs_f64();
        self.oldest_stuck.set(seconds(vitals.oldest_stuck));
        self.recovery_lag.set(vitals.recovery_lag.as_secs_f64());
        self.oldest_unknown_payment.set(seconds(vitals.oldest_unknown_payment));
        self.webhook_lag.set(seconds(vitals.webhook_lag));
        self.newer_records.set(vitals.newer_records);
        self.unreadable_records.set(vitals.unreadable_records);
        self.event_lag.set(seconds(vitals.event_lag));
        let overdue = vitals.oldest_personal_data.zip(self.personal_data_kept);
        self.personal_data_overdue.set(seconds(overdue.map(|(age, kept)| age.saturating_sub(kept))));
        self.webhook_silence.set(vitals.webhook_silence.map_or(f64::NAN, |since| since.as_secs_f64()));
    }

    fn show_connections(&self) {
        let (all, idle) = self.db.connections();
        let set = |state: &'static str, value: usize| {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.connections.get_or_create(&Connection { state }).set(value);
        };
        set("idle", idle);
        set("used", all.saturating_sub(idle));
    }
}
