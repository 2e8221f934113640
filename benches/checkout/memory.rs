//! Resident memory: of a process with one store that has nothing to do, and of one at work.

use std::time::Duration;

use super::cell::{self, Watched};
use super::figures::{Figures, megabytes};
use super::place::{self, Place};
use super::program::Running;
use super::report::{Limit, Target, progress};
use super::shopper::Path;

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let database = place.database().await?;
    let idle = place.start(&database, 1, &[]).await?;
    progress("a process that has nothing to do");
    tokio::time::sleep(place.options.seconds.max(Duration::from_millis(500))).await;
    let mut figures = Figures::new();
    let mut add = |name: &str, bytes: Option<u64>| {
        figures.extend(bytes.map(|bytes| (name.to_owned(), megabytes(bytes))));
    };
    add("idle_mb", idle.resident());
    idle.stop().await?;

    let (stores, shoppers) = (place.options.stores, place.options.size(256, 8));
    let program = place.start(&database, stores, &[]).await?;
    add("idle_with_all_stores_mb", program.resident());
    for path in [Path::OneCall, Path::Stepwise] {
        progress(&format!("{shoppers} shoppers, {}", path.name()));
        let watched =
            Watched { upstream: &place.upstream, database: Some(&database), program: Some(&program) };
        let shop = place::shop(&program, stores)?;
        cell::run(path, &shop, shoppers, place.options.seconds, &watched).await?;
        add(&format!("after_{}_mb", path.name().replace(' ', "_")), program.resident());
    }
    add("at_most_mb", Running::peak(&program));
    program.stop().await?;
    database.drop().await?;

    place.report.figures("resident memory", &figures);
    let figure = |name: &str| figures.get(name).copied();
    place.report.targets(&[
        Target::new("resident memory, idle, MB", Limit::AtMost(40.0), figure("idle_mb")),
        Target::new(
            format!("resident memory, C={shoppers}, at most, MB"),
            Limit::AtMost(150.0),
            figure("at_most_mb"),
        ),
    ]);
    Ok(())
}
