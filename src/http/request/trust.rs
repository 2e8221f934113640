//! What each credential may do, and what it is trusted about.
//!
//! A server key is kept on the storefront's server: it is trusted about who the shopper is and what things cost. A
//! publishable key is in pages, so it is public; a checkout token is held by the shopper. Neither is trusted
//! about either. Which fields need which is declared beside the shapes of the bodies (`validate`), shown in `openapi.yaml`
//! as `x-trust`, and checked here.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Principal;
use crate::http::request::claims::Trust;
use crate::http::request::json::canonical;
use crate::http::request::pointer::{Errors, InputError, Pointer};
use crate::http::request::shape::Object;

/// The credentials as the reference describes them.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    (
        "storefront_key",
        "A storefront's key. A server key (it lists no origins) may do everything with the checkouts of \
            its store, and is trusted about the customer and prices (`x-trust: server-key`). A \
            publishable key (it lists origins, and is public) needs an `Origin` header on its list and \
            can only create checkouts.",
    ),
    (
        "checkout_token",
        "The `checkout_token` of one checkout: acts on that one; safe for a browser. Not trusted about \
            the customer or prices.",
    ),
    ("operator_token", "An operator's token, with the role `read`, `act` or `money`."),
];

/// Who the shopper is, as far as it is believed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shopper {
    /// The customer who was proven: by a `customer_token`, or by the `customer_id` that a server key gave. `None`: a guest.
    pub(crate) customer: Option<i64>,
    /// Whether a storefront's server says so, which is believed about carts as well.
    pub(crate) by_server: bool,
}

impl Shopper {
    /// The body as it counts for the fingerprint: a token stands for its customer, so that the same request with a fresher
    /// token is the same request, and nothing of a token is hashed.
    pub(crate) fn canonical(self, body: &Value) -> String {
        let Some(fields) = body.as_object().filter(|fields| fields.contains_key("customer_token")) else {
            return canonical(body);
        };
        let known = |(name, value): (&String, &Value)| {
            let of_token = name == "customer_token";
            (name.clone(), if of_token { self.customer.into() } else { value.clone() })
        };
        canonical(&Value::Object(fields.iter().map(known).collect::<Map<_, _>>()))
    }
}

impl AppState {
    /// Who the shopper of a new checkout is. Whatever its caller may not say is refused, all at once.
    pub(crate) fn shopper(
        &self,
        principal: &Principal,
        store: &str,
        shape: &Object,
        body: &Value,
    ) -> Result<Shopper, Problem> {
        principal.may_price_by(shape, body)?;
        let named = body.get("customer_id").filter(|id| !id.is_null());
        let proven = match body.get("customer_token") {
            Some(Value::String(token)) => {
                let now = OffsetDateTime::now_utc().unix_timestamp();
                let customer = self.customers().customer(store, token, now);
                Some(customer.map_err(|reason| Problem::new(Slug::CustomerNotProven, reason))?)
            }
            // None, or no text, which the shape refuses.
            _ => None,
        };
        if let (Some(customer), Some(named)) = (proven, named)
            && named.as_i64() != Some(customer)
        {
            let detail = "is not the customer of customer_token";
            return Err(Problem::invalid(&[InputError {
                pointer: "/customer_id".to_owned(),
                detail: detail.into(),
            }]));
        }
        let by_server = matches!(principal, Principal::Server { .. });
        let named = named.and_then(Value::as_i64).filter(|id| by_server && *id > 0);
        Ok(Shopper { customer: proven.or(named), by_server })
    }
}

/// What in a payment is for a customer who was proven.
pub(crate) fn of_customers(shape: &Object, body: &Value) -> Vec<InputError> {
    let mut errors = Errors::default();
    shape.claims(Trust::Customer, body, &mut Pointer::default(), &mut errors);
    errors.into_list()
}

impl Principal {
    /// The store of a caller who may create checkouts.
    pub(crate) fn may_create(&self) -> Result<&str, Problem> {
        match self {
            Self::Server { store, .. } | Self::Page { store, .. } => Ok(store),
            Self::Checkout(_) => {
                let detail =
                    "a checkout token works on its own checkout only; create checkouts with a storefront key";
                Err(Problem::new(Slug::Forbidden, detail))
            }
        }
    }

    /// The store of a caller who may say what an order costs.
    pub(crate) fn may_price(&self) -> Result<&str, Problem> {
        match self {
            Self::Server { store, .. } => Ok(store),
            Self::Page { .. } | Self::Checkout(_) => {
                let detail = "a direct order sets its own prices, which requires a server key";
                Err(Problem::new(Slug::Forbidden, detail))
            }
        }
    }

    /// Whether it may do anything to a checkout that exists. Which one is not asked yet.
    pub(crate) fn may_act(&self) -> Result<(), Problem> {
        match self {
            Self::Server { .. } | Self::Checkout(_) => Ok(()),
            Self::Page { .. } => {
                let detail = "a publishable key only creates checkouts; use the checkout_token for everything after that";
                Err(Problem::new(Slug::Forbidden, detail))
            }
        }
    }
    /// Whether it may send this body, as far as it says what things cost and who the shopper is.
    pub(crate) fn may_price_by(&self, shape: &Object, body: &Value) -> Result<(), Problem> {
        if matches!(self, Self::Server { .. }) {
            return Ok(());
        }
        let mut errors = Errors::default();
        for trust in [Trust::Identity, Trust::Price] {
            shape.claims(trust, body, &mut Pointer::default(), &mut errors);
        }
        let errors = errors.into_list();
        if errors.is_empty() {
            return Ok(());
        }
        let detail = "who the shopper is and what things cost is taken from a server key only; nothing was recorded or sent";
        Err(Problem::forbidden(detail, &errors))
    }

    /// Whether everybody knows the credential.
    pub(crate) fn is_public(&self) -> bool {
        matches!(self, Self::Page { .. })
    }
}
