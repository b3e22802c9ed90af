//! Polls: one's own list, and making one.

mod api;
mod list;
mod new;

#[cfg(feature = "ssr")]
pub use api::verbs;
pub use list::PollsPage;
pub use new::NewPollPage;
