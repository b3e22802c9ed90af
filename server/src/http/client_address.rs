//! The client's network address. It depends on the peer of the connection and, behind a trusted proxy, on
//! `X-Forwarded-For`. No other header is read: a proxy that writes one of them passes on the others as the client sent them.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use backend::config::TrustedProxies;
use http::{HeaderMap, Request};

/// The client's address, for throttles and for the location that Amplitude derives from it. A request without a peer,
/// which only tests make, counts as one of this machine.
pub fn of_request<B>(request: &Request<B>, proxies: &TrustedProxies) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0.ip());
    client(peer, &forwarded_for(request.headers()), proxies)
}

/// The entries of all `X-Forwarded-For` headers: each proxy appends the address of its own peer.
fn forwarded_for(headers: &HeaderMap) -> Vec<&str> {
    let headers = headers.get_all("x-forwarded-for").iter();
    let entries = headers.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    // An unreadable entry hides no other one: the client may have sent it.
    entries
        .map(|entry| std::str::from_utf8(entry).unwrap_or_default())
        .collect()
}

/// The rightmost address that is no trusted proxy: the peer, or what the last trusted proxy reports. Entries to the left of
/// it are the client's own claims. Where a trusted proxy reports no readable address, the result is that proxy.
fn client(peer: IpAddr, forwarded_for: &[&str], proxies: &TrustedProxies) -> IpAddr {
    let mut client = peer.to_canonical();
    for entry in forwarded_for.iter().rev() {
        if !proxies.contains(client) {
            break;
        }
        match address(entry) {
            Some(reported) => client = reported,
            None => break,
        }
    }
    client
}

/// Parses an address with or without a port; IPv6 with or without brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bracketed = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bracketed.unwrap_or(entry).parse::<IpAddr>();
    let address = address.or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        let trusted = "10.0.0.0/8, 2001:db8:ffff::/48";
        for (proxies, peer, forwarded_for, expected) in [
            // The peer is no proxy: its header is a claim.
            ("none", "192.0.2.1", "198.51.100.1", "192.0.2.1"),
            (trusted, "192.0.2.1", "198.51.100.1", "192.0.2.1"),
            (trusted, "192.0.2.1", "", "192.0.2.1"),
            // One proxy, and a client that wrote the header itself.
            (trusted, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
            (trusted, "10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
            (trusted, "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
            // Two proxies.
            (
                trusted,
                "10.0.0.1",
                "198.51.100.1, 203.0.113.9, 10.0.0.2",
                "203.0.113.9",
            ),
            (
                trusted,
                "2001:db8:ffff::1",
                "198.51.100.1,2001:db8:ffff::2",
                "198.51.100.1",
            ),
            // A client inside the network of the proxies.
            (trusted, "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            // No readable report.
            (trusted, "10.0.0.1", "", "10.0.0.1"),
            (trusted, "10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
            (trusted, "10.0.0.1", "203.0.113.9, _hidden, 10.0.0.2", "10.0.0.2"),
            (trusted, "10.0.0.1", "203.0.113.9,", "10.0.0.1"),
        ] {
            let entries: Vec<&str> = match forwarded_for {
                "" => Vec::new(),
                text => text.split(',').collect(),
            };
            let proxies = TrustedProxies::parse(proxies).unwrap();
            let client = client(peer.parse().unwrap(), &entries, &proxies);
            assert_eq!(client.to_string(), expected, "{peer} {forwarded_for}");
        }
    }

    #[test]
    fn unreadable_bytes_hide_no_other_entry() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        let bytes = http::HeaderValue::from_bytes(b"\xff, 203.0.113.9").unwrap();
        headers.append("x-forwarded-for", bytes);
        let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
        let client = client("10.0.0.1".parse().unwrap(), &forwarded_for(&headers), &proxies);
        assert_eq!(client.to_string(), "203.0.113.9");
    }

    #[test]
    fn forms_of_an_entry() {
        for (entry, expected) in [
            (" 203.0.113.9 ", Some("203.0.113.9")),
            ("203.0.113.9:4711", Some("203.0.113.9")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            ("[::ffff:203.0.113.9]:80", Some("203.0.113.9")),
            ("", None),
            ("unknown", None),
            ("203.0.113", None),
            ("203.0.113.9:", None),
            ("203.0.113.9:99999", None),
            ("[203.0.113.9", None),
            ("\"203.0.113.9\"", None),
        ] {
            assert_eq!(
                address(entry).map(|address| address.to_string()).as_deref(),
                expected,
                "{entry}"
            );
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let request = Request::builder()
            .header("x-forwarded-for", "198.51.100.1")
            .header("x-forwarded-for", "203.0.113.9, 10.0.0.2")
            .header("x-real-ip", "198.51.100.7")
            .header("forwarded", "for=198.51.100.8")
            .extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 40_000))))
            .body(())
            .unwrap();
        let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
        assert_eq!(of_request(&request, &proxies).to_string(), "203.0.113.9");
    }
}
