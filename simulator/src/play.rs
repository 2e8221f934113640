//! Plays a request with the fault that hit it.
//!
//! Runs apart from the connection: an effect that was due happens although the client has gone; a request that was held
//! before its effect does nothing when the client has gone, unless the fault delivers late.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use crate::answer::{self, Answer};
use crate::board::Hit;
use crate::fault_kind::{At, Effect, Kind, Which};
use crate::rate;
use crate::router::Family;
use crate::world::{Arrived, World};

/// What the connection does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// A whole answer.
    Answer(Answer),
    /// Status, headers and a part of the body; then the connection is reset.
    Truncated(Answer),
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
}

/// Plays one request that was hit and hands the outcome over.
pub(crate) async fn play(
    world: Arc<World>,
    arrived: Arrived,
    mut hit: Hit,
    mut reply: oneshot::Sender<Outcome>,
) {
    let kind = hit.kind.clone();
    let name = kind.name();
    world.note(arrived.sequence, |row| row.fault = Some(name.to_owned()));
    let outcome = tokio::select! {
        outcome = act(&world, &arrived, &mut hit, kind, &mut reply) => outcome,
        () = world.stopping.cancelled() => Outcome::Close,
    };
    let status = match &outcome {
        Outcome::Answer(answer) => answer.status,
        Outcome::Truncated(_) | Outcome::Close | Outcome::Reset => 0,
    };
    world.note(arrived.sequence, |row| row.status = status);
    // The client may have gone; then nobody wants the outcome.
    let _ = reply.send(outcome);
}

/// The effect now, when it comes before the fault; then the fault counts as reached.
fn first(world: &Arc<World>, arrived: &Arrived, hit: &Hit, effect: Effect) -> Option<Answer> {
    let done = (effect == Effect::After).then(|| world.carry_out(arrived)).flatten();
    hit.note();
    done
}

fn whole(answer: Option<Answer>) -> Outcome {
    answer.map_or(Outcome::Close, Outcome::Answer)
}

async fn act(
    world: &Arc<World>,
    arrived: &Arrived,
    hit: &mut Hit,
    kind: Kind,
    reply: &mut oneshot::Sender<Outcome>,
) -> Outcome {
    match kind {
        Kind::Status { status, effect, headers, body } => {
            first(world, arrived, hit, effect);
            let mut answer =
                body.map_or_else(|| plain(arrived.family, status), |body| Answer::json(status, &body));
            answer.headers.extend(headers);
            Outcome::Answer(answer)
        }
        Kind::Html { status, effect } => {
            first(world, arrived, hit, effect);
            Outcome::Answer(Answer::html(status))
        }
        Kind::Malformed { effect } => {
            let answer = first(world, arrived, hit, effect).unwrap_or_else(|| Answer::json(200, &json!({})));
            let cut = answer.body.len() / 2;
            let body = [answer.body.slice(..cut).as_ref(), b"<<<"].concat();
            Outcome::Answer(Answer { body: body.into(), ..answer })
        }
        Kind::Reset { effect, at } => {
            let answer = first(world, arrived, hit, effect);
            match at {
                At::Headers => Outcome::Reset,
                At::Body => {
                    let blank = || Answer::json(200, &json!({"data": {}, "meta": {}}));
                    let answer = answer.filter(|answer| answer.body.len() > 1).unwrap_or_else(blank);
                    Outcome::Truncated(answer)
                }
            }
        }
        Kind::Hang { effect, seconds } => {
            first(world, arrived, hit, effect);
            let limit = async {
                match seconds {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = held(hit, reply, false) => {}
                () = limit => {}
            }
            Outcome::Close
        }
        Kind::Hold { effect: Effect::After, .. } => {
            let answer = first(world, arrived, hit, Effect::After);
            held(hit, reply, false).await;
            whole(answer)
        }
        Kind::Hold { effect: Effect::Before, run_on_release } => {
            hit.note();
            if !held(hit, reply, run_on_release).await {
                return Outcome::Close;
            }
            whole(world.carry_out(arrived))
        }
        Kind::Slow { ms, effect } => {
            let answer = first(world, arrived, hit, effect);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            whole(answer.or_else(|| world.carry_out(arrived)))
        }
        Kind::RateLimit { headers, retry_ms } => {
            hit.note();
            Outcome::Answer(rate_limited(world, headers, retry_ms))
        }
        Kind::Overtaken { status, code, reads, ms } => {
            overtaken(world, arrived, hit, (status, code), reads, ms)
        }
        // What others do is played where the request takes effect.
        Kind::Meanwhile { .. } => whole(world.carry_out(arrived)),
        Kind::Duplicate { answer } => {
            let answers = (world.carry_out(arrived), world.carry_out(arrived));
            hit.note();
            whole(match answer {
                Which::First => answers.0,
                Which::Second => answers.1,
            })
        }
    }
}

/// The first copy of a payment stays at the gateway, the second is told that its token was used; of another call, the first
/// copy is on its way, and the second is refused. The fault is reached a second time when the first copy has come to its end.
fn overtaken(
    world: &Arc<World>,
    arrived: &Arrived,
    hit: &Hit,
    (status, code): (u16, u32),
    reads: Option<u64>,
    ms: Option<u64>,
) -> Outcome {
    let held = world.hold_payment(arrived, reads);
    if held.is_none() && arrived.family == Family::Payments {
        // It never comes as far as the gateway.
        hit.note();
        return whole(world.carry_out(arrived));
    }
    let (release, counter) = (hit.release(), hit.counter());
    let (later, first) = (Arc::clone(world), arrived.clone());
    world.tasks.spawn(async move {
        let time = async {
            match ms {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => std::future::pending().await,
            }
        };
        let stopping = later.stopping.clone();
        tokio::select! {
            () = release => {}
            () = time => {}
            () = stopping.cancelled() => return,
        }
        let landed = match held {
            Some(held) => later.life() == first.life && later.land_payment(&first.store, held),
            None => later.carry_out(&first).is_some(),
        };
        if landed {
            counter.send_modify(|count| *count += 1);
        }
    });
    hit.note();
    Outcome::Answer(if held.is_some() {
        answer::payment(status, code)
    } else {
        plain(arrived.family, status)
    })
}

/// Waits for the release; true when it came. When the client goes first, the wait ends, unless it is to `stay`.
async fn held(hit: &mut Hit, reply: &mut oneshot::Sender<Outcome>, stay: bool) -> bool {
    let gone = tokio::select! {
        biased;
        () = reply.closed() => true,
        () = hit.released() => false,
    };
    if gone {
        hit.note_abandoned();
        if stay {
            hit.released().await;
        }
    }
    !gone || stay
}

/// A plain problem of the family.
fn plain(family: Family, status: u16) -> Answer {
    let title = match status {
        423 => "The resource is currently locked and unavailable.",
        429 => "You have exceeded the rate limit. Please slow down your requests.",
        500..=599 => "An unexpected error occurred.",
        _ => "The request was refused.",
    };
    if family == Family::V2 { answer::v2(status, title) } else { answer::problem(status, title) }
}

fn rate_limited(world: &World, headers: bool, retry_ms: u64) -> Answer {
    if !headers {
        return rate::refused();
    }
    let settings = world.settings();
    let standing = rate::Standing { allowed: false, left: 0, reset_ms: retry_ms };
    rate::headers(rate::refused_for(retry_ms), settings.rate_quota, settings.rate_window_ms, standing)
}
