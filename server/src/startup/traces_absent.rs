//! In place of `traces.rs` in a build without the feature `otel`, with the functions that such a build calls: no traces are
//! exported.

use tracing::Subscriber;

/// Traces are to be exported, and this build cannot.
#[derive(Debug, thiserror::Error)]
#[error(
    "no traces are exported: OTEL_EXPORTER_OTLP_ENDPOINT is set, and the server was built without the feature `otel`"
)]
pub struct TracesError;

/// Has no values: this build exports no traces.
#[derive(Clone, Copy, Debug)]
pub enum Traces {}

impl Traces {
    /// Returns `None`.
    ///
    /// # Errors
    /// When `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
    pub fn from_env() -> Result<Option<Self>, TracesError> {
        match std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") {
            Ok(endpoint) if !endpoint.trim().is_empty() => Err(TracesError),
            _ => Ok(None),
        }
    }

    /// Does nothing.
    pub const fn shut_down(&self) {}
}

/// The subscriber.
pub fn traced<S>(subscriber: S, _traces: Option<&Traces>) -> Box<dyn Subscriber + Send + Sync>
where
    S: Subscriber + Send + Sync,
{
    Box::new(subscriber)
}
