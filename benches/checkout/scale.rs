//! Several processes on one database: what more of them bring, with so many shoppers in all.

use futures::future::try_join_all;

use super::cell::{self, Watched};
use super::figures::{Figures, median};
use super::place::{self, Place};
use super::report::progress;
use super::shopper::Path;

/// How many processes.
const COUNTS: [usize; 3] = [1, 2, 4];

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let shoppers = place.options.size(256, 8);
    let mut rates: [Vec<f64>; COUNTS.len()] = Default::default();
    for round in 1..=place.options.rounds {
        for (count, rates) in COUNTS.into_iter().zip(&mut rates) {
            let rate = together(place, count, shoppers).await?;
            progress(&format!("round {round}, {count} processes: {rate:.1} checkouts/s"));
            rates.push(rate);
        }
    }
    let mut figures = Figures::new();
    for (count, rates) in COUNTS.into_iter().zip(rates) {
        figures.extend(median(rates).map(|rate| (format!("checkouts_per_s_with_{count}"), rate)));
    }
    place
        .report
        .figures(&format!("processes on one database, {shoppers} shoppers in all, one call"), &figures);
    Ok(())
}

/// Checkouts per second of all of them.
async fn together(place: &Place, count: usize, shoppers: usize) -> anyhow::Result<f64> {
    let database = place.database().await?;
    let mut programs = Vec::with_capacity(count);
    for _ in 0..count {
        programs.push(place.start(&database, place.options.stores, &[]).await?);
    }
    let cells = programs.iter().map(|program| async {
        let watched =
            Watched { upstream: &place.upstream, database: Some(&database), program: Some(program) };
        let shop = place::shop(program, place.options.stores)?;
        cell::run(Path::OneCall, &shop, shoppers / count, place.options.seconds, &watched).await
    });
    let figures = try_join_all(cells).await?;
    for program in programs {
        program.stop().await?;
    }
    database.drop().await?;
    Ok(figures.iter().filter_map(|figures| figures.get("checkouts_per_s")).sum())
}
