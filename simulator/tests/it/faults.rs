//! Each kind of fault as a client really observes it, and what it did meanwhile.

use bigcommerce_simulator::{Effect, Fault, Kind};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Shop, good_card};

async fn ready_cart(shop: &Shop) -> String {
    let cart = shop.client.guide_cart().await;
    shop.client.make_ready(&cart).await;
    cart
}

fn orders(shop: &Shop) -> usize {
    shop.simulator.ledger().orders.len()
}

fn create_order(
    shop: &Shop,
    cart: &str,
) -> impl Future<Output = reqwest::Result<crate::harness::Got>> + use<> {
    let (client, path) = (shop.client.clone(), format!("/v3/checkouts/{cart}/orders"));
    async move { client.try_send("POST", &path, None).await }
}

#[tokio::test]
async fn statuses_and_html_come_with_and_without_effect() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    for (fault, status, made) in [
        (Fault::on("create-order").status_before(503), 503, 0),
        (Fault::on("create-order").status_after(500), 500, 1),
        (Fault::on("create-order").html_before(502), 502, 1),
        (Fault::on("create-order").html_after(504), 504, 2),
    ] {
        let id = shop.simulator.add_fault(fault);
        let got = create_order(&shop, &cart).await.expect("an answer");
        assert_eq!((got.status, orders(&shop), shop.simulator.reached(id)), (status, made, 1));
    }
    assert_eq!(create_order(&shop, &cart).await.expect("an answer").status, 200, "faults strike once");
}

#[tokio::test]
async fn resets_break_the_connection_before_or_inside_the_answer() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    for (fault, made) in [
        (Fault::on("create-order").reset_before(), 0),
        (Fault::on("create-order").reset_after(), 1),
        (Fault::on("create-order").reset_in_body(), 2),
    ] {
        let id = shop.simulator.add_fault(fault);
        assert!(create_order(&shop, &cart).await.is_err());
        assert_eq!((orders(&shop), shop.simulator.reached(id)), (made, 1));
    }
}

#[tokio::test]
async fn a_reset_is_a_real_reset_of_the_connection() {
    let shop = Shop::open().await;
    for (fault, arrives) in [
        (Fault::on("get-time").reset_before(), ""),
        (Fault::on("get-time").reset_after(), ""),
        (Fault::on("get-time").reset_in_body(), "{\"tim"),
    ] {
        shop.simulator.add_fault(fault);
        let (text, end) = raw_get_time(&shop).await;
        let body = text.split_once("\r\n\r\n").map_or(text.as_str(), |(_, body)| body);
        assert_eq!(body.is_empty(), arrives.is_empty(), "{text}");
        assert!(body.starts_with(arrives), "{text}");
        assert_eq!(end.expect_err("a reset").kind(), std::io::ErrorKind::ConnectionReset);
    }
    shop.simulator
        .add_fault(Fault::on("get-time").kind(Kind::Hang { effect: Effect::Before, seconds: Some(0) }));
    let (text, end) = raw_get_time(&shop).await;
    assert_eq!((text.as_str(), end.expect("an orderly close")), ("", 0), "a hang ends without a reset");
}

/// What a plain socket receives, and how it ended.
async fn raw_get_time(shop: &Shop) -> (String, std::io::Result<usize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = shop.client.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = "GET /stores/abc/v2/time HTTP/1.1\r\nhost: x\r\nx-auth-token: t\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut got = Vec::new();
    let end = stream.read_to_end(&mut got).await;
    (String::from_utf8_lossy(&got).into_owned(), end)
}

#[tokio::test]
async fn a_malformed_answer_looks_good_and_is_not_json() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    shop.simulator.add_fault(Fault::on("create-order").malformed());
    let got = create_order(&shop, &cart).await.expect("an answer");
    assert_eq!((got.status, &got.body, orders(&shop)), (200, &Value::Null, 1));
}

#[tokio::test]
async fn a_held_request_waits_for_its_release() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    for (fault, meanwhile) in
        [(Fault::on("create-order").hold_before(), 0), (Fault::on("create-order").hold_after(), 2)]
    {
        let id = shop.simulator.add_fault(fault);
        let mut tasks = JoinSet::new();
        tasks.spawn(create_order(&shop, &cart));
        shop.simulator.wait_reached(id, 1).await;
        assert_eq!(orders(&shop), meanwhile);
        shop.simulator.release(id);
        let got = tasks.join_next().await.expect("a task").expect("no panic").expect("an answer");
        assert_eq!(got.status, 200);
        assert_eq!(orders(&shop), meanwhile.max(1));
    }
}

#[tokio::test]
async fn a_client_that_goes_away_stops_only_what_had_not_begun() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    for (fault, before, after) in [
        (Fault::on("create-order").hold_before(), 0, 0),
        (Fault::on("create-order").hold_after(), 1, 1),
        (Fault::on("create-order").hang_after(), 2, 2),
        (Fault::on("create-order").deliver_late(), 2, 3),
    ] {
        let late = after > before;
        let id = shop.simulator.add_fault(fault);
        let mut tasks = JoinSet::new();
        tasks.spawn(create_order(&shop, &cart));
        shop.simulator.wait_reached(id, 1).await;
        tasks.shutdown().await;
        shop.simulator.wait_abandoned(id, 1).await;
        assert_eq!(orders(&shop), before);
        shop.simulator.release(id);
        if late {
            wait_for_request(&shop, 200).await;
        }
        assert_eq!(orders(&shop), after);
    }
}

/// Waits, without a clock, until the last create-order of the log has this status.
async fn wait_for_request(shop: &Shop, status: u16) {
    loop {
        let done = shop.simulator.requests().into_iter().rfind(|request| request.call == "create-order");
        if done.is_some_and(|request| request.status == status) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hanging_request_ends_with_its_release() {
    let shop = Shop::open().await;
    let id = shop.simulator.add_fault(Fault::on("get-time").hang_before());
    let client = shop.client.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { client.try_send("GET", "/v2/time", None).await });
    shop.simulator.wait_reached(id, 1).await;
    shop.simulator.release(id);
    assert!(tasks.join_next().await.expect("a task").expect("no panic").is_err(), "closed without an answer");
}

#[tokio::test]
async fn a_doubled_request_has_its_effect_twice() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    shop.simulator.add_fault(Fault::on("create-order").duplicate());
    assert_eq!(create_order(&shop, &cart).await.expect("an answer").body["data"]["id"], 126);
    shop.simulator.add_fault(Fault::on("create-order").duplicate_first());
    assert_eq!(create_order(&shop, &cart).await.expect("an answer").body["data"]["id"], 127);
    assert_eq!(orders(&shop), 4);
    shop.simulator.add_fault(Fault::on("process-payment").duplicate());
    let got = shop.client.charge(125, good_card()).await;
    assert_eq!(got.status, 401, "the second saw a used token");
    assert_eq!(shop.simulator.ledger().charges.len(), 1, "charged once all the same");
}

#[tokio::test]
async fn rate_limits_and_slowness_can_be_scripted() {
    let shop = Shop::open().await;
    shop.simulator.add_fault(Fault::on("get-time").rate_limit(2500));
    let got = shop.client.get("/v2/time").await;
    assert_eq!(
        (got.status, &got.headers["x-rate-limit-time-reset-ms"]),
        (429, &"2500".parse().expect("a value"))
    );
    assert_eq!(got.headers["x-retry-after"], "3");
    shop.simulator.add_fault(Fault::on("get-time").rate_limit_without_headers());
    let got = shop.client.get("/v2/time").await;
    assert!(got.status == 429 && !got.headers.keys().any(|name| name.as_str().contains("rate")));
    let begun = std::time::Instant::now();
    shop.simulator.add_fault(Fault::on("get-time").slow(50));
    assert_eq!(shop.client.get("/v2/time").await.status, 200);
    assert!(begun.elapsed().as_millis() >= 50);
}

#[tokio::test]
async fn faults_choose_their_requests() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let nth = shop.simulator.add_fault(Fault::on("get-time").nth(2));
    assert_eq!([client.get("/v2/time").await.status, client.get("/v2/time").await.status], [200, 503]);
    assert_eq!(shop.simulator.reached(nth), 1);
    shop.simulator.add_fault(Fault::on("*").store("other").status_before(418));
    assert_eq!(client.get("/v2/time").await.status, 200);
    shop.simulator.add_fault(
        Fault::on("*").correlation_id(&client.correlation_id).path_contains("/v2/ti").status_before(418),
    );
    assert_eq!(client.get("/v2/store").await.status, 200);
    assert_eq!(client.get("/v2/time").await.status, 418);
    let seen = shop.simulator.requests();
    let last = seen.last().expect("requests");
    assert_eq!((last.call.as_str(), last.status, last.fault.as_deref()), ("get-time", 418, Some("status")));
}

#[tokio::test]
async fn a_reset_of_the_world_forgets_what_was_held() {
    let shop = Shop::open().await;
    let cart = ready_cart(&shop).await;
    let id = shop.simulator.add_fault(Fault::on("create-order").hold_before());
    let mut tasks = JoinSet::new();
    tasks.spawn(create_order(&shop, &cart));
    shop.simulator.wait_reached(id, 1).await;
    shop.simulator.reset();
    assert!(tasks.join_next().await.expect("a task").expect("no panic").is_err());
    assert_eq!(orders(&shop), 0);
}

#[tokio::test]
async fn a_stopped_simulator_leaves_nothing_running() {
    let shop = Shop::open().await;
    let id = shop.simulator.add_fault(Fault::on("get-time").hang_before());
    let client = shop.client.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { client.try_send("GET", "/v2/time", None).await });
    shop.simulator.wait_reached(id, 1).await;
    shop.simulator.stop().await;
    assert!(tasks.join_next().await.expect("a task").expect("no panic").is_err());
    assert!(shop.client.try_send("GET", "/v2/time", Some(json!({}))).await.is_err(), "nobody listens");
}
