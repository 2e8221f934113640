//! The processes of the service: killed, stopped, frozen, and started again at the same address.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex as Held, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::door::Doors;
use crate::plan::Blow;

/// A process must be ready again this soon; the database may be away for a part of it.
const START: Duration = Duration::from_secs(40);
/// SIGTERM must be obeyed this soon: `SHUTDOWN_SECONDS` and what closing takes.
const END: Duration = Duration::from_secs(15);

/// What a process held when it was killed.
#[derive(Debug)]
pub(crate) struct Killed {
    /// On PostgreSQL's clock.
    pub(crate) at: OffsetDateTime,
    /// Checkout and holder, of both processes.
    pub(crate) held: Vec<(Uuid, Uuid)>,
}

/// All processes.
pub(crate) struct Replicas {
    children: Vec<Mutex<Option<Child>>>,
    ports: Vec<u16>,
    vars: Vec<(String, String)>,
    logs: PathBuf,
    pool: PgPool,
    kills: Held<Vec<Killed>>,
    /// What must not happen to a process and did.
    strange: Held<Vec<String>>,
    counts: Held<[u64; 3]>,
}

impl Replicas {
    /// Two of them, not yet started.
    pub(crate) fn new(vars: Vec<(String, String)>, logs: &Path, pool: PgPool) -> Self {
        let ports: Vec<u16> = (0..2).map(free_port).collect();
        let children = ports.iter().map(|_| Mutex::new(None)).collect();
        let (kills, strange, counts) = (Held::default(), Held::default(), Held::default());
        Self { children, ports, vars, logs: logs.to_owned(), pool, kills, strange, counts }
    }

    /// Their doors.
    pub(crate) fn doors(&self) -> Doors {
        Doors::new(self.ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect())
    }

    /// Starts those that do not run, and waits until all are ready.
    pub(crate) async fn ensure(&self, doors: &Doors) {
        for (index, child) in self.children.iter().enumerate() {
            let mut child = child.lock().await;
            self.start(index, &mut child, doors).await;
        }
    }

    /// Strikes one, and starts it again when it is gone.
    pub(crate) async fn strike(&self, index: usize, blow: Blow, doors: &Doors) {
        let Some(slot) = self.children.get(index) else { return };
        let mut slot = slot.lock().await;
        let Some(child) = slot.as_mut() else { return };
        match blow {
            Blow::Kill => {
                if let Some(killed) = self.held().await {
                    self.kills.lock().unwrap_or_else(PoisonError::into_inner).push(killed);
                }
                let _ = child.start_kill();
                let _ = child.wait().await;
                *slot = None;
                self.count(0);
            }
            Blow::Terminate => {
                signal(child, Signal::SIGTERM);
                match tokio::time::timeout(END, child.wait()).await {
                    Ok(Ok(status)) if status.success() => {}
                    Ok(ended) => self.note(format!("SIGTERM ended replica {index} with {ended:?}")),
                    Err(_) => {
                        self.note(format!("replica {index} did not obey SIGTERM within {} s", END.as_secs()));
                        let _ = child.kill().await;
                    }
                }
                *slot = None;
                self.count(1);
            }
            Blow::Freeze(ms) => {
                signal(child, Signal::SIGSTOP);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                signal(child, Signal::SIGCONT);
                self.count(2);
            }
        }
        self.start(index, &mut slot, doors).await;
    }

    /// Stops all.
    pub(crate) async fn stop(&self) {
        for child in &self.children {
            if let Some(mut child) = child.lock().await.take() {
                let _ = child.kill().await;
            }
        }
    }

    /// The kills since the last call.
    pub(crate) fn take_kills(&self) -> Vec<Killed> {
        std::mem::take(&mut *self.kills.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What must not have happened since the last call.
    pub(crate) fn take_strange(&self) -> Vec<String> {
        std::mem::take(&mut *self.strange.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for texts that no log may hold.
    pub(crate) fn search_logs(&self, secrets: &[&str], found: &mut dyn FnMut(String)) {
        for index in 0..self.children.len() {
            let log = std::fs::read_to_string(self.log(index)).unwrap_or_default();
            if holds_card(&log) {
                found(format!("the log of replica {index} holds a card of the simulator"));
            }
            for secret in secrets.iter().filter(|secret| log.contains(**secret)) {
                found(format!("the log of replica {index} holds {secret}"));
            }
            if log.contains("panicked at") {
                found(format!("replica {index} panicked"));
            }
        }
    }

    fn log(&self, index: usize) -> PathBuf {
        self.logs.join(format!("replica-{index}.log"))
    }

    /// Kills, terminations, freezes.
    pub(crate) fn counts(&self) -> [u64; 3] {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, which: usize) {
        if let Some(count) = self.counts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(which) {
            *count += 1;
        }
    }

    fn note(&self, what: String) {
        self.strange.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    async fn held(&self) -> Option<Killed> {
        let rows = sqlx::query(
            "select now() as at, checkout_id, leased_by from checkout where leased_by is not null",
        )
        .fetch_all(&self.pool);
        let rows = tokio::time::timeout(Duration::from_millis(500), rows).await.ok()?.ok()?;
        let at = rows.first()?.get("at");
        Some(Killed {
            at,
            held: rows.iter().map(|row| (row.get("checkout_id"), row.get("leased_by"))).collect(),
        })
    }

    async fn start(&self, index: usize, slot: &mut Option<Child>, doors: &Doors) {
        let deadline = tokio::time::Instant::now() + START;
        while tokio::time::Instant::now() < deadline {
            // It ends by itself when the database is away as it starts; whoever runs it starts it again.
            let ended = slot.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                *slot = Some(self.spawn(index));
            }
            if doors.is_ready(index).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.note(format!("replica {index} is not ready after {} s", START.as_secs()));
    }

    fn spawn(&self, index: usize) -> Child {
        let log =
            std::fs::File::options().create(true).append(true).open(self.log(index)).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_headless-checkout"));
        command.arg("serve").env_clear().envs(self.vars.iter().cloned());
        command
            .env("LISTEN_ADDR", format!("127.0.0.1:{}", self.ports.get(index).copied().unwrap_or_default()));
        command.env("LOG_FORMAT", "json").env("RUST_LOG", "info");
        let errors = log.try_clone().expect("a log file");
        command.stdin(Stdio::null()).stdout(log).stderr(errors).kill_on_drop(true);
        command.spawn().expect("the service starts")
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Outside the range from which systems give ports to outgoing connections, so that it stays free while a process is away.
fn free_port(index: u32) -> u16 {
    let start = 25_000 + (std::process::id() + index * 3_001) % 6_000;
    let mut tries = (start..32_000).chain(25_000..start).filter_map(|port| u16::try_from(port).ok());
    tries.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// A card of the simulator is sixteen digits that begin with 4000. Ids have fewer digits in a row.
fn holds_card(log: &str) -> bool {
    log.split(|char: char| !char.is_ascii_alphanumeric()).any(|word| {
        word.len() == 16 && word.starts_with("4000") && word.bytes().all(|byte| byte.is_ascii_digit())
    })
}
