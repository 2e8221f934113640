//! A service that is used through its HTTP doors: in this process, or as a process of its own.

use std::process::Stdio;
use std::time::Duration;

use headless_checkout::app::{App, Running};
use headless_checkout::bigcommerce::budget::BudgetState;
use headless_checkout::config::Config;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::{KEY, PATIENCE, World, logs};
use crate::conformance::{self, Exchange};

/// A running service.
pub(crate) struct Service {
    pub(crate) url: String,
    http: reqwest::Client,
    kind: Kind,
}

enum Kind {
    InProcess(Box<Running>),
    Process(Box<Child>),
}

/// What a call answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The answer, if it has this status; otherwise the test fails and shows it with what was logged for it.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        if self.status.as_u16() != status {
            let logged = self.body["trace_id"].as_str().map(|trace| logs::lines_with(trace, 40));
            panic!(
                "{} is not {status}: {}\n{}",
                self.status,
                self.text,
                logged.unwrap_or_default().join("\n")
            );
        }
        self
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The code of a problem document.
    #[track_caller]
    pub(crate) fn problem(&self) -> &str {
        let media_type = self.header("content-type").unwrap_or_default();
        assert!(media_type.starts_with("application/problem+json"), "{media_type}: {}", self.text);
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The id of the checkout in the body.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.text)).to_owned()
    }
}

fn http() -> reqwest::Client {
    headless_checkout::bigcommerce::http_client(Duration::from_secs(5)).expect("an HTTP client")
}

impl Service {
    pub(super) async fn in_process(world: &World) -> Self {
        let vars = world.vars();
        let config = Config::from_vars(|name| {
            vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
        .expect("the configuration is good");
        let app = App::build(config).await.expect("the service is built");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let running = app.serve(listener).expect("the service starts");
        Self {
            url: format!("http://{}", running.addr),
            http: http(),
            kind: Kind::InProcess(Box::new(running)),
        }
    }

    pub(super) async fn process(world: &World) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headless-checkout"));
        command
            .arg("serve")
            .env_clear()
            .env("RUST_LOG", "debug")
            .envs(world.vars())
            .env("LOG_FORMAT", "json");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("its output");
        let (sender, receiver) = tokio::sync::oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            let mut sender = Some(sender);
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                logs::add(format!("{line}\n").as_bytes());
                let said: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(addr) = said["listen_addr"].as_str()
                    && let Some(sender) = sender.take()
                {
                    let _ = sender.send(addr.to_owned());
                }
            }
        });
        let addr =
            tokio::time::timeout(PATIENCE, receiver).await.expect("it listens in time").expect("it listens");
        Self { url: format!("http://{addr}"), http: http(), kind: Kind::Process(Box::new(child)) }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The operators' room of a service in this process.
    pub(crate) fn ops(&self) -> &headless_checkout::ops::Console {
        match &self.kind {
            Kind::InProcess(running) => running.ops(),
            Kind::Process(_) => panic!("only a service in this process shows its rooms"),
        }
    }

    /// The rate budget of the store, as a service in this process has it.
    pub(crate) fn budget(&self) -> BudgetState {
        let Kind::InProcess(running) = &self.kind else { panic!("only a service in this process shows it") };
        running.budgets().values().next().expect("a store").state()
    }

    /// Where the metrics are, when they have a listener of their own, of a service in this process.
    pub(crate) fn metrics_addr(&self) -> Option<std::net::SocketAddr> {
        let Kind::InProcess(running) = &self.kind else { panic!("only a service in this process shows it") };
        running.metrics_addr
    }

    /// Where operators are served, when they have a listener of their own, by a service in this process.
    pub(crate) fn ops_addr(&self) -> Option<std::net::SocketAddr> {
        let Kind::InProcess(running) = &self.kind else { panic!("only a service in this process shows it") };
        running.ops_addr
    }

    /// Waits until the rate budget is as wanted.
    pub(crate) async fn wait_for_budget(
        &self,
        what: &str,
        wanted: impl Fn(&BudgetState) -> bool,
    ) -> BudgetState {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        loop {
            looks.tick().await;
            let state = self.budget();
            if wanted(&state) {
                return state;
            }
            assert!(tokio::time::Instant::now() < deadline, "the budget is never {what}: {state:?}");
        }
    }

    /// `kill -9`.
    pub(crate) async fn kill(self) {
        let Kind::Process(mut child) = self.kind else { panic!("only a process can be killed") };
        child.kill().await.expect("it is killed");
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let Kind::Process(child) = &self.kind else { panic!("only a process takes signals") };
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).expect("it runs");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("a signal");
    }

    /// Waits for a process that was sent SIGTERM: it ends well.
    pub(crate) async fn stop_signalled(self) {
        let Kind::Process(mut child) = self.kind else { panic!("only a process takes signals") };
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it stops in time");
        assert!(ended.expect("it stops").success());
    }

    /// Stops it as SIGTERM does. It must not have ended by itself before.
    pub(crate) async fn stop(self) {
        match self.kind {
            Kind::InProcess(running) => {
                let listens = TcpStream::connect(running.addr).await;
                listens.expect("the service listens until it is stopped");
                running.stop().await.expect("it stops");
            }
            Kind::Process(mut child) => {
                assert!(matches!(child.try_wait(), Ok(None)), "the service runs until it is stopped");
                let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).expect("it runs");
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGTERM)
                    .expect("a signal");
                let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it stops in time");
                assert!(ended.expect("it stops").success());
            }
        }
    }

    /// A call with every freedom. Whatever is answered has to be as `openapi.yaml` says.
    #[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let mut request =
            self.http.request(method.clone(), format!("{}{path}", self.url)).timeout(PATIENCE + PATIENCE);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        }
        request = request.headers(map);
        let sent = body.as_deref().and_then(|body| serde_json::from_slice::<Value>(body).ok());
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or_default();
        let answer = Answer { status, headers, text, body };
        conformance::check(&Exchange {
            method: method.as_str(),
            path,
            sent: sent.as_ref(),
            status: answer.status.as_u16(),
            content_type: answer.header("content-type"),
            text: &answer.text,
        });
        answer
    }

    /// A call of the storefront, with JSON.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {KEY}");
        let mut headers = vec![("authorization", &*bearer), ("prefer", "wait=30")];
        if let Some(key) = key {
            headers.push(("idempotency-key", key));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
    }

    /// A call of an operator, with JSON.
    pub(crate) async fn operate(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", &*bearer)];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, None, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, None).await
    }

    /// Posts with a fresh key.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &Uuid::now_v7().to_string(), body).await
    }

    pub(crate) async fn post_with(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(key), Some(body)).await
    }

    /// Posts and waits at most so many seconds for what becomes of it.
    pub(crate) async fn post_waiting(&self, path: &str, key: &str, seconds: u32, body: &Value) -> Answer {
        let (bearer, prefer) = (format!("Bearer {KEY}"), format!("wait={seconds}"));
        let headers = [
            ("authorization", &*bearer),
            ("prefer", &*prefer),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        self.call(Method::POST, path, &headers, Some(body.to_string().into_bytes())).await
    }

    /// Creates a checkout and answers its path.
    pub(crate) async fn create(&self, body: &Value) -> String {
        let created = self.post("/v1/checkouts", body).await.expect(201);
        format!("/v1/checkouts/{}", created.id())
    }

    /// Waits, by its events, until a checkout is as wanted; fails with its last snapshot.
    pub(crate) async fn wait_until(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_as(KEY, path, what, wanted).await
    }

    /// The same with another store's key.
    pub(crate) async fn wait_as(
        &self,
        key: &str,
        path: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut last = Value::Null;
        while tokio::time::Instant::now() < deadline {
            let mut events = self.events_as(key, path).await;
            while let Ok(Some(snapshot)) = tokio::time::timeout_at(deadline, events.next()).await {
                if wanted(&snapshot) {
                    return snapshot;
                }
                last = snapshot;
            }
        }
        panic!("{path} is never {what}: {last:#}");
    }

    /// The Server-Sent Events of a checkout.
    pub(crate) async fn events(&self, path: &str) -> Events {
        self.events_as(KEY, path).await
    }

    #[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
    async fn events_as(&self, key: &str, path: &str) -> Events {
        let request = self.http.get(format!("{}{path}/events", self.url)).bearer_auth(key);
        let response = request.send().await.expect("events");
        assert_eq!(response.status(), 200);
        Events { response, buffer: String::new() }
    }
}

/// A stream of snapshots.
pub(crate) struct Events {
    response: reqwest::Response,
    buffer: String,
}

impl Events {
    /// The next snapshot; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let event: String = self.buffer.drain(..end + 2).collect();
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data:")) {
                    let snapshot = serde_json::from_str(data.trim()).expect("an event holds JSON");
                    conformance::check_snapshot(&snapshot);
                    return Some(snapshot);
                }
                continue;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}
