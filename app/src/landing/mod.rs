//! The landing page: what hybrid tracking is, in one screen, with the visitor's own events as an example.

mod page;
mod timeline;

pub use page::LandingPage;
