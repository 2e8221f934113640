//! The files of the pages, inside the program. Their addresses change with their content, so browsers keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::answer::{Failed, guarded};

struct File {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const FILES: &[File] = &[
    File {
        name: "ops.css",
        kind: "text/css; charset=utf-8",
        content: include_str!("../../../assets/ops.css"),
    },
    File {
        name: "ops.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../../assets/ops.js"),
    },
    File { name: "icon.svg", kind: "image/svg+xml", content: include_str!("../../../assets/icon.svg") },
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for file in FILES {
        hash.update(file.content);
    }
    BASE64_URL_SAFE_NO_PAD.encode(hash.finalize().get(..9).unwrap_or_default())
});

/// The address of a file.
pub(super) fn url(name: &str) -> String {
    format!("/ops/assets/{name}?v={}", *VERSION)
}

/// A file. There is nothing secret in it, so anybody gets it: the sign-in page needs it.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return Failed::missing("There is no such file.").into_response();
    };
    let mut response = guarded(([(header::CONTENT_TYPE, file.kind)], file.content).into_response());
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}
