//! The outcome of each rule for correct, explained and broken timelines.

use serde_json::json;
use tracking::verdict::{
    ConsentChange, HandoffKind, Rule, RuleOutcome, TimelineFacts, UndeliveredEvent, verdict,
};
use tracking::{Consent, StitchedBy};

use crate::broken_timelines::{BROKEN_TIMELINES, blocked, unstitch};
use crate::scenario::{DAY, MINUTE, Scenario, full_scenario, properties};

#[test]
fn every_rule_holds_for_a_correct_timeline() {
    let scenario = full_scenario();
    let verdict = verdict(&scenario.events, &scenario.facts);
    assert!(verdict.clean, "{:#?}", verdict.rulings);
    assert_eq!(verdict.rules(RuleOutcome::Holds), Rule::ALL);
    assert_eq!(verdict.summary(), "Every rule holds.");
    // Every rule checked an event, except the one about consent, which was never denied.
    let idle: Vec<Rule> = verdict
        .rulings
        .iter()
        .filter(|ruling| ruling.checked == 0)
        .map(|ruling| ruling.rule)
        .collect();
    assert_eq!(idle, [Rule::NothingWithoutConsent]);
}

#[test]
fn each_broken_timeline_breaks_exactly_its_rules() {
    for broken_timeline in BROKEN_TIMELINES {
        let scenario = (broken_timeline.scenario)();
        let verdict = verdict(&scenario.events, &scenario.facts);
        let broken = verdict.rules(RuleOutcome::Broken);
        assert_eq!(
            broken, broken_timeline.breaks,
            "{}: {:#?}",
            broken_timeline.name, verdict.rulings
        );
        assert!(!verdict.clean, "{}", broken_timeline.name);
        let first = verdict
            .rulings
            .iter()
            .find(|ruling| ruling.rule == broken_timeline.breaks[0])
            .unwrap();
        let named = first
            .findings
            .iter()
            .filter(|finding| finding.outcome == RuleOutcome::Broken);
        let names: Vec<&str> = named
            .clone()
            .map(|finding| finding.event.as_ref().map_or("", |event| event.name.as_str()))
            .collect();
        assert!(
            names.contains(&broken_timeline.event),
            "{}: {names:?}",
            broken_timeline.name
        );
        for finding in named {
            assert!(
                finding.reason.ends_with('.'),
                "{}: {}",
                broken_timeline.name,
                finding.reason
            );
        }
    }
}

#[test]
fn every_rule_has_a_broken_timeline() {
    for rule in Rule::ALL {
        let seeded = BROKEN_TIMELINES.iter().any(|timeline| timeline.breaks[0] == rule);
        assert!(seeded, "{}", rule.title());
    }
}

/// Irregularities that the facts explain, with the rules that report them.
#[test]
fn explained_timelines_are_clean() {
    type Row = (&'static str, &'static [Rule], fn() -> Scenario);
    let rows: [Row; 10] = [
        ("the SDK never ran", &[Rule::PresentInSession], || {
            let mut scenario = blocked();
            scenario.sign_out().sign_in();
            scenario
        }),
        (
            "an hour of page views without the SDK",
            &[Rule::PresentInSession, Rule::NoStretchedSession],
            || {
                let mut scenario = blocked();
                let session = scenario.session();
                scenario.wait(60 * MINUTE).sign_out();
                scenario.event("Sign-out completed").session = Some(session);
                scenario
            },
        ),
        (
            "Checkout without the SDK",
            &[Rule::PresentInSession, Rule::CausalOrder],
            || {
                let mut scenario = blocked();
                scenario.start_trial(30_000);
                scenario
            },
        ),
        (
            "a webhook an hour after the click",
            &[Rule::StitchedAsKnown],
            || {
                let mut scenario = Scenario::new();
                scenario.sign_up().start_trial(60 * MINUTE).convert();
                scenario
            },
        ),
        ("a change in Stripe's dashboard", &[Rule::StitchedAsKnown], || {
            let mut scenario = Scenario::new();
            scenario.sign_up().start_trial(30_000).cancel_at_stripe(DAY);
            scenario
        }),
        (
            "staff repeat a user's cancellation minutes later",
            &[Rule::StitchedAsKnown],
            || {
                let mut scenario = Scenario::new();
                scenario.sign_up().start_trial(30_000);
                scenario
                    .cancel(HandoffKind::Cancel, true)
                    .cancel_at_stripe(10 * MINUTE);
                scenario
            },
        ),
        (
            "a browser that has not sent a device cookie yet",
            &[Rule::StitchedAsKnown],
            || {
                let mut scenario = blocked();
                unstitch(&mut scenario, "Sign-up completed", StitchedBy::NoneKnown);
                scenario
            },
        ),
        (
            "a conversion on its kind",
            &[Rule::CausalOrder, Rule::RevenueEqualsLedger],
            || {
                let mut scenario = full_scenario();
                scenario.without("Trial converted");
                scenario.facts.undelivered.push(UndeliveredEvent {
                    insert_id: "trial-converted:sub_1".into(),
                    entry: Some("in_1".into()),
                    parked: None,
                });
                scenario
            },
        ),
        (
            "a clock that is half a second ahead",
            &[Rule::CausalOrder],
            || {
                let mut scenario = full_scenario();
                let started = scenario.event("Trial started").time_ms;
                scenario.event("Trial checkout clicked").time_ms = started + 500;
                scenario
            },
        ),
        (
            "tracking denied before the renewal",
            &[Rule::RevenueEqualsLedger],
            || {
                let mut scenario = Scenario::new();
                scenario.sign_up().start_trial(30_000).convert();
                scenario.facts.consent.push(ConsentChange {
                    at_ms: scenario.now + 1,
                    consent: Consent::Denied,
                });
                scenario.renew();
                scenario.without("Subscription renewal");
                scenario
            },
        ),
    ];
    for (name, explained, scenario) in rows {
        let scenario = scenario();
        let verdict = verdict(&scenario.events, &scenario.facts);
        assert!(verdict.clean, "{name}: {:#?}", verdict.rulings);
        assert_eq!(
            verdict.rules(RuleOutcome::Explained),
            explained,
            "{name}: {:#?}",
            verdict.rulings
        );
    }
}

#[test]
fn a_later_consent_explains_a_missing_sign_up() {
    let mut scenario = full_scenario();
    let agreed = scenario.event("Sign-up completed").time_ms + 1;
    scenario.events.retain(|event| event.time_ms > agreed);
    scenario.facts.consent.push(ConsentChange {
        at_ms: agreed,
        consent: Consent::Granted,
    });
    let verdict = verdict(&scenario.events, &scenario.facts);
    assert!(verdict.clean, "{:#?}", verdict.rulings);
    assert_eq!(verdict.rules(RuleOutcome::Explained), [Rule::CausalOrder]);
}

/// A visitor comes from a campaign, and in the same session from another site without one.
#[test]
fn the_newest_touch_of_a_session_counts() {
    let mut scenario = Scenario::new();
    let landing = properties(scenario.event("[Amplitude] Page Viewed"));
    landing.insert("utm_source".into(), json!("newsletter"));
    scenario.view("/pricing");
    let referred = properties(scenario.events.last_mut().unwrap());
    referred.insert("referring_domain".into(), json!("news.example.net"));
    scenario.sign_up();
    for (name, value, expected) in [
        ("utm_source", "newsletter", true),
        ("referring_domain", "news.example.net", true),
        ("referring_domain", "other.example", false),
    ] {
        let event = properties(scenario.event("Sign-up completed"));
        event.retain(|key, _| key != "utm_source" && key != "referring_domain");
        event.insert(name.into(), json!(value));
        let verdict = verdict(&scenario.events, &scenario.facts);
        assert_eq!(verdict.clean, expected, "{name}={value}: {:#?}", verdict.rulings);
    }
}

#[test]
fn events_that_were_not_read_are_not_reported_as_missing() {
    let mut scenario = full_scenario();
    let cut = scenario.event("Subscription refund").time_ms;
    scenario.events.retain(|event| event.time_ms >= cut);
    scenario.facts.read_from_ms = Some(cut);
    let verdict = verdict(&scenario.events, &scenario.facts);
    assert!(verdict.clean, "{:#?}", verdict.rulings);
}

#[test]
fn without_the_stand_in_a_device_that_no_browser_has_is_derived() {
    let mut scenario = full_scenario();
    for event in &mut scenario.events {
        event.raw = json!({});
        event.derived_device = false;
        event.plan = None;
    }
    assert!(verdict(&scenario.events, &scenario.facts).clean);
    let device = scenario.events[0].device.clone();
    scenario.event("Subscription renewal").device = device;
    let broken = verdict(&scenario.events, &scenario.facts).rules(RuleOutcome::Broken);
    assert_eq!(broken, [Rule::SystemWithoutIds]);
}

#[test]
fn verdict_and_facts_round_trip_through_json() {
    let scenario = full_scenario();
    let expected = verdict(&scenario.events, &scenario.facts);
    let json = serde_json::to_value(&expected).unwrap();
    assert_eq!(json["clean"], true);
    assert_eq!(json["rulings"][0]["rule"], "one person");
    assert_eq!(json["rulings"][0]["standing"], "holds");
    for ruling in &expected.rulings {
        assert_eq!(serde_json::to_value(ruling.rule).unwrap(), ruling.rule.title());
    }
    assert_eq!(
        serde_json::from_value::<tracking::verdict::Verdict>(json).unwrap(),
        expected
    );
    let facts: TimelineFacts =
        serde_json::from_str(&serde_json::to_string(&scenario.facts).unwrap()).unwrap();
    assert_eq!(facts, scenario.facts);
    assert_eq!(
        serde_json::from_str::<TimelineFacts>("{}").unwrap(),
        TimelineFacts::default()
    );
}

#[test]
fn a_timeline_without_events_is_clean() {
    let verdict = verdict(&[], &TimelineFacts::default());
    assert!(verdict.clean);
    assert_eq!((verdict.events, verdict.span_ms), (0, None));
}
