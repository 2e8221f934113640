//! The service within `dev up`: its environment, its start, and its start after it was killed on purpose.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Command;

use crate::{
    environment, probe,
    shop::PUBLISHABLE_KEY,
    tree::Tree,
    up::{address, plan, say, sibling, wait_for},
};

/// The server key of the storefront that `dev` configures.
pub(crate) const STOREFRONT_KEY: &str = "dev-storefront-key";
/// Where its pages may always come from.
pub(crate) const ORIGINS: [&str; 2] = ["http://localhost:3000", "http://127.0.0.1:3000"];
const OPERATOR_TOKENS: &str =
    "reader:read=dev-operator-read,actor:act=dev-operator-act,cashier:money=dev-operator-money";
/// Times that let one watch how a checkout heals; where one of them is set, all of them are the environment's.
const TIMES: [(&str, &str); 4] = [
    ("UPSTREAM_TIMEOUT_SECONDS", "5"),
    ("PAYMENT_TIMEOUT_SECONDS", "6"),
    ("LEASE_SECONDS", "9"),
    ("SETTLE_SECONDS", "2"),
];
/// How long a stopping service may take.
const PATIENCE: Duration = Duration::from_secs(35);
const NAME: &str = "headless-checkout";

/// What the service needs to run.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) database: &'a str,
    pub(crate) simulator: SocketAddr,
    /// Where the example shop is served.
    pub(crate) shop: SocketAddr,
}

/// The running service.
pub(crate) struct Service {
    /// Where it is reached.
    pub(crate) address: SocketAddr,
    log: PathBuf,
    variables: Vec<(OsString, Option<OsString>)>,
    member: usize,
}

impl Service {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(place: &Place<'_>, tree: &mut Tree) -> anyhow::Result<Self> {
        let address = address("LISTEN_ADDR", 8080)?;
        say(&format!("headless-checkout: starting on http://{address}"));
        let log = place.folder.join("headless-checkout.log");
        let variables = variables(place, address);
        let member = tree.start(command(&variables)?, plan(NAME, PATIENCE, &log)).await?;
        wait_for(&probe::readiness_url(address), |status| status == 200, member, &log, tree).await?;
        Ok(Self { address: probe::reachable(address), log, variables, member })
    }

    /// Kills it as `kill -9` does, and starts it again on the same address.
    pub(crate) async fn kill(&self, tree: &mut Tree) -> anyhow::Result<()> {
        tree.replace(self.member, command(&self.variables)?, &plan(NAME, PATIENCE, &self.log)).await
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self, tree: &mut Tree) -> anyhow::Result<()> {
        let url = probe::readiness_url(self.address);
        wait_for(&url, |status| status == 200, self.member, &self.log, tree).await
    }
}

fn command(variables: &[(OsString, Option<OsString>)]) -> anyhow::Result<Command> {
    let mut command = Command::new(sibling("headless-checkout")?);
    command.arg("serve");
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ok(command)
}

/// The origins of pages: the usual ones, and those of the example shop where it had to move.
pub(crate) fn origins(shop: SocketAddr) -> Vec<String> {
    let usual = ORIGINS.map(str::to_owned);
    let own = ["localhost", "127.0.0.1"].map(|name| format!("http://{name}:{}", shop.port()));
    let moved = own.into_iter().filter(|origin| !usual.contains(origin));
    usual.iter().cloned().chain(moved).collect()
}

/// The environment of the service: what `dev` decides; times and logs may still be set from outside.
fn variables(place: &Place<'_>, listen_addr: SocketAddr) -> Vec<(OsString, Option<OsString>)> {
    let simulator = format!("http://{}", probe::reachable(place.simulator));
    let origins = origins(place.shop);
    let keys = format!("dev={STOREFRONT_KEY},page={PUBLISHABLE_KEY}@{}", origins.join("|"));
    let set = [
        ("DATABASE_URL", place.database),
        ("LISTEN_ADDR", &listen_addr.to_string()),
        ("BIGCOMMERCE_STORE_HASH", "simulator"),
        ("BIGCOMMERCE_ACCESS_TOKEN", "simulator-access-token"),
        ("BIGCOMMERCE_CLIENT_SECRET", "simulator-client-secret"),
        ("BIGCOMMERCE_WEBHOOK_SECRET", "dev-webhook-secret"),
        ("BIGCOMMERCE_API_URL", &simulator),
        ("BIGCOMMERCE_PAYMENTS_URL", &simulator),
        ("STOREFRONT_KEYS", &also("STOREFRONT_KEYS", &keys)),
        ("OPERATOR_TOKENS", &also("OPERATOR_TOKENS", OPERATOR_TOKENS)),
        ("CORS_ORIGINS", &also("CORS_ORIGINS", &origins.join(","))),
        ("ALLOW_RAW_CARDS", "true"),
        ("LOG_FORMAT", "pretty"),
    ]
    .map(|(name, value)| (OsString::from(name), Some(OsString::from(value))));
    let is_timed = TIMES.iter().any(|(name, _)| environment(name).is_some_and(|text| !text.is_empty()));
    let times = TIMES.iter().filter(|_| !is_timed);
    let times = times.map(|(name, value)| (OsString::from(name), Some(OsString::from(value))));
    // What is given as a file would stand beside what is set here.
    let files =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().ends_with("_FILE"));
    let removed = files.map(|name| (name, None));
    set.into_iter().chain(times).chain(removed).collect()
}

/// The list of `dev`, and what the environment adds to it: a developer's own key or origin works beside it.
fn also(variable: &str, list: &str) -> String {
    match environment(variable).filter(|text| !text.trim().is_empty() && text.trim() != list) {
        Some(more) => {
            say(&format!("{variable}: what is set is used beside the values of dev"));
            format!("{list},{more}")
        }
        None => list.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_the_shop_may_come_from_where_it_is() {
        assert_eq!(origins(([127, 0, 0, 1], 3000).into()), ORIGINS);
        let moved = origins(([127, 0, 0, 1], 3001).into());
        assert_eq!(moved[..2], ORIGINS);
        assert_eq!(moved[2..], ["http://localhost:3001", "http://127.0.0.1:3001"]);
    }
}
