//! `openapi.yaml`, generated from the routes, from the schemas that bodies are checked against and from the catalog of
//! problems.

pub(crate) mod bodies;
pub(crate) mod docs;
pub(crate) mod documents;
pub(crate) mod examples;
pub(crate) mod schema;

use serde_json::json;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required,
    ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::ops;
use super::problem::Document;
use crate::http::openapi::schema::Named;
use crate::http::problem::catalog::Slug;
use crate::http::problem::codes;
use crate::http::request::claims::Trust;
use crate::http::request::trust::CREDENTIALS;

/// The whole reference, as it is committed.
pub fn as_yaml() -> String {
    let text = generate().to_yaml().unwrap_or_default();
    let mut yaml = String::from("# Generated: cargo run -- openapi > openapi.yaml");
    for line in text.lines() {
        // How serde_json hands the exact text of a number to a writer that is not its own.
        if let Some(number) = line.trim_start().strip_prefix("$serde_json::private::Number: ") {
            yaml.push(' ');
            yaml.push_str(number.trim_matches('\''));
        } else {
            yaml.push('\n');
            yaml.push_str(line);
        }
    }
    yaml.push('\n');
    yaml
}

fn generate() -> OpenApi {
    let (_, mut api) = super::documented().split_for_parts();
    api.info = InfoBuilder::new()
        .title("headless-checkout")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
        ))
        .build();
    api.servers =
        Some(vec![utoipa::openapi::ServerBuilder::new().url("/").description(Some("This service.")).build()]);
    api.tags = Some(
        TAGS.iter()
            .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build())
            .collect(),
    );
    let components = api.components.get_or_insert_with(Default::default);
    for (name, about) in CREDENTIALS {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(*about)).build();
        components.add_security_scheme(*name, SecurityScheme::Http(scheme));
    }
    for (name, header, about) in WEBHOOK_CREDENTIALS {
        let scheme = ApiKey::Header(ApiKeyValue::with_description(*header, *about));
        components.add_security_scheme(*name, SecurityScheme::ApiKey(scheme));
    }
    let mut more = Vec::new();
    more.push((Document::name().into_owned(), Document::schema()));
    Document::schemas(&mut more);
    components.schemas.extend(more);
    components.schemas.extend(codes::schemas());
    for status in [400, 401, 402, 403, 404, 409, 412, 413, 415, 422, 428, 429, 500, 503] {
        components.responses.insert(format!("Problem{status}"), problem(status));
    }
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, &method, operation);
        }
    }
    api
}

const ABOUT: &str = "The checkout service for headless BigCommerce storefronts: never two paid orders, \
    never two charges, no lost checkouts. Money is a JSON number whose decimal text is passed through exactly. Times are RFC \
    3339 in UTC. Every problem is explained at its `type`.";

const TAGS: &[(&str, &str)] = &[
    ("Checkouts", "Create, read, follow and cancel checkouts."),
    ("Steps", "Addresses and shipping."),
    ("Cart", "Changes to the cart before the order exists."),
    ("Order", "The order and the hand-off to the hosted checkout."),
    ("Payment", "Paying."),
    ("Operators", "Read and act, with an operator's token. Every action needs a reason and has a dry run."),
    (
        "Orders",
        "Order management for operators: BigCommerce's orders, read as they are and changed with care.",
    ),
    ("Reference", "This reference and the explanations of problems."),
    ("Webhooks", "What BigCommerce calls."),
    ("Health", "Probes."),
];

/// Name, header and meaning.
const WEBHOOK_CREDENTIALS: &[(&str, &str, &str)] = &[
    (
        "webhook_signature",
        "webhook-signature",
        "Standard Webhooks, with `webhook-id` and `webhook-timestamp`; the key is the client secret of the API account.",
    ),
    ("webhook_secret", "X-Webhook-Secret", "The value of BIGCOMMERCE_WEBHOOK_SECRET."),
];

fn requirement(name: &str) -> SecurityRequirement {
    SecurityRequirement::new(name, Vec::<String>::new())
}

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

/// Adds what is the same for all: credentials, headers, problems.
fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    if path.starts_with("/webhooks/") {
        operation.security = Some(WEBHOOK_CREDENTIALS.iter().map(|(name, ..)| requirement(name)).collect());
        for status in [400, 401, 413, 500, 503] {
            refer(operation, status);
        }
        return;
    }
    if path.starts_with("/ops/") {
        complete_ops(path, method, operation);
        return;
    }
    if !path.starts_with("/v1/") {
        operation.security = Some(vec![SecurityRequirement::default()]);
        return;
    }
    let (about_one, writes) = (path.contains("{id}"), *method != HttpMethod::Get);
    let has_body = operation.request_body.is_some();
    let runs_steps = writes && !path.ends_with("/redirect-urls");
    let reads_upstream = path.ends_with("/order") || path.ends_with("/payment-methods");
    let mut credentials = vec![SecurityRequirement::new("storefront_key", Vec::<String>::new())];
    if about_one {
        credentials.push(SecurityRequirement::new("checkout_token", Vec::<String>::new()));
    }
    operation.security = Some(credentials);
    if path == "/v1/direct-orders" {
        let trust = Trust::Price.word().unwrap_or_default();
        operation.extensions = Some(ExtensionsBuilder::new().add("x-trust", trust).build());
    }
    add_example(operation);
    let parameters = operation.parameters.get_or_insert_with(Vec::new);
    if about_one {
        parameters.insert(0, checkout_id());
    }
    if writes {
        let text =
            "1 to 255 visible ASCII characters; a new one for each new action, the same one for a retry.";
        let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
        parameters.push(parameter(
            "Idempotency-Key",
            ParameterIn::Header,
            *method == HttpMethod::Post,
            text,
            key,
        ));
    }
    if runs_steps {
        let text = "`wait=<seconds>`: how long to wait for the step; 10 by default, at most 30; 0 \
            answers at once.";
        let wait = ObjectBuilder::new().schema_type(Type::String).examples(["wait=10"]);
        parameters.push(parameter("Prefer", ParameterIn::Header, false, text, wait));
    }
    if runs_steps && about_one {
        let text = if path.ends_with("/payment") || path.ends_with("/complete") {
            "The `ETag` of the version you know: 412 if the checkout has changed. A single version means \
                agreement to its total if `agreed_total` is not given."
        } else {
            "The `ETag` of the version you know: 412 if the checkout has changed."
        };
        let tag = ObjectBuilder::new().schema_type(Type::String).examples(["\"7\""]);
        parameters.push(parameter("If-Match", ParameterIn::Header, false, text, tag));
    }
    add_headers(operation);
    let pays = path.ends_with("/payment") || path.ends_with("/complete");
    add_problems(
        operation,
        &[
            (400, writes),
            (401, true),
            (402, pays),
            (403, true),
            (404, about_one),
            (409, about_one || writes),
            (412, runs_steps && about_one),
            (413, has_body),
            (415, has_body),
            (422, writes || reads_upstream),
            (428, pays),
            (429, true),
            (500, true),
            (503, true),
        ],
    );
}

/// The same for the operators' handlers.
fn complete_ops(path: &str, method: &HttpMethod, operation: &mut Operation) {
    operation.security = Some(vec![SecurityRequirement::new("operator_token", Vec::<String>::new())]);
    add_example(operation);
    let queries = operation.operation_id.as_deref().map(ops::queries).unwrap_or_default();
    let parameters = operation.parameters.get_or_insert_with(Vec::new);
    let (about_one, writes) = (path.contains("{id}"), *method != HttpMethod::Get);
    if about_one {
        parameters.insert(0, checkout_id());
    }
    for field in queries.iter().flat_map(|object| object.fields) {
        parameters.push(
            ParameterBuilder::new()
                .name(field.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(field.about))
                .schema(Some(field.shape.schema(&mut Named::new())))
                .build()
                .into(),
        );
    }
    if let Some(required) = takes_key(path, method) {
        let text =
            "1 to 255 visible ASCII characters; a new one for each new action, the same one for a retry.";
        let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
        parameters.push(parameter("Idempotency-Key", ParameterIn::Header, required, text, key));
        let text = "`wait=<seconds>`: how long to wait for the outcome; 10 by default, at most 30; 0 \
            answers at once.";
        let wait = ObjectBuilder::new().schema_type(Type::String).examples(["wait=10"]);
        parameters.push(parameter("Prefer", ParameterIn::Header, false, text, wait));
    }
    let has_body = operation.request_body.is_some();
    let answers = [
        (400, true),
        (401, true),
        (403, true),
        (404, path.contains('{') || path.ends_with("/verify")),
        (409, writes),
        (413, has_body),
        (415, has_body),
        (422, has_body || !queries.is_empty()),
        (429, true),
        (500, true),
        (503, true),
    ];
    add_problems(operation, &answers);
}

/// Whether an operators' handler takes an idempotency key, and whether it needs one.
fn takes_key(path: &str, method: &HttpMethod) -> Option<bool> {
    let posts = *method == HttpMethod::Post && path.starts_with("/ops/v1/orders/");
    match path.rsplit('/').next() {
        Some("refunds" | "capture" | "void") if posts => Some(true),
        Some("shipments") if posts => Some(false),
        _ => None,
    }
}

fn add_problems(operation: &mut Operation, answers: &[(u16, bool)]) {
    for (status, _) in answers.iter().filter(|(_, applies)| *applies) {
        refer(operation, *status);
    }
}

/// It may answer with a problem of this status.
fn refer(operation: &mut Operation, status: u16) {
    let reference = Ref::from_response_name(format!("Problem{status}"));
    operation.responses.responses.insert(status.to_string(), RefOr::Ref(reference));
}

fn checkout_id() -> RefOr<utoipa::openapi::path::Parameter> {
    let id = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(utoipa::openapi::SchemaFormat::Custom("uuid".to_owned())));
    parameter("id", ParameterIn::Path, true, "The checkout.", id)
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

fn parameter(
    name: &str,
    place: ParameterIn,
    required: bool,
    about: &str,
    schema: ObjectBuilder,
) -> RefOr<utoipa::openapi::path::Parameter> {
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
            let schema = ObjectBuilder::new().schema_type(Type::String);
            let header = HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build();
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

/// The problems of one status.
fn problem(status: u16) -> RefOr<utoipa::openapi::Response> {
    let entries = Slug::ALL.iter().map(|slug| slug.entry()).filter(|entry| entry.status == status);
    let slugs: Vec<String> =
        entries.clone().map(|entry| format!("`{}`: {}.", entry.slug, entry.title)).collect();
    let example = entries.clone().next().map(|entry| {
        json!({
            "type": format!("/problems/{}", entry.slug),
            "title": entry.title,
            "status": entry.status,
            "detail": entry.meaning,
            "code": entry.slug,
            "trace_id": "6f1c1a3e-6f0f-4f0e-9d3c-0d6a7c1b2e4f",
        })
    });
    let content = ContentBuilder::new().schema(Some(codes::of_status(status))).example(example).build();
    ResponseBuilder::new()
        .description(slugs.join(" "))
        .content("application/problem+json", content)
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_reference_is_what_the_code_says() {
        let committed = include_str!("../../../openapi.yaml");
        assert!(
            committed == super::as_yaml(),
            "openapi.yaml is out of date; run: cargo run -- openapi > openapi.yaml"
        );
    }
}
