//! What is known of the payments of a checkout. Amounts are in the order's currency.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::status::words;
use super::{Facts, Money};

words! {
    /// Where a payment stands.
    PaymentStatus {
        /// In flight.
        Processing = "processing",
        /// Charged or authorized, in full.
        Succeeded = "succeeded",
        /// Accepted, settling: not paid yet, never to be charged again.
        Pending = "pending",
        /// Certainly not charged.
        Declined = "declined",
        /// It may have been charged.
        Unknown = "unknown",
        /// Charged, and less than what was due: the rest can be paid.
        PartiallyPaid = "partially_paid",
        /// Charged or authorized, and voided or refunded since.
        GivenBack = "given_back",
    }
}

/// What is known of the latest payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentFacts {
    /// Where it stands.
    pub status: PaymentStatus,
    /// BigCommerce's id of the payment, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// `purchase` or `authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_type: Option<String>,
    /// What it was to charge, or, once that is known, what it charged.
    pub amount: Option<Money>,
    /// Its currency.
    pub currency: String,
    /// BigCommerce's payment method id.
    pub payment_method_id: String,
    /// Kind of the instrument.
    pub instrument_type: String,
    /// Its last four digits, where they may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_4: Option<String>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
}

impl PaymentFacts {
    /// True only when it is certain that nothing of what a further payment would take was charged.
    pub fn safe_to_pay_again(&self) -> bool {
        matches!(
            self.status,
            PaymentStatus::Declined | PaymentStatus::PartiallyPaid | PaymentStatus::GivenBack
        )
    }
}

/// Why BigCommerce declined a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// BigCommerce's error code, where it sent one.
    pub code: Option<i64>,
    /// BigCommerce's title.
    pub title: String,
}

/// What a shopper can do something about (BigCommerce: payments, error codes): a stored instrument that is gone, details that could
/// not be verified, an expired card, insufficient funds.
const FOR_SHOPPERS: [i64; 4] = [30_051, 30_102, 30_103, 30_106];

impl Decline {
    /// As far as a shopper needs the reason: anything more is for those who test stolen cards.
    #[must_use]
    pub fn for_the_shopper(self) -> Self {
        if self.code.is_some_and(|code| FOR_SHOPPERS.contains(&code)) {
            return self;
        }
        Self { code: None, title: "The payment was declined".to_owned() }
    }
}

/// Payments that were sent for one order, and may be listed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPayments {
    /// The order.
    pub order_id: i64,
    /// How many.
    pub count: u32,
}

/// A payment that paid a part of the order, and is held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentPart {
    /// How much it paid.
    pub amount: Money,
    /// BigCommerce's payment method id.
    pub payment_method_id: String,
    /// Kind of the instrument.
    pub instrument_type: String,
    /// Its last four digits, where they may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_4: Option<String>,
    /// BigCommerce's id of the payment, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// `purchase` or `authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_type: Option<String>,
    /// The goal that it was paid for.
    #[serde(rename = "ticket")]
    pub goal_version: i64,
}

impl PaymentPart {
    /// Whether the order shows it as store credit or gift certificate too.
    fn is_credit(&self) -> bool {
        matches!(self.instrument_type.as_str(), "store_credit" | "gift_certificate")
    }
}

impl Facts {
    /// What was paid of the order, and is held: the parts, and store credit or certificates that the order shows.
    pub fn paid(&self) -> Money {
        let sum = |credit: bool| -> Decimal {
            self.parts
                .iter()
                .filter(|part| part.is_credit() == credit)
                .map(|part| part.amount.decimal())
                .sum()
        };
        let shown =
            self.order.as_ref().and_then(|order| order.credited).map_or(Decimal::ZERO, Money::decimal);
        Money::from(sum(false) + sum(true).max(shown))
    }

    /// How many payments of this order may have reached its gateway, when `tried` were begun in all. What an earlier version
    /// did not count may all have been sent.
    pub fn count_sent(&mut self, tried: u32) -> u32 {
        let Some(order_id) = self.order.as_ref().map(|order| order.id) else { return tried };
        let sent = self.payments_sent.get_or_insert(SentPayments { order_id, count: tried });
        if sent.order_id != order_id {
            // Those of another order are not listed with this one.
            *sent = SentPayments { order_id, count: 0 };
        }
        sent.count
    }

    /// One more may be sent from now on.
    pub fn is_sent(&mut self) {
        if let Some(sent) = self.payments_sent.as_mut() {
            sent.count = sent.count.saturating_add(1);
        }
    }

    /// The latest one certainly reached no gateway.
    pub fn was_not_sent(&mut self) {
        if let Some(sent) = self.payments_sent.as_mut() {
            sent.count = sent.count.saturating_sub(1);
        }
    }

    /// What a payment would have to take now: the rest of the order's total. `None`: the total is not known.
    pub fn due(&self) -> Option<Money> {
        let order = self.order.as_ref()?;
        let rest = order.total?.decimal() - self.paid().decimal();
        Some(Money::from(rest.max(Decimal::ZERO)).at_precision_of(&order.currency))
    }

    /// A payment that was certainly not sent was never made. What was paid before stays.
    pub fn forget_processing(&mut self) {
        if self.payment.as_ref().is_some_and(|payment| payment.status == PaymentStatus::Processing) {
            self.payment = None;
            self.show_parts();
        }
    }

    /// The latest part stands for the payment, where there is no other.
    pub fn show_parts(&mut self) {
        if self.payment.is_none() {
            // Shown only; an empty one is not known.
            let currency = self.order.as_ref().map(|order| order.currency.clone()).unwrap_or_default();
            self.payment = self.parts.last().map(|part| PaymentFacts {
                status: PaymentStatus::PartiallyPaid,
                transaction_id: part.transaction_id.clone(),
                transaction_type: part.transaction_type.clone(),
                amount: Some(part.amount),
                currency,
                payment_method_id: part.payment_method_id.clone(),
                instrument_type: part.instrument_type.clone(),
                last_4: part.last_4.clone(),
                decline: None,
            });
        }
    }
}
