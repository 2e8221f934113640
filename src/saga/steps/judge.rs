//! What an order and its transactions prove about a payment. Pure.

use crate::bigcommerce::orders::{Order, Transaction};

/// What is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Judgement {
    /// Charged or authorised.
    Paid {
        /// `purchase` or `authorization`.
        kind: &'static str,
        /// BigCommerce's transaction, where it has one.
        transaction_id: Option<String>,
    },
    /// Accepted, settling.
    Pending,
    /// Certainly not charged. `dead`: the order can no longer be paid.
    Declined {
        /// Whether the order left Incomplete.
        dead: bool,
    },
    /// Nothing is proven: there is no instant proof that money was not taken.
    Nothing,
}

const PAID_STATUS: &[i64] = &[2, 3, 4, 8, 9, 10, 11, 14];
const PAID_PAYMENT_STATUS: &[&str] =
    &["captured", "paid", "authorized", "capture pending", "refunded", "partially refunded"];
const PENDING_PAYMENT_STATUS: &[&str] = &["held for review", "pending"];
const PENDING_STATUS: &[i64] = &[1, 12];
const DECLINED_STATUS: i64 = 6;

/// Judges. `known` are the transactions that were there before the attempt: an old decline proves nothing about it.
/// Nor does one that was only listed late: so many more declines than `unlisted` have to be there.
pub(in super::super) fn judge(
    order: &Order,
    transactions: &[Transaction],
    known: &[String],
    unlisted: u32,
) -> Judgement {
    let new: Vec<&Transaction> =
        transactions.iter().filter(|transaction| !known.contains(&transaction.id)).collect();
    let authorised = order.payment_status == "authorized" || order.status_id == 7;
    let charge = new.iter().find(|transaction| {
        transaction.status == "ok"
            && matches!(transaction.event.as_str(), "purchase" | "authorization" | "capture" | "settled")
    });
    if charge.is_some()
        || PAID_STATUS.contains(&order.status_id)
        || PAID_PAYMENT_STATUS.contains(&order.payment_status.as_str())
    {
        let kind = match charge {
            Some(charge) if charge.event == "authorization" => "authorization",
            None if authorised => "authorization",
            _ => "purchase",
        };
        return Judgement::Paid { kind, transaction_id: charge.map(|charge| charge.id.clone()) };
    }
    let refused = order.payment_status == "declined" || order.status_id == DECLINED_STATUS;
    let latest = new.iter().max_by_key(|transaction| transaction.id.parse::<u64>().unwrap_or(0));
    if refused {
        return Judgement::Declined { dead: order.status_id != 0 };
    }
    let pending = PENDING_PAYMENT_STATUS.contains(&order.payment_status.as_str())
        || PENDING_STATUS.contains(&order.status_id)
        || latest.is_some_and(|latest| latest.status == "ok" && latest.event == "pending");
    if pending {
        return Judgement::Pending;
    }
    let errors = new.iter().filter(|transaction| transaction.status == "error").count();
    let ours = u32::try_from(errors).is_ok_and(|errors| errors > unlisted);
    if order.status_id == 0 && ours && latest.is_some_and(|latest| latest.status == "error") {
        return Judgement::Declined { dead: false };
    }
    Judgement::Nothing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(status_id: i64, payment_status: &str) -> Order {
        Order::parse(json!({"id": 1, "status_id": status_id, "payment_status": payment_status}))
            .expect("an order")
    }

    fn transaction(id: u32, event: &str, status: &str) -> Transaction {
        Transaction::parse(json!({"id": id, "event": event, "status": status})).expect("a transaction")
    }

    fn paid(kind: &'static str, id: Option<&str>) -> Judgement {
        Judgement::Paid { kind, transaction_id: id.map(str::to_owned) }
    }

    #[test]
    fn a_payment_is_judged_by_what_is_proven() {
        let nothing: &[Transaction] = &[];
        for (status, payment_status, transactions, expected) in [
            (11, "captured", nothing.to_vec(), paid("purchase", None)),
            (7, "authorized", nothing.to_vec(), paid("authorization", None)),
            (0, "", vec![transaction(5, "purchase", "ok")], paid("purchase", Some("5"))),
            (0, "", vec![transaction(5, "authorization", "ok")], paid("authorization", Some("5"))),
            (14, "partially refunded", nothing.to_vec(), paid("purchase", None)),
            (0, "", vec![transaction(5, "pending", "ok")], Judgement::Pending),
            (1, "", nothing.to_vec(), Judgement::Pending),
            (12, "held for review", nothing.to_vec(), Judgement::Pending),
            (0, "", vec![transaction(5, "purchase", "error")], Judgement::Declined { dead: false }),
            (
                0,
                "",
                vec![transaction(5, "pending", "ok"), transaction(6, "purchase", "error")],
                Judgement::Declined { dead: false },
            ),
            (6, "declined", vec![transaction(5, "pending", "ok")], Judgement::Declined { dead: true }),
            (0, "", nothing.to_vec(), Judgement::Nothing),
            (5, "", nothing.to_vec(), Judgement::Nothing),
        ] {
            assert_eq!(
                judge(&order(status, payment_status), &transactions, &[], 0),
                expected,
                "{status} {payment_status}"
            );
        }
    }

    #[test]
    fn an_earlier_decline_proves_nothing_about_this_attempt() {
        let transactions = [transaction(5, "purchase", "error")];
        assert_eq!(judge(&order(0, ""), &transactions, &["5".to_owned()], 0), Judgement::Nothing);
    }

    #[test]
    fn an_earlier_decline_that_is_listed_late_proves_nothing_either() {
        let late = [transaction(5, "purchase", "error")];
        assert_eq!(judge(&order(0, ""), &late, &[], 1), Judgement::Nothing);
        let both = [transaction(5, "purchase", "error"), transaction(6, "purchase", "error")];
        assert_eq!(judge(&order(0, ""), &both, &[], 1), Judgement::Declined { dead: false });
    }
}
