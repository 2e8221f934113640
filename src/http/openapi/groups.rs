//! What the operations of `openapi.yaml` have in common: credentials, headers and problems, declared for each group of routes.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Required, SchemaFormat, Type};
use utoipa_axum::router::UtoipaMethodRouter;

use super::examples;
use crate::http::AppState;
use crate::http::openapi::schema::Named;
use crate::http::ops::queries;
use crate::http::request::shape::Object;

/// A group of operations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// One of these is needed; empty: none.
    credentials: &'static [&'static str],
    /// The statuses of its problems.
    problems: &'static [u16],
    /// More of them, for an operation with a body.
    of_body: &'static [u16],
    key: Option<Key>,
    /// What `Prefer` waits for.
    wait: Option<&'static str>,
    /// What `If-Match` does.
    if_match: Option<&'static str>,
}

/// How an operation takes an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Optional,
    /// A POST needs it; PUT and DELETE may be repeated without one.
    OfPosts,
}

const STEP: Option<&str> = Some("how long to wait for the step");
const OUTCOME: Option<&str> = Some("how long to wait for the outcome");
const VERSION: &str = "The `ETag` of the version you know: 412 if the checkout has changed.";
const AGREED_VERSION: &str = "The `ETag` of the version you know: 412 if the checkout has changed. A single version means \
    agreement to its total if `agreed_total` is not given.";

impl Group {
    /// Needs no credential.
    pub(crate) const PUBLIC: Self =
        Self { credentials: &[], problems: &[], of_body: &[], key: None, wait: None, if_match: None };
    /// Called by BigCommerce.
    pub(crate) const WEBHOOK: Self = Self {
        credentials: &["webhook_signature", "webhook_secret"],
        problems: &[400, 401, 413, 500, 503],
        ..Self::PUBLIC
    };
    /// Creates a checkout.
    pub(crate) const CREATE: Self = Self {
        credentials: &["storefront_key"],
        problems: &[400, 401, 403, 409, 422, 429, 500, 503],
        of_body: &[413, 415],
        key: Some(Key::OfPosts),
        wait: STEP,
        if_match: None,
    };
    /// Reads a checkout.
    pub(crate) const READ: Self = Self {
        credentials: &["storefront_key", "checkout_token"],
        problems: &[401, 403, 404, 409, 429, 500, 503],
        ..Self::PUBLIC
    };
    /// Follows a checkout.
    pub(crate) const FOLLOW: Self =
        Self { credentials: &["storefront_key", "checkout_token", "event_ticket"], ..Self::READ };
    /// Reads BigCommerce, too.
    pub(crate) const READ_UPSTREAM: Self =
        Self { problems: &[401, 403, 404, 409, 422, 429, 500, 503], ..Self::READ };
    /// Writes, but runs no step.
    pub(crate) const HAND_OFF: Self = Self {
        problems: &[400, 401, 403, 404, 409, 422, 429, 500, 503],
        of_body: &[413, 415],
        key: Some(Key::OfPosts),
        ..Self::READ
    };
    /// Runs steps.
    pub(crate) const STEP: Self = Self {
        problems: &[400, 401, 403, 404, 409, 412, 422, 429, 500, 503],
        wait: STEP,
        if_match: Some(VERSION),
        ..Self::HAND_OFF
    };
    /// Pays.
    pub(crate) const PAYMENT: Self = Self {
        problems: &[400, 401, 402, 403, 404, 409, 412, 422, 428, 429, 500, 503],
        if_match: Some(AGREED_VERSION),
        ..Self::STEP
    };
    /// Lists something for operators.
    pub(crate) const OPS_LIST: Self = Self {
        credentials: &["operator_token"],
        problems: &[400, 401, 403, 429, 500, 503],
        of_body: &[413, 415, 422],
        ..Self::PUBLIC
    };
    /// Reads one thing for operators.
    pub(crate) const OPS_READ: Self =
        Self { problems: &[400, 401, 403, 404, 429, 500, 503], ..Self::OPS_LIST };
    /// Starts a bulk action.
    pub(crate) const OPS_BEGIN: Self =
        Self { problems: &[400, 401, 403, 409, 429, 500, 503], ..Self::OPS_LIST };
    /// An operator's action on one thing.
    pub(crate) const OPS_ACTION: Self =
        Self { problems: &[400, 401, 403, 404, 409, 429, 500, 503], ..Self::OPS_LIST };
    /// An operator's action on an order that must not be done twice.
    pub(crate) const OPS_ONCE: Self = Self { key: Some(Key::OfPosts), wait: OUTCOME, ..Self::OPS_ACTION };
    /// The same, for one that is found again without a key.
    pub(crate) const OPS_SHIPMENT: Self = Self { key: Some(Key::Optional), ..Self::OPS_ONCE };

    /// These handlers, each described as one of the group.
    pub(crate) fn of(
        self,
        (schemas, mut paths, handlers): UtoipaMethodRouter<AppState>,
    ) -> UtoipaMethodRouter<AppState> {
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                self.complete(path, &method, operation);
            }
        }
        (schemas, paths, handlers)
    }

    fn complete(self, path: &str, method: &HttpMethod, operation: &mut Operation) {
        operation.security = Some(match self.credentials {
            [] => vec![SecurityRequirement::default()],
            names => names.iter().map(|name| SecurityRequirement::new(*name, Vec::<String>::new())).collect(),
        });
        add_example(operation);
        add_headers(operation);
        let queries = operation.operation_id.as_deref().map(queries).unwrap_or_default();
        self.add_parameters(path, method, operation, &queries);
        for status in self.problems {
            refer(operation, *status);
        }
        if operation.request_body.is_some() {
            for status in self.of_body {
                refer(operation, *status);
            }
        }
        if !queries.is_empty() {
            refer(operation, 422);
        }
    }

    fn add_parameters(self, path: &str, method: &HttpMethod, operation: &mut Operation, queries: &[&Object]) {
        let mut more = Vec::new();
        for field in queries.iter().flat_map(|object| object.fields) {
            let query = ParameterBuilder::new()
                .name(field.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(field.about))
                .schema(Some(field.shape.schema(&mut Named::new())));
            more.push(query.build().into());
        }
        if let Some(key) = self.key {
            let text =
                "1 to 255 visible ASCII characters; a new one for each new action, the same one for a retry.";
            let schema = text_schema().min_length(Some(1)).max_length(Some(255));
            let required = key == Key::OfPosts && *method == HttpMethod::Post;
            more.push(parameter("Idempotency-Key", ParameterIn::Header, required, text, schema));
        }
        if let Some(wait) = self.wait {
            let text = format!("`wait=<seconds>`: {wait}; 10 by default, at most 30; 0 answers at once.");
            let schema = text_schema().examples(["wait=10"]);
            more.push(parameter("Prefer", ParameterIn::Header, false, &text, schema));
        }
        if let Some(text) = self.if_match {
            let schema = text_schema().examples(["\"7\""]);
            more.push(parameter("If-Match", ParameterIn::Header, false, text, schema));
        }
        if more.is_empty() && !path.contains(CHECKOUT_ID) {
            return;
        }
        let parameters = operation.parameters.get_or_insert_with(Vec::new);
        if path.contains(CHECKOUT_ID) {
            let id = text_schema().format(Some(SchemaFormat::Custom("uuid".to_owned())));
            parameters.insert(0, parameter("id", ParameterIn::Path, true, "The checkout.", id));
        }
        parameters.append(&mut more);
    }
}

/// The parameter of a path that names a checkout.
const CHECKOUT_ID: &str = "{id}";

fn operations(item: &mut PathItem) -> Vec<(HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
    .collect()
}

/// It may answer with a problem of this status.
fn refer(operation: &mut Operation, status: u16) {
    let reference = Ref::from_response_name(format!("Problem{status}"));
    operation.responses.responses.insert(status.to_string(), RefOr::Ref(reference));
}

fn add_example(operation: &mut Operation) {
    let example = operation.operation_id.as_deref().and_then(examples::body);
    let Some(RefOr::T(body)) = operation.request_body.as_mut() else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content {
            content.example.clone_from(&example);
        }
    }
}

fn text_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn parameter(
    name: &str,
    place: ParameterIn,
    required: bool,
    about: &str,
    schema: ObjectBuilder,
) -> RefOr<Parameter> {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if required { Required::True } else { Required::False })
        .description(Some(about))
        .schema(Some(schema))
        .build()
        .into()
}

/// The headers of the answers that hold a checkout.
fn add_headers(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let holds_checkout = response.content.values().any(|content| match content {
            RefOr::T(content) => {
                matches!(&content.schema, Some(RefOr::Ref(to)) if to.ref_location.ends_with("/Checkout"))
            }
            RefOr::Ref(_) => false,
        });
        if !holds_checkout {
            continue;
        }
        let mut add = |name: &str, about: &str| {
            let header = HeaderBuilder::new().schema(Some(text_schema())).description(Some(about)).build();
            response.headers.insert(name.to_owned(), header.into());
        };
        add("ETag", "The version of the checkout.");
        if matches!(status.as_str(), "201" | "202") {
            add("Location", "The checkout.");
        }
        if status == "202" {
            add("Retry-After", "Seconds to wait before the next request.");
        }
        add(
            "Idempotent-Replayed",
            "`true` if the answer was recorded for an earlier request with the same key.",
        );
        add("Preference-Applied", "The wait that was applied.");
    }
}
