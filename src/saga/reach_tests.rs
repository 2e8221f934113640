//! States that a checkout can reach, from its creation, by what shoppers, outages and others do. From each there is a call or
//! a timer that goes on, or a reason why a person is needed; and no shopper gives that reason alone.
//!
//! The rules are the real ones (`accept`, `plan`, `decide`); what the steps find at BigCommerce is written down in `outcomes`.

#[path = "reach_outcomes.rs"]
mod outcomes;

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, json};

use self::outcomes::{By, findings, items, outcomes};
use super::accept::{Accepted, accept};
use super::decide::{begin, go_on, on_finding, on_verdict};
use super::decision::{Circumstances, Decision, Limits};
use super::operation::Operation;
use super::plan::{Action, plan};
use super::sample::{self, NOW, goal, intent};
use super::step::{Finding, Verdict};
use super::step_state::is_only_a_cart;
use crate::bigcommerce::PaymentRequest;
use crate::checkout::{
    CartEdit, Checkout, Event, Flow, Input, Money, OptionChoice, Preference, Status, StepName, StuckReason,
    next,
};
use crate::seeded::seeded;

/// So many moves do every step of a checkout, each of which may have to be looked for first.
const ENOUGH: usize = 40;

const AT: Circumstances = Circumstances {
    limits: Limits {
        max_attempts: 2,
        retry_base: Duration::from_millis(200),
        retry_cap: Duration::from_secs(30),
        ttl: Duration::from_hours(24),
        look: Duration::from_secs(5),
        late: Duration::from_mins(3),
    },
    now: NOW,
    jitter: 0.5,
};

#[derive(Debug, Clone)]
struct State {
    checkout: Checkout,
    /// Whether the attempt in flight was just begun by the process that holds it.
    unsent: bool,
}

/// What happens next to a state, and who does it.
type Moves = Vec<(By, State)>;

/// All that a shopper can ask for.
fn operations() -> Vec<Operation> {
    let instrument = || {
        let body =
            json!({"payment_method_id": "stripe.card", "instrument": {"type": "stored_card", "token": "t"}});
        PaymentRequest::parse(body, "").map_err(|_| "refused").expect("a stored card")
    };
    let pay = Operation::Payment {
        intent: intent(),
        instruments: [instrument()].into(),
        agreed_total: Some(Money::ZERO),
    };
    let option = OptionChoice { consignment_id: None, shipping_option_id: "option".to_owned() };
    vec![
        Operation::Edit(CartEdit::AddItems(items())),
        Operation::BillingAddress(Map::new()),
        Operation::Consignments(Vec::new()),
        Operation::ShippingOptions(vec![option]),
        Operation::Order { agreed_total: None },
        pay,
        Operation::Edit(CartEdit::RemoveItem { item_id: "0".to_owned() }),
        Operation::HandOff,
        Operation::Cancel,
    ]
}

/// The call that does a step. A cart is made of items.
fn call_for(step: StepName) -> Option<Operation> {
    let name = if step == StepName::Cart { StepName::CartEdit } else { step };
    operations().into_iter().find(|operation| operation.name() == name.as_str())
}

fn claimed(from: &Checkout, operation: &Operation) -> Option<State> {
    match accept(from, operation, None).ok()? {
        Accepted::Already => None,
        Accepted::Cancel => {
            let undone = Checkout { goal: Some(goal(StepName::Cancel)), tries: 0, ..from.clone() };
            Some(moved(undone, Event::CancelRequested, false))
        }
        Accepted::Run(mut run) => {
            if let Some(goal) = run.goal.as_mut() {
                operation.name().clone_into(&mut goal.operation);
            }
            let (run, began) = begin(*run, NOW);
            Some(moved(run, Event::Claimed, began.is_some()))
        }
    }
}

fn moved(mut checkout: Checkout, event: Event, unsent: bool) -> State {
    checkout.status = next(checkout.status, event).expect("a legal move");
    State { checkout, unsent }
}

fn decided(decision: Decision) -> State {
    let unsent = decision.began.is_some();
    moved(decision.checkout, decision.event, unsent)
}

fn moves(state: &State) -> Moves {
    let from = &state.checkout;
    match from.status {
        Status::Completed | Status::Cancelled | Status::Expired | Status::Stuck => Vec::new(),
        Status::AwaitingInput => {
            let calls = operations();
            let mut all: Moves =
                calls.iter().filter_map(|call| Some((By::Shopper, claimed(from, call)?))).collect();
            // Nobody comes back.
            let left = Checkout { goal: None, tries: 0, ..from.clone() };
            all.push((By::Shopper, moved(left, Event::Abandoned, false)));
            all
        }
        Status::Waiting => vec![(By::Shopper, moved(from.clone(), Event::Resumed, false))],
        Status::Running | Status::Compensating => match plan(from) {
            Action::Look(step) if state.unsent => {
                let mut all: Moves = outcomes(from, step)
                    .into_iter()
                    .map(|(by, after, verdict)| (by, decided(on_verdict(after, verdict, AT))))
                    .collect();
                // Its process is killed.
                all.push((By::Outage, State { checkout: from.clone(), unsent: false }));
                all
            }
            Action::Look(step) => findings(from, step)
                .into_iter()
                .map(|(by, after, finding)| (by, decided(on_finding(after, finding, AT))))
                .collect(),
            Action::Attempt(_) | Action::Rest => {
                vec![(By::Shopper, decided(go_on(from.clone(), None, AT)))]
            }
        },
    }
}

/// The shopper does what is next, and everything works.
fn best(state: &State) -> State {
    let from = &state.checkout;
    let works = |verdict: &Verdict| matches!(verdict, Verdict::Succeeded | Verdict::Paid | Verdict::Undone);
    match (from.status, plan(from)) {
        (Status::AwaitingInput, _) => {
            let step = from.next_step().expect("what is at rest has a next step");
            let call = call_for(step).expect("each step has a call");
            let run = claimed(from, &call).unwrap_or_else(|| panic!("{step} is refused: {state:#?}"));
            assert!(run.unsent, "{step} begins nothing: {state:#?}");
            run
        }
        (Status::Running | Status::Compensating, Action::Look(step)) if state.unsent => {
            let mut all = outcomes(from, step).into_iter();
            let found = all.find(|(by, _, verdict)| *by == By::Shopper && works(verdict));
            let (_, after, verdict) = found.expect("it can work");
            decided(on_verdict(after, verdict, AT))
        }
        (Status::Running | Status::Compensating, Action::Look(step)) => {
            let known = |finding: &Finding| match finding {
                Finding::Ended(verdict) => works(verdict),
                finding => *finding == Finding::Absent,
            };
            let mut all = findings(from, step).into_iter();
            let found = all.find(|(by, _, finding)| *by == By::Shopper && known(finding));
            let (_, after, finding) = found.expect("it can be found out");
            decided(on_finding(after, finding, AT))
        }
        // There is one way on, and no choice.
        _ => moves(state).into_iter().next().unwrap_or_else(|| panic!("an end: {state:#?}")).1,
    }
}

/// Where these choices lead among all that those who may can do.
fn walk(start: Index, choices: &[Index], may: By) -> Vec<State> {
    let mut created = created();
    let mut walked = vec![created.swap_remove(start.index(created.len()))];
    for choice in choices {
        let mut all = moves(&walked[walked.len() - 1]);
        all.retain(|(by, _)| *by <= may);
        if all.is_empty() {
            break;
        }
        walked.push(all.swap_remove(choice.index(all.len())).1);
    }
    walked
}

/// A creation with as much as can be given, one with as little, and a direct order.
fn created() -> Vec<State> {
    let begun = |flow, input: Input| {
        let until = if flow == Flow::Cart { StepName::ShippingOptions } else { StepName::Order };
        let run = Checkout {
            input: input.into(),
            goal: Some(goal(until)),
            ..sample::checkout(flow, Status::Running)
        };
        let (run, began) = begin(run, NOW);
        moved(run, Event::Advanced, began.is_some())
    };
    let little = Input { cart: Some(items()), ..Input::default() };
    let much = Input {
        billing_address: Some(Map::new()),
        consignments: Some(Vec::new()),
        shipping_preference: Some(Preference::Cheapest),
        ..little.clone()
    };
    let direct = Input { direct_order: Some(Map::new()), ..Input::default() };
    vec![begun(Flow::Cart, little), begun(Flow::Cart, much), begun(Flow::DirectOrder, direct)]
}

fn any_choices() -> impl Strategy<Value = (Index, Vec<Index>)> {
    (any::<Index>(), prop::collection::vec(any::<Index>(), 0..50))
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn from_every_state_there_is_a_way_on((start, choices) in any_choices()) {
        for state in walk(start, &choices, By::Others) {
            let status = state.checkout.status;
            prop_assert_eq!(status == Status::Stuck, state.checkout.stuck.is_some());
            if status.is_final() || status == Status::Stuck {
                continue;
            }
            let undone = status == Status::Compensating;
            let mut on = state.clone();
            for _ in 0..ENOUGH {
                if on.checkout.status.is_final() || on.checkout.status == Status::Stuck {
                    break;
                }
                on = best(&on);
            }
            let ended = match on.checkout.status {
                Status::Completed => true,
                status if status.is_final() => undone,
                // What was ordered, and was tried in vain as often before.
                Status::Stuck => undone && !is_only_a_cart(&on.checkout),
                _ => false,
            };
            prop_assert!(ended, "{:#?} leads to {:#?}", state, on);
        }
    }

    #[test]
    fn no_shopper_alone_needs_a_person((start, choices) in any_choices()) {
        for state in walk(start, &choices, By::Shopper) {
            prop_assert_ne!(state.checkout.status, Status::Stuck, "{:#?}", state);
        }
    }

    /// An order that nobody can find out about, and what was ordered and cannot be undone. A payment is followed.
    #[test]
    fn an_outage_alone_needs_a_person_only_for_what_orders_and_charges((start, choices) in any_choices()) {
        for state in walk(start, &choices, By::Outage) {
            let Some(stuck) = &state.checkout.stuck else { continue };
            let known = match stuck.reason {
                StuckReason::OrderUnknown => true,
                StuckReason::UndoFailed => !is_only_a_cart(&state.checkout),
                _ => false,
            };
            prop_assert!(known, "{:#?}", state);
        }
    }
}
