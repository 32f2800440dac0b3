//! Spans of OpenTelemetry, sent in batches by OTLP over HTTP. The only file that knows these crates. The exporter has a
//! thread of its own; what it cannot keep up with is dropped, and what cannot be sent is logged by the crates.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use async_trait::async_trait;
use hub::{HandedOut, Trace, TraceListener};
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span};
use tokio::runtime::Handle;

use crate::config::{Config, Telemetry};

/// Beneath the address of a collector, by the specification of OTLP.
const TRACES: &str = "/v1/traces";
const ENDPOINTS: &[&str] = &["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// For one batch.
const PATIENCE: Duration = Duration::from_secs(10);

static SINK: OnceLock<Sink> = OnceLock::new();

struct Sink {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// A recorded span under way.
pub(super) struct Open(Span);

impl Open {
    /// `None`: it is not recorded.
    fn start(tracer: &SdkTracer, span: SpanBuilder, parent: &Context) -> Option<Open> {
        let span = span.start_with_context(tracer, parent);
        span.is_recording().then_some(Open(span))
    }

    pub(super) fn put(&mut self, key: &'static str, value: String) {
        self.0.set_attribute(KeyValue::new(key, value));
    }

    pub(super) fn fail(&mut self, why: &'static str) {
        self.0.set_status(Status::error(why));
    }

    pub(super) fn trace(&self) -> Trace {
        let context = self.0.span_context();
        Trace { trace_id: context.trace_id().to_bytes(), span_id: context.span_id().to_bytes() }
    }
}

fn context_of(trace: Trace) -> SpanContext {
    let Trace { trace_id, span_id } = trace;
    let (trace_id, span_id) = (TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id));
    SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::NONE)
}

/// `link`: the trace of whoever called, which is another one.
pub(super) fn root(name: &'static str, link: Option<Trace>) -> Option<Open> {
    let Sink { tracer, .. } = SINK.get()?;
    let links = link.map(|trace| Link::with_context(context_of(trace)));
    let span = tracer.span_builder(name).with_kind(SpanKind::Server).with_links(links.into_iter().collect());
    Open::start(tracer, span, &Context::new())
}

pub(super) fn child(name: &'static str, parent: Trace) -> Option<Open> {
    let Sink { tracer, .. } = SINK.get()?;
    Open::start(tracer, tracer.span_builder(name), &below(parent))
}

fn below(parent: Trace) -> Context {
    Context::new().with_remote_span_context(context_of(parent))
}

/// Whether spans are sent anywhere.
pub fn are_on() -> bool {
    SINK.get().is_some()
}

/// Sends spans from now on, if the configuration or a variable of the standard names a collector. Once for a process:
/// later calls do nothing. Must be called inside the runtime that is to send them.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let Telemetry { otlp_url, sample_one_in, .. } = &config.telemetry;
    let is_named = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if is_off || are_on() || (otlp_url.is_empty() && !ENDPOINTS.iter().any(|name| is_named(&name))) {
        return Ok(());
    }
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build();
    let http = Sender { http: http.context("the HTTP client of traces")?, runtime: Handle::current() };
    let mut exporter = SpanExporter::builder().with_http().with_http_client(http);
    if !otlp_url.is_empty() {
        exporter = exporter.with_endpoint(format!("{}{TRACES}", otlp_url.trim_end_matches('/')));
    }
    let exporter = exporter.build().context("telemetry.otlp_url")?;
    let mut resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("hubbub");
    }
    let mut provider =
        SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter);
    if std::env::var_os("OTEL_TRACES_SAMPLER").is_none() {
        let ratio = Sampler::TraceIdRatioBased(1.0 / *sample_one_in as f64);
        provider = provider.with_sampler(Sampler::ParentBased(Box::new(ratio)));
    }
    let provider = provider.build();
    let tracer = provider.tracer("hubbub");
    let _ = SINK.set(Sink { provider, tracer });
    tracing::info!(sample_one_in, "traces are sent");
    Ok(())
}

/// Sends what has ended.
pub async fn stop() {
    let flushed = tokio::task::spawn_blocking(|| SINK.get().map(|sink| sink.provider.force_flush()));
    if let Ok(Some(Err(error))) = flushed.await {
        tracing::warn!(%error, "the last traces could not be sent");
    }
}

/// Sends with our HTTP client on our runtime, for the exporter's own thread has none.
#[derive(Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let asked = self.http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let sent = self.runtime.spawn(async move {
            let answer = asked.send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
        });
        let (status, headers, body) = sent.await??;
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

/// What is told of publications that were handed out on this node.
pub fn listener(node: &str) -> Option<Arc<dyn TraceListener>> {
    are_on().then(|| Arc::new(FanOut { node: node.to_owned() }) as _)
}

struct FanOut {
    node: String,
}

impl TraceListener for FanOut {
    fn handed_out(&self, handed: &HandedOut<'_>) {
        let Some(Sink { tracer, .. }) = SINK.get() else { return };
        #[expect(clippy::disallowed_methods, reason = "the SDK gives spans the system's time")]
        let begun = SystemTime::now().checked_sub(handed.took);
        let mut span = tracer.span_builder("fan-out").with_kind(SpanKind::Consumer);
        if let Some(begun) = begun {
            span = span.with_start_time(begun);
        }
        let Some(mut open) = Open::start(tracer, span, &below(handed.trace)) else { return };
        open.put("room", handed.room.to_owned());
        open.put("cursor", handed.offset.to_string());
        open.put("members", handed.members.to_string());
        open.put("node", self.node.clone());
    }
}
