//! One shopper: does what the snapshot says comes next, in the manner of its plan, and remembers what it was told.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::Chaos;
use crate::dice::Dice;
use crate::door::{Ask, Heard};
use crate::hands::Page;
use crate::harness::{agreed, good_card};
use crate::plan::{Ending, Opening, Plan, choice};
use crate::record::Record;

/// Between two looks at a checkout that is busy.
const GLANCE: Duration = Duration::from_millis(120);

/// A shopper at work.
pub(crate) struct Shopper {
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) record: Record,
    pub(crate) dice: Dice,
    /// Bad habits are for the time of the faults.
    well_behaved: bool,
    revised: bool,
    pub(crate) card: usize,
    /// The gift certificate and the store credit, each until something was heard of it.
    pub(crate) parts: Vec<Value>,
    /// Who pays with store credit.
    customer: Option<u64>,
    /// Whether the shopper is on the hosted page.
    pub(crate) page: Page,
    keys: u32,
    creations: u32,
    /// A POST without a settled answer: its key may be used again.
    open: Option<Ask>,
    poked: bool,
    /// Refused in a row.
    refusals: u32,
    pub(crate) gone: CancellationToken,
}

impl Shopper {
    pub(crate) fn new(chaos: Arc<Chaos>, plan: Plan) -> Self {
        let dice = Dice::of(chaos.options.seed, plan.run, "shopper");
        let revised = plan.revision.is_none();
        let certificate = plan.certificate.map(|_| plan.certificate_payment());
        let parts = certificate.into_iter().chain(plan.credit.map(|_| Plan::credit_payment())).collect();
        Self {
            chaos,
            record: Record::new(plan),
            dice,
            well_behaved: false,
            revised,
            card: 0,
            parts,
            customer: None,
            page: Page::Here(0),
            keys: 0,
            creations: 0,
            open: None,
            poked: false,
            refusals: 0,
            gone: CancellationToken::new(),
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.record.plan
    }

    /// Shops under faults, for a bounded time.
    pub(crate) async fn shop(mut self) -> Self {
        let simulator = &self.chaos.world.simulator;
        let money = |cents: u64| Decimal::new(cents.cast_signed(), 2);
        if let Some(cents) = self.plan().certificate {
            simulator.issue_certificate("teststore", &self.plan().certificate_code(), money(cents));
        }
        let customer = self.plan().credit.map(|cents| simulator.add_customer("teststore", money(cents)));
        self.customer = customer;
        self.script(None);
        self.visit(Duration::from_secs(45)).await;
        self.gone.cancel();
        self
    }

    /// Comes back after the faults have ended; a shopper who left does not.
    pub(crate) async fn come_back(mut self) -> Self {
        self.well_behaved = true;
        if !self.record.left {
            self.visit(Duration::from_secs(40)).await;
        }
        self
    }

    async fn visit(&mut self, patience: Duration) {
        let deadline = tokio::time::Instant::now() + patience;
        // Who is refused again and again goes.
        while tokio::time::Instant::now() < deadline && self.refusals < 30 {
            let Some(path) = self.record.path() else {
                self.create().await;
                continue;
            };
            let Some(seen) = self.say(Ask::get(&path)).await else {
                tokio::time::sleep(GLANCE).await;
                continue;
            };
            let status = seen.body["status"].as_str().unwrap_or_default().to_owned();
            self.trace(&format!("sees {status}, next {}", seen.body["next_step"]));
            match &*status {
                "completed" if self.well_behaved => return,
                "completed" => return self.afterwards(&seen.body),
                "cancelled" | "expired" | "stuck" => return,
                "awaiting_input" => {
                    if self.act(&path, &seen.body).await {
                        return;
                    }
                }
                "waiting" if seen.body["payment"].is_object() && !self.well_behaved => {
                    self.poke(&path).await;
                    return;
                }
                _ => tokio::time::sleep(GLANCE).await,
            }
        }
        self.record.gave_up += 1;
    }

    /// A second payment while the first one is open must be refused.
    async fn poke(&mut self, path: &str) {
        if self.poked || !self.dice.percent(30) {
            return;
        }
        self.poked = true;
        let ask = self.post(format!("{path}/payment"), agreed(good_card()));
        if let Some(heard) = self.say(ask).await
            && heard.status.is_success()
            && heard.body["status"] != "completed"
            && heard.body["status"] != "running"
        {
            self.trace(
                "was let in with a second payment, which may be right when the first one was declined",
            );
        }
    }

    async fn create(&mut self) {
        let mut body = self.plan().creation(self.customer);
        if self.creations > 0 {
            // The same cart again, under a key of its own.
            body["metadata"] = json!({"again": self.creations.to_string()});
        }
        let key = format!("{}create-{}", self.plan().tag, self.creations);
        let mut ask = Ask::post(self.plan().door().to_owned(), key, body);
        ask.wait = 8;
        match self.say(ask.clone()).await {
            Some(heard) if heard.status.is_success() || heard.id().is_some() => {
                if let Some(id) = heard.id() {
                    if self.record.creates.iter().all(|(known, _)| known.key != ask.key) {
                        self.record.creates.push((ask, id.clone()));
                    }
                    self.record.id = Some(id.clone());
                    self.script(Some(&id));
                }
            }
            _ => tokio::time::sleep(GLANCE).await,
        }
    }

    /// One step; true when the shopper is done with it.
    async fn act(&mut self, path: &str, seen: &Value) -> bool {
        let next = seen["next_step"].as_str().unwrap_or_default().to_owned();
        if self.goes_to_the_page(path, seen).await {
            return false;
        }
        match self.plan().ending {
            Ending::Leave(step) if step == next => {
                self.record.left = true;
                return true;
            }
            Ending::Cancel(step) if step == next || self.record.cancelling => {
                self.record.cancelling = true;
                self.say(Ask::delete(path)).await;
                return false;
            }
            _ => {}
        }
        if seen["payment"]["status"] == "declined" && self.record.declines_seen(seen) {
            self.card += 1;
            self.open = None;
        }
        if next == "order" && !self.revised {
            self.revised = true;
            self.revise(path, seen).await;
            return false;
        }
        let ask = match &*next {
            "cart" => {
                self.again(path).await;
                return false;
            }
            "order" if self.plan().opening == Opening::Direct => {
                if self.dice.percent(50) {
                    self.post(format!("{path}/order"), json!({}))
                } else {
                    self.again(path).await;
                    return false;
                }
            }
            "payment" => self.pay(path, seen),
            // What ships only since somebody else added to the cart is sent step by step.
            "consignments" if !self.plan().ships() => {
                Ask::put(format!("{path}/consignments"), json!([{"address": self.plan().address("Austin")}]))
            }
            "shipping-options" if !self.plan().ships() => {
                Ask::put(format!("{path}/shipping-options"), choice(seen))
            }
            _ if self.plan().opening == Opening::OneCall => self.complete(path),
            "billing-address" => Ask::put(format!("{path}/billing-address"), self.plan().address("Austin")),
            "consignments" => {
                Ask::put(format!("{path}/consignments"), json!([{"address": self.plan().address("Austin")}]))
            }
            "shipping-options" => Ask::put(format!("{path}/shipping-options"), choice(seen)),
            _ if self.dice.percent(40) => self.complete(path),
            _ => self.post(format!("{path}/order"), json!({})),
        };
        self.settle(ask).await;
        false
    }

    /// A POST is sent again with its own key until its answer is settled.
    async fn settle(&mut self, ask: Ask) {
        let ask = match self.open.take() {
            Some(open) if open.path == ask.path && ask.key.is_some() && self.dice.percent(60) => open,
            _ => ask,
        };
        let heard = self.say(ask.clone()).await;
        if let Some(body) = ask.body.as_ref().filter(|_| heard.is_some()) {
            let sent = |part: &Value| {
                let payments = body["payments"].as_array().map(Vec::as_slice).unwrap_or_default();
                payments
                    .iter()
                    .chain([body])
                    .any(|sent| sent["payment_method_id"] == part["payment_method_id"])
            };
            self.parts.retain(|part| !sent(part));
        }
        let settled = heard.as_ref().is_some_and(|heard| !matches!(heard.status.as_u16(), 202 | 503));
        let tired = heard.as_ref().is_some_and(|heard| heard.status == 503) && self.dice.percent(35);
        if ask.key.is_some() && !settled && !tired {
            self.open = Some(ask);
        } else if let Some(heard) = heard
            && (tired || heard.code() == "rejected-by-bigcommerce")
            && ask.body.as_ref().is_some_and(|body| {
                ["instrument", "payment", "payments"].iter().any(|name| body.get(name).is_some())
            })
        {
            // Perhaps it was the card; the next one cannot be worse.
            self.card += 1;
        }
    }

    /// Creation ended without a cart: the same key first, then a checkout of its own.
    async fn again(&mut self, path: &str) {
        let Some((ask, _)) = self.record.creates.last().cloned() else { return };
        let heard = self.say(ask).await;
        if heard.is_some_and(|heard| heard.status == reqwest::StatusCode::UNPROCESSABLE_ENTITY) {
            self.trace(&format!("gives {path} up"));
            self.record.abandon();
            self.creations += 1;
        }
    }

    pub(crate) fn post(&mut self, path: String, body: Value) -> Ask {
        self.keys += 1;
        Ask::post(path, format!("{}{}", self.plan().tag, self.keys), body)
    }

    /// Sends something in the manner of the shopper, and remembers what was said.
    pub(crate) async fn say(&mut self, mut ask: Ask) -> Option<Heard> {
        let (replica, at) = (self.replica(), moment());
        let habits = self.plan().habits;
        let write = ask.method != reqwest::Method::GET;
        let (double, tabs, hangs, hasty) = (
            self.dice.percent(habits.double_click),
            self.dice.percent(habits.two_tabs),
            self.dice.percent(habits.hang_up),
            self.dice.percent(habits.no_wait),
        );
        let patience = Duration::from_millis(self.dice.between(5, 600));
        let misbehaves = write && !self.well_behaved;
        if misbehaves && hasty {
            ask.wait = 0;
        }
        let chaos = Arc::clone(&self.chaos);
        // With two keys, a creation makes two checkouts, as it should.
        let creates = matches!(&*ask.path, "/v1/checkouts" | "/v1/direct-orders");
        let heard = if misbehaves && (double || (tabs && !creates)) {
            let mut other = ask.clone();
            if !double && other.key.is_some() {
                self.keys += 1;
                other.key = Some(format!("{}tab-{}", self.plan().tag, self.keys));
            }
            let (one, two) =
                tokio::join!(chaos.doors.ask(replica, &ask), chaos.doors.ask(replica + 1, &other));
            if let Some(two) = &two {
                self.note(&other, two, at);
            }
            one
        } else if misbehaves && hangs {
            tokio::time::timeout(patience, chaos.doors.ask(replica, &ask)).await.ok().flatten()
        } else {
            chaos.doors.ask(replica, &ask).await
        };
        match &heard {
            Some(heard) => self.note(&ask, heard, at),
            None => self.trace(&format!("{} {}: nothing heard", ask.method, ask.path)),
        }
        heard
    }

    fn note(&mut self, ask: &Ask, heard: &Heard, at: i64) {
        if ask.method != reqwest::Method::GET {
            self.refusals = if heard.status.is_client_error() { self.refusals + 1 } else { 0 };
        }
        if ask.method != reqwest::Method::GET {
            self.trace(&format!("{} {}: {} {}", ask.method, ask.path, heard.status.as_u16(), heard.code()));
        }
        self.record.note(ask, heard, at);
    }

    /// Waits as somebody who looks on does.
    pub(crate) async fn glance(&self) {
        tokio::time::sleep(GLANCE).await;
    }

    fn replica(&mut self) -> usize {
        let elsewhere = self.plan().strike.is_none() && self.dice.percent(35);
        self.plan().home + usize::from(elsewhere)
    }

    fn trace(&self, what: &str) {
        if self.chaos.options.trace {
            println!("    run {}: {what}", self.plan().run);
        }
    }
}

/// Unix milliseconds.
fn moment() -> i64 {
    let now = time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    i64::try_from(now).unwrap_or_default()
}
