//! What an earlier run may have left in the folder of a cluster: a server that still runs, or the trace of one that does not.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::ensure;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{Instant, sleep};

/// How long the watcher of an earlier run may take to stop its server.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes the folder free: waits for a server that is stopping, stops one that nobody watches, and removes the trace of a dead one,
/// whose process id may by now belong to somebody else.
pub(crate) async fn clear(data: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut asked = false;
    while let Some(pid) = recorded(data) {
        if !serves(pid, data).await {
            let _ = std::fs::remove_file(data.join("postmaster.pid"));
            break;
        }
        if Instant::now() > deadline {
            ensure!(!asked, "an earlier PostgreSQL (process {pid}) does not release {}", data.display());
            println!("    stopping a PostgreSQL that an earlier run left behind (process {pid})");
            kill(pid, Signal::SIGINT)?;
            asked = true;
            sleep(PATIENCE / 3).await;
            continue;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// The process that the folder names as its server.
fn recorded(data: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// Whether that process runs and is the server of that folder.
async fn serves(pid: Pid, data: &Path) -> bool {
    let command_line = match std::fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(bytes) => bytes,
        // No /proc on this system: ask ps.
        Err(_) if !Path::new("/proc/self").exists() => {
            let mut ps = tokio::process::Command::new("ps");
            ps.args(["-o", "args=", "-p", &pid.to_string()]).stderr(Stdio::null());
            ps.output().await.map(|output| output.stdout).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let command_line = String::from_utf8_lossy(&command_line);
    command_line.contains("postgres") && command_line.contains(&*data.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_trace_of_a_dead_or_foreign_process_is_removed() {
        let data = tempfile::tempdir().expect("a folder");
        let trace = data.path().join("postmaster.pid");
        // This very process is alive and is no PostgreSQL: the number was given out anew.
        for pid in ["999999999".to_owned(), std::process::id().to_string()] {
            std::fs::write(&trace, format!("{pid}\n/somewhere\n")).expect("a trace");
            clear(data.path()).await.expect("cleared");
            assert!(!trace.exists(), "{pid}");
        }
    }
}
