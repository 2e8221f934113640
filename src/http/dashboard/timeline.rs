//! The attempts of a checkout, as a picture and as a table. Pure.
//!
//! A checkout waits for hours between attempts that take milliseconds, so the picture is drawn in order and not to scale:
//! each attempt has its row, and its bar is as long as the logarithm of what it took. Where nothing happened for long,
//! the picture says for how long.

use maud::{Markup, html};
use time::{Duration, OffsetDateTime};

use super::chart::number;
use super::words::{badge, instant, span};
use crate::ops::{Attempt, AttemptResult, Timeline};

/// Attempts that are drawn; the table has all of them.
const DRAWN: usize = 24;
const WIDTH: f64 = 720.0;
const LABELS: f64 = 170.0;
const ROW: f64 = 26.0;
/// The room of the bars, without that of the words behind the last one.
const BARS: f64 = WIDTH - LABELS - 150.0;
/// A quiet time that is worth a word.
const QUIET: Duration = Duration::seconds(5);

/// The picture.
pub(super) fn picture(timeline: &Timeline, now: OffsetDateTime) -> Markup {
    let skipped = timeline.attempts.len().saturating_sub(DRAWN);
    let attempts: Vec<&Attempt> = timeline.attempts.iter().skip(skipped).collect();
    if attempts.is_empty() {
        return html! { p.muted { "No attempts yet." } };
    }
    let lengths: Vec<f64> = attempts.iter().map(|attempt| length(took(attempt, now))).collect();
    let scale = BARS / lengths.iter().sum::<f64>().max(1.0);
    let mut left = LABELS;
    let mut rows = Vec::new();
    let mut ended: Option<OffsetDateTime> = None;
    for (attempt, length) in attempts.iter().zip(&lengths) {
        let quiet = ended.map(|ended| attempt.began_at - ended).filter(|quiet| *quiet > QUIET);
        rows.push(Row { attempt, left, width: (length * scale).max(4.0), quiet });
        left += length * scale;
        ended = Some(attempt.ended_at.unwrap_or(now));
    }
    let height = ROW * rows.iter().fold(0.0, |count, _| count + 1.0) + 4.0;
    let told = told(&attempts);
    html! {
        @if skipped > 0 { p.muted { (skipped) " earlier attempts are in the table only." } }
        div.scroll tabindex="0" role="region" aria-label="Picture of the attempts" {
            svg.timeline viewBox=(format_args!("0 0 {WIDTH} {height}")) role="img" aria-label=(told) {
                @for (index, row) in (0_u32..).zip(&rows) { (drawn(f64::from(index) * ROW, row, now)) }
            }
        }
    }
}

struct Row<'a> {
    attempt: &'a Attempt,
    left: f64,
    width: f64,
    quiet: Option<Duration>,
}

fn drawn(top: f64, row: &Row<'_>, now: OffsetDateTime) -> Markup {
    let outcome = row.attempt.outcome.as_deref().unwrap_or("in-flight");
    let base = number(top + 17.0);
    html! {
        g class={ "attempt " (outcome) } {
            line.grid x1="0" x2=(number(WIDTH)) y1=(number(top + ROW)) y2=(number(top + ROW)) {}
            text.label x="0" y=(base) { (row.attempt.step) " " tspan.muted { "#" (row.attempt.attempt) } }
            rect.what x=(number(row.left)) y=(number(top + 7.0)) width=(number(row.width)) height="12" rx="4" {
                title { (row.attempt.step) " " (outcome) }
            }
            text.told x=(number(row.left + row.width + 8.0)) y=(base) {
                (span(took(row.attempt, now)))
                @if outcome != "succeeded" { " · " (outcome.replace('-', " ")) }
                @if let Some(quiet) = row.quiet { tspan.muted { " · after " (span(quiet)) } }
            }
        }
    }
}

fn took(attempt: &Attempt, now: OffsetDateTime) -> Duration {
    attempt.ended_at.unwrap_or(now) - attempt.began_at
}

/// From 1 for nothing to about 8 for a day.
fn length(took: Duration) -> f64 {
    1.0 + (took.as_seconds_f64() * 100.0).max(1.0).log10()
}

/// For those who do not see it.
fn told(attempts: &[&Attempt]) -> String {
    let words: Vec<String> = attempts
        .iter()
        .map(|attempt| format!("{} {}", attempt.step, attempt.outcome.as_deref().unwrap_or("in flight")))
        .collect();
    format!("{} attempts in order: {}. The table below has the details.", attempts.len(), words.join(", "))
}

/// The same in words, with everything that is known.
pub(super) fn table(timeline: &Timeline) -> Markup {
    html! {
        details.attempts open[timeline.attempts.len() <= 12] {
            summary { "Attempts as a table (" (timeline.attempts.len()) ")" }
            div.scroll tabindex="0" role="region" aria-label="Attempts" {
                table {
                    caption.visually-hidden { "Attempts, oldest first" }
                    thead { tr {
                        th scope="col" { "Step" } th scope="col" { "Began" } th scope="col" { "Outcome" } th.number scope="col" { "Answered" }
                        th.number scope="col" { "Duration" } th.number scope="col" { "Fence" } th scope="col" { "Calls" }
                    } }
                    @for attempt in &timeline.attempts { tbody { (lines(attempt)) } }
                }
            }
        }
    }
}

fn lines(attempt: &Attempt) -> Markup {
    // What was answered at once is one row.
    if let [result] = &*attempt.results
        && !result.late
        && result.outcome == attempt.outcome
    {
        return html! {
            tr {
                th scope="row" { (attempt.step) " " span.muted { "#" (attempt.attempt) } }
                td { (instant(attempt.began_at)) }
                td { (badge(attempt.outcome.as_deref().unwrap_or("in-flight"))) }
                (answered(result))
            }
        };
    }
    html! {
        tr {
            th scope="row" { (attempt.step) " " span.muted { "#" (attempt.attempt) } }
            td { (instant(attempt.began_at)) }
            td { (badge(attempt.outcome.as_deref().unwrap_or("in-flight"))) }
            td.number {} td.number { @if let Some(ended) = attempt.ended_at { (span(ended - attempt.began_at)) } }
            td.number { (attempt.fence) } td {}
        }
        @for result in &attempt.results { (line(result)) }
    }
}

fn line(result: &AttemptResult) -> Markup {
    html! {
        tr.result {
            td { @if result.late { "came too late" } }
            td { (instant(result.at)) }
            td { @if let Some(outcome) = &result.outcome { (outcome) } }
            (answered(result))
        }
    }
}

/// What BigCommerce answered, and to which calls.
fn answered(result: &AttemptResult) -> Markup {
    html! {
        td.number { @if let Some(status) = result.upstream_status { (status) } }
        td.number { @if let Some(took) = result.duration_ms { (took) " ms" } }
        td.number { (result.fence) }
        td { @if !result.calls.is_null() { details { summary { "Show" } pre { (format!("{:#}", result.calls)) } } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_also_told_and_nothing_in_it_is_markup() {
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds);
        let attempt = |step: &str, began: i64, ended: Option<i64>, outcome: Option<&str>| Attempt {
            step: step.to_owned(),
            attempt: 1,
            fence: 1,
            process_id: uuid::Uuid::nil(),
            correlation_id: uuid::Uuid::nil(),
            began_at: at(began),
            ended_at: ended.map(at),
            outcome: outcome.map(str::to_owned),
            results: Vec::new(),
        };
        let attempts = vec![
            attempt("cart", 0, Some(1), Some("succeeded")),
            attempt("<b>order", 7200, Some(7202), Some("unknown")),
            attempt("order", 7210, None, None),
        ];
        let timeline = Timeline { attempts, moves: Vec::new() };
        let text = picture(&timeline, at(7270)).into_string() + &table(&timeline).into_string();
        assert!(
            text.contains("3 attempts in order: cart succeeded, &lt;b&gt;order unknown, order in flight."),
            "{text}"
        );
        assert!(text.contains("after 119 min") && text.contains("60 s"), "{text}");
        assert!(!text.contains("<b>order") && !text.contains("NaN"));
        let nothing = picture(&Timeline::default(), at(0)).into_string();
        assert!(nothing.contains("No attempts yet"));
    }
}
