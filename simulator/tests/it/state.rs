//! A state that is kept over a restart.

use bigcommerce_simulator::{Settings, Simulator};

use crate::harness::{Client, GUIDE_TOKEN, client, stored_card};

#[tokio::test]
async fn carts_orders_and_money_are_there_after_a_restart_and_ids_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.json");
    let start = async || {
        let simulator =
            Simulator::start_with_state(([127, 0, 0, 1], 0).into(), Settings::default(), file.clone())
                .await
                .expect("the simulator starts");
        let client = Client {
            url: simulator.url(),
            store: "abc".into(),
            correlation_id: "00000000-0000-4000-8000-000000000001".into(),
            http: client(),
        };
        (simulator, client)
    };
    let (simulator, client) = start().await;
    let paid = client.order().await;
    let charged = client.charge(paid, stored_card(GUIDE_TOKEN)).await;
    assert_eq!(charged.status, 201, "{}", charged.body);
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    let before = (
        client.get(&format!("/v2/orders/{paid}")).await.body,
        client.get(&format!("/v3/checkouts/{cart}")).await.body,
    );
    let ledger = serde_json::to_value(simulator.ledger()).expect("JSON");
    simulator.stop().await;

    let (simulator, client) = start().await;
    let after = (
        client.get(&format!("/v2/orders/{paid}")).await.body,
        client.get(&format!("/v3/checkouts/{cart}")).await.body,
    );
    assert_eq!(after, before);
    assert_eq!(serde_json::to_value(simulator.ledger()).expect("JSON"), ledger);
    assert_eq!(client.order_of(&cart).await, paid + 1, "ids go on where they were");
    simulator.stop().await;

    std::fs::write(&file, "{\"abc\": {}}").expect("a file");
    let refused =
        Simulator::start_with_state(([127, 0, 0, 1], 0).into(), Settings::default(), file.clone()).await;
    let error = format!("{:#}", refused.expect_err("it is no state"));
    assert!(error.contains("delete it to begin anew"), "{error}");
}
