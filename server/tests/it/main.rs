//! The server at its border: the real one, over real HTTP, with its own database and its own collector.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

mod abuse;
mod assets;
mod attribution;
mod auth;
mod billing;
mod billing_states;
mod blocked_cookies;
mod browser;
mod commands;
mod consent;
mod database;
mod delivery;
mod deploy;
mod docs;
mod documents;
mod endings;
mod feeds;
mod forms;
mod health;
mod hostile;
mod ingest;
mod ingest_refusals;
mod invariants;
mod lab;
mod logs;
mod loss;
mod mails;
mod metrics;
mod names;
mod office_proxy;
mod operations;
#[cfg(feature = "otel")]
mod otel;
#[cfg(not(feature = "otel"))]
#[path = "otel_absent.rs"]
mod otel;
mod polls;
mod production_build;
mod refreshes;
mod refusals;
mod scenarios;
mod sdk;
mod settings;
mod support;
mod timeline;
mod with_keys;
