//! Seamline's pages: Leptos components and server functions, by feature.
//!
//! Built twice: `ssr` for the server, `hydrate` for the browser. What only one side has stands in modules of its own,
//! gated here or at a feature's `mod` lines; inside functions and views there is no gate. Server functions and form
//! posts parse, call one verb of `backend`, and shape the answer. No SQL, no HTTP client.

// Components' generated prop builders have no docs of their own.
#![allow(
    missing_docs,
    reason = "components document themselves above their function; their props are generated"
)]
// Deeply nested views overflow the default.
#![recursion_limit = "256"]

pub mod auth;
pub mod billing;
#[cfg_attr(feature = "ssr", path = "document_server.rs")]
#[cfg_attr(not(feature = "ssr"), path = "document_browser.rs")]
mod document;
#[cfg(feature = "ssr")]
mod failure;
pub mod forms;
pub mod lab;
mod landing;
mod mailbox;
#[cfg(feature = "ssr")]
mod moments;
#[cfg(feature = "ssr")]
mod next;
mod not_found;
pub mod operations;
mod page;
pub mod polls;
pub mod privacy;
mod routes;
#[cfg(feature = "ssr")]
pub mod security;
pub mod settings;
#[cfg(feature = "ssr")]
mod shell;
pub mod timeline;
pub mod tracking;
mod ui;
#[cfg(feature = "ssr")]
pub mod visit;
mod walk;

#[cfg(feature = "ssr")]
pub use failure::{Failure, failure_page};
pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
