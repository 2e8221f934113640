//! What is written in groups is what would have been written alone.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use headless_checkout::checkout::{Answer, Checkout, Document, Event, StepName};
use headless_checkout::db::{Began, Claim, Db, Ended, Error, Hold, Outcome, Transition};
use serde_json::json;
use sqlx::PgPool;

use super::{Bench, TTL, advance, binding, checkout, create, key, order, running, version};
use crate::harness::{Database, PATIENCE};

#[tokio::test]
async fn what_is_wanted_at_the_same_time_is_one_commit() {
    let bench = Bench::new().await;
    let (db, claims) = (bench.db.clone(), bench.claimed(60).await);
    let work = claims.into_iter().map(|claim| advance(&db, claim, |_| {})).collect();
    let (database, claims, groups) = bench.together(work).await;
    for claim in claims {
        let claim = claim.expect("it is written");
        assert_eq!(version(&database.pool, claim.checkout().id).await, 3);
    }
    assert_eq!(groups, [60]);
    database.drop().await;
}

#[tokio::test]
async fn checkouts_that_begin_share_a_commit_with_those_that_go_on() {
    let bench = Bench::new().await;
    let (db, claims) = (bench.db.clone(), bench.claimed(5).await);
    let old = claims.into_iter().map(|claim| Box::pin(advance(&db, claim, |_| {})) as Going<'_>);
    let new = (0..5).map(|n| Box::pin(create(&db, ["a", "b", "c", "d", "e"][n])) as Going<'_>);
    let work = old.chain(new).collect();
    let (database, claims, groups) = bench.together(work).await;
    assert!(claims.iter().all(Result::is_ok), "{claims:?}");
    assert_eq!(groups, [10]);
    database.drop().await;
}

type Going<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Claim, Error>> + 'a>>;

#[tokio::test]
async fn one_at_a_time_is_never_held_back_for_a_group() {
    let Bench { database, db, committer, groups } = Bench::new().await;
    let work = async {
        let mut claim = create(&db, "alone").await.expect("it is created");
        for _ in 0..20 {
            claim = advance(&db, claim, |_| {}).await.expect("it is written");
        }
        claim.into_checkout()
    };
    let checkout = Box::pin(running(committer, groups.clone(), work)).await;
    assert_eq!(version(&database.pool, checkout.id).await, 22);
    assert_eq!(groups.sizes(), [1; 21]);
    database.drop().await;
}

#[tokio::test]
async fn of_two_transitions_of_one_checkout_the_first_is_written_and_the_second_is_lost() {
    let bench = Bench::new().await;
    let (db, claims) = (bench.db.clone(), bench.claimed(2).await);
    let transit = async |claim: &Claim, goes: &'static str| {
        let change = |checkout: &mut Checkout| checkout.facts.cart_id = Some(goes.to_owned());
        let transition = Transition::new(claim.checkout(), Event::Advanced, Hold::Lease, change);
        db.transit(transition.expect("legal")).await
    };
    let [one, other] = claims.as_slice() else { panic!("two") };
    let work = vec![transit(one, "first"), transit(one, "second"), transit(other, "other")];
    let (database, done, groups) = bench.together(work).await;
    let [first, second, other] = done.as_slice() else { panic!("three") };
    assert!(first.is_ok() && other.is_ok() && matches!(second, Err(Error::Lost)), "{done:?}");
    assert_eq!(groups, [2, 1], "the second waits for the next group, in which the first can be seen");
    let carts: Vec<String> = sqlx::query_scalar("select cart_id from checkout_content order by cart_id")
        .fetch_all(&database.pool)
        .await
        .expect("rows");
    assert_eq!(carts, ["first", "other"]);
    database.drop().await;
}

/// Everything that a transition can carry, on two checkouts at a time.
async fn tour(db: &Db, pool: &PgPool) {
    let began = |step| Some(Began { step, attempt: 1 });
    let ended = |step, outcome| {
        let (upstream_status, duration) = (Some(201), Duration::from_millis(12));
        Some(Ended { step, attempt: 1, outcome, upstream_status, duration, detail: json!({"a": "1.50"}) })
    };
    let created = (0..2).map(async |n| {
        let mut from = checkout();
        from.metadata = json!({"n": n}).as_object().cloned().unwrap_or_default().into();
        let transition = Transition::new(&from, Event::Claimed, Hold::Lease, |_| {}).expect("legal");
        let transition =
            transition.bind(Some(binding(&format!("tour-{n}"), false))).began(began(StepName::Cart));
        db.create(transition, [u8::try_from(n).unwrap_or(9); 32], TTL).await.expect("it is created")
    });
    let mut claims = join_all(created).await;
    for turn in 0_i64..3 {
        if turn == 2 {
            // What a webhook leaves behind on a checkout that is being worked on.
            sqlx::query("update checkout set hinted = true").execute(pool).await.expect("a hint");
        }
        claims = join_all(claims.into_iter().zip(0_i64..).map(async |(claim, n)| {
            let change = |checkout: &mut Checkout| {
                checkout.facts.cart_id = Some(format!("cart-{n}"));
                match turn {
                    0 => {
                        let document = json!({"cart": {"email": "jane@example.com"}, "grand_total": 10.50});
                        checkout.facts.document = Some(Document::of(&document));
                    }
                    1 => checkout.facts.order = Some(order(10 * n + 1)),
                    _ => {}
                }
            };
            let (event, hold) = match (turn, n) {
                (2, 0) => (Event::Deferred, Hold::Timer(Duration::from_secs(90))),
                (2, _) => (Event::Rested, Hold::Rest(Duration::from_secs(7230))),
                _ => (Event::Advanced, Hold::Lease),
            };
            let transition = Transition::new(claim.checkout(), event, hold, change).expect("legal");
            let transition = match turn {
                0 => transition
                    .ended(ended(StepName::Cart, Outcome::Succeeded))
                    .began(began(StepName::BillingAddress)),
                2 => transition
                    .ended(ended(StepName::Order, Outcome::Unknown))
                    .answer(Some((key(&format!("tour-{n}")), Answer::Done))),
                _ => transition,
            };
            db.advance(claim, transition).await.map_err(|(_, error)| error).expect("it is written")
        }))
        .await;
    }
    // The key of one is bound again, which takes its answer back.
    let rested = claims.pop().expect("two").into_checkout();
    let transition = Transition::new(&rested, Event::Claimed, Hold::Lease, |_| {}).expect("legal");
    let claim = db.claim(transition.bind(Some(binding("tour-1", true)))).await.expect("it is claimed");
    // An order dies, and another one takes its place.
    let died = |checkout: &mut Checkout| checkout.facts.abandoned_orders = vec![11, 15];
    let claim = advance(db, claim, died).await.expect("it is written");
    let _claim =
        advance(db, claim, |checkout| checkout.facts.order = Some(order(12))).await.expect("another");
}

/// Every row that a transition writes, but for what is different each time.
async fn rows(database: &Database) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for sql in [
        "select to_jsonb(c) - '{checkout_id,created_at,updated_at,due_at,expires_at,leased_by}'::text[]
            || jsonb_build_object('due_in', due_at - updated_at, 'leased', leased_by is not null,
                'expires_in', floor(extract(epoch from expires_at - created_at) / 60),
                'moved', updated_at > created_at)
         from checkout c join checkout_content using (checkout_id) order by cart_id",
        "select to_jsonb(c) - 'checkout_id' from checkout_content c order by cart_id",
        "select to_jsonb(l) - '{checkout_id,attempt_log_id,at,process_id}'::text[] || jsonb_build_object('cart', c.cart_id)
         from attempt_log l join checkout_content c using (checkout_id) order by c.cart_id, l.version",
        "select to_jsonb(o) - '{checkout_id,created_at,dead_at}'::text[]
            || jsonb_build_object('cart', c.cart_id, 'dead', dead_at is not null)
         from checkout_order o join checkout_content c using (checkout_id) order by c.cart_id, o.order_id",
        "select to_jsonb(k) - '{checkout_id,created_at}'::text[] || jsonb_build_object('cart', c.cart_id)
         from idempotency_key k join checkout_content c using (checkout_id) order by c.cart_id",
        "select to_jsonb(t) - '{checkout_id,created_at}'::text[] || jsonb_build_object('cart', c.cart_id)
         from checkout_token t join checkout_content c using (checkout_id) order by c.cart_id",
    ] {
        let found: Vec<serde_json::Value> =
            sqlx::query_scalar(sql).fetch_all(&database.pool).await.expect("rows");
        assert!(found.len() >= 2, "{found:?}");
        all.extend(found);
    }
    all
}

#[tokio::test]
async fn a_group_writes_what_each_would_have_written_alone() {
    let Bench { database, db, committer, groups } = Bench::new().await;
    Box::pin(running(committer, groups.clone(), tour(&db, &database.pool))).await;
    assert!(groups.sizes().iter().filter(|&&size| size == 2).count() == 4, "{:?}", groups.sizes());
    let alone = Bench::new().await;
    tour(&alone.plain(), &alone.database.pool).await;
    let (together, apart) = (rows(&database).await, rows(&alone.database).await);
    for (one, other) in together.iter().zip(&apart) {
        assert_eq!(one, other);
    }
    assert_eq!(together.len(), apart.len());
    // The tour went past what it is for.
    let waiting = together.iter().find(|row| row["status"] == "waiting").expect("one waits");
    assert_eq!((&waiting["due_in"], &waiting["hinted"]), (&json!("00:00:00"), &json!(false)), "{waiting}");
    assert!(
        together.iter().any(|row| row["dead"] == true) && together.iter().any(|row| row["dead"] == false)
    );
    database.drop().await;
    alone.database.drop().await;
}

#[tokio::test]
async fn fresher_readings_of_paid_orders_share_a_commit_and_are_not_logged() {
    let bench = Bench::new().await;
    let (db, plain, claims) = (bench.db.clone(), bench.plain(), bench.claimed(3).await);
    let paid = claims.into_iter().zip(1..).map(async |(claim, id)| {
        let change = |checkout: &mut Checkout| checkout.facts.order = Some(order(id));
        let transition = Transition::new(claim.checkout(), Event::Paid, Hold::None, change).expect("legal");
        let claim = plain.advance(claim, transition).await.map_err(|(_, error)| error);
        claim.expect("it is written").into_checkout()
    });
    let mut fresh = join_all(paid).await;
    for checkout in &mut fresh {
        checkout.facts.order.as_mut().expect("an order").payment_status = "captured".to_owned();
    }
    // One that moved meanwhile.
    fresh[2].version -= 1;
    let work = fresh.iter().map(|fresh| db.refresh_order(fresh)).collect();
    let (database, done, groups) = bench.together(work).await;
    assert_eq!(groups, [3]);
    let versions: Vec<Option<i64>> =
        done.into_iter().map(|done| done.expect("no failure").map(|checkout| checkout.version)).collect();
    assert_eq!(versions, [Some(4), Some(4), None]);
    let found: Vec<(i64, i64, Option<String>)> = sqlx::query_as(
        "select version, (select count(*) from attempt_log l where l.checkout_id = c.checkout_id),
            record #>> '{facts,order,payment_status}' from checkout c order by version, order_id",
    )
    .fetch_all(&database.pool)
    .await
    .expect("rows");
    let captured = || Some("captured".to_owned());
    assert_eq!(found, [(3, 2, Some(String::new())), (4, 2, captured()), (4, 2, captured())]);
    database.drop().await;
}

/// So many changes; a notification may tell of several.
async fn heard(listener: &mut sqlx::postgres::PgListener, changes: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < changes {
        let news = tokio::time::timeout(PATIENCE, listener.recv()).await.expect("in time").expect("news");
        heard.extend(news.payload().split(',').map(str::to_owned));
    }
    heard.sort();
    heard
}

#[tokio::test]
async fn who_waits_is_told_by_a_notification() {
    let bench = Bench::new().await;
    let mut listener =
        sqlx::postgres::PgListener::connect_with(&bench.database.pool).await.expect("it listens");
    listener.listen("checkout").await.expect("it listens");
    let (db, claims) = (bench.db.clone(), bench.claimed(3).await);
    let [one, other, third] = <[Claim; 3]>::try_from(claims).expect("three");
    // It goes on, and nobody elsewhere waits for that.
    let let_go = async |claim: Claim| {
        let rests = Hold::Rest(Duration::from_mins(1));
        let transition = Transition::new(claim.checkout(), Event::Rested, rests, |_| {}).expect("legal");
        db.advance(claim, transition).await.map_err(|(_, error)| error)
    };
    let mut expected = vec![format!("{} 3", one.checkout().id), format!("{} 3", other.checkout().id)];
    expected.sort();
    let work: Vec<Going<'_>> =
        vec![Box::pin(let_go(one)), Box::pin(advance(&db, third, |_| {})), Box::pin(let_go(other))];
    let (database, done, groups) = bench.together(work).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(groups, [3]);
    let heard = heard(&mut listener, 2).await;
    assert_eq!(heard, expected);
    drop(listener);
    database.drop().await;
}

#[tokio::test]
async fn who_comes_when_the_queue_is_full_waits_and_is_written() {
    let bench = Bench::new().await;
    let db = Arc::new(bench.db.clone());
    // More than the queue holds.
    let work = (0..1100)
        .map(|_| {
            let db = db.clone();
            async move {
                let from = checkout();
                let transition = Transition::new(&from, Event::Claimed, Hold::Lease, |_| {}).expect("legal");
                db.create(transition, [1; 32], TTL).await
            }
        })
        .collect();
    let (database, claims, groups) = bench.together(work).await;
    assert!(claims.iter().all(Result::is_ok));
    assert_eq!(groups.iter().sum::<usize>(), 1100);
    assert!(groups.len() <= 16 && groups.iter().all(|&size| size <= 256), "{groups:?}");
    let count: i64 =
        sqlx::query_scalar("select count(*) from checkout").fetch_one(&database.pool).await.expect("a count");
    assert_eq!(count, 1100);
    database.drop().await;
}

/// Statistics come late. Until then PostgreSQL knows nothing of tables that were empty a moment ago.
#[tokio::test]
async fn tables_that_grow_from_nothing_are_never_read_as_a_whole() {
    let Bench { database, db, committer, groups } = Bench::new().await;
    let mut off = database.pool.acquire().await.expect("a connection");
    for table in ["checkout", "idempotency_key", "checkout_order", "attempt_log", "checkout_token"] {
        let sql = format!("alter table {table} set (autovacuum_enabled = off)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *off).await.expect("no statistics");
    }
    drop(off);
    let (db, rounds, each) = (&db, 80, 10);
    let work = async {
        for round in 0..rounds {
            let walks = (0..each).map(async |n| {
                let claim = create(db, &format!("{round}-{n}")).await.expect("it is created");
                let id = i64::from(round * each + n);
                let claim = advance(db, claim, |checkout| checkout.facts.order = Some(order(id + 1_000)));
                let claim = claim.await.expect("it is written");
                let claim = advance(db, claim, |_| {}).await.expect("it is written");
                let transition = Transition::new(claim.checkout(), Event::Rested, Hold::Rest(TTL), |_| {});
                let answer = Some((key(&format!("{round}-{n}")), Answer::Done));
                let _ended = db.advance(claim, transition.expect("legal").answer(answer)).await;
            });
            join_all(walks).await;
        }
    };
    // Its connection ends with it, and tells what it read.
    Box::pin(running(committer, groups.clone(), work)).await;
    let read = async {
        loop {
            let read: i64 = sqlx::query_scalar(
                "select (select sum(seq_tup_read) from pg_stat_user_tables)::bigint
                    + (select sum(idx_tup_read) from pg_stat_user_indexes)::bigint",
            )
            .fetch_one(&database.pool)
            .await
            .expect("a count");
            if read > 0 {
                return read;
            }
        }
    };
    let read = tokio::time::timeout(PATIENCE, read).await.expect("it is told");
    let written = i64::from(rounds * each * 4);
    assert!(groups.sizes().iter().any(|&size| size > 4), "{:?}", groups.sizes());
    // Dead versions of rows are read as well, as long as nothing has cleared them away.
    assert!(read < 8 * written, "{read} rows were read to write {written}");
    database.drop().await;
}
