//! The third dimension: every fault on every call that a way makes, where the calls are read off a run without a fault. So no
//! call of parts, direct orders or of what was applied elsewhere can be forgotten: what is sent is played.

use std::collections::{BTreeMap, BTreeSet};

use bigcommerce_simulator::{
    CALLS, Effect, Fault as Upstream, Kind, PartShown, PartialPayment, Request, Settings,
};
use serde_json::json;

use super::Fault;
use super::reasons::BY_WAYS;
use super::shops::{self, Shop, play, play_all};
use super::ways::{WAYS, Walk, Way};
use crate::harness::run_with;

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) way: Way,
    pub(super) call: &'static str,
    /// Which of the requests of this call, counted from where the way begins.
    pub(super) nth: u64,
    pub(super) fault: Fault,
}

impl Cell {
    pub(super) fn name(self) -> String {
        format!("{:?}:{}:{}:{:?}", self.way, self.call, self.nth, self.fault)
    }

    /// Neither the service nor BigCommerce can tell that it was not done.
    fn stays_in_doubt(self) -> bool {
        matches!(self.fault, Fault::TimeoutWithoutEffect | Fault::ServerErrorWithoutEffect)
    }

    /// How it must end.
    pub(super) fn end(self) -> &'static str {
        match self.call {
            "process-payment" if self.stays_in_doubt() => "stuck:payment-unknown",
            "refund" if self.stays_in_doubt() => "stuck:undo-failed",
            _ => self.way.end(),
        }
    }
}

/// The faults of a call that need no process of their own.
pub(super) const PLAYED: [Fault; 11] = [
    Fault::TimeoutWithoutEffect,
    Fault::TimeoutWithEffect,
    Fault::ServerErrorWithoutEffect,
    Fault::ServerErrorWithEffect,
    Fault::ResetInBody,
    Fault::MalformedAnswer,
    Fault::RateLimited,
    Fault::RateLimitedWithoutHeaders,
    Fault::DeliveredTwice,
    Fault::Declined,
    Fault::Overtaken,
];

/// The fault as the simulator plays it, on the nth request of the call from now on.
pub(super) fn upstream(call: &str, nth: u64, fault: Fault) -> Upstream {
    let on = Upstream::on(call).nth(nth);
    match fault {
        Fault::Declined => on.kind(Kind::Status {
            status: 422,
            effect: Effect::Before,
            headers: BTreeMap::new(),
            body: Some(json!({"status": 422, "code": 30_106, "title": "Payment was declined."})),
        }),
        Fault::Overtaken => on.overtaken_for_reads(401, 10_001, 3),
        other => other.on(on).unwrap_or_else(|| panic!("{other:?} is played by a process")),
    }
}

/// Whether this fault says something on this call that another one does not say already.
pub(super) fn is_played(call: &str, reads: bool, fault: Fault) -> bool {
    match fault {
        Fault::Declined | Fault::Overtaken => call == "process-payment",
        // A read has no effect: whether it was done or not, and how often, is the same.
        Fault::TimeoutWithEffect | Fault::ServerErrorWithEffect | Fault::DeliveredTwice => !reads,
        _ => true,
    }
}

/// What BigCommerce leaves open, so that parts can be paid and what was applied is shown.
pub(super) fn open_questions(settings: &mut Settings) {
    settings.partial_payment = PartialPayment::Incomplete;
    settings.part_shown = PartShown::Nothing;
    settings.checkout_shows_outstanding = true;
}

/// The requests of one call that a way makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) way: Way,
    pub(super) call: &'static str,
    /// Whether it only reads.
    pub(super) reads: bool,
    /// How many there are.
    pub(super) times: u64,
}

/// The calls of each way, each with how often it is made: what two runs without a fault have in common.
pub(super) async fn columns() -> Vec<Column> {
    let runs = [0, 1].map(|run| WAYS.map(|way| (way, run))).concat();
    let world = shops::world(runs.len(), open_questions).await;
    let service = world.start().await;
    let counted = std::sync::Mutex::new(Vec::new());
    let (world_ref, service_ref, counted_ref) = (&world, &service, &counted);
    let failed = play(&runs, |number, (way, _)| async move {
        let shop = Shop::new(world_ref, service_ref, number);
        let mut walk = Walk::begin(world_ref, way, shop).await;
        let before = walk.shop.requests().len();
        let end = walk.go_on(world_ref).await;
        let requests = walk.shop.requests().split_off(before);
        counted_ref.lock().expect("nobody panicked with it").push((way, requests));
        check(&walk.shop, &end)
            .and_then(|()| if end == way.end() { Ok(()) } else { Err(format!("{way:?}: {end}")) })
    })
    .await;
    assert!(failed.is_empty(), "without a fault: {failed:#?}");
    service.stop().await;
    world.finish().await;
    let counted = counted.into_inner().expect("nobody panicked with it");
    let of = |way| {
        let columns = columns_of(&counted, way).into_iter();
        columns.map(move |(call, reads, times)| Column { way, call, reads, times })
    };
    WAYS.into_iter().flat_map(of).collect()
}

/// A request of a run.
pub(super) type Sent = Request;

/// The calls of one kind of run: whether it only reads, and how often each run made it at least.
pub(super) fn columns_of<K: Copy + PartialEq>(
    counted: &[(K, Vec<Sent>)],
    kind: K,
) -> Vec<(&'static str, bool, u64)> {
    let mut columns = Vec::new();
    for &call in CALLS.iter() {
        let of_call = |requests: &[Sent]| requests.iter().filter(|request| request.call == call).count();
        let runs = || counted.iter().filter(|(whose, _)| *whose == kind).map(|(_, requests)| &requests[..]);
        let times = runs().map(of_call).min().unwrap_or_default();
        let reads = runs().flatten().any(|request| request.call == call && request.method == "GET");
        // A quote moves nothing.
        let reads = reads || call == "refund-quote";
        if let Some(times) = u64::try_from(times).ok().filter(|times| *times > 0) {
            columns.push((call, reads, times));
        }
    }
    columns
}

/// The calls that are made are those that the reasons name.
pub(super) fn are_known(made: impl Iterator<Item = &'static str>, named: &[&'static str]) {
    let made: BTreeSet<&str> = made.filter(|call| !super::CALLS.contains(call)).collect();
    assert_eq!(made, named.iter().copied().collect::<BTreeSet<&str>>(), "made, and named in `reasons`");
}

/// Every cell.
async fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    let columns = columns().await;
    are_known(columns.iter().map(|column| column.call), BY_WAYS);
    for Column { way, call, reads, times } in columns {
        for nth in 1..=times {
            for fault in PLAYED.into_iter().filter(|fault| is_played(call, reads, *fault)) {
                cells.push(Cell { way, call, nth, fault });
            }
        }
    }
    cells
}

/// What the books say at the end: what is completed holds what it costs, what was undone holds nothing, and no instrument was
/// charged twice.
pub(super) fn check(shop: &Shop<'_>, end: &str) -> Result<(), String> {
    let (holding, ledger) = (shop.holding(), shop.ledger());
    let wrong = |what: &str| Err(format!("{what}: {holding:?} {:?}", ledger.charges));
    let mut methods: Vec<&str> = ledger
        .charges
        .iter()
        .filter(|charge| charge.holds_money())
        .map(|charge| &*charge.payment_method_id)
        .collect();
    let all = methods.len();
    methods.sort_unstable();
    methods.dedup();
    if methods.len() != all {
        return wrong("an instrument was charged twice");
    }
    match end {
        "completed" => match &holding[..] {
            [one] if one.is_whole() => Ok(()),
            _ => wrong("completed, and what is held is not what it costs"),
        },
        "cancelled" | "expired" if !holding.is_empty() => wrong("undone, and money is held"),
        _ if holding.len() > 1 || holding.iter().any(|money| money.open.is_sign_negative()) => {
            wrong("too much is held")
        }
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_call_that_is_made() {
    let wanted = super::wanted();
    let cells: Vec<Cell> = cells().await;
    let cells: Vec<Cell> = cells
        .into_iter()
        .filter(|cell| wanted.as_ref().is_none_or(|wanted| cell.name().contains(wanted)))
        .collect();
    run_with(shops::world(cells.len().max(1), open_questions).await, async |world, service| {
        let (world_ref, service_ref) = (world, service);
        play_all(&cells, |number, cell| async move {
            let shop = Shop::new(world_ref, service_ref, number);
            let mut walk = Walk::begin(world_ref, cell.way, shop).await;
            let fault = walk.shop.add_fault(upstream(cell.call, cell.nth, cell.fault));
            let end = walk.go_on(world_ref).await;
            let name = cell.name();
            if world_ref.simulator.reached(fault) == 0 {
                return Err(format!("{name} was not reached: {end}"));
            }
            if end != cell.end() {
                let why = walk.why().await;
                return Err(format!("{name}: {end} instead of {}: {why}", cell.end()));
            }
            check(&walk.shop, &end).map_err(|wrong| format!("{name}: {wrong}"))
        })
        .await;
    })
    .await;
}
