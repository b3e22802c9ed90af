//! Serving a router on a loopback address until a stop signal, then stopping gracefully.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::oneshot};

/// How long open requests may take after the stop signal.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a stand-in cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines can reach the address.
    #[error(
        "{0} is not a loopback address: this stand-in has no protection and listens on 127.0.0.1 or ::1 only"
    )]
    NotLoopback(IpAddr),
    /// The port is in use, or the address is not available.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        #[source]
        error: std::io::Error,
    },
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

/// Binds a listener to a loopback address.
///
/// # Errors
/// The address is not a loopback address, or cannot be bound.
pub async fn bind_loopback(address: SocketAddr) -> Result<TcpListener, ServeError> {
    check_loopback(address)?;
    TcpListener::bind(address)
        .await
        .map_err(|error| ServeError::Bind { address, error })
}

/// Serves `router` until `stop` resolves, then calls `on_stop` and waits for open requests, for `STOP_TIMEOUT` at most.
///
/// Handlers can extract the client's address with `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// The listener is not on a loopback address, or fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    on_stop: impl FnOnce() + Send + 'static,
) -> Result<(), ServeError> {
    check_loopback(listener.local_addr()?)?;
    let (stop_started, wait_for_stop) = oneshot::channel();
    let stop = async move {
        stop.await;
        on_stop();
        // Sending fails only when the server has ended.
        let _ = stop_started.send(());
    };
    let stop_timeout = async {
        match wait_for_stop.await {
            Ok(()) => tokio::time::sleep(STOP_TIMEOUT).await,
            Err(_) => std::future::pending().await,
        }
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(stop) => Ok(served?),
        () = stop_timeout => {
            tracing::warn!("requests were still open when the stop timeout ended; they are closed");
            Ok(())
        }
    }
}

/// A middleware that runs the handler to its end, even if the client is gone.
///
/// Without it, a closed connection ends its handler at any `await`. The real services do not notice a closed connection:
/// they process each request that they have received.
pub async fn run_to_completion(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is stopping.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

fn check_loopback(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ServeError::NotLoopback(address.ip()))
    }
}
