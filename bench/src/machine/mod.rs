//! What the machine can do without Seamline, measured in the same run: commits of one row, an axum handler that only
//! inserts, and an HTTP client against a handler that does nothing.

pub mod bare_server;
pub mod commits;
mod store;
