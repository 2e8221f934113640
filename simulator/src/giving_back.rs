//! Where the money of a refund goes: to the card or account, to store credit, to the gift certificate it came from.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::call::Visit;
use crate::ledger::Charge;
use crate::methods::{self, Method};
use crate::money::number;
use crate::order::Order;

/// What refunds call store credit.
pub(crate) const CREDIT: &str = "storecredit";
/// What refunds call gift certificates.
pub(crate) const CERTIFICATE: &str = "giftcertificate";

/// What was taken and not given back yet.
fn rest(charge: &Charge) -> Decimal {
    if matches!(charge.state.as_str(), "captured" | "refunded") {
        charge.amount - charge.refunded
    } else {
        Decimal::ZERO
    }
}

fn provider(charge: &Charge) -> &'static str {
    methods::find(&charge.payment_method_id).map_or("custom", |method| method.gateway)
}

/// What of an order can still go back: by amount, whatever its status is called.
pub(crate) fn refundable(visit: &Visit<'_>, order: u64) -> Decimal {
    visit.store.charges.iter().filter(|charge| charge.order_id == order).map(rest).sum()
}

/// What gift certificates paid and were not given back.
pub(crate) fn of_certificates(visit: &Visit<'_>, order: u64) -> Decimal {
    let charges = visit.store.charges.iter().filter(|charge| charge.order_id == order);
    charges.filter(|charge| provider(charge) == CERTIFICATE).map(rest).sum()
}

/// The way of a quote that gives back as it was paid: one row for each provider (BigCommerce: orders.v3, refund quotes).
pub(crate) fn as_paid(visit: &Visit<'_>, order: &Order, total: Decimal) -> Value {
    let mut rows: Vec<(&'static str, Decimal)> = Vec::new();
    let mut open = total;
    // The parts go back last.
    let own = visit.store.charges.iter().rev().filter(|charge| charge.order_id == order.id);
    for charge in own {
        let amount = rest(charge).min(open);
        if amount > Decimal::ZERO {
            open -= amount;
            match rows.iter_mut().find(|(known, _)| *known == provider(charge)) {
                Some((_, sum)) => *sum += amount,
                None => rows.push((provider(charge), amount)),
            }
        }
    }
    rows.iter()
        .map(|(provider, amount)| {
            let name =
                methods::by_gateway(provider).map_or(order.payment_method.as_str(), |method| method.name);
            json!({
                "provider_id": provider, "provider_description": name, "amount": number(*amount),
                "offline": false, "offline_provider": false, "offline_reason": "",
            })
        })
        .collect()
}

/// The method that a refund by `provider` is booked on.
pub(crate) fn method_of(order: &Order, provider: &str) -> Option<Method> {
    let mut paid = order.transactions.iter().filter(|one| one.status == "ok");
    let own = paid.clone().filter_map(|one| methods::find(&one.payment_method_id));
    let same = own.clone().find(|method| method.gateway == provider);
    let credit = || (provider == CREDIT).then(|| methods::by_gateway(CREDIT)).flatten();
    same.or_else(credit).or_else(|| paid.next().and_then(|one| methods::find(&one.payment_method_id)))
}

/// Gives an amount back by one provider: first what that provider took, then whatever else was taken.
pub(crate) fn give_back(visit: &mut Visit<'_>, order: &Order, by: &str, amount: Decimal) {
    let mut open = amount;
    for own in [true, false] {
        let charges = visit.store.charges.iter_mut().rev();
        for charge in charges.filter(|one| one.order_id == order.id && (provider(one) == by) == own) {
            let share = rest(charge).min(open);
            open -= share;
            charge.refunded += share;
            if charge.state == "captured" && charge.refunded >= charge.amount {
                "refunded".clone_into(&mut charge.state);
            }
        }
    }
    match by {
        CREDIT => {
            if let Some(owner) = visit.store.customers.get_mut(&order.customer_id) {
                owner.store_credit += amount;
            }
        }
        CERTIFICATE => refill(visit, order, amount),
        _ => {}
    }
}

/// Certificates get back what they paid, the last one first.
fn refill(visit: &mut Visit<'_>, order: &Order, amount: Decimal) {
    let mut open = amount;
    for (code, paid) in order.certificates.iter().rev() {
        if let Some(certificate) = visit.store.gift_certificates.get_mut(code) {
            let share = (*paid).min(certificate.original - certificate.balance).min(open);
            certificate.balance += share;
            open -= share;
        }
    }
}
