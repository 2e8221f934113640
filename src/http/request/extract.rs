//! What a request brings along: the checkout that it is about, its headers and its body. The order of checks is the
//! order of these: who asks (401, 403), about what (404), and only then what is wrong with the request (4xx).

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use futures::StreamExt as _;
use time::OffsetDateTime;
use zeroize::{Zeroize as _, Zeroizing};

use crate::checkout::{Answer, Checkout, CheckoutId, Decline, IdempotencyKey};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Principal;
use crate::http::request::json;
use crate::http::request::json::Body;
use crate::http::request::prefer::{Tags, Wait};
use crate::http::request::trace::Trace;
use crate::saga;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The checkout of the path, which the caller may see.
#[derive(Debug)]
pub(crate) struct Target {
    /// Which.
    pub(crate) id: CheckoutId,
    /// Who asks.
    pub(crate) principal: Principal,
}

/// How long after the end of a checkout its token shows names and addresses: as long as somebody comes back to the confirmation.
const SHOWN_AFTER_THE_END: time::Duration = time::Duration::DAY;

impl Target {
    /// Whether a shopper acts, and not a server of the shop.
    pub(crate) fn is_of_shopper(&self) -> bool {
        matches!(self.principal, Principal::Checkout(_))
    }

    /// The checkout as its caller may see it.
    pub(crate) fn seen(&self, checkout: Checkout) -> Checkout {
        let mut seen = if self.is_bare(&checkout) { checkout.redacted() } else { checkout };
        if self.is_of_shopper()
            && let Some(payment) = seen.facts.payment.as_mut()
        {
            payment.decline = payment.decline.take().map(Decline::for_the_shopper);
        }
        seen
    }

    /// What became of a request, as its caller may know it.
    pub(crate) fn told(&self, answer: Answer) -> Answer {
        match answer {
            Answer::Declined(decline) if self.is_of_shopper() => Answer::Declined(decline.for_the_shopper()),
            answer => answer,
        }
    }

    /// Whether the caller sees no personal data any more: a token may lie in a browser for months.
    pub(crate) fn is_bare(&self, checkout: &Checkout) -> bool {
        self.is_of_shopper()
            && checkout.status.is_final()
            && OffsetDateTime::now_utc() - checkout.updated_at > SHOWN_AFTER_THE_END
    }
}

impl FromRequestParts<AppState> for Target {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let principal = Principal::from_request_parts(parts, state).await?;
        principal.may_act()?;
        let not_found = || Problem::of(Slug::CheckoutNotFound);
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let text = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value);
        let id: CheckoutId = text.and_then(|text| text.parse().ok()).ok_or_else(not_found)?;
        let admitted = match &principal {
            Principal::Checkout(own) => *own == id,
            Principal::Server { store, .. } => state.engine().store_of(id).await?.as_ref() == Some(store),
            Principal::Page { .. } => false,
        };
        if !admitted {
            return Err(not_found());
        }
        if let Some(trace) = parts.extensions.get::<Trace>() {
            trace.set_checkout(id);
        }
        state.count_checkout(id, &principal, &parts.method)?;
        Ok(Self { id, principal })
    }
}

/// What the headers of a writing request ask for.
#[derive(Debug)]
pub(crate) struct WriteHeaders {
    /// The idempotency key; always there for a POST.
    pub(crate) key: Option<IdempotencyKey>,
    /// How long to wait.
    pub(crate) wait: Wait,
    if_match: Option<Tags>,
}

impl FromRequestParts<AppState> for WriteHeaders {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let key = idempotency_key(&parts.headers)?;
        if parts.method == Method::POST && key.is_none() {
            return Err(Problem::of(Slug::KeyMissing));
        }
        let wait = Wait::of(parts.headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()));
        Ok(Self { key, wait, if_match: if_match(&parts.headers)? })
    }
}

impl WriteHeaders {
    /// The request as the saga takes it. A list of versions is decided here, because the saga knows one only.
    pub(crate) async fn request(
        &self,
        state: &AppState,
        target: &Target,
        operation: &str,
        canonical: &str,
    ) -> Result<saga::Request, Problem> {
        let seen = match &self.if_match {
            None | Some(Tags::Any) => None,
            // No checkout has version -1.
            Some(Tags::Versions(versions)) => Some(match versions.as_slice() {
                [one] => saga::Seen { version: one.unwrap_or(-1), alone: true },
                several => {
                    let version = state.engine().snapshot(target.id).await?.version;
                    let version = if several.contains(&Some(version)) { version } else { -1 };
                    saga::Seen { version, alone: false }
                }
            }),
        };
        Ok(self.bind(&target.principal, operation, &target.id.to_string(), canonical, seen))
    }

    /// The request that creates a checkout.
    pub(crate) fn creation(&self, principal: &Principal, operation: &str, canonical: &str) -> saga::Request {
        self.bind(principal, operation, "", canonical, None)
    }

    fn bind(
        &self,
        principal: &Principal,
        operation: &str,
        target: &str,
        canonical: &str,
        if_match: Option<saga::Seen>,
    ) -> saga::Request {
        let is_public = principal.is_public();
        let principal = principal.scope();
        let fingerprint = json::fingerprint(&principal, operation, target, canonical);
        saga::Request { principal, key: self.key.clone(), fingerprint, if_match, is_public, payer: None }
    }
}

/// The idempotency key, where there is one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let wrong = || {
        let detail = "Idempotency-Key must be given once and consist of 1 to 255 visible ASCII characters";
        Problem::new(Slug::MalformedRequest, detail)
    };
    if all.next().is_some() {
        return Err(wrong());
    }
    let text = value.to_str().map_err(|_| wrong())?;
    text.parse().map(Some).map_err(|_| wrong())
}

fn if_match(headers: &HeaderMap) -> Result<Option<Tags>, Problem> {
    let values: Vec<&str> =
        headers.get_all(IF_MATCH).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    if values.is_empty() {
        return Ok(None);
    }
    let wrong =
        || Problem::new(Slug::MalformedRequest, "If-Match must be a list of entity tags such as \"7\", or *");
    Tags::parse(&values.join(",")).map(Some).ok_or_else(wrong)
}

/// A JSON body that has to be there.
pub(crate) struct Json(pub(crate) Body);

/// A JSON body that may be left out, which is the same as an empty object.
pub(crate) struct MaybeJson(pub(crate) Body);

impl FromRequest<AppState> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = read(request, state.body_limit()).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<AppState> for MaybeJson {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let kind = require_json(request.headers());
        let bytes = read(request, state.body_limit()).await?;
        if bytes.is_empty() {
            return Ok(Self(Body::from(serde_json::json!({}))));
        }
        kind?;
        parse(&bytes).map(Self)
    }
}

fn parse(bytes: &[u8]) -> Result<Body, Problem> {
    json::parse(bytes).map_err(|reason| Problem::new(Slug::MalformedRequest, reason))
}

/// `application/json`, with no charset but UTF-8.
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if json && utf8 { Ok(()) } else { Err(Problem::of(Slug::UnsupportedMediaType)) }
}

/// A body that is compressed would be read as if it were not.
fn require_plain(headers: &HeaderMap) -> Result<(), Problem> {
    let encoded = |value: &axum::http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(encoded) {
        let detail = "the body has a Content-Encoding; send it as it is, without compression";
        return Err(Problem::new(Slug::UnsupportedMediaType, detail));
    }
    Ok(())
}

/// Reads a body into memory that is overwritten afterwards, because there may be a card number in it.
pub(crate) async fn read(request: Request, limit: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    require_plain(request.headers())?;
    let too_large = || Problem::new(Slug::PayloadTooLarge, format!("the body is larger than {limit} bytes"));
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    // In one piece from the start, as far as it is known: growing leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(limit.min(16 * 1024))));
    let mut frames = request.into_body().into_data_stream();
    let all = async {
        while let Some(frame) = frames.next().await {
            let frame =
                frame.map_err(|_| Problem::new(Slug::MalformedRequest, "the body ended too early"))?;
            if body.len() + frame.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&frame);
            if let Ok(mut ours) = frame.try_into_mut() {
                ours.as_mut().zeroize();
            }
        }
        Ok(())
    };
    match tokio::time::timeout(BODY_TIMEOUT, all).await {
        Ok(read) => read?,
        Err(_) => return Err(Problem::new(Slug::MalformedRequest, "the body did not arrive in time")),
    }
    Ok(body)
}
