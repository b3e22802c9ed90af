//! The axum server: routes, request handling, background jobs, start and stop.
//!
//! Handlers parse, call one operation, and shape the answer. There is no SQL here, and no decision about events.

mod auth;
mod billing;
mod http;
mod ingest;
mod jobs;
mod polls;
mod request;
mod router;
mod settings;
mod stand_ins;
mod startup;
mod state;
mod timeline;

pub mod commands;
pub mod lab;

pub use startup::{Server, StartError, Timing, telemetry};
