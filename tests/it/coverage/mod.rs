//! Which of BigCommerce's calls are made, by which endpoints, and by which tests they are driven. The answers are not
//! written by hand: the calls are those of the real client, the endpoints those that were seen to make them, the tests
//! those that say which calls they drove (and fail when they did not). `docs/bigcommerce-coverage.md` shows them, and
//! is written anew by `BLESS=1 ./dev test coverage`.

pub(crate) mod calls;
mod claims;
mod names;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use self::calls::Sent;
pub(crate) use self::names::NAMES;
use crate::architecture::source::{root, sources, without_tests};

const DOCUMENT: &str = "docs/bigcommerce-coverage.md";

const HEAD: &str = "\
# What is used of BigCommerce's API

Every call that the client of this service can send, the endpoints that send it or set it going, and the tests that drive
it. Written by `BLESS=1 ./dev test coverage` from the client itself, from a run that calls every endpoint, and from the tests; a
test fails when it is out of date. Every call also passes the test `prism::every_flow_is_as_bigcommerce_documents_it`, in
which a proxy holds requests and answers against BigCommerce's own OpenAPI documents.

What goes on after an answer uses the same calls: recovery reads the checkout, the orders of the cart, the order and its
transactions before it repeats anything, and a cart that was handed over is looked for in the same way.

";

/// What looks like the name of a call in the client's sources and is none.
const NO_NAMES: &[&str] = &["consignments.available_shipping_options", "otel.status_code", "upstream.call"];

/// Who else asks for it than the endpoints.
const ELSEWHERE: &[(&str, &str)] = &[
    ("get-checkout", "recovery"),
    ("list-hooks", "`headless-checkout webhooks list`, `register`, `repair`"),
    ("create-hook", "`headless-checkout webhooks register`"),
    ("update-hook", "`headless-checkout webhooks register`, `repair`"),
];

#[tokio::test]
async fn the_document_shows_what_the_client_sends_and_who_drives_it() {
    let (sent, seen) = (calls::sent().await, run::seen().await);
    let written = document(&sent, &seen, &claims::of_tests());
    let path = root().join(DOCUMENT);
    #[expect(clippy::disallowed_methods, reason = "whether to write it is for the person who runs the test")]
    let bless = std::env::var("BLESS").is_ok();
    if bless {
        std::fs::write(&path, &written).expect("the document can be written");
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let stale: Vec<String> = differences(&held, &written);
    assert!(stale.is_empty(), "{DOCUMENT} is out of date: BLESS=1 ./dev test coverage\n{}", stale.join("\n"));
}

/// The lines that only one of both has.
fn differences(held: &str, written: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (held.lines().collect(), written.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
    gone.chain(new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"))).collect()
}

fn document(
    sent: &BTreeMap<String, Sent>,
    seen: &BTreeMap<String, BTreeSet<String>>,
    claims: &BTreeMap<String, BTreeSet<String>>,
) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(
        "| BigCommerce's call | request | in the client | sent by | driven by |\n|---|---|---|---|---|\n",
    );
    let mut rows: Vec<(&String, &Sent)> = sent.iter().collect();
    rows.sort_by_key(|(_, sent)| sent.names.clone());
    for (call, sent) in rows {
        let name = names::of(call);
        let code = |text: &str| format!("`{text}`");
        let by = seen.iter().filter(|(_, calls)| calls.contains(call)).map(|(endpoint, _)| code(endpoint));
        let others = ELSEWHERE.iter().filter(|(other, _)| other == call).map(|(_, who)| (*who).to_owned());
        let by: Vec<String> = by.chain(others).collect();
        let tests: Vec<String> = claims.get(call).into_iter().flatten().map(|test| code(test)).collect();
        assert!(!by.is_empty(), "nobody sends {call}: use it, or say in ELSEWHERE who does");
        assert!(!tests.is_empty(), "no test says that it drove {call}");
        let names: Vec<String> = sent.names.iter().map(|name| code(name)).collect();
        let (request, by, tests) =
            (code(&format!("{} {}", sent.method, sent.path)), by.join("<br>"), tests.join("<br>"));
        let _ = writeln!(text, "| {name} | {request} | {} | {by} | {tests} |", names.join("<br>"));
    }
    text
}

#[tokio::test]
async fn every_call_that_is_written_in_the_client_is_sent_and_named() {
    let sent = calls::sent().await;
    let names: BTreeSet<String> =
        sent.values().flat_map(|sent| sent.names.iter().map(|name| (*name).to_owned())).collect();
    let mut written = BTreeSet::new();
    for source in sources("src/bigcommerce").iter().filter(|source| !source.is_test()) {
        claims::texts(&without_tests(&source.tokens()), &mut |text| {
            let parts: Vec<&str> = text.split('.').collect();
            let plain = |part: &&str| {
                !part.is_empty() && part.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
            };
            if parts.len() == 2 && parts.iter().all(plain) && !NO_NAMES.contains(&text) {
                written.insert(text.to_owned());
            }
        });
    }
    assert_eq!(written, names, "calls.rs does not call the client as it is");
    let known: BTreeSet<&str> = NAMES.iter().map(|(call, _)| *call).collect();
    assert_eq!(known, sent.keys().map(String::as_str).collect(), "names.rs has other calls than the client");
    for (call, _) in ELSEWHERE {
        assert!(sent.contains_key(*call), "the client does not know {call}");
    }
}

#[test]
fn claims_are_about_calls_that_exist() {
    for (call, tests) in claims::of_tests() {
        let known = bigcommerce_simulator::CALLS.iter().any(|known| *known == call);
        assert!(known, "there is no call {call}: {tests:?}");
    }
}
