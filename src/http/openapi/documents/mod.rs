//! BigCommerce's documents, which are passed on unchanged. The schemas describe what can be relied on; a document contains
//! more.
//!
//! Reading order: [`described`] is how a document is described, [`orders`] and [`checkouts`] describe each; the types are here.

mod checkouts;
mod described;
mod orders;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AnyOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::json::Fields;
use crate::ops::orders::Kind;
use crate::saga;
use crate::schema::typed;

macro_rules! describe {
    ($name:ty = $described:path) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $described.schema()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($described.name)
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $described.parts(schemas);
            }
        }
    };
}

macro_rules! documents {
    ($($(#[$doc:meta])* $name:ident = $described:path;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) Value);

        describe!($name = $described);
    )+};
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident of $row:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub(crate) struct $name { data: Vec<$row> }

        impl From<Vec<Value>> for $name {
            fn from(rows: Vec<Value>) -> Self {
                Self { data: rows.into_iter().map($row).collect() }
            }
        }
    )+};
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $row:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub(crate) struct $name {
            data: Vec<$row>,
            /// Null on the last page.
            next_page: Option<u32>,
        }

        impl From<(Vec<Value>, Option<u32>)> for $name {
            fn from((rows, next_page): (Vec<Value>, Option<u32>)) -> Self {
                Self { data: rows.into_iter().map($row).collect(), next_page }
            }
        }
    )+};
}

documents! {
    /// An order.
    Order = orders::ORDER;
    /// A product of an order.
    OrderProduct = orders::ORDER_PRODUCT;
    /// A shipping address of an order.
    ShippingAddress = orders::SHIPPING_ADDRESS;
    /// A stored shipping quote.
    ShippingQuote = orders::SHIPPING_QUOTE;
    /// A tax of an order.
    OrderTax = orders::ORDER_TAX;
    /// A transaction of an order.
    Transaction = orders::TRANSACTION;
    /// A coupon of an order.
    OrderCoupon = orders::ORDER_COUPON;
    /// A shipment of an order.
    Shipment = orders::SHIPMENT;
    /// What a refund would be.
    RefundQuote = orders::REFUND_QUOTE;
    /// A refund.
    Refund = orders::REFUND;
    /// A status of orders.
    OrderStatus = orders::ORDER_STATUS;
    /// A customer.
    Customer = orders::CUSTOMER;
    /// A variant of a product.
    Variant = orders::VARIANT;
    /// A payment method.
    PaymentMethod = checkouts::PAYMENT_METHOD;
}

lists! {
    /// The products of an order.
    OrderProducts of OrderProduct;
    /// The shipping addresses of an order.
    ShippingAddresses of ShippingAddress;
    /// The stored shipping quotes of an address.
    ShippingQuotes of ShippingQuote;
    /// The taxes of an order.
    OrderTaxes of OrderTax;
    /// The transactions of an order.
    Transactions of Transaction;
    /// The coupons of an order.
    OrderCoupons of OrderCoupon;
    /// The shipments of an order.
    Shipments of Shipment;
    /// The refunds of an order.
    Refunds of Refund;
    /// The statuses of orders.
    OrderStatuses of OrderStatus;
    /// BigCommerce's accepted payment methods.
    PaymentMethods of PaymentMethod;
}

pages! {
    /// Orders.
    Orders of Order;
    /// Customers.
    Customers of Customer;
    /// The variants of a product.
    Variants of Variant;
}

/// A capture or a void that BigCommerce accepted.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Scheduled(pub(crate) Value);

impl PartialSchema for Scheduled {
    fn schema() -> RefOr<Schema> {
        let status = typed(Type::String).description(Some("Such as `capture pending`."));
        typed(Type::Object)
            .description(Some("A capture or a void that BigCommerce accepted."))
            .property("order_id", i64::schema())
            .required("order_id")
            .property("payment_status", status)
            .required("payment_status")
            .into()
    }
}

impl ToSchema for Scheduled {}

/// What BigCommerce made of an action.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Made {
    Refund(Refund),
    Scheduled(Scheduled),
    Shipment(Shipment),
}

impl Made {
    /// What BigCommerce answered to it.
    pub(crate) fn by(kind: Kind, body: Value) -> Self {
        match kind {
            Kind::Refund => Self::Refund(Refund(body)),
            Kind::Capture | Kind::Void => Self::Scheduled(Scheduled(body)),
            Kind::Shipment => Self::Shipment(Shipment(body)),
        }
    }
}

impl PartialSchema for Made {
    fn schema() -> RefOr<Schema> {
        let all = [
            orders::REFUND.reference(),
            Ref::from_schema_name("Scheduled").into(),
            orders::SHIPMENT.reference(),
        ];
        let any = AnyOfBuilder::new().description(Some("What BigCommerce answered, or shows."));
        all.into_iter().fold(any, AnyOfBuilder::item).into()
    }
}

impl ToSchema for Made {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OrderActionResult")
    }
}

/// The order and everything that belongs to it, in BigCommerce's shapes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Confirmation {
    order: Order,
    products: Vec<OrderProduct>,
    shipping_addresses: Vec<ShippingAddress>,
    taxes: Vec<OrderTax>,
    coupons: Vec<OrderCoupon>,
    transactions: Vec<Transaction>,
    shipments: Vec<Shipment>,
}

impl From<saga::Confirmation> for Confirmation {
    fn from(read: saga::Confirmation) -> Self {
        Self {
            order: Order(read.order),
            products: read.products.into_iter().map(OrderProduct).collect(),
            shipping_addresses: read.shipping_addresses.into_iter().map(ShippingAddress).collect(),
            taxes: read.taxes.into_iter().map(OrderTax).collect(),
            coupons: read.coupons.into_iter().map(OrderCoupon).collect(),
            transactions: read.transactions.into_iter().map(Transaction).collect(),
            shipments: read.shipments.into_iter().map(Shipment).collect(),
        }
    }
}

/// The cart inside of BigCommerce's checkout object.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Cart<'a>(pub(crate) &'a RawValue);

describe!(Cart<'_> = checkouts::CART);

/// An address as BigCommerce wrote it, or as it was given.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Address<'a> {
    Answered(&'a RawValue),
    Given(&'a Map<String, Value>),
}

describe!(Address<'_> = checkouts::ADDRESS);

/// A consignment with the fields that a storefront relies on.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Consignment<'a>(pub(crate) Fields<'a>);

describe!(Consignment<'_> = checkouts::CONSIGNMENT);
