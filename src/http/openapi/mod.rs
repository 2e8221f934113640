//! `openapi.yaml`, generated from the routes, from the schemas that bodies are checked against and from the catalog of
//! problems. [`groups`] declares what the operations have in common.

pub(crate) mod bodies;
pub(crate) mod docs;
pub(crate) mod documents;
pub(crate) mod examples;
pub(crate) mod groups;
pub(crate) mod schema;

use serde_json::json;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Document;
use crate::http::problem::catalog::Slug;
use crate::http::problem::codes;
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
    let ticket = ApiKeyValue::with_description(
        "ticket",
        "A ticket for the event stream of one checkout, for one minute.",
    );
    components.add_security_scheme("event_ticket", SecurityScheme::ApiKey(ApiKey::Query(ticket)));
    let mut more = Vec::new();
    more.push((Document::name().into_owned(), Document::schema()));
    Document::schemas(&mut more);
    components.schemas.extend(more);
    components.schemas.extend(codes::schemas());
    for status in [400, 401, 402, 403, 404, 409, 412, 413, 415, 422, 428, 429, 500, 503] {
        components.responses.insert(format!("Problem{status}"), problem(status));
    }
    api
}

const ABOUT: &str = "The checkout service for headless BigCommerce storefronts: never two paid orders, \
    never two charges, no lost checkouts. Money is a JSON number whose decimal text is passed through exactly. Times are RFC \
    3339 in UTC. Every problem is explained at its `type`.";

const TAGS: &[(&str, &str)] = &[
    ("Checkouts", "Create, read, follow and cancel checkouts."),
    ("Steps", "Addresses and shipping."),
    ("Cart", "Changes to the cart until the order is paid. An unpaid order is canceled first."),
    ("Order", "The order and the hand-off to the hosted checkout."),
    ("Payment", "Paying."),
    ("Operators", "Read and act, with an operator token. Every action needs a reason and has a dry run."),
    ("Orders", "Order management for operators: read and change BigCommerce's orders."),
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
