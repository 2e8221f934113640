//! What operators do, what happens outside of the service, and what only the client can.

use bigcommerce_simulator::Hosted;
use headless_checkout::bigcommerce::{Call, Priority};
use reqwest::Method;
use serde_json::{Value, json};

use super::flows::{completed, shirt};
use crate::coverage::calls::{client, hook, nobody};
use crate::harness::{ACTOR, OPERATOR, Service, World, address, agreed, custom_cart, everything, good_card};
use crate::orders::{ask, authorized, fresh, get, id, refund_of};

async fn paid(service: &Service, cart: &Value) -> (String, Value) {
    let path = service.create(cart).await;
    let body = agreed(json!({"billing_address": address(), "consignments": [{"address": address()}],
        "shipping_preference": {"type": "shipping_flatrate"}, "payment": good_card()}));
    let done = service.post(&format!("{path}/complete"), &body).await.expect(200).body;
    (path, done["order"]["id"].clone())
}

async fn rows(service: &Service, path: &str) -> Vec<Value> {
    get(service, path).await.expect(200).body["data"].as_array().expect("rows").clone()
}

/// Everything that an operator can look at.
pub(super) async fn looked_at(service: &Service) {
    let mut cart = shirt();
    cart["coupon_codes"] = json!(["FIVER"]);
    let (path, order) = paid(service, &cart).await;
    let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
    for query in [
        String::new(),
        format!("?cart_id={cart}"),
        format!("?min_id={order}&max_id={order}"),
        "?status_id=11&sort=date_created:desc&page=1&limit=5".to_owned(),
        "?customer_id=0&channel_id=1&email=jane%40example.com".to_owned(),
        "?min_date_created=2000-01-01T00:00:00Z&max_date_created=2100-01-01T00:00:00Z".to_owned(),
        "?min_date_modified=2000-01-01T00:00:00Z&max_date_modified=2100-01-01T00:00:00Z".to_owned(),
        "?external_order_id=x&payment_method=Stripe".to_owned(),
    ] {
        get(service, &format!("orders{query}")).await.expect(200);
    }
    let one = format!("orders/{order}");
    get(service, &one).await.expect(200);
    for part in ["products", "taxes", "taxes?details=true", "coupons", "transactions", "shipments", "refunds"]
    {
        rows(service, &format!("{one}/{part}")).await;
    }
    let places = rows(service, &format!("{one}/shipping-addresses")).await;
    let quotes = format!("{one}/shipping-addresses/{}/shipping-quotes", places[0]["id"]);
    assert_eq!(rows(service, &quotes).await, Vec::<Value>::new());
    for list in [
        "order-statuses",
        "customers",
        "customers?id=1,2&email=jane%40example.com&include=addresses,storecredit&page=1&limit=2",
        "products/184/variants",
        "products/184/variants?page=1&limit=2",
    ] {
        assert!(!rows(service, list).await.is_empty(), "{list}");
    }
}

/// An order that is changed, shipped in parts and paid back in parts.
pub(super) async fn handled(service: &Service) {
    let (_, order) = paid(service, &shirt()).await;
    let one = format!("/ops/v1/orders/{order}");
    let notes = json!({"status_id": 9, "staff_notes": "call back", "customer_message": "Ring twice",
        "external_source": "POS", "reason": "it is so"});
    service.operate(Method::PUT, &one, ACTOR, Some(&notes)).await.expect(200);

    let products = rows(service, &format!("orders/{order}/products")).await;
    for (product, provider) in products.iter().zip(["usps", ""]) {
        let body = json!({"order_address_id": product["order_address_id"], "tracking_number": "EJ958083578UK",
            "comments": "Janes Order", "shipping_provider": provider,
            "items": [{"order_product_id": product["id"], "quantity": product["quantity"]}]});
        ask(service, &format!("orders/{order}/shipments"), Some(&fresh()), Some(&body)).await.expect(201);
    }
    assert_eq!(rows(service, &format!("orders/{order}/shipments")).await.len(), 2);

    let units =
        json!([{"item_type": "PRODUCT", "item_id": products[0]["id"], "quantity": 1, "reason": "broken"}]);
    let amount = json!([{"item_type": "ORDER", "item_id": order, "amount": 1.5, "reason": "late"}]);
    for items in [units, amount] {
        let wanted = json!({"items": items});
        let quote = ask(service, &format!("orders/{order}/refund-quotes"), None, Some(&wanted)).await;
        let quote = quote.expect(201).body;
        let payments = json!([{"provider_id": quote["refund_methods"][0][0]["provider_id"],
            "amount": quote["total_refund_amount"], "offline": false}]);
        let body = json!({"items": items, "payments": payments});
        ask(service, &format!("orders/{order}/refunds"), Some(&fresh()), Some(&body)).await.expect(201);
    }
    assert_eq!(rows(service, &format!("orders/{order}/refunds")).await.len(), 2);
    get(service, &format!("orders/{order}")).await.expect(200);
    rows(service, &format!("orders/{order}/transactions")).await;
}

/// Payments that were only authorized: taken, let go.
pub(super) async fn settled(service: &Service) {
    for action in ["capture", "void"] {
        let (_, order) = authorized(service).await;
        ask(service, &format!("orders/{order}/{action}"), Some(&fresh()), None).await.expect(201);
        // Reading it lets it settle.
        for _ in 0..3 {
            get(service, &format!("orders/{order}")).await.expect(200);
        }
        rows(service, &format!("orders/{order}/transactions")).await;
    }
}

/// Checkouts that are cancelled after they were paid: what was paid is refunded, what was authorized is voided.
pub(super) async fn given_back(service: &Service) {
    let (paid, order) = paid(service, &custom_cart()).await;
    let (authorized, _) = authorized(service).await;
    let body = json!({"reason": "the shopper changed her mind", "refund": true});
    for path in [paid, authorized] {
        let url = format!("/ops/v1/checkouts/{}/cancel", id(&path));
        let done = service.operate(Method::POST, &url, OPERATOR, Some(&body)).await.expect(200);
        assert_eq!(done.body["status_after"], "cancelled");
    }
    let order = order.as_u64().expect("an order");
    let nothing_left = refund_of(order, "1");
    ask(service, &format!("orders/{order}/refunds"), Some(&fresh()), Some(&nothing_left)).await.expect(422);
}

/// A cart that somebody else made, and one that is fetched at the shop.
pub(super) async fn taken_over(service: &Service, url: &str) {
    let (upstream, cx) = (client(url), nobody());
    let cart = upstream.carts(&cx).create(&custom_cart(), &["redirect_urls"]).await.expect("a cart").value;
    assert!(cart.raw.get().contains("redirect_urls"));
    let path = service.create(&json!({"cart_id": cart.id})).await;
    service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    let pickup = json!([{"address": address(), "pickup_option": {"pickup_method_id": 7}}]);
    let consigned = service.put(&format!("{path}/consignments"), &pickup).await.expect(200).body;
    assert_eq!(consigned["next_step"], "order", "{consigned}");
    completed(
        &service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200)
            .body,
    );
}

/// A cart that is paid on BigCommerce's own page, where it was handed over to.
pub(super) async fn handed_over(service: &Service, world: &World) {
    let path = service.create(&custom_cart()).await;
    service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
    world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
    service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
}

/// An order that a proxy made from the same cart; of the two, one is archived.
pub(super) async fn surplus(service: &Service, world: &World, url: &str) {
    let path = service.create(&everything()).await;
    let (upstream, cx) = (client(url), Call::new(id(&path).uuid(), Priority::BackOffice));
    let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
    let other = upstream.checkouts(&cx).create_order(&cart).await.expect("an order").value;
    completed(
        &service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200)
            .body,
    );
    let ledger = world.simulator.ledger();
    let of_cart = ledger.orders.iter().filter(|order| order.cart_id.as_deref() == Some(&*cart));
    let alive: Vec<u64> = of_cart.filter(|order| !order.archived).map(|order| order.id).collect();
    assert_eq!(alive.len(), 1, "{other:?} and {alive:?}");
}

/// Subscriptions, made by the command line, re-enabled by it, and removed.
pub(super) async fn subscribed(world: &World, url: &str) {
    let (upstream, cx) = (client(url), nobody());
    let hooks = upstream.hooks(&cx);
    // One that BigCommerce has deactivated.
    let dead = hooks.create(&hook(false)).await.expect("a hook").value;
    assert!(!dead.is_active);
    for (command, done) in [("register", "registered"), ("list", "active"), ("repair", "unchanged")] {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_headless-checkout"))
            .args(["webhooks", command, "--destination", &hook(true).destination])
            .env_clear()
            .envs(world.vars())
            .output()
            .await
            .expect("the command runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && said.contains(done),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(said.contains("re-enabled"), command == "register", "{said}");
    }
}
