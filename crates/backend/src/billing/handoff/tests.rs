//! Rows of who was there, and metadata in good and in bad hands.

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

/// A click of account 1, so many ms after the change; the device tells which one won.
fn click(name: &str, after_ms: i64) -> Handoff {
    Handoff {
        account: account(1),
        device: Some(device(name)),
        session: Some(session()),
        at_ms: CHANGE + after_ms,
        click: Some(InsertId::existing(format!("clicked-{name}"))),
    }
}

fn visit(name: &str, after_ms: i64) -> PortalVisit {
    PortalVisit {
        id: Uuid::from_u128(7),
        account: account(1),
        device: Some(device(name)),
        session: Some(session()),
        at_ms: CHANGE + after_ms,
    }
}

#[derive(Debug, PartialEq)]
enum Expect {
    /// By this click.
    Click(&'static str),
    /// By this visit.
    Visit(&'static str),
    /// This browser, of old.
    Device(&'static str),
    /// Nobody known.
    Unknown,
}
use Expect::{Click, Device, Unknown, Visit};

/// Why, what was noted, who it was, and how many ms after the change the event is.
type Row = (&'static str, Vec<Handoff>, Vec<PortalVisit>, Expect, i64);

#[test]
fn the_newest_handoff_of_the_account_counts() {
    let of_another = |name, after_ms| Handoff {
        account: account(2),
        ..click(name, after_ms)
    };
    let visit_of_another = |name, after_ms| PortalVisit {
        account: account(2),
        ..visit(name, after_ms)
    };
    let without_session = |name, after_ms| Handoff {
        session: None,
        ..click(name, after_ms)
    };
    let without_device = |name, after_ms| Handoff {
        device: None,
        ..click(name, after_ms)
    };
    let rows: [Row; 19] = [
        ("nothing was noted", vec![], vec![], Unknown, 0),
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
            "a visit of old",
            vec![],
            vec![visit("a", -TIMEOUT - 1)],
            Device("a"),
            0,
        ),
        (
            "in the second of the change",
            vec![click("a", 700)],
            vec![],
            Click("a"),
            701,
        ),
        ("at the very moment", vec![click("a", 0)], vec![], Click("a"), 1),
        (
            "as late as clocks differ",
            vec![click("a", 2_000)],
            vec![],
            Click("a"),
            2_001,
        ),
        (
            "later: what came after did not lead here",
            vec![click("a", 2_001)],
            vec![],
            Unknown,
            0,
        ),
        (
            "a later one does not hide the one before",
            vec![click("a", -9), click("b", 2_001)],
            vec![],
            Click("a"),
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
            "somebody else's click",
            vec![of_another("b", -9), click("a", -90)],
            vec![],
            Click("a"),
            0,
        ),
        (
            "somebody else's alone",
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
        let found = match presence.ids {
            PresentIds::Live {
                device,
                session: of,
                found,
            } => {
                assert_eq!(of, session(), "{why}");
                let name = device.as_str().strip_prefix("device-").unwrap().to_owned();
                match (&presence.led_by, found) {
                    (Some(tracking::Handoff::Click(id)), Found::CheckoutHandoff) => {
                        assert_eq!(id.as_str(), format!("clicked-{name}"), "{why}");
                    }
                    (Some(tracking::Handoff::PortalVisit(id)), Found::PortalVisit) => {
                        assert_eq!(*id, Uuid::from_u128(7).to_string(), "{why}");
                    }
                    other => panic!("{why}: {other:?}"),
                }
                (Some(name), Some(found))
            }
            PresentIds::DeviceOnly { device } => (
                Some(device.as_str().strip_prefix("device-").unwrap().to_owned()),
                None,
            ),
            PresentIds::Unknown => (None, None),
        };
        let expected = match expected {
            Click(name) => (Some(name.to_owned()), Some(Found::CheckoutHandoff)),
            Visit(name) => (Some(name.to_owned()), Some(Found::PortalVisit)),
            Device(name) => (Some(name.to_owned()), None),
            Unknown => (None, None),
        };
        assert_eq!(found, expected, "{why}");
        assert_eq!(presence.time_ms, CHANGE + after_ms, "{why}");
    }
}

#[test]
fn what_did_not_lead_to_a_change_is_not_named() {
    let named = |after_ms| {
        present_ids(account(1), CHANGE, &[click("a", after_ms)], &[], TIMEOUT)
            .led_by
            .is_some()
    };
    assert!(named(-TIMEOUT));
    assert!(!named(-TIMEOUT - 1));
    assert!(!named(SKEW_MS + 1));
    // Cookies refused: the browser is not known, the click is.
    let without_device = Handoff {
        device: None,
        session: None,
        ..click("a", -9)
    };
    let presence = present_ids(account(1), CHANGE, &[without_device], &[], TIMEOUT);
    assert_eq!(
        (presence.ids, presence.led_by),
        (
            PresentIds::Unknown,
            Some(tracking::Handoff::Click(InsertId::existing("clicked-a")))
        )
    );
}

#[test]
fn metadata_comes_back_as_it_went() {
    let ids = [
        PresentIds::Live {
            device: device("a"),
            session: session(),
            found: Found::SdkCookie,
        },
        PresentIds::DeviceOnly { device: device("a") },
        PresentIds::Unknown,
    ];
    for ids in &ids {
        for click in [None, Some(InsertId::existing("0b0e7a52-click"))] {
            let handoff = Handoff::new(account(1), ids, CHANGE, click);
            assert_eq!(Handoff::read(&handoff.metadata()), Some(handoff.clone()));
            assert_eq!(
                Handoff::read(&handoff.metadata_over_older()),
                Some(handoff.clone())
            );
            // What is left out when it is new is removed when it is not.
            assert_eq!(handoff.metadata_over_older().len(), KEYS.len());
            for (key, value) in handoff.metadata_over_older() {
                assert_eq!(
                    handoff.metadata().get(&key),
                    Some(value).filter(|value| !value.is_empty()).as_ref()
                );
            }
        }
    }
    assert_eq!(Handoff::read(&Handoff::withdrawn()), None);
    assert!(Handoff::withdrawn().keys().eq(click("a", 0).metadata().keys()));
}

/// Stripe refuses the whole call otherwise.
#[test]
fn metadata_keeps_stripe_s_limits() {
    let longest = Handoff {
        account: account(u128::MAX),
        device: DeviceId::parse(&"d".repeat(DeviceId::MAX_LEN)),
        session: SessionId::from_ms(9_999_999_999_999),
        at_ms: 9_999_999_999_999,
        click: Some(InsertId::existing("c".repeat(10_000))),
    };
    for metadata in [longest.metadata(), longest.metadata_over_older()] {
        assert!(metadata.len() <= 50);
        for (key, value) in metadata {
            assert!(key.chars().count() <= 40, "{key}");
            assert!(value.chars().count() <= 500, "{key}");
        }
    }
    assert_eq!(
        longest.metadata().get(CLICK),
        None,
        "a click that we would not read is not written"
    );
}

#[test]
fn metadata_in_other_hands_is_absent_where_it_is_bad() {
    let good = click("a", 0);
    let with = |key: &str, value: &str| {
        let mut metadata = good.metadata();
        metadata.insert(key.to_owned(), value.to_owned());
        Handoff::read(&metadata)
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
        let without = Handoff {
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
        let without = Handoff {
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
        let without = Handoff {
            click: None,
            ..good.clone()
        };
        assert_eq!(with(CLICK, bad), Some(without), "{bad:?}");
    }
    assert_eq!(with("somebody_elses", "key"), Some(good));
    assert_eq!(Handoff::read(&BTreeMap::new()), None);
}
