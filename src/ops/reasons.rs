//! What each reason to be stuck means, in plain words. The runbook (`docs/runbook.md`) has an entry for each.

use crate::checkout::StuckReason;

/// What is to be said of one reason.
pub(super) struct Text {
    /// In one line.
    pub(super) headline: &'static str,
    /// What happened.
    pub(super) happened: &'static str,
    /// What is certain.
    pub(super) known: &'static str,
    /// What is not.
    pub(super) not_known: &'static str,
    /// What to do first, and why.
    pub(super) advice: &'static str,
}

/// A reason in one line.
pub fn headline(reason: StuckReason) -> &'static str {
    text(reason).headline
}

/// The text for a reason.
#[expect(clippy::too_many_lines, reason = "a table, one entry for each reason")]
pub(super) fn text(reason: StuckReason) -> Text {
    match reason {
        StuckReason::OrderUnknown => Text {
            headline: "It is not known whether an order was created",
            happened: "BigCommerce was asked to create the order, its answer does not say whether it did, and checking \
                for it was not conclusive.",
            known: "Nothing was paid: no payment starts before the order is known.",
            not_known: "Whether BigCommerce created the order.",
            advice: "Restart: it checks for the order again and creates one only if there certainly is none. If BigCommerce \
                     stays unavailable, find the order by its cart in the control panel and resolve with its \
                     id, or with no_order.",
        },
        StuckReason::TotalMismatch => Text {
            headline: "The order total differs from what the shopper was shown",
            happened: "The order, or its payment token, has a different amount, currency or order id than the checkout.",
            known: "No payment was started since: that happens only if the amounts agree.",
            not_known: "Why the amounts differ: a price, a tax or a discount that changed in between, or an app that \
                        changes orders.",
            advice: "Cancel, so that the shopper starts again and sees the right total. If the order was corrected in the \
                     control panel, restart: the amounts are compared again.",
        },
        StuckReason::SurplusOrderPaid => Text {
            headline: "Another order of the same cart is paid or being paid, and this one is not",
            happened: "BigCommerce has a second order of this cart, and it is not an unpaid one: the \
                shopper paid elsewhere, for example in BigCommerce's own checkout. The order of this checkout was not paid.",
            known: "The order of this checkout is not charged while the other one is there.",
            not_known: "How the payment of the other order ends, if it is still settling.",
            advice: "Resolve with the id of the other order: the checkout adopts it and is completed, \
                and its own unpaid order is abandoned. If the shopper wants this one: refund the other one, then restart.",
        },
        StuckReason::OrderTaken => Text {
            headline: "The order already belongs to another checkout",
            happened: "BigCommerce returned an order that another checkout of this service has already adopted.",
            known: "This checkout has paid nothing. Nothing was changed at the order or at the other checkout.",
            not_known: "How two checkouts came to use the same cart.",
            advice: "Cancel: this checkout is closed and its cart is deleted; the order stays with the other checkout.",
        },
        StuckReason::OrderNotPayable => Text {
            headline: "The order can no longer be paid, and nothing shows a payment",
            happened: "BigCommerce refuses a payment for the order because it is no longer Incomplete. A person or an app \
                       moved it.",
            known: "No payment was sent for this attempt, and BigCommerce shows none.",
            not_known: "Who moved the order, and why.",
            advice: "If the order was canceled or declined, resolve with not_charged: the shopper may pay a new order of the \
                     same cart. If it was moved by mistake, set it back to Incomplete and restart.",
        },
        StuckReason::PaymentUnknown => Text {
            headline: "It is not known whether the shopper was charged",
            happened: "The payment was sent and its response was lost. The order and its transactions \
                were checked until the payment's access token had expired, and they show no charge.",
            known: "Nothing is sent again. The token has expired, so the payment can no longer arrive late. \
                    BigCommerce shows no charge: probably nothing was charged.",
            not_known: "Whether the gateway charged nevertheless: BigCommerce has no way to look up a payment.",
            advice: "Check the order in the control panel, and look for the amount at the gateway. Then resolve with \
                     not_charged, or with charged and the transaction. Restart only checks again.",
        },
        StuckReason::PaymentPendingTooLong => Text {
            headline: "An accepted payment has not settled for too long",
            happened: "BigCommerce accepted the payment as pending, and the gateway has not settled it within the \
                       configured time.",
            known: "The payment was accepted once and is never sent again.",
            not_known: "Whether it will settle or be declined.",
            advice: "Restart: it is tracked for the same time again. Ask the gateway why it is pending; once the order \
                shows the result, resolve is possible too.",
        },
        StuckReason::PaidTwice => Text {
            headline: "More was paid than the order total",
            happened: "Either the transactions of the order add up to more than its total, or the order is paid and \
                       another order of the same cart is paid as well, such as on BigCommerce's own checkout. The line \
                       before this one says which, with the amounts.",
            known: "Nothing more is charged, and the checkout is not reported as completed while too \
                much is held.",
            not_known: "Which payment the shopper wants back.",
            advice: "Refund the excess, on the order that the shopper does not want, then restart: the sums are compared \
                     again, and the checkout is completed when they agree.",
        },
        StuckReason::PaymentConfiguration => Text {
            headline: "The payment gateway is not set up for this payment",
            happened: "BigCommerce refused the payment because of the store's gateway settings (30000 to 30002).",
            known: "Nothing was charged by this payment: the refusal is certain.",
            not_known: "Which setting is wrong; BigCommerce does not say.",
            advice: "Fix the payment settings of the store, then restart: the shopper may pay again.",
        },
        StuckReason::CancelFoundPaid => Text {
            headline: "A payment was found, or may exist, while the checkout was being canceled",
            happened: "The checkout was being canceled, and its order has captured or held money, but \
                not exactly its total, or its status says that it is paid and no payment is listed.",
            known: "The order was not canceled and nothing was refunded.",
            not_known: "Whether the order is to be kept: a part is paid, or more than the total, or a payment is \
                        settling, or someone changed the order's status.",
            advice: "Once it is paid in full, resolve with charged and the transaction: the order is kept and the \
                     checkout is completed. To return the money, cancel it with a refund after that.",
        },
        StuckReason::UndoFailed => Text {
            headline: "The cancellation kept failing",
            happened: "The cart or the order could not be removed; BigCommerce kept failing or refusing.",
            known: "No payment is in doubt. Every part of the cancellation checks first and may be repeated.",
            not_known: "What is left of it at BigCommerce and, if parts were paid, which of them were \
                refunded.",
            advice: "Restart once BigCommerce answers again. If parts were paid, it goes on by itself once BigCommerce shows \
                     that all of them were refunded, here or in the control panel.",
        },
        StuckReason::AttemptsExhausted => Text {
            headline: "Something about this checkout makes its process fail",
            happened: "Its process was lost again and again before it recorded anything, or the stored checkout has a step \
                or an attempt that does not fit. An outage of BigCommerce does not lead here.",
            known: "Nothing was ordered or charged without being recorded first; retrying creates no second order and no \
                second payment.",
            not_known: "What makes it fail: the log of the processes says it.",
            advice: "Check the log and the answers in the timeline, then restart. If it happens again, cancel.",
        },
        StuckReason::Paused => Text {
            headline: "An operator paused it",
            happened: "An operator paused it: recovery leaves it alone.",
            known: "Nothing happens until it is resumed. The shopper sees that the order is being reviewed.",
            not_known: "Nothing beyond what was unknown before the pause.",
            advice: "Resume: it continues where it was; anything in flight is reconciled first.",
        },
    }
}
