//! What a shopper was told. Everything in it must still be true in the end.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Deed, FaultId};

use crate::door::{Ask, Heard};
use crate::faults::Other;
use crate::plan::Plan;

/// The memory of one shopper.
pub(crate) struct Record {
    pub(crate) plan: Plan,
    /// The checkout it goes on with.
    pub(crate) id: Option<String>,
    /// Checkouts that it was told of and gave up.
    pub(crate) others: Vec<String>,
    /// Creations and the checkouts that they led to.
    pub(crate) creates: Vec<(Ask, String)>,
    /// The request that was answered with `completed`.
    pub(crate) completed: Option<Ask>,
    /// It was told that the checkout is cancelled.
    pub(crate) cancelled: bool,
    /// It asked for that.
    pub(crate) cancelling: bool,
    /// It left and does not come back.
    pub(crate) left: bool,
    /// Orders that it was shown.
    pub(crate) orders: BTreeSet<i64>,
    /// How often its patience ended.
    pub(crate) gave_up: u32,
    /// Answers that nobody should get.
    pub(crate) strange: Vec<String>,
    /// Its faults at the simulator, by cell.
    pub(crate) faults: Vec<(String, FaultId)>,
    /// What somebody else is to do, and its fault.
    pub(crate) other: Option<(Other, FaultId)>,
    /// What somebody else really did.
    pub(crate) met: Option<Deed>,
    declines: BTreeSet<String>,
}

/// Codes that a shopper may hear, by status.
const EXPECTED: &[(u16, &[&str])] = &[
    (402, &["payment-declined"]),
    (
        409,
        &[
            "step-out-of-order",
            "step-in-progress",
            "checkout-closed",
            "checkout-stuck",
            "payment-in-doubt",
            "idempotency-key-in-use",
            "total-changed",
        ],
    ),
    (422, &["rejected-by-bigcommerce"]),
    (503, &["upstream-unavailable", "service-unavailable"]),
];

impl Record {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            id: None,
            others: Vec::new(),
            creates: Vec::new(),
            completed: None,
            cancelled: false,
            cancelling: false,
            left: false,
            orders: BTreeSet::new(),
            gave_up: 0,
            strange: Vec::new(),
            faults: Vec::new(),
            other: None,
            met: None,
            declines: BTreeSet::new(),
        }
    }

    /// The path of its checkout.
    pub(crate) fn path(&self) -> Option<String> {
        self.id.as_ref().map(|id| format!("/v1/checkouts/{id}"))
    }

    /// Gives its checkout up.
    pub(crate) fn abandon(&mut self) {
        self.others.extend(self.id.take());
        self.orders.clear();
    }

    /// Whether this decline is news.
    pub(crate) fn declines_seen(&mut self, snapshot: &serde_json::Value) -> bool {
        let steps = snapshot["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let attempts =
            steps.iter().find(|step| step["name"] == "payment").map(|step| step["attempts"].to_string());
        self.declines.insert(attempts.unwrap_or_default())
    }

    /// Remembers an answer.
    pub(crate) fn note(&mut self, ask: &Ask, heard: &Heard) {
        let status = heard.status.as_u16();
        if !heard.status.is_success() {
            let known =
                EXPECTED.iter().any(|(known, codes)| *known == status && codes.contains(&heard.code()));
            if !known {
                self.strange
                    .push(format!("{} {} was answered {status} {}", ask.method, ask.path, heard.body));
            }
            return;
        }
        let creates = ask.path == "/v1/checkouts" || ask.path == "/v1/direct-orders";
        let Some(id) = heard.id() else {
            self.strange.push(format!("{} {} was answered {status} without an id", ask.method, ask.path));
            return;
        };
        if creates {
            let earlier = self.creates.iter().find(|(known, _)| known.key == ask.key);
            if let Some((_, earlier)) = earlier
                && *earlier != id
            {
                self.strange.push(format!("key {:?} made {earlier} and then {id}", ask.key));
            }
            if earlier.is_none() {
                self.creates.push((ask.clone(), id.clone()));
            }
        } else if self.id.as_ref().is_some_and(|known| *known != id) {
            self.strange.push(format!("{} {} was answered with {id}", ask.method, ask.path));
        }
        if self.id.as_ref().is_none_or(|known| *known == id) {
            self.orders.extend(heard.body["order"]["id"].as_i64());
        }
        match heard.body["status"].as_str() {
            Some("completed") => self.completed = self.completed.take().or_else(|| Some(ask.clone())),
            Some("cancelled") => self.cancelled = true,
            _ if self.completed.is_some() && status == 200 && ask.method == reqwest::Method::GET => {
                self.strange.push(format!("completed, and later {}", heard.body["status"]));
            }
            _ => {}
        }
    }
}
