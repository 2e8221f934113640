//! Every page as axe-core sees it: nothing that keeps somebody from using it. `./dev test` fetches axe-core; where `AXE_CORE` names no file
//! the test says that it did not run. Not /docs: that page is Swagger UI's, as it comes.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use super::browser::{Browser, Window};
use super::pages::busy;
use crate::harness::{OPERATOR, Receiver, run_with};
use crate::operators::{id, world};

/// What it runs: the conformance levels, and what is good practice beside them. Nothing is loaded for it.
const ALL: &str = "{preload: false, resultTypes: ['violations']}";
/// What differs in the dark.
const COLORS: &str = "{preload: false, resultTypes: ['violations'], runOnly: ['color-contrast']}";
const SERIOUS: &str = ".then(found => found.violations
    .filter(rule => ['serious', 'critical'].includes(rule.impact))
    .map(rule => ({rule: rule.id, help: rule.help, nodes: rule.nodes.map(node => [node.html.slice(0, 200), node.failureSummary])})));";

fn source() -> Option<String> {
    let Some(path) = std::env::var_os("AXE_CORE").filter(|path| !path.is_empty()) else {
        eprintln!("!!! SKIPPED: AXE_CORE names no file, so axe-core has not looked at the pages !!!");
        return None;
    };
    Some(std::fs::read_to_string(path).expect("AXE_CORE names axe.min.js"))
}

/// What is serious or critical on the page that is shown. A script of WebDriver's is not held by the policy of the page.
async fn violations(browser: &Browser, axe: &str, run: &str) -> Vec<Value> {
    // A color that is still fading is none that anybody reads.
    browser.page.ask("return Promise.allSettled(document.getAnimations().map(one => one.finished))").await;
    let found = browser.page.ask(&format!("{axe}\nreturn axe.run(document, {run}){SERIOUS}")).await;
    found.as_array().expect("violations").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_any_page_in_light_and_dark() {
    let Some(axe) = source() else { return };
    let Some(light) = Browser::open(Window::Desk).await else { return };
    let Some(dark) = Browser::open(Window::Dark).await else { return };
    let receiver = Receiver::start().await;
    let mut world = world().await;
    world.set("EVENT_DESTINATIONS", &receiver.entry("shop"));
    run_with(world, async |world, service| {
        let path = busy(world, service).await;
        // It stays as it is while everybody looks.
        world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
        let event = receiver.wait_for("checkout.completed").await.last().expect("an event").id.clone();
        let case = format!("/ops/checkouts/{}", id(&path));
        let event = format!("/ops/events/{event}");
        let mut wrong = Vec::new();
        for (look, browser, run) in [("light", light, ALL), ("dark", dark, COLORS)] {
            browser.page.goto(&format!("{}/ops", service.url())).await;
            browser.see("#token").await;
            let mut note = async |name: &str| {
                for rule in violations(&browser, &axe, run).await {
                    wrong.push(json!({"page": name, "look": look, "violation": rule}));
                }
                browser.picture(&format!("axe-{look}-{name}")).await;
            };
            note("sign-in").await;
            browser.sign_in(service.url(), "/ops", OPERATOR).await;
            for (name, page) in [
                ("overview", "/ops"),
                ("stuck", "/ops/stuck"),
                ("list", "/ops/checkouts"),
                ("filtered", "/ops/checkouts?status=stuck&limit=1"),
                ("nothing", "/ops/checkouts?email=nobody@example.com"),
                ("wrong", "/ops/checkouts?order_id=x"),
                ("case", &case),
                ("bulk", "/ops/bulk"),
                ("events", "/ops/events"),
                ("event", &event),
                ("audit", "/ops/audit?verify=yes"),
                ("missing", "/ops/checkouts/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10"),
            ] {
                browser.page.goto(&format!("{}{page}", service.url())).await;
                browser.see("main h1").await;
                note(name).await;
            }
            browser.page.goto(&format!("{}{case}", service.url())).await;
            browser.see("#restart-reason").await.write("BigCommerce answers again").await;
            browser.see("#action-restart button").await.click().await;
            browser.see("#confirm").await;
            note("preview").await;
            browser.close().await;
        }
        assert!(wrong.is_empty(), "{}", serde_json::to_string_pretty(&wrong).expect("JSON"));
    })
    .await;
}
