//! Tracking from the pages: the browser's half.
//!
//! `public/seam.js` is the only script that sees Amplitude's SDK; `browser` is the only Rust that sees `seam.js`. A page
//! tracks a [`ClientEvent`], and nothing else: a server event is no `ClientEvent`, so firing revenue from wasm does not
//! compile.

#[cfg(feature = "ssr")]
pub mod boot;
#[cfg(feature = "hydrate")]
mod browser;
#[cfg(not(feature = "hydrate"))]
mod noop;

#[cfg(feature = "hydrate")]
pub(crate) use browser::{SeamClient, leave_for, track, track_and_submit};
#[cfg(not(feature = "hydrate"))]
pub(crate) use noop::{SeamClient, leave_for, track, track_and_submit};

pub use tracking::ClientEvent;
