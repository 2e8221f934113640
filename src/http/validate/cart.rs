//! The contents of a cart (BigCommerce: carts.v3), coupons and the message to the merchant.

use serde_json::{Map, Value};

use super::{Checked, GUEST_LINES, ID, LINES, PRICE, UNITS, checked, checked_by, elements, fields, text};
use crate::http::request::claims::Trust;
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Like, Object, Shape, line, no_rule, opt, req};

const QUANTITY: Shape = Shape::Integer { min: 1, max: UNITS };

static OPTION_SELECTION: Object = Object {
    name: "OptionSelection",
    about: "A choice among the options of a product.",
    fields: &[
        opt("option_id", ID, ""),
        opt("option_value", Shape::Integer { min: 0, max: 4_294_967_295 }, ""),
        opt("name", line(0, 255), ""),
        opt("value", Shape::Text { min: 0, max: 2000, like: Like::Lines }, ""),
        opt("nameId", Shape::Integer { min: 0, max: 4_294_967_295 }, ""),
        opt("valueId", Shape::Integer { min: 0, max: 4_294_967_295 }, ""),
    ],
    rule: no_rule,
};

static WRAP_DETAIL: Object = Object {
    name: "GiftWrapDetail",
    about: "How one unit is wrapped.",
    fields: &[
        req("id", ID, "The gift wrapping option."),
        opt("message", Shape::Text { min: 0, max: 1000, like: Like::Lines }, ""),
    ],
    rule: no_rule,
};

static WRAPPING: Object = Object {
    name: "GiftWrapping",
    about: "Gift wrapping of a line.",
    fields: &[
        req("wrap_together", Shape::Flag, "Whether all units go into one parcel."),
        opt("wrap_details", Shape::List { of: &Shape::Object(&WRAP_DETAIL), min: 0, max: 100 }, ""),
    ],
    rule: no_rule,
};

static LINE_ITEM: Object = Object {
    name: "LineItemInput",
    about: "A product of the catalog.",
    fields: &[
        req("product_id", ID, ""),
        req("quantity", QUANTITY, "Units."),
        opt("variant_id", ID, "Needed for a product with options, unless `option_selections` name one."),
        opt("list_price", PRICE, "Instead of the catalog's price.").from(Trust::Price),
        opt("name", line(1, 250), "Instead of the catalog's name.").from(Trust::Price),
        opt("option_selections", Shape::List { of: &Shape::Object(&OPTION_SELECTION), min: 0, max: 100 }, ""),
        opt("gift_wrapping", Shape::Object(&WRAPPING), ""),
    ],
    rule: no_rule,
};

static CUSTOM_ITEM: Object = Object {
    name: "CustomItemInput",
    about: "A product that is not in the catalog.",
    fields: &[
        opt("sku", line(0, 255), ""),
        req("name", line(1, 250), ""),
        req("quantity", QUANTITY, "Units."),
        req("list_price", PRICE, ""),
        opt("image_url", Shape::Text { min: 8, max: 2048, like: Like::Url }, ""),
    ],
    rule: no_rule,
};

static PARTY: Object = Object {
    name: "GiftCertificateParty",
    about: "The sender or recipient of a gift certificate.",
    fields: &[
        req("name", line(1, 255), ""),
        req("email", Shape::Text { min: 3, max: 254, like: Like::Email }, ""),
    ],
    rule: no_rule,
};

static GIFT_CERTIFICATE: Object = Object {
    name: "GiftCertificateInput",
    about: "A gift certificate to buy.",
    fields: &[
        req("name", line(1, 255), ""),
        req("theme", Shape::Word(&["Birthday", "Boy", "Celebration", "Christmas", "General", "Girl"]), ""),
        req("amount", Shape::Amount { min: 1, max: 1000, decimals: 4 }, "From 1 to 1000."),
        req("quantity", QUANTITY, ""),
        req("sender", Shape::Object(&PARTY), ""),
        req("recipient", Shape::Object(&PARTY), ""),
        opt("message", Shape::Text { min: 0, max: 200, like: Like::Lines }, ""),
    ],
    rule: no_rule,
};

static LINE: Shape = Shape::Object(&LINE_ITEM);
static CUSTOM: Shape = Shape::Object(&CUSTOM_ITEM);
static CERTIFICATE: Shape = Shape::Object(&GIFT_CERTIFICATE);

/// Products of the catalog.
pub(super) const LINE_ITEMS: Field =
    opt("line_items", Shape::List { of: &LINE, min: 0, max: LINES }, "Products of the catalog.");
/// Products of no catalog.
pub(super) const CUSTOM_ITEMS: Field = opt(
    "custom_items",
    Shape::List { of: &CUSTOM, min: 0, max: LINES },
    "Products that are not in the catalog.",
)
.from(Trust::Price);
/// Gift certificates to buy.
pub(super) const GIFT_CERTIFICATES: Field = opt(
    "gift_certificates",
    Shape::List { of: &CERTIFICATE, min: 0, max: LINES },
    "Gift certificates to buy.",
);

/// Body of adding items (BigCommerce: carts.v3, addCartLineItem).
pub(in crate::http) static ADD_ITEMS: Object = Object {
    name: "AddItems",
    about: "Items to add. At least one list must not be empty.",
    fields: &[LINE_ITEMS, CUSTOM_ITEMS, GIFT_CERTIFICATES],
    rule: holds_items,
};

/// The three lists together hold something, and not too much.
pub(super) fn holds_items(body: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let lists = ["line_items", "custom_items", "gift_certificates"];
    let count: usize = lists.iter().map(|list| elements(body.get(*list)).len()).sum();
    if count == 0
        && lists.iter().all(|list| body.get(*list).is_none_or(|list| list.is_array() || list.is_null()))
    {
        errors.push(at, "must contain at least one of line_items, custom_items and gift_certificates");
    } else if count > LINES {
        errors.push(at, format!("must contain at most {LINES} items in total"));
    }
}

/// BigCommerce's documented limits: 50 line items in the cart of a guest, 600 in that of a customer. `there` are in the
/// cart already. What is too much for anybody is told by [`holds_items`].
pub(super) fn fits_the_cart(
    body: &Map<String, Value>,
    there: usize,
    guest: bool,
    at: &mut Pointer,
    errors: &mut Errors,
) {
    let lists = ["line_items", "custom_items", "gift_certificates"];
    let count = there + lists.iter().map(|list| elements(body.get(*list)).len()).sum::<usize>();
    let (most, whose) = if guest { (GUEST_LINES, "a guest") } else { (LINES, "a customer") };
    if count > most && count - there <= LINES {
        let already = if there == 0 { String::new() } else { format!(" ({there} are in it already)") };
        errors.push(at, format!("the cart of {whose} can have at most {most} items{already}"));
    }
}

static CHANGED_ITEM: Object = Object {
    name: "ChangedItem",
    about: "The change. BigCommerce changes the quantity and the price of catalog items only.",
    fields: &[
        opt("quantity", QUANTITY, ""),
        opt("list_price", PRICE, "").from(Trust::Price),
        opt("product_id", ID, ""),
        opt("variant_id", ID, ""),
        opt("name", line(1, 250), "").from(Trust::Price),
        opt("gift_wrapping", Shape::Object(&WRAPPING), ""),
        opt("option_selections", Shape::List { of: &Shape::Object(&OPTION_SELECTION), min: 0, max: 100 }, ""),
    ],
    rule: changes_something,
};

fn changes_something(item: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    if !["quantity", "list_price"].iter().any(|field| item.get(*field).is_some_and(|value| !value.is_null()))
    {
        errors.push(at, "must contain quantity or list_price");
    }
}

/// Body of changing an item (BigCommerce: carts.v3, updateCartLineItem).
pub(in crate::http) static UPDATE_ITEM: Object = Object {
    name: "UpdateItem",
    about: "A change of one item.",
    fields: &[req("line_item", Shape::Object(&CHANGED_ITEM), "")],
    rule: no_rule,
};

/// A coupon code.
pub(super) const COUPON_CODE: Shape = line(1, 50);

/// Body of applying a coupon.
pub(in crate::http) static COUPON: Object = Object {
    name: "Coupon",
    about: "A coupon to apply.",
    fields: &[req("coupon_code", COUPON_CODE, "")],
    rule: no_rule,
};

/// A message from the shopper to the merchant.
pub(super) const MESSAGE: Shape = Shape::Text { min: 0, max: 2000, like: Like::Lines };

/// Body of the message to the merchant.
pub(in crate::http) static CUSTOMER_MESSAGE: Object = Object {
    name: "CustomerMessage",
    about: "The shopper's message to the merchant.",
    fields: &[req("customer_message", MESSAGE, "At most 2000 characters; empty to remove it.")],
    rule: no_rule,
};

/// Checks and takes items to add to a cart that holds `there` of them already.
pub(in crate::http) fn add_items(body: &Value, there: usize, guest: bool) -> Checked<Map<String, Value>> {
    checked_by(|at, errors| {
        ADD_ITEMS.check(body, at, errors);
        if let Some(items) = body.as_object() {
            fits_the_cart(items, there, guest, at, errors);
        }
    })?;
    Ok(fields(body))
}

/// Checks and takes a change of one item.
pub(in crate::http) fn update_item(body: &Value) -> Checked<Map<String, Value>> {
    checked(&UPDATE_ITEM, body)?;
    Ok(fields(body))
}

/// Checks and takes a coupon code.
pub(in crate::http) fn coupon_code(body: &Value) -> Checked<String> {
    checked(&COUPON, body)?;
    Ok(text(body, "coupon_code").unwrap_or_default())
}

/// Checks and takes a message.
pub(in crate::http) fn customer_message(body: &Value) -> Checked<String> {
    checked(&CUSTOMER_MESSAGE, body)?;
    Ok(text(body, "customer_message").unwrap_or_default())
}

/// Whether the part of a path may be the id of a line item.
pub(in crate::http) fn is_item_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether the part of a path may be a coupon code.
pub(in crate::http) fn is_coupon_code(text: &str) -> bool {
    (1..=50).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
