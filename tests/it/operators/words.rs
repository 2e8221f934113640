//! No text that somebody wrote can hide or reorder what an operator reads: an operator's reason is refused, a shopper's text is
//! shown with its marks made visible.

use reqwest::Method;
use serde_json::{Value, json};

use super::http::post;
use super::{case, id, ordered, world};
use crate::dashboard::{Visitor, hidden};
use crate::harness::{ACTOR, Answer, OPERATOR, address, custom_cart, run_with};
use crate::orders::ask;

/// One of each kind: marks and overrides of direction, isolates, what has no width, what is only for programs.
const DECEPTIVE: [char; 16] = [
    '\u{202a}',
    '\u{202e}',
    '\u{2066}',
    '\u{2069}',
    '\u{200b}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{61c}',
    '\u{2028}',
    '\u{2060}',
    '\u{feff}',
    '\u{85}',
    '\u{ad}',
    '\u{fff9}',
    '\u{e0041}',
];

#[track_caller]
fn points_at(refused: &Answer, pointer: &str) {
    assert_eq!(refused.problem(), "invalid-input", "{}", refused.text);
    assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
}

#[tokio::test]
async fn a_reason_that_would_be_read_as_another_is_refused_at_every_door() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let (at, order) = (id(&path).to_string(), service.get(&path).await.body["order"]["id"].clone());
        let mut visitor = Visitor::with(service, ACTOR).await;
        let page = format!("/ops/checkouts/{at}");
        let csrf = hidden(&visitor.get(&page).await, "csrf");
        for mark in DECEPTIVE {
            let reason = format!("asked by{mark} legal");
            let why = json!({"reason": reason});
            for dry_run in [true, false] {
                let mut why = why.clone();
                why["dry_run"] = json!(dry_run);
                points_at(
                    &post(service, &format!("checkouts/{at}/pause"), ACTOR, &why).await.expect(422),
                    "/reason",
                );
            }
            let fields = [("csrf", &*csrf), ("action", "pause"), ("reason", &*reason)];
            for door in ["preview", "act"] {
                let refused = visitor.post(&format!("{page}/{door}"), &fields).await.expect(400);
                assert!(!refused.text.contains(mark), "{mark:?}");
            }
        }
        let reason = "asked\u{202e} by legal";
        let change = json!({"status_id": 5, "reason": reason});
        let changed = format!("/ops/v1/orders/{order}");
        points_at(
            &service.operate(Method::PUT, &changed, OPERATOR, Some(&change)).await.expect(422),
            "/reason",
        );
        let bulk = json!({"reason": reason, "filter": {"store": "default"}, "action": "pause"});
        points_at(&post(service, "bulk", ACTOR, &bulk).await.expect(422), "/reason");
        let refund = json!({"items": [{"item_type": "ORDER", "item_id": order, "amount": 1, "reason": reason}],
            "payments": [{"provider_id": "x", "amount": 1}]});
        let refunds = format!("orders/{order}/refunds");
        let key = crate::orders::fresh();
        points_at(&ask(service, &refunds, Some(&key), Some(&refund)).await.expect(422), "/items/0/reason");
        world.run(&["checkouts", "pause", &at, "--reason", reason, "--direct"], "").await.expect(2);
        let erase = ["privacy", "erase", "--email", "jane@example.com", "--reason", reason];
        world.run(&erase, "").await.expect(2);
        assert!(case(service, &path).await.actions.is_empty(), "nothing was done, and nothing written down");
        assert_eq!(service.get(&path).await.body["status"], "awaiting_input");
    })
    .await;
}

#[tokio::test]
async fn what_a_shopper_wrote_is_shown_with_its_marks_made_visible() {
    run_with(world().await, async |world, service| {
        let mut theirs = address();
        theirs["first_name"] = json!("Ja\u{202e}ne\u{2066}");
        theirs["email"] = json!("ja\u{200b}\u{202e}ne@example.com");
        let mut cart = custom_cart();
        cart["billing_address"] = theirs;
        cart["metadata"] = json!({"note": "pa\u{202e}id\u{feff}"});
        let path = service.create(&cart).await;
        let at = id(&path).to_string();
        let deceives = |text: &str| text.chars().any(|mark| mark != '\u{200d}' && DECEPTIVE.contains(&mark));
        let mut visitor = Visitor::with(service, ACTOR).await;
        let mut shown = false;
        for page in [format!("/ops/checkouts/{at}"), "/ops/checkouts".to_owned(), "/ops".to_owned()] {
            let text = visitor.get(&page).await.expect(200).text;
            assert!(!deceives(&text), "{page}: {text}");
            shown |= text.contains("ja\\u{200b}\\u{202e}ne@example.com");
        }
        assert!(shown, "its marks are seen");
        for command in [&["checkouts", "show", &at][..], &["checkouts", "why", &at], &["checkouts", "list"]] {
            for output in ["table", "json"] {
                let said = world.run(&[command, &["--output", output]].concat(), "").await.expect(0);
                assert!(!deceives(&said.out) && !deceives(&said.err), "{command:?} {output}: {}", said.out);
            }
        }
        let said = world.run(&["checkouts", "show", &at, "--output", "json"], "").await.expect(0);
        let seen: Value = serde_json::from_str(&said.out).expect("JSON, whatever is in it");
        assert!(
            seen.to_string().contains("pa\u{202e}id\u{feff}"),
            "a program reads what was written: {seen}"
        );
    })
    .await;
}
