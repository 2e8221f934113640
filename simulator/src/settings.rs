//! The settings: BigCommerce's undocumented behaviors, each with both answers, and the knobs of the simulation.
//!
//! The numbers in brackets are the open questions of the design's BigCommerce notes, section 12.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::choices::{
    ActionEnd, FreeOrder, NothingAs, OrderFilters, OrderHint, PartShown, PartialPayment, PromotionSplit,
    RefundEvent, SecondOrder, TokenReplay,
};

/// How long something stays invisible after it was written; both conditions must have passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lag {
    /// Reads that do not see it yet.
    pub reads: u64,
    /// Milliseconds by the simulator's clock.
    pub ms: u64,
}

/// A tax that applies to taxable lines shipped (or billed) to a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// ISO 3166 code of the country.
    pub country_code: String,
    /// Code of the state; empty: the whole country.
    #[serde(default)]
    pub state_code: String,
    /// The name shown in `taxes[]`.
    pub name: String,
    /// Percent, such as 8.25.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub percent: Decimal,
}

/// Everything that can be configured; `PATCH /simulator/settings` takes any part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one undocumented behavior with two answers")]
pub struct Settings {
    /// Values of X-Auth-Token that are accepted; empty: any value that is not empty.
    pub accepted_tokens: Vec<String>,
    /// The store's own currency.
    pub store_currency: String,
    /// Taxes; default Texas 8.25 percent. The region without an address is the store's own: Texas.
    pub tax_rates: Vec<TaxRate>,
    /// Whether shipping is taxed like the lines of its consignment.
    pub tax_shipping: bool,
    /// Follow the OpenAPI documents where prose and samples contradict them: metafield and fee lists are objects, only
    /// cards are listed as stored instruments of payment methods, no transactions are an empty list. For validating proxies.
    pub strictly_as_specified: bool,
    /// Carts show `quantity` and `list_price` of custom items as text, as their specification says.
    pub custom_items_as_text: bool,
    /// When product 116 splits.
    pub promotion_split: PromotionSplit,
    /// Changing items clears selected shipping options.
    pub edit_clears_selection: bool,
    /// A checkout may carry several coupons.
    pub several_coupons: bool,
    /// Lines follow the catalog's price until the order is made.
    pub reprice_carts: bool,
    /// A second create-order for the same cart. (3)
    pub second_order: SecondOrder,
    /// Edits of the cart change its unpaid orders too. (4)
    pub order_follows_cart: bool,
    /// What `order_id` of a checkout shows.
    pub order_hint: OrderHint,
    /// Incomplete orders already take stock. (7)
    pub incomplete_reserves_stock: bool,
    /// `GET` of an archived order answers 404 instead of showing `is_deleted`.
    pub archived_order_is_404: bool,
    /// The first order id of a store.
    pub first_order_id: u64,
    /// Read-after-write lag of order lists and counts. (1)
    pub order_lookup_lag: Lag,
    /// Read-after-write lag of transactions. (1)
    pub transactions_lag: Lag,
    /// Read-after-write lag of the lists of refunds.
    pub refunds_lag: Lag,
    /// How long reads still show status 0 after a payment.
    pub status_lag: Lag,
    /// With `status_lag`: `payment_status` is already shown while the status is still 0. (9)
    pub payment_status_first: bool,
    /// Lifetime of a payment access token in seconds.
    pub token_ttl_seconds: i64,
    /// HTTP status of an expired or unknown token: 401 or 422, code 30102. (6)
    pub expired_token_status: u16,
    /// Answer to a used token. (2)
    pub token_replay: TokenReplay,
    /// A declined attempt uses the token up. (2)
    pub decline_burns_token: bool,
    /// The mint refuses orders whose status is not 0 (409, 30101).
    pub mint_checks_status: bool,
    /// Processing refuses orders whose status is not 0; false: a second token can charge twice.
    pub charge_checks_status: bool,
    /// A decline leaves a transaction with status `error`.
    pub decline_leaves_transaction: bool,
    /// Payment methods that never leave a transaction.
    pub transactionless_methods: Vec<String>,
    /// Card instruments need a verification value.
    pub require_verification_value: bool,
    /// Store credit or certificate that is too small.
    pub partial_payment: PartialPayment,
    /// What a total of nothing needs.
    pub free_order: FreeOrder,
    /// How a scheduled capture ends.
    pub capture_ends: ActionEnd,
    /// How a scheduled void ends.
    pub void_ends: ActionEnd,
    /// Payment access tokens are no JWTs that can be read.
    pub opaque_tokens: bool,
    /// What the filters `cart_id` and `external_order_id` of order lists and counts do.
    pub order_filters: OrderFilters,
    /// A list of orders without a row is 200 with an empty list instead of 204.
    pub empty_order_list: bool,
    /// Carts and checkouts are found by their id in any letter case.
    pub ids_ignore_case: bool,
    /// How nothing is written.
    pub nothing_as: NothingAs,
    /// Checkouts show credit and certificates that were applied in another place, and what is outstanding.
    pub checkout_shows_outstanding: bool,
    /// Ids of orders are text.
    pub order_ids_as_text: bool,
    /// Orders, tokens and payments that are made answer 201 with one envelope inside of another.
    pub nested_answers: bool,
    /// What merchants and shoppers typed ends with NUL and half of a surrogate pair in carts, checkouts and orders.
    pub unkept_texts: bool,
    /// Prefectures of Japan are shown by their English names.
    pub japan_in_english: bool,
    /// `payment_status` of an order of which a part is paid.
    pub part_shown: PartShown,
    /// A refund moves the status of an order that is paid in part; false: an Incomplete order stays so and is due again.
    pub refund_moves_unpaid: bool,
    /// The event of the transaction that a refund leaves.
    pub refund_event: RefundEvent,
    /// The status of an all-digital order after payment: 11, or 10 Completed.
    pub digital_order_status: u64,
    /// The status while a payment is pending: 1, 12 or 0.
    pub pending_status: u64,
    /// Reads of the order after which a pending payment settles by itself.
    pub pending_settle_reads: u64,
    /// Reads of the order after which a capture or void becomes effective.
    pub action_settle_reads: u64,
    /// Requests in one window of the management host.
    pub rate_quota: u64,
    /// Length of that window in milliseconds.
    pub rate_window_ms: u64,
    /// Payment requests in one window of the payments host.
    pub payment_quota: u64,
    /// Length of the payments window in milliseconds.
    pub payment_window_ms: u64,
    /// Time every answer takes, in milliseconds; the effect comes first.
    pub latency_ms: u64,
    /// Client secret that signs webhooks.
    pub webhook_secret: String,
    /// Destinations of webhooks may be plain HTTP, for tests.
    pub webhook_allow_http: bool,
    /// How often a failed webhook is sent again at once.
    pub webhook_retries: u64,
    /// Each webhook is sent this many times.
    pub webhook_copies: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let texas = TaxRate {
            country_code: "US".into(),
            state_code: "TX".into(),
            name: "Texas Tax".into(),
            percent: Decimal::new(825, 2),
        };
        Self {
            accepted_tokens: Vec::new(),
            store_currency: "USD".into(),
            tax_rates: vec![texas],
            tax_shipping: false,
            strictly_as_specified: false,
            custom_items_as_text: true,
            promotion_split: PromotionSplit::default(),
            edit_clears_selection: true,
            several_coupons: false,
            reprice_carts: true,
            second_order: SecondOrder::default(),
            order_follows_cart: false,
            order_hint: OrderHint::default(),
            incomplete_reserves_stock: false,
            archived_order_is_404: false,
            first_order_id: 125,
            order_lookup_lag: Lag::default(),
            transactions_lag: Lag::default(),
            refunds_lag: Lag::default(),
            status_lag: Lag::default(),
            payment_status_first: false,
            token_ttl_seconds: 3600,
            expired_token_status: 401,
            token_replay: TokenReplay::default(),
            decline_burns_token: true,
            mint_checks_status: true,
            charge_checks_status: true,
            decline_leaves_transaction: true,
            transactionless_methods: Vec::new(),
            require_verification_value: false,
            partial_payment: PartialPayment::default(),
            free_order: FreeOrder::default(),
            capture_ends: ActionEnd::default(),
            void_ends: ActionEnd::default(),
            opaque_tokens: false,
            order_filters: OrderFilters::default(),
            empty_order_list: false,
            ids_ignore_case: false,
            nothing_as: NothingAs::default(),
            checkout_shows_outstanding: false,
            order_ids_as_text: false,
            nested_answers: false,
            unkept_texts: false,
            japan_in_english: false,
            part_shown: PartShown::default(),
            refund_moves_unpaid: true,
            refund_event: RefundEvent::default(),
            digital_order_status: 11,
            pending_status: 1,
            pending_settle_reads: 2,
            action_settle_reads: 1,
            rate_quota: 1_000_000,
            rate_window_ms: 30_000,
            payment_quota: 1_000_000,
            payment_window_ms: 4_000,
            latency_ms: 0,
            webhook_secret: "bc_client_secret_example".into(),
            webhook_allow_http: true,
            webhook_retries: 2,
            webhook_copies: 1,
        }
    }
}
