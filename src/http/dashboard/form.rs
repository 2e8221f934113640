//! A submitted form: by whom, from where, and its fields. A form without the token of its session is refused
//! before its fields are read.

use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};

use super::answer::Failed;
use super::session::{Viewer, viewer_of};
use crate::http::AppState;
use crate::http::request::extract::read;

/// A form is never longer, in bytes.
const LIMIT: usize = 16 * 1024;

/// The fields of a form.
pub(super) struct Fields(Vec<(String, String)>);

/// A form of an operator who is signed in.
pub(super) struct Posted {
    /// Who sent it.
    pub(super) viewer: Viewer,
    /// What was sent.
    pub(super) fields: Fields,
}

impl Fields {
    /// Reads them.
    pub(super) async fn read(request: Request) -> Result<(HeaderMap, Self), Response> {
        let headers = request.headers().clone();
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let unreadable = || Failed::bad("The form cannot be read.").into_response();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(unreadable());
        }
        let body = read(request, LIMIT).await.map_err(IntoResponse::into_response)?;
        // The same form as a query, so the same reader.
        let text = std::str::from_utf8(&body).map_err(|_| unreadable())?;
        let uri = format!("/?{text}").parse().map_err(|_| unreadable())?;
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
        Ok((headers, Self(pairs.map_err(|_| unreadable())?.0)))
    }

    /// A field; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// What is left without these fields.
    pub(super) fn without(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect()
    }
}

impl FromRequest<AppState> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (viewer, request) = viewer_of(request, state).await?;
        let (headers, fields) = Fields::read(request).await?;
        if viewer.sent(&headers, fields.text("csrf")) {
            Ok(Self { viewer, fields })
        } else {
            Err(Failed::forged().into_response())
        }
    }
}
