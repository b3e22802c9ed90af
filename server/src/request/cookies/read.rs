//! Reads the cookies of a request.

use app::request::Links;
use app::tracking::boot::ConfirmedEvent;
use backend::accounts::links::LinkSecret;
use backend::polls::VoterToken;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use http::{HeaderMap, header};
use tracking::loss::FiredCount;
use tracking::sdk_cookie::cookie_name;
use tracking::{Choice, DeviceId, FirstTouch, OwnSession, SdkCookie, SessionId, SessionTouch, UserId};

use super::{
    CLOCK, CONFIRMED, CONSENT, DEVICE, FIRST_TOUCH, HOST_PREFIX, KNOWN, LAST_TOUCH, LOGIN, PREVIOUS, RESET,
    VERIFY, VOTER, confirmed_name,
};
use crate::request::previous::PreviousDevice;
use crate::request::signing::CookieKey;
use crate::request::touches::{self, BrowserTouches};

/// A request's cookies. Malformed and forged values are absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestCookies {
    /// Our device.
    pub device: Option<DeviceId>,
    /// The SDK's device, if a document may take it over: this site did not generate it.
    pub adoptable: Option<DeviceId>,
    /// Our session.
    pub session: Option<OwnSession>,
    /// The SDK's cookie.
    pub sdk: Option<SdkCookie>,
    /// The browser's clock minus ours, in ms.
    pub clock_offset_ms: Option<i64>,
    /// The choice about tracking.
    pub choice: Choice,
    /// When tracking began with the choice, in ms since the epoch; `None` if it was never off.
    pub consented_since_ms: Option<i64>,
    /// Events to fire, oldest first, of any device.
    pub confirmed: Vec<ConfirmedEvent>,
    /// The script's count of fired events.
    pub fired: Option<FiredCount>,
    /// The touches of our device.
    pub touches: BrowserTouches,
    /// Whether there is a cookie with a touch, of any device.
    pub has_touches: bool,
    /// The devices before the last sign-outs, newest first.
    pub previous: Vec<PreviousDevice>,
    /// The accounts that this browser has signed in to, newest first.
    pub known_accounts: Vec<UserId>,
    /// The token to vote under.
    pub voter: Option<VoterToken>,
    /// Whether there is a login cookie, of an open or an ended login.
    pub login: bool,
    /// Mail links that were opened.
    pub links: Links,
}

impl RequestCookies {
    /// Reads every `Cookie` header. `secure`: the site is on https, so that only cookies with the prefix are ours.
    pub fn read(headers: &HeaderMap, public_key: &str, secure: bool, key: &CookieKey) -> Self {
        let sdk_name = cookie_name(public_key);
        let mut cookies = Self::default();
        let mut unprefixed_choice = Choice::Unset;
        let (mut first_touch, mut last_touch) = (None, None);
        let texts = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let parsed: Vec<_> = texts.flat_map(Cookie::split_parse).flatten().collect();
        for cookie in &parsed {
            let value = cookie.value();
            if cookie.name() == sdk_name {
                cookies.sdk = SdkCookie::parse(value);
            }
            if secure && cookie.name() == CONSENT {
                unprefixed_choice = Choice::parse(value);
            }
            let own_name = match secure {
                true => cookie.name().strip_prefix(HOST_PREFIX),
                false => Some(cookie.name()),
            };
            match own_name.unwrap_or_default() {
                DEVICE => cookies.device = key.verify(DEVICE, value).and_then(DeviceId::parse),
                OwnSession::COOKIE => cookies.session = OwnSession::parse(value),
                CONSENT => (cookies.choice, cookies.consented_since_ms) = consent(value),
                CLOCK => cookies.clock_offset_ms = value.parse().ok(),
                FiredCount::COOKIE => cookies.fired = FiredCount::parse(value),
                PREVIOUS => cookies.previous = key.verify(PREVIOUS, value).map_or_else(Vec::new, previous),
                KNOWN => cookies.known_accounts = key.verify(KNOWN, value).map_or_else(Vec::new, accounts),
                FIRST_TOUCH => first_touch = Some(value),
                LAST_TOUCH => last_touch = Some(value),
                VOTER => cookies.voter = VoterToken::parse(value),
                LOGIN => cookies.login = true,
                VERIFY => cookies.links.verify = LinkSecret::parse(value),
                RESET => cookies.links.reset = LinkSecret::parse(value),
                name if name.starts_with(CONFIRMED) => cookies.confirmed.extend(confirmed(name, value)),
                _ => {}
            }
        }
        // Browsers send cookies in any order.
        cookies.confirmed.sort_by_key(|event| event.time_ms);
        cookies.has_touches = first_touch.is_some() || last_touch.is_some();
        if let Some(device) = &cookies.device {
            let read = |name, value: Option<&str>| touches::decode(key, name, device, value?);
            cookies.touches = BrowserTouches {
                first: read(FIRST_TOUCH, first_touch).map(|(at_ms, touch)| FirstTouch {
                    touch,
                    device: device.clone(),
                    at_ms,
                }),
                last: read(LAST_TOUCH, last_touch).and_then(|(ms, touch)| {
                    Some(SessionTouch {
                        touch,
                        session: SessionId::from_ms(ms)?,
                    })
                }),
            };
        }
        // A version without the prefix wrote this denial. It stays in force.
        if cookies.choice == Choice::Unset && unprefixed_choice == Choice::Denied {
            cookies.choice = Choice::Denied;
        }
        let sdk_device = cookies.sdk.as_ref().map(|sdk| &sdk.device);
        cookies.adoptable = sdk_device.filter(|device| !key.has_generated(device)).cloned();
        cookies
    }

    /// Whether a cookie distinguishes this browser from others.
    pub fn identifies(&self) -> bool {
        self.device.is_some()
            || self.session.is_some()
            || self.sdk.is_some()
            || self.clock_offset_ms.is_some()
            || self.fired.is_some()
            || self.has_touches
            || !self.previous.is_empty()
            || !self.confirmed.is_empty()
    }
}

/// A choice, and when tracking began with it.
fn consent(value: &str) -> (Choice, Option<i64>) {
    match value.split_once('.') {
        Some((choice, since_ms)) => (Choice::parse(choice), since_ms.parse().ok()),
        None => (Choice::parse(value), None),
    }
}

fn previous(value: &str) -> Vec<PreviousDevice> {
    value.split('!').filter_map(PreviousDevice::parse).collect()
}

fn accounts(value: &str) -> Vec<UserId> {
    value.split('.').filter_map(UserId::parse).collect()
}

/// The event in a cookie of its name.
fn confirmed(name: &str, value: &str) -> Option<ConfirmedEvent> {
    let json = URL_SAFE_NO_PAD.decode(value).ok()?;
    let event = serde_json::from_slice(&json).ok()?;
    (confirmed_name(&event) == name).then_some(event)
}
