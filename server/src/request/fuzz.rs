//! Any cookies are read, what is written of them is read back, and a signed value has this site's signature.

use app::auth::LinkPage;
use http::{HeaderMap, HeaderValue, header};
use tracking::{DeviceId, InsertId, OwnSession, PollRestored, SessionId, Touch, UserId};
use uuid::Uuid;

use super::cookies::{CookieWriter, RequestCookies};
use super::previous::PreviousDevice;
use super::signing::CookieKey;
use super::touches::BrowserTouches;

const PUBLIC_KEY: &str = "0123456789abcdef";
/// `seam_clock` and the SDK's cookie, which the browser writes.
const BROWSERS: &str = "seam_clock=-250; seam_fired=1795000000000.3.2; AMP_0123456789=JTdCJTIyZGV2aWNlSWQlMjIlM0ElMjIyZjFkOWIxYy03YzFlLTRhOWUtOGI1OS0wZDlhMmIxZjRjMTElMjIlMkMlMjJzZXNzaW9uSWQlMjIlM0ExNzk1MDAwMDAwMDAwJTdE; seam_consent=denied; theme=dark";
const TOKENS: [&str; 11] = [
    "; ",
    "=",
    ".",
    "!",
    "~",
    "__Host-",
    "seam_device=",
    "seam_confirmed.poll-restored.1=",
    "seam_login=x",
    "seam_first=",
    "seam_touch=",
];

fn key() -> CookieKey {
    CookieKey::new("a key for tests, 32 bytes or more")
}

fn read(text: &[u8], secure: bool) -> Option<RequestCookies> {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_bytes(text).ok()?);
    Some(RequestCookies::read(&headers, PUBLIC_KEY, secure, &key()))
}

/// The `Cookie` header of a browser that has been sent these cookies. It has nothing of the SDK's or the script's.
fn written(cookies: &RequestCookies, secure: bool) -> String {
    let (mut headers, key) = (HeaderMap::new(), key());
    let mut writer = CookieWriter::new(&mut headers, secure, &key);
    if let Some(device) = &cookies.device {
        writer.device(device);
        writer.touches(device, &cookies.touches);
    }
    if let Some(session) = cookies.session {
        writer.session(session);
    }
    if let Some(token) = &cookies.voter {
        writer.voter(token);
    }
    if let Some((newest, others)) = cookies.known_accounts.split_first() {
        writer.known_account(others, *newest);
    }
    writer.consent(cookies.choice, cookies.consented_since_ms);
    writer.confirmed(&[], &cookies.confirmed);
    writer.previous(&cookies.previous);
    writer.link(LinkPage::Verify, cookies.links.verify.as_ref());
    writer.link(LinkPage::Reset, cookies.links.reset.as_ref());
    let pairs = headers.get_all(header::SET_COOKIE).iter().map(|value| {
        let text = value.to_str().expect("ASCII");
        assert!(text.len() <= 4_096, "browsers refuse {text}");
        text.split(';').next().unwrap_or_default()
    });
    pairs.collect::<Vec<_>>().join("; ")
}

fn corpus() -> Vec<String> {
    let device = key().generate_device(Uuid::from_u128(7));
    let event = |number: u128| app::tracking::boot::ConfirmedEvent {
        insert_id: InsertId::of("poll-restored", number),
        time_ms: 1_795_000_000_000,
        device: device.clone(),
        session: SessionId::from_ms(1_795_000_000_000),
        event: PollRestored {
            poll_id: Uuid::from_u128(number),
        }
        .into(),
        counted: true,
    };
    let cookies = RequestCookies {
        session: OwnSession::parse("1795000000000.1795000060000"),
        confirmed: vec![event(1), event(2)],
        previous: vec![PreviousDevice {
            device: DeviceId::from_uuid(Uuid::from_u128(8)),
            login: Uuid::from_u128(9),
            ended_at_ms: 1_795_000_000_000,
        }],
        known_accounts: UserId::parse("0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b01")
            .into_iter()
            .collect(),
        voter: backend::polls::VoterToken::parse(&"0f".repeat(16)),
        touches: BrowserTouches::default()
            .after(
                Touch::of_document("/", Some("utm_source=a&gclid=b"), Some("https://example.org/")),
                &device,
                SessionId::starting_at(1_795_000_000_000),
                1_795_000_000_000,
                &[],
            )
            .unwrap_or_default(),
        device: Some(device),
        ..RequestCookies::default()
    };
    vec![
        BROWSERS.to_owned(),
        written(&cookies, false),
        written(&cookies, true),
    ]
}

/// What of the cookies this site writes.
fn own(cookies: RequestCookies) -> RequestCookies {
    RequestCookies {
        sdk: None,
        adoptable: None,
        clock_offset_ms: None,
        fired: None,
        login: false,
        has_touches: cookies.touches != BrowserTouches::default(),
        ..cookies
    }
}

#[test]
fn cookies() {
    fuzzing::fuzz("cookies", &TOKENS, &corpus(), |input| {
        let mut is_known = false;
        for secure in [false, true] {
            let Some(cookies) = read(input, secure) else {
                return false;
            };
            is_known |= cookies.identifies();
            if let Some(device) = &cookies.device {
                let signed = key().sign("seam_device", device.as_str());
                assert!(
                    String::from_utf8_lossy(input).contains(&signed),
                    "signed by this site"
                );
            }
            let sdk_device = cookies.sdk.as_ref().map(|sdk| &sdk.device);
            assert!(cookies.adoptable.is_none() || cookies.adoptable.as_ref() == sdk_device);
            let cookies = own(cookies);
            let mut again = read(written(&cookies, secure).as_bytes(), secure).expect("a valid header");
            // A full cookie drops the oldest events.
            assert!(cookies.confirmed.ends_with(&again.confirmed));
            again.confirmed.clone_from(&cookies.confirmed);
            assert_eq!(again, cookies, "written and read again");
        }
        is_known
    });
}
