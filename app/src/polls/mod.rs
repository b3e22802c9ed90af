//! Polls: one's own list, making and editing one, one's own poll with its results, and the page on which others vote.

mod action;
mod api;
mod bars;
#[cfg_attr(feature = "hydrate", path = "device_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "device_none.rs")]
mod device;
mod edit;
mod export;
mod form;
mod list;
#[cfg_attr(feature = "hydrate", path = "live_browser.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "live_none.rs")]
mod live;
mod model;
mod new;
mod own;
mod share;
mod upgrade;
#[cfg(feature = "ssr")]
pub mod verbs;
mod vote;

pub use edit::EditPollPage;
pub use list::PollsPage;
pub use model::{ActionForm, PollView};
pub use new::NewPollPage;
pub use own::OwnPollPage;
pub use vote::VotePage;
