//! Asks a running server whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use backend::config::Config;

/// How long [`health`] waits for the answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the server is not ready.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The server did not answer.
    #[error("The server at {address} does not answer: {error}.")]
    NoAnswer {
        /// The address that was asked.
        address: SocketAddr,
        /// The client's error.
        error: reqwest::Error,
    },
    /// The server says that it is not ready.
    #[error("The server is not ready: {0}")]
    NotReady(String),
}

/// Asks the server that listens on `LEPTOS_SITE_ADDR` of this machine for `/readyz`.
///
/// # Errors
/// When it does not answer within 5 s, or is not ready.
pub async fn health(config: &Config) -> Result<(), HealthError> {
    crate::startup::install_crypto();
    let address = reachable(config.http.listen);
    let no_answer = |error| HealthError::NoAnswer { address, error };
    let client = reqwest::Client::builder()
        .timeout(HEALTH_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(no_answer)?;
    let url = format!("http://{address}/readyz");
    let response = client.get(url).send().await.map_err(no_answer)?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(HealthError::NotReady(response.text().await.unwrap_or_default()))
}

/// The address under which this machine reaches a listener. `0.0.0.0` and `[::]` are all of the machine's addresses.
const fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}
