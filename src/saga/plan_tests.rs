//! What comes next.

use super::*;
use crate::checkout::{CartEdit, Flow, StepStatus};
use crate::saga::sample::{all_input, checkout, goal, in_flight, up_to};

fn ready(flow: Flow, status: Status, until: StepName) -> Checkout {
    Checkout { input: all_input().into(), goal: Some(goal(until)), ..checkout(flow, status) }
}

#[test]
fn an_attempt_in_flight_comes_before_everything() {
    for &flow in Flow::ALL {
        for &status in Status::ALL {
            for &step in flow.steps().iter().chain(&[StepName::Cancel]) {
                let held = Checkout { in_flight: Some(in_flight(step)), ..checkout(flow, status) };
                assert_eq!(plan(&held), Action::Look(step));
            }
        }
    }
}

#[test]
fn steps_come_in_order_and_stop_at_the_goal() {
    for &flow in Flow::ALL {
        for &until in flow.steps() {
            let mut run = ready(flow, Status::Running, until);
            let mut seen = Vec::new();
            while let Action::Attempt(step) = plan(&run) {
                seen.push(step);
                run.step_mut(step).expect("a step of this flow").status = StepStatus::Succeeded;
            }
            let wanted: Vec<_> = flow.steps().iter().copied().take_while(|&step| step != until).collect();
            assert_eq!(seen, [wanted, vec![until]].concat());
            assert_eq!(plan(&run), Action::Rest);
        }
    }
}

#[test]
fn a_step_without_its_input_stops_the_run() {
    let mut run = up_to(ready(Flow::Cart, Status::Running, StepName::Payment), StepName::Consignments);
    run.input.consignments = None;
    assert_eq!(plan(&run), Action::Rest);
    assert_eq!(missing_input(&run, StepName::Payment), Some(StepName::Consignments));
    run.step_mut(StepName::Consignments).expect("a step").status = StepStatus::Skipped;
    assert_eq!(plan(&run), Action::Attempt(StepName::ShippingOptions));
    assert_eq!(missing_input(&run, StepName::Payment), None);
}

#[test]
fn a_change_of_the_cart_comes_before_the_steps() {
    let mut run = ready(Flow::Cart, Status::Running, StepName::Cart);
    run.input.edit = Some(CartEdit::RemoveCoupon("X".to_owned()));
    assert_eq!(plan(&run), Action::Attempt(StepName::CartEdit));
}

#[test]
fn what_is_undone_is_never_run_forward() {
    for &flow in Flow::ALL {
        for &until in StepName::ALL {
            let held = ready(flow, Status::Compensating, until);
            assert_eq!(plan(&held), Action::Attempt(StepName::Cancel));
        }
        let restarted = ready(flow, Status::Running, StepName::Cancel);
        assert_eq!(plan(&restarted), Action::Rest, "nothing is done forward for the goal of a cancellation");
        let lapsing = Checkout { goal: None, ..ready(flow, Status::Compensating, StepName::Cancel) };
        assert_eq!(plan(&lapsing), Action::Attempt(StepName::Cancel));
    }
}
