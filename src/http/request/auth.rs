//! Who asks. Credentials are compared by their hashes and never logged.

use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, HeaderMap, ORIGIN};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::checkout::CheckoutId;
use crate::config::{self, Config};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::ops::{Actor, Console, DbError};
use crate::saga::TokenProof;

/// Every credential that is configured, as its hash.
pub(crate) struct Credentials {
    known: HashMap<Digested, Holder>,
}

type Digested = [u8; 32];

enum Holder {
    Storefront { store: String, name: String, origins: Vec<String> },
    Operator(Actor),
}

/// Who asks, as far as the credential itself tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A storefront's server, by the scope of its key.
    Server(String),
    /// A page with a publishable key, by the scope of the key.
    Page(String),
    /// Whoever has a checkout token, or something that looks like one.
    Token,
    /// An operator.
    Operator,
    /// Nobody who is known.
    Unknown,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// A storefront's server: may do everything with the checkouts of its store, and is believed about who the shopper
    /// is and what things cost.
    Server {
        /// The store that its key is bound to.
        store: String,
        /// What operators call the key.
        name: String,
    },
    /// A page with a publishable key, which everybody knows: may create checkouts of guests and of customers who prove
    /// themselves, and nothing else.
    Page {
        /// The store that its key is bound to.
        store: String,
        /// What operators call the key.
        name: String,
    },
    /// The holder of a checkout token: may act on that one checkout, and is not believed about who the shopper is or what
    /// things cost.
    Checkout(CheckoutId),
}

impl Credentials {
    /// Those of the configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let mut known = HashMap::new();
        for store in &config.stores {
            for key in &store.storefront_keys {
                let holder = Holder::Storefront {
                    store: store.name.clone(),
                    name: key.name.clone(),
                    origins: key.origins.clone(),
                };
                known.insert(digest(key.key.expose()), holder);
            }
        }
        for operator in &config.operators {
            known.insert(digest(operator.token.expose()), Holder::Operator(operator_of(operator)));
        }
        Self { known }
    }

    /// The operator whose token this is.
    pub(crate) fn operator(&self, presented: &str) -> Option<&Actor> {
        match self.find(presented) {
            Some(Holder::Operator(actor)) => Some(actor),
            _ => None,
        }
    }

    /// Who asks, for those who count. Nothing is looked up, and nobody is let in by it.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Caller {
        let Some(presented) = bearer(headers) else { return Caller::Unknown };
        match self.find(presented) {
            Some(Holder::Storefront { store, name, origins }) => {
                let scope = format!("{store}:{name}");
                if origins.is_empty() { Caller::Server(scope) } else { Caller::Page(scope) }
            }
            Some(Holder::Operator(_)) => Caller::Operator,
            None if CheckoutToken::parse(presented).is_some() => Caller::Token,
            None => Caller::Unknown,
        }
    }

    /// By the hash: what the time of the search tells about it says nothing about the credential.
    fn find(&self, presented: &str) -> Option<&Holder> {
        self.known.get(&digest(presented))
    }
}

/// The operators' console, available only for an identified operator, so that no handler can bypass its store.
pub(crate) struct OpsAccess(Console);

impl OpsAccess {
    /// Wraps the console.
    pub(crate) fn new(ops: Console) -> Self {
        Self(ops)
    }

    /// The numbers of the migrations that the database has, for whoever asks whether it fits.
    /// Of all stores.
    pub(crate) async fn foreign_records(&self) -> Result<(i64, i64), DbError> {
        self.0.foreign_records().await
    }

    /// Whether the database answers, and takes writes.
    pub(crate) async fn takes_writes(&self) -> Result<bool, DbError> {
        self.0.takes_writes().await
    }

    pub(crate) async fn applied_migrations(&self) -> Result<Option<Vec<i64>>, DbError> {
        self.0.applied_migrations().await
    }

    /// The console, limited to this operator's store.
    pub(crate) fn of(&self, actor: &Actor) -> Console {
        self.0.of(actor)
    }
}

/// An operator of the configuration as `ops` knows it.
pub(crate) fn operator_of(operator: &config::Operator) -> Actor {
    Actor { name: operator.name.clone(), role: operator.role, store: operator.store.clone() }
}

fn digest(text: &str) -> Digested {
    Sha256::digest(text.as_bytes()).into()
}

impl Principal {
    /// The scope of its idempotency keys.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::Server { store, name } | Self::Page { store, name } => format!("storefront:{store}:{name}"),
            Self::Checkout(id) => format!("checkout:{id}"),
        }
    }
}

impl FromRequestParts<AppState> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let presented = bearer(&parts.headers).ok_or_else(|| Problem::of(Slug::Unauthorized))?;
        match state.credentials().find(presented) {
            Some(Holder::Storefront { store, name, origins }) => {
                let (store, name) = (store.clone(), name.clone());
                if origins.is_empty() {
                    return Ok(Self::Server { store, name });
                }
                if comes_from(&parts.headers, origins) {
                    return Ok(Self::Page { store, name });
                }
                let detail = "this key may only be used by pages of the origins that are listed for it: the request needs one \
                              Origin header with one of them";
                return Err(Problem::new(Slug::Forbidden, detail));
            }
            Some(Holder::Operator(_)) => {
                return Err(Problem::new(Slug::Forbidden, "an operator token works on /ops, not on /v1"));
            }
            None => {}
        }
        let token = CheckoutToken::parse(presented).ok_or_else(|| Problem::of(Slug::Unauthorized))?;
        if state.engine().admits(token.id, token.proof()).await? {
            Ok(Self::Checkout(token.id.into()))
        } else {
            Err(Problem::of(Slug::Unauthorized))
        }
    }
}

/// An operator, who may look at everything of the stores that it is for. What else it may do is decided in
/// `ops`.
#[derive(Debug)]
pub(crate) struct Operator(pub(crate) Actor);

impl FromRequestParts<AppState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let presented = bearer(&parts.headers).ok_or_else(|| Problem::of(Slug::Unauthorized))?;
        let known = match state.credentials().find(presented) {
            Some(Holder::Operator(actor)) => return Ok(Self(actor.clone())),
            Some(Holder::Storefront { .. }) => true,
            None => match CheckoutToken::parse(presented) {
                Some(token) => state.engine().admits(token.id, token.proof()).await?,
                None => false,
            },
        };
        if known {
            return Err(Problem::new(Slug::Forbidden, "only an operator's token opens /ops"));
        }
        Err(Problem::of(Slug::Unauthorized))
    }
}

/// The credential of the request. Two of them are none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let text = all.next()?.to_str().ok()?;
    let (scheme, credential) = text.split_once(' ')?;
    let credential = credential.trim();
    (all.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty())
        .then_some(credential)
}

/// A browser says once where a page comes from. A request that says nothing does not come from a page, and one that says
/// two things comes from neither.
fn comes_from(headers: &HeaderMap, origins: &[String]) -> bool {
    let mut all = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (all.next(), all.next()) else { return false };
    origin.to_str().is_ok_and(|origin| origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin)))
}

/// The credential of one checkout: its id and a secret. Only the hash of the secret is kept.
pub(crate) struct CheckoutToken {
    id: Uuid,
    secret: [u8; 32],
}

const PREFIX: &str = "ct_";

impl CheckoutToken {
    /// The proof that a request carries, where it has a checkout token.
    pub(crate) fn presented(headers: &HeaderMap) -> Option<TokenProof> {
        Some(Self::parse(bearer(headers)?)?.proof())
    }

    /// A fresh secret, for a checkout that may not have its id yet.
    pub(crate) fn secret() -> [u8; 32] {
        rand::random()
    }

    /// The token of a checkout.
    pub(crate) fn new(id: CheckoutId, secret: [u8; 32]) -> Self {
        Self { id: id.uuid(), secret }
    }

    /// What is kept of it.
    pub(crate) fn proof(&self) -> TokenProof {
        Self::proof_of(&self.secret)
    }

    /// What is kept of a secret.
    pub(crate) fn proof_of(secret: &[u8; 32]) -> TokenProof {
        TokenProof(Sha256::digest(secret).into())
    }

    /// As the storefront gets it.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.id.as_bytes().iter().chain(&self.secret).copied().collect();
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self { id: Uuid::from_bytes(*id), secret: secret.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_checkout_token_holds_its_id_and_is_read_back() {
        let (id, secret) = (CheckoutId::generate(), CheckoutToken::secret());
        let token = CheckoutToken::new(id, secret);
        let read = CheckoutToken::parse(&token.text()).map(|read| (read.id, read.secret));
        assert_eq!(read, Some((id.uuid(), secret)));
        assert_eq!(token.text().len(), 3 + 64);
        for wrong in ["", "ct_", "ct_AAAA", "ct_é", &token.text()[3..], &format!("{}A", token.text())] {
            assert!(CheckoutToken::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_page_says_once_where_it_comes_from() {
        let listed = ["https://shop.example".to_owned(), "https://www.shop.example".to_owned()];
        let from = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ORIGIN, HeaderValue::from_static(value));
            }
            comes_from(&headers, &listed)
        };
        assert!(from(&["https://shop.example"]) && from(&["HTTPS://WWW.shop.example"]));
        for wrong in [
            &[][..],
            &[""],
            &["null"],
            &["https://shop.example.evil.example"],
            &["http://shop.example"],
            &["https://shop.example:444"],
            &["https://shop.example, https://www.shop.example"],
            &["https://shop.example", "https://shop.example"],
            &["https://shop.example", "https://evil.example"],
        ] {
            assert!(!from(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn only_one_bearer_credential_counts() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(headers(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(headers(&["bearer  abc"]).as_deref(), Some("abc"));
        for wrong in [&[][..], &["abc"], &["Basic abc"], &["Bearer "], &["Bearer a", "Bearer b"]] {
            assert_eq!(headers(wrong), None, "{wrong:?}");
        }
    }
}
