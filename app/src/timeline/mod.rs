//! A person's story, read back from Amplitude or its stand-in.

mod api;
mod chapter;
#[cfg_attr(feature = "hydrate", path = "live_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live_none.rs")]
mod live;
mod page;
#[cfg(feature = "ssr")]
mod reading;

pub use api::Found;
pub use page::TimelinePage;
#[cfg(feature = "ssr")]
pub use reading::may_read;
