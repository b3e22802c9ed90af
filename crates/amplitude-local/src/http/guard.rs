//! Who may talk to the collector: programs on this machine, and pages that came from it.
//!
//! A loopback address alone does not keep a web page out: a foreign name may resolve to 127.0.0.1, and any
//! page may post across sites. So the Host must be a loopback name, and whatever changes state outside of
//! the ingestion APIs must come from the collector's own pages or from no page at all.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::refusal;

pub(super) async fn loopback_only(request: Request, next: Next) -> Response {
    let host = host(&request);
    if !host.as_deref().is_some_and(is_loopback_name) {
        return refusal(
            StatusCode::FORBIDDEN,
            "this stand-in answers on 127.0.0.1, localhost and [::1] only; the Host header names something else",
        );
    }
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let ours = ["/local/", "/api/"]
        .iter()
        .any(|prefix| request.uri().path().starts_with(prefix));
    if !reads && ours && is_foreign(request.headers(), host.as_deref()) {
        return refusal(
            StatusCode::FORBIDDEN,
            "the controls cannot be used from pages of another site",
        );
    }
    next.run(request).await
}

fn host(request: &Request) -> Option<String> {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    named
        .map(str::to_owned)
        .or_else(|| request.uri().authority().map(ToString::to_string))
}

/// Whether a Host header names this machine's loopback, with any port.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if is_port(port) => return address == "::1",
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

fn is_port(rest: &str) -> bool {
    rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a page of another origin sent this. Programs send neither header.
fn is_foreign(headers: &HeaderMap, host: Option<&str>) -> bool {
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
    use super::*;

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
    fn foreign_pages() {
        let foreign = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    header::HeaderValue::from_static(value),
                )
            });
            is_foreign(&headers.collect(), Some("localhost:12112"))
        };
        assert!(!foreign(&[]));
        assert!(!foreign(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://localhost:12112")
        ]));
        assert!(!foreign(&[("sec-fetch-site", "none")]));
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[("sec-fetch-site", "same-site")]));
        assert!(foreign(&[("origin", "http://localhost:3000")]));
        assert!(foreign(&[("origin", "null")]));
    }
}
