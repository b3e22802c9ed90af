//! Rows of the session decision: what the cookies say, what the browser's clock is known to be, which session it is.

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
    /// This session, by the SDK's cookie.
    Sdk(i64),
    /// This session, by our cookie.
    Own(i64),
    /// A new one.
    New,
}
use Expect::{New, Own, Sdk};

struct Row {
    why: &'static str,
    /// Session, and how long ago the server last saw activity.
    own: Option<(i64, i64)>,
    /// Session, and how long ago its last event was, in truth.
    sdk: Option<(i64, i64)>,
    /// How far the browser's clock is ahead, in truth. It shifts the last event in the SDK's cookie.
    ahead: i64,
    /// What the server was told of that.
    told: Option<i64>,
    expect: Expect,
}

impl Row {
    fn check(&self) {
        let device = DeviceId::minted(Uuid::from_u128(1));
        let own = self.own.map(|(session, ago)| own_session(session, NOW - ago));
        let sdk = self
            .sdk
            .map(|(session, ago)| sdk_cookie(&device, session, NOW - ago + self.ahead));
        let resolved = resolve(NOW, &device, own, sdk.as_ref(), self.told);
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

fn outcome(resolved: Resolved) -> Expect {
    match (resolved.started, resolved.found) {
        (false, Found::SdkCookie) => Sdk(resolved.session.ms()),
        (false, Found::ServerSession) => Own(resolved.session.ms()),
        (true, Found::ServerSession) => {
            assert_eq!(resolved.session.ms(), NOW, "a new session starts now");
            New
        }
        other => panic!("not an outcome: {other:?}"),
    }
}

/// One row a line: why, our cookie, the SDK's, the browser's clock in truth, what the server was told of it, and the
/// session. A cookie is its session and how long ago that was last active.
macro_rules! table {
    ($($why:literal: $own:expr, $sdk:expr, $ahead:expr, $told:expr => $expect:expr;)*) => {
        $(Row { why: $why, own: $own, sdk: $sdk, ahead: $ahead, told: $told, expect: $expect }.check();)*
    };
}

#[test]
fn one_cookie_alone_counts_until_it_idled_too_long() {
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
fn one_session_in_both_cookies_is_alive_while_either_saw_activity() {
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
fn a_browser_clock_that_is_off_changes_nothing_once_it_is_known() {
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
        let told = Some(ahead);
        table! {
            "29 minutes idle": None, Some((B, 29 * MINUTE)), ahead, told => Sdk(B);
            "31 minutes idle": None, Some((B, 31 * MINUTE)), ahead, told => New;
            "SDK later": Some((A, 9 * MINUTE)), Some((B, MINUTE)), ahead, told => Sdk(B);
            "ours later": Some((A, MINUTE)), Some((B, 9 * MINUTE)), ahead, told => Own(A);
            "one session, only clicks lately": Some((A, 31 * MINUTE)), Some((A, MINUTE)), ahead, told => Sdk(A);
            "one session, idle in both": Some((A, 31 * MINUTE)), Some((A, 31 * MINUTE)), ahead, told => New;
        }
    }
}

#[test]
fn a_browser_clock_that_is_off_and_unknown_never_revives_a_session_that_we_know_is_over() {
    for ahead in [-2 * HOUR, -5 * MINUTE, 5 * MINUTE, 2 * HOUR] {
        table! {
            "ours says 29 minutes": Some((A, 29 * MINUTE)), Some((A, 29 * MINUTE)), ahead, None => Sdk(A);
            "ours says 31 minutes": Some((A, 31 * MINUTE)), Some((A, 31 * MINUTE)), ahead, None => New;
        }
    }
    table! {
        "2 h ahead, alone: not believed": None, Some((B, MINUTE)), 2 * HOUR, None => New;
        "2 h behind, alone: not believed": None, Some((B, MINUTE)), -2 * HOUR, None => New;
        "2 h ahead: ours stands": Some((A, 9 * MINUTE)), Some((B, MINUTE)), 2 * HOUR, None => Own(A);
        "2 h behind: ours stands": Some((A, 9 * MINUTE)), Some((B, MINUTE)), -2 * HOUR, None => Own(A);
        "5 min ahead: now at the latest": Some((A, 9 * MINUTE)), Some((B, MINUTE)), 5 * MINUTE, None => Sdk(B);
        "5 min behind": Some((A, 9 * MINUTE)), Some((B, MINUTE)), -5 * MINUTE, None => Sdk(B);
        "5 min behind hides a later event": Some((A, 4 * MINUTE)), Some((B, MINUTE)), -5 * MINUTE, None => Own(A);
        "30 min ahead, the edge": None, Some((B, 0)), TIMEOUT_MS, None => Sdk(B);
        "beyond the edge": None, Some((B, 0)), TIMEOUT_MS + 1, None => New;
    }
}

#[test]
fn an_offset_that_no_clock_has_counts_as_unknown() {
    for told in [26 * HOUR + 1, -26 * HOUR - 1, i64::MAX, i64::MIN] {
        table! {
            "a young SDK session": None, Some((B, MINUTE)), 0, Some(told) => Sdk(B);
            "ours says it is over": Some((A, 31 * MINUTE)), Some((A, MINUTE)), 0, Some(told) => New;
        }
    }
}

#[test]
fn forged_futures_win_nothing() {
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
    let device = DeviceId::minted(Uuid::from_u128(1));
    for last in [i64::MIN, -1, 0, i64::MAX] {
        for told in [None, Some(-MAX_CLOCK_OFFSET_MS), Some(MAX_CLOCK_OFFSET_MS)] {
            let sdk = sdk_cookie(&device, B, last);
            let resolved = resolve(NOW, &device, Some(own_session(A, last)), Some(&sdk), told);
            let forged_young = last == i64::MAX;
            assert_eq!(
                !resolved.started, forged_young,
                "last activity {last}, offset {told:?}"
            );
        }
    }
}

#[test]
fn every_combination_gives_a_known_session_or_a_new_one_and_the_same_when_asked_again() {
    let device = DeviceId::minted(Uuid::from_u128(1));
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
        // Two requests of one page: the second one brings what the first one's answer said.
        let noted = own_session(first.session.ms(), NOW);
        let second = resolve(NOW, &device, Some(noted), sdk.as_ref(), Some(ahead));
        assert_eq!(second.session, first.session, "{case}");
        assert!(!second.started, "{case}");
    }
}

#[test]
fn a_cookie_of_another_device_is_ignored_whole() {
    let device = DeviceId::minted(Uuid::from_u128(1));
    let other = DeviceId::minted(Uuid::from_u128(2));
    let sdk = sdk_cookie(&other, B, NOW - 1_000);
    assert_eq!(outcome(resolve(NOW, &device, None, Some(&sdk), Some(0))), New);
    let own = own_session(A, NOW - 10 * MINUTE);
    assert_eq!(
        outcome(resolve(NOW, &device, Some(own), Some(&sdk), Some(0))),
        Own(A)
    );
    // Not even as a second witness for a session that we know.
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
fn junk_is_no_cookie_of_ours() {
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
