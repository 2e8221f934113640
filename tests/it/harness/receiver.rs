//! A destination of events: it keeps what it was sent, answers as a test wants, and verifies signatures by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::PATIENCE;

/// What the events of the tests are signed with.
pub(crate) const EVENT_SECRET: &str = "whsec_ZXZlbnQtc2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIz";

/// How a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// With this status.
    Status(u16),
    /// Never, as long as the sender waits.
    Never,
}

/// One event as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) headers: HeaderMap,
    /// Whether it was answered with a 2xx.
    pub(crate) taken: bool,
}

impl Received {
    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    pub(crate) fn checkout(&self) -> &str {
        self.body["data"]["checkout_id"].as_str().unwrap_or_default()
    }

    /// Whether it is signed with this secret, by Standard Webhooks as its specification reads.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let header =
            |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let key = secret.strip_prefix("whsec_").expect("a secret");
        let key = base64::engine::general_purpose::STANDARD.decode(key).expect("base64");
        let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), self.text);
        let expected = base64::engine::general_purpose::STANDARD.encode(hmac(&key, signed.as_bytes()));
        header("webhook-signature").split(' ').any(|signature| signature == format!("v1,{expected}"))
    }
}

/// HMAC-SHA-256 as RFC 2104 has it, so that the service's own is not verified by itself.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64, "longer keys are hashed first");
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// A running receiver. It ends with the test.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    came: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    script: VecDeque<Reply>,
    always: Option<Reply>,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self, headers: HeaderMap, bytes: Bytes) -> StatusCode {
        let text = String::from_utf8(bytes.to_vec()).expect("an event is text");
        let body = serde_json::from_str(&text).expect("an event is JSON");
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let (reply, count) = {
            let mut state = self.lock();
            let reply = state.script.pop_front().or(state.always).unwrap_or(Reply::Status(204));
            let taken = matches!(reply, Reply::Status(200..=299));
            state.received.push(Received { id, body, text, headers, taken });
            (reply, state.received.len())
        };
        self.came.send_replace(count);
        match reply {
            Reply::Status(status) => StatusCode::from_u16(status).expect("a status"),
            Reply::Never => std::future::pending().await,
        }
    }
}

impl Receiver {
    /// Starts one that takes everything.
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let taking = Arc::clone(&inner);
        let take = move |headers: HeaderMap, bytes: Bytes| {
            let inner = Arc::clone(&taking);
            async move { inner.take(headers, bytes).await }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/events", listener.local_addr().expect("an address"));
        let router = axum::Router::new().route("/events", axum::routing::post(take));
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Its entry in `EVENT_DESTINATIONS`.
    pub(crate) fn entry(&self, name: &str) -> String {
        format!("{name}={EVENT_SECRET}@{}", self.url)
    }

    /// Answers the next events so, one each.
    pub(crate) fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().script.extend(replies);
    }

    /// Answers so whatever the script does not say.
    pub(crate) fn always(&self, reply: Reply) {
        self.inner.lock().always = Some(reply);
    }

    /// What came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.lock().received.clone()
    }

    /// Waits until what came is as wanted.
    pub(crate) async fn wait_until(&self, what: &str, wanted: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let mut came = self.inner.came.subscribe();
        let arrived = async {
            loop {
                came.borrow_and_update();
                let received = self.received();
                if wanted(&received) {
                    return received;
                }
                came.changed().await.expect("the receiver lives");
            }
        };
        let Ok(received) = tokio::time::timeout(PATIENCE, arrived).await else {
            let kinds: Vec<String> = self.received().iter().map(|event| event.kind().to_owned()).collect();
            panic!("what came is never {what}: {kinds:?}");
        };
        received
    }

    /// Waits until this type of event was taken.
    pub(crate) async fn wait_for(&self, kind: &str) -> Vec<Received> {
        self.wait_until(kind, |events| events.iter().any(|event| event.taken && event.kind() == kind)).await
    }
}
