//! `POST /stores/{hash}/payments`: the one call that moves money (BigCommerce: payments, process payment).
//!
//! It has no amount and no idempotency key: the token decides, once.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, member};
use crate::choices::{FreeOrder, PartialPayment, TokenReplay};
use crate::instruments::{self, Money, Outcome};
use crate::ledger::Attempt;
use crate::methods::{self, Method};
use crate::money::{major_units, minor_units, number};
use crate::order::Order;
use crate::settings::Settings;
use crate::settle::{self, Payment};
use crate::store::HeldPayment;
use crate::token::{self, Token};

/// Processes a payment.
pub(crate) fn process(visit: &mut Visit<'_>) -> Reply {
    let jti = read_token(visit)?;
    let token = visit.store.tokens.get(&jti).cloned().ok_or_else(|| unknown_token(visit))?;
    let result = attempt(visit, &token);
    note_attempt(visit, &token, &result);
    result.map(|done| done.answer)
}

fn note_attempt(visit: &mut Visit<'_>, token: &Token, result: &Result<Done, Answer>) {
    let (outcome, code, charged) = match result {
        Ok(done) => done.noted,
        Err(refused) => ("refused", code_of(refused), false),
    };
    visit.store.attempts.push(Attempt {
        store: visit.store.hash.clone(),
        order_id: token.order_id,
        jti: token.jti.clone(),
        outcome: outcome.to_owned(),
        code,
        charged,
        correlation_id: visit.call.correlation_id(),
    });
}

/// Takes a payment as far as the gateway: its token is used up, nothing is charged yet. The number of what is held.
pub(crate) fn hold(visit: &mut Visit<'_>, reads: Option<u64>) -> Option<u64> {
    let jti = read_token(visit).ok()?;
    let token = visit.store.tokens.get(&jti).cloned()?;
    read_body(visit).ok()?;
    check_token(visit, &token).ok()?;
    let order = visit.store.orders.get(&token.order_id)?;
    if !is_payable(order, visit.settings) || minor_units(order.due(), &order.currency) != Some(token.amount) {
        return None;
    }
    burn(visit, &token);
    let number = visit.store.next_id();
    visit.store.held_payments.push(HeldPayment {
        number,
        order_id: token.order_id,
        token,
        call: visit.call.clone(),
        body: visit.body.clone(),
        reads,
    });
    Some(number)
}

/// The gateway decides a held payment: whatever became of the order meanwhile, a good card is charged what the token says.
pub(crate) fn land(visit: &mut Visit<'_>, number: u64) -> bool {
    let at = visit.store.held_payments.iter().position(|held| held.number == number);
    let Some(at) = at else { return false };
    let held = visit.store.held_payments.remove(at);
    let mut late = Visit {
        call: &held.call,
        params: &[],
        store: &mut *visit.store,
        settings: visit.settings,
        now: visit.now,
        body: held.body.clone(),
    };
    let customer = late.store.orders.get(&held.order_id).map_or(0, |order| order.customer_id);
    let due = major_units(held.token.amount, &held.token.currency);
    let result = read_body(&late)
        .and_then(|(method, instrument)| charge(&mut late, &held.token, method, &instrument, customer, due));
    note_attempt(&mut late, &held.token, &result);
    true
}

/// What became of an attempt that reached the gateway.
struct Done {
    answer: Answer,
    /// Outcome, code and whether money moved.
    noted: (&'static str, Option<u32>, bool),
}

fn code_of(refused: &Answer) -> Option<u32> {
    let body: Value = serde_json::from_slice(&refused.body).ok()?;
    u32::try_from(body["code"].as_u64()?).ok()
}

/// The id of the token in `Authorization: PAT <jwt>`.
fn read_token(visit: &Visit<'_>) -> Result<String, Answer> {
    let jwt = visit.call.header("authorization").and_then(|value| value.strip_prefix("PAT "));
    let jwt = jwt.ok_or_else(|| answer::payment(401, 10_001))?;
    token::verify(jwt.trim(), &visit.store.signing_key()).ok_or_else(|| unknown_token(visit))
}

/// The order that the payment access token of a request can pay.
pub(crate) fn order_of_token(visit: &Visit<'_>) -> Option<u64> {
    let jti = read_token(visit).ok()?;
    visit.store.tokens.get(&jti).map(|token| token.order_id)
}

fn unknown_token(visit: &Visit<'_>) -> Answer {
    answer::payment(if visit.settings.expired_token_status == 422 { 422 } else { 401 }, 30_102)
}

fn attempt(visit: &mut Visit<'_>, token: &Token) -> Result<Done, Answer> {
    let (method, instrument) = read_body(visit)?;
    check_token(visit, token)?;
    let order = visit.store.orders.get(&token.order_id).filter(|order| !order.archived);
    let order = order.ok_or_else(|| answer::payment(404, 30_003))?;
    if visit.settings.charge_checks_status && !is_payable(order, visit.settings) {
        return Err(answer::payment(409, 30_101));
    }
    let due = order.due();
    let unchanged =
        minor_units(due, &order.currency) == Some(token.amount) && order.currency == token.currency;
    if !unchanged {
        return Err(answer::payment(422, 30_004));
    }
    let customer = order.customer_id;
    charge(visit, token, method, &instrument, customer, due)
}

fn charge(
    visit: &mut Visit<'_>,
    token: &Token,
    method: Method,
    instrument: &Value,
    customer: u64,
    due: Decimal,
) -> Result<Done, Answer> {
    match method.kind {
        "store_credit" => pay_by_credit(visit, token, method, customer, due),
        "gift_certificate" => pay_by_certificate(visit, token, method, instrument, due),
        _ => {
            let free = visit.settings.free_order == FreeOrder::CreditOnly && due.is_zero();
            if free {
                let field = ("payment.instrument.type", "nothing is left to be charged by a gateway");
                return Err(answer::payment_detail(422, 10_001, Some(field)));
            }
            let outcome = instruments::decide(visit, customer, &method, instrument)?;
            Ok(by_gateway(visit, token, method, instrument, due, outcome))
        }
    }
}

/// Whether BigCommerce mints tokens for an order and takes payments of it.
pub(crate) fn is_payable(order: &Order, settings: &Settings) -> bool {
    let rest_of_pending = order.status_id == 1
        && order.parts() > Decimal::ZERO
        && order.due() > Decimal::ZERO
        && settings.partial_payment == PartialPayment::PendingPayable;
    order.status_id == 0 || rest_of_pending
}

fn check_token(visit: &Visit<'_>, token: &Token) -> Result<(), Answer> {
    if token.used {
        return Err(match visit.settings.token_replay {
            TokenReplay::Unauthorized => answer::payment(401, 30_102),
            TokenReplay::WrongStatus => answer::payment(409, 30_101),
            TokenReplay::NotVerified => answer::payment(422, 30_102),
            TokenReplay::Duplicate => answer::payment(422, 30_105),
        });
    }
    if visit.now >= token.expires { Err(unknown_token(visit)) } else { Ok(()) }
}

fn read_body(visit: &Visit<'_>) -> Result<(Method, Value), Answer> {
    let bad = |field: &str, message: &str| answer::payment_detail(422, 10_001, Some((field, message)));
    let payment = member(&visit.body, "payment").filter(|payment| payment.is_object());
    let payment = payment.ok_or_else(|| bad("payment", "is required"))?;
    let instrument = member(payment, "instrument").filter(|instrument| instrument.is_object());
    let instrument = instrument.ok_or_else(|| bad("payment.instrument", "is required"))?;
    if instrument["type"].as_str().is_none() {
        return Err(bad("payment.instrument.type", "is required"));
    }
    if member(payment, "save_instrument").is_some_and(|value| !value.is_boolean()) {
        return Err(bad("payment.save_instrument", "must be a boolean"));
    }
    let id = payment["payment_method_id"].as_str();
    let id = id.ok_or_else(|| bad("payment.payment_method_id", "is required"))?;
    let method = methods::find(id).ok_or_else(|| answer::payment(422, 30_000))?;
    Ok((method, instrument.clone()))
}

fn burn(visit: &mut Visit<'_>, token: &Token) {
    if let Some(token) = visit.store.tokens.get_mut(&token.jti) {
        token.used = true;
    }
}

/// A definite no: the token may be used up, a failed transaction may stay.
fn decline(visit: &mut Visit<'_>, token: &Token, method: Method, due: Decimal, code: u32) -> Done {
    if visit.settings.decline_burns_token {
        burn(visit, token);
    }
    if visit.settings.decline_leaves_transaction && code >= 30_100 {
        settle::note_decline(visit, token.order_id, method, due);
    }
    let status = match code {
        30_003 => 404,
        30_101 => 409,
        _ => 422,
    };
    Done { answer: answer::payment(status, code), noted: ("declined", Some(code), false) }
}

fn by_gateway(
    visit: &mut Visit<'_>,
    token: &Token,
    method: Method,
    instrument: &Value,
    due: Decimal,
    outcome: Outcome,
) -> Done {
    let payment = |authorize: bool| Payment {
        order_id: token.order_id,
        id: Uuid::new_v4().to_string(),
        method,
        amount: due,
        authorize,
        jti: token.jti.clone(),
        details: json!({"credit_card": card_of(instrument)}),
        certificate: None,
    };
    match outcome {
        Outcome::Decline(code) => decline(visit, token, method, due, code),
        Outcome::Success { authorize } => {
            burn(visit, token);
            let payment = payment(authorize);
            settle::charge(visit, &payment);
            settle::save_instrument(visit, &payment);
            Done { answer: success(&payment, "success"), noted: ("success", None, true) }
        }
        Outcome::Pending { authorize, outstanding } => {
            burn(visit, token);
            let payment = payment(authorize);
            settle::charge_later(visit, &payment, outstanding);
            Done { answer: success(&payment, "pending"), noted: ("pending", None, true) }
        }
        Outcome::Trouble { code, money } => {
            match money {
                Money::None if visit.settings.decline_burns_token => burn(visit, token),
                Money::None => {}
                Money::Taken => {
                    burn(visit, token);
                    settle::charge(visit, &payment(false));
                }
                Money::TakenUnknown => {
                    burn(visit, token);
                    settle::charge_unknown(visit, &payment(false));
                }
            }
            let charged = money != Money::None;
            Done { answer: answer::payment(422, code), noted: ("error", Some(code), charged) }
        }
    }
}

fn success(payment: &Payment, status: &str) -> Answer {
    let kind = if payment.authorize { "authorization" } else { "purchase" };
    Answer::json(201, &json!({"data": {"id": payment.id, "transaction_type": kind, "status": status}}))
}

/// The part of a card that transactions show.
fn card_of(instrument: &Value) -> Value {
    let number = instrument["number"].as_str().unwrap_or("4242424242424242");
    let tail = number.get(number.len().saturating_sub(4)..).unwrap_or("4242");
    json!({
        "card_type": if number.starts_with('5') { "master" } else { "visa" },
        "card_iin": number.get(..6).unwrap_or("424242"), "card_last4": tail,
        "card_expiry_month": instrument["expiry_month"].as_u64().unwrap_or(9),
        "card_expiry_year": instrument["expiry_year"].as_u64().unwrap_or(2045),
    })
}

fn pay_by_credit(
    visit: &mut Visit<'_>,
    token: &Token,
    method: Method,
    customer: u64,
    due: Decimal,
) -> Result<Done, Answer> {
    let order = visit.store.orders.get(&token.order_id);
    if order.is_none_or(|order| order.currency != visit.settings.store_currency) {
        let field = ("payment.instrument.type", "store credit is for the store's own currency only");
        return Err(answer::payment_detail(422, 10_001, Some(field)));
    }
    let Some(owner) = visit.store.customers.get_mut(&customer) else {
        let field = ("payment.instrument.type", "guests have no store credit");
        return Err(answer::payment_detail(422, 10_001, Some(field)));
    };
    let part = owner.store_credit.min(due);
    if part < due && (visit.settings.partial_payment == PartialPayment::Refuse || part.is_zero()) {
        return Ok(decline(visit, token, method, due, 30_106));
    }
    owner.store_credit -= part;
    let details = json!({"store_credit": {"remaining_balance": number(owner.store_credit)}});
    Ok(take_part(visit, token, method, part, part >= due, details, None))
}

fn pay_by_certificate(
    visit: &mut Visit<'_>,
    token: &Token,
    method: Method,
    instrument: &Value,
    due: Decimal,
) -> Result<Done, Answer> {
    let code = instrument["gift_certificate_code"].as_str().unwrap_or("");
    if code.is_empty() {
        let field = ("payment.instrument.gift_certificate_code", "is required");
        return Err(answer::payment_detail(422, 10_001, Some(field)));
    }
    let Some(certificate) = visit.store.gift_certificates.get_mut(code) else {
        return Ok(decline(visit, token, method, due, 30_051));
    };
    let start = certificate.balance;
    let part = start.min(due);
    if certificate.expired {
        return Ok(decline(visit, token, method, due, 30_103));
    }
    if part < due && (visit.settings.partial_payment == PartialPayment::Refuse || part.is_zero()) {
        return Ok(decline(visit, token, method, due, 30_106));
    }
    certificate.balance -= part;
    let details = json!({"gift_certificate": {
        "code": code, "original_balance": number(certificate.original), "starting_balance": number(start),
        "remaining_balance": number(certificate.balance), "status": "active",
    }});
    let code = code.to_owned();
    Ok(take_part(visit, token, method, part, part >= due, details, Some(code)))
}

fn take_part(
    visit: &mut Visit<'_>,
    token: &Token,
    method: Method,
    part: Decimal,
    all: bool,
    details: Value,
    certificate: Option<String>,
) -> Done {
    burn(visit, token);
    let payment = Payment {
        order_id: token.order_id,
        id: Uuid::new_v4().to_string(),
        method,
        amount: part,
        authorize: false,
        jti: token.jti.clone(),
        details,
        certificate,
    };
    if all {
        settle::charge(visit, &payment);
    } else {
        settle::charge_part(visit, &payment);
    }
    Done { answer: success(&payment, "success"), noted: ("success", None, true) }
}
