//! Webhooks as hints: they make a checkout look, and never say what it will see.

use serde_json::Value;

use super::engine::Engine;
use super::operation::SubmitError;
use super::submit::unwritten;
use crate::db::{WebhookEvent, WebhookOutcome};

/// Why an event cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum HintError {
    /// It is no event of BigCommerce's.
    #[error("the event has no {0}")]
    Malformed(&'static str),
    /// It could not be stored; BigCommerce will send it again.
    #[error(transparent)]
    Refused(#[from] SubmitError),
}

impl Engine {
    /// Takes a webhook event of this store in, durably. The checkout that it is about looks at BigCommerce now.
    pub async fn hint(&self, store: &str, body: &str) -> Result<WebhookOutcome, HintError> {
        let event: Value = serde_json::from_str(body).map_err(|_| HintError::Malformed("JSON body"))?;
        // PostgreSQL has no text with a NUL in it.
        let word = |field| event[field].as_str().filter(|word| !word.contains('\0'));
        let scope = word("scope").ok_or(HintError::Malformed("scope"))?;
        let hash = word("hash").ok_or(HintError::Malformed("hash"))?;
        let (cart_id, order_id) = subject(scope, &event["data"]);
        let event = WebhookEvent { store, scope, hash, body, cart_id: cart_id.as_deref(), order_id };
        let taken =
            self.inner.db.take_webhook(&event, self.inner.settings.late_pause()).await.map_err(unwritten)?;
        tracing::info!(store, scope, taken = ?taken, "a webhook event came in");
        Ok(taken)
    }
}

/// The cart and the order that an event is about. The same thing has many names: `data.id` is an order in `order/*` and
/// a cart in `cart/*`, and `order_id`, `orderId` and `cart_id` come as numbers or as text.
fn subject(scope: &str, data: &Value) -> (Option<String>, Option<i64>) {
    let text = |field: &str| match &data[field] {
        Value::String(text) if !text.contains('\0') => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let number = |field: &str| text(field).and_then(|text| text.parse::<i64>().ok());
    let about_cart = scope.contains("/cart/");
    let cart = text("cart_id").or_else(|| text("id").filter(|_| about_cart));
    let order =
        number("order_id").or_else(|| number("orderId")).or_else(|| number("id").filter(|_| !about_cart));
    (cart, order)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_names_its_subject_in_many_ways() {
        let cart = || Some("c-1".to_owned());
        for (scope, data, expected) in [
            ("store/order/statusUpdated", json!({"type": "order", "id": 250}), (None, Some(250))),
            ("store/order/transaction/created", json!({"order_id": "121"}), (None, Some(121))),
            ("store/cart/converted", json!({"type": "cart", "id": "c-1", "orderId": 7}), (cart(), Some(7))),
            ("store/channel/1/cart/updated", json!({"cart_id": "c-1"}), (cart(), None)),
            ("store/channel/1/order/updated", json!({"order_id": 9}), (None, Some(9))),
            ("store/order/created", json!("nonsense"), (None, None)),
        ] {
            assert_eq!(subject(scope, &data), expected, "{scope}");
        }
    }
}
