//! How a checkout begins: nothing is done, nothing is known.

use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Checkout, CheckoutId, Facts, Flow, Input, Status, StepRecord, StepStatus};

impl Checkout {
    /// A checkout with an id of its own on which nothing was done. It expires after `ttl` if the shopper does not come back.
    pub fn begin(
        store: String,
        flow: Flow,
        input: Input,
        metadata: Map<String, Value>,
        now: OffsetDateTime,
        ttl: Duration,
    ) -> Self {
        let pending =
            |&name: &_| StepRecord { name, status: StepStatus::Pending, attempts: 0, finished_at: None };
        Self {
            id: CheckoutId::generate(),
            store,
            flow,
            version: 1,
            fence: 1,
            status: Status::AwaitingInput,
            steps: flow.steps().iter().map(pending).collect(),
            input: input.into(),
            facts: Facts::default(),
            goal: None,
            in_flight: None,
            tries: 0,
            lost_leases: 0,
            answered: None,
            stuck: None,
            metadata: metadata.into(),
            created_at: now,
            updated_at: now,
            expires_at: now + ttl,
        }
    }
}
