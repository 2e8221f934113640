//! What each setting models, and whether BigCommerce documents it. `GET /simulator/settings/about` serves this table, and a
//! test holds it, the settings and the README to each other.

use serde_json::{Value, json};

/// Where a behavior comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// BigCommerce's documents describe the default, or every answer.
    Documented,
    /// The documents are silent or contradict each other: any answer may be the true one.
    Open,
    /// How the store is configured.
    Store,
    /// A knob of the simulation, nothing of BigCommerce.
    Knob,
}

impl Mark {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Open => "open",
            Self::Store => "store",
            Self::Knob => "knob",
        }
    }
}

use Mark::{Documented, Knob, Open, Store};

/// Every setting: its name, its mark, and what it models.
pub const ABOUT: &[(&str, Mark, &str)] = &[
    ("accepted_tokens", Store, "values of X-Auth-Token; none: any that is not empty"),
    ("store_currency", Store, "the store's own currency"),
    ("tax_rates", Store, "taxes by region"),
    ("tax_shipping", Store, "whether shipping is taxed"),
    ("several_coupons", Store, "whether a checkout takes several coupons"),
    ("require_verification_value", Store, "whether cards need a verification value"),
    ("reprice_carts", Open, "whether lines follow the catalog's price until the order is made"),
    ("strictly_as_specified", Knob, "follow OpenAPI where prose disagrees, for validating proxies"),
    (
        "custom_items_as_text",
        Documented,
        "numbers of custom items are text in carts and numbers in checkouts",
    ),
    ("promotion_split", Open, "when product 116 splits its line"),
    ("edit_clears_selection", Open, "whether changed items clear the shipping option"),
    (
        "second_order",
        Documented,
        "a second create-order: a new order each time; re-using an unpaid one is the doubt",
    ),
    ("order_follows_cart", Open, "whether edits of the cart change its unpaid order"),
    ("order_hint", Open, "which order `order_id` of a checkout names"),
    ("incomplete_reserves_stock", Open, "whether Incomplete orders take stock"),
    ("archived_order_is_404", Open, "whether an archived order can still be read"),
    ("first_order_id", Knob, "the first order of a store"),
    ("order_lookup_lag", Open, "how late lists and counts see a new order"),
    (
        "transactions_lag",
        Open,
        "how late a transaction shows: of charges, parts, captures, voids and refunds",
    ),
    ("refunds_lag", Open, "how late a refund shows in the lists of refunds"),
    ("status_lag", Open, "how late a change of money shows in an order's status and amounts"),
    (
        "payment_status_first",
        Open,
        "with status_lag: whether payment_status is set while the status is still the old one",
    ),
    ("token_ttl_seconds", Documented, "lifetime of a payment access token: one hour"),
    ("expired_token_status", Open, "status of an expired token: 401 or 422, code 30102"),
    ("token_replay", Open, "what a used token is told"),
    ("decline_burns_token", Open, "whether a declined attempt uses its token up"),
    ("mint_checks_status", Documented, "tokens only for Incomplete orders (30101)"),
    (
        "charge_checks_status",
        Open,
        "whether processing looks at the status again; off: two tokens charge twice",
    ),
    ("decline_leaves_transaction", Open, "whether a decline leaves a transaction with status error"),
    ("transactionless_methods", Documented, "methods that leave no transaction"),
    ("partial_payment", Open, "credit that covers a part: refuse, pending, pending_payable or incomplete"),
    ("free_order", Open, "what a total of 0 needs: any_payment, credit_only or placed_at_once"),
    ("capture_ends", Documented, "how a scheduled capture ends: succeeds, fails or never by itself"),
    ("void_ends", Documented, "how a scheduled void ends: succeeds, fails or never by itself"),
    ("opaque_tokens", Open, "whether payment access tokens can be read as JWTs"),
    ("order_filters", Open, "cart_id and external_order_id of order lists: honored, ignored or blind"),
    ("empty_order_list", Open, "no orders: 204, or 200 with an empty list"),
    ("ids_ignore_case", Open, "whether carts and checkouts are found by their id in any letter case"),
    (
        "nothing_as",
        Open,
        "how carts, checkouts, orders and transactions write nothing: specified, null, absent, object or texts",
    ),
    (
        "checkout_shows_outstanding",
        Open,
        "whether checkouts show credit and certificates applied elsewhere and what is outstanding",
    ),
    ("order_ids_as_text", Open, "whether ids of orders are text"),
    ("nested_answers", Open, "whether what is made answers 201 with one envelope inside of another"),
    (
        "unkept_texts",
        Open,
        "whether names, descriptions and notes hold NUL and half of a surrogate pair, in carts, checkouts and orders",
    ),
    ("japan_in_english", Open, "whether prefectures of Japan come back by their English names"),
    ("part_shown", Open, "payment_status of an order that is paid in part"),
    ("refund_moves_unpaid", Open, "whether a refund moves the status of an order that is paid in part"),
    (
        "refund_event",
        Open,
        "whether the refund of a charge that is not settled is listed as refund or as void",
    ),
    ("digital_order_status", Open, "status of paid all-digital orders: 11 or 10"),
    ("pending_status", Open, "status while a payment is pending: 1, 12 or 0"),
    ("pending_settle_reads", Knob, "reads until a pending payment settles"),
    ("action_settle_reads", Knob, "reads until a capture or a void takes effect"),
    ("rate_quota", Documented, "requests in one window of the management host"),
    ("rate_window_ms", Documented, "that window: 30 seconds"),
    ("payment_quota", Documented, "requests in one window of the payments host: 50"),
    ("payment_window_ms", Documented, "that window: 4 seconds"),
    ("latency_ms", Knob, "time of every answer"),
    ("webhook_secret", Store, "client secret that signs webhooks and customer tokens"),
    ("webhook_allow_http", Knob, "plain HTTP destinations, for tests"),
    ("webhook_retries", Knob, "repeats of a failed webhook; real ones spread over 48 hours"),
    ("webhook_copies", Documented, "webhooks arrive at least once: copies of each"),
];

/// The table as JSON.
pub(crate) fn table() -> Value {
    ABOUT
        .iter()
        .map(|(name, mark, text)| json!({"setting": name, "mark": mark.word(), "models": text}))
        .collect()
}
