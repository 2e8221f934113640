//! Each reason, made by a fault of the simulator, and its way out, through each door.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bigcommerce_simulator::{Effect, Fault, Hosted, Kind, Settlement, magic_card};
use headless_checkout::ops::{Action, Assertion, StuckReason};
use reqwest::Method;
use serde_json::json;

use super::doors::through_each_door;
use super::{Denied, Done, act, case, ordered, stuck, until, upstream, world};
use crate::harness::{PATIENCE, Service, World, agreed, card, custom_cart, everything, good_card, run_with};
use crate::orders::{ask, get, refund_of};

fn charges(world: &World) -> (usize, usize) {
    let ledger = world.simulator.ledger();
    let open = ledger.orders.iter().filter(|order| !order.archived && order.status_id != 5).count();
    (open, ledger.charges.len())
}

async fn pay(service: &Service, path: &str) {
    service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
}

/// What must not be done, and why.
async fn refused(service: &Service, path: &str, action: &Action, guard: &str) -> Denied {
    let before = case(service, path).await.checkout().version;
    let refused = act(service, path, action).await.expect_err("it is refused");
    assert_eq!(refused.name(), guard, "{refused}");
    assert_eq!(case(service, path).await.checkout().version, before, "what is refused changes nothing");
    refused
}

fn resolve(finding: Assertion) -> Action {
    Action::Resolve(finding)
}

#[test]
fn no_reason_is_left_out() {
    let here = concat!(include_str!("reasons.rs"), include_str!("paid_twice.rs"), include_str!("surplus.rs"));
    for reason in StuckReason::ALL {
        let made = here.contains(&format!("\"{reason}\")")) || *reason == StuckReason::PaymentConfiguration;
        assert!(made, "{reason} never happens in this file");
    }
}

through_each_door! {
    an_unknown_order_is_looked_for_by_a_restart_and_not_made_twice,
    an_unknown_order_is_resolved_by_what_the_operator_found,
    a_token_that_contradicts_its_order_is_not_used_and_the_order_is_cancelled,
    two_orders_that_were_paid_in_the_same_moment_wait_for_a_refund,
    an_order_of_another_checkout_is_left_to_it,
    an_order_that_staff_moved_is_followed_by_a_new_one,
    an_unknown_payment_is_never_repeated_until_somebody_found_out,
    a_charge_that_bigcommerce_shows_late_cannot_be_denied,
    a_payment_that_settles_too_late_is_found_by_a_restart,
    a_gateway_that_was_mended_is_tried_again_by_the_shopper,
    an_order_that_turns_out_paid_in_part_is_not_cancelled,
    an_undoing_that_failed_goes_on_after_a_restart,
    a_checkout_that_costs_process_after_process_is_tried_again_after_a_restart,
    a_paused_checkout_is_left_alone_until_it_is_resumed,
    an_unknown_order_that_is_cancelled_is_found_and_cancelled,
}

async fn an_unknown_order_is_looked_for_by_a_restart_and_not_made_twice() {
    run_with(world().await, async |world, service| {
        let path = service.create(&everything()).await;
        world.simulator.add_fault(Fault::on("create-order").status_after(500));
        world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
        service.post(&format!("{path}/order"), &json!({})).await;
        stuck(service, &path, "order-unknown").await;
        world.simulator.clear_faults();
        let denied = refused(service, &path, &resolve(Assertion::NoOrder), "contradicted").await;
        assert!(denied.evidence().iter().any(|line| line.contains("Incomplete")), "{denied:?}");
        let report = act(service, &path, &Action::Restart).await.expect("a restart");
        assert_eq!((&*report.status_before, &*report.status_after), ("stuck", "waiting"));
        until(service, &path, "awaiting_input").await;
        pay(service, &path).await;
        assert_eq!(charges(world), (1, 1));
    })
    .await;
}

/// A checkout that does not know whether its order was made.
async fn order_unknown(world: &World, service: &Service, made: bool) -> String {
    let path = service.create(&everything()).await;
    let fault = Fault::on("create-order");
    world.simulator.add_fault(if made { fault.status_after(500) } else { fault.status_before(500) });
    world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
    service.post(&format!("{path}/order"), &json!({})).await;
    stuck(service, &path, "order-unknown").await;
    world.simulator.clear_faults();
    path
}

async fn an_unknown_order_is_resolved_by_what_the_operator_found() {
    for made in [true, false] {
        run_with(world().await, async |world, service| {
            let path = order_unknown(world, service, made).await;
            refused(service, &path, &resolve(Assertion::Order(9999)), "contradicted").await;
            refused(service, &path, &resolve(Assertion::NotCharged), "no-order").await;
            let finding = match world.simulator.ledger().orders.first() {
                Some(order) => Assertion::Order(i64::try_from(order.id).expect("an id")),
                None => Assertion::NoOrder,
            };
            assert_eq!(made, finding != Assertion::NoOrder);
            act_once_settled(service, &path, &resolve(finding)).await;
            until(service, &path, "awaiting_input").await;
            pay(service, &path).await;
            assert_eq!(charges(world), (1, 1));
        })
        .await;
    }
}

/// What is answered once the settle window is over and the token has expired: until then the guards say so.
async fn once_settled(service: &Service, path: &str, action: &Action) -> Result<Done, Denied> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        match act(service, path, action).await {
            Err(refused) if matches!(refused.name(), "settling" | "token-alive") => {}
            answer => return answer,
        }
    }
    panic!("the settle window is never over");
}

pub(super) async fn act_once_settled(service: &Service, path: &str, action: &Action) {
    once_settled(service, path, action).await.unwrap_or_else(|refused| panic!("{refused}"));
}

pub(super) async fn refused_once_settled(service: &Service, path: &str, action: &Action) -> Denied {
    once_settled(service, path, action).await.expect_err("it is refused")
}

/// The next token names another amount than its order, which nobody edited.
pub(super) fn contradicting_token(world: &World) {
    let order = world.simulator.ledger().orders[0].id;
    let claims = json!({"data": {"order_id": order.to_string(), "amount": 1, "currency": "USD"}}).to_string();
    let token = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(claims));
    let body = Some(json!({"data": {"id": token}}));
    let odd = Kind::Status { status: 201, effect: Effect::Before, headers: BTreeMap::new(), body };
    world.simulator.add_fault(Fault::on("create-access-token").kind(odd));
}

async fn a_token_that_contradicts_its_order_is_not_used_and_the_order_is_cancelled() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        contradicting_token(world);
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "total-mismatch").await;
        act(service, &path, &Action::Cancel { refund: false }).await.expect("a cancel");
        until(service, &path, "cancelled").await;
        assert_eq!(charges(world), (0, 0));
    })
    .await;
}

async fn two_orders_that_were_paid_in_the_same_moment_wait_for_a_refund() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
        let cart = world.simulator.ledger().carts[0].id.clone();
        let held = world.simulator.add_fault(Fault::on("process-payment").hold_before());
        let elsewhere = async {
            world.meets(held, 1).await;
            let other = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
            world.simulator.release(held);
            other
        };
        let (paying, body) = (format!("{path}/payment"), agreed(good_card()));
        let (_, other) = tokio::join!(service.post(&paying, &body), elsewhere);
        stuck(service, &path, "paid-twice").await;
        let why = headless_checkout::ops::why(&super::case(service, &path).await);
        let said = why.what_happened.join(" ");
        assert!(said.contains(&format!("order {other} of 10.83 USD")), "{said}");
        refused(service, &path, &Action::Cancel { refund: false }, "payment-in-doubt").await;
        assert_eq!(charges(world), (2, 2), "no lock of BigCommerce's excludes that");
        let charges = world.simulator.ledger().charges;
        for charge in &charges {
            refused(
                service,
                &path,
                &resolve(Assertion::Charged(charge.transaction_id.clone())),
                "contradicted",
            )
            .await;
        }
        let charge = charges.iter().find(|charge| charge.order_id == other).expect("a charge");
        let (refunds, refund) =
            (format!("orders/{other}/refunds"), refund_of(other, &charge.amount.to_string()));
        ask(service, &refunds, Some("the-only-refund"), Some(&refund)).await.expect(201);
        act(service, &path, &Action::Restart).await.expect("a restart");
        let snapshot = until(service, &path, "completed").await;
        assert_ne!(snapshot["order"]["id"], other);
    })
    .await;
}

async fn an_order_of_another_checkout_is_left_to_it() {
    run_with(world().await, async |world, service| {
        let other = service.create(&custom_cart()).await;
        let path = service.create(&everything()).await;
        let next = i64::try_from(world.simulator.settings().first_order_id).expect("an id");
        sqlx::query("insert into checkout_order (checkout_id, order_id, store) values ($1, $2, 'default')")
            .bind(super::id(&other).uuid())
            .bind(next)
            .execute(&world.database.pool)
            .await
            .expect("a row");
        service.post(&format!("{path}/order"), &json!({})).await;
        stuck(service, &path, "order-taken").await;
        refused(service, &path, &resolve(Assertion::Order(next)), "contradicted").await;
        act(service, &path, &Action::Cancel { refund: false }).await.expect("a cancel");
        until(service, &path, "cancelled").await;
        assert_eq!(world.simulator.ledger().orders[0].status_id, 0, "the order is not ours to cancel");
    })
    .await;
}

async fn an_order_that_staff_moved_is_followed_by_a_new_one() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let order = world.simulator.ledger().orders[0].id;
        upstream(world, Method::PUT, &format!("/v2/orders/{order}"), "staff", &json!({"status_id": 1})).await;
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "order-not-payable").await;
        // A status by hand is no payment, and no proof that there is none: staff has to cancel the order first.
        assert!(act(service, &path, &resolve(Assertion::NotCharged)).await.is_err());
        upstream(world, Method::PUT, &format!("/v2/orders/{order}"), "staff", &json!({"status_id": 5})).await;
        act_once_settled(service, &path, &resolve(Assertion::NotCharged)).await;
        let snapshot = service.get(&path).await.expect(200);
        assert_eq!(snapshot.body["next_step"], "order", "{}", snapshot.text);
        assert_eq!(snapshot.body["payment"]["safe_to_pay_again"], true);
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        pay(service, &path).await;
        assert_eq!(charges(world), (1, 1));
    })
    .await;
}

async fn an_unknown_payment_is_never_repeated_until_somebody_found_out() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        refused(service, &path, &Action::Cancel { refund: false }, "payment-in-doubt").await;
        refused(service, &path, &resolve(Assertion::NoOrder), "payment-in-doubt").await;
        refused(service, &path, &resolve(Assertion::Charged("made-up".to_owned())), "contradicted").await;
        act(service, &path, &Action::Restart).await.expect("it may look again");
        service
            .wait_until(&path, "stuck again", |snapshot| {
                snapshot["status"] == "stuck" && snapshot["version"].as_i64() > Some(12)
            })
            .await;
        let second = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!(second.problem(), "payment-in-doubt");
        act_once_settled(service, &path, &resolve(Assertion::NotCharged)).await;
        let snapshot = service.get(&path).await.expect(200);
        assert_eq!(snapshot.body["payment"]["safe_to_pay_again"], true, "{}", snapshot.text);
        pay(service, &path).await;
        assert_eq!(charges(world), (1, 1));
    })
    .await;
}

async fn a_charge_that_bigcommerce_shows_late_cannot_be_denied() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        // Charged at the gateway, and BigCommerce does not know yet.
        let body = agreed(card(&magic_card(10_000, 2)));
        service.post(&format!("{path}/payment"), &body).await;
        stuck(service, &path, "payment-unknown").await;
        let order = world.simulator.ledger().orders[0].id;
        let transaction = || world.simulator.ledger().charges[0].transaction_id.clone();
        refused(service, &path, &resolve(Assertion::Charged(transaction())), "contradicted").await;
        assert!(world.simulator.settle(order, Settlement::Success));
        let denied = refused_once_settled(service, &path, &resolve(Assertion::NotCharged)).await;
        assert_eq!(denied.name(), "contradicted", "{denied}");
        assert!(denied.evidence().len() > 1, "{denied:?}");
        refused(service, &path, &resolve(Assertion::Charged("another".to_owned())), "contradicted").await;
        let report = act(service, &path, &resolve(Assertion::Charged(transaction()))).await.expect("it is");
        assert_eq!(report.status_after, "completed");
        refused(service, &path, &Action::Cancel { refund: false }, "paid").await;
        refused(service, &path, &Action::Restart, "ended").await;
        assert_eq!(charges(world), (1, 1));
    })
    .await;
}

async fn a_payment_that_settles_too_late_is_found_by_a_restart() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        service.post(&format!("{path}/payment"), &agreed(card(&magic_card(20_003, 0)))).await;
        stuck(service, &path, "payment-pending-too-long").await;
        refused(service, &path, &Action::Cancel { refund: false }, "payment-in-doubt").await;
        act(service, &path, &Action::Restart).await.expect("a restart");
        until(service, &path, "waiting").await;
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.settle(order, Settlement::Success));
        until(service, &path, "completed").await;
        assert_eq!(charges(world), (1, 1));
    })
    .await;
}

async fn a_gateway_that_was_mended_is_tried_again_by_the_shopper() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let refused = service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_000, 0)))).await;
        assert_eq!(refused.problem(), "payment-method-unavailable", "{}", refused.text);
        pay(service, &path).await;
        assert_eq!(charges(world), (1, 1));
    })
    .await;
}

async fn an_order_that_turns_out_paid_in_part_is_not_cancelled() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.take_payment(order, Hosted::Part));
        service.delete(&path).await;
        stuck(service, &path, "cancel-found-paid").await;
        refused(service, &path, &resolve(Assertion::NotCharged), "undoing").await;
        // Somebody takes the rest.
        assert!(world.simulator.take_payment(order, Hosted::Paid));
        let listed = get(service, &format!("orders/{order}/transactions")).await.expect(200).body;
        let transaction = listed["data"][1]["id"].to_string();
        act(service, &path, &resolve(Assertion::Charged(transaction))).await.expect("it is");
        until(service, &path, "completed").await;
    })
    .await;
}

async fn an_undoing_that_failed_goes_on_after_a_restart() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        world.simulator.add_fault(Fault::on("delete-cart").status_before(500).always());
        service.delete(&path).await;
        stuck(service, &path, "undo-failed").await;
        world.simulator.clear_faults();
        let report = act(service, &path, &Action::Restart).await.expect("a restart");
        assert_eq!(report.status_after, "compensating");
        until(service, &path, "cancelled").await;
    })
    .await;
}

/// No outage and no shopper does that: its process has to be lost as often, and nothing may have been recorded.
async fn a_checkout_that_costs_process_after_process_is_tried_again_after_a_restart() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let lost = "update checkout set lost_leases = 100, status = 'running', leased_by = gen_random_uuid(), due_at = now()";
    sqlx::query(lost).execute(&world.database.pool).await.expect("a change");
    stuck(&service, &path, "attempts-exhausted").await;
    act(&service, &path, &Action::Restart).await.expect("a restart");
    let snapshot = until(&service, &path, "awaiting_input").await;
    assert_eq!(snapshot["next_step"], "payment");
    pay(&service, &path).await;
    assert_eq!(charges(&world), (1, 1));
    service.stop().await;
    world.abandon("the log does not tell how a changed row came to be as it is").await;
}

async fn a_paused_checkout_is_left_alone_until_it_is_resumed() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
        refused(service, &path, &Action::Resume, "not-paused").await;
        refused(service, &path, &Action::Restart, "nothing-to-restart").await;
        act(service, &path, &Action::Pause).await.expect("a pause");
        stuck(service, &path, "paused").await;
        let refusal = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!(refusal.problem(), "checkout-stuck");
        refused(service, &path, &Action::Pause, "at-rest").await;
        act(service, &path, &Action::Resume).await.expect("a resume");
        until(service, &path, "awaiting_input").await;
        pay(service, &path).await;
    })
    .await;
}

async fn an_unknown_order_that_is_cancelled_is_found_and_cancelled() {
    for made in [true, false] {
        run_with(world().await, async |world, service| {
            let path = order_unknown(world, service, made).await;
            act(service, &path, &Action::Cancel { refund: false }).await.expect("a cancel");
            until(service, &path, "cancelled").await;
            let ledger = world.simulator.ledger();
            assert!(ledger.orders.iter().all(|order| order.status_id == 5), "{:#?}", ledger.orders);
            assert_eq!(ledger.carts[0].state, "deleted");
        })
        .await;
    }
}
