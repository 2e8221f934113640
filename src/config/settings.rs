//! The one table of settings: help text, README rows, `.env.example` and `docker-compose.yml` are all held to it by tests.
//!
//! It never holds a value that is secret, and nothing is read here.

use std::fmt::Write as _;

/// One setting: an environment variable and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name of the environment variable.
    pub name: &'static str,
    /// The value that holds when the variable is unset; `None` when there is none.
    pub default: Option<&'static str>,
    /// What it means, in words for the person who sets it.
    pub meaning: &'static str,
    /// Whether the value is a secret, which may come from the file that `<NAME>_FILE` names instead.
    pub secret: bool,
}

const fn plain(name: &'static str, default: Option<&'static str>, meaning: &'static str) -> Setting {
    Setting { name, default, meaning, secret: false }
}

const fn secret(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default: None, meaning, secret: true }
}

/// Every setting of the program, in the order in which a person meets them.
pub const SETTINGS: &[Setting] = &[
    secret(
        "DATABASE_URL",
        "Required. The PostgreSQL database: postgres://user:password@host:port/name. One address that always leads to the \
         primary: that of a managed database, or of a proxy in front of a cluster.",
    ),
    secret(
        "DATABASE_DIRECT_URL",
        "The database itself, where DATABASE_URL is a connection pooler in transaction mode (PgBouncer 1.21 or later with \
         max_prepared_statements): LISTEN, group commits and migrations go there. Unset: DATABASE_URL.",
    ),
    plain("DATABASE_MAX_CONNECTIONS", Some("16"), "Connections of one process to PostgreSQL, 5 to 1000."),
    plain(
        "LISTEN_ADDR",
        Some("127.0.0.1:8080"),
        "Address and port of the HTTP API; 0.0.0.0:8080 inside a container.",
    ),
    plain(
        "METRICS_ADDR",
        None,
        "Address and port for /metrics on a listener of its own; unset: on LISTEN_ADDR.",
    ),
    plain(
        "BIGCOMMERCE_STORE_HASH",
        None,
        "Required without STORES_FILE. The store: the part of its API path after /stores/.",
    ),
    secret(
        "BIGCOMMERCE_ACCESS_TOKEN",
        "Required without STORES_FILE. The access token (X-Auth-Token) of the store's API account.",
    ),
    secret(
        "BIGCOMMERCE_CLIENT_SECRET",
        "The client secret of the API account; verifies signed webhooks and the customer_token of shoppers.",
    ),
    secret(
        "BIGCOMMERCE_WEBHOOK_SECRET",
        "Accepted in the header X-Webhook-Secret of a webhook, at least 16 characters.",
    ),
    plain(
        "BIGCOMMERCE_API_URL",
        Some("https://api.bigcommerce.com"),
        "Where BigCommerce's management API answers.",
    ),
    plain(
        "BIGCOMMERCE_PAYMENTS_URL",
        Some("https://payments.bigcommerce.com"),
        "Where BigCommerce's payments API answers.",
    ),
    plain(
        "STORES_FILE",
        None,
        "A TOML file with one [[store]] for each store, instead of the variables of a single store; its \
         operator_tokens are bound to that store.",
    ),
    secret(
        "STOREFRONT_KEYS",
        "Required without STORES_FILE. Keys of storefronts: name=key,... (server keys: they may do everything, and are believed \
         about customers and prices). A publishable key, which stands in pages and creates checkouts only, lists the origins \
         that may use it: name=key@https://shop.example|https://www.shop.example.",
    ),
    secret(
        "OPERATOR_TOKENS",
        "Tokens of operators of all stores: name:role=token,... with role read, act or money; unset: nobody may use \
         /ops but those of a store in STORES_FILE.",
    ),
    plain(
        "CORS_ORIGINS",
        None,
        "Origins whose pages may call /v1 from a browser: https://shop.example,https://www.shop.example. Those of \
         publishable keys may anyway.",
    ),
    plain(
        "ALLOW_RAW_CARDS",
        Some("false"),
        "Whether a payment may carry a card number. It brings this server into the scope of PCI DSS.",
    ),
    plain(
        "UPSTREAM_TIMEOUT_SECONDS",
        Some("15"),
        "How long one call to BigCommerce's management API may take.",
    ),
    plain("PAYMENT_TIMEOUT_SECONDS", Some("60"), "How long one call to BigCommerce's payments API may take."),
    plain(
        "LEASE_SECONDS",
        Some("70"),
        "How long a process holds a checkout before another may resume it; more than the larger timeout plus 2.",
    ),
    plain(
        "SETTLE_SECONDS",
        Some("30"),
        "How far BigCommerce's lists may lag behind: what is not shown is believed absent after the longest call and this.",
    ),
    plain(
        "PENDING_SECONDS",
        Some("86400"),
        "How long an accepted payment may take to settle before a person has to look.",
    ),
    plain(
        "RECONCILE_SECONDS",
        Some("60"),
        "After how long at rest the order of a checkout is looked at for the first time, so that what a merchant does to it is \
         found without anybody asking; the pauses double up to an hour. 0: never.",
    ),
    plain("CHECKOUT_TTL_SECONDS", Some("604800"), "How long an idle checkout lives before it expires."),
    plain("MAX_ATTEMPTS", Some("8"), "Attempts of one step before a person has to look, 1 to 100."),
    plain(
        "RETRY_BASE_MS",
        Some("200"),
        "The first pause before a step is tried again, in milliseconds; it doubles, with full jitter.",
    ),
    plain("RETRY_MAX_SECONDS", Some("30"), "The longest pause between two attempts of a step."),
    plain(
        "SHUTDOWN_SECONDS",
        Some("25"),
        "How long a stopping process waits for running steps; what is left is resumed by the next one.",
    ),
    plain("BODY_LIMIT_BYTES", Some("262144"), "The largest request body, in bytes, 1024 to 16777216."),
    plain(
        "TRUSTED_PROXIES",
        None,
        "Addresses and networks of the proxies in front, such as 10.0.0.0/8,::1: only they are believed about the \
         address of a client (X-Forwarded-For, or Forwarded). Unset: the address is that of the connection.",
    ),
    plain(
        "LIMIT_KEY_PER_MINUTE",
        Some("600000"),
        "Requests with one storefront key in a minute, over all processes: more than a server sends. Here as in each \
         LIMIT_*: what is above is answered with 429 and nothing is done; 0: no limit.",
    ),
    plain(
        "LIMIT_PUBLISHABLE_KEY_PER_MINUTE",
        Some("6000"),
        "The same with one publishable key, which only creates checkouts.",
    ),
    plain(
        "LIMIT_ADDRESS_PER_MINUTE",
        Some("1200"),
        "Requests of one client address (IPv6: of one /64) in a minute; not counted are those with a server key \
         and those of operators.",
    ),
    plain(
        "LIMIT_CREATIONS_PER_MINUTE",
        Some("60"),
        "Checkouts that one client address asks for in a minute with publishable keys, which everybody knows.",
    ),
    plain(
        "LIMIT_CHECKOUT_PER_MINUTE",
        Some("600"),
        "Requests about one checkout in a minute; not counted are reads with a server key.",
    ),
    plain(
        "LIMIT_UNKNOWN_PER_MINUTE",
        Some("1200"),
        "Requests of one client address in a minute with a credential that is not known.",
    ),
    plain(
        "LIMIT_SIGN_IN_PER_MINUTE",
        Some("20"),
        "Failed attempts of one client address to sign in to the dashboard in a minute.",
    ),
    plain(
        "LIMIT_PAYMENTS_CHECKOUT_PER_HOUR",
        Some("20"),
        "Payments that are asked for on one checkout in an hour; a repetition with the same Idempotency-Key is none.",
    ),
    plain(
        "LIMIT_PAYMENTS_SHOPPER_PER_HOUR",
        Some("30"),
        "Payments that one shopper (customer, or e-mail address) asks for in an hour with checkout tokens.",
    ),
    plain(
        "LIMIT_PAYMENTS_ADDRESS_PER_HOUR",
        Some("60"),
        "Payments that one client address asks for in an hour with checkout tokens.",
    ),
    secret(
        "EVENT_DESTINATIONS",
        "Where events go: name=whsec_...@https://shop.example/events,... Only some types: \
         name:checkout.stuck|payment.unknown=... Several secrets, while one is changed: whsec_new|whsec_old. Unset: nowhere.",
    ),
    plain("EVENT_TIMEOUT_SECONDS", Some("10"), "How long a destination may take to answer an event."),
    plain(
        "EVENT_RETRY_BASE_MS",
        Some("1000"),
        "The first pause before an event is sent again, in milliseconds; it doubles, with full jitter.",
    ),
    plain("EVENT_RETRY_MAX_SECONDS", Some("3600"), "The longest pause before an event is sent again."),
    plain(
        "EVENT_GIVE_UP_SECONDS",
        Some("259200"),
        "How long an event is tried before it is given up; it can be sent again by hand as long as it is kept.",
    ),
    plain("EVENT_RETENTION_DAYS", Some("30"), "Days that events and the log of their deliveries are kept."),
    plain(
        "RETENTION_DAYS",
        Some("90"),
        "Days after its end that a checkout keeps personal data; what remains are ids, steps and amounts. 0: for ever.",
    ),
    plain(
        "IDEMPOTENCY_KEY_RETENTION_DAYS",
        Some("7"),
        "Days after the end of a checkout that its idempotency keys are kept, at least 3; that of its creation is kept for ever.",
    ),
    plain(
        "CHECKOUT_TOKEN_RETENTION_DAYS",
        Some("90"),
        "Days after the end of a checkout that its tokens are good.",
    ),
    plain(
        "WEBHOOK_RETENTION_DAYS",
        Some("7"),
        "Days that webhook events are kept, to tell one that BigCommerce repeats; at least 3.",
    ),
    plain("RUST_LOG", Some("info"), "What is logged: a level, or directives such as info,sqlx=warn."),
    plain("LOG_FORMAT", Some("json"), "json: one object on each line; pretty: for a person at a terminal."),
    plain("OTEL_EXPORTER_OTLP_ENDPOINT", None, "Where traces are sent (OTLP over HTTP); unset: nowhere."),
];

/// Variables that belong to other programs of this repository, and are therefore no mistakes.
pub(super) const NEIGHBOURS: &[&str] = &["SIMULATOR_ADDR", "TEST_DATABASE_URL", "OPERATOR_TOKEN"];

/// The setting of that name.
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The table as text for a terminal.
pub fn as_text() -> String {
    let mut text = String::new();
    for setting in SETTINGS {
        let default = setting.default.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        let file = if setting.secret { " (or a file: append _FILE to the name)" } else { "" };
        let _ = writeln!(text, "  {}{default}{file}\n      {}", setting.name, setting.meaning);
    }
    text
}

/// The table as Markdown rows, exactly as the README shows them.
pub fn as_markdown() -> String {
    let mut rows = String::from("| Variable | Default | Meaning |\n|---|---|---|\n");
    for setting in SETTINGS {
        let default = setting.default.map(|value| format!("`{value}`")).unwrap_or_default();
        let _ =
            writeln!(rows, "| `{}` | {default} | {} |", setting.name, setting.meaning.replace('|', "\\|"));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_appears_once_and_explains_itself() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert!(SETTINGS[..index].iter().all(|other| other.name != setting.name), "{}", setting.name);
            assert!(setting.meaning.ends_with('.'), "{} needs a sentence", setting.name);
            assert!(
                !(setting.secret && setting.default.is_some()),
                "{}: a secret has no default",
                setting.name
            );
        }
    }

    #[test]
    fn the_example_environment_lists_every_setting_with_its_default_and_nothing_else() {
        let example = include_str!("../../.env.example");
        let listed: Vec<(&str, &str)> = example
            .lines()
            .filter_map(|line| line.trim_start_matches("# ").split_once('='))
            .filter(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
            .collect();
        for setting in SETTINGS {
            let found: Vec<_> = listed.iter().filter(|(name, _)| *name == setting.name).collect();
            assert_eq!(found.len(), 1, "{} belongs into .env.example exactly once", setting.name);
            if let (Some(default), (_, value)) = (setting.default, found[0]) {
                assert_eq!(*value, default, "{}: .env.example shows the default", setting.name);
            }
        }
        for (name, _) in listed {
            assert!(setting(name).is_some(), "{name} of .env.example is no setting");
        }
    }
}
