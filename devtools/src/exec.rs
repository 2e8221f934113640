//! `dev exec`: a command with a throwaway PostgreSQL, which is gone when the command is.

use std::{
    io::IsTerminal as _,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitCode, ExitStatus},
    time::Duration,
};

use clap::Args;
use nix::sys::signal::Signal;
use sqlx::{Connection as _, PgConnection, migrate::Migrator};
use tokio::{process::Command, time::timeout};

use crate::{
    StopSignals,
    account::Account,
    cluster::{Cluster, Purpose},
    environment, folder,
    tree::{Plan, Tree},
};

/// How long the command may take to stop after a signal.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `dev exec` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// With PostgreSQL's default durability, on a disk, for measuring; TMPDIR says where, else /var/tmp
    #[arg(long)]
    durable: bool,
    /// Run PostgreSQL under another program: its path and its arguments, separated by spaces
    #[arg(long, default_value = "")]
    server_under: String,
    /// Set DATABASE_URL as well
    #[arg(long)]
    database_url: bool,
    /// Apply the migrations of that folder first
    #[arg(long)]
    migrations: Option<PathBuf>,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<std::ffi::OsString>,
}

/// Runs the command and exits as it does.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let mut tree = Tree::new()?;
    let outcome = tokio::select! {
        url = database(&arguments, &mut tree) => match url {
            Ok(url) => command(&arguments, &url, &mut tree, &mut signals).await,
            Err(error) => Err(error),
        },
        signal = signals.next() => Ok(ended_by(signal)),
    };
    tree.stop().await;
    outcome
}

/// `TEST_DATABASE_URL` when it is set, else a throwaway cluster.
async fn database(arguments: &Arguments, tree: &mut Tree) -> anyhow::Result<String> {
    if let Some(url) = environment("TEST_DATABASE_URL").filter(|url| !url.is_empty()) {
        return Ok(url);
    }
    let account = Account::choose()?;
    let (folder, purpose) = if arguments.durable {
        (folder::throwaway_on_disk(&account)?, Purpose::Measured)
    } else {
        (folder::throwaway(&account)?, Purpose::Throwaway)
    };
    tree.remove_at_end(folder.clone()).await?;
    let log = folder.join("log");
    let under: Vec<&str> = arguments.server_under.split_whitespace().collect();
    let cluster = Cluster { folder: &folder, log: &log, account: &account, purpose, under: &under };
    cluster.start(tree).await
}

async fn command(
    arguments: &Arguments,
    url: &str,
    tree: &mut Tree,
    signals: &mut StopSignals,
) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &arguments.migrations {
        let mut connection = PgConnection::connect(url).await?;
        Migrator::new(folder.as_path()).await?.run(&mut connection).await?;
        connection.close().await?;
    }
    let (program, rest) = arguments.command.split_first().ok_or_else(|| anyhow::anyhow!("no command"))?;
    let mut command = Command::new(program);
    command.args(rest).env("TEST_DATABASE_URL", url);
    if arguments.database_url {
        command.env("DATABASE_URL", url);
    }
    let plan = Plan { name: "the command", stop: Signal::SIGTERM, patience: PATIENCE, log: None };
    // A command at a terminal must stay in the terminal's foreground group, or it could not read from it.
    let child = if std::io::stdin().is_terminal() {
        tree.start_beside(command, plan).await?
    } else {
        tree.start(command, plan).await?
    };
    let signal = tokio::select! {
        status = tree.wait(child) => return Ok(code(status?)),
        signal = signals.next() => signal,
    };
    tree.signal(child, signal);
    let _ = timeout(PATIENCE, tree.wait(child)).await;
    Ok(ended_by(signal))
}

/// The exit code of a shell for a process that ended so.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn ended_by(signal: Signal) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal as i32).unwrap_or(1))
}
