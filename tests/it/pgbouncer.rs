//! Everything works behind PgBouncer: in transaction mode from 1.21 on, which keeps prepared statements, and in session mode
//! before (Debian 12 packages 1.18). What a pooler does not carry (LISTEN, group commits, migrations) goes past it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bigcommerce_simulator::{Fault, Settings};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

use crate::harness::daemon::{Daemon, Place, free_ports, skipped};
use crate::harness::{
    Database, OPERATOR, PATIENCE, Service, World, address, agreed, custom_cart, everything, good_card, logs,
};

/// Servers that all processes share in transaction mode: fewer than they have connections, so that they take turns.
const SERVERS: u32 = 3;

struct Pooler {
    place: Place,
    daemon: Daemon,
    url: String,
}

/// PgBouncer's program, if it is installed.
fn installed() -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|folder| Path::new(folder).join("pgbouncer"))
        .find(|path| path.is_file())
}

/// Whether it keeps prepared statements in transaction mode: from 1.21 on.
async fn keeps_statements(program: &Path) -> bool {
    let version = tokio::process::Command::new(program).arg("--version").output().await;
    let version = String::from_utf8(version.expect("a version").stdout).expect("text");
    version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok()).expect(&version) >= 21
}

impl Pooler {
    /// One in front of this database, in this mode.
    async fn with(program: &Path, database: &Database, mode: &str, statements: &str) -> Self {
        let (cluster, name) = database.place();
        let password = password(&database.url());
        let [port] = free_ports();
        let place = Place::new();
        let settings = format!(
            "[databases]\n{name} = host={} port={} dbname={name} user={}{}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\ndefault_pool_size = {}\nmax_client_conn = 200\n{}",
            cluster.get_host(),
            cluster.get_port(),
            cluster.get_username(),
            password.map(|password| format!(" password={password}")).unwrap_or_default(),
            if mode == "session" { 100 } else { SERVERS },
            statements,
        );
        let settings = place.file("pgbouncer.ini", &settings);
        let daemon = place.start("log", "TERM", program, &[&settings.to_string_lossy()]);
        let url = format!("postgres://anybody@127.0.0.1:{port}/{name}");
        let answers = PgPoolOptions::new().acquire_timeout(PATIENCE);
        let options =
            url.parse::<sqlx::postgres::PgConnectOptions>().expect("a URL").extra_float_digits(None);
        let reached = answers.connect_with(options).await;
        reached.unwrap_or_else(|error| panic!("{error}: {}", place.said("log"))).close().await;
        Self { place, daemon, url }
    }
}

/// The password in a URL.
fn password(url: &str) -> Option<String> {
    let user = url.strip_prefix("postgres://")?.rsplit_once('@')?.0;
    Some(user.split_once(':')?.1.to_owned())
}

/// A world whose services reach the database through PgBouncer.
async fn world() -> Option<(World, Pooler)> {
    let Some(program) = installed() else {
        skipped("pgbouncer", "it is not installed: nobody tried the service behind a connection pooler");
        return None;
    };
    logs::capture();
    let database = Database::create().await;
    let pooler = if keeps_statements(&program).await {
        Pooler::with(&program, &database, "transaction", "max_prepared_statements = 200\n").await
    } else {
        Pooler::with(&program, &database, "session", "").await
    };
    let mut world = World::on(database, Settings::default()).await;
    let direct = world.database.url();
    world.set("DATABASE_URL", &pooler.url);
    world.set("DATABASE_DIRECT_URL", &direct);
    Some((world, pooler))
}

async fn finish(world: World, pooler: Pooler) {
    let said = pooler.place.said("log");
    assert!(!said.contains("prepared statement"), "{said}");
    pooler.daemon.stop().await;
    world.finish().await;
}

/// A whole checkout, step by step, by a storefront that repeats each request at another process.
async fn stepwise(one: &Service, other: &Service) -> String {
    let again = async |path: &str, body: Value, status: u16| {
        let key = uuid::Uuid::now_v7().to_string();
        let first = one.post_with(path, &key, &body).await.expect(status);
        let second = other.post_with(path, &key, &body).await.expect(status);
        assert_eq!(first.id(), second.id(), "the same key answers the same");
        first.body
    };
    let created = again("/v1/checkouts", custom_cart(), 201).await;
    let path = format!("/v1/checkouts/{}", created["id"].as_str().expect("an id"));
    other.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    let consigned =
        one.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
    let option = &consigned.body["consignments"][0]["available_shipping_options"][0]["id"];
    let choice = json!([{"shipping_option_id": option}]);
    other.put(&format!("{path}/shipping-options"), &choice).await.expect(200);
    again(&format!("{path}/order"), json!({}), 200).await;
    let paid = again(&format!("{path}/payment"), agreed(good_card()), 200).await;
    assert_eq!(paid["status"], "completed", "{paid:#}");
    path
}

#[tokio::test]
async fn whole_checkouts_go_through_a_pooler() {
    let Some((world, pooler)) = world().await else { return };
    let (one, other) = (world.spawn().await, world.spawn().await);
    // More at a time than there are servers, so that a statement that relied on one would meet another.
    let checkouts =
        (0..12).map(|at| if at % 2 == 0 { stepwise(&one, &other) } else { stepwise(&other, &one) });
    let paths = futures::future::join_all(checkouts).await;
    let ledger = world.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.charges.len()), (paths.len(), paths.len()));
    for path in &paths {
        assert_eq!(one.get(path).await.expect(200).body["status"], "completed");
    }
    // What needs transactions of several statements, and what reads a lot.
    let listed =
        one.operate(reqwest::Method::GET, "/ops/v1/checkouts?limit=50", OPERATOR, None).await.expect(200);
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(paths.len()));
    let unpaid = one.create(&custom_cart()).await;
    let id = unpaid.rsplit('/').next().expect("an id");
    let cancel = Some(json!({"reason": "a test"}));
    other
        .operate(reqwest::Method::POST, &format!("/ops/v1/checkouts/{id}/cancel"), OPERATOR, cancel.as_ref())
        .await;
    one.wait_until(&unpaid, "cancelled", |snapshot| snapshot["status"] == "cancelled").await;
    world.run(&["audit", "verify"], "").await.expect(0);
    let migrated = world.run(&["migrate"], "").await.expect(0);
    assert!(migrated.out.contains("up to date"), "{migrated:?}");
    assert_eq!(one.get("/readyz").await.expect(200).body["status"], "ready");
    one.stop().await;
    other.stop().await;
    finish(world, pooler).await;
}

#[tokio::test]
async fn a_pooler_that_keeps_no_prepared_statements_is_refused() {
    let Some((mut world, fitting)) = world().await else { return };
    let list = ["checkouts", "list"];
    world.run(&list, "").await.expect(0);
    let program = installed().expect("it is there");
    let statements = if keeps_statements(&program).await { "max_prepared_statements = 0\n" } else { "" };
    let pooler = Pooler::with(&program, &world.database, "transaction", statements).await;
    world.set("DATABASE_URL", &pooler.url);
    let said = world.run(&list, "").await;
    assert!(said.code != 0 && said.err.contains("Use PgBouncer 1.21 or later"), "{said:?}");
    world.set("DATABASE_DIRECT_URL", "");
    let said = world.run(&list, "").await;
    assert!(
        said.code != 0 && said.err.contains("set DATABASE_DIRECT_URL to the database itself"),
        "{said:?}"
    );
    pooler.daemon.stop().await;
    finish(world, fitting).await;
}

#[tokio::test]
async fn news_of_another_process_comes_past_the_pooler() {
    let Some((world, pooler)) = world().await else { return };
    let (one, other) = (world.spawn().await, world.spawn().await);
    let path = one.create(&everything()).await;
    let mut events = other.events(&path).await;
    let first = tokio::time::timeout(PATIENCE, events.next()).await.expect("in time").expect("a snapshot");
    assert_eq!(first["order"], Value::Null, "{first:#}");
    one.post(&format!("{path}/order"), &json!({})).await.expect(200);
    // Long before anybody would look without having been told.
    let told = async {
        while let Some(snapshot) = events.next().await {
            if snapshot["order"]["id"].is_u64() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), told).await.expect("it was told");
    one.stop().await;
    other.stop().await;
    finish(world, pooler).await;
}

#[tokio::test]
async fn a_killed_process_is_recovered_from_behind_the_pooler() {
    let Some((world, pooler)) = world().await else { return };
    let (first, second) = (world.spawn().await, world.spawn().await);
    let path = first.create(&everything()).await;
    let held = world.simulator.add_fault(Fault::on("create-order").hold_after());
    first.post_waiting(&format!("{path}/order"), "order", 0, &json!({})).await.expect(202);
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is in flight");
    first.kill().await;
    world.simulator.clear_faults();
    second.wait_until(&path, "ordered", |snapshot| snapshot["order"]["id"].is_u64()).await;
    let paid = second.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    let ledger = world.simulator.ledger();
    assert_eq!(
        (ledger.orders.len(), ledger.charges.len()),
        (1, 1),
        "the order of the dead process is adopted"
    );
    second.stop().await;
    finish(world, pooler).await;
}
