//! What the design promises, measured on the real programs: the crash run, and what tracking costs a sign-up.
//!
//! The crash run is here as a library because a test runs a short form of it. The measurements are commands only: a
//! test that times something fails on a busy machine. How to read the figures stands in the crate's README.

pub mod browser;
pub mod bytes;
pub mod compare;
pub mod crash;
pub mod database;
pub mod demo;
pub mod ports;
mod process;
pub mod receiver;
pub mod sign_up;
pub mod table;
pub mod timeline;
pub mod transaction;
pub mod votes;
pub mod webhooks;
