//! Queries of the operators' doors over HTTP: every filter, every page, and what is wrong with them.

use serde_json::{Value, json};

use super::http::{get, post};
use super::{act, case, id, ordered, world};
use crate::harness::{Answer, OPERATOR, agreed, custom_cart, everything, good_card, run_with};

fn ids(page: &Answer) -> Vec<String> {
    let data = page.body["data"].as_array().expect("rows");
    data.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// Where a refused request is wrong.
fn pointers(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.problem(), "invalid-input", "{}", answer.text);
    let errors = answer.body["errors"].as_array().expect("errors");
    errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect()
}

#[tokio::test]
async fn every_filter_of_the_list_finds_what_it_says() {
    run_with(world().await, async |_, service| {
        let cart = service.create(&custom_cart()).await;
        let full = ordered(service).await;
        let paid = service.create(&everything()).await;
        service.post(&format!("{paid}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
        act(service, &cart, &headless_checkout::ops::Action::Pause).await.expect("a pause");
        let known = service.get(&full).await.expect(200);
        let (order, created) =
            (&known.body["order"]["id"], known.body["created_at"].as_str().expect("a time"));
        let [cart, full, paid] = [&cart, &full, &paid].map(|path| id(path).to_string());
        for (query, expected) in [
            (String::new(), vec![&paid, &full, &cart]),
            ("?status=&sort=".to_owned(), vec![&paid, &full, &cart]),
            ("?status=completed".to_owned(), vec![&paid]),
            ("?status=expired".to_owned(), vec![]),
            ("?step=payment".to_owned(), vec![&full]),
            ("?reason=paused".to_owned(), vec![&cart]),
            ("?store=default&sort=created_at".to_owned(), vec![&cart, &full, &paid]),
            ("?store=another".to_owned(), vec![]),
            (format!("?order_id={order}"), vec![&full]),
            (format!("?cart_id={}", known.body["cart"]["id"].as_str().expect("a cart")), vec![&full]),
            ("?email=JANE%40example.com&sort=created_at".to_owned(), vec![&full, &paid]),
            (format!("?created_after={created}&sort=-created_at"), vec![&paid, &full]),
            (format!("?updated_before={created}"), vec![]),
            ("?status=stuck&step=billing-address&reason=paused&store=default".to_owned(), vec![&cart]),
        ] {
            let page = get(service, &format!("checkouts{query}")).await.expect(200);
            let mut found = ids(&page);
            let mut expected: Vec<String> = expected.into_iter().cloned().collect();
            if !query.contains("sort=c") && !query.contains("sort=-c") {
                // The order of the latest changes is a matter of the background's pace.
                found.sort();
                expected.sort();
            }
            assert_eq!(found, expected, "{query}");
            assert_eq!(page.body["next_cursor"], Value::Null);
        }
        let line = get(service, &format!("checkouts?order_id={order}")).await.expect(200);
        assert!(line.text.contains("\"total\":10.83"), "{}", line.text);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_by_their_cursor() {
    run_with(world().await, async |_, service| {
        let mut all = Vec::new();
        for _ in 0..5 {
            all.push(id(&service.create(&custom_cart()).await).to_string());
        }
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page =
                get(service, &format!("checkouts?sort=created_at&limit=2&cursor={cursor}")).await.expect(200);
            found.extend(ids(&page));
            match page.body["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
            // Whoever comes later is found on a later page, and nobody twice.
            if all.len() < 6 {
                all.push(id(&service.create(&custom_cart()).await).to_string());
            }
        }
        assert_eq!(found, all);
        let other = get(service, &format!("checkouts?sort=-created_at&cursor={cursor}")).await.expect(422);
        assert_eq!(pointers(&other), ["/cursor"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_query_or_a_body_is_told_at_once() {
    run_with(world().await, async |world, service| {
        let path = service.create(&custom_cart()).await;
        for (query, expected) in [
            ("checkouts?status=lost", vec!["/status"]),
            ("checkouts?stauts=stuck", vec!["/stauts"]),
            ("checkouts?status=stuck&status=running", vec!["/status"]),
            ("checkouts?order_id=x&limit=0&sort=name", vec!["/limit", "/order_id", "/sort"]),
            ("checkouts?limit=201&order_id=0", vec!["/limit", "/order_id"]),
            (
                "checkouts?created_after=yesterday&updated_before=2026-11-21",
                vec!["/created_after", "/updated_before"],
            ),
            // Of a year that has five digits in UTC, or none.
            (
                "checkouts?created_after=9999-12-31T23:59:59-01:00&updated_before=0000-01-01T00:00:00%2B01:00",
                vec!["/created_after", "/updated_before"],
            ),
            ("checkouts?reason=unknown&step=checkout", vec!["/reason", "/step"]),
            ("checkouts?cursor=nonsense", vec!["/cursor"]),
            ("checkouts?email=%00", vec!["/email"]),
            ("audit?checkout_id=1&limit=x", vec!["/limit"]),
            ("audit?checkout_id=1", vec!["/checkout_id"]),
            ("audit?cursor=x", vec!["/cursor"]),
            ("audit/verify?head=abc", vec!["/head"]),
            ("bulk/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10?cursor=x", vec!["/cursor"]),
        ] {
            let answer = get(service, query).await.expect(422);
            let mut found = pointers(&answer);
            found.sort_unstable();
            assert_eq!(found, expected, "{query}");
            assert!(!answer.text.contains("quotes"), "a query has none: {}", answer.text);
        }
        assert_eq!(get(service, "bulk/1").await.expect(404).problem(), "not-found");
        let one = format!("checkouts/{}", id(&path));
        let long = "a".repeat(501);
        for (action, body, expected) in [
            ("restart", json!({}), vec!["/reason"]),
            ("restart", json!([]), vec![""]),
            ("pause", json!({"reason": "  "}), vec!["/reason"]),
            ("pause", json!({"reason": "two\nlines"}), vec!["/reason"]),
            (
                "resume",
                json!({"reason": long, "dry_run": "yes", "force": true}),
                vec!["/dry_run", "/force", "/reason"],
            ),
            ("cancel", json!({"reason": "so", "refund": 1}), vec!["/refund"]),
            ("resolve", json!({"reason": "so"}), vec!["/finding"]),
            ("resolve", json!({"reason": "so", "finding": {}}), vec!["/finding"]),
            ("resolve", json!({"reason": "so", "finding": {"no_order": false}}), vec!["/finding"]),
            (
                "resolve",
                json!({"reason": "so", "finding": {"no_order": true, "order_id": 1}}),
                vec!["/finding"],
            ),
            (
                "resolve",
                json!({"reason": "so", "finding": {"order_id": "1"}}),
                vec!["/finding", "/finding/order_id"],
            ),
        ] {
            let answer = post(service, &format!("{one}/{action}"), OPERATOR, &body).await.expect(422);
            let mut found = pointers(&answer);
            found.sort_unstable();
            assert_eq!(found, expected, "{action} {body}");
        }
        for (body, expected) in [
            (json!({"reason": "so"}), vec!["/action", "/filter"]),
            (
                json!({"reason": "so", "filter": {"state": "stuck"}, "action": "resolve"}),
                vec!["/action", "/filter/state"],
            ),
        ] {
            let answer = post(service, "bulk", OPERATOR, &body).await.expect(422);
            let mut found = pointers(&answer);
            found.sort_unstable();
            assert_eq!(found, expected, "{body}");
        }
        let late = "9999-12-31T23:59:59-01:00";
        let of_then = json!({"reason": "so", "filter": {"created_after": late}, "action": "pause"});
        assert_eq!(
            pointers(&post(service, "bulk", OPERATOR, &of_then).await.expect(422)),
            ["/filter/created_after"]
        );
        for command in [["checkouts", "list", "--created-after", late], ["events", "list", "--since", late]] {
            let said = world.run(&command, "").await.expect(2);
            assert!(said.err.contains("must be a time"), "{}", said.err);
        }
        let everything = json!({"reason": "so", "filter": {}, "action": "cancel"});
        let refused = post(service, "bulk", OPERATOR, &everything).await.expect(409);
        assert_eq!((refused.problem(), &refused.body["guard"]), ("refused-by-guard", &json!("no-filter")));
        assert!(case(service, &path).await.actions.is_empty());
    })
    .await;
}
