//! The control plane: what the library can do, over HTTP.

use serde_json::json;

use crate::harness::{Shop, good_card};

#[tokio::test]
async fn faults_are_added_watched_released_and_removed() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let fault =
        json!({"call": "get-time", "nth": 2, "fault": {"kind": "status", "status": 500, "effect": "after"}});
    let added = client.post("/simulator/faults", fault).await;
    assert_eq!((added.status, &added.body["reached"]), (201, &json!(0)));
    client.get("/v2/time").await;
    assert_eq!(client.get("/v2/time").await.status, 500);
    let rows = client.get("/simulator/faults").await.body;
    assert_eq!((&rows[0]["reached"], &rows[0]["seen"]), (&json!(1), &json!(2)));
    let several = json!([
        {"call": "*", "times": 0, "match": {"path_contains": "/v2/store"}, "fault": {"kind": "slow", "ms": 1}},
        {"call": "get-store", "probability": 0.5, "seed": 4, "fault": {"kind": "reset", "effect": "after", "at": "body"}},
    ]);
    assert_eq!(client.post("/simulator/faults", several).await.body.as_array().map(Vec::len), Some(2));
    for wrong in [
        json!({"call": "no-such-call", "fault": {"kind": "malformed"}}),
        json!({"call": "get-time", "fault": {"kind": "nonsense"}}),
        json!({"call": "get-time"}),
        json!(5),
    ] {
        assert_eq!(client.post("/simulator/faults", wrong).await.status, 422);
    }
    let id = added.body["id"].as_u64().expect("an id");
    assert_eq!(client.post(&format!("/simulator/faults/{id}/release"), json!({})).await.status, 204);
    assert_eq!(client.delete(&format!("/simulator/faults/{id}")).await.status, 204);
    assert_eq!(client.delete(&format!("/simulator/faults/{id}")).await.status, 404);
    assert_eq!(client.delete("/simulator/faults").await.status, 204);
    assert_eq!(client.get("/simulator/faults").await.body, json!([]));
}

#[tokio::test]
async fn settings_are_patched_in_part() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let patch = json!({"token_replay": "30105", "order_lookup_lag": {"reads": 3}, "second_order": "same_unpaid",
        "tax_rates": [{"country_code": "DE", "name": "MwSt", "percent": 19}]});
    let got = client.send("PATCH", "/simulator/settings", Some(patch)).await;
    assert_eq!((got.status, &got.body["token_replay"]), (200, &json!("30105")));
    let settings = shop.simulator.settings();
    assert_eq!(
        (settings.order_lookup_lag.reads, settings.tax_rates[0].percent.to_string()),
        (3, "19".into())
    );
    for wrong in [json!({"no_such_setting": 1}), json!({"token_replay": "x"}), json!([])] {
        assert_eq!(client.send("PATCH", "/simulator/settings", Some(wrong)).await.status, 422);
    }
    assert_eq!(client.get("/simulator/settings").await.body["second_order"], "same_unpaid");
}

#[tokio::test]
async fn the_ledger_shows_what_happened_and_reset_forgets_it() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    assert_eq!(client.charge(order, good_card()).await.status, 201);
    let ledger = client.get("/simulator/ledger?store=abc").await.body;
    assert_eq!(ledger["charges"][0]["amount"].to_string(), "10.83");
    assert_eq!(ledger["orders"][0]["correlation_id"], client.correlation_id);
    assert_eq!(
        (&ledger["tokens"][0]["used"], &ledger["attempts"][0]["outcome"]),
        (&json!(true), &json!("success"))
    );
    let last = ledger["requests"].as_array().and_then(|rows| rows.last()).expect("requests");
    assert_eq!((&last["call"], &last["status"]), (&json!("process-payment"), &json!(201)));
    let counted = client.get("/simulator/requests/count?call=create-order&store=abc").await.body;
    assert_eq!(counted["count"], 1);
    assert_eq!(client.post("/simulator/reset", json!({})).await.status, 204);
    let ledger = client.get("/simulator/ledger").await.body;
    assert_eq!((&ledger["orders"], &ledger["requests"]), (&json!([]), &json!([])));
    assert_eq!(client.order().await, 125, "a first day again");
}

#[tokio::test]
async fn payments_are_settled_and_the_clock_is_moved() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    let pending = crate::harness::card(&bigcommerce_simulator::magic_card(20_003, 0));
    client.charge(order, pending).await;
    let path = format!("/simulator/orders/{order}/settle?store=abc");
    assert_eq!(client.post(&path, json!({"result": "perhaps"})).await.status, 422);
    assert_eq!(client.post(&path, json!({"result": "success"})).await.status, 204);
    assert_eq!(client.post(&path, json!({"result": "success"})).await.status, 404, "nothing is left");
    assert_eq!(client.get(&format!("/v2/orders/{order}")).await.body["status_id"], 11);
    let before = client.get("/v2/time").await.body["time"].as_i64().expect("seconds");
    assert_eq!(client.post("/simulator/clock", json!({"advance_seconds": 7200})).await.status, 200);
    let after = client.get("/v2/time").await.body["time"].as_i64().expect("seconds");
    assert!(after - before >= 7200);
}
