//! The status of each step, decided from events only. Pure.

use std::collections::BTreeSet;

use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::server::{
    EventPayload, SignOutCompleted, SignUpCompleted, SubscriptionCanceled, TrialCanceled, TrialConverted,
    TrialExpiration, TrialStarted,
};
use tracking::{PollCreated, StitchedBy, TrialCheckoutClicked, VoteCast};

use super::steps::WalkStep;

/// The status of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StepStatus {
    /// No event of it has arrived.
    Open,
    /// A part is done; what is missing.
    Begun(Missing),
    /// This event completes it.
    Done(Box<Evidence>),
}

impl StepStatus {
    /// Whether an event completes it.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What a step lacks that is partly done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// A vote of another person in the poll with this ID.
    FriendVote(String),
    /// The completion of Checkout.
    Checkout,
    /// A cancellation in the portal: there was one on our own page.
    PortalCancellation,
}

impl Missing {
    /// A sentence for the user.
    pub(super) const fn sentence(&self) -> &'static str {
        match self {
            Self::FriendVote(_) => "Your poll is open. No other person has voted in it yet.",
            Self::Checkout => {
                "You started Checkout. It is not completed, or its webhook has not arrived yet."
            }
            Self::PortalCancellation => {
                "You canceled on our own page, where metadata carries the IDs as at Checkout. Resume, and cancel in the portal."
            }
        }
    }
}

/// The event that completes a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The event.
    pub(super) event: ReceivedEvent,
    /// It is in the timeline of another person.
    pub(super) of_another_person: bool,
}

impl Evidence {
    fn of(event: &ReceivedEvent) -> Self {
        Self {
            event: event.clone(),
            of_another_person: false,
        }
    }

    /// Device ID, unless Amplitude derived it from the user ID.
    pub(super) fn device(&self) -> Option<&str> {
        self.event
            .device
            .as_deref()
            .filter(|_| !self.event.derived_device)
    }
}

/// IDs of the polls that a person has created, newest first.
pub(super) fn polls(own: &[ReceivedEvent]) -> Vec<&str> {
    own.iter()
        .filter(|event| event.name == PollCreated::NAME)
        .filter_map(poll_of)
        .collect()
}

/// The status of a step for the person with these events, newest first. `votes` are the votes of all people, newest first.
pub(super) fn status(step: WalkStep, own: &[ReceivedEvent], votes: &[ReceivedEvent]) -> StepStatus {
    let newest = |names: &[&str]| own.iter().find(|event| names.contains(&event.name.as_str()));
    let by_name = |names: &[&str]| newest(names).map(Evidence::of);
    let (done, begun) = match step {
        WalkStep::SignUp => (by_name(&[SignUpCompleted::NAME]), None),
        WalkStep::FriendVotes => {
            let polls = polls(own);
            let begun = polls.first().map(|poll| Missing::FriendVote((*poll).to_owned()));
            (vote_of_another_person(own, votes, &polls), begun)
        }
        WalkStep::Trial => {
            let clicked = newest(&[TrialCheckoutClicked::NAME]);
            (by_name(&[TrialStarted::NAME]), clicked.map(|_| Missing::Checkout))
        }
        WalkStep::TrialEnd => (by_name(&[TrialConverted::NAME, TrialExpiration::NAME]), None),
        WalkStep::Portal => {
            let canceled = [TrialCanceled::NAME, SubscriptionCanceled::NAME];
            let in_portal = |event: &&ReceivedEvent| {
                canceled.contains(&event.name.as_str()) && event.stitched_by == Some(StitchedBy::PortalVisit)
            };
            let on_our_page = newest(&canceled).map(|_| Missing::PortalCancellation);
            (own.iter().find(in_portal).map(Evidence::of), on_our_page)
        }
        WalkStep::SignOut => (by_name(&[SignOutCompleted::NAME]), None),
    };
    match (done, begun) {
        (Some(event), _) => StepStatus::Done(Box::new(event)),
        (None, Some(begun)) => StepStatus::Begun(begun),
        (None, None) => StepStatus::Open,
    }
}

/// The newest vote in one of these polls that is not in the person's own timeline.
fn vote_of_another_person(
    own: &[ReceivedEvent],
    votes: &[ReceivedEvent],
    polls: &[&str],
) -> Option<Evidence> {
    let own: BTreeSet<&str> = own.iter().map(|event| event.uuid.as_str()).collect();
    let vote = votes.iter().find(|vote| {
        vote.name == VoteCast::NAME
            && !own.contains(vote.uuid.as_str())
            && poll_of(vote).is_some_and(|poll| polls.contains(&poll))
    })?;
    Some(Evidence {
        of_another_person: true,
        ..Evidence::of(vote)
    })
}

fn poll_of(event: &ReceivedEvent) -> Option<&str> {
    event.properties.get("poll_id").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An event with this name, poll ID and `stitched_by`.
    fn event(name: &str, poll: Option<&str>, stitched_by: Option<&str>) -> ReceivedEvent {
        let raw = json!({
            "uuid": format!("{name} {poll:?} {stitched_by:?}"),
            "event_type": name,
            "event_time": "2026-11-18 11:06:40.123456",
            "user_id": "u-1",
            "device_id": "d-1",
            "session_id": 7,
            "event_properties": { "poll_id": poll, "stitched_by": stitched_by },
        });
        ReceivedEvent::from_export(raw).unwrap()
    }

    #[test]
    fn only_its_own_event_completes_a_step() {
        let named = |name| event(name, None, None);
        let stitched = |name, by| event(name, None, Some(by));
        let none = StepStatus::Open;
        let rows: Vec<(WalkStep, Vec<ReceivedEvent>, Result<&str, StepStatus>)> = vec![
            (WalkStep::SignUp, vec![], Err(none.clone())),
            (
                WalkStep::SignUp,
                vec![named("Sign-in completed")],
                Err(none.clone()),
            ),
            (
                WalkStep::SignUp,
                vec![named("Sign-up completed")],
                Ok("Sign-up completed"),
            ),
            (
                WalkStep::Trial,
                vec![named("Sign-up completed")],
                Err(none.clone()),
            ),
            (
                WalkStep::Trial,
                vec![named("Trial checkout clicked")],
                Err(StepStatus::Begun(Missing::Checkout)),
            ),
            (
                WalkStep::Trial,
                vec![named("Trial started"), named("Trial checkout clicked")],
                Ok("Trial started"),
            ),
            (
                WalkStep::Trial,
                vec![named("Subscription started")],
                Err(none.clone()),
            ),
            (
                WalkStep::TrialEnd,
                vec![named("Trial started")],
                Err(none.clone()),
            ),
            (
                WalkStep::TrialEnd,
                vec![named("Trial canceled")],
                Err(none.clone()),
            ),
            (
                WalkStep::TrialEnd,
                vec![named("Trial converted")],
                Ok("Trial converted"),
            ),
            (
                WalkStep::TrialEnd,
                vec![named("Trial expiration")],
                Ok("Trial expiration"),
            ),
            (
                WalkStep::Portal,
                vec![named("Trial expiration")],
                Err(none.clone()),
            ),
            (
                WalkStep::Portal,
                vec![stitched("Subscription canceled", "checkout handoff")],
                Err(StepStatus::Begun(Missing::PortalCancellation)),
            ),
            (
                WalkStep::Portal,
                vec![stitched("Trial resumed", "portal visit")],
                Err(none.clone()),
            ),
            (
                WalkStep::Portal,
                vec![
                    stitched("Subscription canceled", "checkout handoff"),
                    stitched("Trial canceled", "portal visit"),
                ],
                Ok("Trial canceled"),
            ),
            (WalkStep::SignOut, vec![named("Sign-in completed")], Err(none)),
            (
                WalkStep::SignOut,
                vec![named("Sign-out completed")],
                Ok("Sign-out completed"),
            ),
        ];
        for (step, own, expected) in rows {
            let found = match status(step, &own, &[]) {
                StepStatus::Done(evidence) => Ok(evidence.event.name.clone()),
                other => Err(other),
            };
            let names: Vec<&str> = own.iter().map(|event| event.name.as_str()).collect();
            assert_eq!(found, expected.map(str::to_owned), "{step:?} {names:?}");
        }
    }

    #[test]
    fn a_friend_is_another_person_who_votes_in_an_own_poll() {
        let created = || event("Poll created", Some("p-1"), None);
        let vote = |poll| event("Vote cast", Some(poll), None);
        let begun = || StepStatus::Begun(Missing::FriendVote("p-1".into()));
        for (what, own, votes, expected) in [
            ("no poll", vec![], vec![vote("p-1")], Some(StepStatus::Open)),
            ("no vote", vec![created()], vec![], Some(begun())),
            (
                "a poll of another person",
                vec![created()],
                vec![vote("p-2")],
                Some(begun()),
            ),
            (
                "the person's own vote",
                vec![vote("p-1"), created()],
                vec![vote("p-1")],
                Some(begun()),
            ),
            (
                "a friend's vote",
                vec![created()],
                vec![vote("p-2"), vote("p-1")],
                None,
            ),
        ] {
            let found = status(WalkStep::FriendVotes, &own, &votes);
            match expected {
                Some(expected) => assert_eq!(found, expected, "{what}"),
                None => assert!(
                    matches!(&found, StepStatus::Done(evidence) if evidence.of_another_person && evidence.event.name == "Vote cast"),
                    "{what}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn the_newest_event_is_the_evidence_and_a_derived_device_is_none() {
        let mut raw = event("Trial converted", None, Some("none by rule")).raw.clone();
        raw["uuid"] = json!("newest");
        raw["session_id"] = json!(-1);
        raw["local"] = json!({"derived_device": true});
        let newest = ReceivedEvent::from_export(raw).unwrap();
        let StepStatus::Done(evidence) = status(
            WalkStep::TrialEnd,
            &[newest, event("Trial expiration", None, None)],
            &[],
        ) else {
            panic!("it is done");
        };
        let device = evidence.device();
        let event = &evidence.event;
        assert_eq!(event.uuid, "newest");
        assert_eq!(
            (event.user.as_deref(), device, event.session, event.stitched_by),
            (Some("u-1"), None, None, Some(StitchedBy::NoneByRule))
        );
    }
}
