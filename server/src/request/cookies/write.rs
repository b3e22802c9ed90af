//! Writes the cookies of a response.

use std::borrow::Cow;

use app::auth::LinkPage;
use app::tracking::boot::ConfirmedEvent;
use backend::accounts::links::LinkSecret;
use backend::polls::VoterToken;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use tracking::loss::FiredCount;
use tracking::sdk_cookie::{campaign_cookie_name, cookie_name};
use tracking::{Choice, DeviceId, OwnSession, UserId};

use super::{
    CLOCK, CONSENT, DEVICE, FIRST_TOUCH, KNOWN, LAST_TOUCH, PREVIOUS, RESET, VERIFY, VOTER, confirmed_name,
    site_name,
};
use crate::request::previous::PreviousDevice;
use crate::request::signing::CookieKey;
use crate::request::touches::{self, BrowserTouches};

/// As long as browsers keep any cookie.
const DEVICE_LIFE: time::Duration = time::Duration::days(400);
/// As long as browsers keep any cookie: a vote may be changed for as long as its poll is open.
const VOTER_LIFE: time::Duration = time::Duration::days(400);
/// Confirmed events that no document fired in a day are dropped. Amplitude drops repeats for 7 days, so none counts twice.
const CONFIRMED_LIFE: time::Duration = time::Duration::days(1);
/// How long late events of a previous device are accepted.
const PREVIOUS_LIFE: time::Duration = time::Duration::milliseconds(PreviousDevice::LIFE_MS);
/// The accounts that one browser remembers. The oldest are dropped.
const KNOWN_MAX: usize = 8;
/// The secret of a link is used on the page that follows.
const LINK_LIFE: time::Duration = time::Duration::hours(1);
/// The bytes of all confirmed events. They are in every request.
const CONFIRMED_MAX: usize = 3_000;

/// Cookies to set on a response.
#[derive(Debug)]
pub struct CookieWriter<'a> {
    headers: &'a mut HeaderMap,
    secure: bool,
    key: &'a CookieKey,
}

impl<'a> CookieWriter<'a> {
    /// Writes to these headers. `secure`: the site is on https.
    pub fn new(headers: &'a mut HeaderMap, secure: bool, key: &'a CookieKey) -> Self {
        Self { headers, secure, key }
    }

    /// Keeps the device for 400 days from now.
    pub fn device(&mut self, device: &DeviceId) {
        let value = self.key.sign(DEVICE, device.as_str());
        self.set(Cookie::build((DEVICE, value)).max_age(DEVICE_LIFE));
    }

    /// Sets session and activity. The cookie ends with the browser: a session has a shorter timeout anyway.
    pub fn session(&mut self, session: OwnSession) {
        self.set(Cookie::build((OwnSession::COOKIE, session.to_string())));
    }

    /// Adds events to those that documents hand to the SDK. The oldest are dropped beyond a limit: they accumulate where the
    /// SDK is blocked, and cannot be sent there.
    pub fn confirmed(&mut self, known: &[ConfirmedEvent], new: &[ConfirmedEvent]) {
        let encoded = |event: &ConfirmedEvent| {
            let json = serde_json::to_vec(event).unwrap_or_default();
            (confirmed_name(event), URL_SAFE_NO_PAD.encode(json))
        };
        let is_repeated = |event: &ConfirmedEvent| new.iter().any(|other| other.insert_id == event.insert_id);
        let mut size = 0;
        for event in new {
            let (name, value) = encoded(event);
            size += name.len() + value.len();
            self.set_readable(Cookie::build((name, value)).max_age(CONFIRMED_LIFE));
        }
        for event in known.iter().rev().filter(|event| !is_repeated(event)) {
            let (name, value) = encoded(event);
            size += name.len() + value.len();
            if size > CONFIRMED_MAX {
                self.expire(name);
            }
        }
    }

    /// Gives the browser a token to vote under.
    pub fn voter(&mut self, token: &VoterToken) {
        self.set(Cookie::build((VOTER, token.expose())).max_age(VOTER_LIFE));
    }

    /// Removes the token: another user may vote here next.
    pub fn forget_voter(&mut self) {
        self.expire(VOTER);
    }

    /// Keeps the devices before the last sign-outs for a day.
    pub fn previous(&mut self, devices: &[PreviousDevice]) {
        let texts: Vec<String> = devices.iter().map(ToString::to_string).collect();
        let value = self.key.sign(PREVIOUS, &texts.join("!"));
        self.set(Cookie::build((PREVIOUS, value)).max_age(PREVIOUS_LIFE));
    }

    /// Adds an account to those that this browser has signed in to.
    pub fn known_account(&mut self, known: &[UserId], account: UserId) {
        let others = known.iter().filter(|known| **known != account);
        let accounts = std::iter::once(&account).chain(others).take(KNOWN_MAX);
        let texts: Vec<String> = accounts.map(ToString::to_string).collect();
        let value = self.key.sign(KNOWN, &texts.join("."));
        self.set(Cookie::build((KNOWN, value)).max_age(DEVICE_LIFE));
    }

    /// Keeps the choice about tracking for 400 days from now, and when tracking began with it (ms since the epoch).
    pub fn consent(&mut self, choice: Choice, since_ms: Option<i64>) {
        let value = match since_ms {
            Some(since_ms) => format!("{choice}.{since_ms}"),
            None => choice.to_string(),
        };
        self.set(Cookie::build((CONSENT, value)).max_age(DEVICE_LIFE));
    }

    /// Keeps the secret of a mail link for its page. Without a secret, removes it.
    pub fn link(&mut self, page: LinkPage, secret: Option<&LinkSecret>) {
        let name = match page {
            LinkPage::Verify => VERIFY,
            LinkPage::Reset => RESET,
        };
        match secret {
            Some(secret) => {
                self.set(Cookie::build((name, secret.expose().to_owned())).max_age(LINK_LIFE));
            }
            None => self.expire(name),
        }
    }

    /// Keeps the touches of a device: the first one for 400 days from now, the last one until the browser is closed.
    pub fn touches(&mut self, device: &DeviceId, touches: &BrowserTouches) {
        if let Some(first) = &touches.first {
            let value = touches::encode(self.key, FIRST_TOUCH, device, first.at_ms, &first.touch);
            self.set(Cookie::build((FIRST_TOUCH, value)).max_age(DEVICE_LIFE));
        }
        if let Some(last) = &touches.last {
            let value = touches::encode(self.key, LAST_TOUCH, device, last.session.ms(), &last.touch);
            self.set(Cookie::build((LAST_TOUCH, value)));
        }
    }

    /// Removes the touches of the user who has signed out.
    pub fn forget_touches(&mut self) {
        self.expire(FIRST_TOUCH);
        self.expire(LAST_TOUCH);
    }

    /// Removes these confirmed events.
    pub fn forget_confirmed<'e>(&mut self, events: impl IntoIterator<Item = &'e ConfirmedEvent>) {
        for event in events {
            self.expire(confirmed_name(event));
        }
    }

    /// Removes the count of the events that the user who has signed out has fired.
    pub fn forget_fired(&mut self) {
        self.expire(FiredCount::COOKIE);
    }

    /// Expires the SDK's cookies, which are host-only and readable by scripts.
    pub fn forget_sdk(&mut self, public_key: &str) {
        for name in [cookie_name(public_key), campaign_cookie_name(public_key)] {
            let cookie = Cookie::build((name, ""))
                .path("/")
                .same_site(SameSite::Lax)
                .max_age(time::Duration::ZERO);
            self.append(&cookie.build());
        }
    }

    /// Expires every cookie that distinguishes one browser from another. The login, the voter's token and the known accounts
    /// stay: they are no part of tracking.
    pub fn forget_identity(&mut self, public_key: &str, confirmed: &[ConfirmedEvent]) {
        for name in [DEVICE, OwnSession::COOKIE, CLOCK, PREVIOUS] {
            self.expire(name);
        }
        self.forget_confirmed(confirmed);
        self.forget_fired();
        self.forget_touches();
        self.forget_sdk(public_key);
    }

    fn expire(&mut self, name: impl Into<Cow<'static, str>>) {
        self.set(Cookie::build((name, "")).max_age(time::Duration::ZERO));
    }

    fn set(&mut self, cookie: CookieBuilder<'_>) {
        self.set_readable(cookie.http_only(true));
    }

    /// Sets a cookie of ours that scripts may read.
    fn set_readable(&mut self, cookie: CookieBuilder<'_>) {
        let cookie = cookie.path("/").same_site(SameSite::Lax).secure(self.secure);
        let mut cookie = cookie.build();
        cookie.set_name(site_name(cookie.name(), self.secure));
        self.append(&cookie);
    }

    fn append(&mut self, cookie: &Cookie<'_>) {
        // Values are our own ASCII. A cookie that is not ASCII would be dropped as a whole.
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            self.headers.append(header::SET_COOKIE, value);
        }
    }
}
