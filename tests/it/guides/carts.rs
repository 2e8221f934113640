//! "Create an order from a cart", and the same part of "Handling orders" and "Processing orders".

use serde_json::json;

use super::bodies::{BILLING_ADDRESS, CART, CONSIGNMENT};
use super::*;
use crate::harness::run;

/// "Create a Cart ...": the response.
#[tokio::test]
async fn create_a_cart_makes_a_checkout_with_the_amounts_of_the_guide() {
    run(async |world, service| {
        let created = post(service, "/v1/checkouts", CART).await.expect(201);
        assert_eq!(created.header("location"), Some(&*format!("/v1/checkouts/{}", created.id())));
        assert_eq!(created.body["cart"]["base_amount"].to_string(), "10");
        assert_eq!(created.body["totals"]["subtotal"].to_string(), "10");
        assert_eq!(created.body["totals"]["grand_total"].to_string(), "10.83");
        let item = &created.body["cart"]["line_items"]["custom_items"][0];
        assert_eq!((item["sku"].as_str(), item["name"].as_str()), (Some("abc-123"), Some("Custom Product")));
        assert_eq!((item["quantity"].clone(), item["list_price"].clone()), (json!(1), json!(10)));
        assert_eq!(created.body["next_step"], "billing-address");
        world.drove(&["create-cart"]);
    })
    .await;
}

/// "Create a Cart with a redirect url by including the `include=redirect_urls` query parameter." They can be used
/// once, so that they are made when they are asked for.
#[tokio::test]
async fn create_a_cart_with_a_redirect_url() {
    run(async |world, service| {
        let (path, checkout) = cart_of(service, None).await;
        let cart = checkout["cart"]["id"].as_str().expect("a cart").to_owned();
        let urls = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
        for (name, action) in
            [("cart_url", "load"), ("checkout_url", "loadInCheckout"), ("embedded_checkout_url", "embedded")]
        {
            let url = urls.body[name].as_str().unwrap_or_else(|| panic!("{name}: {}", urls.text));
            assert!(url.starts_with("https://") && url.contains(action) && url.contains(&cart), "{url}");
        }
        world.drove(&["create-redirect-urls"]);
    })
    .await;
}

/// "Add a Billing Address to the Cart changing it to a Checkout."
#[tokio::test]
async fn add_a_billing_address_to_the_cart_changing_it_to_a_checkout() {
    run(async |world, service| {
        let (_, checkout) = with_address(service, None).await;
        for (field, value) in guide(BILLING_ADDRESS).as_object().expect("an object") {
            assert_eq!(&checkout["billing_address"][field], value, "{field}");
        }
        assert!(checkout["billing_address"]["id"].is_string());
        assert_eq!(checkout["next_step"], "consignments");
        world.drove(&["add-billing-address"]);
    })
    .await;
}

/// "Add a Consignment to Checkout with the line items": the older name of the address, and custom fields.
#[tokio::test]
async fn add_a_consignment_to_checkout_with_the_line_items() {
    run(async |world, service| {
        let (path, checkout) = with_address(service, None).await;
        let body = CONSIGNMENT.replace("{{LINE_ITEM_ID}}", line_item(&checkout));
        let answer = service.put(&format!("{path}/consignments"), &guide(&body)).await.expect(200);
        let consignment = &answer.body["consignments"][0];
        let address = &consignment["address"];
        assert_eq!(
            (address["email"].as_str(), address["last_name"].as_str()),
            (Some("jane2@example.com"), Some("Cart/Checkout"))
        );
        assert_eq!(address["custom_fields"], json!([{"field_id": "field_25", "field_value": "Great!"}]));
        assert_eq!(consignment["line_item_ids"], json!([line_item(&checkout)]));
        assert_eq!(answer.body["next_step"], "shipping-options");
        world.drove(&["add-consignments"]);
    })
    .await;
}

/// "Append the `include=consignments.available_shipping_options` query parameter to your `POST` request to return
/// `available_shipping_options`."
#[tokio::test]
async fn append_the_include_query_parameter_to_return_available_shipping_options() {
    run(async |world, service| {
        let (_, checkout) = with_consignment(service, None).await;
        let options = checkout["consignments"][0]["available_shipping_options"].as_array().expect("options");
        let shown: Vec<(&str, &str, String)> = options
            .iter()
            .map(|option| {
                let text = |field: &str| option[field].as_str().unwrap_or_default();
                (text("type"), text("description"), option["cost"].to_string())
            })
            .collect();
        let expected = [
            ("shipping_pickupinstore", "Pickup In Store", "0"),
            ("freeshipping", "Free Shipping", "0"),
            ("shipping_flatrate", "Flat Rate", "5"),
            ("shipping_byweight", "Ship by Weight", "10"),
        ];
        assert_eq!(shown, expected.map(|(kind, description, cost)| (kind, description, cost.to_owned())));
        world.drove(&["add-consignments"]);
    })
    .await;
}

/// "Use one of the available shipping options to update the consignment you created in Step 1."
#[tokio::test]
async fn use_one_of_the_available_shipping_options_to_update_the_consignment() {
    run(async |world, service| {
        for (kind, total) in [("freeshipping", "10.83"), ("shipping_flatrate", "15.83")] {
            let (path, checkout) = with_consignment(service, None).await;
            let chosen = option(&checkout, kind);
            // The guide names the consignment in the path; here it may be named in the body.
            let body = json!([{
                "consignment_id": checkout["consignments"][0]["id"], "shipping_option_id": chosen,
            }]);
            let answer = service.put(&format!("{path}/shipping-options"), &body).await.expect(200);
            assert_eq!(answer.body["consignments"][0]["selected_shipping_option"]["id"], chosen);
            assert_eq!(answer.body["totals"]["grand_total"].to_string(), total, "{}", answer.text);
            assert_eq!(answer.body["next_step"], "order");
        }
        world.drove(&["update-consignment"]);
    })
    .await;
}

/// "Create the Order by sending a request to Create Order. Returns an `order_id`. Order is created in `incomplete`
/// status."
#[tokio::test]
async fn create_the_order_by_sending_a_request_to_create_order() {
    run(async |world, service| {
        let (path, checkout) = with_consignment(service, None).await;
        let body = json!([{"shipping_option_id": option(&checkout, "freeshipping")}]);
        service.put(&format!("{path}/shipping-options"), &body).await.expect(200);
        // Like the guide's request, without a body.
        let bearer = format!("Bearer {}", crate::harness::KEY);
        let headers = [("authorization", &*bearer), ("idempotency-key", "without-a-body")];
        let answer =
            service.call(reqwest::Method::POST, &format!("{path}/order"), &headers, None).await.expect(200);
        assert_eq!(answer.body["order"]["id"], 125);
        assert_eq!(
            (answer.body["order"]["status_id"].as_i64(), answer.body["order"]["status"].as_str()),
            (Some(0), Some("Incomplete"))
        );
        let ledger = world.simulator.ledger();
        assert_eq!(ledger.orders[0].cart_id.as_deref(), checkout["cart"]["id"].as_str());
        world.drove(&["create-order"]);
    })
    .await;
}

/// "Add the Customer ID or leave blank if shopper is a guest."
#[tokio::test]
async fn add_the_customer_id_or_leave_blank_if_shopper_is_a_guest() {
    run(async |world, service| {
        for (customer, shown) in [(Some(11), 11), (None, 0)] {
            let (_, checkout) = cart_of(service, customer).await;
            assert_eq!(checkout["cart"]["customer_id"], shown);
        }
        world.drove(&["create-cart"]);
    })
    .await;
}

/// "Add Line Items or Custom Line Items."
#[tokio::test]
async fn add_line_items_or_custom_line_items() {
    run(async |world, service| {
        let line = json!({"line_items": [{"product_id": 184, "variant_id": 421, "quantity": 1}]});
        for (body, group, other) in
            [(line, "physical_items", "custom_items"), (guide(CART), "custom_items", "physical_items")]
        {
            let created = post(service, "/v1/checkouts", &body.to_string()).await.expect(201);
            let items = &created.body["cart"]["line_items"];
            assert_eq!((items[group].as_array().map(Vec::len), &items[other]), (Some(1), &json!([])));
        }
        world.drove(&["create-cart"]);
    })
    .await;
}

/// "Your `checkoutId` will correspond with the cart `id` returned in response to Create a Cart."
#[tokio::test]
async fn your_checkout_id_will_correspond_with_the_cart_id() {
    run(async |world, service| {
        let (_, checkout) = with_address(service, None).await;
        let requests = world.simulator.requests();
        let cart = checkout["cart"]["id"].as_str().expect("a cart");
        let asked = call(&requests, &format!("/v3/checkouts/{cart}/billing-address"));
        assert_eq!(asked.iter().map(|request| &*request.method).collect::<Vec<_>>(), ["POST"]);
        world.drove(&["add-billing-address"]);
    })
    .await;
}

/// "Update each Consignment with the chosen shipping option from the Add Consignment response."
#[tokio::test]
async fn update_each_consignment_with_the_chosen_shipping_option() {
    run(async |world, service| {
        let lines =
            json!({"line_items": [{"product_id": 120, "quantity": 1}, {"product_id": 111, "quantity": 1}]});
        let path = service.create(&lines).await;
        let checkout = service.put(&format!("{path}/billing-address"), &guide(BILLING_ADDRESS)).await.expect(200);
        let mut consignments = json!([guide(CONSIGNMENT)[0], guide(CONSIGNMENT_OF_JANE)[0]]);
        for (at, line) in
            checkout.body["cart"]["line_items"]["physical_items"].as_array().expect("lines").iter().enumerate()
        {
            consignments[at]["line_items"][0]["item_id"] = line["id"].clone();
        }
        let checkout = service.put(&format!("{path}/consignments"), &consignments).await.expect(200);
        let chosen: Vec<Value> = checkout.body["consignments"]
            .as_array()
            .expect("consignments")
            .iter()
            .map(|one| json!({"consignment_id": one["id"], "shipping_option_id": one["available_shipping_options"][2]["id"]}))
            .collect();
        assert_eq!(chosen.len(), 2);
        let checkout = service.put(&format!("{path}/shipping-options"), &json!(chosen)).await.expect(200);
        for (at, choice) in chosen.iter().enumerate() {
            let selected = &checkout.body["consignments"][at]["selected_shipping_option"];
            assert_eq!(
                (&selected["id"], &selected["type"]),
                (&choice["shipping_option_id"], &json!("shipping_flatrate"))
            );
        }
        let updates =
            world.simulator.requests().iter().filter(|request| request.call == "update-consignment").count();
        assert_eq!((updates, checkout.body["next_step"].as_str()), (2, Some("order")));
        world.drove(&["update-consignment"]);
    })
    .await;
}
