//! The second dimension: what a merchant, another app, the hosted page or a second tab does to the cart or the order just before
//! or just after any call that the checkout makes. `docs/faults.md` says which cells there are.
//!
//! All cells share one world, as the checkouts of a store do: each has a checkout of its own, and its deed strikes only the
//! requests of that checkout. So a cell costs one checkout.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Deed, Fault, FaultId, Kind};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::deeds::{Cell, Way, cells, impossible, name, wanted};
use crate::harness::{Answer, KEY, Service, World, address, custom_cart, good_card};

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
    let mut shopper = Shopper { service, path: String::new(), keys: 0, agreed: Vec::new() };
    if cell.way == Way::Direct && cell.call == "create-order-v2" {
        return play_direct(world, shopper, cell).await;
    }
    let path = if cell.way.is_direct() {
        format!("/v1/checkouts/{}", service.post("/v1/direct-orders", &direct_order()).await.expect(201).id())
    } else {
        let mut body = custom_cart();
        body["line_items"] = json!([{"product_id": 111, "variant_id": 361, "quantity": 1}]);
        service.create(&body).await
    };
    shopper.path.clone_from(&path);
    if cell.way == Way::Doubted {
        let id = path.rsplit('/').next().unwrap_or_default();
        world.simulator.add_fault(Fault::on("process-payment").correlation_id(id).status_after(500));
    }
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
    ended(world, &mut shopper, cell, &id, fault).await
}

/// A direct order, and what is done to it as soon as it is made: its own number names it, because nothing else does before.
async fn play_direct(world: &World, mut shopper: Shopper<'_>, cell: Cell) -> Result<(), String> {
    let mark = format!("cell {}", name(cell));
    let mut body = direct_order();
    body["staff_notes"] = mark.clone().into();
    let fault = Fault::on(cell.call).kind(Kind::Meanwhile { does: cell.deed, effect: cell.effect });
    let fault = world.simulator.add_fault(fault.body_contains(&mark));
    let made = shopper.service.post("/v1/direct-orders", &body).await;
    if !made.status.is_success() {
        return Err(format!("{cell:?}: {}", made.text));
    }
    let id = made.id();
    shopper.path = format!("/v1/checkouts/{id}");
    ended(world, &mut shopper, cell, &id, fault).await
}

fn direct_order() -> Value {
    let place = json!({"first_name": "Jane", "last_name": "Doe", "street_1": "123 Example ST", "city": "Austin",
        "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US", "email": "jane@example.com"});
    json!({"billing_address": place, "shipping_addresses": [place], "products": [{"name": "Mug", "quantity": 2, "price_inc_tax": 50, "price_ex_tax": 45}]})
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
    money(world, id, shopper, &end)
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
    let kept = charges.iter().filter(|charge| charge.refunded < charge.amount).count();
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
