//! The conformance suite of the queue, with a generic client, on both engines.

mod claiming;
mod client;
mod leases;
mod operators;
mod plans;
mod servers;
mod settling;
mod workers;
