//! The board of scripted faults: which one hits a request, how often each was reached, who is held.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::actors::Deed;
use crate::fault::{Fault, FaultId};
use crate::fault_kind::{Effect, Kind};

/// All faults that were added.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    fault: Fault,
    /// Matching requests since it was added.
    seen: u64,
    hits: u64,
    draws: u64,
    reached: watch::Sender<u64>,
    /// Held requests whose client went away.
    abandoned: watch::Sender<u64>,
    released: watch::Sender<u64>,
}

/// What a request looks like to the board.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) call: &'a str,
    pub(crate) store: &'a str,
    pub(crate) path: &'a str,
    pub(crate) correlation_id: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// What others do around a request.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) does: Deed,
    pub(crate) effect: Effect,
    reached: watch::Sender<u64>,
}

impl Other {
    /// Tells the tests that something was really changed.
    pub(crate) fn note(&self) {
        self.reached.send_modify(|count| *count += 1);
    }
}

/// A request that is hit.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) kind: Kind,
    reached: watch::Sender<u64>,
    abandoned: watch::Sender<u64>,
    released: watch::Receiver<u64>,
    released_before: u64,
}

impl Hit {
    /// Tells the tests that the fault was really reached.
    pub(crate) fn note(&self) {
        self.reached.send_modify(|count| *count += 1);
    }

    /// Tells the tests that the client of a held request has gone.
    pub(crate) fn note_abandoned(&self) {
        self.abandoned.send_modify(|count| *count += 1);
    }

    /// The same wait, apart from the request.
    pub(crate) fn release(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut released, before) = (self.released.clone(), self.released_before);
        async move {
            // An error means that the fault was removed: that releases too.
            let _ = released.wait_for(|count| *count > before).await;
        }
    }

    /// What counts how often the fault was reached.
    pub(crate) fn counter(&self) -> watch::Sender<u64> {
        self.reached.clone()
    }

    /// Waits until the fault is released, or removed.
    pub(crate) async fn released(&mut self) {
        let before = self.released_before;
        // An error means that the fault was removed: that releases too.
        let _ = self.released.wait_for(|count| *count > before).await;
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault; it counts requests from now on.
    pub(crate) fn add(&self, fault: Fault) -> FaultId {
        let mut state = self.lock();
        state.last += 1;
        let id = FaultId(state.last);
        let draws = fault.seed;
        let [reached, abandoned, released] = [(); 3].map(|()| watch::Sender::new(0));
        state.entries.push(Entry { id, fault, seen: 0, hits: 0, draws, reached, abandoned, released });
        id
    }

    /// Counts a request at every fault that it matches; the first that hits it decides, and all that others do happens.
    pub(crate) fn strike(&self, seen: Seen<'_>) -> (Option<Hit>, Vec<Other>) {
        let mut state = self.lock();
        let (mut hit, mut others) = (None, Vec::new());
        for entry in &mut state.entries {
            if !fits(&entry.fault, seen) || !entry.strikes() {
                continue;
            }
            if let Kind::Meanwhile { does, effect } = entry.fault.fault {
                // It counts once it was done: what nobody can do yet is tried again around the next request.
                others.push(Other { does, effect, reached: entry.reached.clone() });
            } else if hit.is_none() {
                entry.hits += 1;
                let released = entry.released.subscribe();
                let released_before = *released.borrow();
                let (reached, abandoned) = (entry.reached.clone(), entry.abandoned.clone());
                hit = Some(Hit {
                    kind: entry.fault.fault.clone(),
                    reached,
                    abandoned,
                    released,
                    released_before,
                });
            }
        }
        (hit, others)
    }

    /// How often a fault was reached; 0 for an unknown one.
    pub(crate) fn reached(&self, id: FaultId) -> u64 {
        self.lock().entries.iter().find(|entry| entry.id == id).map_or(0, |entry| *entry.reached.borrow())
    }

    /// Waits until a fault was reached this often; returns at once when it is unknown or removed.
    pub(crate) async fn wait_reached(&self, id: FaultId, count: u64) {
        let receiver =
            self.lock().entries.iter().find(|entry| entry.id == id).map(|entry| entry.reached.subscribe());
        if let Some(mut receiver) = receiver {
            // An error means that the fault was removed: nothing more will be counted.
            let _ = receiver.wait_for(|reached| *reached >= count).await;
        }
    }

    /// Waits until the clients of this many held requests have gone; returns at once when the fault is unknown or removed.
    pub(crate) async fn wait_abandoned(&self, id: FaultId, count: u64) {
        let receiver =
            self.lock().entries.iter().find(|entry| entry.id == id).map(|entry| entry.abandoned.subscribe());
        if let Some(mut receiver) = receiver {
            // An error means that the fault was removed: nothing more will be counted.
            let _ = receiver.wait_for(|abandoned| *abandoned >= count).await;
        }
    }

    /// Lets go of every request that this fault holds now. False when there is no such fault.
    pub(crate) fn release(&self, id: FaultId) -> bool {
        let state = self.lock();
        let entry = state.entries.iter().find(|entry| entry.id == id);
        if let Some(entry) = entry {
            entry.released.send_modify(|count| *count += 1);
        }
        entry.is_some()
    }

    /// Removes one fault; what it held goes on.
    pub(crate) fn remove(&self, id: FaultId) -> bool {
        let mut state = self.lock();
        let before = state.entries.len();
        state.entries.retain(|entry| entry.id != id);
        state.entries.len() < before
    }

    /// Removes all faults; what they held goes on.
    pub(crate) fn clear(&self) {
        self.lock().entries.clear();
    }

    /// All faults with their counters.
    pub(crate) fn show(&self) -> Value {
        let state = self.lock();
        state
            .entries
            .iter()
            .map(|entry| {
                let mut row = serde_json::to_value(&entry.fault).unwrap_or_else(|_| json!({}));
                row["id"] = entry.id.0.into();
                row["seen"] = entry.seen.into();
                row["reached"] = (*entry.reached.borrow()).into();
                row["abandoned"] = (*entry.abandoned.borrow()).into();
                row
            })
            .collect()
    }
}

impl Entry {
    fn strikes(&mut self) -> bool {
        self.seen += 1;
        if self.seen < self.fault.nth.max(1) {
            return false;
        }
        let most = match (self.fault.times, self.fault.probability) {
            (Some(0), _) | (None, Some(_)) => u64::MAX,
            (Some(times), _) => times,
            (None, None) => 1,
        };
        let hits = match self.fault.fault {
            Kind::Meanwhile { .. } => *self.reached.borrow(),
            _ => self.hits,
        };
        hits < most && self.fault.probability.is_none_or(|probability| self.draw() < probability)
    }

    /// The next number of a splitmix64 sequence, between 0 and 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    fn draw(&mut self) -> f64 {
        self.draws = self.draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.draws;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn fits(fault: &Fault, seen: Seen<'_>) -> bool {
    (fault.call == "*" || fault.call == seen.call)
        && fault.store.as_deref().is_none_or(|store| store == seen.store)
        && fault.matching.correlation_id.as_deref().is_none_or(|id| Some(id) == seen.correlation_id)
        && fault.matching.path_contains.as_deref().is_none_or(|part| seen.path.contains(part))
        && fault.matching.body_contains.as_deref().is_none_or(|part| holds(seen.body, part.as_bytes()))
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Seen<'_> = Seen {
        call: "create-order",
        store: "s",
        path: "/p",
        correlation_id: Some("c"),
        body: b"{\"sku\":1}",
    };

    #[test]
    fn the_nth_matching_requests_are_hit() {
        let board = Board::default();
        board.add(Fault::on("create-order").nth(2).times(2));
        let hits: Vec<bool> = (0..5).map(|_| board.strike(CALL).0.is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(board.strike(Seen { call: "get-cart", ..CALL }).0.is_none());
    }

    #[test]
    fn a_fault_may_be_narrowed_to_a_body() {
        let board = Board::default();
        board.add(Fault::on("*").always().body_contains("sku"));
        assert!(board.strike(CALL).0.is_some());
        assert!(board.strike(Seen { body: b"{}", ..CALL }).0.is_none());
    }

    #[test]
    fn what_others_do_stands_beside_the_fault_that_decides() {
        let board = Board::default();
        let (note, after) = (
            board.add(Fault::on("*").meanwhile_before(Deed::Note)),
            Fault::on("*").meanwhile_after(Deed::Ship),
        );
        board.add(after);
        board.add(Fault::on("*").reset_before());
        let (hit, others) = board.strike(CALL);
        assert!(hit.is_some_and(|hit| matches!(hit.kind, Kind::Reset { .. })));
        let does: Vec<Deed> = others.iter().map(|other| other.does).collect();
        assert_eq!(does, [Deed::Note, Deed::Ship]);
        assert_eq!(board.reached(note), 0, "not before something was changed");
        assert_eq!(board.strike(CALL).1.len(), 2, "what could not be done is tried again");
        others.iter().for_each(Other::note);
        assert_eq!(board.reached(note), 1);
        assert!(board.strike(CALL).1.is_empty(), "what was done is not done again");
    }

    #[test]
    fn draws_repeat_with_their_seed() {
        let run = |seed| {
            let board = Board::default();
            board.add(Fault::on("*").probability(0.5, seed));
            (0..64).map(|_| board.strike(CALL).0.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).contains(&true) && run(7).contains(&false));
    }
}
