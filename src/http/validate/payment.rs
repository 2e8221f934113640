//! Orders and payments. The instrument is read by the one type that keeps it secret; nothing of it but its kind is in
//! what this module hands out for fingerprints.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::address::BILLING;
use super::shipping::{
    CONSIGNMENTS, OPTIONS, PREFERENCE, check_consignments, check_options, taken_consignments, taken_options,
    taken_preference,
};
use super::{Checked, Invalid, TOTAL, checked, fields, money};
use crate::checkout::{Money, PaymentIntent};
use crate::http::request::claims::Trust;
use crate::http::request::json::{Body, without_nulls};
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Object, Shape, line, no_rule, opt, req};
use crate::saga::{Complete, Operation, PaymentRequest};

const SECRET: Shape = line(1, 1024);
/// BigCommerce: payments/process_payments, every token of an instrument.
const TOKEN: Shape = line(64, 64);
const DIGITS_3_4: Shape = line(3, 4);

macro_rules! instruments {
    ($($name:ident: $schema:literal, $kind:literal, $trust:ident, $about:literal, [$($field:expr),*];)+) => {
        $(static $name: Object = Object {
            name: $schema,
            about: $about,
            fields: &[req("type", Shape::Word(&[$kind]), "").from(Trust::$trust) $(, $field)*],
            rule: no_rule,
        };)+
        const INSTRUMENT: Shape = Shape::Tagged { name: "Instrument", objects: &[$(($kind, &$name)),+] };
    };
}

instruments! {
    STORED_CARD: "StoredCard", "stored_card", Customer, "A card that the shopper stored earlier.", [
        req("token", TOKEN, "From the payment methods."),
        opt("verification_value", DIGITS_3_4, "If the method requires it.")
    ];
    CARD: "Card", "card", Anybody, "A raw card. Refused unless `ALLOW_RAW_CARDS` is true.", [
        req("number", line(12, 40), "12 to 19 digits; blanks and hyphens are ignored."),
        req("cardholder_name", SECRET, ""),
        req("expiry_month", Shape::Integer { min: 1, max: 12 }, ""),
        req("expiry_year", Shape::Integer { min: 2000, max: 2999 }, ""),
        req("verification_value", DIGITS_3_4, "")
    ];
    STORED_PAYPAL: "StoredPayPalAccount", "stored_paypal_account", Customer, "A PayPal account that was stored earlier.", [
        req("token", TOKEN, "")
    ];
    STORED_BANK: "StoredBankAccount", "stored_bank_account", Customer, "A bank account that was stored earlier.", [
        req("token", TOKEN, "")
    ];
    GIFT_CERTIFICATE: "GiftCertificate", "gift_certificate", Anybody, "A gift certificate.", [
        req("gift_certificate_code", SECRET, "")
    ];
    STORE_CREDIT: "StoreCredit", "store_credit", Customer, "The shopper's credit with the store.", [];
    TOKENIZED_CARD: "TokenizedCard", "tokenized_card", Anybody, "A third party's token of a card.", [
        req("token", TOKEN, ""),
        opt("iin", line(1, 32), ""),
        opt("last_four_digits", line(4, 4), ""),
        opt("expiration_month", line(1, 8), ""),
        opt("expiration_year", line(1, 8), "")
    ];
}

/// So many payments pay one order in one call.
const MAX_PARTS: usize = 10;

/// Nothing above it is ever charged.
const AGREED: Field = opt(
    "agreed_total",
    TOTAL,
    "The most that the shopper agreed to pay: nothing above it is ever charged. Without it, `If-Match` \
        must name the version whose total was shown; without both: 428.",
);

const AGREED_TO_ORDER: Field = opt(
    "agreed_total",
    TOTAL,
    "The most that the shopper agreed to. By default, the grand total that was shown last. A payment \
        needs its own.",
);

/// Body of creating the order.
pub(in crate::http) static ORDER: Object = Object {
    name: "OrderInput",
    about: "The order. The body may be left out.",
    fields: &[AGREED_TO_ORDER],
    rule: no_rule,
};

/// Body of a call that needs nothing.
pub(in crate::http) static NOTHING: Object =
    Object { name: "Nothing", about: "An empty object.", fields: &[], rule: no_rule };

const METHOD: Field = req("payment_method_id", line(1, 255), "Such as `stripe.card`.");
const WITH: Field = req("instrument", INSTRUMENT, "");
const SAVE: Field =
    opt("save_instrument", Shape::Flag, "Whether BigCommerce is to keep the instrument for the customer.")
        .from(Trust::Customer);

/// The payment inside of `complete`.
static PAYMENT_PART: Object = Object {
    name: "PaymentPart",
    about: "The method and the instrument that pay.",
    fields: &[METHOD, WITH, SAVE],
    rule: no_rule,
};

/// One of several payments inside of `complete`.
static SPLIT_PART: Object = Object {
    name: "SplitPayment",
    about: "The method and the instrument that pay a part.",
    fields: &[
        METHOD,
        WITH,
        SAVE,
        opt(
            "amount",
            TOTAL,
            "What it is expected to take. BigCommerce takes no amount: store credit and gift certificates pay what is left \
             on them, anything else pays the rest. A payment that would take more than its `amount` is not sent, unless it \
             is by store credit or certificate.",
        ),
    ],
    rule: no_rule,
};

/// Body of a payment.
pub(in crate::http) static PAYMENT: Object = Object {
    name: "PaymentInput",
    about: "The method and the instrument that pay.",
    fields: &[METHOD, WITH, SAVE, AGREED],
    rule: no_rule,
};

/// Body of one call.
pub(in crate::http) static COMPLETE: Object = Object {
    name: "CompleteInput",
    about: "All missing steps, and the payment.",
    fields: &[
        opt("billing_address", Shape::Object(&BILLING), ""),
        opt("consignments", CONSIGNMENTS, ""),
        opt("shipping_options", OPTIONS, ""),
        opt("shipping_preference", PREFERENCE, "How to choose a shipping option if none is given."),
        AGREED,
        opt("payment", Shape::Object(&PAYMENT_PART), "The payment. Either this or `payments`."),
        opt(
            "payments",
            Shape::List { of: &Shape::Object(&SPLIT_PART), min: 1, max: 10 },
            "The payments, in this order, until everything is paid. Either this or `payment`.",
        ),
    ],
    rule: no_rule,
};

/// Checks that nothing is said.
pub(in crate::http) fn empty(body: &Value) -> Checked<()> {
    checked(&NOTHING, body)
}

/// Checks the body of an order and takes the agreed total.
pub(in crate::http) fn order(body: &Value) -> Checked<Option<Money>> {
    checked(&ORDER, body)?;
    Ok(money(body.get("agreed_total")))
}

/// What may go into a fingerprint: the payment is replaced by its method, the kind of its instrument and whether it is
/// to be saved. Nothing in it comes from card data or from a token.
pub(in crate::http) fn safe_part(body: &Value) -> Value {
    let safe = |payment: &Value| {
        let field = |name: &str| payment.get(name).cloned().unwrap_or_default();
        let kind = payment.pointer("/instrument/type").and_then(Value::as_str).unwrap_or_default();
        json!({
            "payment_method_id": field("payment_method_id"),
            "instrument": {"type": kind},
            "save_instrument": field("save_instrument"),
            "amount": field("amount"),
        })
    };
    let mut rest: Map<String, Value> = Map::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        if !matches!(
            name.as_str(),
            "payment" | "payments" | "payment_method_id" | "instrument" | "save_instrument"
        ) {
            rest.insert(name.clone(), value.clone());
        }
    }
    if let Some(payments) = body.get("payments").and_then(Value::as_array) {
        rest.insert("payments".to_owned(), payments.iter().map(safe).collect());
    }
    rest.insert("payment".to_owned(), safe(body.get("payment").unwrap_or(body)));
    without_nulls(Value::Object(rest))
}

/// Checks and takes a payment.
pub(in crate::http) fn payment(body: Body, raw_cards: bool) -> Checked<Operation> {
    let (mut at, mut errors) = (Pointer::default(), Errors::default());
    if let Some(object) = body.value().as_object() {
        let known = if object.contains_key("payment") { &WRAPPED } else { &PAYMENT };
        known.check_names(object, &mut at, &mut errors);
        if let Some(total) = object.get("agreed_total").filter(|total| !total.is_null()) {
            at.field("agreed_total", |at| TOTAL.check(total, at, &mut errors));
        }
    }
    let agreed_total = money(body.value().get("agreed_total"));
    if agreed_total == Some(Money::ZERO) && says_nothing_of_paying(body.value()) && errors.is_empty() {
        let (intent, instruments) = (PaymentIntent::of_nothing(), VecDeque::new());
        return Ok(Operation::Payment { intent, instruments, agreed_total });
    }
    let mut body = body.take();
    let (payment, pointer) = match body.get_mut("payment") {
        Some(payment) => (payment.take(), "/payment"),
        None => (body, ""),
    };
    let (intent, instrument) = instrument(payment, pointer, &PAYMENT_PART, raw_cards, errors)?;
    Ok(Operation::Payment { intent, instruments: [instrument].into(), agreed_total })
}

/// Body of a payment of nothing.
pub(in crate::http) static FREE: Object = Object {
    name: "NothingToPay",
    about: "An order that costs 0 is placed without a method and an instrument, once the shopper has \
        agreed to 0.",
    fields: &[req("agreed_total", TOTAL, "0.")],
    rule: no_rule,
};

/// Body of a payment, as BigCommerce has it.
pub(in crate::http) static WRAPPED: Object = Object {
    name: "WrappedPayment",
    about: "BigCommerce's own body of a payment.",
    fields: &[AGREED, req("payment", Shape::Object(&PAYMENT_PART), "")],
    rule: no_rule,
};

/// Checks and takes everything of one call.
pub(in crate::http) fn complete(body: Body, raw_cards: bool) -> Checked<Operation> {
    let (mut at, mut errors) = (Pointer::default(), Errors::default());
    let given = |field: &str| body.value().get(field).filter(|value| !value.is_null());
    let Some(object) = body.value().as_object() else {
        errors.push(&at, "must be an object");
        return Err(Invalid::Input(errors.into_list()));
    };
    COMPLETE.check_names(object, &mut at, &mut errors);
    for field in COMPLETE.fields.iter().filter(|field| !matches!(field.name, "payment" | "payments")) {
        if let Some(value) = given(field.name) {
            at.field(field.name, |at| field.shape.check(value, at, &mut errors));
        }
    }
    if let Some(consignments) = given("consignments") {
        at.field("consignments", |at| check_consignments(consignments, at, &mut errors));
    }
    if let Some(options) = given("shipping_options") {
        at.field("shipping_options", |at| check_options(options, at, &mut errors));
    }
    let (billing_address, consignments) =
        (given("billing_address").map(fields), given("consignments").map(taken_consignments));
    let shipping_options = given("shipping_options").map(taken_options);
    let shipping_preference = given("shipping_preference").and_then(taken_preference);
    let agreed_total = money(given("agreed_total"));
    let free = agreed_total == Some(Money::ZERO) && says_nothing_of_paying(body.value()) && errors.is_empty();
    let mut body = body.take();
    let mut take = |field: &str| body.get_mut(field).map(Value::take).filter(|value| !value.is_null());
    let (payment, payments) = (take("payment"), take("payments"));
    let (mut intents, mut instruments) = (Vec::new(), VecDeque::new());
    if free {
        intents.push(PaymentIntent::of_nothing());
    } else if let Some(payments) = payments {
        if payment.is_some() {
            errors.push_at("/payments".to_owned(), "must not be given together with payment");
        }
        let parts = match payments {
            Value::Array(parts) if (1..=MAX_PARTS).contains(&parts.len()) => parts,
            _ => {
                errors.push_at("/payments".to_owned(), "must be a list of 1 to 10 payments");
                Vec::new()
            }
        };
        if parts.is_empty() {
            return Err(Invalid::Input(errors.into_list()));
        }
        for (index, part) in parts.into_iter().enumerate() {
            let pointer = format!("/payments/{index}");
            let (intent, request) =
                instrument(part, &pointer, &SPLIT_PART, raw_cards, std::mem::take(&mut errors))?;
            intents.push(intent);
            instruments.push_back(request);
        }
    } else {
        let (intent, request) =
            instrument(payment.unwrap_or_default(), "/payment", &PAYMENT_PART, raw_cards, errors)?;
        intents.push(intent);
        instruments.push_back(request);
    }
    Ok(Operation::Complete(Box::new(Complete {
        billing_address,
        consignments,
        shipping_options,
        shipping_preference,
        agreed_total,
        intents,
        instruments,
    })))
}

/// An order of 0 is placed without an instrument, by whoever agreed to 0.
fn says_nothing_of_paying(body: &Value) -> bool {
    ["payment", "payments", "payment_method_id", "instrument", "save_instrument"]
        .iter()
        .all(|name| body.get(name).is_none_or(Value::is_null))
}

/// Reads the payment itself and tells what is wrong with it together with what was found before.
fn instrument(
    payment: Value,
    pointer: &str,
    object: &'static Object,
    raw_cards: bool,
    mut errors: Errors,
) -> Checked<(PaymentIntent, PaymentRequest)> {
    let payment = Body::from(payment);
    if !raw_cards && payment.value().pointer("/instrument/type").and_then(Value::as_str) == Some("card") {
        return Err(Invalid::RawCard);
    }
    let mut at = Pointer::from(pointer);
    if let (Some(fields), false) = (payment.value().as_object(), pointer.is_empty()) {
        object.check_names(fields, &mut at, &mut errors);
    }
    // What may not be missing is told by the reader; what is there must fit, or BigCommerce would get a control character.
    for field in object.fields {
        if let Some(value) = payment.value().get(field.name).filter(|value| !value.is_null()) {
            at.field(field.name, |at| field.shape.check(value, at, &mut errors));
        }
    }
    let amount = money(payment.value().get("amount"));
    match PaymentRequest::parse(payment.take(), pointer) {
        Ok(request) if errors.is_empty() => {
            let intent = PaymentIntent {
                payment_method_id: request.payment_method_id().to_owned(),
                instrument_type: request.instrument().kind().to_owned(),
                last_4: request.instrument().last_4(),
                save_instrument: request.save_instrument(),
                amount,
            };
            Ok((intent, request))
        }
        Ok(_) => Err(Invalid::Input(errors.into_list())),
        Err(more) => {
            for error in more {
                if !errors.has(&error.pointer) {
                    errors.push_at(error.pointer, error.detail);
                }
            }
            Err(Invalid::Input(errors.into_list()))
        }
    }
}
