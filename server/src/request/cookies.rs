//! The cookies of identity: read with a cap, written in one place. Nothing read here authorises anything.

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
use tracking::{Choice, DeviceId, OwnSession, SdkCookie};
use uuid::Uuid;

/// Our device cookie.
const DEVICE: &str = "seam_device";
/// The person's choice about tracking in this browser.
const CONSENT: &str = "seam_consent";
/// The browser's clock minus ours, in ms, as the shim measured it.
const CLOCK: &str = "seam_clock";
/// Client events that the server has confirmed. The shim takes out what has arrived, so scripts may read and write it.
const CONFIRMED: &str = "seam_confirmed";
/// The login that last ended in this browser: its late events may still name its user.
const PREVIOUS: &str = "seam_previous";
/// Under which this browser votes. It says nothing of who is there, and is no part of tracking.
const VOTER: &str = "seam_voter";
/// Secrets of mail links that were opened here and wait for their page's button.
const VERIFY: &str = "seam_verify";
const RESET: &str = "seam_reset";
/// Of the login itself; tower-sessions reads and writes it.
pub const LOGIN: &str = "seam_login";

/// As long as browsers keep any cookie.
const DEVICE_LIFE: time::Duration = time::Duration::days(400);
/// As long as browsers keep any cookie: a vote may be changed for as long as its poll is open.
const VOTER_LIFE: time::Duration = time::Duration::days(400);
/// Events that no document came for in a day are given up. Amplitude drops repeats for 7 days, so none counts twice.
const CONFIRMED_LIFE: time::Duration = time::Duration::days(1);
/// The SDK keeps unsent events for its next start; a day later they are no longer taken for the previous person's.
const PREVIOUS_LIFE: time::Duration = time::Duration::days(1);
/// Somebody who has opened a link has its page in front of them.
const LINK_LIFE: time::Duration = time::Duration::hours(1);
/// Browsers refuse more than 4 KB.
const CONFIRMED_MAX: usize = 3_000;

/// What a request's cookies say. Whatever is malformed is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestCookies {
    /// Our device.
    pub device: Option<DeviceId>,
    /// Our session.
    pub session: Option<OwnSession>,
    /// The SDK's cookie.
    pub sdk: Option<SdkCookie>,
    /// The browser's clock minus ours, in ms.
    pub clock_offset_ms: Option<i64>,
    /// The choice about tracking.
    pub choice: Choice,
    /// Events to fire.
    pub confirmed: Vec<ConfirmedEvent>,
    /// What the script has fired, by its own count.
    pub fired: Option<FiredCount>,
    /// The login that ended last.
    pub previous: Option<Uuid>,
    /// The token to vote under.
    pub voter: Option<VoterToken>,
    /// A login cookie is there, live or not.
    pub login: bool,
    /// Mail links that were opened.
    pub links: Links,
}

impl RequestCookies {
    /// Reads every `Cookie` header.
    pub fn read(headers: &HeaderMap, public_key: &str) -> Self {
        let sdk_name = cookie_name(public_key);
        let mut seen = Self::default();
        let texts = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for cookie in texts.flat_map(Cookie::split_parse).flatten() {
            let value = cookie.value();
            match cookie.name() {
                DEVICE => seen.device = DeviceId::parse(value),
                OwnSession::COOKIE => seen.session = OwnSession::parse(value),
                CONSENT => seen.choice = Choice::parse(value),
                CLOCK => seen.clock_offset_ms = value.parse().ok(),
                FiredCount::COOKIE => seen.fired = FiredCount::parse(value),
                CONFIRMED => seen.confirmed = confirmed(value).unwrap_or_default(),
                PREVIOUS => seen.previous = Uuid::parse_str(value).ok(),
                VOTER => seen.voter = VoterToken::parse(value),
                LOGIN => seen.login = true,
                VERIFY => seen.links.verify = LinkSecret::parse(value),
                RESET => seen.links.reset = LinkSecret::parse(value),
                name if name == sdk_name => seen.sdk = SdkCookie::parse(value),
                _ => {}
            }
        }
        seen
    }
}

impl RequestCookies {
    /// Whether anything here tells this browser from another.
    pub fn identifies(&self) -> bool {
        self.device.is_some()
            || self.session.is_some()
            || self.sdk.is_some()
            || self.clock_offset_ms.is_some()
            || self.fired.is_some()
            || self.previous.is_some()
            || !self.confirmed.is_empty()
    }
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
}

impl<'a> CookieWriter<'a> {
    /// Onto these headers; `secure`: the site is on https.
    pub fn new(headers: &'a mut HeaderMap, secure: bool) -> Self {
        Self { headers, secure }
    }

    /// Keeps the device for 400 days from now.
    pub fn device(&mut self, device: &DeviceId) {
        self.set(Cookie::build((DEVICE, device.as_str().to_owned())).max_age(DEVICE_LIFE));
    }

    /// Notes session and activity. It ends with the browser: half an hour later it is worth nothing anyway.
    pub fn session(&mut self, session: OwnSession) {
        self.set(Cookie::build((OwnSession::COOKIE, session.to_string())));
    }

    /// Adds events to those that documents hand to the SDK. When a cookie cannot hold all, the oldest are lost: they pile
    /// up where the SDK is blocked, and there nobody would send them.
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
        let secure = self.secure;
        self.append(cookie.path("/").same_site(SameSite::Lax).secure(secure));
    }

    /// Gives the browser a token to vote under.
    pub fn voter(&mut self, token: &VoterToken) {
        self.set(Cookie::build((VOTER, token.expose())).max_age(VOTER_LIFE));
    }

    /// Whoever votes here next is somebody else.
    pub fn forget_voter(&mut self) {
        self.expire(VOTER);
    }

    /// Remembers the login that ended.
    pub fn previous(&mut self, login: Uuid) {
        self.set(Cookie::build((PREVIOUS, login.to_string())).max_age(PREVIOUS_LIFE));
    }

    /// Keeps the choice about tracking for 400 days from now.
    pub fn consent(&mut self, choice: Choice) {
        self.set(Cookie::build((CONSENT, choice.as_str())).max_age(DEVICE_LIFE));
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

    /// The events are those of the person who has left, and so is the count of them.
    pub fn forget_events(&mut self) {
        self.expire(CONFIRMED);
        self.expire(FiredCount::COOKIE);
    }

    /// The SDK starts anew. Its cookies are host-only and readable by script, so they are expired as such.
    pub fn forget_sdk(&mut self, public_key: &str) {
        for name in [cookie_name(public_key), campaign_cookie_name(public_key)] {
            self.append(
                Cookie::build((name, ""))
                    .path("/")
                    .same_site(SameSite::Lax)
                    .max_age(time::Duration::ZERO),
            );
        }
    }

    /// Nothing that tells one browser from another stays.
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
        let secure = self.secure;
        self.append(
            cookie
                .path("/")
                .http_only(true)
                .same_site(SameSite::Lax)
                .secure(secure),
        );
    }

    fn append(&mut self, cookie: CookieBuilder<'_>) {
        // Values are our own ASCII; a name or value that is none would be dropped, not sent half.
        if let Ok(value) = HeaderValue::from_str(&cookie.build().to_string()) {
            self.headers.append(header::SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracking::{InsertId, PollRestored, SessionId};

    use super::*;

    fn read(text: &str) -> RequestCookies {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        RequestCookies::read(&headers, "0123456789abcdef")
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
        let mut writer = CookieWriter::new(&mut headers, false);
        writer.device(&device);
        writer.session(session);
        writer.confirmed(&[], std::slice::from_ref(&event));
        writer.previous(Uuid::max());
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
                previous: Some(Uuid::max()),
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
            CookieWriter::new(&mut headers, false).confirmed(known, new);
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
        CookieWriter::new(&mut headers, true)
            .device(&DeviceId::parse("2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11").unwrap());
        let text = headers[header::SET_COOKIE].to_str().unwrap();
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=34560000"] {
            assert!(text.contains(attribute), "{attribute} in {text}");
        }
        assert!(!text.contains("Domain"), "{text}");
    }
}
