//! Documents under load: requests per second, response times, memory and cold start of the app, with the headers and the
//! cookies that a browser sends. A peer that is running already is measured in the same run by the same client.
//!
//! It requests documents without their assets. Client and server share the machine; the report shows the client's share.

mod load;
mod report;
mod site;

use std::net::SocketAddr;
use std::path::PathBuf;

use db::Engine;
use http_browser::{Browser, BrowserError, HTML};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderValue};
use reqwest::Method;

use crate::database;
use crate::process::ProcessError;
use crate::programs::Programs;
use load::DocumentRequest;
pub use load::{LoadSettings, PageLoad};
pub use report::PagesReport;
use site::{PagesSite, peer_visitor};

/// The pages of a visitor, which the peer has as well.
pub const VISITOR_PAGES: [&str; 3] = ["/", "/sign-in", "/pricing"];
/// The pages of a signed-in user.
pub const SIGNED_IN_PAGES: [&str; 2] = ["/polls", "/timeline"];
/// How often the app is started for the cold start.
const COLD_STARTS: usize = 5;

/// What is measured.
#[derive(Clone, Debug)]
pub struct PagesSettings {
    /// The app's database.
    pub engine: Engine,
    /// The load on each page.
    pub load: LoadSettings,
    /// The folder of the built front end.
    pub site: PathBuf,
    /// The peer.
    pub peer: Option<PeerSettings>,
}

/// Another site, which is running already on this machine.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// Its loopback address.
    pub address: SocketAddr,
    /// Its process, for CPU time and memory.
    pub process: Option<u32>,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The app could not be started, or exited.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A page did not arrive in a browser.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A connection of the load failed.
    #[error("a connection failed: {0}")]
    Connection(#[from] hyper::Error),
    /// A request could not be made.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// A request was answered with an unexpected status.
    #[error("{path} was answered {status}")]
    Answer {
        /// The path of the request.
        path: &'static str,
        /// The status of the answer.
        status: u16,
    },
    /// A response did not arrive in time.
    #[error("{path} was not answered in time")]
    Timeout {
        /// The path of the request.
        path: &'static str,
    },
    /// The page after the sign-up has no user.
    #[error("no user is signed in after the sign-up")]
    NoUser,
    /// The configuration of local mode is invalid.
    #[error(transparent)]
    Config(#[from] backend::config::ConfigError),
    /// A file, port or process could not be created, or a connection was refused.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Measures the app, and the peer if there is one. The app's load and the peer's load on a page follow each other.
///
/// # Errors
/// When the app, the peer or a request fails. A missed limit is no error: see [`PagesReport::holds`].
pub async fn run(programs: &Programs, settings: &PagesSettings) -> Result<PagesReport, PagesError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let client = http_browser::client()?;
    let mut site = PagesSite::start(programs, folder.path(), &settings.site, &database, &client).await?;
    let mut cold_starts_ms = Vec::new();
    for _ in 0..COLD_STARTS {
        cold_starts_ms.push(site.cold_start_ms().await?);
    }
    let (address, process) = (site.app.address, site.app.id());
    let visitor = site.visitor().await?;
    let peer = match &settings.peer {
        Some(peer) => Some((peer, peer_visitor(&client, peer.address).await?)),
        None => None,
    };
    let (mut pages, mut peer_pages) = (Vec::new(), Vec::new());
    for path in VISITOR_PAGES {
        let request = document_request(&visitor, path, address)?;
        pages.push(load::load(path, address, request, process, settings.load).await?);
        if let Some((peer, visitor)) = &peer {
            let request = document_request(visitor, path, peer.address)?;
            peer_pages.push(load::load(path, peer.address, request, peer.process, settings.load).await?);
        }
    }
    let user = site.user().await?;
    for path in SIGNED_IN_PAGES {
        let request = document_request(&user, path, address)?;
        pages.push(load::load(path, address, request, process, settings.load).await?);
    }
    site.app.terminate().await?;
    Ok(PagesReport {
        settings: settings.clone(),
        pages,
        peer_pages,
        cold_starts_ms,
    })
}

/// Returns the request that a browser sends for a document, with its cookies.
fn document_request(browser: &Browser, path: &str, site: SocketAddr) -> Result<DocumentRequest, PagesError> {
    let from_browser = browser.request(Method::GET, path)?.build()?;
    let mut request = DocumentRequest::default();
    *request.uri_mut() = path.parse().expect("the paths of this file are valid");
    let headers = request.headers_mut();
    headers.clone_from(from_browser.headers());
    let host = HeaderValue::from_str(&site.to_string());
    headers.insert(HOST, host.expect("an address is a header value"));
    headers.insert(ACCEPT, HeaderValue::from_static(HTML));
    headers.insert(
        ACCEPT_ENCODING,
        HeaderValue::from_static("gzip, deflate, br, zstd"),
    );
    for (name, value) in [
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-user", "?1"),
        ("upgrade-insecure-requests", "1"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use hyper::header::{COOKIE, USER_AGENT};

    use super::*;

    #[test]
    fn a_document_is_requested_as_a_browser_does() {
        let site = SocketAddr::from(([127, 0, 0, 1], 3900));
        let url = "http://127.0.0.1:3900/".parse().expect("a URL");
        let mut browser = Browser::new(&http_browser::client().expect("a client"), &url);
        browser.set_cookie("a", "1");
        browser.set_cookie("b", "2");
        let request = document_request(&browser, "/pricing", site).expect("a path");
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(
            (request.method(), request.uri().path()),
            (&Method::GET, "/pricing")
        );
        assert_eq!(header(HOST), Some("127.0.0.1:3900"));
        assert_eq!(header(ACCEPT), Some(HTML));
        assert!(header(USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/5.0")));
        assert!(header(ACCEPT_ENCODING).is_some_and(|encodings| encodings.contains("br")));
        let mut cookies: Vec<&str> = header(COOKIE).unwrap_or_default().split("; ").collect();
        cookies.sort_unstable();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }
}
