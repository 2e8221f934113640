//! Notifies a page that it is out of date, by Server-Sent Events. The page then fetches itself again, so that there is only one
//! way to draw it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::answer::guarded;
use super::session::Viewer;
use crate::checkout::{Checkout, CheckoutId};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::ops::{Actor, Bulk, DbError, Minute, Overview};

/// How old the overview may be: the database is queried once for all viewers.
const FRESH: Duration = Duration::from_secs(2);
/// How often a page of everything is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often a bulk is looked after.
const BULK_EVERY: Duration = Duration::from_millis(500);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How everything stood a moment ago.
#[derive(Debug, PartialEq)]
pub(super) struct OverviewData {
    /// The current state.
    pub(super) overview: Overview,
    /// What went on.
    pub(super) activity: Vec<Minute>,
}

/// The summary, read once for all who look at the same: at one store, or at all.
#[derive(Default)]
pub(in crate::http) struct OverviewCache {
    latest: std::sync::Mutex<HashMap<Option<String>, Latest>>,
}

type Latest = Arc<Mutex<Option<(Instant, Arc<OverviewData>)>>>;

impl OverviewCache {
    /// At most [`FRESH`] old. Dropped half-way: whoever asks next looks.
    pub(super) async fn read(&self, state: &AppState, actor: &Actor) -> Result<Arc<OverviewData>, DbError> {
        let latest = {
            let mut all = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(actor.store.clone()).or_default().clone()
        };
        let mut latest = latest.lock().await;
        if let Some((at, seen)) = &*latest
            && at.elapsed() < FRESH
        {
            return Ok(seen.clone());
        }
        let ops = state.ops(actor);
        let (overview, activity) = tokio::try_join!(ops.overview(), ops.activity())?;
        let seen = Arc::new(OverviewData { overview, activity });
        *latest = Some((Instant::now(), seen.clone()));
        Ok(seen)
    }
}

/// News of everything: for the overview and the lists.
pub(super) async fn everything(State(state): State<AppState>, viewer: Viewer) -> Response {
    events(
        viewer.clone().over(state.clone()),
        async_stream::stream! {
            let mut looks = ticks(LOOK_EVERY);
            let mut known: Option<(i64, Arc<OverviewData>)> = None;
            loop {
                tokio::select! {
                    () = state.stopping().cancelled() => break,
                    _ = looks.tick() => {}
                }
                let Ok(seen) = state.overview_cache().read(&state, &viewer.actor).await else { break };
                let stuck = seen.overview.summary.stuck.iter().map(|reason| reason.count).sum::<i64>();
                if let Some((before, old)) = &known
                    && (old.overview.summary.by_status != seen.overview.summary.by_status
                        || old.overview.summary.stuck != seen.overview.summary.stuck
                        || old.overview.summary.attention != seen.overview.summary.attention
                        || old.overview.summary.oldest_unknown != seen.overview.summary.oldest_unknown
                        || old.activity != seen.activity)
                {
                    yield Ok(news(&if stuck == *before { String::new() } else { format!("{stuck} checkouts are stuck now") }));
                }
                known = Some((stuck, seen));
            }
        },
    )
}

/// News of one checkout. Ends with it.
pub(super) async fn checkout(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let not_found = || Problem::of(Slug::CheckoutNotFound);
    let id: CheckoutId = id.parse().map_err(|_| not_found())?;
    if !state.ops(&viewer.actor).knows(id).await? {
        return Err(not_found());
    }
    // Watched before it is read, so that no change falls in between.
    let mut watch = state.engine().watch(id);
    let mut known = state.engine().snapshot(id).await?;
    Ok(events(
        viewer.over(state.clone()),
        async_stream::stream! {
            // The page may have been drawn before this began.
            yield Ok(version(&known, ""));
            while !known.status.is_final() {
                tokio::select! {
                    () = state.stopping().cancelled() => break,
                    () = watch.changed_since(known.status) => {}
                }
                let Ok(fresh) = state.engine().snapshot(id).await else { break };
                if fresh.version != known.version {
                    let text = if fresh.status == known.status { String::new() } else { format!("The checkout is {} now", fresh.status) };
                    yield Ok(version(&fresh, &text.replace('_', " ")));
                    known = fresh;
                }
            }
            if known.status.is_final() {
                yield Ok(ended());
            }
        },
    ))
}

/// News of a bulk. Ends with it.
pub(super) async fn bulk(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(bulk_id): Path<String>,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(Slug::NotFound, "there is no such bulk");
    let id: Uuid = bulk_id.parse().map_err(|_| not_found())?;
    let ops = state.ops(&viewer.actor);
    let first = ops.bulk(id, None, 1).await?.ok_or_else(not_found)?;
    Ok(events(
        viewer.over(state.clone()),
        async_stream::stream! {
            let mut looks = ticks(BULK_EVERY);
            let mut known: Bulk = first.bulk;
            yield Ok(news(""));
            while known.status != "done" {
                tokio::select! {
                    () = state.stopping().cancelled() => break,
                    _ = looks.tick() => {}
                }
                let Ok(Some(seen)) = ops.bulk(id, None, 1).await else { break };
                if seen.bulk != known {
                    known = seen.bulk;
                    let dealt = format!("{} of {} are processed", known.done + known.failed, known.total);
                    yield Ok(news(&if known.status == "done" { format!("{dealt}; the bulk is done") } else { dealt }));
                }
            }
            if known.status == "done" {
                yield Ok(ended());
            }
        },
    ))
}

/// The page is old. `text` is read out to those who do not see it; an event without data would never be seen.
fn news(text: &str) -> Event {
    Event::default().event("changed").data(if text.is_empty() { "." } else { text })
}

/// Nothing will ever change again: there is no need to come back.
fn ended() -> Event {
    Event::default().event("end").data(".")
}

/// It is news only to a page that shows another version.
fn version(checkout: &Checkout, text: &str) -> Event {
    news(text).id(checkout.version.to_string())
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A stream of a page, which ends with the session of its operator.
fn events(
    over: impl Future<Output = ()> + Send + 'static,
    stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let stream = stream.take_until(Box::pin(over));
    let mut response =
        guarded(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response());
    // Some proxies would keep events back until there are many.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    response
}
