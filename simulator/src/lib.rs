//! Plays BigCommerce: stateful, unkind, configurable; with scripted faults and a ledger of what really happened.
//!
//! In reading order: `simulator` (the handle), `server` (connections), `router` (the calls and their names), `world` (the
//! state of everything), `play` and `board` (faults), `actors` (what others do meanwhile), `media` (the door), `store` (one store), then one module for each
//! resource: `carts`, `lines`, `checkouts`, `consignments`, `shipping`, `coupons`, `totals`, `checkout_orders`, `order`, `snapshot`,
//! `orders_v2`, `direct_orders`, `order_edits`, `order_parts`, `shipments`, `statuses`, `methods`, `token`, `payments`, `instruments`,
//! `settle`, `applied`, `giving_back`, `money_view`, `hosted` (the hosted page), `orders_v3`, `refunds`, `customers`, `customer_token`, `shop`, `metafields`, `webhooks`, `delivery`; and `control` (the control
//! plane) with `settings`, `choices` and `about` (what each setting models). It imports nothing of the program it tests.

#![recursion_limit = "256"]
#![expect(
    clippy::unnecessary_wraps,
    reason = "all handlers share one signature, also those that never refuse"
)]

mod about;
mod actors;
mod address;
mod answer;
mod applied;
mod board;
mod call;
mod cart;
mod carts;
mod catalog;
mod checkout_orders;
mod checkouts;
mod choices;
mod clock;
mod consignments;
mod control;
mod coupons;
mod customer_token;
mod customers;
mod delivery;
mod direct_orders;
mod fault;
mod fault_kind;
mod giving_back;
mod hosted;
mod instruments;
mod ledger;
mod lines;
mod media;
mod metafields;
mod methods;
mod money;
mod money_view;
mod order;
mod order_edits;
mod order_parts;
mod orders_v2;
mod orders_v3;
mod payments;
mod placeholders;
mod play;
mod rate;
mod refunds;
mod render;
mod router;
mod server;
mod settings;
mod settle;
mod shipments;
mod shipping;
mod shop;
mod simulator;
mod snapshot;
mod state;
mod statuses;
mod stock;
mod store;
mod texts;
mod token;
mod totals;
mod webhooks;
mod world;

pub use about::{ABOUT, Mark};
pub use actors::{Actor, DEEDS, Deed};
pub use choices::{
    ActionEnd, FreeOrder, NothingAs, OrderFilters, OrderHint, PartShown, PartialPayment, PromotionSplit,
    RefundEvent, SecondOrder, TokenReplay,
};
pub use fault::{Fault, FaultId, Match};
pub use fault_kind::{At, Effect, Kind, Which};
pub use hosted::Hosted;
pub use instruments::{MAGIC, magic_card, magic_token};
pub use ledger::{Attempt, Cart, Charge, Ledger, Order, Refund, Request, Token};
pub use money_view::Money;
pub use router::CALLS;
pub use settings::{Lag, Settings, TaxRate};
pub use simulator::{Settlement, Simulator};
