//! The reference: `openapi.yaml` as a file, and rendered. Everything comes from this program; nothing is loaded from
//! elsewhere.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::http::AppState;
use crate::http::openapi::as_yaml;

static YAML: LazyLock<String> = LazyLock::new(as_yaml);

/// The reference as OpenAPI
#[utoipa::path(
    get, path = "/openapi.yaml", operation_id = "openapi", tag = "Reference",
    responses((status = 200, description = "OpenAPI 3.1", body = String, content_type = "application/yaml")),
)]
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], YAML.as_str()).into_response()
}

/// The reference as a page.
pub(crate) fn routes() -> Router<AppState> {
    // The validator of that page would ask a server elsewhere.
    let config = Config::new(["/openapi.yaml"]).validator_url("none").try_it_out_enabled(false);
    SwaggerUi::new("/docs").config(config).into()
}
