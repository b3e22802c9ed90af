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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids_of_both_sides_are_taken() {
        let longest = "a".repeat(DeviceId::MAX_LEN);
        let ours = DeviceId::minted(Uuid::from_u128(0x5ad2_a0a4_3a2e_4f0f_9c0a_1d9f_8a6f_2f11));
        for text in [
            "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11",
            "abcdefgh",
            "A.b_c-D1",
            &longest,
        ] {
            let device = DeviceId::parse(text).unwrap();
            assert_eq!(device.as_str(), text);
            assert_eq!(
                serde_json::from_str::<DeviceId>(&serde_json::to_string(&device).unwrap()).unwrap(),
                device
            );
        }
        assert_eq!(DeviceId::parse(ours.as_str()), Some(ours));
    }

    /// The words are those that Amplitude answers with 400 (`HTTP V2`, "Device IDs and user IDs").
    #[test]
    fn device_ids_that_amplitude_refuses_or_a_header_cannot_hold_are_none() {
        let words = [
            "anonymous",
            "Anonymous",
            "nil",
            "none",
            "null",
            "n/a",
            "na",
            "undefined",
            "UNDEFINED",
            "unknown",
            "",
            "{}",
            "lmy47d",
            "0",
            "-1",
            "00000000-0000-0000-0000-000000000000",
            "00000000",
        ];
        let too_long = "a".repeat(DeviceId::MAX_LEN + 1);
        let hostile = [
            "seven77",
            "with space",
            "semi;colon",
            "line\r\nbreak",
            "null\0byte",
            "quote\"quote",
            "<script>alert(1)",
            "device/../..",
            "devicé-id",
            "％％％％％％％％",
            "a,b,c,d,e,f",
            too_long.as_str(),
        ];
        for text in words.into_iter().chain(hostile) {
            assert_eq!(DeviceId::parse(text), None, "{text:?}");
            assert!(
                serde_json::from_value::<DeviceId>(text.into()).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_user_id_is_a_hyphenated_uuid() {
        let text = "019aa5c4-0000-7000-8000-000000000001";
        assert_eq!(UserId::parse(text).unwrap().to_string(), text);
        for bad in [
            "",
            "ada@example.com",
            "019aa5c400007000800000000000000 1",
            "019aa5c4000070008000000000000001",
            "{019aa5c4-0000-7000-8000-000000000001}",
            "urn:uuid:019aa5c4-0000-7000-8000-000000000001",
            "00000000-0000-0000-0000-000000000000",
            "019aa5c4-0000-7000-8000-00000000000g",
        ] {
            assert_eq!(UserId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_session_is_thirteen_digits_of_milliseconds() {
        let session = SessionId::parse("1795000000000").unwrap();
        assert_eq!(
            (session.ms(), session.to_string().as_str()),
            (1_795_000_000_000, "1795000000000")
        );
        for bad in [
            "",
            "-1",
            "0",
            "179500000000",
            "17950000000000",
            "+179500000000",
            "0795000000000",
            "1795000000.00",
        ] {
            assert_eq!(SessionId::parse(bad), None, "{bad:?}");
        }
        for (ms, taken) in [
            (i64::MIN, false),
            (-1, false),
            (999_999_999_999, false),
            (1_000_000_000_000, true),
            (9_999_999_999_999, true),
            (10_000_000_000_000, false),
            (i64::MAX, false),
        ] {
            assert_eq!(SessionId::from_ms(ms).is_some(), taken, "{ms}");
        }
    }

    #[test]
    fn an_insert_id_names_the_fact_and_its_subject() {
        let id = InsertId::of("refund", "re_1");
        assert_eq!(id.as_str(), "refund:re_1");
        assert_eq!(InsertId::existing(id.to_string()), id);
    }
}
