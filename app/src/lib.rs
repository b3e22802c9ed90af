//! Seamline's pages: Leptos components and islands, by feature.
//!
//! A page is a document: the server renders it, and every link and form works without script. The parts of a page that
//! change while a user looks at it are islands, and only islands are compiled to wasm. A form action calls one verb of
//! `backend` and returns the path to load next. No SQL, no HTTP client.

// Components' generated prop builders have no docs of their own.
#![allow(
    missing_docs,
    reason = "components document themselves above their function; their props are generated"
)]
// Deeply nested views overflow the default.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
pub mod auth;
#[cfg(feature = "ssr")]
pub mod billing;
#[cfg(feature = "ssr")]
pub mod document;
#[cfg(feature = "ssr")]
mod failure;
#[cfg(feature = "ssr")]
mod forms;
#[cfg(feature = "ssr")]
pub mod lab;
#[cfg(feature = "ssr")]
mod landing;
pub mod live;
pub mod local_time;
#[cfg(feature = "ssr")]
mod mailbox;
#[cfg(feature = "ssr")]
mod not_found;
#[cfg(feature = "ssr")]
pub mod operations;
#[cfg(feature = "ssr")]
mod page;
pub mod polls;
#[cfg(feature = "ssr")]
pub mod privacy;
#[cfg(feature = "ssr")]
mod redirect;
#[cfg(feature = "ssr")]
mod relative_time;
#[cfg(feature = "ssr")]
pub mod request;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
pub mod security;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
pub mod timeline;
#[cfg(feature = "ssr")]
mod titles;
pub mod tracking;
#[cfg(feature = "ssr")]
mod ui;
#[cfg(feature = "ssr")]
mod walk;

#[cfg(feature = "ssr")]
pub use failure::{Failure, failure_page};
#[cfg(feature = "ssr")]
pub use routes::{is_page, page_paths};
#[cfg(feature = "ssr")]
pub use shell::shell;
#[cfg(feature = "ssr")]
pub use titles::{page_title, titled_pages};
