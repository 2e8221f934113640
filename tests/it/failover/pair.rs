//! A primary and its synchronous standby, as private clusters on this machine.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Executor as _, Row as _};

use crate::harness::PATIENCE;
use crate::harness::daemon::{Daemon, Place, free_ports};

/// What both run with: nothing here survives a power failure, and nothing has to.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "headless_checkout.throwaway=on",
    "fsync=off",
    "synchronous_commit=on",
    "max_connections=100",
    "shared_buffers=32MB",
    "timezone=UTC",
];

/// The folder of PostgreSQL's programs, if they are installed.
pub(super) fn installed() -> Option<PathBuf> {
    let folder = devtools::find_postgres(None).ok()?.folder;
    ["pg_basebackup", "pg_ctl"].iter().all(|program| folder.join(program).is_file()).then_some(folder)
}

/// The two of them.
pub(super) struct Pair {
    programs: PathBuf,
    place: Place,
    ports: [u16; 2],
    servers: [Option<Daemon>; 2],
    frozen: Vec<Pid>,
}

impl Pair {
    /// Both, the second one following the first, which acknowledges nothing that the second does not have.
    pub(super) async fn start(programs: PathBuf) -> Self {
        let mut pair = Self {
            programs,
            place: Place::new(),
            ports: free_ports(),
            servers: [None, None],
            frozen: Vec::new(),
        };
        let data = pair.place.folder("0");
        let arguments =
            ["--username=checkout", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"];
        pair.run("initdb", &[&arguments[..], &[&data.to_string_lossy()]].concat()).await;
        pair.launch(0).await;
        let data = pair.place.folder("1");
        let source = format!("host=127.0.0.1 port={} user=checkout application_name=standby", pair.ports[0]);
        let arguments = [
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "-d",
            &source,
            "-D",
        ];
        pair.run("pg_basebackup", &[&arguments[..], &[&data.to_string_lossy()]].concat()).await;
        pair.launch(1).await;
        let mut primary = pair.connect(0).await;
        for sql in ["alter system set synchronous_standby_names = 'standby'", "select pg_reload_conf()"] {
            primary.execute(sql).await.expect("it is told");
        }
        let sql =
            "select count(*) from pg_stat_replication where sync_state = 'sync' and state = 'streaming'";
        until("the standby follows", async || {
            primary.fetch_one(sql).await.is_ok_and(|row| row.get::<i64, _>(0) == 1)
        })
        .await;
        pair
    }

    /// How one of them is reached.
    pub(super) fn options(&self, server: usize) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.ports[server]).username("checkout")
    }

    /// Where one of them listens.
    pub(super) fn port(&self, server: usize) -> u16 {
        self.ports[server]
    }

    /// The first one takes no writes any more, and its connections stay.
    pub(super) async fn make_primary_read_only(&self) {
        let mut primary = self.connect(0).await;
        for sql in ["alter system set default_transaction_read_only = on", "select pg_reload_conf()"] {
            primary.execute(sql).await.expect("it is told");
        }
    }

    /// Waits until nobody uses this database of the first one.
    pub(super) async fn until_primary_is_left(&self, database: &str) {
        let mut primary = self.connect(0).await;
        let sql = "select count(*) from pg_stat_activity where datname = $1";
        until("everybody left", async || {
            let asked = sqlx::query_scalar::<_, i64>(sql).bind(database).fetch_one(&mut primary).await;
            asked.is_ok_and(|connections| connections == 0)
        })
        .await;
    }

    /// `kill -9` of the first one's postmaster.
    pub(super) fn kill_primary(&self) {
        kill(self.postmaster(0), Signal::SIGKILL).expect("it is killed");
    }

    /// The first one answers nothing more, and its connections stay open.
    pub(super) async fn freeze_primary(&mut self) {
        let postmaster = self.postmaster(0);
        let mut primary = self.connect(0).await;
        let found = primary.fetch_all("select pid from pg_stat_activity").await.expect("its processes");
        kill(postmaster, Signal::SIGSTOP).expect("it is stopped");
        self.frozen.push(postmaster);
        for pid in found.iter().map(|row| Pid::from_raw(row.get("pid"))) {
            // One that has ended meanwhile is still enough.
            if kill(pid, Signal::SIGSTOP).is_ok() {
                self.frozen.push(pid);
            }
        }
    }

    /// The standby hears nothing more; answers once a commit waits for it on the primary, which acknowledges none.
    pub(super) async fn hold_back_standby(&mut self) {
        let mut standby = self.connect(1).await;
        let found = standby.fetch_one("select pid from pg_stat_wal_receiver").await.expect("a receiver");
        let receiver = Pid::from_raw(found.get("pid"));
        kill(receiver, Signal::SIGSTOP).expect("it is stopped");
        self.frozen.push(receiver);
        let mut primary = self.connect(0).await;
        let sql = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
        until("a commit waits for the standby", async || {
            primary.fetch_one(sql).await.is_ok_and(|row| row.get::<i64, _>(0) > 0)
        })
        .await;
    }

    /// The standby goes on, with what had been on its way to it.
    pub(super) fn release_standby(&mut self) {
        let receiver = self.frozen.remove(0);
        kill(receiver, Signal::SIGCONT).expect("it goes on");
    }

    /// What fails over does this: the second one takes writes from now on.
    pub(super) async fn promote_standby(&self) {
        let data = self.place.path("1");
        self.run("pg_ctl", &["promote", "--wait", "--silent", "-D", &data.to_string_lossy()]).await;
    }

    /// The old primary comes back and believes that it still is one.
    pub(super) async fn revive_old_primary(&mut self) {
        if let Some(server) = self.servers[0].take() {
            server.stop().await;
        }
        self.launch(0).await;
    }

    /// Ends both.
    pub(super) async fn stop(mut self) {
        for pid in self.frozen.drain(..) {
            let _ = kill(pid, Signal::SIGKILL);
        }
        for server in self.servers.iter_mut().filter_map(Option::take) {
            server.stop().await;
        }
    }

    fn postmaster(&self, server: usize) -> Pid {
        let path = self.place.path(&server.to_string()).join("postmaster.pid");
        let text = std::fs::read_to_string(path).expect("a running server");
        Pid::from_raw(text.lines().next().and_then(|pid| pid.parse().ok()).expect("its process"))
    }

    async fn run(&self, program: &str, arguments: &[&str]) {
        self.place.run(&self.programs.join(program), arguments).await;
    }

    async fn launch(&mut self, server: usize) {
        let data = self.place.path(&server.to_string());
        let port = format!("port={}", self.ports[server]);
        let data = data.to_string_lossy();
        let mut arguments = vec!["-D", &*data, "-c", &port];
        arguments.extend(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        let log = format!("log{server}");
        self.servers[server] =
            Some(self.place.start(&log, "QUIT", &self.programs.join("postgres"), &arguments));
        until("the server answers", async || {
            self.options(server).database("postgres").connect().await.is_ok()
        })
        .await;
    }

    async fn connect(&self, server: usize) -> PgConnection {
        self.options(server).database("postgres").connect().await.expect("it answers")
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for pid in &self.frozen {
            let _ = kill(*pid, Signal::SIGKILL);
        }
    }
}

/// Looks until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}: never");
        looks.tick().await;
    }
}
