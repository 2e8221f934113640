//! What BigCommerce calls its calls. The test with Prism holds them against BigCommerce's own documents.

/// The simulator's name of a call, and the title of the operation in BigCommerce's documents.
pub(crate) const NAMES: &[(&str, &str)] = &[
    ("create-cart", "Create a Cart"),
    ("delete-cart", "Delete a Cart"),
    ("add-cart-items", "Add Cart Line Items"),
    ("update-cart-item", "Update Cart Line Item"),
    ("delete-cart-item", "Delete Cart Line Item"),
    ("create-redirect-urls", "Create Cart Redirect URL"),
    ("get-checkout", "Get a Checkout"),
    ("update-checkout", "Update Customer Messages"),
    ("add-billing-address", "Add Checkout Billing Address"),
    ("update-billing-address", "Update Checkout Billing Address"),
    ("add-consignments", "Add Consignment to Checkout"),
    ("update-consignment", "Update Checkout Consignment"),
    ("delete-consignment", "Delete Checkout Consignment"),
    ("add-coupon", "Add Coupon to Checkout"),
    ("delete-coupon", "Delete Checkout Coupon"),
    ("create-order", "Create an Order"),
    ("create-order-v2", "Create an Order"),
    ("get-order", "Get an Order"),
    ("update-order", "Update an Order"),
    ("archive-order", "Archive an Order"),
    ("list-orders", "Get All Orders"),
    ("list-order-products", "List Order Products"),
    ("list-order-shipping-addresses", "Get Order Shipping Addresses"),
    ("list-order-shipping-quotes", "Get Order Shipping Quotes"),
    ("list-order-taxes", "Get All Order Taxes"),
    ("list-order-coupons", "List Order Coupons"),
    ("list-order-statuses", "Get All Order Statuses"),
    ("list-shipments", "Get Order Shipments"),
    ("create-shipment", "Create Order Shipment"),
    ("list-transactions", "Get Transactions"),
    ("refund-quote", "Create a Refund Quote"),
    ("refund", "Create a Refund"),
    ("list-refunds", "Get Refunds for Order"),
    ("capture", "Capture order payment"),
    ("void", "Void"),
    ("get-payment-methods", "Get Accepted Payment Methods"),
    ("create-access-token", "Create Payment Access Token"),
    ("process-payment", "Process Payments"),
    ("get-customers", "Get All Customers"),
    ("list-variants", "Get all product variants"),
    ("list-hooks", "Get Webhooks"),
    ("create-hook", "Create a Webhook"),
    ("update-hook", "Update a Webhook"),
];

/// The title of a call.
#[track_caller]
pub(super) fn of(call: &str) -> &'static str {
    let found = NAMES.iter().find(|(known, _)| *known == call);
    found.unwrap_or_else(|| panic!("{call} has no name in names.rs")).1
}
