//! The guided walk of local mode: six steps from a first visit to a shared laptop, each ticked by the person's own events.
//!
//! `steps` decides, from events alone. The panel on every page reads nothing until it is opened. Where anything is real
//! there is no walk: it needs a clock that can be moved, and it reads a friend's events.

mod api;
mod page;
mod panel;
#[cfg(feature = "ssr")]
mod reading;
mod steps;

pub use page::WalkPage;
pub use panel::WalkPanel;
