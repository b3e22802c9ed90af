//! Parser for the cookie of Amplitude's Browser SDK. The server never writes this cookie.
//!
//! The content is untrusted. A cookie in any other format than the SDK's is rejected. This module does not check whether
//! the device is the request's device (see [`crate::session`]).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use serde::Deserialize;

use crate::ids::{DeviceId, SessionId};

/// As lenient as the browser's `atob`, which the SDK uses.
const ATOB: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Name of the cookie with device, session and user: `AMP_` and the first ten characters of the key that the page
/// passes to `init` (SDK, `cookie-name.ts`).
pub fn cookie_name(public_key: &str) -> String {
    format!("AMP_{}", first_ten(public_key))
}

/// Name of the cookie with the visitor's campaign.
pub fn campaign_cookie_name(public_key: &str) -> String {
    format!("AMP_MKTG_{}", first_ten(public_key))
}

fn first_ten(key: &str) -> String {
    key.chars().take(10).collect()
}

/// The SDK's state after its last event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkCookie {
    /// The SDK's device.
    pub device: DeviceId,
    /// The SDK's session.
    pub session: SessionId,
    /// The user ID that the SDK sends with its events. Untrusted, never used for authentication.
    pub user: Option<String>,
    /// Time of the last event in ms since the epoch, by the *browser's* clock. Without an event, the start of the session.
    pub last_event_ms: i64,
}

/// The fields that are used. Other fields depend on the SDK's version and are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    device_id: String,
    session_id: i64,
    user_id: Option<String>,
    last_event_time: Option<i64>,
}

impl SdkCookie {
    /// Maximum length of the value, in bytes: the size limit of a cookie in browsers.
    pub const MAX_LEN: usize = 4096;

    /// Maximum length of an accepted user ID, in bytes.
    const MAX_USER_LEN: usize = 128;

    /// Parses `base64(encodeURIComponent(JSON))`, optionally with one more layer of URL encoding, which some servers and
    /// proxies add (SDK, `storage/cookie.ts`). Any other text is `None`.
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.len() > Self::MAX_LEN {
            return None;
        }
        let stored: Stored = decode(raw.as_bytes()).or_else(|| {
            let unwrapped: Vec<u8> = percent_decode(raw.as_bytes()).collect();
            decode(&unwrapped)
        })?;
        let session = SessionId::from_ms(stored.session_id)?;
        Some(Self {
            device: DeviceId::parse(&stored.device_id)?,
            session,
            user: stored
                .user_id
                .filter(|user| !user.is_empty() && user.len() <= Self::MAX_USER_LEN),
            last_event_ms: match stored.last_event_time {
                Some(ms) => SessionId::from_ms(ms)?.ms(),
                None => session.ms(),
            },
        })
    }
}

/// `JSON.parse(decodeURIComponent(atob(value)))`. `serde_json` limits the depth to 128 levels.
fn decode(value: &[u8]) -> Option<Stored> {
    let escaped = ATOB.decode(value).ok()?;
    let json = percent_decode(&escaped).decode_utf8().ok()?;
    serde_json::from_str(&json).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    const DEVICE: &str = "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11";

    /// `btoa(encodeURIComponent(json))`, as the SDK writes it.
    fn encoded(json: &str) -> String {
        STANDARD.encode(utf8_percent_encode(json, NON_ALPHANUMERIC).to_string())
    }

    fn full() -> String {
        format!(
            r#"{{"deviceId":"{DEVICE}","userId":"user-1","sessionId":1795000000000,"optOut":false,"lastEventTime":1795000060000,"lastEventId":7,"pageCounter":3,"cookieDomain":""}}"#
        )
    }

    #[test]
    fn cookie_names_contain_the_first_ten_characters_of_the_key() {
        let rows = [
            (
                "0123456789abcdef0123456789abcdef",
                "AMP_0123456789",
                "AMP_MKTG_0123456789",
            ),
            ("short", "AMP_short", "AMP_MKTG_short"),
            ("", "AMP_", "AMP_MKTG_"),
            ("äöüäöüäöüäöü", "AMP_äöüäöüäöüä", "AMP_MKTG_äöüäöüäöüä"),
        ];
        for (key, cookie, campaign) in rows {
            assert_eq!(cookie_name(key), cookie);
            assert_eq!(campaign_cookie_name(key), campaign);
        }
    }

    #[test]
    fn the_sdks_cookie_is_parsed() {
        let cookie = SdkCookie::parse(&encoded(&full())).unwrap();
        assert_eq!(cookie.device.as_str(), DEVICE);
        assert_eq!(cookie.session.ms(), 1_795_000_000_000);
        assert_eq!(cookie.user.as_deref(), Some("user-1"));
        assert_eq!(cookie.last_event_ms, 1_795_000_060_000);
    }

    /// Generated with JavaScript's `btoa(encodeURIComponent(JSON.stringify(…)))`, independent of this module's encoder.
    #[test]
    fn a_cookie_encoded_by_javascript_is_parsed() {
        let raw = "JTdCJTIyZGV2aWNlSWQlMjIlM0ElMjI1YWQyYTBhNC0zYTJlLTRmMGYtOWMwYS0xZDlmOGE2ZjJmMTElMjIlMkMlMjJzZXNzaW9uSWQl\
            MjIlM0ExNzk1MDAwMDAwMDAwJTJDJTIyb3B0T3V0JTIyJTNBZmFsc2UlMkMlMjJsYXN0RXZlbnRUaW1lJTIyJTNBMTc5NTAwMDA2MDAwMCUy\
            QyUyMmxhc3RFdmVudElkJTIyJTNBNyUyQyUyMnBhZ2VDb3VudGVyJTIyJTNBMSUyQyUyMmNvb2tpZURvbWFpbiUyMiUzQSUyMiUyMiU3RA==";
        let cookie = SdkCookie::parse(raw).unwrap();
        assert_eq!(
            cookie,
            SdkCookie {
                device: DeviceId::parse(DEVICE).unwrap(),
                session: SessionId::from_ms(1_795_000_000_000).unwrap(),
                user: None,
                last_event_ms: 1_795_000_060_000,
            }
        );
    }

    #[test]
    fn one_more_layer_of_url_encoding_is_removed() {
        let raw = encoded(&format!("{} ", full()));
        assert!(raw.contains('='), "the value must contain padding: {raw}");
        let encoded = raw.replace('=', "%3D");
        assert_eq!(SdkCookie::parse(&encoded), SdkCookie::parse(&raw));
        assert!(SdkCookie::parse(&encoded).is_some());
        let everything = utf8_percent_encode(&raw, NON_ALPHANUMERIC).to_string();
        assert_eq!(SdkCookie::parse(&everything), SdkCookie::parse(&raw));
    }

    #[test]
    fn padding_may_be_missing() {
        let raw = encoded(&format!("{} ", full()));
        assert!(SdkCookie::parse(raw.trim_end_matches('=')).is_some());
    }

    #[test]
    fn user_and_last_event_are_optional() {
        let cookie = SdkCookie::parse(&encoded(&format!(
            r#"{{"deviceId":"{DEVICE}","sessionId":1795000000000}}"#
        )))
        .unwrap();
        assert_eq!(cookie.user, None);
        assert_eq!(
            cookie.last_event_ms, 1_795_000_000_000,
            "no event yet: the start of the session"
        );
        let nulls = format!(
            r#"{{"deviceId":"{DEVICE}","sessionId":1795000000000,"userId":null,"lastEventTime":null}}"#
        );
        assert_eq!(SdkCookie::parse(&encoded(&nulls)), Some(cookie));
    }

    #[test]
    fn an_overlong_user_id_is_dropped_and_the_cookie_is_kept() {
        for (user, kept) in [
            (String::new(), false),
            ("u".repeat(128), true),
            ("u".repeat(129), false),
        ] {
            let json = format!(r#"{{"deviceId":"{DEVICE}","sessionId":1795000000000,"userId":"{user}"}}"#);
            assert_eq!(
                SdkCookie::parse(&encoded(&json)).unwrap().user.is_some(),
                kept,
                "{} bytes",
                user.len()
            );
        }
    }

    #[test]
    fn hostile_values_are_rejected() {
        let session = |value: &str| format!(r#"{{"deviceId":"{DEVICE}","sessionId":{value}}}"#);
        let last = |value: &str| {
            format!(r#"{{"deviceId":"{DEVICE}","sessionId":1795000000000,"lastEventTime":{value}}}"#)
        };
        let device = |value: &str| format!(r#"{{"deviceId":{value},"sessionId":1795000000000}}"#);
        let deep = format!("{}1{}", "[".repeat(900), "]".repeat(900));
        let jsons = [
            String::new(),
            "null".into(),
            "[]".into(),
            "{}".into(),
            "\"text\"".into(),
            "{\"deviceId\"".into(),
            format!("{} trailing", full()),
            session("1e999"),
            session("1795000000000.5"),
            session("99999999999999999999999999"),
            session("-1"),
            session("0"),
            session("NaN"),
            session("null"),
            session("\"1795000000000\""),
            session("{}"),
            last("1e400"),
            last("-1795000000000"),
            last("9223372036854775807"),
            last("Infinity"),
            last("\"now\""),
            device("null"),
            device("7"),
            device("\"\""),
            device("\"short\""),
            device("\"anonymous\""),
            device("\"00000000-0000-0000-0000-000000000000\""),
            device("\"a b c d e f g\""),
            device("\"device\\u0000id\""),
            device("\"device\\r\\nSet-Cookie: x\""),
            device("\"дев-айс-один\""),
            device(&format!("\"{}\"", "d".repeat(65))),
            format!(r#"{{"deviceId":"{DEVICE}","sessionId":1795000000000,"x":{deep}}}"#),
        ];
        for json in jsons {
            assert_eq!(SdkCookie::parse(&encoded(&json)), None, "{json}");
        }
    }

    #[test]
    fn values_in_other_encodings_are_rejected() {
        let not_utf8 = STANDARD.encode(b"%FF%FE{}");
        let raw_bytes = STANDARD.encode([0xff, 0xfe, 0x00, 0x7b]);
        let cases = [
            "",
            "=",
            "%",
            "%%%",
            "%3D",
            "not base64!",
            "ÄÖÜ",
            "\u{0}",
            "AAAA",
            &full(),
            &not_utf8,
            &raw_bytes,
        ];
        for raw in cases {
            assert_eq!(SdkCookie::parse(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn values_longer_than_a_cookie_are_rejected() {
        let padded = |spaces: usize| STANDARD.encode(format!("{}{}", full(), " ".repeat(spaces)));
        let fits = padded(2_000);
        assert!(fits.len() <= SdkCookie::MAX_LEN && SdkCookie::parse(&fits).is_some());
        let over = padded(4_000);
        assert!(over.len() > SdkCookie::MAX_LEN);
        assert_eq!(SdkCookie::parse(&over), None);
        assert_eq!(SdkCookie::parse(&"A".repeat(1_000_000)), None);
    }
}
