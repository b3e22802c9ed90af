//! Abuse: one file per subject of issue 11. Each test fails without the protection that it is named after.

mod accounts;
mod connections;
mod consent;
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
