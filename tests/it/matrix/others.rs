//! The second dimension: what a merchant, another app, the hosted page or a second tab does to the cart or the order just before
//! or just after any call that the checkout makes. `docs/faults.md` says which cells there are.
//!
//! All cells share one world. Each has a store of its own: its deed strikes nothing else, and the breaker that some open holds
//! back no call of another.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Deed, Fault, FaultId, Kind, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::deeds::{Cell, Way, cells, impossible, name, wanted};
use super::shops::{self, Shop};
use super::ways::direct_order;
use crate::harness::{Answer, World, address, card, custom_cart, good_card, run_with};

/// One shopper who goes on with whatever step is next, and agrees to what is shown.
struct Shopper<'a> {
    shop: Shop<'a>,
    path: String,
    agreed: Vec<String>,
    /// Whether the card only authorizes.
    authorizes: bool,
}

impl Shopper<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.shop.send(method, path, body.as_ref()).await
    }

    async fn snapshot(&self) -> Value {
        self.send(Method::GET, &self.path, None).await.body
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
                let mut body = if self.authorizes { card(&magic_card(20_004, 0)) } else { good_card() };
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
            let snapshot = self.shop.settled(&self.path).await;
            match snapshot["status"].as_str().unwrap_or_default() {
                "stuck" => return format!("stuck:{}", snapshot["stuck"]["reason"].as_str().unwrap_or("")),
                "awaiting_input" => {}
                ended => return ended.to_owned(),
            }
            if cell.way.cancels() && snapshot["order"].is_object() {
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
                self.shop.ended(&self.path).await;
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

async fn play(world: &World, shop: Shop<'_>, cell: Cell) -> Result<(), String> {
    let direct = cell.way.is_direct();
    let mut shopper =
        Shopper { shop, path: String::new(), agreed: Vec::new(), authorizes: cell.way.authorizes() };
    // A direct order is made by the request that makes its checkout.
    let fault = if cell.call == "create-order-v2" { Some(meanwhile(&shopper, cell)) } else { None };
    let (path, body) = if direct {
        ("/v1/direct-orders", direct_order())
    } else {
        let mut body = custom_cart();
        body["line_items"] = json!([{"product_id": 111, "variant_id": 361, "quantity": 1}]);
        ("/v1/checkouts", body)
    };
    let made = shopper.send(Method::POST, path, Some(body)).await;
    if !made.status.is_success() {
        return Err(format!("{cell:?}: {}", made.text));
    }
    let id = made.id();
    shopper.path = format!("/v1/checkouts/{id}");
    if cell.way.is_doubted() {
        shopper.shop.add_fault(Fault::on("process-payment").status_after(500));
    }
    if cell.deed == Deed::Void {
        world.others_moved_money_of(&shopper.path);
    }
    if cell.way == Way::HandedOver {
        let path = format!("{}/redirect-urls", shopper.path);
        shopper.send(Method::POST, &path, Some(json!({}))).await.expect(200);
    }
    let fault = fault.unwrap_or_else(|| meanwhile(&shopper, cell));
    ended(world, &mut shopper, cell, &id, fault).await
}

fn meanwhile(shopper: &Shopper<'_>, cell: Cell) -> FaultId {
    // Where a cart was handed over, the list is read before anything is ordered, and again after it.
    let nth = if cell.deed == Deed::PayOrder && cell.call == "list-orders" { 2 } else { 1 };
    let fault = Fault::on(cell.call).kind(Kind::Meanwhile { does: cell.deed, effect: cell.effect });
    shopper.shop.add_fault(fault.nth(nth))
}

async fn ended(
    world: &World,
    shopper: &mut Shopper<'_>,
    cell: Cell,
    id: &str,
    fault: FaultId,
) -> Result<(), String> {
    let end = shopper.go_on(cell).await;
    let reached = world.simulator.reached(fault);
    if reached == 0 {
        return Err(format!("{cell:?} was not reached: {end}"));
    }
    let ends = wanted(cell);
    // It has ended, or the shopper is told so.
    let ended = end == "expired" || end.contains("checkout-closed");
    let gone = ended || end.contains("does not exist") || end.contains("no longer there");
    if ends != end && !(gone && ends == "gone") {
        return Err(format!("{cell:?}: {end} instead of {ends}"));
    }
    money(id, shopper, &end)
}

/// What was taken is what the paid order costs, once, and never more than was agreed to.
fn money(id: &str, shopper: &Shopper<'_>, end: &str) -> Result<(), String> {
    let ledger = shopper.shop.ledger();
    let ours: BTreeSet<u64> = ledger
        .orders
        .iter()
        .filter(|order| order.correlation_id.as_deref() == Some(id))
        .map(|order| order.id)
        .collect();
    let charges: Vec<_> = ledger.charges.iter().filter(|charge| ours.contains(&charge.order_id)).collect();
    let kept =
        charges.iter().filter(|charge| charge.holds_money() && charge.refunded < charge.amount).count();
    let good = if end == "completed" { charges.len() == 1 } else { kept == 0 };
    if !good {
        return Err(format!("{id}: {} charges, {kept} kept, and {end}", charges.len()));
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

/// Whether there is a cell of this name.
pub(super) fn has(wanted: &str) -> bool {
    cells().into_iter().any(|cell| impossible(cell).is_none() && name(cell).contains(wanted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_around_any_call() {
    let cells = chosen();
    let world = shops::world(cells.len().max(1), |_| {}).await;
    run_with(world, async |world, service| {
        let (world_ref, service_ref) = (world, service);
        shops::play_all(&cells, |number, cell| {
            play(world_ref, Shop::new(world_ref, service_ref, number), cell)
        })
        .await;
    })
    .await;
}
