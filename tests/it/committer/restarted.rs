//! A committer that panics: everybody is answered, and it can be run again with what queues meanwhile.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, join_all, select};
use futures::poll;
use headless_checkout::db::{CommitObserver, Error};
use tokio_util::sync::CancellationToken;

use super::{Bench, advance, create, running, version};
use crate::harness::PATIENCE;

/// Panics when the first group was written, before anybody in it is answered.
struct Panics;

impl CommitObserver for Panics {
    fn waited(&self, _wait: Duration) {}

    fn committed(&self, _size: usize, _took: Duration) {
        panic!("as a library does on input that it does not expect");
    }
}

#[tokio::test]
async fn who_was_in_its_group_looks_and_is_not_written_twice() {
    let bench = Bench::new().await;
    let claims = bench.claimed(3).await;
    let Bench { database, db, mut committer, groups } = bench;
    let work = async {
        let mut work = pin!(join_all(claims.into_iter().map(|claim| advance(&db, claim, |_| {}))));
        assert!(poll!(&mut work).is_pending());
        let ended = AssertUnwindSafe(committer.run(&CancellationToken::new(), &Panics)).catch_unwind().await;
        assert!(ended.is_err(), "it panicked");
        let claims = match select(work, pin!(committer.stand_in())).await {
            Either::Left((claims, _)) => claims,
            Either::Right((never, _)) => match never {},
        };
        for claim in claims {
            let claim = claim.expect("it is written");
            assert_eq!(version(&database.pool, claim.checkout().id).await, 3, "once");
        }
    };
    tokio::time::timeout(PATIENCE, work).await.expect("nobody waits for what does not run");
    // The same queue, the same callers.
    let work = join_all(["one", "two"].map(async |name| create(&db, name).await));
    let again = Box::pin(running(committer, groups.clone(), work)).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
    assert_eq!(groups.sizes().iter().sum::<usize>(), 2, "written by it");
    database.drop().await;
}

#[tokio::test]
async fn who_waited_for_the_next_group_writes_alone_while_it_is_down() {
    let bench = Bench::new().await;
    let Bench { database, db, mut committer, .. } = bench;
    let work = async {
        let mut work = pin!(join_all(["same", "other", "same"].map(async |name| create(&db, name).await)));
        assert!(poll!(&mut work).is_pending());
        let ended = AssertUnwindSafe(committer.run(&CancellationToken::new(), &Panics)).catch_unwind().await;
        assert!(ended.is_err(), "it panicked");
        let mut stands_in = pin!(committer.stand_in());
        assert!(poll!(&mut stands_in).is_pending());
        let created = match select(work, stands_in.as_mut()).await {
            Either::Left((created, _)) => created,
            Either::Right((never, _)) => match never {},
        };
        let [Err(Error::Database(_)), Err(Error::Database(_)), Err(Error::KeyBound)] = created.as_slice()
        else {
            panic!("not known, not known, and alone: {created:?}")
        };
        let late = match select(pin!(create(&db, "late")), stands_in).await {
            Either::Left((late, _)) => late,
            Either::Right((never, _)) => match never {},
        };
        assert!(late.is_ok(), "{late:?}");
    };
    tokio::time::timeout(PATIENCE, work).await.expect("nobody waits for what does not run");
    let there: i64 =
        sqlx::query_scalar("select count(*) from checkout").fetch_one(&database.pool).await.expect("a count");
    assert_eq!(there, 3, "two of the group, and the one that came later");
    database.drop().await;
}

#[tokio::test]
async fn who_is_queued_when_it_ends_while_it_is_down_writes_alone() {
    let bench = Bench::new().await;
    let Bench { database, db, mut committer, .. } = bench;
    let mut work = pin!(join_all(["one", "two"].map(async |name| create(&db, name).await)));
    assert!(poll!(&mut work).is_pending());
    committer.close();
    let created = tokio::time::timeout(PATIENCE, work).await.expect("nobody waits for what does not run");
    assert!(created.iter().all(Result::is_ok), "{created:?}");
    let late = create(&db, "three").await;
    assert!(late.is_ok(), "who comes later writes alone as well: {late:?}");
    database.drop().await;
}
