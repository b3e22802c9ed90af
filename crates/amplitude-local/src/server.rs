//! Serving a collector on a loopback address until told to stop.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, sync::oneshot};

use crate::collector::Collector;

/// How long open requests may take after the order to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Why a collector could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener can be reached from other machines.
    #[error(
        "{0} is no loopback address: this stand-in has no protection and listens on 127.0.0.1 or ::1 only"
    )]
    NotLoopback(IpAddr),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Serves `collector` until `stop` resolves, then finishes open requests (for 5 s at most) and closes it.
///
/// # Errors
/// The listener is not on a loopback address, or fails.
pub async fn serve(
    listener: TcpListener,
    collector: Collector,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?.ip();
    if !address.is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let (stopping, stopped) = oneshot::channel();
    let ending = collector.clone();
    let stop = async move {
        stop.await;
        ending.end_feeds();
        // The receiver is gone only when the server already ended.
        let _ = stopping.send(());
    };
    let service = collector
        .router()
        .into_make_service_with_connect_info::<SocketAddr>();
    let overdue = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(stop) => served,
        () = overdue => {
            tracing::warn!("requests still open were cut off");
            Ok(())
        }
    };
    collector.close().await;
    Ok(served?)
}
