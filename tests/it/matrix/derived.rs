//! The third dimension: every fault on every call that a way makes, where the calls are read off a run without a fault. So no
//! call of parts, direct orders or of what was applied elsewhere can be forgotten: what is sent is played.

use std::collections::{BTreeMap, BTreeSet};

use bigcommerce_simulator::{
    CALLS, Effect, Fault as Upstream, Kind, PartShown, PartialPayment, Request, Settings, magic_card,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::Fault;
use super::reasons::BY_WAYS;
use super::shops::{self, Shop, play, play_all};
use super::ways::{WAYS, Walk, Way};
use crate::harness::{card, run_with};

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) way: Way,
    pub(super) call: &'static str,
    /// Which of the requests of this call, counted from where the way begins.
    pub(super) nth: u64,
    pub(super) fault: Fault,
    pub(super) partial: PartialPayment,
}

/// The name of a cell under one of the [`PARTIAL`].
pub(super) fn named(name: &str, partial: PartialPayment) -> String {
    if partial == PARTIAL[0] { name.to_owned() } else { format!("{name}:{partial:?}") }
}

impl Cell {
    pub(super) fn name(self) -> String {
        named(&format!("{:?}:{}:{}:{:?}", self.way, self.call, self.nth, self.fault), self.partial)
    }

    /// The first card that is tried, where the fault is how its payment settles.
    fn card(self) -> Option<Value> {
        // They settle when the order is read again: a caller who waits has nobody else to settle them.
        let code = match self.fault {
            Fault::SettlesPaid => 20_001,
            Fault::SettlesDeclined => 20_002,
            Fault::NeverSettles => 20_003,
            _ => return None,
        };
        Some(card(&magic_card(code, 0)))
    }

    /// Neither the service nor BigCommerce can tell that it was not done.
    fn stays_in_doubt(self) -> bool {
        matches!(self.fault, Fault::TimeoutWithoutEffect | Fault::ServerErrorWithoutEffect)
    }

    /// How it must end.
    pub(super) fn end(self) -> &'static str {
        match self.call {
            "process-payment" if self.stays_in_doubt() => "stuck:payment-unknown",
            "process-payment" if self.fault == Fault::NeverSettles => "stuck:payment-pending-too-long",
            // BigCommerce has closed an order that holds the parts: the shopper gets them back.
            "process-payment" if self.fault == Fault::SettlesDeclined && self.way.is_in_parts() => {
                "cancelled"
            }
            "refund" if self.stays_in_doubt() => "stuck:undo-failed",
            _ => self.way.end(),
        }
    }
}

/// The faults of a call that need no process of their own.
pub(super) const PLAYED: [Fault; 14] = [
    Fault::TimeoutWithoutEffect,
    Fault::TimeoutWithEffect,
    Fault::ServerErrorWithoutEffect,
    Fault::ServerErrorWithEffect,
    Fault::ResetInBody,
    Fault::MalformedAnswer,
    Fault::RateLimited,
    Fault::RateLimitedWithoutHeaders,
    Fault::DeliveredTwice,
    Fault::SettlesPaid,
    Fault::SettlesDeclined,
    Fault::NeverSettles,
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
pub(super) fn is_played(call: &str, reads: bool, is_last: bool, fault: Fault) -> bool {
    match fault {
        Fault::Declined | Fault::Overtaken => call == "process-payment",
        // Credit and certificates take effect at once: a card does not, and pays last.
        Fault::SettlesPaid | Fault::SettlesDeclined | Fault::NeverSettles => {
            call == "process-payment" && is_last
        }
        // A read has no effect: whether it was done or not, and how often, is the same.
        Fault::TimeoutWithEffect | Fault::ServerErrorWithEffect | Fault::DeliveredTwice => !reads,
        _ => true,
    }
}

/// What BigCommerce may do with an order of which a part is paid: it stays Incomplete, or becomes Pending and can be paid all the
/// same. Its documents say both, so that whatever is paid in parts is played under both.
pub(super) const PARTIAL: [PartialPayment; 2] = [PartialPayment::Incomplete, PartialPayment::PendingPayable];

/// What BigCommerce leaves open, so that parts can be paid and what was applied is shown.
pub(super) fn open_questions(partial: PartialPayment) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.partial_payment = partial;
        settings.part_shown = PartShown::Nothing;
        settings.checkout_shows_outstanding = true;
    }
}

/// The ways that are played under it: those that pay nothing in parts are the same under both.
fn ways(partial: PartialPayment) -> Vec<Way> {
    WAYS.into_iter().filter(|way| partial == PARTIAL[0] || way.is_in_parts()).collect()
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

/// The calls of each way, each with how often it is made: what two runs without a fault have in common. It is found out once.
pub(super) async fn columns(partial: PartialPayment) -> &'static [Column] {
    static COLUMNS: [OnceCell<Vec<Column>>; 2] = [const { OnceCell::const_new() }; 2];
    COLUMNS[usize::from(partial != PARTIAL[0])].get_or_init(|| read_off(partial)).await
}

async fn read_off(partial: PartialPayment) -> Vec<Column> {
    let ways = ways(partial);
    let runs: Vec<(Way, u8)> = ways.iter().flat_map(|way| [(*way, 0), (*way, 1)]).collect();
    let world = shops::world(runs.len(), open_questions(partial)).await;
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
    ways.into_iter().flat_map(of).collect()
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
async fn cells(partial: PartialPayment) -> Vec<Cell> {
    let mut cells = Vec::new();
    let columns = columns(partial).await;
    if partial == PARTIAL[0] {
        are_known(columns.iter().map(|column| column.call), BY_WAYS);
    }
    for &Column { way, call, reads, times } in columns {
        for nth in 1..=times {
            let faults = PLAYED.into_iter().filter(|fault| is_played(call, reads, nth == times, *fault));
            // Which faults a read may meet is played under the first: under the second, that a read failed.
            let faults = faults
                .filter(|fault| partial == PARTIAL[0] || !reads || *fault == Fault::ServerErrorWithoutEffect);
            cells.extend(faults.map(|fault| Cell { way, call, nth, fault, partial }));
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

async fn play_cells(partial: PartialPayment) {
    let wanted = super::wanted();
    let mut cells = cells(partial).await;
    cells.retain(|cell| wanted.as_ref().is_none_or(|wanted| cell.name().contains(wanted)));
    run_with(shops::world(cells.len().max(1), open_questions(partial)).await, async |world, service| {
        let (world_ref, service_ref) = (world, service);
        play_all(&cells, |number, cell| async move {
            let shop = Shop::new(world_ref, service_ref, number);
            let mut walk = Walk::begin(world_ref, cell.way, shop).await;
            walk.card = cell.card();
            let fault = match cell.card() {
                Some(_) => None,
                None => Some(walk.shop.add_fault(upstream(cell.call, cell.nth, cell.fault))),
            };
            let end = walk.go_on(world_ref).await;
            let name = cell.name();
            let reached = match fault {
                Some(fault) => world_ref.simulator.reached(fault) > 0,
                // It was accepted before it settled.
                None => walk.shop.ledger().attempts.iter().any(|attempt| attempt.outcome == "pending"),
            };
            if !reached {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_call_that_is_made() {
    play_cells(PartialPayment::Incomplete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_call_for_an_order_that_is_pending_when_paid_in_part() {
    play_cells(PartialPayment::PendingPayable).await;
}
