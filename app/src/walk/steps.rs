//! The steps, and how each stands, decided by events alone. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracking::received::ReceivedEvent;
use tracking::server::{
    Fact, SignOutCompleted, SignUpCompleted, SubscriptionCanceled, TrialCanceled, TrialConverted,
    TrialExpiration, TrialStarted,
};
use tracking::{PollCreated, StitchedBy, TrialCheckoutClicked, VoteCast};

/// A step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// An account.
    SignUp,
    /// Somebody else, on another device.
    FriendVotes,
    /// Through Checkout and a webhook.
    Trial,
    /// What happens with nobody there.
    TrialEnd,
    /// On a page that takes no metadata of ours.
    Portal,
    /// The next person at this browser.
    SignOut,
}

impl Step {
    /// In the order in which they are walked.
    pub const ALL: [Self; 6] = [
        Self::SignUp,
        Self::FriendVotes,
        Self::Trial,
        Self::TrialEnd,
        Self::Portal,
        Self::SignOut,
    ];

    /// Its name in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::FriendVotes => "friend-votes",
            Self::Trial => "trial",
            Self::TrialEnd => "trial-end",
            Self::Portal => "portal",
            Self::SignOut => "sign-out",
        }
    }

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SignUp => "Sign up",
            Self::FriendVotes => "Let a friend vote in a private window",
            Self::Trial => "Start a trial",
            Self::TrialEnd => "Jump to the trial’s end",
            Self::Portal => "Cancel in the portal",
            Self::SignOut => "Sign out on a shared laptop",
        }
    }

    /// What to do.
    pub const fn asks(self) -> &'static str {
        match self {
            Self::SignUp => "Make an account. Any address will do: mails stay on this machine.",
            Self::FriendVotes => "Make a poll, copy its link, open it in a private window, and vote there.",
            Self::Trial => "Choose Pro and go through Checkout. No card is needed, and none is real.",
            Self::TrialEnd => {
                "Add the card 4242 4242 4242 4242, so that there is something to pay with. Then jump to the end of the trial."
            }
            Self::Portal => {
                "Follow “Card and invoices” to the stand-in for Stripe’s portal, and cancel there."
            }
            Self::SignOut => "Press “Sign out” above, and come back here: you are the next person now.",
        }
    }

    /// Which ID goes where, and why.
    pub const fn moves(self) -> &'static str {
        match self {
            Self::SignUp => {
                "The request’s cookies bring device and session, and the transaction that makes the account writes both into the event, beside the new user ID. What this device did before is yours from here on."
            }
            Self::FriendVotes => {
                "A private window is a device and a session of its own, with no user. Nothing of yours moves into its event but the poll’s ID: two people stay two stories."
            }
            Self::Trial => {
                "Device and session of the click ride through Stripe in metadata. The webhook that brings them back comes without a browser, and its event still stands in the session of the click."
            }
            Self::TrialEnd => {
                "Days later nobody is there. The event carries the user ID alone, on purpose: with a device or a session it would stretch a visit over days."
            }
            Self::Portal => {
                "The portal takes nothing of ours along. Device and session were noted with your visit before the redirect, and the webhook’s event finds them there."
            }
            Self::SignOut => {
                "The event is the last that your user ID and this device share. The browser becomes a new device in a new session, so the next person’s events are not yours."
            }
        }
    }

    /// Where it is done, and what the way there says.
    pub const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::SignUp => ("/sign-up", "To the sign-up form"),
            Self::FriendVotes => ("/polls/new", "Make a poll"),
            Self::Trial => ("/pricing", "To the prices"),
            Self::TrialEnd | Self::Portal => ("/billing", "To your billing"),
            Self::SignOut => ("/settings", "To your settings"),
        }
    }
}

/// How a step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stand {
    /// Nothing of it has been seen.
    Open,
    /// Something has: what is missing.
    Begun(Begun),
    /// It was done, and this event says so.
    Done(Box<Evidence>),
}

/// What of a step has been seen, and what has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begun {
    /// There is this poll, and nobody else has voted.
    NoVote(String),
    /// Checkout was entered, and not completed.
    NoCheckout,
    /// It was canceled, but on our own page.
    NotInPortal,
}

impl Begun {
    /// In a sentence.
    pub const fn in_words(&self) -> &'static str {
        match self {
            Self::NoVote(_) => "Your poll is there. Nobody but you has voted in it yet.",
            Self::NoCheckout => "You clicked. Checkout is not completed, or its webhook is still on its way.",
            Self::NotInPortal => {
                "You canceled on our own page, where the IDs ride in metadata as at Checkout. Resume, and cancel in the portal."
            }
        }
    }
}

/// The event that ticks a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its ID at Amplitude.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// When, UTC.
    pub at: Option<String>,
    /// User ID.
    pub user: Option<String>,
    /// Device ID, unless Amplitude made it up.
    pub device: Option<String>,
    /// Session.
    pub session: Option<i64>,
    /// How it got its IDs; browser events do not say.
    pub stitched_by: Option<StitchedBy>,
    /// Whose story it is in, when it is not the walker's.
    pub elsewhere: bool,
}

impl Evidence {
    fn of(event: &ReceivedEvent) -> Self {
        Self {
            uuid: event.uuid.clone(),
            name: event.name.clone(),
            source: event.source.as_str().to_owned(),
            at: event
                .times
                .first()
                .and_then(|(_, text)| text.get(..19))
                .map(str::to_owned),
            user: event.user.clone(),
            device: event.device.clone().filter(|_| !event.derived_device),
            session: event.session,
            stitched_by: event.stitched_by,
            elsewhere: false,
        }
    }
}

/// The polls that a person has made, by their own events.
pub fn polls(own: &[ReceivedEvent]) -> Vec<&str> {
    own.iter()
        .filter(|event| event.name == PollCreated::NAME)
        .filter_map(poll_of)
        .collect()
}

/// How a step stands for the person whose events these are, newest first; `votes` are everybody's.
pub fn stand(step: Step, own: &[ReceivedEvent], votes: &[ReceivedEvent]) -> Stand {
    let newest = |names: &[&str]| own.iter().find(|event| names.contains(&event.name.as_str()));
    let by_name = |names: &[&str]| newest(names).map(Evidence::of);
    let (done, begun) = match step {
        Step::SignUp => (by_name(&[SignUpCompleted::NAME]), None),
        Step::FriendVotes => {
            let polls = polls(own);
            let begun = polls.first().map(|poll| Begun::NoVote((*poll).to_owned()));
            (friends_vote(own, votes, &polls), begun)
        }
        Step::Trial => {
            let clicked = newest(&[TrialCheckoutClicked::NAME]);
            (by_name(&[TrialStarted::NAME]), clicked.map(|_| Begun::NoCheckout))
        }
        Step::TrialEnd => (by_name(&[TrialConverted::NAME, TrialExpiration::NAME]), None),
        Step::Portal => {
            let canceled = [TrialCanceled::NAME, SubscriptionCanceled::NAME];
            let in_portal = |event: &&ReceivedEvent| {
                canceled.contains(&event.name.as_str()) && event.stitched_by == Some(StitchedBy::PortalVisit)
            };
            let elsewhere = newest(&canceled).map(|_| Begun::NotInPortal);
            (own.iter().find(in_portal).map(Evidence::of), elsewhere)
        }
        Step::SignOut => (by_name(&[SignOutCompleted::NAME]), None),
    };
    match (done, begun) {
        (Some(event), _) => Stand::Done(Box::new(event)),
        (None, Some(begun)) => Stand::Begun(begun),
        (None, None) => Stand::Open,
    }
}

/// The newest vote in one of these polls that is in somebody else's story.
fn friends_vote(own: &[ReceivedEvent], votes: &[ReceivedEvent], polls: &[&str]) -> Option<Evidence> {
    let mine: BTreeSet<&str> = own.iter().map(|event| event.uuid.as_str()).collect();
    let vote = votes.iter().find(|vote| {
        vote.name == VoteCast::NAME
            && !mine.contains(vote.uuid.as_str())
            && poll_of(vote).is_some_and(|poll| polls.contains(&poll))
    })?;
    Some(Evidence {
        elsewhere: true,
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

    /// An event by name, with a poll or a word on its IDs where it has one.
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
        ReceivedEvent::from_export(&raw).unwrap()
    }

    #[test]
    fn a_step_is_done_by_its_event_and_no_other() {
        let named = |name| event(name, None, None);
        let stitched = |name, by| event(name, None, Some(by));
        let none = Stand::Open;
        let rows: Vec<(Step, Vec<ReceivedEvent>, Result<&str, Stand>)> = vec![
            (Step::SignUp, vec![], Err(none.clone())),
            (Step::SignUp, vec![named("Sign-in completed")], Err(none.clone())),
            (
                Step::SignUp,
                vec![named("Sign-up completed")],
                Ok("Sign-up completed"),
            ),
            (Step::Trial, vec![named("Sign-up completed")], Err(none.clone())),
            (
                Step::Trial,
                vec![named("Trial checkout clicked")],
                Err(Stand::Begun(Begun::NoCheckout)),
            ),
            (
                Step::Trial,
                vec![named("Trial started"), named("Trial checkout clicked")],
                Ok("Trial started"),
            ),
            (
                Step::Trial,
                vec![named("Subscription started")],
                Err(none.clone()),
            ),
            (Step::TrialEnd, vec![named("Trial started")], Err(none.clone())),
            (Step::TrialEnd, vec![named("Trial canceled")], Err(none.clone())),
            (
                Step::TrialEnd,
                vec![named("Trial converted")],
                Ok("Trial converted"),
            ),
            (
                Step::TrialEnd,
                vec![named("Trial expiration")],
                Ok("Trial expiration"),
            ),
            (Step::Portal, vec![named("Trial expiration")], Err(none.clone())),
            (
                Step::Portal,
                vec![stitched("Subscription canceled", "checkout handoff")],
                Err(Stand::Begun(Begun::NotInPortal)),
            ),
            (
                Step::Portal,
                vec![stitched("Trial resumed", "portal visit")],
                Err(none.clone()),
            ),
            (
                Step::Portal,
                vec![
                    stitched("Subscription canceled", "checkout handoff"),
                    stitched("Trial canceled", "portal visit"),
                ],
                Ok("Trial canceled"),
            ),
            (Step::SignOut, vec![named("Sign-in completed")], Err(none)),
            (
                Step::SignOut,
                vec![named("Sign-out completed")],
                Ok("Sign-out completed"),
            ),
        ];
        for (step, own, expected) in rows {
            let stood = match stand(step, &own, &[]) {
                Stand::Done(evidence) => Ok(evidence.name),
                other => Err(other),
            };
            let names: Vec<&str> = own.iter().map(|event| event.name.as_str()).collect();
            assert_eq!(stood, expected.map(str::to_owned), "{step:?} {names:?}");
        }
    }

    #[test]
    fn a_friend_votes_in_a_poll_of_ones_own_from_another_story() {
        let created = || event("Poll created", Some("p-1"), None);
        let vote = |poll| event("Vote cast", Some(poll), None);
        let begun = || Stand::Begun(Begun::NoVote("p-1".into()));
        for (what, own, votes, expected) in [
            ("no poll", vec![], vec![vote("p-1")], Some(Stand::Open)),
            ("no vote", vec![created()], vec![], Some(begun())),
            (
                "another's poll",
                vec![created()],
                vec![vote("p-2")],
                Some(begun()),
            ),
            (
                "one's own vote",
                vec![vote("p-1"), created()],
                vec![vote("p-1")],
                Some(begun()),
            ),
            (
                "a friend's",
                vec![created()],
                vec![vote("p-2"), vote("p-1")],
                None,
            ),
        ] {
            let stood = stand(Step::FriendVotes, &own, &votes);
            match expected {
                Some(expected) => assert_eq!(stood, expected, "{what}"),
                None => assert!(
                    matches!(&stood, Stand::Done(event) if event.elsewhere && event.name == "Vote cast"),
                    "{what}: {stood:?}"
                ),
            }
        }
    }

    #[test]
    fn the_newest_event_is_the_evidence_and_a_made_up_device_is_none() {
        let mut raw = event("Trial converted", None, Some("none by rule")).raw;
        raw["uuid"] = json!("newest");
        raw["session_id"] = json!(-1);
        raw["local"] = json!({"derived_device": true});
        let newest = ReceivedEvent::from_export(&raw).unwrap();
        let Stand::Done(evidence) = stand(
            Step::TrialEnd,
            &[newest, event("Trial expiration", None, None)],
            &[],
        ) else {
            panic!("it is done");
        };
        assert_eq!(evidence.uuid, "newest");
        assert_eq!(
            (
                evidence.user.as_deref(),
                evidence.device,
                evidence.session,
                evidence.stitched_by
            ),
            (Some("u-1"), None, None, Some(StitchedBy::NoneByRule))
        );
    }
}
