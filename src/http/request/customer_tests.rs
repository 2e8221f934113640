//! Which tokens prove a customer, and all the ways in which one proves nobody.

use proptest::prelude::*;
use serde_json::json;

use crate::http::request::customer::*;
use crate::seeded::seeded;

const SECRET: &str = "client-secret-of-the-store";
const NOW: i64 = 1_480_832_000;

/// BigCommerce's example.
fn claims() -> Value {
    json!({
        "customer": {"id": 4927, "email": "john.doe@example.com", "group_id": "6"}, "iss": "bc/apps", "sub": "abc123",
        "iat": 1_480_831_863, "exp": 1_480_832_763, "version": 1, "aud": "client", "application_id": "client",
        "store_hash": "abc123", "operation": "current_customer",
    })
}

fn encoded(part: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part)
}

fn signed(header: &str, claims: &str, secret: &str) -> String {
    let text = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    format!("{text}.{}", encoded(&mac.finalize().into_bytes()))
}

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

fn of(claims: &Value) -> Result<i64, &'static str> {
    verify(&signed(HEADER, &claims.to_string(), SECRET), SECRET, "abc123", NOW)
}

fn with(field: &str, value: Value) -> Value {
    let mut changed = claims();
    match value {
        Value::Null => drop(changed.as_object_mut().and_then(|claims| claims.remove(field))),
        value => changed[field] = value,
    }
    changed
}

#[test]
fn the_token_of_the_documentation_proves_its_customer() {
    assert_eq!(of(&claims()), Ok(4927));
    assert_eq!(of(&with("operation", Value::Null)), Ok(4927));
    assert_eq!(of(&with("store_hash", json!("ABC123"))), Ok(4927));
}

#[test]
fn another_algorithm_or_none_proves_nobody() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"ALG":"HS256"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
    ] {
        let token = signed(header, &claims().to_string(), SECRET);
        assert_eq!(verify(&token, SECRET, "abc123", NOW), Err(ALGORITHM), "{header}");
        let (unsigned, _) = token.rsplit_once('.').expect("three parts");
        assert!(verify(&format!("{unsigned}."), SECRET, "abc123", NOW).is_err(), "{header}");
    }
    for header in ["[]", "null", "", r#"{"alg":"none","alg":"HS256"}"#] {
        let token = signed(header, &claims().to_string(), SECRET);
        assert_eq!(verify(&token, SECRET, "abc123", NOW), Err(UNREADABLE), "{header}");
    }
}

#[test]
fn another_signature_proves_nobody() {
    let good = signed(HEADER, &claims().to_string(), SECRET);
    let (text, signature) = good.rsplit_once('.').expect("three parts");
    for wrong in [
        signed(HEADER, &claims().to_string(), "another secret"),
        signed(HEADER, &claims().to_string(), ""),
        format!("{text}."),
        format!("{text}.{}", &signature[..20]),
        format!("{text}.{}", encoded(&[0; 32])),
    ] {
        assert_eq!(verify(&wrong, SECRET, "abc123", NOW), Err(SIGNATURE), "{wrong}");
    }
    for wrong in [format!("{good}="), format!("{good}.{signature}"), format!(" {good}"), format!("{good}\n")]
    {
        assert!(verify(&wrong, SECRET, "abc123", NOW).is_err(), "{wrong}");
    }
    let (header, rest) = good.split_once('.').expect("three parts");
    let other = with("customer", json!({"id": 1})).to_string();
    let (_, signature) = rest.rsplit_once('.').expect("a signature");
    let forged = format!("{header}.{}.{signature}", encoded(other.as_bytes()));
    assert_eq!(verify(&forged, SECRET, "abc123", NOW), Err(SIGNATURE));
}

#[test]
fn what_has_ended_or_is_of_another_store_or_of_nobody_proves_nobody() {
    for (field, value, why) in [
        ("exp", Value::Null, EXPIRED),
        ("exp", json!(NOW), EXPIRED),
        ("exp", json!(NOW - 1), EXPIRED),
        ("exp", json!("1480832763"), EXPIRED),
        ("exp", json!(1_480_832_763.5), EXPIRED),
        ("exp", json!(true), EXPIRED),
        ("nbf", json!(NOW + 1), EXPIRED),
        ("nbf", json!("0"), EXPIRED),
        ("store_hash", Value::Null, ELSEWHERE),
        ("store_hash", json!("abc1234"), ELSEWHERE),
        ("store_hash", json!(""), ELSEWHERE),
        ("store_hash", json!(["abc123"]), ELSEWHERE),
        ("operation", json!("customer_login"), NOBODY),
        ("operation", json!(1), NOBODY),
        ("customer", Value::Null, NOBODY),
        ("customer", json!(4927), NOBODY),
        ("customer", json!({}), NOBODY),
        ("customer", json!({"id": 0}), NOBODY),
        ("customer", json!({"id": -1}), NOBODY),
        ("customer", json!({"id": 1.5}), NOBODY),
        ("customer", json!({"id": "4927"}), NOBODY),
        ("customer", json!({"id": 4_294_967_296_i64}), NOBODY),
        ("customer", json!([{"id": 1}]), NOBODY),
    ] {
        assert_eq!(of(&with(field, value.clone())), Err(why), "{field}: {value}");
    }
    let huge = claims().to_string().replace("1480832763", "1e400");
    assert_eq!(verify(&signed(HEADER, &huge, SECRET), SECRET, "abc123", NOW), Err(EXPIRED));
    let twice = claims().to_string().replacen('{', r#"{"exp":9999999999,"#, 1);
    assert_eq!(verify(&signed(HEADER, &twice, SECRET), SECRET, "abc123", NOW), Err(UNREADABLE));
    let large = signed(HEADER, &with("iss", json!("x".repeat(LONGEST_TOKEN))).to_string(), SECRET);
    assert_eq!(verify(&large, SECRET, "abc123", NOW), Err(UNREADABLE));
}

#[test]
fn without_a_secret_nobody_is_proven() {
    let store = |client_secret: Option<&str>| Store {
        hash: "abc123".to_owned(),
        client_secret: client_secret.map(|secret| Secret::new(secret.to_owned())),
    };
    let proofs = Proofs(HashMap::from([
        ("none".to_owned(), store(None)),
        ("empty".to_owned(), store(Some(""))),
        ("set".to_owned(), store(Some(SECRET))),
    ]));
    let token = |secret: &str| signed(HEADER, &claims().to_string(), secret);
    assert_eq!(proofs.customer("set", &token(SECRET), NOW), Ok(4927));
    for name in ["none", "empty", "unknown"] {
        assert_eq!(proofs.customer(name, &token(""), NOW), Err(UNSET), "{name}");
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn no_text_proves_anybody_and_none_panics(text in "\\PC{0,200}", parts in proptest::collection::vec("[A-Za-z0-9_=-]{0,60}", 0..5)) {
        prop_assert!(verify(&text, SECRET, "abc123", NOW).is_err());
        prop_assert!(verify(&parts.join("."), SECRET, "abc123", NOW).is_err());
        // Claims that are signed, and anything.
        prop_assert!(verify(&signed(HEADER, &text, SECRET), SECRET, "abc123", NOW).is_err());
    }
}
