//! `./dev bench [NAME]`: what the program costs, beside what cannot be avoided. docs/performance.md explains the figures.
//!
//! A program, not a timed test: it prints what it measured and which targets are met, and fails only when something went
//! wrong. Guarantees: nothing is written into the working copy, and nothing that it started or made stays.

mod bare;
mod bodies;
mod ceiling;
mod cell;
mod compare;
mod connection;
mod database;
mod figures;
mod history;
mod instructions;
mod memory;
mod options;
mod place;
mod proc;
mod program;
mod recovery;
mod relay;
mod report;
mod scale;
mod shopper;
mod siege;
mod startup;
mod targets;
mod upstream;

use options::{Name, Options};
use place::Place;
use report::progress;
use tokio::signal::unix::{SignalKind, signal};

/// The same as the program's, so that the relay is measured beside it with the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let given = headless_checkout::config::environment;
    if let (Some(upstream), Some(addr)) = (given(relay::UPSTREAM), given("LISTEN_ADDR")) {
        return relay::run(&upstream, addr.parse()?);
    }
    tokio::runtime::Runtime::new()?.block_on(bench())
}

async fn bench() -> anyhow::Result<()> {
    let options = Options::read();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    if options.short {
        progress("everything for a moment only: these figures mean nothing");
    }
    let place = Place::make(options).await?;
    let measured = tokio::select! {
        measured = measure(&place) => measured,
        _ = terminate.recv() => Err(anyhow::anyhow!("stopped")),
        _ = interrupt.recv() => Err(anyhow::anyhow!("stopped")),
    };
    // Also what a failure left; but what failed first is what is told.
    let left = place.leave().await;
    measured.and(left)
}

async fn measure(place: &Place) -> anyhow::Result<()> {
    let wants = |name| place.options.wants(name);
    if wants(Name::Compare) {
        compare::run(place).await?;
    }
    if wants(Name::Instructions) {
        instructions::run(place).await?;
    }
    if wants(Name::Memory) {
        memory::run(place).await?;
    }
    if wants(Name::Startup) {
        startup::run(place).await?;
    }
    if wants(Name::Scale) {
        scale::run(place).await?;
    }
    if wants(Name::Siege) {
        siege::run(place).await?;
    }
    if wants(Name::History) {
        history::run(place).await?;
    }
    if wants(Name::Recovery) {
        recovery::run(place).await?;
    }
    Ok(())
}
