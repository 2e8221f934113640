//! Where BigCommerce's webhooks come in. They are hints: the answer is given when the event is stored, and what is true
//! is read from BigCommerce.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::config::Config;
use crate::http::AppState;
use crate::http::api::webhook_signature::{Secrets, is_authentic};
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::extract::read;
use crate::http::response::answer::json;
use crate::saga::HintError;
use crate::secret::Secret;

/// A store that webhooks may come from.
pub(crate) struct Sender {
    name: String,
    producer: String,
    client_secret: Option<Secret>,
    webhook_secret: Option<Secret>,
}

impl Sender {
    /// Those of the configuration.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        let sender = |store: &crate::config::Store| Self {
            name: store.name.clone(),
            producer: format!("stores/{}", store.store_hash),
            client_secret: store.client_secret.clone(),
            webhook_secret: store.webhook_secret.clone(),
        };
        config.stores.iter().map(sender).collect()
    }

    fn secrets(&self) -> Secrets<'_> {
        Secrets {
            client_secret: self.client_secret.as_ref().map(Secret::expose),
            webhook_secret: self.webhook_secret.as_ref().map(Secret::expose),
        }
    }
}

/// The event is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// `stored`.
    status: &'static str,
}

/// Receive a webhook from BigCommerce
///
/// Either the signature of Standard Webhooks (with the client secret of the API account) or the header
/// `X-Webhook-Secret` must match. A duplicate event gets the same answer.
#[utoipa::path(
    post, path = "/webhooks/bigcommerce", operation_id = "takeWebhook", tag = "Webhooks",
    request_body(content = Object, content_type = "application/json", description = "An event, as BigCommerce sends it"),
    responses((status = 200, description = "The event is stored", body = Receipt)),
)]
pub(crate) async fn take(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let body = read(request, state.body_limit()).await?;
    let forged = || {
        let detail = "neither the signature nor X-Webhook-Secret fits a store that is configured here";
        Problem::new(Slug::Unauthorized, detail)
    };
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    // What cannot be read names no sender, and is refused as forged.
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    // Which store it claims to come from is only believed when the secret of that very store fits.
    let sender = state.senders().iter().find(|sender| event["producer"] == *sender.producer);
    let sender = sender.filter(|sender| is_authentic(sender.secrets(), &headers, &body, now));
    let (Some(sender), Ok(text)) = (sender, std::str::from_utf8(&body)) else { return Err(forged()) };
    match state.engine().hint(&sender.name, text).await {
        Ok(_) => Ok(json(StatusCode::OK, &Receipt { status: "stored" })),
        Err(HintError::Malformed(what)) => {
            Err(Problem::new(Slug::MalformedRequest, format!("the event has no {what}")))
        }
        Err(HintError::Refused(refusal)) => Err(refusal.into()),
    }
}
