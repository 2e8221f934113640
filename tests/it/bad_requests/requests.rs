//! What is wrong before anybody looks into the body: syntax, headers, paths, methods, the state of the checkout.

use serde_json::json;

use super::{Bad, Method, Place, bad, delete, direct_order, get, post, put};
use crate::harness::{OPERATOR, address, agreed, custom_cart, good_card, run};

const CREATE: &str = "/v1/checkouts";
const BILLING: &str = "{fresh}/billing-address";

/// Bodies that are no JSON document, or not one that has one meaning.
fn unreadable() -> Vec<Bad> {
    let huge_number = format!("{{\"customer_id\": 1{}}}", "0".repeat(70_000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("an empty body", b"".to_vec()),
        ("blanks", b" \n ".to_vec()),
        ("a body that ends too early", br#"{"custom_items": [{"name": "A"#.to_vec()),
        ("two documents", b"{} {}".to_vec()),
        ("a comma too many", br#"{"custom_items": [],}"#.to_vec()),
        ("single quotes", b"{'custom_items': []}".to_vec()),
        ("a comment", br#"{"custom_items": [] /* none */}"#.to_vec()),
        ("not a number", br#"{"customer_id": NaN}"#.to_vec()),
        ("a number with a leading zero", br#"{"customer_id": 01}"#.to_vec()),
        ("a form", b"custom_items=1&name=a".to_vec()),
        ("XML", b"<checkout/>".to_vec()),
        ("bytes that are not UTF-8", b"{\"customer_message\": \"\xff\xfe\"}".to_vec()),
        ("Latin-1", b"{\"customer_message\": \"caf\xe9\"}".to_vec()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("half of a surrogate pair", br#"{"customer_message": "\ud800"}"#.to_vec()),
        ("a NUL byte", b"{\"customer_message\": \"\0\"}".to_vec()),
        ("a line break inside of a text", b"{\"customer_message\": \"a\nb\"}".to_vec()),
        ("forty lists in each other", ("[".repeat(40) + &"]".repeat(40)).into_bytes()),
        ("forty objects in each other", (r#"{"a":"#.repeat(40) + "1" + &"}".repeat(40)).into_bytes()),
        ("a hundred thousand lists in each other", "[".repeat(100_000).into_bytes()),
        ("a name twice", br#"{"customer_id": 1, "customer_id": 2}"#.to_vec()),
        ("a name twice, deeper", br#"{"custom_items": [{"name": "A", "name": "B"}]}"#.to_vec()),
        ("a name twice, once escaped", br#"{"customer_id": 1, "customer\u005fid": 2}"#.to_vec()),
        ("the JSON library's own name", br#"{"$serde_json::private::Number": "1e5"}"#.to_vec()),
    ];
    let mut table: Vec<Bad> = bodies
        .into_iter()
        .map(|(what, body)| post(what, CREATE).bytes(body).gets(400, "malformed-request"))
        .collect();
    table.push(put("broken JSON in a PUT", BILLING).bytes("{").gets(400, "malformed-request"));
    table.push(
        post("broken JSON in a payment", "{ordered}/payment").bytes("{").gets(400, "malformed-request"),
    );
    table.push(post("a number of seventy thousand digits", CREATE).bytes(huge_number).at(&["/customer_id"]));
    table
}

fn headers() -> Vec<Bad> {
    let key = "idempotency-key";
    let create = |what: &str| post(what, CREATE).json(&custom_cart());
    let kind = |what: &str, kind: &str| {
        create(what).header("content-type", kind).gets(415, "unsupported-media-type")
    };
    let mut table = vec![
        create("no content type").without("content-type").gets(415, "unsupported-media-type"),
        kind("plain text", "text/plain"),
        kind("a form", "application/x-www-form-urlencoded"),
        kind("something that only begins like JSON", "application/jsonlines"),
        kind("JSON in Latin-1", "application/json; charset=iso-8859-1"),
        kind("nonsense", "\u{1f4a9}"),
        create("no key").without(key).gets(400, "idempotency-key-missing"),
        post("no key, and no body either", "{ordered}/order")
            .without(key)
            .gets(400, "idempotency-key-missing"),
        create("two keys").also(key, "one-more").gets(400, "malformed-request"),
        create("the same key twice").header(key, "a").also(key, "a").gets(400, "malformed-request"),
        put("a key too long, where it is voluntary", BILLING)
            .header(key, &"k".repeat(256))
            .json(&address())
            .gets(400, "malformed-request"),
        create("a body too large").bytes(vec![b' '; 300_000]).gets(413, "payload-too-large"),
        put("a body too large in a PUT", BILLING).bytes(vec![b'['; 262_145]).gets(413, "payload-too-large"),
        post("a key that belongs to another call", "{fresh}/items")
            .header(key, "a-key-that-is-bound")
            .json(&custom_cart())
            .gets(422, "idempotency-key-reused"),
        post("a key that belongs to another checkout", "{nothing-to-ship}/order")
            .header(key, "a-key-that-is-bound")
            .json(&json!({}))
            .gets(422, "idempotency-key-reused"),
    ];
    for (what, value) in [
        ("an empty key", String::new()),
        ("a key with a blank", "a key".to_owned()),
        ("a key with an umlaut", "schl\u{fc}ssel".to_owned()),
        ("a key of 256 characters", "k".repeat(256)),
    ] {
        table.push(create(what).header(key, &value).gets(400, "malformed-request"));
    }
    for (value, status, code) in [
        ("7", 400, "malformed-request"),
        ("\"7", 400, "malformed-request"),
        ("", 400, "malformed-request"),
        ("\"7\",", 400, "malformed-request"),
        ("\"999\"", 412, "version-mismatch"),
        ("\"998\", \"999\"", 412, "version-mismatch"),
        ("W/\"999\"", 412, "version-mismatch"),
        ("\"not-ours\"", 412, "version-mismatch"),
        ("\"-1\"", 412, "version-mismatch"),
        ("\"99999999999999999999999\"", 412, "version-mismatch"),
    ] {
        let what = format!("If-Match: {value}");
        table.push(put(what, BILLING).header("if-match", value).json(&address()).gets(status, code));
    }
    table
}

fn paths() -> Vec<Bad> {
    let nobody = "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
    let mut table: Vec<Bad> = [
        "/",
        "/v1",
        "/v1/",
        "/v1/checkouts/",
        "/v2/checkouts",
        "/V1/checkouts",
        "/v1//checkouts",
        "{fresh}/",
        "{fresh}/nothing",
        "{fresh}/order/nothing",
        "/v1/direct-orders/1",
        "/problems/no-such-problem",
        "/problems/..%2f..%2fetc%2fpasswd",
        "/.env",
        "/simulator/ledger",
    ]
    .into_iter()
    .map(|path| get("a path that leads nowhere", path).gets(404, "not-found"))
    .collect();
    for id in [
        "1",
        "null",
        nobody,
        "0199f0c47a347c6f9c4b2f6d3c1e8a10",
        "%7B0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10%7D",
        "%00",
        "%ff%fe",
        "..%2f",
        "'%20or%201=1%20--",
        "-1",
        "99999999999999999999999999",
    ] {
        let what = format!("a checkout {id}");
        table.push(get(&*what, format!("/v1/checkouts/{id}")).gets(404, "checkout-not-found"));
        table.push(
            put(&*what, format!("/v1/checkouts/{id}/billing-address"))
                .json(&address())
                .gets(404, "checkout-not-found"),
        );
    }
    table.push(
        get("a very long id", format!("/v1/checkouts/{}", "a".repeat(5000))).gets(404, "checkout-not-found"),
    );
    for item in ["%00", "..%2f..%2fcustomers", "a%20b", "a?b", "%C3%A9", &"a".repeat(65)] {
        let item = item.replace('?', "%3F");
        table.push(
            delete("an item that can be none", format!("{{fresh}}/items/{item}")).gets(404, "not-found"),
        );
    }
    for code in ["%00", "a%0Ab", &"c".repeat(51)] {
        table.push(
            delete("a coupon that can be none", format!("{{fresh}}/coupons/{code}")).gets(404, "not-found"),
        );
    }
    table.push(delete("a path that is not UTF-8", "{fresh}/coupons/%FF").gets(404, "checkout-not-found"));
    for (method, path) in [
        (Method::GET, CREATE),
        (Method::PUT, CREATE),
        (Method::DELETE, CREATE),
        (Method::PATCH, "{fresh}"),
        (Method::POST, "{fresh}"),
        (Method::POST, BILLING),
        (Method::GET, BILLING),
        (Method::DELETE, "{fresh}/consignments"),
        (Method::PUT, "{fresh}/order"),
        (Method::DELETE, "{ordered}/order"),
        (Method::GET, "{ordered}/payment"),
        (Method::POST, "{ordered}/payment-methods"),
        (Method::POST, "{fresh}/events"),
        (Method::GET, "/v1/direct-orders"),
        (Method::POST, "/healthz"),
        (Method::DELETE, "/openapi.yaml"),
        (Method::TRACE, "{fresh}"),
    ] {
        table.push(bad("a method that is not there", method, path).gets(405, "method-not-allowed"));
    }
    table
}

fn out_of_order() -> Vec<Bad> {
    let consignments = json!([{"address": address()}]);
    let options = json!([{"shipping_option_id": "1"}]);
    let item = json!({"line_item": {"quantity": 2}});
    let coupon = json!({"coupon_code": "TENOFF"});
    let mut table = Vec::new();
    for (path, body) in [("consignments", &consignments), ("shipping-options", &options)] {
        table.push(put(path, format!("{{fresh}}/{path}")).json(body));
        table.push(put(path, format!("{{nothing-to-ship}}/{path}")).json(body));
    }
    // What is ordered from a cart and not paid may be changed: see `journeys::back`.
    table.push(put("billing address", "{direct}/billing-address").json(&address()));
    table.push(put("consignments", "{direct}/consignments").json(&consignments));
    table.push(put("shipping options", "{direct}/shipping-options").json(&options));
    table.push(put("message", "{direct}/customer-message").json(&json!({"customer_message": "Hi"})));
    table.push(post("items", "{direct}/items").json(&custom_cart()));
    table.push(put("an item", "{direct}/items/1").json(&item));
    table.push(delete("an item", "{direct}/items/1"));
    table.push(post("a coupon", "{direct}/coupons").json(&coupon));
    table.push(delete("a coupon", "{direct}/coupons/TENOFF"));
    let late = agreed(json!({"billing_address": address(), "payment": good_card()}));
    table.push(post("complete with an address", "{direct}/complete").json(&late));
    table.push(post("order", "{fresh}/order").json(&json!({})));
    table.push(post("payment", "{fresh}/payment").json(&agreed(good_card())));
    table.push(post("complete", "{fresh}/complete").json(&agreed(json!({"payment": good_card()}))));
    table.push(get("the order that is not there", "{fresh}/order"));
    let table = table.into_iter().map(|one| one.gets(409, "step-out-of-order"));
    let mut closed = Vec::new();
    for place in ["{paid}", "{cancelled}"] {
        closed.push(put("billing address", format!("{place}/billing-address")).json(&address()));
        closed.push(post("items", format!("{place}/items")).json(&custom_cart()));
        closed.push(post("a coupon", format!("{place}/coupons")).json(&coupon));
        closed.push(post("payment", format!("{place}/payment")).json(&agreed(good_card())));
        closed.push(
            post("complete", format!("{place}/complete")).json(&agreed(json!({"payment": good_card()}))),
        );
        closed.push(post("redirect URLs", format!("{place}/redirect-urls")).json(&json!({})));
        closed.push(get("payment methods", format!("{place}/payment-methods")));
    }
    closed.push(delete("a paid checkout", "{paid}"));
    table.chain(closed.into_iter().map(|one| one.gets(409, "checkout-closed"))).collect()
}

/// Wrong credentials of every kind, at one place each; `credentials` walks over every route.
fn strangers() -> Vec<Bad> {
    let mut table = vec![
        get("no credential", "{fresh}").without("authorization").gets(401, "unauthorized"),
        get("another checkout's token", "{fresh}")
            .header("authorization", "Bearer {other-token}")
            .gets(404, "checkout-not-found"),
        put("another checkout's token", BILLING)
            .header("authorization", "Bearer {other-token}")
            .json(&address())
            .gets(404, "checkout-not-found"),
        delete("another checkout's token", "{fresh}")
            .header("authorization", "Bearer {other-token}")
            .gets(404, "checkout-not-found"),
        post("a checkout token cannot create", CREATE)
            .header("authorization", "Bearer {fresh-token}")
            .json(&custom_cart())
            .gets(403, "forbidden"),
        post("a checkout token cannot order directly", "/v1/direct-orders")
            .header("authorization", "Bearer {fresh-token}")
            .json(&direct_order())
            .gets(403, "forbidden"),
        get("an operator's token", "{fresh}")
            .header("authorization", &format!("Bearer {OPERATOR}"))
            .gets(403, "forbidden"),
        get("two credentials", "{fresh}")
            .also("authorization", "Bearer {fresh-token}")
            .gets(401, "unauthorized"),
    ];
    for credential in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense-nonsense-nonsense",
        "Bearer ct_",
        "Bearer ct_AAAA",
        "Bearer ct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer {fresh-token}x",
        "Bearer x{fresh-token}",
        "Bearer {fresh-token} {other-token}",
        "Token {fresh-token}",
        "{fresh-token}",
        "Basic c3RvcmVmcm9udDpzZWNyZXQ=",
        "Digest username=\"x\"",
        "Bearer \u{fc}",
    ] {
        let what = format!("the credential {credential:?}");
        table.push(get(&*what, "{fresh}").header("authorization", credential).gets(401, "unauthorized"));
        table.push(
            post(&*what, CREATE)
                .header("authorization", credential)
                .json(&custom_cart())
                .gets(401, "unauthorized"),
        );
    }
    table
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    Place::new().await.refuse_all(unreadable()).await;
}

#[tokio::test]
async fn odd_headers_are_refused() {
    Place::new().await.refuse_all(headers()).await;
}

#[tokio::test]
async fn paths_and_methods_that_lead_nowhere_are_refused() {
    Place::new().await.refuse_all(paths()).await;
}

#[tokio::test]
async fn steps_out_of_order_are_refused() {
    Place::new().await.refuse_all(out_of_order()).await;
}

#[tokio::test]
async fn strangers_are_refused() {
    Place::new().await.refuse_all(strangers()).await;
}

/// A connection outlives a request that was answered before its body had arrived.
#[tokio::test]
async fn who_is_still_sending_sees_the_answer() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    run(async |_, service| {
        let mut connection = tokio::net::TcpStream::connect(service.url().trim_start_matches("http://"))
            .await
            .expect("it listens");
        let length = 400_000;
        let head = |path: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            )
        };
        let mut text = String::new();
        let mut buffer = vec![0; 16 * 1024];
        for (path, status) in [("/v1/checkouts", "401"), ("/nothing-here", "404")] {
            connection.write_all(head(path).as_bytes()).await.expect("the head is taken");
            text.clear();
            while !text.contains("trace_id") {
                let read = connection.read(&mut buffer).await.expect("an answer");
                assert_ne!(read, 0, "the connection was closed: {text}");
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
            connection.write_all(&vec![b' '; length]).await.expect("the body is taken");
        }
        connection
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
            .await
            .expect("the next request is taken");
        let mut rest = String::new();
        connection.read_to_string(&mut rest).await.expect("an answer");
        assert!(rest.starts_with("HTTP/1.1 200 "), "{rest}");
    })
    .await;
}
