//! The third dimension for operators: every fault on every call that moves money of a paid order, ships it, or changes it. Each
//! is asked for with one idempotency key until it is told, and must have happened once.

use bigcommerce_simulator::magic_card;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Fault;
use super::derived::{PLAYED, Sent, are_known, columns_of, is_played, upstream};
use super::reasons::BY_TASKS;
use super::shops::{self, Shop, play, play_all};
use crate::harness::{Answer, World, card, everything, good_card, run_with};

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Gives 2.50 back.
    RefundsPart,
    /// Gives all back.
    RefundsAll,
    /// Takes what is authorized.
    Captures,
    /// Lets go of what is authorized.
    Voids,
    /// Ships everything.
    Ships,
    /// Moves the order to Completed.
    ChangesStatus,
    /// Cancels a paid checkout: all is refunded.
    CancelsPaid,
    /// Cancels a checkout whose payment is authorized: it is voided.
    CancelsAuthorized,
}

pub(super) const TASKS: [Task; 8] = [
    Task::RefundsPart,
    Task::RefundsAll,
    Task::Captures,
    Task::Voids,
    Task::Ships,
    Task::ChangesStatus,
    Task::CancelsPaid,
    Task::CancelsAuthorized,
];

impl Task {
    fn is_authorized_only(self) -> bool {
        matches!(self, Self::Captures | Self::Voids | Self::CancelsAuthorized)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    task: Task,
    call: &'static str,
    nth: u64,
    fault: Fault,
}

impl Cell {
    fn name(self) -> String {
        format!("{:?}:{}:{}:{:?}", self.task, self.call, self.nth, self.fault)
    }
}

/// Why an operator's cell cannot be.
pub(super) fn impossible(task: Task, fault: Fault) -> Option<&'static str> {
    match (task, fault) {
        (Task::RefundsPart, Fault::DeliveredTwice) => Some(
            "BigCommerce makes two refunds of a part that is delivered twice, and nobody can keep it from that",
        ),
        (Task::ChangesStatus, Fault::Overtaken) => {
            Some("a status that is asked for again is the same status")
        }
        _ => None,
    }
}

/// A paid order of its own.
struct Desk<'a> {
    task: Task,
    shop: Shop<'a>,
    path: String,
    order: u64,
    body: Value,
}

impl<'a> Desk<'a> {
    async fn new(task: Task, shop: Shop<'a>) -> Self {
        let made = shop.send(Method::POST, "/v1/checkouts", Some(&everything())).await.expect(201);
        let path = format!("/v1/checkouts/{}", made.id());
        let payment = if task.is_authorized_only() { card(&magic_card(20_004, 0)) } else { good_card() };
        let body = json!({"payment": payment, "agreed_total": 10.83});
        let paid = shop.send(Method::POST, &format!("{path}/complete"), Some(&body)).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        let order = paid.body["order"]["id"].as_u64().expect("an order");
        let mut desk = Self { task, shop, path, order, body: Value::Null };
        desk.body = match task {
            Task::RefundsPart => refund(order, "2.50"),
            Task::RefundsAll => refund(order, "10.83"),
            Task::Ships => desk.shipment().await,
            Task::ChangesStatus => json!({"status_id": 10, "reason": "handed over"}),
            Task::CancelsPaid | Task::CancelsAuthorized => {
                json!({"reason": "changed her mind", "refund": true})
            }
            Task::Captures | Task::Voids => Value::Null,
        };
        desk
    }

    async fn read(&self, part: &str) -> Value {
        let path = format!("orders/{}{part}", self.order);
        // A look that takes longer than this world's second is answered by a 503, on a busy machine: it is asked for again.
        for _ in 0..20 {
            let answer = self.shop.operate("", Method::GET, &path, None).await;
            if answer.status != 503 {
                return answer.expect(200).body;
            }
        }
        panic!("order {} cannot be read", self.order)
    }

    async fn shipment(&self) -> Value {
        let (products, addresses) = (self.read("/products").await, self.read("/shipping-addresses").await);
        let items = products["data"].as_array().into_iter().flatten();
        let items: Vec<Value> = items
            .map(|product| json!({"order_product_id": product["id"], "quantity": product["quantity"]}))
            .collect();
        json!({"order_address_id": addresses["data"][0]["id"], "tracking_number": "EJ958083578UK", "items": items})
    }

    /// Asks for it once.
    async fn ask(&self) -> Answer {
        let (order, body) = (self.order, Some(&self.body).filter(|body| !body.is_null()));
        let (method, path) = match self.task {
            Task::RefundsPart | Task::RefundsAll => (Method::POST, format!("orders/{order}/refunds")),
            Task::Captures => (Method::POST, format!("orders/{order}/capture")),
            Task::Voids => (Method::POST, format!("orders/{order}/void")),
            Task::Ships => (Method::POST, format!("orders/{order}/shipments")),
            Task::ChangesStatus => (Method::PUT, format!("orders/{order}")),
            Task::CancelsPaid | Task::CancelsAuthorized => {
                let id = self.path.rsplit('/').next().unwrap_or_default();
                (Method::POST, format!("checkouts/{id}/cancel"))
            }
        };
        self.shop.operate(&format!("key-of-{}", self.shop.name), method, &path, body).await
    }

    /// Asks until it is told that it was done.
    async fn insist(&self) -> Result<(), String> {
        let mut said = Vec::new();
        for _ in 0..20 {
            let answer = self.ask().await;
            let cancels = matches!(self.task, Task::CancelsPaid | Task::CancelsAuthorized);
            let ended = answer.body["guard"] == "ended";
            match answer.status.as_u16() {
                _ if cancels && (ended || answer.body["status_after"] == "cancelled") => return Ok(()),
                200 | 201 if !cancels => return Ok(()),
                // It waits for its end, or is asked for again.
                200 | 202 | 503 => {}
                409 if answer.body["code"] == "order-busy" || answer.body["guard"] == "order-busy" => {}
                _ => return Err(format!("{} after {said:?}", answer.text)),
            }
            said.push(answer.text);
        }
        Err(format!("it is never done: {said:?}"))
    }

    /// What happened, against what was asked for.
    async fn check(&self) -> Result<(), String> {
        // Reading it lets it settle.
        for _ in 0..3 {
            self.read("").await;
        }
        let ledger = self.shop.ledger();
        let back: Vec<String> =
            ledger.refunds.iter().map(|refund| refund.amount.normalize().to_string()).collect();
        let held = ledger
            .money(&self.shop.name, self.order)
            .map(|money| money.held().normalize())
            .unwrap_or_default();
        let states: Vec<&str> = ledger.charges.iter().map(|charge| &*charge.state).collect();
        let shipments = match self.task {
            Task::Ships => self.read("/shipments").await["data"].as_array().map_or(0, Vec::len),
            _ => 0,
        };
        let whole = Decimal::new(1083, 2);
        let good = match self.task {
            Task::RefundsPart => back == ["2.5"] && held == whole - Decimal::new(250, 2),
            Task::RefundsAll | Task::CancelsPaid => back == ["10.83"] && held.is_zero(),
            Task::Captures => back.is_empty() && states == ["captured"],
            Task::Voids | Task::CancelsAuthorized => back.is_empty() && states == ["voided"],
            Task::Ships => back.is_empty() && held == whole && shipments == 1,
            Task::ChangesStatus => {
                back.is_empty() && held == whole && ledger.orders.iter().all(|order| order.status_id == 10)
            }
        };
        if good {
            Ok(())
        } else {
            Err(format!("refunds {back:?}, held {held}, {states:?}, {shipments} shipments"))
        }
    }
}

fn refund(order: u64, amount: &str) -> Value {
    let amount: Value = serde_json::from_str(amount).expect("a number");
    json!({
        "items": [{"item_type": "ORDER", "item_id": order, "amount": amount, "reason": "arrived broken"}],
        "payments": [{"provider_id": "stripe", "amount": amount, "offline": false}],
    })
}

/// One cell, or a run without a fault.
async fn run(world: &World, task: Task, shop: Shop<'_>, cell: Option<Cell>) -> Result<Vec<Sent>, String> {
    let desk = Desk::new(task, shop).await;
    let before = desk.shop.sent(cell.is_none()).len();
    let fault = cell.map(|cell| {
        let mut fault = upstream(cell.call, cell.nth, cell.fault);
        if cell.fault == Fault::Overtaken {
            fault = fault.overtaken_for(409, 300);
        }
        desk.shop.add_fault(fault)
    });
    desk.insist().await?;
    let sent = desk.shop.sent(cell.is_none()).split_off(before);
    if fault.is_some_and(|fault| world.simulator.reached(fault) == 0) {
        return Err("it was not reached".to_owned());
    }
    desk.check().await?;
    // The same key once more: nothing happens again.
    let again = desk.ask().await;
    if !(again.status.is_success() || again.body["guard"] == "ended") {
        return Err(format!("asked again: {}", again.text));
    }
    desk.check().await?;
    Ok(sent)
}

async fn cells() -> Vec<Cell> {
    let runs = [0, 1].map(|run| TASKS.map(|task| (task, run))).concat();
    let world = shops::world(runs.len(), |_| ()).await;
    let service = world.start().await;
    let (world_ref, service_ref) = (&world, &service);
    let counted = std::sync::Mutex::new(Vec::new());
    let counted_ref = &counted;
    let failed = play(&runs, |number, (task, _)| async move {
        let sent = run(world_ref, task, Shop::new(world_ref, service_ref, number), None).await;
        let sent = sent.map_err(|wrong| format!("{task:?}: {wrong}"))?;
        counted_ref.lock().expect("nobody panicked with it").push((task, sent));
        Ok(())
    })
    .await;
    assert!(failed.is_empty(), "without a fault: {failed:#?}");
    service.stop().await;
    world.finish().await;
    let counted = counted.into_inner().expect("nobody panicked with it");
    let made = TASKS.iter().flat_map(|task| columns_of(&counted, *task)).map(|(call, ..)| call);
    are_known(made, BY_TASKS);
    let mut cells = Vec::new();
    for task in TASKS {
        for (call, reads, times) in columns_of(&counted, task) {
            for nth in 1..=times {
                let faults = PLAYED.into_iter().filter(|fault| {
                    let overtaken = *fault == Fault::Overtaken && !reads;
                    (overtaken || is_played(call, reads, false, *fault)) && impossible(task, *fault).is_none()
                });
                cells.extend(faults.map(|fault| Cell { task, call, nth, fault }));
            }
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_call_of_an_operator() {
    let wanted = super::wanted();
    let mut cells = cells().await;
    cells.retain(|cell| wanted.as_ref().is_none_or(|wanted| cell.name().contains(wanted)));
    run_with(shops::world(cells.len().max(1), |_| ()).await, async |world, service| {
        let (world_ref, service_ref) = (world, service);
        play_all(&cells, |number, cell| async move {
            let done = run(world_ref, cell.task, Shop::new(world_ref, service_ref, number), Some(cell)).await;
            done.map(|_| ()).map_err(|wrong| format!("{}: {wrong}", cell.name()))
        })
        .await;
    })
    .await;
}
