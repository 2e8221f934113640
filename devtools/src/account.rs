//! The user that PostgreSQL runs as: PostgreSQL refuses to run as root.

use std::{os::unix::fs::chown, path::Path, process::Stdio};

use anyhow::{Context as _, bail};
use nix::unistd::{User, geteuid};
use tokio::process::Command;

/// An unprivileged user for PostgreSQL, or the user of this process when that is not root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    drop_to: Option<User>,
}

impl Account {
    /// The account to use: the own one; for root `postgres`, else `nobody`.
    pub(crate) fn choose() -> anyhow::Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)?.filter(|user| !user.uid.is_root()) {
                return Ok(Self { drop_to: Some(user) });
            }
        }
        bail!("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
    }

    /// The name of the other user, when privileges are dropped.
    pub(crate) fn other(&self) -> Option<&str> {
        self.drop_to.as_ref().map(|user| user.name.as_str())
    }

    /// A command that runs as this account, with nothing of our environment and away from our terminal's signals.
    pub(crate) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.current_dir(folder).process_group(0).stdin(Stdio::null());
        if let Some(user) = &self.drop_to {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Hands a file or folder over to this account.
    pub(crate) fn own(&self, path: &Path) -> anyhow::Result<()> {
        let Some(user) = &self.drop_to else { return Ok(()) };
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .with_context(|| format!("{} cannot be handed to the user {}", path.display(), user.name))
    }

    /// Whether this account can reach the folder: each folder above it must let it pass.
    pub(crate) async fn reaches(&self, folder: &Path) -> bool {
        if self.drop_to.is_none() {
            return true;
        }
        let mut command = self.command(Path::new("/bin/sh"), Path::new("/"));
        command.args(["-c", "cd \"$1\"", "sh"]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().await.is_ok_and(|status| status.success())
    }
}
