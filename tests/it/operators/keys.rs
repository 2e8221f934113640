//! What the key of a request that got stuck answers once a person has dealt with it: how it stands, and nothing that was true
//! before.

use bigcommerce_simulator::Fault;
use headless_checkout::ops::{Action, Assertion};

use super::reasons::{act_once_settled, contradicting_token};
use super::{act, ordered, stuck, until, world};
use crate::harness::{Answer, Service, agreed, good_card, run_with};

/// The payment whose key is asked again and again.
async fn asked_again(service: &Service, path: &str) -> Answer {
    service.post_with(&format!("{path}/payment"), "first", &agreed(good_card())).await
}

/// It is told again, and nothing in it is a warning.
#[track_caller]
fn does_not_warn(answer: &Answer, slug: &str) {
    assert_eq!(answer.problem(), slug, "{}", answer.text);
    assert!(!answer.text.contains("not pay again") && !answer.text.contains("A person"), "{}", answer.text);
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn after_it_was_found_out_the_key_says_that_nothing_was_charged() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post_with(&format!("{path}/payment"), "first", &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        assert_eq!(asked_again(service, &path).await.problem(), "payment-in-doubt");
        act_once_settled(service, &path, &Action::Resolve(Assertion::NotCharged)).await;
        let told = asked_again(service, &path).await;
        does_not_warn(&told, "payment-declined");
        assert_eq!(told.body["safe_to_pay_again"], true, "{}", told.text);
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn after_it_was_cancelled_the_key_says_that_it_has_ended() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        contradicting_token(world);
        let body = agreed(good_card());
        let told = service.post_with(&format!("{path}/payment"), "first", &body).await.expect(409);
        assert_eq!(told.problem(), "checkout-stuck", "{}", told.text);
        stuck(service, &path, "total-mismatch").await;
        act(service, &path, &Action::Cancel { refund: false }).await.expect("a cancellation");
        until(service, &path, "cancelled").await;
        does_not_warn(&asked_again(service, &path).await, "checkout-closed");
        assert_eq!(world.simulator.ledger().charges.len(), 0);
    })
    .await;
}
