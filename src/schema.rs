//! How the words and amounts of the vocabulary are described in `openapi.yaml`. The types of answers, wherever they are made,
//! derive their schemas and take these for what a derive cannot know.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::schema::{ArrayBuilder, SchemaType, Type};

use crate::checkout::{Flow, PaymentStatus, Status, StepName, StepStatus, StuckReason};

/// Something of this type.
pub fn typed(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

/// One of these words.
pub fn words_of(words: &[&str]) -> ObjectBuilder {
    typed(Type::String).enum_values(Some(words.iter().copied()))
}

/// An amount: a number whose text is exact.
pub fn amount() -> ObjectBuilder {
    typed(Type::Number).description(Some("An exact decimal; do not read it into binary floating point."))
}

/// An amount that may not be known.
pub fn amount_or_null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Number, Type::Null]))
}

/// A word for a saga.
pub fn flow() -> ObjectBuilder {
    words_of(&Flow::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// A status of a checkout.
pub fn status() -> ObjectBuilder {
    words_of(&Status::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// The steps that a storefront sees.
fn steps() -> Vec<&'static str> {
    Flow::Cart.steps().iter().map(|step: &StepName| step.as_str()).collect()
}

/// A step that a storefront sees.
pub fn step() -> ObjectBuilder {
    words_of(&steps())
}

/// The step to do; null: there is none.
pub fn next_step() -> ObjectBuilder {
    let words = steps().into_iter().map(Value::from).chain([Value::Null]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words))
}

/// How a step went.
pub fn step_status() -> ObjectBuilder {
    words_of(&StepStatus::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// How a payment stands.
pub fn payment_status() -> ObjectBuilder {
    words_of(&PaymentStatus::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// Why a person is needed.
pub fn stuck_reason() -> ObjectBuilder {
    words_of(&StuckReason::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// What an operator should try first.
pub fn suggested_action() -> ObjectBuilder {
    let all: BTreeSet<&str> = StuckReason::ALL.iter().map(|reason| reason.suggested_action()).collect();
    words_of(&all.into_iter().collect::<Vec<_>>())
}

/// BigCommerce's consignments.
pub fn consignments() -> ArrayBuilder {
    let objects = |about: &str| ArrayBuilder::new().items(typed(Type::Object)).description(Some(about));
    let consignment = typed(Type::Object)
        .property("id", typed(Type::String))
        .property("line_item_ids", ArrayBuilder::new().items(typed(Type::String)))
        .property(
            "address",
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null])),
        )
        .property("available_shipping_options", objects("What may be chosen."))
        .property(
            "selected_shipping_option",
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null])),
        );
    let required = ["line_item_ids", "address", "available_shipping_options", "selected_shipping_option"];
    ArrayBuilder::new().items(required.into_iter().fold(consignment, ObjectBuilder::required))
}
