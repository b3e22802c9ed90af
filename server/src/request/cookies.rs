//! The cookies of identity: all are read and written here. None of them grants access.
//!
//! The device, the previous devices and the known accounts are signed. Only this site can write them, so a browser cannot
//! claim another browser's device.

use std::collections::VecDeque;

use app::auth::LinkPage;
use app::request::Links;
use app::tracking::boot::ConfirmedEvent;
use backend::accounts::links::LinkSecret;
use backend::polls::VoterToken;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use tracking::loss::FiredCount;
use tracking::sdk_cookie::{campaign_cookie_name, cookie_name};
use tracking::{Choice, DeviceId, OwnSession, SdkCookie, UserId};

use super::previous::PreviousDevice;
use super::signing::CookieKey;

/// Our device cookie, signed.
const DEVICE: &str = "seam_device";
/// The user's choice about tracking in this browser, and when tracking began with it: `granted.1795000000000`.
const CONSENT: &str = "seam_consent";
/// The browser's clock minus ours, in ms, as the shim measured it.
const CLOCK: &str = "seam_clock";
/// Client events that the server has confirmed. The shim takes out what has arrived, so scripts may read and write it.
const CONFIRMED: &str = "seam_confirmed";
/// The devices that this browser had before its last sign-outs, signed: the SDK may still have events of them.
const PREVIOUS: &str = "seam_previous";
/// The accounts that this browser has signed in to, signed. It is for throttles, and no part of tracking.
const KNOWN: &str = "seam_known";
/// The token under which this browser votes. It does not name the voter, and is no part of tracking.
const VOTER: &str = "seam_voter";
/// Secrets of mail links that were opened here and wait for their page's button.
const VERIFY: &str = "seam_verify";
const RESET: &str = "seam_reset";
/// Of the login itself; tower-sessions reads and writes it.
const LOGIN: &str = "seam_login";
/// On https every cookie of ours has this prefix: browsers then accept it from this host only, over https only, for the path
/// `/`. `seam.js` uses the same rule for the cookies that it writes.
const HOST_PREFIX: &str = "__Host-";

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
/// Browsers refuse more than 4 KB.
const CONFIRMED_MAX: usize = 3_000;

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
    /// Events to fire.
    pub confirmed: Vec<ConfirmedEvent>,
    /// The script's count of fired events.
    pub fired: Option<FiredCount>,
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
        let mut seen = Self::default();
        let mut unprefixed_choice = Choice::Unset;
        let texts = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for cookie in texts.flat_map(Cookie::split_parse).flatten() {
            let value = cookie.value();
            if cookie.name() == sdk_name {
                seen.sdk = SdkCookie::parse(value);
            }
            if secure && cookie.name() == CONSENT {
                unprefixed_choice = Choice::parse(value);
            }
            let own_name = match secure {
                true => cookie.name().strip_prefix(HOST_PREFIX),
                false => Some(cookie.name()),
            };
            match own_name.unwrap_or_default() {
                DEVICE => seen.device = key.verify(DEVICE, value).and_then(DeviceId::parse),
                OwnSession::COOKIE => seen.session = OwnSession::parse(value),
                CONSENT => (seen.choice, seen.consented_since_ms) = consent(value),
                CLOCK => seen.clock_offset_ms = value.parse().ok(),
                FiredCount::COOKIE => seen.fired = FiredCount::parse(value),
                CONFIRMED => seen.confirmed = confirmed(value).unwrap_or_default(),
                PREVIOUS => seen.previous = key.verify(PREVIOUS, value).map_or_else(Vec::new, previous),
                KNOWN => seen.known_accounts = key.verify(KNOWN, value).map_or_else(Vec::new, accounts),
                VOTER => seen.voter = VoterToken::parse(value),
                LOGIN => seen.login = true,
                VERIFY => seen.links.verify = LinkSecret::parse(value),
                RESET => seen.links.reset = LinkSecret::parse(value),
                _ => {}
            }
        }
        // A version without the prefix wrote this denial. It stays in force.
        if seen.choice == Choice::Unset && unprefixed_choice == Choice::Denied {
            seen.choice = Choice::Denied;
        }
        let sdk_device = seen.sdk.as_ref().map(|sdk| &sdk.device);
        seen.adoptable = sdk_device.filter(|device| !key.has_minted(device)).cloned();
        seen
    }
}

impl RequestCookies {
    /// Whether a cookie distinguishes this browser from others.
    pub fn identifies(&self) -> bool {
        self.device.is_some()
            || self.session.is_some()
            || self.sdk.is_some()
            || self.clock_offset_ms.is_some()
            || self.fired.is_some()
            || !self.previous.is_empty()
            || !self.confirmed.is_empty()
    }
}

/// The name of the login cookie.
pub fn login_cookie_name(secure: bool) -> String {
    site_name(LOGIN, secure)
}

/// The name of one of our cookies on this site.
fn site_name(name: &str, secure: bool) -> String {
    let prefix = if secure { HOST_PREFIX } else { "" };
    format!("{prefix}{name}")
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

fn confirmed(value: &str) -> Option<Vec<ConfirmedEvent>> {
    let json = URL_SAFE_NO_PAD.decode(value).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Cookies to set on an answer.
#[derive(Debug)]
pub struct CookieWriter<'a> {
    headers: &'a mut HeaderMap,
    secure: bool,
    key: &'a CookieKey,
}

impl<'a> CookieWriter<'a> {
    /// Onto these headers; `secure`: the site is on https.
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

    /// Adds events to those that documents hand to the SDK. When the cookie cannot hold all, the oldest are dropped: they
    /// accumulate where the SDK is blocked, and cannot be sent there.
    pub fn confirmed(&mut self, known: &[ConfirmedEvent], new: &[ConfirmedEvent]) {
        let is_new = |event: &&ConfirmedEvent| new.iter().any(|other| other.insert_id == event.insert_id);
        let mut events: VecDeque<&ConfirmedEvent> =
            known.iter().filter(|event| !is_new(event)).chain(new).collect();
        let value = loop {
            let value = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&events).unwrap_or_default());
            if value.len() <= CONFIRMED_MAX || events.pop_front().is_none() {
                break value;
            }
        };
        let cookie = Cookie::build((CONFIRMED, value)).max_age(CONFIRMED_LIFE);
        self.set_readable(cookie);
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

    /// Keeps the secret of a mail link for its page, or forgets it.
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

    /// Removes the confirmed events of the user who has left, and the count of fired events.
    pub fn forget_events(&mut self) {
        self.expire(CONFIRMED);
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
    pub fn forget_identity(&mut self, public_key: &str) {
        for name in [
            DEVICE,
            OwnSession::COOKIE,
            CLOCK,
            CONFIRMED,
            FiredCount::COOKIE,
            PREVIOUS,
        ] {
            self.expire(name);
        }
        self.forget_sdk(public_key);
    }

    fn expire(&mut self, name: &'static str) {
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
        // Values are our own ASCII; a name or value that is none would be dropped, not sent half.
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            self.headers.append(header::SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracking::{InsertId, PollRestored, SessionId};
    use uuid::Uuid;

    use super::*;

    fn read(text: &str) -> RequestCookies {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        RequestCookies::read(&headers, "0123456789abcdef", false, &key())
    }

    fn key() -> CookieKey {
        CookieKey::new("a key for tests, 32 bytes or more")
    }

    #[test]
    fn on_https_only_cookies_with_the_host_prefix_are_ours() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(text).unwrap());
            RequestCookies::read(&headers, "0123456789abcdef", true, &key())
        };
        let device = DeviceId::parse("2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11").unwrap();
        let signed = key().sign(DEVICE, device.as_str());
        let planted = read(&format!(
            "seam_device={signed}; seam_login=x; seam_verify={}",
            "0f".repeat(32)
        ));
        assert_eq!(planted, RequestCookies::default());
        let own = read(&format!(
            "__Host-seam_device={signed}; __Host-seam_login=x; seam_device=other"
        ));
        assert_eq!((own.device, own.login), (Some(device), true));
        #[rustfmt::skip]
        let table = [
            // cookies,                                                  choice
            ("seam_consent=denied",                                      Choice::Denied),
            ("seam_consent=granted",                                     Choice::Unset),
            ("__Host-seam_consent=granted; seam_consent=denied",         Choice::Granted),
        ];
        for (text, choice) in table {
            assert_eq!(read(text).choice, choice, "{text}");
        }
    }

    #[test]
    fn hostile_cookies_are_no_cookies() {
        let long = format!("seam_device={}", "a".repeat(100_000));
        for text in [
            "seam_device=; seam_session=; seam_clock=; seam_confirmed=; seam_previous=",
            "seam_device=../../etc; seam_session=1.2; seam_clock=NaN; seam_confirmed=!!; seam_previous=x",
            "seam_device=\"><script>; AMP_0123456789=%%%; seam_consent=perhaps",
            "===;;;==; seam_device",
            "seam_verify=1; seam_reset=../../etc",
            "seam_session=99999999999999999999.99999999999999999999",
            "AMP_0123456789=bnVsbA==",
            long.as_str(),
        ] {
            assert_eq!(read(text), RequestCookies::default(), "{text:.80}");
        }
    }

    #[test]
    fn unsigned_and_foreign_devices_are_absent() {
        let device = key().mint_device(Uuid::max());
        for value in [
            device.to_string(),
            CookieKey::new("another key").sign(DEVICE, device.as_str()),
            key().sign(PREVIOUS, device.as_str()),
        ] {
            assert_eq!(read(&format!("seam_device={value}")).device, None, "{value}");
        }
        let sdk = |device: &DeviceId| {
            let json = format!(r#"{{"deviceId":"{device}","sessionId":1795000000000}}"#);
            read(&format!("AMP_0123456789={}", URL_SAFE_NO_PAD.encode(json))).adoptable
        };
        let foreign = DeviceId::parse("an.sdk.device").unwrap();
        assert_eq!(sdk(&foreign), Some(foreign));
        assert_eq!(
            sdk(&device),
            None,
            "generated here, and signed in another browser's cookie"
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let event = ConfirmedEvent {
            insert_id: InsertId::of("poll-restored", "x"),
            time_ms: 1_795_000_000_000,
            session: SessionId::from_ms(1_795_000_000_000),
            event: PollRestored { poll_id: Uuid::nil() }.into(),
            counted: true,
        };
        let session = OwnSession::parse("1795000000000.1795000060000").unwrap();
        let device = DeviceId::parse("2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11").unwrap();
        let mut headers = HeaderMap::new();
        let key = key();
        let mut writer = CookieWriter::new(&mut headers, false, &key);
        writer.device(&device);
        writer.session(session);
        writer.confirmed(&[], std::slice::from_ref(&event));
        let before = [
            PreviousDevice {
                device: DeviceId::parse("an.sdk.device").unwrap(),
                login: Uuid::max(),
                ended_at_ms: 1_795_000_000_000,
            },
            PreviousDevice {
                device: device.clone(),
                login: Uuid::from_u128(1),
                ended_at_ms: 1_794_999_000_000,
            },
        ];
        writer.previous(&before);
        let (ada, bob) = (UserId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        writer.known_account(&[bob, ada], ada);
        writer.consent(Choice::Granted, Some(1_795_000_000_000));
        let secret = LinkSecret::parse(&"0f".repeat(32));
        writer.link(LinkPage::Reset, secret.as_ref());
        let pairs: Vec<&str> = headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap().split(';').next().unwrap())
            .collect();
        let seen = read(&pairs.join("; "));
        assert_eq!(
            seen,
            RequestCookies {
                device: Some(device),
                session: Some(session),
                confirmed: vec![event],
                previous: before.into(),
                known_accounts: vec![ada, bob],
                choice: Choice::Granted,
                consented_since_ms: Some(1_795_000_000_000),
                links: Links {
                    verify: None,
                    reset: secret
                },
                ..RequestCookies::default()
            }
        );
    }

    #[test]
    fn confirmed_events_add_up_to_what_a_cookie_holds() {
        let event = |n: usize| ConfirmedEvent {
            insert_id: InsertId::of("poll-restored", n),
            time_ms: 1_795_000_000_000,
            session: None,
            event: PollRestored { poll_id: Uuid::nil() }.into(),
            counted: false,
        };
        let written = |known: &[ConfirmedEvent], new: &[ConfirmedEvent]| {
            let mut headers = HeaderMap::new();
            CookieWriter::new(&mut headers, false, &key()).confirmed(known, new);
            let text = headers[header::SET_COOKIE].to_str().unwrap().to_owned();
            assert!(text.len() < 4_096, "{}", text.len());
            read(text.split(';').next().unwrap()).confirmed
        };
        assert_eq!(written(&[event(1)], &[event(2)]), [event(1), event(2)]);
        let again = written(&[event(1), event(2)], &[event(1)]);
        assert_eq!(again, [event(2), event(1)], "one fact, once");
        let many: Vec<ConfirmedEvent> = (0..100).map(event).collect();
        let kept = written(&many, &[event(100)]);
        assert!(kept.len() > 5, "{}", kept.len());
        assert_eq!(kept.last(), Some(&event(100)), "the oldest go");
        assert_eq!(kept[0], event(101 - kept.len()));
    }

    #[test]
    fn our_cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let mut headers = HeaderMap::new();
        CookieWriter::new(&mut headers, true, &key())
            .device(&DeviceId::parse("2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11").unwrap());
        let text = headers[header::SET_COOKIE].to_str().unwrap();
        assert!(text.starts_with("__Host-seam_device="), "{text}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=34560000"] {
            assert!(text.contains(attribute), "{attribute} in {text}");
        }
        assert!(!text.contains("Domain"), "{text}");
    }
}
