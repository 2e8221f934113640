//! What a refused payment means: whether it is certain at once that nothing was charged, or only once it was quiet.

use std::time::Duration;

use crate::bigcommerce::payments::PaymentClass;
use crate::bigcommerce::{Error, Rejection, UnavailableReason};
use crate::checkout::{Answer, Decline, PaymentStatus, UpstreamRejection};
use crate::saga::step::{StepContext, Verdict, refused};

/// 30102 stands for a card that could not be verified, and for a token that was used before: then the payment that used
/// it may have succeeded, or may still be on its way.
const DOUBTED_DECLINE: Option<i64> = Some(30_102);

/// The order cannot be paid in its status (BigCommerce: payments, error codes).
const NOT_PAYABLE: Option<i64> = Some(30_101);

/// An order that is still Incomplete was payable: then whatever BigCommerce saw when it refused with 409 is not shown yet, and
/// proves nothing. One that somebody cancelled or moved meanwhile explains the refusal.
pub(in crate::saga) fn explained(cx: &mut StepContext) {
    let incomplete = cx.checkout.facts.order.as_ref().is_some_and(|order| order.status_id == 0);
    if incomplete && cx.attempt.doubted == Some(Answer::NotPayable) {
        cx.attempt.doubted = None;
    }
}

/// A refusal says that this token was not taken *this time*. What stands in between may deliver a request twice, and the
/// second copy is refused while the first is still at the gateway. So only what a gateway says of the card itself is
/// certain at once; everything else is believed once nothing has shown for longer than the first copy could take.
///
/// Nothing is sent again by itself: whoever pays again is the shopper, who may have paid in another way meanwhile.
pub(in crate::saga) fn failed(cx: &mut StepContext, error: &Error) -> Verdict {
    let never_sent = matches!(
        error,
        Error::Unavailable(unavailable) if unavailable.reason != UnavailableReason::RateLimited
    );
    if never_sent {
        cx.facts().was_not_sent();
        return Verdict::Retry { after: error.retry_after(), why: format!("process-payment: {error}") };
    }
    let refused = match PaymentClass::of_error(error) {
        PaymentClass::Declined if error.code() == DOUBTED_DECLINE => {
            Some(Answer::Declined(decline(error.rejection())))
        }
        PaymentClass::Declined => return declined(cx, error.rejection()),
        PaymentClass::Configuration => return not_configured(error),
        // The order was in another status: what it shows must explain that (see `explained`).
        PaymentClass::StopAndReconcile if error.code() == NOT_PAYABLE => Some(Answer::NotPayable),
        PaymentClass::Ambiguous | PaymentClass::StopAndReconcile => None,
        PaymentClass::RequestWrong => error.rejection().map(|rejection| Answer::Rejected(refused(rejection))),
        PaymentClass::MintAgain | PaymentClass::RetryMint | PaymentClass::NotExecuted => {
            let retry_after = error.retry_after().unwrap_or_default().as_secs().clamp(1, 3600);
            Some(Answer::Unavailable { retry_after })
        }
    };
    cx.attempt.doubted = refused;
    Verdict::Unknown { why: format!("process-payment: {error}") }
}

fn decline(rejection: Option<&Rejection>) -> Decline {
    Decline {
        code: rejection.and_then(|rejection| rejection.code),
        title: rejection
            .map(|rejection| rejection.title.clone())
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| "The payment was declined".to_owned()),
    }
}

pub(in crate::saga) fn declined(cx: &mut StepContext, rejection: Option<&Rejection>) -> Verdict {
    let noted = match doubted(cx) {
        Some(Answer::Declined(decline)) => Some(decline),
        _ => None,
    };
    let decline = noted.unwrap_or_else(|| decline(rejection));
    if let Some(payment) = cx.facts().payment.as_mut() {
        payment.status = PaymentStatus::Declined;
        payment.decline = Some(decline.clone());
    }
    Verdict::Declined(decline)
}

/// The store takes no payment by this method: nothing was charged, and another one may be taken. Whoever names it can name
/// any, as often as he likes: it is no case for a person.
pub(in crate::saga) fn not_configured(error: &Error) -> Verdict {
    let refused = error.rejection().map(refused);
    refused.map_or(Verdict::Unknown { why: error.to_string() }, Verdict::MethodUnavailable)
}

pub(in crate::saga) fn rejected(error: &Error) -> Verdict {
    error.rejection().map_or(Verdict::Unknown { why: error.to_string() }, |rejection| {
        Verdict::Rejected(refused(rejection))
    })
}

/// The answer that is believed once it was quiet for long enough.
pub(in crate::saga) fn doubted(cx: &StepContext) -> Option<Answer> {
    let noted = || cx.checkout.facts.payment.as_ref()?.decline.clone().map(Answer::Declined);
    cx.attempt.doubted.clone().or_else(noted)
}

/// The token was certainly not taken: the shopper may pay again.
pub(in crate::saga) fn not_taken(cx: &mut StepContext, answer: Answer) -> Verdict {
    if let Answer::Declined(decline) = answer {
        if let Some(payment) = cx.facts().payment.as_mut() {
            payment.status = PaymentStatus::Declined;
            payment.decline = Some(decline.clone());
        }
        return Verdict::Declined(decline);
    }
    // It was not taken, so that no transaction of it will be listed.
    cx.facts().was_not_sent();
    cx.facts().payment = None;
    // Parts that were paid before stay paid.
    cx.facts().show_parts();
    if let Some(order) = cx.facts().order.as_mut() {
        // It may be the order that changed (30004): it is read again before it is paid.
        order.verified = false;
    }
    match answer {
        Answer::Rejected(refused) => Verdict::Rejected(refused),
        Answer::NotPayable => Verdict::Rejected(UpstreamRejection::not_payable()),
        Answer::Unavailable { retry_after } => {
            Verdict::Interrupted { retry_after: Some(Duration::from_secs(retry_after)) }
        }
        _ => Verdict::Interrupted { retry_after: None },
    }
}
