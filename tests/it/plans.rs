//! How PostgreSQL finds what the statements ask for, once the tables are large.
//!
//! Every statement is explained as it was described for the compiler (`.sqlx`), so that none is written twice here and a
//! new one is looked at without being named.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::harness::Database;

/// These grow with every checkout.
const LARGE: [&str; 10] = [
    "checkout",
    "checkout_content",
    "attempt_log",
    "checkout_order",
    "checkout_token",
    "idempotency_key",
    "webhook_event",
    "outbox",
    "delivery",
    "delivery_log",
];

/// What the hot path is made of, by words that only one statement has. All of it must be found.
const HOT: [&str; 12] = [
    "update checkout c set status = g.status", // a transition, alone or with others
    "for update skip locked ), claimed as",    // what is due
    "select extract(epoch from min(due_at) - now())", // when the next is
    "update checkout set due_at = now() + make_interval", // a lease is renewed
    "join checkout_content using (checkout_id) where checkout_id = any($1)", // checkouts
    "where principal = $1 and key = $2",       // a key
    "left join idempotency_key k on k.principal = $2 and k.key = $3", // both
    "from checkout_token where checkout_id = $1", // a token
    "from checkout_content where store = $1 and cart_id in ($5, lower($5)) union all", // what a webhook is about
    "select checkout_id from checkout_content where store = $1 and lower(cart_id) = lower($2)", // whose cart it is
    "update delivery_turn", // an event's turn
    "insert into attempt_log (checkout_id, event, fence, process_id, ended_step", // late evidence
];

/// What walks through a table, and why it may.
const WALKS: [(&str, &str); 7] = [
    ("delete from outbox o using old", "the janitor forgets old events, in batches and not often"),
    ("select status from checkout limit $1", "a bounded sample, for the metrics"),
    ("select status as name, count(*)", "an operator asks how many there are"),
    ("from outbox o left join delivery d", "an operator has events sent again"),
    ("select o.event_id, o.checkout_id, o.type as kind", "an operator lists events"),
    ("lower(email) = lower($1)", "a person asks for erasure: whatever quotes the address is looked for"),
    ("select distinct destination from delivery", "an operator lists events"),
];

const FILL: &str = "
    insert into checkout (checkout_id, store, flow, status, version, fence, order_id, record, created_at, expires_at,
        due_at, leased_by)
    select gen_random_uuid(), 'main', 'cart', case n % 100 when 0 then 'waiting' when 1 then 'running' else 'completed' end,
        9, 2, n, '{}', now() - make_interval(mins => n),
        now(), case when n % 100 < 2 then now() + make_interval(secs => n) end,
        case n % 100 when 1 then gen_random_uuid() end
    from generate_series(1, 30000) n;
    insert into checkout_content (checkout_id, store, cart_id, email, metadata, input)
    select checkout_id, store, 'cart-' || order_id, 'shopper-' || order_id || '@example.com', '{}', '{}' from checkout;
    insert into attempt_log (checkout_id, version, event, fence, process_id)
    select checkout_id, v, 'advanced', 1, gen_random_uuid() from checkout, generate_series(2, 4) v;
    insert into checkout_order (checkout_id, order_id, store) select checkout_id, order_id, store from checkout;
    insert into idempotency_key (checkout_id, principal, key, operation, fingerprint)
    select checkout_id, 'web', 'key-' || order_id, 'order', '' from checkout;
    insert into checkout_token (checkout_id, token_hash) select checkout_id, cart_id::bytea from checkout_content;
    insert into webhook_event (store, scope, hash, body, checkout_id, received_at)
    select store, 'store/order/statusUpdated', 'hash-' || order_id, '{}', checkout_id, created_at from checkout;
    insert into outbox (checkout_id, event_id, store, version, ordinal, type, at, data)
    select checkout_id, gen_random_uuid(), store, 9, 0, 'checkout.completed', created_at, '{}' from checkout;
    insert into delivery (checkout_id, event_id, destination, version, ordinal, state, queued_at, ended_at)
    select o.checkout_id, event_id, 'shop', o.version, ordinal, case order_id % 100 when 0 then 'pending' else 'delivered' end,
        at, case when order_id % 100 > 0 then at end
    from outbox o join checkout using (checkout_id);
    insert into delivery_log (checkout_id, event_id, destination, attempt, process_id, outcome, duration_ms)
    select checkout_id, event_id, destination, 1, gen_random_uuid(), 'delivered', 9 from delivery;
    insert into delivery_turn (checkout_id, destination) select checkout_id, destination from delivery where state = 'pending';
    analyze;";

/// Every statement of the service, and how many parameters it has.
fn statements() -> Vec<(String, usize)> {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx"))
        .expect("the described statements are there");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        let described: Value = serde_json::from_str(&text).expect("JSON");
        let query = described["query"].as_str().expect("a query").to_owned();
        let parameters = &described["describe"]["parameters"]["Left"];
        (query, parameters.as_array().map_or(0, Vec::len))
    };
    let all = files.map(read);
    // What begins a transaction has no plan.
    all.filter(|(query, _)| !query.trim_start().starts_with("set ")).collect()
}

fn squeezed(query: &str) -> String {
    let lines = query.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The tables that a statement walks through from end to end, whatever its parameters are.
async fn walked(connection: &mut PgConnection, query: &str, parameters: usize) -> BTreeSet<String> {
    let nulls = vec!["null"; parameters].join(", ");
    let arguments = if parameters == 0 { String::new() } else { format!("({nulls})") };
    connection.execute(AssertSqlSafe(format!("prepare explained as {query}"))).await.expect("it is prepared");
    let explain = format!("explain (format json) execute explained{arguments}");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {query}"));
    connection.execute("deallocate explained").await.expect("it is forgotten");
    let mut found = BTreeSet::new();
    collect(&plan, &mut found);
    found
}

fn collect(plan: &Value, found: &mut BTreeSet<String>) {
    match plan {
        Value::Object(node) => {
            if let (Some("Seq Scan"), Some(table)) =
                (plan["Node Type"].as_str(), plan["Relation Name"].as_str())
            {
                found.insert(table.to_owned());
            }
            node.values().for_each(|value| collect(value, found));
        }
        Value::Array(nodes) => nodes.iter().for_each(|node| collect(node, found)),
        _ => {}
    }
}

#[tokio::test]
async fn no_statement_walks_through_a_large_table_unless_it_has_to() {
    let database = Database::create().await;
    let url = database.url();
    let mut connection = PgConnection::connect(&url).await.expect("the database answers");
    connection.execute(sqlx::raw_sql(FILL)).await.expect("the tables are filled");
    // The plan that is kept, whatever the parameters are.
    connection.execute("set plan_cache_mode = force_generic_plan").await.expect("it is set");
    let (mut hot, mut walks, mut slow) = (BTreeSet::<&&str>::new(), BTreeSet::new(), Vec::new());
    let statements = statements();
    assert!(statements.len() > 50, "only {} statements were found", statements.len());
    for (query, parameters) in statements {
        let text = squeezed(&query);
        hot.extend(HOT.iter().filter(|words| text.contains(**words)));
        let mut tables = walked(&mut connection, &query, parameters).await;
        tables.retain(|table| LARGE.contains(&table.as_str()));
        match WALKS.iter().find(|(words, _)| text.contains(words)) {
            Some(walk) if !tables.is_empty() => drop(walks.insert(walk)),
            _ if tables.is_empty() => {}
            _ => slow.push(format!("{tables:?}: {text}")),
        }
    }
    assert!(slow.is_empty(), "these walk through large tables:\n{}", slow.join("\n"));
    let unseen: Vec<_> = HOT.iter().filter(|words| !hot.contains(*words)).collect();
    assert!(unseen.is_empty(), "not found: {unseen:?}");
    let needless: Vec<_> = WALKS.iter().filter(|walk| !walks.contains(walk)).collect();
    assert!(needless.is_empty(), "these do not have to walk any more: {needless:?}");
    connection.close().await.expect("it closes");
    database.drop().await;
}
