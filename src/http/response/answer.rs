//! From the saga's result to the response of the storefront.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::checkout::{Answer, Checkout, Status, StepName, StuckReason, UpstreamRejection};
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::pointer::InputError;
use crate::http::request::prefer::Wait;
use crate::http::response::snapshot::Snapshot;
use crate::saga::{ReadError, SubmitError};

/// Told to the caller when the answer was recorded for an earlier request with the same key.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// RFC 7240.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// When to look again at a checkout that is busy, in seconds.
const RETRY_AFTER_BUSY: u64 = 1;
/// When to look again at a checkout that waits for a timer, in seconds.
const RETRY_AFTER_WAITING: u64 = 3;

impl From<SubmitError> for Problem {
    fn from(refusal: SubmitError) -> Self {
        match refusal {
            SubmitError::NotFound => Self::of(Slug::CheckoutNotFound),
            SubmitError::OutOfOrder { next_step } => Self::out_of_order(next_step),
            SubmitError::InProgress => Self::of(Slug::StepInProgress).retry_after(RETRY_AFTER_BUSY),
            SubmitError::Closed => Self::of(Slug::CheckoutClosed),
            SubmitError::CartTaken { .. } => Self::cart_taken(),
            SubmitError::Stuck => Self::of(Slug::CheckoutStuck),
            SubmitError::PaymentInDoubt => Self::of(Slug::PaymentInDoubt),
            SubmitError::AgreementRequired => Self::of(Slug::AgreementRequired),
            SubmitError::VersionMismatch { version } => {
                Self::new(Slug::VersionMismatch, format!("the checkout is at version {version}"))
                    .with(|members| members.version = Some(version))
            }
            SubmitError::KeyReused => Self::of(Slug::KeyReused),
            SubmitError::KeyInUse => Self::of(Slug::KeyInUse).retry_after(RETRY_AFTER_BUSY),
            SubmitError::Unavailable { maybe_recorded } => Self::unavailable(maybe_recorded),
            SubmitError::Internal(cause) => Self::internal(&cause),
            SubmitError::CustomerNotProven => Self::forbidden(
                "stored instruments, store credit and saving an instrument are for a customer who was proven: by a \
                 customer_token, or by the customer_id that a server key gave",
                &[],
            ),
            SubmitError::ForeignCart => {
                let detail = "the cart belongs to a customer who was not proven; it was left as it is";
                Self::forbidden(
                    detail,
                    &[InputError { pointer: "/cart_id".to_owned(), detail: detail.into() }],
                )
            }
            SubmitError::PublicReplay => {
                let detail = "a publishable key is public, so repeating a creation with it proves \
                    nothing: create \
                              with a fresh Idempotency-Key, or go on with the checkout_token of the first answer";
                Self::new(Slug::KeyReused, detail)
            }
            SubmitError::UnknownStore => Self::internal("the store of the checkout is not configured"),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Refused(refusal) => refusal.into(),
            ReadError::Rejected(refused) => Self::rejected(&refused),
            ReadError::Unavailable { retry_after } => {
                Self::new(Slug::UpstreamUnavailable, "BigCommerce is unavailable at the moment")
                    .retry_after(retry_after)
            }
        }
    }
}

/// The cart belongs to this checkout, for which the caller gets a token.
pub(crate) fn cart_taken(owner: &Checkout, token: String) -> Response {
    let problem = Problem::cart_taken().about(owner);
    let mut response = problem.with(|members| members.checkout_token = Some(token)).into_response();
    set_location(&mut response, owner);
    response
}

impl Problem {
    /// Logs the cause, once, and tells the caller nothing of it.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(error = cause, "a request failed");
        Self::new(Slug::Internal, "the cause is in the log of the service, under the trace_id")
    }

    /// Why a goal did not end as it was meant to.
    fn outcome(answer: Answer, checkout: &Checkout, pays: bool) -> Option<Self> {
        Some(match answer {
            Answer::Done => return None,
            // Without a cart there is one way on, which is worth a word.
            Answer::Rejected(refused) if checkout.next_step() == Some(StepName::Cart) => {
                Self::rejected(&refused).next(checkout.next_step())
            }
            Answer::Rejected(refused) => Self::rejected(&refused),
            Answer::Without { coupon_codes, refused } => {
                Self::without(&coupon_codes, &refused).next(checkout.next_step())
            }
            Answer::Undeliverable => Self::of(Slug::NotDeliverable).next(checkout.next_step()),
            Answer::MethodUnavailable(refused) => Self::method_unavailable(&refused),
            Answer::CartTaken => Self::cart_taken(),
            Answer::NotPayable => Self::rejected(&UpstreamRejection::not_payable()),
            Answer::Declined(decline) => Self::declined(&decline),
            Answer::TotalChanged { agreed_total, grand_total, order_removed } => {
                Self::total_changed(agreed_total, grand_total, order_removed, checkout)
            }
            Answer::OutOfOrder => Self::out_of_order(checkout.next_step()),
            Answer::Unavailable { retry_after } => {
                Self::of(Slug::UpstreamUnavailable).retry_after(retry_after)
            }
            Answer::Stuck => return Self::was_stuck(checkout, pays),
            Answer::Closed => Self::of(Slug::CheckoutClosed),
        })
    }
    /// Of what a person had to look at: as it stands since. `None`: it is being gone on with.
    fn was_stuck(checkout: &Checkout, pays: bool) -> Option<Self> {
        Some(match checkout.status {
            _ if pays && payment_in_doubt(checkout) => Self::of(Slug::PaymentInDoubt),
            Status::Stuck => Self::of(Slug::CheckoutStuck),
            Status::Running | Status::Waiting => return None,
            Status::AwaitingInput => Self::out_of_order(checkout.next_step()),
            Status::Completed | Status::Compensating | Status::Cancelled | Status::Expired => {
                Self::of(Slug::CheckoutClosed)
            }
        })
    }
}

/// Whether nobody knows if the shopper was charged.
fn payment_in_doubt(checkout: &Checkout) -> bool {
    checkout.payment_in_doubt()
        || checkout.stuck.as_ref().is_some_and(|stuck| stuck.reason == StuckReason::PaymentUnknown)
}

/// How an operation is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseOptions<'a> {
    /// The status of success.
    pub(crate) done: StatusCode,
    /// Whether it pays.
    pub(crate) pays: bool,
    /// How long the caller wanted to wait.
    pub(crate) wait: Wait,
    /// Whether the answer was recorded before.
    pub(crate) replayed: bool,
    /// The token that was just made for the checkout. It is told even when a step failed, because the checkout can
    /// be gone on with: its cart was made, and its address, for example, was refused.
    pub(crate) token: Option<&'a str>,
}

impl ResponseOptions<'_> {
    /// The answer to an operation.
    pub(crate) fn answer(self, checkout: &Checkout, answer: Option<Answer>) -> Response {
        let snapshot = Snapshot::of(checkout).with_token(self.token);
        // An operator has resumed it.
        let goes_on = answer == Some(Answer::Stuck) && Problem::was_stuck(checkout, self.pays).is_none();
        let answer = answer.filter(|_| !goes_on);
        let mut response = match answer {
            None => accepted(checkout, &snapshot),
            Some(answer) => match Problem::outcome(answer, checkout, self.pays) {
                None => with_etag(self.done, checkout, &snapshot),
                Some(problem) => {
                    let problem = problem.about(checkout);
                    match self.token {
                        Some(token) => {
                            problem.with(|members| members.checkout_token = Some(token.to_owned()))
                        }
                        None => problem,
                    }
                    .into_response()
                }
            },
        };
        if self.token.is_some() {
            set_location(&mut response, checkout);
        }
        let headers = response.headers_mut();
        if self.wait.asked
            && let Ok(applied) = HeaderValue::try_from(self.wait.applied())
        {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// The snapshot of a checkout, with its version.
pub(crate) fn snapshot(checkout: &Checkout) -> Response {
    with_etag(StatusCode::OK, checkout, &Snapshot::of(checkout))
}

/// It goes on without the caller.
fn accepted(checkout: &Checkout, body: &impl Serialize) -> Response {
    let mut response = with_etag(StatusCode::ACCEPTED, checkout, body);
    let after = if checkout.status == Status::Waiting { RETRY_AFTER_WAITING } else { RETRY_AFTER_BUSY };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
    set_location(&mut response, checkout);
    response
}

/// Where the checkout is.
fn set_location(response: &mut Response, checkout: &Checkout) {
    if let Ok(location) = HeaderValue::try_from(format!("/v1/checkouts/{}", checkout.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
}

/// The entity tag of a checkout: its version.
pub(crate) fn etag(checkout: &Checkout) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", checkout.version)).ok()
}

fn with_etag(status: StatusCode, checkout: &Checkout, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    if let Some(tag) = etag(checkout) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (status, kind, bytes).into_response()
        }
        Err(error) => Problem::internal(&error.to_string()).into_response(),
    }
}
