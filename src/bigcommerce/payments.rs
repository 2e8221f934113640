//! Payments (BigCommerce: payments/accepted-methods, access-tokens, process_payments).
//!
//! Guarantees: a payment is one request, on the payments host, with the payment access token and nothing else to
//! authenticate it; tokens and card data are in no type that can be printed. What a refused payment means is decided by
//! [`PaymentClass`], where doubt is always [`PaymentClass::Ambiguous`]: nothing here lets a caller conclude "not charged"
//! from silence.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};

use super::{
    Answer, Call, Client, Error, OrderId, as_is, document, instrument::PaymentRequest, lenient, rows,
    transport::Request,
};
use crate::secret::Secret;

/// The payments of a store, for one call.
#[derive(Clone, Copy)]
pub struct Payments<'a> {
    client: &'a Client,
    cx: &'a Call,
}

impl Client {
    /// Payments.
    pub const fn payments<'a>(&'a self, cx: &'a Call) -> Payments<'a> {
        Payments { client: self, cx }
    }
}

/// What the accepted methods are asked for; BigCommerce wants one of the two.
#[derive(Debug, Clone, Copy)]
pub enum PaymentFor<'a> {
    /// An order that is Incomplete (409 with 30101 for any other).
    Order(OrderId),
    /// A checkout.
    Checkout(&'a str),
}

impl Payments<'_> {
    /// The methods that are accepted, with the shopper's stored instruments.
    pub async fn methods(&self, payment_for: PaymentFor<'_>) -> Result<Answer<Vec<PaymentMethod>>, Error> {
        let request = Request::api("payment.methods", Method::GET, &["v3", "payments", "methods"]);
        let request = match payment_for {
            PaymentFor::Order(id) => request.query("order_id", Some(id)),
            PaymentFor::Checkout(id) => request.query("checkout_id", Some(id)),
        };
        self.client.call(self.cx, request, rows(PaymentMethod::parse)).await
    }

    /// Makes a payment access token. Harmless to repeat; 409 with 30101 when the order is no longer Incomplete, which
    /// fences off a second charge.
    pub async fn create_access_token(&self, order_id: OrderId) -> Result<Answer<AccessToken>, Error> {
        let segments = ["v3", "payments", "access_tokens"];
        let body = json!({ "order": { "id": order_id.get(), "is_recurring": false } });
        let request = Request::api("payment.create_access_token", Method::POST, &segments).json(&body);
        self.client
            .call(self.cx, request, document(|body| AccessToken::parse(lenient::innermost(&body))))
            .await
    }

    /// Pays. **Not idempotent, and there is no way to ask for its result by an id.** Unless the error's class says that
    /// it is certain, a charge may exist.
    pub async fn process(
        &self,
        token: &AccessToken,
        payment: &PaymentRequest,
    ) -> Result<Answer<PaymentAnswer>, Error> {
        let request = Request::payment("payment.process", &token.token, payment.body());
        self.client
            .call(self.cx, request, document(|body| PaymentAnswer::parse(lenient::innermost(&body))))
            .await
    }
}

/// A method that the store accepts. `raw` holds tokens of stored instruments: for the shopper, not for a log.
#[derive(Clone)]
pub struct PaymentMethod {
    /// Such as `stripe.card`: the `payment_method_id` of a payment.
    pub id: String,
    /// What the shopper reads.
    pub name: Option<String>,
    /// BigCommerce's `type`.
    pub kind: Option<String>,
    /// Whether it is in test mode.
    pub test_mode: bool,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl PaymentMethod {
    fn parse(raw: Value) -> Option<Self> {
        Some(Self {
            id: lenient::filled(&raw, "id")?,
            name: lenient::filled(&raw, "name"),
            kind: lenient::filled(&raw, "type"),
            // Shown only; nothing is decided by it.
            test_mode: lenient::flag(&raw, "test_mode").unwrap_or(false),
            raw: as_is(raw)?,
        })
    }

    /// The last four digits of the stored instrument with this token, for display.
    pub fn last_4_of(&self, token: &str) -> Option<String> {
        let stored = lenient::list(&self.raw, "stored_instruments").iter();
        let mut matching =
            stored.filter(|instrument| lenient::filled(instrument, "token").as_deref() == Some(token));
        lenient::filled(matching.next()?, "last_4")
    }
}

/// Permission to pay one order once, for an hour. Cannot be printed, compared or cloned.
pub struct AccessToken {
    token: Secret,
    claims: Option<Claims>,
}

/// What the token says about itself. It cannot be verified here: good for checks, not for proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The token's id, which may be stored.
    pub jti: Option<String>,
    /// When it expires, in seconds since 1970 on BigCommerce's clock.
    pub exp: Option<i64>,
    /// When it was issued, on the same clock. `exp - iat` is how long it lives, whatever our clock says.
    pub iat: Option<i64>,
    /// What will be charged, in minor units of the currency.
    pub amount_minor: Option<i64>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// The order that will be paid.
    pub order_id: Option<OrderId>,
}

impl AccessToken {
    fn parse(body: &Value) -> Option<Self> {
        let token = Secret::new(lenient::filled(body, "id")?);
        // A token that fits into no header could never be used.
        HeaderValue::from_str(token.expose()).ok()?;
        let claims = Claims::decode(token.expose());
        Some(Self { token, claims })
    }

    /// What the token says about itself; `None` when it is in no form that we know, which is no error.
    pub const fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }
}

impl Claims {
    fn decode(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload =
            payload.chars().filter(|char| !char.is_whitespace() && *char != '=').collect::<String>();
        let payload = URL_SAFE_NO_PAD.decode(&payload).or_else(|_| STANDARD_NO_PAD.decode(&payload)).ok()?;
        let payload: Value = serde_json::from_slice(&payload).ok()?;
        let data = payload.get("data").unwrap_or(&Value::Null);
        payload.is_object().then(|| Self {
            jti: lenient::filled(&payload, "jti"),
            exp: lenient::integer(&payload, "exp"),
            iat: lenient::integer(&payload, "iat"),
            amount_minor: lenient::integer(data, "amount"),
            currency: lenient::filled(data, "currency"),
            order_id: lenient::integer(data, "order_id").and_then(OrderId::new),
        })
    }
}

/// What BigCommerce answered to a payment that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentAnswer {
    /// The transaction's id, which cannot be asked about later.
    pub id: Option<String>,
    /// Whether it is settled.
    pub status: PaymentStatus,
    /// What was done.
    pub transaction_type: TransactionType,
}

/// Whether a payment is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentStatus {
    /// It is.
    Success,
    /// Accepted, settling: not paid yet, never to be charged again.
    Pending,
    /// Something undocumented, or nothing: treat as unknown.
    Other(String),
}

/// What a payment did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionType {
    /// The money was taken.
    Purchase,
    /// The money was reserved.
    Authorization,
    /// Something undocumented, or nothing.
    Other(String),
}

impl TransactionType {
    /// BigCommerce's word.
    pub fn name(&self) -> &str {
        match self {
            Self::Purchase => "purchase",
            Self::Authorization => "authorization",
            Self::Other(other) => other,
        }
    }
}

impl PaymentAnswer {
    fn parse(body: &Value) -> Option<Self> {
        // An empty document says nothing at all about the payment.
        body.as_object().filter(|map| !map.is_empty())?;
        // A word that is missing is none of those below: `Other`, which nobody takes for success, nor for a decline.
        let status = lenient::text(body, "status").unwrap_or_default();
        let transaction_type = lenient::text(body, "transaction_type").unwrap_or_default();
        Some(Self {
            id: lenient::filled(body, "id"),
            status: match status.to_ascii_lowercase().as_str() {
                "success" => PaymentStatus::Success,
                "pending" => PaymentStatus::Pending,
                _ => PaymentStatus::Other(status),
            },
            transaction_type: match transaction_type.to_ascii_lowercase().as_str() {
                "purchase" => TransactionType::Purchase,
                "authorization" => TransactionType::Authorization,
                _ => TransactionType::Other(transaction_type),
            },
        })
    }
}

/// What to do about a payment, or the making of its token, that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentClass {
    /// Certainly not charged; another instrument may work. 30102 also stands for an expired token.
    Declined,
    /// A charge may exist: find out before anything else.
    Ambiguous,
    /// The order is in another status, or BigCommerce saw the payment before (30101, 30105): a charge probably exists.
    StopAndReconcile,
    /// Not charged: the order changed since the token was made (30004). Read the order, then make another token.
    MintAgain,
    /// Not charged: the gateway is not set up (30000, 30001, 30002); for operators.
    Configuration,
    /// Not charged: the request is wrong (10001, 30003) and stays wrong.
    RequestWrong,
    /// No token was made (30100): ask for one again later.
    RetryMint,
    /// Certainly not executed (never connected, 429): may be sent again.
    NotExecuted,
}

impl PaymentClass {
    /// The class of a code (BigCommerce: payments, error codes). No code, or an unknown one, is in doubt.
    pub const fn of_code(code: Option<i64>) -> Self {
        match code {
            Some(30_051 | 30_102 | 30_103 | 30_104 | 30_106 | 30_107) => Self::Declined,
            Some(30_101 | 30_105) => Self::StopAndReconcile,
            Some(30_004) => Self::MintAgain,
            Some(30_000..=30_002) => Self::Configuration,
            Some(10_001 | 30_003) => Self::RequestWrong,
            Some(30_100) => Self::RetryMint,
            _ => Self::Ambiguous,
        }
    }

    /// The class of a failed payment: a code counts only on a refusal (4xx), because a server error tells nothing about
    /// what had been done by then; and a refusal without a code, from whatever stood in between, is in doubt.
    pub const fn of_error(error: &Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::NotExecuted,
            Error::Unknown(_) => Self::Ambiguous,
            Error::Rejected(rejection) | Error::Moved(rejection) => Self::of_code(rejection.code),
        }
    }

    /// Whether it is certain that nothing was charged.
    pub const fn is_certainly_not_charged(self) -> bool {
        !matches!(self, Self::Ambiguous | Self::StopAndReconcile)
    }
}

#[cfg(test)]
#[path = "payments_tests.rs"]
mod tests;
