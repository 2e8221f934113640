//! Webhooks: subscribed, signed, really sent.

use bigcommerce_simulator::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{Shop, good_card};

/// Takes one delivery and answers it with a status.
async fn take(listener: &TcpListener, status: u16) -> (String, Value) {
    let (mut stream, _) = listener.accept().await.expect("a delivery");
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.expect("readable");
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("writable");
            return (head.to_lowercase(), body);
        }
    }
}

#[tokio::test]
async fn a_payment_is_told_signed_and_again_when_refused() {
    let shop = Shop::with(Settings { webhook_retries: 1, ..Settings::default() }).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let destination = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    let hook = json!({"scope": "store/cart/converted", "destination": destination, "headers": {"X-Webhook-Secret": "s3"}});
    assert_eq!(shop.client.post("/v3/hooks", hook.clone()).await.status, 200);
    assert_eq!(shop.client.post("/v3/hooks", hook).await.status, 422, "unique");
    let order = shop.client.order().await;
    shop.client.charge(order, good_card()).await;
    let (_, refused) = take(&listener, 500).await;
    let (head, body) = take(&listener, 200).await;
    assert_eq!(refused["hash"], body["hash"], "the same event");
    assert_eq!((&body["scope"], &body["data"]["orderId"]), (&json!("store/cart/converted"), &json!(order)));
    assert_eq!((&body["producer"], body["hash"].as_str().map(str::len)), (&json!("stores/abc"), Some(40)));
    assert!(head.contains("webhook-signature: v1,") && head.contains("x-webhook-secret: s3"), "{head}");
}
