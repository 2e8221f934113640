//! The reference: `openapi.yaml` as a file, and rendered. Everything comes from this program; nothing is loaded from
//! elsewhere.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::http::AppState;
use crate::http::openapi::as_yaml;
use crate::http::response::page;

static YAML: LazyLock<String> = LazyLock::new(as_yaml);

/// The reference as OpenAPI
#[utoipa::path(
    get, path = "/openapi.yaml", operation_id = "openapi", tag = "Reference",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/yaml")),
)]
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], YAML.as_str()).into_response()
}

/// Its own files only; the page writes styles and has its icons in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The reference as a page.
pub(crate) fn routes() -> Router<AppState> {
    // The validator of that page would ask a server elsewhere.
    let config = Config::new(["/openapi.yaml"]).validator_url("none").try_it_out_enabled(false);
    let page: Router<AppState> = SwaggerUi::new("/docs").config(config).into();
    page.layer(map_response(async |response| page::guarded(response, POLICY)))
}
