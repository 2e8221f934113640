//! Who the shopper is, as far as it was proven. Pure.

use serde_json::Value;

use super::{Checkout, Document, Flow, Input, PaymentIntent};

impl Input {
    /// Whether a cart of this customer (0: of a guest) may be taken over by whoever asked for it. The cart of a guest belongs
    /// to whoever knows its id; that of a customer to this customer, and to the storefront's server. A customer who was proven
    /// gets no other customer's cart, whoever names it.
    pub fn may_take_over(&self, customer: i64) -> bool {
        match self.proven_customer {
            _ if customer == 0 => true,
            Some(proven) => proven == customer,
            None => self.vouched_cart,
        }
    }
}

impl PaymentIntent {
    /// Whether it opens something that belongs to a customer: an instrument that BigCommerce stores or is to store, or credit
    /// with the store.
    pub fn needs_customer(&self) -> bool {
        self.save_instrument
            || self.instrument_type == "store_credit"
            || self.instrument_type.starts_with("stored_")
    }
}

impl Checkout {
    /// The shopper's email address, as given or as BigCommerce has it.
    pub fn email(&self) -> Option<&str> {
        let given = self.input.billing_address.as_ref().and_then(|address| address.get("email"));
        let given = given.and_then(Value::as_str);
        given.or_else(|| self.facts.document.as_ref().and_then(Document::email))
    }

    /// The customer who was proven, as long as the cart or the order is theirs: the cart of a guest that a customer took over
    /// opens nothing of that customer's.
    pub fn proven_customer(&self) -> Option<i64> {
        let theirs = match self.flow {
            Flow::Cart => self.facts.document.as_ref()?.customer_id(),
            Flow::DirectOrder => {
                let order = self.input.direct_order.as_ref()?;
                order.get("customer_id").and_then(serde_json::Value::as_i64)?
            }
        };
        self.input.proven_customer.filter(|proven| *proven == theirs && theirs > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_is_taken_over_by_whom_it_belongs_to() {
        for (proven, vouched, customer, may) in [
            (None, false, 0, true),
            (None, false, 7, false),
            (None, false, -1, false),
            (None, true, 7, true),
            (Some(7), false, 0, true),
            (Some(7), false, 7, true),
            (Some(8), false, 7, false),
            (Some(8), true, 7, false),
            (Some(7), true, 7, true),
        ] {
            let input = Input { proven_customer: proven, vouched_cart: vouched, ..Input::default() };
            assert_eq!(input.may_take_over(customer), may, "{proven:?} {vouched} {customer}");
        }
    }

    #[test]
    fn what_belongs_to_a_customer_needs_one() {
        for (kind, save, needs) in [
            ("card", false, false),
            ("card", true, true),
            ("tokenized_card", false, false),
            ("gift_certificate", false, false),
            ("store_credit", false, true),
            ("stored_card", false, true),
            ("stored_paypal_account", false, true),
            ("stored_bank_account", false, true),
            ("stored_anything_new", false, true),
        ] {
            let intent = PaymentIntent {
                payment_method_id: "m".to_owned(),
                instrument_type: kind.to_owned(),
                last_4: None,
                save_instrument: save,
                amount: None,
            };
            assert_eq!(intent.needs_customer(), needs, "{kind} {save}");
        }
    }
}
