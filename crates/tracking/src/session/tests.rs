//! Tables of the session decision: our cookie, the SDK's cookie, the browser's clock, and the expected session.

use uuid::Uuid;

use super::*;

const NOW: i64 = 1_795_000_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Started by the server two hours ago.
const A: i64 = NOW - 120 * MINUTE;
/// Started by the SDK 95 minutes ago.
const B: i64 = NOW - 95 * MINUTE;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    /// This session, from the SDK's cookie.
    Sdk(i64),
    /// This session, from our cookie.
    Own(i64),
    /// A new session.
    New,
}
use Expect::{New, Own, Sdk};

struct Row {
    why: &'static str,
    /// Session, and how long ago the server last saw activity.
    own: Option<(i64, i64)>,
    /// Session, and how long ago its last event really was.
    sdk: Option<(i64, i64)>,
    /// How far the browser's clock really is ahead. It shifts the last event in the SDK's cookie.
    ahead: i64,
    /// The offset that the browser measured.
    measured: Option<i64>,
    expect: Expect,
}

impl Row {
    fn check(&self) {
        let device = DeviceId::from_uuid(Uuid::from_u128(1));
        let own = self.own.map(|(session, ago)| own_session(session, NOW - ago));
        let sdk = self
            .sdk
            .map(|(session, ago)| sdk_cookie(&device, session, NOW - ago + self.ahead));
        let resolved = resolve(NOW, &device, own, sdk.as_ref(), self.measured);
        assert_eq!(outcome(resolved), self.expect, "{}", self.why);
    }
}

fn own_session(session: i64, last_activity_ms: i64) -> OwnSession {
    OwnSession {
        session: SessionId::from_ms(session).unwrap(),
        last_activity_ms,
    }
}

fn sdk_cookie(device: &DeviceId, session: i64, last_event_ms: i64) -> SdkCookie {
    SdkCookie {
        device: device.clone(),
        session: SessionId::from_ms(session).unwrap(),
        user: None,
        last_event_ms,
    }
}

fn outcome(resolved: ResolvedSession) -> Expect {
    match (resolved.started, resolved.source) {
        (false, IdSource::SdkCookie) => Sdk(resolved.session.ms()),
        (false, IdSource::ServerSession) => Own(resolved.session.ms()),
        (true, IdSource::ServerSession) => {
            assert_eq!(resolved.session.ms(), NOW, "a new session starts now");
            New
        }
        other => panic!("not an outcome: {other:?}"),
    }
}

/// One row a line: why, our cookie, the SDK's, the browser's real clock offset, the measured offset, and the
/// session. A cookie is its session and how long ago that was last active.
macro_rules! table {
    ($($why:literal: $own:expr, $sdk:expr, $ahead:expr, $measured:expr => $expect:expr;)*) => {
        $(Row { why: $why, own: $own, sdk: $sdk, ahead: $ahead, measured: $measured, expect: $expect }.check();)*
    };
}

#[test]
fn a_single_cookie_is_used_until_the_timeout() {
    table! {
        "first visit": None, None, 0, None => New;
        "ours, 29 minutes idle": Some((A, 29 * MINUTE)), None, 0, None => Own(A);
        "ours, exactly 30 minutes idle": Some((A, TIMEOUT_MS)), None, 0, None => Own(A);
        "ours, 1 ms more": Some((A, TIMEOUT_MS + 1)), None, 0, None => New;
        "ours, 31 minutes idle": Some((A, 31 * MINUTE)), None, 0, None => New;
        "the SDK's, 29 minutes idle, clock known": None, Some((B, 29 * MINUTE)), 0, Some(0) => Sdk(B);
        "the SDK's, exactly 30 minutes idle": None, Some((B, TIMEOUT_MS)), 0, Some(0) => Sdk(B);
        "the SDK's, 31 minutes idle, clock known": None, Some((B, 31 * MINUTE)), 0, Some(0) => New;
        "the SDK's, 29 minutes idle, clock unknown": None, Some((B, 29 * MINUTE)), 0, None => Sdk(B);
        "the SDK's, 31 minutes idle, clock unknown": None, Some((B, 31 * MINUTE)), 0, None => New;
    }
}

#[test]
fn of_two_sessions_the_one_with_the_later_activity_wins() {
    table! {
        "SDK later": Some((A, 9 * MINUTE)), Some((B, MINUTE)), 0, Some(0) => Sdk(B);
        "ours later": Some((A, MINUTE)), Some((B, 9 * MINUTE)), 0, Some(0) => Own(A);
        "a tie: what the browser's events carry": Some((A, MINUTE)), Some((B, MINUTE)), 0, Some(0) => Sdk(B);
        "SDK idled out": Some((A, MINUTE)), Some((B, 31 * MINUTE)), 0, Some(0) => Own(A);
        "ours idled out": Some((A, 31 * MINUTE)), Some((B, MINUTE)), 0, Some(0) => Sdk(B);
        "both idled out": Some((A, 31 * MINUTE)), Some((B, 40 * MINUTE)), 0, Some(0) => New;
        "a second tab woke and rolled": Some((A, MINUTE)), Some((NOW - 5_000, 5_000)), 0, Some(0) => Sdk(NOW - 5_000);
        "the busy tab wrote last": Some((NOW - 9_000, 9_000)), Some((A, 1_000)), 0, Some(0) => Sdk(A);
        "clock unknown, SDK later": Some((A, 9 * MINUTE)), Some((B, MINUTE)), 0, None => Sdk(B);
        "clock unknown, ours later": Some((A, MINUTE)), Some((B, 9 * MINUTE)), 0, None => Own(A);
    }
}

#[test]
fn a_session_in_both_cookies_is_active_while_either_has_activity() {
    table! {
        "both young": Some((A, MINUTE)), Some((A, 2 * MINUTE)), 0, Some(0) => Sdk(A);
        "only posts lately: the SDK's word is old": Some((A, MINUTE)), Some((A, 31 * MINUTE)), 0, Some(0) => Own(A);
        "only clicks lately": Some((A, 31 * MINUTE)), Some((A, MINUTE)), 0, Some(0) => Sdk(A);
        "neither": Some((A, 31 * MINUTE)), Some((A, 31 * MINUTE)), 0, Some(0) => New;
        "clock unknown: ours counts": Some((A, 29 * MINUTE)), Some((A, 90 * MINUTE)), 0, None => Sdk(A);
        "clock unknown: ours counts, idled out": Some((A, 31 * MINUTE)), Some((A, MINUTE)), 0, None => New;
    }
}

#[test]
fn a_measured_clock_offset_does_not_change_the_result() {
    for ahead in [
        -26 * HOUR,
        -2 * HOUR,
        -5 * MINUTE,
        -30_000,
        0,
        30_000,
        5 * MINUTE,
        2 * HOUR,
        26 * HOUR,
    ] {
        let measured = Some(ahead);
        table! {
            "29 minutes idle": None, Some((B, 29 * MINUTE)), ahead, measured => Sdk(B);
            "31 minutes idle": None, Some((B, 31 * MINUTE)), ahead, measured => New;
            "SDK later": Some((A, 9 * MINUTE)), Some((B, MINUTE)), ahead, measured => Sdk(B);
            "ours later": Some((A, MINUTE)), Some((B, 9 * MINUTE)), ahead, measured => Own(A);
            "one session, only clicks lately": Some((A, 31 * MINUTE)), Some((A, MINUTE)), ahead, measured => Sdk(A);
            "one session, idle in both": Some((A, 31 * MINUTE)), Some((A, 31 * MINUTE)), ahead, measured => New;
        }
    }
}

#[test]
fn an_unknown_clock_offset_does_not_revive_an_ended_session() {
    for ahead in [-2 * HOUR, -5 * MINUTE, 5 * MINUTE, 2 * HOUR] {
        table! {
            "ours says 29 minutes": Some((A, 29 * MINUTE)), Some((A, 29 * MINUTE)), ahead, None => Sdk(A);
            "ours says 31 minutes": Some((A, 31 * MINUTE)), Some((A, 31 * MINUTE)), ahead, None => New;
        }
    }
    table! {
        "2 h ahead, alone: not believed": None, Some((B, MINUTE)), 2 * HOUR, None => New;
        "2 h behind, alone: not believed": None, Some((B, MINUTE)), -2 * HOUR, None => New;
        "2 h ahead: ours wins": Some((A, 9 * MINUTE)), Some((B, MINUTE)), 2 * HOUR, None => Own(A);
        "2 h behind: ours wins": Some((A, 9 * MINUTE)), Some((B, MINUTE)), -2 * HOUR, None => Own(A);
        "5 min ahead: now at the latest": Some((A, 9 * MINUTE)), Some((B, MINUTE)), 5 * MINUTE, None => Sdk(B);
        "5 min behind": Some((A, 9 * MINUTE)), Some((B, MINUTE)), -5 * MINUTE, None => Sdk(B);
        "5 min behind hides a later event": Some((A, 4 * MINUTE)), Some((B, MINUTE)), -5 * MINUTE, None => Own(A);
        "30 min ahead, the edge": None, Some((B, 0)), TIMEOUT_MS, None => Sdk(B);
        "beyond the edge": None, Some((B, 0)), TIMEOUT_MS + 1, None => New;
    }
}

#[test]
fn an_implausible_offset_is_ignored() {
    for measured in [26 * HOUR + 1, -26 * HOUR - 1, i64::MAX, i64::MIN] {
        table! {
            "a young SDK session": None, Some((B, MINUTE)), 0, Some(measured) => Sdk(B);
            "ours says it is over": Some((A, 31 * MINUTE)), Some((A, MINUTE)), 0, Some(measured) => New;
        }
    }
}

#[test]
fn forged_future_times_are_limited() {
    let far = 9_999_999_999_999;
    table! {
        "ours claims tomorrow: now": Some((A, -24 * HOUR)), Some((B, 0)), 0, Some(0) => Sdk(B);
        "ours claims tomorrow, alone": Some((A, -24 * HOUR)), None, 0, None => Own(A);
        "the SDK's claims tomorrow, clock known": Some((A, 0)), Some((B, -24 * HOUR)), 0, Some(0) => Sdk(B);
        "the SDK's claims tomorrow, clock unknown": Some((A, 0)), Some((B, -24 * HOUR)), 0, None => Own(A);
        "a session of the year 2286 in ours": Some((far, MINUTE)), None, 0, None => New;
        "a session of the year 2286 in the SDK's": None, Some((far, MINUTE)), 0, Some(0) => New;
        "a session that a clock 2 h ahead started": None, Some((NOW + 2 * HOUR, 0)), 2 * HOUR, Some(2 * HOUR) => Sdk(NOW + 2 * HOUR);
    }
}

#[test]
fn extreme_numbers_do_not_overflow() {
    let device = DeviceId::from_uuid(Uuid::from_u128(1));
    for last in [i64::MIN, -1, 0, i64::MAX] {
        for measured in [None, Some(-MAX_CLOCK_OFFSET_MS), Some(MAX_CLOCK_OFFSET_MS)] {
            let sdk = sdk_cookie(&device, B, last);
            let resolved = resolve(NOW, &device, Some(own_session(A, last)), Some(&sdk), measured);
            let forged_young = last == i64::MAX;
            assert_eq!(
                !resolved.started, forged_young,
                "last activity {last}, offset {measured:?}"
            );
        }
    }
}

#[test]
fn every_combination_gives_a_stable_session() {
    let device = DeviceId::from_uuid(Uuid::from_u128(1));
    let agos = [-HOUR, 0, 1, MINUTE, TIMEOUT_MS, TIMEOUT_MS + 1, 2 * HOUR];
    let cookies =
        || std::iter::once(None).chain([A, B].into_iter().flat_map(|id| agos.map(|ago| Some((id, ago)))));
    for (own, sdk, ahead) in cookies()
        .flat_map(|own| cookies().map(move |sdk| (own, sdk)))
        .flat_map(|(own, sdk)| [-2 * HOUR, 0, 2 * HOUR].map(|ahead| (own, sdk, ahead)))
    {
        let case = format!("ours {own:?}, the SDK's {sdk:?}, clock {ahead}");
        let own = own.map(|(id, ago)| own_session(id, NOW - ago));
        let sdk = sdk.map(|(id, ago)| sdk_cookie(&device, id, NOW - ago + ahead));
        let first = resolve(NOW, &device, own, sdk.as_ref(), Some(ahead));
        match outcome(first) {
            New => {}
            Own(id) => assert_eq!(Some(id), own.map(|own| own.session.ms()), "{case}"),
            Sdk(id) => assert_eq!(Some(id), sdk.as_ref().map(|sdk| sdk.session.ms()), "{case}"),
        }
        // The second request of a page has the cookie that the first response set.
        let noted = own_session(first.session.ms(), NOW);
        let second = resolve(NOW, &device, Some(noted), sdk.as_ref(), Some(ahead));
        assert_eq!(second.session, first.session, "{case}");
        assert!(!second.started, "{case}");
    }
}

#[test]
fn a_cookie_of_another_device_is_ignored() {
    let device = DeviceId::from_uuid(Uuid::from_u128(1));
    let other = DeviceId::from_uuid(Uuid::from_u128(2));
    let sdk = sdk_cookie(&other, B, NOW - 1_000);
    assert_eq!(outcome(resolve(NOW, &device, None, Some(&sdk), Some(0))), New);
    let own = own_session(A, NOW - 10 * MINUTE);
    assert_eq!(
        outcome(resolve(NOW, &device, Some(own), Some(&sdk), Some(0))),
        Own(A)
    );
    // Not even if it contains the session of our cookie.
    let same_session = sdk_cookie(&other, A, NOW - 1_000);
    assert_eq!(
        outcome(resolve(NOW, &device, Some(own), Some(&same_session), Some(0))),
        Own(A)
    );
}

#[test]
fn our_cookie_round_trips() {
    let own = own_session(A, NOW);
    assert_eq!(own.to_string(), "1794992800000.1795000000000");
    assert_eq!(OwnSession::parse(&own.to_string()), Some(own));
}

#[test]
fn invalid_session_cookies_are_rejected() {
    let long = format!("1794992800000.{}", "1".repeat(10_000));
    let junk = [
        "",
        ".",
        "1794992800000",
        "1794992800000.",
        ".1795000000000",
        "1794992800000.1795000000000.1",
        "1794992800000.1795000000000 ",
        "1794992800000.-795000000000",
        "+794992800000.1795000000000",
        "0794992800000.1795000000000",
        "1794992800000.9e12",
        "179499280000é.1795000000000",
        "NaN.NaN",
        "1794992800000,1795000000000",
        long.as_str(),
    ];
    for text in junk {
        assert_eq!(OwnSession::parse(text), None, "{text:?}");
    }
}
