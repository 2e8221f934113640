//! What is sent by forms: only by our own pages, only by whom it is for, and done as it was shown.

use headless_checkout::ops::Action;
use serde_json::json;

use super::{Visitor, hidden};
use crate::harness::{ACTOR, OPERATOR, READER, custom_cart, everything, run};
use crate::operators::{act, case, id};

#[tokio::test]
async fn every_answer_forbids_what_a_page_does_not_need() {
    run(async |_, service| {
        let checkout = id(&service.create(&custom_cart()).await).to_string();
        let mut visitor = Visitor::with(service, READER).await;
        for (path, status) in [
            ("/ops/sign-in", 200),
            ("/ops", 200),
            ("/ops/stuck", 200),
            ("/ops/checkouts", 200),
            ("/ops/checkouts?status=nonsense", 422),
            ("/ops/checkouts?created_after=9999-12-31T23:59:59-01:00", 422),
            (&*format!("/ops/checkouts/{checkout}"), 200),
            ("/ops/checkouts/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10", 404),
            ("/ops/checkouts/1", 404),
            ("/ops/bulk", 200),
            ("/ops/bulk/1", 404),
            ("/ops/events", 200),
            ("/ops/events?state=lost", 400),
            ("/ops/events?checkout_id=1", 400),
            ("/ops/events/1", 404),
            ("/ops/audit?verify=yes", 200),
            ("/ops/audit?cursor=x", 400),
            ("/ops/assets/ops.js", 200),
            ("/ops/assets/..%2fCargo.toml", 404),
        ] {
            let answer = visitor.get(path).await.expect(status);
            let policy = answer.header("content-security-policy").unwrap_or_default().to_owned();
            for part in
                ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "script-src 'self';"]
            {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
                for inline in
                    [" style=", "<style", " onclick=", " onload=", "javascript:", "http://", "https://"]
                {
                    assert!(!answer.text.contains(inline), "{path}: {inline}");
                }
                assert_eq!(answer.text.matches("<script").count(), 1, "{path}");
                let posts = answer.text.matches("method=\"post\"").count();
                assert_eq!(
                    answer.text.matches("name=\"csrf\"").count(),
                    posts,
                    "{path}: a form without its token"
                );
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
                for mark in ["<main", "lang=\"en\"", "class=\"skip\"", "aria-live=\"polite\"", "<title>"] {
                    assert!(answer.text.contains(mark), "{path}: {mark}");
                }
                let tables = answer.text.matches("<table").count();
                assert_eq!(
                    answer.text.matches("<caption").count(),
                    tables,
                    "{path}: a table without caption"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_that_no_page_of_the_session_sent_is_refused() {
    run(async |_, service| {
        let path = service.create(&custom_cart()).await;
        let page = format!("/ops/checkouts/{}", id(&path));
        let mut visitor = Visitor::with(service, OPERATOR).await;
        let csrf = hidden(&visitor.get(&page).await, "csrf");
        let mut stranger = Visitor::with(service, ACTOR).await;
        let foreign = hidden(&stranger.get(&page).await, "csrf");
        for action in ["preview", "act"] {
            let door = format!("{page}/{action}");
            for wrong in ["", "x", &foreign] {
                let fields = [("csrf", wrong), ("action", "pause"), ("reason", "so")];
                visitor.post(&door, &fields).await.expect(403);
            }
            let fields = [("csrf", &*csrf), ("action", "pause"), ("reason", "so")];
            for header in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
                visitor.post_with(&door, &fields, &[header]).await.expect(403);
            }
        }
        let nobody = Visitor::new(service).post("/ops/sign-in", &[("token", OPERATOR), ("csrf", "x")]).await;
        assert!(nobody.expect(403).headers.get("set-cookie").is_none());
        assert!(case(service, &path).await.actions.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_action_is_shown_confirmed_and_written_down_as_whoever_signed_in() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let page = format!("/ops/checkouts/{}", id(&path));
        let reason = "<b>asked</b> by \"legal\" & co done";
        for (token, action, status) in [
            (READER, "pause", 403),
            (ACTOR, "resolve", 400),
            (ACTOR, "nonsense", 400),
            (ACTOR, "restart", 409),
            (ACTOR, "pause", 200),
        ] {
            let mut visitor = Visitor::with(service, token).await;
            let shown = visitor.get(&page).await.expect(200);
            assert_eq!(shown.text.contains("your role is read"), token == READER);
            let csrf = hidden(&shown, "csrf");
            let fields = [("csrf", &*csrf), ("action", action), ("reason", reason)];
            let preview = visitor.post(&format!("{page}/preview"), &fields).await.expect(status);
            assert!(!preview.text.contains("<b>asked"), "{}", preview.text);
            assert!(case(service, &path).await.actions.is_empty(), "a preview did something");
        }
        let mut adam = Visitor::with(service, ACTOR).await;
        let csrf = hidden(&adam.get(&page).await, "csrf");
        adam.post(&format!("{page}/act"), &[("csrf", &csrf), ("action", "pause"), ("reason", "  ")])
            .await
            .expect(400);
        let fields = [("csrf", &*csrf), ("action", "pause"), ("reason", reason)];
        let done = adam.post(&format!("{page}/act"), &fields).await.expect(303);
        assert_eq!(done.header("location"), Some(&*format!("{page}?done=pause")));
        let seen = adam.get(&format!("{page}?done=pause")).await.expect(200);
        assert!(
            seen.text.contains("An operator paused it") && seen.text.contains("&lt;b&gt;asked&lt;/b&gt;")
        );
        // Another direction of writing changes nothing outside of the text that has it.
        for told in seen.text.split("&lt;b&gt;asked").skip(1) {
            assert!(told.split_once("done").is_some_and(|(_, after)| after.contains("</bdi>")), "{told}");
        }
        assert!(seen.text.contains("<bdi>&lt;b&gt;asked"), "{}", seen.text);
        let row = case(service, &path).await.actions.remove(0);
        assert_eq!((&*row.actor, &*row.role, &*row.reason, &*row.result), ("adam", "act", reason, "done"));
        // Twice is refused by the room, and that is written down as well.
        adam.post(&format!("{page}/act"), &fields).await.expect(409);
        act(service, &path, &Action::Cancel { refund: false }).await.expect("a cancellation");
        crate::operators::until(service, &path, "cancelled").await;
    })
    .await;
}

#[tokio::test]
async fn lists_keep_their_filter_in_the_address_and_many_are_acted_on_at_once() {
    run(async |_, service| {
        let mut paths = Vec::new();
        for _ in 0..3 {
            paths.push(service.create(&custom_cart()).await);
        }
        let mut visitor = Visitor::with(service, ACTOR).await;
        let first =
            visitor.get("/ops/checkouts?status=awaiting_input&sort=created_at&limit=2").await.expect(200);
        let next = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let next = next.expect("a next page").replace("&amp;", "&");
        assert!(next.contains("status=awaiting_input") && next.contains("limit=2"), "{next}");
        let second = visitor.get(&next).await.expect(200);
        for (at, path) in paths.iter().enumerate() {
            let id = id(path).to_string();
            assert_eq!(first.text.contains(&id), at < 2);
            assert_eq!(second.text.contains(&id), at == 2);
        }
        let local = visitor.get("/ops/checkouts?created_after=2026-01-01T10:00").await.expect(200);
        assert!(local.text.contains("2026-01-01T10:00"));
        let csrf = hidden(&visitor.get("/ops/bulk?status=awaiting_input").await.expect(200), "csrf");
        let fields = [
            ("csrf", &*csrf),
            ("status", "awaiting_input"),
            ("reason", ""),
            ("action", "pause"),
            ("why", "a holiday"),
        ];
        let preview = visitor.post("/ops/bulk/preview", &fields).await.expect(200);
        assert!(preview.text.contains("Yes, pause 3"), "{}", preview.text);
        let nothing = [("csrf", &*csrf), ("action", "pause"), ("why", "all")];
        visitor.post("/ops/bulk/preview", &nothing).await.expect(409);
        let wrong = [("csrf", &*csrf), ("status", "lost"), ("action", "pause"), ("why", "all")];
        visitor.post("/ops/bulk/preview", &wrong).await.expect(422);
        let begun = visitor.post("/ops/bulk", &fields).await.expect(303);
        let bulk = begun.header("location").expect("its page").to_owned();
        // The events end when it is done.
        let events = visitor.get(&format!("{bulk}/live")).await.expect(200);
        assert!(events.text.contains("event: end"), "{}", events.text);
        let done = visitor.get(&bulk).await.expect(200);
        assert!(
            done.text.contains("<b>3</b> of <b>3</b> processed") && done.text.contains("a holiday"),
            "{}",
            done.text
        );
        for path in &paths {
            assert_eq!(service.get(path).await.body["stuck"]["reason"], json!("paused"));
        }
    })
    .await;
}
