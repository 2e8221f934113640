//! `cart`: create the cart, or take over one that exists, with the coupons and the message that came along.
//!
//! A cart whose answer was lost cannot be found, because BigCommerce lists no carts. It has no order and no charge and
//! expires by itself, so another one is made.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::bigcommerce::Error;
use crate::checkout::{Checkout, Document, HandOff, Input, StepName, UpstreamRejection};
use crate::saga::step::{Finding, Step, StepContext, Verdict, no_such_cart, refused, unread, verdict};

/// See the module.
pub(super) struct Cart;

const INCLUDE: &[&str] = &["line_items.physical_items.options", "line_items.digital_items.options"];

#[async_trait]
impl Step for Cart {
    fn name(&self) -> StepName {
        StepName::Cart
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.cart.as_ref().is_some_and(|cart| !is_emptied(cart))
    }

    fn must_be_reached(&self) -> bool {
        true
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        run(cx).await
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        if cx.facts().cart_id.is_none() {
            return Finding::Absent;
        }
        // The cart is known: what was lost is a coupon or the message. Execute does what is missing.
        match cx.read_checkout().await {
            Ok(true) => Finding::Absent,
            Ok(false) => {
                cx.facts().cart_id = None;
                cx.facts().document = None;
                Finding::Absent
            }
            Err(verdict) => Finding::of_failed_look(verdict),
        }
    }

    async fn compensate(&self, cx: &mut StepContext) -> Result<(), Verdict> {
        if cx.facts().cart_is_foreign {
            // It is not ours to delete: whoever made it may go on with it.
            return Ok(());
        }
        let Some(cart_id) = cx.facts().cart_id.clone() else { return Ok(()) };
        cx.still_held()?;
        let deleted = cx.client.carts(&cx.call).delete(&cart_id).await;
        match cx.note("delete-cart", deleted) {
            Ok(_) => Ok(()),
            // Paid, here or elsewhere, or deleted by an earlier try: that it is gone says nothing until it was looked at.
            Err(error) if error.is_not_found() && cx.checkout.facts.hand_off.is_none() => {
                let since = cx.clock.now();
                cx.facts().hand_off = Some(HandOff { since });
                Err(Verdict::Retry {
                    after: Some(Duration::ZERO),
                    why: "the cart was gone already".to_owned(),
                })
            }
            Err(error) if error.is_not_found() => Ok(()),
            // Deleting twice does no harm.
            Err(error) => Err(unread("delete-cart", error)),
        }
    }
}

async fn run(cx: &mut StepContext) -> Result<Verdict, Verdict> {
    if cx.facts().cart_id.is_none() {
        match cx.input().cart_id.clone() {
            Some(cart_id) => take_over(cx, cart_id).await?,
            None => create(cx).await?,
        }
    }
    let cart_id = cx.cart_id()?;
    // What is refused now has no call of its own: the cart stands without it, and whoever asked is told.
    let (mut coupon_codes, mut first) = (Vec::new(), None);
    for code in cx.input().coupon_codes.clone() {
        let document = cx.facts().document.clone();
        if document.as_ref().is_some_and(|document| document.coupon_codes().contains(&code)) {
            continue;
        }
        let version = document.as_ref().and_then(Document::version);
        let applied = cx.client.checkouts(&cx.call).add_coupon(&cart_id, &code, version).await;
        match cx.write("add-coupon", applied) {
            Ok(answer) => cx.keep(Document::from_checkout(answer.value.raw)),
            Err(Verdict::Rejected(refused)) => {
                stands(cx, &refused).await?;
                cx.checkout.input.coupon_codes.retain(|known| *known != code);
                coupon_codes.push(code);
                first.get_or_insert(refused);
            }
            Err(verdict) => return Err(verdict),
        }
    }
    if let Some(message) = cx.input().customer_message.clone() {
        let document = cx.facts().document.clone();
        if document.as_ref().is_none_or(|document| document.customer_message() != message) {
            let version = document.as_ref().and_then(Document::version);
            let set = cx.client.checkouts(&cx.call).set_customer_message(&cart_id, &message, version).await;
            match cx.write("update-checkout", set) {
                Ok(answer) => cx.keep(Document::from_checkout(answer.value.raw)),
                Err(Verdict::Rejected(refused)) => {
                    stands(cx, &refused).await?;
                    cx.checkout.input.customer_message = None;
                    first.get_or_insert(refused);
                }
                Err(verdict) => return Err(verdict),
            }
        }
    }
    Ok(first.map_or(Verdict::Succeeded, |refused| Verdict::DoneWithout { coupon_codes, refused }))
}

/// A refusal that says "not found" may mean the cart: one of ours that is gone already is made again.
async fn stands(cx: &mut StepContext, refused: &UpstreamRejection) -> Result<(), Verdict> {
    if refused.status != 404 || cx.read_checkout().await? {
        return Ok(());
    }
    if cx.facts().cart_is_foreign {
        return Err(Verdict::Rejected(no_such_cart()));
    }
    let facts = cx.facts();
    (facts.cart_id, facts.document, facts.document_at) = (None, None, None);
    Err(Verdict::Retry { after: None, why: "the cart was gone at once".to_owned() })
}

/// Whether items that are given make the cart, because none was made yet: what was given first was refused, or could not be
/// sent. They take the place of the items that were given first.
pub(in crate::saga) fn is_given_anew(
    checkout: &Checkout,
    input: &mut Input,
    items: &Map<String, Value>,
) -> bool {
    let made = checkout.facts.cart_id.is_some() || checkout.step(StepName::Cart).is_none();
    let Some(cart) = input.cart.as_mut().filter(|_| !made) else { return false };
    if input.cart_id.take().is_some() {
        // The one that was to be taken over is not there.
        input.vouched_cart = false;
        if let Some(customer) = input.proven_customer {
            cart.insert("customer_id".to_owned(), customer.into());
        }
    }
    for list in LISTS {
        cart.remove(list);
    }
    cart.extend(items.clone());
    true
}

/// What a cart can hold.
const LISTS: [&str; 3] = ["line_items", "custom_items", "gift_certificates"];

/// The last item was removed, and BigCommerce removed the cart with it: another one is made of the items that come next, with
/// what was given beside them.
pub(super) fn empty(cx: &mut StepContext) {
    let document = cx.facts().document.take();
    let facts = cx.facts();
    (facts.cart_id, facts.document_at, facts.cart_gone_since) = (None, None, None);
    facts.consigned.clear();
    // A witness that the cart was emptied and not paid was asked; what shows later is looked for.
    facts.may_show_late = true;
    let input = &mut cx.checkout.input;
    if let Some(document) = document {
        input.coupon_codes = document.coupon_codes().to_vec();
        input.customer_message =
            Some(document.customer_message()).filter(|text| !text.is_empty()).map(str::to_owned);
    }
    // These name items of the cart that is gone.
    (input.shipping_options, input.edit) = (None, None);
    for consignment in input.consignments.iter_mut().flatten() {
        consignment.line_items = None;
    }
    if input.consignments.as_ref().is_some_and(|list| list.len() > 1) {
        input.consignments = None;
    }
    let cart = input.cart.get_or_insert_default();
    for list in LISTS {
        cart.remove(list);
    }
    cart.insert("line_items".to_owned(), Value::Array(Vec::new()));
}

/// Whether there is nothing to make a cart of: the door takes no creation without items.
fn is_emptied(cart: &Map<String, Value>) -> bool {
    let lists = || LISTS.iter().filter_map(|list| cart.get(*list)?.as_array());
    lists().next().is_some() && lists().all(Vec::is_empty)
}

/// Takes over a cart that was made elsewhere, with what its checkout holds already. It may be paid there as well.
async fn take_over(cx: &mut StepContext, cart_id: String) -> Result<(), Verdict> {
    cx.facts().cart_id = Some(cart_id);
    let found = cx.read_checkout().await;
    if !matches!(found, Ok(true)) {
        cx.facts().cart_id = None;
    }
    if found? {
        // The door looked at it, too; since then somebody may have signed in with this cart.
        let customer = cx.facts().document.as_ref().map_or(-1, Document::customer_id);
        if !cx.input().may_take_over(customer) {
            let facts = cx.facts();
            (facts.cart_id, facts.document, facts.document_at) = (None, None, None);
            let title = "This cart belongs to a customer who was not proven".to_owned();
            return Err(Verdict::Rejected(UpstreamRejection { status: 403, title, errors: Vec::new() }));
        }
        // As BigCommerce writes it: the shopper's page may have it in capitals, and it is the same cart.
        if let Some(id) = cx.checkout.facts.document.as_ref().and_then(Document::id) {
            cx.facts().cart_id = Some(id);
        }
        let since = cx.clock.now();
        cx.facts().cart_is_foreign = true;
        cx.facts().hand_off = Some(HandOff { since });
        return Ok(());
    }
    Err(Verdict::Rejected(no_such_cart()))
}

async fn create(cx: &mut StepContext) -> Result<(), Verdict> {
    let body = Value::Object(cx.input().cart.clone().unwrap_or_default());
    let created = cx.client.carts(&cx.call).create(&body, INCLUDE).await;
    let cart = match cx.note("create-cart", created) {
        Ok(answer) => answer.value,
        // Here 409 is business: the maximum quantity of a product, for example.
        Err(Error::Moved(rejection)) => return Err(Verdict::Rejected(refused(&rejection))),
        Err(error) => return Err(verdict("create-cart", error)),
    };
    cx.facts().cart_id = Some(cart.id);
    cx.keep(Document::from_cart(&cart.raw));
    Ok(())
}
