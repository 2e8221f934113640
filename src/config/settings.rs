//! The one table of settings: help text, `docs/configuration.md`, `.env.example` and `docker-compose.yml` are all held to it by tests.
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
    /// What it means, for the operator who sets it.
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

/// Every setting of the program, in the order in which an operator meets them.
pub const SETTINGS: &[Setting] = &[
    secret(
        "DATABASE_URL",
        "Required. The PostgreSQL database: postgres://user:password@host:port/name. One address that always leads to the \
         primary: that of a managed database, or of a proxy in front of a cluster.",
    ),
    secret(
        "DATABASE_DIRECT_URL",
        "The database itself, if DATABASE_URL is a connection pooler in transaction mode (PgBouncer 1.21 or later with \
         max_prepared_statements). Used for LISTEN, group commits and migrations. Unset: DATABASE_URL.",
    ),
    plain("DATABASE_MAX_CONNECTIONS", Some("16"), "PostgreSQL connections per process, 5 to 1000."),
    plain(
        "LISTEN_ADDR",
        Some("127.0.0.1:8080"),
        "Address and port of the HTTP API; 0.0.0.0:8080 inside a container.",
    ),
    plain(
        "METRICS_ADDR",
        None,
        "Address and port of a separate listener for /metrics. Unset: /metrics is on OPS_ADDR, or on LISTEN_ADDR if that is \
         unset, too.",
    ),
    plain(
        "OPS_ADDR",
        None,
        "Address and port of a separate listener for operators: the dashboard, /ops/v1, /docs, /openapi.yaml and (without \
         METRICS_ADDR) /metrics, which LISTEN_ADDR does not serve then. Set it if LISTEN_ADDR can be reached from the internet.",
    ),
    plain(
        "BIGCOMMERCE_STORE_HASH",
        None,
        "Required without STORES_FILE. The store hash: the part of the API path after /stores/.",
    ),
    secret(
        "BIGCOMMERCE_ACCESS_TOKEN",
        "Required without STORES_FILE. The access token (X-Auth-Token) of the store's API account.",
    ),
    secret(
        "BIGCOMMERCE_CLIENT_SECRET",
        "The client secret of the API account. Verifies signed webhooks and the shoppers' customer_token.",
    ),
    secret(
        "BIGCOMMERCE_WEBHOOK_SECRET",
        "A secret that webhooks may carry in the header X-Webhook-Secret, at least 16 characters.",
    ),
    plain(
        "BIGCOMMERCE_API_URL",
        Some("https://api.bigcommerce.com"),
        "Base URL of BigCommerce's management API.",
    ),
    plain(
        "BIGCOMMERCE_PAYMENTS_URL",
        Some("https://payments.bigcommerce.com"),
        "Base URL of BigCommerce's payments API.",
    ),
    plain(
        "STORES_FILE",
        None,
        "A TOML file with one [[store]] per store, in place of the single-store variables. Its operator_tokens are limited \
         to that store.",
    ),
    secret(
        "STOREFRONT_KEYS",
        "Required without STORES_FILE. Storefront API keys: name=key,... A server key has no origins; it may do everything \
         and is trusted about customers and prices. A publishable key, which is used in pages and only creates checkouts, \
         lists the origins that may use it: name=key@https://shop.example|https://www.shop.example.",
    ),
    secret(
        "OPERATOR_TOKENS",
        "Tokens of operators for all stores: name:role=token,... with role read, act or money. Unset: only the operators in \
         STORES_FILE can use /ops.",
    ),
    plain(
        "CORS_ORIGINS",
        None,
        "Additional origins whose pages may call /v1 from a browser: https://shop.example,https://www.shop.example. The \
         origins of publishable keys are always allowed.",
    ),
    plain(
        "ALLOW_RAW_CARDS",
        Some("false"),
        "Whether a payment may contain a card number. If true, this server is in scope for PCI DSS.",
    ),
    plain(
        "ALLOW_INSECURE_UPSTREAM",
        Some("false"),
        "Whether BigCommerce's URLs may be http on another machine. If true, tokens and cards can be read on the way.",
    ),
    plain("UPSTREAM_TIMEOUT_SECONDS", Some("15"), "Timeout of one call to BigCommerce's management API."),
    plain("PAYMENT_TIMEOUT_SECONDS", Some("60"), "Timeout of one call to BigCommerce's payments API."),
    plain(
        "LEASE_SECONDS",
        Some("70"),
        "How long a process holds a checkout before another process may resume it. Must exceed the larger timeout by more \
         than 2.",
    ),
    plain(
        "SETTLE_SECONDS",
        Some("30"),
        "How far BigCommerce's lists may lag behind. What they do not show is treated as absent only after the longest call \
         plus this time.",
    ),
    plain(
        "PENDING_SECONDS",
        Some("86400"),
        "How long an accepted payment may take to settle before the checkout needs manual review.",
    ),
    plain(
        "RECONCILE_SECONDS",
        Some("60"),
        "How long after its last change an idle checkout with an order is first compared with BigCommerce, so that changes a \
         merchant made are found without a webhook. The interval then doubles, up to one hour. 0: never.",
    ),
    plain("CHECKOUT_TTL_SECONDS", Some("604800"), "How long an idle checkout lives before it expires."),
    plain("MAX_ATTEMPTS", Some("8"), "Attempts per step before it is given up, 1 to 100."),
    plain(
        "RETRY_BASE_MS",
        Some("200"),
        "Base of the delays between two attempts of a step, in milliseconds. Each delay is random, from a quarter of this to an \
         upper bound: twice this before the first retry, then doubling up to RETRY_MAX_SECONDS.",
    ),
    plain("RETRY_MAX_SECONDS", Some("30"), "The longest delay between two attempts of a step."),
    plain(
        "SHUTDOWN_SECONDS",
        Some("25"),
        "How long a stopping process waits for running steps. Another process resumes the rest.",
    ),
    plain(
        "DRAIN_SECONDS",
        Some("0"),
        "How long a stopping process still serves everything while /readyz is already 503, so that load balancers notice. Before \
         SHUTDOWN_SECONDS; 5 in docker-compose.yml.",
    ),
    plain(
        "MAX_CONNECTIONS",
        Some("4096"),
        "Open connections per listener at most; fewer if the process may not open that many files.",
    ),
    plain(
        "MAX_EVENT_STREAMS",
        Some("2000"),
        "Open event streams per process at most; one server key may have three quarters of them, a checkout 8 and a shopper's \
         address 256. One more is answered rate-limited.",
    ),
    plain(
        "EVENT_STREAM_SECONDS",
        Some("900"),
        "How long an event stream stays open; its client connects again by itself.",
    ),
    plain(
        "RESERVED_CONNECTIONS",
        Some("64"),
        "How many of them are kept for probes, /metrics and /ops. Other requests get 503 there.",
    ),
    plain(
        "HEADER_TIMEOUT_SECONDS",
        Some("10"),
        "How long a client may take to send the headers of a request.",
    ),
    plain(
        "IDLE_TIMEOUT_SECONDS",
        Some("75"),
        "How long a connection may be idle between two requests. Should exceed the idle timeout of a proxy in front.",
    ),
    plain("WRITE_TIMEOUT_SECONDS", Some("30"), "How long a client may read nothing of a response."),
    plain(
        "BODY_LIMIT_BYTES",
        Some("262144"),
        "The largest accepted request body, in bytes, 1024 to 16777216.",
    ),
    plain(
        "TRUSTED_PROXIES",
        None,
        "Addresses and networks of your proxies, such as 10.0.0.0/8,::1. Only they may set the client address \
         (X-Forwarded-For or Forwarded). Unset: the address of the connection is used.",
    ),
    plain(
        "LIMIT_KEY_PER_MINUTE",
        Some("600000"),
        "Requests per minute with one storefront key, across all processes. For every LIMIT_*: requests above it get 429 and \
         have no effect; 0 means no limit.",
    ),
    plain(
        "LIMIT_PUBLISHABLE_KEY_PER_MINUTE",
        Some("6000"),
        "Requests per minute with one publishable key, across all processes.",
    ),
    plain(
        "LIMIT_ADDRESS_PER_MINUTE",
        Some("1200"),
        "Requests per minute from one client address (IPv6: one /64). Requests with a server key or an operator token do not \
         count.",
    ),
    plain(
        "LIMIT_CREATIONS_PER_MINUTE",
        Some("60"),
        "Checkouts per minute created from one client address with publishable keys.",
    ),
    plain(
        "LIMIT_CHECKOUT_PER_MINUTE",
        Some("600"),
        "Requests per minute about one checkout. Reads with a server key do not count.",
    ),
    plain(
        "LIMIT_UNKNOWN_PER_MINUTE",
        Some("1200"),
        "Requests per minute from one client address with an unknown credential.",
    ),
    plain(
        "LIMIT_SIGN_IN_PER_MINUTE",
        Some("20"),
        "Failed dashboard sign-ins per minute from one client address. From the fifth wrong token in a row on each leads to a pause, of 2 \
         seconds and doubling up to 15 minutes. 0: neither.",
    ),
    plain(
        "LIMIT_PAYMENTS_CHECKOUT_PER_HOUR",
        Some("20"),
        "Payment attempts per hour on one checkout. Repeating a request with the same Idempotency-Key does not count.",
    ),
    plain(
        "LIMIT_PAYMENTS_SHOPPER_PER_HOUR",
        Some("30"),
        "Payment attempts per hour by one shopper (customer or email address) with checkout tokens.",
    ),
    plain(
        "LIMIT_PAYMENTS_ADDRESS_PER_HOUR",
        Some("60"),
        "Payment attempts per hour from one client address with checkout tokens.",
    ),
    plain(
        "LIMIT_DECLINES_CHECKOUT_PER_DAY",
        Some("5"),
        "Declined payments per day on one checkout. After that no payment is accepted for a minute, and for twice as long after each \
         further decline, up to an hour. 0, here and below: no limit.",
    ),
    plain(
        "LIMIT_DECLINES_SHOPPER_PER_DAY",
        Some("10"),
        "Declined payments per day of one shopper (customer or email address) with checkout tokens.",
    ),
    plain(
        "LIMIT_DECLINES_ADDRESS_PER_DAY",
        Some("60"),
        "Declined payments per day from one client address with checkout tokens.",
    ),
    plain(
        "LIMIT_DECLINES_KEY_PER_DAY",
        Some("0"),
        "Declined payments per day on all checkouts of one storefront key. Unlimited, because the pause would be one of every \
         shopper of that key: there is an alert instead.",
    ),
    secret(
        "EVENT_DESTINATIONS",
        "Where outgoing events are sent: name=whsec_...@https://shop.example/events,... Only some types: \
         name:checkout.stuck|payment.unknown=... Two secrets during a rotation: whsec_new|whsec_old. Unset: nowhere.",
    ),
    plain("EVENT_TIMEOUT_SECONDS", Some("10"), "How long a destination may take to answer an event."),
    plain(
        "EVENT_RETRY_BASE_MS",
        Some("1000"),
        "Base of the delays between two deliveries of an event, in milliseconds. Each delay is random, from a quarter of this to \
         an upper bound: this before the first retry, then doubling up to EVENT_RETRY_MAX_SECONDS.",
    ),
    plain("EVENT_RETRY_MAX_SECONDS", Some("3600"), "The longest delay between two deliveries of an event."),
    plain(
        "EVENT_GIVE_UP_SECONDS",
        Some("259200"),
        "How long an event is retried. After that it can be redelivered manually, as long as it is kept.",
    ),
    plain("EVENT_RETENTION_DAYS", Some("30"), "Days that events and their delivery log are kept."),
    plain(
        "RETENTION_DAYS",
        Some("90"),
        "Days after its end that a checkout keeps personal data. Ids, steps and amounts stay. 0: forever.",
    ),
    plain(
        "IDEMPOTENCY_KEY_RETENTION_DAYS",
        Some("7"),
        "Days after the end of a checkout that its idempotency keys are kept, at least 3. The key of its creation is kept \
         forever.",
    ),
    plain(
        "CHECKOUT_TOKEN_RETENTION_DAYS",
        Some("90"),
        "Days after the end of a checkout that its tokens are valid.",
    ),
    plain(
        "WEBHOOK_RETENTION_DAYS",
        Some("7"),
        "Days that received webhooks are kept to recognize duplicates, at least 3.",
    ),
    plain(
        "OPERATION_RETENTION_DAYS",
        Some("365"),
        "Days that bulk actions and actions on orders (with their idempotency keys) are kept after their end, at least 30. The \
         audit log stays.",
    ),
    plain("RUST_LOG", Some("info"), "Log level, or directives such as info,sqlx=warn."),
    plain("LOG_FORMAT", Some("json"), "json: one object per line; pretty: for a terminal."),
    plain("OTEL_EXPORTER_OTLP_ENDPOINT", None, "Where traces are sent (OTLP over HTTP). Unset: nowhere."),
];

/// Variables that belong to other programs of this repository, and are therefore no mistakes.
pub(super) const NEIGHBORS: &[&str] = &["SIMULATOR_ADDR", "TEST_DATABASE_URL", "OPERATOR_TOKEN"];

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

/// The table as Markdown rows, exactly as `docs/configuration.md` shows them.
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
