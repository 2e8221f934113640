//! The processes of one run, and their end.
//!
//! Guarantees: every process of the tree is stopped, last started first, when [`Tree::stop`] runs; should this process die without
//! that, even by `kill -9`, a watcher does the same: it reads from a pipe whose only other end is here, and which therefore
//! closes when we are gone. Terminal signals reach only us (the others have process groups of their own), so that the
//! database outlives the service that uses it.

use std::{
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::timeout,
};

/// Reads one line for each thing to end, and `ended TARGET` for one that is over, whose number may be given out anew; ends them,
/// newest first, when its input closes without the word `done`.
const WATCHER: &str = r#"
trap '' INT TERM HUP
set --
while IFS= read -r line; do
  if [ "$line" = 'done' ]; then exit 0; fi
  case $line in
    'ended '*)
      count=$#
      while [ "$count" -gt 0 ]; do
        if [ "${1#* }" != "${line#* }" ]; then set -- "$@" "$1"; fi
        shift
        count=$((count - 1))
      done ;;
    *) set -- "$line" "$@" ;;
  esac
done
for line in "$@"; do
  what=${line%% *}
  target=${line#* }
  if [ "$what" = remove ]; then rm -rf -- "$target"; continue; fi
  kill -s "$what" -- "$target" || continue
  tries=0
  while [ "$tries" -lt 80 ] && kill -s 0 -- "$target"; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -s KILL -- "$target"
done
"#;

/// One process of the tree.
pub(crate) struct Member {
    name: &'static str,
    child: Child,
    /// What signals go to.
    target: Pid,
    stop: Signal,
    patience: Duration,
    log: Option<PathBuf>,
}

impl Member {
    fn start(mut command: Command, plan: &Plan<'_>, reach: Reach) -> anyhow::Result<Self> {
        if let Some(log) = plan.log {
            let file = File::options().append(true).create(true).open(log);
            let file = file.with_context(|| format!("{} cannot be written", log.display()))?;
            command.stdout(file.try_clone()?).stderr(file).stdin(Stdio::null());
        }
        let child = command.spawn().with_context(|| format!("{} cannot be started", plan.name))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).context("a started process has an id")?;
        let &Plan { name, stop, patience, log } = plan;
        // The minus addresses the group: what a process leaves behind is ended with it.
        let target = Pid::from_raw(if reach == Reach::Group { -pid } else { pid });
        Ok(Self { name, child, target, stop, patience, log: log.map(Path::to_owned) })
    }

    /// What the watcher is told.
    fn line(&self) -> String {
        format!("{} {}", self.stop.as_str().trim_start_matches("SIG"), self.target)
    }
}

/// Whether signals go to a process alone or to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Process,
    Group,
}

/// How a process is to be started and ended.
pub(crate) struct Plan<'a> {
    /// What it is called in messages.
    pub(crate) name: &'static str,
    /// The signal that asks it to stop.
    pub(crate) stop: Signal,
    /// How long it may take to stop before it is killed.
    pub(crate) patience: Duration,
    /// Where its output goes; `None`: where ours goes.
    pub(crate) log: Option<&'a Path>,
}

/// All processes of this run.
pub(crate) struct Tree {
    watcher: Child,
    members: Vec<Member>,
    folders: Vec<PathBuf>,
}

impl Tree {
    /// An empty tree with its watcher.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WATCHER]).current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watcher = command.spawn().context("/bin/sh cannot be started")?;
        Ok(Self { watcher, members: Vec::new(), folders: Vec::new() })
    }

    /// Removes that folder when the run ends.
    pub(crate) async fn remove_at_end(&mut self, folder: PathBuf) -> anyhow::Result<()> {
        self.tell(&format!("remove {}", folder.display())).await?;
        self.folders.push(folder);
        Ok(())
    }

    /// Starts a process as a leader of its own group and adds it. Dropped half-way: the process is in the tree or was never started.
    pub(crate) async fn start(&mut self, mut command: Command, plan: Plan<'_>) -> anyhow::Result<usize> {
        command.process_group(0);
        self.add(command, plan, Reach::Group).await
    }

    /// As [`Tree::start`], but in our own process group, where it can read from the terminal.
    pub(crate) async fn start_beside(&mut self, command: Command, plan: Plan<'_>) -> anyhow::Result<usize> {
        self.add(command, plan, Reach::Process).await
    }

    async fn add(&mut self, command: Command, plan: Plan<'_>, reach: Reach) -> anyhow::Result<usize> {
        if let Some(log) = plan.log {
            File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        }
        let member = Member::start(command, &plan, reach)?;
        let line = member.line();
        self.members.push(member);
        self.tell(&line).await?;
        Ok(self.members.len() - 1)
    }

    /// Kills that process and everything it started, as `kill -9` does, and starts another one in its place. The log goes on.
    pub(crate) async fn replace(
        &mut self,
        index: usize,
        mut command: Command,
        plan: &Plan<'_>,
    ) -> anyhow::Result<()> {
        let old = self.members.get_mut(index).context("a member of the tree")?;
        let target = old.target;
        let _ = kill(target, Signal::SIGKILL);
        old.child.wait().await?;
        command.process_group(0);
        let member = Member::start(command, plan, Reach::Group)?;
        let line = member.line();
        *old = member;
        self.tell(&format!("ended {target}")).await?;
        self.tell(&line).await
    }

    async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let pipe = self.watcher.stdin.as_mut().context("the watcher has an input")?;
        pipe.write_all(format!("{line}\n").as_bytes()).await.context("the watcher is gone")
    }

    /// The process as it is now: `None` while it runs.
    pub(crate) fn ended(&mut self, index: usize) -> Option<ExitStatus> {
        self.members.get_mut(index)?.child.try_wait().ok().flatten()
    }

    /// Takes a process that has ended out of the tree. It must be the one that was started last.
    pub(crate) fn forget(&mut self, index: usize) {
        if index + 1 == self.members.len() {
            self.members.pop();
        }
    }

    /// Waits until that process ends.
    pub(crate) async fn wait(&mut self, index: usize) -> anyhow::Result<ExitStatus> {
        let member = self.members.get_mut(index).context("a member of the tree")?;
        Ok(member.child.wait().await?)
    }

    /// Sends a signal to that process and to what it started.
    pub(crate) fn signal(&self, index: usize, signal: Signal) {
        if let Some(member) = self.members.get(index) {
            let _ = kill(member.target, signal);
        }
    }

    /// Waits until any process ends and tells which, how, and what it said last.
    pub(crate) async fn first_end(&mut self) -> String {
        let ends = self.members.iter_mut().map(|member| {
            Box::pin(async move {
                let status = member.child.wait().await;
                let how = status.map_or_else(|error| error.to_string(), describe);
                format!("{} ended unexpectedly ({how}){}", member.name, last_words(member.log.as_deref()))
            })
        });
        futures::future::select_all(ends).await.0
    }

    /// Stops everything, last started first. Dropped half-way: the watcher does the rest.
    pub(crate) async fn stop(mut self) {
        for mut member in std::mem::take(&mut self.members).into_iter().rev() {
            if member.child.try_wait().ok().flatten().is_none() {
                let _ = kill(member.target, member.stop);
                if timeout(member.patience, member.child.wait()).await.is_err() {
                    eprintln!("{} does not stop; killing it", member.name);
                }
            }
            // A group outlives its leader as long as one of its processes runs.
            if member.target.as_raw() < 0 || member.child.try_wait().ok().flatten().is_none() {
                let _ = kill(member.target, Signal::SIGKILL);
            }
            let _ = member.child.wait().await;
        }
        for folder in &self.folders {
            let _ = std::fs::remove_dir_all(folder);
        }
        let _ = self.tell("done").await;
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait().await;
    }
}

/// The end of a process in words.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

/// The last lines of a log, introduced by its name.
pub(crate) fn last_words(log: Option<&Path>) -> String {
    let Some(log) = log else { return String::new() };
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n  ");
    if tail.is_empty() { String::new() } else { format!("; {} ends with:\n  {tail}", log.display()) }
}
