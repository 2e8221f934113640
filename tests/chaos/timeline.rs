//! The timeline of one checkout: what the attempt log, the simulator and the ledger know of it.

use std::fmt::Write as _;

use bigcommerce_simulator::Ledger;
use sqlx::{PgPool, Row as _};

use crate::Chaos;

/// As text, for a person.
pub(crate) async fn of(chaos: &Chaos, ledger: &Ledger, checkout: &str) -> String {
    let mut text = String::new();
    if let Err(error) = attempts(&chaos.world.database.pool, checkout, &mut text).await {
        let _ = writeln!(text, "    the attempt log cannot be read: {error}");
    }
    for request in chaos.world.simulator.requests() {
        if request.correlation_id.as_deref() == Some(checkout) {
            let fault = request.fault.as_deref().unwrap_or("-");
            let _ = writeln!(
                text,
                "    upstream {:>6} {:<22} {:>3} {fault}",
                request.sequence, request.call, request.status
            );
        }
    }
    let ours = |id: &Option<String>| id.as_deref() == Some(checkout);
    for order in ledger.orders.iter().filter(|order| ours(&order.correlation_id)) {
        let (id, status, payment) = (order.id, order.status_id, &order.payment_status);
        let _ = writeln!(
            text,
            "    order {id}: status {status} {payment:?}, total {}, archived {}",
            order.total, order.archived
        );
    }
    for attempt in ledger.attempts.iter().filter(|attempt| ours(&attempt.correlation_id)) {
        let _ = writeln!(text, "    paid order {}: {} {:?}", attempt.order_id, attempt.outcome, attempt.code);
    }
    for charge in ledger.charges.iter().filter(|charge| ours(&charge.correlation_id)) {
        let _ =
            writeln!(text, "    charged {} for order {}: {}", charge.amount, charge.order_id, charge.state);
    }
    text
}

async fn attempts(pool: &PgPool, checkout: &str, text: &mut String) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "select to_char(at, 'HH24:MI:SS.MS') as at, coalesce(version::text, '-') as version, fence, event,
            right(process_id::text, 4) as process,
            coalesce(ended_step || ' #' || ended_attempt || ' ' || outcome, '') as ended,
            coalesce(began_step || ' #' || began_attempt, '') as began, coalesce(detail::text, '') as detail
         from attempt_log where checkout_id::text = $1 order by attempt_log_id",
    )
    .bind(checkout)
    .fetch_all(pool)
    .await?;
    for row in rows {
        let get = |name: &str| row.get::<String, _>(name);
        let fence: i64 = row.get("fence");
        let _ = writeln!(
            text,
            "    {} v{} f{fence} {} {:<16} {} {}{}",
            get("at"),
            get("version"),
            get("process"),
            get("event"),
            get("ended"),
            if get("began").is_empty() { String::new() } else { format!("-> {}", get("began")) },
            if get("detail").is_empty() { String::new() } else { format!(" {}", get("detail")) },
        );
    }
    let state: Option<String> = sqlx::query_scalar(
        "select status || ' ' || coalesce(stuck_reason, '') || ' ' || coalesce(record ->> 'stuck', '')
            || ' due ' || coalesce(due_at::text, '-') from checkout where checkout_id::text = $1",
    )
    .bind(checkout)
    .fetch_optional(pool)
    .await?;
    let _ = writeln!(text, "    now: {}", state.unwrap_or_else(|| "not in the database".to_owned()));
    Ok(())
}
