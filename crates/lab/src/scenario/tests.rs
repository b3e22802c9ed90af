//! Tables of steps and the events that they cause.

use super::*;

/// The events that the steps cause, in order; `None` if a step is not possible.
fn events_of(steps: &[ScenarioStep]) -> Option<Vec<&'static str>> {
    let mut state = ScenarioState::default();
    let mut names = Vec::new();
    for &step in steps {
        let transition = state.after(step)?;
        names.extend(
            transition
                .browser_event
                .into_iter()
                .chain(transition.server_event),
        );
        state = transition.state;
    }
    Some(names)
}

#[test]
fn each_step_has_its_events_and_is_possible_in_some_states_only() {
    use PlanInterval::{Month, Year};
    use ScenarioStep::*;
    #[rustfmt::skip]
    let table: &[(&[ScenarioStep], Option<&[&str]>)] = &[
        (&[OpenPage("/"), OpenPage("/pricing")], Some(&[])),
        (&[SignUp, SignUp], None),
        (&[SignIn], None),
        (&[SignOut], None),
        (&[SwitchBrowser(1)], None),
        (&[CreatePoll], None),
        (&[SignUp, Vote], None),
        (&[SignUp, SignIn], None),
        (&[SignUp, SignOut, CreatePoll], None),
        (&[SignUp, SignOut, Cancel], None),
        (&[SignUp, SwitchBrowser(0)], None),
        (&[SignUp, SwitchBrowser(9)], None),
        (&[SignUp, VerifyEmail, VerifyEmail], None),
        (&[SignUp, CreatePoll, CreatePoll, CreatePoll, CreatePoll], None),
        (&[SignUp, Cancel], None),
        (&[SignUp, PassTrialEnd], None),
        (&[SignUp, AddCard], None),
        (&[SignUp, Subscribe(Month)], None),
        (&[SignUp, StartTrial(Month), StartTrial(Month)], None),
        (&[SignUp, StartTrial(Month), Resume], None),
        (&[SignUp, StartTrial(Month), PassPeriodEnd], None),
        (&[SignUp, StartTrial(Year), ChangeToYearly], None),
        (&[SignUp, StartTrial(Month), Cancel, ChangeToYearly], None),
        (&[SignUp, StartTrial(Month), AddCard, AddCard], None),
        (&[SignUp, SwitchBrowser(1), SwitchBrowser(0), SignOut, SwitchBrowser(1), SwitchBrowser(0)], Some(&[
            "Sign-up completed", "Sign-in completed", "Sign-out completed", "Sign-in completed",
        ])),
        (&[SignUp, VerifyEmail, CreatePoll, Vote, Vote, ShareLaptop, SignIn], Some(&[
            "Sign-up completed", "Email verified", "Poll created", "Vote cast", "Vote cast", "Sign-out completed",
            "Sign-in completed",
        ])),
        (&[SignUp, StartTrial(Month), PassTrialEnd, Subscribe(Month), ChangeToYearly, PassPeriodEnd], Some(&[
            "Sign-up completed", "Trial checkout clicked", "Trial started", "Trial expiration",
            "Trial checkout clicked", "Subscription started", "Subscription changed", "Subscription renewal",
        ])),
        (&[SignUp, StartTrial(Year), AddCard, Cancel, PassTrialEnd], Some(&[
            "Sign-up completed", "Trial checkout clicked", "Trial started", "Trial canceled", "Trial expiration",
        ])),
        (&[SignUp, StartTrial(Month), ChangeToYearly, AddCard, PassTrialEnd, Cancel, Resume, Cancel, PassPeriodEnd], Some(&[
            "Sign-up completed", "Trial checkout clicked", "Trial started", "Subscription changed",
            "Trial converted", "Subscription canceled", "Subscription resumed", "Subscription canceled",
            "Subscription expiration",
        ])),
    ];
    for (steps, expected) in table {
        assert_eq!(events_of(steps).as_deref(), *expected, "{steps:?}");
    }
}

#[test]
fn the_scripted_scenario_is_possible_under_every_disturbance() {
    let undisturbed = [
        "Sign-up completed",
        "Poll created",
        "Trial checkout clicked",
        "Trial started",
        "Trial canceled",
        "Trial resumed",
        "Trial converted",
        "Subscription canceled",
    ];
    for disturbance in Disturbance::ALL {
        let events = events_of(&scripted_scenario(disturbance)).unwrap();
        let additional: Vec<&str> = events
            .iter()
            .copied()
            .filter(|name| !undisturbed.contains(name))
            .collect();
        let expected: &[&str] = match disturbance {
            Disturbance::SecondBrowser => &["Sign-in completed"],
            Disturbance::SharedLaptop => &["Sign-out completed", "Sign-in completed"],
            _ => &[],
        };
        assert_eq!(additional, expected, "{disturbance:?}");
        assert_eq!(
            events.len(),
            undisturbed.len() + expected.len(),
            "{disturbance:?}"
        );
    }
}
