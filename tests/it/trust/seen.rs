//! What the holder of a checkout token is shown of the order: what a confirmation page needs, and nothing that is for the staff.

use bigcommerce_simulator::Deed;

use super::*;
use crate::harness::{agreed, good_card};
use crate::harness::{run, run_with};

#[tokio::test]
async fn what_is_for_the_staff_is_not_shown_to_the_holder_of_a_checkout_token() {
    run(async |world, service| {
        let answer = post(service, &Who::Server, "/v1/checkouts", &everything()).await.expect(201);
        let (path, shopper) = created(&answer);
        post(service, &shopper, &format!("{path}/order"), &json!({})).await.expect(200);
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.does_to_order("teststore", order, Deed::Note));
        let of = format!("{path}/order");
        let server = ask(service, &Who::Server, Method::GET, &of, None).await.expect(200);
        assert_eq!(server.body["order"]["staff_notes"], "Seen. ", "{}", server.text);
        let page = ask(service, &shopper, Method::GET, &of, None).await.expect(200);
        assert_eq!(page.body["order"]["id"].as_u64(), Some(order));
        assert!(!page.text.contains("Seen. "), "{}", page.text);
        for hidden in ["staff_notes", "ip_address", "geoip_country", "\"name_merchant\""] {
            assert!(server.text.contains(hidden) && !page.text.contains(hidden), "{hidden}: {}", page.text);
        }
        post(service, &shopper, &format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        let server = ask(service, &Who::Server, Method::GET, &of, None).await.expect(200);
        let page = ask(service, &shopper, Method::GET, &of, None).await.expect(200);
        assert_eq!(page.body["transactions"][0]["amount"], server.body["transactions"][0]["amount"]);
        for hidden in ["avs_result", "cvv_result", "fraud_review", "gateway_transaction_id", "card_iin"] {
            assert!(server.text.contains(hidden) && !page.text.contains(hidden), "{hidden}: {}", page.text);
        }
    })
    .await;
}

/// Each guess is looked up in the database, whatever it looks like.
#[tokio::test]
async fn guesses_that_look_like_checkout_tokens_are_limited_at_the_door_of_the_operators() {
    let mut world = World::new().await;
    world.set("LIMIT_UNKNOWN_PER_MINUTE", "5");
    run_with(world, async |_, service| {
        let guess = Who::Shopper(format!("ct_{}", "A".repeat(64)));
        let mut let_in = 0;
        for _ in 0..9 {
            let answer = ask(service, &guess, Method::GET, "/ops/v1/summary", None).await;
            let_in += usize::from(answer.status != 429);
        }
        assert_eq!(let_in, 5);
        // Whoever holds a real one is told that it is for another door, and uses nothing up.
        let answer = post(service, &Who::Server, "/v1/checkouts", &mug()).await.expect(201);
        let (path, shopper) = created(&answer);
        ask(service, &shopper, Method::GET, &path, None).await.expect(200);
    })
    .await;
}
