use app::auth::LinkPage;
use app::request::Links;
use app::tracking::boot::ConfirmedEvent;
use backend::accounts::links::LinkSecret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use http::{HeaderMap, HeaderValue, header};
use tracking::{Choice, DeviceId, InsertId, OwnSession, PollRestored, SessionId, UserId};
use uuid::Uuid;

use super::*;
use crate::request::previous::PreviousDevice;
use crate::request::signing::CookieKey;

fn read(text: &str) -> RequestCookies {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
    RequestCookies::read(&headers, "0123456789abcdef", false, &key())
}

fn key() -> CookieKey {
    CookieKey::new("a key for tests, 32 bytes or more")
}

fn confirmed_event(n: i64) -> ConfirmedEvent {
    ConfirmedEvent {
        insert_id: InsertId::of("poll-restored", n),
        time_ms: 1_795_000_000_000 + n,
        device: DeviceId::from_uuid(Uuid::from_u128(7)),
        session: None,
        event: PollRestored { poll_id: Uuid::nil() }.into(),
        counted: false,
    }
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
        "seam_device=; seam_session=; seam_clock=; seam_confirmed.a=; seam_previous=",
        "seam_device=../../etc; seam_session=1.2; seam_clock=NaN; seam_confirmed.a=!!; seam_previous=x",
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
    let device = key().generate_device(Uuid::max());
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
        device: DeviceId::from_uuid(Uuid::from_u128(7)),
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
    let cookies = read(&pairs.join("; "));
    assert_eq!(
        cookies,
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
fn each_confirmed_event_has_a_cookie_and_the_oldest_are_dropped() {
    let written = |known: &[ConfirmedEvent], new: &[ConfirmedEvent]| {
        let mut headers = HeaderMap::new();
        CookieWriter::new(&mut headers, false, &key()).confirmed(known, new);
        let texts = headers.get_all(header::SET_COOKIE).iter();
        let cookies = texts.map(|value| Cookie::parse(value.to_str().unwrap().to_owned()).unwrap());
        let (expired, set): (Vec<_>, Vec<_>) =
            cookies.partition(|cookie| cookie.max_age() == Some(time::Duration::ZERO));
        let pairs: Vec<String> = set.iter().map(|cookie| cookie.stripped().to_string()).collect();
        (read(&pairs.join("; ")).confirmed, expired)
    };
    // What another document removes meanwhile is not written again.
    assert_eq!(
        written(&[confirmed_event(1)], &[confirmed_event(2)]),
        (vec![confirmed_event(2)], vec![])
    );
    assert_eq!(
        written(&[confirmed_event(1), confirmed_event(2)], &[confirmed_event(1)]),
        (vec![confirmed_event(1)], vec![])
    );

    let many: Vec<ConfirmedEvent> = (0..100).map(confirmed_event).collect();
    let (set, expired) = written(&many, &[confirmed_event(100)]);
    assert_eq!(set, [confirmed_event(100)]);
    assert!((80..=98).contains(&expired.len()), "{}", expired.len());
    for (n, cookie) in expired.iter().rev().enumerate() {
        assert_eq!(
            cookie.name(),
            format!("seam_confirmed.poll-restored.{n}"),
            "the oldest"
        );
    }
}

#[test]
fn confirmed_events_are_fired_in_the_order_in_which_they_happened() {
    let mut headers = HeaderMap::new();
    let events = [2, 1, 3].map(confirmed_event);
    CookieWriter::new(&mut headers, false, &key()).confirmed(&[], &events);
    let texts = headers.get_all(header::SET_COOKIE).iter();
    let pairs: Vec<&str> = texts
        .map(|value| value.to_str().unwrap().split(';').next().unwrap())
        .collect();
    assert_eq!(read(&pairs.join("; ")).confirmed, [1, 2, 3].map(confirmed_event));
}

#[test]
fn a_confirmed_event_under_the_name_of_another_is_absent() {
    let mut headers = HeaderMap::new();
    CookieWriter::new(&mut headers, false, &key()).confirmed(&[], &[confirmed_event(1)]);
    let pair = headers[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    assert_eq!(read(pair).confirmed, [confirmed_event(1)]);
    assert_eq!(read(&pair.replace(".1=", ".2=")).confirmed, []);
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
