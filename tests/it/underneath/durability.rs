//! A database that may lose what it committed is refused.

use std::time::Duration;

use headless_checkout::app::App;
use headless_checkout::config::Config;
use serde_json::json;

use super::{sql, text};
use crate::harness::{PATIENCE, World, everything, run, run_with};

type Vars = Vec<(String, String)>;

/// Why the service does not start with these variables as well.
pub(super) async fn refused(world: &World, more: &[(&str, &str)]) -> String {
    let mut vars: Vars = world.vars();
    vars.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let get = |name: &str| vars.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let config = Config::from_vars(get).expect("the configuration is good");
    match App::build(config).await {
        Ok(_) => panic!("it starts"),
        Err(error) => format!("{error:#}"),
    }
}

/// The database's URL with this option for its sessions.
fn with_option(world: &World, name: &str, value: &str) -> String {
    let url = world.database.url();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20{name}%3D{value}")
}

#[tokio::test]
async fn a_commit_that_is_not_waited_for_is_refused_wherever_that_comes_from() {
    let world = World::new().await;
    let name = text(&world, "select current_database()::text").await;
    for level in ["off", "local", "remote_write"] {
        let said = format!("synchronous_commit is {level}");
        sql(&world, &format!("alter database {name} set synchronous_commit = {level}")).await;
        let why = refused(&world, &[]).await;
        assert!(why.contains(&said), "{why}");
        sql(&world, &format!("alter database {name} reset synchronous_commit")).await;
        let url = with_option(&world, "synchronous_commit", level);
        let why = refused(&world, &[("DATABASE_URL", &url)]).await;
        assert!(why.contains(&said) && why.contains("DATABASE_URL") && !why.contains("postgres://"), "{why}");
    }
    run_with(world, async |_, service| {
        service.create(&everything()).await;
    })
    .await;
}

/// The cluster of the tests says of itself that it is thrown away; that is no excuse once real orders are made.
#[tokio::test]
async fn a_throwaway_cluster_is_refused_beside_bigcommerce_itself() {
    let world = World::new().await;
    if text(&world, "select current_setting('fsync')").await == "on" {
        return world.finish().await;
    }
    for (api, payments) in [
        ("https://api.bigcommerce.com", "https://payments.bigcommerce.com"),
        ("http://127.0.0.1.example.com", "http://127.0.0.1.example.com"),
    ] {
        let real = [
            ("BIGCOMMERCE_API_URL", api),
            ("BIGCOMMERCE_PAYMENTS_URL", payments),
            ("ALLOW_INSECURE_UPSTREAM", "true"),
        ];
        let why = refused(&world, &real).await;
        assert!(why.contains("fsync is off") && why.contains("BIGCOMMERCE_API_URL"), "{why}");
    }
    let url = with_option(&world, "headless_checkout.throwaway", "off");
    let why = refused(&world, &[("DATABASE_URL", &url)]).await;
    assert!(why.contains("fsync is off"), "{why}");
    world.finish().await;
}

/// Somebody changes it under a running service: no session that keeps less is ever used.
#[tokio::test]
async fn a_session_that_keeps_less_is_not_used() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let name = text(world, "select current_database()::text").await;
        sql(world, &format!("alter database {name} set synchronous_commit = off")).await;
        // What is open goes on, and whatever is opened from now on is refused: also for a call that needs one more.
        let ordered = service.post(&format!("{path}/order"), &json!({})).await;
        assert!(ordered.status == 200 || ordered.status == 503, "{}", ordered.text);
        let cut = "select count(pg_terminate_backend(pid, 5000))::text from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()";
        assert_ne!(text(world, cut).await, "0");
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let refused = async {
            loop {
                looks.tick().await;
                let answer = service.post("/v1/checkouts", &everything()).await;
                if answer.status == 503 {
                    return;
                }
                assert!(answer.status.is_server_error(), "{}", answer.text);
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.expect("nothing is begun");
        assert_eq!(world.simulator.ledger().carts.len(), 1, "no other cart was made");
        sql(world, &format!("alter database {name} reset synchronous_commit")).await;
    })
    .await;
}
