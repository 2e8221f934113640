//! "Processing payments" of "Handling orders", and the payment of "Processing orders".

use super::bodies::{CREDIT_CARD, DIRECT_ORDER, STORED_CARD};
use super::*;
use crate::harness::{run, run_with};

/// "Start by retrieving the available payment methods. Send a GET request to the Get Accepted Payment Methods
/// endpoint": with the order, which the guide forgets.
#[tokio::test]
async fn send_a_get_request_to_the_get_accepted_payment_methods_endpoint() {
    run(async |world, service| {
        let (path, _) = with_order(service, Some(11)).await;
        let answer = service.get(&format!("{path}/payment-methods")).await.expect(200);
        let methods = answer.body["data"].as_array().expect("methods");
        let adyen =
            methods.iter().find(|method| method["id"] == "adyenv2.scheme").expect("the guide's method");
        let stored = guide(STORED_CARD);
        let token = &stored["payment"]["instrument"]["token"];
        let owned = adyen["stored_instruments"].as_array().expect("stored instruments");
        assert!(owned.iter().any(|one| &one["token"] == token), "{adyen:#}");
        // Without a query, as the guide has it, BigCommerce answers 422.
        let requests = world.simulator.requests();
        let asked = call(&requests, "/v3/payments/methods");
        assert_eq!(asked.iter().map(|request| request.status).collect::<Vec<_>>(), [200]);
        world.drove(&["get-payment-methods"]);
    })
    .await;
}

/// "Send a request to the Process Payment endpoint. The headers to process a payment are different from the headers
/// you normally send."
#[tokio::test]
async fn send_a_request_to_the_process_payment_endpoint_with_a_stored_card() {
    run(async |world, service| {
        let (path, checkout) = with_order(service, Some(11)).await;
        let paid = pay(service, &path, STORED_CARD).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        let payment = &paid.body["payment"];
        assert_eq!(
            (payment["status"].as_str(), payment["transaction_type"].as_str()),
            (Some("succeeded"), Some("purchase"))
        );
        assert_eq!(payment["payment_method_id"], "adyenv2.scheme");
        assert_eq!(payment["instrument"]["type"], "stored_card");
        let ledger = world.simulator.ledger();
        let token = &ledger.tokens[0];
        assert_eq!(Some(token.order_id), checkout["order"]["id"].as_u64());
        assert_eq!((token.amount, token.currency.as_str(), token.used), (1083, "USD", true));
        assert_eq!((ledger.tokens.len(), ledger.charges.len()), (1, 1));
        assert_eq!(payment["transaction_id"], ledger.charges[0].transaction_id);
        // Not on the management host and not with its token, as the guide has it: that is refused.
        let requests = world.simulator.requests();
        let paying: Vec<u16> = call(&requests, "/payments").iter().map(|request| request.status).collect();
        assert_eq!(paying, [201]);
        world.drove(&["create-access-token", "process-payment"]);
    })
    .await;
}

/// "If a shopper does not have a payment method saved on file, you can process a payment using a credit card. There
/// are two steps to this method."
#[tokio::test]
async fn there_are_two_steps_to_the_credit_card_method() {
    run(async |world, service| {
        let (path, _) = with_order(service, None).await;
        let paid = pay(service, &path, CREDIT_CARD).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(paid.body["payment"]["instrument"], json!({"type": "card", "last_4": "1111"}));
        assert!(call(&world.simulator.requests(), "/v3/payments/methods").is_empty());
        world.drove(&["create-access-token", "process-payment"]);
    })
    .await;
}

/// "A successful transaction will return a success status. The order status is then automatically changed to
/// Awaiting Fulfillment."
#[tokio::test]
async fn the_order_status_is_then_automatically_changed_to_awaiting_fulfillment() {
    run(async |world, service| {
        let (path, _) = with_order(service, Some(11)).await;
        pay(service, &path, STORED_CARD).await.expect(200);
        let confirmation = service.get(&format!("{path}/order")).await.expect(200);
        assert_eq!(
            (confirmation.body["order"]["status_id"].as_i64(), confirmation.body["order"]["status"].as_str()),
            (Some(11), Some("Awaiting Fulfillment")),
            "{}",
            confirmation.text
        );
        assert_eq!(world.simulator.ledger().orders[0].status_id, 11);
        world.drove(&["process-payment", "get-order"]);
    })
    .await;
}

/// "To generate a payment access token, or PAT, send a request to the Create Payment Access Token endpoint."
#[tokio::test]
async fn to_generate_a_payment_access_token_send_a_request_to_its_endpoint() {
    run(async |world, service| {
        let (path, checkout) = with_order(service, Some(11)).await;
        assert!(
            world.simulator.ledger().tokens.is_empty(),
            "a token lives for an hour: none before it is needed"
        );
        let paid = pay(service, &path, STORED_CARD).await.expect(200);
        let ledger = world.simulator.ledger();
        let [token] = &*ledger.tokens else { panic!("{:?}", ledger.tokens) };
        assert_eq!((Some(token.order_id), token.used), (checkout["order"]["id"].as_u64(), true));
        assert!(!paid.text.contains("eyJ"), "it is for nobody else: {}", paid.text);
        world.drove(&["create-access-token"]);
    })
    .await;
}

/// "If you get a different response, see Error Codes for troubleshooting."
#[tokio::test]
async fn if_you_get_a_different_response_see_error_codes() {
    let mut world = World::new().await;
    world.set("LIMIT_DECLINES_CHECKOUT_PER_DAY", "0");
    run_with(world, async |world, service| {
        let (path, _) = with_order(service, None).await;
        for code in [30_051, 30_102, 30_103, 30_104, 30_106, 30_107] {
            let mut body = guide(CREDIT_CARD);
            body["payment"]["instrument"]["number"] = json!(bigcommerce_simulator::magic_card(code, 0));
            let declined = pay(service, &path, &body.to_string()).await.expect(402);
            assert_eq!(
                (declined.problem(), &declined.body["decline"]["code"]),
                ("payment-declined", &json!(code))
            );
            assert_eq!(declined.body["safe_to_pay_again"], true);
        }
        // After a decline the order is still Incomplete, and the next card pays it.
        let paid = pay(service, &path, CREDIT_CARD).await.expect(200);
        assert_eq!(paid.body["order"]["id"], 125);
        assert_eq!(world.simulator.ledger().charges.len(), 1);
        world.drove(&["process-payment"]);
    })
    .await;
}

/// "Vaulted Card -- The shopper has saved a credit card: Get Payment Methods, Create Access Token, Process Payment."
#[tokio::test]
async fn take_a_payment_for_the_direct_order_with_a_vaulted_card() {
    run(async |world, service| {
        let mut body = guide(DIRECT_ORDER);
        body["customer_id"] = json!(11);
        let created = post(service, "/v1/direct-orders", &body.to_string()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let methods = service.get(&format!("{path}/payment-methods")).await.expect(200);
        let all = methods.body["data"].as_array().expect("methods");
        let adyen = all.iter().find(|method| method["id"] == "adyenv2.scheme").expect("the guide's method");
        let mut payment = guide(STORED_CARD);
        payment["payment"]["instrument"]["token"] = adyen["stored_instruments"][0]["token"].clone();
        let paid = pay(service, &path, &payment.to_string()).await.expect(200);
        assert_eq!(paid.body["status"], "completed");
        let sent: Vec<String> = world.simulator.requests().into_iter().map(|request| request.call).collect();
        let wanted = ["create-order-v2", "get-payment-methods", "create-access-token", "process-payment"];
        let order: Vec<&str> = sent.iter().map(|call| &**call).filter(|call| wanted.contains(call)).collect();
        assert_eq!(order, wanted);
        world.drove(&["create-order-v2", "get-payment-methods", "create-access-token", "process-payment"]);
    })
    .await;
}

/// "Credit Card -- The shopper has not saved a credit card: Create Access Token, Process Payment."
#[tokio::test]
async fn take_a_payment_for_the_direct_order_with_a_credit_card() {
    run(async |world, service| {
        let created = post(service, "/v1/direct-orders", DIRECT_ORDER).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let paid = pay(service, &path, CREDIT_CARD).await.expect(200);
        assert_eq!(
            (paid.body["status"].as_str(), world.simulator.ledger().charges.len()),
            (Some("completed"), 1)
        );
        assert!(call(&world.simulator.requests(), "/v3/payments/methods").is_empty());
        world.drove(&["create-access-token", "process-payment"]);
    })
    .await;
}
