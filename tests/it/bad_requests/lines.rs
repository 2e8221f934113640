//! Texts that nobody can keep, in every place of a request but its body: the path, the query and the headers. They are refused, or
//! they name nothing; they are never our own failure.

use reqwest::Method;

use super::Place;
use crate::conformance::operations;
use crate::harness::{KEY, OPERATOR};

/// NUL, a half of a surrogate pair as UTF-8 would write it, what is no UTF-8 at all, and a line break.
const ODD: [&str; 4] = ["a%00b", "%ED%A0%80", "%FF", "a%0D%0Ab"];

/// What the doors of operators are asked for.
const QUERIES: [&str; 14] = [
    "email",
    "cart_id",
    "order_id",
    "store",
    "status",
    "step",
    "reason",
    "created_after",
    "updated_before",
    "sort",
    "limit",
    "cursor",
    "id",
    "name",
];

/// What a header can hold and is no visible ASCII.
const TEXTS: [&str; 3] = ["\u{e9}", "a\u{ffff}b", "a\tb"];

const HEADERS: [&str; 9] = [
    "idempotency-key",
    "if-match",
    "prefer",
    "last-event-id",
    "origin",
    "traceparent",
    "x-forwarded-for",
    "forwarded",
    "accept-language",
];

#[tokio::test]
async fn texts_that_nobody_can_keep_are_refused_wherever_they_stand() {
    let place = Place::new().await;
    let fresh = place.names["{fresh}"].clone();
    let id = fresh.rsplit('/').next().expect("an id").to_owned();
    let mut asked = 0;
    for operation in operations().into_iter().filter(|one| !one.is_public && !one.is_of_bigcommerce()) {
        let credential = if operation.path.starts_with("/ops") { OPERATOR } else { KEY };
        let bearer = format!("Bearer {credential}");
        let method: Method = operation.method.parse().expect("a method");
        let parts: Vec<&str> = operation.path.split('/').collect();
        let mut paths = Vec::new();
        for odd in ODD {
            for at in (0..parts.len()).filter(|at| parts[*at].starts_with('{')) {
                let filled = parts.iter().enumerate().map(|(here, part)| match *part {
                    _ if here == at => odd,
                    "{id}" if operation.path.contains("/checkouts/") => &*id,
                    part if part.starts_with('{') => "1",
                    part => part,
                });
                paths.push(filled.collect::<Vec<_>>().join("/"));
            }
            let plain = operation.path.replace("{id}", &id).replace(['{', '}'], "");
            if method == Method::GET && !plain.ends_with("/events") {
                paths.extend(QUERIES.iter().map(|name| format!("{plain}?{name}={odd}")));
                paths.push(format!("{plain}?{odd}={odd}"));
            }
        }
        for path in paths {
            let key = uuid::Uuid::now_v7().to_string();
            let headers = [
                ("authorization", &*bearer),
                ("idempotency-key", &*key),
                ("content-type", "application/json"),
            ];
            let body = operation.takes_body.then(|| b"{}".to_vec());
            let answer = place.service.call(method.clone(), &path, &headers, body).await;
            assert!(answer.status.as_u16() < 500, "{method} {path}: {} {}", answer.status, answer.text);
            asked += 1;
        }
    }
    assert!(asked > 200, "{asked} requests: a blind run");
    place.service.stop().await;
    place.world.finish().await;
}

#[tokio::test]
async fn headers_that_are_no_text_are_refused_or_left_aside() {
    let place = Place::new().await;
    let (fresh, ended) = (place.names["{fresh}"].clone(), place.names["{cancelled}"].clone());
    for name in HEADERS {
        for text in TEXTS {
            for (method, path) in [
                (Method::POST, "/v1/checkouts".to_owned()),
                (Method::PUT, format!("{fresh}/customer-message")),
                (Method::GET, fresh.clone()),
                (Method::GET, format!("{ended}/events")),
                (Method::GET, "/ops/v1/checkouts".to_owned()),
                (Method::POST, "/webhooks/bigcommerce".to_owned()),
            ] {
                let credential = if path.starts_with("/ops") { OPERATOR } else { KEY };
                let bearer = format!("Bearer {credential}");
                let headers =
                    [("authorization", &*bearer), ("content-type", "application/json"), (name, text)];
                let body = (method != Method::GET).then(|| b"{\"customer_message\": \"a\"}".to_vec());
                let answer = place.service.call(method.clone(), &path, &headers, body).await;
                assert!(answer.status.as_u16() < 500, "{method} {path} {name}: {text:?}: {}", answer.text);
            }
        }
    }
    place.service.stop().await;
    place.world.finish().await;
}
