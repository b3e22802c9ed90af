//! How each event got its IDs.

use tracking::proof::{Place, merged_histories, proof};
use tracking::verdict::HandoffKind;

use crate::scenario::{DAY, MINUTE, Scenario, full_scenario};

#[test]
fn a_trial_leads_back_to_the_click() {
    let mut scenario = full_scenario();
    let started = scenario.event("Trial started").clone();
    let click = scenario.event("Trial checkout clicked").clone();
    let proof = proof(&started, &scenario.events, &scenario.facts);
    let places: Vec<Place> = proof.chain.iter().map(|step| step.place).collect();
    assert_eq!(
        places,
        [Place::Browser, Place::HandoffRef, Place::Webhook, Place::Event]
    );
    let [clicked, handoff, webhook, event] = &proof.chain[..] else {
        panic!("{proof:#?}")
    };
    assert_eq!(clicked.event.as_ref().unwrap().uuid, click.uuid);
    let id = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        handoff.ids,
        [
            id("seam_click", click.insert_id.as_deref().unwrap()),
            id("seam_device", click.device.as_deref().unwrap()),
            id("seam_session", &click.session.unwrap().to_string()),
        ]
    );
    assert_eq!(
        webhook.ids[0].1,
        started.properties["stripe_event"].as_str().unwrap()
    );
    assert_eq!(event.ids, [id("Insert ID", "trial-started:sub_1")]);
    assert!(proof.session.contains("metadata"), "{}", proof.session);
}

#[test]
fn a_portal_visit_has_no_click_event() {
    let mut scenario = full_scenario();
    let canceled = scenario.event("Trial canceled").clone();
    let proof = proof(&canceled, &scenario.events, &scenario.facts);
    let places: Vec<Place> = proof.chain.iter().map(|step| step.place).collect();
    assert_eq!(places, [Place::HandoffRef, Place::Webhook, Place::Event]);
    let visit = scenario
        .facts
        .handoffs
        .iter()
        .find(|handoff| handoff.kind == HandoffKind::Portal)
        .unwrap();
    assert_eq!(proof.chain[0].ids[0], ("Visit".to_owned(), visit.id.clone()));
}

#[test]
fn every_event_has_a_proof() {
    let mut scenario = full_scenario();
    scenario.start_trial(60 * MINUTE).cancel_at_stripe(DAY);
    for event in &scenario.events {
        let proof = proof(event, &scenario.events, &scenario.facts);
        for sentence in [&proof.user, &proof.device, &proof.session] {
            assert!(
                sentence.ends_with('.') && !sentence.contains("has no `stitched_by`"),
                "{}: {sentence}",
                event.name
            );
        }
        let last = proof.chain.last().unwrap();
        assert_eq!(last.event.as_ref().unwrap().uuid, event.uuid);
    }
}

#[test]
fn a_renewal_has_no_click() {
    let mut scenario = full_scenario();
    let renewal = scenario.event("Subscription renewal").clone();
    let proof = proof(&renewal, &scenario.events, &scenario.facts);
    let places: Vec<Place> = proof.chain.iter().map(|step| step.place).collect();
    assert_eq!(places, [Place::Webhook, Place::Event]);
    assert!(proof.device.starts_with("None, by rule"), "{}", proof.device);
    assert!(proof.session.starts_with("None, by rule"), "{}", proof.session);
}

#[test]
fn an_anonymous_history_is_merged_by_the_first_event_with_a_user() {
    let mut scenario = Scenario::new();
    scenario.view("/pricing").sign_up().sign_out().view("/").sign_in();
    let merged = merged_histories(&scenario.events);
    let listed: Vec<(&str, usize, &str)> = merged
        .iter()
        .map(|history| {
            (
                history.device.as_str(),
                history.anonymous_events,
                history.identified_by.name.as_str(),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("device-0001", 3, "Sign-up completed"),
            ("device-0002", 2, "Sign-in completed")
        ]
    );
    assert_eq!(merged[0].since_ms, scenario.events[0].time_ms);
}
