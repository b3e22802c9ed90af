//! What the stand-ins' command-line programs share: logging, the exit code and shutdown signals.
//!
//! Each program parses its own arguments.

use std::{error::Error, future::Future, io::IsTerminal, process::ExitCode};

use tokio::signal;

/// Starts logging to standard error, runs `program`, and logs the error that ended it.
///
/// `RUST_LOG` selects what is logged; the default is `info`.
pub async fn run(program: impl Future<Output = Result<(), Box<dyn Error>>>) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match program.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Resolves with the first SIGINT or SIGTERM.
pub async fn shutdown_signal() {
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminated => {}
    }
}
