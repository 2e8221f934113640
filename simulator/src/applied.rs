//! Store credit and gift certificates that the shopper applied to the cart in another place (the storefront's own checkout):
//! the order is due only the rest, and they are taken when the rest is paid.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::call::Visit;
use crate::cart::Cart;
use crate::methods;
use crate::money::number;
use crate::order::Order;
use crate::settle::{self, Entry};
use crate::store::Store;

/// What is applied to one total: certificates first, each with its amount, then credit.
pub(crate) fn split(cart: &Cart, total: Decimal, store: &Store) -> (Vec<(String, Decimal)>, Decimal) {
    let mut open = total;
    let mut certificates = Vec::new();
    for code in &cart.applied_certificates {
        let good = store.gift_certificates.get(code).filter(|one| !one.expired);
        let share = good.map_or(Decimal::ZERO, |one| one.balance.min(open));
        open -= share;
        certificates.push((code.clone(), share));
    }
    let owner = store.customers.get(&cart.customer_id).filter(|_| cart.applied_credit);
    (certificates, owner.map_or(Decimal::ZERO, |owner| owner.store_credit.min(open)))
}

/// What a checkout shows of it (setting `checkout_shows_outstanding`).
pub(crate) fn show(cart: &Cart, total: Decimal, store: &Store, out: &mut Value) {
    let (certificates, credit) = split(cart, total, store);
    let used: Decimal = certificates.iter().map(|(_, amount)| amount).sum();
    let rows = certificates.iter().map(|(code, amount)| {
        let balance = store.gift_certificates.get(code).map_or(Decimal::ZERO, |one| one.balance);
        json!({"code": code, "balance": number(balance), "used": number(*amount), "remaining": number(balance - *amount)})
    });
    out["gift_certificates"] = rows.collect();
    out["is_store_credit_applied"] = cart.applied_credit.into();
    out["outstanding_balance"] = number(total - used - credit);
}

/// The shopper applies credit and certificates. False when there is no such cart.
pub(crate) fn apply(visit: &mut Visit<'_>, id: &str, credit: bool, certificates: &[String]) -> bool {
    let now = visit.now;
    let Some(cart) = visit.store.carts.get_mut(id) else { return false };
    cart.applied_credit = credit;
    cart.applied_certificates = certificates.to_vec();
    cart.touch(now);
    true
}

/// The rest is paid: what was applied is taken too.
pub(crate) fn take(visit: &mut Visit<'_>, order: &mut Order) {
    let certificates = std::mem::take(&mut order.applied_certificates);
    for (code, amount) in certificates {
        // It may have been spent elsewhere meanwhile: then the order is short of it.
        let Some(certificate) = visit.store.gift_certificates.get_mut(&code) else { continue };
        let amount = amount.min(certificate.balance);
        certificate.balance -= amount;
        order.certificate_used += amount;
        order.certificates.push((code, amount));
        book(visit, order, "giftcertificate", amount);
    }
    let credit = std::mem::take(&mut order.applied_credit);
    let Some(owner) = visit.store.customers.get_mut(&order.customer_id) else { return };
    let credit = credit.min(owner.store_credit);
    owner.store_credit -= credit;
    order.credit_used += credit;
    book(visit, order, "storecredit", credit);
}

fn book(visit: &mut Visit<'_>, order: &mut Order, gateway: &str, amount: Decimal) {
    let Some(method) = methods::by_gateway(gateway).filter(|_| amount > Decimal::ZERO) else { return };
    settle::note_part(visit, order, &method, amount);
    let entry = Entry { event: "purchase", ok: true, amount, method: &method, details: &Value::Null };
    settle::add_transaction(visit, order, entry);
}
