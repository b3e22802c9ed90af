//! Sends the spans of `tracing` to an OpenTelemetry collector (OTLP, protobuf over HTTP). It creates no spans.
//!
//! Each request begins a trace. Its header `traceparent` is not read: a browser can write anything there, and proxies pass it
//! on. The work that a request causes later continues its trace, by the `traceparent` in the rows of handoffs and outbox.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_ENDPOINT, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use queue::TraceContext;
use tokio::runtime::{self, Runtime};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use super::install_crypto;

/// The longest request to the collector.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The last spans may take so long at the end of the process, after the 25 s that the server has to stop.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
const TRACE_PARENT: &str = "traceparent";

/// Why traces cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// A URL or a variable is invalid.
    #[error("no traces are exported: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The HTTP client could not be created.
    #[error("no traces are exported: {0}")]
    Client(#[from] reqwest::Error),
    /// The threads of the client could not be started.
    #[error("no traces are exported: {0}")]
    Runtime(#[from] std::io::Error),
}

/// The HTTP client of the exporter, whose thread has no runtime.
#[derive(Debug)]
struct ExportClient {
    client: reqwest::Client,
    /// Never dropped: tokio panics if a runtime is dropped in a task of another one, as when a variable is invalid.
    runtime: &'static Runtime,
}

impl ExportClient {
    fn new() -> Result<Self, TracesError> {
        install_crypto();
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("traces")
            .enable_all()
            .build()?;
        Ok(Self {
            client,
            runtime: Box::leak(Box::new(runtime)),
        })
    }
}

#[async_trait]
impl HttpClient for ExportClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        sent.await?
    }
}

/// The export of traces.
#[derive(Clone, Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// The export that the standard variables `OTEL_*` configure; `None` without `OTEL_EXPORTER_OTLP_ENDPOINT`.
    ///
    /// # Errors
    /// When a variable is invalid, or the HTTP client cannot be created.
    pub fn from_env() -> Result<Option<Self>, TracesError> {
        match std::env::var(OTEL_EXPORTER_OTLP_ENDPOINT) {
            Ok(endpoint) if !endpoint.trim().is_empty() => Self::new(None).map(Some),
            _ => Ok(None),
        }
    }

    /// An export to this URL, which ends in `/v1/traces`; `None`: to that of the variables.
    ///
    /// # Errors
    /// When the URL or a variable is invalid, or the HTTP client cannot be created.
    pub fn new(url: Option<&str>) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(ExportClient::new()?);
        let exporter = match url {
            Some(url) => exporter.with_endpoint(url),
            None => exporter,
        };
        let service_name = std::env::var("OTEL_SERVICE_NAME").ok();
        let attributes = EnvResourceDetector::new().detect();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.build()?)
            .with_resource(resource(service_name, &attributes))
            .build();
        queue::install_tracing(TraceContext {
            current: trace_parent,
            set_parent,
        });
        Ok(Self(provider))
    }

    /// Sends the spans that have ended.
    pub fn flush(&self) {
        if let Err(error) = self.0.force_flush() {
            tracing::warn!(%error, "cannot send traces");
        }
    }

    /// Sends the last spans, within a second, and ends the export.
    pub fn shut_down(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH_TIMEOUT) {
            tracing::warn!(%error, "cannot send the last traces");
        }
    }
}

/// What identifies the server to the collector. The operator's variables replace our values: `service_name` is
/// `OTEL_SERVICE_NAME`, and `attributes` are those of `OTEL_RESOURCE_ATTRIBUTES`.
fn resource(service_name: Option<String>, attributes: &Resource) -> Resource {
    let attributes = attributes.iter();
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_service_name("seamline")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(attributes.map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    match service_name {
        Some(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

/// The subscriber, which also exports the spans that it writes lines for.
pub fn traced<S>(subscriber: S, traces: Option<&Traces>) -> Box<dyn Subscriber + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    match traces {
        Some(Traces(provider)) => {
            let layer = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("seamline"))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false);
            Box::new(subscriber.with(layer))
        }
        None => Box::new(subscriber),
    }
}

/// The `traceparent` of the current span.
fn trace_parent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACE_PARENT)
}

/// Makes the span a child of a `traceparent`. An invalid one begins a trace.
fn set_parent(span: &Span, trace_parent: &str) {
    let carrier = HashMap::from([(TRACE_PARENT.to_owned(), trace_parent.to_owned())]);
    // It fails for a span that `RUST_LOG` excludes, which is not exported.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    #[test]
    fn the_operators_variables_replace_the_name_and_the_version() {
        /// `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, and the expected name and version.
        type Row = (
            Option<&'static str>,
            &'static [(&'static str, &'static str)],
            [&'static str; 2],
        );
        let version = env!("CARGO_PKG_VERSION");
        #[rustfmt::skip]
        let table: [Row; 5] = [
            (None,         &[],                                               ["seamline", version]),
            (Some(""),     &[],                                               ["seamline", version]),
            (Some("shop"), &[],                                               ["shop", version]),
            (None,         &[("service.name", "a"), ("service.version", "b")], ["a", "b"]),
            (Some("shop"), &[("service.name", "a")],                          ["shop", version]),
        ];
        for (name, attributes, expected) in table {
            let variables = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value));
            let variables = Resource::builder_empty().with_attributes(variables).build();
            let resource = resource(name.map(str::to_owned), &variables);
            let found = ["service.name", "service.version"]
                .map(|key| resource.get(&Key::new(key)).map(|value| value.to_string()));
            assert_eq!(
                found,
                expected.map(|text| Some(text.to_owned())),
                "{name:?} {attributes:?}"
            );
        }
    }
}
