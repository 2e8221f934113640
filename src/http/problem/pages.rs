//! The explanations that the `type` of a problem leads to.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};

use crate::http::problem::Problem;
use crate::http::problem::catalog::{Entry, Slug};

/// List the problems
#[utoipa::path(
    get, path = "/problems", operation_id = "listProblems", tag = "Reference",
    responses((status = 200, description = "Every problem", content((String = "text/plain"), (String = "text/html")))),
)]
pub(crate) async fn list(headers: HeaderMap) -> Response {
    page(&headers, "Problems", Slug::ALL.iter().map(|slug| slug.entry()))
}

/// Explain a problem
///
/// What it means and what the storefront should do; as text, or as HTML where `Accept` asks for it.
#[utoipa::path(
    get, path = "/problems/{slug}", operation_id = "explainProblem", tag = "Reference",
    params(("slug" = String, Path, description = "The last part of a problem's `type`.")),
    responses(
        (status = 200, description = "The explanation", content((String = "text/plain"), (String = "text/html"))),
        (status = 404, description = "There is no such problem", body = crate::http::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn explain(Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let slug = Slug::find(&slug).ok_or_else(|| Problem::new(Slug::NotFound, "there is no such problem"))?;
    Ok(page(&headers, slug.entry().title, std::iter::once(slug.entry())))
}

fn page<'a>(headers: &HeaderMap, title: &str, entries: impl Iterator<Item = &'a Entry>) -> Response {
    let wants_html = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if wants_html {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
             <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}</style>\n"
        );
        for entry in entries {
            let _ = writeln!(
                html,
                "<h1>{}</h1>\n<p><code>/problems/{}</code>, status {}; {}</p>\n<h2>What it means</h2>\n<p>{}</p>\n\
                 <h2>What to do</h2>\n<p>{}</p>\n<h2>What may be shown to the shopper</h2>\n<p>{}</p>",
                entry.title,
                entry.slug,
                entry.status,
                again(entry),
                escaped(entry.meaning),
                escaped(entry.advice),
                escaped(entry.shopper)
            );
        }
        return ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    }
    let mut text = String::new();
    for entry in entries {
        let _ = writeln!(
            text,
            "{}\n/problems/{}, status {}; {}\n\nWhat it means: {}\nWhat to do: {}\nWhat may be shown to the shopper: {}\n",
            entry.title,
            entry.slug,
            entry.status,
            again(entry),
            entry.meaning,
            entry.advice,
            entry.shopper
        );
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn again(entry: &Entry) -> &'static str {
    if entry.retryable { "the same request may succeed later" } else { "the same request will not succeed" }
}

/// The table is ours; only what HTML would take for markup has to be written differently.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
