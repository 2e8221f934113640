//! Several lanes against a model of the upstream: what holds whatever the interleaving.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::seeded::seeded;

/// The upstream: a fixed window of a store, and what it was asked.
struct Upstream {
    quota: u64,
    window: u64,
    /// Whether windows follow each other, or the first request opens one.
    aligned: bool,
    opened: Option<u64>,
    used: u64,
}

impl Upstream {
    /// Counts a request: the status and the headers of its answer.
    fn count(&mut self, now: u64) -> (u16, RateLimit) {
        let over = self.opened.is_none_or(|opened| now >= opened + self.window);
        if over {
            self.opened = Some(if self.aligned { now / self.window * self.window } else { now });
            self.used = 0;
        }
        let allowed = self.used < self.quota;
        self.used += u64::from(allowed);
        let reset = self.opened.unwrap_or(now) + self.window - now;
        let status = if allowed { 200 } else { 429 };
        (status, limits(self.quota, self.quota - self.used, reset, self.window))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Wanted(usize, Priority),
    Arrives(usize, u64),
    Answered(usize, u64, u16, u64, u64),
    Vanishes(usize),
    Look(usize),
}

#[derive(Debug, Clone)]
struct Want {
    replica: usize,
    priority: usize,
    after: u64,
    there: u64,
    back: u64,
    /// The answer is lost, or the caller goes away.
    lost: bool,
}

fn wants(replicas: usize) -> impl Strategy<Value = Vec<Want>> {
    let want =
        (0..replicas, 0..PRIORITIES.len(), 0..120_u64, 1..90_u64, 1..90_u64, prop::bool::weighted(0.05))
            .prop_map(|(replica, priority, after, there, back, lost)| Want {
                replica,
                priority,
                after,
                there,
                back,
                lost,
            });
    prop::collection::vec(want, 1..200)
}

/// How it went.
#[derive(Debug, Default, PartialEq, Eq)]
struct Played {
    /// Requests that the quota refused.
    refused: u64,
    /// Calls that were sent.
    sent: u64,
    /// Requests whose answer was lost before their replica had any: nothing had told it the quota.
    blind: u64,
}

/// Plays it.
fn play(replicas: usize, quota: u64, window: u64, aligned: bool, wants: &[Want]) -> Played {
    let start = Instant::now();
    let at = |time: u64| start + ms(time);
    let mut upstream = Upstream { quota, window, aligned, opened: None, used: 0 };
    let mut lanes: Vec<Lane> = (0..replicas).map(|_| Lane::api(start)).collect();
    for lane in &mut lanes {
        lane.observe((u32::try_from(replicas).expect("few"), None), start);
    }
    let mut steps: BTreeMap<(u64, u64), Step> = BTreeMap::new();
    let mut order = 0;
    let mut plan = |steps: &mut BTreeMap<_, _>, time: u64, step| {
        order += 1;
        steps.insert((time, order), step);
    };
    let mut time = 0;
    for want in wants {
        time += want.after;
        plan(&mut steps, time, Step::Wanted(want.replica, PRIORITIES[want.priority]));
    }
    let mut ticket = 0;
    let mut priorities: HashMap<(usize, u64), Priority> = HashMap::new();
    let (mut played, mut decided) = (Played::default(), 0);
    let mut told = vec![false; replicas];
    while let Some(((time, _), step)) = steps.pop_first() {
        let now = at(time);
        let replica = match step {
            Step::Wanted(replica, priority) => {
                ticket += 1;
                priorities.insert((replica, ticket), priority);
                lanes[replica].enter(ticket, priority, now);
                replica
            }
            Step::Arrives(replica, sent_at) => {
                let travel = &wants[usize::try_from(sent_at + time).expect("small") % wants.len()];
                let (status, limits) = upstream.count(time);
                played.refused += u64::from(status == 429);
                played.blind += u64::from(travel.lost && !told[replica]);
                let end = if travel.lost {
                    Step::Vanishes(replica)
                } else {
                    let (left, reset) = (limits.left.expect("left"), limits.reset_ms.expect("reset"));
                    Step::Answered(replica, sent_at, status, left, reset)
                };
                plan(&mut steps, time + travel.back, end);
                replica
            }
            Step::Answered(replica, sent_at, status, left, reset) => {
                told[replica] = true;
                let limits = limits(quota, left, reset, window);
                lanes[replica].ended(&seen(status, ms(time - sent_at), limits), now, 0.5);
                replica
            }
            Step::Vanishes(replica) => {
                lanes[replica].abandoned(now);
                replica
            }
            Step::Look(replica) => replica,
        };
        let turn = lanes[replica].turn(now);
        for (ticket, verdict) in &turn.decided {
            decided += 1;
            let priority = priorities.remove(&(replica, *ticket)).expect("it waited");
            if *verdict == Admission::Go {
                played.sent += 1;
                let better = priorities.iter().find(|((of, other), waiting)| {
                    *of == replica && (**waiting, *other) < (priority, *ticket)
                });
                assert_eq!(better, None, "{priority:?} {ticket} was served before");
                let travel = &wants[usize::try_from(*ticket).expect("small") % wants.len()];
                plan(&mut steps, time + travel.there, Step::Arrives(replica, time));
            }
        }
        if let Some(wake) = turn.wake {
            let millis = u64::try_from((wake - start).as_millis()).expect("small") + 1;
            plan(&mut steps, millis.max(time + 1), Step::Look(replica));
        }
    }
    assert_eq!(decided, wants.len(), "each call is sent or told to come back");
    assert!(lanes.iter().all(|lane| lane.waiting() == 0 && lane.in_flight() == 0));
    played
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..seeded() })]

    #[test]
    fn a_quota_is_never_exceeded_by_any_number_of_replicas(
        (replicas, wants) in (1..5_usize).prop_flat_map(|replicas| (Just(replicas), wants(replicas))),
        quota in 5..60_u64,
        window in 600..4_000_u64,
        aligned: bool,
    ) {
        let played = play(replicas, quota, window, aligned, &wants);
        prop_assert!(played.refused <= played.blind, "{:?}", played);
    }
}

#[test]
fn a_busy_replica_uses_the_whole_quota() {
    // 20 in a second; 200 payments wanted at once: they wait for their windows, at most 31 s.
    let want = Want { replica: 0, priority: 0, after: 0, there: 20, back: 20, lost: false };
    let played = play(1, 20, 1_000, true, &vec![want; 200]);
    assert_eq!(played, Played { refused: 0, sent: 200, blind: 0 });
}

#[test]
fn answers_that_are_lost_at_the_beginning_are_not_followed_by_a_flood() {
    // Nothing has told the quota: one at once, and one more for each second.
    let want = Want { replica: 0, priority: 0, after: 1, there: 5, back: 5, lost: true };
    let played = play(1, 2, 1_900, false, &vec![want; 10]);
    assert_eq!(played, Played { refused: 0, sent: 10, blind: 10 });
}
