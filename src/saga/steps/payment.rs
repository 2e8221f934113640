//! `payment`: mint an access token, note it, pay with it once. **Not repeatable**, and there is no instant proof that
//! money was not taken: what is unknown is followed until the token has expired, and then a person is asked.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;

use super::order::within_agreement;
use super::shared::checkpoint::{Checkpoint, checkpoint, lifetime};
use super::shared::others::{buried, fits_order_now};
use super::shared::paying::{
    answered, by_amount, decided, expected, for_this_goal, given_back, not_paid_yet, nothing_to_pay,
    part_paid, processing,
};
use super::shared::read::order_facts;
use super::shared::refusal::{declined, doubted, explained, failed, not_configured, not_taken, rejected};
use crate::backoff::doubled;
use crate::bigcommerce::payments::PaymentClass;
use crate::bigcommerce::{Error, Priority};
use crate::checkout::{
    Checkout, Flow, Input, Money, PaymentStatus, StepName, StuckReason, UpstreamRejection,
};
use crate::saga::judge::{Judgment, judge};
use crate::saga::operation::{Operation, SubmitError};
use crate::saga::step::{Finding, Step, StepContext, Verdict, reachable, verdict};

/// See the module.
pub(super) struct Payment;

const LOOK_FIRST: Duration = Duration::from_millis(500);
const LOOK_AT_MOST: Duration = Duration::from_mins(1);

#[async_trait]
impl Step for Payment {
    fn name(&self) -> StepName {
        StepName::Payment
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.payment.is_some()
    }

    fn take(&self, input: &mut Input, operation: &Operation) -> bool {
        let mut intents = match operation {
            Operation::Payment { intent, .. } => vec![intent.clone()],
            Operation::Complete(complete) => complete.intents.clone(),
            _ => return false,
        }
        .into_iter();
        input.payment = intents.next();
        input.payments = intents.collect();
        true
    }

    fn accepts(&self, checkout: &Checkout) -> Result<(), SubmitError> {
        // An order that was given up is followed by another one, which costs no more than was agreed to.
        let given_up = checkout.facts.order.is_none() && !checkout.facts.abandoned_orders.is_empty();
        reachable(checkout, if given_up { StepName::Order } else { StepName::Payment })
    }

    fn priority(&self) -> Priority {
        Priority::Payment
    }

    fn is_resumable(&self) -> bool {
        false
    }

    fn must_be_reached(&self) -> bool {
        true
    }

    fn follows_to_the_end(&self) -> bool {
        true
    }

    fn unknown_reason(&self) -> Option<StuckReason> {
        Some(StuckReason::PaymentUnknown)
    }

    async fn prepare(&self, cx: &mut StepContext) -> Result<Option<Value>, Verdict> {
        match minted(cx).await {
            // Found paid: the page may have been paid in the same moment.
            Err(verdict) => Err(cx.paid_once(verdict).await),
            ready => ready,
        }
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        cx.still_held()?;
        cx.attempt.doubted = None;
        let (Some(token), Some(payment)) = (cx.token.take(), cx.instruments.front()) else {
            return Err(Verdict::Interrupted { retry_after: None });
        };
        let sent = cx.client.payments(&cx.call).process(&token, payment).await;
        let verdict = match cx.note("process-payment", sent) {
            Ok(answer) => match answered(cx, &answer.value) {
                Verdict::Paid => by_amount(cx).await,
                verdict => verdict,
            },
            Err(error) => failed(cx, &error),
        };
        Ok(cx.paid_once(verdict).await)
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        if cx.attempt.checkpoint.is_none() && !cx.attempt.settling {
            // The intent to send was never committed, so nothing was sent. A settling one was never sent either: it
            // found, when it asked for its token, that the order is being paid, and now follows that payment.
            return unsent(cx).await;
        }
        let checkpoint = match checkpoint(cx) {
            Ok(checkpoint) => checkpoint,
            Err(verdict) => return verdict.into(),
        };
        match look(cx, &checkpoint).await {
            Ok(Judgment::Nothing) => quiet(cx, &checkpoint).await,
            Ok(judgment) => match judged(cx, judgment, &checkpoint) {
                // The page may have been paid in the same moment, however it was found out that this was.
                Finding::Ended(verdict) => Finding::Ended(cx.paid_once(verdict).await),
                finding => finding,
            },
            Err(verdict @ Verdict::Stuck { .. }) => verdict.into(),
            // What could not be looked at proves nothing, however late it is.
            Err(Verdict::Retry { .. } | Verdict::Wait { .. }) => Finding::StillUnknown {
                after: wait(cx, LOOK_AT_MOST),
                failed: true,
                settling: cx.attempt.settling,
            },
            // Whatever was refused is the question, not the payment.
            Err(_) => nothing(cx, &checkpoint, true),
        }
    }
}

/// Nothing was sent. What others did to the order meanwhile is shown as it is, and what cannot be told is no start of another
/// payment.
async fn unsent(cx: &mut StepContext) -> Finding {
    let Ok(id) = cx.order_id() else { return Finding::Absent };
    match not_paid_yet(cx, id).await {
        Err(verdict @ (Verdict::Paid | Verdict::Accepted | Verdict::Stuck { .. })) => {
            cx.paid_once(verdict).await.into()
        }
        _ => Finding::Absent,
    }
}

/// Mints the token and notes what was there before. Nothing is sent.
async fn minted(cx: &mut StepContext) -> Result<Option<Value>, Verdict> {
    cx.none_revived().await?;
    if cx.checkout.facts.order.as_ref().and_then(|order| order.total) == Some(Money::ZERO) {
        return Err(nothing_to_pay(cx).await);
    }
    if cx.instruments.is_empty() {
        // Whoever named no instrument agreed to pay nothing.
        within_agreement(cx, cx.checkout.facts.due())?;
        // A restart took the instrument with it, before anything was sent.
        return Err(Verdict::Interrupted { retry_after: None });
    }
    if cx.checkout.facts.order.as_ref().is_some_and(|order| !order.verified) {
        // BigCommerce said that its total moved (30004): what is paid is what it is now, if that is agreed to.
        reread(cx).await?;
    }
    let id = cx.order_id()?;
    let tried = cx.attempt.attempt.saturating_sub(1);
    let sent = cx.facts().count_sent(tried);
    let paid = cx.checkout.facts.paid();
    // What was tried or paid before is looked at again: what is due now is what is charged now.
    let again = cx.attempt.attempt > 1 || paid != Money::ZERO;
    let before = if again { not_paid_yet(cx, id).await? } else { Vec::new() };
    let in_all = cx.checkout.facts.due().map(|due| for_this_goal(cx, due));
    within_agreement(cx, in_all)?;
    expected(cx)?;
    let paid = cx.checkout.facts.paid();
    let refused = u32::try_from(before.iter().filter(|there| there.status == "error").count());
    // More than can be counted refute none of ours: the more are unlisted, the less a listed decline proves.
    let unlisted = sent.saturating_sub(refused.unwrap_or(0));
    let known = before.into_iter().map(|transaction| transaction.id).collect();
    processing(cx)?;
    let minted = cx.client.payments(&cx.call).create_access_token(id).await;
    let token = match cx.note("create-access-token", minted) {
        Ok(answer) => answer.value,
        Err(error) => {
            let over = buried(cx, &error).await?;
            return Err(match over {
                Some(verdict) => verdict,
                None => not_minted(cx, error).await,
            });
        }
    };
    fits_order_now(cx, id, &token).await?;
    if cx.checkout.facts.hand_off.is_some() {
        cx.not_paid_elsewhere().await?;
    }
    cx.facts().is_sent();
    let claims = token.claims();
    let checkpoint = Checkpoint {
        jti: claims.and_then(|claims| claims.jti.clone()),
        minted_at: Some(cx.clock.now()),
        lifetime: claims.and_then(lifetime),
        known,
        unlisted,
        paid,
    };
    cx.token = Some(token);
    // Null is no checkpoint that can be read: what was sent under it is for a person.
    Ok(Some(serde_json::to_value(checkpoint).unwrap_or_default()))
}

/// No token: nothing was sent. When the order is not Incomplete, it says itself what happened to it.
async fn not_minted(cx: &mut StepContext, error: Error) -> Verdict {
    match PaymentClass::of_error(&error) {
        PaymentClass::StopAndReconcile => match look(cx, &Checkpoint::UNREADABLE).await {
            Ok(Judgment::Nothing) => Verdict::Stuck {
                reason: StuckReason::OrderNotPayable,
                detail: "BigCommerce refuses to have the order paid (30101), and nothing shows that it was"
                    .to_owned(),
            },
            // The parts that are known: BigCommerce keeps them, and takes no more.
            Ok(Judgment::Part { .. }) => Verdict::Rejected(UpstreamRejection {
                status: 409,
                title: "The order is paid in part, and BigCommerce takes no further payment for it (30101)"
                    .to_owned(),
                errors: Vec::new(),
            }),
            Ok(Judgment::CannotTell { why }) => Verdict::Stuck {
                reason: StuckReason::OrderNotPayable,
                detail: format!(
                    "BigCommerce refuses to have the order paid (30101); what was paid cannot be told: {why}"
                ),
            },
            Ok(judgment) => match judged(cx, judgment, &Checkpoint::UNREADABLE) {
                Finding::Ended(verdict) => verdict,
                _ => Verdict::Accepted,
            },
            Err(verdict) => verdict,
        },
        PaymentClass::Configuration => not_configured(&error),
        PaymentClass::RequestWrong => rejected(&error),
        // Minting has no effect: whatever failed may be tried again.
        _ => match verdict("create-access-token", error) {
            Verdict::Unknown { why } => Verdict::Retry { after: None, why },
            Verdict::Moved => Verdict::Retry { after: None, why: "create-access-token: conflict".to_owned() },
            other => other,
        },
    }
}

async fn reread(cx: &mut StepContext) -> Result<(), Verdict> {
    let id = cx.order_id()?;
    let order = cx.order_there(id).await?;
    cx.facts().order = Some(order_facts(&order, true));
    Ok(())
}

pub(super) async fn look(cx: &mut StepContext, checkpoint: &Checkpoint) -> Result<Judgment, Verdict> {
    let id = cx.order_id()?;
    let Some(order) = cx.read_order(id).await? else { return Ok(Judgment::Nothing) };
    let transactions = cx.read_transactions(id).await?;
    let refunds = cx.read_refunds(&order, &transactions).await?;
    let verified = cx.checkout.facts.order.as_ref().is_some_and(|order| order.verified);
    cx.facts().order = Some(order_facts(&order, verified));
    Ok(judge(&order, &transactions, &refunds, &checkpoint.before()))
}

pub(super) fn judged(cx: &mut StepContext, judgment: Judgment, checkpoint: &Checkpoint) -> Finding {
    if cx.facts().payment.is_none()
        && let Err(verdict) = processing(cx)
    {
        return verdict.into();
    }
    match judgment {
        Judgment::Whole { kind, transaction_id } => {
            cx.facts().held = None;
            if let Some(payment) = cx.facts().payment.as_mut() {
                payment.status = PaymentStatus::Succeeded;
                payment.transaction_type = Some(kind.to_owned());
                payment.transaction_id = payment.transaction_id.take().or(transaction_id);
                payment.decline = None;
            }
            Verdict::Paid.into()
        }
        Judgment::Part { paid } => part_paid(cx, paid, checkpoint.paid).into(),
        judgment @ Judgment::More { .. } => {
            // It may be ours or another one that was taken twice: nobody is told that it is still being made.
            if let Some(payment) = cx.facts().payment.as_mut()
                && payment.status == PaymentStatus::Processing
            {
                payment.status = PaymentStatus::Unknown;
            }
            decided(cx, judgment, false).err().unwrap_or(Verdict::Moved).into()
        }
        Judgment::GivenBack => given_back(cx).into(),
        Judgment::CannotTell { why } => match nothing(cx, checkpoint, true) {
            Finding::Ended(Verdict::Stuck { reason, .. }) => {
                let detail = format!("what BigCommerce shows of the payment contradicts itself: {why}");
                Verdict::Stuck { reason, detail }.into()
            }
            finding => finding,
        },
        Judgment::Pending => pending(cx),
        Judgment::Declined { dead } => {
            // One that holds parts is kept, although it takes no payment any more: a cancel, or the expiry, gives them back.
            let verdict = declined(cx, None);
            if dead
                && cx.checkout.facts.parts.is_empty()
                && let Some(order) = cx.facts().order.take()
            {
                cx.facts().abandoned_orders.push(order.id);
            }
            verdict.into()
        }
        Judgment::Nothing => nothing(cx, checkpoint, false),
    }
}

/// Accepted and not settled: followed for as long as the operator allows.
fn pending(cx: &mut StepContext) -> Finding {
    if let Some(payment) = cx.facts().payment.as_mut() {
        payment.status = PaymentStatus::Pending;
    }
    let deadline = cx.attempt.started_at + cx.timing.pending;
    match remaining(cx, deadline) {
        Some(left) => Finding::StillUnknown { after: wait(cx, left), failed: false, settling: true },
        None => Verdict::Stuck {
            reason: StuckReason::PaymentPendingTooLong,
            detail: "BigCommerce accepted the payment and has not settled it".to_owned(),
        }
        .into(),
    }
}

/// Neither the order nor its transactions show a charge. Before the shopper hears that there was none, the cart is asked as
/// well: BigCommerce deletes it when it was paid.
async fn quiet(cx: &mut StepContext, checkpoint: &Checkpoint) -> Finding {
    explained(cx);
    let before = (cx.checkout.facts.payment.clone(), cx.checkout.facts.order.clone());
    let finding = nothing(cx, checkpoint, false);
    let says_so = matches!(&finding, Finding::Ended(verdict) if !matches!(verdict, Verdict::Stuck { .. }));
    if !says_so || cx.checkout.flow == Flow::DirectOrder || cx.still_unpaid().await {
        return finding;
    }
    (cx.facts().payment, cx.facts().order) = before;
    nothing(cx, checkpoint, true)
}

/// Nothing shows a charge. It is believed only once the token can no longer be used, and even then a person decides.
fn nothing(cx: &mut StepContext, checkpoint: &Checkpoint, refused: bool) -> Finding {
    if cx.attempt.settling {
        return pending(cx);
    }
    if !refused
        && let Some(answer) = doubted(cx)
        && let Some(since) = cx.attempt.unknown_since
    {
        return match remaining(cx, since + cx.timing.quiet_payment) {
            Some(left) => Finding::StillUnknown { after: wait(cx, left), failed: false, settling: false },
            None => not_taken(cx, answer).into(),
        };
    }
    let expired = checkpoint.expires_at(cx.attempt.started_at) + cx.timing.settle;
    // A payment that was sent just before its token expired takes as long as any other.
    let landed = cx.attempt.unknown_since.map(|since| since + cx.timing.quiet_payment);
    if let Some(left) = remaining(cx, landed.map_or(expired, |landed| landed.max(expired))) {
        return Finding::StillUnknown { after: wait(cx, left), failed: refused, settling: false };
    }
    if let Some(payment) = cx.facts().payment.as_mut() {
        payment.status = PaymentStatus::Unknown;
    }
    let detail = if cx.checkout.facts.cart_gone_since.is_some() {
        "the payment's answer was lost; its access token has expired, the order shows no charge, but the cart is gone as if \
        it had been paid"
    } else if refused {
        "the payment's answer was lost; its access token has expired and BigCommerce refuses to say the result of \
        it: restart once it answers again"
    } else {
        "the payment's answer was lost; its access token has expired and BigCommerce shows no charge: probably not \
        charged"
    };
    Verdict::Stuck { reason: StuckReason::PaymentUnknown, detail: detail.to_owned() }.into()
}

fn remaining(cx: &StepContext, deadline: OffsetDateTime) -> Option<Duration> {
    Duration::try_from(deadline - cx.clock.now()).ok().filter(|left| !left.is_zero())
}

fn wait(cx: &StepContext, left: Duration) -> Duration {
    doubled(LOOK_FIRST, cx.attempt.looks, LOOK_AT_MOST).min(left)
}
