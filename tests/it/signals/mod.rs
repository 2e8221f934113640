//! What the service tells of itself: its metrics, its traces, and the dashboards and alerts that are built on them.

pub(crate) mod collector;
pub(crate) mod page;
mod runbook;
mod vitals;

use std::collections::BTreeSet;

use bigcommerce_simulator::Fault;
use headless_checkout::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Service, World, agreed, everything, good_card, run, run_with};
use collector::{Collector, Span};
use page::Page;

fn file(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every text under the key `expr`, wherever it is.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| expressions(item, found)),
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(text) if matches!(key.as_str(), "expr" | "definition") => {
                        found.push(text.to_owned());
                    }
                    _ => expressions(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The metrics that an expression names, each with the labels that it selects by.
fn named(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("headless_checkout_") {
        let rest = &expression[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let selector = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        let labels = selector.split("\",").filter_map(|pair| Some(pair.split_once(['=', '!'])?.0.to_owned()));
        found.push((
            name.to_owned(),
            labels.filter(|label| !matches!(&**label, "job" | "instance")).collect(),
        ));
    }
    found
}

/// The labels that an expression groups by.
fn grouped_by(expression: &str) -> BTreeSet<String> {
    let lists = expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    let labels = lists.flat_map(|list| list.split(',')).map(|label| label.trim().to_owned());
    labels.filter(|label| !matches!(&**label, "job" | "instance" | "le")).collect()
}

async fn check_out(service: &Service) -> String {
    let path = service.create(&everything()).await;
    let paid =
        service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    path.trim_start_matches("/v1/checkouts/").to_owned()
}

#[tokio::test]
async fn every_metric_that_the_dashboard_and_the_alerts_name_is_on_the_page() {
    let world = World::new().await;
    let service = world.spawn().await;
    check_out(&service).await;
    let page = Page::of(&service).await;
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana-dashboard.json")).expect("JSON");
    let alerts: Value = serde_yaml_ng::from_str(&file("deploy/prometheus-alerts.yaml")).expect("YAML");
    let mut seen = BTreeSet::new();
    for (source, least) in [(&dashboard, 25), (&alerts, 15)] {
        let mut all = Vec::new();
        expressions(source, &mut all);
        assert!(all.len() >= least, "only {} expressions were found", all.len());
        for expression in &all {
            let metrics = named(expression);
            assert!(!metrics.is_empty(), "{expression} names nothing of ours");
            let mut labels = grouped_by(expression);
            for (name, selected) in metrics {
                let of_name = page.samples.iter().filter(|sample| sample.name == name);
                let known: BTreeSet<&String> = of_name.flat_map(|sample| sample.labels.keys()).collect();
                assert!(
                    page.names().contains(name.as_str()),
                    "{name}, named in {expression}, is not on the page"
                );
                labels.retain(|label| !known.contains(label));
                let unknown: Vec<_> = selected.iter().filter(|label| !known.contains(label)).collect();
                assert!(unknown.is_empty(), "{name} has no label {unknown:?}: {expression}");
                seen.insert(name);
            }
            assert!(
                labels.is_empty() || expression.contains("upstream_abandoned"),
                "no metric has the labels {labels:?}: {expression}"
            );
        }
    }
    // And nothing is shown to nobody.
    let ours = page.names().into_iter().map(|name| name.trim_end_matches("_count").trim_end_matches("_sum"));
    let unseen: Vec<&str> =
        ours.filter(|name| !seen.contains(*name) && !seen.contains(&format!("{name}_bucket"))).collect();
    assert!(unseen.is_empty(), "on no dashboard and in no alert: {unseen:?}");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn the_page_tells_what_happened() {
    run(async |_, service| {
        check_out(service).await;
        check_out(service).await;
        let abandoned = service.create(&everything()).await;
        service.delete(&abandoned).await.expect(200);
        let is_there = |page: &Page| page.is("checkouts", &[("status", "completed")], 2);
        let page = Page::until(service, "two completed checkouts", is_there).await;
        for (name, labels, value) in [
            ("checkouts", &[("status", "cancelled")][..], 1),
            ("checkouts", &[("status", "stuck")], 0),
            ("attempts_total", &[("step", "payment"), ("outcome", "succeeded")], 2),
            ("attempts_total", &[("outcome", "unknown")], 0),
            ("step_duration_seconds_count", &[("step", "order"), ("kind", "attempt")], 2),
            ("step_duration_seconds_count", &[("kind", "look")], 0),
            ("transitions_total", &[("event", "paid")], 2),
            ("transitions_total", &[("event", "undone")], 1),
            ("upstream_requests_total", &[("call", "payment.process"), ("outcome", "succeeded")], 2),
            ("upstream_request_duration_seconds_count", &[("call", "order.create")], 2),
            ("http_requests_total", &[("method", "POST"), ("route", "/v1/checkouts"), ("status", "201")], 3),
            ("leases_held", &[], 0),
            ("breaker_state", &[("host", "payments")], 0),
            ("processes", &[], 1),
            ("database_up", &[], 1),
            ("oldest_unknown_payment_seconds", &[], 0),
            ("late_outcomes_total", &[], 0),
            ("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1),
        ] {
            assert!(page.is(name, labels, value), "{name} {labels:?} is not {value}:\n{}", page.text);
        }
        let left = page.sum("budget_left", &[("host", "api")]);
        assert!(left > 0.0 && left < page.sum("budget_quota", &[("host", "api")]), "{}", page.text);
    })
    .await;
}

#[tokio::test]
async fn nothing_from_outside_becomes_a_label() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let before = Page::of(service).await.samples.len();
        for (method, place) in [
            ("GET", "/nowhere/made-up-4111".to_owned()),
            ("MADEUP", "/v1/checkouts".to_owned()),
            ("GET", format!("{path}?made=up")),
            ("PUT", format!("{path}/items/made-up-item")),
            ("GET", "/v1/checkouts/made-up-id".to_owned()),
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            service.call(method, &place, &[], None).await;
        }
        let page = Page::of(service).await;
        let id = path.trim_start_matches("/v1/checkouts/");
        for text in ["made-up", "MADEUP", "made=up", id] {
            assert!(!page.text.contains(text), "{text} is on the page");
        }
        assert!(page.samples.len() < before + 150, "{before} samples became {}", page.samples.len());
        assert!(page.is("http_requests_total", &[("method", "other")], 1), "{}", page.text);
    })
    .await;
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_there_and_nowhere_else() {
    let mut world = World::new().await;
    world.set("METRICS_ADDR", "127.0.0.1:0");
    run_with(world, async |_, service| {
        let hidden = service.call(Method::GET, "/metrics", &[], None).await.expect(404);
        assert_eq!(hidden.problem(), "not-found");
        let url = format!("http://{}", service.metrics_addr().expect("an address of their own"));
        #[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
        let get = async |path: &str| {
            reqwest::Client::new().get(format!("{url}{path}")).send().await.expect("an answer")
        };
        let answer = get("/metrics").await;
        assert_eq!(answer.status(), 200);
        let page = Page::read(&answer.text().await.expect("a page"));
        assert!(page.is("database_up", &[], 1), "{}", page.text);
        for path in ["/healthz", "/v1/checkouts", "/ops"] {
            assert_eq!(get(path).await.status(), 404, "{path}");
        }
    })
    .await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
async fn operators_with_an_address_of_their_own_are_there_and_nowhere_else() {
    let mut world = World::new().await;
    world.set("OPS_ADDR", "127.0.0.1:0");
    run_with(world, async |_, service| {
        let ops = format!("http://{}", service.ops_addr().expect("an address of their own"));
        let client = reqwest::Client::new();
        let status = async |url: &str, path: &str| {
            client.get(format!("{url}{path}")).send().await.expect("an answer").status().as_u16()
        };
        for path in ["/ops/sign-in", "/ops/v1/checkouts", "/metrics", "/docs/", "/openapi.yaml"] {
            assert_eq!(status(service.url(), path).await, 404, "{path}");
            assert_ne!(status(&ops, path).await, 404, "{path}");
        }
        for path in ["/healthz", "/readyz", "/problems"] {
            assert_eq!(status(service.url(), path).await, 200, "{path}");
            assert_eq!(status(&ops, path).await, 200, "{path}");
        }
        let foreign = client.post(format!("{ops}/v1/checkouts")).send().await.expect("an answer");
        assert_eq!(foreign.status(), 404, "storefronts have no business there");
        let made = service.post("/v1/checkouts", &crate::harness::custom_cart()).await;
        assert_eq!(made.status, 201, "{}", made.text);
    })
    .await;
}

#[test]
fn one_address_cannot_be_both() {
    let vars = [("LISTEN_ADDR", "127.0.0.1:9"), ("METRICS_ADDR", "127.0.0.1:9")];
    let get =
        |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let errors = Config::from_vars(get).err().expect("refused").to_string();
    assert!(errors.contains("METRICS_ADDR") || errors.contains("DATABASE_URL"), "{errors}");
}

/// A payment that was sent and of which nothing is known.
#[tokio::test]
async fn the_age_of_an_unknown_payment_is_seen_until_it_is_known() {
    let mut world = World::new().await;
    world.set("PAYMENT_TIMEOUT_SECONDS", "1");
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        world.simulator.add_fault(Fault::on("process-payment").hold_before());
        let looking = world.simulator.add_fault(Fault::on("get-order").status_before(503).always());
        let (place, body) = (format!("{path}/payment"), agreed(good_card()));
        service
            .call(Method::POST, &place, &payment_headers(), Some(body.to_string().into_bytes()))
            .await
            .expect(202);
        let page = Page::until(service, "the age of the payment", |page| {
            page.sum("oldest_unknown_payment_seconds", &[]) > 0.0
        })
        .await;
        assert!(
            page.is("attempts_total", &[("step", "payment"), ("outcome", "unknown")], 1),
            "{}",
            page.text
        );
        assert!(
            page.sum("upstream_requests_total", &[("call", "payment.process"), ("status", "none")]) > 0.0
        );
        assert!(world.simulator.reached(looking) > 0);
        world.simulator.clear_faults();
    })
    .await;
}

fn payment_headers() -> [(&'static str, &'static str); 4] {
    [
        ("authorization", "Bearer storefront-key-of-the-tests"),
        ("idempotency-key", "an-unknown-payment"),
        ("content-type", "application/json"),
        ("prefer", "wait=2"),
    ]
}

fn steps_of<'a>(spans: &'a [Span], trace: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.trace == trace && span.attribute("step").is_some()).collect()
}

#[tokio::test]
async fn a_checkout_is_one_trace_before_and_after_a_restart() {
    let collector = Collector::start().await;
    let mut world = World::new().await;
    world.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let service = world.spawn().await;
    let path = service.create(&everything()).await;
    let ordered = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let request = ordered.header("x-request-id").expect("an id").replace('-', "");
    let trace = path.trim_start_matches("/v1/checkouts/").replace('-', "");
    let held = world.simulator.add_fault(Fault::on("process-payment").hold_after());
    {
        let (place, body) = (format!("{path}/payment"), agreed(good_card()));
        let reached = tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1));
        tokio::select! {
            reached = reached => reached.expect("it is reached"),
            answer = service.post(&place, &body) => panic!("answered: {}", answer.text),
        }
    }
    let sent = |spans: &[Span]| steps_of(spans, &trace).iter().any(|span| span.name == "order");
    collector.wait_for("the order", sent).await;
    service.kill().await;
    let before = collector.spans();
    world.simulator.clear_faults();
    let next = world.spawn().await;
    next.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
    next.stop().await;

    let all = collector.spans();
    let after = &all[before.len()..];
    let done: Vec<&str> = steps_of(&before, &trace).iter().map(|span| span.name.as_str()).collect();
    for step in ["cart", "billing-address", "consignments", "shipping-options", "order"] {
        assert!(done.contains(&step), "{step} is not in {done:?}");
    }
    let looked =
        steps_of(after, &trace).into_iter().find(|span| span.name == "payment").expect("the payment");
    assert_eq!(looked.attribute("kind"), Some("look"), "{looked:?}");
    assert_eq!(looked.attribute("outcome"), Some("succeeded"), "{looked:?}");
    // One root, which everything hangs on, in both processes.
    let root = all.iter().find(|span| span.trace == trace && span.parent.is_empty()).expect("a root");
    assert_eq!((root.name.as_str(), root.id.as_str()), ("checkout", &trace[16..]));
    assert_eq!(root.attribute("status"), Some("completed"));
    let fences = |spans: &[Span]| -> BTreeSet<String> {
        let runs = spans.iter().filter(|span| span.trace == trace && span.name == "run");
        let runs = runs.inspect(|span| assert_eq!(span.parent, root.id, "{span:?}"));
        runs.filter_map(|span| span.attribute("fence").map(str::to_owned)).collect()
    };
    assert!(!fences(&before).is_empty() && !fences(after).is_empty());
    assert!(fences(&before).is_disjoint(&fences(after)));
    let ids: BTreeSet<&str> = all.iter().map(|span| span.id.as_str()).collect();
    let orphans: Vec<_> =
        after.iter().filter(|span| !span.parent.is_empty() && !ids.contains(&*span.parent)).collect();
    assert!(orphans.is_empty(), "{orphans:#?}");
    for (spans, call) in [(&before[..], "order.create"), (after, "order.get")] {
        let called = spans.iter().find(|span| span.trace == trace && span.name == call);
        let called = called.unwrap_or_else(|| panic!("no {call} in {spans:#?}"));
        assert_eq!(called.kind, 3, "{called:?}");
        assert!(called.attribute("status").is_some_and(|status| status.starts_with('2')), "{called:?}");
        assert_eq!(called.attribute("outcome"), Some("succeeded"), "{called:?}");
    }
    // The request is a trace of its own, by the id of its answer, and what it began is linked to it.
    let asked = all.iter().find(|span| span.trace == request && span.kind == 2).expect("the request");
    assert_eq!(asked.name, "POST /v1/checkouts/{id}/order");
    assert!(asked.parent.is_empty(), "{asked:?}");
    assert!(
        all.iter().any(|span| span.trace == trace && span.name == "run" && span.links.contains(&request))
    );
    // Nobody is told what the shopper is called.
    assert!(!collector.text().contains("jane@example.com") && !collector.text().contains("Main Street"));
    // BigCommerce still hears the checkout's id.
    let id = path.trim_start_matches("/v1/checkouts/");
    assert!(world.simulator.requests().iter().all(|request| request.correlation_id.as_deref() == Some(id)));
    world.finish().await;
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up() {
    let mut world = World::new().await;
    // Nobody listens there.
    world.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let service = world.spawn().await;
    check_out(&service).await;
    let began = tokio::time::Instant::now();
    service.stop().await;
    assert!(began.elapsed() < PATIENCE / 2, "it stopped after {:?}", began.elapsed());
    assert!(crate::harness::logs::contain("traces cannot be sent"));
    world.finish().await;
}
