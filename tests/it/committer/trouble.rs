//! Rows that cannot be written, locks, connections that break, callers who go, and the end of the process.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use futures::poll;
use headless_checkout::checkout::{Checkout, Event};
use headless_checkout::db::{Claim, Db, Error, Hold, Transition};
use tokio_util::sync::CancellationToken;

use super::{Bench, Groups, advance, binding, create, order, running, version};
use crate::harness::PATIENCE;

/// Something else goes wrong with each of them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Fine,
    FencedOut,
    OrderTaken,
    CartTaken,
    KeyBound,
}

async fn meet(db: &Db, claim: Claim, fate: Fate, n: i64) -> Result<Claim, Error> {
    let change = |checkout: &mut Checkout| match fate {
        Fate::OrderTaken => checkout.facts.order = Some(order(1)),
        Fate::CartTaken => checkout.facts.cart_id = Some("taken".to_owned()),
        _ => checkout.facts.order = Some(order(100 + n)),
    };
    let transition = Transition::new(claim.checkout(), Event::Advanced, Hold::Lease, change).expect("legal");
    // Bound when it was created.
    let key = (fate == Fate::KeyBound).then(|| binding("claimed-0", false));
    db.advance(claim, transition.bind(key)).await.map_err(|(_, error)| error)
}

/// Each with its fate, in one group; answers the sizes of the groups.
async fn meet_together(fates: &[Fate]) -> Vec<usize> {
    let bench = Bench::new().await;
    let (db, claims) = (bench.db.clone(), bench.claimed(fates.len() + 1).await);
    let plain = bench.plain();
    let mut claims = claims.into_iter();
    let owner = claims.next().expect("one more");
    let owner = advance(&plain, owner, |checkout| {
        checkout.facts.order = Some(order(1));
        checkout.facts.cart_id = Some("taken".to_owned());
    });
    let _owner = owner.await.expect("it has the order and the cart");
    let claims: Vec<Claim> = claims.collect();
    let ids: Vec<_> = claims.iter().map(|claim| claim.checkout().id).collect();
    for (id, _) in ids.iter().zip(fates).filter(|(_, fate)| **fate == Fate::FencedOut) {
        let taken_over =
            "update checkout set version = version + 1, fence = fence + 1 where checkout_id = $1";
        sqlx::query(taken_over).bind(id.uuid()).execute(&bench.database.pool).await.expect("taken over");
    }
    let work =
        claims.into_iter().zip(fates).zip(0_i64..).map(|((claim, &fate), n)| meet(&db, claim, fate, n));
    let (database, done, groups) = bench.together(work.collect()).await;
    for ((id, &fate), done) in ids.into_iter().zip(fates).zip(done) {
        let expected = match fate {
            Fate::Fine => done.is_ok(),
            Fate::FencedOut => matches!(done, Err(Error::Lost)),
            Fate::OrderTaken => matches!(done, Err(Error::OrderTaken)),
            Fate::CartTaken => matches!(done, Err(Error::CartTaken)),
            Fate::KeyBound => matches!(done, Err(Error::KeyBound)),
        };
        assert!(expected, "{fate:?}: {done:?}");
        let written = if matches!(fate, Fate::Fine | Fate::FencedOut) { 3 } else { 2 };
        assert_eq!(version(&database.pool, id).await, written, "{fate:?}");
        let logged: i64 = sqlx::query_scalar("select count(*) from attempt_log where checkout_id = $1")
            .bind(id.uuid())
            .fetch_one(&database.pool)
            .await
            .expect("a count");
        assert_eq!(logged, if fate == Fate::Fine { 2 } else { 1 }, "{fate:?}");
    }
    database.drop().await;
    groups
}

#[tokio::test]
async fn a_fenced_out_row_and_a_bound_key_fail_alone_and_cost_their_group_nothing() {
    use Fate::{FencedOut, Fine, KeyBound};
    let groups = meet_together(&[Fine, FencedOut, Fine, KeyBound, Fine]).await;
    assert_eq!(groups, [5], "the others are written with it");
}

#[tokio::test]
async fn a_row_that_breaks_a_constraint_fails_alone_and_its_neighbors_are_written() {
    use Fate::{CartTaken, FencedOut, Fine, KeyBound, OrderTaken};
    for bad in [OrderTaken, CartTaken] {
        let groups = meet_together(&[Fine, bad, Fine, FencedOut, KeyBound, Fine]).await;
        assert_eq!(groups, [6]);
    }
}

#[tokio::test]
async fn two_requests_with_one_key_in_one_group_make_one_checkout() {
    let bench = Bench::new().await;
    let db = bench.db.clone();
    let work = ["same", "other", "same"].map(|name| create(&db, name)).into_iter().collect();
    let (database, created, groups) = bench.together(work).await;
    assert!(matches!(created.as_slice(), [Ok(_), Ok(_), Err(Error::KeyBound)]), "{created:?}");
    assert_eq!(groups, [2, 1]);
    database.drop().await;
}

/// Ends the committer's connections, and says how many there were.
async fn cut(pool: &sqlx::PgPool) -> usize {
    let cut: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'headless-checkout committer'",
    )
    .fetch_all(pool)
    .await
    .expect("it is allowed");
    cut.into_iter().filter(|cut| *cut).count()
}

#[tokio::test]
async fn a_connection_that_is_cut_again_and_again_loses_nothing_that_was_answered() {
    let bench = Bench::new().await;
    let claims = bench.claimed(8).await;
    let Bench { database, db, committer, groups } = bench;
    let walk = async |mut claim: Claim| {
        for _ in 0..40 {
            let answered = advance(&db, claim, |_| {}).await.expect("it is written in the end");
            // Whatever was answered is there.
            let (id, known) = (answered.checkout().id, answered.checkout().version);
            assert_eq!(version(&database.pool, id).await, known);
            claim = answered;
        }
        claim.into_checkout()
    };
    let work = async {
        let walks = pin!(join_all(claims.into_iter().map(walk)));
        let cuts = pin!(async {
            let mut times = 0;
            while times < 5 {
                times += cut(&database.pool).await;
                tokio::task::yield_now().await;
            }
        });
        match select(walks, cuts).await {
            Either::Left(_) => panic!("all was written before the connection was cut five times"),
            Either::Right(((), walks)) => walks.await,
        }
    };
    let work = tokio::time::timeout(PATIENCE, running(committer, groups, work));
    for checkout in work.await.expect("it goes on") {
        assert_eq!(checkout.version, 42);
        let logged: Vec<i64> =
            sqlx::query_scalar("select version from attempt_log where checkout_id = $1 order by version")
                .bind(checkout.id.uuid())
                .fetch_all(&database.pool)
                .await
                .expect("rows");
        assert_eq!(logged, (2..=42).collect::<Vec<i64>>(), "each transition once");
    }
    database.drop().await;
}

#[tokio::test]
async fn a_checkout_that_somebody_holds_locked_delays_no_other() {
    let bench = Bench::new().await;
    let claims = bench.claimed(4).await;
    let Bench { database, db, committer, groups } = bench;
    let mut claims = claims.into_iter();
    let locked = claims.next().expect("four");
    let id = locked.checkout().id;
    let mut tx = database.pool.begin().await.expect("a transaction");
    sqlx::query("select from checkout where checkout_id = $1 for update")
        .bind(id.uuid())
        .execute(&mut *tx)
        .await
        .expect("it is locked");
    let work = async {
        let mut waits = pin!(advance(&db, locked, |_| {}));
        assert!(poll!(&mut waits).is_pending());
        let others = join_all(claims.map(|claim| advance(&db, claim, |_| {})));
        let others = match select(waits.as_mut(), pin!(others)).await {
            Either::Left(_) => panic!("what is locked was written"),
            Either::Right((others, _)) => others,
        };
        assert!(others.iter().all(Result::is_ok), "{others:?}");
        tx.rollback().await.expect("it is let go");
        waits.await.expect("it is written")
    };
    let work = tokio::time::timeout(PATIENCE, Box::pin(running(committer, groups, work)));
    assert_eq!(work.await.expect("nobody waits for long").checkout().version, 3);
    database.drop().await;
}

#[tokio::test]
async fn who_is_queued_when_the_process_stops_is_answered_and_who_comes_later_writes_alone() {
    let bench = Bench::new().await;
    let claims = bench.claimed(3).await;
    let Bench { database, db, mut committer, groups } = bench;
    let mut work = pin!(join_all(claims.into_iter().map(|claim| advance(&db, claim, |_| {}))));
    assert!(poll!(&mut work).is_pending());
    let stopping = CancellationToken::new();
    stopping.cancel();
    committer.run(&stopping, &*groups).await;
    let claims = work.await;
    assert!(claims.iter().all(Result::is_ok), "{claims:?}");
    assert_eq!(groups.sizes(), [3]);
    for claim in claims.into_iter().flatten() {
        let claim = advance(&db, claim, |_| {}).await.expect("it is written alone");
        assert_eq!(version(&database.pool, claim.checkout().id).await, 4);
    }
    assert_eq!(groups.sizes(), [3]);
    database.drop().await;
}

#[tokio::test]
async fn who_has_gone_before_the_turn_came_is_not_written() {
    let bench = Bench::new().await;
    let claims = bench.claimed(2).await;
    let Bench { database, db, committer, groups } = bench;
    let mut claims = claims.into_iter();
    let (goes, stays) = (claims.next().expect("two"), claims.next().expect("two"));
    let id = goes.checkout().id;
    let mut goes = Box::pin(advance(&db, goes, |_| {}));
    assert!(poll!(&mut goes).is_pending());
    drop(goes);
    let stays = Box::pin(running(committer, groups.clone(), advance(&db, stays, |_| {}))).await;
    assert_eq!(version(&database.pool, stays.expect("it is written").checkout().id).await, 3);
    assert_eq!(version(&database.pool, id).await, 2);
    assert_eq!(groups.sizes(), [1]);
    database.drop().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for() {
    let bench = Bench::new().await;
    let claims = bench.claimed(1).await;
    let Bench { database, db, committer, groups } = bench;
    // Nobody will ever answer what is queued here.
    let mut claims = claims.into_iter();
    let mut work = pin!(advance(&db, claims.next().expect("one"), |_| {}));
    assert!(poll!(&mut work).is_pending());
    drop(committer);
    let claim = tokio::time::timeout(Duration::from_secs(10), work).await.expect("it does not wait forever");
    assert_eq!(version(&database.pool, claim.expect("it is written alone").checkout().id).await, 3);
    assert!(Groups::sizes(&groups).is_empty());
    database.drop().await;
}
