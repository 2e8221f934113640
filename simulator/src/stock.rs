//! Stock: taken once for each order, given back once.

use crate::order::Order;
use crate::store::Store;

/// Takes what the order contains; never below zero.
pub(crate) fn take(store: &mut Store, order: &mut Order) {
    if !order.stock_taken {
        order.stock_taken = true;
        change(store, order, u64::saturating_sub);
    }
}

/// Gives back what the order took.
pub(crate) fn give_back(store: &mut Store, order: &mut Order) {
    if order.stock_taken {
        order.stock_taken = false;
        change(store, order, u64::saturating_add);
    }
}

fn change(store: &mut Store, order: &Order, by: fn(u64, u64) -> u64) {
    for product in &order.products {
        if let Some(variant) = store.variant_mut(product.variant_id)
            && let Some(level) = variant.stock
        {
            variant.stock = Some(by(level, product.quantity));
        }
    }
}
