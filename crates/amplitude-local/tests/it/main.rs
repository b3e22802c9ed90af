//! The collector over real HTTP, as its users meet it.

mod controls;
mod deletions;
mod feed;
mod ingestion;
mod people;
mod program;
mod reading;
mod sdks;
mod state;
mod support;
