//! A Patroni cluster of three with etcd and HAProxy, as private programs of this machine, run with the files of `deploy/ha`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::harness::PATIENCE;
use crate::harness::daemon::{Daemon, Place, free_ports};

/// How long a cluster may take to form, or to elect a leader after one was killed: `ttl` of `patroni.yml`, and a reserve.
const ELECTION: Duration = Duration::from_secs(90);

const PASSWORD: &str = "a-password-of-this-test";

/// The programs that it needs.
pub(crate) struct Programs {
    etcd: PathBuf,
    patroni: PathBuf,
    haproxy: PathBuf,
    postgres: PathBuf,
}

/// The cluster. Its members are `member1` to `member3`.
pub(crate) struct Cluster {
    programs: Programs,
    place: Place,
    /// Where PostgreSQL and Patroni's REST API listen, by member.
    ports: [[u16; 2]; 3],
    etcd: u16,
    /// The one address.
    pub(crate) port: u16,
    daemons: Vec<Daemon>,
    members: [Option<Daemon>; 3],
    http: reqwest::Client,
}

impl Programs {
    /// Those of this machine, or the name of one that is missing.
    pub(crate) fn find() -> Result<Self, &'static str> {
        let find = |name: &'static str| {
            ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
                .iter()
                .map(|folder| Path::new(folder).join(name))
                .find(|path| path.is_file())
                .ok_or(name)
        };
        let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "postgres")?;
        let newest = versions.filter_map(Result::ok).map(|version| version.path().join("bin")).max();
        Ok(Self {
            etcd: find("etcd")?,
            patroni: find("patroni")?,
            haproxy: find("haproxy")?,
            postgres: newest.filter(|folder| folder.join("initdb").is_file()).ok_or("initdb")?,
        })
    }
}

impl Cluster {
    /// Starts it and waits until it has a leader and a synchronous standby.
    pub(crate) async fn start(programs: Programs) -> Self {
        let [etcd, peer, port, ports @ ..] = free_ports::<9>();
        let ports = [0, 2, 4].map(|at| [ports[at], ports[at + 1]]);
        let mut cluster = Self {
            programs,
            place: Place::new(),
            ports,
            etcd,
            port,
            daemons: Vec::new(),
            members: [None, None, None],
            http: headless_checkout::app::http_client(Duration::from_secs(1)).expect("a client"),
        };
        cluster.start_etcd(peer);
        for member in 0..3 {
            cluster.start_member(member);
        }
        cluster.until_healthy().await;
        cluster.start_haproxy();
        cluster
    }

    fn start_etcd(&mut self, peer: u16) {
        let data = self.place.folder("etcd");
        let (client, peer) = (format!("http://127.0.0.1:{}", self.etcd), format!("http://127.0.0.1:{peer}"));
        let arguments = [
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.daemons.push(self.place.start("etcd.log", "TERM", &self.programs.etcd, &arguments));
    }

    /// Starts a member, for the first time or again.
    pub(crate) fn start_member(&mut self, member: usize) {
        let name = format!("member{}", member + 1);
        let [postgres, rest] = self.ports[member];
        if !self.place.path(&name).exists() {
            self.place.folder(&name);
            let shipped = include_str!("../../deploy/ha/patroni.yml");
            self.place.file(&format!("{name}.yml"), shipped);
        }
        let data = self.place.path(&name).join("data");
        let sockets = self.place.path(&name);
        let settings = self.place.path(&format!("{name}.yml"));
        let variables = [
            ("PATRONI_NAME", name.clone()),
            ("PATRONI_ETCD3_HOSTS", format!("127.0.0.1:{}", self.etcd)),
            ("PATRONI_RESTAPI_LISTEN", format!("127.0.0.1:{rest}")),
            ("PATRONI_RESTAPI_CONNECT_ADDRESS", format!("127.0.0.1:{rest}")),
            ("PATRONI_POSTGRESQL_LISTEN", format!("127.0.0.1:{postgres}")),
            ("PATRONI_POSTGRESQL_CONNECT_ADDRESS", format!("127.0.0.1:{postgres}")),
            ("PATRONI_POSTGRESQL_DATA_DIR", data.display().to_string()),
            ("PATRONI_POSTGRESQL_BIN_DIR", self.programs.postgres.display().to_string()),
            ("PATRONI_POSTGRESQL_PGPASS", sockets.join("pgpass").display().to_string()),
            ("PATRONI_SUPERUSER_PASSWORD", PASSWORD.to_owned()),
            ("PATRONI_REPLICATION_PASSWORD", PASSWORD.to_owned()),
            ("PGHOST", "127.0.0.1".to_owned()),
        ];
        let mut arguments: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        arguments.push(self.programs.patroni.display().to_string());
        arguments.push(settings.display().to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let log = format!("{name}.log");
        self.members[member] = Some(self.place.start(&log, "TERM", Path::new("/usr/bin/env"), &arguments));
    }

    fn start_haproxy(&mut self) {
        let settings = self.place.file("haproxy.cfg", include_str!("../../deploy/ha/haproxy.cfg"));
        let mut arguments = vec![format!("HAPROXY_BIND=127.0.0.1:{}", self.port)];
        for (member, [postgres, rest]) in self.ports.iter().enumerate() {
            arguments.push(format!("MEMBER{}=127.0.0.1:{postgres}", member + 1));
            arguments.push(format!("MEMBER{}_REST={rest}", member + 1));
        }
        arguments.extend([
            self.programs.haproxy.display().to_string(),
            "-db".to_owned(),
            "-f".to_owned(),
            settings.display().to_string(),
        ]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.daemons.push(self.place.start("haproxy.log", "TERM", Path::new("/usr/bin/env"), &arguments));
    }

    /// The one address of the database, in this form.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port);
        options.username("postgres").password(PASSWORD)
    }

    /// The one address of this database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// The members and their roles, as Patroni says them.
    async fn members(&self) -> Vec<(String, String, String)> {
        for [_, rest] in self.ports {
            let asked = self.http.get(format!("http://127.0.0.1:{rest}/cluster"));
            let Ok((_, text)) = send(asked.timeout(Duration::from_secs(2))).await else { continue };
            let Ok(cluster) = serde_json::from_str::<Value>(&text) else { continue };
            let text = |member: &Value, name: &str| member[name].as_str().unwrap_or_default().to_owned();
            let members = cluster["members"].as_array().into_iter().flatten();
            return members.map(|one| (text(one, "name"), text(one, "role"), text(one, "state"))).collect();
        }
        Vec::new()
    }

    /// The place of the leader among the members.
    pub(crate) async fn leader(&self) -> usize {
        let members = self.members().await;
        let leader = members.iter().find(|(_, role, _)| role == "leader").map(|(name, ..)| name.clone());
        let number = leader.as_deref().and_then(|name| name.strip_prefix("member"));
        number.and_then(|number| number.parse::<usize>().ok()).expect("a leader") - 1
    }

    /// The member that the one address leads to now.
    pub(crate) async fn server_at_address(&self) -> Option<usize> {
        let asked = async {
            let mut connection = self.options().database("postgres").connect().await?;
            let port: String = sqlx::query_scalar("show port").fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(port)
        };
        let port =
            tokio::time::timeout(Duration::from_secs(1), asked).await.ok()?.ok()?.parse::<u16>().ok()?;
        self.ports.iter().position(|[postgres, _]| *postgres == port)
    }

    /// Waits until there is a leader, and two standbys that follow it, one of them synchronously.
    pub(crate) async fn until_healthy(&self) {
        let deadline = tokio::time::Instant::now() + ELECTION;
        let mut looks = tokio::time::interval(Duration::from_millis(250));
        loop {
            looks.tick().await;
            let members = self.members().await;
            let count = |wanted: &str| members.iter().filter(|(_, role, _)| role == wanted).count();
            let follow = members
                .iter()
                .filter(|(_, role, state)| role != "leader" && (state == "running" || state == "streaming"));
            if count("leader") == 1 && count("sync_standby") == 1 && follow.count() == 2 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{members:?}: {}", self.said());
        }
    }

    /// A planned switch-over to the synchronous standby.
    pub(crate) async fn switch_over(&self) {
        let members = self.members().await;
        let of =
            |wanted: &str| members.iter().find(|(_, role, _)| role == wanted).map(|(name, ..)| name.clone());
        let leader = of("leader").expect("a leader");
        let body = json!({"leader": leader, "candidate": of("sync_standby").expect("a standby")}).to_string();
        let [_, rest] = self.ports[self.leader().await];
        let asked = self.http.post(format!("http://127.0.0.1:{rest}/switchover")).body(body);
        let (status, said) = send(asked.timeout(PATIENCE + PATIENCE)).await.expect("Patroni answers");
        assert!(status.is_success(), "{status}: {said}");
    }

    /// `kill -9` of the leader: its Patroni and its PostgreSQL. Answers which member it was.
    pub(crate) async fn kill_leader(&self) -> usize {
        let leader = self.leader().await;
        let name = format!("member{}", leader + 1);
        let settings = self.place.path(&format!("{name}.yml")).display().to_string();
        let postmaster = std::fs::read_to_string(self.place.path(&name).join("data/postmaster.pid"));
        let postmaster = postmaster.expect("it runs").lines().next().and_then(|pid| pid.parse().ok());
        // Patroni first, or it would start PostgreSQL again.
        let patroni = processes_with(&settings);
        assert!(!patroni.is_empty(), "Patroni of {name} runs");
        for pid in patroni.into_iter().chain(postmaster) {
            // A shell around it may have gone with it.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        leader
    }

    /// What the programs said last.
    fn said(&self) -> String {
        let logs = ["etcd.log", "member1.log", "member2.log", "member3.log", "haproxy.log"];
        let tail = |text: String| {
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        logs.map(|log| format!("--- {log}\n{}\n", tail(self.place.said(log)))).concat()
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) {
        for daemon in self.members.iter_mut().filter_map(Option::take) {
            daemon.stop().await;
        }
        for daemon in self.daemons.drain(..).rev() {
            daemon.stop().await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test asks Patroni")]
async fn send(request: reqwest::RequestBuilder) -> Result<(reqwest::StatusCode, String), reqwest::Error> {
    let answer = request.send().await?;
    Ok((answer.status(), answer.text().await?))
}

/// The processes of Patroni that were started with these settings; not the shell around them.
fn processes_with(settings: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = command.split('\0');
        words.next().is_some_and(|program| program.contains("python")) && words.any(|word| word == settings)
    })
    .collect()
}
