//! The doors to the operators' room: HTTP, the command line, which goes through HTTP, and the dashboard.

use std::fmt;
use std::process::Stdio;

use headless_checkout::ops::{Action, ActionRequest, Assertion};
use headless_checkout::role::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{actor, case, id};
use crate::dashboard::{Visitor, hidden};
use crate::harness::{OPERATOR, PATIENCE, Service};

/// Through what an action is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    /// None: what a test does beside what it is about.
    Room,
    Http,
    CommandLine,
    Dashboard,
}

tokio::task_local! {
    static DOOR: Door;
}

/// Runs a test whose actions go through this door.
pub(crate) async fn through(door: Door, test: impl Future<Output = ()>) {
    DOOR.scope(door, test).await;
}

/// Makes each of these into a test for each door.
macro_rules! through_each_door {
    ($($test:ident),+ $(,)?) => {
        mod on_the_dashboard {
            $(#[tokio::test] async fn $test() {
                crate::operators::doors::through(crate::operators::doors::Door::Dashboard, super::$test()).await;
            })+
        }
        mod over_http {
            $(#[tokio::test] async fn $test() {
                crate::operators::doors::through(crate::operators::doors::Door::Http, super::$test()).await;
            })+
        }
        mod from_the_command_line {
            $(#[tokio::test] async fn $test() {
                crate::operators::doors::through(crate::operators::doors::Door::CommandLine, super::$test()).await;
            })+
        }
    };
}
pub(crate) use through_each_door;

/// What was done.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status_before: String,
    pub(crate) status_after: String,
}

/// Why nothing was done.
#[derive(Debug)]
pub(crate) struct Denied {
    name: String,
    detail: String,
    evidence: Vec<String>,
}

impl Denied {
    /// What refused it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What BigCommerce shows.
    pub(crate) fn evidence(&self) -> &[String] {
        &self.evidence
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {:?}", self.name, self.detail, self.evidence)
    }
}

/// Does something as an operator who may do everything, through the door of the test.
pub(crate) async fn act(service: &Service, path: &str, action: &Action) -> Result<Done, Denied> {
    match DOOR.try_with(|door| *door).unwrap_or(Door::Room) {
        Door::Room => in_the_room(service, path, action).await,
        Door::Http => over_http(service, path, action).await,
        Door::CommandLine => from_the_command_line(service, path, action).await,
        Door::Dashboard => on_the_dashboard(service, path, action).await,
    }
}

async fn in_the_room(service: &Service, path: &str, action: &Action) -> Result<Done, Denied> {
    let actor = actor(Role::Money);
    let ask = ActionRequest { actor: &actor, reason: "a test", dry_run: false };
    match service.ops().act(id(path), action, ask).await {
        Ok(report) => Ok(Done {
            status_before: report.status_before.to_owned(),
            status_after: report.status_after.to_owned(),
        }),
        Err(refused) => Err(Denied {
            name: refused.name().to_owned(),
            detail: refused.to_string(),
            evidence: refused.evidence().to_vec(),
        }),
    }
}

async fn over_http(service: &Service, path: &str, action: &Action) -> Result<Done, Denied> {
    let mut body = action.detail();
    body["reason"] = json!("a test");
    let path = format!("/ops{path}/{}", action.name());
    let answer = service.operate(Method::POST, &path, OPERATOR, Some(&body)).await;
    if answer.status == 200 {
        assert_eq!(answer.body["checkout"]["status"], answer.body["status_after"], "{}", answer.text);
        return Ok(done(&answer.body));
    }
    let guard = answer.body["guard"].as_str().unwrap_or_else(|| panic!("no guard: {}", answer.text));
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(matches!(answer.problem(), "refused-by-guard" | "contradicted-by-bigcommerce"));
    Err(Denied {
        name: guard.to_owned(),
        detail: text(&answer.body["detail"]),
        evidence: texts(&answer.body["evidence"]),
    })
}

async fn from_the_command_line(service: &Service, path: &str, action: &Action) -> Result<Done, Denied> {
    let mut arguments = vec!["checkouts".to_owned(), action.name().to_owned(), id(path).to_string()];
    arguments.extend(["--reason", "a test", "-o", "json", "--service", service.url()].map(str::to_owned));
    match action {
        Action::Resolve(finding) => arguments.extend(["--finding".to_owned(), finding.to_json().to_string()]),
        Action::Cancel { refund: true } => arguments.push("--refund".to_owned()),
        _ => {}
    }
    let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_headless-checkout"))
        .env_clear()
        .env("OPERATOR_TOKEN", OPERATOR)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(PATIENCE, ended).await.expect("it ends in time").expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    let value: Value = serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error}: {said}{}", String::from_utf8_lossy(&ended.stderr)));
    match ended.status.code() {
        Some(0) => Ok(done(&value)),
        Some(4) => Err(Denied {
            name: text(&value["error"]["code"]),
            detail: text(&value["error"]["detail"]),
            evidence: texts(&value["error"]["evidence"]),
        }),
        other => panic!("it exits with {other:?}: {said}"),
    }
}

/// Fills the form in, reads the preview, and confirms it.
async fn on_the_dashboard(service: &Service, path: &str, action: &Action) -> Result<Done, Denied> {
    let page = format!("/ops/checkouts/{}", id(path));
    let mut visitor = Visitor::with(service, OPERATOR).await;
    let csrf = hidden(&visitor.get(&page).await.expect(200), "csrf");
    let mut fields =
        vec![("csrf", csrf), ("action", action.name().to_owned()), ("reason", "a test".to_owned())];
    match action {
        Action::Cancel { refund: true } => fields.push(("refund", "true".to_owned())),
        Action::Resolve(finding) => {
            fields.push(("finding", finding.name().to_owned()));
            match finding {
                Assertion::Order(id) => fields.push(("value", id.to_string())),
                Assertion::Charged(transaction) => fields.push(("value", transaction.clone())),
                Assertion::NoOrder | Assertion::NotCharged => {}
            }
        }
        _ => {}
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let preview = visitor.post(&format!("{page}/preview"), &fields).await;
    let answer = visitor.post(&format!("{page}/act"), &fields).await;
    if answer.status == 303 {
        if preview.status != 200 {
            // What had refused the preview was over by then.
            let now = case(service, path).await.checkout().status;
            return Ok(Done { status_before: "stuck".to_owned(), status_after: now.to_string() });
        }
        // As the preview had said.
        let badges = preview.text.split("<span class=\"badge ").skip(1);
        let mut badges = badges.map(|rest| rest.split('"').next().expect("a class").to_owned());
        let mut next = || badges.next().expect("a status");
        return Ok(Done { status_before: next(), status_after: next() });
    }
    let answer = answer.expect(409);
    let alert = answer.text.split("role=\"alert\"").nth(1).expect("what went wrong");
    let evidence =
        alert.split("<li>").skip(1).map(|line| line.split("</li>").next().expect("a line").to_owned());
    // A page has no names for programs; the audit log has.
    let row = case(service, path).await.actions.remove(0);
    let name = row.result.strip_prefix("refused: ").unwrap_or_else(|| panic!("{}", row.result));
    Err(Denied { name: name.to_owned(), detail: alert.to_owned(), evidence: evidence.collect() })
}

fn done(report: &Value) -> Done {
    Done { status_before: text(&report["status_before"]), status_after: text(&report["status_after"]) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}
