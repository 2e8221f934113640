//! A payment access token that says nothing: what it charges is what the order costs, and somebody may have edited that.

use bigcommerce_simulator::{Deed, Fault, Settings};
use rust_decimal::Decimal;
use serde_json::json;

use super::{charged, ordered, pays};
use crate::harness::{World, run_with};

async fn opaque() -> World {
    World::with(Settings { opaque_tokens: true, ..Settings::default() }).await
}

#[tokio::test]
async fn an_order_that_was_made_dearer_is_agreed_to_again_whatever_its_token_says() {
    for within in [false, true] {
        run_with(opaque().await, async |world, service| {
            let (path, order) = ordered(service).await;
            if within {
                let mint = Fault::on("create-access-token").nth(1);
                world.simulator.add_fault(mint.meanwhile_before(Deed::TotalUp));
            } else {
                assert!(world.simulator.does_to_order("teststore", order, Deed::TotalUp));
            }
            let refused = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await;
            assert!(charged(world).is_empty(), "within the payment: {within}: {:?}", charged(world));
            assert_eq!(refused.expect(409).problem(), "total-changed");
            let paid = service.post(&format!("{path}/payment"), &pays(json!(21.66))).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{}", paid.text);
            assert_eq!(charged(world), [(order, Decimal::new(2166, 2))]);
        })
        .await;
    }
}

#[tokio::test]
async fn an_order_that_was_made_cheaper_is_told_at_its_new_price_whatever_its_token_says() {
    run_with(opaque().await, async |world, service| {
        let (path, order) = ordered(service).await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalDown));
        let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
        assert_eq!(charged(world), [(order, Decimal::new(542, 2))]);
        assert_eq!(paid.body["payment"]["amount"].to_string(), "5.42", "{}", paid.text);
        assert_eq!(paid.body["payment"]["amount_paid"].to_string(), "5.42", "{}", paid.text);
    })
    .await;
}
