//! Traces: a collector that takes the spans of all servers of these tests, and the trace from a click to its event.

use std::sync::{LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use db::testing::engines;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use server::telemetry::Traces;

use crate::billing::pay;
use crate::logs::has_secret;
use crate::support::{TestApp, until};

static SPANS: Mutex<Vec<Span>> = Mutex::new(Vec::new());

async fn collect(body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let resources = request.resource_spans.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
    spans.extend(scopes.flat_map(|scope| scope.spans));
}

/// The export of all tests. Its collector has a thread of its own, because each test has its own runtime.
pub fn traces() -> Option<&'static Traces> {
    static TRACES: LazyLock<Traces> = LazyLock::new(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().route("/v1/traces", post(collect));
                axum::serve(listener, router).await.unwrap();
            });
        });
        Traces::new(Some(&url)).unwrap()
    });
    Some(&TRACES)
}

/// Waits for a span.
async fn span(what: &str, is_it: impl Fn(&Span) -> bool) -> Span {
    until(what, async || {
        tokio::task::spawn_blocking(|| traces().unwrap().flush())
            .await
            .unwrap();
        let spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().find(|span| is_it(span)).cloned()
    })
    .await
}

fn of_trace(trace: &[u8]) -> Vec<Span> {
    let spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
    spans
        .iter()
        .filter(|span| span.trace_id == trace)
        .cloned()
        .collect()
}

/// The ID of the span that has no parent, found through the parents.
fn root_of(span: &Span) -> Vec<u8> {
    let mut span = span.clone();
    while !span.parent_span_id.is_empty() {
        let spans = of_trace(&span.trace_id);
        let parent = spans
            .into_iter()
            .find(|other| other.span_id == span.parent_span_id);
        span = parent.expect("the parent is exported");
    }
    span.span_id
}

fn text_of(attribute: &KeyValue) -> Option<&str> {
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn has(span: &Span, key: &str, text: &str) -> bool {
    let mut attributes = span.attributes.iter();
    attributes.any(|attribute| attribute.key == key && text_of(attribute) == Some(text))
}

/// All texts of a span and of the log lines in it.
fn texts(span: &Span) -> Vec<String> {
    let lines = span.events.iter();
    let of_lines = lines.flat_map(|line| {
        line.attributes
            .iter()
            .filter_map(text_of)
            .chain([line.name.as_str()])
    });
    let of_span = span.attributes.iter().filter_map(text_of);
    of_span.chain(of_lines).map(str::to_owned).collect()
}

#[tokio::test]
async fn one_trace_leads_from_the_click_to_the_delivered_event() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        browser.sign_up("ada@example.com").await;
        browser.open("/pricing").await;
        let of_the_browser = "0af7651916cd43dd8448eb211c80319c";
        browser.set_header("traceparent", &format!("00-{of_the_browser}-b7ad6b7169203331-01"));
        let checkout = browser.submit("/pricing", &[("interval", "year")]).await;
        let id = checkout.header("x-request-id").unwrap().to_owned();
        pay(checkout.redirect().1).await;

        let click = span("the request", |span| has(span, "request.id", &id)).await;
        assert_eq!(click.name, "request", "{engine:?}");
        assert!(click.parent_span_id.is_empty(), "{engine:?}: {click:?}");
        let browsers_trace: Vec<u8> = (0..16)
            .map(|byte| u8::from_str_radix(&of_the_browser[2 * byte..2 * byte + 2], 16).unwrap())
            .collect();
        assert_ne!(click.trace_id, browsers_trace, "{engine:?}: not trusted");
        let applied = span("the webhook's application", |span| {
            span.name == "apply webhook"
                && span.trace_id == click.trace_id
                && has(span, "event.name", "Trial started")
        })
        .await;
        assert_eq!(root_of(&applied), click.span_id, "{engine:?}");
        assert!(has(
            &applied,
            "stripe.event_type",
            "customer.subscription.created"
        ));
        let delivered = span("the event's delivery", |span| {
            span.name == "deliver event"
                && span.trace_id == click.trace_id
                && has(span, "event.name", "Trial started")
        })
        .await;
        assert_eq!(delivered.parent_span_id, applied.span_id, "{engine:?}");
        for text in of_trace(&click.trace_id).iter().flat_map(texts) {
            assert!(!has_secret(&text), "{engine:?}: {text}");
        }
        app.stop().await;
    }
}
