//! Programs of the machine that a test runs for itself, as a user that they accept.
//!
//! Each hangs on a pipe of this process: when the test is over, or dies in whatever way, the program ends.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::{User, geteuid};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::PATIENCE;

/// Runs a program until its own input ends, and then ends the program with the signal it is told.
const UNTIL_INPUT_ENDS: &str = r#"signal=$1; shift; "$@" </dev/null & pid=$!; read -r _; kill -s "$signal" "$pid" 2>/dev/null; wait "$pid""#;

/// A place where programs run, and the user they run as: PostgreSQL and PgBouncer refuse to run as root.
pub(crate) struct Place {
    folder: TempDir,
    user: Option<User>,
}

/// A program that runs until it is stopped or this is dropped.
pub(crate) struct Daemon {
    shell: Child,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = geteuid().is_root();
        let name = |name| User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root());
        let user =
            root.then(|| name("postgres").or_else(|| name("nobody")).expect("a user that is not root"));
        let folder = TempDir::new().expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711)).expect("its mode");
        Self { folder, user }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new folder in it that belongs to the programs.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).expect("a folder");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("its mode");
        self.give(&path);
        path
    }

    /// A new file in it that the programs can read.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("its mode");
        self.give(&path);
        path
    }

    fn give(&self, path: &Path) {
        if let Some(user) = &self.user {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("its owner");
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.current_dir("/").process_group(0).kill_on_drop(false);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Runs a program to its end, which has to be good.
    pub(crate) async fn run(&self, program: &Path, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().await.expect("it starts");
        assert!(output.status.success(), "{}: {output:?}", program.display());
    }

    /// Starts a program that stays; `signal` ends it. What it says goes into the file of that name.
    pub(crate) fn start(&self, log: &str, signal: &str, program: &Path, arguments: &[&str]) -> Daemon {
        let log = File::create(self.path(log)).expect("a log");
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", UNTIL_INPUT_ENDS, "sh", signal]).arg(program).args(arguments);
        command.stdin(Stdio::piped()).stdout(log.try_clone().expect("a log")).stderr(log);
        Daemon { shell: command.spawn().expect("it starts") }
    }

    /// What a program said.
    pub(crate) fn said(&self, log: &str) -> String {
        std::fs::read_to_string(self.path(log)).unwrap_or_default()
    }
}

impl Daemon {
    /// Ends it, and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        drop(self.shell.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, self.shell.wait()).await;
        ended.expect("it stops in time").expect("it stops");
    }
}

/// Ports of loopback that nobody uses, all different.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// Says, past the capture of the test runner, that a test was skipped.
pub(crate) fn skipped(what: &str, why: &str) {
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("\nSKIPPED: {what}, because {why}\n\n"),
    );
}
