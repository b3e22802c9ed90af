//! Checks that keep the stand-in away from live Stripe accounts and from other machines.
//!
//! `local_service` checks the listener and each request; this module checks API keys and URLs.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether a key has the form of a Stripe test key.
pub(crate) fn is_test_key(key: &str) -> bool {
    ["sk_test_", "rk_test_"]
        .iter()
        .any(|prefix| key.len() > prefix.len() && key.starts_with(prefix))
}

/// Whether an HTTP URL points to a loopback address or to `localhost`.
pub(crate) fn is_loopback_url(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    is_loopback && matches!(url.scheme(), "http" | "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_keys_are_accepted() {
        for (key, expected) in [
            ("sk_test_123", true),
            ("rk_test_123", true),
            ("sk_test_", false),
            ("sk_live_123", false),
            ("pk_test_123", false),
            ("", false),
        ] {
            assert_eq!(is_test_key(key), expected, "{key}");
        }
    }

    #[test]
    fn only_http_urls_of_this_machine_are_accepted() {
        for (url, expected) in [
            ("http://127.0.0.1:3000/webhooks/stripe", true),
            ("http://localhost/x", true),
            ("https://[::1]:1/x", true),
            ("http://127.0.0.1.example.com/", false),
            ("http://example.com", false),
            ("ftp://127.0.0.1/", false),
            ("/webhooks", false),
        ] {
            assert_eq!(is_loopback_url(url), expected, "{url}");
        }
    }
}
