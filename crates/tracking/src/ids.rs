//! The IDs that browser and server share. Each is parsed once at the boundary and trusted afterwards.
//!
//! None of them is a credential: an ID from a browser decides which timeline an event belongs to, never what a user may
//! do.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The account's UUIDv7, sent as Amplitude's `user_id`. Not the email address, because it can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Uuid);

impl UserId {
    /// Wraps the account's UUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// Parses a hyphenated UUID; any other text and the nil UUID are `None`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 36)
            .then(|| Uuid::parse_str(text).ok())
            .flatten()
            .filter(|id| !id.is_nil())
            .map(Self)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A browser, sent as Amplitude's `device_id`. The server generates UUIDv4; an ID adopted from the SDK's cookie has the
/// SDK's format.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// Maximum length of an accepted device ID, in bytes. A UUID has 36.
    pub const MAX_LEN: usize = 64;

    /// Wraps a UUID that the server generated.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(id.to_string())
    }

    /// Accepts 8 to 64 characters of `A-Z a-z 0-9 . _ -`. `None` for other texts and for IDs that Amplitude rejects
    /// (HTTP V2, "Device IDs and user IDs").
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let sized = (8..=Self::MAX_LEN).contains(&text.len());
        let placeholder = text.bytes().all(|byte| matches!(byte, b'0' | b'-'))
            || ["anonymous", "undefined"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word));
        (sized && !placeholder && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The text in cookies and on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a valid device ID.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a device ID")]
pub struct DeviceIdError;

impl TryFrom<String> for DeviceId {
    type Error = DeviceIdError;

    fn try_from(text: String) -> Result<Self, DeviceIdError> {
        Self::parse(&text).ok_or(DeviceIdError)
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        id.0
    }
}

/// An analytics session: its start in ms since the epoch. Amplitude groups events by user and session ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(i64);

impl SessionId {
    /// A session that starts at `now_ms`.
    pub const fn starting_at(now_ms: i64) -> Self {
        Self(now_ms)
    }

    /// Accepts times from 2001 to 2286: milliseconds with 13 digits. `None` for other numbers.
    pub const fn from_ms(ms: i64) -> Option<Self> {
        if ms >= 1_000_000_000_000 && ms < 10_000_000_000_000 {
            Some(Self(ms))
        } else {
            None
        }
    }

    /// Parses the output of [`fmt::Display`].
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

/// The ID by which Amplitude detects duplicates: it ignores a second event with the same insert ID and device for 7 days.
/// A server event's insert ID is derived from the change it reports, so a repeated handler produces the same ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InsertId(String);

impl InsertId {
    /// `fact:subject`, for example `sign-up:<user>`.
    pub fn of(fact: &str, subject: impl fmt::Display) -> Self {
        Self(format!("{fact}:{subject}"))
    }

    /// Wraps an existing ID: one generated with a click, or one read from the outbox.
    pub fn existing(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text on the wire.
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
    fn device_ids_of_server_and_sdk_are_accepted() {
        let longest = "a".repeat(DeviceId::MAX_LEN);
        let ours = DeviceId::from_uuid(Uuid::from_u128(0x5ad2_a0a4_3a2e_4f0f_9c0a_1d9f_8a6f_2f11));
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

    /// Amplitude responds with 400 to the first list (HTTP V2, "Device IDs and user IDs").
    #[test]
    fn device_ids_that_amplitude_rejects_or_that_break_headers_are_rejected() {
        let rejected = [
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
        for text in rejected.into_iter().chain(hostile) {
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
