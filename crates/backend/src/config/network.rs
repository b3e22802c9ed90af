//! URLs and socket addresses in the configuration.

use std::net::SocketAddr;

use url::{Host, Url};

use super::error::{ConfigError, malformed};

/// Parses a URL of scheme, host and port only.
pub(super) fn base_url(name: &'static str, text: &str) -> Result<Url, ConfigError> {
    let wanted = "an http or https URL without a path";
    let url = Url::parse(text).map_err(|_| malformed(name, wanted))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.host().is_some();
    if plain {
        Ok(url)
    } else {
        Err(malformed(name, wanted))
    }
}

/// Whether the URL's host is a loopback address.
pub(super) fn on_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether no other host can read the traffic to this http or https URL.
pub(super) fn is_encrypted(url: &Url) -> bool {
    url.scheme() == "https" || on_loopback(url)
}

/// Reads a socket address; `default` if the variable is unset.
pub(super) fn socket(
    get: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: &str,
) -> Result<SocketAddr, ConfigError> {
    let text = get(name).unwrap_or_else(|| default.to_owned());
    text.parse()
        .map_err(|_| malformed(name, "an address with a port, like 127.0.0.1:3000"))
}

/// Reads `METRICS_ADDR`: a port of the loopback address, or an address with a port. `None` if it is unset.
pub(super) fn metrics_address(
    get: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SocketAddr>, ConfigError> {
    let Some(text) = get("METRICS_ADDR") else {
        return Ok(None);
    };
    let address = match text.parse::<u16>() {
        Ok(port) => Some(SocketAddr::from(([127, 0, 0, 1], port))),
        Err(_) => text.parse().ok(),
    };
    let wanted = "a port, or an address with a port, like 127.0.0.1:9464";
    address.map(Some).ok_or(malformed("METRICS_ADDR", wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_metrics_is_one_of_the_loopback_address() {
        for (text, expected) in [
            (None, Some(None)),
            (Some("9464"), Some(Some("127.0.0.1:9464"))),
            (Some("10.0.0.11:9464"), Some(Some("10.0.0.11:9464"))),
            (Some("[::1]:9464"), Some(Some("[::1]:9464"))),
            (Some("94640"), None),
            (Some("localhost:9464"), None),
            (Some("127.0.0.1"), None),
        ] {
            let found = metrics_address(&|_| text.map(str::to_owned)).ok();
            let found = found.map(|address| address.map(|address| address.to_string()));
            let expected = expected.map(|address| address.map(str::to_owned));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
