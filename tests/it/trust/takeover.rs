//! A cart that was made elsewhere is given to its customer, to the storefront's server, and otherwise only if it is a guest's.

use super::*;
use bigcommerce_simulator::Fault;

use crate::harness::run;

/// Does something at BigCommerce itself, as somebody else.
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
pub(crate) async fn at_bigcommerce(world: &World, method: Method, path: &str, body: &Value) -> Value {
    let http =
        headless_checkout::bigcommerce::http_client(std::time::Duration::from_secs(5)).expect("a client");
    let request = http
        .request(method, format!("{}/stores/teststore/v3{path}", world.simulator.url()))
        .header("x-auth-token", "somebody-else")
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.expect("an answer").text().await.expect("a body");
    serde_json::from_str::<Value>(&answer).expect("JSON")["data"].clone()
}

async fn cart_of(world: &World, customer: i64) -> String {
    let cart = at_bigcommerce(world, Method::POST, "/carts", &with(mug(), "customer_id", customer)).await;
    cart["id"].as_str().expect("a cart").to_owned()
}

/// What of a checkout is a customer's own.
async fn offered(service: &Service, answer: &Answer) -> usize {
    let (path, shopper) = created(answer);
    let methods =
        ask(service, &shopper, Method::GET, &format!("{path}/payment-methods"), None).await.expect(200);
    let all = methods.body["data"].as_array().expect("methods").clone();
    all.iter().map(|method| method["stored_instruments"].as_array().map_or(0, Vec::len)).sum()
}

#[tokio::test]
async fn the_cart_of_a_customer_is_not_given_to_anybody_else() {
    run(async |world, service| {
        let cart = cart_of(world, 1).await;
        let id = json!({"cart_id": cart});
        let before = world.simulator.ledger();
        let (checkouts, keys, _) = traces(world).await;
        for (who, body) in [
            (Who::Page, id.clone()),
            (Who::Page, with(id.clone(), "customer_token", customer_token(2))),
            (Who::Server, with(id.clone(), "customer_token", customer_token(2))),
            (Who::Server, with(id.clone(), "customer_id", 2)),
        ] {
            let refused = post(service, &who, "/v1/checkouts", &body).await.expect(403);
            assert_eq!((refused.problem(), pointers(&refused)), ("forbidden", vec!["/cart_id"]), "{body}");
            assert!(!refused.text.contains("checkout_token") && !refused.text.contains("jane@example.com"));
        }
        // Nothing is kept, no key is bound, and the cart is as it was.
        let after = traces(world).await;
        assert_eq!((after.0, after.1), (checkouts, keys));
        let ledger = world.simulator.ledger();
        assert_eq!(format!("{:?}", ledger.carts), format!("{:?}", before.carts));
        assert!(
            world
                .simulator
                .requests()
                .iter()
                .all(|request| matches!(&*request.call, "create-cart" | "get-checkout"))
        );
        // To its customer it is, and everything of the customer's with it.
        let body = with(id, "customer_token", customer_token(1));
        let taken = post(service, &Who::Page, "/v1/checkouts", &body).await.expect(201);
        assert_eq!((taken.body["cart"]["id"].as_str(), offered(service, &taken).await), (Some(&*cart), 5));
    })
    .await;
}

/// A server that proves or names a customer speaks for that one: it gets no way into what another customer has begun.
#[tokio::test]
async fn the_checkout_of_a_customers_cart_is_shown_to_no_other_customer() {
    run(async |world, service| {
        let cart = cart_of(world, 1).await;
        let id = json!({"cart_id": cart});
        let first = with(id.clone(), "customer_id", 1);
        let (path, _) = created(&post(service, &Who::Server, "/v1/checkouts", &first).await.expect(201));
        for body in
            [with(id.clone(), "customer_token", customer_token(2)), with(id.clone(), "customer_id", 2)]
        {
            let refused = post(service, &Who::Server, "/v1/checkouts", &body).await.expect(409);
            assert_eq!(refused.problem(), "cart-taken", "{body}");
            assert!(!refused.text.contains("checkout_token"), "{}", refused.text);
            assert!(refused.header("location").is_none() && refused.body["instance"].is_null());
        }
        for body in [first, with(id.clone(), "customer_token", customer_token(1)), id] {
            let taken = post(service, &Who::Server, "/v1/checkouts", &body).await.expect(409);
            assert_eq!((taken.problem(), &taken.body["instance"]), ("cart-taken", &json!(path)), "{body}");
            assert!(taken.body["checkout_token"].is_string(), "{}", taken.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_is_believed_about_the_cart_and_opens_the_customers_own_by_saying_so() {
    run(async |world, service| {
        let cart = cart_of(world, 1).await;
        let taken = post(service, &Who::Server, "/v1/checkouts", &json!({"cart_id": cart})).await.expect(201);
        assert_eq!(
            (taken.body["cart"]["customer_id"].as_i64(), offered(service, &taken).await),
            (Some(1), 0)
        );
        let (path, shopper) = created(&taken);
        let before = traces(world).await;
        let stored = json!({"agreed_total": 100_000, "payment": {"payment_method_id": "stripe.card",
            "instrument": {"type": "stored_card", "token": format!("{:0<64}", "c01a1")}}});
        for who in [&Who::Server, &shopper] {
            let refused = post(service, who, &format!("{path}/complete"), &stored).await.expect(403);
            assert_eq!(pointers(&refused), ["/payment/instrument/type"]);
        }
        assert_eq!(traces(world).await, before);
        let cart = cart_of(world, 1).await;
        let body = json!({"cart_id": cart, "customer_id": 1});
        let taken = post(service, &Who::Server, "/v1/checkouts", &body).await.expect(201);
        assert_eq!(offered(service, &taken).await, 5);
    })
    .await;
}

#[tokio::test]
async fn the_cart_of_a_guest_stays_a_guests_whoever_takes_it_over() {
    run(async |world, service| {
        for body in [json!({}), json!({"customer_token": customer_token(1)})] {
            let cart = cart_of(world, 0).await;
            let body = with(body, "cart_id", &*cart);
            let taken = post(service, &Who::Page, "/v1/checkouts", &body).await.expect(201);
            assert_eq!(taken.body["cart"]["customer_id"], 0);
            assert_eq!(offered(service, &taken).await, 0);
            // Another customer signs in with it elsewhere: that opens nothing here.
            let (path, shopper) = created(&taken);
            let moved = json!({"customer_id": 2});
            at_bigcommerce(world, Method::PUT, &format!("/carts/{cart}"), &moved).await;
            ask(service, &shopper, Method::PUT, &format!("{path}/billing-address"), Some(&address()))
                .await
                .expect(200);
            assert_eq!(offered(service, &taken).await, 0);
        }
        let missing = json!({"cart_id": "00000000-0000-4000-8000-000000000000"});
        for who in [Who::Page, Who::Server] {
            let refused = post(service, &who, "/v1/checkouts", &missing).await.expect(422);
            assert_eq!(
                (refused.problem(), &refused.body["upstream"]["status"]),
                ("rejected-by-bigcommerce", &json!(404))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_signs_in_between_the_two_looks_keeps_the_cart() {
    run(async |world, service| {
        let cart = cart_of(world, 0).await;
        // The first look sees the cart of a guest; before the second one somebody signs in.
        let held =
            world.simulator.add_fault(bigcommerce_simulator::Fault::on("get-checkout").nth(2).hold_before());
        let body = json!({"cart_id": cart});
        let (refused, ()) = tokio::join!(post(service, &Who::Page, "/v1/checkouts", &body), async {
            world.meets(held, 1).await;
            at_bigcommerce(world, Method::PUT, &format!("/carts/{cart}"), &json!({"customer_id": 1})).await;
            world.simulator.release(held);
        });
        let refused = refused.expect(422);
        assert_eq!(
            (refused.problem(), &refused.body["upstream"]["status"]),
            ("rejected-by-bigcommerce", &json!(403))
        );
        assert!(!refused.text.contains("jane@example.com"));
    })
    .await;
}

#[tokio::test]
async fn a_look_that_nobody_asked_for_refuses_no_shopper() {
    run(async |world, service| {
        // What was paid elsewhere with this cart is looked for, soon after it was taken over.
        let look = world.simulator.add_fault(Fault::on("list-orders").hold_before());
        let cart = cart_of(world, 0).await;
        let taken = post(service, &Who::Page, "/v1/checkouts", &json!({"cart_id": cart})).await.expect(201);
        let (path, shopper) = created(&taken);
        world.meets(look, 1).await;
        let (address, at) = (address(), format!("{path}/billing-address"));
        let step = ask(service, &shopper, Method::PUT, &at, Some(&address));
        let let_go = async {
            while service.get(&path).await.expect(200).body["status"] != "running" {}
            world.simulator.release(look);
        };
        let (step, ()) = tokio::join!(step, let_go);
        assert_eq!(step.expect(200).body["status"], "awaiting_input");
    })
    .await;
}
