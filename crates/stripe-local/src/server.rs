//! Serving a stand-in on a loopback address.

use std::future::Future;

use local_service::{ServeError, serve::STOP_TIMEOUT};
use tokio::net::TcpListener;

use crate::{stand_in::StripeStandIn, webhooks};

/// Serves `stand_in` until `stop` resolves. Meanwhile due steps run and webhooks are delivered.
///
/// Then it waits for open requests and deliveries, 5 s at most for each, and closes the stand-in. Undelivered webhooks
/// are delivered after the next start.
///
/// # Errors
/// The listener is not on a loopback address, or fails.
pub async fn serve(
    listener: TcpListener,
    stand_in: StripeStandIn,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let deliveries = tokio::spawn(webhooks::deliver_until_stopped(stand_in.clone()));
    let stopping = stand_in.clone();
    let served =
        local_service::serve::serve(listener, stand_in.router(), stop, move || stopping.stop()).await;
    stand_in.stop();
    let abort_deliveries = deliveries.abort_handle();
    if tokio::time::timeout(STOP_TIMEOUT, deliveries).await.is_err() {
        abort_deliveries.abort();
    }
    stand_in.close().await;
    served
}
