//! Traces, sent to a collector as OTLP over HTTP.
//!
//! Guarantees: everything that happens to a checkout is in one trace, in whatever process and after however many
//! restarts: its trace id is the checkout's id. A request is in the trace whose id is the `trace_id` of its answer, and
//! what it began is linked to it. Sending never holds anything up: what cannot be sent in time is dropped.
//! Only spans of this program are sent, with the fields that its sources name; never a log line, a body or a credential.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use tokio::runtime::Handle;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::layer::{self, Layer};
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use crate::bigcommerce::http_client;
use crate::checkout::Checkout;

/// How the span of a whole checkout is called.
const CHECKOUT: &str = "checkout";
/// Between two sendings.
const EVERY: Duration = Duration::from_secs(1);
/// How long one sending may take, and the last one of all.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// The sending of traces; ends with [`Exporting::finish`].
#[derive(Debug, Default)]
#[must_use = "what was not sent yet is lost without `finish`"]
pub struct Exporting(Option<SdkTracerProvider>);

impl Exporting {
    /// Sends what was not sent yet. Dropped half-way: some of it is lost.
    pub async fn finish(self) {
        let Some(provider) = self.0 else { return };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(EXPORT_TIMEOUT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces may not have been sent");
        }
    }
}

/// The layer that makes traces of spans, and the sending of them to `endpoint`. To be called inside of the runtime.
pub(super) fn layer<S>(endpoint: &str) -> Result<(impl Layer<S> + use<S>, Exporting), ExporterBuildError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let http = http_client(EXPORT_TIMEOUT).map_err(|error| {
        ExporterBuildError::InternalFailure(format!("the HTTP client cannot start: {error}"))
    })?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(Sender { http, runtime: Handle::current() })
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let config = BatchConfigBuilder::default().with_max_queue_size(8192).with_scheduled_delay(EVERY).build();
    let processor = BatchSpanProcessor::builder(Roots { exporter, failing: AtomicBool::new(false) })
        .with_batch_config(config);
    let resource = Resource::builder()
        .with_service_name("headless-checkout")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider =
        SdkTracerProvider::builder().with_span_processor(processor.build()).with_resource(resource).build();
    let tracer = provider.tracer("headless-checkout");
    // A second one in the same process sends to the first.
    let _ = TRACER.set(tracer.clone());
    let layer = OpenTelemetryLayer::new(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false);
    Ok((InTrace(layer), Exporting(Some(provider))))
}

/// Whether a span may be sent: it is ours, and no detail.
pub(super) fn is_sent(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && *metadata.level() <= Level::INFO
        && metadata.target().starts_with("headless_checkout")
}

/// The checkout has come to its end: its whole time as one span, under which all others are.
pub(super) fn finished(checkout: &Checkout) {
    let Some(tracer) = TRACER.get() else { return };
    let attributes = [
        KeyValue::new("checkout_id", checkout.id.to_string()),
        KeyValue::new("store", checkout.store.clone()),
        KeyValue::new("flow", checkout.flow.as_str()),
        KeyValue::new("status", checkout.status.as_str()),
    ];
    tracer
        .span_builder(CHECKOUT)
        .with_start_time(checkout.created_at)
        .with_attributes(attributes)
        .start_with_context(tracer, &trace_of(checkout.id.uuid()))
        .end_with_timestamp(checkout.updated_at.into());
}

/// The trace of this id, at its root.
fn trace_of(id: Uuid) -> Context {
    let trace = TraceId::from_bytes(id.into_bytes());
    let root = SpanContext::new(trace, root_of(trace), TraceFlags::SAMPLED, true, TraceState::NONE);
    Context::new().with_remote_span_context(root)
}

/// The id of the root span: every process knows it, before anybody has sent it. Never zero: a UUID's second half begins
/// with its variant.
fn root_of(trace: TraceId) -> SpanId {
    let [_, _, _, _, _, _, _, _, half @ ..] = trace.to_bytes();
    SpanId::from_bytes(half)
}

/// Puts each root span into the trace that its fields name.
struct InTrace<L>(L);

/// The id of the trace that a span belongs to.
#[derive(Default)]
struct Named(Option<Uuid>);

impl Visit for Named {
    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "checkout_id" | "correlation_id" | "trace_id") {
            self.0 = Uuid::parse_str(value).ok();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl<S, L> Layer<S> for InTrace<L>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    L: Layer<S>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, of: layer::Context<'_, S>) {
        let mut named = Named::default();
        if of.span(id).is_some_and(|span| span.parent().is_none()) {
            attributes.record(&mut named);
        }
        let _inside = named.0.map(|id| trace_of(id).attach());
        self.0.on_new_span(attributes, id, of);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, of: layer::Context<'_, S>) {
        self.0.on_record(id, values, of);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, of: layer::Context<'_, S>) {
        self.0.on_follows_from(id, follows, of);
    }

    fn on_enter(&self, id: &Id, of: layer::Context<'_, S>) {
        self.0.on_enter(id, of);
    }

    fn on_exit(&self, id: &Id, of: layer::Context<'_, S>) {
        self.0.on_exit(id, of);
    }

    fn on_close(&self, id: Id, of: layer::Context<'_, S>) {
        self.0.on_close(id, of);
    }
}

/// Gives the spans that are roots their place, and tells when sending begins to fail.
#[derive(Debug)]
struct Roots<E> {
    exporter: E,
    failing: AtomicBool,
}

/// The root of a checkout takes the id that its children know; a request has no parent here.
fn settle(span: &mut SpanData) {
    let trace = span.span_context.trace_id();
    if span.parent_span_id != root_of(trace) {
        return;
    }
    let is_checkout = span.name == CHECKOUT;
    if is_checkout {
        let (flags, state) = (span.span_context.trace_flags(), span.span_context.trace_state().clone());
        span.span_context = SpanContext::new(trace, root_of(trace), flags, false, state);
    }
    if is_checkout || span.span_kind == SpanKind::Server {
        span.parent_span_id = SpanId::INVALID;
        span.parent_span_is_remote = false;
    }
}

impl<E: SpanExporter> SpanExporter for Roots<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(settle);
        let sent = self.exporter.export(batch).await;
        if self.failing.swap(sent.is_err(), Ordering::Relaxed) != sent.is_err() {
            match &sent {
                Ok(()) => tracing::info!("traces are sent again"),
                Err(error) => tracing::warn!(%error, "traces cannot be sent"),
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Sends on the runtime of the service: the thread that makes batches has none.
#[derive(Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(EXPORT_TIMEOUT);
        let http = self.http.clone();
        // Everything of it on the runtime: its timer, too.
        let answer = self.runtime.spawn(async move {
            #[expect(clippy::disallowed_methods, reason = "this goes to the collector, not to BigCommerce")]
            let answer = http.execute(request).await.map_err(reqwest::Error::without_url)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
        });
        let (status, headers, body) = answer.await??;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_of_a_checkout_is_its_id_and_its_root_is_known_beforehand() {
        let id = Uuid::parse_str("0199f0c4-0000-7000-8000-00000000000a").expect("an id");
        let context = trace_of(id);
        let span = context.span();
        assert_eq!(span.span_context().trace_id().to_string(), id.simple().to_string());
        assert_eq!(span.span_context().span_id().to_string(), "800000000000000a");
        assert!(span.span_context().is_valid() && span.span_context().is_sampled());
    }
}
