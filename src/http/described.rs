//! Schemas of what is passed on as it is or written by hand, so that no type of ours describes it.

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, Type};

use super::table::Slug;

/// The order and all that belongs to it, in BigCommerce's shapes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer that is passed on as it is")]
pub(super) struct Confirmation {
    #[schema(value_type = Object)]
    order: Value,
    #[schema(value_type = Vec<Object>)]
    products: Value,
    #[schema(value_type = Vec<Object>)]
    shipping_addresses: Value,
    #[schema(value_type = Vec<Object>)]
    taxes: Value,
    #[schema(value_type = Vec<Object>)]
    coupons: Value,
    #[schema(value_type = Vec<Object>)]
    transactions: Value,
    #[schema(value_type = Vec<Object>)]
    shipments: Value,
}

/// URLs of BigCommerce's hosted cart and checkout; each works once.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer that is passed on as it is")]
#[expect(clippy::struct_field_names, reason = "BigCommerce's names")]
pub(super) struct RedirectUrls {
    cart_url: Option<String>,
    checkout_url: Option<String>,
    embedded_checkout_url: Option<String>,
}

/// BigCommerce's accepted payment methods.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer that is passed on as it is")]
pub(super) struct PaymentMethods {
    /// As BigCommerce sends them.
    #[schema(value_type = Vec<Object>)]
    data: Value,
}

/// A problem (RFC 9457). `/problems/{slug}` explains each.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it describes what `problem` writes")]
pub(super) struct ProblemDocument {
    /// `/problems/{slug}`.
    #[schema(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    /// The slug.
    #[schema(schema_with = slugs)]
    code: String,
    /// Also in `X-Request-Id`.
    trace_id: String,
    /// The checkout, where it concerns one.
    #[schema(nullable = false)]
    instance: Option<String>,
    /// Whether the same request may succeed later.
    #[schema(nullable = false)]
    retryable: Option<bool>,
    /// True only when it is certain that nothing was charged.
    #[schema(nullable = false)]
    safe_to_pay_again: Option<bool>,
    /// A sentence that may be shown.
    #[schema(nullable = false)]
    shopper_message: Option<String>,
    /// `invalid-input`: all that is wrong with the body; `forbidden`: all that this caller may not say.
    #[schema(nullable = false)]
    errors: Option<Vec<ProblemError>>,
    /// `step-out-of-order`: the step to do.
    #[schema(schema_with = crate::schema::next_step, required = false)]
    next_step: Option<String>,
    /// `total-changed`: what was agreed to.
    #[schema(schema_with = crate::schema::amount, required = false)]
    agreed_total: Option<Value>,
    /// `total-changed`: what it would cost.
    #[schema(schema_with = crate::schema::amount, required = false)]
    grand_total: Option<Value>,
    /// `rejected-by-bigcommerce`: what BigCommerce said.
    #[schema(nullable = false)]
    upstream: Option<Upstream>,
    /// `payment-declined`.
    #[schema(nullable = false)]
    decline: Option<ProblemDecline>,
    /// `service-unavailable`: whether it may have been recorded all the same.
    #[schema(nullable = false)]
    may_be_recorded: Option<bool>,
    /// `version-mismatch`: the version now.
    #[schema(nullable = false)]
    version: Option<i64>,
    /// `refused-by-guard`, `contradicted-by-bigcommerce`: what refused it.
    #[schema(nullable = false)]
    guard: Option<String>,
    /// `contradicted-by-bigcommerce`: what BigCommerce shows.
    #[schema(nullable = false)]
    evidence: Option<Vec<String>>,
    /// `forbidden`: the role that may do it.
    #[schema(nullable = false)]
    needs: Option<String>,
    /// When a checkout was created and a step of it failed: its credential.
    #[schema(nullable = false)]
    checkout_token: Option<String>,
}

/// One invalid field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `problem` writes")]
pub(super) struct ProblemError {
    /// JSON pointer (RFC 6901).
    pointer: String,
    detail: String,
}

/// BigCommerce's refusal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `problem` writes")]
pub(super) struct Upstream {
    status: u16,
    title: String,
    /// Messages by field.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    errors: Value,
}

/// Why a payment was declined.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `problem` writes")]
pub(super) struct ProblemDecline {
    /// BigCommerce's code.
    code: Option<i64>,
    title: String,
}

/// Every slug.
fn slugs() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Slug::ALL.iter().map(|slug| slug.entry().slug)))
}
