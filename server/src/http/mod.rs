//! HTTP concerns that belong to no feature: connections, client addresses, assets, forms, feeds, probes, failure pages,
//! headers.

pub(crate) mod access_log;
pub(crate) mod assets;
pub(crate) mod client_address;
pub(crate) mod connections;
pub(crate) mod documents;
pub(crate) mod failure_pages;
pub(crate) mod feeds;
pub(crate) mod forms;
pub(crate) mod health;
pub(crate) mod listen;
pub(crate) mod local_guard;
pub(crate) mod security;
pub(crate) mod server_functions;
pub(crate) mod slots;

/// How hard responses are compressed, on the scales of gzip, brotli and zstd. Level 2 takes a third to a half of the time of
/// the default levels, for a tenth more bytes.
pub(crate) const QUALITY: i32 = 2;

/// Largest body of a form or a server function, in bytes.
pub(crate) const BODY_MAX: usize = 64 * 1024;
