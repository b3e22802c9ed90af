//! Whole lives, and the events that each becomes.

use std::collections::BTreeMap;

use super::life::{Life, Step};
use super::*;

pub(super) type Lived = (&'static str, fn() -> Life, &'static [&'static str]);

pub(super) const LIVES: [Lived; 14] = [
    (
        "the trial converts",
        converts,
        &["Trial started", "Trial converted"],
    ),
    (
        "canceled during the trial",
        canceled,
        &["Trial started", "Trial canceled", "Trial expiration"],
    ),
    (
        "canceled and resumed, twice",
        twice,
        &[
            "Trial started",
            "Trial canceled",
            "Trial resumed",
            "Trial canceled",
            "Trial resumed",
            "Trial converted",
        ],
    ),
    (
        "no card at the end",
        no_card,
        &["Trial started", "Trial expiration"],
    ),
    (
        "the card fails, then recovers",
        recovers,
        &[
            "Trial started",
            "Payment failure",
            "Payment failure",
            "Trial converted",
        ],
    ),
    (
        "the card fails for good",
        fails_for_good,
        &[
            "Trial started",
            "Payment failure",
            "Payment failure",
            "Payment failure",
            "Trial expiration",
        ],
    ),
    (
        "renewals, then an end",
        renews,
        &[
            "Subscription started",
            "Subscription renewal",
            "Subscription renewal",
            "Subscription canceled",
            "Subscription expiration",
        ],
    ),
    (
        "a renewal is paid late, after the next one",
        pays_late,
        &[
            "Subscription started",
            "Payment failure",
            "Subscription renewal",
            "Subscription renewal",
        ],
    ),
    (
        "refunds, one of them failed later",
        refunds,
        &[
            "Subscription started",
            "Subscription refund",
            "Subscription refund",
            "Subscription canceled",
            "Subscription expiration",
            "Subscription refund",
        ],
    ),
    (
        "month to year",
        goes_yearly,
        &[
            "Trial started",
            "Trial converted",
            "Subscription changed",
            "Subscription canceled",
        ],
    ),
    (
        "month to year during the trial",
        goes_yearly_on_trial,
        &["Trial started", "Subscription changed", "Trial converted"],
    ),
    (
        "the portal, classic, in a later session",
        classic_portal,
        &[
            "Trial started",
            "Trial canceled",
            "Trial resumed",
            "Trial converted",
        ],
    ),
    (
        "the portal, flexible, in a later session",
        flexible_portal,
        &[
            "Trial started",
            "Trial converted",
            "Subscription canceled",
            "Subscription resumed",
            "Subscription canceled",
            "Subscription expiration",
        ],
    ),
    (
        "paid after the trial had expired",
        pays_after_the_end,
        &[
            "Trial started",
            "Payment failure",
            "Trial expiration",
            "Trial converted",
        ],
    ),
];

fn converts() -> Life {
    let mut life = Life::on_trial();
    life.wait(3);
    life.end_trial();
    life.settle("in_1", "subscription_cycle", 1200, 30);
    life
}

fn canceled() -> Life {
    let mut life = Life::on_trial();
    life.wait(1);
    life.cancel_in_app();
    life.wait(2);
    life.end();
    life
}

fn twice() -> Life {
    let mut life = Life::on_trial();
    for _ in 0..2 {
        life.cancel_in_app();
        life.resume_in_app();
    }
    life.wait(3);
    life.end_trial();
    life.settle("in_1", "subscription_cycle", 1200, 30);
    life
}

fn no_card() -> Life {
    let mut life = Life::on_trial();
    life.wait(3);
    life.end();
    life
}

fn recovers() -> Life {
    let mut life = Life::on_trial();
    life.wait(3);
    life.end_trial();
    life.decline("in_1", 1);
    life.decline("in_1", 2);
    life.recover("in_1");
    life
}

fn fails_for_good() -> Life {
    let mut life = Life::on_trial();
    life.wait(3);
    life.end_trial();
    for attempt in 1..=3 {
        life.decline("in_1", attempt);
    }
    life.end();
    life
}

fn renews() -> Life {
    let mut life = Life::paid_at_once();
    life.renew("in_2");
    life.renew("in_3");
    life.cancel_in_app();
    life.wait(30);
    life.end();
    life
}

fn pays_late() -> Life {
    let mut life = Life::paid_at_once();
    life.wait(30);
    life.decline("in_2", 1);
    life.renew("in_3");
    life.recover("in_2");
    life
}

fn refunds() -> Life {
    let mut life = Life::paid_at_once();
    life.refund("re_1", 300);
    let whole = life.refund("re_2", 900);
    life.cancel_in_app();
    life.wait(30);
    life.end();
    life.fail(whole);
    life
}

fn goes_yearly() -> Life {
    let mut life = converts();
    life.wait(5);
    life.go_yearly();
    life.wait(5);
    life.cancel_in_app();
    life
}

fn goes_yearly_on_trial() -> Life {
    let mut life = Life::on_trial();
    life.go_yearly();
    life.wait(3);
    life.end_trial();
    life.settle("in_1", "subscription_cycle", 12_000, 365);
    life
}

fn classic_portal() -> Life {
    let mut life = Life::on_trial();
    life.wait(1);
    life.cancel_in_portal(false);
    life.resume_in_portal();
    life.wait(2);
    life.end_trial();
    life.settle("in_1", "subscription_cycle", 1200, 30);
    life
}

fn flexible_portal() -> Life {
    let mut life = converts();
    life.wait(5);
    life.cancel_in_portal(true);
    life.resume_in_portal();
    life.wait(1);
    life.cancel_in_portal(true);
    life.wait(20);
    life.end();
    life
}

fn pays_after_the_end() -> Life {
    let mut life = Life::on_trial();
    life.wait(3);
    life.end_trial();
    life.decline("in_1", 1);
    life.end();
    life.wait(1);
    life.settle("in_1", "subscription_cycle", 1200, 30);
    life
}

/// Without the user properties, which are meant to follow what is fetched.
pub(super) fn told(step: &Step, known: &Known) -> Vec<Value> {
    let mut events = known.events(&step.webhook);
    for event in &mut events {
        event.as_object_mut().unwrap().remove("user_properties");
    }
    events
}

/// The outbox keeps the first event of an insert ID.
pub(super) fn outbox(events: impl IntoIterator<Item = Value>) -> BTreeMap<String, Value> {
    let mut kept = BTreeMap::new();
    for event in events {
        let insert_id = event["insert_id"].as_str().unwrap().to_owned();
        kept.entry(insert_id).or_insert(event);
    }
    kept
}

#[test]
fn every_life_becomes_its_events() {
    for (why, live, expected) in LIVES {
        let life = live();
        let moved = life.moved;
        let steps = life.steps();
        let events: Vec<_> = steps.iter().flat_map(|step| told(step, &step.known)).collect();
        let names: Vec<_> = events
            .iter()
            .map(|event| event["event_type"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{why}");
        assert_eq!(
            outbox(events.clone()).len(),
            events.len(),
            "{why}: one insert ID each"
        );

        let revenue: f64 = events
            .iter()
            .filter_map(|event| event.get("revenue")?.as_f64())
            .sum();
        assert!((revenue * 100.0).round() as i64 == moved, "{why}: {revenue}");
    }
}

#[test]
fn present_events_are_in_the_session_of_their_click_and_system_events_in_none() {
    for (why, live, _) in LIVES {
        for step in live().steps() {
            for event in told(&step, &step.known) {
                let name = event["event_type"].as_str().unwrap();
                let present = name == "Trial started"
                    || name == "Subscription started"
                    || ["canceled", "resumed", "changed"]
                        .iter()
                        .any(|verb| name.ends_with(verb));
                assert_eq!(event.get("session_id").is_some(), present, "{why}: {name}");
                assert_eq!(event.get("device_id").is_some(), present, "{why}: {name}");
            }
        }
    }
}
