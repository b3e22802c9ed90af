//! The guided walk of local mode: six steps from a first visit to a shared laptop. The visitor's own events complete them.
//!
//! `status` decides from events only. The panel of every page reads nothing until it is opened. With a real project there
//! is no walk: it needs a clock that can be moved, and it reads the events of other people.

mod model;
mod page;
mod panel;
mod queries;
mod status;
mod steps;

pub use page::WalkPage;
pub use panel::WalkPanel;
