//! How the words and amounts of the vocabulary are described in `openapi.yaml`. The types of answers, wherever they are made,
//! derive their schemas and take these for what a derive cannot know.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::schema::{SchemaType, Type};

use crate::checkout::{Attention, Flow, Obstacle, PaymentStatus, Status, StepName, StepStatus, StuckReason};

/// Something of this type.
pub fn typed(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

/// One of these words.
pub fn words_of(words: &[&str]) -> ObjectBuilder {
    typed(Type::String).enum_values(Some(words.iter().copied()))
}

/// One of these words, or null.
pub fn words_of_or_null(words: &[&str]) -> ObjectBuilder {
    let words = words.iter().map(|word| Value::from(*word)).chain([Value::Null]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words))
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
    words_of_or_null(&steps())
}

/// How a step went.
pub fn step_status() -> ObjectBuilder {
    words_of(&StepStatus::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// How a payment stands.
pub fn payment_status() -> ObjectBuilder {
    words_of(&PaymentStatus::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// Why manual review is needed.
pub fn stuck_reason() -> ObjectBuilder {
    words_of(&StuckReason::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>())
}

/// What holds a shopper up.
pub fn attention() -> ObjectBuilder {
    words_of(Attention::WORDS)
}

/// The problem that blocks a shopper.
pub fn obstacle() -> ObjectBuilder {
    words_of(Obstacle::WORDS)
}

/// What an operator should try first.
pub fn suggested_action() -> ObjectBuilder {
    let all: BTreeSet<&str> = StuckReason::ALL.iter().map(|reason| reason.suggested_action()).collect();
    words_of(&all.into_iter().collect::<Vec<_>>())
}
