//! What others do to a cart or an order while a client works on it: the merchant, another app, the shopper on the hosted
//! page or in a second tab. Each of them uses the same calls as any client, or what BigCommerce's own pages do.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::Reply;
use crate::call::{Call, Visit, as_whole, member};
use crate::cart::Cart;
use crate::hosted::{self, Hosted};
use crate::money::{number, round};
use crate::order::Order;
use crate::settle::{self, Payment};
use crate::{
    carts, checkout_orders, checkouts, consignments, giving_back, methods, orders_v2, orders_v3, payments,
    refunds, shipments,
};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Somebody in the control panel.
    Merchant,
    /// Another app with API credentials.
    App,
    /// The shopper on BigCommerce's hosted checkout page.
    HostedPage,
    /// The shopper in another tab or on another device.
    SecondTab,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Merchant: the order costs twice as much.
    TotalUp,
    /// Merchant: the order costs half as much.
    TotalDown,
    /// Merchant: writes a staff note.
    Note,
    /// Merchant: moves the order to Pending (1); no money moves.
    MarkPending,
    /// Merchant: moves the order to Awaiting Fulfillment (11); no money moves.
    MarkPaid,
    /// Merchant: moves the order to Cancelled (5); no money moves.
    Cancel,
    /// Merchant: moves the order to Declined (6); no money moves.
    MarkDeclined,
    /// Merchant: archives (deletes) the order.
    Archive,
    /// Merchant: ships everything.
    Ship,
    /// Merchant: captures what is authorized.
    Capture,
    /// Merchant: voids what is authorized.
    Void,
    /// Merchant: gives half of the money back.
    RefundPart,
    /// Merchant: gives all money back.
    RefundAll,
    /// App: adds product 120 to the cart.
    AddItem,
    /// App: removes the last line of the cart; a cart without lines is gone.
    RemoveItem,
    /// App: applies the coupon `TENOFF`.
    ApplyCoupon,
    /// App: another billing address.
    ChangeAddress,
    /// App: removes the last consignment.
    RemoveConsignment,
    /// App: adds a fee of 2.50.
    AddFee,
    /// App: deletes the cart.
    DeleteCart,
    /// App: makes another order of the same cart.
    OrderAgain,
    /// Hosted page: makes its own Incomplete order of the cart.
    OpenPage,
    /// Hosted page: makes its own order of the cart and pays it.
    PayPage,
    /// Hosted page: pays the unpaid order that is there, whoever made it.
    PayOrder,
    /// Second tab: one more of the first line whose quantity can be changed; where none can, another custom item of 10.
    RaiseQuantity,
    /// Second tab: makes an order of the cart and pays it with a card.
    Complete,
}

/// Everything that others can do, by actor.
pub const DEEDS: [Deed; 26] = [
    Deed::TotalUp,
    Deed::TotalDown,
    Deed::Note,
    Deed::MarkPending,
    Deed::MarkPaid,
    Deed::Cancel,
    Deed::MarkDeclined,
    Deed::Archive,
    Deed::Ship,
    Deed::Capture,
    Deed::Void,
    Deed::RefundPart,
    Deed::RefundAll,
    Deed::AddItem,
    Deed::RemoveItem,
    Deed::ApplyCoupon,
    Deed::ChangeAddress,
    Deed::RemoveConsignment,
    Deed::AddFee,
    Deed::DeleteCart,
    Deed::OrderAgain,
    Deed::OpenPage,
    Deed::PayPage,
    Deed::PayOrder,
    Deed::RaiseQuantity,
    Deed::Complete,
];

impl Deed {
    /// Who does it.
    pub fn actor(self) -> Actor {
        match self {
            Self::AddItem
            | Self::RemoveItem
            | Self::ApplyCoupon
            | Self::ChangeAddress
            | Self::RemoveConsignment
            | Self::AddFee
            | Self::DeleteCart
            | Self::OrderAgain => Actor::App,
            Self::OpenPage | Self::PayPage | Self::PayOrder => Actor::HostedPage,
            Self::RaiseQuantity | Self::Complete => Actor::SecondTab,
            _ => Actor::Merchant,
        }
    }

    /// Whether it is done to the order; the rest is done to the cart.
    pub fn is_to_order(self) -> bool {
        self.actor() == Actor::Merchant || self == Self::PayOrder
    }
}

/// The cart and the order that somebody acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) cart: Option<String>,
    pub(crate) order: Option<u64>,
}

/// What a request is about: what its path, query, body or token names; else the newest cart and order with its
/// `X-Correlation-Id`. The order of a cart is its newest.
pub(crate) fn subject(visit: &Visit<'_>, path: &str) -> Subject {
    let mut cart = ["/v3/carts/:id", "/v3/checkouts/:id"]
        .iter()
        .any(|root| path.starts_with(root))
        .then(|| visit.param(0).to_owned())
        .or_else(|| visit.query("cart_id").map(|id| visit.canonical(id)));
    let mut order = (path.starts_with("/v2/orders/:id") || path.starts_with("/v3/orders/:id"))
        .then(|| visit.id(0))
        .flatten()
        .or_else(|| member(&visit.body, "order").and_then(|order| member(order, "id")).and_then(as_whole))
        .or_else(|| payments::order_of_token(visit));
    let ours = visit.call.correlation_id();
    let same = |id: Option<&String>| ours.is_some() && id == ours.as_ref();
    if cart.is_none() && order.is_none() {
        let carts = visit.store.carts.values().filter(|cart| same(cart.correlation_id.as_ref()));
        cart = carts.max_by_key(|cart| cart.created).map(|cart| cart.id.clone());
        let mut orders = visit.store.orders.values().rev();
        order = orders.find(|order| same(order.correlation_id.as_ref())).map(|order| order.id);
    }
    completed(visit, Subject { cart, order })
}

/// The newest order of the cart, where no order is named, and the cart of the order, where no cart is.
pub(crate) fn completed(visit: &Visit<'_>, subject: Subject) -> Subject {
    let Subject { mut cart, mut order } = subject;
    if order.is_none() {
        let orders = cart.as_ref().and_then(|cart| visit.store.orders_by_cart.get(cart));
        order = orders.and_then(|orders| orders.last().copied());
    }
    if cart.is_none() {
        cart = order.and_then(|order| visit.store.orders.get(&order)?.cart_id.clone());
    }
    Subject { cart, order }
}

/// Does it. False: there was nothing to do it to, or it changed nothing.
pub(crate) fn act(visit: &mut Visit<'_>, subject: &Subject, deed: Deed) -> bool {
    let before = seen(visit, subject);
    let done = if deed.is_to_order() {
        subject.order.is_some_and(|order| to_order(visit, order, deed))
    } else {
        subject.cart.as_ref().is_some_and(|cart| to_cart(visit, cart, deed))
    };
    done && seen(visit, subject) != before
}

/// Everything of the subject that somebody could notice.
fn seen(visit: &Visit<'_>, subject: &Subject) -> String {
    let cart = subject.cart.as_ref().and_then(|id| visit.store.carts.get(id));
    let cart = cart.map(|cart| {
        (&cart.lines, &cart.coupons, &cart.billing, &cart.consignments, &cart.fees, cart.applied_credit)
    });
    let of_cart = subject.cart.as_ref().and_then(|id| visit.store.orders_by_cart.get(id));
    let ids = of_cart.into_iter().flatten().copied().chain(subject.order);
    let orders: Vec<_> = ids
        .filter_map(|id| visit.store.orders.get(&id))
        .map(|order| {
            let money = (order.sums.total_inc, order.refunded, order.transactions.len(), order.outstanding);
            let state = (order.status_id, order.payment_status, order.archived, order.shipments.len());
            (order.id, money, state, &order.kept)
        })
        .collect();
    format!("{cart:?} {orders:?}")
}

/// Calls a handler as another client would; `correlation_id` says whose cart it was.
fn call(
    visit: &mut Visit<'_>,
    run: fn(&mut Visit<'_>) -> Reply,
    params: &[String],
    body: Value,
    correlation_id: Option<&str>,
) -> bool {
    let mut call = Call::nobody();
    if let Some(id) = correlation_id.and_then(|id| id.parse().ok()) {
        call.headers.insert("x-correlation-id", id);
    }
    let (settings, now) = (visit.settings, visit.now);
    let mut other = Visit { call: &call, params, store: &mut *visit.store, settings, now, body };
    run(&mut other).is_ok_and(|answer| answer.status < 300)
}

fn to_order(visit: &mut Visit<'_>, id: u64, deed: Deed) -> bool {
    let Some(order) = visit.store.orders.get(&id).cloned() else { return false };
    let params = [id.to_string()];
    let whose = order.correlation_id.clone();
    let mut run = |handler, body| call(visit, handler, &params, body, whose.as_deref());
    let total = |total: Decimal| {
        let total = number(round(total, &order.currency));
        json!({"total_ex_tax": total, "total_inc_tax": total})
    };
    match deed {
        Deed::TotalUp => run(orders_v2::update, total(order.sums.total_inc * Decimal::TWO)),
        Deed::TotalDown => run(orders_v2::update, total(order.sums.total_inc / Decimal::TWO)),
        Deed::Note => {
            let note = format!("{}Seen. ", order.kept_text("staff_notes"));
            run(orders_v2::update, json!({ "staff_notes": note }))
        }
        Deed::MarkPending => run(orders_v2::update, json!({"status_id": 1})),
        Deed::MarkPaid => run(orders_v2::update, json!({"status_id": 11})),
        Deed::Cancel => run(orders_v2::update, json!({"status_id": 5})),
        Deed::MarkDeclined => run(orders_v2::update, json!({"status_id": 6})),
        Deed::Archive => run(orders_v2::archive, Value::Null),
        Deed::Ship => run(shipments::create, everything_open(&order)),
        Deed::Capture => run(orders_v3::capture, Value::Null),
        Deed::Void => run(orders_v3::void, Value::Null),
        Deed::RefundPart | Deed::RefundAll => refund(visit, &order, deed == Deed::RefundPart),
        _ => hosted::pay(visit, id, Hosted::Paid),
    }
}

/// A shipment of all that is open.
fn everything_open(order: &Order) -> Value {
    let open = order.products.iter().filter(|product| product.shipped < product.quantity);
    let items: Vec<Value> = open
        .map(
            |product| json!({"order_product_id": product.id, "quantity": product.quantity - product.shipped}),
        )
        .collect();
    json!({"order_address_id": order.addresses.first().map(|address| address.id), "items": items})
}

fn refund(visit: &mut Visit<'_>, order: &Order, half: bool) -> bool {
    let all = giving_back::refundable(visit, order.id);
    let amount = if half { round(all / Decimal::TWO, &order.currency) } else { all };
    if amount <= Decimal::ZERO {
        return false;
    }
    let payments = giving_back::as_paid(visit, order, amount);
    let item = json!({"item_type": "ORDER", "item_id": order.id, "amount": number(amount), "reason": "by the merchant"});
    let body = json!({"items": [item], "payments": payments});
    call(visit, refunds::create, &[order.id.to_string()], body, order.correlation_id.as_deref())
}

fn to_cart(visit: &mut Visit<'_>, id: &str, deed: Deed) -> bool {
    let Some(cart) = visit.store.carts.get(id).cloned() else { return false };
    let whose = cart.correlation_id.clone();
    let own = vec![id.to_owned()];
    let with = |second: Option<String>| own.iter().cloned().chain(second).collect::<Vec<String>>();
    let mut run = |handler, params: &[String], body| call(visit, handler, params, body, whose.as_deref());
    match deed {
        Deed::AddItem => {
            let item = json!({"product_id": 120, "variant_id": 118, "quantity": 1});
            run(carts::add_items, &own, json!({"line_items": [item]}))
        }
        Deed::RemoveItem => {
            run(carts::delete_item, &with(cart.lines.last().map(|line| line.id.clone())), Value::Null)
        }
        Deed::ApplyCoupon => run(checkouts::add_coupon, &own, json!({"coupon_code": "TENOFF"})),
        Deed::ChangeAddress => change_address(visit, &cart),
        Deed::RemoveConsignment => {
            let last = cart.consignments.last().map(|consignment| consignment.id.clone());
            run(consignments::delete, &with(last), Value::Null)
        }
        Deed::AddFee => {
            let fee = json!({"type": "custom_fee", "name": "Packing", "display_name": "Packing", "cost": 2.5, "source": "another app"});
            run(checkouts::add_fees, &own, json!({"fees": [fee]}))
        }
        Deed::DeleteCart => run(carts::delete, &own, Value::Null),
        Deed::OrderAgain => run(checkout_orders::create, &own, Value::Null),
        Deed::RaiseQuantity => {
            let Some(line) = cart.lines.iter().find(|line| line.is_mutable) else {
                let item = json!({"name": "Another", "quantity": 1, "list_price": 10});
                return run(carts::add_items, &own, json!({"custom_items": [item]}));
            };
            let body = json!({"line_item": {"quantity": line.quantity + 1}});
            run(carts::update_item, &with(Some(line.id.clone())), body)
        }
        Deed::OpenPage => hosted::order(visit, id).is_some(),
        Deed::PayPage => {
            hosted::order(visit, id).is_some_and(|order| hosted::pay(visit, order, Hosted::Paid))
        }
        _ => complete(visit, &cart),
    }
}

/// The same street in another town.
fn change_address(visit: &mut Visit<'_>, cart: &Cart) -> bool {
    let Some(old) = cart.billing.clone() else { return false };
    let body = json!({
        "first_name": "Mary", "last_name": "Major", "email": old.email, "address1": "1 Congress Avenue",
        "city": "Dallas", "state_or_province": "Texas", "state_or_province_code": "TX", "country_code": "US",
        "postal_code": "75201", "phone": "1234567890",
    });
    let params = [cart.id.clone(), old.id];
    call(visit, checkouts::update_billing_address, &params, body, cart.correlation_id.as_deref())
}

/// An order of the cart, paid by a card.
fn complete(visit: &mut Visit<'_>, cart: &Cart) -> bool {
    let params = [cart.id.clone()];
    if !call(visit, checkout_orders::create, &params, Value::Null, cart.correlation_id.as_deref()) {
        return false;
    }
    let order = visit.store.orders_by_cart.get(&cart.id).and_then(|orders| orders.last().copied());
    let due = order.and_then(|order| visit.store.orders.get(&order)).map(Order::due);
    let (Some(order_id), Some(amount), Some(method)) = (order, due, methods::find("stripe.card")) else {
        return false;
    };
    let id = Uuid::new_v4().to_string();
    let (jti, details) = (String::new(), Value::Null);
    let payment = Payment { order_id, id, method, amount, authorize: false, jti, details, certificate: None };
    settle::charge(visit, &payment);
    true
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_deed_has_a_name_of_its_own_and_an_actor() {
        let names: HashSet<String> =
            DEEDS.iter().map(|deed| serde_json::to_string(deed).expect("a name")).collect();
        assert_eq!(names.len(), DEEDS.len());
        for actor in [Actor::Merchant, Actor::App, Actor::HostedPage, Actor::SecondTab] {
            assert!(DEEDS.iter().any(|deed| deed.actor() == actor), "{actor:?} does nothing");
        }
    }
}
