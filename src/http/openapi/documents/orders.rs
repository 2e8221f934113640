//! BigCommerce's documents about orders.

use crate::http::openapi::documents::described::Described;
use crate::http::openapi::documents::described::Kind::{Amount, Flag, Id, List, Lists, Number, Text, Word};

pub(crate) static ORDER: Described = Described {
    name: "OperatorOrder",
    about: "An order (BigCommerce: orders.v2).",
    fields: &[
        ("id", Id, ""),
        ("status_id", Id, "docs/order-statuses.md explains them."),
        ("status", Text, ""),
        ("payment_status", Text, "What really happened to the money."),
        ("total_inc_tax", Amount, ""),
        ("total_ex_tax", Amount, ""),
        ("refunded_amount", Amount, ""),
        ("default_currency_code", Text, ""),
        ("date_created", Text, ""),
        ("is_deleted", Flag, ""),
    ],
};

pub(crate) static ORDER_PRODUCT: Described = Described {
    name: "OrderProductShown",
    about: "A product of an order.",
    fields: &[
        ("id", Id, "`order_product_id` of shipments, `item_id` of refunds."),
        ("order_address_id", Number, ""),
        ("name", Text, ""),
        ("quantity", Number, ""),
        ("quantity_shipped", Number, ""),
        ("quantity_refunded", Number, ""),
        ("total_inc_tax", Amount, ""),
    ],
};

pub(crate) static SHIPPING_ADDRESS: Described = Described {
    name: "OrderShippingAddressShown",
    about: "A shipping address of an order.",
    fields: &[
        ("id", Id, "`order_address_id` of shipments."),
        ("first_name", Text, ""),
        ("last_name", Text, ""),
        ("city", Text, ""),
        ("country_iso2", Text, ""),
        ("shipping_method", Text, ""),
    ],
};

pub(crate) static SHIPPING_QUOTE: Described = Described {
    name: "ShippingQuote",
    about: "A stored shipping quote.",
    fields: &[("id", Id, ""), ("shipping_provider_id", Text, "")],
};

pub(crate) static ORDER_TAX: Described = Described {
    name: "OrderTax",
    about: "A tax of an order.",
    fields: &[
        ("id", Id, ""),
        ("order_address_id", Number, ""),
        ("name", Text, "`API Tax Override`: made by a tax service."),
        ("rate", Number, ""),
        ("priority_amount", Amount, ""),
        ("line_amount", Amount, ""),
    ],
};

pub(crate) static TRANSACTION: Described = Described {
    name: "Transaction",
    about: "A transaction of an order.",
    fields: &[
        ("id", Id, ""),
        ("event", Text, "`purchase`, `authorization`, `capture`, `refund`, `void`, `pending` or `settled`."),
        ("status", Text, ""),
        ("amount", Amount, ""),
        ("currency", Text, ""),
        ("payment_method_id", Text, ""),
    ],
};

pub(crate) static ORDER_COUPON: Described = Described {
    name: "OrderCoupon",
    about: "A coupon of an order.",
    fields: &[("id", Id, ""), ("code", Text, ""), ("amount", Amount, ""), ("discount", Amount, "")],
};

pub(crate) static SHIPMENT: Described = Described {
    name: "Shipment",
    about: "A shipment of an order.",
    fields: &[
        ("id", Id, ""),
        ("order_address_id", Number, ""),
        ("tracking_number", Text, ""),
        ("shipping_provider", Text, ""),
        ("items", List(&SHIPMENT_ITEM), ""),
    ],
};

pub(crate) static SHIPMENT_ITEM: Described = Described {
    name: "ShipmentItem",
    about: "A product that was sent.",
    fields: &[("order_product_id", Id, ""), ("quantity", Number, "")],
};

pub(crate) static REFUND_QUOTE: Described = Described {
    name: "RefundQuote",
    about: "What a refund would be.",
    fields: &[
        ("total_refund_amount", Amount, ""),
        ("total_refund_tax_amount", Amount, ""),
        ("refund_methods", Lists(&REFUND_METHOD), "Each is a list of payments that together pay it back."),
    ],
};

pub(crate) static REFUND_METHOD: Described = Described {
    name: "RefundMethod",
    about: "One payment of a refund method.",
    fields: &[
        ("provider_id", Text, ""),
        ("provider_description", Text, ""),
        ("amount", Amount, ""),
        ("offline", Flag, ""),
    ],
};

pub(crate) static REFUND: Described = Described {
    name: "Refund",
    about: "A refund.",
    fields: &[
        ("id", Id, ""),
        ("order_id", Number, ""),
        ("total_amount", Amount, ""),
        ("created", Text, ""),
        ("items", List(&REFUND_ITEM), ""),
        ("payments", List(&REFUND_PAYMENT), ""),
    ],
};

pub(crate) static REFUND_ITEM: Described = Described {
    name: "RefundItem",
    about: "What was refunded.",
    fields: &[
        ("item_type", Text, ""),
        ("item_id", Number, ""),
        ("quantity", Number, ""),
        ("requested_amount", Amount, ""),
        (
            "reason",
            Text,
            "Ends with the id of the action in brackets, if it was requested through this \
            service.",
        ),
    ],
};

pub(crate) static REFUND_PAYMENT: Described = Described {
    name: "RefundPayment",
    about: "How it was paid back.",
    fields: &[
        ("provider_id", Text, ""),
        ("amount", Amount, ""),
        ("offline", Flag, ""),
        ("is_declined", Flag, ""),
        ("declined_message", Text, ""),
    ],
};

pub(crate) static ORDER_STATUS: Described = Described {
    name: "OrderStatus",
    about: "A status of orders.",
    fields: &[
        ("id", Id, ""),
        ("name", Text, ""),
        ("system_label", Text, ""),
        ("custom_label", Text, "The store's own."),
        (
            "kind",
            Word(&["paid", "unpaid", "refunded"]),
            "What it means to tax documents; null for a status that is not known here.",
        ),
    ],
};

pub(crate) static CUSTOMER: Described = Described {
    name: "Customer",
    about: "A customer.",
    fields: &[("id", Id, ""), ("email", Text, ""), ("first_name", Text, ""), ("last_name", Text, "")],
};

pub(crate) static VARIANT: Described = Described {
    name: "Variant",
    about: "A variant of a product.",
    fields: &[
        ("id", Id, ""),
        ("product_id", Number, ""),
        ("sku", Text, ""),
        ("calculated_price", Amount, ""),
        ("option_values", List(&OPTION_VALUE), ""),
    ],
};

pub(crate) static OPTION_VALUE: Described = Described {
    name: "OptionValue",
    about: "A choice that makes a variant.",
    fields: &[
        ("id", Id, "`product_options[].value` of a direct order."),
        ("option_id", Id, "`product_options[].id` of a direct order."),
        ("label", Text, ""),
        ("option_display_name", Text, ""),
    ],
};
