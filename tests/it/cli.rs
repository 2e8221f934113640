//! The real program on the command line: what it prints and how it exits.

use std::process::{Output, Stdio};

use bigcommerce_simulator::Fault;
use headless_checkout::ops::Action;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::harness::{PATIENCE, World, agreed, custom_cart, good_card, run_with};
use crate::operators::{act, id, ordered, stuck, until, world};

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// Runs the program with only the database in its environment, unless more is given.
async fn run(world: &World, more: &[(&str, &str)], input: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headless-checkout"));
    command.env_clear().env("DATABASE_URL", world.database.url()).env("USER", "tester");
    command.envs(more.iter().copied()).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    // It may exit without having read everything.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let ended = tokio::time::timeout(crate::harness::PATIENCE, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = ended.expect("it ends in time").expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended { code: status.code(), out: text(stdout), err: text(stderr) }
}

#[test]
fn threads_that_cannot_be_are_refused_by_name() {
    for given in ["0", "many", "-1", ""] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_headless-checkout"));
        let ended = command.env_clear().env("TOKIO_WORKER_THREADS", given).arg("settings").output();
        let ended = ended.expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(1) && said.contains("TOKIO_WORKER_THREADS"), "{given:?}: {said}");
    }
}

const NOBODY: &str = "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";

#[tokio::test]
async fn checkouts_are_found_and_explained_while_the_service_is_down() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    world.simulator.add_fault(Fault::on("process-payment").hang_before());
    service.post(&format!("{path}/payment"), &agreed(good_card())).await;
    stuck(&service, &path, "payment-unknown").await;
    let other = service.create(&custom_cart()).await;
    service.stop().await;
    let (id, other) = (id(&path).to_string(), id(&other).to_string());

    let listed = run(&world, &[], "", &["checkouts", "list"]).await.exits(0);
    assert!(listed.out.contains(&id) && listed.out.contains("payment-unknown"), "{}", listed.out);
    assert!(!listed.out.contains('\x1b'), "no colors where nobody looks");
    let ids = run(&world, &[], "", &["checkouts", "list", "--status", "stuck", "-o", "ids"]).await.exits(0);
    assert_eq!(ids.out, format!("{id}\n"));
    let all =
        run(&world, &[], "", &["checkouts", "list", "-o", "json", "--sort", "-created_at", "--limit", "1"])
            .await;
    let all = all.exits(0).json();
    assert_eq!(all["data"][0]["id"], *other);
    let cursor = all["next_cursor"].as_str().expect("there is more");
    let rest = ["checkouts", "list", "-o", "json", "--sort", "-created_at", "--cursor", cursor];
    assert_eq!(run(&world, &[], "", &rest).await.exits(0).json()["data"][0]["id"], *id);
    let narrow = run(&world, &[("COLUMNS", "80")], "", &["checkouts", "list"]).await.exits(0);
    assert!(narrow.out.lines().all(|line| line.chars().count() <= 80), "{}", narrow.out);

    let why = run(&world, &[], "", &["checkouts", "why", &id]).await.exits(0);
    for words in
        ["It is not known whether the shopper was charged", "resolve --not-charged", "Suggested: resolve"]
    {
        assert!(why.out.contains(words), "{words}: {}", why.out);
    }
    let why = run(&world, &[], "", &["checkouts", "why", &id, "-o", "json"]).await.exits(0).json();
    assert_eq!((&why["suggested"]["action"], &why["checkout_id"]), (&json!("resolve"), &json!(id)));
    let show = run(&world, &[], &format!("{id}\n{other}\n"), &["checkouts", "show", "-", "-o", "json"]).await;
    let show = show.exits(0).json();
    assert_eq!(show[0]["stuck"]["reason"], "payment-unknown");
    assert!(show[0]["timeline"]["attempts"].as_array().is_some_and(|attempts| attempts.len() >= 6));
    let shown = run(&world, &[], "", &["checkouts", "show", &id]).await.exits(0);
    assert!(shown.out.contains("process-payment unknown"), "{}", shown.out);

    run(&world, &[], "", &["checkouts", "show", NOBODY]).await.exits(3);
    run(&world, &[], "", &["checkouts", "show", NOBODY, &id]).await.exits(5);
    run(&world, &[], "", &["checkouts", "show", "125"]).await.exits(2);
    run(&world, &[], "", &["checkouts", "list", "--status", "lost"]).await.exits(2);
    run(&world, &[], "", &["checkouts", "list", "--cursor", "nonsense"]).await.exits(2);
    run(&world, &[("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")], "", &["checkouts", "list"])
        .await
        .exits(1);
    world.finish().await;
}

#[tokio::test]
async fn actions_go_straight_to_the_database_when_asked_to() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let other = service.create(&custom_cart()).await;
    act(&service, &other, &Action::Pause).await.expect("a pause");
    service.stop().await;
    let (id, other) = (id(&path).to_string(), id(&other).to_string());
    let reason = ["--reason", "the shop is closed", "--direct"];
    let act = |action: &'static str, ids: &[&str], more: &[&str]| {
        ["checkouts", action]
            .iter()
            .chain(ids)
            .chain(reason.iter())
            .chain(more)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let run = async |input: &str, arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(&world, &[], input, &arguments).await
    };

    let tried = run("", act("pause", &[&id], &["--dry-run"])).await.exits(0);
    assert!(
        tried.out.contains("would be done") && tried.out.contains("awaiting_input -> stuck"),
        "{}",
        tried.out
    );
    // One is paused already, and one is not there.
    let both = run(&format!("{id} {other}\n"), act("pause", &["-"], &["-o", "json"])).await.exits(5).json();
    assert_eq!(both[0]["status_after"], "stuck");
    assert_eq!(both[1]["error"]["code"], "at-rest");
    run("", act("pause", &[&id], &[])).await.exits(4);
    run("", act("resume", &[NOBODY], &[])).await.exits(3);
    run("", act("pause", &["-"], &[])).await.exits(0);
    let resumed = run("", act("resume", &[&id, &other], &["-o", "ids"])).await.exits(0);
    assert_eq!(resumed.out, format!("{id}\n{other}\n"));
    // A finding is checked against BigCommerce, which takes the configuration of the store.
    run("", act("resolve", &[&id], &["--not-charged"])).await.exits(1);
    let usage = ["checkouts", "restart", &id, "--direct"].map(str::to_owned).to_vec();
    run("", usage).await.exits(2);
    run("", act("resolve", &[&id], &[])).await.exits(2);
    run("", act("resolve", &[&id], &["--no-order", "--not-charged"])).await.exits(2);
    run("", act("resolve", &[&id], &["--finding", "{}"])).await.exits(2);
    run("", act("restart", &["nonsense"], &[])).await.exits(2);

    let service = world.start().await;
    until(&service, &path, "awaiting_input").await;
    service.stop().await;
    let listed = run("", ["audit", "list", "-o", "json"].map(str::to_owned).to_vec()).await.exits(0).json();
    assert_eq!(listed["data"][0]["actor"], "direct:tester");
    world.finish().await;
}

#[tokio::test]
async fn what_is_done_on_the_database_is_told_like_everything_else() {
    let world = world().await;
    let service = world.start().await;
    let path = service.create(&custom_cart()).await;
    service.stop().await;
    let id = id(&path).to_string();
    let told = "shop=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=@https://events.example/";
    let pause = ["checkouts", "pause", &id, "--direct", "--reason", "because"];
    run(&world, &[("EVENT_DESTINATIONS", told)], "", &pause).await.exits(0);
    let types: Vec<String> = sqlx::query_scalar("select type from outbox order by version, ordinal")
        .fetch_all(&world.database.pool)
        .await
        .expect("the outbox");
    assert_eq!(types, ["checkout.stuck"]);
    let narrow = run(&world, &[("COLUMNS", "80")], "", &["events", "list"]).await.exits(0);
    assert!(narrow.out.contains("checkout.stuck") && !narrow.out.contains('\t'), "{}", narrow.out);
    assert!(narrow.out.lines().all(|line| line.chars().count() <= 80), "{}", narrow.out);
    let piped = run(&world, &[], "", &["events", "list"]).await.exits(0);
    assert!(piped.out.lines().all(|line| line.split('\t').count() == 8), "{}", piped.out);
    assert!(piped.out.starts_with("event\tat\ttype\tcheckout\t"), "{}", piped.out);
    world.finish().await;
}

#[tokio::test]
async fn a_finding_is_asserted_on_the_database_with_the_stores_configuration() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        let id = id(&path).to_string();
        let vars = world.vars();
        let vars: Vec<(&str, &str)> =
            vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let resolve = |more: [&str; 2]| {
            let start = ["checkouts", "resolve", &id, "--direct", "--reason", "asked the gateway"];
            start.iter().copied().chain(more).map(str::to_owned).collect::<Vec<_>>()
        };
        for (finding, code) in [(["--charged", "made-up"], 4), (["--finding", "{\"not_charged\": true}"], 0)]
        {
            let arguments = resolve(finding);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let asked = async {
                loop {
                    let answer = run(world, &vars, "", &arguments).await;
                    // The window of what BigCommerce may still be about to show.
                    if !answer.out.contains("try again in") {
                        return answer;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, asked).await.expect("the window passes").exits(code);
        }
        until(service, &path, "awaiting_input").await;
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_is_verified_from_the_command_line() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    act(&service, &path, &Action::Pause).await.expect("a pause");
    act(&service, &path, &Action::Resume).await.expect("a resume");
    until(&service, &path, "awaiting_input").await;
    service.stop().await;
    let verified = run(&world, &[], "", &["audit", "verify", "-o", "json"]).await.exits(0).json();
    assert_eq!(verified["rows"], 2);
    let head = verified["head"].as_str().expect("a head").to_owned();
    run(&world, &[], "", &["audit", "verify", "--head", &head]).await.exits(0);
    run(&world, &[], "", &["audit", "verify", "--head", &"ab".repeat(32)]).await.exits(1);
    run(&world, &[], "", &["audit", "verify", "--head", "ab"]).await.exits(2);
    sqlx::query("update audit set actor = 'eve' where audit_id = 1")
        .execute(&world.database.pool)
        .await
        .expect("the database is changed");
    let broken = run(&world, &[], "", &["audit", "verify"]).await.exits(1);
    assert!(broken.out.contains("row 1"), "{}", broken.out);
    world.finish().await;
}

#[tokio::test]
async fn without_a_service_an_action_says_so() {
    let world = world().await;
    let pause = ["checkouts", "pause", NOBODY, "--reason", "because", "--service", "http://127.0.0.1:1"];
    let unproven = run(&world, &[], "", &pause).await.exits(1);
    assert!(unproven.err.contains("OPERATOR_TOKEN"), "{}", unproven.err);
    let alone = run(&world, &[("OPERATOR_TOKEN", "operator-token-of-the-tests")], "", &pause).await.exits(1);
    assert!(alone.out.contains("does not answer"), "{} {}", alone.out, alone.err);
    // Something else that answers has not done it.
    for body in ["<html>", "{}", "{\"action\":"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer = async {
            let (mut stream, _) = listener.accept().await.expect("a request");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let length = body.len();
            let text =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.expect("an answer");
        };
        let elsewhere = ["checkouts", "pause", NOBODY, "--reason", "because", "--service", &url];
        let token = [("OPERATOR_TOKEN", "operator-token-of-the-tests")];
        let (ended, ()) = tokio::join!(run(&world, &token, "", &elsewhere), answer);
        let ended = ended.exits(1);
        assert!(ended.out.contains("whether it was done is not known"), "{body}: {}", ended.out);
    }
    world.finish().await;
}
