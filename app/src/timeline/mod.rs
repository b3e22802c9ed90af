//! A person's story, read back from Amplitude or its stand-in.

mod api;
mod chapter;
#[cfg_attr(feature = "hydrate", path = "live_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live_none.rs")]
mod live;
mod page;

#[cfg(feature = "ssr")]
pub use api::may_read;
pub use page::TimelinePage;
