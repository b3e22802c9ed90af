//! Session metrics with and without the stitching.

use tracking::session_metrics::{SessionMetrics, StitchingComparison, compare};

use crate::scenario::{MINUTE, Scenario, full_scenario};

#[test]
fn a_trial_completes_the_funnel_only_if_it_is_stitched() {
    let mut scenario = Scenario::new();
    scenario.sign_up().start_trial(30_000);
    let compared = compare(&scenario.events);
    assert_eq!(compared.stitched.funnel, [1, 1, 1]);
    assert_eq!(compared.unstitched.funnel, [1, 1, 0]);
    assert_eq!((compared.stitched.sessions, compared.unstitched.sessions), (1, 1));
    assert_eq!(
        (
            compared.stitched.out_of_session,
            compared.unstitched.out_of_session
        ),
        (0, 2)
    );
    assert_eq!((compared.stitched.devices, compared.unstitched.devices), (1, 2));
}

#[test]
fn without_the_sdk_a_session_consists_of_server_events() {
    let mut scenario = Scenario::new();
    scenario.events.clear();
    scenario.sdk = false;
    scenario.sign_up().wait(10 * MINUTE).sign_out();
    let compared = compare(&scenario.events);
    assert_eq!(
        compared.stitched,
        SessionMetrics {
            sessions: 1,
            out_of_session: 0,
            devices: 1,
            total_ms: 10 * MINUTE + 6_500,
            longest_ms: 10 * MINUTE + 6_500,
            funnel: [0, 0, 0],
        }
    );
    assert_eq!(compared.unstitched.sessions, 0);
    assert_eq!(compared.unstitched.average_ms(), 0);
    assert_eq!(compared.unstitched.out_of_session, 2);
}

#[test]
fn the_funnel_requires_one_session_and_the_order() {
    let mut scenario = Scenario::new();
    scenario.sign_up().start_trial(30_000);
    // A trial in another session does not complete the funnel.
    scenario.event("Trial started").session = Some(scenario.now);
    assert_eq!(compare(&scenario.events).stitched.funnel, [1, 1, 0]);
    // Nor does a trial before its click.
    let mut scenario = Scenario::new();
    scenario.sign_up().start_trial(30_000);
    scenario.event("Trial started").time_ms = scenario.events[0].time_ms;
    assert_eq!(compare(&scenario.events).stitched.funnel, [1, 1, 0]);
}

#[test]
fn metrics_do_not_depend_on_the_order_of_arrival() {
    let mut scenario = full_scenario();
    let metrics = compare(&scenario.events);
    scenario.events.reverse();
    assert_eq!(compare(&scenario.events), metrics);
    // System events are out of session in both cases.
    let system = scenario
        .events
        .iter()
        .filter(|event| event.derived_device)
        .count();
    assert_eq!(metrics.stitched.out_of_session, system);
}

#[test]
fn metrics_of_several_users_are_summed() {
    let one = compare(&full_scenario().events);
    let all = StitchingComparison::of_all([one.clone(), one.clone(), StitchingComparison::default()]);
    assert_eq!(all.stitched.sessions, 2 * one.stitched.sessions);
    assert_eq!(all.stitched.longest_ms, one.stitched.longest_ms);
    assert_eq!(all.stitched.average_ms(), one.stitched.average_ms());
    assert_eq!(all.unstitched.out_of_session, 2 * one.unstitched.out_of_session);
    assert_eq!(all.stitched.funnel, one.stitched.funnel.map(|done| 2 * done));
}
