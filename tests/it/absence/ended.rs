//! A checkout that ends by itself, or because the shopper asks, was not paid elsewhere: a list that lags behind, an order that
//! still says Incomplete and a database that was put back to an earlier day are no proof of that.

use bigcommerce_simulator::{Deed, Hosted, Lag, Settings, Settlement};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{ordered, payment, sent};
use crate::bad_requests::direct_order;
use crate::harness::{Service, World, agreed, everything, good_card, run, run_with};
use crate::webhooks::tell;

/// How a checkout ends that nobody pays here.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It was idle for too long.
    Expires,
    /// The shopper cancels.
    Cancelled,
}

const ENDS: [End; 2] = [End::Expires, End::Cancelled];

async fn sql(world: &World, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&world.database.pool).await.expect("a statement");
}

async fn ends(world: &World, service: &Service, path: &str, end: End) {
    match end {
        End::Expires => {
            let id = path.rsplit('/').next().expect("an id");
            let idle =
                format!("update checkout set expires_at = now(), due_at = now() where checkout_id = '{id}'");
            sql(world, &idle).await;
        }
        End::Cancelled => drop(service.delete(path).await),
    }
}

async fn ended(service: &Service, path: &str) -> Value {
    let over = |now: &Value| {
        ["completed", "cancelled", "expired", "stuck"].iter().any(|status| now["status"] == **status)
    };
    service.wait_until(path, "at its end", over).await
}

async fn cart_of(service: &Service, path: &str) -> String {
    service.get(path).await.expect(200).body["cart"]["id"].as_str().expect("a cart").to_owned()
}

/// Orders are listed this many milliseconds after they were made.
fn lagging(ms: u64) -> Settings {
    Settings { order_lookup_lag: Lag { reads: 0, ms }, ..Settings::default() }
}

/// It was paid by the order of that number, and says so.
#[track_caller]
fn paid_by(world: &World, snapshot: &Value, order: u64) {
    assert_eq!(snapshot["status"], "completed", "{snapshot:#}");
    assert_eq!(snapshot["order"]["id"].as_u64(), Some(order), "{snapshot:#}");
    assert_eq!(snapshot["payment"]["status"], "succeeded", "{snapshot:#}");
    assert_eq!(snapshot["payment"]["safe_to_pay_again"], false, "{snapshot:#}");
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.charges.len(), 1, "{:#?}", ledger.charges);
    let there = ledger.orders.iter().find(|one| one.id == order).expect("the order");
    assert!(there.status_id != 5 && !there.archived, "what was paid is not undone: {there:#?}");
}

#[tokio::test]
async fn what_was_paid_on_the_page_does_not_expire_while_the_list_lags_behind() {
    for (handed_over, with_order) in [(true, false), (true, true), (false, false), (false, true)] {
        run_with(World::with(lagging(2_000)).await, async |world, service| {
            let path =
                if with_order { ordered(service).await.0 } else { service.create(&everything()).await };
            if handed_over {
                service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
            }
            let cart = cart_of(service, &path).await;
            let there = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
            ends(world, service, &path, End::Expires).await;
            paid_by(world, &ended(service, &path).await, there);
        })
        .await;
    }
}

/// The money and the status of our own order show late: the cart is gone, and that is the witness.
#[tokio::test]
async fn an_order_that_others_paid_is_not_cancelled_before_bigcommerce_shows_it() {
    for end in ENDS {
        let lag = Lag { reads: 0, ms: 1_500 };
        let settings = Settings { status_lag: lag, transactions_lag: lag, ..Settings::default() };
        run_with(World::with(settings).await, async |world, service| {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.does_to_order("teststore", order, Deed::PayOrder));
            ends(world, service, &path, end).await;
            paid_by(world, &ended(service, &path).await, order);
        })
        .await;
    }
}

/// Pending is a word: what holds no money is cancelled, and what is paid is not.
#[tokio::test]
async fn an_order_that_is_pending_already_is_judged_by_its_money_before_it_is_cancelled() {
    for end in ENDS {
        run(async |world, service| {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.does_to_order("teststore", order, Deed::MarkPending));
            ends(world, service, &path, end).await;
            let snapshot = ended(service, &path).await;
            let expected = if matches!(end, End::Expires) { "expired" } else { "cancelled" };
            assert_eq!(snapshot["status"], expected, "{end:?}: {snapshot:#}");
            assert_eq!(world.simulator.ledger().orders[0].status_id, 5);
        })
        .await;
        run(async |world, service| {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.take_payment(order, Hosted::Paid));
            assert!(world.simulator.does_to_order("teststore", order, Deed::MarkPending));
            ends(world, service, &path, end).await;
            paid_by(world, &ended(service, &path).await, order);
        })
        .await;
        run(async |world, service| {
            world.simulator.set(|settings| settings.pending_settle_reads = 1_000);
            let (path, order) = ordered(service).await;
            assert!(world.simulator.take_payment(order, Hosted::Pending));
            ends(world, service, &path, end).await;
            let stuck = ended(service, &path).await;
            assert_eq!(stuck["stuck"]["reason"], "cancel-found-paid", "{end:?}: {stuck:#}");
            assert_ne!(world.simulator.ledger().orders[0].status_id, 5);
            // Once it has settled nobody has to be asked any more.
            assert!(world.simulator.settle(order, Settlement::Success));
            tell(service, order, "settled").await;
            let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            paid_by(world, &done, order);
            assert_eq!(done["stuck"], Value::Null, "{done:#}");
        })
        .await;
    }
}

/// Puts every table aside, or back.
async fn back_up(world: &World, restore: bool) {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, string_agg(quote_ident(column_name), ', ' order by ordinal_position)
         from information_schema.columns join information_schema.tables using (table_schema, table_name)
         where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER'
             and table_name not like '%migrations' group by 1",
    )
    .fetch_all(&world.database.pool)
    .await
    .expect("the tables");
    let mut text = String::from(
        "begin; set local session_replication_role = replica; create schema if not exists aside;",
    );
    for (table, columns) in tables {
        let (there, aside) = (format!("public.{table}"), format!("aside.{table}"));
        let moved = if restore {
            [
                "delete from ",
                &there,
                "; insert into ",
                &there,
                " (",
                &columns,
                ") overriding system value select ",
                &columns,
                " from ",
                &aside,
            ]
            .concat()
        } else {
            ["create table ", &aside, " as select ", &columns, " from ", &there].concat()
        };
        text.extend([&moved, ";"]);
    }
    sql(world, &(text + "commit;")).await;
}

/// Our database was put back to before the order, which was made and paid here: BigCommerce knows, and we do not.
#[tokio::test]
async fn what_was_paid_before_a_backup_was_restored_neither_expires_nor_is_paid_again() {
    for lag in [0, 2_000] {
        for end in [Some(End::Expires), Some(End::Cancelled), None] {
            let world = World::with(lagging(lag)).await;
            let service = world.start().await;
            let path = service.create(&everything()).await;
            service.stop().await;
            back_up(&world, false).await;
            let service = world.start().await;
            let done =
                service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await;
            let order = done.expect(200).body["order"]["id"].as_u64().expect("an order");
            service.stop().await;
            back_up(&world, true).await;

            let service = world.start().await;
            assert_eq!(service.get(&path).await.expect(200).body["status"], "awaiting_input");
            match end {
                Some(end) => ends(&world, &service, &path, end).await,
                None => drop(
                    service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await,
                ),
            }
            let snapshot =
                service.wait_until(&path, "at its end", |now| now["status"] != "awaiting_input").await;
            drop(snapshot);
            paid_by(&world, &ended(&service, &path).await, order);
            assert_eq!(sent(&world, "process-payment"), 1, "{end:?}: nothing was sent again");
            let again = service.post(&format!("{path}/payment"), &payment()).await.expect(409);
            assert_eq!(again.problem(), "checkout-closed");
            service.stop().await;
            world.finish().await;
        }
    }
}

/// A direct order has no cart that could say so as well: the look after the end finds it, and a person decides whether it is
/// shipped or refunded.
#[tokio::test]
async fn a_direct_order_that_others_paid_is_for_a_person_once_its_payment_shows() {
    for end in ENDS {
        run_with(World::hasty().await, async |world, service| {
            let lag = Lag { reads: 1, ms: 0 };
            world.simulator.set(|settings| (settings.status_lag, settings.transactions_lag) = (lag, lag));
            let created = service.post("/v1/direct-orders", &direct_order()).await.expect(201);
            let path = format!("/v1/checkouts/{}", created.id());
            let order = world.simulator.ledger().orders[0].id;
            assert!(world.simulator.take_payment(order, Hosted::Paid));
            ends(world, service, &path, end).await;
            let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
            assert_eq!(stuck["stuck"]["reason"], "cancel-found-paid", "{stuck:#}");
            assert_eq!(world.simulator.ledger().charges.len(), 1);
        })
        .await;
    }
}
