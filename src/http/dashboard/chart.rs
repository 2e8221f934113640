//! Small charts, drawn here as SVG. Colors come from the style sheet; every picture has its numbers in words beside it.
//! Pure.

use std::fmt::Write as _;

use maud::{Markup, html};
use time::Duration;
use time::macros::format_description;

use super::words::{count, span};
use crate::ops::Minute;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 120.0;
/// Room above the highest value.
const HEAD: f64 = 6.0;

/// A bar for a share.
pub(super) fn bar(part: i64, whole: i64) -> Markup {
    let share = (ratio(part) / ratio(whole).max(1.0)).clamp(0.0, 1.0) * 100.0;
    html! {
        svg.share viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="6" rx="3" {}
            rect.fill width=(format_args!("{share:.1}")) height="6" rx="3" {}
        }
    }
}

/// Checkouts that ended, minute by minute.
pub(super) fn throughput(minutes: &[Minute]) -> Markup {
    let (completed, undone, stuck) = minutes.iter().fold((0, 0, 0), |sums, minute| {
        (sums.0 + minute.completed, sums.1 + minute.undone, sums.2 + minute.stuck)
    });
    let highest =
        minutes.iter().map(|minute| minute.completed + minute.undone + minute.stuck).max().unwrap_or(0);
    let told = format!(
        "{} completed, {} canceled or expired, {} became stuck; at most {} in a minute",
        count(completed),
        count(undone),
        count(stuck),
        count(highest)
    );
    let step = WIDTH / ratio(i64::try_from(minutes.len().max(1)).unwrap_or(1));
    let scale = (HEIGHT - HEAD) / ratio(highest).max(1.0);
    let bars = minutes.iter().enumerate().flat_map(|(at, minute)| {
        let x = step * ratio(i64::try_from(at).unwrap_or(0));
        let mut top = HEIGHT;
        [("completed", minute.completed), ("undone", minute.undone), ("stuck", minute.stuck)].map(
            |(class, number)| {
                let height = ratio(number) * scale;
                top -= height;
                (class, x, top, height)
            },
        )
    });
    html! {
        (picture(&told, &html! {
            @for (class, x, y, height) in bars.filter(|(.., height)| *height > 0.0) {
                rect class=(class) x=(number(x + 0.75)) y=(number(y)) width=(number(step - 1.5)) height=(number(height)) rx="1.5" {}
            }
        }))
        (hours(minutes))
        ul.legend { li.completed { "completed " b { (count(completed)) } } li.undone { "canceled or expired " b { (count(undone)) } } li.stuck { "stuck " b { (count(stuck)) } } }
    }
}

/// How long attempts took, minute by minute: the median and the 95th percentile.
pub(super) fn latency(minutes: &[Minute]) -> Markup {
    let highest = minutes.iter().filter_map(|minute| minute.p95_ms).fold(0.0_f64, f64::max);
    let last = minutes.iter().rev().find_map(|minute| Some((minute.p50_ms?, minute.p95_ms?)));
    let Some((half, most)) = last else {
        return html! { p.muted { "No checkout was completed in the last hour." } };
    };
    let (half, most) = (took(half), took(most));
    let told = format!("Lately the median attempt took {half}, the 95th percentile {most}");
    html! {
        (picture(&told, &html! {
            polyline.p95 points=(line(minutes, highest, |minute| minute.p95_ms)) {}
            polyline.p50 points=(line(minutes, highest, |minute| minute.p50_ms)) {}
            @for (class, x, y) in dots(minutes, highest) { circle class=(class) cx=(number(x)) cy=(number(y)) r="2.5" {} }
        }))
        (hours(minutes))
        ul.legend { li.p50 { "median " b { (half) } } li.p95 { "95th percentile " b { (most) } } li { "scale up to " b { (took(highest)) } } }
    }
}

fn picture(told: &str, content: &Markup) -> Markup {
    html! {
        svg.chart viewBox=(format_args!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(told) preserveAspectRatio="none" {
            @for y in [HEAD, HEIGHT / 2.0, HEIGHT - 0.5] { line.grid x1="0" x2=(number(WIDTH)) y1=(number(y)) y2=(number(y)) {} }
            (content)
        }
    }
}

fn hours(minutes: &[Minute]) -> Markup {
    let clock = format_description!("[hour]:[minute]");
    let at =
        |minute: Option<&Minute>| minute.and_then(|minute| minute.at.format(&clock).ok()).unwrap_or_default();
    html! { p.axis aria-hidden="true" { span { (at(minutes.first())) } span { (at(minutes.get(minutes.len() / 2))) } span { (at(minutes.last())) } } }
}

fn place(at: usize, of: usize, value: f64, highest: f64) -> (f64, f64) {
    let share = ratio(i64::try_from(at).unwrap_or(0)) / ratio(i64::try_from(of).unwrap_or(1)).max(1.0);
    (
        share * WIDTH + WIDTH / ratio(i64::try_from(of).unwrap_or(1)).max(1.0) / 2.0,
        HEIGHT - value / highest.max(1.0) * (HEIGHT - HEAD),
    )
}

fn line(minutes: &[Minute], highest: f64, value: impl Fn(&Minute) -> Option<f64>) -> String {
    let mut points = String::new();
    for (at, minute) in minutes.iter().enumerate() {
        if let Some(value) = value(minute) {
            let (x, y) = place(at, minutes.len(), value, highest);
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
    }
    points
}

fn dots(minutes: &[Minute], highest: f64) -> Vec<(&'static str, f64, f64)> {
    let of = minutes.len();
    let dot = |at: usize, class: &'static str, value: Option<f64>| {
        value.map(|value| {
            let (x, y) = place(at, of, value, highest);
            (class, x, y)
        })
    };
    minutes
        .iter()
        .enumerate()
        .flat_map(|(at, minute)| [dot(at, "p95", minute.p95_ms), dot(at, "p50", minute.p50_ms)])
        .flatten()
        .collect()
}

fn took(milliseconds: f64) -> String {
    span(Duration::seconds_f64((milliseconds / 1000.0).clamp(0.0, 1e9)))
}

pub(super) fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// Of counts, for drawing only.
#[expect(clippy::cast_precision_loss, reason = "pixels, not amounts")]
fn ratio(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn minute(at: i64, completed: i64, stuck: i64, p50_ms: Option<f64>) -> Minute {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::minutes(at);
        Minute { at, completed, undone: 0, stuck, p50_ms, p95_ms: p50_ms.map(|p50| p50 * 2.0) }
    }

    #[test]
    fn the_numbers_are_told_beside_the_picture() {
        let minutes: Vec<Minute> =
            (0..60).map(|at| minute(at, at % 2, i64::from(at == 9), (at == 30).then_some(120.0))).collect();
        let drawn = throughput(&minutes).into_string();
        assert!(
            drawn.contains("30 completed, 0 canceled or expired, 1 became stuck; at most 2 in a minute"),
            "{drawn}"
        );
        assert_eq!(drawn.matches("<rect").count(), 31);
        let drawn = latency(&minutes).into_string();
        assert!(drawn.contains("the median attempt took 120 ms, the 95th percentile 240 ms"), "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
    }

    #[test]
    fn nothing_is_drawn_from_nothing() {
        for minutes in [vec![], vec![minute(0, 0, 0, None)]] {
            let drawn = throughput(&minutes).into_string()
                + &latency(&minutes).into_string()
                + &bar(0, 0).into_string();
            assert!(drawn.contains("No checkout was completed"), "{drawn}");
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
}
