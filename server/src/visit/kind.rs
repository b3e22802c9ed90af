//! What a request is to identity and sessions.

use http::{HeaderMap, Method, header};

/// The three kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page that somebody opens. It may mint a device, and it is activity.
    Document,
    /// A form post or a server function's call. It is activity; it never mints a device.
    Act,
    /// Everything else: ingest, live feeds, probes, prefetches. Reads identity and changes nothing.
    Quiet,
}

/// Sorts a request.
pub fn kind(method: &Method, path: &str, headers: &HeaderMap) -> Kind {
    let has = |name: &str, word: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(word))
    };
    if QUIET.contains(&path)
        || is_poll_feed(path)
        || has("sec-purpose", "prefetch")
        || has("purpose", "prefetch")
    {
        Kind::Quiet
    } else if method == Method::POST {
        Kind::Act
    } else if method == Method::GET && has(header::ACCEPT.as_str(), "text/html") {
        Kind::Document
    } else {
        Kind::Quiet
    }
}

/// A poll's live results.
fn is_poll_feed(path: &str) -> bool {
    path.starts_with("/p/") && path.ends_with("/live")
}

/// Paths that a page asks for by itself, and those that answer with a file or a program.
const QUIET: [&str; 10] = [
    "/ingest",
    "/timeline/live",
    "/timeline/verdict",
    "/timeline/export",
    "/billing/live",
    "/lab/live",
    "/lab/results",
    "/lab/runs",
    "/livez",
    "/readyz",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting() {
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        for (method, path, header, expected) in [
            (Method::GET, "/", html, Kind::Document),
            (Method::GET, "/nowhere", html, Kind::Document),
            (
                Method::GET,
                "/",
                ("sec-purpose", "prefetch;prerender"),
                Kind::Quiet,
            ),
            (Method::GET, "/", ("accept", "*/*"), Kind::Quiet),
            (Method::HEAD, "/", html, Kind::Quiet),
            (Method::GET, "/timeline/live", html, Kind::Quiet),
            (Method::GET, "/billing/live", html, Kind::Quiet),
            (Method::GET, "/billing/return", html, Kind::Document),
            (Method::GET, "/p/x/live", html, Kind::Quiet),
            (Method::GET, "/lab", html, Kind::Document),
            (Method::POST, "/lab", html, Kind::Act),
            (Method::GET, "/lab/results", html, Kind::Quiet),
            (Method::POST, "/lab/runs", ("accept", "*/*"), Kind::Quiet),
            (Method::POST, "/sign-up", html, Kind::Act),
            (
                Method::POST,
                "/api/sign_in123",
                ("accept", "application/json"),
                Kind::Act,
            ),
            (Method::POST, "/ingest", ("accept", "*/*"), Kind::Quiet),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header.0, header.1.parse().unwrap());
            assert_eq!(
                kind(&method, path, &headers),
                expected,
                "{method} {path} {header:?}"
            );
        }
    }
}
