//! Every call of the real client, made once against a simulator: names, methods and paths are read off the wire.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bigcommerce_simulator::Simulator;
use headless_checkout::bigcommerce::checkouts::Include;
use headless_checkout::bigcommerce::hooks::NewHook;
use headless_checkout::bigcommerce::payments::PaymentFor;
use headless_checkout::bigcommerce::{
    Call, Client, Observer, OrderId, PaymentRequest, Priority, Seen, Settings, customers, http_client, orders,
};
use headless_checkout::secret::Secret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::good_card;

/// Ids that nothing has, and what they stand for in a path.
const ORDER: i64 = 9_000_001;
const ADDRESS: i64 = 9_000_002;
const PRODUCT: i64 = 9_000_003;
const HOOK: i64 = 9_000_005;
const PLACES: &[(&str, &str)] = &[
    ("9000001", "{order_id}"),
    ("9000002", "{shipping_address_id}"),
    ("9000003", "{product_id}"),
    ("9000004", "{customer_id}"),
    ("9000005", "{webhook_id}"),
    ("cart", "{cart_id}"),
    ("checkout", "{checkout_id}"),
    ("item", "{item_id}"),
    ("address", "{address_id}"),
    ("consignment", "{consignment_id}"),
    ("code", "{coupon_code}"),
];

/// One call of BigCommerce's, as the client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The client's names of it.
    pub(crate) names: Vec<&'static str>,
    pub(crate) method: String,
    /// Below the store, with parameters in braces.
    pub(crate) path: String,
}

/// A client for the store `teststore` behind this URL, watched by nobody.
pub(crate) fn client(url: &str) -> Client {
    Client::new(&settings(url)).expect("a client")
}

/// On nobody's behalf.
pub(crate) fn nobody() -> Call {
    Call::new(Uuid::now_v7(), Priority::BackOffice)
}

fn settings(url: &str) -> Settings {
    Settings {
        store_hash: "teststore".to_owned(),
        access_token: Secret::new("bigcommerce-token-of-the-tests".to_owned()),
        api_url: url.to_owned(),
        payments_url: url.to_owned(),
        timeout: Duration::from_secs(20),
        payment_timeout: Duration::from_secs(20),
    }
}

/// The names of the calls, in their order.
#[derive(Default)]
struct Names(Mutex<Vec<&'static str>>);

#[async_trait]
impl Observer for Names {
    fn after(&self, seen: &Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen.name);
    }
}

/// Every call by the name that the simulator has for it.
pub(crate) async fn sent() -> BTreeMap<String, Sent> {
    let address = "127.0.0.1:0".parse().expect("an address");
    let simulator = Simulator::start(address, bigcommerce_simulator::Settings::default())
        .await
        .expect("the simulator starts");
    let names = Arc::new(Names::default());
    let http = http_client(Duration::from_secs(5)).expect("an HTTP client");
    let client = Client::with(&settings(&simulator.url()), http, Arc::clone(&names) as _).expect("a client");
    carts(&client).await;
    checkouts(&client).await;
    orders_and_payments(&client).await;
    parts_of_orders(&client).await;
    others(&client).await;

    let names = names.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let requests = simulator.requests();
    simulator.stop().await;
    assert_eq!(names.len(), requests.len(), "one method is one request");
    let mut sent: BTreeMap<String, Sent> = BTreeMap::new();
    for (name, request) in names.into_iter().zip(requests) {
        assert_ne!(request.call, "unknown", "the simulator does not know {name}");
        let new = Sent { names: Vec::new(), path: template(&request.path), method: request.method };
        let known = sent.entry(request.call).or_insert(new);
        if !known.names.contains(&name) {
            known.names.push(name);
        }
    }
    sent
}

fn template(path: &str) -> String {
    let below = path.strip_prefix("/stores/teststore").expect("it is about the store");
    let place = |part: &str| {
        PLACES.iter().find(|(id, _)| *id == part).map_or(part.to_owned(), |(_, name)| (*name).to_owned())
    };
    below.split('/').map(place).collect::<Vec<_>>().join("/")
}

// What is answered does not matter below: nothing of it is there.

async fn carts(client: &Client) {
    let (cx, body) = (nobody(), json!({}));
    let carts = client.carts(&cx);
    let _ = carts.create(&body, &["redirect_urls"]).await;
    let _ = carts.add_items("cart", &body, Some(1)).await;
    let _ = carts.update_item("cart", "item", &body, Some(1)).await;
    let _ = carts.delete_item("cart", "item", Some(1)).await;
    let _ = carts.delete("cart").await;
    let _ = carts.create_redirect_urls("cart").await;
}

async fn checkouts(client: &Client) {
    let (cx, body, id) = (nobody(), json!({}), "checkout");
    let checkouts = client.checkouts(&cx);
    let _ = checkouts.get(id, Include::ShippingOptions).await;
    let _ = checkouts.add_billing_address(id, &body, Some(1)).await;
    let _ = checkouts.update_billing_address(id, "address", &body, Some(1)).await;
    let _ = checkouts.add_consignments(id, std::slice::from_ref(&body), Some(1)).await;
    let _ = checkouts.update_consignment(id, "consignment", &body, Some(1)).await;
    let _ = checkouts.select_shipping_option(id, "consignment", "option", Some(1), Include::Nothing).await;
    let _ = checkouts.delete_consignment(id, "consignment", Some(1)).await;
    let _ = checkouts.add_coupon(id, "code", Some(1)).await;
    let _ = checkouts.delete_coupon(id, "code", Some(1)).await;
    let _ = checkouts.set_customer_message(id, "Ring twice", Some(1)).await;
    let _ = checkouts.create_order(id).await;
}

async fn orders_and_payments(client: &Client) {
    let (cx, id) = (nobody(), OrderId::new(ORDER).expect("an id"));
    let (orders, payments) = (client.orders(&cx), client.payments(&cx));
    // Only a real order has a token, and only a token makes a payment.
    let created = orders.create(&direct_order()).await.expect("an order").value;
    let _ = orders.get(id).await;
    let _ = orders.list(&orders::Filter::default()).await;
    let _ = orders.update(id, &json!({"staff_notes": ""})).await;
    let _ = orders.archive(id).await;
    let _ = payments.methods(PaymentFor::Order(id)).await;
    let token = payments.create_access_token(created.id).await.expect("a token").value;
    let _ = payments.process(&token, &payment()).await;
}

async fn parts_of_orders(client: &Client) {
    let (cx, body, id) = (nobody(), json!({}), OrderId::new(ORDER).expect("an id"));
    let orders = client.orders(&cx);
    let _ = orders.products(id).await;
    let _ = orders.shipping_addresses(id).await;
    let _ = orders.shipping_quotes(id, ADDRESS).await;
    let _ = orders.taxes(id).await;
    let _ = orders.taxes_in_detail(id).await;
    let _ = orders.coupons(id).await;
    let _ = orders.shipments(id).await;
    let _ = orders.create_shipment(id, &body).await;
    let _ = orders.statuses().await;
    let _ = orders.transactions(id).await;
    let _ = orders.refund_quote(id, &body).await;
    let _ = orders.refund(id, &body).await;
    let _ = orders.refunds(id).await;
    let _ = orders.capture(id).await;
    let _ = orders.void(id).await;
}

async fn others(client: &Client) {
    let cx = nobody();
    let _ = client.customers(&cx).list(&customers::Filter::default()).await;
    let _ = client.catalog(&cx).variants(PRODUCT, None, None).await;
    let hooks = client.hooks(&cx);
    let _ = hooks.list().await;
    let _ = hooks.create(&hook(true)).await;
    let _ = hooks.update(HOOK, &hook(true)).await;
}

/// A subscription.
pub(crate) fn hook(is_active: bool) -> NewHook {
    NewHook {
        scope: "store/order/statusUpdated".to_owned(),
        destination: "https://shop.example.com/webhooks/bigcommerce".to_owned(),
        is_active,
        headers: BTreeMap::new(),
    }
}

fn payment() -> PaymentRequest {
    PaymentRequest::parse(good_card(), "").expect("a payment")
}

fn direct_order() -> Value {
    json!({
        "status_id": 0,
        "billing_address": {"first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin",
            "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
            "email": "janedoe@email.com"},
        "products": [{"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}],
    })
}
