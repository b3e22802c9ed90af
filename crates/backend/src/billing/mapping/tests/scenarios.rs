//! Scenarios, and the events that each gives.

use std::collections::BTreeMap;

use super::simulation::{RecordedWebhook, Simulation};
use super::*;

pub(super) type Scenario = (&'static str, fn() -> Simulation, &'static [&'static str]);

pub(super) const SCENARIOS: [Scenario; 14] = [
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
        "payment retries exhausted",
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

fn converts() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(3);
    simulation.end_trial();
    simulation.settle("in_1", "subscription_cycle", 1200, 30);
    simulation
}

fn canceled() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(1);
    simulation.cancel_in_app();
    simulation.wait(2);
    simulation.end();
    simulation
}

fn twice() -> Simulation {
    let mut simulation = Simulation::on_trial();
    for _ in 0..2 {
        simulation.cancel_in_app();
        simulation.resume_in_app();
    }
    simulation.wait(3);
    simulation.end_trial();
    simulation.settle("in_1", "subscription_cycle", 1200, 30);
    simulation
}

fn no_card() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(3);
    simulation.end();
    simulation
}

fn recovers() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(3);
    simulation.end_trial();
    simulation.decline("in_1", 1);
    simulation.decline("in_1", 2);
    simulation.recover("in_1");
    simulation
}

fn fails_for_good() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(3);
    simulation.end_trial();
    for attempt in 1..=3 {
        simulation.decline("in_1", attempt);
    }
    simulation.end();
    simulation
}

fn renews() -> Simulation {
    let mut simulation = Simulation::paid_at_once();
    simulation.renew("in_2");
    simulation.renew("in_3");
    simulation.cancel_in_app();
    simulation.wait(30);
    simulation.end();
    simulation
}

fn pays_late() -> Simulation {
    let mut simulation = Simulation::paid_at_once();
    simulation.wait(30);
    simulation.decline("in_2", 1);
    simulation.renew("in_3");
    simulation.recover("in_2");
    simulation
}

fn refunds() -> Simulation {
    let mut simulation = Simulation::paid_at_once();
    simulation.refund("re_1", 300);
    let whole = simulation.refund("re_2", 900);
    simulation.cancel_in_app();
    simulation.wait(30);
    simulation.end();
    simulation.fail(whole);
    simulation
}

fn goes_yearly() -> Simulation {
    let mut simulation = converts();
    simulation.wait(5);
    simulation.go_yearly();
    simulation.wait(5);
    simulation.cancel_in_app();
    simulation
}

fn goes_yearly_on_trial() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.go_yearly();
    simulation.wait(3);
    simulation.end_trial();
    simulation.settle("in_1", "subscription_cycle", 12_000, 365);
    simulation
}

fn classic_portal() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(1);
    simulation.cancel_in_portal(false);
    simulation.resume_in_portal();
    simulation.wait(2);
    simulation.end_trial();
    simulation.settle("in_1", "subscription_cycle", 1200, 30);
    simulation
}

fn flexible_portal() -> Simulation {
    let mut simulation = converts();
    simulation.wait(5);
    simulation.cancel_in_portal(true);
    simulation.resume_in_portal();
    simulation.wait(1);
    simulation.cancel_in_portal(true);
    simulation.wait(20);
    simulation.end();
    simulation
}

fn pays_after_the_end() -> Simulation {
    let mut simulation = Simulation::on_trial();
    simulation.wait(3);
    simulation.end_trial();
    simulation.decline("in_1", 1);
    simulation.end();
    simulation.wait(1);
    simulation.settle("in_1", "subscription_cycle", 1200, 30);
    simulation
}

/// The events without user properties, which depend on the fetched state.
pub(super) fn tracked_events(step: &RecordedWebhook, input: &InputJson) -> Vec<Value> {
    let mut events = input.events(&step.webhook);
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
fn every_scenario_gives_its_events() {
    for (why, simulate, expected) in SCENARIOS {
        let simulation = simulate();
        let paid_cents = simulation.paid_cents;
        let steps = simulation.steps();
        let events: Vec<_> = steps
            .iter()
            .flat_map(|step| tracked_events(step, &step.input))
            .collect();
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
        assert!((revenue * 100.0).round() as i64 == paid_cents, "{why}: {revenue}");
    }
}

#[test]
fn present_events_have_a_session_and_system_events_have_none() {
    for (why, simulate, _) in SCENARIOS {
        for step in simulate().steps() {
            for event in tracked_events(&step, &step.input) {
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
