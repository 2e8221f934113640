//! What must be true after everything has healed. Safety first, then liveness; each violation names its run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bigcommerce_simulator::{Deed, Ledger, Order};
use rust_decimal::Decimal;
use sqlx::{PgPool, Row as _};

use crate::faults::{edits, gives_back, orders as orders_again};
use crate::record::Record;
use crate::told::{self, Money};

/// What is wrong, and with which checkout.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) run: Option<u64>,
    pub(crate) checkout: Option<String>,
    pub(crate) what: String,
}

/// A checkout as the database has it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) payment: String,
    orders: BTreeSet<i64>,
    fenced: bool,
}

/// Everything that is looked at.
pub(crate) struct Evidence {
    pub(crate) ledger: Ledger,
    pub(crate) stored: HashMap<String, Stored>,
}

/// Orders that were left over, unpaid and beyond payment, with an explanation.
#[derive(Debug, Default)]
pub(crate) struct Tolerated {
    pub(crate) surplus_orders: u64,
}

impl Evidence {
    /// Reads the ledger and the database.
    pub(crate) async fn gather(ledger: Ledger, pool: &PgPool) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(
            "select c.checkout_id::text as id, c.status, c.stuck_reason,
                coalesce(c.record -> 'facts' -> 'payment' ->> 'status', '') as payment,
                (select array_agg(o.order_id) from checkout_order o where o.checkout_id = c.checkout_id) as orders,
                exists (select from attempt_log l where l.checkout_id = c.checkout_id and l.event = 'fenced-out') as fenced
             from checkout c",
        )
        .fetch_all(pool)
        .await?;
        let stored = rows.into_iter().map(|row| {
            let orders: Option<Vec<i64>> = row.get("orders");
            let stored = Stored {
                status: row.get("status"),
                reason: row.get("stuck_reason"),
                payment: row.get("payment"),
                orders: orders.unwrap_or_default().into_iter().collect(),
                fenced: row.get("fenced"),
            };
            (row.get("id"), stored)
        });
        Ok(Self { ledger, stored: stored.collect() })
    }

    /// Checks all records.
    pub(crate) fn check(&self, records: &[Record]) -> (Vec<Violation>, Tolerated) {
        let mut violations = Vec::new();
        let mut tolerated = Tolerated::default();
        let runs: HashMap<&str, u64> = records
            .iter()
            .flat_map(|record| {
                let made = record.creates.iter().map(|(_, id)| id.as_str());
                made.chain(record.id.as_deref()).map(|id| (id, record.plan.run))
            })
            .collect();
        let mut say = |checkout: &str, what: String| {
            let run = runs.get(checkout).copied();
            violations.push(Violation { run, checkout: Some(checkout.to_owned()), what });
        };
        let met: HashMap<&str, &Record> =
            records.iter().filter_map(|record| Some((record.id.as_deref()?, record))).collect();
        let money = Money::of(&self.ledger);
        self.money(&met, &money, &mut say);
        self.orders(&met, &mut say, &mut tolerated);
        for record in records {
            self.acknowledged(record, &money, &mut say);
            self.ended(record, &money, &mut say);
            told::check(record, &self.ledger, &money, &mut say);
        }
        (violations, tolerated)
    }

    /// Guarantee 1, and what is known of money: one order holds money, never more than its total, and what is completed
    /// has all of it. Only where somebody else really paid may more be held, and then a person is told.
    fn money(&self, met: &HashMap<&str, &Record>, money: &Money, say: &mut impl FnMut(&str, String)) {
        let mut held: BTreeMap<&str, BTreeMap<u64, Decimal>> = BTreeMap::new();
        for charge in self.ledger.charges.iter().filter(|charge| charge.holds_money()) {
            let amount = charge.amount - charge.refunded;
            if amount.is_zero() {
                continue;
            }
            let owner = money.owner(charge.order_id).or(charge.correlation_id.as_deref()).unwrap_or_default();
            *held.entry(owner).or_default().entry(charge.order_id).or_default() += amount;
        }
        for (owner, orders) in &held {
            let Some(stored) = self.stored.get(*owner) else {
                say(owner, "charged, but there is no such checkout".to_owned());
                continue;
            };
            let has_met = |kind: fn(Deed) -> bool| met.get(owner).is_some_and(|record| record.has_met(kind));
            let gave_back = has_met(gives_back);
            let has_parts = met.get(owner).is_some_and(|record| record.plan.has_parts());
            let is_edited = has_met(edits) || has_met(|deed| deed == Deed::RefundPart);
            let total =
                |id: &u64| self.ledger.orders.iter().find(|order| order.id == *id).map(|order| order.total);
            let mut is_whole = true;
            let mut was_whole = gave_back;
            let mut is_more = orders.len() > 1;
            for (id, amount) in orders {
                match total(id) {
                    Some(total) => {
                        is_whole &= *amount == total || is_edited;
                        was_whole &= self.taken(*id) >= total;
                        is_more |= *amount > if is_edited { self.at_most(*id, total) } else { total };
                    }
                    None => say(owner, format!("charged for order {id}, which does not exist")),
                }
            }
            let paid_twice = matches!(stored.reason.as_deref(), Some("paid-twice" | "surplus-order-paid"));
            // A charge that BigCommerce never shows (flag 2) beside one of somebody else cannot be seen by anybody.
            let hidden = met.get(owner).is_some_and(|record| record.plan.hides_a_charge());
            let is_seen = paid_twice || hidden || stored.status == "stuck";
            if is_more && !(money.is_paid_elsewhere(owner) && is_seen) {
                say(
                    owner,
                    format!("more is held than was due: {orders:?}, {} {:?}", stored.status, stored.reason),
                );
                continue;
            }
            let is_part = !is_whole || is_edited;
            let fits = is_more
                || match &*stored.payment {
                    // A merchant gave back what one of the parts had paid, after all of it was.
                    "succeeded" => {
                        (is_whole || was_whole) && matches!(&*stored.status, "completed" | "stuck")
                    }
                    "pending" | "unknown" => matches!(&*stored.status, "completed" | "stuck"),
                    "partially_paid" => is_part && matches!(&*stored.status, "awaiting_input" | "stuck"),
                    // The rest was declined, and the parts stand.
                    "declined" => {
                        is_part && has_parts && matches!(&*stored.status, "awaiting_input" | "stuck")
                    }
                    "given_back" => gave_back,
                    // What was given back of a part, or paid by others, while ours was being made is for a person.
                    "processing" => {
                        (gave_back || money.was_paid_elsewhere(owner)) && stored.status == "stuck"
                    }
                    // No payment of ours: what somebody else paid is for a person, and `ended` judges why.
                    _ => stored.status == "stuck" && money.is_paid_elsewhere(owner),
                };
            if !fits {
                say(
                    owner,
                    format!("{orders:?} charged, but {} with payment {:?}", stored.status, stored.payment),
                );
            }
        }
        for (id, stored) in &self.stored {
            let gave_back = met.get(id.as_str()).is_some_and(|record| record.has_met(gives_back));
            if stored.status == "completed" && !held.contains_key(id.as_str()) && !gave_back {
                say(id, "completed, but nothing was charged".to_owned());
            }
        }
    }

    /// Whether the checkout knows this order as its own.
    pub(crate) fn knows(&self, checkout: &str, order: u64) -> bool {
        let stored = self.stored.get(checkout);
        stored.is_some_and(|stored| i64::try_from(order).is_ok_and(|id| stored.orders.contains(&id)))
    }

    /// Whether money is held for an order of this checkout, and less than it costs.
    pub(crate) fn is_short(&self, checkout: &str) -> bool {
        self.ledger.orders.iter().any(|order| {
            let held = self.held(order.id);
            !held.is_zero() && held < order.total && self.knows(checkout, order.id)
        })
    }

    /// Whether an order of this checkout has this status: 6 is declined for good, 14 partially refunded.
    pub(crate) fn is_of_status(&self, checkout: &str, status: u64) -> bool {
        self.ledger.orders.iter().any(|order| order.status_id == status && self.knows(checkout, order.id))
    }

    /// The most that can be held for an order without a second charge for the same: what it costs, or what it cost when the
    /// largest charge was taken, and the parts.
    fn at_most(&self, order: u64, total: Decimal) -> Decimal {
        let (mut largest, mut parts) = (Decimal::ZERO, Decimal::ZERO);
        for charge in
            self.ledger.charges.iter().filter(|charge| charge.order_id == order && charge.holds_money())
        {
            if told::is_part(charge) {
                parts += charge.amount - charge.refunded;
            } else {
                largest = largest.max(charge.amount);
            }
        }
        total.max(largest + parts)
    }

    /// What was ever taken for an order, also where it was given back since.
    pub(crate) fn taken(&self, order: u64) -> Decimal {
        let charges = self.ledger.charges.iter().filter(|charge| charge.order_id == order);
        let taken = charges.filter(|charge| !matches!(&*charge.state, "pending" | "declined"));
        taken.map(|charge| charge.amount).sum()
    }

    /// What is held for an order.
    pub(crate) fn held(&self, order: u64) -> Decimal {
        let charges =
            self.ledger.charges.iter().filter(|charge| charge.order_id == order && charge.holds_money());
        charges.map(|charge| charge.amount - charge.refunded).sum()
    }

    /// No two alive orders of one checkout. One that a process made which had lost its lease, and could not clear up, is
    /// harmless as long as nobody can pay it.
    fn orders(
        &self,
        met: &HashMap<&str, &Record>,
        say: &mut impl FnMut(&str, String),
        tolerated: &mut Tolerated,
    ) {
        let mut alive: BTreeMap<&str, Vec<&Order>> = BTreeMap::new();
        // What others made is theirs.
        let living = |order: &&Order| {
            let refunded = order.status_id == 4 && self.held(order.id).is_zero();
            // Refunded: nobody can pay it any more.
            // Moved on by hand without money: BigCommerce takes no payment for it (30101).
            let moved = order.status_id != 0 && self.held(order.id).is_zero();
            let over = refunded || moved || order.archived || matches!(order.status_id, 5 | 6);
            order.correlation_id.is_some() && order.source != "www" && !over
        };
        for order in self.ledger.orders.iter().filter(living) {
            alive.entry(order.correlation_id.as_deref().unwrap_or_default()).or_default().push(order);
        }
        for (owner, orders) in alive {
            let Some(stored) = self.stored.get(owner) else {
                say(owner, "an order of a checkout that is not known".to_owned());
                continue;
            };
            let surplus: Vec<&&Order> = orders
                .iter()
                .filter(|order| !i64::try_from(order.id).is_ok_and(|id| stored.orders.contains(&id)))
                .collect();
            let payable = |order: &Order| self.ledger.tokens.iter().any(|token| token.order_id == order.id);
            if orders.len() - surplus.len() > 1 || surplus.iter().any(|order| payable(order)) {
                let ids: Vec<u64> = orders.iter().map(|order| order.id).collect();
                say(owner, format!("several alive orders that could be paid: {ids:?}"));
            } else if !surplus.is_empty()
                && !stored.fenced
                && !met.get(owner).is_some_and(|record| record.has_met(orders_again))
            {
                let ids: Vec<u64> = surplus.iter().map(|order| order.id).collect();
                say(
                    owner,
                    format!("alive orders that the checkout does not know: {ids:?} ({})", stored.status),
                );
            } else {
                tolerated.surplus_orders += surplus.len() as u64;
            }
            if matches!(&*stored.status, "cancelled" | "expired") && orders.len() > surplus.len() {
                say(owner, format!("{}, but its order is alive", stored.status));
            }
        }
    }

    /// Guarantee 7.
    fn acknowledged(&self, record: &Record, money: &Money, say: &mut impl FnMut(&str, String)) {
        for what in &record.strange {
            say(record.id.as_deref().unwrap_or_default(), what.clone());
        }
        for (_, id) in &record.creates {
            if !self.stored.contains_key(id) {
                say(id, "was acknowledged and does not exist".to_owned());
            }
        }
        let Some((id, stored)) = record.id.as_ref().and_then(|id| Some((id, self.stored.get(id)?))) else {
            return;
        };
        // What somebody else paid as well may show late: then a person is told.
        let elsewhere = money.is_paid_elsewhere(id);
        // What was made cheaper after it was paid holds more than it costs: that is found later, too.
        let more = elsewhere || record.has_met(|deed| deed == Deed::TotalDown);
        let paid_twice = matches!(stored.reason.as_deref(), Some("paid-twice" | "surplus-order-paid"));
        for what in record.unsaid.iter().filter(|_| !(more && paid_twice)) {
            say(id, what.clone());
        }
        if record.completed.is_some() && stored.status != "completed" && !(more && paid_twice) {
            say(id, format!("was answered completed, and is {}", stored.status));
        }
        if record.cancelled && stored.status != "cancelled" && !elsewhere {
            say(id, format!("was answered cancelled, and is {}", stored.status));
        }
        for order in record.orders.difference(&stored.orders) {
            say(id, format!("order {order} was shown and is not known any more"));
        }
    }
}
