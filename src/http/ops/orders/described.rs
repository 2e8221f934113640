//! Schemas of the answers about orders. BigCommerce's documents are passed on as they are: what is described here is what
//! can be relied on, and there is more.

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use uuid::Uuid;

/// An amount or a number: text in V2, a number in V3.
fn amount() -> RefOr<Schema> {
    let types = SchemaType::from_iter([Type::String, Type::Number, Type::Null]);
    ObjectBuilder::new().schema_type(types).into()
}

/// An id, which some of BigCommerce's documents write as text.
fn id() -> RefOr<Schema> {
    let types = SchemaType::from_iter([Type::Integer, Type::String]);
    ObjectBuilder::new().schema_type(types).into()
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident of $row:ident;)+) => {$(
        $(#[$doc])*
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "it describes an answer that is passed on as it is")]
        pub(super) struct $name { data: Vec<$row> }
    )+};
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $row:ident;)+) => {$(
        $(#[$doc])*
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "it describes an answer that is passed on as it is")]
        pub(super) struct $name {
            data: Vec<$row>,
            /// Null on the last page.
            next_page: Option<u32>,
        }
    )+};
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
}

pages! {
    /// Orders.
    Orders of Order;
    /// Customers.
    Customers of Customer;
    /// The variants of a product.
    Variants of Variant;
}

macro_rules! documents {
    ($($(#[$doc:meta])* $name:ident as $shown:ident {
        $($(#[$about:meta])* $field:ident: $type:ty $(= $schema:ident)?),+ $(,)?
    })+) => {$(
        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(as = $shown)]
        #[expect(dead_code, reason = "it describes an answer that is passed on as it is")]
        pub(super) struct $name { $($(#[$about])* $(#[schema(schema_with = $schema, required = false)])? $field: $type),+ }
    )+};
}

documents! {
    /// An order (BigCommerce: orders.v2).
    Order as OperatorOrder {
        #[schema(schema_with = id)]
        id: i64,
        /// docs/order-statuses.md explains them.
        #[schema(schema_with = id)]
        status_id: i64,
        status: Option<String>,
        /// What really happened to the money.
        payment_status: Option<String>,
        total_inc_tax: Value = amount,
        total_ex_tax: Value = amount,
        refunded_amount: Value = amount,
        default_currency_code: Option<String>,
        date_created: Option<String>,
        is_deleted: Option<bool>,
    }

    /// A product of an order.
    OrderProduct as OrderProductShown {
        /// `order_product_id` of shipments, `item_id` of refunds.
        #[schema(schema_with = id)]
        id: i64,
        order_address_id: Value = amount,
        name: Option<String>,
        quantity: Value = amount,
        quantity_shipped: Value = amount,
        quantity_refunded: Value = amount,
        total_inc_tax: Value = amount,
    }

    /// A shipping address of an order.
    ShippingAddress as OrderShippingAddressShown {
        /// `order_address_id` of shipments.
        #[schema(schema_with = id)]
        id: i64,
        first_name: Option<String>,
        last_name: Option<String>,
        city: Option<String>,
        country_iso2: Option<String>,
        shipping_method: Option<String>,
    }

    /// A stored shipping quote.
    ShippingQuote as ShippingQuote {
        #[schema(schema_with = id)]
        id: i64,
        shipping_provider_id: Option<String>,
    }

    /// A tax of an order.
    OrderTax as OrderTax {
        #[schema(schema_with = id)]
        id: i64,
        order_address_id: Value = amount,
        /// `API Tax Override`: made by a tax service.
        name: Option<String>,
        rate: Value = amount,
        priority_amount: Value = amount,
        line_amount: Value = amount,
    }

    /// A transaction of an order.
    Transaction as Transaction {
        #[schema(schema_with = id)]
        id: i64,
        /// `purchase`, `authorization`, `capture`, `refund`, `void`, `pending` or `settled`.
        event: Option<String>,
        status: Option<String>,
        amount: Value = amount,
        currency: Option<String>,
        payment_method_id: Option<String>,
    }

    /// A coupon of an order.
    OrderCoupon as OrderCoupon {
        #[schema(schema_with = id)]
        id: i64,
        code: Option<String>,
        amount: Value = amount,
        discount: Value = amount,
    }

    /// A shipment of an order.
    Shipment as Shipment {
        #[schema(schema_with = id)]
        id: i64,
        order_address_id: Value = amount,
        tracking_number: Option<String>,
        shipping_provider: Option<String>,
        items: Option<Vec<ShipmentItem>>,
    }

    /// A product that was sent.
    ShipmentItem as ShipmentItem {
        #[schema(schema_with = id)]
        order_product_id: i64,
        quantity: Value = amount,
    }

    /// What a refund would be.
    RefundQuote as RefundQuote {
        total_refund_amount: Value = amount,
        total_refund_tax_amount: Value = amount,
        /// Each is a list of payments that together pay it back.
        refund_methods: Option<Vec<Vec<RefundMethod>>>,
    }

    /// A part of a way to pay it back.
    RefundMethod as RefundMethod {
        provider_id: Option<String>,
        provider_description: Option<String>,
        amount: Value = amount,
        offline: Option<bool>,
    }

    /// A refund.
    Refund as Refund {
        #[schema(schema_with = id)]
        id: i64,
        order_id: Value = amount,
        total_amount: Value = amount,
        created: Option<String>,
        items: Option<Vec<RefundItem>>,
        payments: Option<Vec<RefundPayment>>,
    }

    /// What was refunded.
    RefundItem as RefundItem {
        item_type: Option<String>,
        item_id: Value = amount,
        quantity: Value = amount,
        requested_amount: Value = amount,
        /// Ends with the id of the action in brackets, where it was asked for here.
        reason: Option<String>,
    }

    /// How it was paid back.
    RefundPayment as RefundPayment {
        provider_id: Option<String>,
        amount: Value = amount,
        offline: Option<bool>,
        is_declined: Option<bool>,
        declined_message: Option<String>,
    }

    /// A status of orders.
    OrderStatus as OrderStatus {
        #[schema(schema_with = id)]
        id: i64,
        name: Option<String>,
        system_label: Option<String>,
        /// The store's own.
        custom_label: Option<String>,
        /// `paid`, `unpaid` or `refunded`: what it means to tax documents; null for a status that is not known here.
        kind: Option<String>,
    }

    /// A customer.
    Customer as Customer {
        #[schema(schema_with = id)]
        id: i64,
        email: Option<String>,
        first_name: Option<String>,
        last_name: Option<String>,
    }

    /// A variant of a product.
    Variant as Variant {
        #[schema(schema_with = id)]
        id: i64,
        product_id: Value = amount,
        sku: Option<String>,
        calculated_price: Value = amount,
        option_values: Option<Vec<OptionValue>>,
    }

    /// A choice that makes a variant.
    OptionValue as OptionValue {
        /// `product_options[].value` of a direct order.
        #[schema(schema_with = id)]
        id: i64,
        /// `product_options[].id` of a direct order.
        #[schema(schema_with = id)]
        option_id: i64,
        label: Option<String>,
        option_display_name: Option<String>,
    }

    /// A capture or a void that BigCommerce took.
    Scheduled as Scheduled {
        order_id: i64,
        /// Such as `capture pending`.
        payment_status: String,
    }

    /// What a move from one status to another does.
    StatusChange as StatusChange {
        from: i64,
        to: i64,
        /// `submitted`, `voided` or `none`.
        tax_document: String,
        effect: String,
    }

    /// An order that was changed: BigCommerce's order, with what the move does.
    ChangedOrder as ChangedOrder {
        #[schema(schema_with = id)]
        id: i64,
        #[schema(schema_with = id)]
        status_id: i64,
        status: Option<String>,
        payment_status: Option<String>,
        /// Null when the status was not asked for.
        status_change: Option<StatusChange>,
    }

    /// A refund, a capture, a void or a shipment that was asked for.
    OrderAction as OrderAction {
        /// Also the key of ours in the reasons of a refund.
        id: Uuid,
        store: String,
        order_id: i64,
        /// `refund`, `capture`, `void` or `shipment`.
        kind: String,
        /// `sending`; `unknown`: it is being found out; `done`; `rejected`: refused for good; `not-done`: it certainly did
        /// not happen, and the same key sends it again.
        status: String,
        /// How often it was sent, at most.
        attempts: i32,
        actor: String,
        reason: String,
        /// The checkout that it cancels.
        checkout_id: Option<Uuid>,
        unknown_since: Option<String>,
        created_at: String,
        updated_at: String,
        /// What BigCommerce answered, or shows.
        #[schema(value_type = Option<Object>)]
        result: Value,
        /// Why it was not done.
        problem: Option<String>,
    }
}

/// Actions on orders.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct OrderActions {
    data: Vec<OrderAction>,
    /// Null on the last page.
    next_cursor: Option<String>,
}
