//! What the simulator answers, and the error shapes of each family of BigCommerce's API.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Where BigCommerce's problems point to.
pub(crate) const STATUS_CODES: &str =
    "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes";

/// One answer: status, extra headers and the exact bytes of the body.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

/// What a handler gives back; the error is an answer too.
pub(crate) type Reply = Result<Answer, Answer>;

impl Answer {
    /// A JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
        }
    }

    /// The V3 envelope.
    pub(crate) fn data(status: u16, data: &Value) -> Self {
        Self::json(status, &json!({"data": data, "meta": {}}))
    }

    /// One page of a V3 collection with its pagination.
    pub(crate) fn page(rows: &[Value], page: usize, limit: usize) -> Self {
        let (total, limit) = (rows.len(), limit.max(1));
        let shown: Vec<&Value> = rows.iter().skip(page.saturating_sub(1) * limit).take(limit).collect();
        let link = |page: usize| format!("?page={page}&limit={limit}");
        let mut links = Map::new();
        if page > 1 {
            links.insert("previous".into(), link(page - 1).into());
        }
        links.insert("current".into(), link(page).into());
        if page * limit < total {
            links.insert("next".into(), link(page + 1).into());
        }
        let pagination = json!({
            "total": total, "count": shown.len(), "per_page": limit, "current_page": page,
            "total_pages": total.div_ceil(limit).max(1), "links": links,
        });
        Self::json(200, &json!({"data": shown, "meta": {"pagination": pagination}}))
    }

    /// 204 and other answers without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content_type: "", body: Bytes::new() }
    }

    /// A gateway's HTML page.
    pub(crate) fn html(status: u16) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body>upstream error</body>\r\n</html>"
        );
        Self { status, headers: Vec::new(), content_type: "text/html", body: Bytes::from(body) }
    }

    /// The same answer with one more header.
    pub(crate) fn with_header(mut self, name: &str, value: &impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// A V3 problem.
pub(crate) fn problem(status: u16, title: &str) -> Answer {
    Answer::json(status, &json!({"status": status, "title": title, "type": STATUS_CODES}))
}

/// A V3 problem that names one field.
pub(crate) fn invalid(field: &str, message: &str) -> Answer {
    let mut errors = Map::new();
    errors.insert(field.to_owned(), message.into());
    let title = format!("{field}: {message}");
    Answer::json(422, &json!({"status": 422, "title": title, "type": STATUS_CODES, "errors": errors}))
}

/// A V3 resource that is not there.
pub(crate) fn not_found(title: &str) -> Answer {
    Answer::json(
        404,
        &json!({"status": 404, "title": title, "type": STATUS_CODES, "instance": "", "errors": {}}),
    )
}

/// The 404 of `GET checkout`, which has a shape of its own.
pub(crate) fn checkout_not_found() -> Answer {
    let error = json!({
        "status": 404, "title": "Checkout not found.", "type": STATUS_CODES,
        "detail": "The checkout does not exist, has expired or was converted to an order.",
    });
    Answer::json(404, &json!({"errors": [error]}))
}

/// The 409 of a stale `version` on a cart or checkout.
pub(crate) fn version_conflict() -> Answer {
    let title = "The request cannot be processed due to a possible conflict. Please review the changes and try again.";
    problem(409, title)
}

/// A V2 error: an array with one row.
pub(crate) fn v2(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!([{"status": status, "message": message}]))
}

/// A V2 error that names the reason of an invalid field.
pub(crate) fn v2_invalid(field: &str, reason: &str) -> Answer {
    let message = format!("The field '{field}' is invalid.");
    Answer::json(
        400,
        &json!([{"status": 400, "message": message, "details": {"invalid_reason": reason, "field": field}}]),
    )
}

/// An error of the payments family, with its code.
pub(crate) fn payment(status: u16, code: u32) -> Answer {
    payment_detail(status, code, None)
}

/// An error of the payments family with fields that were wrong.
pub(crate) fn payment_detail(status: u16, code: u32, errors: Option<(&str, &str)>) -> Answer {
    let mut body =
        json!({"status": status, "title": payment_title(code), "type": STATUS_CODES, "code": code});
    if let Some((field, message)) = errors {
        let mut map = Map::new();
        map.insert(field.to_owned(), message.into());
        body["errors"] = Value::Object(map);
    }
    Answer::json(status, &body)
}

/// The documented wording of a payment code.
fn payment_title(code: u32) -> &'static str {
    match code {
        10_000 => "We're experiencing difficulty processing your transaction. Please try again later.",
        10_001 => "Missing or invalid data.",
        30_000 => "The payment gateway is not configured.",
        30_001 => "Merchant payment configuration is not configured correctly.",
        30_002 => "Vaulting payment instruments is disabled.",
        30_003 => "Order does not exist.",
        30_004 => "Validation on line items and grand total on order failed.",
        30_050 => "Payment instrument could not be saved.",
        30_051 => "Stored payment instrument could not be found for the shopper.",
        30_100 => "Payment access token could not be created.",
        30_101 => "Order is not in a correct status.",
        30_102 => "Your card details could not be verified. Please double check them and try again.",
        30_103 => "Your card has expired. Please try again with a valid card.",
        30_104 => {
            "There was a problem processing your payment. Please contact your card issuer or try again later."
        }
        30_105 => {
            "This is a duplicate transaction. Please contact us to confirm your order. Do not try to pay again."
        }
        30_106 => "The payment was declined due to insufficient funds.",
        30_107 => "The authorization was revoked.",
        _ => "The payment could not be processed.",
    }
}
