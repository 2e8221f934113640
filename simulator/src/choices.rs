//! The choices of settings that have more than two answers. Each first answer is the default.

use serde::{Deserialize, Serialize};

/// What a second create-order for the same cart does. (3)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondOrder {
    /// A new Incomplete order each time, as documented.
    #[default]
    New,
    /// The unpaid order of the cart is returned again.
    SameUnpaid,
}

/// What the payments host answers to a token that was used before. (2)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenReplay {
    /// 401, code 30102.
    #[default]
    #[serde(rename = "401")]
    Unauthorized,
    /// 409, code 30101.
    #[serde(rename = "409_30101")]
    WrongStatus,
    /// 422, code 30102.
    #[serde(rename = "30102")]
    NotVerified,
    /// 422, code 30105.
    #[serde(rename = "30105")]
    Duplicate,
}

/// When the promotion of product 116 splits a line in two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionSplit {
    /// When a consignment is added: line ids change under the client's hands.
    #[default]
    Consignment,
    /// Already when the line is added to the cart.
    Cart,
}

/// What `order_id` of a checkout shows; a hint, never a witness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderHint {
    /// The order made last.
    #[default]
    Latest,
    /// The order made first.
    First,
    /// Always null.
    Never,
}

/// What happens when store credit or a gift certificate covers only a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartialPayment {
    /// 422, code 30106; nothing is taken.
    #[default]
    Refuse,
    /// The part is taken, the order becomes Pending (1) and takes no further token (30101).
    Pending,
    /// The part is taken, the order becomes Pending (1) and takes further tokens for the rest, as the prose says.
    PendingPayable,
    /// The part is taken, the order stays Incomplete (0) and takes further tokens for the rest.
    Incomplete,
}

/// `payment_status` of an order of which a part is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartShown {
    /// The empty text, as before.
    #[default]
    Nothing,
    /// `pending`.
    Pending,
    /// `captured`, although only a part is.
    Captured,
}

impl PartShown {
    /// As BigCommerce writes it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Pending => "pending",
            Self::Captured => "captured",
        }
    }
}

/// The event of the transaction that a refund leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundEvent {
    /// `refund`.
    #[default]
    Refund,
    /// `void`, as gateways do it before a charge is settled.
    Void,
}

impl RefundEvent {
    /// As BigCommerce writes it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Void => "void",
        }
    }
}

/// How a scheduled capture or void ends by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionEnd {
    /// With success.
    #[default]
    Succeeds,
    /// It fails at the gateway: the order is `authorized` as before, and a transaction with status `error` tells why.
    Fails,
    /// Only when the control plane settles it.
    Never,
}

/// What an order with a total of nothing needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeOrder {
    /// A payment of 0 with any instrument.
    #[default]
    AnyPayment,
    /// A payment of 0 with store credit or a gift certificate; gateways refuse it.
    CreditOnly,
    /// Nothing: it is placed as paid when it is made.
    PlacedAtOnce,
}

/// What the filters `cart_id` and `external_order_id` of orders do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderFilters {
    /// What the specification says.
    #[default]
    Honored,
    /// Nothing: the first page of all orders.
    Ignored,
    /// They find nothing, whatever is there.
    Blind,
}

/// How carts, checkouts, orders and transactions write that something is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NothingAs {
    /// As the specification and its samples do: here an empty object, there an empty list, or no member at all.
    #[default]
    Specified,
    /// `null`.
    Null,
    /// The member is left out.
    Absent,
    /// Objects are `{}`.
    Object,
    /// Objects have all of their members, each an empty text: `{"id": "", "first_name": "", ...}`.
    Texts,
}
