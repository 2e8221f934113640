//! The control plane under `/simulator`: ledger, requests, faults, settings, clock, reset. No credentials.

use std::sync::Arc;

use hyper::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::about;
use crate::actors::{Deed, Subject};
use crate::answer::{self, Answer};
use crate::call::Call;
use crate::fault::{Fault, FaultId};
use crate::hosted::Hosted;
use crate::router::CALLS;
use crate::settings::Settings;
use crate::world::World;

/// Answers one request of the control plane.
pub(crate) fn answer(world: &Arc<World>, call: &Call) -> Answer {
    let path = call.path.trim_end_matches('/').strip_prefix("/simulator").unwrap_or("");
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let store = query(call, "store");
    match (&call.method, parts.as_slice()) {
        (&Method::GET, []) => overview(),
        (&Method::POST, ["reset"]) => {
            world.reset();
            Answer::empty(204)
        }
        (&Method::GET, ["ledger"]) => ledger(world, store),
        (&Method::GET, ["requests"]) => Answer::json(200, &to_json(&requests(world, call))),
        (&Method::GET, ["requests", "count"]) => count(world, call),
        (&Method::GET, ["faults"]) => Answer::json(200, &world.board.show()),
        (&Method::POST, ["faults"]) => add_faults(world, call),
        (&Method::DELETE, ["faults"]) => {
            world.board.clear();
            Answer::empty(204)
        }
        (&Method::DELETE, ["faults", id]) => one_fault(id, |id| world.board.remove(id)),
        (&Method::POST, ["faults", id, "release"]) => one_fault(id, |id| world.board.release(id)),
        (&Method::GET, ["settings"]) => Answer::json(200, &to_json(&*world.settings())),
        (&Method::GET, ["settings", "about"]) => Answer::json(200, &about::table()),
        (&Method::PATCH, ["settings"]) => patch_settings(world, call),
        (&Method::GET, ["orders", id, "money"]) => money(world, id, store),
        (&Method::POST, ["orders", id, "settle"]) => settle(world, call, id, store),
        (&Method::POST, ["carts", cart, "hosted-payment"]) => host(world, call, cart),
        (&Method::POST, ["orders", id, "hosted-payment"]) => host_order(world, call, id, store),
        (&Method::POST, ["carts", cart, "applied"]) => apply(world, call, cart),
        (&Method::POST, ["meanwhile"]) => meanwhile(world, call, store),
        (&Method::POST, ["gift-certificates"]) => issue(world, call, store),
        (&Method::POST, ["customers", id, "token"]) => customer_token(world, call, id, store),
        (&Method::POST, ["clock"]) => advance(world, call),
        _ => answer::problem(404, "The control plane has no such path."),
    }
}

fn query<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    call.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn read(call: &Call) -> Result<Value, Answer> {
    serde_json::from_slice(&call.bytes)
        .map_err(|error| answer::problem(400, &format!("Not valid JSON: {error}")))
}

fn overview() -> Answer {
    let paths = [
        "POST /simulator/reset",
        "GET /simulator/ledger?store=",
        "GET /simulator/requests?store=&call=",
        "GET /simulator/requests/count?store=&call=&correlation_id=",
        "GET|POST|DELETE /simulator/faults",
        "DELETE /simulator/faults/{id}",
        "POST /simulator/faults/{id}/release",
        "GET|PATCH /simulator/settings",
        "GET /simulator/settings/about",
        "GET /simulator/orders/{id}/money?store=",
        "POST /simulator/orders/{id}/settle",
        "POST /simulator/carts/{id}/hosted-payment",
        "POST /simulator/orders/{id}/hosted-payment",
        "POST /simulator/carts/{id}/applied",
        "POST /simulator/meanwhile?store=",
        "POST /simulator/gift-certificates?store=",
        "POST /simulator/customers/{id}/token?store=",
        "POST /simulator/clock",
    ];
    Answer::json(200, &json!({"paths": paths, "calls": *CALLS}))
}

fn ledger(world: &Arc<World>, store: Option<&str>) -> Answer {
    let mut out = to_json(&world.ledger(store));
    out["money"] = to_json(&world.ledger(store).moneys());
    let rows = world.requests();
    out["requests"] =
        rows.iter().filter(|row| store.is_none_or(|wanted| row.store == wanted)).map(to_json).collect();
    Answer::json(200, &out)
}

/// What an order is due and what was really taken for it, in the named store or the first that has such an order.
fn money(world: &Arc<World>, id: &str, store: Option<&str>) -> Answer {
    let moneys = world.ledger(store).moneys();
    let found = moneys.iter().find(|money| id.parse() == Ok(money.order_id));
    found.map_or_else(
        || answer::problem(404, "There is no such order."),
        |one| Answer::json(200, &to_json(one)),
    )
}

/// Whether a logged request fits the query.
fn fits(call: &Call, row: &crate::ledger::Request) -> bool {
    query(call, "store").is_none_or(|wanted| row.store == wanted)
        && query(call, "call").is_none_or(|wanted| row.call == wanted)
        && query(call, "method").is_none_or(|wanted| row.method == wanted)
        && query(call, "correlation_id").is_none_or(|wanted| row.correlation_id.as_deref() == Some(wanted))
}

fn requests(world: &Arc<World>, call: &Call) -> Vec<crate::ledger::Request> {
    let mut rows = world.requests();
    rows.retain(|row| fits(call, row));
    rows
}

fn count(world: &Arc<World>, call: &Call) -> Answer {
    Answer::json(200, &json!({"count": world.count_requests(|row| fits(call, row))}))
}

fn add_faults(world: &Arc<World>, call: &Call) -> Answer {
    let body = match read(call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let several = body.is_array();
    let rows = if let Value::Array(rows) = body { rows } else { vec![body] };
    let mut faults = Vec::new();
    for row in rows {
        match serde_json::from_value::<Fault>(row) {
            Ok(fault) if fault.call == "*" || CALLS.contains(&fault.call.as_str()) => faults.push(fault),
            Ok(fault) => {
                return answer::problem(422, &format!("`{}` is not the name of a call.", fault.call));
            }
            Err(error) => return answer::problem(422, &error.to_string()),
        }
    }
    let added: Vec<Value> = faults
        .into_iter()
        .map(|fault| {
            let mut row = to_json(&fault);
            row["id"] = world.board.add(fault).0.into();
            row["reached"] = 0.into();
            row
        })
        .collect();
    match added.first() {
        Some(first) if !several => Answer::json(201, first),
        _ => Answer::json(201, &added.into()),
    }
}

fn one_fault(id: &str, act: impl FnOnce(FaultId) -> bool) -> Answer {
    let known = id.parse().is_ok_and(|id| act(FaultId(id)));
    if known { Answer::empty(204) } else { answer::problem(404, "There is no such fault.") }
}

/// Overlays the given members; the result must be valid settings as a whole.
fn patch_settings(world: &Arc<World>, call: &Call) -> Answer {
    let patch = match read(call) {
        Ok(Value::Object(patch)) => patch,
        Ok(_) => return answer::problem(422, "The settings must be a JSON object."),
        Err(refused) => return refused,
    };
    let mut merged = to_json(&*world.settings());
    if let Value::Object(members) = &mut merged {
        members.extend(patch);
    }
    match serde_json::from_value::<Settings>(merged) {
        Ok(settings) => {
            let shown = to_json(&settings);
            world.set_settings(settings);
            Answer::json(200, &shown)
        }
        Err(error) => answer::problem(422, &error.to_string()),
    }
}

fn settle(world: &Arc<World>, call: &Call, id: &str, store: Option<&str>) -> Answer {
    let body = match read(call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let success = match body["result"].as_str() {
        Some("success") => true,
        Some("decline") => false,
        _ => return answer::problem(422, "`result` must be success or decline."),
    };
    let store = store.or_else(|| body["store"].as_str());
    let settled = id.parse().is_ok_and(|id| world.settle(store, id, success));
    if settled {
        Answer::empty(204)
    } else {
        answer::problem(404, "Nothing is outstanding on such an order.")
    }
}

/// The shopper pays on the hosted page: `{"result": "paid" | "authorized" | "pending" | "part"}`.
fn host(world: &Arc<World>, call: &Call, cart: &str) -> Answer {
    let how = match hosted(call) {
        Ok(how) => how,
        Err(refused) => return refused,
    };
    match world.host(cart, Some(how)) {
        Some(order) => Answer::json(201, &json!({"order_id": order})),
        None => answer::problem(404, "There is no such cart."),
    }
}

/// The shopper pays an order that is there already on the hosted page, also one that the API made; the same body.
fn host_order(world: &Arc<World>, call: &Call, id: &str, store: Option<&str>) -> Answer {
    match hosted(call) {
        Ok(how) if id.parse().is_ok_and(|id| world.host_payment(store, id, how)) => Answer::empty(204),
        Ok(_) => answer::problem(404, "There is no such order that the hosted page could be paid for."),
        Err(refused) => refused,
    }
}

fn hosted(call: &Call) -> Result<Hosted, Answer> {
    match read(call)?["result"].as_str() {
        Some("paid") => Ok(Hosted::Paid),
        Some("authorized") => Ok(Hosted::Authorized),
        Some("pending") => Ok(Hosted::Pending),
        Some("part") => Ok(Hosted::Part),
        _ => Err(answer::problem(422, "`result` must be paid, authorized, pending or part.")),
    }
}

/// The shopper applies `{"store_credit": true, "gift_certificates": ["GIFT-5"]}` in another place.
fn apply(world: &Arc<World>, call: &Call, cart: &str) -> Answer {
    let body = match read(call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let codes = body["gift_certificates"].as_array().into_iter().flatten();
    let codes: Vec<String> = codes.filter_map(|code| code.as_str().map(ToOwned::to_owned)).collect();
    if world.apply(cart, body["store_credit"] == Value::Bool(true), &codes) {
        Answer::empty(204)
    } else {
        answer::problem(404, "There is no such cart.")
    }
}

/// Somebody acts now: `{"does": "total_up", "cart_id": "..." or "order_id": 125}`.
fn meanwhile(world: &Arc<World>, call: &Call, store: Option<&str>) -> Answer {
    let body = match read(call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Ok(does) = serde_json::from_value::<Deed>(body["does"].clone()) else {
        return answer::problem(422, "`does` must name what is done.");
    };
    let cart = body["cart_id"].as_str().map(ToOwned::to_owned);
    let subject = Subject { cart, order: body["order_id"].as_u64() };
    if world.does(store, &subject, does) {
        Answer::empty(204)
    } else {
        answer::problem(404, "There was nothing that this would have changed.")
    }
}

/// A gift certificate `{"code": "GIFT-20", "balance": "20.00"}`.
fn issue(world: &Arc<World>, call: &Call, store: Option<&str>) -> Answer {
    let body = match read(call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Some(store) = store else { return answer::problem(422, "`store` is required.") };
    let balance = match &body["balance"] {
        Value::String(text) => text.parse::<Decimal>().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    };
    match (body["code"].as_str(), balance.filter(Decimal::is_sign_positive)) {
        (Some(code), Some(balance)) if !code.is_empty() => {
            world.issue_certificate(store, code, balance);
            Answer::empty(204)
        }
        _ => answer::problem(422, "`code` must be a text, and `balance` an amount."),
    }
}

/// A customer token; the body may hold `claims` to lay over its own.
fn customer_token(world: &Arc<World>, call: &Call, id: &str, store: Option<&str>) -> Answer {
    let body = if call.bytes.is_empty() { Ok(Value::Null) } else { read(call) };
    let (body, store) = match (body, store) {
        (Err(refused), _) => return refused,
        (Ok(_), None) => return answer::problem(422, "`store` is required."),
        (Ok(body), Some(store)) => (body, store),
    };
    let token = id.parse().ok().and_then(|id| world.customer_token(store, id, &body["claims"]));
    token.map_or_else(
        || answer::problem(404, "There is no such customer."),
        |token| Answer::json(201, &json!({"token": token})),
    )
}

fn advance(world: &Arc<World>, call: &Call) -> Answer {
    match read(call) {
        Ok(body) => match body["advance_seconds"].as_i64() {
            Some(seconds) => {
                world.clock.advance(seconds);
                Answer::json(200, &json!({"now": crate::clock::iso(world.clock.now())}))
            }
            None => answer::problem(422, "`advance_seconds` must be an integer."),
        },
        Err(refused) => refused,
    }
}
