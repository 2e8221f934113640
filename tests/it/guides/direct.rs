//! "Orders overview" as far as it makes an order, and "Create an Order Directly" of "Processing orders".

use rust_decimal::Decimal;

use super::bodies::{CREDIT_CARD, DIRECT_ORDER, PRODUCTS, SHIPPING_ADDRESSES, STORED_CARD};
use super::*;
use crate::harness::run;

/// Makes a direct order with this body and pays it.
async fn direct(world: &World, body: &Value, payment: &str) -> (Value, Value) {
    let service = world.start().await;
    let created = post(&service, "/v1/direct-orders", &body.to_string()).await.expect(201);
    assert_eq!(created.body["flow"], "direct-order");
    assert_eq!(created.body["order"]["status_id"], 0, "only an Incomplete order can be paid");
    let path = format!("/v1/checkouts/{}", created.id());
    let paid = pay(&service, &path, payment).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    let confirmation = service.get(&format!("{path}/order")).await.expect(200);
    service.stop().await;
    (paid.body, confirmation.body)
}

/// "To create an order, send a `POST` request to `/v2/orders`": the minimum, a custom product. "Make sure the
/// `status_id` is 0."
#[tokio::test]
async fn to_create_an_order_send_a_post_request_to_v2_orders() {
    let world = World::new().await;
    let (paid, confirmation) = direct(&world, &guide(DIRECT_ORDER), CREDIT_CARD).await;
    assert_eq!(paid["totals"]["grand_total"].to_string().parse::<f32>().ok(), Some(50.0));
    assert_eq!(confirmation["order"]["billing_address"]["email"], "janedoe@email.com");
    assert_eq!(confirmation["products"][0]["name"], "BigCommerce Coffee Mug");
    world.drove(&["create-order-v2", "process-payment"]);
    world.finish().await;
}

/// "Specify the customer by including a `customer_id` in the create order request."
#[tokio::test]
async fn specify_the_customer_by_including_a_customer_id() {
    let world = World::new().await;
    // The guide's customer is 1; its stored card belongs to whoever pays.
    let mut body = guide(r#"{"customer_id": 1}"#);
    for (field, value) in guide(DIRECT_ORDER).as_object().expect("an object") {
        body[field] = value.clone();
    }
    let (_, confirmation) = direct(&world, &body, STORED_CARD).await;
    assert_eq!(confirmation["order"]["customer_id"], 1);
    world.drove(&["create-order-v2", "process-payment"]);
    world.finish().await;
}

/// "Set `customer_id` to `0` to create a guest order."
#[tokio::test]
async fn set_customer_id_to_0_to_create_a_guest_order() {
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["customer_id"] = json!(0);
    let (_, confirmation) = direct(&world, &body, CREDIT_CARD).await;
    assert_eq!(confirmation["order"]["customer_id"], 0);
    world.drove(&["create-order-v2"]);
    world.finish().await;
}

/// "Add shipping addresses by including a `shipping_address` array": the example has the right name of it.
#[tokio::test]
async fn add_shipping_addresses_by_including_a_shipping_addresses_array() {
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["shipping_addresses"] = guide(SHIPPING_ADDRESSES);
    let (_, confirmation) = direct(&world, &body, CREDIT_CARD).await;
    let shown = &confirmation["shipping_addresses"][0];
    for (field, value) in guide(SHIPPING_ADDRESSES)[0].as_object().expect("an address") {
        assert_eq!(&shown[field], value, "{field}");
    }
    world.drove(&["create-order-v2", "list-order-shipping-addresses"]);
    world.finish().await;
}

/// "Specify products from the catalog by including a `products` array in the create order request."
#[tokio::test]
async fn specify_products_from_the_catalog_by_including_a_products_array() {
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["products"] = guide(PRODUCTS);
    let (paid, confirmation) = direct(&world, &body, CREDIT_CARD).await;
    let products = confirmation["products"].as_array().expect("products");
    assert_eq!(products.len(), 2);
    assert_eq!(products[0]["name"], "BigCommerce Coffee Mug");
    assert_eq!(
        (products[1]["product_id"].as_i64(), products[1]["variant_id"].as_i64()),
        (Some(184), Some(421))
    );
    let charged = world.simulator.ledger().charges[0].amount.normalize().to_string();
    assert_eq!(paid["payment"]["amount"].to_string(), charged);
    world.drove(&["create-order-v2", "list-order-products"]);
    world.finish().await;
}

/// "Create a custom shipping quote"; "you can generate the quote elsewhere, then update the `shipping_cost_ex_tax` and
/// `shipping_cost_inc_tax` for the order total to be correct".
#[tokio::test]
async fn create_a_custom_shipping_quote() {
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["shipping_cost_ex_tax"] = json!(9.25);
    body["shipping_cost_inc_tax"] = json!(10);
    let (paid, _) = direct(&world, &body, CREDIT_CARD).await;
    assert_eq!(paid["payment"]["amount"].to_string().parse::<f32>().ok(), Some(60.0));
    world.drove(&["create-order-v2"]);
    world.finish().await;
}

/// The body of the guide with these fields.
fn with(fields: &Value) -> Value {
    let mut body = guide(DIRECT_ORDER);
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

/// The total of a direct order with these fields; nothing is paid.
async fn total_of(service: &Service, fields: &Value) -> Decimal {
    let created = post(service, "/v1/direct-orders", &with(fields).to_string()).await.expect(201);
    let shown = created.body["totals"]["grand_total"].to_string();
    shown.parse::<Decimal>().unwrap_or_else(|_| panic!("no total: {}", created.text)).normalize()
}

/// Fields that are refused at the door, and where; nothing is asked of BigCommerce.
async fn refused(world: &World, service: &Service, fields: &Value, pointer: &str) {
    let before = world.simulator.requests().len();
    let answer = post(service, "/v1/direct-orders", &with(fields).to_string()).await.expect(422);
    let errors = answer.body["errors"].as_array().expect("errors");
    assert!(errors.iter().any(|error| error["pointer"] == pointer), "{pointer}: {}", answer.text);
    assert_eq!(world.simulator.requests().len(), before);
}

/// "Specify order status by including the `status_id` property in the create order request": 0, since the order is
/// to be paid; any other one could not be.
#[tokio::test]
async fn specify_order_status_by_including_the_status_id_property() {
    run(async |world, service| {
        refused(world, service, &json!({"status_id": 11}), "/status_id").await;
        let body = with(&json!({"status_id": 0}));
        let created = post(service, "/v1/direct-orders", &body.to_string()).await.expect(201);
        assert_eq!(created.body["order"]["status_id"], 0);
        world.drove(&["create-order-v2"]);
    })
    .await;
}

/// "If not specified, `status_id` defaults to `1`": it is always sent, because a Pending order cannot be paid.
#[tokio::test]
async fn if_not_specified_status_id_defaults_to_1() {
    run(async |world, service| {
        post(service, "/v1/direct-orders", DIRECT_ORDER).await.expect(201);
        assert_eq!(world.simulator.ledger().orders[0].status_id, 0);
        world.drove(&["create-order-v2"]);
    })
    .await;
}

/// "Add multiple shipping addresses to ship to multiple locations."
#[tokio::test]
async fn add_multiple_shipping_addresses_to_ship_to_multiple_locations() {
    let world = World::new().await;
    let mut other = guide(SHIPPING_ADDRESSES)[0].clone();
    other["street_1"] = json!("456 Example ST");
    let body = with(&json!({"shipping_addresses": [guide(SHIPPING_ADDRESSES)[0], other]}));
    let (_, confirmation) = direct(&world, &body, CREDIT_CARD).await;
    let streets: Vec<&Value> = confirmation["shipping_addresses"]
        .as_array()
        .expect("addresses")
        .iter()
        .map(|address| &address["street_1"])
        .collect();
    assert_eq!(streets, ["123 Example ST", "456 Example ST"]);
    world.drove(&["create-order-v2", "list-order-shipping-addresses"]);
    world.finish().await;
}

/// "To get the `product_options.id` and `product_options.value` of a product for the order `products` array, send a
/// `GET` request to `/v3/catalog/products/{product_id}/variants`." The guide's path has a slash too many.
#[tokio::test]
async fn to_get_the_product_options_send_a_get_request_to_the_variants() {
    run(async |world, service| {
        let variants = crate::orders::get(service, "products/184/variants").await.expect(200);
        let variant = &variants.body["data"][0];
        assert_eq!((&variant["id"], &variant["product_id"]), (&json!(421), &json!(184)));
        let shown: Vec<Value> = variant["option_values"]
            .as_array()
            .expect("options")
            .iter()
            .map(|option| json!({"id": option["option_id"], "value": option["id"].to_string()}))
            .collect();
        assert_eq!(json!(shown), guide(PRODUCTS)[1]["product_options"]);
        let body = with(&json!({"products": [{"product_id": 184, "quantity": 1, "product_options": shown}]}));
        let created = post(service, "/v1/direct-orders", &body.to_string()).await.expect(201);
        let order = format!("orders/{}/products", created.body["order"]["id"]);
        assert_eq!(crate::orders::get(service, &order).await.expect(200).body["data"][0]["variant_id"], 421);
        world.drove(&["list-variants", "create-order-v2", "list-order-products"]);
    })
    .await;
}

/// "If price is not specified, the store's product catalog price is used; override this price with `price_inc_tax` and
/// `price_ex_tax`. If you override `price_ex_tax` or `price_inc_tax`, override both."
#[tokio::test]
async fn if_price_is_not_specified_the_catalog_price_is_used() {
    run(async |world, service| {
        let mug = |price: Value| {
            let mut product = json!({"product_id": 119, "quantity": 2});
            for (name, value) in price.as_object().expect("prices") {
                product[name] = value.clone();
            }
            json!({"products": [product]})
        };
        assert_eq!(total_of(service, &mug(json!({}))).await, Decimal::from(40));
        let both = json!({"price_inc_tax": 9, "price_ex_tax": 8});
        assert_eq!(total_of(service, &mug(both)).await, Decimal::from(18));
        let one = mug(json!({"price_inc_tax": 9}));
        refused(world, service, &one, "/products/0/price_ex_tax").await;
        let one = mug(json!({"price_ex_tax": 9}));
        refused(world, service, &one, "/products/0/price_inc_tax").await;
        world.drove(&["create-order-v2"]);
    })
    .await;
}

/// "Order `subtotal` and `total` calculate automatically": from the costs of shipping, handling and wrapping as well.
#[tokio::test]
async fn order_subtotal_and_total_calculate_automatically() {
    run(async |world, service| {
        let mut costs = json!({});
        let mut expected = Decimal::from(50);
        for kind in ["shipping", "handling", "wrapping"] {
            costs[format!("{kind}_cost_ex_tax")] = json!(4);
            costs[format!("{kind}_cost_inc_tax")] = json!(4.5);
            expected += Decimal::new(45, 1);
            assert_eq!(total_of(service, &costs).await, expected.normalize(), "{kind}");
        }
        world.drove(&["create-order-v2"]);
    })
    .await;
}

/// "If you override `subtotal` or `total`, override both; the system will not re-calculate the other."
#[tokio::test]
async fn if_you_override_subtotal_or_total_override_both() {
    run(async |world, service| {
        let subtotal = json!({"subtotal_ex_tax": "30", "subtotal_inc_tax": "33"});
        let total = json!({"total_ex_tax": "30", "total_inc_tax": "33"});
        refused(world, service, &subtotal, "/total_inc_tax").await;
        refused(world, service, &total, "/subtotal_inc_tax").await;
        let mut both = subtotal;
        both["total_ex_tax"] = total["total_ex_tax"].clone();
        both["total_inc_tax"] = total["total_inc_tax"].clone();
        assert_eq!(total_of(service, &both).await, Decimal::from(33));
        world.drove(&["create-order-v2"]);
    })
    .await;
}

/// "To add a manual discount, overwrite the product price or `discount_amount`"; "Coupon redemption is unavailable."
#[tokio::test]
async fn to_add_a_manual_discount_overwrite_the_discount_amount() {
    run(async |world, service| {
        assert_eq!(total_of(service, &json!({"discount_amount": 5})).await, Decimal::from(45));
        refused(world, service, &json!({"coupon_discount": 5}), "/coupon_discount").await;
        world.drove(&["create-order-v2"]);
    })
    .await;
}

/// "You cannot specify the `order_source`; its value is external. You can optionally specify a value for
/// `external_source`."
#[tokio::test]
async fn you_can_optionally_specify_a_value_for_external_source() {
    let world = World::new().await;
    let service = world.start().await;
    refused(&world, &service, &json!({"order_source": "pos"}), "/order_source").await;
    service.stop().await;
    let (_, confirmation) = direct(&world, &with(&json!({"external_source": "POS"})), CREDIT_CARD).await;
    assert_eq!(confirmation["order"]["external_source"], "POS");
    world.drove(&["create-order-v2", "get-order"]);
    world.finish().await;
}

/// "There is no requirement to specify country when `country_iso2` is specified in the shipping and billing addresses
/// and vice versa."
#[tokio::test]
async fn there_is_no_requirement_to_specify_country_when_country_iso2_is_specified() {
    let world = World::new().await;
    for left_out in ["country", "country_iso2"] {
        let mut body = with(&json!({"shipping_addresses": guide(SHIPPING_ADDRESSES)}));
        for place in ["/billing_address", "/shipping_addresses/0"] {
            let place = body.pointer_mut(place).and_then(Value::as_object_mut).expect("an address");
            place.remove(left_out);
        }
        let (_, confirmation) = direct(&world, &body, CREDIT_CARD).await;
        for place in [&confirmation["order"]["billing_address"], &confirmation["shipping_addresses"][0]] {
            assert_eq!((&place["country"], &place["country_iso2"]), (&json!("United States"), &json!("US")));
        }
    }
    world.drove(&["create-order-v2"]);
    world.finish().await;
}

/// "You can optionally override tax values by specifying `price_inc_tax` and `price_ex_tax`": when the order is made. The
/// guide does it in an update; the prices of an order that may be paid already are not changed here.
#[tokio::test]
async fn you_can_optionally_override_tax_values_by_specifying_both_prices() {
    run(async |world, service| {
        let created = post(service, "/v1/direct-orders", DIRECT_ORDER).await.expect(201);
        let path = format!("orders/{}", created.body["order"]["id"]);
        let order = crate::orders::get(service, &path).await.expect(200).body;
        assert_eq!(
            (&order["total_ex_tax"], &order["total_inc_tax"], &order["total_tax"]),
            (&json!("45.0000"), &json!("50.0000"), &json!("5.0000"))
        );
        let products = json!({"products": [{"id": 1, "price_inc_tax": 1, "price_ex_tax": 1}]});
        let url = format!("/ops/v1/{path}");
        let refused =
            service.operate(reqwest::Method::PUT, &url, crate::harness::OPERATOR, Some(&products)).await;
        assert!(crate::orders::pointers(&refused.expect(422)).contains(&"/products"));
        world.drove(&["create-order-v2", "get-order"]);
    })
    .await;
}
