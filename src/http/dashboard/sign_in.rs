//! Signing in with an operator's token, and out.

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::answer::{Failed, html_page, see_other};
use super::form::{Fields, Posted};
use super::layout::{Page, plain};
use super::session::{
    COOKIE_NAME, LASTS, SIGN_IN_COOKIE, cookies, equal, is_same_origin, set_cookie, sign_in_token,
};
use crate::http::AppState;
use crate::http::limits::Client;

/// How long a sign-in form may stay open, in seconds.
const FORM_LASTS: i64 = 60 * 60;

/// The form.
pub(super) async fn page(headers: HeaderMap, query: Query<Vec<(String, String)>>) -> Response {
    let next = query.iter().find(|(name, _)| name == "next").map_or("/ops", |(_, next)| next.as_str());
    asked(&headers, StatusCode::OK, own(next), None)
}

/// The token was given.
pub(super) async fn enter(State(state): State<AppState>, request: Request) -> Result<Response, Response> {
    let client = request.extensions().get::<Client>().copied();
    let (headers, fields) = Fields::read(request).await?;
    let fits = |cookie| equal(&sign_in_token(cookie), fields.text("csrf"));
    if !is_same_origin(&headers) || !cookies(&headers, SIGN_IN_COOKIE).any(fits) {
        return Err(Failed::forged().into_response());
    }
    let next = own(fields.text("next"));
    let now = OffsetDateTime::now_utc();
    let actor = state.credentials().operator(fields.text("token"));
    let session = actor.and_then(|actor| state.sessions().begin(actor, now));
    let Some(session) = session else {
        let client = client.map(Client::text);
        tracing::warn!(client, "a sign-in to the dashboard was attempted with an unknown token");
        return Ok(asked(&headers, StatusCode::UNAUTHORIZED, next, Some("This is not an operator token.")));
    };
    let mut response = see_other(next);
    let given = set_cookie(&headers, COOKIE_NAME, &session, LASTS);
    let used = set_cookie(&headers, SIGN_IN_COOKIE, "", 0);
    for value in given.into_iter().chain(used) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    tracing::info!(actor = actor.map(|actor| &*actor.name), "an operator signed in to the dashboard");
    Ok(response)
}

/// The session ends in every process, or every session of the operator, and the cookie is taken back.
pub(super) async fn leave(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { viewer, fields }: Posted,
) -> Result<Response, Failed> {
    let everywhere = fields.text("everywhere") == "true";
    viewer.sign_out(&state, everywhere).await?;
    tracing::info!(actor = viewer.actor.name, everywhere, "an operator signed out of the dashboard");
    let mut response = see_other("/ops/sign-in");
    if let Some(value) = set_cookie(&headers, COOKIE_NAME, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// Only pages of ours are gone to afterwards.
fn own(next: &str) -> &str {
    let rest = next.strip_prefix("/ops");
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
        next
    } else {
        "/ops"
    }
}

fn asked(headers: &HeaderMap, status: StatusCode, next: &str, wrong: Option<&str>) -> Response {
    let kept = cookies(headers, SIGN_IN_COOKIE).find(|kept| kept.len() >= 20);
    let fresh = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
    let value = kept.unwrap_or(&fresh);
    let form = form(next, &sign_in_token(value), wrong);
    let mut response = html_page(status, plain(&Page { title: "Sign in", here: "", live: None }, &form));
    if let Some(cookie) = set_cookie(headers, SIGN_IN_COOKIE, value, FORM_LASTS) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn form(next: &str, csrf: &str, wrong: Option<&str>) -> Markup {
    html! {
        section.panel.sign-in {
            h1 { "Sign in" }
            p.muted { "With your operator token. The session ends after eight hours, or when you sign out." }
            @if let Some(wrong) = wrong {
                p.wrong #wrong role="alert" { (wrong) }
            }
            form method="post" action="/ops/sign-in" {
                input type="hidden" name="csrf" value=(csrf);
                input type="hidden" name="next" value=(next);
                label for="token" { "Operator token" }
                input #token type="password" name="token" required autocomplete="current-password" autofocus
                    aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong")];
                button.primary type="submit" { "Sign in" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for next in ["/ops", "/ops/stuck", "/ops?x=1", "/ops/checkouts?status=stuck&sort=-created_at"] {
            assert_eq!(own(next), next);
        }
        for wrong in [
            "",
            "//evil.example",
            "https://evil.example",
            "/opsx",
            "/ops\\evil",
            "/ops\r\nx: y",
            "/v1",
            "ops",
        ] {
            assert_eq!(own(wrong), "/ops", "{wrong:?}");
        }
    }
}
