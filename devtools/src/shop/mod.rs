//! The example shop: its pages, and the few things that its fault dial may do.
//!
//! Guarantees: it serves files of two folders and nothing else; what the dial does is a list of names, never a request of the page's own;
//! and only pages from this machine reach it (`guard`).

mod demo;
mod files;
mod guard;
mod simulator;
mod switch;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context as _, ensure};
use axum::{Router, middleware, routing::get};
use clap::Args;
use tokio::net::TcpListener;

use crate::{StopSignals, probe};
pub(crate) use switch::{Kills, Switch, switch};

/// The key of the pages, which `dev up` and `docker-compose.yml` configure.
pub(crate) const PUBLISHABLE_KEY: &str = "dev-publishable-key";

/// The working copy that this program was built from.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What `dev shop` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Where the pages are served
    #[arg(long, env = "SHOP_ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The service, as a browser reaches it
    #[arg(long, env = "SHOP_API_URL", default_value = "http://127.0.0.1:8080")]
    api: String,
    /// The simulator, as this program reaches it: `host:port`
    #[arg(long, env = "SHOP_SIMULATOR", default_value = "127.0.0.1:4200")]
    simulator: String,
    /// The folder that holds examples/shop and clients/javascript/src
    #[arg(long, env = "SHOP_FILES", default_value = HERE)]
    files: PathBuf,
}

/// What the pages are told, and what the dial reaches.
pub(crate) struct Shop {
    /// The URL of the service, as a browser reaches it.
    pub(crate) api: String,
    /// Where the simulator is: `host:port`.
    pub(crate) simulator: String,
    /// The folder of the repository.
    pub(crate) files: PathBuf,
    /// Kills the service; `None`: nobody here can.
    pub(crate) switch: Option<Switch>,
}

impl Shop {
    /// Of this working copy.
    pub(crate) fn here(api: SocketAddr, simulator: SocketAddr, switch: Switch) -> Self {
        let simulator = probe::reachable(simulator).to_string();
        Self { api: format!("http://{api}"), simulator, files: HERE.into(), switch: Some(switch) }
    }
}

/// Serves the shop alone, beside a service and a simulator that run already.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { listen, api, simulator, files } = arguments;
    let mut signals = StopSignals::listen()?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be used"))?;
    println!("==> example shop: http://{}", probe::reachable(listener.local_addr()?));
    tokio::select! {
        ended = serve(listener, Shop { api, simulator, files, switch: None }) => ended?,
        _ = signals.next() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves until it fails.
pub(crate) async fn serve(listener: TcpListener, shop: Shop) -> anyhow::Result<()> {
    let index = shop.files.join(files::PAGES).join("index.html");
    ensure!(index.is_file(), "{} is missing: the example shop has no page", index.display());
    let shop = Arc::new(shop);
    let router = Router::new()
        .merge(demo::routes().layer(middleware::from_fn(guard::from_here)))
        .route("/client/{name}", get(files::client))
        .fallback(get(files::page))
        .layer(middleware::from_fn_with_state(shop.clone(), files::headers))
        .with_state(shop);
    axum::serve(listener, router).await.context("the example shop cannot be served")
}
