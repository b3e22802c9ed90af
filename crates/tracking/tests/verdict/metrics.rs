//! Session charts, with the stitching and without.

use tracking::session_metrics::{Comparison, SessionMetrics, compare};

use crate::life::{Life, MINUTE, whole};

#[test]
fn a_trial_is_a_conversion_of_its_session_only_if_it_is_stitched() {
    let mut life = Life::new();
    life.sign_up().start_trial(30_000);
    let compared = compare(&life.events);
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
fn without_the_sdk_the_server_alone_tells_of_a_session() {
    let mut life = Life::new();
    life.events.clear();
    life.sdk = false;
    life.sign_up().wait(10 * MINUTE).sign_out();
    let compared = compare(&life.events);
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
fn the_funnel_holds_the_session_constant_and_the_order() {
    let mut life = Life::new();
    life.sign_up().start_trial(30_000);
    // The trial in another session is no conversion of this one.
    life.event("Trial started").session = Some(life.now);
    assert_eq!(compare(&life.events).stitched.funnel, [1, 1, 0]);
    // Nor is one before its click.
    let mut life = Life::new();
    life.sign_up().start_trial(30_000);
    life.event("Trial started").time_ms = life.events[0].time_ms;
    assert_eq!(compare(&life.events).stitched.funnel, [1, 1, 0]);
}

#[test]
fn the_order_of_arrival_means_nothing() {
    let mut life = whole();
    let told = compare(&life.events);
    life.events.reverse();
    assert_eq!(compare(&life.events), told);
    // The system events are out of session either way.
    let system = life.events.iter().filter(|event| event.derived_device).count();
    assert_eq!(told.stitched.out_of_session, system);
}

#[test]
fn several_people_are_summed_and_the_longest_session_stays_the_longest() {
    let one = compare(&whole().events);
    let all = Comparison::of_all([one.clone(), one.clone(), Comparison::default()]);
    assert_eq!(all.stitched.sessions, 2 * one.stitched.sessions);
    assert_eq!(all.stitched.longest_ms, one.stitched.longest_ms);
    assert_eq!(all.stitched.average_ms(), one.stitched.average_ms());
    assert_eq!(all.unstitched.out_of_session, 2 * one.unstitched.out_of_session);
    assert_eq!(all.stitched.funnel, one.stitched.funnel.map(|done| 2 * done));
}
