//! Samples for tests.

use std::time::Duration;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    Checkout, ConsignmentInput, Decline, Document, Facts, Flow, Input, OrderFacts, PaymentFacts,
    PaymentIntent, PaymentStatus, Status, parse_decimal,
};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A payment with a stored card, of which nothing but its status is known.
pub(crate) fn payment(status: PaymentStatus) -> PaymentFacts {
    PaymentFacts {
        status,
        transaction_id: None,
        transaction_type: None,
        amount: None,
        currency: "USD".to_owned(),
        payment_method_id: "stripe.card".to_owned(),
        instrument_type: "stored_card".to_owned(),
        last_4: None,
        decline: None,
    }
}

/// An order that nobody has paid.
pub(crate) fn order(id: i64) -> OrderFacts {
    OrderFacts {
        id,
        status_id: 0,
        status: "Incomplete".to_owned(),
        credited: None,
        payment_status: String::new(),
        total: None,
        currency: "USD".to_owned(),
        verified: true,
    }
}

/// A paid checkout full of personal data, each piece of which says `canary`.
pub(super) fn checkout() -> Checkout {
    let address = json!({"first_name": "canary", "email": "canary@example.com", "phone": "canary"});
    let total = parse_decimal("10.8300").map(super::Money::from);
    let document = json!({
        "id": "c1", "grand_total": 10.83, "billing_address": address, "customer_message": "canary",
        "cart": {"id": "c1", "email": "canary@example.com", "currency": {"code": "USD"}},
    });
    let begun = Checkout::begin(
        "default".to_owned(),
        Flow::Cart,
        Input::default(),
        object(&json!({"note": "canary"})),
        OffsetDateTime::UNIX_EPOCH,
        Duration::ZERO,
    );
    Checkout {
        version: 9,
        fence: 3,
        status: Status::Completed,
        steps: Vec::new(),
        input: Input {
            customer_message: Some("canary".to_owned()),
            billing_address: Some(object(&address)),
            consignments: Some(vec![ConsignmentInput {
                address: object(&address),
                line_items: None,
                pickup_method_id: None,
            }]),
            payment: Some(PaymentIntent {
                payment_method_id: "stripe.card".to_owned(),
                instrument_type: "stored_card".to_owned(),
                last_4: Some("4242".to_owned()),
                save_instrument: false,
                amount: None,
            }),
            ..Input::default()
        }
        .into(),
        facts: Facts {
            document: Some(Document::of(&document)),
            cart_id: Some("c1".to_owned()),
            order: Some(OrderFacts {
                id: 125,
                status_id: 11,
                status: "Awaiting Fulfillment".to_owned(),
                credited: None,
                payment_status: "captured".to_owned(),
                total,
                currency: "USD".to_owned(),
                verified: true,
            }),
            payment: Some(PaymentFacts {
                status: PaymentStatus::Succeeded,
                transaction_id: Some("t1".to_owned()),
                transaction_type: Some("purchase".to_owned()),
                amount: total,
                currency: "USD".to_owned(),
                payment_method_id: "stripe.card".to_owned(),
                instrument_type: "stored_card".to_owned(),
                last_4: Some("4242".to_owned()),
                decline: Some(Decline { code: Some(30102), title: "canary".to_owned() }),
            }),
            ..Facts::default()
        },
        ..begun
    }
}
