//! What is held of the order of a checkout, as parts: whoever paid it.

use rust_decimal::Decimal;

use crate::checkout::{Money, PaymentPart};
use crate::saga::step::StepContext;

/// How what was paid by others is named.
pub(in crate::saga) struct Payer<'a> {
    /// BigCommerce's name of the method, where it says so.
    pub(in crate::saga) method: &'a str,
    /// The instrument.
    pub(in crate::saga) instrument: &'a str,
    /// The instrument of what the order shows as credit.
    pub(in crate::saga) credit: &'a str,
}

/// Somebody else, in another place.
pub(in crate::saga) const ELSEWHERE: Payer<'static> =
    Payer { method: "", instrument: "elsewhere", credit: "store_credit" };

/// Shows what is held of the order now. The parts that are known stay, and what is held beside them is one more; where less is
/// held than they were, one stands for what is left. Answers whether it is not as it was.
pub(in crate::saga) fn hold_in_parts(cx: &mut StepContext, paid: Money, by: &Payer<'_>) -> bool {
    let facts = cx.facts();
    let order = facts.order.as_ref();
    let currency = order.map(|order| order.currency.clone()).unwrap_or_default();
    let credited = order.and_then(|order| order.credited).unwrap_or_default();
    let part = |amount: Decimal, instrument: &str| PaymentPart {
        amount: Money::from(amount).at_precision_of(&currency),
        payment_method_id: by.method.to_owned(),
        instrument_type: instrument.to_owned(),
        last_4: None,
        transaction_id: None,
        transaction_type: Some("purchase".to_owned()),
        // Nobody asked for it here.
        goal_version: 0,
    };
    let before = facts.parts.clone();
    // Credit is a part like any other, and counts once: the order shows it as well.
    let known: Decimal = facts.parts.iter().map(|part| part.amount.decimal()).sum();
    if known.is_zero() && !credited.decimal().is_zero() && credited.compare(paid, &currency).is_le() {
        facts.parts.push(part(credited.decimal(), by.credit));
    }
    let news = paid.decimal() - facts.paid().decimal();
    match Money::from(news).compare(Money::ZERO, &currency) {
        std::cmp::Ordering::Greater => facts.parts.push(part(news, by.instrument)),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Less => facts.parts = vec![part(paid.decimal(), by.instrument)],
    }
    let changed = facts.parts != before;
    if changed {
        facts.payment = None;
        facts.show_parts();
    }
    changed
}
