//! `TRUSTED_PROXIES`: the proxies whose `X-Forwarded-For` is believed.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Url;

use super::error::{ConfigError, malformed};

/// The networks of the site's own proxies. Empty: the peer of a connection is the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Parses `none`, or networks and addresses with commas between. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self::default());
        }
        let network = |part: &str| match part.parse::<IpAddr>() {
            Ok(address) => Some(address.to_canonical().into()),
            Err(_) => part.parse().ok(),
        };
        text.split(',')
            .map(str::trim)
            .map(network)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Whether clients connect to this server directly.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is one of the proxies.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Fails for an unknown value. Fails if an https site does not name its proxies: the server has no TLS of its own, and
/// all visitors would have the proxy's address.
pub(super) fn read(
    get: &impl Fn(&str) -> Option<String>,
    public_url: &Url,
) -> Result<TrustedProxies, ConfigError> {
    match get("TRUSTED_PROXIES") {
        Some(text) => TrustedProxies::parse(&text).ok_or(malformed(
            "TRUSTED_PROXIES",
            "`none`, or networks like 10.0.0.0/8 with commas between",
        )),
        None if public_url.scheme() == "https" => Err(ConfigError::NoTrustedProxies),
        None => Ok(TrustedProxies::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies() {
        for (text, address, expected) in [
            ("none", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("::ffff:127.0.0.1", "127.0.0.1", true),
            ("10.0.0.0/8, 2001:db8::/32", "10.9.8.7", true),
            ("10.0.0.0/8, 2001:db8::/32", "2001:db8:1::1", true),
            ("10.0.0.0/8, 2001:db8::/32", "2001:db9::1", false),
            ("0.0.0.0/0", "::1", false),
        ] {
            let proxies = TrustedProxies::parse(text).unwrap();
            assert_eq!(
                proxies.contains(address.parse().unwrap()),
                expected,
                "{text} {address}"
            );
        }
    }

    #[test]
    fn malformed_networks_are_rejected() {
        for text in [
            "",
            "10.0.0.0/33",
            "proxy.example",
            "10.0.0.1;10.0.0.2",
            "none,10.0.0.1",
            "10.0.0.1,",
        ] {
            assert_eq!(TrustedProxies::parse(text), None, "{text}");
        }
    }
}
