//! A local stand-in for Amplitude: point any of its SDKs at it, look at what arrived.
//!
//! It speaks the ingestion APIs (HTTP V2, Batch, Identify) and the reading APIs (user search, user activity)
//! in Amplitude's own shapes, builds people and sessions by Amplitude's published rules, and adds what a
//! test needs: a raw log, refused events with reasons, fault switches, a live feed and a reset. It has no
//! charts, no GeoIP and no accounts, and it listens on loopback addresses only.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let collector = amplitude_local::open(amplitude_local::Settings::default()).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:12112").await?;
//! amplitude_local::serve(listener, collector, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod clock;
mod collector;
mod device;
mod event;
mod faults;
mod http;
mod ingest;
mod people;
mod plan;
mod properties;
mod server;
mod settings;
mod store;
mod times;
mod upload;
mod validate;

pub use clock::Clock;
pub use collector::{Collector, open};
pub use plan::PlanError;
pub use server::{ServeError, serve};
pub use settings::{Limits, OpenError, Settings, State};
