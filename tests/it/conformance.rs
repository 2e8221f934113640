//! Whether what the service answers is what `openapi.yaml` says. The harness asks about every answer that any test sees.
//!
//! An undocumented status, an undocumented media type, a body that does not fit its schema, and a path that is
//! answered without being described: each fails the test that saw it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// What was asked and answered.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    /// As it was sent, with the query.
    pub(crate) path: &'a str,
    /// The JSON body that was sent.
    pub(crate) sent: Option<&'a Value>,
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) text: &'a str,
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let document: Value = serde_yaml_ng::from_str(&text).expect("openapi.yaml is YAML");
    assert!(document["paths"].as_object().is_some_and(|paths| paths.len() > 15), "openapi.yaml has no paths");
    Reference { document, validators: Mutex::default() }
});

/// `openapi.yaml` and the validators that were made from it.
struct Reference {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An operation of the reference.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// With parameters in braces.
    pub(crate) path: String,
    /// Whether it takes a body.
    pub(crate) takes_body: bool,
    /// Whether it needs no credential.
    pub(crate) is_public: bool,
}

impl Operation {
    /// Whether BigCommerce calls it, with credentials of its own: `webhooks` tests those.
    pub(crate) fn is_of_bigcommerce(&self) -> bool {
        self.path.starts_with("/webhooks/")
    }
}

/// Every operation of the reference, in its order.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = REFERENCE.document["paths"].as_object().into_iter().flatten();
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if matches!(method.as_str(), "get" | "put" | "post" | "delete" | "patch") {
                let security = operation["security"].as_array();
                all.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    takes_body: operation.get("requestBody").is_some(),
                    is_public: security.is_none_or(|list| list.iter().all(|one| one == &json!({}))),
                });
            }
        }
    }
    all
}

/// Fails when an answer is not what the reference says.
#[track_caller]
pub(crate) fn check(exchange: &Exchange<'_>) {
    if let Err(why) = REFERENCE.judge(exchange) {
        panic!(
            "{} {} answered {}: {why}\n{}",
            exchange.method, exchange.path, exchange.status, exchange.text
        );
    }
}

/// Fails when this is not a checkout as the reference says.
#[track_caller]
pub(crate) fn check_snapshot(snapshot: &Value) {
    let schema = json!({"$ref": "#/components/schemas/Checkout"});
    if let Err(why) = REFERENCE.fits("an event", &schema, snapshot) {
        panic!("an event does not hold a checkout: {why}\n{snapshot:#}");
    }
}

impl Reference {
    fn judge(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let path = exchange.path.split('?').next().unwrap_or_default();
        if exchange.method == "OPTIONS" || path == "/docs" || path.starts_with("/docs/") {
            return Ok(());
        }
        // Pages are for people and not described; what a program is told there is a problem like every other.
        let is_page = path == "/ops" || (path.starts_with("/ops/") && !path.starts_with("/ops/v1/"));
        let is_problem = exchange.content_type.is_some_and(|kind| kind.contains("problem"));
        if is_page && !is_problem {
            return Ok(());
        }
        if is_page {
            return self.problem(exchange, &[400, 401, 403, 404, 405, 413, 503]);
        }
        let Some((template, item)) = self.find(path) else {
            return self
                .problem(exchange, &[404])
                .map_err(|why| format!("the path is not described, and {why}"));
        };
        let method = if exchange.method == "HEAD" { "GET" } else { exchange.method };
        let Some(operation) = item.get(method.to_lowercase()) else {
            return self
                .problem(exchange, &[405])
                .map_err(|why| format!("the method is not described, and {why}"));
        };
        let response = &operation["responses"][exchange.status.to_string()];
        if response.is_null() {
            return Err(format!("the status is not described for {method} {template}"));
        }
        let response = self.resolve(response)?;
        if exchange.method != "HEAD" {
            self.body(&format!("{method} {template} {}", exchange.status), response, exchange)?;
        }
        if (200..300).contains(&exchange.status)
            && let Some(sent) = exchange.sent
        {
            let schema = &self.resolve(&operation["requestBody"])?["content"]["application/json"]["schema"];
            if schema.is_null() {
                return Err("a body was taken, but none is described".to_owned());
            }
            self.fits(&format!("{method} {template} request"), schema, sent)
                .map_err(|why| format!("a body was taken that is not described: {why}"))?;
        }
        Ok(())
    }

    /// The description of a path. One that is written out comes before one with parameters.
    fn find(&self, path: &str) -> Option<(&String, &Value)> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let described: Vec<&str> = template.split('/').collect();
            described.len() == parts.len()
                && described.iter().zip(&parts).all(|(described, part)| {
                    described == part || (described.starts_with('{') && !part.is_empty())
                })
        };
        let mut found: Vec<_> =
            self.document["paths"].as_object()?.iter().filter(|(template, _)| fits(template)).collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        found.into_iter().next()
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = value["$ref"].as_str() else { return Ok(value) };
        let pointer = reference.strip_prefix('#').ok_or_else(|| format!("{reference} leads elsewhere"))?;
        self.document.pointer(pointer).ok_or_else(|| format!("{reference} leads nowhere"))
    }

    fn body(&self, place: &str, response: &Value, exchange: &Exchange<'_>) -> Result<(), String> {
        let described = response["content"].as_object().filter(|content| !content.is_empty());
        let Some(described) = described else {
            return if exchange.text.is_empty() { Ok(()) } else { Err("no body is described".to_owned()) };
        };
        let sent = exchange.content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let content =
            described.get(sent).ok_or_else(|| format!("the media type {sent:?} is not described"))?;
        if !sent.ends_with("json") {
            return Ok(());
        }
        let body: Value =
            serde_json::from_str(exchange.text).map_err(|error| format!("the body is no JSON: {error}"))?;
        self.fits(&format!("{place} {sent}"), &content["schema"], &body)?;
        if sent == "application/problem+json" {
            return consistent(exchange.status, &body);
        }
        Ok(())
    }

    /// Whether an answer is a problem with one of these statuses.
    fn problem(&self, exchange: &Exchange<'_>, statuses: &[u16]) -> Result<(), String> {
        if !statuses.contains(&exchange.status) {
            return Err(format!("the answer is not one of {statuses:?}"));
        }
        if exchange.method == "HEAD" {
            return Ok(());
        }
        let response = json!({"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
        self.body("problem", &response, exchange)
    }

    /// Whether a value fits a schema, whose references lead into the reference. `place` names the schema.
    fn fits(&self, place: &str, schema: &Value, value: &Value) -> Result<(), String> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = if let Some(known) = validators.get(place) {
            Arc::clone(known)
        } else {
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": self.document["components"], "allOf": [schema],
            });
            let made = jsonschema::draft202012::new(&whole)
                .map_err(|error| format!("the schema of {place} is wrong: {error}"))?;
            let made = Arc::new(made);
            validators.insert(place.to_owned(), Arc::clone(&made));
            made
        };
        drop(validators);
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }
}

/// What a schema cannot say of a problem.
fn consistent(status: u16, problem: &Value) -> Result<(), String> {
    let code = problem["code"].as_str().unwrap_or_default();
    if problem["type"] != format!("/problems/{code}") {
        return Err("the type of the problem is not that of its code".to_owned());
    }
    if problem["status"] != status {
        return Err("the status of the problem is not the status of the answer".to_owned());
    }
    let (told, needed) = (!problem["errors"].is_null(), code == "invalid-input");
    if told != needed && !(told && code == "forbidden") {
        return Err("errors belong to invalid-input and to forbidden, and to nothing else".to_owned());
    }
    Ok(())
}

fn judged(method: &str, path: &str, status: u16, content_type: &str, text: &str) -> Result<(), String> {
    let content_type = Some(content_type).filter(|kind| !kind.is_empty());
    REFERENCE.judge(&Exchange { method, path, sent: None, status, content_type, text })
}

#[test]
fn answers_that_are_not_described_are_caught() {
    let problem = |code: &str, status: u16| {
        json!({"type": format!("/problems/{code}"), "title": "t", "status": status, "detail": "d", "code": code,
            "trace_id": "x"})
        .to_string()
    };
    let (json_type, problem_type) = ("application/json", "application/problem+json");
    assert_eq!(judged("GET", "/healthz", 200, json_type, r#"{"status":"ok"}"#), Ok(()));
    assert_eq!(
        judged("GET", "/v1/checkouts/1", 404, problem_type, &problem("checkout-not-found", 404)),
        Ok(())
    );
    assert_eq!(judged("GET", "/nowhere", 404, problem_type, &problem("not-found", 404)), Ok(()));
    assert_eq!(judged("PATCH", "/healthz", 405, problem_type, &problem("method-not-allowed", 405)), Ok(()));
    for (wrong, reason) in [
        (judged("GET", "/healthz", 418, json_type, "{}"), "status is not described"),
        (judged("GET", "/healthz", 200, json_type, "{}"), "status"),
        (judged("GET", "/healthz", 200, json_type, "ok"), "no JSON"),
        (judged("GET", "/healthz", 200, "text/html", "ok"), "media type"),
        (judged("GET", "/nowhere", 200, json_type, "{}"), "path is not described"),
        (judged("PATCH", "/healthz", 200, json_type, "{}"), "method is not described"),
        (judged("GET", "/v1/checkouts/1", 200, json_type, "{}"), "required"),
        (judged("GET", "/v1/checkouts/1", 404, json_type, &problem("not-found", 404)), "media type"),
        (
            judged("GET", "/v1/checkouts/1", 404, problem_type, &problem("not-found", 400)),
            "status of the problem",
        ),
        (judged("GET", "/v1/checkouts/1", 404, problem_type, &problem("no-such-word", 404)), "no-such-word"),
        (judged("DELETE", "/v1/checkouts/1", 422, problem_type, &problem("invalid-input", 422)), "oneOf"),
    ] {
        let said = wrong.expect_err(reason);
        assert!(said.contains(reason), "{said} should tell of {reason}");
    }
}

#[test]
fn a_body_that_was_taken_must_be_described() {
    let text = "{}";
    let exchange = |sent| Exchange {
        method: "PUT",
        path: "/v1/checkouts/1/customer-message",
        sent: Some(sent),
        status: 200,
        content_type: Some("application/json"),
        text,
    };
    let schema = &REFERENCE.document["paths"]["/v1/checkouts/{id}/customer-message"]["put"]["requestBody"];
    assert!(schema.is_object());
    let sent = json!({"customer_mesage": "a slip"});
    let said = REFERENCE.judge(&exchange(&sent)).expect_err("it is wrong twice");
    assert!(said.contains("required"), "{said}");
}

#[test]
fn every_schema_of_the_reference_can_be_read() {
    let schemas = REFERENCE.document["components"]["schemas"].as_object().expect("schemas");
    assert!(schemas.len() > 30);
    for name in schemas.keys() {
        let schema = json!({"$ref": format!("#/components/schemas/{name}")});
        // Whether null fits does not matter: the schema has to compile, with everything it refers to.
        if let Err(why) = REFERENCE.fits(name, &schema, &Value::Null) {
            assert!(!why.contains("is wrong"), "{why}");
        }
    }
}

#[test]
fn the_reference_describes_every_call_of_the_contract() {
    let described: Vec<String> =
        operations().iter().map(|operation| format!("{} {}", operation.method, operation.path)).collect();
    for call in [
        "POST /v1/checkouts",
        "GET /v1/checkouts/{id}",
        "DELETE /v1/checkouts/{id}",
        "PUT /v1/checkouts/{id}/billing-address",
        "PUT /v1/checkouts/{id}/consignments",
        "PUT /v1/checkouts/{id}/shipping-options",
        "POST /v1/checkouts/{id}/items",
        "PUT /v1/checkouts/{id}/items/{item_id}",
        "DELETE /v1/checkouts/{id}/items/{item_id}",
        "POST /v1/checkouts/{id}/coupons",
        "DELETE /v1/checkouts/{id}/coupons/{code}",
        "PUT /v1/checkouts/{id}/customer-message",
        "POST /v1/checkouts/{id}/order",
        "GET /v1/checkouts/{id}/order",
        "GET /v1/checkouts/{id}/payment-methods",
        "POST /v1/checkouts/{id}/payment",
        "POST /v1/checkouts/{id}/complete",
        "POST /v1/checkouts/{id}/redirect-urls",
        "GET /v1/checkouts/{id}/events",
        "POST /v1/checkouts/{id}/event-tickets",
        "POST /v1/direct-orders",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /openapi.yaml",
        "GET /ops/v1/summary",
        "GET /ops/v1/checkouts",
        "GET /ops/v1/checkouts/{id}",
        "GET /ops/v1/checkouts/{id}/why",
        "POST /ops/v1/checkouts/{id}/restart",
        "POST /ops/v1/checkouts/{id}/pause",
        "POST /ops/v1/checkouts/{id}/resume",
        "POST /ops/v1/checkouts/{id}/cancel",
        "POST /ops/v1/checkouts/{id}/resolve",
        "POST /ops/v1/checkouts/{id}/close",
        "POST /ops/v1/checkouts/{id}/revoke-tokens",
        "POST /ops/v1/bulk",
        "GET /ops/v1/bulk/{bulk_id}",
        "GET /ops/v1/audit",
    ] {
        assert!(described.iter().any(|known| known == call), "{call} is not described");
    }
}
