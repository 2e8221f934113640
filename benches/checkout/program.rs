//! The program that is measured: the real binary as a process of its own, with nothing of our environment.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use devtools::probe;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::proc;

const PATIENCE: Duration = Duration::from_mins(1);

/// What a process is started with.
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a Path,
    /// A program, with its arguments, that runs it.
    pub(crate) under: &'a [String],
    /// Where its log goes.
    pub(crate) folder: &'a Path,
    /// Its environment, but for the address.
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// A process that is ready. Dropped: it is killed.
pub(crate) struct Running {
    child: Child,
    pid: u32,
    log: PathBuf,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// From its start to the first time that it said that it is ready.
    pub(crate) ready_after: Duration,
}

impl Running {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(plan: &Plan<'_>) -> anyhow::Result<Self> {
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = plan.folder.join(format!("program-{}.log", addr.port()));
        let file = std::fs::File::create(&log)?;
        let mut command = match plan.under.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(plan.program);
                command
            }
            None => Command::new(plan.program),
        };
        command.arg("serve").env_clear().env("LISTEN_ADDR", addr.to_string());
        command.envs(plan.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("{} does not start", plan.program.display()))?;
        let pid = child.id().context("a started process has an id")?;
        let mut running = Self { child, pid, log, addr, ready_after: Duration::ZERO };
        let url = probe::readiness_url(addr);
        while !probe::status(&url).await.is_ok_and(|status| status == 200) {
            if running.child.try_wait()?.is_some() {
                bail!("the program ended: {}", running.last_words());
            }
            if began.elapsed() > PATIENCE {
                bail!("the program does not get ready: {}", running.last_words());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        running.ready_after = began.elapsed();
        Ok(running)
    }

    /// CPU time that it used.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        proc::cpu(self.pid)
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        proc::status_bytes(self.pid, "VmRSS")
    }

    /// The most resident memory that it ever had, in bytes.
    pub(crate) fn peak(&self) -> Option<u64> {
        proc::status_bytes(self.pid, "VmHWM")
    }

    /// Ends it as a crash does.
    pub(crate) async fn crash(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the program cannot be killed")
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.context("the program does not stop")??;
        anyhow::ensure!(status.success(), "the program ended with {status}: {}", self.last_words());
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
