//! Logs, to standard error, and traces. `RUST_LOG` chooses what, `LOG_FORMAT` how.

use std::io::IsTerminal;

use backend::config::LogFormat;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::traces::traced;
pub use super::traces::{Traces, TracesError};

/// What is logged unless `RUST_LOG` says otherwise. At each start Postgres notices that sqlx's own table exists.
const DEFAULT: &str = "info,sqlx::postgres::notice=warn";

/// Starts logging, and the export of traces if it is configured; a second call does nothing. Returns the export, which is to
/// be shut down at the end of the process.
pub fn start(format: LogFormat) -> Option<Traces> {
    let (filter, invalid) = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(text) => match text.parse() {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
        },
        Err(_) => (EnvFilter::new(DEFAULT), None),
    };
    let (traces, not_exported) = match Traces::from_env() {
        Ok(traces) => (traces, None),
        Err(error) => (None, Some(error)),
    };
    let subscriber = subscriber(format, filter, std::io::stderr, traces.as_ref());
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(error) = invalid {
        tracing::warn!(%error, "RUST_LOG cannot be read; the level is info");
    }
    if let Some(error) = not_exported {
        tracing::warn!("{error}");
    }
    traces
}

/// What writes the lines, and exports the spans.
pub fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    writer: W,
    traces: Option<&Traces>,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    match format {
        LogFormat::Text => traced(lines.finish(), traces),
        LogFormat::Json => traced(
            lines.json().flatten_event(true).with_span_list(false).finish(),
            traces,
        ),
    }
}
