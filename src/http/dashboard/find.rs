//! One field for whatever an operator was told: it leads to the checkout, or to the list of those it may be.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::answer::Failed;
use super::session::Viewer;
use super::words::address;
use crate::http::AppState;
use crate::ops::CheckoutId;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

/// Where it is.
pub(super) async fn page(
    State(state): State<AppState>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response, Failed> {
    let text = asked.q.trim();
    // The ids of checkouts and of carts look the same.
    if let Ok(id) = text.parse::<CheckoutId>()
        && state.ops(&viewer.actor).knows(id).await?
    {
        return Ok(Redirect::to(&format!("/ops/checkouts/{id}")).into_response());
    }
    Ok(Redirect::to(&address("/ops/checkouts", [(meant(text), text)])).into_response())
}

/// The filter that a text is meant for.
fn meant(text: &str) -> &'static str {
    if text.contains('@') {
        "email"
    } else if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        "order_id"
    } else {
        "cart_id"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_by_its_form_what_it_is() {
        for (text, filter) in [
            ("jane@example.com", "email"),
            ("125", "order_id"),
            ("b7a4a0b2-8a2f-4a5c-9a59-2f3a1c0c3c7e", "cart_id"),
            ("", "cart_id"),
        ] {
            assert_eq!(meant(text), filter, "{text}");
        }
    }
}
