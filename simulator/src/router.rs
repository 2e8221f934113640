//! The routes: method, path, stable name of the call, handler. The names are what faults and logs speak of.

use std::sync::LazyLock;

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::answer::Reply;
use crate::call::Visit;
use crate::{
    carts, checkout_orders, checkouts, consignments, customers, direct_orders, metafields, methods,
    order_parts, orders_v2, orders_v3, payments, refunds, shipments, shop, statuses, token, webhooks,
};

/// A handler: sees one call and changes one store.
pub(crate) type Handler = fn(&mut Visit<'_>) -> Reply;

/// One route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// Below `/stores/{hash}`; parameters start with a colon.
    pub(crate) path: &'static str,
    pub(crate) run: Handler,
}

/// Which shape errors have and which lane a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V2,
    V3,
    /// Payments host.
    Payments,
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Target {
    Found { route: &'static Route, params: Vec<String> },
    WrongMethod,
    Unknown,
}

const fn route(name: &'static str, method: &'static str, path: &'static str, run: Handler) -> Route {
    Route { name, method, path, run }
}

/// Every route; literal segments stand before parameters.
pub(crate) const ROUTES: &[Route] = &[
    route("create-cart", "POST", "/v3/carts", carts::create),
    route("get-cart", "GET", "/v3/carts/:id", carts::get),
    route("update-cart", "PUT", "/v3/carts/:id", carts::update),
    route("delete-cart", "DELETE", "/v3/carts/:id", carts::delete),
    route("add-cart-items", "POST", "/v3/carts/:id/items", carts::add_items),
    route("update-cart-item", "PUT", "/v3/carts/:id/items/:item", carts::update_item),
    route("delete-cart-item", "DELETE", "/v3/carts/:id/items/:item", carts::delete_item),
    route("create-redirect-urls", "POST", "/v3/carts/:id/redirect_urls", carts::create_redirect_urls),
    route("list-cart-metafields", "GET", "/v3/carts/:id/metafields", metafields::list_cart),
    route("create-cart-metafield", "POST", "/v3/carts/:id/metafields", metafields::create_cart),
    route("get-cart-metafield", "GET", "/v3/carts/:id/metafields/:field", metafields::get_cart),
    route("update-cart-metafield", "PUT", "/v3/carts/:id/metafields/:field", metafields::update_cart),
    route("delete-cart-metafield", "DELETE", "/v3/carts/:id/metafields/:field", metafields::delete_cart),
    route("get-checkout", "GET", "/v3/checkouts/:id", checkouts::get),
    route("update-checkout", "PUT", "/v3/checkouts/:id", checkouts::update),
    route("add-billing-address", "POST", "/v3/checkouts/:id/billing-address", checkouts::add_billing_address),
    route(
        "update-billing-address",
        "PUT",
        "/v3/checkouts/:id/billing-address/:address",
        checkouts::update_billing_address,
    ),
    route("add-consignments", "POST", "/v3/checkouts/:id/consignments", consignments::add),
    route("update-consignment", "PUT", "/v3/checkouts/:id/consignments/:consignment", consignments::update),
    route(
        "delete-consignment",
        "DELETE",
        "/v3/checkouts/:id/consignments/:consignment",
        consignments::delete,
    ),
    route("add-coupon", "POST", "/v3/checkouts/:id/coupons", checkouts::add_coupon),
    route("delete-coupon", "DELETE", "/v3/checkouts/:id/coupons/:code", checkouts::delete_coupon),
    route("set-discounts", "POST", "/v3/checkouts/:id/discounts", checkouts::set_discounts),
    route("add-fees", "POST", "/v3/checkouts/:id/fees", checkouts::add_fees),
    route("update-fees", "PUT", "/v3/checkouts/:id/fees", checkouts::update_fees),
    route("delete-fees", "DELETE", "/v3/checkouts/:id/fees", checkouts::delete_fees),
    route("create-checkout-token", "POST", "/v3/checkouts/:id/token", checkouts::create_token),
    route("create-order", "POST", "/v3/checkouts/:id/orders", checkout_orders::create),
    route("get-payment-methods", "GET", "/v3/payments/methods", methods::list),
    route("create-access-token", "POST", "/v3/payments/access_tokens", token::create),
    route("process-payment", "POST", "/payments", payments::process),
    route("list-orders", "GET", "/v2/orders", orders_v2::list),
    route("create-order-v2", "POST", "/v2/orders", direct_orders::create),
    route("archive-all-orders", "DELETE", "/v2/orders", orders_v2::archive_all),
    route("count-orders", "GET", "/v2/orders/count", orders_v2::count),
    route("get-order", "GET", "/v2/orders/:id", orders_v2::get),
    route("update-order", "PUT", "/v2/orders/:id", orders_v2::update),
    route("archive-order", "DELETE", "/v2/orders/:id", orders_v2::archive),
    route("list-order-products", "GET", "/v2/orders/:id/products", order_parts::products),
    route("get-order-product", "GET", "/v2/orders/:id/products/:product", order_parts::one_product),
    route(
        "list-order-shipping-addresses",
        "GET",
        "/v2/orders/:id/shipping_addresses",
        order_parts::shipping_addresses,
    ),
    route(
        "get-order-shipping-address",
        "GET",
        "/v2/orders/:id/shipping_addresses/:address",
        order_parts::one_shipping_address,
    ),
    route(
        "list-order-shipping-quotes",
        "GET",
        "/v2/orders/:id/shipping_addresses/:address/shipping_quotes",
        order_parts::shipping_quotes,
    ),
    route("list-order-taxes", "GET", "/v2/orders/:id/taxes", order_parts::taxes),
    route("list-order-coupons", "GET", "/v2/orders/:id/coupons", order_parts::coupons),
    route("list-order-fees", "GET", "/v2/orders/:id/fees", order_parts::fees),
    route("list-order-messages", "GET", "/v2/orders/:id/messages", order_parts::messages),
    route("list-order-consignments", "GET", "/v2/orders/:id/consignments", order_parts::consignments),
    route("list-shipments", "GET", "/v2/orders/:id/shipments", shipments::list),
    route("create-shipment", "POST", "/v2/orders/:id/shipments", shipments::create),
    route("delete-shipments", "DELETE", "/v2/orders/:id/shipments", shipments::delete_all),
    route("count-shipments", "GET", "/v2/orders/:id/shipments/count", shipments::count),
    route("get-shipment", "GET", "/v2/orders/:id/shipments/:shipment", shipments::get),
    route("update-shipment", "PUT", "/v2/orders/:id/shipments/:shipment", shipments::update),
    route("delete-shipment", "DELETE", "/v2/orders/:id/shipments/:shipment", shipments::delete),
    route("list-order-statuses", "GET", "/v2/order_statuses", statuses::list),
    route("get-order-status", "GET", "/v2/order_statuses/:id", statuses::get),
    route("list-all-refunds", "GET", "/v3/orders/payment_actions/refunds", refunds::list_all),
    route("get-refund", "GET", "/v3/orders/payment_actions/refunds/:refund", refunds::get),
    route("list-transactions", "GET", "/v3/orders/:id/transactions", orders_v3::transactions),
    route("capture", "POST", "/v3/orders/:id/payment_actions/capture", orders_v3::capture),
    route("void", "POST", "/v3/orders/:id/payment_actions/void", orders_v3::void),
    route("refund-quote", "POST", "/v3/orders/:id/payment_actions/refund_quotes", refunds::quote),
    route("refund", "POST", "/v3/orders/:id/payment_actions/refunds", refunds::create),
    route("list-refunds", "GET", "/v3/orders/:id/payment_actions/refunds", refunds::list),
    route("list-order-metafields", "GET", "/v3/orders/:id/metafields", metafields::list_order),
    route("create-order-metafield", "POST", "/v3/orders/:id/metafields", metafields::create_order),
    route("get-order-metafield", "GET", "/v3/orders/:id/metafields/:field", metafields::get_order),
    route("update-order-metafield", "PUT", "/v3/orders/:id/metafields/:field", metafields::update_order),
    route("delete-order-metafield", "DELETE", "/v3/orders/:id/metafields/:field", metafields::delete_order),
    route("get-customers", "GET", "/v3/customers", customers::list),
    route(
        "get-stored-instruments",
        "GET",
        "/v3/customers/:id/stored-instruments",
        customers::stored_instruments,
    ),
    route("list-variants", "GET", "/v3/catalog/products/:id/variants", shop::variants),
    route("get-variant", "GET", "/v3/catalog/products/:id/variants/:variant", shop::variant),
    route("update-variant", "PUT", "/v3/catalog/products/:id/variants/:variant", shop::update_variant),
    route("get-store", "GET", "/v2/store", shop::information),
    route("get-time", "GET", "/v2/time", shop::time),
    route("create-hook", "POST", "/v3/hooks", webhooks::create),
    route("list-hooks", "GET", "/v3/hooks", webhooks::list),
    route("get-hook", "GET", "/v3/hooks/:id", webhooks::get),
    route("update-hook", "PUT", "/v3/hooks/:id", webhooks::update),
    route("delete-hook", "DELETE", "/v3/hooks/:id", webhooks::delete),
];

/// The names of all calls, in the order of the routes.
pub static CALLS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| ROUTES.iter().map(|route| route.name).collect());

/// Splits `/stores/{hash}/...` into the hash and the rest.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    let (hash, rest) = path.strip_prefix("/stores/")?.split_once('/')?;
    let rest = path.get(path.len() - rest.len() - 1..)?;
    (!hash.is_empty() && hash.len() <= 64).then_some((hash, rest))
}

/// The family of a path below the store.
pub(crate) fn family(rest: &str) -> Family {
    if rest.starts_with("/v2/") {
        Family::V2
    } else if rest == "/payments" {
        Family::Payments
    } else {
        Family::V3
    }
}

/// Finds the route of a path below the store.
pub(crate) fn find(method: &Method, rest: &str) -> Target {
    let mut target = Target::Unknown;
    for route in ROUTES {
        let Some(params) = matches(route.path, rest) else { continue };
        if route.method == method.as_str() {
            return Target::Found { route, params };
        }
        target = Target::WrongMethod;
    }
    target
}

fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut params = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(name), Some(value)) if name.starts_with(':') && !value.is_empty() => {
                params.push(percent_decode_str(value).decode_utf8_lossy().into_owned());
            }
            (Some(name), Some(value)) if name == value => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(method: &Method, path: &str) -> Option<(&'static str, Vec<String>)> {
        match find(method, path) {
            Target::Found { route, params } => Some((route.name, params)),
            _ => None,
        }
    }

    #[test]
    fn literals_win_over_parameters() {
        assert_eq!(name(&Method::GET, "/v2/orders/count").map(|found| found.0), Some("count-orders"));
        assert_eq!(name(&Method::GET, "/v2/orders/7"), Some(("get-order", vec!["7".to_owned()])));
        let refund = name(&Method::GET, "/v3/orders/payment_actions/refunds/3");
        assert_eq!(refund, Some(("get-refund", vec!["3".to_owned()])));
        assert!(matches!(find(&Method::PATCH, "/v2/orders/7"), Target::WrongMethod));
        assert!(matches!(find(&Method::GET, "/v2//orders"), Target::Unknown));
    }

    #[test]
    fn names_are_unique() {
        let names: HashSet<&str> = CALLS.iter().copied().collect();
        assert_eq!(names.len(), CALLS.len());
    }

    #[test]
    fn the_store_is_split_from_the_path() {
        assert_eq!(split("/stores/abc/v2/time"), Some(("abc", "/v2/time")));
        assert_eq!(split("/stores//v2/time"), None);
        assert_eq!(split("/other"), None);
    }
}
