//! The totals of a cart that others filled add up to what is charged.

use bigcommerce_simulator::Settings;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::amount;
use crate::harness::{World, address, custom_cart, good_card, run_with};
use crate::trust::at_bigcommerce;

fn parts(totals: &Value) -> Decimal {
    let sum: Decimal = ["subtotal", "shipping", "handling", "fees", "tax", "other"]
        .iter()
        .map(|part| amount(&totals[part]))
        .sum();
    sum - amount(&totals["discount"])
}

#[tokio::test]
async fn fees_of_an_adopted_cart_are_among_its_totals_and_are_charged() {
    let world =
        World::with(Settings { several_coupons: true, tax_shipping: true, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        let cart = at_bigcommerce(world, Method::POST, "/carts", &custom_cart()).await;
        let cart = cart["id"].as_str().expect("a cart").to_owned();
        let fee = |name: &str, cost: f64| json!({"type": "custom_fee", "name": name, "display_name": name, "cost": cost, "source": "an app"});
        let fees: Vec<Value> = ["a", "b", "c", "d", "e"].iter().map(|name| fee(name, 1.25)).collect();
        at_bigcommerce(world, Method::POST, &format!("/checkouts/{cart}/fees"), &json!({"fees": fees})).await;
        let discount = json!({"cart": {"discounts": [{"discounted_amount": 2}]}});
        at_bigcommerce(world, Method::POST, &format!("/checkouts/{cart}/discounts"), &discount).await;
        let taken = service
            .post(
                "/v1/checkouts",
                &json!({"cart_id": cart, "coupon_codes": ["TENOFF"], "billing_address": address(),
                    "consignments": [{"address": address()}], "shipping_preference": "cheapest"}),
            )
            .await
            .expect(201);
        let totals = &taken.body["totals"];
        assert_eq!(amount(&totals["fees"]), Decimal::new(625, 2), "{totals}");
        assert_eq!(
            (parts(totals), amount(&totals["other"])),
            (amount(&totals["grand_total"]), Decimal::ZERO),
            "{totals}"
        );
        let path = format!("/v1/checkouts/{}", taken.id());
        let pay = json!({"payment": good_card(), "agreed_total": totals["grand_total"]});
        let paid = service.post(&format!("{path}/complete"), &pay).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(amount(&paid.body["payment"]["amount"]), amount(&totals["grand_total"]));
    })
    .await;
}
