//! Which requests an app with a stand-in accepts. There every visitor is an operator, and listening on a loopback address
//! does not keep others out: any domain can resolve to 127.0.0.1 (DNS rebinding), and a proxy or a tunnel forwards
//! requests of other machines.

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backend::config::LocalAccess;
use http::uri::Authority;
use http::{HeaderMap, Request, StatusCode, header};

use crate::state::AppState;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalGuardError {
    /// The request names no host, or one that is not this machine.
    #[error(
        "Seamline runs in local mode and answers requests for 127.0.0.1, localhost and [::1] only. \
         SEAMLINE_LOCAL=remote allows other host names."
    )]
    ForeignHost,
    /// A proxy or a tunnel has forwarded the request.
    #[error(
        "Seamline runs in local mode and answers no forwarded requests. SEAMLINE_LOCAL=remote allows them."
    )]
    Forwarded,
}

impl IntoResponse for LocalGuardError {
    fn into_response(self) -> Response {
        (StatusCode::MISDIRECTED_REQUEST, self.to_string()).into_response()
    }
}

/// Refuses what [`check`] refuses, on every route.
pub async fn guard(State(state): State<AppState>, request: Request<Body>, next: Next) -> Response {
    let checked = match state.site.local_access {
        Some(LocalAccess::ThisMachine) => check(&request),
        Some(LocalAccess::Remote) | None => Ok(()),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Fails if the request is for another host than this machine, or was forwarded.
fn check<B>(request: &Request<B>) -> Result<(), LocalGuardError> {
    if is_forwarded(request.headers()) {
        return Err(LocalGuardError::Forwarded);
    }
    let mut headers = request.headers().get_all(header::HOST).iter();
    let host = headers.next().and_then(|host| host.to_str().ok());
    let target = request.uri().authority().map(Authority::as_str);
    let is_single = headers.next().is_none();
    match host {
        Some(host) if is_single && is_loopback(host) && target.is_none_or(is_loopback) => Ok(()),
        _ => Err(LocalGuardError::ForeignHost),
    }
}

/// Whether a proxy has added a header of its own.
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        name.as_str().starts_with("x-forwarded-") || ["forwarded", "x-real-ip"].contains(&name.as_str())
    })
}

/// Whether `host` or `host:port` is a loopback address or `localhost`. The same names are accepted by the stand-ins
/// (`crates/local-service/src/guard.rs`), which accept of the loopback addresses the usual two only.
pub fn is_loopback(host: &str) -> bool {
    // An authority may have a user; a `Host` header must not.
    let Some(authority) = host.parse::<Authority>().ok().filter(|_| !host.contains('@')) else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1:3000",
            "127.1.2.3",
            "[::1]",
            "[::1]:3000",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "demo.example",
            "demo.example:443",
            "127.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example#localhost",
            "localhost@evil.example",
            "evil.example@localhost",
            "10.0.0.1:3000",
            "[::2]",
            "[::1",
            "0.0.0.0",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn requests_of_this_machine_pass() {
        use LocalGuardError::{ForeignHost, Forwarded};
        let local = ("host", "127.0.0.1:3000");
        for (uri, headers, expected) in [
            ("/", &[local][..], Ok(())),
            ("/", &[], Err(ForeignHost)),
            ("/", &[("host", "evil.example")], Err(ForeignHost)),
            ("/", &[local, ("host", "evil.example")], Err(ForeignHost)),
            ("http://evil.example/", &[local], Err(ForeignHost)),
            ("http://127.0.0.1:3000/", &[local], Ok(())),
            ("/", &[local, ("forwarded", "for=192.0.2.1")], Err(Forwarded)),
            ("/", &[local, ("x-forwarded-for", "127.0.0.1")], Err(Forwarded)),
            ("/", &[local, ("x-forwarded-proto", "http")], Err(Forwarded)),
            ("/", &[local, ("x-real-ip", "127.0.0.1")], Err(Forwarded)),
        ] {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            assert_eq!(check(&request.body(()).unwrap()), expected, "{uri} {headers:?}");
        }
    }
}
