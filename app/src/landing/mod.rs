//! The landing page: what hybrid tracking is, in one screen, with the visitor's own events as an example.

mod miniature;
mod page;

pub use page::LandingPage;
