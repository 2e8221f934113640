//! What the shopper gave, in BigCommerce's own shapes. It was validated with the request. Never: card data, which has
//! no type here and so cannot be stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::StepName;

/// Everything a checkout was given so far; kept, so that a run can go on after a crash.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Body of Create a Cart (BigCommerce: carts.v3, createACart).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cart: Option<Map<String, Value>>,
    /// Id of a cart that exists already, to be taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cart_id: Option<String>,
    /// The customer who was proven when the checkout was created: by BigCommerce's Current Customer token, or by the word of a
    /// storefront's server. Never the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven_customer: Option<i64>,
    /// Whether a storefront's server named the cart that is taken over: it is believed about whose it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vouched_cart: bool,
    /// Coupon codes to apply once the cart exists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coupon_codes: Vec<String>,
    /// A message from the shopper to the merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_message: Option<String>,
    /// Billing address (BigCommerce: checkouts.v3, addCheckoutBillingAddress).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Map<String, Value>>,
    /// Where the items go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consignments: Option<Vec<ConsignmentInput>>,
    /// The shipping option of each consignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_options: Option<Vec<OptionChoice>>,
    /// How to choose a shipping option if none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_preference: Option<Preference>,
    /// Body of a direct order (BigCommerce: orders.v2, createAnOrder).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_order: Option<Map<String, Value>>,
    /// A change of the cart that is to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<CartEdit>,
    /// Whether to check if the shopper paid on the hosted page or elsewhere.
    #[serde(rename = "look", skip_serializing_if = "std::ops::Not::not")]
    pub check_hosted_payment: bool,
    /// The steps that were done and are being done again. What becomes of a revision that is refused is what BigCommerce
    /// holds: they count as done as long as it shows them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revising: Vec<StepName>,
    /// The payment that is to be made, without its instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentIntent>,
    /// The payments that are to take the rest after it, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<PaymentIntent>,
}

/// One address and the items that go there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsignmentInput {
    /// The address, in BigCommerce's shape.
    pub address: Map<String, Value>,
    /// The items; all that need shipping when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_items: Option<Vec<ConsignmentItem>>,
    /// BigCommerce's pickup method, where the shopper fetches the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_method_id: Option<i64>,
}

/// Some units of one line item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsignmentItem {
    /// Line item id in the cart.
    pub item_id: String,
    /// Units that go to this address.
    pub quantity: u32,
}

/// The choice of a shipping option for one consignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionChoice {
    /// The consignment; the only one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignment_id: Option<String>,
    /// Id of one of its available shipping options.
    pub shipping_option_id: String,
}

/// How to choose among the available shipping options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preference {
    /// The lowest cost.
    Cheapest,
    /// The shortest transit time that BigCommerce names.
    Fastest,
    /// The option of this `type`, such as `shipping_flatrate`.
    Type(String),
    /// The option with this description.
    Description(String),
}

/// A change of the cart before its order exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CartEdit {
    /// Add items (BigCommerce: carts.v3, addCartLineItem).
    AddItems(Map<String, Value>),
    /// Change one item (BigCommerce: carts.v3, updateCartLineItem).
    UpdateItem {
        /// Line item id.
        item_id: String,
        /// The body, `{line_item: {...}}`.
        body: Map<String, Value>,
    },
    /// Remove one item.
    RemoveItem {
        /// Line item id.
        item_id: String,
    },
    /// Apply a coupon.
    AddCoupon(String),
    /// Remove a coupon.
    RemoveCoupon(String),
    /// Set the message to the merchant.
    CustomerMessage(String),
}

impl PaymentIntent {
    /// What is meant by a payment without an instrument: nothing is due.
    pub fn of_nothing() -> Self {
        Self {
            payment_method_id: String::new(),
            instrument_type: "none".to_owned(),
            last_4: None,
            save_instrument: false,
            amount: None,
        }
    }

    /// Whether it takes what is left on it, which may be less than what is due (BigCommerce: payments, process payment).
    pub fn may_pay_a_part(&self) -> bool {
        matches!(self.instrument_type.as_str(), "store_credit" | "gift_certificate")
    }
}

/// A payment without its instrument: what may be recorded of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentIntent {
    /// BigCommerce's payment method id, such as `stripe.card`.
    pub payment_method_id: String,
    /// Kind of the instrument, such as `stored_card`.
    pub instrument_type: String,
    /// The last four digits, where the kind has them and they may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_4: Option<String>,
    /// Whether BigCommerce is to keep the instrument for the customer.
    #[serde(default)]
    pub save_instrument: bool,
    /// What the shopper expects it to take; BigCommerce itself takes no amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<super::Money>,
}
