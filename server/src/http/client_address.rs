//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, Request};

/// The visitor's network address, for throttles and for the place that Amplitude derives from it.
///
/// `header` names the header in which a proxy of ours hands it on; of a list the last entry counts, which is the one that
/// our proxy wrote. Without `header` the peer's address is taken, and no header is believed.
pub fn of_request<B>(request: &Request<B>, header: Option<&str>) -> IpAddr {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    header
        .and_then(|name| handed_on(request.headers(), name))
        .or(peer)
        .unwrap_or(IpAddr::from([127, 0, 0, 1]))
}

fn handed_on(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_header_is_believed() {
        let request = Request::builder()
            .header("x-forwarded-for", "198.51.100.1, 203.0.113.9")
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 40_000))))
            .body(())
            .unwrap();
        let of = |header| of_request(&request, header).to_string();
        assert_eq!(of(None), "192.0.2.1");
        assert_eq!(of(Some("x-forwarded-for")), "203.0.113.9");
        assert_eq!(of(Some("x-real-ip")), "192.0.2.1");
    }
}
