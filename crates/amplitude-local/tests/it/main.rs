//! Tests of the collector over HTTP.

mod controls;
mod deletions;
mod feed;
mod fuzz;
mod ingestion;
mod people;
mod program;
mod reading;
mod sdks;
mod state;
mod support;
