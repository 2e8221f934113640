//! An order that turns out to be paid in full while its checkout is canceled: it is kept, and nobody has to be asked.

use headless_checkout::ops::Action;
use serde_json::json;

use super::doors::through_each_door;
use super::{act, ordered, paid_elsewhere, until, world};
use crate::harness::run_with;

through_each_door! {
    an_order_that_turns_out_paid_in_full_is_kept,
}

async fn an_order_that_turns_out_paid_in_full_is_kept() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let order = world.simulator.ledger().orders[0].id;
        paid_elsewhere(world, &json!(order), &super::id(&path).to_string()).await;
        act(service, &path, &Action::Cancel { refund: false }).await.expect("it begins");
        let done = until(service, &path, "completed").await;
        assert_eq!(done["payment"]["amount_due"].to_string(), "0", "{done}");
        assert_eq!(world.simulator.ledger().charges.len(), 1);
        assert!(world.simulator.ledger().refunds.is_empty());
    })
    .await;
}
