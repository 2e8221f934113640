//! The way of webhooks from the simulator to the processes: some are lost, some come late, some twice.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use headless_checkout::ops::webhooks::SCOPES;
use serde_json::json;
use tokio::net::TcpListener;

use crate::dice::Dice;
use crate::door::Doors;

/// What the processes believe a webhook by.
pub(crate) const SECRET: &str = "own-webhook-secret-of-the-runs";
/// Where the simulator sends them.
const PATH: &str = "/webhooks/bigcommerce";

/// The way.
pub(crate) struct Post {
    url: String,
}

struct Way {
    doors: Doors,
    dice: Mutex<Dice>,
}

#[derive(Clone, Copy)]
enum Fate {
    Lost,
    Delivered,
    Late,
    Doubled,
}

impl Post {
    /// Opens it. It stands until the program ends.
    pub(crate) async fn open(doors: Doors, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}{PATH}", listener.local_addr().expect("an address"));
        let way = Arc::new(Way { doors, dice: Mutex::new(Dice::of(seed, 0, "webhooks")) });
        let router = Router::new().route(PATH, axum::routing::post(carry)).with_state(way);
        #[expect(clippy::disallowed_methods, reason = "it ends with the program")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url }
    }

    /// Subscribes to what the service listens to, at a simulator that knows no hooks.
    pub(crate) async fn subscribe(&self, simulator: &str) {
        let http =
            headless_checkout::bigcommerce::http_client(Duration::from_secs(5)).expect("an HTTP client");
        for scope in SCOPES {
            let body = json!({"scope": scope, "destination": self.url, "is_active": true});
            let request = http
                .post(format!("{simulator}/stores/teststore/v3/hooks"))
                .header("x-auth-token", "bigcommerce-token-of-the-tests")
                .header("content-type", "application/json")
                .body(body.to_string());
            #[expect(clippy::disallowed_methods, reason = "another app is not the upstream client")]
            let made = request.send().await.expect("the simulator answers");
            assert!(made.status().is_success(), "no subscription to {scope}: {}", made.status());
        }
    }
}

async fn carry(State(way): State<Arc<Way>>, body: Bytes) {
    let (fate, replica) = {
        let mut dice = way.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let fate =
            dice.weighted(&[(35, Fate::Lost), (35, Fate::Delivered), (12, Fate::Late), (18, Fate::Doubled)]);
        (fate, dice.below(2))
    };
    // BigCommerce hears 200 at once; what comes after is the way's.
    #[expect(clippy::disallowed_methods, reason = "it ends with the program")]
    tokio::spawn(async move {
        match fate {
            Fate::Lost => return,
            Fate::Late => tokio::time::sleep(Duration::from_millis(1500)).await,
            Fate::Doubled => way.doors.tell(replica + 1, PATH, SECRET, body.clone()).await,
            Fate::Delivered => {}
        }
        way.doors.tell(replica, PATH, SECRET, body).await;
    });
}
