//! Spans of OpenTelemetry, sent in batches by OTLP over HTTP. The only file that knows these crates. The exporter has a
//! thread of its own; what it cannot keep up with is dropped, and what cannot be sent is logged by the crates.
//!
//! Everything is bounded, whatever is put into a span and whatever a collector answers. A batch that is longer than the
//! exporter sends would be lost whole, with everybody's spans in it: [`MAX_BATCH`] spans of [`MAX_ATTRIBUTES`] values of
//! [`MAX_VALUE`] bytes take 25 MB, and it sends 64 MiB.

mod environment;

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
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfig, BatchConfigBuilder, BatchSpanProcessor, OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT, OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT,
    Sampler, SdkTracer, SdkTracerProvider, Span, TracerProviderBuilder,
};
use tokio::runtime::Handle;

use self::environment::{SETTING, Target};
use crate::config::{Config, Telemetry};

/// For one batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is read of a collector's answer, which says how many spans it did not take, and why.
const MAX_ANSWER: usize = 64 * 1024;

/// The longest value of an attribute, in bytes. Ids and names of ours are shorter.
const MAX_VALUE: usize = 256;

/// Ours have four.
const MAX_ATTRIBUTES: u32 = 16;

/// Spans of a batch, and in the queue, whatever the variables say.
const MAX_BATCH: usize = 4_096;
const MAX_QUEUE: usize = 65_536;

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

    /// A longer value is cut.
    pub(super) fn put(&mut self, key: &'static str, mut value: String) {
        value.truncate(value.floor_char_boundary(MAX_VALUE));
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
/// later calls do nothing. Must be called inside the runtime that is to send them. Fails by the configuration alone, never
/// by a variable.
pub fn start(config: &Config) -> anyhow::Result<()> {
    if are_on() {
        return Ok(());
    }
    let Telemetry { otlp_url, sample_one_in, .. } = &config.telemetry;
    let (url, named_by) = match environment::target(otlp_url, environment::variable) {
        Target::Collector { url, named_by } => (url, named_by),
        Target::Nowhere => return Ok(()),
        Target::Off(variable) => {
            tracing::info!(variable, "no traces are sent: the variable turns them off");
            return Ok(());
        }
        Target::NoAddress(variable) => {
            no_address(variable);
            return Ok(());
        }
    };
    let sender = Sender { http: client().context("the HTTP client of traces")?, runtime: Handle::current() };
    let exporter = match exporter(url, sender) {
        Ok(exporter) => exporter,
        Err(error) if named_by == SETTING => return Err(error).context(SETTING),
        Err(_) => {
            no_address(named_by);
            return Ok(());
        }
    };
    let mut resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("hubbub");
    }
    let mut provider = provider(exporter, batches(environment::variable)).with_resource(resource.build());
    if std::env::var_os("OTEL_TRACES_SAMPLER").is_none() {
        let ratio = Sampler::TraceIdRatioBased(1.0 / *sample_one_in as f64);
        provider = provider.with_sampler(Sampler::ParentBased(Box::new(ratio)));
    }
    let provider = provider.build();
    let tracer = provider.tracer("hubbub");
    let _ = SINK.set(Sink { provider, tracer });
    tracing::info!(sample_one_in, named_by, "traces are sent");
    Ok(())
}

/// Without the value, which may hold a password.
fn no_address(variable: &str) {
    tracing::warn!(
        variable,
        "no traces are sent: the variable must hold the address of a collector, as http://collector:4318"
    );
}

/// To no other address than it was given.
fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build()
}

fn exporter(url: String, sender: Sender) -> Result<SpanExporter, ExporterBuildError> {
    SpanExporter::builder().with_http().with_http_client(sender).with_endpoint(url).build()
}

fn provider(exporter: SpanExporter, batches: BatchConfig) -> TracerProviderBuilder {
    let spans = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    SdkTracerProvider::builder().with_span_processor(spans).with_max_attributes_per_span(MAX_ATTRIBUTES)
}

/// As the variables want them, within bounds: the queue's memory is taken at once.
fn batches(variable: impl Fn(&str) -> Option<String>) -> BatchConfig {
    let number = |name, usual: usize, most| {
        variable(name).and_then(|value| value.parse().ok()).unwrap_or(usual).clamp(1, most)
    };
    let queue = number(OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT, MAX_QUEUE);
    let batch = number(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT, MAX_BATCH);
    BatchConfigBuilder::default().with_max_queue_size(queue).with_max_export_batch_size(batch).build()
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
            Ok::<_, reqwest::Error>((status, headers, body_of(answer).await?))
        });
        let (status, headers, body) = sent.await??;
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

/// Nothing of one that is too long: the status says what became of the batch, as it does with a body that is not OTLP.
async fn body_of(mut answer: reqwest::Response) -> reqwest::Result<Bytes> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            tracing::debug!(most = MAX_ANSWER, "the collector's answer is longer than what is read of it");
            return Ok(Bytes::new());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::extract::DefaultBodyLimit;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What the exporter sends at most, by its crate.
    const MAX_SENT: usize = 64 * 1024 * 1024;

    /// On a free port.
    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1/traces", listener.local_addr().expect("an address"));
        (listener, url)
    }

    fn sender() -> Sender {
        Sender { http: client().expect("a client"), runtime: Handle::current() }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read() {
        const PARTS: usize = 3_000;
        let (listener, url) = listener().await;
        let wrote = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4_096];
            assert!(stream.read(&mut request).await.expect("a request") > 0);
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n";
            stream.write_all(head.as_bytes()).await.expect("the head");
            let part = vec![0; 64 * 1024];
            let mut count = 0;
            while count < PARTS && stream.write_all(&part).await.is_ok() {
                count += 1;
            }
            count
        });
        let request = Request::post(url).body(Bytes::from_static(b"spans")).expect("a request");
        let answer = sender().send_bytes(request).await.expect("what the status says");
        assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0));
        let count = wrote.await.expect("no panic");
        assert!(count < PARTS, "the collector could write all that it wanted");
    }

    #[tokio::test]
    async fn a_short_answer_is_told_to_the_exporter() {
        let (listener, url) = listener().await;
        let routes = axum::Router::new().fallback(async || {
            (axum::http::StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")], "later")
        });
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        let request = Request::post(url).body(Bytes::new()).expect("a request");
        let answer = sender().send_bytes(request).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (503, &b"later"[..]));
        assert_eq!(answer.headers()["retry-after"], "7");
        serving.abort();
    }

    #[test]
    fn batches_are_bounded_whatever_the_variables_say() {
        let shown = |value: &str| format!("{:?}", batches(|_| Some(value.to_owned())));
        for (value, queue, batch) in [
            ("99999999999999", MAX_QUEUE, MAX_BATCH),
            ("0", 1, 1),
            ("700", 700, 700),
            ("many", OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT, OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT),
        ] {
            let shown = shown(value);
            assert!(shown.contains(&format!("max_queue_size: {queue},")), "{value}: {shown}");
            assert!(shown.contains(&format!("max_export_batch_size: {batch},")), "{value}: {shown}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_longest_batch_is_not_too_long_to_be_sent() {
        const SPANS: usize = 64;
        let (listener, url) = listener().await;
        let bytes: Arc<Mutex<usize>> = Arc::default();
        let sum = Arc::clone(&bytes);
        let take = move |body: Bytes| {
            *sum.lock().expect("no panic") += body.len();
            std::future::ready(())
        };
        let routes = axum::Router::new().fallback(take).layer(DefaultBodyLimit::disable());
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });

        let exporter = exporter(url, sender()).expect("an exporter");
        let provider = provider(exporter, batches(|_| None)).with_sampler(Sampler::AlwaysOn).build();
        let tracer = provider.tracer("hubbub");
        let value = format!("x{}", "é".repeat(1_000));
        let other = context_of(Trace { trace_id: [1; 16], span_id: [2; 8] });
        for _ in 0..SPANS {
            let span = tracer.span_builder("request").with_links(vec![Link::with_context(other.clone())]);
            let mut open = Open::start(&tracer, span, &Context::new()).expect("a recorded span");
            for _ in 0..2 * MAX_ATTRIBUTES {
                open.put("http.response.status_code", value.clone());
            }
            open.fail("the server could not answer");
        }
        let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await;
        flushed.expect("no panic").expect("all are sent");
        let bytes = *bytes.lock().expect("no panic");
        assert!(bytes > SPANS * MAX_ATTRIBUTES as usize * (MAX_VALUE - 1), "{bytes}: some did not come");
        assert!(bytes / SPANS * MAX_BATCH < MAX_SENT, "{} for each span", bytes / SPANS);
        serving.abort();
    }
}
