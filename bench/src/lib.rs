//! Benchmarks and crash tests on the real programs.
//!
//! The crash tests are in a library because `tests/crash.rs` runs a short form of them. The measurements are commands
//! only: a test that asserts a time fails on a busy machine. The crate's README explains the figures.

pub mod browser;
pub mod bytes;
pub mod chromium;
pub mod claims;
pub mod compare;
pub mod crash;
pub mod database;
pub mod deliveries;
mod limit_check;
pub mod machine;
pub mod pages;
pub mod ports;
mod process;
pub mod programs;
pub mod receiver;
pub mod resources;
pub mod scale;
pub mod sign_up;
pub mod table;
pub mod timeline;
pub mod transaction;
pub mod votes;
pub mod webhooks;
