//! Polls: a user's own list, making and editing a poll, its results, and the page on which others vote.

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
mod buttons;
#[cfg(feature = "ssr")]
mod edit_page;
#[cfg(feature = "ssr")]
mod form;
mod islands;
#[cfg(feature = "ssr")]
mod list_page;
mod model;
#[cfg(feature = "ssr")]
mod new_page;
#[cfg(feature = "ssr")]
mod owner_page;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
mod results;
#[cfg(feature = "ssr")]
mod share;
#[cfg(feature = "ssr")]
mod upgrade;
mod vote;
#[cfg(feature = "ssr")]
mod vote_page;

#[cfg(feature = "ssr")]
pub use edit_page::EditPollPage;
#[cfg(feature = "ssr")]
pub use list_page::PollsPage;
pub use model::PollView;
#[cfg(feature = "ssr")]
pub use new_page::NewPollPage;
#[cfg(feature = "ssr")]
pub use owner_page::OwnPollPage;
pub use vote::cast_vote;
#[cfg(feature = "ssr")]
pub use vote_page::VotePage;
