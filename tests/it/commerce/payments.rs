//! Every instrument of BigCommerce's payments specification, and what a gateway may do with it.

use bigcommerce_simulator::{Fault, Settings, magic_card};
use serde_json::{Value, json};

use super::{amount, ordered, ready};
use crate::harness::{World, agreed, card, custom_cart, good_card, run, run_with};

fn stored(name: &str) -> String {
    format!("{name:0<64}")
}

/// Method, instrument, and how it is shown.
fn instruments() -> Vec<(&'static str, Value)> {
    vec![
        ("stripe.card", good_card()["instrument"].clone()),
        ("stripe.card", json!({"type": "stored_card", "token": stored("c01a1")})),
        (
            "adyenv2.scheme",
            json!({"type": "stored_card", "token": stored("c01a2"), "verification_value": "123"}),
        ),
        ("braintree.paypal", json!({"type": "stored_paypal_account", "token": stored("c01b1")})),
        ("braintree.ach", json!({"type": "stored_bank_account", "token": stored("c01c1")})),
        (
            "bigcommerce.gift_certificate",
            json!({"type": "gift_certificate", "gift_certificate_code": "GIFT-1000"}),
        ),
        ("bigcommerce.store_credit", json!({"type": "store_credit"})),
        (
            "stripe.card",
            json!({"type": "tokenized_card", "token": stored("tok"), "iin": "424242", "last_four_digits": "4242",
                "expiration_month": "9", "expiration_year": "2045"}),
        ),
    ]
}

#[tokio::test]
async fn every_instrument_pays_once() {
    run(async |world, service| {
        for (paid, (method, instrument)) in instruments().into_iter().enumerate() {
            let kind = instrument["type"].clone();
            let mut cart = custom_cart();
            cart["customer_id"] = json!(1);
            let path = ordered(service, cart).await;
            let body = agreed(json!({"payment_method_id": method, "instrument": instrument}));
            let answer = service.post(&format!("{path}/payment"), &body).await.expect(200);
            assert_eq!(answer.body["status"], "completed", "{kind}: {}", answer.text);
            assert_eq!(answer.body["payment"]["instrument"]["type"], kind);
            assert_eq!(answer.body["payment"]["payment_method_id"], method);
            assert_eq!(answer.body["order"]["status_id"], 11, "{kind}");
            assert_eq!(world.simulator.ledger().charges.len(), paid + 1, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_instrument_that_is_saved_is_offered_and_pays_the_next_checkout() {
    run(async |_, service| {
        let mut cart = custom_cart();
        cart["customer_id"] = json!(2);
        let path = ordered(service, cart.clone()).await;
        let mut body = agreed(good_card());
        body["save_instrument"] = json!(true);
        service.post(&format!("{path}/payment"), &body).await.expect(200);
        let path = ordered(service, cart).await;
        let methods = service.get(&format!("{path}/payment-methods")).await.expect(200);
        let methods = methods.body["data"].as_array().expect("methods").clone();
        let stripe = methods.iter().find(|method| method["id"] == "stripe.card").expect("stripe");
        let token = stripe["stored_instruments"][0]["token"].clone();
        assert_eq!(stripe["stored_instruments"][0]["last_4"], "1111", "{stripe}");
        let body = agreed(
            json!({"payment_method_id": "stripe.card", "instrument": {"type": "stored_card", "token": token}}),
        );
        let paid = service.post(&format!("{path}/payment"), &body).await.expect(200);
        assert_eq!(paid.body["status"], "completed");
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_only_authorizes_completes_the_checkout() {
    run(async |_, service| {
        let path = ordered(service, custom_cart()).await;
        let paid =
            service.post(&format!("{path}/payment"), &agreed(card(&magic_card(20_004, 0)))).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(paid.body["payment"]["transaction_type"], "authorization");
        let order = &paid.body["order"];
        assert_eq!(
            (order["status_id"].as_i64(), order["payment_status"].as_str()),
            (Some(7), Some("authorized"))
        );
    })
    .await;
}

#[tokio::test]
async fn an_authorization_whose_answer_was_lost_is_found_by_its_order() {
    run(async |world, service| {
        let path = ordered(service, custom_cart()).await;
        let fault = world.simulator.add_fault(Fault::on("process-payment").status_after(502));
        let paid =
            service.post(&format!("{path}/payment"), &agreed(card(&magic_card(20_004, 0)))).await.expect(200);
        assert_eq!(world.simulator.reached(fault), 1);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(paid.body["payment"]["transaction_type"], "authorization");
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_all_digital_cart_needs_no_shipping_and_may_be_completed_at_once() {
    for status in [11, 10] {
        let world = World::with(Settings { digital_order_status: status, ..Settings::default() }).await;
        run_with(world, async |_, service| {
            let cart = json!({"line_items": [{"product_id": 112, "quantity": 2}], "consignments": []});
            let path = ready(service, cart).await;
            let snapshot = service.get(&path).await.expect(200).body;
            assert_eq!(snapshot["next_step"], "order", "{snapshot}");
            for step in [2, 3] {
                assert_eq!(snapshot["steps"][step]["status"], "skipped");
            }
            let body = agreed(json!({"payment": good_card()}));
            let paid = service.post(&format!("{path}/complete"), &body).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{}", paid.text);
            assert_eq!(paid.body["order"]["status_id"], status);
        })
        .await;
    }
}

#[tokio::test]
async fn after_a_decline_the_same_order_is_paid_with_another_instrument() {
    run(async |world, service| {
        let mut cart = custom_cart();
        cart["customer_id"] = json!(1);
        let path = ordered(service, cart).await;
        let payment = format!("{path}/payment");
        let declined = service.post(&payment, &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
        assert_eq!(declined.problem(), "payment-declined");
        let before = service.get(&path).await.expect(200).body;
        assert_eq!(before["payment"]["safe_to_pay_again"], true);
        let body = agreed(
            json!({"payment_method_id": "bigcommerce.store_credit", "instrument": {"type": "store_credit"}}),
        );
        let paid = service.post(&payment, &body).await.expect(200);
        assert_eq!(paid.body["order"]["id"], before["order"]["id"]);
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.tokens.len(), ledger.charges.len()), (1, 2, 1));
        assert_eq!(amount(&paid.body["payment"]["amount"]), ledger.charges[0].amount.normalize());
    })
    .await;
}

#[tokio::test]
async fn a_token_that_expired_is_no_payment_and_the_shopper_pays_again() {
    // Tokens of this store expire as they are made.
    let world = World::with(Settings { token_ttl_seconds: 0, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        let path = ordered(service, custom_cart()).await;
        let payment = format!("{path}/payment");
        let body = agreed(good_card());
        let declined = service.post(&payment, &body).await.expect(402);
        assert_eq!(declined.body["safe_to_pay_again"], true, "{}", declined.text);
        let requests = world.simulator.requests();
        let sent = requests.iter().filter(|request| request.call == "process-payment").count();
        assert_eq!(sent, 1, "nothing pays by itself");
        world.simulator.set(|settings| settings.token_ttl_seconds = 3600);
        assert_eq!(service.post(&payment, &body).await.expect(200).body["status"], "completed");
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}
