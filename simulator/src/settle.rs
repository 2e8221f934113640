//! What a payment does to the order, the cart, the stock and the ledger; at once or later.

use rust_decimal::Decimal;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::applied;
use crate::call::{Visit, member};
use crate::choices::{ActionEnd, PartialPayment};
use crate::customers::Instrument;
use crate::ledger::Charge;
use crate::methods::Method;
use crate::order::{Order, Outstanding, Transaction, Wait};
use crate::payments;
use crate::stock;
use crate::webhooks;

/// A payment that the gateway accepted.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) order_id: u64,
    /// The id that the payments host answers.
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) amount: Decimal,
    pub(crate) authorize: bool,
    pub(crate) jti: String,
    /// Members that the transaction shows for this method, such as `credit_card`.
    pub(crate) details: Value,
    /// The gift certificate that pays.
    pub(crate) certificate: Option<String>,
}

/// A row of transactions to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) event: &'a str,
    pub(crate) ok: bool,
    pub(crate) amount: Decimal,
    pub(crate) method: &'a Method,
    pub(crate) details: &'a Value,
}

impl Payment {
    fn event(&self) -> &'static str {
        if self.authorize { "authorization" } else { "purchase" }
    }

    fn entry<'a>(&'a self, event: &'a str) -> Entry<'a> {
        Entry { event, ok: true, amount: self.amount, method: &self.method, details: &self.details }
    }
}

fn note_charge(visit: &mut Visit<'_>, payment: &Payment, state: &str) {
    let currency =
        visit.store.orders.get(&payment.order_id).map_or("USD", |order| &order.currency).to_owned();
    visit.store.charges.push(Charge {
        store: visit.store.hash.clone(),
        order_id: payment.order_id,
        amount: payment.amount,
        currency,
        transaction_id: payment.id.clone(),
        kind: payment.event().to_owned(),
        state: state.to_owned(),
        refunded: Decimal::ZERO,
        jti: payment.jti.clone(),
        payment_method_id: payment.method.id.to_owned(),
        at: milliseconds(visit.now),
        correlation_id: visit.call.correlation_id(),
    });
}

/// Unix milliseconds.
fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// Changes the state of the order's charges that are in one of `from`.
pub(crate) fn move_charges(visit: &mut Visit<'_>, order: u64, from: &[&str], to: &str) {
    for charge in &mut visit.store.charges {
        if charge.order_id == order && from.contains(&charge.state.as_str()) {
            to.clone_into(&mut charge.state);
        }
    }
}

/// Changes an order in place; nothing when it is gone.
fn with_order(visit: &mut Visit<'_>, id: u64, change: impl FnOnce(&mut Order, &mut Visit<'_>)) {
    if let Some(mut order) = visit.store.orders.get(&id).cloned() {
        change(&mut order, visit);
        order.modified = visit.now;
        visit.store.orders.insert(id, order);
    }
}

/// Appends a transaction, unless the method leaves none.
pub(crate) fn add_transaction(visit: &mut Visit<'_>, order: &mut Order, entry: Entry<'_>) {
    let method = entry.method;
    if visit.settings.transactionless_methods.iter().any(|id| id == method.id) {
        return;
    }
    let kind = match method.kind {
        "store_credit" => "store_credit",
        "gift_certificate" => "gift_certificate",
        "card" => "credit_card",
        _ => "token",
    };
    let transaction = Transaction {
        id: 85_926_000 + visit.store.next_id(),
        event: entry.event.to_owned(),
        status: if entry.ok { "ok" } else { "error" },
        method: kind,
        amount: entry.amount,
        gateway_id: format!("gw_{}", Uuid::new_v4().simple()),
        payment_method_id: method.id.to_owned(),
        reference: order.transactions.iter().find(|one| one.payment_method_id == method.id).map(|one| one.id),
        at: visit.now,
        details: entry.details.clone(),
    };
    webhooks::transaction(visit, order.id, &transaction);
    if !order.transactions_wait.hides(visit.now) {
        order.transactions_seen = order.transactions.len();
    }
    order.transactions.push(transaction);
    order.transactions_wait = Wait::start(visit.settings.transactions_lag, visit.now);
}

/// The money is taken or authorized, and BigCommerce knows.
pub(crate) fn charge(visit: &mut Visit<'_>, payment: &Payment) {
    note_charge(visit, payment, if payment.authorize { "authorized" } else { "captured" });
    with_order(visit, payment.order_id, |order, visit| {
        order.start_status_lag(visit.settings.status_lag, visit.now);
        add_transaction(visit, order, payment.entry(payment.event()));
        name_method(order, payment);
        add_part(order, payment);
        pay(visit, order, payment.authorize);
    });
}

/// Writes a part that credit or a certificate paid into the ledger.
pub(crate) fn note_part(visit: &mut Visit<'_>, order: &Order, method: &Method, amount: Decimal) {
    visit.store.charges.push(Charge {
        store: visit.store.hash.clone(),
        order_id: order.id,
        amount,
        currency: order.currency.clone(),
        transaction_id: Uuid::new_v4().to_string(),
        kind: "purchase".to_owned(),
        state: "captured".to_owned(),
        refunded: Decimal::ZERO,
        jti: String::new(),
        payment_method_id: method.id.to_owned(),
        at: milliseconds(visit.now),
        correlation_id: visit.call.correlation_id(),
    });
}

/// What credit and certificates paid stands on the order.
fn add_part(order: &mut Order, payment: &Payment) {
    match payment.method.kind {
        "store_credit" => order.credit_used += payment.amount,
        "gift_certificate" => {
            order.certificate_used += payment.amount;
            order.certificates.extend(payment.certificate.clone().map(|code| (code, payment.amount)));
        }
        _ => {}
    }
}

fn name_method(order: &mut Order, payment: &Payment) {
    payment.method.name.clone_into(&mut order.payment_method);
    order.provider_id.clone_from(&payment.id);
}

/// The order is paid or authorized: its status moves by itself, the cart goes, the stock is taken.
fn pay(visit: &mut Visit<'_>, order: &mut Order, authorize: bool) {
    let before = order.status_id;
    applied::take(visit, order);
    order.outstanding = None;
    order.payment_status = if authorize { "authorized" } else { "captured" };
    order.status_id = match (authorize, order.is_digital()) {
        (true, _) => 7,
        (false, true) => visit.settings.digital_order_status,
        (false, false) => 11,
    };
    stock::take(visit.store, order);
    let (id, after, cart) = (order.id, order.status_id, order.cart_id.clone());
    if let Some(cart) = cart {
        visit.store.bury_cart(&cart, "converted");
        webhooks::converted(visit, &cart, id);
    }
    webhooks::status(visit, id, before, after);
}

/// An order of which nothing is due is placed without a payment.
pub(crate) fn place(visit: &mut Visit<'_>, id: u64) {
    with_order(visit, id, |order, visit| {
        order.start_status_lag(visit.settings.status_lag, visit.now);
        pay(visit, order, false);
        order.payment_status = "";
    });
}

/// Accepted, to be settled later. The cart stays.
pub(crate) fn charge_later(visit: &mut Visit<'_>, payment: &Payment, outstanding: Outstanding) {
    note_charge(visit, payment, "pending");
    with_order(visit, payment.order_id, |order, visit| {
        order.start_status_lag(visit.settings.status_lag, visit.now);
        add_transaction(visit, order, payment.entry("pending"));
        name_method(order, payment);
        let before = order.status_id;
        order.payment_status = "pending";
        order.status_id = visit.settings.pending_status;
        order.outstanding = Some((outstanding, visit.settings.pending_settle_reads));
        let (id, after) = (order.id, order.status_id);
        webhooks::status(visit, id, before, after);
    });
}

/// Taken at the gateway while BigCommerce does not know: only the ledger shows it until it is settled.
pub(crate) fn charge_unknown(visit: &mut Visit<'_>, payment: &Payment) {
    note_charge(visit, payment, "pending");
    with_order(visit, payment.order_id, |order, _| order.outstanding = Some((Outstanding::Never, 0)));
}

/// A part of the total is paid: the order waits for the rest. The cart stays.
pub(crate) fn charge_part(visit: &mut Visit<'_>, payment: &Payment) {
    note_charge(visit, payment, "captured");
    with_order(visit, payment.order_id, |order, visit| {
        order.start_status_lag(visit.settings.status_lag, visit.now);
        add_transaction(visit, order, payment.entry(payment.event()));
        name_method(order, payment);
        add_part(order, payment);
        if !matches!(payment.method.kind, "store_credit" | "gift_certificate") {
            order.paid_in_part += payment.amount;
        }
        order.payment_status = visit.settings.part_shown.text();
        let before = order.status_id;
        if visit.settings.partial_payment != PartialPayment::Incomplete {
            order.status_id = 1;
        }
        webhooks::status(visit, order.id, before, order.status_id);
    });
}

/// A declined attempt leaves its trace.
pub(crate) fn note_decline(visit: &mut Visit<'_>, order: u64, method: Method, amount: Decimal) {
    with_order(visit, order, |order, visit| {
        let entry = Entry { event: "purchase", ok: false, amount, method: &method, details: &Value::Null };
        add_transaction(visit, order, entry);
    });
}

/// `save_instrument` of a customer's card: it is stored after a success.
pub(crate) fn save_instrument(visit: &mut Visit<'_>, payment: &Payment) {
    let body = member(&visit.body, "payment");
    let wanted = body.is_some_and(|body| body["save_instrument"] == Value::Bool(true));
    let raw = body.is_some_and(|body| body["instrument"]["type"] == "card");
    let card = &payment.details["credit_card"];
    let customer = visit.store.orders.get(&payment.order_id).map_or(0, |order| order.customer_id);
    if let Some(customer) = visit.store.customers.get_mut(&customer).filter(|_| wanted && raw) {
        customer.instruments.push(Instrument {
            token: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
            method: payment.method.id,
            kind: "stored_card",
            brand: if card["card_type"] == "master" { "MASTERCARD" } else { "VISA" },
            last_4: card["card_last4"].as_str().unwrap_or("4242").to_owned(),
            expiry_month: card["card_expiry_month"].as_u64().unwrap_or(9),
            expiry_year: card["card_expiry_year"].as_u64().unwrap_or(2045),
            email: "",
            is_default: false,
        });
    }
}

/// One read of an order brings asynchronous things nearer.
pub(crate) fn on_read(visit: &mut Visit<'_>, id: u64) {
    let mut decided = Vec::new();
    for held in visit.store.held_payments.iter_mut().filter(|held| held.order_id == id) {
        match &mut held.reads {
            Some(0) => decided.push(held.number),
            Some(reads) => *reads -= 1,
            None => {}
        }
    }
    for number in decided {
        payments::land(visit, number);
    }
    let Some(order) = visit.store.orders.get_mut(&id) else { return };
    match &mut order.outstanding {
        None | Some((Outstanding::Never, _)) => return,
        Some((_, reads)) if *reads > 0 => {
            *reads -= 1;
            return;
        }
        Some(_) => {}
    }
    let end = match order.outstanding {
        Some((Outstanding::Capture, _)) => visit.settings.capture_ends,
        Some((Outstanding::Void, _)) => visit.settings.void_ends,
        Some((Outstanding::Decline, _)) => ActionEnd::Fails,
        _ => ActionEnd::Succeeds,
    };
    if end != ActionEnd::Never {
        finish(visit, id, end == ActionEnd::Succeeds);
    }
}

/// Ends what is outstanding with success or failure. False when there was nothing.
pub(crate) fn finish(visit: &mut Visit<'_>, id: u64, success: bool) -> bool {
    let outstanding = visit.store.orders.get(&id).and_then(|order| order.outstanding);
    let Some((what, _)) = outstanding else { return false };
    match what {
        Outstanding::Capture => finish_action(visit, id, success, true),
        Outstanding::Void => finish_action(visit, id, success, false),
        Outstanding::Settle | Outstanding::Decline | Outstanding::Never => finish_payment(visit, id, success),
    }
    true
}

fn finish_payment(visit: &mut Visit<'_>, id: u64, success: bool) {
    let charge =
        visit.store.charges.iter().rev().find(|charge| charge.order_id == id && charge.state == "pending");
    let Some(charge) = charge.cloned() else { return };
    let authorize = charge.kind == "authorization";
    let state = match (success, authorize) {
        (false, _) => "declined",
        (true, true) => "authorized",
        (true, false) => "captured",
    };
    move_charges(visit, id, &["pending"], state);
    let method = crate::methods::find(&charge.payment_method_id);
    with_order(visit, id, |order, visit| {
        order.start_status_lag(visit.settings.status_lag, visit.now);
        if let Some(method) = method {
            let entry = Entry {
                event: &charge.kind,
                ok: success,
                amount: charge.amount,
                method: &method,
                details: &Value::Null,
            };
            add_transaction(visit, order, entry);
        }
        if success {
            pay(visit, order, authorize);
        } else {
            let before = order.status_id;
            order.outstanding = None;
            order.payment_status = "declined";
            order.status_id = 6;
            webhooks::status(visit, order.id, before, 6);
        }
    });
}

/// What is authorized and neither captured nor voided, with the method that did it.
fn authorized(visit: &Visit<'_>, order: u64) -> (Decimal, Option<Method>) {
    let charges = &visit.store.charges;
    let held = charges.iter().filter(|charge| charge.order_id == order && charge.state == "authorized");
    let method = held.clone().next().and_then(|charge| crate::methods::find(&charge.payment_method_id));
    (held.map(|charge| charge.amount).sum(), method)
}

fn finish_action(visit: &mut Visit<'_>, id: u64, success: bool, capture: bool) {
    let (amount, method) = authorized(visit, id);
    with_order(visit, id, |order, visit| {
        order.start_status_lag(visit.settings.status_lag, visit.now);
        order.outstanding = None;
        let event = if capture { "capture" } else { "void" };
        if let Some(method) = method {
            let entry = Entry { event, ok: success, amount, method: &method, details: &Value::Null };
            add_transaction(visit, order, entry);
        }
        let before = order.status_id;
        match (success, capture) {
            (false, _) => order.payment_status = "authorized",
            (true, true) => {
                order.payment_status = "captured";
                order.status_id = 11;
            }
            (true, false) => {
                order.payment_status = "void";
                order.status_id = 5;
                stock::give_back(visit.store, order);
            }
        }
        let after = order.status_id;
        webhooks::status(visit, id, before, after);
    });
    if success {
        move_charges(visit, id, &["authorized"], if capture { "captured" } else { "voided" });
    }
}
