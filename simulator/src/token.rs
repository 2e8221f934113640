//! Payment access tokens: single-use JWTs bound to one order, amount and currency
//! (BigCommerce: payments.v3, access tokens).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, as_whole, member};
use crate::ledger;
use crate::money::minor_units;
use crate::payments::is_payable;

/// A minted token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    /// In the order of minting.
    pub(crate) number: u64,
    pub(crate) jti: String,
    pub(crate) order_id: u64,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) expires: OffsetDateTime,
    pub(crate) used: bool,
    pub(crate) correlation_id: Option<String>,
}

impl Token {
    /// The short form for the ledger.
    pub(crate) fn ledger(&self, store: &str) -> ledger::Token {
        ledger::Token {
            store: store.to_owned(),
            jti: self.jti.clone(),
            order_id: self.order_id,
            amount: self.amount,
            currency: self.currency.clone(),
            used: self.used,
            correlation_id: self.correlation_id.clone(),
        }
    }
}

/// `POST /v3/payments/access_tokens`
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let order = member(&visit.body, "order").filter(|order| order.is_object());
    let order = order.ok_or_else(|| answer::payment_detail(422, 10_001, Some(("order", "is required"))))?;
    // A JSON integer: text is refused here, unlike elsewhere.
    let id = member(order, "id").filter(|id| id.is_number()).and_then(as_whole).filter(|id| *id > 0);
    let id = id.ok_or_else(|| {
        answer::payment_detail(422, 10_001, Some(("order.id", "must be an integer of at least 1")))
    })?;
    if member(order, "is_recurring").is_some_and(|value| !value.is_boolean()) {
        return Err(answer::payment_detail(422, 10_001, Some(("order.is_recurring", "must be a boolean"))));
    }
    let jwt = mint(visit, id)?;
    Ok(Answer::data(201, &json!({"id": jwt})))
}

fn mint(visit: &mut Visit<'_>, order_id: u64) -> Result<String, Answer> {
    let order = visit.store.orders.get(&order_id).filter(|order| !order.archived);
    let order = order.ok_or_else(|| answer::payment(404, 30_003))?;
    if visit.settings.mint_checks_status && !is_payable(order, visit.settings) {
        return Err(answer::payment(409, 30_101));
    }
    let amount = minor_units(order.due(), &order.currency).filter(|amount| *amount >= 0);
    let amount = amount.ok_or_else(|| answer::payment(422, 30_100))?;
    let ttl = time::Duration::seconds(visit.settings.token_ttl_seconds);
    let expires = visit.now.checked_add(ttl).unwrap_or(visit.now);
    let token = Token {
        number: 0,
        jti: Uuid::new_v4().to_string(),
        order_id,
        amount,
        currency: order.currency.clone(),
        expires,
        used: false,
        correlation_id: visit.call.correlation_id(),
    };
    let claims = json!({
        "exp": expires.unix_timestamp(), "nbf": visit.now.unix_timestamp(),
        "iss": "payments.bigcommerce.com", "sub": visit.store.hash, "jti": token.jti,
        "iat": visit.now.unix_timestamp(),
        "data": {
            "store_id": visit.store.number.to_string(), "order_id": order_id.to_string(),
            "amount": amount, "currency": token.currency,
        },
    });
    let number = visit.store.next_id();
    let jti = token.jti.clone();
    visit.store.tokens.insert(jti.clone(), Token { number, ..token });
    let key = visit.store.signing_key();
    Ok(if visit.settings.opaque_tokens { opaque(&jti, &key) } else { sign(JWT, &claims, &key) })
}

/// The header of payment access tokens.
const JWT: &str = r#"{"alg":"HS256"}"#;

/// A token that nobody but this store can read: digits without a dot.
fn opaque(jti: &str, key: &[u8]) -> String {
    let seal = mac(key, jti.as_bytes()).finalize().into_bytes();
    let seal = seal.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("{}{seal}", jti.replace('-', ""))
}

fn open(token: &str, key: &[u8]) -> Option<String> {
    let jti = Uuid::parse_str(token.get(..32)?).ok()?.to_string();
    (opaque(&jti, key) == token).then_some(jti)
}

/// A JWT with HS256.
pub(crate) fn sign(header: &str, claims: &Value, key: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = mac(key, text.as_bytes()).finalize().into_bytes();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn mac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac
}

/// The id inside a token that this store signed; `None` for anything else.
pub(crate) fn verify(jwt: &str, key: &[u8]) -> Option<String> {
    if !jwt.contains('.') {
        return open(jwt, key);
    }
    let (text, signature) = jwt.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(key, text.as_bytes()).verify_slice(&signature).ok()?;
    let (_, claims) = text.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims["jti"].as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_signature_is_accepted() {
        let jwt = sign(JWT, &json!({"jti": "one"}), b"key");
        assert_eq!(verify(&jwt, b"key").as_deref(), Some("one"));
        assert_eq!(verify(&jwt, b"other"), None);
        assert_eq!(verify("a.b.c", b"key"), None);
        assert_eq!(verify("", b"key"), None);
    }
}
