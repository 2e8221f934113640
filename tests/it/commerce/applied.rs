//! Store credit and a gift certificate that the shopper applied to the cart in another place: the token names what is due.

use bigcommerce_simulator::Settings;
use serde_json::{Value, json};

use super::amount;
use crate::harness::{Service, World, everything, good_card, run, run_with};

/// A checkout of customer 11, who has 3 of store credit, and the id of its cart.
async fn of_a_customer(service: &Service) -> (String, String) {
    let mut body = everything();
    body["customer_id"] = json!(11);
    let path = service.create(&body).await;
    let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
    (path, cart)
}

/// What cards were charged, and what of the order is open.
fn charged(world: &World, snapshot: &Value) -> (String, String) {
    let (ledger, order) = (world.simulator.ledger(), snapshot["order"]["id"].as_u64().expect("an order"));
    let cards = ledger.charges.iter().filter(|charge| charge.order_id == order);
    let sum: rust_decimal::Decimal = cards.map(|charge| charge.amount).sum();
    let money = ledger.money("teststore", order).expect("the order");
    (sum.normalize().to_string(), money.open.normalize().to_string())
}

#[tokio::test]
async fn what_was_applied_before_the_order_is_not_charged_again() {
    for (checkout_shows_outstanding, opaque_tokens) in [(true, false), (false, false), (true, true)] {
        let world =
            World::with(Settings { checkout_shows_outstanding, opaque_tokens, ..Settings::default() }).await;
        run_with(world, async |world, service| {
            let (path, cart) = of_a_customer(service).await;
            assert!(world.simulator.apply_to_cart(&cart, true, &["GIFT-5"]));
            // The shopper agrees to the total; what is charged of it is less.
            let pay = json!({"agreed_total": 10.83, "payment": good_card()});
            let paid = service.post(&format!("{path}/complete"), &pay).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{}", paid.text);
            assert_eq!(amount(&paid.body["payment"]["amount_paid"]).to_string(), "10.83", "{}", paid.text);
            let charges = world.simulator.ledger().charges;
            assert!(
                charges.iter().any(|charge| charge.amount.normalize().to_string() == "2.83"),
                "{charges:?}"
            );
            assert_eq!(charged(world, &paid.body).1, "0");
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_applied_after_the_order_changes_nothing_of_it() {
    let world = World::with(Settings { checkout_shows_outstanding: true, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        let (path, cart) = of_a_customer(service).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        assert!(world.simulator.apply_to_cart(&cart, true, &["GIFT-5"]));
        let mut pay = good_card();
        pay["agreed_total"] = json!(10.83);
        let paid = service.post(&format!("{path}/payment"), &pay).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(charged(world, &paid.body), ("10.83".to_owned(), "0".to_owned()));
    })
    .await;
}

/// The order looks paid, and 8 of it are not.
#[tokio::test]
async fn what_was_spent_elsewhere_meanwhile_is_still_due() {
    run(async |world, service| {
        let (first, second) = (of_a_customer(service).await, of_a_customer(service).await);
        let pay = json!({"agreed_total": 10.83, "payment": good_card()});
        for (path, cart) in [&first, &second] {
            assert!(world.simulator.apply_to_cart(cart, true, &["GIFT-5"]));
            service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        }
        let paid = service.post(&format!("{}/complete", first.0), &pay).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        let short = service.post(&format!("{}/complete", second.0), &pay).await;
        let snapshot = service.get(&second.0).await.body;
        assert_ne!(snapshot["status"], "completed", "{} {snapshot}", short.text);
        assert_eq!(charged(world, &snapshot), ("2.83".to_owned(), "8".to_owned()));
    })
    .await;
}
