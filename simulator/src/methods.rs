//! The payment methods of the store (BigCommerce: payments.v3, accepted methods).

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::Visit;
use crate::customers::Instrument;
use crate::payments::is_payable;

/// A configured payment method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// `card`, `paypal`, `bank`, `store_credit` or `gift_certificate`.
    pub(crate) kind: &'static str,
    /// The gateway's name in transactions.
    pub(crate) gateway: &'static str,
}

/// The methods of every store, those of the guides among them.
pub(crate) const METHODS: [Method; 8] = [
    Method {
        id: "bigcommerce.gift_certificate",
        name: "Gift Certificate",
        kind: "gift_certificate",
        gateway: "giftcertificate",
    },
    Method {
        id: "bigcommerce.store_credit",
        name: "Store Credit",
        kind: "store_credit",
        gateway: "storecredit",
    },
    Method { id: "stripe.card", name: "Stripe", kind: "card", gateway: "stripe" },
    Method { id: "adyenv2.scheme", name: "Adyen", kind: "card", gateway: "adyen" },
    Method { id: "authorizenet.card", name: "Authorize.Net", kind: "card", gateway: "authorizenet" },
    Method { id: "braintree.card", name: "Braintree", kind: "card", gateway: "braintree" },
    Method { id: "braintree.paypal", name: "PayPal", kind: "paypal", gateway: "braintree" },
    Method { id: "braintree.ach", name: "Bank account", kind: "bank", gateway: "braintree" },
];

/// A method by its id.
pub(crate) fn find(id: &str) -> Option<Method> {
    METHODS.into_iter().find(|method| method.id == id)
}

/// The first method of a gateway.
pub(crate) fn by_gateway(gateway: &str) -> Option<Method> {
    METHODS.into_iter().find(|method| method.gateway == gateway)
}

/// `GET /v3/payments/methods?order_id=|checkout_id=`
pub(crate) fn list(visit: &mut Visit<'_>) -> Reply {
    let customer = match (visit.query("order_id"), visit.query("checkout_id")) {
        (Some(id), _) => {
            let id = id.parse::<u64>().ok();
            let id = id.ok_or_else(|| {
                answer::payment_detail(422, 10_001, Some(("order_id", "must be an integer")))
            })?;
            let order = visit.store.orders.get(&id).filter(|order| !order.archived);
            let order = order.ok_or_else(|| answer::payment(404, 30_003))?;
            if !is_payable(order, visit.settings) {
                return Err(answer::payment(409, 30_101));
            }
            order.customer_id
        }
        (None, Some(id)) => {
            let missing = || answer::payment_detail(404, 10_001, Some(("checkout_id", "was not found")));
            visit.store.carts.get(&visit.canonical(id)).ok_or_else(missing)?.customer_id
        }
        (None, None) => {
            let message = "order_id or checkout_id is required";
            return Err(answer::payment_detail(422, 10_001, Some(("order_id", message))));
        }
    };
    let stored: &[Instrument] =
        visit.store.customers.get(&customer).map_or(&[], |known| known.instruments.as_slice());
    let strict = visit.settings.strictly_as_specified;
    let stored: Vec<Instrument> =
        stored.iter().filter(|one| !strict || one.kind == "stored_card").cloned().collect();
    let rows: Vec<Value> = METHODS.iter().map(|method| show(method, &stored)).collect();
    Ok(Answer::data(200, &rows.into()))
}

fn show(method: &Method, stored: &[Instrument]) -> Value {
    let supported: Vec<Value> = if method.kind == "card" {
        ["VISA", "MASTERCARD", "AMEX", "DISCOVER", "JCB", "DINERS_CLUB", "STORED_CARD"]
            .iter()
            .map(|kind| json!({"instrument_type": kind, "verification_value_required": *kind != "STORED_CARD"}))
            .collect()
    } else {
        Vec::new()
    };
    let stored: Vec<Value> =
        stored.iter().filter(|one| one.method == method.id).map(Instrument::show).collect();
    json!({
        "id": method.id, "name": method.name, "test_mode": method.id == "stripe.card", "type": method.kind,
        "supported_instruments": supported, "stored_instruments": stored,
    })
}
