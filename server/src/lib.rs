//! The axum server: routes, request handling, background jobs, start and stop.
//!
//! Handlers parse, call one operation, and shape the answer. There is no SQL here, and no decision about events.

mod auth;
mod billing;
mod http;
mod ingest;
mod jobs;
mod metrics;
mod polls;
mod request;
mod router;
mod settings;
mod startup;
mod state;
mod timeline;

pub mod commands;

#[cfg(feature = "local")]
mod lab;
#[cfg(feature = "local")]
mod local;
#[cfg(any(test, not(feature = "local")))]
mod local_absent;
#[cfg(feature = "local")]
mod stand_ins;

#[cfg(not(feature = "local"))]
use local_absent as local;

pub use local::LocalLab;

pub use startup::{HttpTiming, Server, StartError, Timing, telemetry};
