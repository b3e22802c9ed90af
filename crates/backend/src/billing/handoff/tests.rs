//! Which handoff counts for a change, and the metadata round trip with valid and invalid values.

use super::*;

const CHANGE: i64 = 1_795_000_000_000;
const TIMEOUT: i64 = 1_800_000;

fn account(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn device(name: &str) -> DeviceId {
    DeviceId::parse(&format!("device-{name}")).unwrap()
}

fn session() -> SessionId {
    SessionId::starting_at(CHANGE - 600_000)
}

/// A click of account 1, `after_ms` after the change. Its device shows which handoff counted.
fn click(name: &str, after_ms: i64) -> StripeHandoff {
    StripeHandoff {
        account: account(1),
        device: Some(device(name)),
        session: Some(session()),
        at_ms: CHANGE + after_ms,
        click: Some(InsertId::existing(format!("clicked-{name}"))),
        context: None,
    }
}

fn visit(name: &str, after_ms: i64) -> PortalVisit {
    PortalVisit {
        id: Uuid::from_u128(7),
        account: account(1),
        device: Some(device(name)),
        session: Some(session()),
        at_ms: CHANGE + after_ms,
        context: None,
    }
}

#[derive(Debug, PartialEq)]
enum Expect {
    /// Caused by this click.
    Click(&'static str),
    /// Caused by this visit.
    Visit(&'static str),
    /// Only the device is known.
    Device(&'static str),
    /// Unknown.
    Unknown,
}
use Expect::{Click, Device, Unknown, Visit};

/// Description, clicks, visits, expected result, and the event's time in ms after the change.
type Row = (&'static str, Vec<StripeHandoff>, Vec<PortalVisit>, Expect, i64);

#[test]
fn the_newest_handoff_of_the_account_counts() {
    let of_another = |name, after_ms| StripeHandoff {
        account: account(2),
        ..click(name, after_ms)
    };
    let visit_of_another = |name, after_ms| PortalVisit {
        account: account(2),
        ..visit(name, after_ms)
    };
    let without_session = |name, after_ms| StripeHandoff {
        session: None,
        ..click(name, after_ms)
    };
    let without_device = |name, after_ms| StripeHandoff {
        device: None,
        ..click(name, after_ms)
    };
    let rows: [Row; 24] = [
        ("no handoff", vec![], vec![], Unknown, 0),
        (
            "a click a moment ago",
            vec![click("a", -500)],
            vec![],
            Click("a"),
            0,
        ),
        (
            "a visit a moment ago",
            vec![],
            vec![visit("a", -500)],
            Visit("a"),
            0,
        ),
        (
            "exactly the timeout ago",
            vec![click("a", -TIMEOUT)],
            vec![],
            Click("a"),
            0,
        ),
        (
            "a millisecond more",
            vec![click("a", -TIMEOUT - 1)],
            vec![],
            Device("a"),
            0,
        ),
        (
            "an old visit",
            vec![],
            vec![visit("a", -TIMEOUT - 1)],
            Device("a"),
            0,
        ),
        (
            "in the same second",
            vec![click("a", 700)],
            vec![],
            Click("a"),
            701,
        ),
        ("at the very moment", vec![click("a", 0)], vec![], Click("a"), 1),
        (
            "case 17: our clock is 3 s ahead",
            vec![click("a", 3_000)],
            vec![visit("b", 2_999)],
            Click("a"),
            3_001,
        ),
        (
            "case 17: a visit by a clock that is 3 s ahead",
            vec![],
            vec![visit("a", 3_000)],
            Visit("a"),
            3_001,
        ),
        (
            "a click by a clock that is as far ahead as signatures allow",
            vec![click("a", 300_000)],
            vec![],
            Click("a"),
            300_001,
        ),
        (
            "later: what came after did not lead here",
            vec![click("a", 300_001)],
            vec![visit("b", 10_001)],
            Unknown,
            0,
        ),
        (
            "a visit after the change does not replace an earlier click",
            vec![click("a", -9)],
            vec![visit("b", 10_001)],
            Click("a"),
            0,
        ),
        (
            "case 15: a click of yesterday, before a Checkout page was completed",
            vec![click("a", -86_400_000)],
            vec![],
            Device("a"),
            0,
        ),
        (
            "case 15: a click of weeks ago",
            vec![click("a", -86_400_001)],
            vec![],
            Unknown,
            0,
        ),
        (
            "case 15: a visit whose portal session is over",
            vec![],
            vec![visit("a", -3_600_001)],
            Unknown,
            0,
        ),
        (
            "the newer of two clicks, in any order",
            vec![click("b", -9), click("a", -90)],
            vec![],
            Click("b"),
            0,
        ),
        (
            "a visit after the checkout",
            vec![click("a", -TIMEOUT * 9)],
            vec![visit("b", -9)],
            Visit("b"),
            0,
        ),
        (
            "a click after the visit",
            vec![click("a", -9)],
            vec![visit("b", -90)],
            Click("a"),
            0,
        ),
        (
            "a click of another account",
            vec![of_another("b", -9), click("a", -90)],
            vec![],
            Click("a"),
            0,
        ),
        (
            "only handoffs of another account",
            vec![of_another("b", -9)],
            vec![visit_of_another("b", -9)],
            Unknown,
            0,
        ),
        (
            "a handoff without a session",
            vec![without_session("a", 5)],
            vec![],
            Device("a"),
            6,
        ),
        (
            "a handoff without a device is not filled from an older one",
            vec![without_device("b", -9), click("a", -90)],
            vec![],
            Unknown,
            0,
        ),
        (
            "only old ones: the newest of them",
            vec![click("a", -TIMEOUT * 2)],
            vec![visit("b", -TIMEOUT * 3)],
            Device("a"),
            0,
        ),
    ];
    for (why, clicks, visits, expected, after_ms) in rows {
        let presence = present_ids(account(1), CHANGE, &clicks, &visits, TIMEOUT);
        let source = match presence.ids {
            PresentIds::Live {
                device,
                session: of,
                source,
                ..
            } => {
                assert_eq!(of, session(), "{why}");
                let name = device.as_str().strip_prefix("device-").unwrap().to_owned();
                match (&presence.caused_by, source) {
                    (Some(tracking::HandoffRef::Click(id)), IdSource::CheckoutHandoff) => {
                        assert_eq!(id.as_str(), format!("clicked-{name}"), "{why}");
                    }
                    (Some(tracking::HandoffRef::PortalVisit(id)), IdSource::PortalVisit) => {
                        assert_eq!(*id, Uuid::from_u128(7).to_string(), "{why}");
                    }
                    other => panic!("{why}: {other:?}"),
                }
                (Some(name), Some(source))
            }
            PresentIds::DeviceOnly { device } => (
                Some(device.as_str().strip_prefix("device-").unwrap().to_owned()),
                None,
            ),
            PresentIds::Unknown => (None, None),
        };
        let expected = match expected {
            Click(name) => (Some(name.to_owned()), Some(IdSource::CheckoutHandoff)),
            Visit(name) => (Some(name.to_owned()), Some(IdSource::PortalVisit)),
            Device(name) => (Some(name.to_owned()), None),
            Unknown => (None, None),
        };
        assert_eq!(source, expected, "{why}");
        assert_eq!(presence.time_ms, CHANGE + after_ms, "{why}");
    }
}

#[test]
fn an_old_handoff_is_not_the_cause() {
    let named = |after_ms| {
        present_ids(account(1), CHANGE, &[click("a", after_ms)], &[], TIMEOUT)
            .caused_by
            .is_some()
    };
    assert!(named(-TIMEOUT));
    assert!(!named(-TIMEOUT - 1));
    assert!(!named(CLICK_TOLERANCE_MS + 1));
    // Without cookies the browser is unknown, but the click is known.
    let without_device = StripeHandoff {
        device: None,
        session: None,
        ..click("a", -9)
    };
    let presence = present_ids(account(1), CHANGE, &[without_device], &[], TIMEOUT);
    assert_eq!(
        (presence.ids, presence.caused_by),
        (
            PresentIds::Unknown,
            Some(tracking::HandoffRef::Click(InsertId::existing("clicked-a")))
        )
    );
}

#[test]
fn metadata_round_trip() {
    let ids = [
        PresentIds::Live {
            device: device("a"),
            session: session(),
            source: IdSource::SdkCookie,
            context: Box::default(),
        },
        PresentIds::DeviceOnly { device: device("a") },
        PresentIds::Unknown,
    ];
    for ids in &ids {
        for click in [None, Some(InsertId::existing("0b0e7a52-click"))] {
            let handoff = StripeHandoff::new(account(1), ids, CHANGE, click);
            // The context stays in our row.
            let carried = StripeHandoff {
                context: None,
                ..handoff.clone()
            };
            assert_eq!(StripeHandoff::read(&handoff.metadata()), Some(carried.clone()));
            assert_eq!(
                StripeHandoff::read(&handoff.replacement_metadata()),
                Some(carried.clone())
            );
            assert_eq!(
                carried.with_noted_context(std::slice::from_ref(&handoff)),
                handoff
            );
            // Values that are absent from new metadata are removed by replacement metadata.
            assert_eq!(handoff.replacement_metadata().len(), KEYS.len());
            for (key, value) in handoff.replacement_metadata() {
                assert_eq!(
                    handoff.metadata().get(&key),
                    Some(value).filter(|value| !value.is_empty()).as_ref()
                );
            }
        }
    }
    assert_eq!(StripeHandoff::read(&StripeHandoff::removal_metadata()), None);
    assert!(
        StripeHandoff::removal_metadata()
            .keys()
            .eq(click("a", 0).metadata().keys())
    );
}

/// Otherwise Stripe rejects the whole request.
#[test]
fn metadata_respects_stripes_limits() {
    let longest = StripeHandoff {
        account: account(u128::MAX),
        device: DeviceId::parse(&"d".repeat(DeviceId::MAX_LEN)),
        session: SessionId::from_ms(9_999_999_999_999),
        at_ms: 9_999_999_999_999,
        click: Some(InsertId::existing("c".repeat(10_000))),
        context: None,
    };
    for metadata in [longest.metadata(), longest.replacement_metadata()] {
        assert!(metadata.len() <= 50);
        for (key, value) in metadata {
            assert!(key.chars().count() <= 40, "{key}");
            assert!(value.chars().count() <= 500, "{key}");
        }
    }
    assert_eq!(
        longest.metadata().get(CLICK),
        None,
        "an unreadable click is not written"
    );
}

#[test]
fn invalid_metadata_values_are_dropped() {
    let good = click("a", 0);
    let with = |key: &str, value: &str| {
        let mut metadata = good.metadata();
        metadata.insert(key.to_owned(), value.to_owned());
        StripeHandoff::read(&metadata)
    };
    let long = "x".repeat(65);
    for bad in [
        "",
        "ada@example.com",
        "00000000-0000-0000-0000-000000000000",
        "' or 1=1",
        &long,
    ] {
        assert_eq!(with(USER, bad), None, "{bad:?}");
    }
    for bad in [
        "",
        "0",
        "-1",
        "1795000000",
        "17950000000000",
        "now",
        "1795000000.000",
        "９７９５０００００００００",
    ] {
        assert_eq!(with(AT, bad), None, "{bad:?}");
        let without = StripeHandoff {
            session: None,
            ..good.clone()
        };
        assert_eq!(with(SESSION, bad), Some(without), "{bad:?}");
    }
    for bad in [
        "",
        "undefined",
        "<script>alert(1)",
        "short",
        "line\r\nbreak",
        &long,
    ] {
        let without = StripeHandoff {
            device: None,
            ..good.clone()
        };
        assert_eq!(with(DEVICE, bad), Some(without), "{bad:?}");
    }
    for bad in [
        "",
        "short",
        "with space in it",
        "click-\u{202e}",
        "click\0id",
        &long,
    ] {
        let without = StripeHandoff {
            click: None,
            ..good.clone()
        };
        assert_eq!(with(CLICK, bad), Some(without), "{bad:?}");
    }
    assert_eq!(with("another_key", "key"), Some(good));
    assert_eq!(StripeHandoff::read(&BTreeMap::new()), None);
}
