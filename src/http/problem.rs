//! A problem document (RFC 9457) in the making. `trace` writes it out, because only it knows the trace id and the
//! checkout that the request was about.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::pointer::InputError;
use super::shopper::{Cause, sentence};
use super::table::Slug;
use super::validate::Invalid;
use crate::checkout::{Checkout, CheckoutId, Decline, Money, Refused, StepName};

/// What went wrong, in the words of the table.
#[derive(Debug, Clone)]
pub(super) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    slug: Slug,
    detail: Cow<'static, str>,
    members: Map<String, Value>,
    cause: Option<Cause>,
    shopper: Option<String>,
    retry_after: Option<u64>,
    safe_to_pay_again: Option<bool>,
}

impl Problem {
    /// With a detail of its own.
    pub(super) fn new(slug: Slug, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            slug,
            detail: detail.into(),
            members: Map::new(),
            cause: None,
            shopper: None,
            retry_after: None,
            safe_to_pay_again: None,
        }))
    }

    /// With what the table says of it.
    pub(super) fn of(slug: Slug) -> Self {
        Self::new(slug, slug.entry().meaning)
    }

    /// What does not fit.
    pub(super) fn invalid(errors: &[InputError]) -> Self {
        let detail = match errors {
            [one] => {
                format!("{} {}", if one.pointer.is_empty() { "the body" } else { &one.pointer }, one.detail)
            }
            many => format!("{} fields are invalid", many.len()),
        };
        Self::new(Slug::InvalidInput, detail).with("errors", listed(errors))
    }

    /// What the caller may not say.
    pub(super) fn forbidden(detail: &'static str, errors: &[InputError]) -> Self {
        Self::new(Slug::Forbidden, detail).at(errors)
    }

    /// What it is about in the body, where it was forbidden and does not say so yet.
    pub(super) fn at(self, errors: &[InputError]) -> Self {
        let speaks = self.0.slug != Slug::Forbidden || self.0.members.contains_key("errors");
        if speaks || errors.is_empty() { self } else { self.with("errors", listed(errors)) }
    }

    /// Another step comes first.
    pub(super) fn out_of_order(next_step: Option<StepName>) -> Self {
        let detail = match next_step {
            Some(step) => format!("the next step of this checkout is {step}"),
            None => "this checkout has no steps left".to_owned(),
        };
        Self::new(Slug::StepOutOfOrder, detail)
            .with("next_step", next_step.map_or(Value::Null, |step| step.as_str().into()))
    }

    /// BigCommerce said no.
    pub(super) fn rejected(refused: &Refused) -> Self {
        let errors: Map<String, Value> =
            refused.errors.iter().map(|(field, message)| (field.clone(), message.as_str().into())).collect();
        let mut problem = Self::new(Slug::Rejected, refused.title.clone())
            .with("upstream", json!({"status": refused.status, "title": refused.title, "errors": errors}));
        problem.0.cause = Some(Cause::Refused(refused.clone()));
        problem
    }

    /// The payment was declined.
    pub(super) fn declined(decline: &Decline) -> Self {
        let mut problem = Self::new(Slug::PaymentDeclined, decline.title.clone())
            .with("decline", json!({"code": decline.code, "title": decline.title}));
        problem.0.cause = Some(Cause::Declined(decline.code));
        problem
    }

    /// The total rose.
    pub(super) fn total_changed(agreed: Money, total: Money, checkout: &Checkout) -> Self {
        let so = match (checkout.facts.order.is_some(), checkout.facts.parts.is_empty()) {
            (_, false) => "nothing more was charged, and what was paid before is kept",
            (true, true) => "nothing was charged",
            (false, true) => "nothing was ordered or charged",
        };
        Self::new(
            Slug::TotalChanged,
            format!("the checkout would cost more than the shopper agreed to: {so}"),
        )
        .with("agreed_total", json!(agreed))
        .with("grand_total", json!(total))
    }

    /// Our own database or process cannot take it. Whether it was recorded, and so may be done, may not be known; whoever
    /// wants to know it is told where to look.
    pub(super) fn unavailable(maybe_recorded: bool) -> Self {
        let detail = if maybe_recorded {
            "this service's own database did not answer: whether the request was recorded, and is gone on with, is not known. \
             Send it again with the same Idempotency-Key, or read what it was about, before anything else is done"
        } else {
            "this service or its own database cannot take the request at the moment; nothing was recorded and nothing was sent"
        };
        let mut problem = Self::new(Slug::ServiceUnavailable, detail)
            .with("may_be_recorded", maybe_recorded.into())
            .retry_after(1);
        if maybe_recorded {
            problem.0.shopper = Some(
                "We could not confirm your last step. Please wait a moment, then look at your checkout again."
                    .to_owned(),
            );
            problem.0.safe_to_pay_again = Some(false);
        }
        problem
    }

    /// With a member of its own.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// With the time after which to come back, in seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// About a checkout as it is now.
    pub(super) fn about(mut self, checkout: &Checkout) -> Self {
        self.0.safe_to_pay_again = Some(super::snapshot::safe_to_pay_again(checkout));
        self.0.shopper = Some(sentence(self.0.slug, self.0.cause.as_ref(), Some(checkout)));
        self
    }

    /// Whether it is known yet if it is safe to pay again.
    pub(super) fn knows_safety(&self) -> bool {
        self.0.safe_to_pay_again.is_some()
    }

    /// What is wrong, in a sentence.
    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What is wrong with each field, where that is known.
    pub(super) fn errors(&self) -> Vec<String> {
        let errors = self.0.members.get("errors").and_then(Value::as_array);
        let text = |error: &Value, field: &str| error.get(field).and_then(Value::as_str).map(str::to_owned);
        errors
            .into_iter()
            .flatten()
            .map(|error| {
                let place = text(error, "pointer").unwrap_or_default();
                format!("{} {}", place.trim_start_matches('/'), text(error, "detail").unwrap_or_default())
            })
            .collect()
    }

    /// Whether what was asked for may have been recorded all the same.
    pub(super) fn may_be_recorded(&self) -> bool {
        self.0.members.get("may_be_recorded") == Some(&Value::Bool(true))
    }

    /// The time after which to come back, in seconds.
    pub(super) fn comes_back_after(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// Its row in the table.
    pub(super) fn slug(&self) -> Slug {
        self.0.slug
    }

    /// The document.
    pub(super) fn document<'a>(&'a self, trace_id: &'a str, instance: Option<CheckoutId>) -> Document<'a> {
        Document { problem: &self.0, trace_id, instance }
    }
}

fn listed(errors: &[InputError]) -> Value {
    errors.iter().map(|error| json!({"pointer": error.pointer, "detail": error.detail})).collect()
}

/// A problem document, ready to be written.
pub(super) struct Document<'a> {
    problem: &'a Inner,
    trace_id: &'a str,
    instance: Option<CheckoutId>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.problem.slug.entry();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("/problems/{}", entry.slug))?;
        map.serialize_entry("title", entry.title)?;
        map.serialize_entry("status", &entry.status)?;
        map.serialize_entry("detail", &self.problem.detail)?;
        map.serialize_entry("code", entry.slug)?;
        map.serialize_entry("trace_id", self.trace_id)?;
        if let Some(id) = self.instance {
            map.serialize_entry("instance", &format_args!("/v1/checkouts/{id}"))?;
            map.serialize_entry("retryable", &entry.retryable)?;
            map.serialize_entry("safe_to_pay_again", &self.problem.safe_to_pay_again.unwrap_or(false))?;
            let unknown = || sentence(self.problem.slug, self.problem.cause.as_ref(), None);
            let said = self.problem.shopper.clone().unwrap_or_else(unknown);
            map.serialize_entry("shopper_message", &said)?;
        }
        for (name, value) in &self.problem.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
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
