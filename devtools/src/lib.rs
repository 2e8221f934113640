//! A developer's machine: a private PostgreSQL, the simulator and the service in one process tree.
//!
//! Guarantees: nothing of the system's PostgreSQL is touched; when the command ends, by itself, by a signal or by `kill -9`, nothing it
//! started stays. Never for production: the keys are printed and written in the source.

mod account;
mod binaries;
mod cluster;
mod exec;
mod first_checkout;
mod folder;
mod orphan;
mod postgres;
pub mod probe;
mod service;
mod shop;
mod tree;
mod up;

pub use binaries::{Binaries, find as find_postgres};
pub use postgres::{Postgres, Restart};

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// A developer's machine: PostgreSQL, the simulator and the service in one process tree
#[derive(Debug, Parser)]
#[command(name = "dev", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: up::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything and print a first checkout to paste (also what `dev` alone does)
    Up(up::Arguments),
    /// Run a command against a throwaway PostgreSQL, whose URL it finds in TEST_DATABASE_URL
    Exec(exec::Arguments),
    /// Serve the example shop alone, beside a service and a simulator that run already
    Shop(shop::Arguments),
    /// Say which PostgreSQL binaries would be used; exits 1 when there are none
    Postgres,
}

/// Runs the command and answers its exit code.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        None => up::run(arguments.up).await,
        Some(Command::Up(arguments)) => up::run(arguments).await,
        Some(Command::Exec(arguments)) => exec::run(arguments).await,
        Some(Command::Shop(arguments)) => shop::run(arguments).await,
        Some(Command::Postgres) => {
            let found = binaries::find(None)?;
            println!("PostgreSQL {} in {}", found.major, found.folder.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The signals that end a run.
struct StopSignals {
    interrupt: Signals,
    terminate: Signals,
    hang_up: Signals,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal that asks to stop.
    async fn next(&mut self) -> nix::sys::signal::Signal {
        use nix::sys::signal::Signal;
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}

/// Where a run keeps its files: the option, made absolute.
fn absolute(folder: &std::path::Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    folder.canonicalize()
}

/// A variable of the environment, if it is set and is text.
#[expect(
    clippy::disallowed_methods,
    reason = "this is not the service, whose configuration reads the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
