//! Prism as a process: installed once, started in front of a simulator, listened to.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

const VERSION: &str = "5.14.2";
/// Installing takes this long at most; afterwards the test is skipped.
const INSTALLING: Duration = Duration::from_mins(4);
/// Starting takes this long at most.
pub(super) const STARTING: Duration = Duration::from_mins(1);

/// Prism in front of a simulator.
pub(super) struct Prism {
    pub(super) url: String,
    said: Arc<Mutex<Vec<String>>>,
    /// Each line of it.
    pub(super) news: Arc<Notify>,
    // Killed when this is dropped.
    _process: Child,
}

#[expect(clippy::disallowed_methods, reason = "the document may be elsewhere")]
pub(super) fn document() -> Option<PathBuf> {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bigcommerce-openapi/merged.prism.json");
    let named = std::env::var("PRISM_DOCUMENT").map(PathBuf::from);
    Some(named.unwrap_or(beside)).filter(|path| path.is_file())
}

/// Runs to its end, quietly. `None`: it is not there, it failed or it took too long.
async fn run(command: &mut Command, patience: Duration) -> Option<()> {
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let ended = tokio::time::timeout(patience, child.ok()?.wait()).await.ok()?.ok()?;
    ended.success().then_some(())
}

/// Where the command line of Prism is, installed once into the target folder.
pub(super) async fn installed() -> Result<PathBuf, &'static str> {
    let program = Path::new(env!("CARGO_BIN_EXE_headless-checkout"));
    let target = program.parent().and_then(Path::parent).ok_or("there is no target folder")?;
    let folder = target.join(format!("prism-{VERSION}"));
    let entry = folder.join("node_modules/@stoplight/prism-cli/dist/index.js");
    let moment = Duration::from_secs(20);
    run(Command::new("node").arg("--version"), moment).await.ok_or("Node.js is not at hand")?;
    // Written last, so that an install that was interrupted is done again.
    let complete = folder.join("complete");
    if !complete.is_file() {
        run(Command::new("npm").arg("--version"), moment).await.ok_or("npm is not at hand")?;
        std::fs::create_dir_all(&folder).map_err(|_| "the target folder cannot be written")?;
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefer-offline", "--prefix"]);
        install.arg(&folder).arg(format!("@stoplight/prism-cli@{VERSION}"));
        run(&mut install, INSTALLING).await.ok_or("Prism could not be installed")?;
        std::fs::write(&complete, VERSION).map_err(|_| "the target folder cannot be written")?;
    }
    if entry.is_file() { Ok(entry) } else { Err("Prism is not where it was installed") }
}

impl Prism {
    pub(super) async fn start(entry: &Path, document: &Path, upstream: &str) -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("its address").port().to_string()
        };
        let mut command = Command::new("node");
        command.arg(entry).args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port]);
        command
            .arg(document)
            .arg(upstream)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().expect("Prism starts");
        let said = Arc::new(Mutex::new(Vec::new()));
        let (sender, ready) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let (stdout, stderr) =
            (process.stdout.take().expect("stdout"), process.stderr.take().expect("stderr"));
        let (kept, kept_too) = (Arc::clone(&said), Arc::clone(&said));
        let news = Arc::new(Notify::new());
        let tell = Arc::clone(&news);
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("Prism is listening")
                    && let Some(sender) = sender.take()
                {
                    let _ = sender.send(());
                }
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                tell.notify_one();
            }
        });
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                kept_too.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let started = tokio::time::timeout(STARTING, ready).await;
        let prism = Self { url: format!("http://127.0.0.1:{port}"), said, news, _process: process };
        assert!(matches!(started, Ok(Ok(()))), "Prism did not start: {:#?}", prism.lines());
        prism
    }

    fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it found wrong, with what it was about.
    pub(super) fn complaints(&self) -> Vec<String> {
        let lines = self.lines();
        let bad = |line: &str| {
            // What Node says of itself, and the list of routes with which Prism begins.
            if line.starts_with("(node:") || line.starts_with("(Use `node") || line.contains("[CLI]") {
                return false;
            }
            let line = line.to_lowercase();
            ["error", "violation", "warning", "did not pass", "terminated"]
                .iter()
                .any(|word| line.contains(word))
        };
        (0..lines.len())
            .filter(|&at| bad(&lines[at]))
            .map(|at| lines[at.saturating_sub(4)..=at].join("\n"))
            .collect()
    }

    pub(super) fn passed(&self) -> usize {
        self.lines().iter().filter(|line| line.contains("Request received")).count()
    }
}

impl Drop for Prism {
    /// Whatever made the test fail, Prism may know why.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Prism said:\n{}", self.complaints().join("\n---\n"));
        }
    }
}
