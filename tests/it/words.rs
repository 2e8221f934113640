//! What the shopper is shown: each cause has a sentence of its own, and none is untrue when it is told again later.

use bigcommerce_simulator::{Fault, PartialPayment, Settings, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, OPERATOR, Service, World, address, agreed, card, custom_cart, everything, good_card, run,
};

/// The sentence of a problem, which has to be of this kind.
#[track_caller]
fn said(answer: &Answer, slug: &str) -> String {
    assert_eq!(answer.problem(), slug, "{}", answer.text);
    answer.body["shopper_message"].as_str().expect("a sentence").to_owned()
}

#[track_caller]
fn says(answer: &Answer, slug: &str, words: &str) {
    let said = said(answer, slug);
    assert!(said.contains(words), "{said}");
}

fn catalog(product: u32, quantity: u32) -> Value {
    json!({"line_items": [{"product_id": product, "quantity": quantity}]})
}

#[tokio::test]
async fn what_bigcommerce_refuses_is_told_by_its_cause() {
    run(async |world, service| {
        let refused = "rejected-by-bigcommerce";
        let create = "/v1/checkouts";
        let stock = "not available in this quantity";
        says(&service.post(create, &catalog(114, 1)).await, refused, stock);
        says(&service.post(create, &catalog(999_999, 1)).await, refused, "no longer available");
        let path = service.create(&catalog(113, 1)).await;
        let item = service.get(&path).await.body["cart"]["line_items"]["physical_items"][0]["id"].clone();
        let more = json!({"line_item": {"quantity": 4}});
        let item = format!("{path}/items/{}", item.as_str().expect("an item"));
        says(&service.put(&item, &more).await, refused, "Only 3 of Numbered Print can be purchased.");
        let coupon = json!({"coupon_code": "NO-SUCH-COUPON"});
        says(&service.post(&format!("{path}/coupons"), &coupon).await, refused, "This coupon cannot be used");
        let mut with_coupon = custom_cart();
        with_coupon["coupon_codes"] = json!(["NO-SUCH-COUPON"]);
        says(&service.post(create, &with_coupon).await, refused, "This coupon cannot be used");
        world.simulator.add_fault(Fault::on("add-billing-address").status_before(422));
        let put = service.put(&format!("{path}/billing-address"), &address()).await;
        says(&put, refused, "This address could not be accepted");
        let mut by_drone = everything();
        by_drone["shipping_preference"] = json!({"description": "By drone"});
        // Nobody refused anything: the shopper chooses from what there is.
        let open = service.post(create, &by_drone).await.expect(201);
        assert_eq!(open.body["next_step"], "shipping-options", "{}", open.text);
        let mut far = everything();
        far["consignments"][0]["address"]["country_code"] = json!("AQ");
        says(&service.post(create, &far).await, "not-deliverable", "We do not deliver to this address.");
    })
    .await;
}

#[tokio::test]
async fn a_cart_that_is_gone_and_a_checkout_that_ended_are_told_as_such() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        service.delete(&path).await.expect(200);
        let coupon = json!({"coupon_code": "TENOFF"});
        says(&service.post(&format!("{path}/coupons"), &coupon).await, "checkout-closed", "start a new one");
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let paid = agreed(json!({"payment": good_card()}));
        service.post(&format!("{path}/complete"), &paid).await.expect(200);
        says(&service.post(&format!("{path}/coupons"), &coupon).await, "checkout-closed", "has been placed");
    })
    .await;
}

#[tokio::test]
async fn a_decline_is_told_by_its_code() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        for (code, words) in [
            (30_103, "Your card has expired. You have not been charged."),
            (30_104, "Your card issuer did not accept the payment. You have not been charged."),
            (30_106, "Your payment was declined for insufficient funds. You have not been charged."),
            (30_107, "The card authorization was revoked. You have not been charged."),
        ] {
            let declined =
                service.post(&format!("{path}/payment"), &agreed(card(&magic_card(code, 0)))).await;
            says(&declined, "payment-declined", words);
            assert_eq!(declined.body["safe_to_pay_again"], true, "{}", declined.text);
        }
    })
    .await;
}

/// The key of a declined payment answers for days. What it said then would be untrue now.
#[tokio::test]
async fn an_answer_that_is_told_again_does_not_ask_for_another_payment() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let pay = format!("{path}/payment");
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let (too_little, bad) = (json!(1), agreed(card(&magic_card(30_106, 0))));
        let mut cheap = good_card();
        cheap["agreed_total"] = too_little;
        says(
            &service.post_with(&pay, "cheap", &cheap).await,
            "total-changed",
            "Please check it before you pay",
        );
        says(&service.post_with(&pay, "bad", &bad).await, "payment-declined", "You have not been charged");
        service.post_with(&pay, "good", &agreed(good_card())).await.expect(200);
        for (key, body, slug) in [("cheap", &cheap, "total-changed"), ("bad", &bad, "payment-declined")] {
            let again = service.post_with(&pay, key, body).await;
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}", again.text);
            assert_eq!(again.body["safe_to_pay_again"], false, "{}", again.text);
            assert_eq!(said(&again, slug), "Your order has been placed. There is nothing more to pay.");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_paid_before_a_decline_is_not_denied() {
    let world =
        World::with(Settings { partial_payment: PartialPayment::PendingPayable, ..Settings::default() })
            .await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
    let payments = agreed(json!({"payments": [certificate, card(&magic_card(30_106, 0))]}));
    let declined = service.post(&format!("{path}/complete"), &payments).await.expect(402);
    let words = said(&declined, "payment-declined");
    assert!(!words.contains("You have not been charged"), "{words}");
    assert!(words.contains("your earlier payment is kept"), "{words}");
    service.stop().await;
    world.finish().await;
}

/// Whatever else is wrong with a request: while a payment is in doubt nobody is asked to try again.
#[tokio::test]
async fn nothing_invites_to_pay_while_a_payment_is_in_doubt() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let pay = format!("{path}/payment");
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        world.simulator.add_fault(Fault::on("process-payment").status_after(500));
        world.simulator.add_fault(Fault::on("get-order").status_before(503).always());
        service.post_waiting(&pay, "in-doubt", 0, &agreed(good_card())).await.expect(202);
        service.wait_until(&path, "in doubt", |snapshot| snapshot["payment"]["status"] == "unknown").await;
        let doubt = "We are still checking your payment. Please do not pay again.";
        for (answer, slug) in [
            (service.post(&pay, &agreed(good_card())).await, "payment-in-doubt"),
            (service.post(&pay, &json!({})).await, "invalid-input"),
            (service.post(&format!("{path}/order"), &json!({"agreed_total": "x"})).await, "invalid-input"),
            (service.put(&format!("{path}/billing-address"), &address()).await, "step-in-progress"),
            (
                service.call(Method::DELETE, &path, &[("authorization", &bearer())], None).await,
                "step-in-progress",
            ),
        ] {
            assert_eq!(said(&answer, slug), doubt);
            assert_eq!(answer.body["safe_to_pay_again"], false, "{}", answer.text);
        }
        world.simulator.clear_faults();
        service.wait_until(&path, "found", |snapshot| snapshot["status"] == "completed").await;
    })
    .await;
}

fn bearer() -> String {
    format!("Bearer {}", crate::harness::KEY)
}

/// A person looks at it: then no answer asks for anything else.
#[tokio::test]
async fn a_stuck_checkout_asks_for_nothing() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let pause = json!({"reason": "a test of what is said"});
        service.operate(Method::POST, &format!("/ops{path}/pause"), OPERATOR, Some(&pause)).await.expect(200);
        // What operators write, and who they are, is for operators.
        let shown = service.get(&path).await.expect(200);
        assert!(!shown.text.contains("olga") && !shown.text.contains("a test of what"), "{}", shown.text);
        let case = service.operate(Method::GET, &format!("/ops{path}"), OPERATOR, None).await.expect(200);
        assert_eq!(case.body["stuck"]["detail"], "olga paused it: a test of what is said", "{}", case.text);
        for body in [json!({}), json!({"agreed_total": -1})] {
            let answer: Answer = ask(service, &path, &body).await;
            let words = answer.body["shopper_message"].as_str().unwrap_or_default().to_owned();
            assert_eq!(
                words,
                "We are looking into your order. Please do not pay again; we will contact you."
            );
        }
    })
    .await;
}

async fn ask(service: &Service, path: &str, body: &Value) -> Answer {
    service.post(&format!("{path}/order"), body).await
}
