//! Listeners of the server and its stand-ins.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// The port is in use, or the address is not one of this machine.
#[derive(Debug, thiserror::Error)]
#[error(
    "Cannot listen on {address}: {error}. Is another one running? LEPTOS_SITE_ADDR, METRICS_ADDR, STRIPE_LOCAL_ADDR and AMPLITUDE_LOCAL_ADDR choose other addresses."
)]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// The system's error.
    pub error: std::io::Error,
}

/// A listener and its address, which differs from `address` for port 0.
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let fail = |error| ListenError { address, error };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}
