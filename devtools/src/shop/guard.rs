//! Only this machine's own pages turn the dial: not a page of the internet that sends a request here, and not one whose name was made
//! to lead here.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Refuses what does not come from a page of this server, or from a program that is no browser.
pub(crate) async fn from_here(request: Request, next: Next) -> Response {
    if is_from_here(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "Only the example shop itself, opened on this machine, may do this.")
        .into_response()
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let is_local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let origin =
        headers.get(header::ORIGIN).map(|origin| origin.as_bytes() == format!("http://{host}").as_bytes());
    is_local && origin.unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_from_elsewhere_is_refused() {
        for (host, origin, expected) in [
            (Some("127.0.0.1:3000"), None, true),
            (Some("localhost:3000"), Some("http://localhost:3000"), true),
            (Some("[::1]:3000"), Some("http://[::1]:3000"), true),
            (Some("localhost"), None, true),
            (Some("127.0.0.1:3000"), Some("http://localhost:3000"), false),
            (Some("127.0.0.1:3000"), Some("http://127.0.0.1:5173"), false),
            (Some("127.0.0.1:3000"), Some("https://shop.example"), false),
            (Some("127.0.0.1:3000"), Some("null"), false),
            (Some("shop.example:3000"), Some("http://shop.example:3000"), false),
            (Some("127.0.0.1.shop.example"), None, false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            let given = [(header::HOST, host), (header::ORIGIN, origin)];
            for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                headers.insert(name, value.parse().expect("a value"));
            }
            assert_eq!(is_from_here(&headers), expected, "{host:?} {origin:?}");
        }
    }
}
