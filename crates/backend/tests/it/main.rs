//! Integration tests of the domain actions on both engines: their effects on the tables and the outbox.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's exception for tests does not cover their support code"
)]

mod accounts;
mod attribution;
mod billing;
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
mod operators;
mod poll_times;
mod polls;
mod retention;
mod sign_in;
mod smtp;
mod support;
mod text_policy;
mod timeline;
mod votes;
