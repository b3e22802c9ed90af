//! The cookie of Amplitude's Browser SDK, read on the server. Never written: the SDK owns it.
//!
//! Everything in it comes from outside. A cookie that is not exactly what the SDK writes is no cookie; nothing here
//! decides whether its device is ours (see [`crate::session`]).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use serde::Deserialize;

use crate::ids::{DeviceId, SessionId};

/// As lenient as the browser's `atob`, which the SDK reads it with.
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

/// Name of the cookie with the campaign that brought the visitor.
pub fn campaign_cookie_name(public_key: &str) -> String {
    format!("AMP_MKTG_{}", first_ten(public_key))
}

fn first_ten(key: &str) -> String {
    key.chars().take(10).collect()
}

/// What the SDK noted with its last event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkCookie {
    /// The SDK's device.
    pub device: DeviceId,
    /// The SDK's session.
    pub session: SessionId,
    /// The SDK's user, unchecked: says whose events it still sends, never who somebody is.
    pub user: Option<String>,
    /// Moment of the last event in ms since the epoch, by the *browser's* clock. The session's start if it had none.
    pub last_event_ms: i64,
}

/// The fields that matter; others may come and go with versions of the SDK.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    device_id: String,
    session_id: i64,
    user_id: Option<String>,
    last_event_time: Option<i64>,
}

impl SdkCookie {
    /// Longest value that is looked at, in bytes: what a browser stores in one cookie.
    pub const MAX_LEN: usize = 4096;

    /// Longest user that is taken, in bytes.
    const MAX_USER_LEN: usize = 128;

    /// Reads `base64(encodeURIComponent(JSON))`, with or without one more layer of URL-encoding around it, which some
    /// servers and proxies add (SDK, `storage/cookie.ts`). Anything else is `None`.
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

/// `JSON.parse(decodeURIComponent(atob(value)))`. The JSON reader stops at 128 levels of its own accord.
fn decode(value: &[u8]) -> Option<Stored> {
    let escaped = ATOB.decode(value).ok()?;
    let json = percent_decode(&escaped).decode_utf8().ok()?;
    serde_json::from_str(&json).ok()
}
