//! How many connections and feeds may be open at the same time, and how long they may be used after a signal to stop.

use std::time::Duration;

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

/// The longest `DRAIN_SECS`. The whole stop takes 25 s at most.
const MAX_DRAIN_SECS: u64 = 15;

/// `DRAIN_SECS`. Default: 5 s behind a proxy, which needs time to see that the server is not ready; else 0.
pub(super) fn drain(get: &impl Fn(&str) -> Option<String>, has_proxy: bool) -> Result<Duration, ConfigError> {
    let secs = match get("DRAIN_SECS") {
        None => Some(if has_proxy { 5 } else { 0 }),
        Some(text) => text.parse().ok().filter(|secs| *secs <= MAX_DRAIN_SECS),
    };
    secs.map(Duration::from_secs)
        .ok_or(malformed("DRAIN_SECS", "a whole number of seconds from 0 to 15"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_behind_a_proxy_drains_by_default() {
        for (text, has_proxy, expected) in [
            (None, true, Some(5)),
            (None, false, Some(0)),
            (Some("0"), true, Some(0)),
            (Some("15"), false, Some(15)),
            (Some("16"), false, None),
            (Some("-1"), false, None),
            (Some("5s"), false, None),
        ] {
            let found = drain(&|_| text.map(str::to_owned), has_proxy);
            let found = found.ok().map(|drain| drain.as_secs());
            assert_eq!(found, expected, "{text:?} {has_proxy}");
        }
    }
}
