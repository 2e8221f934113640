//! From the start of the process to the first time that it says it is ready, on a database that is up to date.

use std::time::Duration;

use super::figures::{Figures, median, ms};
use super::place::Place;
use super::report::{Limit, Target, progress};

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let database = place.database().await?;
    let times = place.options.size(20, 2);
    let mut ready: Vec<Duration> = Vec::new();
    for time in 1..=times {
        let program = place.start(&database, 1, &[]).await?;
        progress(&format!("start {time} of {times}: ready after {:.1} ms", ms(program.ready_after)));
        ready.push(program.ready_after);
        program.stop().await?;
    }
    database.drop().await?;
    let middle = median(ready.iter().copied().map(ms).collect());
    let figure = |name: &str, value: Option<f64>| value.map(|value| (name.to_owned(), value));
    let figures: Figures = [
        figure("median_ms", middle),
        figure("fastest_ms", ready.iter().min().copied().map(ms)),
        figure("slowest_ms", ready.iter().max().copied().map(ms)),
    ]
    .into_iter()
    .flatten()
    .collect();
    place.report.figures("ready after start", &figures);
    place.report.targets(&[Target::new("ready after start, median, ms", Limit::AtMost(150.0), middle)]);
    Ok(())
}
