//! HTTP concerns that belong to no feature: assets, forms, feeds, probes, failures, headers.

pub(crate) mod assets;
pub(crate) mod client_address;
pub(crate) mod failure_pages;
pub(crate) mod feeds;
pub(crate) mod forms;
pub(crate) mod health;
pub(crate) mod security;
pub(crate) mod server_functions;
