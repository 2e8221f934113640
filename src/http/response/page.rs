//! The headers of a page.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

const HEADERS: [(&str, &str); 4] = [
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// With the headers that keep other sites out of a page, and this policy for what it may load.
pub(crate) fn guarded(mut response: Response, policy: &'static str) -> Response {
    let policy = ("content-security-policy", policy);
    for (name, value) in HEADERS.into_iter().chain([policy]) {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
