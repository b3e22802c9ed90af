//! Serving a stand-in on a loopback address.

use std::future::Future;

use local_service::{ServeError, serve::STOP_TIMEOUT};
use tokio::net::TcpListener;

use crate::{stripe::Stripe, webhooks};

/// Serves `stripe` until `stop` resolves; meanwhile time passes and webhooks are delivered. Then it waits for open
/// requests and deliveries (5 s at most for each), and closes the stand-in. Undelivered webhooks are delivered after the
/// next start.
///
/// # Errors
/// The listener is not on a loopback address, or fails.
pub async fn serve(
    listener: TcpListener,
    stripe: Stripe,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let deliveries = tokio::spawn(webhooks::deliver_until_ended(stripe.clone()));
    let stopping = stripe.clone();
    let served = local_service::serve::serve(listener, stripe.router(), stop, move || stopping.end()).await;
    stripe.end();
    let stop_deliveries = deliveries.abort_handle();
    if tokio::time::timeout(STOP_TIMEOUT, deliveries).await.is_err() {
        stop_deliveries.abort();
    }
    stripe.close().await;
    served
}
