//! What is left of an ended checkout once its personal data is removed. Pure.
//!
//! Guarantees: ids, steps, statuses, times and amounts stay, digit by digit. Never: an address, a name, an email address,
//! a phone number, a message, or any other words whose harmlessness is not known. Texts are kept by name, not removed by
//! name: what BigCommerce adds tomorrow does not slip through.

use serde_json::{Map, Value};

use super::money::parse_decimal;
use super::{Answer, Answered, Checkout, Decline, Document, Input, UpstreamRejection};

/// Whole objects about a person, however deep they are; what stands for each of them is null.
const PERSONAL: &[&str] = &[
    "address",
    "billing_address",
    "shipping_address",
    "shipping_addresses",
    "customer",
    "custom_fields",
    "form_fields",
    "metadata",
    "recipient",
    "sender",
];

/// Texts that name things and no person.
const KEPT: &[&str] = &[
    "code",
    "coupon_type",
    "created_time",
    "currency",
    "id",
    "line_item_ids",
    "locale",
    "parent_id",
    "sku",
    "type",
    "updated_time",
];

/// Parts of the names of amounts, which BigCommerce sends as texts in some places.
const AMOUNTS: &[&str] = &["amount", "cost", "discount", "price", "tax", "total"];

impl Checkout {
    /// The same checkout without personal data. Only for one that has ended: a running one still needs what is removed.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        let payment = self.input.payment.take().map(|mut payment| {
            payment.last_4 = None;
            payment
        });
        self.input = Input { payment, ..Input::default() }.into();
        self.facts.document = self.facts.document.map(|document| {
            let value = serde_json::from_str(document.text()).unwrap_or_default();
            Document::of(&redacted(&value, ""))
        });
        if let Some(payment) = self.facts.payment.as_mut() {
            payment.last_4 = None;
            payment.decline = payment.decline.take().map(Decline::redacted);
        }
        for part in &mut self.facts.parts {
            part.last_4 = None;
        }
        if let Some(stuck) = self.stuck.as_mut() {
            // It may quote BigCommerce, and BigCommerce may quote the shopper.
            stuck.detail.clear();
        }
        self.answered =
            self.answered.map(|answered| Answered { answer: answered.answer.redacted(), ..answered });
        // The storefront's own notes: nobody here knows what they hold.
        self.metadata = Map::new().into();
        self
    }
}

impl Answer {
    /// The same answer without BigCommerce's messages, which may quote what they refuse.
    #[must_use]
    pub fn redacted(self) -> Self {
        match self {
            Self::Rejected(refused) => Self::Rejected(UpstreamRejection {
                status: refused.status,
                title: String::new(),
                errors: Vec::new(),
            }),
            Self::Declined(decline) => Self::Declined(decline.redacted()),
            other => other,
        }
    }
}

impl Decline {
    fn redacted(self) -> Self {
        Self { code: self.code, title: String::new() }
    }
}

fn redacted(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(name, value)| {
                    let value =
                        if PERSONAL.contains(&name.as_str()) { Value::Null } else { redacted(value, name) };
                    // A text that was removed leaves nothing behind.
                    (!value.is_null() || PERSONAL.contains(&name.as_str())).then(|| (name.clone(), value))
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(
            values.iter().map(|value| redacted(value, name)).filter(|value| !value.is_null()).collect(),
        ),
        Value::String(text) if !is_kept(name, text) => Value::Null,
        other => other.clone(),
    }
}

fn is_kept(name: &str, text: &str) -> bool {
    KEPT.contains(&name)
        || (AMOUNTS.iter().any(|amount| name.contains(amount)) && parse_decimal(text).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checkout::sample::checkout;
    use crate::checkout::{Stuck, StuckReason};

    #[test]
    fn no_person_is_left_and_every_amount_is() {
        let before = checkout();
        assert!(format!("{before:?}").contains("canary"), "the sample holds what is to be removed");
        let after = before.clone().redacted();
        let text = format!("{after:?}");
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains("4242"), "{text}");
        assert_eq!(after.facts.order, before.facts.order);
        assert_eq!(after.shown_total(), before.shown_total());
        assert_eq!(
            after.facts.payment.map(|payment| payment.amount),
            before.facts.payment.map(|payment| payment.amount)
        );
        assert_eq!((after.version, after.status, after.steps), (before.version, before.status, before.steps));
    }

    #[test]
    fn the_cart_keeps_ids_units_and_amounts() {
        let found = redacted(
            &json!({
                "id": "c1", "version": 4, "grand_total": 30.830, "customer_message": "canary",
                "cart": {"id": "c1", "email": "canary", "customer_id": 7, "currency": {"code": "USD"}, "line_items": {
                    "physical_items": [{"id": "p1", "sku": "S", "name": "for canary", "quantity": 2, "list_price": "10.50",
                        "options": [{"name": "Engraving", "nameId": 5, "value": "canary"}]}],
                    "gift_certificates": [{"id": "g1", "name": "n", "amount": 5, "message": "canary",
                        "sender": {"name": "canary", "email": "canary"}}]}},
                "consignments": [{"id": "k1", "line_item_ids": ["p1"], "address": {"phone": "123"},
                    "selected_shipping_option": {"id": "o1", "type": "t", "description": "to canary", "cost": 5}}],
                "phone": "12345", "unknown_total": "canary",
            }),
            "",
        );
        assert_eq!(
            found,
            json!({
                "id": "c1", "version": 4, "grand_total": 30.830,
                "cart": {"id": "c1", "customer_id": 7, "currency": {"code": "USD"}, "line_items": {
                    "physical_items": [{"id": "p1", "sku": "S", "quantity": 2, "list_price": "10.50",
                        "options": [{"nameId": 5}]}],
                    "gift_certificates": [{"id": "g1", "amount": 5, "sender": null}]}},
                "consignments": [{"id": "k1", "line_item_ids": ["p1"], "address": null,
                    "selected_shipping_option": {"id": "o1", "type": "t", "cost": 5}}],
            })
        );
    }

    #[test]
    fn what_bigcommerce_said_is_removed_and_what_it_decided_is_kept() {
        let mut checkout = checkout();
        checkout.stuck = Some(Stuck {
            reason: StuckReason::OrderUnknown,
            detail: "canary".to_owned(),
            since: checkout.created_at,
        });
        let refused = UpstreamRejection {
            status: 422,
            title: "canary".to_owned(),
            errors: vec![("email".to_owned(), "canary".to_owned())],
        };
        checkout.answered =
            Some(Answered { goal_version: 3, answer: Answer::Rejected(refused), obstacle: None });
        let after = checkout.redacted();
        assert!(!format!("{after:?}").contains("canary"));
        assert_eq!(after.stuck.map(|stuck| stuck.reason), Some(StuckReason::OrderUnknown));
        assert!(matches!(
            after.answered,
            Some(Answered {
                goal_version: 3,
                answer: Answer::Rejected(UpstreamRejection { status: 422, .. }),
                ..
            })
        ));
    }
}
