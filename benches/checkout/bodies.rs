//! What shoppers send: two products, one address, the stored card of a customer. The same to the program and, as far as it is the same
//! call, to the upstream.

macro_rules! address {
    () => {
        r#"{"first_name":"Jane","last_name":"Doe","email":"jane@example.com","address1":"123 Main Street","address2":"","city":"Austin","state_or_province":"Texas","state_or_province_code":"TX","country_code":"US","postal_code":"78751","phone":"5125550123"}"#
    };
}

macro_rules! items {
    () => {
        r#""line_items":[{"quantity":2,"product_id":230,"variant_id":358},{"quantity":1,"product_id":251,"variant_id":402}]"#
    };
}

macro_rules! payment {
    () => {
        r#""payment_method_id":"stripe.card","instrument":{"type":"stored_card","token":"fc8f2e0f4fcb4c3ea4dfb4c0d7b4e3c1fc8f2e0f4fcb4c3ea4dfb4c0d7b4e3c1"}"#
    };
}

/// Everything but the payment.
pub(crate) const EVERYTHING: &str = concat!(
    r#"{"customer_id":1,"#,
    items!(),
    r#","billing_address":"#,
    address!(),
    r#","consignments":[{"address":"#,
    address!(),
    r#"}],"shipping_preference":"cheapest"}"#
);
/// The rest of it.
pub(crate) const COMPLETE: &str = concat!(r#"{"agreed_total":148.59,"payment":{"#, payment!(), "}}");

/// A cart.
pub(crate) const CART: &str = concat!(r#"{"customer_id":1,"#, items!(), "}");
/// A billing address.
pub(crate) const ADDRESS: &str = address!();
/// All items to one address.
pub(crate) const CONSIGNMENTS: &str = concat!(r#"[{"address":"#, address!(), "}]");
/// An order of what is in the cart.
pub(crate) const ORDER: &str = r#"{"agreed_total":148.59}"#;
/// A payment.
pub(crate) const PAYMENT: &str = concat!(r#"{"agreed_total":148.59,"#, payment!(), "}");

/// A payment as BigCommerce wants it.
pub(crate) const UPSTREAM_PAYMENT: &str = concat!(r#"{"payment":{"#, payment!(), "}}");
