//! Money on orders (BigCommerce: orders.v3): transactions, refunds, capture and void.
//!
//! Guarantees: each call is one request with the long timeout where a gateway is behind it. Refund, capture and void are
//! not idempotent and only scheduled: read the transactions, the refunds or `payment_status` before repeating one.

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Answer, Error, as_is, document, lenient,
    orders::{OrderId, Orders},
    rows,
};

impl Orders<'_> {
    /// What gateways did about an order; none is 204.
    pub async fn transactions(&self, id: OrderId) -> Result<Answer<Vec<Transaction>>, Error> {
        let request = self.at("v3", "order.transactions", Method::GET, id, &["transactions"]);
        self.client.call(self.cx, request.query("limit", Some(250)), rows(Transaction::parse)).await
    }

    /// What a refund of these items would be; the body is BigCommerce's and the answer is passed on as it is.
    pub async fn refund_quote(&self, id: OrderId, body: &Value) -> Result<Answer<Value>, Error> {
        let below = ["payment_actions", "refund_quotes"];
        let request = self.at("v3", "order.refund_quote", Method::POST, id, &below).json(body);
        self.client.call(self.cx, request, document(as_is)).await
    }

    /// Refunds; the body is BigCommerce's. Not idempotent: the witness is [`Self::refunds`] with a key of ours in
    /// `items[].reason`.
    pub async fn refund(&self, id: OrderId, body: &Value) -> Result<Answer<Refund>, Error> {
        let below = ["payment_actions", "refunds"];
        let request = self.at("v3", "order.refund", Method::POST, id, &below).json(body).moves_money();
        self.client.call(self.cx, request, document(Refund::parse)).await
    }

    /// The refunds of an order.
    pub async fn refunds(&self, id: OrderId) -> Result<Answer<Vec<Refund>>, Error> {
        let request = self.at("v3", "order.refunds", Method::GET, id, &["payment_actions", "refunds"]);
        self.client.call(self.cx, request, rows(Refund::parse)).await
    }

    /// Schedules the capture of an authorized payment. The witness is `payment_status`.
    pub async fn capture(&self, id: OrderId) -> Result<Answer<()>, Error> {
        let request = self.at("v3", "order.capture", Method::POST, id, &["payment_actions", "capture"]);
        // Nothing is in the body; but one that cannot be read is not BigCommerce's.
        self.client.call(self.cx, request.moves_money(), |_| Some(())).await
    }

    /// Schedules the release of an authorized payment. The witness is `payment_status`.
    pub async fn void(&self, id: OrderId) -> Result<Answer<()>, Error> {
        let request = self.at("v3", "order.void", Method::POST, id, &["payment_actions", "void"]);
        // Nothing is in the body; but one that cannot be read is not BigCommerce's.
        self.client.call(self.cx, request.moves_money(), |_| Some(())).await
    }
}

/// What a gateway did about an order.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Its id.
    pub id: String,
    /// `purchase`, `authorization`, `capture`, `refund`, `void`, `pending` or `settled`; lower case.
    pub event: String,
    /// `ok`, `error`, or what BigCommerce says; lower case.
    pub status: String,
    /// How much; `None` when it cannot be read.
    pub amount: Option<Decimal>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// When, as BigCommerce writes it (RFC 3339 or RFC 2822).
    pub date_created: Option<String>,
    /// Such as `stripe.card`.
    pub payment_method_id: Option<String>,
    /// The gateway's id.
    pub gateway_transaction_id: Option<String>,
    /// The transaction that this one is about.
    pub reference_transaction_id: Option<String>,
    /// Whether the gateway was in its test mode.
    pub is_test: bool,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl Transaction {
    /// Reads the document, also one that was kept. `None`: what identifies it is missing.
    pub fn parse(raw: Value) -> Option<Self> {
        Some(Self {
            id: lenient::filled(&raw, "id")?,
            // Without these two a row is neither "ok" nor "error": the account cannot tell what it did.
            event: lenient::text(&raw, "event").unwrap_or_default().to_ascii_lowercase(),
            status: lenient::text(&raw, "status").unwrap_or_default().to_ascii_lowercase(),
            amount: lenient::decimal(&raw, "amount"),
            currency: lenient::filled(&raw, "currency"),
            date_created: lenient::filled(&raw, "date_created"),
            payment_method_id: lenient::filled(&raw, "payment_method_id"),
            gateway_transaction_id: lenient::filled(&raw, "gateway_transaction_id"),
            reference_transaction_id: lenient::filled(&raw, "reference_transaction_id"),
            // Shown only: money of a test gateway is counted like any other.
            is_test: lenient::flag(&raw, "test").unwrap_or(false),
            raw: as_is(raw)?,
        })
    }
}

/// A refund.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Its id.
    pub id: String,
    /// The order.
    pub order_id: Option<OrderId>,
    /// How much; `None` when it cannot be read.
    pub total_amount: Option<Decimal>,
    /// When.
    pub created: Option<String>,
    /// The reasons of its items: where a key of ours is found again.
    pub reasons: Vec<String>,
    /// Whether a provider declined to pay a part of it back.
    pub is_declined: bool,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl Refund {
    /// How much went back: what no provider declined. `None` when it cannot be read.
    pub fn given_back(&self) -> Option<Decimal> {
        let payments = lenient::list(&self.raw, "payments");
        // What is there and says neither yes nor no, null included, is not "no".
        let unclear =
            |one: &Value| one.get("is_declined").is_some() && lenient::flag(one, "is_declined").is_none();
        if payments.iter().any(unclear) {
            return None;
        }
        if !self.is_declined {
            return self.total_amount;
        }
        let mut sum = Decimal::ZERO;
        for payment in payments.iter().filter(|one| lenient::flag(one, "is_declined") != Some(true)) {
            sum = sum.checked_add(lenient::decimal(payment, "amount")?)?;
        }
        Some(sum)
    }

    /// Reads the document, also one that was kept. `None`: what identifies it is missing.
    pub fn parse(raw: Value) -> Option<Self> {
        let items = lenient::list(&raw, "items").iter();
        let mut payments = lenient::list(&raw, "payments").iter();
        Some(Self {
            id: lenient::filled(&raw, "id")?,
            order_id: lenient::integer(&raw, "order_id").and_then(OrderId::new),
            total_amount: lenient::decimal(&raw, "total_amount"),
            created: lenient::filled(&raw, "created"),
            reasons: items.filter_map(|item| lenient::filled(item, "reason")).collect(),
            is_declined: payments.any(|payment| lenient::flag(payment, "is_declined") == Some(true)),
            raw: as_is(raw)?,
        })
    }
}

/// The first way of the quote that goes through the provider, else the first one.
pub fn refund_payments(quote: &Value) -> Option<Value> {
    let ways = quote.get("refund_methods").and_then(Value::as_array)?;
    let parts = |way: &Value| way.as_array().map(Vec::as_slice).unwrap_or_default().to_vec();
    // What is said and cannot be read is not taken for a way through the provider.
    let offline =
        |part: &Value| lenient::is_said(part, "offline") && lenient::flag(part, "offline") != Some(false);
    let online = ways.iter().find(|way| !parts(way).is_empty() && !parts(way).iter().any(offline));
    let chosen = parts(online.or_else(|| ways.first())?);
    let payments: Vec<Value> = chosen
        .iter()
        .map(|part| json!({"provider_id": part.get("provider_id"), "amount": part.get("amount"), "offline": offline(part)}))
        .collect();
    (!payments.is_empty()).then(|| payments.into())
}
