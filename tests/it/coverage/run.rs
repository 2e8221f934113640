//! Every endpoint that asks BigCommerce for something, one after the other, and what each asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::calls::{client, nobody};
use crate::conformance::{Operation, operations};
use crate::harness::{
    OPERATOR, PATIENCE, Service, World, address, agreed, card, custom_cart, everything, good_card,
};
use crate::orders::{fresh, id, refund_of};

/// A service whose endpoints are called one at a time.
struct Watched<'a> {
    world: &'a World,
    service: &'a Service,
    known: Vec<Operation>,
    seen: BTreeMap<String, BTreeSet<String>>,
}

/// Which calls arrived at BigCommerce because an endpoint was called.
pub(super) async fn seen() -> BTreeMap<String, BTreeSet<String>> {
    let mut world = World::new().await;
    for (name, value) in [
        // Nothing looks by itself in the meantime: what arrives is what the endpoint asked for.
        ("SETTLE_SECONDS", "3600"),
        // And nothing is asked twice because the machine is busy.
        ("UPSTREAM_TIMEOUT_SECONDS", "25"),
        ("PAYMENT_TIMEOUT_SECONDS", "25"),
        ("LEASE_SECONDS", "40"),
    ] {
        world.set(name, value);
    }
    let service = world.start().await;
    let mut watched =
        Watched { world: &world, service: &service, known: operations(), seen: BTreeMap::new() };
    watched.step_by_step().await;
    watched.at_once().await;
    watched.changed().await;
    watched.directly().await;
    watched.looked_at().await;
    watched.handled().await;
    let seen = std::mem::take(&mut watched.seen);
    service.stop().await;
    world.finish().await;
    seen
}

/// Whether a path is one of these.
fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| *wanted == given || wanted.starts_with('{'))
}

impl Watched<'_> {
    async fn call(&mut self, method: Method, path: &str, body: Option<&Value>, status: u16) -> Value {
        let before = self.world.simulator.requests().len();
        let token = if path.starts_with("/ops/") { OPERATOR } else { crate::harness::KEY };
        let (bearer, key) = (format!("Bearer {token}"), fresh());
        let mut headers = vec![("authorization", &*bearer), ("prefer", "wait=30")];
        if method == Method::POST {
            headers.push(("idempotency-key", &*key));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let sent = body.map(|body| body.to_string().into_bytes());
        let answer = self.service.call(method.clone(), path, &headers, sent).await.expect(status);
        self.quiet().await;
        let arrived = self.world.simulator.requests();
        let plain = path.split('?').next().unwrap_or(path);
        let known = self.known.iter().filter(|one| one.method == method.as_str() && fits(&one.path, plain));
        let endpoint = known.min_by_key(|one| one.path.matches('{').count()).expect("the reference has it");
        let seen = self.seen.entry(format!("{method} {}", endpoint.path)).or_default();
        seen.extend(arrived.into_iter().skip(before).map(|request| request.call));
        answer.body
    }

    /// Waits until nobody works on a checkout: what an endpoint set going after its answer is not counted for the next.
    async fn quiet(&self) {
        let busy = "select count(*) from checkout where leased_by is not null or due_at <= now()";
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            looks.tick().await;
            let count: i64 =
                sqlx::query_scalar(busy).fetch_one(&self.world.database.pool).await.expect("a count");
            if count == 0 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{count} checkouts are busy for too long");
        }
    }

    async fn get(&mut self, path: &str) -> Value {
        self.call(Method::GET, path, None, 200).await
    }

    async fn put(&mut self, path: &str, body: &Value) -> Value {
        self.call(Method::PUT, path, Some(body), 200).await
    }

    async fn post(&mut self, path: &str, body: &Value, status: u16) -> Value {
        self.call(Method::POST, path, Some(body), status).await
    }

    async fn delete(&mut self, path: &str) -> Value {
        self.call(Method::DELETE, path, None, 200).await
    }

    async fn create(&mut self, body: &Value) -> String {
        let created = self.post("/v1/checkouts", body, 201).await;
        format!("/v1/checkouts/{}", created["id"].as_str().expect("an id"))
    }

    async fn paid(&mut self, instrument: &Value) -> (String, Value) {
        let path = self.create(&everything()).await;
        let done = self.post(&format!("{path}/complete"), &agreed(json!({"payment": instrument})), 200).await;
        (path, done["order"]["id"].clone())
    }

    async fn step_by_step(&mut self) {
        let mut cart = custom_cart();
        cart["custom_items"][0]["quantity"] = json!(2);
        let path = self.create(&cart).await;
        self.put(&format!("{path}/billing-address"), &address()).await;
        let mut elsewhere = address();
        elsewhere["city"] = json!("Dallas");
        self.put(&format!("{path}/billing-address"), &elsewhere).await;
        let checkout = self.put(&format!("{path}/consignments"), &json!([{"address": elsewhere}])).await;
        // Two addresses for one line: what is there goes. Then one address again, which is corrected in place.
        let one =
            json!([{"item_id": checkout["cart"]["line_items"]["custom_items"][0]["id"], "quantity": 1}]);
        let two =
            json!([{"address": address(), "line_items": one}, {"address": elsewhere, "line_items": one}]);
        self.put(&format!("{path}/consignments"), &two).await;
        self.put(&format!("{path}/consignments"), &json!([{"address": elsewhere}])).await;
        let checkout = self.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await;
        let option = &checkout["consignments"][0]["available_shipping_options"][0]["id"];
        self.put(&format!("{path}/shipping-options"), &json!([{"shipping_option_id": option}])).await;
        self.get(&format!("{path}/payment-methods")).await;
        self.post(&format!("{path}/redirect-urls"), &json!({}), 200).await;
        self.post(&format!("{path}/order"), &json!({}), 200).await;
        self.get(&format!("{path}/payment-methods")).await;
        self.post(&format!("{path}/payment"), &agreed(good_card()), 200).await;
        self.get(&path).await;
        self.get(&format!("{path}/order")).await;
    }

    async fn at_once(&mut self) {
        let mut cart = custom_cart();
        cart["coupon_codes"] = json!(["FIVER"]);
        cart["customer_message"] = json!("Ring twice");
        let path = self.create(&cart).await;
        let body = agreed(json!({"billing_address": address(), "consignments": [{"address": address()}],
            "shipping_preference": "cheapest", "payment": good_card()}));
        self.post(&format!("{path}/complete"), &body, 200).await;
        // A proxy that delivers twice: one order is archived.
        for last in ["order", "complete"] {
            let path = self.create(&everything()).await;
            self.world.simulator.add_fault(Fault::on("create-order").duplicate());
            let body = if last == "order" { json!({}) } else { agreed(json!({"payment": good_card()})) };
            self.post(&format!("{path}/{last}"), &body, 200).await;
        }
    }

    async fn changed(&mut self) {
        // A cart that was made elsewhere.
        let (elsewhere, cx) = (client(&self.world.simulator.url()), nobody());
        let cart = elsewhere.carts(&cx).create(&custom_cart(), &[]).await.expect("a cart").value;
        self.create(&json!({"cart_id": cart.id})).await;
        let path = self.create(&json!({"line_items": [{"product_id": 120, "quantity": 1}]})).await;
        let more = json!({"line_items": [{"product_id": 111, "quantity": 1}]});
        let checkout = self.post(&format!("{path}/items"), &more, 200).await;
        let item =
            checkout["cart"]["line_items"]["physical_items"][0]["id"].as_str().expect("an id").to_owned();
        let item = format!("{path}/items/{item}");
        self.put(&item, &json!({"line_item": {"quantity": 2}})).await;
        self.delete(&item).await;
        self.post(&format!("{path}/coupons"), &json!({"coupon_code": "TENOFF"}), 200).await;
        self.delete(&format!("{path}/coupons/TENOFF")).await;
        self.put(&format!("{path}/customer-message"), &json!({"customer_message": "Ring twice"})).await;
        self.delete(&path).await;
        let path = self.create(&everything()).await;
        self.post(&format!("{path}/order"), &json!({}), 200).await;
        self.delete(&path).await;
    }

    async fn directly(&mut self) {
        let place = json!({"first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin",
            "state": "Texas", "zip": "78751", "country_iso2": "US", "email": "jane@example.com"});
        let body = json!({"billing_address": place,
            "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}]});
        let created = self.post("/v1/direct-orders", &body, 201).await;
        let path = format!("/v1/checkouts/{}", created["id"].as_str().expect("an id"));
        self.post(&format!("{path}/payment"), &agreed(good_card()), 200).await;
    }

    async fn looked_at(&mut self) {
        let (_, order) = self.paid(&good_card()).await;
        let one = format!("/ops/v1/orders/{order}");
        let places = self.get(&format!("{one}/shipping-addresses")).await;
        let quotes = format!("{one}/shipping-addresses/{}/shipping-quotes", places["data"][0]["id"]);
        let others = ["orders", "order-statuses", "customers", "products/184/variants"];
        let parts = ["products", "taxes", "coupons", "transactions", "shipments", "refunds"];
        let paths = others.map(|other| format!("/ops/v1/{other}"));
        for path in
            paths.into_iter().chain(parts.map(|part| format!("{one}/{part}"))).chain([one.clone(), quotes])
        {
            self.get(&path).await;
        }
    }

    async fn handled(&mut self) {
        let (_, order) = self.paid(&good_card()).await;
        let one = format!("/ops/v1/orders/{order}");
        self.put(&one, &json!({"status_id": 9})).await;
        let product = self.get(&format!("{one}/products")).await["data"][0].clone();
        let shipment = json!({"order_address_id": product["order_address_id"],
            "items": [{"order_product_id": product["id"], "quantity": 1}]});
        self.post(&format!("{one}/shipments"), &shipment, 201).await;
        let refund = refund_of(order.as_u64().expect("an order"), "1");
        self.post(&format!("{one}/refund-quotes"), &json!({"items": refund["items"]}), 201).await;
        self.post(&format!("{one}/refunds"), &refund, 201).await;
        for action in ["capture", "void"] {
            let (_, order) = self.paid(&card("4000020004000006")).await;
            self.call(Method::POST, &format!("/ops/v1/orders/{order}/{action}"), None, 201).await;
        }
        let (unpaid, given_back) =
            (self.create(&everything()).await, json!({"reason": "it is so", "refund": true}));
        self.post(&format!("{unpaid}/order"), &json!({}), 200).await;
        for path in [unpaid, self.paid(&good_card()).await.0, self.paid(&card("4000020004000006")).await.0] {
            self.post(&format!("/ops/v1/checkouts/{}/cancel", id(&path)), &given_back, 200).await;
        }
    }
}
