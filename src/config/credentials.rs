//! Keys of storefronts and tokens of operators: their text form and what makes one acceptable.
//!
//! Reasons name the key, never its value.

use super::reader::origin;
use crate::role::Role;
use crate::secret::Secret;

/// The shortest key or token that is accepted, in characters.
pub const MIN_SECRET_CHARS: usize = 16;

/// A key with which a storefront opens checkouts.
#[derive(Clone)]
pub struct StorefrontKey {
    /// What operators call it; unique within its store.
    pub name: String,
    /// The key itself.
    pub key: Secret,
    /// The origins whose pages may use it; with any, it is publishable: it creates checkouts and nothing else. Empty: a server
    /// key, which is believed about who the shopper is and what things cost.
    pub origins: Vec<String>,
}

/// A person or program that may use `/ops`.
#[derive(Clone)]
pub struct Operator {
    /// The name that stands in the audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The store that it is bound to; `None`: it is for all of them.
    pub store: Option<String>,
    /// The token that proves it.
    pub token: Secret,
}

/// A fresh key or token: 192 random bits.
pub fn new_token() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}

/// Reads `name=key,...`, each optionally followed by `@origin|origin`.
pub(super) fn storefront_keys(text: &str, refuse: &mut dyn FnMut(String)) -> Vec<StorefrontKey> {
    let mut keys = Vec::new();
    for (index, entry) in entries(text) {
        let Some((name, rest)) = entry.split_once('=') else {
            refuse(format!("entry {index} must have the form name=key"));
            continue;
        };
        let (key, list) = rest.split_once('@').unwrap_or((rest, ""));
        let restricted = rest.contains('@');
        if let Some(key) = storefront_key(name.trim(), key, list.split('|'), restricted, refuse) {
            keys.push(key);
        }
    }
    keys
}

/// One key from its parts, as both the variable and the stores file give them.
pub(super) fn storefront_key<'a>(
    name: &str,
    key: &str,
    origins: impl Iterator<Item = &'a str>,
    restricted: bool,
    refuse: &mut dyn FnMut(String),
) -> Option<StorefrontKey> {
    let listed: Result<Vec<String>, String> =
        origins.map(str::trim).filter(|text| !text.is_empty()).map(origin).collect();
    let problem = if is_name(name) {
        weak_secret(key).map(|why| format!("the key {name:?} {why}")).or_else(|| match &listed {
            Err(reason) => Some(format!("the key {name:?} {reason}")),
            // An empty list would silently mean "anywhere".
            Ok(list) if restricted && list.is_empty() => {
                Some(format!("the key {name:?} has an empty list of origins"))
            }
            Ok(_) => None,
        })
    } else {
        Some(format!("{name:?} is no name for a key: {NAME_RULE}"))
    };
    match (problem, listed) {
        (None, Ok(origins)) => {
            Some(StorefrontKey { name: name.to_owned(), key: Secret::new(key.to_owned()), origins })
        }
        (problem, _) => {
            refuse(problem.unwrap_or_default());
            None
        }
    }
}

/// Reads `name:role=token,...`. `store`: the one that they are bound to.
pub(super) fn operators(text: &str, store: Option<&str>, refuse: &mut dyn FnMut(String)) -> Vec<Operator> {
    let mut operators = Vec::<Operator>::new();
    for (index, entry) in entries(text) {
        let parts = entry.split_once('=').and_then(|(who, token)| {
            who.split_once(':').map(|(name, role)| (name.trim(), role.trim(), token))
        });
        let Some((name, role, token)) = parts else {
            refuse(format!("entry {index} must have the form name:role=token"));
            continue;
        };
        let role: Role = match role.parse() {
            Ok(role) => role,
            Err(unknown) => {
                refuse(format!("the role of {name:?} {unknown}"));
                continue;
            }
        };
        if !is_name(name) {
            refuse(format!("{name:?} is no name for an operator: {NAME_RULE}"));
        } else if let Some(why) = weak_secret(token) {
            refuse(format!("the token of {name:?} {why}"));
        } else if operators.iter().any(|other| other.name == name) {
            refuse(format!("the name {name:?} is given twice"));
        } else {
            let (store, token) = (store.map(str::to_owned), Secret::new(token.to_owned()));
            operators.push(Operator { name: name.to_owned(), role, store, token });
        }
    }
    operators
}

fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.enumerate().map(|(index, entry)| (index + 1, entry))
}

const NAME_RULE: &str = "letters, digits, - and _, at most 64";

/// Whether the text may name a store, a key or an operator.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// Why the text is no secret to accept, if so. It must also survive the trip in an `Authorization` header.
pub(super) fn weak_secret(text: &str) -> Option<String> {
    if text.chars().count() < MIN_SECRET_CHARS {
        Some(format!("is too short: at least {MIN_SECRET_CHARS} characters"))
    } else if text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/=".contains(c)) {
        None
    } else {
        Some("may contain only letters, digits and - . _ ~ + / =".to_owned())
    }
}
