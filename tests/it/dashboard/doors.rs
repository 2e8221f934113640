//! Every page with every credential.

use std::collections::BTreeSet;

use headless_checkout::role::Role;
use reqwest::Method;

use super::Visitor;
use crate::harness::{ACTOR, KEY, OPERATOR, PATIENCE, READER, World, custom_cart, run};
use crate::operators::id;
use crate::streams::Stream;

/// Who may use a page; `None`: everybody. What a form asks for is decided in the operators' room.
pub(crate) const PAGES: &[(&str, &str, Option<Role>)] = &[
    ("get", "/ops", Some(Role::Read)),
    ("get", "/ops/sign-in", None),
    ("post", "/ops/sign-in", None),
    ("post", "/ops/sign-out", Some(Role::Read)),
    ("get", "/ops/assets/{name}", None),
    ("get", "/ops/live", Some(Role::Read)),
    ("get", "/ops/stuck", Some(Role::Read)),
    ("get", "/ops/find", Some(Role::Read)),
    ("get", "/ops/checkouts", Some(Role::Read)),
    ("get", "/ops/checkouts/{id}", Some(Role::Read)),
    ("get", "/ops/checkouts/{id}/live", Some(Role::Read)),
    ("post", "/ops/checkouts/{id}/preview", Some(Role::Act)),
    ("post", "/ops/checkouts/{id}/act", Some(Role::Act)),
    ("get", "/ops/bulk", Some(Role::Read)),
    ("post", "/ops/bulk", Some(Role::Act)),
    ("post", "/ops/bulk/preview", Some(Role::Act)),
    ("get", "/ops/bulk/{bulk_id}", Some(Role::Read)),
    ("get", "/ops/bulk/{bulk_id}/live", Some(Role::Read)),
    ("get", "/ops/events", Some(Role::Read)),
    ("get", "/ops/events/{event_id}", Some(Role::Read)),
    ("post", "/ops/events/{event_id}/redeliver", Some(Role::Act)),
    ("get", "/ops/audit", Some(Role::Read)),
];

const TOKENS: &[(Role, &str)] = &[(Role::Read, READER), (Role::Act, ACTOR), (Role::Money, OPERATOR)];

#[test]
fn every_page_of_the_router_is_walked() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/dashboard/mod.rs");
    let text = std::fs::read_to_string(path).expect("the routes");
    let mut routed = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
        let (path, handlers) = line.split_once('"').expect("a path");
        for method in ["get", "post", "put", "patch", "delete", "any"] {
            if handlers.contains(&format!("{method}(")) {
                routed.insert((method, path));
            }
        }
    }
    assert_eq!(routed, PAGES.iter().map(|(method, path, _)| (*method, *path)).collect());
    for hidden in [".route_service(", ".nest(", ".nest_service(", ".fallback("] {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn every_page_refuses_every_credential_that_is_not_for_it() {
    run(async |_, service| {
        let checkout = id(&service.create(&custom_cart()).await).to_string();
        let bulk = "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
        let form = b"action=pause&reason=so&why=so&store=default".to_vec();
        for (method, path, rule) in PAGES {
            let path = path
                .replace("{id}", &checkout)
                .replace("{bulk_id}", bulk)
                .replace("{name}", "ops.css")
                .replace("{event_id}", "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a11");
            let method: Method = method.to_uppercase().parse().expect("a method");
            let posts = method == Method::POST;
            let body = || posts.then(|| form.clone());
            let Some(least) = rule else { continue };
            for (credential, status) in
                [(None, 401), (Some("nobody-knows-this-token"), 401), (Some(KEY), 403)]
            {
                let bearer = credential.map(|credential| format!("Bearer {credential}"));
                let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
                headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
                let answer = service.call(method.clone(), &path, &headers, body()).await.expect(status);
                assert!(matches!(answer.problem(), "unauthorized" | "forbidden"), "{path}");
            }
            // A forged, an old and a foreign cookie are none.
            for cookie in [
                "ops_session=olga.99999999999.x.y",
                "ops_session=",
                "ops_session=operator-token-of-the-tests",
            ] {
                let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie)];
                service.call(method.clone(), &path, &headers, body()).await.expect(401);
            }
            // A person is asked to sign in, and comes back to where they wanted to go.
            let asked = service.call(method.clone(), &path, &[("accept", "text/html")], None).await;
            if posts {
                asked.expect(401);
            } else {
                let asked = asked.expect(303);
                assert_eq!(asked.header("location"), Some(&*format!("/ops/sign-in?next={path}")));
            }
            if path.ends_with("/live") || path.contains(bulk) {
                continue;
            }
            for (role, token) in TOKENS {
                let bearer = format!("Bearer {token}");
                let headers =
                    [("content-type", "application/x-www-form-urlencoded"), ("authorization", &*bearer)];
                let answer = service.call(method.clone(), &path, &headers, body()).await;
                let refused = answer.status.as_u16() == 403;
                assert_eq!(refused, role < least, "{method} {path} as {}: {}", role.as_str(), answer.text);
                assert!(answer.status.as_u16() < 500, "{}", answer.text);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_token_of_an_operator_opens_the_door() {
    let world = World::new().await;
    let service = world.start().await;
    let mut visitor = Visitor::new(&service);
    let form = visitor.get("/ops/sign-in?next=//evil.example/").await.expect(200);
    let csrf = super::hidden(&form, "csrf");
    assert_eq!(super::hidden(&form, "next"), "/ops");
    for wrong in ["", "nobody-knows-this-token", KEY] {
        let answer = visitor.post("/ops/sign-in", &[("csrf", &csrf), ("token", wrong)]).await.expect(401);
        assert!(
            answer.text.contains("This is not an operator token")
                || answer.text.contains("not an operator token")
        );
        assert!(!visitor.cookies.iter().any(|(name, _)| name == "ops_session"));
    }
    let https = [("x-forwarded-proto", "https")];
    let mut visitor = Visitor::new(&service);
    let form = visitor.get_with("/ops/sign-in", &https).await.expect(200);
    let csrf = super::hidden(&form, "csrf");
    let fields = [("csrf", &*csrf), ("token", READER), ("next", "/ops/stuck")];
    let answer = visitor.post_with("/ops/sign-in", &fields, &https).await.expect(303);
    assert_eq!(answer.header("location"), Some("/ops/stuck"));
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.starts_with("__Host-ops_session="), "{cookie}");
    for flag in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/;", "Max-Age=28800"] {
        assert!(cookie.contains(flag), "{flag}: {cookie}");
    }
    assert!(!cookie.contains(READER), "the cookie is the token");
    let page = visitor.get("/ops/stuck").await.expect(200);
    assert!(page.text.contains("rita"), "{}", page.text);
    let csrf = super::hidden(&page, "csrf");
    visitor.post("/ops/sign-out", &[("csrf", "x")]).await.expect(403);
    visitor.post("/ops/sign-out", &[("csrf", &csrf)]).await.expect(303);
    visitor.get("/ops/stuck").await.expect(303);
    // Another replica accepts the session; one that has another token for her does not.
    let mut world = world;
    let other = world.start().await;
    let signed = Visitor::with(&service, READER).await;
    let mut moved = Visitor { service: &other, cookies: signed.cookies.clone() };
    moved.get("/ops").await.expect(200);
    world.set("OPERATOR_TOKENS", "rita:read=another-token-of-rita-0123");
    let rotated = world.start().await;
    let mut old = Visitor { service: &rotated, cookies: signed.cookies };
    old.get("/ops").await.expect(303);
    for service in [service, other, rotated] {
        service.stop().await;
    }
    world.finish().await;
}

/// A cookie that somebody copied.
fn copy<'a>(of: &Visitor<'_>, service: &'a crate::harness::Service) -> Visitor<'a> {
    Visitor { service, cookies: of.cookies.clone() }
}

#[tokio::test]
async fn signing_out_ends_the_session_in_every_process_and_its_stream() {
    let world = World::new().await;
    let services = [world.start().await, world.start().await];
    let [one, other] = &services;
    let mut olga = Visitor::with(one, OPERATOR).await;
    let mut elsewhere = Visitor::with(other, OPERATOR).await;
    let mut copied = copy(&olga, other);
    let page = copied.get("/ops").await.expect(200);
    // Something else in front of the cookie costs nothing.
    copied.cookies.insert(0, ("ops_session".to_owned(), "junk".to_owned()));
    copied.cookies.insert(0, ("ops_session".to_owned(), "olga.1.2.3".to_owned()));
    copied.get("/ops").await.expect(200);
    let live = Stream::open_with(other, "/ops/live", &[("cookie", olga.cookie())]).await;
    assert_eq!(live.status(), 200);
    let csrf = super::hidden(&page, "csrf");
    olga.post("/ops/sign-out", &[("csrf", &csrf)]).await.expect(303);
    // It ends with its session.
    live.rest().await;
    copied.get("/ops").await.expect(303);
    copied.cookies.drain(..2);
    copied.get("/ops").await.expect(303);
    // Other sessions go on, until all of them are ended.
    let page = elsewhere.get("/ops").await.expect(200);
    let mut third = Visitor::with(one, OPERATOR).await;
    let mut rita = Visitor::with(one, READER).await;
    let csrf = super::hidden(&page, "csrf");
    elsewhere.post("/ops/sign-out", &[("csrf", &csrf), ("everywhere", "true")]).await.expect(303);
    third.get("/ops").await.expect(303);
    rita.get("/ops").await.expect(200);
    // A session that begins in the same second counts as one of them.
    let later = async { while Visitor::with(other, OPERATOR).await.get("/ops").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, later).await.expect("a later session is let in");
    for service in services {
        service.stop().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn wrong_tokens_in_a_row_lead_to_pauses_that_grow() {
    let world = World::new().await;
    let service = world.start().await;
    let mut visitor = Visitor::new(&service);
    let form = visitor.get("/ops/sign-in").await.expect(200);
    let csrf = super::hidden(&form, "csrf");
    let (wrong, right) = ([("csrf", &*csrf), ("token", "guess")], [("csrf", &*csrf), ("token", OPERATOR)]);
    for _ in 0..5 {
        visitor.post("/ops/sign-in", &wrong).await.expect(401);
    }
    let after = |answer: super::Answer| -> u64 {
        answer.expect(429).header("retry-after").and_then(|after| after.parse().ok()).expect("Retry-After")
    };
    // Right or wrong: nobody learns which. How the pauses grow is tested with a clock (`pauses`).
    for fields in [&wrong, &right] {
        assert!((1..=2).contains(&after(visitor.post("/ops/sign-in", fields).await)));
    }
    let over = async { while visitor.post("/ops/sign-in", &right).await.status != 303 {} };
    tokio::time::timeout(PATIENCE, over).await.expect("the pause is over");
    service.stop().await;
    world.finish().await;
}
