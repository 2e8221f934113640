//! A private PostgreSQL cluster: made, started, and reachable over loopback with a password of its own.
//!
//! Guarantees: a half-made cluster is never used (it gets its name when it is complete); there is no Unix socket, so that neither the
//! length of the path nor another cluster matters; the port is taken only when it is free.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::Signal;
use sqlx::{Connection as _, PgConnection, Postgres, migrate::MigrateDatabase as _};
use tokio::time::{Instant, sleep};

use crate::{
    account::Account,
    binaries::{self, Binaries},
    orphan,
    tree::{Plan, Tree, last_words},
};

const PATIENCE: Duration = Duration::from_mins(1);

/// What makes tests fast. The service refuses such a cluster unless it says of itself that it is thrown away
/// (`store/durability.rs`); what was committed survives everything but a power failure.
const FAST: &[&str] = &[
    "headless_checkout.throwaway=on",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=300",
    "shared_buffers=128MB",
];

/// What the cluster is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Data that is found again: nothing is risked.
    Keep,
    /// Tests: what was committed survives a restart of the server, but no power failure; many connections.
    Throwaway,
    /// Benchmarks: durable as PostgreSQL comes, because that is what is measured; many connections.
    Measured,
}

/// Where a cluster lives and who runs it.
pub(crate) struct Cluster<'a> {
    /// The folder for the cluster alone.
    pub(crate) folder: &'a Path,
    /// Where the server's log goes.
    pub(crate) log: &'a Path,
    pub(crate) account: &'a Account,
    pub(crate) purpose: Purpose,
    /// A program, with its arguments, that runs the server.
    pub(crate) under: &'a [&'a str],
}

impl Cluster<'_> {
    /// Makes the cluster where there is none, starts it within the tree and answers the URL of its database.
    pub(crate) async fn start(&self, tree: &mut Tree) -> anyhow::Result<String> {
        let binaries = binaries::find(self.major()?)?;
        if !self.data().exists() {
            self.make(&binaries).await?;
        }
        orphan::clear(&self.data()).await?;
        let password = fs::read_to_string(self.password())
            .context("the password of the cluster is lost: start over with --reset")?;
        let mut port = self.remembered_port();
        for _ in 0..5 {
            port = free_port(port)?;
            let url = format!("postgres://checkout:{password}@127.0.0.1:{port}/checkout");
            if self.serve(&binaries, port, &url, tree).await? {
                fs::write(self.folder.join("port"), port.to_string())?;
                return Ok(url);
            }
            port = 0;
        }
        bail!("PostgreSQL found no free port{}", last_words(Some(self.log)))
    }

    /// Forgets all data.
    pub(crate) async fn forget(&self) -> anyhow::Result<()> {
        orphan::clear(&self.data()).await?;
        for name in ["data", "data.new", "password", "port"] {
            let path = self.folder.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn password(&self) -> PathBuf {
        self.folder.join("password")
    }

    fn remembered_port(&self) -> u16 {
        fs::read_to_string(self.folder.join("port")).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The major version of the data that is there.
    fn major(&self) -> anyhow::Result<Option<u32>> {
        match fs::read_to_string(self.data().join("PG_VERSION")) {
            Ok(text) => Ok(Some(text.trim().parse().context("PG_VERSION of the data is unreadable")?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("the data of the cluster is unreadable"),
        }
    }

    /// Makes the cluster under another name first. Dropped half-way: the next run starts it anew.
    async fn make(&self, binaries: &Binaries) -> anyhow::Result<()> {
        let fresh = self.folder.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        fs::create_dir(&fresh)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700))?;
        self.account.own(&fresh)?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        let _ = fs::remove_file(self.password());
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(self.password())?;
        std::io::Write::write_all(&mut file, password.as_bytes())?;
        // While initdb runs as another user, the file belongs to that user; afterwards it is ours again.
        self.account.own(&self.password())?;
        let mut initdb = self.account.command(&binaries.folder.join("initdb"), self.folder);
        initdb.arg("-D").arg(&fresh).arg("--pwfile").arg(self.password());
        // Plain password exchange: the listener is on loopback only, and a digest would cost every test connection a round trip.
        initdb.args(["--username=checkout", "--auth=password", "--encoding=UTF8", "--locale=C"]);
        if self.purpose != Purpose::Keep {
            initdb.arg("--no-sync");
        }
        let output = initdb.kill_on_drop(true).output().await.context("initdb cannot be started")?;
        ensure!(
            output.status.success(),
            "initdb failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        std::os::unix::fs::chown(
            self.password(),
            Some(nix::unistd::geteuid().as_raw()),
            Some(nix::unistd::getegid().as_raw()),
        )?;
        fs::rename(&fresh, self.data())?;
        Ok(())
    }

    /// Starts the server on that port; `false` when somebody else took it meanwhile.
    async fn serve(
        &self,
        binaries: &Binaries,
        port: u16,
        url: &str,
        tree: &mut Tree,
    ) -> anyhow::Result<bool> {
        let server = binaries.folder.join("postgres");
        let mut command = match self.under.split_first() {
            Some((program, arguments)) => {
                let mut command = self.account.command(Path::new(program), self.folder);
                command.args(arguments).arg(server);
                command
            }
            None => self.account.command(&server, self.folder),
        };
        command.arg("-D").arg(self.data());
        let port = format!("port={port}");
        let mut settings = vec![
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
        ];
        settings.extend(match self.purpose {
            Purpose::Keep => &[][..],
            Purpose::Measured => &["max_connections=400"],
            Purpose::Throwaway => FAST,
        });
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one: fine when the data is thrown away.
        let stop = if self.purpose == Purpose::Keep { Signal::SIGINT } else { Signal::SIGQUIT };
        let plan = Plan { name: "PostgreSQL", stop, patience: Duration::from_secs(20), log: Some(self.log) };
        let server = tree.start(command, plan).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if tree.ended(server).is_some() {
                let said = last_words(Some(self.log));
                tree.forget(server);
                ensure!(said.contains("could not bind"), "PostgreSQL does not start{said}");
                return Ok(false);
            }
            if answers(url).await {
                return Ok(true);
            }
            ensure!(Instant::now() < deadline, "PostgreSQL does not get ready{}", last_words(Some(self.log)));
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Whether the database answers; it is created when the server is there and it is not.
async fn answers(url: &str) -> bool {
    match Postgres::database_exists(url).await {
        Ok(false) => Postgres::create_database(url).await.is_ok(),
        Ok(true) => match PgConnection::connect(url).await {
            Ok(connection) => connection.close().await.is_ok(),
            Err(_) => false,
        },
        Err(_) => false,
    }
}

/// The preferred port of this machine's loopback when it is free, else any free one.
pub(crate) fn free_port(preferred: u16) -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, preferred))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("there is no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
