//! The shopper on BigCommerce's hosted checkout page: makes an order of the cart and pays it there, with whatever the
//! page offers. It is no API; only tests and the control plane play it.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::Visit;
use crate::carts::load;
use crate::methods;
use crate::money::round;
use crate::order::{Order, Outstanding};
use crate::settle::{self, Payment};
use crate::webhooks;

/// How a payment on the hosted page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosted {
    /// Charged.
    Paid,
    /// Authorized only.
    Authorized,
    /// Accepted; [`crate::Simulator::settle`] ends it.
    Pending,
    /// Half of what is due is charged, as with a method that covers no more. The cart stays.
    Part,
}

/// The page makes its Incomplete order. Addresses and shipping may be chosen on the page, so nothing has to be there.
/// `None`: there is no such cart, or it is empty.
pub(crate) fn order(visit: &mut Visit<'_>, cart_id: &str) -> Option<u64> {
    let cart = load(visit, cart_id).filter(|cart| !cart.lines.is_empty())?;
    let id = visit.store.next_order_id();
    let mut order = Order::empty(id, &cart.currency, visit);
    order.copy_cart(&cart, visit);
    "www".clone_into(&mut order.source);
    order.correlation_id.clone_from(&cart.correlation_id);
    if cart.billing.is_none() {
        order.billing = typed_on_the_page();
    }
    visit.store.orders.insert(id, order);
    visit.store.orders_by_cart.entry(cart_id.to_owned()).or_default().push(id);
    webhooks::order(visit, "store/order/created", id);
    Some(id)
}

/// The billing address of a shopper who gave none before: the page lets nobody through without.
fn typed_on_the_page() -> Value {
    json!({
        "first_name": "Jane", "last_name": "Doe", "company": "", "street_1": "123 Main Street", "street_2": "",
        "city": "Austin", "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
        "phone": "", "email": "jane@example.com", "form_fields": [],
    })
}

/// The shopper pays it. False when it cannot be paid (any more): it is gone, archived, or its cart was paid already.
pub(crate) fn pay(visit: &mut Visit<'_>, id: u64, how: Hosted) -> bool {
    let payable = visit.store.orders.get(&id).filter(|order| !order.archived && order.status_id == 0);
    let alive = payable
        .and_then(|order| order.cart_id.as_ref())
        .is_some_and(|cart| visit.store.carts.contains_key(cart));
    alive && charge(visit, id, how)
}

/// Somebody takes a payment for it in the control panel, whatever its status, also after it was paid. False: it is gone or archived.
pub(crate) fn take(visit: &mut Visit<'_>, id: u64, how: Hosted) -> bool {
    visit.store.orders.get(&id).is_some_and(|order| !order.archived) && charge(visit, id, how)
}

fn charge(visit: &mut Visit<'_>, id: u64, how: Hosted) -> bool {
    let due = visit.store.orders.get(&id).map(Order::due);
    let (Some(amount), Some(method)) = (due, methods::find("braintree.paypal")) else { return false };
    let currency = visit.store.orders.get(&id).map(|order| order.currency.clone()).unwrap_or_default();
    let payment = Payment {
        order_id: id,
        id: Uuid::new_v4().to_string(),
        method,
        amount,
        authorize: how == Hosted::Authorized,
        jti: String::new(),
        details: Value::Null,
        certificate: None,
    };
    match how {
        Hosted::Paid | Hosted::Authorized => settle::charge(visit, &payment),
        Hosted::Part => {
            let half = round(payment.amount / Decimal::TWO, &currency);
            settle::charge_part(visit, &Payment { amount: half, ..payment });
        }
        Hosted::Pending => settle::charge_later(visit, &payment, Outstanding::Never),
    }
    true
}
