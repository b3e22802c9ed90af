//! Metrics in Prometheus' text format, on a listener of their own (`METRICS_ADDR`).
//!
//! A registry belongs to its server, so servers of one process do not share counters. Labels have few values: routes are
//! templates, and no label is about a user. Numbers of the database are read when a scrape asks for them.

mod counters;
mod gauges;
mod listener;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, Request};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::http::access_log;
use counters::Counters;
use gauges::Gauges;

pub use counters::{CUSTOMER_EMAILS, DELETIONS};
pub use gauges::Sources;
pub use listener::MetricsListener;

/// Seconds. A page takes milliseconds; a request ends after 30 s.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

type Label = (&'static str, String);

/// The metrics of one server. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<[Label; 3], Counter>,
    durations: Family<[Label; 1], Histogram>,
    pub counters: Counters,
    gauges: Gauges,
}

impl Metrics {
    /// Metrics without values.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("seamline");
        let requests = Family::<[Label; 3], Counter>::default();
        registry.register(
            "http_requests",
            "Responses by method, route and status",
            requests.clone(),
        );
        let durations = Family::<[Label; 1], Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "http_request_duration",
            "From the request's head to the response's head",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "build",
            "The version of this server",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let counters = Counters::register(&mut registry);
        let gauges = Gauges::register(&mut registry);
        Self {
            registry: Arc::new(registry),
            requests,
            durations,
            counters,
            gauges,
        }
    }

    /// The text of a scrape, with the numbers of the database as they were set last.
    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The label of a text that a client or another service can invent: `other` stands for all that are not known.
pub fn known_or_other<'a>(known: &[&'a str], text: &str) -> &'a str {
    known
        .iter()
        .copied()
        .find(|known| *known == text)
        .unwrap_or("other")
}

/// The label of a method. Clients can invent methods, and each value of a label is kept: `other` stands for all of those.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts a request when its response begins.
pub async fn record(State(metrics): State<Metrics>, request: Request<Body>, next: Next) -> Response {
    let started = Instant::now();
    let route = access_log::route(&request).to_owned();
    let method = method_label(request.method()).to_owned();
    let response = next.run(request).await;
    metrics
        .durations
        .get_or_create(&[("route", route.clone())])
        .observe(started.elapsed().as_secs_f64());
    let status = response.status().as_str().to_owned();
    metrics
        .requests
        .get_or_create(&[("method", method), ("route", route), ("status", status)])
        .inc();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_share_a_label() {
        for (method, label) in [
            ("GET", "GET"),
            ("POST", "POST"),
            ("get", "other"),
            ("X-1", "other"),
            ("X-2", "other"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(method_label(&method), label, "{method}");
        }
    }
}
