//! A problem document (RFC 9457) before it is sent. `trace` writes it, because only that layer knows the trace id and the
//! checkout of the request.

pub(crate) mod catalog;
pub(crate) mod codes;
pub(crate) mod pages;
mod refused;

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::ObjectBuilder;

use super::validate::Invalid;
use crate::checkout::{Checkout, CheckoutId, Decline, Money, StepName, UpstreamRejection};
use crate::http::problem::catalog::Slug;
use crate::http::request::pointer::InputError;
use crate::http::response::shopper::{Cause, sentence};
use crate::role::Role;
use crate::schema;

/// What went wrong, in the words of the table.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    slug: Slug,
    detail: Cow<'static, str>,
    members: Members,
    cause: Option<Cause>,
    shopper: Option<String>,
    retry_after: Option<u64>,
    safe_to_pay_again: Option<bool>,
}

impl Problem {
    /// With a detail of its own.
    pub(crate) fn new(slug: Slug, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            slug,
            detail: detail.into(),
            members: Members::default(),
            cause: None,
            shopper: None,
            retry_after: None,
            safe_to_pay_again: None,
        }))
    }

    /// With what the table says of it.
    pub(crate) fn of(slug: Slug) -> Self {
        Self::new(slug, slug.entry().meaning)
    }

    /// What does not fit.
    pub(crate) fn invalid(errors: &[InputError]) -> Self {
        let detail = match errors {
            [one] => {
                format!("{} {}", if one.pointer.is_empty() { "the body" } else { &one.pointer }, one.detail)
            }
            many => format!("{} fields are invalid", many.len()),
        };
        Self::new(Slug::InvalidInput, detail).with(|members| members.errors = Some(errors.to_vec()))
    }

    /// What the caller may not say.
    pub(crate) fn forbidden(detail: &'static str, errors: &[InputError]) -> Self {
        Self::new(Slug::Forbidden, detail).at(errors)
    }

    /// What it is about in the body, where it was forbidden and does not say so yet.
    pub(crate) fn at(self, errors: &[InputError]) -> Self {
        let speaks = self.0.slug != Slug::Forbidden || self.0.members.errors.is_some();
        if speaks || errors.is_empty() {
            self
        } else {
            self.with(|members| members.errors = Some(errors.to_vec()))
        }
    }

    /// Another step comes first.
    pub(crate) fn out_of_order(next_step: Option<StepName>) -> Self {
        let detail = match next_step {
            Some(step) => format!("the next step of this checkout is {step}"),
            None => "this checkout has no steps left".to_owned(),
        };
        Self::new(Slug::StepOutOfOrder, detail)
            .with(|members| members.next_step = Some(NextStep(next_step.map(StepName::as_str))))
    }

    /// BigCommerce said no.
    pub(crate) fn rejected(refused: &UpstreamRejection) -> Self {
        let (status, title) = (refused.status, refused.title.clone());
        let upstream = Upstream { status, title, errors: refused.errors.iter().cloned().collect() };
        let mut problem = Self::new(Slug::Rejected, refused.title.clone())
            .with(|members| members.upstream = Some(upstream));
        problem.0.cause = Some(Cause::Refused(refused.clone()));
        problem
    }

    /// The payment was declined.
    pub(crate) fn declined(decline: &Decline) -> Self {
        let mut problem = Self::new(Slug::PaymentDeclined, decline.title.clone()).with(|members| {
            members.decline = Some(Declined { code: decline.code, title: decline.title.clone() });
        });
        problem.0.cause = Some(Cause::Declined(decline.code));
        problem
    }

    /// The total rose.
    pub(crate) fn total_changed(
        agreed: Money,
        total: Money,
        order_removed: bool,
        checkout: &Checkout,
    ) -> Self {
        let so = match (checkout.facts.order.is_some(), checkout.facts.parts.is_empty()) {
            (_, false) => "nothing more was charged, and what was paid before is kept",
            _ if order_removed => "an order was made and removed again, and nothing was charged",
            (true, true) => "nothing was charged",
            (false, true) => "nothing was ordered or charged",
        };
        Self::new(
            Slug::TotalChanged,
            format!("the checkout would cost more than the shopper agreed to: {so}"),
        )
        .with(|members| (members.agreed_total, members.grand_total) = (Some(agreed), Some(total)))
    }

    /// Our own database or process cannot take it. Whether it was recorded, and so may be done, may not be known; whoever
    /// wants to know it is told where to look.
    pub(crate) fn unavailable(maybe_recorded: bool) -> Self {
        let detail = if maybe_recorded {
            "this service's own database did not answer: whether the request was recorded, and is gone on with, is not known. \
             Send it again with the same Idempotency-Key, or read what it was about, before anything else is done"
        } else {
            "this service or its own database cannot take the request at the moment; nothing was recorded and nothing was sent"
        };
        let mut problem = Self::new(Slug::ServiceUnavailable, detail)
            .with(|members| members.may_be_recorded = Some(maybe_recorded))
            .retry_after(1);
        if maybe_recorded {
            problem.0.shopper = Some(
                "We could not confirm your last step. Please wait a moment, then review your checkout."
                    .to_owned(),
            );
            problem.0.safe_to_pay_again = Some(false);
        }
        problem
    }

    /// Because too many payments were declined.
    pub(crate) fn declined_often(mut self) -> Self {
        self.0.cause = Some(Cause::DeclinedOften);
        self
    }

    /// With members of its own.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut Members)) -> Self {
        set(&mut self.0.members);
        self
    }

    /// With the time after which to come back, in seconds.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// About a checkout as it is now.
    pub(crate) fn about(mut self, checkout: &Checkout) -> Self {
        self.0.safe_to_pay_again = Some(crate::http::response::snapshot::safe_to_pay_again(checkout));
        self.0.shopper = Some(sentence(self.0.slug, self.0.cause.as_ref(), Some(checkout)));
        self
    }

    /// Whether it is known yet if it is safe to pay again.
    pub(crate) fn knows_safety(&self) -> bool {
        self.0.safe_to_pay_again.is_some()
    }

    /// What is wrong, in a sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What is wrong with each field, where that is known.
    pub(crate) fn errors(&self) -> Vec<String> {
        let errors = self.0.members.errors.iter().flatten();
        errors.map(|error| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail)).collect()
    }

    /// Whether what was asked for may have been recorded all the same.
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.0.members.may_be_recorded == Some(true)
    }

    /// The time after which to come back, in seconds.
    pub(crate) fn comes_back_after(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// Its row in the table.
    pub(crate) fn slug(&self) -> Slug {
        self.0.slug
    }

    /// The document.
    pub(crate) fn document<'a>(&'a self, trace_id: &'a str, instance: Option<CheckoutId>) -> Document<'a> {
        Document::of(&self.0, trace_id, instance)
    }
}

/// The members of a problem beyond those of the catalog.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = ProblemMembers)]
pub(crate) struct Members {
    /// `invalid-input`: every error in the body; `forbidden`: every field that this caller may not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) errors: Option<Vec<InputError>>,
    /// `step-out-of-order`, `not-deliverable`, and `rejected-by-bigcommerce` at creation: the step to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::next_step, required = false)]
    pub(crate) next_step: Option<NextStep>,
    /// `total-changed`: what was agreed to. An exact decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::amount, required = false)]
    pub(crate) agreed_total: Option<Money>,
    /// `total-changed`: what it would cost. An exact decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::amount, required = false)]
    pub(crate) grand_total: Option<Money>,
    /// `rejected-by-bigcommerce`, `payment-method-unavailable`: BigCommerce's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) upstream: Option<Upstream>,
    /// `rejected-by-bigcommerce`: the coupons without which the cart was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) coupon_codes: Option<Vec<String>>,
    /// `payment-declined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) decline: Option<Declined>,
    /// `service-unavailable`: whether the request may have been recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) may_be_recorded: Option<bool>,
    /// `version-mismatch`: the version now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) version: Option<i64>,
    /// `refused-by-guard`, `contradicted-by-bigcommerce`: what refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) guard: Option<String>,
    /// `contradicted-by-bigcommerce`: what BigCommerce shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) evidence: Option<Vec<String>>,
    /// `forbidden`: the role that may do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) needs: Option<Role>,
    /// When a checkout was created and a step of it failed: its credential. `cart-taken` with a server key: a new one for
    /// the checkout that has the cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) checkout_token: Option<String>,
}

/// The step to do; null: there is none.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct NextStep(Option<&'static str>);

/// BigCommerce's refusal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Upstream {
    /// BigCommerce's HTTP status.
    status: u16,
    /// BigCommerce's title.
    title: String,
    /// Messages by field.
    errors: BTreeMap<String, String>,
}

/// Why a payment was declined.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ProblemDecline)]
pub(crate) struct Declined {
    /// BigCommerce's code; with a checkout token null, unless it is one that the shopper can do something about.
    code: Option<i64>,
    /// BigCommerce's title.
    title: String,
}

/// A problem (RFC 9457). `/problems/{code}` explains each.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// `/problems/{code}`.
    #[serde(rename = "type")]
    kind: String,
    /// A few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, in a sentence.
    detail: &'a str,
    /// The word for it.
    #[schema(schema_with = codes)]
    code: &'static str,
    /// Also in `X-Request-Id`.
    trace_id: &'a str,
    /// The checkout, if the problem is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    instance: Option<String>,
    /// Whether the same request may succeed later; only for problems about a checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retryable: Option<bool>,
    /// True only when it is certain that nothing was charged; only for problems about a checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    safe_to_pay_again: Option<bool>,
    /// A message that can be shown to the shopper; only for problems about a checkout, and for `cart-taken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shopper_message: Option<String>,
    #[serde(flatten)]
    members: &'a Members,
}

impl<'a> Document<'a> {
    fn of(problem: &'a Inner, trace_id: &'a str, instance: Option<CheckoutId>) -> Self {
        let entry = problem.slug.entry();
        let unknown = || instance.map(|_| sentence(problem.slug, problem.cause.as_ref(), None));
        Self {
            kind: format!("/problems/{}", entry.slug),
            title: entry.title,
            status: entry.status,
            detail: &problem.detail,
            code: entry.slug,
            trace_id,
            instance: instance.map(|id| format!("/v1/checkouts/{id}")),
            retryable: instance.map(|_| entry.retryable),
            safe_to_pay_again: instance.map(|_| problem.safe_to_pay_again.unwrap_or(false)),
            shopper_message: problem.shopper.clone().or_else(unknown),
            members: &problem.members,
        }
    }
}

/// Every code.
fn codes() -> ObjectBuilder {
    schema::words_of(&Slug::ALL.iter().map(|slug| slug.entry().slug).collect::<Vec<_>>())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let entry = self.0.slug.entry();
        let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        let headers = response.headers_mut();
        // RFC 9110, 15.5.2: every 401 says how to do better.
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::Input(errors) => Self::invalid(&errors),
            Invalid::RawCard => Self::of(Slug::RawCardNotEnabled),
        }
    }
}
