//! A person's story, read back from Amplitude or its stand-in, and what it is worth.

#[cfg(feature = "ssr")]
mod access;
mod api;
mod chapter;
#[cfg_attr(feature = "hydrate", path = "clipboard_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "clipboard_none.rs")]
mod clipboard;
mod comparison;
mod event;
mod glimpse;
mod links;
#[cfg_attr(feature = "hydrate", path = "live_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live_none.rs")]
mod live;
mod loss;
mod page;
mod proof;
#[cfg(feature = "ssr")]
mod reading;
mod story;
mod tools;
mod verdict;
mod worth;

#[cfg(feature = "ssr")]
pub use access::may_read;
pub use api::{Asked, Found};
pub(crate) use comparison::ComparisonTable;
pub(crate) use glimpse::{Glimpse, Glimpsed};
pub(crate) use links::event as event_address;
pub use page::TimelinePage;
#[cfg(feature = "ssr")]
pub use reading::{StoryError, WholeStory, read_whole};
