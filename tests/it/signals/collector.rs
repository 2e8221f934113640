//! A collector of traces, as small as one can be: it takes OTLP over HTTP and keeps every span.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use tokio::sync::Notify;

use crate::harness::PATIENCE;

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    /// As OTLP numbers them: 2 is a server's, 3 a client's.
    pub(crate) kind: i32,
    pub(crate) links: Vec<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Span {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Kept {
    spans: Mutex<Vec<Span>>,
    /// Everything that arrived, as text, to be searched for secrets.
    text: Mutex<String>,
    more: Notify,
}

/// A running collector; it ends with its runtime.
pub(crate) struct Collector {
    pub(crate) url: String,
    kept: Arc<Kept>,
}

fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}

async fn take(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if headers.get("content-type").is_none_or(|kind| kind != "application/x-protobuf") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let _ = writeln!(open(&kept.text), "{headers:?} {request:?}");
    let spans = request.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans);
    open(&kept.spans).extend(spans.map(|span| {
        Span {
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            name: span.name,
            kind: span.kind,
            links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
            attributes: span
                .attributes
                .into_iter()
                .map(|attribute| (attribute.key, text(attribute.value.and_then(|value| value.value))))
                .collect(),
        }
    }));
    kept.more.notify_waiters();
    StatusCode::OK
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let kept = Arc::<Kept>::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(kept.clone());
        #[expect(clippy::disallowed_methods, reason = "a test, which ends with its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, kept }
    }

    /// What arrived so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        open(&self.kept.spans).clone()
    }

    /// Everything that arrived, as text.
    pub(crate) fn text(&self) -> String {
        open(&self.kept.text).clone()
    }

    /// Waits until what arrived is as wanted.
    pub(crate) async fn wait_for(&self, what: &str, wanted: impl Fn(&[Span]) -> bool) {
        let waiting = async {
            loop {
                // Before the look, so that no news is missed.
                let more = self.kept.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                if wanted(&self.spans()) {
                    return;
                }
                more.await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(arrived, "{what} never arrived: {:#?}", self.spans());
    }
}
