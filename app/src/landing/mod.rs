//! The landing page: what hybrid tracking is, in one screen, and the visitor's own events as the proof.

mod miniature;
mod page;

pub use page::LandingPage;
