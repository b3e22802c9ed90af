//! The HTTP client that sends webhooks.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// An endpoint that does not respond within this time has failed.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A client without proxy, redirects and trusted certificates, so that requests stay on this machine.
///
/// Returns the reason as text if the client cannot be created.
pub(crate) fn delivery_client() -> Result<Client, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .redirect(Policy::none())
        .timeout(RESPONSE_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())
}
