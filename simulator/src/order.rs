//! An order: a snapshot of a checkout, or made directly; with its payments, shipments and the lags of reading it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::call::Visit;
use crate::ledger;
use crate::settings::Lag;

/// Something that is not visible yet.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Wait {
    reads_left: u64,
    until: Option<OffsetDateTime>,
}

impl Wait {
    /// Starts to hide what was just written.
    pub(crate) fn start(lag: Lag, now: OffsetDateTime) -> Self {
        let ms = i64::try_from(lag.ms.min(86_400_000)).unwrap_or(0);
        Self { reads_left: lag.reads, until: now.checked_add(Duration::milliseconds(ms)) }
    }

    /// Whether a read now would not see it yet; counts no read.
    pub(crate) fn hides(&self, now: OffsetDateTime) -> bool {
        self.reads_left > 0 || self.until.is_some_and(|until| now < until)
    }

    /// One read: whether it sees the new state.
    pub(crate) fn passed(&mut self, now: OffsetDateTime) -> bool {
        if self.reads_left > 0 {
            self.reads_left -= 1;
            return false;
        }
        self.until.is_none_or(|until| now >= until)
    }
}

/// A product of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrderProduct {
    pub(crate) id: u64,
    pub(crate) product_id: u64,
    pub(crate) variant_id: u64,
    pub(crate) name: String,
    pub(crate) sku: String,
    /// `physical`, `digital` or `giftcertificate`.
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) kind: crate::state::Word,
    pub(crate) quantity: u64,
    pub(crate) price_ex: Decimal,
    pub(crate) price_inc: Decimal,
    /// What was paid for all units, after every discount, with tax.
    pub(crate) paid: Decimal,
    pub(crate) address_id: u64,
    pub(crate) options: Vec<Value>,
    pub(crate) discounts: Vec<Value>,
    pub(crate) shipped: u64,
    pub(crate) refunded: u64,
}

/// A shipping address of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrderAddress {
    pub(crate) id: u64,
    /// In the V2 form.
    pub(crate) address: Value,
    pub(crate) method: String,
    pub(crate) cost_ex: Decimal,
    pub(crate) cost_inc: Decimal,
    pub(crate) items: u64,
}

/// The sums of an order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) subtotal_ex: Decimal,
    pub(crate) subtotal_inc: Decimal,
    pub(crate) shipping_ex: Decimal,
    pub(crate) shipping_inc: Decimal,
    pub(crate) handling_ex: Decimal,
    pub(crate) handling_inc: Decimal,
    pub(crate) wrapping_ex: Decimal,
    pub(crate) wrapping_inc: Decimal,
    pub(crate) discount: Decimal,
    pub(crate) coupons: Decimal,
    pub(crate) total_ex: Decimal,
    pub(crate) total_inc: Decimal,
}

/// A row of `GET transactions`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) id: u64,
    pub(crate) event: String,
    /// `ok` or `error`.
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) status: crate::state::Word,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) method: crate::state::Word,
    pub(crate) amount: Decimal,
    pub(crate) gateway_id: String,
    pub(crate) payment_method_id: String,
    pub(crate) reference: Option<u64>,
    pub(crate) at: OffsetDateTime,
    /// Members that depend on the method, such as `gift_certificate`.
    pub(crate) details: Value,
}

/// What reads still show of an order while its status lags.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) status_id: u64,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) payment_status: crate::state::Word,
    pub(crate) credit_used: Decimal,
    pub(crate) certificate_used: Decimal,
}

/// Something asynchronous that reads bring nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outstanding {
    /// A pending payment settles with success.
    Settle,
    /// A pending payment settles as declined.
    Decline,
    /// A pending payment waits for the control plane.
    Never,
    Capture,
    Void,
}

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) cart_id: Option<String>,
    pub(crate) status_id: u64,
    /// Empty while nothing was tried.
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) payment_status: crate::state::Word,
    pub(crate) customer_id: u64,
    pub(crate) channel_id: u64,
    pub(crate) currency: String,
    /// In the V2 form.
    pub(crate) billing: Value,
    pub(crate) addresses: Vec<OrderAddress>,
    pub(crate) products: Vec<OrderProduct>,
    pub(crate) coupons: Vec<Value>,
    pub(crate) taxes: Vec<Value>,
    pub(crate) fees: Vec<Value>,
    pub(crate) sums: Sums,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    pub(crate) shipped: Option<OffsetDateTime>,
    pub(crate) archived: bool,
    pub(crate) source: String,
    pub(crate) payment_method: String,
    pub(crate) provider_id: String,
    pub(crate) refunded: Decimal,
    /// Store credit and gift certificates that paid a part.
    pub(crate) credit_used: Decimal,
    pub(crate) certificate_used: Decimal,
    /// Taken by other methods, while a rest is due.
    pub(crate) paid_in_part: Decimal,
    /// Codes of gift certificates and what each of them paid.
    pub(crate) certificates: Vec<(String, Decimal)>,
    /// Applied on the cart in another place, and taken when the rest is paid.
    pub(crate) applied_credit: Decimal,
    pub(crate) applied_certificates: Vec<(String, Decimal)>,
    /// Parts that were given back before everything was paid: they are due again.
    pub(crate) returned: Decimal,
    /// Fields that BigCommerce keeps for the client: notes, external ids, addresses.
    pub(crate) kept: Map<String, Value>,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) shipments: Vec<Value>,
    pub(crate) refunds: Vec<Value>,
    pub(crate) outstanding: Option<(Outstanding, u64)>,
    pub(crate) stock_taken: bool,
    pub(crate) lookup: Wait,
    pub(crate) status_wait: Wait,
    /// What is shown until `status_wait` has passed.
    pub(crate) before: Option<Shown>,
    pub(crate) transactions_wait: Wait,
    /// How many transactions are shown until `transactions_wait` has passed.
    pub(crate) transactions_seen: usize,
    pub(crate) refunds_wait: Wait,
    /// How many refunds are listed until `refunds_wait` has passed.
    pub(crate) refunds_seen: usize,
    pub(crate) correlation_id: Option<String>,
}

impl Order {
    /// An order with nothing in it yet.
    pub(crate) fn empty(id: u64, currency: &str, visit: &Visit<'_>) -> Self {
        Self {
            id,
            cart_id: None,
            status_id: 0,
            payment_status: "",
            customer_id: 0,
            channel_id: 1,
            currency: currency.to_owned(),
            billing: json!({}),
            addresses: Vec::new(),
            products: Vec::new(),
            coupons: Vec::new(),
            taxes: Vec::new(),
            fees: Vec::new(),
            sums: Sums::default(),
            created: visit.now,
            modified: visit.now,
            shipped: None,
            archived: false,
            source: "external".into(),
            payment_method: String::new(),
            provider_id: String::new(),
            refunded: Decimal::ZERO,
            credit_used: Decimal::ZERO,
            certificate_used: Decimal::ZERO,
            paid_in_part: Decimal::ZERO,
            certificates: Vec::new(),
            applied_credit: Decimal::ZERO,
            applied_certificates: Vec::new(),
            returned: Decimal::ZERO,
            kept: Map::new(),
            transactions: Vec::new(),
            shipments: Vec::new(),
            refunds: Vec::new(),
            outstanding: None,
            stock_taken: false,
            lookup: Wait::start(visit.settings.order_lookup_lag, visit.now),
            status_wait: Wait::default(),
            before: None,
            transactions_wait: Wait::default(),
            transactions_seen: 0,
            refunds_wait: Wait::default(),
            refunds_seen: 0,
            correlation_id: visit.call.correlation_id(),
        }
    }

    /// Whether nothing in it ships.
    pub(crate) fn is_digital(&self) -> bool {
        !self.products.is_empty() && self.products.iter().all(|product| product.kind != "physical")
    }

    /// What is still to be paid.
    pub(crate) fn due(&self) -> Decimal {
        let applied = self.applied_credit + self.applied_to_certificates();
        self.sums.total_inc - self.parts() - applied
    }

    /// What certificates that were applied on the cart will pay.
    pub(crate) fn applied_to_certificates(&self) -> Decimal {
        self.applied_certificates.iter().map(|(_, amount)| amount).sum()
    }

    /// Lists a refund, as late as `lag` says.
    pub(crate) fn add_refund(&mut self, refund: Value, lag: Lag, now: OffsetDateTime) {
        if !self.refunds_wait.hides(now) {
            self.refunds_seen = self.refunds.len();
        }
        self.refunds.push(refund);
        self.refunds_wait = Wait::start(lag, now);
    }

    /// One read of the list of refunds.
    pub(crate) fn read_refunds(&mut self, now: OffsetDateTime) -> Vec<Value> {
        let seen = if self.refunds_wait.passed(now) { self.refunds.len() } else { self.refunds_seen };
        self.refunds.iter().take(seen).cloned().collect()
    }

    /// Credit and certificates, less what was given back of them before everything was paid.
    pub(crate) fn parts(&self) -> Decimal {
        self.credit_used + self.certificate_used + self.paid_in_part - self.returned
    }

    /// Call this before money or status change: reads go on showing the old state for as long as `lag` says.
    pub(crate) fn start_status_lag(&mut self, lag: Lag, now: OffsetDateTime) {
        if !self.status_wait.hides(now) {
            self.before = Some(Shown {
                status_id: self.status_id,
                payment_status: self.payment_status,
                credit_used: self.credit_used,
                certificate_used: self.certificate_used,
            });
        }
        self.status_wait = Wait::start(lag, now);
    }

    /// A text that the client gave.
    pub(crate) fn kept_text(&self, name: &str) -> &str {
        self.kept.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// The short form for the ledger.
    pub(crate) fn ledger(&self, store: &str) -> ledger::Order {
        ledger::Order {
            store: store.to_owned(),
            id: self.id,
            cart_id: self.cart_id.clone(),
            status_id: self.status_id,
            payment_status: self.payment_status.to_owned(),
            total: self.sums.total_inc,
            currency: self.currency.clone(),
            archived: self.archived,
            external_order_id: self.kept_text("external_order_id").to_owned(),
            source: self.source.clone(),
            correlation_id: self.correlation_id.clone(),
        }
    }
}
