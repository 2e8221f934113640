//! The ceiling: what PostgreSQL itself can do with one insert and seven recorded steps for each checkout, each its own
//! commit, asked by pgbench over the same kind of connection that the program uses.

use std::fmt::Write as _;
use std::path::{Path as FilePath, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::Executor as _;
use tokio::process::Command;

use super::cell::{self, Watched};
use super::database::Database;
use super::figures::{Figures, add_spread};
use super::shopper::WHOLE;
use super::upstream::Upstream;

/// Commits of one checkout.
const COMMITS: u32 = 8;
/// What a checkout's documents come to.
const BODY: usize = 1300;
const PATIENCE: Duration = Duration::from_mins(1);

/// The tool and its folder.
pub(crate) struct Ceiling {
    pub(crate) pgbench: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Ceiling {
    /// Finds pgbench beside the PostgreSQL that `./dev` uses.
    pub(crate) fn find(folder: &FilePath) -> anyhow::Result<Self> {
        let pgbench = devtools::find_postgres(None)?.folder.join("pgbench");
        anyhow::ensure!(
            pgbench.is_file(),
            "{} is missing: install PostgreSQL's client programs",
            pgbench.display()
        );
        std::fs::write(folder.join("ceiling.sql"), script())?;
        Ok(Self { pgbench, folder: folder.to_owned() })
    }

    /// Runs it.
    pub(crate) async fn run(
        &self,
        database: &Database,
        upstream: &Upstream,
        concurrency: usize,
        window: Duration,
    ) -> anyhow::Result<Figures> {
        database
            .pool
            .execute(
                "create table if not exists ceiling_step
                    (checkout bigint, step int, phase int, body text, primary key (checkout, step, phase));
                 truncate ceiling_step",
            )
            .await?;
        let watched = Watched { upstream, database: Some(database), program: None };
        let warm_up = cell::warm_up(window);
        let seconds = (warm_up + window).as_secs_f64().ceil().max(3.0) + 1.0;
        let child =
            self.command(database, concurrency, seconds).spawn().context("pgbench cannot be started")?;
        // Connecting is no part of a checkout.
        connected(database, concurrency).await?;
        let connected_at = Instant::now();
        tokio::time::sleep(warm_up).await;
        let before = watched.look(0).await?.by_commits(COMMITS.into());
        tokio::time::sleep(window).await;
        let mut after = watched.look(0).await?.by_commits(COMMITS.into());
        // A machine that is busy otherwise may need longer for the first.
        while !after.saw_some_since(&before) && connected_at.elapsed().as_secs_f64() < seconds {
            tokio::time::sleep(Duration::from_millis(20)).await;
            after = watched.look(0).await?.by_commits(COMMITS.into());
        }
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "pgbench failed: {said}");
        let mut figures = cell::between(&before, &after)?;
        let times = self.times()?;
        add_spread(&mut figures, "step", times.iter().map(|time| *time / COMMITS).collect());
        add_spread(&mut figures, WHOLE, times);
        Ok(figures)
    }

    fn command(&self, database: &Database, concurrency: usize, seconds: f64) -> Command {
        let mut command = Command::new(&self.pgbench);
        command.args(["-n", "-M", "prepared", "-l", "--log-prefix", "ceiling-times"]);
        command.args(["-c", &concurrency.to_string(), "-j", &concurrency.min(2).to_string()]);
        command.args([
            "-T",
            &format!("{seconds:.0}"),
            "-D",
            "n=0",
            "-D",
            &format!("body={}", "x".repeat(BODY)),
        ]);
        command.args(["-f", "ceiling.sql"]).arg(database.url());
        command.current_dir(&self.folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The time of each checkout, from pgbench's log; the log is removed.
    fn times(&self) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for entry in std::fs::read_dir(&self.folder)?.flatten() {
            if !entry.file_name().to_string_lossy().starts_with("ceiling-times.") {
                continue;
            }
            // client, transaction, microseconds, ...
            let text = std::fs::read_to_string(entry.path())?;
            let micros = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
            times.extend(micros.map(Duration::from_micros));
            std::fs::remove_file(entry.path())?;
        }
        Ok(times)
    }
}

fn script() -> String {
    let mut script = String::from("\\set n :n + 1\n\\set id :client_id * 1000000000 + :n\n");
    for step in 0..COMMITS {
        let _ = writeln!(script, "insert into ceiling_step values (:id, {step}, 1, :body);");
    }
    script
}

async fn connected(database: &Database, concurrency: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let there: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'pgbench'",
        )
        .fetch_one(&database.pool)
        .await?;
        if usize::try_from(there).is_ok_and(|there| there >= concurrency) {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "pgbench does not connect");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
