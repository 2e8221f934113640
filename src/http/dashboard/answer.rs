//! What a page is answered with: its headers, where to go next, and what went wrong.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{Page, plain};
use super::session::Viewer;
use crate::http::problem::Problem;
use crate::http::response::page;
use crate::ops::{ActionError, DbError, visible};
use crate::role::Role;

/// Only the service's own files, and no page inside another.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page with its headers. Whatever is on it, it hides nothing and reorders nothing.
pub(super) fn html_page(status: StatusCode, markup: Markup) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    guarded((status, kind, visible(&markup.into_string()).into_owned()).into_response())
}

/// With the headers that every answer of the dashboard has.
pub(super) fn guarded(response: Response) -> Response {
    page::guarded(response, POLICY)
}

/// Look there. `to` is a path of ours, encoded.
pub(super) fn see_other(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/ops"));
    guarded((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// What went wrong, for a person.
#[derive(Debug)]
pub(super) struct Failed {
    status: StatusCode,
    title: &'static str,
    detail: String,
    evidence: Vec<String>,
}

impl Failed {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), evidence: Vec::new() }
    }

    /// What was sent makes no sense.
    pub(super) fn bad(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "This cannot be read", detail)
    }

    /// There is nothing here.
    pub(super) fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", what)
    }

    /// A form that none of our pages sent.
    pub(super) fn forged() -> Self {
        let detail = "The form was not sent by a page of this session. Nothing was done. Go back, reload the page and try \
                      again.";
        Self::new(StatusCode::FORBIDDEN, "Nothing was done", detail)
    }

    /// The session ended meanwhile.
    pub(super) fn signed_out() -> Self {
        let detail = "Your session has ended. Nothing was done. Sign in and try again.";
        Self::new(StatusCode::UNAUTHORIZED, "You are signed out", detail)
    }
}

/// Who may not is told so first, whatever else is wrong. `least` is the role without which no form would do.
pub(super) fn unless_barred<E: Into<Failed>>(viewer: &Viewer, least: Role, wrong: E) -> Failed {
    if viewer.actor.role < least { ActionError::Forbidden { needs: least }.into() } else { wrong.into() }
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        if let DbError::Unreadable { .. } | DbError::Newer { .. } | DbError::Corrupt { .. } = error {
            tracing::error!(%error, "a page for operators cannot be shown");
            let detail = sentence(&error.to_string());
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "This cannot be shown", detail);
        }
        tracing::warn!(%error, "a page for operators could not be read");
        let detail =
            "The database does not answer. Checkouts continue as soon as it does; try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer", detail)
    }
}

impl From<ActionError> for Failed {
    fn from(refused: ActionError) -> Self {
        let (detail, evidence) = (sentence(&refused.to_string()), refused.evidence().to_vec());
        let problem = Problem::from(refused);
        let status = StatusCode::from_u16(problem.slug().entry().status).unwrap_or(StatusCode::CONFLICT);
        let in_doubt = status == StatusCode::INTERNAL_SERVER_ERROR || problem.may_be_recorded();
        let title = if in_doubt { "Check first" } else { "Nothing was done" };
        let detail = if status.is_server_error() { sentence(problem.detail()) } else { detail };
        Self { status, title, detail, evidence }
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.slug().entry().status).unwrap_or(StatusCode::BAD_REQUEST);
        let evidence = problem.errors();
        let detail = if evidence.is_empty() {
            sentence(problem.detail())
        } else {
            "Please correct the following:".to_owned()
        };
        Self { status, title: problem.slug().entry().title, detail, evidence }
    }
}

/// The page for what was refused before any page looked at it.
pub(in crate::http) fn refused(problem: Problem) -> Response {
    let after = problem.comes_back_after();
    let mut response = Failed::from(problem).into_response();
    if let Some(seconds) = after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Begins with a capital letter and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let body = html! {
            section.panel.notice role="alert" {
                h1 { (self.title) }
                p { (self.detail) }
                @if !self.evidence.is_empty() {
                    ul { @for line in &self.evidence { li { (line) } } }
                }
                p.actions {
                    @if self.status == StatusCode::UNAUTHORIZED {
                        a.button.primary href="/ops/sign-in" { "Sign in" }
                    } @else {
                        a.button href="/ops" { "To the overview" }
                    }
                }
            }
        };
        html_page(self.status, plain(&Page { title: self.title, here: "", live: None }, &body))
    }
}
