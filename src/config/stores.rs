//! The stores: one from variables, or several from a TOML file.
//!
//! A file with a mistake is refused whole; no part of its text is repeated in a reason, because it holds secrets.

use super::{
    credentials::{
        Operator, StorefrontKey, is_name, operators, storefront_key, storefront_keys, weak_secret,
    },
    reader::{Reader, base_url, origin, origins, read_secret_file},
};
use crate::secret::Secret;

/// One BigCommerce store and who may sell through it.
#[derive(Clone)]
pub struct Store {
    /// What this installation calls it; `default` when there is only one.
    pub name: String,
    /// The part of its API path after `/stores/`.
    pub store_hash: String,
    /// `X-Auth-Token` of its API account.
    pub access_token: Secret,
    /// Verifies signed webhooks.
    pub client_secret: Option<Secret>,
    /// Accepted in `X-Webhook-Secret`.
    pub webhook_secret: Option<Secret>,
    /// Where the management API answers; no slash at its end.
    pub api_url: String,
    /// Where the payments API answers; no slash at its end.
    pub payments_url: String,
    /// The keys of its storefronts; never empty.
    pub storefront_keys: Vec<StorefrontKey>,
    /// Origins whose pages may call `/v1`.
    pub cors_origins: Vec<String>,
}

/// The variables that describe a single store, and therefore contradict `STORES_FILE`.
const SINGLE: &[&str] = &[
    "BIGCOMMERCE_STORE_HASH",
    "BIGCOMMERCE_ACCESS_TOKEN",
    "BIGCOMMERCE_CLIENT_SECRET",
    "BIGCOMMERCE_WEBHOOK_SECRET",
    "STOREFRONT_KEYS",
];

/// Reads the stores and the operators that are bound to one; `None` when something about them was refused.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<(Vec<Store>, Vec<Operator>)> {
    let api_url = reader.defaulted("BIGCOMMERCE_API_URL", base_url);
    let payments_url = reader.defaulted("BIGCOMMERCE_PAYMENTS_URL", base_url);
    let cors_origins = reader.optional("CORS_ORIGINS", origins).unwrap_or_default();
    let shared = Shared { api_url, payments_url, cors_origins };
    match reader.set("STORES_FILE") {
        Some(path) => {
            for name in SINGLE {
                if reader.set(name).is_some() || reader.set(&format!("{name}_FILE")).is_some() {
                    reader.refuse(name, "is set together with STORES_FILE; keep one of them");
                }
            }
            from_file(reader, &path, &shared)
        }
        None => single(reader, shared).map(|store| (vec![store], Vec::new())),
    }
}

/// What the variables say about every store.
struct Shared {
    api_url: String,
    payments_url: String,
    cors_origins: Vec<String>,
}

fn single(reader: &mut Reader<'_>, shared: Shared) -> Option<Store> {
    let store_hash = reader.optional("BIGCOMMERCE_STORE_HASH", store_hash);
    if store_hash.is_none() && reader.set("BIGCOMMERCE_STORE_HASH").is_none() {
        reader.refuse("BIGCOMMERCE_STORE_HASH", "is required (or STORES_FILE, for several stores)");
    }
    let access_token = reader.required_secret("BIGCOMMERCE_ACCESS_TOKEN");
    let client_secret = reader.secret("BIGCOMMERCE_CLIENT_SECRET");
    let webhook_secret = reader.secret("BIGCOMMERCE_WEBHOOK_SECRET");
    let keys = reader.required_secret("STOREFRONT_KEYS");
    let mut refuse = |name: &str, reason: String| reader.refuse(name, reason);
    check_token(access_token.as_ref(), &mut |reason| refuse("BIGCOMMERCE_ACCESS_TOKEN", reason));
    check_token(client_secret.as_ref(), &mut |reason| refuse("BIGCOMMERCE_CLIENT_SECRET", reason));
    check_own(webhook_secret.as_ref(), &mut |reason| refuse("BIGCOMMERCE_WEBHOOK_SECRET", reason));
    let mut refuse_keys = |reason| refuse("STOREFRONT_KEYS", reason);
    let storefront_keys = storefront_keys(keys.as_ref()?.expose(), &mut refuse_keys);
    check_names(&storefront_keys, &mut refuse_keys);
    Some(Store {
        name: "default".to_owned(),
        store_hash: store_hash?,
        access_token: access_token?,
        client_secret,
        webhook_secret,
        api_url: shared.api_url,
        payments_url: shared.payments_url,
        storefront_keys,
        cors_origins: shared.cors_origins,
    })
}

fn from_file(reader: &mut Reader<'_>, path: &str, shared: &Shared) -> Option<(Vec<Store>, Vec<Operator>)> {
    let mut refuse = |reason: String| reader.refuse("STORES_FILE", reason);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            refuse(format!("{path} cannot be read: {}", error.kind()));
            return None;
        }
    };
    let table = match text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            refuse(format!("{path} is no valid TOML (line {line})"));
            return None;
        }
    };
    if let Some(key) = table.keys().find(|key| *key != "store") {
        refuse(format!("{path} has an unknown entry {key:?}; it holds [[store]] tables only"));
    }
    let Some(entries) = table.get("store").and_then(toml::Value::as_array).filter(|list| !list.is_empty())
    else {
        refuse(format!("{path} has no [[store]]"));
        return None;
    };
    let (mut stores, mut bound) = (Vec::<Store>::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let mut place = |reason: String| refuse(format!("[[store]] {}: {reason}", index + 1));
        let Some(entry) = entry.as_table() else {
            place("must be a table".to_owned());
            continue;
        };
        let Some((store, operators)) = from_table(entry, shared, &mut place) else { continue };
        if stores.iter().any(|other| other.name == store.name) {
            place(format!("the name {:?} is given twice", store.name));
        } else if stores.iter().any(|other| other.store_hash.eq_ignore_ascii_case(&store.store_hash)) {
            place(format!("the store_hash {:?} is given twice", store.store_hash));
        } else {
            stores.push(store);
            bound.extend(operators);
        }
    }
    Some((stores, bound))
}

const FIELDS: &[&str] = &[
    "name",
    "store_hash",
    "access_token",
    "access_token_file",
    "client_secret",
    "client_secret_file",
    "webhook_secret",
    "webhook_secret_file",
    "api_url",
    "payments_url",
    "storefront_keys",
    "operator_tokens",
    "operator_tokens_file",
    "cors_origins",
];

fn from_table(
    table: &toml::Table,
    shared: &Shared,
    refuse: &mut dyn FnMut(String),
) -> Option<(Store, Vec<Operator>)> {
    for key in table.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
        refuse(format!("unknown field {key:?}"));
    }
    let mut fields = Fields { table, refuse };
    let name = fields.required("name", |text| {
        if is_name(text) { Ok(text.to_owned()) } else { Err("must be letters, digits, - and _".to_owned()) }
    });
    let hash = fields.required("store_hash", store_hash);
    let access_token = fields.secret("access_token", true);
    let client_secret = fields.secret("client_secret", false);
    let webhook_secret = fields.secret("webhook_secret", false);
    let api_url = fields.optional("api_url", base_url);
    let payments_url = fields.optional("payments_url", base_url);
    let cors = fields.list("cors_origins").map(|list| {
        list.iter().filter_map(|value| fields.check("cors_origins", value.as_str(), origin)).collect()
    });
    let tokens = fields.secret("operator_tokens", false);
    let keys = fields.keys();
    check_token(access_token.as_ref(), &mut |reason| refuse(format!("access_token {reason}")));
    check_token(client_secret.as_ref(), &mut |reason| refuse(format!("client_secret {reason}")));
    check_own(webhook_secret.as_ref(), &mut |reason| refuse(format!("webhook_secret {reason}")));
    check_names(&keys, &mut |reason| refuse(format!("storefront_keys: {reason}")));
    let bound = tokens.map(|tokens| {
        operators(tokens.expose(), name.as_deref(), &mut |reason| {
            refuse(format!("operator_tokens: {reason}"));
        })
    });
    let store = Store {
        name: name?,
        store_hash: hash?,
        access_token: access_token?,
        client_secret,
        webhook_secret,
        api_url: api_url.unwrap_or_else(|| shared.api_url.clone()),
        payments_url: payments_url.unwrap_or_else(|| shared.payments_url.clone()),
        storefront_keys: keys,
        cors_origins: cors.unwrap_or_else(|| shared.cors_origins.clone()),
    };
    Some((store, bound.unwrap_or_default()))
}

/// The fields of one `[[store]]`.
struct Fields<'a, 'b> {
    table: &'a toml::Table,
    refuse: &'b mut dyn FnMut(String),
}

impl<'a> Fields<'a, '_> {
    fn check<T>(
        &mut self,
        field: &str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = text.ok_or_else(|| "must be a text".to_owned()).and_then(parse);
        parsed.map_err(|reason| (self.refuse)(format!("{field} {reason}"))).ok()
    }

    fn optional<T>(&mut self, field: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.table.get(field)?;
        self.check(field, value.as_str(), parse)
    }

    fn required<T>(&mut self, field: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        if !self.table.contains_key(field) {
            (self.refuse)(format!("{field} is required"));
        }
        self.optional(field, parse)
    }

    fn secret(&mut self, field: &str, required: bool) -> Option<Secret> {
        let file = format!("{field}_file");
        match (self.table.contains_key(field), self.table.contains_key(&file)) {
            (true, true) => (self.refuse)(format!("{field} is given together with {file}; keep one of them")),
            (true, false) => return self.optional(field, |text| Ok(Secret::new(text.to_owned()))),
            (false, true) => return self.optional(&file, read_secret_file),
            (false, false) if required => (self.refuse)(format!("{field} is required (or {file})")),
            (false, false) => {}
        }
        None
    }

    fn list(&mut self, field: &str) -> Option<&'a [toml::Value]> {
        let value = self.table.get(field)?;
        if value.as_array().is_none() {
            (self.refuse)(format!("{field} must be a list"));
        }
        value.as_array().map(Vec::as_slice)
    }

    fn keys(&mut self) -> Vec<StorefrontKey> {
        let mut keys = Vec::new();
        for entry in self.list("storefront_keys").unwrap_or_default() {
            let mut refuse = |reason: String| (self.refuse)(format!("storefront_keys: {reason}"));
            let Some(entry) = entry.as_table() else {
                refuse("each must be { name, key, origins }".to_owned());
                continue;
            };
            if let Some(field) =
                entry.keys().find(|f| !["name", "key", "key_file", "origins"].contains(&f.as_str()))
            {
                refuse(format!("unknown field {field:?}"));
            }
            let text = |field: &str| entry.get(field).and_then(toml::Value::as_str);
            let key = match (text("key"), text("key_file")) {
                (Some(key), None) => Secret::new(key.to_owned()),
                (None, Some(path)) => match read_secret_file(path) {
                    Ok(key) => key,
                    Err(reason) => {
                        refuse(reason);
                        continue;
                    }
                },
                _ => {
                    refuse("each needs a key (or a key_file)".to_owned());
                    continue;
                }
            };
            let origins = entry.get("origins").map(toml::Value::as_array);
            let listed = origins.flatten().into_iter().flatten().map(|value| value.as_str().unwrap_or("?"));
            let name = text("name").unwrap_or_default();
            keys.extend(storefront_key(name, key.expose(), listed, origins.is_some(), &mut refuse));
        }
        keys
    }
}

fn store_hash(text: &str) -> Result<String, String> {
    if text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric()) && !text.is_empty() {
        Ok(text.to_owned())
    } else {
        Err("must be letters and digits only: the part of the API path after /stores/".to_owned())
    }
}

/// A token of BigCommerce's, which must fit into a header. An empty one would verify what anybody signs.
fn check_token(token: Option<&Secret>, refuse: &mut dyn FnMut(String)) {
    if token.is_some_and(|token| token.expose().is_empty()) {
        refuse("must not be empty".to_owned());
    }
    if token.is_some_and(|token| !token.expose().chars().all(|c| c.is_ascii_graphic())) {
        refuse("must be visible ASCII characters without spaces".to_owned());
    }
}

/// A secret that the operator chose.
fn check_own(secret: Option<&Secret>, refuse: &mut dyn FnMut(String)) {
    if let Some(why) = secret.and_then(|secret| weak_secret(secret.expose())) {
        refuse(why);
    }
}

fn check_names(keys: &[StorefrontKey], refuse: &mut dyn FnMut(String)) {
    for (index, key) in keys.iter().enumerate() {
        if keys.iter().take(index).any(|other| other.name == key.name) {
            refuse(format!("the name {:?} is given twice", key.name));
        }
    }
    if keys.is_empty() {
        refuse("there must be at least one key, or no storefront could open a checkout".to_owned());
    }
}
