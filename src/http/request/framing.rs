//! What HTTP/1.1 demands of a request and the HTTP library lets pass (RFC 9112): one `Host`, and no coding of the body but chunks.

use axum::extract::Request;
use axum::http::header::{HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;

/// The layer.
pub(crate) async fn around(request: Request, next: Next) -> Response {
    match check(request.version(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(detail) => Problem::new(Slug::MalformedRequest, detail).into_response(),
    }
}

fn check(version: Version, headers: &HeaderMap) -> Result<(), &'static str> {
    if version == Version::HTTP_11 && headers.get_all(HOST).iter().count() != 1 {
        return Err("the request needs exactly one Host header");
    }
    // What is in the chunks would be read as if it were not encoded.
    let chunks = |value: &axum::http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    if headers.get_all(TRANSFER_ENCODING).iter().all(chunks) {
        Ok(())
    } else {
        Err("the only Transfer-Encoding that is taken is chunked")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_request_names_one_host_and_no_coding_but_chunks() {
        let checked = |version, pairs: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, HeaderValue::from_static(value));
            }
            check(version, &headers).is_ok()
        };
        let host = (HOST, "shop.example");
        assert!(checked(Version::HTTP_11, std::slice::from_ref(&host)) && checked(Version::HTTP_10, &[]));
        assert!(checked(Version::HTTP_11, &[host.clone(), (TRANSFER_ENCODING, "Chunked")]));
        assert!(!checked(Version::HTTP_11, &[]) && !checked(Version::HTTP_11, &[host.clone(), host.clone()]));
        assert!(!checked(Version::HTTP_11, &[host, (TRANSFER_ENCODING, "gzip, chunked")]));
    }
}
