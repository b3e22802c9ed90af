//! The key that signs cookies, and the factor of limits.

use secrecy::SecretString;

use super::error::{ConfigError, malformed};

/// Shorter keys could be guessed.
const KEY_MIN_LEN: usize = 32;

/// The factor with a stand-in, where all clients share a loopback address and no other client can reach the server.
const LOCAL_FACTOR: u32 = 100;

/// Configuration of the protection against abuse.
#[derive(Debug)]
pub struct ProtectionConfig {
    /// `COOKIE_KEY`: signs device cookies. All servers of a site share it. `None` with a stand-in: the server generates one
    /// and keeps it in `DATA_DIR`.
    pub cookie_key: Option<SecretString>,
    /// `LIMIT_FACTOR`: multiplies the limits of one network. Limits of one account stay.
    pub limit_factor: u32,
}

/// Fails for a malformed value, and without a key for a site that uses no stand-in.
pub(super) fn read(
    get: &impl Fn(&str) -> Option<String>,
    uses_stand_in: bool,
) -> Result<ProtectionConfig, ConfigError> {
    let cookie_key = match get("COOKIE_KEY") {
        Some(key) if key.len() < KEY_MIN_LEN => {
            return Err(malformed("COOKIE_KEY", "a random text of at least 32 characters"));
        }
        None if !uses_stand_in => return Err(ConfigError::NoCookieKey),
        key => key.map(Into::into),
    };
    let limit_factor = match get("LIMIT_FACTOR") {
        None if uses_stand_in => LOCAL_FACTOR,
        None => 1,
        Some(text) => text
            .parse()
            .ok()
            .filter(|factor| (1..=100_000).contains(factor))
            .ok_or(malformed("LIMIT_FACTOR", "a whole number from 1 to 100000"))?,
    };
    Ok(ProtectionConfig {
        cookie_key,
        limit_factor,
    })
}
