//! BigCommerce's own OpenAPI documents as the judge between service and simulator: Prism, a validating proxy, stands
//! between them while every flow runs, and must find nothing wrong on either side.
//!
//! Needs Node.js with npm, and the merged document of `bigcommerce-openapi` in a folder `shared` beside the repository
//! (or where `PRISM_DOCUMENT` says). Where they are not at hand, it says loudly that it was skipped.

mod flows;
mod management;
mod proxy;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use bigcommerce_simulator::Settings;
use reqwest::Method;
use serde_json::Value;

use self::flows::{
    cancelled, declined, digital, direct, edited, in_one_call, revised, several_addresses, stepwise, stored,
    with_credit,
};
use self::management::{
    given_back, handed_over, handled, looked_at, settled, subscribed, surplus, taken_over,
};
use self::proxy::{Prism, STARTING, document, installed};
use crate::coverage::{NAMES, calls};
use crate::harness::{World, custom_cart};

/// Tells it past the capture of the test runner.
fn skipped(why: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "\nSKIPPED: prism, because {why}: nobody validated the calls to BigCommerce\n"
    );
}

#[tokio::test]
async fn every_flow_is_as_bigcommerce_documents_it() {
    let Some(document) = document() else {
        return skipped("../shared/bigcommerce-openapi/merged.prism.json is not there");
    };
    let entry = match installed().await {
        Ok(entry) => entry,
        Err(why) => return skipped(why),
    };
    let settings = Settings { strictly_as_specified: true, ..Settings::default() };
    let mut world = World::with(settings).await;
    let prism = Prism::start(&entry, &document, &world.simulator.url()).await;
    for (name, value) in [
        ("BIGCOMMERCE_API_URL", prism.url.as_str()),
        ("BIGCOMMERCE_PAYMENTS_URL", prism.url.as_str()),
        // Prism thinks long when the machine is busy; that is not what this test is about.
        ("UPSTREAM_TIMEOUT_SECONDS", "25"),
        ("PAYMENT_TIMEOUT_SECONDS", "25"),
        ("LEASE_SECONDS", "40"),
    ] {
        world.set(name, value);
    }
    let service = world.start().await;
    stepwise(&service).await;
    tokio::join!(in_one_call(&service), digital(&service), revised(&service), edited(&service));
    tokio::join!(
        declined(&service),
        stored(&service),
        with_credit(&service),
        direct(&service),
        cancelled(&service)
    );
    several_addresses(&service).await;
    tokio::join!(looked_at(&service), handled(&service), settled(&service), given_back(&service));
    tokio::join!(
        taken_over(&service, &prism.url),
        handed_over(&service, &world),
        surplus(&service, &world, &prism.url),
    );
    subscribed(&world, &prism.url).await;
    // Left as it is.
    service.create(&custom_cart()).await;
    service.stop().await;

    let arrived = world.simulator.requests();
    // What Prism says comes in order: once it has told of these, it has told of everything before them.
    let proofs = proves_that_it_looks(&prism, &world).await;
    let complaints: Vec<String> = prism
        .complaints()
        .into_iter()
        .filter(|complaint| {
            !proofs.iter().any(|proof| complaint.lines().last().is_some_and(|line| line.contains(proof)))
        })
        .collect();
    assert!(complaints.is_empty(), "{} violations:\n{}", complaints.len(), complaints.join("\n---\n"));
    assert!(arrived.len() > 100, "only {} requests", arrived.len());
    // One was never asked for: what went by Prism would be missing.
    assert_eq!(prism.passed(), arrived.len() + proofs.len(), "something went past Prism");
    let unknown: Vec<_> = arrived.iter().filter(|request| request.call == "unknown").collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    let succeeded = |call: &String| {
        arrived.iter().any(|request| request.call == *call && (200..300).contains(&request.status))
    };
    let unseen: Vec<String> = calls::sent().await.into_keys().filter(|call| !succeeded(call)).collect();
    assert!(unseen.is_empty(), "Prism never saw these succeed: {unseen:?}");
    world.finish().await;
}

/// The judge is awake: a request that is wrong and an answer that is wrong are told. Answers their paths.
async fn proves_that_it_looks(prism: &Prism, world: &World) -> [String; 2] {
    let client = headless_checkout::bigcommerce::http_client(Duration::from_secs(5)).expect("a client");
    let send = async |method: Method, path: &str, body: &'static str| {
        let request = client.request(method, format!("{}{path}", prism.url)).header("x-auth-token", "t");
        let request = request.header("accept", "application/json").header("content-type", "application/json");
        #[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
        let answer = request.body(body).send().await.expect("Prism answers");
        answer.status().as_u16()
    };
    let wrong_request = "/stores/proof/v3/carts".to_owned();
    assert_eq!(send(Method::POST, &wrong_request, r#"{"line_items": [{"quantity": "many"}]}"#).await, 422);
    // BigCommerce's prose and its documents disagree about this answer; this is the prose.
    world.simulator.set(|settings| settings.strictly_as_specified = false);
    let cart =
        world.simulator.ledger().carts.into_iter().find(|cart| cart.state == "live").expect("a cart").id;
    let wrong_answer = format!("/stores/teststore/v3/carts/{cart}/metafields");
    assert_eq!(send(Method::GET, &wrong_answer, "").await, 500);
    let proofs = [wrong_request, wrong_answer];
    let told = async {
        while !proofs.iter().all(|proof| prism.complaints().iter().any(|complaint| complaint.contains(proof)))
        {
            prism.news.notified().await;
        }
    };
    let told = tokio::time::timeout(STARTING, told).await;
    assert!(told.is_ok(), "Prism refused without a word: {:#?}", prism.complaints());
    proofs
}

/// The titles of `coverage/names.rs` are those of BigCommerce's documents.
#[tokio::test]
async fn calls_are_named_as_bigcommerce_names_them() {
    let Some(path) = document() else {
        return skipped("../shared/bigcommerce-openapi/merged.prism.json is not there");
    };
    let text = std::fs::read_to_string(path).expect("the document is text");
    let document: Value = serde_json::from_str(&text).expect("the document is JSON");
    let plain = |path: &str| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let titles: BTreeMap<(String, String), &str> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, one)| (path, method, one))
        })
        .filter_map(|(path, method, one)| {
            Some((
                (method.to_uppercase(), plain(path.strip_prefix("/stores/{store_hash}")?)),
                one["summary"].as_str()?,
            ))
        })
        .collect();
    for (call, sent) in calls::sent().await {
        let title = titles.get(&(sent.method.clone(), plain(&sent.path)));
        let known = NAMES.iter().find(|(known, _)| *known == call).map(|(_, title)| title);
        assert_eq!(title, known, "{call}: {} {}", sent.method, sent.path);
    }
}
