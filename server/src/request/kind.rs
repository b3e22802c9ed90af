//! The kind of a request, which decides whether it may create a device and whether it extends a session. It follows from the
//! group of the route; a document that no user opened is a background request.

use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};
use url::form_urlencoded;

/// A group of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteGroup {
    /// Pages.
    Documents,
    /// Form posts, and server functions that an island calls.
    Mutations,
    /// Feeds, files, and responses for programs.
    Background,
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A user opens a page. It may create a device, and it is activity.
    Document,
    /// A user sends something. It is activity; it never creates a device.
    Mutation,
    /// No user did anything. It reads identity and changes nothing.
    Background,
}

impl RouteGroup {
    /// The kind of a request to a route of this group.
    pub fn kind(self, request: &Parts) -> RequestKind {
        match self {
            Self::Documents if is_opened(request) => RequestKind::Document,
            Self::Mutations if request.method == Method::POST => RequestKind::Mutation,
            Self::Documents | Self::Mutations | Self::Background => RequestKind::Background,
        }
    }
}

/// Whether a browser shows the response to a user who opened it: it is for no program, no prefetch, and no page that refreshes
/// itself.
fn is_opened(request: &Parts) -> bool {
    request.method == Method::GET
        && has_word(&request.headers, header::ACCEPT.as_str(), "text/html")
        && !has_word(&request.headers, "sec-purpose", "prefetch")
        && !has_word(&request.headers, "purpose", "prefetch")
        && !is_refresh(&request.uri)
}

/// Whether a page refreshes itself: its script adds `refresh` to the query.
pub fn is_refresh(uri: &Uri) -> bool {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).any(|(key, _)| key == "refresh")
}

fn has_word(headers: &HeaderMap, name: &str, word: &str) -> bool {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains(word))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn kinds() {
        use RouteGroup::{Background, Documents, Mutations};
        let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let any = ("accept", "*/*");
        let prerender = ("sec-purpose", "prefetch;prerender");
        for (group, method, uri, header, expected) in [
            (Documents, Method::GET, "/", html, RequestKind::Document),
            (
                Documents,
                Method::GET,
                "/billing?since=5",
                html,
                RequestKind::Document,
            ),
            (
                Documents,
                Method::GET,
                "/billing?since=5&refresh",
                html,
                RequestKind::Background,
            ),
            (
                Documents,
                Method::GET,
                "/timeline?refresh=",
                html,
                RequestKind::Background,
            ),
            (Documents, Method::GET, "/", prerender, RequestKind::Background),
            (Documents, Method::GET, "/", any, RequestKind::Background),
            (Documents, Method::HEAD, "/", html, RequestKind::Background),
            (Mutations, Method::POST, "/sign-up", html, RequestKind::Mutation),
            (Mutations, Method::POST, "/api/vote", any, RequestKind::Mutation),
            (Mutations, Method::GET, "/api/vote", html, RequestKind::Background),
            (
                Background,
                Method::GET,
                "/p/x/live",
                html,
                RequestKind::Background,
            ),
            (Background, Method::POST, "/ingest", any, RequestKind::Background),
        ] {
            let request = Request::builder()
                .method(&method)
                .uri(uri)
                .header(header.0, header.1);
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(group.kind(&parts), expected, "{method} {uri} {header:?}");
        }
    }
}
