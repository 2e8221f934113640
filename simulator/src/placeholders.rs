//! How "nothing" is written in carts, checkouts, orders and transactions: as specified, or in one of the ways that nobody
//! rules out (setting `nothing_as`). What has a value is left alone.

use serde_json::{Map, Value, json};

use crate::choices::NothingAs;

/// The members of a checkout address, all as empty texts.
fn address() -> Value {
    let names = [
        "id",
        "first_name",
        "last_name",
        "email",
        "company",
        "address1",
        "address2",
        "city",
        "state_or_province",
        "state_or_province_code",
        "country",
        "country_code",
        "postal_code",
        "phone",
    ];
    let mut out: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), "".into())).collect();
    out.insert("custom_fields".into(), json!([]));
    Value::Object(out)
}

fn shipping_option() -> Value {
    json!({"id": "", "type": "", "description": "", "image_url": "", "cost": "", "transit_time": "", "additional_description": ""})
}

/// Whether a value says nothing.
fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(rows)) => rows.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => number.as_u64() == Some(0),
        Some(Value::Bool(_)) => false,
    }
}

/// Writes one member that says nothing; `full` is its form with empty texts, which stands for an object.
fn write(out: &mut Value, name: &str, how: NothingAs, full: Option<&Value>) {
    if !is_nothing(out.get(name)) {
        return;
    }
    let Some(map) = out.as_object_mut() else { return };
    let written = match (how, full) {
        (NothingAs::Null, _) => Value::Null,
        (NothingAs::Absent, _) => {
            map.remove(name);
            return;
        }
        (NothingAs::Object, Some(_)) => json!({}),
        (NothingAs::Texts, Some(full)) => full.clone(),
        // Lists, texts and numbers have no other form.
        (NothingAs::Specified, _) | (NothingAs::Object | NothingAs::Texts, None) => return,
    };
    map.insert(name.to_owned(), written);
}

fn write_all(out: &mut Value, names: &[&str], how: NothingAs) {
    for name in names {
        write(out, name, how, None);
    }
}

fn items(out: &mut Value, how: NothingAs) {
    write_all(out, &["physical_items", "digital_items", "gift_certificates", "custom_items"], how);
    for rows in out.as_object_mut().into_iter().flat_map(Map::values_mut) {
        for row in rows.as_array_mut().into_iter().flatten() {
            write_all(
                row,
                &["discounts", "coupons", "options", "sku", "image_url", "parent_id", "gift_wrapping"],
                how,
            );
        }
    }
}

/// A cart, alone or inside of a checkout.
pub(crate) fn cart(out: &mut Value, how: NothingAs) {
    write_all(out, &["customer_id", "email", "coupons", "discounts"], how);
    if let Some(lines) = out.get_mut("line_items") {
        items(lines, how);
    }
}

/// A checkout.
pub(crate) fn checkout(out: &mut Value, how: NothingAs) {
    write(out, "billing_address", how, Some(&address()));
    for one in out.get_mut("consignments").and_then(Value::as_array_mut).into_iter().flatten() {
        write(one, "selected_shipping_option", how, Some(&shipping_option()));
        write(one, "selected_pickup_option", how, Some(&json!({"pickup_method_id": ""})));
        write_all(one, &["coupon_discounts", "discounts", "available_shipping_options"], how);
    }
    write_all(
        out,
        &["consignments", "taxes", "coupons", "fees", "order_id", "customer_message", "promotions"],
        how,
    );
    if let Some(inner) = out.get_mut("cart") {
        cart(inner, how);
    }
}

/// An order of V2.
pub(crate) fn order(out: &mut Value, how: NothingAs) {
    let names = [
        "payment_status",
        "external_order_id",
        "cart_id",
        "customer_message",
        "staff_notes",
        "payment_method",
        "payment_provider_id",
        "date_shipped",
        "fees",
        "customer_id",
        "external_source",
        "external_id",
    ];
    write_all(out, &names, how);
}

/// A transaction.
pub(crate) fn transaction(out: &mut Value, how: NothingAs) {
    for name in ["credit_card", "gift_certificate", "store_credit", "offline", "custom"] {
        write(out, name, how, Some(&json!({})));
    }
    write_all(out, &["reference_transaction_id", "payment_instrument_token"], how);
}
