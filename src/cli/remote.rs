//! Actions through the running service (`/ops/v1`), as the bearer of `OPERATOR_TOKEN`.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::act::{ActionFailure, Done};
use super::output::Exit;
use crate::app;
use crate::config;
use crate::ops::{Action, CheckoutId};

/// How long an answer may take; a finding is checked against BigCommerce meanwhile.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// A running service.
pub(super) struct Remote {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Remote {
    /// The service at this URL; the one that listens on this machine when none is given.
    pub(super) fn new(url: Option<String>) -> anyhow::Result<Self> {
        let url = match url {
            Some(url) => {
                let url = url.trim_end_matches('/').to_owned();
                anyhow::ensure!(
                    url.starts_with("https://") || (url.starts_with("http://") && config::is_loopback(&url)),
                    "--service must be an https URL, or http on this machine: elsewhere the operator's token could be read \
                     on the way"
                );
                url
            }
            None => format!("http://{}", config::reachable(config::ops_addr()?)),
        };
        let token = config::environment("OPERATOR_TOKEN").filter(|token| !token.is_empty()).context(
            "OPERATOR_TOKEN is not set: it proves to the service who acts (or use --direct with DATABASE_URL)",
        )?;
        let http = app::http_client(Duration::from_secs(10))?;
        Ok(Self { http, url, token })
    }

    /// Asks for one action.
    #[expect(clippy::disallowed_methods, reason = "the service is not BigCommerce")]
    pub(super) async fn act(
        &self,
        id: CheckoutId,
        action: &Action,
        reason: &str,
        dry_run: bool,
    ) -> Result<Done, ActionFailure> {
        let mut body = json!({"reason": reason, "dry_run": dry_run});
        if let (Some(body), Some(more)) = (body.as_object_mut(), action.detail().as_object()) {
            body.extend(more.clone());
        }
        let url = format!("{}/ops/v1/checkouts/{id}/{}", self.url, action.name());
        let sent = self
            .http
            .post(&url)
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .timeout(REQUEST_TIMEOUT)
            .body(body.to_string())
            .send()
            .await;
        let response = sent.map_err(|error| {
            let connect = error.is_connect();
            let detail = if connect {
                format!("{} does not answer (is the service down? --direct works without it)", self.url)
            } else {
                format!("{} gave no answer: whether it was done is not known", self.url)
            };
            ActionFailure { exit: Exit::Error, code: "no-answer".to_owned(), detail, evidence: Vec::new() }
        })?;
        let status = response.status().as_u16();
        let text = response.text().await.ok();
        let value = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        match value {
            // Another server may be there, or the answer was cut off: only a report says that it was done.
            Some(report) if (200..300).contains(&status) && report["action"].is_string() => Ok(Done(report)),
            _ if (200..300).contains(&status) => {
                let detail = format!(
                    "{} answered {status} without a report: whether it was done is not known",
                    self.url
                );
                let code = "no-answer".to_owned();
                Err(ActionFailure { exit: Exit::Error, code, detail, evidence: Vec::new() })
            }
            value => Err(problem(status, &value.unwrap_or_default())),
        }
    }
}

fn problem(status: u16, value: &Value) -> ActionFailure {
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    // What refused it says more than the kind of the problem.
    let code = match text("guard") {
        guard if guard.is_empty() => text("code"),
        guard => guard,
    };
    let exit = match status {
        404 if code == "checkout-not-found" => Exit::NotFound,
        403 | 409 | 412 | 422 => Exit::Refused,
        _ => Exit::Error,
    };
    let detail = match text("detail") {
        detail if detail.is_empty() => format!("the service answered {status}"),
        detail => detail,
    };
    let evidence = value["evidence"].as_array().into_iter().flatten();
    let evidence = evidence.filter_map(Value::as_str).map(str::to_owned).collect();
    ActionFailure { exit, code, detail, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_decides_how_the_command_exits() {
        for (status, code, expected) in [
            (404, "checkout-not-found", Exit::NotFound),
            (404, "not-found", Exit::Error),
            (403, "forbidden", Exit::Refused),
            (409, "refused-by-guard", Exit::Refused),
            (401, "unauthorized", Exit::Error),
            (500, "internal", Exit::Error),
            (503, "upstream-unavailable", Exit::Error),
        ] {
            let problem = problem(status, &json!({"code": code, "detail": "so", "evidence": ["a", 1]}));
            assert_eq!(problem.exit, expected, "{status}");
            assert_eq!((problem.code.as_str(), problem.evidence), (code, vec!["a".to_owned()]));
        }
        let guarded = json!({"code": "refused-by-guard", "guard": "at-rest", "detail": "so"});
        assert_eq!(problem(409, &guarded).code, "at-rest");
    }
}
