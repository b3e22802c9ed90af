//! How many connections and feeds may be open at the same time.

use super::error::{ConfigError, malformed};

/// Limits of one server process. An address is an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `MAX_CONNECTIONS`: connections in total. Half of them may be feeds.
    pub connections: usize,
    /// `MAX_CONNECTIONS_PER_ADDRESS`: connections of one address that is no trusted proxy.
    pub connections_per_address: usize,
    /// `MAX_FEEDS_PER_ADDRESS`: feeds of one client address. Each open page of a browser has at most one.
    pub feeds_per_address: usize,
}

impl ConnectionLimits {
    /// Feeds in total. They leave connections for pages, also behind a proxy that opens a connection for each feed.
    pub const fn feeds(&self) -> usize {
        self.connections.div_ceil(2)
    }
}

/// Fails for a value that is not a number above 0.
pub(super) fn read(get: &impl Fn(&str) -> Option<String>) -> Result<ConnectionLimits, ConfigError> {
    let number = |name: &'static str, default: usize| match get(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or(malformed(name, "a whole number above 0")),
    };
    Ok(ConnectionLimits {
        connections: number("MAX_CONNECTIONS", 4_096)?,
        connections_per_address: number("MAX_CONNECTIONS_PER_ADDRESS", 512)?,
        feeds_per_address: number("MAX_FEEDS_PER_ADDRESS", 256)?,
    })
}
