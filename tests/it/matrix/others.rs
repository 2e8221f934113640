//! The second dimension: what a merchant, another app, the hosted page or a second tab does to the cart or the order just before
//! or just after any call that the checkout makes. `docs/faults.md` says which cells there are.
//!
//! All cells share one world, as the checkouts of a store do: each has a checkout of its own, and its deed strikes only the
//! requests of that checkout. So a cell costs one checkout.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Actor, DEEDS, Deed, Effect, Fault, Kind};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, Service, World, address, custom_cart, good_card};

/// What the calls are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A cart, step by step, paid with a card.
    Pays,
    /// The same; the cart was handed over to the hosted page before.
    HandedOver,
    /// Cancelled after the order was made.
    Cancels,
}

/// The calls of each way that a deed is done around. `reasons` says why the other calls have no cells here.
pub(super) const PAYING: [&str; 9] = [
    "add-billing-address",
    "add-consignments",
    "update-consignment",
    "get-checkout",
    "create-order",
    "list-orders",
    "create-access-token",
    "process-payment",
    "get-order",
];
pub(super) const CANCELLING: [&str; 2] = ["update-order", "delete-cart"];

#[derive(Debug, Clone, Copy)]
struct Cell {
    way: Way,
    call: &'static str,
    deed: Deed,
    effect: Effect,
}

/// What cannot be, and why.
fn impossible(cell: Cell) -> Option<&'static str> {
    let Cell { way, call, deed, effect } = cell;
    let ordered = matches!(call, "list-orders" | "create-access-token" | "process-payment" | "get-order")
        || (call == "create-order" && effect == Effect::After)
        || way == Way::Cancels;
    let paid = call == "get-order" || (call == "process-payment" && effect == Effect::After);
    let pays =
        matches!(deed, Deed::PayPage | Deed::Complete | Deed::PayOrder | Deed::OpenPage | Deed::OrderAgain);
    if deed.is_to_order() && !ordered {
        return Some("there is no order yet");
    }
    if matches!(deed, Deed::Capture | Deed::Void) {
        return Some(
            "a card that pays at once authorizes nothing; `money` plays a void by others, `orders` both by operators",
        );
    }
    if matches!(deed, Deed::RefundPart | Deed::RefundAll) && !paid {
        return Some("nothing is paid yet");
    }
    if paid && !matches!(deed, Deed::RefundPart | Deed::RefundAll | Deed::Note | Deed::Ship | Deed::Archive) {
        return Some("it is paid and its cart is gone: what follows is between the merchant and the shopper");
    }
    if way == Way::Pays && (pays || deed.actor() == Actor::HostedPage) {
        return Some("nobody was handed the cart over");
    }
    if !pays && way == Way::HandedOver {
        return Some("the same as without a hand-over");
    }
    if pays && (way == Way::Cancels || matches!(call, "process-payment")) {
        return Some("in the same moment as our payment or cancel: `absence` and `commerce` play it");
    }
    if deed == Deed::Complete
        && matches!(call, "add-billing-address" | "add-consignments" | "update-consignment")
    {
        return Some("it cannot be ordered yet");
    }
    if deed == Deed::OrderAgain && !ordered && call != "create-order" && call != "get-checkout" {
        return Some("it cannot be ordered yet");
    }
    if matches!(deed, Deed::RemoveConsignment | Deed::ChangeAddress) && call == "add-billing-address" {
        return Some("there is no address or consignment yet");
    }
    if way == Way::Cancels && deed == Deed::Cancel && (call == "delete-cart" || effect == Effect::After) {
        return Some("it is cancelled already");
    }
    if deed == Deed::RemoveConsignment && call == "add-consignments" && effect == Effect::Before {
        return Some("there is no address or consignment yet");
    }
    if way == Way::Cancels && call == "delete-cart" && effect == Effect::After && !deed.is_to_order() {
        return Some("the cart is gone");
    }
    None
}

fn cells() -> Vec<Cell> {
    let ways = [(Way::Pays, &PAYING[..]), (Way::HandedOver, &PAYING[..]), (Way::Cancels, &CANCELLING[..])];
    let mut cells = Vec::new();
    for (way, calls) in ways {
        for &call in calls {
            for deed in DEEDS {
                for effect in [Effect::Before, Effect::After] {
                    cells.push(Cell { way, call, deed, effect });
                }
            }
        }
    }
    cells
}

/// How it must end.
fn wanted(cell: Cell) -> &'static [&'static str] {
    match cell.deed {
        _ if cell.way == Way::Cancels => &["cancelled"],
        // A status that somebody chose by hand, and no money: BigCommerce takes no payment, and a person is asked. One that
        // says "paid" may be ahead of the list of transactions: while a payment is under way that is no proof of either.
        Deed::MarkPending => &["completed", "stuck:order-not-payable"],
        Deed::MarkPaid | Deed::Ship => &["completed", "stuck:order-not-payable", "stuck:payment-unknown"],
        // Without a cart there is nothing to order; with an order it is paid all the same.
        Deed::DeleteCart => &["completed", "gone"],
        _ => &["completed"],
    }
}

/// How a checkout may end that is paid and to which this is done; nothing where that has no cells.
pub(super) fn ends(deed: Deed) -> BTreeSet<&'static str> {
    let paid = cells().into_iter().filter(|cell| cell.deed == deed && cell.way != Way::Cancels);
    paid.filter(|cell| impossible(*cell).is_none()).flat_map(wanted).copied().collect()
}

/// Every reason why a cell cannot be.
pub(super) fn all_reasons() -> BTreeSet<&'static str> {
    cells().into_iter().filter_map(impossible).collect()
}

/// One shopper who goes on with whatever step is next, and agrees to what is shown.
struct Shopper<'a> {
    service: &'a Service,
    path: String,
    keys: usize,
    agreed: Vec<String>,
}

impl Shopper<'_> {
    async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.keys += 1;
        let (bearer, key) = (format!("Bearer {KEY}"), format!("{}-{}", self.path, self.keys));
        let mut headers =
            vec![("authorization", &*bearer), ("prefer", "wait=20"), ("content-type", "application/json")];
        if method == Method::POST {
            headers.push(("idempotency-key", &*key));
        }
        self.service.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
    }

    async fn snapshot(&self) -> Value {
        self.service.get(&self.path).await.body
    }

    /// What the shopper is shown, in the order's words where there is one.
    fn shown(snapshot: &Value) -> Value {
        let total = &snapshot["order"]["total_inc_tax"];
        if total.is_null() { snapshot["totals"]["grand_total"].clone() } else { total.clone() }
    }

    /// The next step once. `None`: there is none.
    async fn next(&mut self, snapshot: &Value, total: Option<Value>) -> Option<Answer> {
        let path = self.path.clone();
        let answer = match snapshot["next_step"].as_str()? {
            "billing-address" => {
                self.send(Method::PUT, &format!("{path}/billing-address"), Some(address())).await
            }
            "consignments" => {
                let body = json!([{"address": address()}]);
                self.send(Method::PUT, &format!("{path}/consignments"), Some(body)).await
            }
            "shipping-options" => {
                let rows = snapshot["consignments"].as_array().cloned().unwrap_or_default();
                let choices: Vec<Value> = rows
                    .iter()
                    .map(|row| json!({"consignment_id": row["id"], "shipping_option_id": row["available_shipping_options"][0]["id"]}))
                    .collect();
                self.send(Method::PUT, &format!("{path}/shipping-options"), Some(choices.into())).await
            }
            "order" => self.send(Method::POST, &format!("{path}/order"), Some(json!({}))).await,
            _ => {
                let mut body = good_card();
                body["agreed_total"] = total.unwrap_or_else(|| Self::shown(snapshot));
                self.agreed.push(body["agreed_total"].to_string());
                self.send(Method::POST, &format!("{path}/payment"), Some(body)).await
            }
        };
        Some(answer)
    }

    /// Goes on until it has ended, or says the same again and again.
    async fn go_on(&mut self, cell: Cell) -> String {
        let (mut last, mut same, mut total) = (String::new(), 0, None);
        for _ in 0..20 {
            let settled =
                |now: &Value| !matches!(now["status"].as_str(), Some("running" | "compensating" | "waiting"));
            let snapshot = self.service.wait_until(&self.path, "settled", settled).await;
            match snapshot["status"].as_str().unwrap_or_default() {
                "stuck" => return format!("stuck:{}", snapshot["stuck"]["reason"].as_str().unwrap_or("")),
                "awaiting_input" => {}
                ended => return ended.to_owned(),
            }
            if cell.way == Way::Cancels && snapshot["order"].is_object() {
                let path = self.path.clone();
                self.send(Method::DELETE, &path, None).await;
                continue;
            }
            let Some(answer) = self.next(&snapshot, total.take()).await else {
                return "no next step".to_owned();
            };
            let told = if answer.status.is_success() {
                format!("{}", answer.status)
            } else {
                if answer.problem() == "total-changed" {
                    total = Some(answer.body["grand_total"].clone());
                }
                format!("{} {}", snapshot["next_step"], answer.problem())
            };
            if cell.way == Way::HandedOver && answer.text.contains("does not exist") {
                // It was paid on the page: nobody has to ask, the service looks by itself.
                self.service.wait_until(&self.path, "completed", |now| now["status"] == "completed").await;
                continue;
            }
            if told.starts_with("\"order\" rejected") {
                // What has to be shipped has changed: it is said again where it goes.
                let body = json!([{"address": address()}]);
                let path = format!("{}/consignments", self.path);
                self.send(Method::PUT, &path, Some(body)).await;
            }
            same = if told == last && !answer.status.is_success() { same + 1 } else { 0 };
            last = told;
            if same == 3 {
                let cart = self.snapshot().await["cart"]["id"].clone();
                return format!("{last} {} {cart}", answer.body["detail"]);
            }
        }
        format!("goes round in circles: {last}")
    }
}

async fn play(world: &World, service: &Service, cell: Cell) -> Result<(), String> {
    let mut body = custom_cart();
    body["line_items"] = json!([{"product_id": 111, "variant_id": 361, "quantity": 1}]);
    let path = service.create(&body).await;
    let mut shopper = Shopper { service, path: path.clone(), keys: 0, agreed: Vec::new() };
    if cell.way == Way::HandedOver {
        service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    }
    let id = path.rsplit('/').next().unwrap_or_default().to_owned();
    let fault = Fault::on(cell.call)
        .correlation_id(&id)
        .kind(Kind::Meanwhile { does: cell.deed, effect: cell.effect });
    // Where a cart was handed over, the list is read before anything is ordered, and again after it.
    let nth = if cell.deed == Deed::PayOrder && cell.call == "list-orders" { 2 } else { 1 };
    let fault = world.simulator.add_fault(fault.nth(nth));
    let end = shopper.go_on(cell).await;
    let reached = world.simulator.reached(fault);
    // An order is looked at once more only where its payment was in doubt, as on a slow machine.
    if reached == 0 && cell.call == "get-order" && end == "completed" {
        return money(world, &id, &shopper, &end);
    }
    if reached == 0 {
        return Err(format!("{cell:?} was not reached: {end}"));
    }
    let ends = wanted(cell);
    // A status by hand that says "paid": nothing is charged while that cannot be told, and the shopper hears "not now".
    let unclear = matches!(cell.deed, Deed::MarkPaid | Deed::Ship) && end.contains("upstream-unavailable");
    if unclear {
        return money(world, &id, &shopper, &end);
    }
    // It has ended, or the shopper is told so.
    let ended = end == "expired" || end.contains("checkout-closed");
    let gone = ended || end.contains("does not exist") || end.contains("no longer there");
    if !(ends.contains(&&*end) || (gone && ends.contains(&"gone"))) {
        return Err(format!("{cell:?}: {end}"));
    }
    money(world, &id, &shopper, &end)
}

/// What was taken is what the paid order costs, once, and never more than was agreed to.
fn money(world: &World, id: &str, shopper: &Shopper<'_>, end: &str) -> Result<(), String> {
    let ledger = world.simulator.ledger();
    let ours: BTreeSet<u64> = ledger
        .orders
        .iter()
        .filter(|order| order.correlation_id.as_deref() == Some(id))
        .map(|order| order.id)
        .collect();
    let charges: Vec<_> = ledger.charges.iter().filter(|charge| ours.contains(&charge.order_id)).collect();
    if charges.len() > 1 || (end == "completed") != (charges.len() == 1) {
        return Err(format!("{id}: {} charges and {end}", charges.len()));
    }
    let by_us = charges.iter().filter(|charge| !charge.jti.is_empty());
    for charge in by_us {
        let agreed = shopper.agreed.last().and_then(|agreed| agreed.parse::<rust_decimal::Decimal>().ok());
        if agreed.is_none_or(|agreed| charge.amount > agreed) {
            return Err(format!("{id}: charged {} and agreed to {agreed:?}", charge.amount));
        }
    }
    Ok(())
}

fn chosen() -> Vec<Cell> {
    let wanted = super::wanted();
    super::must_be_known(wanted.as_deref());
    let possible = cells().into_iter().filter(|cell| impossible(*cell).is_none());
    possible.filter(|cell| wanted.as_ref().is_none_or(|wanted| name(*cell).contains(wanted))).collect()
}

fn name(cell: Cell) -> String {
    format!("{:?}:{}:{:?}:{:?}", cell.way, cell.call, cell.deed, cell.effect)
}

/// Whether there is a cell of this name.
pub(super) fn has(wanted: &str) -> bool {
    cells().into_iter().any(|cell| impossible(cell).is_none() && name(cell).contains(wanted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_around_any_call() {
    let mut world = World::hasty().await;
    world.set("DATABASE_MAX_CONNECTIONS", "8");
    let service = world.start().await;
    let cells = chosen();
    let total = cells.len();
    let (world_ref, service_ref) = (&world, &service);
    let failed: Vec<String> = futures::stream::iter(cells)
        .map(|cell| async move { play(world_ref, service_ref, cell).await.err() })
        .buffer_unordered(24)
        .filter_map(|failed| async { failed })
        .collect()
        .await;
    assert!(failed.is_empty(), "{} of {total} cells failed:\n{}", failed.len(), failed.join("\n"));
    println!("{total} cells passed");
    service.stop().await;
    world.finish().await;
}
