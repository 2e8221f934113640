//! Canaries: known card numbers, verification values, tokens and keys go through every path of the real process, which logs
//! everything it can and sends its traces. None of them may be in any row, in any log line, in any trace, in any metric, or
//! in any answer that is not its own.

use std::fmt::Write as _;

use bigcommerce_simulator::{Effect, Fault, Kind, magic_card, magic_token};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    KEY, OPERATOR, OTHER_KEY, PATIENCE, Service, World, address, agreed, custom_cart, everything, logs,
};
use crate::signals::collector::Collector;
use crate::signals::page::Page;

/// A card that no other test uses; it succeeds.
const CARD: &str = "5555341244441115";
/// The same card, mistyped: it fails the Luhn check, which only the gateway makes.
const MISTYPED: &str = "5555341244441116";
const HOLDER: &str = "Canary Holder Quux";
const VERIFICATION: &str = "7391";
/// BigCommerce's guide shows this stored instrument; the simulator knows it.
const STORED: &str = "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee";
const STRANGER: &str = "a-bearer-that-nobody-knows-0123456789";
const ACCESS_TOKEN: &str = "bigcommerce-token-of-the-canaries";
const CLIENT_SECRET: &str = "bigcommerce-client-secret-of-the-canaries";
const WEBHOOK_SECRET: &str = "bigcommerce-webhook-secret-of-the-canaries";
/// How every JWT begins: the payment access token.
const JWT: &str = "eyJ";

fn canaries() -> Vec<String> {
    let mut all: Vec<String> = [
        CARD,
        MISTYPED,
        HOLDER,
        STORED,
        STRANGER,
        KEY,
        OTHER_KEY,
        OPERATOR,
        ACCESS_TOKEN,
        CLIENT_SECRET,
        WEBHOOK_SECRET,
        JWT,
    ]
    .map(str::to_owned)
    .into();
    // A verification value is too short to be looked for alone.
    all.push(format!("\"{VERIFICATION}\""));
    all.push(format!("verification_value={VERIFICATION}"));
    for code in [10_000, 20_003, 30_051, 30_102, 30_106] {
        all.push(magic_card(code, 0));
        all.push(magic_token(code, 0));
    }
    all
}

fn card(number: &Value) -> Value {
    json!({"payment_method_id": "stripe.card", "instrument": {
        "type": "card", "number": number, "cardholder_name": HOLDER, "expiry_month": 12, "expiry_year": 2031,
        "verification_value": VERIFICATION,
    }})
}

fn stored(token: &str) -> Value {
    json!({"payment_method_id": "stripe.card", "instrument": {
        "type": "stored_card", "token": token, "verification_value": VERIFICATION,
    }})
}

/// Everything that was answered, with the token that each creation may show.
struct Heard {
    text: String,
    keys: u32,
}

impl Heard {
    async fn call(
        &mut self,
        service: &Service,
        method: Method,
        path: &str,
        bearer: &str,
        body: Option<Vec<u8>>,
    ) -> Value {
        self.keys += 1;
        let (bearer, key) = (format!("Bearer {bearer}"), format!("canary-{}", self.keys));
        let headers = [
            ("authorization", &*bearer),
            ("idempotency-key", &*key),
            ("content-type", "application/json"),
            ("prefer", "wait=2"),
        ];
        let answer = service.call(method, path, &headers, body).await;
        let mut text = answer.text.clone();
        // Only in the answer that creates it.
        if let Some(token) = answer.body["checkout_token"].as_str() {
            text = text.replacen(token, "(its own)", 1);
        }
        let _ = writeln!(self.text, "{} {text} {:?}", answer.status, answer.headers);
        answer.body
    }

    async fn post(&mut self, service: &Service, path: &str, body: &Value) -> Value {
        self.call(service, Method::POST, path, KEY, Some(body.to_string().into_bytes())).await
    }
}

async fn ordered(heard: &mut Heard, service: &Service, tokens: &mut Vec<String>) -> String {
    let mut body = everything();
    body["customer_id"] = 11.into();
    let created = heard.post(service, "/v1/checkouts", &body).await;
    tokens.push(created["checkout_token"].as_str().expect("a token").to_owned());
    let path = format!("/v1/checkouts/{}", created["id"].as_str().expect("an id"));
    heard.post(service, &format!("{path}/order"), &json!({})).await;
    path
}

#[tokio::test]
async fn no_canary_is_ever_seen_again() {
    let collector = Collector::start().await;
    let mut world = World::new().await;
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url),
        ("BIGCOMMERCE_ACCESS_TOKEN", ACCESS_TOKEN),
        ("BIGCOMMERCE_CLIENT_SECRET", CLIENT_SECRET),
        ("BIGCOMMERCE_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("RUST_LOG", "trace"),
        ("UPSTREAM_TIMEOUT_SECONDS", "1"),
        ("PAYMENT_TIMEOUT_SECONDS", "1"),
        ("LEASE_SECONDS", "3.5"),
    ] {
        world.set(name, value);
    }
    let service = world.spawn().await;
    let mut heard = Heard { text: String::new(), keys: 0 };
    let mut tokens = Vec::new();
    paid_and_declined(&world, &service, &mut heard, &mut tokens).await;
    refused(&service, &mut heard, &mut tokens).await;
    echoed(&world, &service, &mut heard, &mut tokens).await;
    let pages = Page::of(&service).await.text;
    killed(&world, service, &mut heard, &mut tokens).await;
    world.set("ALLOW_RAW_CARDS", "false");
    let strict = world.spawn().await;
    let path = ordered(&mut heard, &strict, &mut tokens).await;
    let refused = heard.post(&strict, &format!("{path}/payment"), &agreed(card(&CARD.into()))).await;
    assert_eq!(refused["code"], "raw-card-not-enabled");
    let pages = pages + &Page::of(&strict).await.text;
    strict.stop().await;
    search(&world, &heard, &tokens).await;
    search_signals(&pages, &collector, &tokens);
    world.finish().await;
}

/// The good path, declines, an answer that says nothing, a payment that settles later.
async fn paid_and_declined(world: &World, service: &Service, heard: &mut Heard, tokens: &mut Vec<String>) {
    let numbers = [30_106, 30_102, 10_000, 20_003].map(|code| magic_card(code, 0));
    for number in numbers.iter().map(String::as_str).chain([MISTYPED, CARD]) {
        let path = ordered(heard, service, tokens).await;
        heard.post(service, &format!("{path}/payment"), &agreed(card(&number.into()))).await;
        heard
            .post(service, &format!("{path}/complete"), &agreed(json!({"payment": card(&CARD.into())})))
            .await;
        heard.call(service, Method::GET, &format!("{path}/order"), KEY, None).await;
        heard
            .call(
                service,
                Method::GET,
                &format!("{path}/payment-methods"),
                tokens.last().expect("a token"),
                None,
            )
            .await;
    }
    for token in [STORED.to_owned(), magic_token(30_051, 0), magic_token(30_106, 0)] {
        let path = ordered(heard, service, tokens).await;
        heard.post(service, &format!("{path}/payment"), &agreed(stored(&token))).await;
    }
    assert!(
        world.simulator.ledger().charges.iter().filter(|charge| charge.holds_money()).count() >= 2,
        "{}",
        heard.text
    );
}

/// Bodies that do not fit, are no JSON, are too large, come too early, or come with the wrong credential.
async fn refused(service: &Service, heard: &mut Heard, tokens: &mut Vec<String>) {
    let early = heard.post(service, "/v1/checkouts", &custom_cart()).await;
    tokens.push(early["checkout_token"].as_str().expect("a token").to_owned());
    let early = format!("/v1/checkouts/{}", early["id"].as_str().expect("an id"));
    heard.post(service, &format!("{early}/payment"), &agreed(card(&CARD.into()))).await;
    heard.post(service, &format!("{early}/complete"), &agreed(json!({"payment": card(&CARD.into())}))).await;
    let path = ordered(heard, service, tokens).await;
    let number: Value = serde_json::from_str(CARD).expect("a number");
    let mut unknown = card(&CARD.into());
    unknown[CARD] = json!(CARD);
    unknown["instrument"]["card_number"] = json!(CARD);
    let mut misplaced = card(&CARD.into());
    misplaced["instrument"]["type"] = json!(CARD);
    let mut backwards = card(&CARD.into());
    backwards["instrument"]["expiry_month"] = json!(CARD);
    backwards["agreed_total"] = json!(CARD);
    for body in [card(&number), card(&json!({"number": CARD})), unknown, misplaced, backwards] {
        let answer = heard.post(service, &format!("{path}/payment"), &body).await;
        assert_eq!(answer["status"], 422, "{answer}");
    }
    let mut large = card(&CARD.into()).to_string();
    large.push_str(&" ".repeat(300_000));
    for broken in [
        format!("{} {CARD}", card(&CARD.into())),
        card(&CARD.into()).to_string().replace("\"type\"", "type"),
        card(&CARD.into()).to_string().replace("\"type\":\"card\"", "\"type\":\"card\",\"type\":\"card\""),
        format!("[{CARD}]"),
        large,
    ] {
        heard.call(service, Method::POST, &format!("{path}/payment"), KEY, Some(broken.into_bytes())).await;
    }
    let body = agreed(card(&CARD.into())).to_string().into_bytes();
    for (method, place, bearer) in [
        (Method::POST, format!("{path}/payment"), STRANGER),
        (Method::POST, format!("{path}/payment"), OPERATOR),
        (Method::PUT, format!("{path}/payment"), KEY),
        (Method::POST, format!("{path}/nothing"), OTHER_KEY),
    ] {
        heard.call(service, method, &place, bearer, Some(body.clone())).await;
    }
}

/// BigCommerce quotes what it refuses.
async fn echoed(world: &World, service: &Service, heard: &mut Heard, tokens: &mut Vec<String>) {
    for (call, status) in [
        ("process-payment", 422),
        ("process-payment", 500),
        ("create-access-token", 422),
        ("create-order", 422),
    ] {
        let body = json!({
            "status": status, "code": 10_001, "title": format!("{CARD} of {JWT}hbGciOi is not good"), "detail": STORED,
            "errors": {"payment.instrument.number": format!("{CARD} is wrong")},
        });
        let kind = Kind::Status {
            status,
            effect: Effect::Before,
            headers: std::collections::BTreeMap::new(),
            body: Some(body),
        };
        let fault = world.simulator.add_fault(Fault::on(call).kind(kind));
        let path = ordered(heard, service, tokens).await;
        heard.post(service, &format!("{path}/payment"), &agreed(card(&CARD.into()))).await;
        assert_eq!(world.simulator.reached(fault), 1, "{call}");
    }
    let mut body = everything();
    body["billing_address"] = address();
    heard.post(service, "/v1/checkouts", &body).await;
}

/// The process dies with an instrument in its hands, and another one goes on.
async fn killed(world: &World, service: Service, heard: &mut Heard, tokens: &mut Vec<String>) {
    let path = ordered(heard, &service, tokens).await;
    let held = world.simulator.add_fault(Fault::on("process-payment").hold_after());
    {
        let (place, body) = (format!("{path}/payment"), agreed(card(&CARD.into())));
        let paying = heard.post(&service, &place, &body);
        let reached = tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1));
        tokio::select! {
            reached = reached => reached.expect("it is reached"),
            answer = paying => panic!("answered: {answer}"),
        }
    }
    service.kill().await;
    world.simulator.clear_faults();
    let next = world.spawn().await;
    next.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
    next.stop().await;
}

/// Everything that was written down or said.
async fn search(world: &World, heard: &Heard, tokens: &[String]) {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&world.database.pool)
    .await
    .expect("tables");
    assert!(tables.len() >= 6, "{tables:?}");
    let mut rows = String::new();
    for table in &tables {
        let sql = format!("select coalesce(string_agg(t::text, e'\\n'), '') from {table} t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&world.database.pool)
            .await
            .expect("a table");
        rows.push_str(&text);
    }
    assert!(
        rows.contains("1115"),
        "the last digits may be kept, and are: the search looks at the right rows"
    );
    assert!(logs::contain("\"level\":\"TRACE\""), "the process logs everything it can");
    for canary in canaries().iter().chain(tokens) {
        let hex = canary.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        // In a text of JSON inside of a row, quotes are doubled or escaped.
        let bare = canary.trim_matches('"');
        let quoted = bare.len() != canary.len();
        let in_rows = if quoted {
            [format!("\"{bare}\""), format!("\"\"{bare}\"\""), format!("\\\"{bare}\\\"")]
                .iter()
                .any(|form| rows.contains(form))
        } else {
            rows.contains(canary)
        };
        assert!(!in_rows && !rows.contains(&hex), "a row holds {canary}");
        let told = heard.text.lines().find(|line| line.contains(canary.as_str()));
        assert_eq!(told, None, "an answer holds {canary}");
        assert!(
            !logs::contain(canary) && !logs::contain(&canary.replace('"', "\\\"")),
            "a log line holds {canary}"
        );
    }
}

/// Everything that was counted and traced.
fn search_signals(pages: &str, collector: &Collector, tokens: &[String]) {
    assert!(pages.contains("call=\"payment.process\",status=\"500\""), "the page knows what was refused");
    let (traces, spans) = (collector.text(), collector.spans());
    for name in ["payment", "payment.process", "POST /v1/checkouts/{id}/payment"] {
        assert!(spans.iter().any(|span| span.name == name), "no span {name}");
    }
    for canary in canaries().iter().chain(tokens) {
        let bare = canary.trim_matches('"');
        // What is quoted is too short to be looked for alone: on the page every label is quoted, in a trace every text.
        let canary = if bare.len() == canary.len() { bare.to_owned() } else { format!("\"{bare}\"") };
        assert!(!pages.contains(&canary), "a metric holds {canary}");
        assert!(!traces.contains(&canary), "a trace holds {canary}");
    }
    for personal in ["jane@example.com", "Jane", "123 Main Street"] {
        assert!(!pages.contains(personal) && !traces.contains(personal), "{personal} is told");
    }
}
