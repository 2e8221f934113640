//! Every route of the reference with every credential: who may not, is told so in the same way everywhere, and leaves no
//! trace.

use headless_checkout::role::Role;

use super::{Bad, Place, bad, token};
use crate::conformance::{Operation, operations};
use crate::harness::{ACTOR, KEY, OPERATOR, ORIGIN, PAGE_KEY, READER, World, custom_cart};

/// The key of a second store.
const ELSEWHERE: &str = "key-of-another-store-of-the-tests";

/// Who may use an operators' route: the least role, as the contract has it.
pub(crate) const OPERATORS: &[(&str, &str, Role)] = &[
    ("GET", "/ops/v1/summary", Role::Read),
    ("GET", "/ops/v1/checkouts", Role::Read),
    ("GET", "/ops/v1/checkouts/{id}", Role::Read),
    ("GET", "/ops/v1/checkouts/{id}/why", Role::Read),
    ("POST", "/ops/v1/checkouts/{id}/restart", Role::Act),
    ("POST", "/ops/v1/checkouts/{id}/pause", Role::Act),
    ("POST", "/ops/v1/checkouts/{id}/resume", Role::Act),
    ("POST", "/ops/v1/checkouts/{id}/cancel", Role::Act),
    ("POST", "/ops/v1/checkouts/{id}/resolve", Role::Money),
    ("POST", "/ops/v1/checkouts/{id}/close", Role::Money),
    ("POST", "/ops/v1/checkouts/{id}/revoke-tokens", Role::Act),
    ("POST", "/ops/v1/bulk", Role::Act),
    ("GET", "/ops/v1/bulk", Role::Read),
    ("GET", "/ops/v1/bulk/{bulk_id}", Role::Read),
    ("GET", "/ops/v1/audit", Role::Read),
    ("GET", "/ops/v1/audit/verify", Role::Read),
    ("GET", "/ops/v1/orders", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}", Role::Read),
    ("PUT", "/ops/v1/orders/{order_id}", Role::Act),
    ("GET", "/ops/v1/orders/{order_id}/products", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}/shipping-addresses", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}/shipping-addresses/{address_id}/shipping-quotes", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}/taxes", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}/transactions", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}/coupons", Role::Read),
    ("GET", "/ops/v1/orders/{order_id}/shipments", Role::Read),
    ("POST", "/ops/v1/orders/{order_id}/shipments", Role::Act),
    ("POST", "/ops/v1/orders/{order_id}/refund-quotes", Role::Act),
    ("GET", "/ops/v1/orders/{order_id}/refunds", Role::Read),
    ("POST", "/ops/v1/orders/{order_id}/refunds", Role::Money),
    ("POST", "/ops/v1/orders/{order_id}/capture", Role::Money),
    ("POST", "/ops/v1/orders/{order_id}/void", Role::Money),
    ("GET", "/ops/v1/order-statuses", Role::Read),
    ("GET", "/ops/v1/customers", Role::Read),
    ("GET", "/ops/v1/products/{product_id}/variants", Role::Read),
    ("GET", "/ops/v1/order-actions", Role::Read),
    ("GET", "/ops/v1/order-actions/{action_id}", Role::Read),
];

/// The operators of the tests.
const TOKENS: &[(Role, &str)] = &[(Role::Read, READER), (Role::Act, ACTOR), (Role::Money, OPERATOR)];

/// Who may use a route.
enum Rule {
    /// Everybody.
    Public,
    /// A storefront that creates checkouts, also from a page.
    Storefront,
    /// A storefront's server, which says what things cost.
    Server,
    /// Whoever may see the checkout.
    Checkout,
    /// An operator with at least this role.
    Operator(Role),
}

/// The rule for a route. One that nobody thought of has none.
fn rule(operation: &Operation) -> Rule {
    if operation.path.starts_with("/ops") {
        let known =
            OPERATORS.iter().find(|(method, path, _)| *method == operation.method && *path == operation.path);
        let (.., least) =
            known.unwrap_or_else(|| panic!("{} {}: who may use it?", operation.method, operation.path));
        return Rule::Operator(*least);
    }
    if operation.is_public {
        let harmless = ["/healthz", "/readyz", "/metrics", "/openapi.yaml", "/problems", "/problems/{slug}"];
        assert!(harmless.contains(&&*operation.path), "{}: may everybody use it?", operation.path);
        return Rule::Public;
    }
    assert!(operation.path.starts_with("/v1/"), "{}: who may use it?", operation.path);
    match &*operation.path {
        "/v1/checkouts" => Rule::Storefront,
        "/v1/direct-orders" => Rule::Server,
        path => {
            assert!(path.contains("{id}"), "{path}: who may use it?");
            Rule::Checkout
        }
    }
}

#[test]
fn every_rule_is_for_a_route_and_every_route_is_described() {
    let operations = operations();
    for (method, path, _) in OPERATORS {
        let there = operations.iter().any(|known| known.method == *method && known.path == *path);
        assert!(there, "{method} {path} is not described");
    }
    // What the router gets otherwise than with a description, this walk would never see.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut folders = vec![folder];
    let mut merged = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // It makes a router for a listener of its own, which has nothing but the metrics.
            if path.ends_with("metrics.rs") {
                continue;
            }
            // `dashboard` walks the pages, which are no part of the reference.
            if path.ends_with("dashboard/mod.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            for hidden in [".route(", ".route_service(", ".nest(", ".nest_service(", ".fallback("] {
                assert!(!text.contains(hidden), "{}: {hidden}", path.display());
            }
            merged.extend(
                text.lines().filter(|line| line.contains(".merge(")).map(|line| line.trim().to_owned()),
            );
        }
    }
    merged.sort();
    assert_eq!(
        merged,
        [
            ".merge(ops::documented())",
            "Routes::Operators => operators().merge(everywhere()),",
            "Routes::Storefronts => storefronts().merge(everywhere()),",
            "served = served.merge(docs::routes()).merge(dashboard::routes());",
            "storefronts().merge(everywhere()).merge(operators())",
        ]
    );
}

/// Two stores, so that a key can be good and still see nothing.
async fn two_stores() -> Place {
    let store = |name: &str, hash: &str, key: &str| {
        format!(
            "[[store]]\nname = \"{name}\"\nstore_hash = \"{hash}\"\naccess_token = \"bigcommerce-token-of-the-tests\"\n\
             storefront_keys = [{{ name = \"web\", key = \"{key}\" }}, \
             {{ name = \"page\", key = \"{name}-{PAGE_KEY}\", origins = [\"{ORIGIN}\"] }}]\n"
        )
    };
    let text = store("first", "teststore", KEY) + &store("second", "otherstore", ELSEWHERE);
    let mut world = World::new().await;
    world.set_stores(&text);
    Place::of(world).await
}

/// A request of this operation about this checkout, with nothing else right about it.
fn request(operation: &Operation, checkout: &str, authorization: Option<&str>) -> Bad {
    let path = operation
        .path
        .replace("/v1/checkouts/{id}", checkout)
        .replace("{item_id}", "1")
        .replace("{code}", "1");
    let path =
        path.replace("{slug}", "internal").replace("{bulk_id}", "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10");
    let path =
        path.replace("{action_id}", "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10").replace("{product_id}", "184");
    let path = path.replace("{order_id}", "125").replace("{address_id}", "1");
    let request = bad(operation.path.clone(), operation.method.parse().expect("a method"), path);
    let request = request.without("authorization").without("idempotency-key");
    match authorization {
        Some(credential) => request.also("authorization", credential),
        None => request,
    }
}

/// A publishable key: with the origin of its pages, from nowhere, from elsewhere, and from two places at once.
fn from_pages(operation: &Operation, rule: &Rule) -> Vec<Bad> {
    let elsewhere = "https://evil.example";
    let mut refused = Vec::new();
    for origins in [&[ORIGIN][..], &[], &["null"], &[elsewhere], &[ORIGIN, elsewhere], &[ORIGIN, ORIGIN]] {
        if matches!(rule, Rule::Public) || (matches!(rule, Rule::Storefront) && *origins == [ORIGIN]) {
            continue;
        }
        for store in ["first", "second"] {
            let key = format!("Bearer {store}-{PAGE_KEY}");
            let mut request = request(operation, "{fresh}", Some(&key)).gets(403, "forbidden");
            request.what = format!("{} from {origins:?}", request.what);
            refused.push(origins.iter().fold(request, |request, origin| request.also("origin", origin)));
        }
    }
    refused
}

#[tokio::test]
async fn every_route_refuses_every_credential_that_is_not_for_it() {
    let place = two_stores().await;
    let mut wrong = Vec::new();
    let mut walked = 0;
    for operation in operations().iter().filter(|operation| !operation.is_of_bigcommerce()) {
        let rule = rule(operation);
        let mut refused = vec![
            (None, 401, "unauthorized"),
            (Some("Bearer nobody-knows-this-key".to_owned()), 401, "unauthorized"),
            (Some("Basic d2ViOnN0b3JlZnJvbnQta2V5LW9mLXRoZS10ZXN0cw==".to_owned()), 401, "unauthorized"),
            (
                Some("Bearer ct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
                401,
                "unauthorized",
            ),
        ];
        let bearer = |credential: &str| Some(format!("Bearer {credential}"));
        // Good credentials, and a checkout that nobody has.
        let mut lost: Vec<&str> = Vec::new();
        match rule {
            Rule::Public => continue,
            Rule::Storefront | Rule::Server => {
                refused.extend(TOKENS.iter().map(|(_, token)| (bearer(token), 403, "forbidden")));
                refused.push((bearer("{fresh-token}"), 403, "forbidden"));
            }
            Rule::Checkout => {
                refused.extend(TOKENS.iter().map(|(_, token)| (bearer(token), 403, "forbidden")));
                refused.push((bearer(ELSEWHERE), 404, "checkout-not-found"));
                refused.push((bearer("{other-token}"), 404, "checkout-not-found"));
                lost.extend([KEY, "{fresh-token}"]);
            }
            Rule::Operator(least) => {
                for shopping in [KEY, ELSEWHERE, "{fresh-token}", "{other-token}"] {
                    refused.push((bearer(shopping), 403, "forbidden"));
                }
                let below = TOKENS.iter().filter(|(role, _)| *role < least);
                refused.extend(below.map(|(_, token)| (bearer(token), 403, "forbidden")));
                if operation.path.contains("{id}") {
                    lost.push(OPERATOR);
                }
            }
        }
        for request in from_pages(operation, &rule) {
            walked += 1;
            if let Err(why) = place.refuse(&request).await {
                wrong.push(why);
            }
        }
        for (credential, status, code) in refused {
            walked += 1;
            let request = request(operation, "{fresh}", credential.as_deref()).gets(status, code);
            if let Err(why) = place.refuse(&request).await {
                wrong.push(why);
            }
        }
        for credential in lost {
            walked += 1;
            let nobody = "/v1/checkouts/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
            let request =
                request(operation, nobody, bearer(credential).as_deref()).gets(404, "checkout-not-found");
            if let Err(why) = place.refuse(&request).await {
                wrong.push(why);
            }
        }
    }
    assert!(walked > 800, "only {walked} requests");
    assert!(wrong.is_empty(), "{} of {walked}: {wrong:#?}", wrong.len());
    place.service.stop().await;
    place.world.finish().await;
}

#[tokio::test]
async fn every_route_admits_whom_it_is_for() {
    let place = two_stores().await;
    for operation in operations().iter().filter(|operation| !operation.is_of_bigcommerce()) {
        // A checkout of its own, because some of them end it; events end with a final status only.
        let created = place.service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        if operation.path.ends_with("/events") {
            place.service.delete(&path).await.expect(200);
        }
        let bearer = |credential: &str| Some(format!("Bearer {credential}"));
        let key = ("the key", bearer(KEY));
        let own = ("its token", bearer(&token(&created)));
        let admitted: Vec<(&str, Option<String>)> = match rule(operation) {
            Rule::Public => vec![("nobody", None), key],
            Rule::Storefront | Rule::Server => vec![key],
            Rule::Checkout => vec![key, own],
            Rule::Operator(least) => {
                let enough = TOKENS.iter().filter(|(role, _)| *role >= least);
                enough.map(|(role, token)| (role.as_str(), bearer(token))).collect()
            }
        };
        for (who, credential) in admitted {
            let request = request(operation, &path, credential.as_deref());
            let headers: Vec<(&str, &str)> =
                request.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            let answer = place.service.call(request.method.clone(), &request.path, &headers, None).await;
            let code = answer.body["code"].as_str().unwrap_or_default();
            assert!(
                !matches!(code, "unauthorized" | "forbidden" | "checkout-not-found" | "internal"),
                "{who} at {} {}: {}",
                operation.method,
                operation.path,
                answer.text
            );
            assert!(answer.status.as_u16() < 500, "{}", answer.text);
        }
    }
    place.service.stop().await;
    place.world.finish().await;
}

#[tokio::test]
async fn the_checkouts_of_a_store_belong_to_it_alone() {
    let place = two_stores().await;
    let bearer = format!("Bearer {ELSEWHERE}");
    let body = custom_cart().to_string().into_bytes();
    let headers = [
        ("authorization", &*bearer),
        ("idempotency-key", "a-key-that-is-bound"),
        ("content-type", "application/json"),
        ("prefer", "wait=30"),
    ];
    // The first store has used this key as well: keys belong to the credential.
    let theirs =
        place.service.call(reqwest::Method::POST, "/v1/checkouts", &headers, Some(body)).await.expect(201);
    assert_eq!(theirs.body["store"], "second");
    assert!(theirs.header("idempotent-replayed").is_none());
    let path = format!("/v1/checkouts/{}", theirs.id());
    let ours = place.service.get(&path).await.expect(404);
    assert_eq!(ours.problem(), "checkout-not-found");
    let carts = place.world.simulator.ledger_of("otherstore").carts;
    assert_eq!(carts.len(), 1);
    place.service.stop().await;
    place.world.finish().await;
}
