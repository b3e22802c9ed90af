//! A browser without a screen: it keeps cookies, sends the headers that a browser sends, follows redirects when asked, and
//! reads forms, links and embedded JSON from a page.
//!
//! It runs no JavaScript. Callers do what a page's script would do, with [`Browser::post_json`] and [`Browser::set_cookie`].

mod browser;
mod document;
mod response;

pub use browser::{Browser, BrowserError, HTML, USER_AGENT, client, client_builder};
pub use document::HtmlForm;
pub use response::BrowserResponse;
