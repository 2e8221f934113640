//! What things cost is said by the storefront's server. The fields are those that `openapi.yaml` marks; the walk finds them
//! there, so that a field which is added tomorrow is walked tomorrow.

use super::marked::{Marked, Place as Spot, marked};
use super::*;
use crate::harness::run;

/// Something that the field at the end of a path may hold.
fn sample(field: &str) -> Value {
    match field {
        "list_price" => json!(0.01),
        "name" => json!("Another name"),
        "customer_id" => json!(1),
        "custom_items" => json!([{"name": "Thing", "quantity": 1, "list_price": 0}]),
        other => panic!("{other}: what may it hold?"),
    }
}

/// A body that this operation takes, without any field that needs trust.
fn plain(path: &str) -> Value {
    match path {
        "/v1/checkouts" | "/v1/checkouts/{id}/items" => mug(),
        "/v1/checkouts/{id}/items/{item_id}" => json!({"line_item": {"quantity": 2}}),
        other => panic!("{other}: what does it take?"),
    }
}

/// The body with that field, and the pointer to it.
fn with_field(mut body: Value, places: &[Spot], value: Value) -> (Value, String) {
    let (mut at, mut pointer) = (&mut body, String::new());
    for place in places {
        match place {
            Spot::Field(name) => {
                pointer = format!("{pointer}/{name}");
                at = &mut at[name.as_str()];
            }
            Spot::Element => {
                pointer += "/0";
                if at.is_null() {
                    *at = json!([{}]);
                }
                at = &mut at[0];
            }
        }
    }
    *at = value;
    (body, pointer)
}

#[tokio::test]
async fn every_field_that_needs_a_server_key_is_refused_from_everybody_else() {
    run(async |world, service| {
        let mut walked = Vec::new();
        for Marked { method, path, places, word } in marked() {
            // The whole of it needs a server key.
            if path == "/v1/direct-orders" {
                continue;
            }
            let Some(Spot::Field(name)) = places.last() else { panic!("{path}: no field") };
            if word != "server-key" {
                assert_eq!(word, "proven-customer", "{path}");
                assert!(matches!(name.as_str(), "type" | "save_instrument"), "{path}: {name}");
                continue;
            }
            let (body, pointer) = with_field(plain(&path), &places, sample(name));
            let answer = post(service, &Who::Server, "/v1/checkouts", &mug()).await.expect(201);
            let (own, shopper) = created(&answer);
            let item =
                answer.body["cart"]["line_items"]["physical_items"][0]["id"].as_str().expect("an item");
            let real = path.replace("/v1/checkouts/{id}", &own).replace("{item_id}", item);
            let method: Method = method.to_uppercase().parse().expect("a method");
            for who in [Who::Page, shopper] {
                let before = traces(world).await;
                let refused = ask(service, &who, method.clone(), &real, Some(&body)).await.expect(403);
                assert_eq!(refused.problem(), "forbidden", "{who:?} {path} {pointer}");
                // A publishable key may not act at all, and a token not create: then nothing needs to be pointed at.
                let creates = path == "/v1/checkouts";
                if creates == matches!(who, Who::Page) {
                    assert_eq!(pointers(&refused), [&*pointer], "{who:?} {path}");
                }
                assert_eq!(traces(world).await, before, "{who:?} {path} {pointer}");
            }
            let done = ask(service, &Who::Server, method, &real, Some(&body)).await;
            assert!(done.status.is_success(), "{path} {pointer}: {}", done.text);
            walked.push(format!("{path} {pointer}"));
        }
        walked.sort();
        assert_eq!(
            walked,
            [
                "/v1/checkouts /custom_items",
                "/v1/checkouts /customer_id",
                "/v1/checkouts /line_items/0/list_price",
                "/v1/checkouts /line_items/0/name",
                "/v1/checkouts/{id}/items /custom_items",
                "/v1/checkouts/{id}/items /line_items/0/list_price",
                "/v1/checkouts/{id}/items /line_items/0/name",
                "/v1/checkouts/{id}/items/{item_id} /line_item/list_price",
                "/v1/checkouts/{id}/items/{item_id} /line_item/name",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_product_is_sold_for_what_the_catalog_says() {
    run(async |world, service| {
        let print = json!({"line_items": [{"product_id": 113, "quantity": 1}]});
        let answer = post(service, &Who::Page, "/v1/checkouts", &print).await.expect(201);
        let (path, shopper) = created(&answer);
        let item =
            answer.body["cart"]["line_items"]["physical_items"][0]["id"].as_str().expect("an item").to_owned();
        let cheaper = json!({"line_item": {"quantity": 1, "list_price": 0.01, "name": "Free"}});
        let before = traces(world).await;
        let refused = ask(service, &shopper, Method::PUT, &format!("{path}/items/{item}"), Some(&cheaper))
            .await
            .expect(403);
        assert_eq!(pointers(&refused), ["/line_item/list_price", "/line_item/name"]);
        // Also at no price at all, and whatever else is wrong with the body.
        for price in [json!(0), json!("0.01"), json!(-1), json!({}), json!("")] {
            let body = json!({"line_item": {"list_price": price}, "nonsense": 1});
            let refused = ask(service, &shopper, Method::PUT, &format!("{path}/items/{item}"), Some(&body))
                .await
                .expect(403);
            assert_eq!(pointers(&refused), ["/line_item/list_price"]);
        }
        let several = json!({
            "line_items": [{"product_id": 120, "quantity": 1}, {"product_id": 120, "quantity": 1, "list_price": 0, "name": "x"}],
            "custom_items": [{"name": "x", "quantity": 1, "list_price": 0}],
        });
        let refused = post(service, &shopper, &format!("{path}/items"), &several).await.expect(403);
        assert_eq!(pointers(&refused), ["/line_items/1/list_price", "/line_items/1/name", "/custom_items"]);
        let refused = post(service, &Who::Page, "/v1/checkouts", &several).await.expect(403);
        assert_eq!(pointers(&refused), ["/line_items/1/list_price", "/line_items/1/name", "/custom_items"]);
        assert_eq!(traces(world).await, before);
        // What says nothing is no price: null is the same as leaving out, and an empty list holds nothing.
        let quiet = json!({"line_items": [{"product_id": 120, "quantity": 1, "list_price": null, "name": null}], "custom_items": []});
        post(service, &shopper, &format!("{path}/items"), &quiet).await.expect(200);
        let now = ask(service, &shopper, Method::GET, &path, None).await.expect(200);
        let lines = now.body["cart"]["line_items"]["physical_items"].as_array().expect("lines").clone();
        let prices: Vec<String> = lines.iter().map(|line| line["list_price"].to_string()).collect();
        assert!(
            prices.iter().any(|price| price.starts_with("120"))
                && prices.iter().any(|price| price.starts_with("15"))
        );
    })
    .await;
}

#[tokio::test]
async fn the_shopper_chooses_what_a_gift_certificate_is_worth_and_everything_that_sets_no_price() {
    run(async |_, service| {
        let party = json!({"name": "Jane", "email": "jane@example.com"});
        let certificate = json!({"gift_certificates": [{"name": "Gift", "theme": "General", "amount": 25, "quantity": 1,
            "sender": party, "recipient": party}]});
        let (path, shopper) =
            created(&post(service, &Who::Page, "/v1/checkouts", &certificate).await.expect(201));
        post(service, &shopper, &format!("{path}/items"), &certificate).await.expect(200);
        post(service, &shopper, &format!("{path}/items"), &mug()).await.expect(200);
        post(service, &shopper, &format!("{path}/coupons"), &json!({"coupon_code": "TENOFF"})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_order_is_made_directly_with_a_server_key_only() {
    run(async |world, service| {
        let order = json!({"billing_address": {"email": "jane@example.com", "zip": "78751", "country_iso2": "US"},
            "products": [{"product_id": 120, "quantity": 1, "price_inc_tax": 0.01, "price_ex_tax": 0.01}]});
        let (_, shopper) = created(&post(service, &Who::Page, "/v1/checkouts", &mug()).await.expect(201));
        let before = traces(world).await;
        for who in [Who::Page, shopper] {
            for body in [&order, &json!({}), &json!("nonsense")] {
                let refused = post(service, &who, "/v1/direct-orders", body).await.expect(403);
                assert_eq!(refused.problem(), "forbidden", "{who:?}");
            }
        }
        assert_eq!(traces(world).await, before);
        post(service, &Who::Server, "/v1/direct-orders", &order).await.expect(201);
    })
    .await;
}
