//! The Checkouts API without consignments and orders (BigCommerce: checkouts.v3).

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::address;
use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, amount, list, member, text, whole};
use crate::cart::{Cart, Fee};
use crate::carts::{edit, load};
use crate::coupons;
use crate::render;

/// `GET /v3/checkouts/{id}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let cart = load(visit, visit.param(0)).ok_or_else(answer::checkout_not_found)?;
    Ok(shown(&cart, visit))
}

/// The checkout as every successful call answers it.
pub(crate) fn shown(cart: &Cart, visit: &Visit<'_>) -> Answer {
    Answer::data(200, &render::checkout(cart, visit))
}

/// `PUT /v3/checkouts/{id}`: the shopper's message.
pub(crate) fn update(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let message = text(&body, "customer_message")?.map(ToOwned::to_owned);
    let message = message.ok_or_else(|| answer::invalid("customer_message", "is required"))?;
    if message.chars().count() > 2000 {
        return Err(answer::invalid("customer_message", "must have at most 2000 characters"));
    }
    let cart = edit(visit, &id, &body, |cart, _| {
        cart.customer_message = message;
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `POST /v3/checkouts/{id}/billing-address`
pub(crate) fn add_billing_address(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let new = address::read_for(&body, visit.settings)?;
    let cart = edit(visit, &id, &body, |cart, _| {
        set_billing(cart, new);
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

fn set_billing(cart: &mut Cart, address: address::Address) {
    if cart.customer_id == 0 || cart.email.is_empty() {
        cart.email.clone_from(&address.email);
    }
    cart.billing = Some(address);
}

/// `PUT /v3/checkouts/{id}/billing-address/{addressId}`
pub(crate) fn update_billing_address(visit: &mut Visit<'_>) -> Reply {
    let (id, address_id, body) = (visit.param(0).to_owned(), visit.param(1).to_owned(), visit.body.clone());
    let mut new = address::read_for(&body, visit.settings)?;
    let cart = edit(visit, &id, &body, |cart, _| {
        if cart.billing.as_ref().is_none_or(|known| known.id != address_id) {
            return Err(answer::not_found("The billing address does not exist."));
        }
        new.id = address_id;
        set_billing(cart, new);
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `POST /v3/checkouts/{id}/coupons`
pub(crate) fn add_coupon(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let code = text(&body, "coupon_code")?.filter(|code| (1..=50).contains(&code.chars().count()));
    let code = code.ok_or_else(|| answer::invalid("coupon_code", "must have 1 to 50 characters"))?;
    let several = visit.settings.several_coupons;
    let cart = edit(visit, &id, &body, |cart, _| {
        let coupon = coupons::find(code)
            .ok_or_else(|| answer::invalid("coupon_code", "The coupon code is not valid."))?;
        if coupon.expired {
            return Err(answer::invalid("coupon_code", "The coupon code has expired."));
        }
        let known = cart.coupons.iter().any(|known| known == coupon.code);
        if !known && !several && !cart.coupons.is_empty() {
            return Err(answer::problem(422, "Only one coupon can be used in one order."));
        }
        if !known {
            cart.coupons.push(coupon.code.to_owned());
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `DELETE /v3/checkouts/{id}/coupons/{code}`
pub(crate) fn delete_coupon(visit: &mut Visit<'_>) -> Reply {
    let (id, code, body) = (visit.param(0).to_owned(), visit.param(1).to_owned(), visit.body.clone());
    let cart = edit(visit, &id, &body, |cart, _| {
        let before = cart.coupons.len();
        cart.coupons.retain(|known| !known.eq_ignore_ascii_case(&code));
        if cart.coupons.len() == before {
            return Err(answer::not_found("The coupon is not applied to this checkout."));
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `POST /v3/checkouts/{id}/discounts`: replaces all discounts given by hand.
pub(crate) fn set_discounts(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let given = member(&body, "cart").ok_or_else(|| answer::invalid("cart", "is required"))?.clone();
    // The version stands inside `cart` by the schema and at the root by the example.
    let versioned = if member(&given, "version").is_some() { given.clone() } else { body };
    let cart = edit(visit, &id, &versioned, |cart, _| apply_discounts(cart, &given))?;
    Ok(shown(&cart, visit))
}

fn apply_discounts(cart: &mut Cart, given: &Value) -> Result<(), Answer> {
    let discounted = |row: &Value| {
        amount(row, "discounted_amount")?.ok_or_else(|| answer::invalid("discounted_amount", "is required"))
    };
    let mut whole_cart = Decimal::ZERO;
    for row in list(given, "discounts")? {
        whole_cart += discounted(row)?;
    }
    cart.manual_discount = whole_cart;
    for line in &mut cart.lines {
        line.manual_discount = Decimal::ZERO;
    }
    for row in list(given, "line_items")? {
        let id = text(row, "id")?.unwrap_or("");
        let line = cart.lines.iter_mut().find(|line| line.id == id);
        let line = line.ok_or_else(|| answer::invalid("line_items.id", "is not a line of this cart"))?;
        line.manual_discount = discounted(row)?;
    }
    Ok(())
}

fn read_fee(row: &Value, id: String) -> Result<Fee, Answer> {
    let required = |name: &str, most: usize| {
        text(row, name)?
            .filter(|value| (1..=most).contains(&value.chars().count()))
            .map(ToOwned::to_owned)
            .ok_or_else(|| answer::invalid(name, &format!("must have 1 to {most} characters")))
    };
    if text(row, "type")? != Some("custom_fee") {
        return Err(answer::invalid("type", "must be custom_fee"));
    }
    Ok(Fee {
        id,
        name: required("name", 50)?,
        display_name: required("display_name", 200)?,
        source: required("source", 50)?,
        cost: amount(row, "cost")?.ok_or_else(|| answer::invalid("cost", "is required"))?,
        tax_class_id: whole(row, "tax_class_id")?,
    })
}

/// `POST /v3/checkouts/{id}/fees`: appends; there is no version and no duplicate check.
pub(crate) fn add_fees(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let cart = edit(visit, &id, &Value::Null, |cart, _| {
        for row in list(&body, "fees")? {
            cart.fees.push(read_fee(row, Uuid::new_v4().to_string())?);
        }
        if cart.fees.len() > 5 {
            return Err(answer::problem(422, "A checkout can have at most 5 fees."));
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `PUT /v3/checkouts/{id}/fees`
pub(crate) fn update_fees(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let cart = edit(visit, &id, &Value::Null, |cart, _| {
        for row in list(&body, "fees")? {
            let fee_id = text(row, "id")?.unwrap_or("").to_owned();
            let known = cart.fees.iter_mut().find(|fee| fee.id == fee_id);
            *known.ok_or_else(|| answer::not_found("The fee does not exist."))? = read_fee(row, fee_id)?;
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `DELETE /v3/checkouts/{id}/fees`
pub(crate) fn delete_fees(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let ids = list(&body, "ids")?.to_vec();
    let cart = edit(visit, &id, &Value::Null, |cart, _| {
        cart.fees.retain(|fee| !ids.iter().any(|id| id.as_str() == Some(&fee.id)));
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// `POST /v3/checkouts/{id}/token`
pub(crate) fn create_token(visit: &mut Visit<'_>) -> Reply {
    load(visit, visit.param(0)).ok_or_else(answer::checkout_not_found)?;
    let ttl = whole(&visit.body, "ttl")?.unwrap_or(2_592_000);
    if !(1..=2_592_000).contains(&ttl) {
        return Err(answer::invalid("ttl", "must be between 1 and 2592000"));
    }
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    Ok(Answer::json(200, &json!({"data": {"checkoutToken": token}, "checkoutToken": token, "meta": {}})))
}
