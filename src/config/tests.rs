//! Which configurations start, and what is said about those that do not.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::role::Role;

const GOOD: &[(&str, &str)] = &[
    ("DATABASE_URL", "postgres://user:hunter2@localhost:5432/checkout"),
    ("BIGCOMMERCE_STORE_HASH", "abc123"),
    ("BIGCOMMERCE_ACCESS_TOKEN", "upstream-token"),
    ("STOREFRONT_KEYS", "web=0123456789abcdef"),
];

/// Reads the good configuration with some variables changed.
pub(super) fn read(changes: &[(&str, &str)]) -> Result<Config, Errors> {
    let vars: BTreeMap<&str, &str> = GOOD.iter().chain(changes).copied().collect();
    Config::from_vars(|name| vars.get(name).map(|&value| value.to_owned()))
}

/// What is said about the good configuration with some variables changed.
pub(super) fn refusals(changes: &[(&str, &str)]) -> String {
    read(changes).err().map(|errors| errors.to_string()).unwrap_or_default()
}

#[test]
fn the_smallest_configuration_starts_with_the_documented_defaults() {
    let config = read(&[]).map_err(|errors| errors.to_string()).expect("the smallest configuration");
    assert_eq!(config.listen_addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database.max_connections, 16);
    assert_eq!(config.lease, Duration::from_secs(70));
    assert_eq!(config.pending, Duration::from_hours(24));
    assert_eq!(config.max_attempts, 8);
    assert_eq!(config.body_limit_bytes, 262_144);
    assert!(!config.allow_raw_cards && config.operators.is_empty() && config.metrics_addr.is_none());
    let store = &config.stores[0];
    assert_eq!((store.name.as_str(), store.store_hash.as_str()), ("default", "abc123"));
    assert_eq!(store.api_url, "https://api.bigcommerce.com");
    assert_eq!(store.storefront_keys[0].name, "web");
    assert!(store.storefront_keys[0].origins.is_empty());
    // Each is on, and a load test with one server key does not meet it: 10,000 requests in a second.
    let limits = &config.limits;
    assert_eq!((limits.key, limits.publishable_key), (600_000, 6_000));
    let others = [limits.address, limits.creations, limits.checkout, limits.unknown, limits.sign_in];
    assert!(others.iter().all(|most| *most > 0 && *most < limits.publishable_key));
}

#[test]
fn keys_tokens_and_origins_are_read_in_their_text_form() {
    let config = read(&[
        (
            "STOREFRONT_KEYS",
            "web=0123456789abcdef, shop=MDEyMzQ1Njc4OWFiY2RlZg==@https://Shop.example|http://localhost:3000/",
        ),
        ("OPERATOR_TOKENS", "ann:read=token-of-ann-12345,bob:money=token-of-bob-12345"),
        ("CORS_ORIGINS", "https://shop.example:443, http://localhost:3000"),
        ("BIGCOMMERCE_API_URL", "http://127.0.0.1:4200/"),
        ("BIGCOMMERCE_PAYMENTS_URL", "http://127.0.0.1:4200/"),
    ])
    .map_err(|errors| errors.to_string())
    .expect("every text form");
    let store = &config.stores[0];
    assert_eq!(store.storefront_keys[1].key.expose(), "MDEyMzQ1Njc4OWFiY2RlZg==");
    assert_eq!(store.storefront_keys[1].origins, ["https://shop.example", "http://localhost:3000"]);
    assert_eq!(store.cors_origins, ["https://shop.example", "http://localhost:3000"]);
    assert_eq!(store.api_url, "http://127.0.0.1:4200");
    assert_eq!((config.operators[0].role, config.operators[1].role), (Role::Read, Role::Money));
}

#[test]
fn destinations_of_events_are_read_in_their_text_form() {
    let (one, two) = (format!("whsec_{}", "QUJD".repeat(8)), format!("whsec_{}", "REVG".repeat(8)));
    let text = format!(
        "shop={one}|{two}@https://shop.example/in?k=v, alerts:checkout.stuck|payment.unknown={two}@http://127.0.0.1:9/"
    );
    let config = read(&[("EVENT_DESTINATIONS", &text)])
        .map_err(|errors| errors.to_string())
        .expect("two destinations");
    let [shop, alerts] = config.events.destinations.as_slice() else { panic!("two destinations") };
    assert_eq!((shop.name.as_str(), shop.keys.len(), shop.types.len()), ("shop", 2, EVENT_TYPES.len()));
    assert_eq!(shop.url.as_str(), "https://shop.example/in?k=v");
    assert_eq!(alerts.types, ["checkout.stuck", "payment.unknown"]);
    let twice = format!("a={one}@https://x.example,a={two}@https://x.example");
    assert!(refusals(&[("EVENT_DESTINATIONS", &twice)]).contains("given twice"));
}

#[test]
fn personal_data_is_kept_for_ninety_days_or_as_long_as_is_said() {
    let retention = |changes| read(changes).ok().map(|config| config.retention.personal_data);
    assert_eq!(retention(&[]), Some(Some(Duration::from_hours(90 * 24))));
    assert_eq!(retention(&[("RETENTION_DAYS", "0")]), Some(None));
}

#[test]
fn an_empty_variable_counts_as_unset() {
    assert_eq!(refusals(&[("METRICS_ADDR", ""), ("OPERATOR_TOKENS", ""), ("LEASE_SECONDS", " ")]), "");
}
#[test]
fn a_lease_must_outlive_the_longest_call() {
    let lease = |upstream, payment, lease| {
        refusals(&[
            ("UPSTREAM_TIMEOUT_SECONDS", upstream),
            ("PAYMENT_TIMEOUT_SECONDS", payment),
            ("LEASE_SECONDS", lease),
            ("SETTLE_SECONDS", "3"),
        ])
    };
    assert_eq!(lease("2", "3", "8"), "");
    assert_eq!(lease("0.2", "0.3", "2.4"), "");
    for (upstream, payment, seconds) in
        [("2", "3", "1"), ("2", "3", "5"), ("9", "3", "8"), ("15", "60", "62")]
    {
        assert!(lease(upstream, payment, seconds).contains("LEASE_SECONDS: must exceed"), "{seconds}");
    }
}

#[test]
fn wrong_values_are_refused_by_name_and_reason() {
    let table: &[(&str, &str, &str)] = &[
        ("DATABASE_URL", "mysql://user:hunter2@localhost/x", "must be a URL such as"),
        ("DATABASE_URL", "postgres://user:hunter2@localhost:notaport/x", "must be a URL such as"),
        ("DATABASE_URL", "postgres://user:hunter2@one,two/x", "names several hosts"),
        ("DATABASE_DIRECT_URL", "postgres://user:hunter2@one:notaport/x", "must be a URL such as"),
        ("DATABASE_MAX_CONNECTIONS", "4", "whole number from 5"),
        ("DATABASE_MAX_CONNECTIONS", "many", "whole number from 5"),
        ("LISTEN_ADDR", "8080", "an IP address and a port"),
        ("METRICS_ADDR", "127.0.0.1:8080", "same as LISTEN_ADDR"),
        ("BIGCOMMERCE_STORE_HASH", "stores/abc", "letters and digits only"),
        ("BIGCOMMERCE_ACCESS_TOKEN", "with space", "visible ASCII"),
        ("BIGCOMMERCE_WEBHOOK_SECRET", "short", "at least 16 characters"),
        ("BIGCOMMERCE_API_URL", "api.bigcommerce.com", "http or https"),
        ("BIGCOMMERCE_API_URL", "ftp://api.bigcommerce.com", "http or https"),
        ("BIGCOMMERCE_PAYMENTS_URL", "https://user:hunter2@x.example", "credentials"),
        ("STOREFRONT_KEYS", "0123456789abcdef", "name=key"),
        ("STOREFRONT_KEYS", "web=short", "at least 16 characters"),
        ("STOREFRONT_KEYS", "w b=0123456789abcdef", "no name for a key"),
        ("STOREFRONT_KEYS", "web=0123456789abcdef@", "empty list of origins"),
        ("STOREFRONT_KEYS", "web=0123456789abcdef@shop.example", "must list origins"),
        ("STOREFRONT_KEYS", "web=0123456789abcdef,web=fedcba9876543210", "given twice"),
        ("STOREFRONT_KEYS", "a=0123456789abcdef,b=0123456789abcdef", "is the same as"),
        ("STOREFRONT_KEYS", "web=0123456789abcdef\u{e9}", "only letters, digits"),
        ("STOREFRONT_KEYS", ",", "at least one key"),
        ("OPERATOR_TOKENS", "ann=0123456789abcdeX", "name:role=token"),
        ("OPERATOR_TOKENS", "ann:admin=0123456789abcdeX", "read, act or money"),
        ("OPERATOR_TOKENS", "ann:read=short", "at least 16 characters"),
        ("OPERATOR_TOKENS", "ann:read=0123456789abcdeX,ann:act=0123456789abcdeY", "given twice"),
        ("OPERATOR_TOKENS", "ann:read=0123456789abcdef", "is the same as"),
        ("CORS_ORIGINS", "*", "must list origins"),
        ("CORS_ORIGINS", "https://shop.example/path", "must list origins"),
        ("ALLOW_RAW_CARDS", "yes", "true or false"),
        ("UPSTREAM_TIMEOUT_SECONDS", "0", "above 0"),
        ("UPSTREAM_TIMEOUT_SECONDS", "-1", "above 0"),
        ("PAYMENT_TIMEOUT_SECONDS", "inf", "above 0"),
        ("SETTLE_SECONDS", "NaN", "above 0"),
        ("SETTLE_SECONDS", "1e3", "above 0"),
        ("PENDING_SECONDS", "99999999999", "at most"),
        ("CHECKOUT_TTL_SECONDS", "0.0000001", "above 0"),
        ("MAX_ATTEMPTS", "0", "whole number from 1"),
        ("RETRY_BASE_MS", "1.5", "whole number"),
        ("RETRY_MAX_SECONDS", "0.1", "not be shorter than"),
        ("BODY_LIMIT_BYTES", "1", "whole number from 1024"),
        ("EVENT_DESTINATIONS", "https://hunter2.example", "name=whsec_...@https://..."),
        ("EVENT_DESTINATIONS", "a=whsec_0123456789@https://x.example", "24 to 64 bytes"),
        (
            "EVENT_DESTINATIONS",
            "a b=whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==@https://x.example",
            "no name",
        ),
        (
            "EVENT_DESTINATIONS",
            "a:x=whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==@https://x.example",
            "no event",
        ),
        (
            "EVENT_DESTINATIONS",
            "a=whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==@https://u:hunter2@x",
            "a password",
        ),
        (
            "EVENT_DESTINATIONS",
            "a=whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==@ftp://x.example",
            "http or https",
        ),
        ("EVENT_RETRY_MAX_SECONDS", "0.1", "not be shorter than"),
        ("EVENT_RETENTION_DAYS", "2", "not be shorter than"),
        ("RETENTION_DAYS", "-1", "whole number"),
        ("IDEMPOTENCY_KEY_RETENTION_DAYS", "2", "from 3 to"),
        ("CHECKOUT_TOKEN_RETENTION_DAYS", "0", "from 1 to"),
        ("WEBHOOK_RETENTION_DAYS", "2", "from 3 to"),
        ("STORES_FILE", "/nowhere/stores.toml", "cannot be read"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "http or https"),
    ];
    for (name, value, reason) in table {
        let said = refusals(&[(name, value)]);
        let line = said.lines().find(|line| line.trim_start().starts_with(name) && line.contains(reason));
        assert!(line.is_some(), "{name}={value} should be refused with {reason:?}, but: {said}");
        assert!(!said.contains("hunter2") && !said.contains("0123456789"), "a secret is shown: {said}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let Err(Errors(problems)) = Config::from_vars(|name| (name == "MAX_ATTEMPTS").then(|| "x".to_owned()))
    else {
        panic!("an empty configuration must not start");
    };
    let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "DATABASE_URL",
            "BIGCOMMERCE_STORE_HASH",
            "BIGCOMMERCE_ACCESS_TOKEN",
            "STOREFRONT_KEYS",
            "MAX_ATTEMPTS"
        ]
    );
}

#[test]
fn every_default_is_accepted_by_its_own_reader() {
    for setting in SETTINGS.iter().filter(|setting| !["RUST_LOG", "LOG_FORMAT"].contains(&setting.name)) {
        if let Some(default) = setting.default {
            assert_eq!(refusals(&[(setting.name, default)]), "", "{}", setting.name);
        }
    }
}

#[test]
fn every_setting_is_read_and_nothing_else() {
    let asked = std::cell::RefCell::new(BTreeSet::new());
    let get = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        None
    };
    let _ = Config::from_vars(get);
    // Those two are read by `telemetry`.
    let here = SETTINGS.iter().filter(|setting| !["RUST_LOG", "LOG_FORMAT"].contains(&setting.name));
    let named = here.flat_map(|setting| {
        let file = setting.secret.then(|| format!("{}_FILE", setting.name));
        [Some(setting.name.to_owned()), file].into_iter().flatten()
    });
    assert_eq!(asked.into_inner(), named.collect());
}

#[test]
fn secrets_may_come_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    std::fs::write(&path, "from-a-file\n").expect("a file");
    let path = path.to_str().expect("a path in UTF-8");
    let config = read(&[("BIGCOMMERCE_ACCESS_TOKEN", ""), ("BIGCOMMERCE_ACCESS_TOKEN_FILE", path)]).ok();
    assert_eq!(config.expect("it starts").stores[0].access_token.expose(), "from-a-file");
    assert!(refusals(&[("BIGCOMMERCE_ACCESS_TOKEN_FILE", path)]).contains("keep one of them"));
    assert!(refusals(&[("DATABASE_URL", ""), ("DATABASE_URL_FILE", "/nowhere")]).contains("cannot be read"));
}

fn with_stores(toml: &str) -> Result<Config, Errors> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stores.toml");
    std::fs::write(&path, toml).expect("a file");
    Config::from_vars(|name| match name {
        "DATABASE_URL" => Some("postgres://localhost/x".to_owned()),
        "CORS_ORIGINS" => Some("https://one.example".to_owned()),
        "STORES_FILE" => path.to_str().map(str::to_owned),
        _ => None,
    })
}

#[test]
fn several_stores_come_from_a_file() {
    let config = with_stores(
        r#"
        [[store]]
        name = "one"
        store_hash = "aaa"
        access_token = "token-one"
        webhook_secret = "0123456789abcdef"
        storefront_keys = [{ name = "web", key = "key-of-store-one-1" }]
        [[store]]
        name = "two"
        store_hash = "bbb"
        access_token = "token-two"
        api_url = "http://127.0.0.1:4200"
        payments_url = "http://127.0.0.1:4201"
        cors_origins = []
        storefront_keys = [
            { name = "web", key = "key-of-store-two-1", origins = ["https://two.example"] },
            { name = "app", key = "key-of-store-two-2" },
        ]
        "#,
    )
    .map_err(|errors| errors.to_string())
    .expect("two stores");
    let origins = config.stores.iter().map(|store| store.cors_origins.len());
    assert_eq!(origins.collect::<Vec<_>>(), [1, 0]);
    assert_eq!(config.stores[1].api_url, "http://127.0.0.1:4200");
    assert_eq!(config.stores[1].payments_url, "http://127.0.0.1:4201");
    assert_eq!(config.stores[1].storefront_keys[0].origins, ["https://two.example"]);
}

#[test]
fn operators_of_a_store_are_bound_to_it_and_have_names_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let stores = folder.path().join("stores.toml");
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "bob:money=token-of-bob-12345\n").expect("a file");
    let text = format!(
        "[[store]]\nname = \"one\"\nstore_hash = \"aaa\"\naccess_token = \"token-one\"\n\
         storefront_keys = [{{ name = \"web\", key = \"key-of-store-one-1\" }}]\n\
         operator_tokens = \"ann:read=token-of-ann-12345, act:act=token-of-act-12345\"\n\
         [[store]]\nname = \"two\"\nstore_hash = \"bbb\"\naccess_token = \"token-two\"\n\
         storefront_keys = [{{ name = \"web\", key = \"key-of-store-two-1\" }}]\n\
         operator_tokens_file = {:?}\n",
        tokens.display().to_string()
    );
    std::fs::write(&stores, text).expect("a file");
    let read = |all: &str| {
        Config::from_vars(|name| match name {
            "DATABASE_URL" => Some("postgres://localhost/x".to_owned()),
            "STORES_FILE" => stores.to_str().map(str::to_owned),
            "OPERATOR_TOKENS" => Some(all.to_owned()),
            _ => None,
        })
    };
    let config =
        read("zoe:money=token-of-zoe-12345").map_err(|errors| errors.to_string()).expect("it starts");
    let known: Vec<(&str, Role, Option<&str>)> = config
        .operators
        .iter()
        .map(|operator| (&*operator.name, operator.role, operator.store.as_deref()))
        .collect();
    let expected = [
        ("zoe", Role::Money, None),
        ("ann", Role::Read, Some("one")),
        ("act", Role::Act, Some("one")),
        ("bob", Role::Money, Some("two")),
    ];
    assert_eq!(known, expected);
    for (all, reason) in [
        (
            "ann:read=token-of-zoe-12345",
            "the operator \"ann\" of store \"one\" has the name of one of OPERATOR_TOKENS",
        ),
        (
            "zoe:read=token-of-bob-12345",
            "the token of \"bob\" of store \"two\" is the same as the token of \"zoe\"",
        ),
    ] {
        let said = read(all).err().map(|errors| errors.to_string()).unwrap_or_default();
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_wrong_stores_file_is_refused_without_showing_it() {
    let store = |name: &str, hash: &str, key: &str| {
        format!(
            "[[store]]\nname = \"{name}\"\nstore_hash = \"{hash}\"\naccess_token = \"hunter2\"\n\
             storefront_keys = [{{ name = \"web\", key = \"{key}\" }}]\n"
        )
    };
    let one = store("one", "aaa", "key-of-store-one-1");
    let bound = |store: &str, tokens: &str| format!("{store}operator_tokens = \"{tokens}\"\n");
    let two = store("two", "bbb", "key-of-store-two-1");
    let table = [
        (
            bound(&one, "ann:read=ann-hunter2-ann-1") + &bound(&two, "ann:act=ann-hunter2-ann-2"),
            "STORES_FILE: the operator \"ann\" of store \"two\" has the name of one of store \"one\"",
        ),
        (
            bound(&one, "ann:read=ann-hunter2-ann-1") + &bound(&two, "bob:act=ann-hunter2-ann-1"),
            "STORES_FILE: the token of \"bob\" of store \"two\" is the same as the token of \"ann\" of store \"one\"",
        ),
        (
            bound(&one, "ann:read=ann-hunter2,"),
            "[[store]] 1: operator_tokens: the token of \"ann\" is too short",
        ),
        (bound(&one, "") + "operator_tokens_file = \"x\"\n", "operator_tokens is given together with"),
        ("access_token = hunter2\n".to_owned(), "no valid TOML (line 1)"),
        (String::new(), "has no [[store]]"),
        ("[[shop]]\n".to_owned(), "unknown entry"),
        (format!("{one}webhook_secert = \"hunter2\"\n"), "unknown field"),
        (format!("{one}{}", store("one", "bbb", "key-of-store-two-1")), "the name \"one\" is given twice"),
        (format!("{one}{}", store("two", "aaa", "key-of-store-two-1")), "store_hash \"aaa\" is given twice"),
        (format!("{one}{}", store("two", "bbb", "key-of-store-one-1")), "is the same as"),
        ("[[store]]\nname = 5\n".to_owned(), "name must be a text"),
        ("[[store]]\nname = \"x\"\n".to_owned(), "access_token is required"),
        (store("one", "aaa", "short"), "at least 16"),
    ];
    for (toml, reason) in table {
        let said = with_stores(&toml).err().map(|errors| errors.to_string()).unwrap_or_default();
        assert!(said.contains(reason), "{toml} should be refused with {reason:?}, but: {said}");
        assert!(!said.contains("hunter2"), "a secret is shown: {said}");
    }
    assert!(
        refusals(&[("STORES_FILE", "/nowhere")])
            .contains("STOREFRONT_KEYS: is set together with STORES_FILE")
    );
}
