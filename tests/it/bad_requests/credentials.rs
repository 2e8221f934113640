//! Every route of the reference with every credential: who may not, is told so in the same way everywhere, and leaves no
//! trace.

use std::collections::BTreeMap;

use super::{Bad, Place, bad, token};
use crate::conformance::{Operation, operations};
use crate::harness::{KEY, OPERATOR, World, custom_cart};

/// The key of a second store.
const ELSEWHERE: &str = "key-of-another-store-of-the-tests";

/// Two stores, so that a key can be good and still see nothing.
async fn two_stores() -> (Place, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("stores.toml");
    let store = |name: &str, hash: &str, key: &str| {
        format!(
            "[[store]]\nname = \"{name}\"\nstore_hash = \"{hash}\"\naccess_token = \"bigcommerce-token-of-the-tests\"\n\
             storefront_keys = [{{ name = \"web\", key = \"{key}\" }}]\n"
        )
    };
    let text = store("first", "teststore", KEY) + &store("second", "otherstore", ELSEWHERE);
    std::fs::write(&file, text).expect("a file");
    let mut world = World::new().await;
    for single in
        ["BIGCOMMERCE_STORE_HASH", "BIGCOMMERCE_ACCESS_TOKEN", "BIGCOMMERCE_CLIENT_SECRET", "STOREFRONT_KEYS"]
    {
        world.set(single, "");
    }
    world.set("STORES_FILE", &file.display().to_string());
    (Place::of(world).await, folder)
}

/// A request of this operation about this checkout, with nothing else right about it.
fn request(operation: &Operation, checkout: &str, authorization: Option<&str>) -> Bad {
    let path = operation
        .path
        .replace("/v1/checkouts/{id}", checkout)
        .replace("{item_id}", "1")
        .replace("{code}", "1");
    let path = path.replace("{slug}", "internal");
    let request = bad(operation.path.clone(), operation.method.parse().expect("a method"), path);
    let request = request.without("authorization").without("idempotency-key");
    match authorization {
        Some(credential) => request.also("authorization", credential),
        None => request,
    }
}

#[tokio::test]
async fn every_route_refuses_every_credential_that_is_not_for_it() {
    let (place, _folder) = two_stores().await;
    let operator = format!("Bearer {OPERATOR}");
    let elsewhere = format!("Bearer {ELSEWHERE}");
    let mut wrong = Vec::new();
    let mut walked = 0;
    for operation in
        operations().iter().filter(|operation| !operation.is_public && !operation.is_of_bigcommerce())
    {
        let about_one = operation.path.contains("{id}");
        assert!(operation.path.starts_with("/v1/"), "{}: who may use it?", operation.path);
        let mut refused = vec![
            (None, 401, "unauthorized"),
            (Some("Bearer nobody-knows-this-key"), 401, "unauthorized"),
            (Some("Basic d2ViOnN0b3JlZnJvbnQta2V5LW9mLXRoZS10ZXN0cw=="), 401, "unauthorized"),
            (
                Some("Bearer ct_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                401,
                "unauthorized",
            ),
            (Some(&*operator), 403, "forbidden"),
        ];
        if about_one {
            refused.push((Some(&*elsewhere), 404, "checkout-not-found"));
            refused.push((Some("Bearer {other-token}"), 404, "checkout-not-found"));
        } else {
            refused.push((Some("Bearer {fresh-token}"), 403, "forbidden"));
        }
        for (credential, status, code) in refused {
            walked += 1;
            let request = request(operation, "{fresh}", credential).gets(status, code);
            if let Err(why) = place.refuse(&request).await {
                wrong.push(why);
            }
        }
        if about_one {
            // Good credentials, and a checkout that nobody has.
            let nobody = "/v1/checkouts/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
            for credential in [&*format!("Bearer {KEY}"), "Bearer {fresh-token}"] {
                walked += 1;
                let request = request(operation, nobody, Some(credential)).gets(404, "checkout-not-found");
                if let Err(why) = place.refuse(&request).await {
                    wrong.push(why);
                }
            }
        }
    }
    assert!(walked > 150, "only {walked} requests");
    assert!(wrong.is_empty(), "{} of {walked}: {wrong:#?}", wrong.len());
    place.service.stop().await;
    place.world.finish().await;
}

#[tokio::test]
async fn every_route_admits_whom_it_is_for() {
    let (place, _folder) = two_stores().await;
    for operation in operations().iter().filter(|operation| !operation.is_of_bigcommerce()) {
        // A checkout of its own, because some of them end it; events end with a final status only.
        let created = place.service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        if operation.path.ends_with("/events") {
            place.service.delete(&path).await.expect(200);
        }
        let own = BTreeMap::from([
            ("the key", Some(format!("Bearer {KEY}"))),
            ("its token", Some(format!("Bearer {}", token(&created)))),
            ("nobody", None),
        ]);
        for (who, credential) in own {
            let admitted = match who {
                "the key" => true,
                "its token" => operation.is_public || operation.path.contains("{id}"),
                _ => operation.is_public,
            };
            if !admitted {
                continue;
            }
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
    let (place, _folder) = two_stores().await;
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
