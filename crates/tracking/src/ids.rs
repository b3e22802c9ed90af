//! The IDs that are threaded between browser and server, each parsed once at the door and trusted after.
//!
//! None of them is a credential: an ID that came from a browser says which timeline an event belongs to, never
//! what somebody may do.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The account's UUIDv7: Amplitude's `user_id`. Never an e-mail address, which changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Uuid);

impl UserId {
    /// Wraps the account's UUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// Reads a hyphenated UUID; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 36)
            .then(|| Uuid::parse_str(text).ok())
            .flatten()
            .filter(|id| !id.is_nil())
            .map(Self)
    }

    /// The UUID itself.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One browser, as Amplitude's `device_id`. Ours are UUIDv4; one adopted from the SDK's cookie has the SDK's form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// Longest device ID that is taken from outside. UUIDs have 36.
    pub const MAX_LEN: usize = 64;

    /// Wraps a UUID that the server minted.
    pub fn minted(id: Uuid) -> Self {
        Self(id.to_string())
    }

    /// Accepts 8 to 64 of `A-Z a-z 0-9 . _ -`; refuses what Amplitude refuses (`HTTP V2`, "Device IDs and user IDs").
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let sized = (8..=Self::MAX_LEN).contains(&text.len());
        let placeholder = text.bytes().all(|byte| matches!(byte, b'0' | b'-'))
            || ["anonymous", "undefined"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word));
        (sized && !placeholder && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The text as it stands in cookies and on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no device ID.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a device ID")]
pub struct BadDeviceId;

impl TryFrom<String> for DeviceId {
    type Error = BadDeviceId;

    fn try_from(text: String) -> Result<Self, BadDeviceId> {
        Self::parse(&text).ok_or(BadDeviceId)
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.0
    }
}

/// An analytics session: the moment it started, in ms since the epoch. Amplitude groups by user and session ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(i64);

impl SessionId {
    /// A session that starts at `now_ms`.
    pub const fn starting_at(now_ms: i64) -> Self {
        Self(now_ms)
    }

    /// Accepts moments from 2001 to 2286, that is, 13 digits of milliseconds; a browser's clock may be off, but not so far.
    pub const fn from_ms(ms: i64) -> Option<Self> {
        if ms >= 1_000_000_000_000 && ms < 10_000_000_000_000 {
            Some(Self(ms))
        } else {
            None
        }
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 13)
            .then(|| text.parse().ok())
            .flatten()
            .and_then(Self::from_ms)
    }

    /// Start of the session in ms since the epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What makes a repeated delivery one event: Amplitude ignores a second one of the same device for 7 days.
/// A server event's is made of what happened, so that a handler that runs twice names the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InsertId(String);

impl InsertId {
    /// `fact:subject`, for example `sign-up:<user>`.
    pub fn of(fact: &str, subject: impl fmt::Display) -> Self {
        Self(format!("{fact}:{subject}"))
    }

    /// One that was minted elsewhere: a click's, or one read back from the outbox.
    pub fn existing(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InsertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
