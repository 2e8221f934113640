//! One request on the wire: what is sent, and what every way of ending means.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use uuid::Uuid;

use super::*;
use crate::bigcommerce::{
    Client, OrderId, Priority, Settings, Unavailable, UnavailableReason, checkouts::Include,
    instrument::PaymentRequest, orders::Filter,
};

/// A server that answers every request with the same bytes and then closes, and keeps what it was sent.
struct Upstream {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Upstream {
    async fn answering(answer: impl Into<String>) -> Self {
        // Whoever reuses a client in a test shall not meet a connection that is just being closed.
        let answer = answer.into().replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                seen.lock().expect("not poisoned").push(request);
                if answer == HANG {
                    held.push(stream);
                } else {
                    // A client may have had enough before the end.
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        });
        Self { url, requests, _task: task }
    }

    fn client(&self) -> Client {
        client(&self.url)
    }

    fn sent(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

const HANG: &str = "hang";

fn answer_of(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
                return text;
            }
        }
        match stream.read(&mut buffer).await.expect("read") {
            0 => return text,
            read => seen.extend_from_slice(&buffer[..read]),
        }
    }
}

fn settings(url: &str) -> Settings {
    Settings {
        store_hash: "abc".to_owned(),
        access_token: Secret::new("store-token".to_owned()),
        api_url: url.to_owned(),
        payments_url: url.to_owned(),
        timeout: Duration::from_millis(500),
        payment_timeout: Duration::from_millis(700),
    }
}

fn client(url: &str) -> Client {
    Client::new(&settings(url)).expect("settings")
}

fn call() -> Call {
    Call::new(Uuid::from_u128(7), Priority::Shopper)
}

fn order_id() -> OrderId {
    OrderId::new(125).expect("a number")
}

async fn create_order(upstream: &Upstream) -> Result<Answer<OrderId>, Error> {
    upstream.client().checkouts(&call()).create_order("c-1").await
}

fn cause(error: Error) -> UnknownCause {
    match error {
        Error::Unknown(unknown) => unknown.cause,
        other => panic!("{other:?}"),
    }
}

const ORDER: &str = "HTTP/1.1 200 OK\r\nX-Rate-Limit-Requests-Left: 149\r\nX-Rate-Limit-Requests-Quota: 150\r\n\
    X-Rate-Limit-Time-Reset-Ms: 29000\r\nX-Rate-Limit-Time-Window-Ms: 30000\r\nContent-Length: 29\r\n\r\n{\"data\":{\"id\":125},\"meta\":{}}";

#[tokio::test]
async fn the_api_host_gets_the_store_token_and_no_body() {
    let upstream = Upstream::answering(ORDER).await;
    let answer = create_order(&upstream).await.expect("an order");
    assert_eq!((answer.value, answer.status), (order_id(), 200));
    assert_eq!((answer.rate_limit.left, answer.rate_limit.quota), (Some(149), Some(150)));
    assert_eq!((answer.rate_limit.reset_ms, answer.rate_limit.window_ms), (Some(29_000), Some(30_000)));
    let sent = upstream.sent().join("");
    assert!(sent.starts_with("POST /stores/abc/v3/checkouts/c-1/orders HTTP/1.1\r\n"), "{sent}");
    for header in [
        "x-auth-token: store-token\r\n",
        "accept: application/json\r\n",
        "content-type: application/json\r\n",
        "x-correlation-id: 00000000-0000-0000-0000-000000000007\r\n",
        concat!("user-agent: headless-checkout/", env!("CARGO_PKG_VERSION"), "\r\n"),
    ] {
        assert!(sent.contains(header), "{header} in {sent}");
    }
    assert!(!sent.contains("authorization"), "{sent}");
    assert!(sent.ends_with("\r\n\r\n"), "no body in {sent}");
}

#[tokio::test]
async fn the_payments_host_gets_the_payment_token_alone() {
    let minted = answer_of("201 Created", r#"{"data":{"id":"a.b.c"}}"#);
    let token =
        Upstream::answering(minted).await.client().payments(&call()).create_access_token(order_id()).await;
    let Ok(token) = token else { panic!("no token") };
    let body = r#"{"data":{"id":"1","transaction_type":"purchase","status":"success"}}"#;
    let paid = answer_of("201 Created", body);
    let upstream = Upstream::answering(paid).await;
    let payment = json!({"payment_method_id": "m", "instrument": {"type": "stored_card", "token": "t"}});
    let Ok(payment) = PaymentRequest::parse(payment, "") else { panic!("refused") };
    let answer = upstream.client().payments(&call()).process(&token.value, &payment).await.expect("paid");
    assert_eq!(answer.value.transaction_type.name(), "purchase");
    let sent = upstream.sent().join("");
    assert!(sent.starts_with("POST /stores/abc/payments HTTP/1.1\r\n"), "{sent}");
    for header in [
        "authorization: PAT a.b.c\r\n",
        "accept: application/vnd.bc.v1+json\r\n",
        "content-type: application/json\r\n",
        "x-correlation-id: 00000000-0000-0000-0000-000000000007\r\n",
    ] {
        assert!(sent.contains(header), "{header} in {sent}");
    }
    assert!(!sent.contains("x-auth-token") && !sent.contains("store-token"), "{sent}");
    let body = r#"{"payment":{"instrument":{"type":"stored_card","token":"t"},"payment_method_id":"m"}}"#;
    assert!(sent.ends_with(body), "{sent}");
}

#[tokio::test]
async fn a_refused_connection_is_certainly_without_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let error = client(&url).checkouts(&call()).create_order("c-1").await.expect_err("nobody listens");
    let expected = Unavailable { reason: UnavailableReason::NotConnected, retry_after: None };
    assert!(matches!(&error, Error::Unavailable(unavailable) if *unavailable == expected), "{error:?}");
}

#[tokio::test]
async fn silence_and_broken_answers_are_unknown() {
    for (answer, expected) in [
        (HANG, UnknownCause::TimedOut),
        ("", UnknownCause::ConnectionLost),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":{\"id\"", UnknownCause::ConnectionLost),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n", UnknownCause::ConnectionLost),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"data\":{", UnknownCause::Unreadable),
        ("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"data\":{}}", UnknownCause::Unreadable),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", UnknownCause::Unreadable),
        ("HTTP/1.1 204 No Content\r\n\r\n", UnknownCause::Unreadable),
        ("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", UnknownCause::Status),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", UnknownCause::Status),
    ] {
        let upstream = Upstream::answering(answer).await;
        let error = create_order(&upstream).await.expect_err("no order");
        assert_eq!(cause(error), expected, "{answer:?}");
        assert_eq!(upstream.sent().len(), 1, "sent once: {answer:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_given_up() {
    let upstream = Upstream::answering(answer_of("200 OK", &" ".repeat(LARGEST_BODY + 1))).await;
    assert_eq!(cause(create_order(&upstream).await.expect_err("too large")), UnknownCause::Unreadable);
}

/// Answers the first request of a connection and closes it upon the second.
async fn keeping_alive_once(listener: TcpListener, requests: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        for answer in [ORDER, ""] {
            if read_request(&mut stream).await.is_empty() {
                break;
            }
            requests.fetch_add(1, Ordering::SeqCst);
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
    }
}

#[tokio::test]
async fn a_request_that_a_pooled_connection_swallowed_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = client(&format!("http://{}", listener.local_addr().expect("an address")));
    let requests = Arc::new(AtomicUsize::new(0));
    let mut task = JoinSet::new();
    task.spawn(keeping_alive_once(listener, requests.clone()));
    client.checkouts(&call()).create_order("c-1").await.expect("an order");
    let error = client.checkouts(&call()).create_order("c-1").await.expect_err("swallowed");
    assert_eq!(cause(error), UnknownCause::ConnectionLost);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refusal_stands_whatever_becomes_of_its_body() {
    for answer in [
        "HTTP/1.1 422 X\r\nContent-Length: 100\r\n\r\n{\"title\":\"half",
        "HTTP/1.1 422 X\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 422 X\r\nContent-Length: 6\r\n\r\n<html>",
    ] {
        let error = create_order(&Upstream::answering(answer).await).await.expect_err("no order");
        assert!(
            matches!(&error, Error::Rejected(rejection) if rejection.status == 422),
            "{answer:?} {error:?}"
        );
    }
}

#[tokio::test]
async fn a_429_waits_as_it_is_told() {
    for (answer, expected) in [
        ("HTTP/1.1 429 X\r\nX-Rate-Limit-Time-Reset-Ms: 250\r\nContent-Length: 0\r\n\r\n", Some(250)),
        ("HTTP/1.1 429 X\r\nx-retry-after: 4\r\nContent-Length: 0\r\n\r\n", Some(4000)),
        (
            "HTTP/1.1 429 X\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:28:07 GMT\r\nContent-Length: \
             0\r\n\r\n",
            Some(7000),
        ),
        // A date that has passed, and one far away: a store never waits longer than two windows.
        ("HTTP/1.1 429 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n", None),
        (
            "HTTP/1.1 429 X\r\nRetry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n",
            Some(60_000),
        ),
        (
            "HTTP/1.1 429 X\r\nX-Rate-Limit-Time-Reset-Ms: 18446744073709551615\r\nContent-Length: 0\r\n\r\n",
            Some(60_000),
        ),
        ("HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n", None),
    ] {
        let error = create_order(&Upstream::answering(answer).await).await.expect_err("no order");
        assert!(error.is_rate_limited() && error.is_certainly_without_effect(), "{error:?}");
        assert_eq!(error.retry_after(), expected.map(Duration::from_millis), "{answer:?}");
    }
}

#[tokio::test]
async fn no_content_is_an_empty_list_and_a_deleted_cart() {
    let upstream = Upstream::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let (client, call) = (upstream.client(), call());
    assert!(client.orders(&call).list(&Filter::by_cart("c-1")).await.expect("a list").value.is_empty());
    assert!(client.orders(&call).transactions(order_id()).await.expect("a list").value.is_empty());
    client.carts(&call).delete_item("c-1", "i-1", Some(3)).await.expect("deleted");
    client.orders(&call).archive(order_id()).await.expect("archived");
    let first_lines = upstream
        .sent()
        .iter()
        .map(|sent| sent.lines().next().unwrap_or_default().to_owned())
        .collect::<Vec<_>>();
    assert_eq!(
        first_lines,
        [
            "GET /stores/abc/v2/orders?cart_id=c-1&sort=id:asc HTTP/1.1",
            "GET /stores/abc/v3/orders/125/transactions?limit=250 HTTP/1.1",
            "DELETE /stores/abc/v3/carts/c-1/items/i-1 HTTP/1.1",
            "DELETE /stores/abc/v2/orders/125 HTTP/1.1",
        ]
    );
    assert!(upstream.sent().iter().any(|sent| sent.ends_with(r#"{"version":3}"#)));
}

#[tokio::test]
async fn an_impossible_id_is_refused_before_anything_is_sent() {
    let upstream = Upstream::answering(ORDER).await;
    for id in ["", ".", ".."] {
        let error =
            upstream.client().checkouts(&call()).get(id, Include::Nothing).await.expect_err("refused");
        assert!(matches!(error, Error::Rejected(_)) && !error.is_not_found(), "{id:?}");
    }
    assert!(upstream.sent().is_empty());
}

#[tokio::test]
async fn versions_go_where_bigcommerce_reads_them() {
    let upstream = Upstream::answering("HTTP/1.1 409 X\r\nContent-Length: 0\r\n\r\n").await;
    let (client, call) = (upstream.client(), call());
    let checkouts = client.checkouts(&call);
    let refused = [
        checkouts.add_consignments("c", &[json!({"a": 1}), json!({"a": 2})], Some(5)).await,
        checkouts.select_shipping_option("c", "k", "o", Some(5), Include::ShippingOptions).await,
        checkouts.delete_coupon("c", "A/B", None).await,
    ];
    assert!(refused.iter().all(|answer| matches!(answer, Err(Error::Moved(_)))));
    let sent = upstream.sent();
    let [consignments, option, coupon] = sent.as_slice() else { panic!("three requests") };
    assert!(
        consignments.contains("consignments?include=consignments.available_shipping_options HTTP"),
        "{consignments}"
    );
    assert!(consignments.ends_with(r#"[{"a":1,"version":5},{"a":2,"version":5}]"#), "{consignments}");
    assert!(option.ends_with(r#"{"shipping_option_id":"o","version":5}"#), "{option}");
    assert!(coupon.starts_with("DELETE /stores/abc/v3/checkouts/c/coupons/A%2FB HTTP"), "{coupon}");
}

#[tokio::test]
async fn who_lost_the_right_to_send_sends_nothing_but_reads() {
    let upstream = Upstream::answering(ORDER).await;
    let held = Arc::new(AtomicUsize::new(1));
    let asked = held.clone();
    let client = upstream.client().guarded(Arc::new(move || asked.load(Ordering::Relaxed) > 0));
    client.checkouts(&call()).create_order("c-1").await.expect("an order");
    held.store(0, Ordering::Relaxed);
    let error = client.checkouts(&call()).create_order("c-1").await.expect_err("nothing is sent");
    assert!(error.is_certainly_without_effect() && error.status().is_none(), "{error}");
    let expected = Unavailable { reason: UnavailableReason::NotHeld, retry_after: None };
    assert!(matches!(error, Error::Unavailable(unavailable) if unavailable == expected));
    assert_eq!(upstream.sent().len(), 1);
    let _ = client.checkouts(&call()).get("c-1", Include::Nothing).await;
    assert_eq!(upstream.sent().len(), 2, "a look changes nothing");
}

/// Lets one call through and holds the next one back.
#[derive(Default)]
struct Counting {
    before: AtomicUsize,
    seen: Mutex<Vec<(&'static str, Option<u16>, &'static str)>>,
}

#[async_trait]
impl Observer for Counting {
    async fn before(&self, host: Host, priority: Priority) -> Result<(), Unavailable> {
        assert_eq!((host, priority), (Host::Api, Priority::Shopper));
        let retry_after = Some(Duration::from_secs(1));
        match self.before.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Unavailable { reason: UnavailableReason::HeldBack, retry_after }),
        }
    }

    fn after(&self, seen: &Seen) {
        self.seen.lock().expect("not poisoned").push((seen.name, seen.status, seen.outcome));
    }
}

#[tokio::test]
async fn an_observer_sees_calls_and_may_hold_them_back() {
    let upstream = Upstream::answering(ORDER).await;
    let observer = Arc::new(Counting::default());
    let http = http_client(Duration::from_secs(1)).expect("a client");
    let client = Client::with(&settings(&upstream.url), http, observer.clone()).expect("settings");
    client.checkouts(&call()).create_order("c-1").await.expect("an order");
    let error = client.checkouts(&call()).create_order("c-1").await.expect_err("held back");
    assert!(error.is_certainly_without_effect() && error.status().is_none());
    assert_eq!(upstream.sent().len(), 1);
    assert_eq!(*observer.seen.lock().expect("not poisoned"), [("order.create", Some(200), "succeeded")]);
}
