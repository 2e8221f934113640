//! Whether a transition renews the lease under which it is written.

use std::time::Duration;

use time::OffsetDateTime;

use super::{LEASE, advance, create};
use crate::harness::Database;
use headless_checkout::checkout::CheckoutId;
use headless_checkout::db::Db;

/// The end of the lease, and when the checkout last changed.
async fn times(database: &Database, id: CheckoutId) -> (OffsetDateTime, OffsetDateTime) {
    sqlx::query_as("select due_at, updated_at from checkout where checkout_id = $1")
        .bind(id.uuid())
        .fetch_one(&database.pool)
        .await
        .expect("a row")
}

#[tokio::test]
async fn a_lease_that_is_long_enough_stays_as_it_is() {
    let database = Database::create().await;
    let db = Db::new(database.pool.clone(), LEASE).renewing_at(Duration::ZERO);
    let claim = create(&db, "one").await.expect("it is created");
    let before = times(&database, claim.checkout().id).await;
    let claim = advance(&db, claim, |_| {}).await.expect("it is written");
    assert_eq!(times(&database, claim.checkout().id).await, before);
    assert_eq!(claim.checkout().updated_at, before.1, "what is held is what is stored");
    database.drop().await;
}

#[tokio::test]
async fn a_lease_that_a_call_may_outlive_is_renewed() {
    let database = Database::create().await;
    let db = Db::new(database.pool.clone(), LEASE).renewing_at(LEASE);
    let claim = create(&db, "one").await.expect("it is created");
    let before = times(&database, claim.checkout().id).await;
    let claim = advance(&db, claim, |_| {}).await.expect("it is written");
    let after = times(&database, claim.checkout().id).await;
    assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
    database.drop().await;
}
