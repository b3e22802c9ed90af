//! Serving a stand-in on a loopback address until told to stop.

use std::{future::Future, net::IpAddr, time::Duration};

use tokio::{net::TcpListener, sync::oneshot};

use crate::{stripe::Stripe, webhooks};

/// How long open requests and deliveries may take after the order to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Why a stand-in could not be served.
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

/// Serves `stripe` until `stop` resolves, lets time pass and delivers webhooks meanwhile, then finishes what is open
/// (for 5 s at most) and closes it. What was not delivered is delivered after the next start.
///
/// # Errors
/// The listener is not on a loopback address, or fails.
pub async fn serve(
    listener: TcpListener,
    stripe: Stripe,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?.ip();
    if !address.is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let (stopping, stopped) = oneshot::channel();
    let ending = stripe.clone();
    let stop = async move {
        stop.await;
        ending.end();
        // The receiver is gone only when the server already ended.
        let _ = stopping.send(());
    };
    let deliveries = tokio::spawn(webhooks::deliver_until_ended(stripe.clone()));
    let overdue = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = axum::serve(listener, stripe.router()).with_graceful_shutdown(stop) => served,
        () = overdue => {
            tracing::warn!("requests still open were cut off");
            Ok(())
        }
    };
    stripe.end();
    let stop_deliveries = deliveries.abort_handle();
    if tokio::time::timeout(GRACE, deliveries).await.is_err() {
        stop_deliveries.abort();
    }
    stripe.close().await;
    Ok(served?)
}
