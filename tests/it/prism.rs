//! BigCommerce's own OpenAPI documents as the judge between service and simulator: Prism, a validating proxy, stands
//! between them while every flow runs, and must find nothing wrong on either side.
//!
//! Needs Node.js with npm, and the merged document of `bigcommerce-openapi` in a folder `shared` beside the repository
//! (or where `PRISM_DOCUMENT` says). Where they are not at hand, it says loudly that it was skipped.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bigcommerce_simulator::{Settings, magic_card};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use crate::harness::{Service, World, address, card, custom_cart, everything, good_card};

const VERSION: &str = "5.14.2";
/// Installing takes this long at most; afterwards the test is skipped.
const INSTALLING: Duration = Duration::from_mins(4);
/// Starting takes this long at most.
const STARTING: Duration = Duration::from_mins(1);

/// Prism in front of a simulator.
struct Prism {
    url: String,
    said: Arc<Mutex<Vec<String>>>,
    /// Each line of it.
    news: Arc<Notify>,
    // Killed when this is dropped.
    _process: Child,
}

#[expect(clippy::disallowed_methods, reason = "the document may be elsewhere")]
fn document() -> Option<PathBuf> {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bigcommerce-openapi/merged.prism.json");
    let named = std::env::var("PRISM_DOCUMENT").map(PathBuf::from);
    Some(named.unwrap_or(beside)).filter(|path| path.is_file())
}

/// Runs to its end, quietly. `None`: it is not there, it failed or it took too long.
async fn run(command: &mut Command, patience: Duration) -> Option<()> {
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let ended = tokio::time::timeout(patience, child.ok()?.wait()).await.ok()?.ok()?;
    ended.success().then_some(())
}

/// Where the command line of Prism is, installed once into the target folder.
async fn installed() -> Result<PathBuf, &'static str> {
    let program = Path::new(env!("CARGO_BIN_EXE_headless-checkout"));
    let target = program.parent().and_then(Path::parent).ok_or("there is no target folder")?;
    let folder = target.join(format!("prism-{VERSION}"));
    let entry = folder.join("node_modules/@stoplight/prism-cli/dist/index.js");
    let moment = Duration::from_secs(20);
    run(Command::new("node").arg("--version"), moment).await.ok_or("Node.js is not at hand")?;
    // Written last, so that an install that was interrupted is done again.
    let complete = folder.join("complete");
    if !complete.is_file() {
        run(Command::new("npm").arg("--version"), moment).await.ok_or("npm is not at hand")?;
        std::fs::create_dir_all(&folder).map_err(|_| "the target folder cannot be written")?;
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefer-offline", "--prefix"]);
        install.arg(&folder).arg(format!("@stoplight/prism-cli@{VERSION}"));
        run(&mut install, INSTALLING).await.ok_or("Prism could not be installed")?;
        std::fs::write(&complete, VERSION).map_err(|_| "the target folder cannot be written")?;
    }
    if entry.is_file() { Ok(entry) } else { Err("Prism is not where it was installed") }
}

impl Prism {
    async fn start(entry: &Path, document: &Path, upstream: &str) -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("its address").port().to_string()
        };
        let mut command = Command::new("node");
        command.arg(entry).args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port]);
        command
            .arg(document)
            .arg(upstream)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().expect("Prism starts");
        let said = Arc::new(Mutex::new(Vec::new()));
        let (sender, ready) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let (stdout, stderr) =
            (process.stdout.take().expect("stdout"), process.stderr.take().expect("stderr"));
        let (kept, kept_too) = (Arc::clone(&said), Arc::clone(&said));
        let news = Arc::new(Notify::new());
        let tell = Arc::clone(&news);
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("Prism is listening")
                    && let Some(sender) = sender.take()
                {
                    let _ = sender.send(());
                }
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                tell.notify_one();
            }
        });
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                kept_too.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let started = tokio::time::timeout(STARTING, ready).await;
        let prism = Self { url: format!("http://127.0.0.1:{port}"), said, news, _process: process };
        assert!(matches!(started, Ok(Ok(()))), "Prism did not start: {:#?}", prism.lines());
        prism
    }

    fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it found wrong, with what it was about.
    fn complaints(&self) -> Vec<String> {
        let lines = self.lines();
        let bad = |line: &str| {
            // What Node says of itself, and the list of routes with which Prism begins.
            if line.starts_with("(node:") || line.starts_with("(Use `node") || line.contains("[CLI]") {
                return false;
            }
            let line = line.to_lowercase();
            ["error", "violation", "warning", "did not pass", "terminated"]
                .iter()
                .any(|word| line.contains(word))
        };
        (0..lines.len())
            .filter(|&at| bad(&lines[at]))
            .map(|at| lines[at.saturating_sub(4)..=at].join("\n"))
            .collect()
    }

    fn passed(&self) -> usize {
        self.lines().iter().filter(|line| line.contains("Request received")).count()
    }
}

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

fn completed(answer: &Value) {
    assert_eq!(answer["status"], "completed", "{answer:#}");
}

fn shirt() -> Value {
    json!({"line_items": [
        {"product_id": 184, "quantity": 1, "option_selections": [
            {"option_id": 200, "option_value": 180}, {"option_id": 230, "option_value": 192}]},
        {"product_id": 111, "quantity": 2},
    ]})
}

async fn stepwise(service: &Service) {
    let path = service.create(&shirt()).await;
    service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    let consigned =
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
    let option = &consigned.body["consignments"][0]["available_shipping_options"][2]["id"];
    service
        .put(&format!("{path}/shipping-options"), &json!([{"shipping_option_id": option}]))
        .await
        .expect(200);
    service
        .put(&format!("{path}/customer-message"), &json!({"customer_message": "Ring twice"}))
        .await
        .expect(200);
    let urls = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    assert!(urls.body["checkout_url"].is_string());
    service.get(&format!("{path}/payment-methods")).await.expect(200);
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    service.get(&format!("{path}/payment-methods")).await.expect(200);
    completed(&service.post(&format!("{path}/payment"), &good_card()).await.expect(200).body);
    let confirmation = service.get(&format!("{path}/order")).await.expect(200);
    assert_eq!(confirmation.body["transactions"].as_array().map(Vec::len), Some(1));
}

async fn in_one_call(service: &Service) {
    let path = service.create(&custom_cart()).await;
    let body = json!({
        "billing_address": address(), "consignments": [{"address": address()}], "shipping_preference": "cheapest",
        "agreed_total": 10.83, "payment": good_card(),
    });
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
}

async fn digital(service: &Service) {
    let path = service.create(&json!({"line_items": [{"product_id": 112, "quantity": 1}]})).await;
    let body = json!({"billing_address": address(), "payment": good_card()});
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
    let certificate = json!({"gift_certificates": [{
        "name": "Gift", "theme": "Birthday", "amount": 25, "quantity": 1,
        "sender": {"name": "Jane", "email": "jane@example.com"},
        "recipient": {"name": "Joe", "email": "joe@example.com"},
    }]});
    let path = service.create(&certificate).await;
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
}

async fn revised(service: &Service) {
    let path = service.create(&everything()).await;
    let mut elsewhere = address();
    elsewhere["city"] = json!("Dallas");
    service.put(&format!("{path}/billing-address"), &elsewhere).await.expect(200);
    service.put(&format!("{path}/consignments"), &json!([{"address": elsewhere}])).await.expect(200);
    completed(
        &service.post(&format!("{path}/complete"), &json!({"payment": good_card()})).await.expect(200).body,
    );
}

async fn edited(service: &Service) {
    let path = service.create(&json!({"line_items": [{"product_id": 120, "quantity": 1}]})).await;
    let added = service.post(&format!("{path}/items"), &shirt()).await.expect(200);
    let mut lines = added.body["cart"]["line_items"]["physical_items"].as_array().expect("lines").iter();
    let (first, second) = (lines.next().expect("one"), lines.next().expect("two"));
    let item = |line: &Value| format!("{path}/items/{}", line["id"].as_str().expect("an id"));
    service.put(&item(first), &json!({"line_item": {"quantity": 3}})).await.expect(200);
    service.delete(&item(second)).await.expect(200);
    let coupon =
        service.post(&format!("{path}/coupons"), &json!({"coupon_code": "TENOFF"})).await.expect(200);
    assert_eq!(coupon.body["cart"]["coupons"][0]["code"], "TENOFF", "{}", coupon.text);
    service.delete(&format!("{path}/coupons/TENOFF")).await.expect(200);
    service.post(&format!("{path}/coupons"), &json!({"coupon_code": "FIVER"})).await.expect(200);
    let body = json!({
        "billing_address": address(), "consignments": [{"address": address()}], "shipping_preference": "cheapest",
        "payment": good_card(),
    });
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
}

async fn declined(service: &Service) {
    let path = service.create(&everything()).await;
    let body = json!({"payment": card(&magic_card(30_106, 0))});
    service.post(&format!("{path}/complete"), &body).await.expect(402);
    completed(&service.post(&format!("{path}/payment"), &good_card()).await.expect(200).body);
}

async fn stored(service: &Service) {
    let mut body = everything();
    body["customer_id"] = json!(11);
    body["coupon_codes"] = json!(["TENOFF"]);
    let path = service.create(&body).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let methods = service.get(&format!("{path}/payment-methods")).await.expect(200);
    let all = methods.body["data"].as_array().expect("methods");
    let adyen = all.iter().find(|method| method["id"] == "adyenv2.scheme").expect("the method of the guide");
    let payment = json!({"payment_method_id": adyen["id"], "save_instrument": true, "instrument": {
        "type": "stored_card", "token": adyen["stored_instruments"][0]["token"], "verification_value": "1142"}});
    completed(&service.post(&format!("{path}/payment"), &payment).await.expect(200).body);
}

async fn with_credit(service: &Service) {
    let mut body = everything();
    body["customer_id"] = json!(1);
    let path = service.create(&body).await;
    let credit =
        json!({"payment_method_id": "bigcommerce.store_credit", "instrument": {"type": "store_credit"}});
    completed(&service.post(&format!("{path}/complete"), &json!({"payment": credit})).await.expect(200).body);
    let path = service.create(&everything()).await;
    let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-1000"}});
    completed(
        &service.post(&format!("{path}/complete"), &json!({"payment": certificate})).await.expect(200).body,
    );
}

async fn direct(service: &Service) {
    let v2 = json!({
        "first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin", "state": "Texas",
        "zip": "78751", "country": "United States", "country_iso2": "US", "email": "janedoe@email.com",
    });
    let body = json!({
        "customer_id": 1, "billing_address": v2, "shipping_addresses": [v2],
        "shipping_cost_ex_tax": 9.25, "shipping_cost_inc_tax": 10,
        "products": [
            {"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45},
            {"product_id": 184, "quantity": 1, "product_options": [{"id": 200, "value": "180"}, {"id": 230, "value": "192"}]},
        ],
    });
    let created = service.post("/v1/direct-orders", &body).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    service.get(&format!("{path}/payment-methods")).await.expect(200);
    completed(&service.post(&format!("{path}/payment"), &good_card()).await.expect(200).body);
    service.get(&format!("{path}/order")).await.expect(200);
}

async fn cancelled(service: &Service) {
    let early = service.create(&custom_cart()).await;
    service.delete(&early).await.expect(200);
    let late = service.create(&everything()).await;
    service.post(&format!("{late}/order"), &json!({})).await.expect(200);
    let answer = service.send(Method::DELETE, &late, None, None).await.expect(200);
    assert_eq!(answer.body["status"], "cancelled", "{}", answer.text);
}

async fn several_addresses(service: &Service) {
    let path = service.create(&shirt()).await;
    let cart = service.put(&format!("{path}/billing-address"), &address()).await.expect(200).body;
    let lines = cart["cart"]["line_items"]["physical_items"].as_array().expect("lines");
    let mut elsewhere = address();
    elsewhere["city"] = json!("Dallas");
    let part = |address: &Value, line: &Value| json!({"address": address, "line_items": [{"item_id": line["id"], "quantity": line["quantity"]}]});
    let body = json!([part(&address(), &lines[0]), part(&elsewhere, &lines[1])]);
    let consigned = service.put(&format!("{path}/consignments"), &body).await.expect(200).body;
    let choices: Vec<Value> = consigned["consignments"]
        .as_array()
        .expect("consignments")
        .iter()
        .map(|one| json!({"consignment_id": one["id"], "shipping_option_id": one["available_shipping_options"][0]["id"]}))
        .collect();
    assert_eq!(choices.len(), 2);
    service.put(&format!("{path}/shipping-options"), &json!(choices)).await.expect(200);
    completed(
        &service.post(&format!("{path}/complete"), &json!({"payment": good_card()})).await.expect(200).body,
    );
}
