//! `dev` leaves nothing behind, whatever ends it, and finds its data again.
//!
//! These tests start real clusters and look at real processes. What they wait for is told by no channel, so they look again and again.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dev");

/// The service's program, which `./dev test` builds beside this one.
fn service() -> PathBuf {
    Path::new(PROGRAM).with_file_name("headless-checkout")
}

/// `dev exec` with a shell command, away from any database that is set for this test run.
fn exec(script: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["exec", "--", "sh", "-c", script]);
    command
        .env_remove("TEST_DATABASE_URL")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a process id")), signal)
        .expect("the process is there");
}

/// Looks until it is so, for a minute at most.
fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !so() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Whether a process whose command line contains the text runs.
fn runs(text: &str) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        let output = Command::new("ps").args(["-eo", "args="]).output().expect("ps, where there is no /proc");
        return String::from_utf8_lossy(&output.stdout).lines().any(|line| line.contains(text));
    };
    processes.flatten().any(|process| {
        let command_line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command_line).replace('\0', " ").contains(text)
    })
}

/// The folder of the cluster behind a URL, as the server itself tells it.
fn data_folder(url: &str) -> PathBuf {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder: String = runtime
        .block_on(async {
            let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await?;
            sqlx::query_scalar("select current_setting('data_directory')").fetch_one(&mut connection).await
        })
        .expect("the server answers");
    folder.into()
}

#[test]
fn exec_gives_the_command_a_database_and_exits_as_it_does() {
    let script = r#"printf '%s\n' "$TEST_DATABASE_URL" "${DATABASE_URL-unset}"; read -r anything || exit 7"#;
    let output = exec(script).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("postgres://checkout:") && said.ends_with("\nunset\n"), "{said}");
    assert_eq!(output.status.code(), Some(7), "the command's own code, with no input to wait for");
}

/// Starts `dev exec` with a command that never ends and a grandchild; answers when both run.
fn endless() -> (Child, PathBuf, String) {
    let mark =
        format!("{}", 86_000_000 + u64::from(std::process::id()) * 7 + u64::from(rand::random::<u16>()));
    let script = format!("sleep {mark} & echo \"$TEST_DATABASE_URL\"; sleep {mark}");
    let mut child = exec(&script).spawn().expect("it starts");
    let mut url = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut url).expect("a line");
    let data = data_folder(url.trim());
    eventually("the grandchild runs", || runs(&format!("sleep {mark}")));
    (child, data, mark)
}

fn assert_gone(data: &Path, mark: &str) {
    eventually("the command and its children end", || !runs(&format!("sleep {mark}")));
    eventually("the server ends", || !runs(&data.display().to_string()));
    eventually("the folder is removed", || !data.parent().expect("a folder").exists());
}

/// What the server behind a URL has these settings at.
fn settings(url: &str) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let names = ["fsync", "synchronous_commit", "full_page_writes"].map(str::to_owned).to_vec();
    let asked = async {
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await?;
        let settings = sqlx::query_scalar("select current_setting(name) from unnest($1::text[]) name");
        settings.bind(names).fetch_all(&mut connection).await
    };
    runtime.block_on(asked).expect("the server answers")
}

#[test]
fn exec_for_measuring_is_as_durable_as_postgresql_comes() {
    // A commit is always waited for; what a throwaway cluster does without is the disk.
    for (flags, expected) in [(&["--durable"][..], ["on", "on", "on"]), (&[], ["off", "on", "off"])] {
        let mut command = Command::new(PROGRAM);
        command.args(["exec"]).args(flags);
        command.args(["--", "sh", "-c", "echo \"$TEST_DATABASE_URL\"; read -r anything || exit 0"]);
        command.env_remove("TEST_DATABASE_URL").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut url).expect("a line");
        assert_eq!(settings(url.trim()), expected, "{flags:?}");
        drop(child.stdin.take());
        assert!(child.wait().expect("it ends").success(), "{flags:?}");
    }
}

#[test]
fn exec_leaves_nothing_behind_when_it_is_stopped() {
    let (mut child, data, mark) = endless();
    signal(&child, Signal::SIGTERM);
    assert_eq!(child.wait().expect("it ends").code(), Some(128 + 15));
    assert_gone(&data, &mark);
}

#[test]
fn exec_leaves_nothing_behind_when_it_is_killed() {
    let (mut child, data, mark) = endless();
    signal(&child, Signal::SIGKILL);
    child.wait().expect("it ends");
    assert_gone(&data, &mark);
}

/// A run of `dev up` on free ports, up to the point where it prints what to paste.
struct Up {
    child: Child,
    output: BufReader<ChildStdout>,
    said: String,
}

impl Up {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["up", "--folder"]).arg(folder).args(arguments);
        command.env_remove("DATABASE_URL").env("LISTEN_ADDR", free()).env("SIMULATOR_ADDR", free());
        command.env("SHOP_ADDR", free());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut said = String::new();
        while !said.contains("Ctrl-C stops everything") {
            assert!(output.read_line(&mut said).expect("text") > 0, "it ended early: {said}");
        }
        Self { child, output, said }
    }

    fn field(&self, name: &str) -> &str {
        let line = self.said.lines().find_map(|line| line.trim_start().strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).expect("a line of that name")
    }
}

/// An address that was free a moment ago.
fn free() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}

#[test]
fn up_serves_stops_finds_its_data_again_and_survives_being_killed() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("a copy with spaces").join(".dev");

    let mut up = Up::start(&folder);
    let api = up.field("API").to_owned();
    let health = |path: &str| Command::new(service()).args(["healthcheck", &format!("{api}{path}")]).status();
    assert!(health("/readyz").expect("it runs").success());
    assert_eq!(health("/no-such-page").expect("it runs").code(), Some(1));
    let database = up.field("database").to_owned();
    let data = data_folder(&database);

    let second = Command::new(PROGRAM).args(["--folder"]).arg(&folder).output().expect("it runs");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        second.status.code() == Some(1) && said.contains("already running") && said.contains(&api),
        "{said}"
    );

    signal(&up.child, Signal::SIGINT);
    let mut last = String::new();
    up.output.read_to_string(&mut last).expect("text");
    assert!(
        up.child.wait().expect("it ends").success() && last.contains("nothing is left running"),
        "{last}"
    );
    assert!(!runs(&data.display().to_string()), "the server is gone when the command is");

    let mut up = Up::start(&folder);
    assert_eq!(up.field("database"), database, "the same cluster, the same port");
    let (address, service) = (up.field("simulator").to_owned(), up.field("API").to_owned());
    signal(&up.child, Signal::SIGKILL);
    up.child.wait().expect("it ends");
    eventually("the server ends", || !runs(&data.display().to_string()));
    for url in [service, address] {
        let address = url.trim_start_matches("http://").to_owned();
        eventually("the listeners end", || std::net::TcpStream::connect(&address).is_err());
    }

    let mut up = Up::start(&folder);
    assert_eq!(data_folder(up.field("database")), data, "the data survives");
    signal(&up.child, Signal::SIGTERM);
    assert!(up.child.wait().expect("it ends").success());
    if !data.starts_with(&folder) {
        fs::remove_dir_all(data.parent().expect("a folder")).expect("the folder beside the working copy");
    }
}

/// The service of that run, as the system knows it.
fn service_of(up: &Up) -> Option<Pid> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        let command_line = fs::read(process.path().join("cmdline")).ok()?;
        let is_child = status.lines().any(|line| line == format!("PPid:\t{}", up.child.id()));
        let serves = String::from_utf8_lossy(&command_line).contains("headless-checkout\0serve");
        (is_child && serves).then(|| process.file_name().to_str()?.parse().ok().map(Pid::from_raw))?
    })
}

/// Asks the example shop, as its page does, and answers the status.
fn post(shop: &str, path: &str, origin: &str) -> String {
    let body = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let answer = ask(shop, &format!("POST {path}"), &format!("origin: {origin}\r\n{body}"));
    answer.split(' ').nth(1).expect("a status").to_owned()
}

/// Sends a request and answers the whole answer.
fn ask(server: &str, asks: &str, rest: &str) -> String {
    let address = server.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    let head = format!("{asks} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    stream.write_all(format!("{head}{rest}").as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Whether BigCommerce, as the simulator plays it, has no order.
fn has_no_order(up: &Up) -> bool {
    let ledger = ask(up.field("simulator"), "GET /simulator/ledger", "\r\n");
    ledger.replace(' ', "").contains("\"orders\":[]")
}

#[test]
fn only_a_service_that_the_shop_killed_is_started_again() {
    if !Path::new("/proc/self").exists() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let mut up = Up::start(&place.path().join(".dev"));
    let data = data_folder(up.field("database"));
    let (api, shop) = (up.field("API").to_owned(), up.field("shop").to_owned());
    let first = service_of(&up).expect("it runs");

    assert_eq!(post(&shop, "/demo/kill", "https://shop.example"), "403", "no page from elsewhere");
    assert_eq!(service_of(&up), Some(first));
    assert_eq!(post(&shop, "/demo/kill", &shop), "200");
    eventually("it is started again", || service_of(&up).is_some_and(|next| next != first));
    let ready = || Command::new(service()).args(["healthcheck", &format!("{api}/readyz")]).output();
    eventually("it is ready again", || ready().expect("it runs").status.success());

    // By itself, or by somebody else: that is a failure, as it ever was.
    kill(service_of(&up).expect("it runs"), Signal::SIGKILL).expect("it is there");
    assert_eq!(up.child.wait().expect("it ends").code(), Some(1));
    eventually("the server ends", || !runs(&data.display().to_string()));
    if !data.starts_with(place.path()) {
        fs::remove_dir_all(data.parent().expect("a folder")).expect("the folder beside the working copy");
    }
}

/// Also on the second morning, with what the database remembers of the first.
#[test]
fn the_first_checkout_works_as_it_is_printed() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join(".dev");
    let mut data = PathBuf::new();
    for (morning, shell) in ["sh", "bash"].into_iter().enumerate() {
        let mut up = Up::start(&folder);
        let script = fs::read_to_string(folder.join("first-checkout.sh")).expect("the script");
        assert!(up.said.contains(&script), "what is saved is what is printed");
        data = data_folder(up.field("database"));
        let output =
            Command::new(shell).arg("-c").arg(&script).stdin(Stdio::null()).output().expect("a shell");
        let said = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        let completed = said.replace("\": \"", "\":\"").matches(r#""status":"completed""#).count();
        assert!(completed >= 3 && complaints.is_empty(), "{morning} {shell}: {said}\n{complaints}");
        assert!(!has_no_order(&up), "it was ordered");
        signal(&up.child, Signal::SIGINT);
        assert!(up.child.wait().expect("it ends").success());
    }
    let mut up = Up::start_with(&folder, &["--reset"]);
    assert!(has_no_order(&up), "what BigCommerce has is forgotten with what the database knows of it");
    signal(&up.child, Signal::SIGINT);
    assert!(up.child.wait().expect("it ends").success());
    if !data.starts_with(&folder) {
        fs::remove_dir_all(data.parent().expect("a folder")).expect("the folder beside the working copy");
    }
}

#[test]
fn an_unprivileged_user_gets_a_cluster_too() {
    // As root, the rest of this file shows that privileges are dropped; this shows that nothing needs root. `nobody` always exists.
    if !geteuid().is_root() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let program = place.path().join("dev");
    fs::copy(PROGRAM, &program).expect("a copy that the user can reach");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("the folder is opened");
    let nobody = nix::unistd::User::from_name("nobody").expect("the users").expect("nobody");
    let mut command = Command::new(&program);
    command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    command.args(["exec", "--", "sh", "-c", "id -un; echo \"$TEST_DATABASE_URL\""]);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/").stdin(Stdio::null());
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("nobody\npostgres://"), "{said}");
}
