//! Which requests a stand-in accepts: from programs on this machine, and from its own pages.
//!
//! Listening on a loopback address does not keep web pages out: any domain can resolve to 127.0.0.1 (DNS rebinding), and
//! any page can send cross-site POST requests. So the Host header must be a loopback name, and a write must come from a
//! page of the same origin or from no page. This module does not authenticate requests.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
};

/// Why a request is rejected. The response status is 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The Host header is missing or is not a loopback name.
    #[error(
        "this stand-in accepts requests for 127.0.0.1, localhost and [::1] only; the Host header names another host"
    )]
    ForeignHost,
    /// A page of another origin sent a request that may change state.
    #[error("cross-site request blocked: pages of another origin cannot change this stand-in's state")]
    CrossSiteWrite,
}

/// Checks that the request is addressed to a loopback host name.
///
/// # Errors
/// `ForeignHost` when it is not.
pub fn check_host(request: &Request) -> Result<(), GuardError> {
    match host(request) {
        Some(host) if is_loopback_name(&host) => Ok(()),
        _ => Err(GuardError::ForeignHost),
    }
}

/// Checks that no page of another origin sent the request. GET, HEAD and OPTIONS requests always pass.
///
/// # Errors
/// `CrossSiteWrite` when one did.
pub fn check_write_origin(request: &Request) -> Result<(), GuardError> {
    let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if is_read || !is_cross_origin(request.headers(), host(request).as_deref()) {
        Ok(())
    } else {
        Err(GuardError::CrossSiteWrite)
    }
}

/// The Host header, or the authority of the request target where HTTP/2 has none.
fn host(request: &Request) -> Option<String> {
    let header = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    header
        .map(str::to_owned)
        .or_else(|| request.uri().authority().map(ToString::to_string))
}

/// Whether a Host header names this machine's loopback interface, with any port.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if is_optional_port(port) => return address == "::1",
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

fn is_optional_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a page of another origin sent this. Browsers send `Sec-Fetch-Site` or `Origin`; programs send neither.
fn is_cross_origin(headers: &HeaderMap, host: Option<&str>) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("unreadable"))
    };
    let other_site = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let other_origin = text("origin").is_some_and(|origin| {
        host.is_none_or(|host| {
            origin
                .split_once("://")
                .is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host))
        })
    });
    other_site || other_origin
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(method: Method, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder()
            .method(method)
            .uri("/")
            .header(header::HOST, "localhost:12112");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("valid headers")
    }

    #[test]
    fn loopback_names() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:12112",
            "localhost",
            "LOCALHOST:80",
            "[::1]",
            "[::1]:12112",
        ] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "127.0.0.1.example.com",
            "localhost:80@x",
            "[::2]",
            "[::1",
            "[::1]x",
            "0.0.0.0",
            "127.0.0.2",
        ] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }

    #[test]
    fn a_request_needs_a_loopback_host() {
        assert_eq!(check_host(&request(Method::GET, &[])), Ok(()));
        let without_host = Request::new(Body::empty());
        assert_eq!(check_host(&without_host), Err(GuardError::ForeignHost));
    }

    #[test]
    fn writes_from_another_origin_are_rejected() {
        for (headers, expected) in [
            (&[][..], Ok(())),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://localhost:12112"),
                ],
                Ok(()),
            ),
            (&[("sec-fetch-site", "none")], Ok(())),
            (
                &[("sec-fetch-site", "cross-site")],
                Err(GuardError::CrossSiteWrite),
            ),
            (
                &[("sec-fetch-site", "same-site")],
                Err(GuardError::CrossSiteWrite),
            ),
            (
                &[("origin", "http://localhost:3000")],
                Err(GuardError::CrossSiteWrite),
            ),
            (&[("origin", "null")], Err(GuardError::CrossSiteWrite)),
        ] {
            let post = request(Method::POST, headers);
            assert_eq!(check_write_origin(&post), expected, "{headers:?}");
            let get = request(Method::GET, headers);
            assert_eq!(check_write_origin(&get), Ok(()), "{headers:?}");
        }
    }
}
