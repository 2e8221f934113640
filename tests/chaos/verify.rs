//! What must be true after everything has healed. Safety first, then liveness; each violation names its run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bigcommerce_simulator::{Deed, Ledger, Order};
use rust_decimal::Decimal;
use sqlx::{PgPool, Row as _};

use crate::faults::{bars, ends, pays};
use crate::record::Record;

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
        let met: HashMap<&str, Deed> =
            records.iter().filter_map(|record| Some((record.id.as_deref()?, record.met?))).collect();
        let hidden: HashSet<&str> = records
            .iter()
            .filter(|record| record.plan.cards.iter().any(|(_, flag)| *flag == 2))
            .filter_map(|record| record.id.as_deref())
            .collect();
        self.money(&met, &hidden, &mut say);
        self.orders(&mut say, &mut tolerated);
        for record in records {
            self.acknowledged(record, &mut say);
            self.ended(record, &mut say);
        }
        (violations, tolerated)
    }

    /// Guarantee 1, and what is known of money: one order holds money, never more than its total, and what is completed
    /// has all of it. Only where somebody else paid meanwhile may more be held, and then a person is told.
    fn money(&self, met: &HashMap<&str, Deed>, hidden: &HashSet<&str>, say: &mut impl FnMut(&str, String)) {
        let mut held: BTreeMap<&str, BTreeMap<u64, Decimal>> = BTreeMap::new();
        for charge in self.ledger.charges.iter().filter(|charge| charge.holds_money()) {
            let amount = charge.amount - charge.refunded;
            if amount.is_zero() {
                continue;
            }
            let owner = self.owner(charge.order_id).or(charge.correlation_id.as_deref()).unwrap_or_default();
            *held.entry(owner).or_default().entry(charge.order_id).or_default() += amount;
        }
        for (owner, orders) in &held {
            let Some(stored) = self.stored.get(*owner) else {
                say(owner, "charged, but there is no such checkout".to_owned());
                continue;
            };
            let deed = met.get(owner).copied();
            let is_edited = matches!(deed, Some(Deed::TotalUp | Deed::TotalDown | Deed::RefundPart));
            let total =
                |id: &u64| self.ledger.orders.iter().find(|order| order.id == *id).map(|order| order.total);
            let mut is_whole = true;
            let mut is_more = orders.len() > 1;
            for (id, amount) in orders {
                match total(id) {
                    Some(total) => {
                        is_whole &= *amount == total || is_edited;
                        is_more |= *amount > total && !is_edited;
                    }
                    None => say(owner, format!("charged for order {id}, which does not exist")),
                }
            }
            let paid_twice = matches!(stored.reason.as_deref(), Some("paid-twice" | "surplus-order-paid"));
            // A charge that BigCommerce never shows (flag 2) beside one of somebody else cannot be seen by anybody.
            let hidden = hidden.contains(*owner);
            if is_more && !(deed.is_some_and(pays) && (paid_twice || hidden)) {
                say(
                    owner,
                    format!("more is held than was due: {orders:?}, {} {:?}", stored.status, stored.reason),
                );
                continue;
            }
            let is_part = !is_whole || is_edited;
            let fits = is_more
                || match &*stored.payment {
                    "succeeded" => is_whole && matches!(&*stored.status, "completed" | "stuck"),
                    "pending" | "unknown" => matches!(&*stored.status, "completed" | "stuck"),
                    "partially_paid" => is_part && matches!(&*stored.status, "awaiting_input" | "stuck"),
                    _ => false,
                };
            if !fits {
                say(
                    owner,
                    format!("{orders:?} charged, but {} with payment {:?}", stored.status, stored.payment),
                );
            }
        }
        for (id, stored) in &self.stored {
            let gave_back = matches!(met.get(id.as_str()), Some(Deed::Void | Deed::RefundAll));
            if stored.status == "completed" && !held.contains_key(id.as_str()) && !gave_back {
                say(id, "completed, but nothing was charged".to_owned());
            }
        }
    }

    /// The checkout of an order: who made it, else who made its cart.
    fn owner(&self, order: u64) -> Option<&str> {
        let order = self.ledger.orders.iter().find(|one| one.id == order)?;
        let cart = || self.ledger.carts.iter().find(|cart| Some(&cart.id) == order.cart_id.as_ref());
        order.correlation_id.as_deref().or_else(|| cart()?.correlation_id.as_deref())
    }

    /// What is held for an order.
    fn held(&self, order: u64) -> Decimal {
        let charges =
            self.ledger.charges.iter().filter(|charge| charge.order_id == order && charge.holds_money());
        charges.map(|charge| charge.amount - charge.refunded).sum()
    }

    /// No two alive orders of one checkout. One that a process made which had lost its lease, and could not clear up, is
    /// harmless as long as nobody can pay it.
    fn orders(&self, say: &mut impl FnMut(&str, String), tolerated: &mut Tolerated) {
        let mut alive: BTreeMap<&str, Vec<&Order>> = BTreeMap::new();
        // What others made is theirs.
        let living = |order: &&Order| {
            let refunded = order.status_id == 4 && self.held(order.id).is_zero();
            // Refunded: nobody can pay it any more.
            let over = refunded || order.archived || matches!(order.status_id, 5 | 6);
            order.correlation_id.is_some() && !over
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
            } else if !surplus.is_empty() && !stored.fenced {
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
    fn acknowledged(&self, record: &Record, say: &mut impl FnMut(&str, String)) {
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
        let paid_twice = stored.reason.as_deref() == Some("paid-twice") && record.met.is_some_and(pays);
        if record.completed.is_some() && stored.status != "completed" && !paid_twice {
            say(id, format!("was answered completed, and is {}", stored.status));
        }
        if record.cancelled && stored.status != "cancelled" {
            say(id, format!("was answered cancelled, and is {}", stored.status));
        }
        for order in record.orders.difference(&stored.orders) {
            say(id, format!("order {order} was shown and is not known any more"));
        }
    }

    /// Guarantee 5: an end that the run explains.
    fn ended(&self, record: &Record, say: &mut impl FnMut(&str, String)) {
        for id in &record.others {
            let status = self.stored.get(id).map(|stored| stored.status.as_str()).unwrap_or_default();
            if !matches!(status, "awaiting_input" | "expired") {
                say(id, format!("was given up by its shopper and is {status}"));
            }
        }
        let Some(id) = &record.id else {
            say("", format!("run {}: no checkout could be created", record.plan.run));
            return;
        };
        let Some(stored) = self.stored.get(id) else { return };
        match &*stored.status {
            "completed" if !record.cancelling => {}
            "cancelled" if record.cancelling => {}
            "awaiting_input" | "expired" if record.left || record.met.is_some_and(bars) => {}
            // The part can be given back, and no more be paid for an order that is over.
            "awaiting_input" if stored.payment == "partially_paid" && record.met.is_some_and(ends) => {}
            "stuck" => {
                let reason = stored.reason.as_deref().unwrap_or_default();
                if let Some(why) = self.unexplained(record, id, reason) {
                    say(id, format!("stuck ({reason}): {why}"));
                }
            }
            status => {
                say(id, format!("ended {status}, wanted {:?}, left {}", record.plan.ending, record.left));
            }
        }
    }

    /// Why this reason is not explained by the run; `None`: it is.
    fn unexplained(&self, record: &Record, id: &str, reason: &str) -> Option<&'static str> {
        let plan = &record.plan;
        match reason {
            "order-not-payable" | "payment-unknown" | "payment-pending-too-long"
                if record.met.is_some_and(bars) =>
            {
                None
            }
            // Made late, and over before it was seen: nobody can tell that it is the one.
            "order-unknown" if record.met.is_some_and(ends) => None,
            // Made cheaper than what a certificate had paid of it already: more is held than it costs.
            "paid-twice" if record.met == Some(Deed::TotalDown) && plan.certificate.is_some() => None,
            "paid-twice" | "surplus-order-paid" => {
                (!record.met.is_some_and(pays)).then_some("nobody else paid")
            }
            "payment-unknown" => {
                // Charged at the gateway without BigCommerce's knowledge: nobody can see it (flag 2).
                let hidden = plan.cards.iter().any(|(_, flag)| *flag == 2);
                // A part that was paid moves the order on, too, and says nothing of the rest.
                let visible = self.ledger.orders.iter().any(|order| {
                    order.correlation_id.as_deref() == Some(id)
                        && !matches!(order.status_id, 0 | 5 | 6)
                        && !order.archived
                        && self.held(order.id) >= order.total
                });
                (visible && !hidden).then_some("BigCommerce shows what became of the payment")
            }
            "payment-pending-too-long" => (!plan.has_card(&[20_001, 20_002, 20_003, 20_005]))
                .then_some("no card of this run is ever pending"),
            "payment-configuration" => {
                (!plan.has_card(&[30_000, 30_001, 30_002])).then_some("no card of this run is misconfigured")
            }
            _ => Some("nothing in this run explains it"),
        }
    }
}
