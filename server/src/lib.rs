//! The axum server: routes, the middleware that knows a visitor, start-up and shutdown.
//!
//! Handlers parse, call one verb, and shape the answer. No SQL, no decisions about events.

mod address;
mod forms;
mod health;
mod ingest;
mod live;
mod local;
mod rate;
mod router;
mod security;
mod startup;
mod state;
mod upkeep;
mod visit;

pub mod telemetry;

pub use startup::{Server, StartError};
