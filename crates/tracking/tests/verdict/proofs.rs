//! How each event got its IDs.

use tracking::proof::{Place, joined, proof};
use tracking::verdict::Way;

use crate::life::{Life, MINUTE, whole};

#[test]
fn a_trial_leads_back_to_the_click() {
    let mut life = whole();
    let started = life.event("Trial started").clone();
    let click = life.event("Trial checkout clicked").clone();
    let proof = proof(&started, &life.events, &life.facts);
    let places: Vec<Place> = proof.chain.iter().map(|link| link.place).collect();
    assert_eq!(
        places,
        [Place::Browser, Place::Handoff, Place::Webhook, Place::Event]
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
    let mut life = whole();
    let canceled = life.event("Trial canceled").clone();
    let proof = proof(&canceled, &life.events, &life.facts);
    let places: Vec<Place> = proof.chain.iter().map(|link| link.place).collect();
    assert_eq!(places, [Place::Handoff, Place::Webhook, Place::Event]);
    let visit = life
        .facts
        .handoffs
        .iter()
        .find(|handoff| handoff.way == Way::Portal)
        .unwrap();
    assert_eq!(proof.chain[0].ids[0], ("Visit".to_owned(), visit.id.clone()));
}

#[test]
fn every_event_says_how_it_got_its_ids() {
    let mut life = whole();
    life.start_trial(60 * MINUTE).cancel_at_stripe();
    for event in &life.events {
        let proof = proof(event, &life.events, &life.facts);
        for words in [&proof.user, &proof.device, &proof.session] {
            assert!(
                words.ends_with('.') && !words.contains("does not say"),
                "{}: {words}",
                event.name
            );
        }
        let last = proof.chain.last().unwrap();
        assert_eq!(last.event.as_ref().unwrap().uuid, event.uuid);
    }
}

#[test]
fn a_renewal_has_no_one_behind_it() {
    let mut life = whole();
    let renewal = life.event("Subscription renewal").clone();
    let proof = proof(&renewal, &life.events, &life.facts);
    let places: Vec<Place> = proof.chain.iter().map(|link| link.place).collect();
    assert_eq!(places, [Place::Webhook, Place::Event]);
    assert!(proof.device.starts_with("None, by rule"), "{}", proof.device);
    assert!(proof.session.starts_with("None, by rule"), "{}", proof.session);
}

#[test]
fn an_anonymous_history_is_joined_by_the_event_that_names_the_user() {
    let mut life = Life::new();
    life.view("/pricing").sign_up().sign_out().view("/").sign_in();
    let joined = joined(&life.events);
    let told: Vec<(&str, usize, &str)> = joined
        .iter()
        .map(|joined| (joined.device.as_str(), joined.anonymous, joined.by.name.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("device-0001", 3, "Sign-up completed"),
            ("device-0002", 2, "Sign-in completed")
        ]
    );
    assert_eq!(joined[0].since_ms, life.events[0].time_ms);
}
