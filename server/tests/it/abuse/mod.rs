//! Abuse: one file per subject. Each test fails without the protection that it is named after. Power failures are in
//! `crates/db/tests`.

mod accounts;
mod connections;
mod consent;
mod customer;
mod deletion;
mod feed;
mod ingest;
mod local_mode;
mod logins;
mod proxy;
mod quota;
mod redirect;
mod retention;
mod tasks;
mod throttles;
mod transport;
mod volume;
