//! A throwaway PostgreSQL that can be restarted, for programs that try what a restart does to the service.
//!
//! Guarantees: it comes back under the same URL with everything that was committed; when this process ends, however it ends, the
//! server and its folder are gone.

use std::path::PathBuf;

use anyhow::ensure;
use nix::sys::signal::Signal;

use crate::{
    account::Account,
    cluster::{Cluster, Purpose},
    folder,
    tree::Tree,
};

/// The ports that are tried: below those that systems give to outgoing connections, so that none takes it during a restart.
const PORTS: std::ops::Range<u16> = 15_000..25_000;

/// How the server goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Connections are ended and everything is written down (SIGINT).
    Fast,
    /// As a crash: it recovers from its log when it starts again (SIGQUIT).
    Immediate,
}

/// The server.
pub struct Postgres {
    tree: Tree,
    account: Account,
    folder: PathBuf,
    url: String,
}

impl Postgres {
    /// Makes a fresh cluster and starts it.
    pub async fn start() -> anyhow::Result<Self> {
        let account = Account::choose()?;
        let folder = folder::throwaway(&account)?;
        let mut tree = Tree::new()?;
        tree.remove_at_end(folder.clone()).await?;
        let spread = u32::from(PORTS.end - PORTS.start);
        let port = u32::from(PORTS.start) + std::process::id() % spread;
        std::fs::write(folder.join("port"), port.to_string())?;
        let url = cluster(&folder, &folder.join("log"), &account).start(&mut tree).await?;
        Ok(Self { tree, account, folder, url })
    }

    /// Where it listens, with the password of its superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server and starts it again.
    pub async fn restart(&mut self, how: Restart) -> anyhow::Result<()> {
        self.tree.signal(
            0,
            match how {
                Restart::Fast => Signal::SIGINT,
                Restart::Immediate => Signal::SIGQUIT,
            },
        );
        self.tree.wait(0).await?;
        self.tree.forget(0);
        let log = self.folder.join("log");
        let url = cluster(&self.folder, &log, &self.account).start(&mut self.tree).await?;
        ensure!(url == self.url, "PostgreSQL came back on another port");
        Ok(())
    }

    /// Stops the server and removes its data.
    pub async fn stop(self) {
        self.tree.stop().await;
    }
}

fn cluster<'a>(folder: &'a std::path::Path, log: &'a std::path::Path, account: &'a Account) -> Cluster<'a> {
    Cluster { folder, log, account, purpose: Purpose::Throwaway, under: &[] }
}
