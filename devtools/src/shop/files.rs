//! The files of the pages and of the client, as they are in the working copy: an edit is seen with the next load.

use std::{path::Path, sync::Arc};

use axum::{
    extract::{Path as Segment, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::Shop;

/// Where the pages are, within the repository.
pub(crate) const PAGES: &str = "examples/shop";
/// Where the client is.
const CLIENT: &str = "clients/javascript/src";

/// A file of the shop.
pub(crate) async fn page(State(shop): State<Arc<Shop>>, uri: Uri) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    send(&shop.files.join(PAGES), path).await
}

/// A module of the client.
pub(crate) async fn client(State(shop): State<Arc<Shop>>, Segment(name): Segment<String>) -> Response {
    send(&shop.files.join(CLIENT), &name).await
}

async fn send(folder: &Path, path: &str) -> Response {
    let missing = || (StatusCode::NOT_FOUND, "There is no such page.").into_response();
    let Some(kind) = kind(path).filter(|_| is_plain(path)) else { return missing() };
    match tokio::fs::read(folder.join(path)).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => missing(),
    }
}

/// Whether it stays within its folder: names without anything that leads elsewhere.
fn is_plain(path: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    path.split('/').all(is_name)
}

/// The type of a file by its ending; `None`: nothing of that type is served.
fn kind(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// What every answer says: nothing but the shop's own files and the service.
pub(crate) async fn headers(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        shop.api
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // Not `no-store`: the browser would not keep the page for its back button.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_of_the_folder_is_named() {
        for path in ["index.html", "views/cart.js", "art/mug-1.svg"] {
            assert!(is_plain(path) && kind(path).is_some(), "{path}");
        }
        for path in
            ["../Cargo.toml", "a/../b.js", "/etc/a.js", "a//b.js", ".env.js", "a\\b.js", "%2e%2e/a.js", ""]
        {
            assert!(!is_plain(path), "{path}");
        }
        for path in ["README.md", "index", "a.json", ""] {
            assert!(kind(path).is_none(), "{path}");
        }
    }
}
