//! What holds after every run, read from the simulator's ledger, the database and the logs.

use std::collections::{BTreeMap, BTreeSet};

use bigcommerce_simulator::Charge;
use headless_checkout::checkout::{Event, Status, next};
use rust_decimal::Decimal;
use sqlx::Row as _;

use super::{World, logs};

/// Texts that must be in no row and in no log line: card numbers, verification values of the tests, secrets.
const SECRETS: &[&str] = &[
    "4111111111111111",
    "bigcommerce-token-of-the-tests",
    "storefront-key-of-the-tests",
    "operator-token-of-the-tests",
    "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee",
    "eyJ",
    "ZXZlbnQtc2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIz",
    "\"ct_",
];

/// Checks them all.
pub(crate) async fn check(world: &World) {
    money(world).await;
    refunds(world).await;
    rest(world).await;
    replay(world).await;
    deliveries(world).await;
    secrets(world).await;
}

/// Guarantee 1: one paid order and one charge for each checkout, and the amount of the order.
async fn money(world: &World) {
    let ledger = world.simulator.ledger();
    assert!(ledger.mass_archives.is_empty(), "all orders of a store were archived");
    let mut paid: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut charges: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut returned: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut totals: BTreeMap<String, BTreeMap<u64, Decimal>> = BTreeMap::new();
    // What the shopper paid in another place as well, and was given back.
    let ours: Vec<i64> = sqlx::query_scalar("select order_id from checkout_order")
        .fetch_all(&world.database.pool)
        .await
        .expect("rows");
    let ours = |order: u64| i64::try_from(order).is_ok_and(|order| ours.contains(&order));
    let given_back = |charge: &Charge| charge.state == "refunded" && !ours(charge.order_id);
    let others = world.others.lock().expect("nobody panicked with it").clone();
    // What was accepted and later settled as declined took no money.
    for charge in ledger.charges.iter().filter(|charge| charge.holds_money() && !given_back(charge)) {
        let order =
            ledger.orders.iter().find(|order| order.id == charge.order_id && order.store == charge.store);
        let order = order.expect("a charge is for an order");
        let owner = order.correlation_id.clone().unwrap_or_default();
        if others.contains(&owner) {
            continue;
        }
        paid.entry(owner.clone()).or_default().insert(order.id);
        totals.entry(owner.clone()).or_default().insert(order.id, order.total);
        *charges.entry(owner.clone()).or_default() += charge.amount;
        *returned.entry(owner).or_default() += charge.refunded;
    }
    for (checkout, orders) in &paid {
        assert_eq!(orders.len(), 1, "checkout {checkout} paid several orders: {orders:?}");
        let total: Decimal = totals.get(checkout).into_iter().flat_map(BTreeMap::values).sum();
        let back = returned.get(checkout).copied().unwrap_or_default();
        let sum = charges.get(checkout).copied().unwrap_or_default() - back;
        assert!(sum <= total, "checkout {checkout} was charged {sum}, more than {total}");
    }
    // What was authorized, and let go by an operator afterwards.
    let voided: Vec<i64> = sqlx::query_scalar(
        "select order_id from order_action where kind = 'void' and status in ('done', 'sending', 'unknown')",
    )
    .fetch_all(&world.database.pool)
    .await
    .expect("rows");
    let voided = |order: u64| i64::try_from(order).is_ok_and(|order| voided.contains(&order));
    let let_go: BTreeSet<String> = ledger
        .charges
        .iter()
        .filter(|charge| charge.state == "voided" && voided(charge.order_id))
        .filter_map(|charge| {
            let mut orders = ledger.orders.iter();
            orders.find(|order| order.id == charge.order_id && order.store == charge.store)
        })
        .filter_map(|order| order.correlation_id.clone())
        .collect();
    // What is called completed was charged, and what was charged is known to be, or to be in doubt.
    let rows = sqlx::query("select checkout_id::text, status, record::text from checkout")
        .fetch_all(&world.database.pool)
        .await
        .expect("rows");
    for row in rows {
        let (id, status, record): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let has_paid = charges.contains_key(&id);
        let record: serde_json::Value = serde_json::from_str(&record).expect("a record");
        let costs = record["facts"]["order"]["total"].to_string();
        let free = costs.trim_matches(['0', '.']).is_empty();
        if status == "completed" && !free && !others.contains(&id) {
            assert!(has_paid || let_go.contains(&id), "checkout {id} is completed, but was not charged");
            // The sum of what was taken is what the order costs, whatever was given back afterwards; nor is more held (above).
            let total: Decimal = totals.get(&id).into_iter().flat_map(BTreeMap::values).sum();
            let sum = charges.get(&id).copied().unwrap_or_default();
            assert!(sum >= total, "checkout {id} is completed with {sum} of {total}");
        }
        if has_paid {
            let known = record["facts"]["payment"]["status"].as_str().unwrap_or_default();
            assert!(
                matches!(
                    known,
                    "succeeded" | "unknown" | "processing" | "pending" | "partially_paid" | "given_back"
                ) || !record["facts"]["parts"].is_null(),
                "checkout {id} was charged, but its payment is {known:?}"
            );
        }
    }
}

/// What an operator asked for once was paid back at most once, and what was paid back here was asked for.
async fn refunds(world: &World) {
    let ledger = world.simulator.ledger();
    let mut marks: BTreeMap<&str, usize> = BTreeMap::new();
    for refund in &ledger.refunds {
        if let Some((_, mark)) = refund.reason.rsplit_once('[') {
            *marks.entry(mark.trim_end_matches(']')).or_default() += 1;
        }
    }
    for (mark, times) in marks {
        assert_eq!(times, 1, "action {mark} paid back {times} times");
        let status: Option<String> =
            sqlx::query_scalar("select status from order_action where order_action_id::text = $1")
                .bind(mark)
                .fetch_optional(&world.database.pool)
                .await
                .expect("a row");
        let status = status.unwrap_or_else(|| panic!("a refund of nobody: {mark}"));
        assert!(
            matches!(status.as_str(), "done" | "sending" | "unknown"),
            "{mark} paid back, but is {status}"
        );
    }
}

/// Guarantee 5: everything is at rest, or has a lease or a timer (the constraints of the table); here: no lease is left.
async fn rest(world: &World) {
    let held: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', checkout_id, status, step, 'due ' || due_at, 'changed ' || updated_at, 'after ' ||
            (select string_agg(event || ' ' || at, ', ' order by at) from attempt_log l where l.checkout_id = c.checkout_id))
         from checkout c where leased_by is not null",
    )
    .fetch_all(&world.database.pool)
    .await
    .expect("rows");
    assert!(held.is_empty(), "leases are left: {held:?}");
}

/// Replaying the attempt log gives the stored status.
async fn replay(world: &World) {
    let rows = sqlx::query(
        "select c.checkout_id::text, c.status, array_agg(l.event order by l.attempt_log_id) filter (where l.version is not null)
         from checkout c left join attempt_log l using (checkout_id) group by 1, 2",
    )
    .fetch_all(&world.database.pool)
    .await
    .expect("rows");
    for row in rows {
        let (id, stored): (String, String) = (row.get(0), row.get(1));
        let events: Option<Vec<String>> = row.get(2);
        let replayed = events.unwrap_or_default().iter().fold(Status::AwaitingInput, |status, event| {
            let event: Event = event.parse().unwrap_or_else(|_| panic!("{id}: event {event}"));
            next(status, event).unwrap_or_else(|error| panic!("{id}: {error}"))
        });
        assert_eq!(replayed.as_str(), stored, "{id}");
    }
}

/// Nothing that waits to be delivered is forgotten: it has a turn.
async fn deliveries(world: &World) {
    let forgotten: Vec<String> = sqlx::query_scalar(
        "select d.event_id::text from delivery d where d.state = 'pending' and not exists (
             select from delivery_turn t where t.destination = d.destination and t.checkout_id = d.checkout_id)",
    )
    .fetch_all(&world.database.pool)
    .await
    .expect("rows");
    assert!(forgotten.is_empty(), "no turn comes for {forgotten:?}");
}

/// Guarantee 9.
async fn secrets(world: &World) {
    let mut rows = String::new();
    for table in [
        "checkout",
        "attempt_log",
        "checkout_order",
        "idempotency_key",
        "checkout_token",
        "late_look",
        "outbox",
        "delivery_log",
        "audit",
        "bulk",
        "bulk_item",
        "order_action",
    ] {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&world.database.pool)
            .await
            .expect("a table");
        rows.push_str(&text);
    }
    for secret in SECRETS {
        assert!(!rows.contains(secret), "a row holds {secret}");
        assert!(!logs::contain(secret), "a log line holds {secret}");
    }
}
