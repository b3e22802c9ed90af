//! Serving a collector on a loopback address.

use std::future::Future;

use local_service::ServeError;
use tokio::net::TcpListener;

use crate::collector::Collector;

/// Serves `collector` until `stop` resolves, waits for open requests (5 s at most), and closes it.
///
/// # Errors
/// The listener is not on a loopback address, or fails.
pub async fn serve(
    listener: TcpListener,
    collector: Collector,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let stopping = collector.clone();
    let on_stop = move || stopping.end_feeds();
    let served = local_service::serve::serve(listener, collector.router(), stop, on_stop).await;
    collector.close().await;
    served
}
