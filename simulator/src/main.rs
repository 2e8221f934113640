//! The simulator as a program: listens, prints its address and the magic values, stops on SIGTERM and SIGINT.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use bigcommerce_simulator::{MAGIC, Settings, Simulator, magic_card, magic_token};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Plays BigCommerce: both hosts at their real paths, and a control plane under /simulator.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen.
    #[arg(long, env = "SIMULATOR_ADDR", default_value = "127.0.0.1:4200")]
    addr: SocketAddr,
    /// Settings as JSON, any part of them, such as {"rate_quota": 150}.
    #[arg(long, env = "SIMULATOR_SETTINGS", default_value = "{}")]
    settings: String,
    /// A file that keeps carts, orders and money over a restart. Without one everything is forgotten.
    #[arg(long, env = "SIMULATOR_STATE")]
    state: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let arguments = Arguments::parse();
    let settings: Settings =
        serde_json::from_str(&arguments.settings).context("SIMULATOR_SETTINGS are not valid settings")?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let simulator = match arguments.state {
        Some(file) => Simulator::start_with_state(arguments.addr, settings, file).await?,
        None => Simulator::start(arguments.addr, settings).await?,
    };
    print_welcome(&simulator);
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    simulator.stop().await;
    Ok(())
}

fn print_welcome(simulator: &Simulator) {
    println!("BigCommerce simulator: {}", simulator.url());
    println!("Control plane: {}/simulator", simulator.url());
    println!("\nAny card pays, such as 4242424242424242. Magic cards (flag 0; the fifth digit is the flag):");
    for (code, meaning) in MAGIC {
        println!("  {}  {meaning}", magic_card(code, 0));
    }
    println!("Magic stored tokens: {} and so on (flag and code at the end).", magic_token(30_106, 0));
}
