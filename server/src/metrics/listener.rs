//! The listener of `METRICS_ADDR`. It serves `/metrics` alone, without logins: its address is a private one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Metrics;
use super::gauges::Sources;

/// The content type of OpenMetrics, Prometheus' text format.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A bound listener.
pub struct MetricsListener {
    listener: TcpListener,
    metrics: Metrics,
    sources: Sources,
}

impl MetricsListener {
    pub const fn new(listener: TcpListener, metrics: Metrics, sources: Sources) -> Self {
        Self {
            listener,
            metrics,
            sources,
        }
    }

    /// Serves scrapes until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let router = Router::new()
            .route("/metrics", get(scrape))
            .with_state((self.metrics, self.sources));
        let served = axum::serve(self.listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the listener of metrics has failed");
        }
    }
}

async fn scrape(State((metrics, sources)): State<(Metrics, Sources)>) -> Response {
    if let Err(error) = metrics.gauges.read(&sources).await {
        tracing::warn!(%error, "cannot read the numbers of the database for metrics");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
