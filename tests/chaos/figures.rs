//! What was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;

use crate::faults::{CALLS, KINDS};
use crate::replicas::Killed;

/// The sums over all batches.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) runs: u64,
    pub(crate) checkouts: u64,
    pub(crate) violations: u64,
    pub(crate) statuses: BTreeMap<String, u64>,
    pub(crate) stuck: BTreeMap<String, u64>,
    /// Cells that were planned, and how often each was reached.
    pub(crate) reached: BTreeMap<String, u64>,
    pub(crate) resumed_ms: Vec<u64>,
    /// Upstream calls of checkouts that met no fault and no kill, and of all.
    /// What others really did, by what it is.
    pub(crate) others: BTreeMap<String, u64>,
    pub(crate) calls: u64,
    pub(crate) charges: u64,
    pub(crate) orders: u64,
    pub(crate) surplus_orders: u64,
    pub(crate) gave_up: u64,
    pub(crate) restarts: u64,
    pub(crate) cuts: u64,
    pub(crate) driving: Duration,
    pub(crate) healing: Duration,
}

impl Figures {
    /// Adds how long checkouts of killed processes waited until another process resumed them.
    pub(crate) async fn resumed(&mut self, pool: &PgPool, kills: &[Killed]) -> Result<(), sqlx::Error> {
        for kill in kills {
            for (checkout, holder) in &kill.held {
                // A process that wrote anything later was not the one that was killed.
                let row = sqlx::query(
                    "select (select max(at) from attempt_log where process_id = $1 and at < now()) as last,
                        (select min(at) from attempt_log
                         where checkout_id = $2 and event = 'resumed' and at > $3) as resumed",
                )
                .bind(holder)
                .bind(checkout)
                .bind(kill.at)
                .fetch_one(pool)
                .await?;
                let last: Option<OffsetDateTime> = row.get("last");
                let resumed: Option<OffsetDateTime> = row.get("resumed");
                if last.is_some_and(|last| last > kill.at + Duration::from_millis(100)) {
                    continue;
                }
                if let Some(resumed) = resumed {
                    self.resumed_ms
                        .push(u64::try_from((resumed - kill.at).whole_milliseconds()).unwrap_or(0));
                }
            }
        }
        Ok(())
    }

    fn percentile(&self, percent: usize) -> Option<u64> {
        let mut sorted = self.resumed_ms.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len().checked_sub(1)? * percent).div_ceil(100)).copied()
    }

    /// Kinds and calls whose faults were never reached.
    fn unreached(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let met =
            |fits: &dyn Fn(&str) -> bool| self.reached.iter().any(|(cell, count)| *count > 0 && fits(cell));
        let kinds = KINDS.iter().map(|(_, kind)| *kind);
        let calls = CALLS.iter().map(|(_, call)| *call);
        (
            kinds.filter(|kind| !met(&|cell| cell.split(':').nth(1) == Some(kind))).collect(),
            calls.filter(|call| !met(&|cell| cell.split(':').next() == Some(call))).collect(),
        )
    }

    /// One line of JSON.
    pub(crate) fn json(&self, seed: u64, counts: [u64; 3]) -> Value {
        let (kinds, calls) = self.unreached();
        let met = self.reached.values().filter(|count| **count > 0).count();
        let faults: u64 = self.reached.values().sum();
        let seconds = self.driving.as_secs_f64().max(0.001);
        json!({
            "seed": seed, "runs": self.runs, "checkouts": self.checkouts, "violations": self.violations,
            "statuses": self.statuses, "stuck": self.stuck,
            "others": self.others, "faults": faults, "cells_reached": met, "cells_planned": self.reached.len(),
            "cells_possible": CALLS.len() * KINDS.len(),
            "unreached_kinds": kinds, "unreached_calls": calls,
            "kills": counts[0], "terminations": counts[1], "freezes": counts[2],
            "database_restarts": self.restarts, "connections_cut": self.cuts,
            "resumed_after_kill": self.resumed_ms.len(), "resume_p50_ms": self.percentile(50),
            "resume_p99_ms": self.percentile(99), "resume_max_ms": self.percentile(100),
            "calls_per_checkout": round(self.calls, self.checkouts),
            "orders": self.orders, "charges": self.charges, "surplus_orders_left": self.surplus_orders,
            "patience_ended": self.gave_up,
            "driving_s": round_to(self.driving.as_secs_f64()), "healing_s": round_to(self.healing.as_secs_f64()),
            "runs_per_s": round_to(f64::from(u32::try_from(self.runs).unwrap_or(u32::MAX)) / seconds),
        })
    }

    /// The same for a person.
    pub(crate) fn print(&self, seed: u64, counts: [u64; 3]) {
        let figures = self.json(seed, counts);
        println!(
            "\n{} runs with seed {seed}, {} checkouts: {} violations",
            self.runs, self.checkouts, self.violations
        );
        for name in [
            "statuses",
            "stuck",
            "others",
            "faults",
            "cells_reached",
            "cells_possible",
            "unreached_kinds",
            "unreached_calls",
            "kills",
            "terminations",
            "freezes",
            "database_restarts",
            "connections_cut",
            "resumed_after_kill",
            "resume_p50_ms",
            "resume_p99_ms",
            "resume_max_ms",
            "calls_per_checkout",
            "orders",
            "charges",
            "surplus_orders_left",
            "patience_ended",
            "driving_s",
            "healing_s",
            "runs_per_s",
        ] {
            println!("  {:<22} {}", name.replace('_', " "), figures[name]);
        }
        println!("{figures}");
    }
}

fn round(sum: u64, count: u64) -> f64 {
    let (sum, count) =
        (u32::try_from(sum).unwrap_or(u32::MAX), u32::try_from(count.max(1)).unwrap_or(u32::MAX));
    round_to(f64::from(sum) / f64::from(count))
}

fn round_to(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
