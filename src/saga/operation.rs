//! What may be asked of a checkout, and the ways in which it is refused before anything is recorded.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::bigcommerce::PaymentRequest;
use crate::checkout::{
    CartEdit, CheckoutId, ConsignmentInput, Flow, IdempotencyKey, Input, KeyRef, Money, OptionChoice,
    PaymentIntent, Preference, StepName,
};

/// A checkout to be created. Its content was validated at the door.
#[derive(Debug)]
pub struct NewCheckout {
    /// The store it belongs to.
    pub store: String,
    /// Which saga, and its first input.
    pub flow: NewFlow,
    /// Everything else that is known already.
    pub input: Input,
    /// The storefront's own notes.
    pub metadata: Map<String, Value>,
}

/// How a checkout begins.
#[derive(Debug)]
pub enum NewFlow {
    /// With a cart (BigCommerce: carts.v3, createACart).
    Cart(Map<String, Value>),
    /// With an order (BigCommerce: orders.v2, createAnOrder).
    DirectOrder(Map<String, Value>),
}

impl NewFlow {
    /// Which saga it is.
    pub fn flow(&self) -> Flow {
        match self {
            Self::Cart(_) => Flow::Cart,
            Self::DirectOrder(_) => Flow::DirectOrder,
        }
    }
}

/// The proof that its holder may act on one checkout. Only its hash is kept.
#[derive(Clone, Copy)]
pub struct TokenProof(pub [u8; 32]);

impl TokenProof {
    /// The proof that this token is.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// Who asks, and how the answer may be found again.
#[derive(Debug, Clone)]
pub struct Request {
    /// The credential; the scope of idempotency keys.
    pub principal: String,
    /// The idempotency key, where one was sent.
    pub key: Option<IdempotencyKey>,
    /// SHA-256 of principal, operation, target and canonical body; nothing in it comes from card data.
    pub fingerprint: [u8; 32],
    /// The version that the caller has seen, where it insists on it.
    pub if_match: Option<Seen>,
    /// Whether everybody knows the credential, so that knowing a key of it proves nothing.
    pub is_public: bool,
    /// The hash of the client's address, where a shopper pays with a checkout token.
    pub payer: Option<String>,
}

/// A version that a caller insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The version.
    pub version: i64,
    /// Whether the caller named this version and no other: only then is it certain which total the shopper has seen.
    pub alone: bool,
}

impl SubmitError {
    /// The same of something that was recorded before.
    pub(super) fn after_recording(self) -> Self {
        match self {
            Self::Unavailable { .. } => Self::Unavailable { maybe_recorded: true },
            other => other,
        }
    }
}

impl Request {
    /// Says from which address a shopper pays. It is kept as a hash, and only while the payment is under way.
    pub fn paid_from(&mut self, address: &str) {
        self.payer = Some(hex::encode(Sha256::digest(address.as_bytes())));
    }

    /// The key in its scope.
    pub fn key_ref(&self) -> Option<KeyRef> {
        self.key.clone().map(|key| KeyRef { principal: self.principal.clone(), key })
    }
}

/// What may be asked of a checkout that exists.
pub enum Operation {
    /// Add or replace the billing address.
    BillingAddress(Map<String, Value>),
    /// Replace all consignments.
    Consignments(Vec<ConsignmentInput>),
    /// Choose shipping options.
    ShippingOptions(Vec<OptionChoice>),
    /// Change the cart.
    Edit(CartEdit),
    /// Create the order.
    Order {
        /// The most the shopper agreed to pay.
        agreed_total: Option<Money>,
    },
    /// Pay the order.
    Payment {
        /// What may be recorded of the payment.
        intent: PaymentIntent,
        /// What may not: one, or none where nothing is due. It lives in memory, for one attempt.
        instruments: VecDeque<PaymentRequest>,
        /// The most the shopper agreed to pay. `None`: the total of the version that the request insists on.
        agreed_total: Option<Money>,
    },
    /// Whatever is missing, then the order, then the payment.
    Complete(Box<Complete>),
    /// Hand the shopper over to BigCommerce's hosted page.
    HandOff,
    /// Undo everything, before payment only.
    Cancel,
}

/// Everything that [`Operation::Complete`] may carry.
pub struct Complete {
    /// Billing address.
    pub billing_address: Option<Map<String, Value>>,
    /// Consignments.
    pub consignments: Option<Vec<ConsignmentInput>>,
    /// Shipping options.
    pub shipping_options: Option<Vec<OptionChoice>>,
    /// How to choose where none is named.
    pub shipping_preference: Option<Preference>,
    /// The most the shopper agreed to pay. `None`: the total of the version that the request insists on.
    pub agreed_total: Option<Money>,
    /// What may be recorded of the payments, the first one first.
    pub intents: Vec<PaymentIntent>,
    /// What may not, in the same order.
    pub instruments: VecDeque<PaymentRequest>,
}

impl Complete {
    /// Whether it brings what comes before the order.
    pub(super) fn revises(&self) -> bool {
        self.billing_address.is_some() || self.consignments.is_some() || self.shipping_options.is_some()
    }
}

impl Operation {
    /// Its name in keys, logs and the attempt log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BillingAddress(_) => "billing-address",
            Self::Consignments(_) => "consignments",
            Self::ShippingOptions(_) => "shipping-options",
            Self::Edit(_) => "cart-edit",
            Self::Order { .. } => "order",
            Self::Payment { .. } => "payment",
            Self::Complete(_) => "complete",
            Self::HandOff => "hand-off",
            Self::Cancel => "cancel",
        }
    }

    /// How far a run goes that does it, at most.
    pub(super) fn until(&self) -> StepName {
        match self {
            // A change of the cart goes on, too: what it costs is shown with the shipping that is preferred.
            Self::BillingAddress(_) | Self::Consignments(_) | Self::ShippingOptions(_) | Self::Edit(_) => {
                StepName::ShippingOptions
            }
            Self::Order { .. } => StepName::Order,
            Self::Payment { .. } | Self::Complete(_) => StepName::Payment,
            Self::HandOff => StepName::HandOff,
            Self::Cancel => StepName::Cancel,
        }
    }

    /// Whether it opens something that belongs to a customer.
    pub(super) fn needs_customer(&self) -> bool {
        match self {
            Self::Payment { intent, .. } => intent.needs_customer(),
            Self::Complete(complete) => complete.intents.iter().any(PaymentIntent::needs_customer),
            _ => false,
        }
    }

    /// What may not be recorded of it.
    pub(super) fn into_instruments(self) -> VecDeque<PaymentRequest> {
        match self {
            Self::Payment { instruments, .. } => instruments,
            Self::Complete(complete) => complete.instruments,
            _ => VecDeque::new(),
        }
    }
}

/// Why nothing was sent; but for [`SubmitError::Unavailable`], nothing was recorded either.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SubmitError {
    /// There is no such checkout.
    #[error("there is no such checkout")]
    NotFound,
    /// Another step comes first, or this one is over.
    #[error("another step comes first")]
    OutOfOrder {
        /// The step that may be done now.
        next_step: Option<StepName>,
    },
    /// A step is being run.
    #[error("a step is being run")]
    InProgress,
    /// Another checkout has this cart.
    #[error("another checkout has this cart")]
    CartTaken {
        /// Which one. Only whoever may act on all checkouts of the store is told, and the token of the creation is good for it.
        by: Option<CheckoutId>,
    },
    /// It opens something that belongs to a customer, and no customer was proven.
    #[error("no customer was proven")]
    CustomerNotProven,
    /// The cart belongs to a customer who was not proven.
    #[error("the cart belongs to a customer who was not proven")]
    ForeignCart,
    /// A creation by a credential that everybody knows was repeated.
    #[error("a creation by a public credential was repeated")]
    PublicReplay,
    /// The checkout has ended.
    #[error("the checkout has ended")]
    Closed,
    /// A person is needed.
    #[error("the checkout needs manual review")]
    Stuck,
    /// An earlier payment is unresolved.
    #[error("an earlier payment is unresolved")]
    PaymentInDoubt,
    /// It would pay, and does not say how much the shopper agreed to.
    #[error("the shopper's agreement to a total is missing")]
    AgreementRequired,
    /// The checkout moved on.
    #[error("the checkout moved on")]
    VersionMismatch {
        /// Its version now.
        version: i64,
    },
    /// The key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The first request with this key is still running, and cannot be joined.
    #[error("the first request with this idempotency key is still running")]
    KeyInUse,
    /// The service is shutting down, or its own database does not answer. Nothing was sent for this request.
    #[error("the service cannot start anything now")]
    Unavailable {
        /// Whether it may have been recorded all the same: then it is gone on with.
        maybe_recorded: bool,
    },
    /// The stored checkout cannot be read. A person should look.
    #[error("internal: {0}")]
    Internal(String),
    /// No store of this name is configured.
    #[error("no store of this name is configured")]
    UnknownStore,
}
