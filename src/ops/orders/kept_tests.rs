//! What cannot be read is said, and is never nothing.

use time::OffsetDateTime;

use super::*;

fn action(kind: &str, status: &str, body: &str, seen: &str, answer: Option<&str>) -> OrderAction {
    OrderAction {
        order_action_id: uuid::Uuid::nil(),
        store: "default".to_owned(),
        order_id: 125,
        kind: kind.to_owned(),
        fingerprint: Vec::new(),
        actor: "olga".to_owned(),
        role: "money".to_owned(),
        reason: "broken".to_owned(),
        checkout_id: None,
        body: body.to_owned(),
        seen: seen.to_owned(),
        status: status.to_owned(),
        attempts: 1,
        looks: 0,
        fence: 1,
        unknown_since: None,
        answer: answer.map(str::to_owned),
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
        now: OffsetDateTime::UNIX_EPOCH,
    }
}

#[test]
fn a_body_that_cannot_be_read_is_not_an_empty_one() {
    for body in ["", "{", "null", "[]", "{}", "5"] {
        assert!(super::body(&action("refund", "sending", body, "{}", None)).is_err(), "{body}");
    }
    assert!(super::body(&action("refund", "sending", r#"{"items":[]}"#, "{}", None)).is_ok());
    assert!(kind(&action("gift", "sending", "", "{}", None)).is_err());
}

#[test]
fn what_was_there_before_is_not_nothing_because_it_cannot_be_read() {
    for seen in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"transactions":5}"#,
        r#"{"transactions":["1",2]}"#,
        r#"{"transactions":[""]}"#,
    ] {
        let read = super::seen(&action("capture", "sending", "", seen, None), "transactions");
        assert!(read.is_err(), "{seen}");
    }
    let read =
        super::seen(&action("capture", "sending", "", r#"{"transactions":["1","2"]}"#, None), "transactions");
    assert_eq!(read, Ok(vec!["1".to_owned(), "2".to_owned()]));
}

#[test]
fn an_outcome_that_cannot_be_read_is_none_of_the_outcomes() {
    for (status, answer) in [
        ("done", None),
        ("done", Some("{")),
        ("done", Some("{}")),
        ("rejected", Some("{}")),
        ("rejected", Some(r#"{"refused":{"status":"x"}}"#)),
        ("not-done", Some("null")),
        ("gone", Some("{}")),
    ] {
        let read = outcome(&action("refund", status, "", "{}", answer));
        assert!(matches!(read, Err(db::Error::Corrupt { .. })), "{status} {answer:?}: {read:?}");
    }
    for (status, answer) in [
        ("sending", None),
        ("unknown", None),
        ("done", Some(r#"{"body":null}"#)),
        ("not-done", Some(r#"{"detail":"x"}"#)),
        ("rejected", Some(r#"{"refused":{"status":422,"title":"x","errors":[]}}"#)),
    ] {
        let read = outcome(&action("refund", status, "", "{}", answer));
        assert!(read.is_ok(), "{status} {answer:?}: {read:?}");
    }
}
