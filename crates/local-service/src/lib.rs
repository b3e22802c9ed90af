//! What the local stand-ins share: loopback-only serving, a request guard, a wall clock, a state file and program start.
//!
//! It knows neither Amplitude nor Stripe. Routes, error formats and pages belong to the stand-ins.

pub mod clock;
pub mod guard;
pub mod program;
pub mod serve;
pub mod state_store;

pub use clock::WallClock;
pub use serve::ServeError;
pub use state_store::{StateDatabase, StateError, StateLocation, StateSchema};
