//! Schemas of request bodies, by the shapes that check them.

use std::borrow::Cow;

use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::openapi::schema::Named;
use crate::http::request::shape::Shape;
use crate::http::validate;

macro_rules! bodies {
    ($($name:ident = $shape:expr;)+) => {$(
        /// See its shape.
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let shape: Shape = $shape;
                match &shape {
                    Shape::Object(object) => object.inline(&mut Named::new()),
                    other => other.schema(&mut Named::new()),
                }
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                let shape: Shape = $shape;
                match &shape {
                    Shape::Object(object) => Cow::Borrowed(object.name),
                    _ => Cow::Borrowed(stringify!($name)),
                }
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                let mut named = Named::new();
                let shape: Shape = $shape;
                shape.schema(&mut named);
                schemas.extend(named);
            }
        }
    )+};
}

bodies! {
    NewCheckout = Shape::Object(&validate::NEW_CHECKOUT);
    BillingAddress = Shape::Object(&validate::BILLING);
    Consignments = validate::CONSIGNMENTS;
    ShippingOptions = validate::OPTIONS;
    AddItems = Shape::Object(&validate::ADD_ITEMS);
    UpdateItem = Shape::Object(&validate::UPDATE_ITEM);
    Coupon = Shape::Object(&validate::COUPON);
    CustomerMessage = Shape::Object(&validate::CUSTOMER_MESSAGE);
    Order = Shape::Object(&validate::ORDER);
    Nothing = Shape::Object(&validate::NOTHING);
    Complete = Shape::Object(&validate::COMPLETE);
    DirectOrder = Shape::Object(&validate::DIRECT_ORDER);
    Action = Shape::Object(&validate::ACTION);
    Cancel = Shape::Object(&validate::CANCEL);
    Close = Shape::Object(&validate::CLOSE);
    Resolve = Shape::Object(&validate::RESOLVE);
    Bulk = Shape::Object(&validate::BULK);
    ChangeOrder = Shape::Object(&validate::CHANGE_ORDER);
    Shipment = Shape::Object(&validate::SHIPMENT);
    RefundQuote = Shape::Object(&validate::REFUND_QUOTE);
    Refund = Shape::Object(&validate::REFUND);
    Money = Shape::Object(&validate::MONEY);
}

/// A payment: ours, BigCommerce's own body, or none where nothing is due.
pub(crate) struct Payment;

impl Payment {
    fn build(named: &mut Named) -> RefOr<Schema> {
        let all =
            [&validate::PAYMENT, &validate::WRAPPED, &validate::FREE].map(|object| object.reference(named));
        all.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

impl PartialSchema for Payment {
    fn schema() -> RefOr<Schema> {
        Self::build(&mut Named::new())
    }
}

impl ToSchema for Payment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PaymentBody")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let mut named = Named::new();
        Self::build(&mut named);
        schemas.extend(named);
    }
}
