//! The schema is ready to be split by checkout: what belongs to one carries its id in its primary key.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{Database, logs};

/// Tables that do not, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("_sqlx_migrations", "the schema itself; every part of a split database has its own"),
    (
        "payment_asked",
        "of a shopper or an address, which shop more than once; a hash, and forgotten after a day",
    ),
    ("ended_session", "of an operator: a session of the dashboard that was ended before its time"),
    (
        "payment_declined",
        "of a shopper, an address or a key, like payment_asked; forgotten once nothing of it counts",
    ),
    ("store_identity", "of a store: under which name its rows are kept"),
    ("process", "the processes of one database; they share the quotas of its stores"),
    (
        "webhook_event",
        "of a store: (scope, hash) tells a repetition before it is known whose it is, and most are nobody's",
    ),
    ("audit", "of all operators: one chain of hashes, which a row cannot leave"),
    ("audit_head", "the end of that chain"),
    ("bulk", "an operator's wish for many checkouts; what it does to each is in bulk_item"),
    ("order_action", "of an order, which need not be a checkout's; one at a time of each order of a store"),
];

/// What is unique beyond one checkout, and why. Where a database is split, these are what the split must respect: by
/// store they hold, by checkout they have to be held elsewhere.
const UNIQUE_BEYOND: &[(&str, &str)] = &[
    ("checkout_cart_one_alive", "one checkout of a cart"),
    ("checkout_order_one_owner", "an order is paid by one checkout"),
    ("idempotency_key_scope", "a key is bound to one request"),
];

async fn query(database: &Database, sql: &'static str) -> Vec<(String, String)> {
    sqlx::query_as(sql).fetch_all(&database.pool).await.expect("the catalog")
}

#[tokio::test]
async fn what_belongs_to_a_checkout_carries_its_id_in_its_primary_key() {
    logs::capture();
    let database = Database::create().await;
    let columns = query(
        &database,
        "select c.relname::text, coalesce(a.attname::text, '')
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         left join pg_index i on i.indrelid = c.oid and i.indisprimary
         left join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
         where n.nspname = 'public' and c.relkind in ('r', 'p')",
    )
    .await;
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, column) in columns {
        keys.entry(table).or_default().insert(column);
    }
    assert!(keys.len() > EXCEPTIONS.len());
    let without: BTreeSet<&str> = keys
        .iter()
        .filter(|(_, key)| !key.contains("checkout_id"))
        .map(|(table, _)| table.as_str())
        .collect();
    let expected: BTreeSet<&str> = EXCEPTIONS.iter().map(|(table, _)| *table).collect();
    assert_eq!(
        without, expected,
        "a primary key carries the checkout id, or there is a reason in EXCEPTIONS"
    );

    // Of the tables of a checkout, nothing else is unique without its id.
    let unique = query(
        &database,
        "select i.indexrelid::regclass::text, c.relname::text
         from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and i.indisunique and not exists (
             select from pg_attribute a
             where a.attrelid = c.oid and a.attnum = any(i.indkey) and a.attname = 'checkout_id')",
    )
    .await;
    let beyond: BTreeSet<&str> = unique
        .iter()
        .filter(|(_, table)| !expected.contains(table.as_str()))
        .map(|(index, _)| index.as_str())
        .collect();
    assert_eq!(
        beyond,
        UNIQUE_BEYOND.iter().map(|(index, _)| *index).collect(),
        "what spans checkouts is known"
    );

    // A reference stays within its checkout.
    let references = query(
        &database,
        "select k.conname::text, k.conrelid::regclass::text
         from pg_constraint k where k.contype = 'f' and not exists (
             select from pg_attribute a
             where a.attrelid = k.conrelid and a.attnum = any(k.conkey) and a.attname = 'checkout_id')",
    )
    .await;
    assert_eq!(references, [("bulk_item_bulk_id_fkey".to_owned(), "bulk_item".to_owned())]);
    database.drop().await;
}
