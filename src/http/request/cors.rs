//! Which pages may call this service from a browser.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config::Config;
use crate::http::request::trace::REQUEST_ID;
use crate::http::response::answer::{PREFERENCE_APPLIED, REPLAYED};

/// How long a browser may remember the answer.
const REMEMBER: Duration = Duration::from_mins(10);

/// The origins of all stores and of all publishable keys.
pub(crate) struct Origins(Vec<HeaderValue>);

impl Origins {
    /// Those of the configuration. Whether a key may be used from one of them is decided with the key.
    pub(crate) fn of(config: &Config) -> Self {
        let stores = config.stores.iter();
        let listed = stores.flat_map(|store| {
            let of_keys = store.storefront_keys.iter().flat_map(|key| &key.origins);
            store.cors_origins.iter().chain(of_keys)
        });
        let mut origins: Vec<HeaderValue> =
            listed.filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        origins.sort();
        origins.dedup();
        Self(origins)
    }

    /// The layer that answers preflights and marks answers.
    pub(crate) fn layer(&self) -> CorsLayer {
        let listed = self.0.clone();
        // What storefronts call, and nothing else: no page of another origin has any business with operators or metrics.
        let allowed = move |origin: &HeaderValue, request: &Parts| {
            request.uri.path().starts_with("/v1/") && listed.contains(origin)
        };
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(allowed))
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            // Whatever is asked for: the origins are listed, and pages add headers for tracing of which nobody has a list.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([
                header::ETAG,
                header::LOCATION,
                header::RETRY_AFTER,
                REPLAYED,
                PREFERENCE_APPLIED,
                REQUEST_ID,
            ])
            .max_age(REMEMBER)
    }
}
