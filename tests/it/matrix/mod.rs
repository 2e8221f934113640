//! The fault matrix: every call x every fault x the first and the second attempt. It is generated from three lists, so that
//! no call and no fault escapes. Each cell proves that its fault was reached, runs the checkout to its end as a storefront
//! would, and checks the invariants. `docs/faults.md` is for whoever reads it; `document` holds it.

mod cells;
mod crash;
mod crashed;
mod deeds;
mod derived;
mod document;
mod operated;
mod others;
mod others_of_parts;
mod reasons;
mod shopper;
mod shops;
mod ways;

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use bigcommerce_simulator::Fault as Upstream;

use operated::TASKS;
use ways::WAYS;

/// The calls of a checkout from a cart, step by step, that a fault is played on, by the simulator's names. `reasons` says why
/// the other calls have no cells here.
const CALLS: [&str; 10] = [
    "create-cart",
    "add-billing-address",
    "add-consignments",
    "update-consignment",
    "create-order",
    "create-access-token",
    "process-payment",
    "list-orders",
    "update-order",
    "delete-cart",
];

/// The faults; `docs/faults.md` says what each one plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    CrashBeforeIntent,
    CrashBeforeSending,
    CrashBeforeAnswer,
    CrashBeforeOutcome,
    CrashBeforeClientHears,
    TimeoutWithoutEffect,
    TimeoutWithEffect,
    ServerErrorWithoutEffect,
    ServerErrorWithEffect,
    ResetInBody,
    MalformedAnswer,
    RateLimited,
    RateLimitedWithoutHeaders,
    SlowerThanLease,
    DeliveredTwice,
    LateAnswer,
    SettlesPaid,
    SettlesDeclined,
    NeverSettles,
    Declined,
    Overtaken,
}

const FAULTS: [Fault; 19] = [
    Fault::CrashBeforeIntent,
    Fault::CrashBeforeSending,
    Fault::CrashBeforeAnswer,
    Fault::CrashBeforeOutcome,
    Fault::CrashBeforeClientHears,
    Fault::TimeoutWithoutEffect,
    Fault::TimeoutWithEffect,
    Fault::ServerErrorWithoutEffect,
    Fault::ServerErrorWithEffect,
    Fault::ResetInBody,
    Fault::MalformedAnswer,
    Fault::RateLimited,
    Fault::RateLimitedWithoutHeaders,
    Fault::SlowerThanLease,
    Fault::DeliveredTwice,
    Fault::LateAnswer,
    Fault::SettlesPaid,
    Fault::SettlesDeclined,
    Fault::NeverSettles,
];

impl Fault {
    /// As the simulator plays it on these requests; `None`: a process of its own or the shopper's card plays it.
    fn on(self, on: Upstream) -> Option<Upstream> {
        Some(match self {
            Fault::TimeoutWithoutEffect => on.hang_before(),
            Fault::TimeoutWithEffect => on.hang_after(),
            Fault::ServerErrorWithoutEffect => on.status_before(500),
            Fault::ServerErrorWithEffect => on.status_after(500),
            Fault::ResetInBody => on.reset_in_body(),
            Fault::MalformedAnswer => on.malformed(),
            Fault::RateLimited => on.rate_limit(50),
            Fault::RateLimitedWithoutHeaders => on.rate_limit_without_headers(),
            Fault::DeliveredTwice => on.duplicate(),
            _ => return None,
        })
    }
}

/// One cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) call: &'static str,
    pub(crate) fault: Fault,
    /// 1 or 2. Before the second attempt the first one ended with a 429.
    pub(crate) attempt: u64,
}

impl Cell {
    /// Why it cannot occur.
    fn impossible(self) -> Option<&'static str> {
        let settles = matches!(self.fault, Fault::SettlesPaid | Fault::SettlesDeclined | Fault::NeverSettles);
        match self.call {
            call if settles && call != "process-payment" => Some("only a payment settles"),
            "list-orders" if self.fault == Fault::CrashBeforeIntent => {
                Some("a read inside an attempt has no intent of its own")
            }
            "create-access-token" if self.fault == Fault::CrashBeforeIntent => {
                Some("the token's intent is the payment's")
            }
            _ => None,
        }
    }

    /// Faults that need a process of its own, to be killed or stopped.
    fn is_crash(self) -> bool {
        matches!(
            self.fault,
            Fault::CrashBeforeIntent
                | Fault::CrashBeforeSending
                | Fault::CrashBeforeAnswer
                | Fault::CrashBeforeOutcome
                | Fault::CrashBeforeClientHears
                | Fault::SlowerThanLease
                | Fault::LateAnswer
        )
    }

    /// Whether the shopper cancels rather than pays: only then are these calls made.
    pub(crate) fn cancels(self) -> bool {
        matches!(self.call, "update-order" | "delete-cart")
    }
}

/// `MATRIX=create-order:DeliveredTwice:1` runs one cell; parts may be left out from the right.
#[expect(clippy::disallowed_methods, reason = "which cells to run is for whoever runs the tests to say")]
fn wanted() -> Option<String> {
    std::env::var("MATRIX").ok()
}

fn is_wanted(cell: Cell, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let name = format!("{}:{:?}:{}", cell.call, cell.fault, cell.attempt);
    name == wanted || name.starts_with(&format!("{wanted}:"))
}

fn chosen(crash: bool) -> Vec<Cell> {
    let wanted = wanted();
    must_be_known(wanted.as_deref());
    let possible = cells().filter(|cell| cell.impossible().is_none() && cell.is_crash() == crash);
    possible.filter(|cell| is_wanted(*cell, wanted.as_deref())).collect()
}

/// A name that no dimension has would run nothing, and pass.
fn must_be_known(wanted: Option<&str>) {
    let Some(name) = wanted else { return };
    let here = cells().any(|cell| cell.impossible().is_none() && is_wanted(cell, wanted));
    assert!(
        here || others::has(name) || is_derived(name),
        "MATRIX={name} names no cell: calls are {CALLS:?}, {:?} and {:?}; faults are {FAULTS:?}; deeds are {:?}; ways are \
         {WAYS:?}; tasks are {TASKS:?}",
        deeds::PAYING,
        deeds::CANCELLING,
        bigcommerce_simulator::DEEDS
    );
}

/// Whether it begins as a cell of the third dimension does. Which calls there are is known only when they are made.
fn is_derived(name: &str) -> bool {
    let first = name.split(':').next().unwrap_or_default();
    WAYS.iter().any(|way| first == format!("{way:?}"))
        || TASKS.iter().any(|task| first == format!("{task:?}"))
}

#[test]
fn a_name_of_no_cell_is_refused_with_the_names_that_there_are() {
    for good in [
        "create-order",
        "create-order:DeliveredTwice:1",
        "Pays:process-payment:Cancel:Before",
        "Ships:create-shipment",
    ] {
        must_be_known(Some(good));
    }
    must_be_known(None);
    for wrong in ["creat-order", "create-order:Delivered", "create-order:DeliveredTwice:3"] {
        let refused = std::panic::catch_unwind(|| must_be_known(Some(wrong))).expect_err(wrong);
        let said = refused.downcast_ref::<String>().expect("a text");
        assert!(said.contains("process-payment") && said.contains("DeliveredTwice"), "{said}");
    }
}

fn cells() -> impl Iterator<Item = Cell> {
    CALLS.into_iter().flat_map(|call| {
        FAULTS
            .into_iter()
            .flat_map(move |fault| [1, 2].into_iter().map(move |attempt| Cell { call, fault, attempt }))
    })
}

/// Runs cells side by side, each on a runtime of its own, as many at a time as the machine carries; names all that failed.
fn run<F: Future<Output = ()>>(cells: Vec<Cell>, at_once: usize, cell: impl Fn(Cell) -> F + Sync) {
    let total = cells.len();
    let (waiting, failed) = (Mutex::new(cells.into_iter()), Mutex::new(Vec::new()));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(one) = next() {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    let runtime = runtime.expect("a runtime");
                    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(cell(one))));
                    if outcome.is_err() {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{one:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "{} of {total} cells failed:\n{}", failed.len(), failed.join("\n"));
    println!("{total} cells passed");
}

#[test]
fn every_call_meets_every_fault_or_says_why_not() {
    let (mut run, mut left_out) = (0, 0);
    for cell in cells() {
        match cell.impossible() {
            Some(reason) => {
                left_out += 1;
                if cell.attempt == 1 {
                    println!("{} x {:?}: {reason}", cell.call, cell.fault);
                }
            }
            None => run += 1,
        }
    }
    println!("{run} cells run, {left_out} cannot occur");
    assert_eq!(run + left_out, CALLS.len() * FAULTS.len() * 2);
    for call in CALLS {
        assert!(bigcommerce_simulator::CALLS.contains(&call), "{call} is a call of the simulator");
    }
    // An intent that another call of the same request has is met there.
    for cell in cells().filter(|cell| cell.fault == Fault::CrashBeforeIntent && cell.impossible().is_some()) {
        let request = shopper::Shopper::request_of(cell.call);
        let met = cells().any(|other| {
            let same = other.fault == cell.fault && other.attempt == cell.attempt;
            same && other.impossible().is_none() && shopper::Shopper::request_of(other.call) == request
        });
        assert!(met, "{cell:?} is met by no other cell of {request}");
    }
}

#[test]
fn faults_of_the_upstream() {
    run(chosen(false), 8, cells::fault);
}

#[test]
fn crashes_of_the_process() {
    run(chosen(true), 6, crash::crash);
}
