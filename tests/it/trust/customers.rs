//! Who the shopper is: told by a server key, proven by BigCommerce's Current Customer token, and believed of nobody else.

use super::*;
use crate::harness::{good_card, logs, run, run_with};

/// A card and an account that the simulator's customer 1 has stored, and what else is a customer's own.
fn of_customers() -> Vec<(Value, &'static str)> {
    let stored = |name: &str| format!("{name:0<64}");
    let with =
        |method: &str, instrument: Value| json!({"payment_method_id": method, "instrument": instrument});
    let mut saved = good_card();
    saved["save_instrument"] = json!(true);
    vec![
        (with("stripe.card", json!({"type": "stored_card", "token": stored("c01a1")})), "/instrument/type"),
        (
            with("braintree.paypal", json!({"type": "stored_paypal_account", "token": stored("c01b1")})),
            "/instrument/type",
        ),
        (
            with("braintree.ach", json!({"type": "stored_bank_account", "token": stored("c01c1")})),
            "/instrument/type",
        ),
        (with("bigcommerce.store_credit", json!({"type": "store_credit"})), "/instrument/type"),
        (saved, "/save_instrument"),
    ]
}

/// The tokens of stored instruments that are offered.
async fn offered(service: &Service, who: &Who, path: &str) -> Vec<Value> {
    let methods = ask(service, who, Method::GET, &format!("{path}/payment-methods"), None).await.expect(200);
    let all = methods.body["data"].as_array().expect("methods").clone();
    assert!(all.iter().any(|method| method["id"] == "stripe.card"), "{all:?}");
    all.iter()
        .flat_map(|method| method["stored_instruments"].as_array().cloned().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn a_customer_id_is_taken_from_a_server_key_only() {
    run(async |world, service| {
        let before = traces(world).await;
        for id in [json!(1), json!("1"), json!(1.5), json!(-1), json!(true), json!({})] {
            let refused =
                post(service, &Who::Page, "/v1/checkouts", &with(mug(), "customer_id", id)).await.expect(403);
            assert_eq!((refused.problem(), pointers(&refused)), ("forbidden", vec!["/customer_id"]));
        }
        // All of it at once, also beside a token that is good.
        let mut body = with(mug(), "customer_id", 1);
        body["customer_token"] = json!(customer_token(1));
        body["line_items"][0]["list_price"] = json!(0.01);
        let refused = post(service, &Who::Page, "/v1/checkouts", &body).await.expect(403);
        assert_eq!(pointers(&refused), ["/customer_id", "/line_items/0/list_price"]);
        assert_eq!(traces(world).await, before);
        for guest in [json!(0), Value::Null] {
            let answer = post(service, &Who::Page, "/v1/checkouts", &with(mug(), "customer_id", guest))
                .await
                .expect(201);
            assert_eq!(answer.body["cart"]["customer_id"], 0);
        }
        let answer = post(service, &Who::Server, "/v1/checkouts", &with(everything(), "customer_id", 1))
            .await
            .expect(201);
        let (path, shopper) = created(&answer);
        assert_eq!(answer.body["cart"]["customer_id"], 1);
        for who in [&Who::Server, &shopper] {
            assert_eq!(offered(service, who, &path).await.len(), 5);
        }
    })
    .await;
}

#[tokio::test]
async fn a_customer_token_proves_the_customer_whoever_sends_it() {
    run(async |world, service| {
        let token = customer_token(1);
        for who in [Who::Page, Who::Server] {
            let body = with(everything(), "customer_token", &*token);
            let answer = post(service, &who, "/v1/checkouts", &body).await.expect(201);
            let (path, shopper) = created(&answer);
            assert_eq!(answer.body["cart"]["customer_id"], 1, "{}", answer.text);
            assert_eq!(offered(service, &shopper, &path).await.len(), 5);
            let total = &answer.body["totals"]["grand_total"];
            let body = json!({"agreed_total": total, "payment": of_customers()[0].0});
            let paid = post(service, &shopper, &format!("{path}/complete"), &body).await.expect(200);
            assert_eq!(paid.body["status"], "completed");
        }
        // Nothing of a token is anywhere.
        let signature = token.rsplit('.').next().unwrap_or_default().to_owned();
        let stored: String = sqlx::query_scalar(
            "select coalesce(string_agg(t::text, ' '), '') from (select c::text from checkout c
             union all select c::text from checkout_content c union all select a::text from attempt_log a) t",
        )
        .fetch_one(&world.database.pool)
        .await
        .expect("all text");
        assert!(stored.contains("customer_id") && logs::contain("checkout_id"), "it looks at something");
        for part in [&*signature, "eyJhbGciOiJIUzI1NiIsInR5cCI6"] {
            assert!(!stored.contains(part) && !logs::contain(part), "a token is kept");
        }
    })
    .await;
}

#[tokio::test]
async fn what_does_not_verify_is_nobody() {
    run(async |world, service| {
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let changed = |field: &str, value: Value| {
            let mut claims = claims(1);
            match value {
                Value::Null => drop(claims.as_object_mut().and_then(|claims| claims.remove(field))),
                value => claims[field] = value,
            }
            signed(&header, &claims, CLIENT_SECRET)
        };
        let good = customer_token(1);
        let (unsigned, _) = good.rsplit_once('.').expect("parts");
        let mut wrong = vec![
            String::new(),
            "a".to_owned(),
            "..".to_owned(),
            "é.é.é".to_owned(),
            "x".repeat(10_000),
            format!("{unsigned}."),
            unsigned.to_owned(),
            format!("{good}.{good}"),
            signed(&header, &claims(1), "another secret"),
            signed(&header, &claims(1), ""),
            changed("exp", json!(1)),
            changed("exp", Value::Null),
            changed("store_hash", json!("otherstore")),
            changed("store_hash", Value::Null),
            changed("operation", json!("customer_login")),
            changed("customer", Value::Null),
            changed("customer", json!({"id": 0})),
            changed("customer", json!({"id": "1"})),
        ];
        for algorithm in ["none", "NONE", "hs256", "HS512", "RS256", ""] {
            wrong.push(signed(&json!({"alg": algorithm}), &claims(1), CLIENT_SECRET));
        }
        wrong.push(signed(&json!({"typ": "JWT"}), &claims(1), CLIENT_SECRET));
        let before = traces(world).await;
        for token in wrong {
            for (who, path) in [
                (Who::Page, "/v1/checkouts"),
                (Who::Server, "/v1/checkouts"),
                (Who::Server, "/v1/direct-orders"),
            ] {
                let refused =
                    post(service, &who, path, &with(mug(), "customer_token", &*token)).await.expect(401);
                assert_eq!(refused.problem(), "customer-not-proven", "{token}");
                assert!(refused.header("www-authenticate").is_some());
                assert!(token.len() < 20 || !refused.text.contains(&token));
            }
        }
        let both = with(with(mug(), "customer_id", 2), "customer_token", good);
        let refused = post(service, &Who::Server, "/v1/checkouts", &both).await.expect(422);
        assert_eq!((refused.problem(), pointers(&refused)), ("invalid-input", vec!["/customer_id"]));
        assert_eq!(traces(world).await, before);
    })
    .await;
}

#[tokio::test]
async fn without_a_client_secret_no_token_proves_anything() {
    let mut world = World::new().await;
    world.set("BIGCOMMERCE_CLIENT_SECRET", "");
    run_with(world, async |_, service| {
        for secret in ["", CLIENT_SECRET] {
            let token = signed(&json!({"alg": "HS256"}), &claims(1), secret);
            let refused =
                post(service, &Who::Page, "/v1/checkouts", &with(mug(), "customer_token", token)).await;
            assert_eq!(refused.expect(401).problem(), "customer-not-proven");
        }
    })
    .await;
}

#[tokio::test]
async fn a_fresher_token_of_the_same_customer_is_the_same_request() {
    let world = World::new().await;
    let service = world.start().await;
    let create = |token: String| {
        let service = &service;
        async move {
            let body = with(mug(), "customer_token", token);
            ask_with(service, &Who::Server, Method::POST, "/v1/checkouts", "same", Some(&body)).await
        }
    };
    let first = create(customer_token(1)).await.expect(201);
    let mut fresher = claims(1);
    fresher["iat"] = json!(1);
    let again = create(signed(&json!({"alg": "HS256"}), &fresher, CLIENT_SECRET)).await.expect(201);
    assert_eq!((first.id(), again.header("idempotent-replayed")), (again.id(), Some("true")));
    let other = create(customer_token(2)).await.expect(422);
    assert_eq!(other.problem(), "idempotency-key-reused");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_a_customers_own_is_closed_where_no_customer_was_proven() {
    run(async |world, service| {
        for maker in [Who::Page, Who::Server] {
            let answer = post(service, &maker, "/v1/checkouts", &everything()).await.expect(201);
            let total = answer.body["totals"]["grand_total"].clone();
            let (path, shopper) = created(&answer);
            // Somebody else gives the cart to a customer: that proves nothing to us.
            let cart = answer.body["cart"]["id"].as_str().expect("a cart");
            takeover::at_bigcommerce(world, Method::PUT, &format!("/carts/{cart}"), &json!({"customer_id": 1}))
                .await;
            for who in [&Who::Server, &shopper] {
                assert!(offered(service, who, &path).await.is_empty());
                for (payment, pointer) in of_customers() {
                    let before = traces(world).await;
                    let one = json!({"agreed_total": total, "payment": payment});
                    let refused = post(service, who, &format!("{path}/complete"), &one).await.expect(403);
                    assert_eq!(
                        (refused.problem(), pointers(&refused)),
                        ("forbidden", vec![&*format!("/payment{pointer}")])
                    );
                    let refused = post(service, who, &format!("{path}/payment"), &one).await.expect(403);
                    assert_eq!(pointers(&refused), [format!("/payment{pointer}")]);
                    // Also as the second of several, behind one that is anybody's.
                    let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
                        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
                    let several = json!({"agreed_total": total, "payments": [certificate, payment]});
                    let refused = post(service, who, &format!("{path}/complete"), &several).await.expect(403);
                    assert_eq!(pointers(&refused), [format!("/payments/1{pointer}")]);
                    let mut plain = payment.clone();
                    plain["agreed_total"] = total.clone();
                    let refused = post(service, who, &format!("{path}/payment"), &plain).await.expect(403);
                    assert_eq!(pointers(&refused), [pointer]);
                    assert_eq!(traces(world).await, before);
                }
            }
        }
        // A direct order: its customer is whom the server named, or nobody.
        let mut order = json!({"billing_address": {"email": "jane@example.com", "zip": "78751", "country_iso2": "US"},
            "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}]});
        for (customer, count) in [(0, 0), (1, 5)] {
            order["customer_id"] = json!(customer);
            let answer = post(service, &Who::Server, "/v1/direct-orders", &order).await.expect(201);
            let (path, shopper) = created(&answer);
            assert_eq!(offered(service, &shopper, &path).await.len(), count, "{customer}");
        }
        let answer = post(service, &Who::Server, "/v1/direct-orders", &{
            let mut order = order.clone();
            order.as_object_mut().expect("an object").remove("customer_id");
            with(order, "customer_token", customer_token(1))
        })
        .await
        .expect(201);
        let (path, shopper) = created(&answer);
        assert_eq!(offered(service, &shopper, &path).await.len(), 5);
    })
    .await;
}
