//! The verbs on both engines: what each leaves in the tables and in the outbox.

#![expect(
    clippy::unwrap_used,
    reason = "also in what the tests are made of, where clippy does not allow it by itself"
)]

mod accounts;
mod billing;
mod clean_up;
mod config;
mod cookies;
mod credentials;
mod deletion;
mod export;
mod links;
mod logins;
mod loss;
mod mail;
mod operations;
mod poll_times;
mod polls;
mod sign_in;
mod smtp;
mod support;
mod timeline;
mod votes;
