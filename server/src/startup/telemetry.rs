//! Logs, to standard error. `RUST_LOG` chooses what, `LOG_FORMAT` how.

use std::io::IsTerminal;

use backend::config::LogFormat;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Starts logging; a second call does nothing.
pub fn start(format: LogFormat) {
    let (filter, invalid) = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(text) => match text.parse() {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new("info"), Some(error)),
        },
        Err(_) => (EnvFilter::new("info"), None),
    };
    let _ = tracing::subscriber::set_global_default(subscriber(format, filter, std::io::stderr));
    if let Some(error) = invalid {
        tracing::warn!(%error, "RUST_LOG cannot be read; the level is info");
    }
}

/// What writes the lines.
pub fn subscriber<W>(format: LogFormat, filter: EnvFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_span_list(false).finish()),
    }
}
