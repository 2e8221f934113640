//! The checks at the door: credentials, `Accept`, `Content-Type`, and a body that is JSON.

use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::call::Call;
use crate::router::Family;
use crate::settings::Settings;

/// What the payments host demands in `Accept` and answers in `Content-Type`.
const PAYMENTS_TYPE: &str = "application/vnd.bc.v1+json";

/// An error in the shape of the family.
fn refuse(family: Family, status: u16, title: &str) -> Answer {
    match family {
        Family::V2 => answer::v2(status, title),
        Family::V3 => answer::problem(status, title),
        Family::Payments => Answer::json(
            status,
            &json!({"status": status, "title": title, "type": answer::STATUS_CODES, "code": 10_001}),
        ),
    }
}

/// Credentials and media types. The payments host checks its own `Authorization`.
pub(crate) fn check(call: &Call, family: Family, settings: &Settings) -> Result<(), Answer> {
    if family != Family::Payments {
        let token = call.header("x-auth-token").unwrap_or("").trim();
        let known = settings.accepted_tokens.is_empty()
            || settings.accepted_tokens.iter().any(|known| known == token);
        if token.is_empty() || !known {
            return Err(refuse(family, 401, "Unauthorized"));
        }
    }
    let accept = call.all("accept");
    let accepted = match (family, accept.as_deref()) {
        (Family::Payments, None) => false,
        (Family::Payments, Some(accept)) => accept.split(',').any(|part| names(part, PAYMENTS_TYPE)),
        (_, None) => true,
        (_, Some(accept)) => accept
            .split(',')
            .any(|part| ["application/json", "*/*", "application/*"].iter().any(|known| names(part, known))),
    };
    if !accepted {
        return Err(refuse(family, 406, "Not acceptable: the Accept header cannot be satisfied."));
    }
    let content_type = call.header("content-type");
    let json = content_type.is_some_and(|value| names(value, "application/json"));
    if !json && (content_type.is_some() || !call.bytes.is_empty()) {
        return Err(refuse(family, 415, "Unsupported media type: the body must be application/json."));
    }
    Ok(())
}

/// Whether one part of a header names a media type, whatever its parameters.
fn names(part: &str, wanted: &str) -> bool {
    part.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(wanted)
}

/// The body as JSON; null when there is none.
pub(crate) fn body(call: &Call, family: Family) -> Result<Value, Answer> {
    if call.bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&call.bytes)
        .map_err(|_| refuse(family, 400, "The request body is not valid JSON."))
}

/// The payments host answers in its own media type.
pub(crate) fn typed(mut answer: Answer, family: Family) -> Answer {
    if family == Family::Payments {
        answer.content_type = PAYMENTS_TYPE;
    }
    answer
}
