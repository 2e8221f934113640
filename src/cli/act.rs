//! Actions from the command line, through the service or, with `--direct`, straight on the database.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::arguments::Act;
use super::checkouts::{ids, print_ids, usage};
use super::output::{Color, Exit, Format, Progress, Screen, color_of, one_or_many, print, print_json};
use super::remote::Remote;
use super::table::{Table, wrap};
use crate::app;
use crate::config::{self, Config, Database, Events};
use crate::ops::visible;
use crate::ops::{Action, ActionError, ActionRequest, Actor, CheckoutId, Console};
use crate::role::Role;

/// What was done, as the service says it.
pub(super) struct Done(pub(super) Value);

/// Why something was not done.
pub(super) struct ActionFailure {
    pub(super) exit: Exit,
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) evidence: Vec<String>,
}

/// Where an action is sent.
enum Target {
    Api(Remote),
    Database(Console, Actor),
}

/// Does it to every checkout that was named.
pub(super) async fn act(act: Act, action: Action) -> anyhow::Result<ExitCode> {
    let ids = match ids(&act.ids)? {
        Ok(ids) => ids,
        Err(wrong) => return Ok(usage(&wrong)),
    };
    let target = if act.direct { direct(&action).await? } else { Target::Api(Remote::new(act.service)?) };
    let (mut exits, mut values, mut done_ids) = (Vec::new(), Vec::new(), Vec::new());
    let screen = Screen::new();
    let mut table = Table::new(&["ID", "RESULT", "STATUS", "WHAT"]);
    let progress = Progress::of(ids.len());
    for (index, id) in ids.iter().enumerate() {
        progress.at(index);
        let result = match &target {
            Target::Api(remote) => remote.act(*id, &action, &act.reason, act.dry_run).await,
            Target::Database(console, actor) => {
                let ask = ActionRequest { actor, reason: &act.reason, dry_run: act.dry_run };
                let report = console.act(*id, &action, ask).await;
                report.map(|report| Done(json!(report))).map_err(|refused| refusal(&refused))
            }
        };
        match result {
            Ok(Done(report)) => {
                exits.push(Exit::Ok);
                done_ids.push(id.to_string());
                table.row(done_row(*id, &report, act.dry_run));
                values.push(report);
            }
            Err(problem) => {
                exits.push(problem.exit);
                if act.output != Format::Table {
                    eprintln!("{id}: {}", visible(&problem.detail));
                }
                table.row(problem_row(*id, &problem));
                values.push(problem.into_json(*id));
            }
        }
    }
    drop(progress);
    match act.output {
        Format::Json if !values.is_empty() => print_json(&one_or_many(values)),
        Format::Ids => print_ids(done_ids.into_iter()),
        Format::Table if !values.is_empty() => {
            // What is done to one checkout is said in full.
            print(&table.render(if values.len() == 1 { screen.unbounded() } else { screen }));
            if let [value] = values.as_slice() {
                print_effects(value, screen);
            }
        }
        _ => {}
    }
    Ok(Exit::of(&exits).into())
}

fn done_row(id: CheckoutId, report: &Value, dry_run: bool) -> Vec<(String, Color)> {
    let text = |field: &str| report[field].as_str().unwrap_or_default().to_owned();
    let result = if dry_run { "would be done" } else { "done" };
    vec![
        (id.to_string(), Color::Plain),
        (result.to_owned(), if dry_run { Color::Yellow } else { Color::Green }),
        (format!("{} -> {}", text("status_before"), text("status_after")), Color::Plain),
        (text("action"), Color::Plain),
    ]
}

fn problem_row(id: CheckoutId, problem: &ActionFailure) -> Vec<(String, Color)> {
    let result = match problem.exit {
        Exit::Refused => "refused",
        Exit::NotFound => "not found",
        _ => "error",
    };
    let mut what = problem.detail.clone();
    for evidence in &problem.evidence {
        what.push_str("; ");
        what.push_str(evidence);
    }
    vec![
        (id.to_string(), Color::Plain),
        (result.to_owned(), color_of(result)),
        (String::new(), Color::Plain),
        (what, Color::Plain),
    ]
}

fn print_effects(value: &Value, screen: Screen) {
    for (name, field) in [("orders", "effect_on_orders"), ("money", "effect_on_money")] {
        if let Some(effect) = value[field].as_str() {
            print(&wrap(effect, screen, &format!("{name}: ")));
        }
    }
}

impl ActionFailure {
    fn into_json(self, id: CheckoutId) -> Value {
        json!({"checkout_id": id, "error": {"code": self.code, "detail": self.detail, "evidence": self.evidence}})
    }
}

fn refusal(refused: &ActionError) -> ActionFailure {
    let exit = match refused {
        ActionError::NotFound => Exit::NotFound,
        ActionError::Forbidden { .. }
        | ActionError::Guarded(_)
        | ActionError::Contradicted { .. }
        | ActionError::Rejected(_)
        | ActionError::Moved => Exit::Refused,
        ActionError::NoReason
        | ActionError::Upstream(_)
        | ActionError::UnknownStore
        | ActionError::Database(_) => Exit::Error,
    };
    ActionFailure {
        exit,
        code: refused.name().to_owned(),
        detail: refused.to_string(),
        evidence: refused.evidence().to_vec(),
    }
}

/// Whoever has the database may do everything; the audit log says that it was done past the service.
async fn direct(action: &Action) -> anyhow::Result<Target> {
    let asks = matches!(action, Action::Resolve(_) | Action::Cancel { refund: true } | Action::Close { .. });
    let console = if asks {
        let config =
            Config::from_env().context("resolve, refunds and close with --direct ask BigCommerce")?;
        app::acting(&config.database, &config.events, Some(&config)).await?
    } else {
        app::acting(&Database::from_env()?, &Events::from_env()?, None).await?
    };
    let user =
        config::environment("USER").filter(|user| !user.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    Ok(Target::Database(console, Actor { name: format!("direct:{user}"), role: Role::Money, store: None }))
}
