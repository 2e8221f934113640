//! `cart-edit`: change items, coupons or the message until the order is paid. Compare-and-set by `version`.

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::Value;

use super::cart::empty;
use crate::bigcommerce::Error;
use crate::checkout::{CartEdit, Checkout, Document, Input, StepName, parse_decimal};
use crate::saga::operation::{Operation, SubmitError};
use crate::saga::step::{
    Finding, Step, StepContext, Verdict, after_cart, before_payment, no_such_cart, refused,
};

/// See the module.
pub(super) struct Edit;

#[async_trait]
impl Step for Edit {
    fn name(&self) -> StepName {
        StepName::CartEdit
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.edit.is_some()
    }

    fn take(&self, input: &mut Input, operation: &Operation) -> bool {
        let Operation::Edit(edit) = operation else { return false };
        input.edit = Some(edit.clone());
        true
    }

    fn accepts(&self, checkout: &Checkout) -> Result<(), SubmitError> {
        before_payment(checkout)?;
        after_cart(checkout)
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        if run(cx).await? {
            forget(cx);
        } else {
            emptied(cx).await?;
        }
        Ok(Verdict::Succeeded)
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        let before = cx.checkout.facts.document.clone();
        match cx.read_checkout().await {
            Ok(true) => {
                let after = cx.checkout.facts.document.as_ref();
                if is_applied(cx.checkout.input.edit.as_ref(), before.as_ref(), after) {
                    forget(cx);
                    return Verdict::Succeeded.into();
                }
                Finding::Absent
            }
            Ok(false) if removes_all(cx.checkout.input.edit.as_ref(), before.as_ref()) => {
                match emptied(cx).await {
                    Ok(()) => Verdict::Succeeded.into(),
                    Err(Verdict::Rejected(_)) => Finding::Absent,
                    Err(verdict) => Finding::of_failed_look(verdict),
                }
            }
            Ok(false) => Finding::Absent,
            Err(verdict) => Finding::of_failed_look(verdict),
        }
    }
}

/// The cart is gone with its last item. One that others know of may have been paid there in the same moment, which is found out
/// as for every cart that is gone.
async fn emptied(cx: &mut StepContext) -> Result<(), Verdict> {
    if cx.checkout.facts.hand_off.is_some() {
        return Err(Verdict::Rejected(no_such_cart()));
    }
    cx.unordered().await?;
    empty(cx);
    Ok(())
}

/// Whether the change removes the only line that there is.
fn removes_all(edit: Option<&CartEdit>, before: Option<&Document>) -> bool {
    let Some(CartEdit::RemoveItem { item_id: removed }) = edit else { return false };
    before.is_some_and(|before| before.line_items().iter().all(|item| item.id == *removed))
}

/// Changes the cart. Whether it is still there.
async fn run(cx: &mut StepContext) -> Result<bool, Verdict> {
    let cart_id = cx.cart_id()?;
    let Some(edit) = cx.input().edit.clone() else { return Ok(true) };
    let version = cx.checkout.facts.document.as_ref().and_then(Document::version);
    let (carts, checkouts) = (cx.client.carts(&cx.call), cx.client.checkouts(&cx.call));
    let (call, written) = match edit {
        CartEdit::AddItems(body) => {
            ("add-cart-items", carts.add_items(&cart_id, &Value::Object(body), version).await.map(|_| None))
        }
        CartEdit::UpdateItem { item_id, body } => (
            "update-cart-item",
            carts.update_item(&cart_id, &item_id, &Value::Object(body), version).await.map(|_| None),
        ),
        CartEdit::RemoveItem { item_id } => {
            ("delete-cart-item", carts.delete_item(&cart_id, &item_id, version).await.map(|_| None))
        }
        CartEdit::AddCoupon(code) => (
            "add-coupon",
            checkouts.add_coupon(&cart_id, &code, version).await.map(|answer| Some(answer.value.raw)),
        ),
        CartEdit::RemoveCoupon(code) => (
            "delete-coupon",
            checkouts.delete_coupon(&cart_id, &code, version).await.map(|answer| Some(answer.value.raw)),
        ),
        CartEdit::CustomerMessage(text) => (
            "update-checkout",
            checkouts
                .set_customer_message(&cart_id, &text, version)
                .await
                .map(|answer| Some(answer.value.raw)),
        ),
    };
    let document = match written {
        // A 409 that does not speak of a conflict of versions is business: the maximum quantity, for example.
        Err(Error::Moved(rejection)) if !rejection.title.contains("conflict") => {
            cx.checkout.input.edit = None;
            return cx
                .note(call, Err(Error::Moved(rejection.clone())))
                .map_err(|_| Verdict::Rejected(refused(&rejection)));
        }
        other => cx.write(call, other)?,
    };
    if let Some(document) = document {
        cx.keep(Document::from_checkout(document));
    } else {
        // The cart's answer has no consignments, and a change of items may have changed them. The change was made: a
        // look that failed must not have it made again.
        let unread = |_| Verdict::Unknown { why: format!("{call}: done, but the cart cannot be read") };
        return cx.read_checkout().await.map_err(unread);
    }
    Ok(true)
}

/// Consignments that were named by the items of another cart are not good for this one.
fn forget(cx: &mut StepContext) {
    cx.checkout.input.edit = None;
    let document = cx.checkout.facts.document.as_ref();
    if document.is_some_and(|document| !document.is_covered() || document.consignments().is_empty()) {
        cx.checkout.input.consignments = None;
    }
    if document.is_some_and(|document| !document.options_selected() || document.consignments().is_empty()) {
        cx.checkout.input.shipping_options = None;
    }
}

/// Whether the checkout object shows the change.
fn is_applied(edit: Option<&CartEdit>, before: Option<&Document>, after: Option<&Document>) -> bool {
    let (Some(edit), Some(after)) = (edit, after) else { return false };
    match edit {
        // Items that were added are known by the units that the cart gained.
        CartEdit::AddItems(body) => {
            let gained = units(Some(after)).saturating_sub(units(before));
            gained > 0 && gained >= added(body)
        }
        CartEdit::UpdateItem { item_id, body } => {
            let wanted = body.get("line_item").and_then(|item| item.get("quantity")).map(number);
            after
                .line_items()
                .iter()
                .any(|item| item.id == *item_id && wanted.is_none_or(|units| units == item.quantity))
                && before.and_then(Document::version) != after.version()
        }
        CartEdit::RemoveItem { item_id } => after.line_items().iter().all(|item| item.id != *item_id),
        CartEdit::AddCoupon(code) => after.coupon_codes().contains(code),
        CartEdit::RemoveCoupon(code) => !after.coupon_codes().contains(code),
        CartEdit::CustomerMessage(text) => after.customer_message() == text,
    }
}

fn units(document: Option<&Document>) -> u64 {
    document.map_or(0, |document| document.line_items().iter().map(|item| u64::from(item.quantity)).sum())
}

fn added(body: &serde_json::Map<String, Value>) -> u64 {
    ["line_items", "custom_items", "gift_certificates"]
        .iter()
        .filter_map(|list| body.get(*list)?.as_array())
        .flatten()
        .map(|item| item.get("quantity").map_or(1, |units| u64::from(number(units))))
        .sum()
}

fn number(value: &Value) -> u32 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    parse_decimal(&text)
        .map(|units: Decimal| units.trunc())
        .and_then(|units| u32::try_from(units).ok())
        .unwrap_or(0)
}
