//! What BigCommerce refuses is told as its refusal, in whatever words: what we conclude ourselves is no word of its.

use std::collections::BTreeMap;

use bigcommerce_simulator::{Effect, Fault, Kind};
use serde_json::{Value, json};

use super::{ordered, ready};
use crate::harness::{World, agreed, custom_cart, good_card, run, run_with};

/// This call has no effect, and is refused in these words.
fn refuses(world: &World, call: &str, body: &Value) -> bigcommerce_simulator::FaultId {
    let kind = Kind::Status {
        status: 409,
        effect: Effect::Before,
        headers: BTreeMap::new(),
        body: Some(body.clone()),
    };
    world.simulator.add_fault(Fault::on(call).kind(kind))
}

#[tokio::test]
async fn a_title_that_sounds_like_ours_is_not_ours() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        let title = "Another checkout has this cart";
        let refusal =
            refuses(world, "create-order", &json!({"status": 409, "title": title, "type": "about:blank"}));
        let key = "the-key-of-the-order";
        for _ in 0..2 {
            let refused = service.post_with(&format!("{path}/order"), key, &json!({})).await.expect(422);
            assert_eq!(refused.problem(), "rejected-by-bigcommerce", "{}", refused.text);
            assert_eq!(refused.body["upstream"]["title"], title);
        }
        assert_eq!(world.simulator.reached(refusal), 1);
    })
    .await;
}

/// A refusal of the request itself, which explains itself once it was quiet, in the words in which we tell of an order that
/// cannot be paid, which has to be explained by the order.
#[tokio::test]
async fn a_refused_payment_is_judged_by_its_code_and_not_by_its_title() {
    run_with(World::hasty().await, async |world, service| {
        let path = ordered(service, custom_cart()).await;
        let title = "The order cannot be paid in its current status";
        let body = json!({"status": 409, "title": title, "type": "about:blank", "code": 10_001});
        let refusal = refuses(world, "process-payment", &body);
        let refused = service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        assert_eq!(world.simulator.reached(refusal), 1);
        assert_eq!(refused.problem(), "rejected-by-bigcommerce", "{}", refused.text);
        let rests = service.get(&path).await.expect(200).body;
        assert_eq!(
            (&rests["status"], &rests["payment"]),
            (&json!("awaiting_input"), &Value::Null),
            "{rests}"
        );
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}
