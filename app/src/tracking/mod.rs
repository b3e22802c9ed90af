//! Tracking from the pages: the browser's half.
//!
//! `public/seam.js` is the only script that sees Amplitude's SDK; `browser` is the only Rust that sees `seam.js`. A page
//! tracks a [`ClientEvent`], and nothing else: a server event is no `ClientEvent`, so firing revenue from wasm does not
//! compile.
//!
//! Three ways lead to the SDK: an attribute of a document's markup (`attribute`), an event that the server confirmed in
//! answer to a form post and that the next document fires (`boot`), and `track` in an island after the server's answer.

#[cfg(feature = "ssr")]
pub mod attribute;
#[cfg(feature = "ssr")]
pub mod boot;
mod browser;

pub(crate) use browser::{SeamClient, is_outdated, refresh_live_parts, track};

pub use tracking::ClientEvent;
