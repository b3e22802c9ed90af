//! A local stand-in for Amplitude. Any Amplitude SDK can send events to it.
//!
//! It implements the ingestion APIs (HTTP V2, Batch, Identify), user search, user activity and user deletion in Amplitude's
//! formats. It assigns events to people and sessions by Amplitude's published rules. For tests it adds a delivery log,
//! refused events with reasons, fault switches, a live feed and a reset. It has no charts, no GeoIP and no accounts, and it
//! listens on loopback addresses only.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let collector = amplitude_local::open(amplitude_local::CollectorSettings::default()).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:12112").await?;
//! amplitude_local::serve(listener, collector, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod attribution;
mod collector;
mod device;
mod export;
mod faults;
mod http;
mod ingest;
mod properties;
mod response;
mod server;
mod settings;
mod store;
mod times;
mod tracking_plan;
mod upload;
mod validate;

pub use collector::{Collector, open};
pub use local_service::{ServeError, StateError, StateLocation, WallClock};
pub use server::serve;
pub use settings::{CollectorOpenError, CollectorSettings, Limits};
pub use tracking_plan::PlanError;
