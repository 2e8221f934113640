//! What a shopper was told. Everything in it must still be true in the end.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Deed, FaultId};
use rust_decimal::Decimal;

use crate::door::{Ask, Heard};
use crate::hands::Then;
use crate::plan::Plan;

/// It was said that paying again is safe.
#[derive(Debug, Clone)]
pub(crate) struct SaidSafe {
    /// When it was asked: Unix milliseconds.
    pub(crate) at: i64,
    pub(crate) checkout: String,
    /// The call and its status.
    pub(crate) what: String,
    /// What was paid of it by then, where the answer says so.
    pub(crate) paid: Option<Decimal>,
}

/// The memory of one shopper.
pub(crate) struct Record {
    pub(crate) plan: Plan,
    /// The checkout it goes on with.
    pub(crate) id: Option<String>,
    /// Checkouts that it was told of and gave up.
    pub(crate) given_up: Vec<String>,
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
    /// What others are to do, and its faults.
    pub(crate) others_at_work: Vec<(Deed, FaultId)>,
    /// What others really did.
    pub(crate) met: Vec<Deed>,
    /// The cart was handed over to the hosted page.
    pub(crate) handed_over: Option<Then>,
    /// What a shopper was told after `completed`: true only where somebody else paid as well.
    pub(crate) unsaid: Vec<String>,
    /// Each time when paying again was called safe.
    pub(crate) safe: Vec<SaidSafe>,
    /// The order and the amount that the first `completed` named.
    pub(crate) paid: Option<(u64, Decimal)>,
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
            given_up: Vec::new(),
            creates: Vec::new(),
            completed: None,
            cancelled: false,
            cancelling: false,
            left: false,
            orders: BTreeSet::new(),
            gave_up: 0,
            strange: Vec::new(),
            faults: Vec::new(),
            others_at_work: Vec::new(),
            met: Vec::new(),
            handed_over: None,
            unsaid: Vec::new(),
            safe: Vec::new(),
            paid: None,
            declines: BTreeSet::new(),
        }
    }

    /// The path of its checkout.
    pub(crate) fn path(&self) -> Option<String> {
        self.id.as_ref().map(|id| format!("/v1/checkouts/{id}"))
    }

    /// Gives its checkout up.
    pub(crate) fn abandon(&mut self) {
        self.given_up.extend(self.id.take());
        self.orders.clear();
    }

    /// Whether others did something of this kind.
    pub(crate) fn has_met(&self, kind: impl Fn(Deed) -> bool) -> bool {
        self.met.iter().any(|deed| kind(*deed))
    }

    /// Whether this decline is news.
    pub(crate) fn declines_seen(&mut self, snapshot: &serde_json::Value) -> bool {
        let steps = snapshot["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let attempts =
            steps.iter().find(|step| step["name"] == "payment").map(|step| step["attempts"].to_string());
        self.declines.insert(attempts.unwrap_or_default())
    }

    /// Remembers an answer to what was asked at this moment.
    pub(crate) fn note(&mut self, ask: &Ask, heard: &Heard, at: i64) {
        let status = heard.status.as_u16();
        let (body, payment) = (&heard.body, &heard.body["payment"]);
        if body["safe_to_pay_again"] == true || payment["safe_to_pay_again"] == true {
            self.safe.extend(self.id.clone().map(|checkout| SaidSafe {
                at,
                checkout,
                what: format!("{} {}: {status} {}", ask.method, ask.path, heard.code()),
                paid: decimal(&payment["amount_paid"]),
            }));
        }
        if !heard.status.is_success() {
            let known =
                EXPECTED.iter().any(|(known, codes)| *known == status && codes.contains(&heard.code()));
            if !known {
                self.strange
                    .push(format!("{} {} was answered {status} {}", ask.method, ask.path, heard.body));
            }
            return;
        }
        if ask.path.ends_with("/redirect-urls") {
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
            Some("completed") => {
                self.completed = self.completed.take().or_else(|| Some(ask.clone()));
                let paid = || Some((body["order"]["id"].as_u64()?, decimal(&payment["amount_paid"])?));
                self.paid = self.paid.or_else(paid);
            }
            Some("cancelled") => self.cancelled = true,
            _ if self.completed.is_some() && status == 200 && ask.method == reqwest::Method::GET => {
                self.unsaid.push(format!("completed, and later {}", heard.body["status"]));
            }
            _ => {}
        }
    }
}

/// A number as it stands in the answer.
fn decimal(value: &serde_json::Value) -> Option<Decimal> {
    value.is_number().then(|| value.to_string().parse().ok()).flatten()
}
