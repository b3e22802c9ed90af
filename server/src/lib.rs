//! The axum server: routes, the middleware that knows a visitor, start-up and shutdown.
//!
//! Handlers parse, call one verb, and shape the answer. No SQL, no decisions about events.

mod address;
mod assets;
mod billing;
mod failures;
mod feeds;
mod files;
mod forms;
mod functions;
mod health;
mod ingest;
mod links;
mod live;
mod local;
mod poll_closing;
mod poll_live;
mod post;
mod rate;
mod router;
mod security;
mod start_error;
mod startup;
mod state;
mod timeline;
mod timing;
mod upkeep;
mod visit;
mod workers;

pub mod commands;
pub mod lab;
pub mod telemetry;

pub use start_error::StartError;
pub use startup::Server;
pub use timing::Timing;
