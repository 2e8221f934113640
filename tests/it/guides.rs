//! Every request of BigCommerce's guides that belongs to a checkout or to a direct order, with its literal body, through
//! the service. The guides: "Create an order from a cart", "Handling orders", "Orders overview".
//!
//! Where a guide is wrong, the service does what is right, and the test says so.

use serde_json::{Value, json};

use crate::harness::{Answer, Service, World};

/// "Create a cart".
const CART: &str = r#"{
  "custom_items": [
    {
      "sku": "abc-123",
      "name": "Custom Product",
      "quantity": 1,
      "list_price": 10
    }
  ]
}"#;

/// "Add a billing address".
const BILLING_ADDRESS: &str = r#"{
  "first_name": "Jane",
  "last_name": "Doe",
  "email": "jane@example.com",
  "address1": "123 Main Street",
  "address2": "",
  "city": "Austin",
  "state_or_province": "Texas",
  "state_or_province_code": "TX",
  "country_code": "US",
  "postal_code": "78751",
  "phone": "1234567890"
}"#;

/// "Add a consignment" of the first guide: with the older name of the address and with custom fields.
const CONSIGNMENT: &str = r#"[
  {
    "shipping_address": {
      "email": "jane2@example.com",
      "country_code": "US",
      "first_name": "BigCommerce",
      "last_name": "Cart/Checkout",
      "address1": "123 Main Street",
      "city": "Austin",
      "state_or_province": "Texas",
      "state_or_province_code": "TX",
      "postal_code": "78751",
      "phone": "688546",
      "custom_fields": [
        {
          "field_id": "field_25",
          "field_value": "Great!"
        }
      ]
    },
    "line_items": [
      {
        "item_id": "{{LINE_ITEM_ID}}",
        "quantity": 1
      }
    ]
  }
]"#;

/// "Step 1: Add a new consignment" of the second guide.
const CONSIGNMENT_OF_JANE: &str = r#"[
  {
    "shipping_address": {
      "first_name": "Jane",
      "last_name": "Doe",
      "email": "jane@example.com",
      "address1": "123 Main Street",
      "address2": "",
      "city": "Austin",
      "state_or_province": "Texas",
      "state_or_province_code": "TX",
      "country_code": "US",
      "postal_code": "78751",
      "phone": "1234567890"
    },
    "line_items": [
      {
        "item_id": "7e2f9b22-a16e-4056-9e2d-8fc919bcf653",
        "quantity": 1
      }
    ]
  }
]"#;

/// "Using the Stored Card method", process payment.
const STORED_CARD: &str = r#"{
  "payment": {
    "instrument": {
      "type": "stored_card",
      "token": "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee",
      "verification_value": "1142"
    },
    "payment_method_id": "adyenv2.scheme",
    "save_instrument": true
  }
}"#;

/// "Using the Credit Card method": the guide refers to "Credit cards" of the payments overview for the body.
const CREDIT_CARD: &str = r#"{
  "payment": {
    "instrument": {
      "type": "card",
      "number": "4111111111111111",
      "cardholder_name": "John Doe",
      "expiry_month": 12,
      "expiry_year": 2030,
      "verification_value": "411"
    },
    "payment_method_id": "stripe.card",
    "save_instrument": false
  }
}"#;

/// "Creating an order": the minimum.
const DIRECT_ORDER: &str = r#"{
  "billing_address": {
    "first_name": "Jane",
    "last_name": "Doe",
    "street_1": "123 Main Street",
    "city": "Austin",
    "state": "Texas",
    "zip": "78751",
    "country": "United States",
    "country_iso2": "US",
    "email": "janedoe@email.com"
  },
  "products": [
    {
      "name": "BigCommerce Coffee Mug",
      "quantity": 1,
      "price_inc_tax": 50,
      "price_ex_tax": 45
    }
  ]
}"#;

/// "Including shipping addresses".
const SHIPPING_ADDRESSES: &str = r#"[
    {
      "first_name": "Rusty",
      "last_name": "Gates",
      "company": "Example LLC",
      "street_1": "123 Example ST",
      "street_2": "",
      "city": "Austin",
      "state": "Texas",
      "zip": "12345",
      "country": "United States",
      "country_iso2": "US",
      "phone": "5128675309",
      "email": "rusty.gates@example.com"
    }
  ]"#;

/// "Adding products": the guide's comments are not JSON and are left out.
const PRODUCTS: &str = r#"[
    {
      "name": "BigCommerce Coffee Mug",
      "quantity": 1,
      "price_inc_tax": 50,
      "price_ex_tax": 45
    },
    {
      "product_id": 184,
      "quantity": 1,
      "product_options": [
        {
          "id": 200,
          "value": "180"
        },
        {
          "id": 230,
          "value": "192"
        }
      ]
    }
  ]"#;

fn guide(text: &str) -> Value {
    serde_json::from_str(text).expect("the guide's body is JSON")
}

/// The body as it is printed in the guide, to the byte.
async fn post(service: &Service, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", crate::harness::KEY);
    let key = uuid::Uuid::now_v7().to_string();
    let headers = [
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", &*key),
        ("content-type", "application/json"),
    ];
    service.call(reqwest::Method::POST, path, &headers, Some(body.as_bytes().to_vec())).await
}

/// The cart of the guide, for this customer.
async fn cart_of(service: &Service, customer: Option<u32>) -> (String, Value) {
    let mut body = guide(CART);
    if let Some(customer) = customer {
        body["customer_id"] = customer.into();
    }
    let created = post(service, "/v1/checkouts", &body.to_string()).await.expect(201);
    (format!("/v1/checkouts/{}", created.id()), created.body)
}

fn line_item(checkout: &Value) -> &str {
    checkout["cart"]["line_items"]["custom_items"][0]["id"].as_str().expect("a line item")
}

/// The guide's consignment for the cart's own line.
fn consignment_of(text: &str, checkout: &Value) -> Value {
    let mut body = guide(text);
    body[0]["line_items"][0]["item_id"] = line_item(checkout).into();
    body
}

async fn with_address(service: &Service, customer: Option<u32>) -> (String, Value) {
    let (path, _) = cart_of(service, customer).await;
    let body = guide(BILLING_ADDRESS);
    let answer = service.put(&format!("{path}/billing-address"), &body).await.expect(200);
    (path, answer.body)
}

async fn with_consignment(service: &Service, customer: Option<u32>) -> (String, Value) {
    let (path, checkout) = with_address(service, customer).await;
    let body = consignment_of(CONSIGNMENT_OF_JANE, &checkout);
    let answer = service.put(&format!("{path}/consignments"), &body).await.expect(200);
    (path, answer.body)
}

fn option(checkout: &Value, kind: &str) -> Value {
    let options = checkout["consignments"][0]["available_shipping_options"].as_array().expect("options");
    let found = options.iter().find(|option| option["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {options:?}"))["id"].clone()
}

async fn with_order(service: &Service, customer: Option<u32>) -> (String, Value) {
    let (path, checkout) = with_consignment(service, customer).await;
    let body = json!([{"shipping_option_id": option(&checkout, "freeshipping")}]);
    service.put(&format!("{path}/shipping-options"), &body).await.expect(200);
    let answer = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    (path, answer.body)
}

fn call<'a>(
    requests: &'a [bigcommerce_simulator::Request],
    end: &str,
) -> Vec<&'a bigcommerce_simulator::Request> {
    requests.iter().filter(|request| request.path.ends_with(end)).collect()
}

#[tokio::test]
async fn create_a_cart_makes_a_checkout_with_the_amounts_of_the_guide() {
    let world = World::new().await;
    let service = world.start().await;
    let created = post(&service, "/v1/checkouts", CART).await.expect(201);
    assert_eq!(created.header("location"), Some(&*format!("/v1/checkouts/{}", created.id())));
    assert_eq!(created.body["cart"]["base_amount"].to_string(), "10");
    assert_eq!(created.body["totals"]["subtotal"].to_string(), "10");
    assert_eq!(created.body["totals"]["grand_total"].to_string(), "10.83");
    let item = &created.body["cart"]["line_items"]["custom_items"][0];
    assert_eq!((item["sku"].as_str(), item["name"].as_str()), (Some("abc-123"), Some("Custom Product")));
    assert_eq!((item["quantity"].clone(), item["list_price"].clone()), (json!(1), json!(10)));
    assert_eq!(created.body["next_step"], "billing-address");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn create_a_cart_can_be_handed_over_by_its_redirect_urls() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, checkout) = cart_of(&service, None).await;
    let cart = checkout["cart"]["id"].as_str().expect("a cart").to_owned();
    let urls = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    for (name, action) in
        [("cart_url", "load"), ("checkout_url", "loadInCheckout"), ("embedded_checkout_url", "embedded")]
    {
        let url = urls.body[name].as_str().unwrap_or_else(|| panic!("{name}: {}", urls.text));
        assert!(url.starts_with("https://") && url.contains(action) && url.contains(&cart), "{url}");
    }
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn add_a_billing_address_makes_the_cart_a_checkout() {
    let world = World::new().await;
    let service = world.start().await;
    let (_, checkout) = with_address(&service, None).await;
    for (field, value) in guide(BILLING_ADDRESS).as_object().expect("an object") {
        assert_eq!(&checkout["billing_address"][field], value, "{field}");
    }
    assert!(checkout["billing_address"]["id"].is_string());
    assert_eq!(checkout["next_step"], "consignments");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn add_a_consignment_takes_the_older_name_of_the_address_and_custom_fields() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, checkout) = with_address(&service, None).await;
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
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn add_a_consignment_answers_the_shipping_options_of_the_guide() {
    let world = World::new().await;
    let service = world.start().await;
    let (_, checkout) = with_consignment(&service, None).await;
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
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn update_the_consignment_with_one_of_its_shipping_options() {
    let world = World::new().await;
    let service = world.start().await;
    for (kind, total) in [("freeshipping", "10.83"), ("shipping_flatrate", "15.83")] {
        let (path, checkout) = with_consignment(&service, None).await;
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
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn create_the_order_makes_it_incomplete() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, checkout) = with_consignment(&service, None).await;
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
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn get_accepted_payment_methods_names_the_order_that_the_guide_forgets() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, _) = with_order(&service, Some(11)).await;
    let answer = service.get(&format!("{path}/payment-methods")).await.expect(200);
    let methods = answer.body["data"].as_array().expect("methods");
    let adyen = methods.iter().find(|method| method["id"] == "adyenv2.scheme").expect("the guide's method");
    let stored = guide(STORED_CARD);
    let token = &stored["payment"]["instrument"]["token"];
    let owned = adyen["stored_instruments"].as_array().expect("stored instruments");
    assert!(owned.iter().any(|one| &one["token"] == token), "{adyen:#}");
    // Without a query, as the guide has it, BigCommerce answers 422.
    let requests = world.simulator.requests();
    let asked = call(&requests, "/v3/payments/methods");
    assert_eq!(asked.iter().map(|request| request.status).collect::<Vec<_>>(), [200]);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn create_payment_access_token_and_process_payment_with_the_stored_card() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, checkout) = with_order(&service, Some(11)).await;
    let paid = post(&service, &format!("{path}/payment"), STORED_CARD).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    let payment = &paid.body["payment"];
    assert_eq!(
        (payment["status"].as_str(), payment["transaction_type"].as_str()),
        (Some("succeeded"), Some("purchase"))
    );
    assert_eq!(payment["payment_method_id"], "adyenv2.scheme");
    assert_eq!(payment["instrument"]["type"], "stored_card");
    let ledger = world.simulator.ledger();
    let token = &ledger.tokens[0];
    assert_eq!(Some(token.order_id), checkout["order"]["id"].as_u64());
    assert_eq!((token.amount, token.currency.as_str(), token.used), (1083, "USD", true));
    assert_eq!((ledger.tokens.len(), ledger.charges.len()), (1, 1));
    assert_eq!(payment["transaction_id"], ledger.charges[0].transaction_id);
    // Not on the management host and not with its token, as the guide has it: that is refused.
    let requests = world.simulator.requests();
    let paying: Vec<u16> = call(&requests, "/payments").iter().map(|request| request.status).collect();
    assert_eq!(paying, [201]);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn process_payment_with_a_credit_card_needs_no_payment_methods() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, _) = with_order(&service, None).await;
    let paid = post(&service, &format!("{path}/payment"), CREDIT_CARD).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    assert_eq!(paid.body["payment"]["instrument"], json!({"type": "card", "last_4": "1111"}));
    assert!(call(&world.simulator.requests(), "/v3/payments/methods").is_empty());
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_successful_transaction_moves_the_order_to_awaiting_fulfillment() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, _) = with_order(&service, Some(11)).await;
    post(&service, &format!("{path}/payment"), STORED_CARD).await.expect(200);
    let confirmation = service.get(&format!("{path}/order")).await.expect(200);
    assert_eq!(
        (confirmation.body["order"]["status_id"].as_i64(), confirmation.body["order"]["status"].as_str()),
        (Some(11), Some("Awaiting Fulfillment")),
        "{}",
        confirmation.text
    );
    assert_eq!(world.simulator.ledger().orders[0].status_id, 11);
    service.stop().await;
    world.finish().await;
}

/// Makes a direct order with this body and pays it.
async fn direct(world: &World, body: &Value, payment: &str) -> (Value, Value) {
    let service = world.start().await;
    let created = post(&service, "/v1/direct-orders", &body.to_string()).await.expect(201);
    assert_eq!(created.body["flow"], "direct-order");
    assert_eq!(created.body["order"]["status_id"], 0, "only an Incomplete order can be paid");
    let path = format!("/v1/checkouts/{}", created.id());
    let paid = post(&service, &format!("{path}/payment"), payment).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    let confirmation = service.get(&format!("{path}/order")).await.expect(200);
    service.stop().await;
    (paid.body, confirmation.body)
}

#[tokio::test]
async fn creating_an_order_takes_the_minimum_and_a_status_that_can_be_paid() {
    let world = World::new().await;
    let (paid, confirmation) = direct(&world, &guide(DIRECT_ORDER), CREDIT_CARD).await;
    assert_eq!(paid["totals"]["grand_total"].to_string().parse::<f32>().ok(), Some(50.0));
    assert_eq!(confirmation["order"]["billing_address"]["email"], "janedoe@email.com");
    assert_eq!(confirmation["products"][0]["name"], "BigCommerce Coffee Mug");
    world.finish().await;
}

#[tokio::test]
async fn specifying_order_customer_lets_the_shopper_pay_with_what_is_stored() {
    let world = World::new().await;
    // The guide's customer is 1; its stored card belongs to whoever pays.
    let mut body = guide(r#"{"customer_id": 1}"#);
    for (field, value) in guide(DIRECT_ORDER).as_object().expect("an object") {
        body[field] = value.clone();
    }
    let (_, confirmation) = direct(&world, &body, STORED_CARD).await;
    assert_eq!(confirmation["order"]["customer_id"], 1);
    world.finish().await;
}

#[tokio::test]
async fn specifying_customer_0_creates_a_guest_order() {
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["customer_id"] = json!(0);
    let (_, confirmation) = direct(&world, &body, CREDIT_CARD).await;
    assert_eq!(confirmation["order"]["customer_id"], 0);
    world.finish().await;
}

#[tokio::test]
async fn including_shipping_addresses_ships_to_them() {
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["shipping_addresses"] = guide(SHIPPING_ADDRESSES);
    let (_, confirmation) = direct(&world, &body, CREDIT_CARD).await;
    let shown = &confirmation["shipping_addresses"][0];
    for (field, value) in guide(SHIPPING_ADDRESSES)[0].as_object().expect("an address") {
        assert_eq!(&shown[field], value, "{field}");
    }
    world.finish().await;
}

#[tokio::test]
async fn adding_products_takes_custom_ones_and_options_of_the_catalogue() {
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
    world.finish().await;
}

#[tokio::test]
async fn a_custom_shipping_quote_is_in_the_total_that_is_paid() {
    // "Processing orders": "Create a custom shipping quote"; "Getting shipping quotes": update the costs of the order.
    let world = World::new().await;
    let mut body = guide(DIRECT_ORDER);
    body["shipping_cost_ex_tax"] = json!(9.25);
    body["shipping_cost_inc_tax"] = json!(10);
    let (paid, _) = direct(&world, &body, CREDIT_CARD).await;
    assert_eq!(paid["payment"]["amount"].to_string().parse::<f32>().ok(), Some(60.0));
    world.finish().await;
}
