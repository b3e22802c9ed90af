//! The browsers of the benchmarks. Each has its own client address, because all of them run on this machine and limits count
//! by address.

use std::net::{Ipv4Addr, SocketAddr};

use http_browser::Browser;
use reqwest::Client;
use reqwest::header::{HeaderName, HeaderValue};

/// The header in which a trusted proxy passes the client's address.
const ADDRESS_HEADER: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A browser without cookies at `address`, on the site that listens at `site`.
pub fn new_browser(client: &Client, site: SocketAddr, address: Ipv4Addr) -> Browser {
    let site = format!("http://{site}/").parse();
    let mut browser = Browser::new(client, &site.expect("a socket address is a host and a port"));
    let address = HeaderValue::from_str(&address.to_string());
    browser.set_header(
        ADDRESS_HEADER,
        address.expect("digits and dots are a header value"),
    );
    browser
}
