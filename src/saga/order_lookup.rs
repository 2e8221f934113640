//! How the orders of a checkout are found at BigCommerce, and which of those that it lists are meant. Pure.

use crate::bigcommerce::orders::{Filter, Order};
use crate::checkout::{Checkout, Flow};

/// How the orders of a checkout are found (BigCommerce: orders.v2, getAllOrders).
pub enum OrderLookup {
    /// Made from this cart.
    Cart(String),
    /// Made directly, with our checkout id as the external id.
    External(String),
}

impl OrderLookup {
    /// Of this checkout. `None`: it has no cart yet, of which an order could be made.
    pub fn of(checkout: &Checkout) -> Option<Self> {
        match checkout.flow {
            Flow::Cart => checkout.facts.cart_id.clone().map(Self::Cart),
            Flow::DirectOrder => Some(Self::External(checkout.id.to_string())),
        }
    }

    /// The filter of the list.
    pub fn filter(&self) -> Filter {
        match self {
            Self::Cart(cart_id) => Filter::by_cart(cart_id),
            Self::External(id) => Filter {
                external_order_id: Some(id.clone()),
                sort: Some("id:asc".to_owned()),
                ..Filter::default()
            },
        }
    }

    /// Whether it is an order that is meant. A filter that BigCommerce ignored must not hand us somebody else's order.
    pub fn fits(&self, order: &Order) -> bool {
        match self {
            Self::Cart(cart_id) => {
                order.cart_id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(cart_id))
            }
            Self::External(id) => order.external_order_id.as_deref() == Some(id),
        }
    }
}
