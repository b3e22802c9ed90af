//! Which events cause which: an event never has an earlier time than its cause. The server applies this when it writes an
//! event, and the verdict checks it.
//!
//! The clicks that cause present events are not here: their times come with the handoff.

use crate::server::{
    EventPayload, PaymentFailure, SignUpCompleted, SubscriptionCanceled, SubscriptionChanged,
    SubscriptionCharge, SubscriptionDispute, SubscriptionExpiration, SubscriptionRefund, SubscriptionRenewal,
    SubscriptionResumed, SubscriptionStarted, TrialCanceled, TrialConverted, TrialExpiration, TrialResumed,
    TrialStarted,
};

/// What an event and its cause have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedKey {
    /// The same subscription.
    Subscription,
    /// The same subscription and the same time of cancellation.
    Cancellation,
    /// The same user.
    User,
}

impl SharedKey {
    /// The part of an insert ID that identifies the subject, for example of `trial-canceled:<subscription>:<canceled_at>`.
    pub fn of(self, insert_id: Option<&str>) -> Option<&str> {
        let (_, subject) = insert_id?.split_once(':')?;
        match self {
            Self::Subscription => Some(
                subject
                    .split_once(':')
                    .map_or(subject, |(subscription, _)| subscription),
            ),
            Self::Cancellation => Some(subject),
            Self::User => Some(""),
        }
    }
}

/// An event of a user that was reported before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedEvent {
    /// Its name.
    pub name: String,
    /// Its insert ID.
    pub insert_id: String,
    /// When it happened, in ms since the epoch.
    pub time_ms: i64,
}

/// The steps before an event of this name: of each, one event must come before it.
pub fn steps_before(name: &str) -> impl Iterator<Item = (SharedKey, &'static [&'static str])> {
    STEPS
        .iter()
        .filter(move |(event, ..)| *event == name)
        .map(|(_, key, causes)| (*key, *causes))
}

/// The names of all events that may be a cause of an event of this name, with the sign-up.
pub fn cause_names(name: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = steps_before(name)
        .flat_map(|(_, causes)| causes)
        .copied()
        .chain([SignUpCompleted::NAME])
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The earliest time of an event (ms since the epoch): 1 ms after the causes that the user has reported. Of several events
/// that may be the cause, the first one counts. `None` if no cause was reported.
pub fn earliest_ms(name: &str, insert_id: &str, reported: &[ReportedEvent]) -> Option<i64> {
    let first = |key: SharedKey, causes: &[&str]| {
        reported
            .iter()
            .filter(|cause| causes.contains(&cause.name.as_str()))
            .filter(|cause| key.of(Some(&cause.insert_id)) == key.of(Some(insert_id)))
            .map(|cause| cause.time_ms)
            .min()
    };
    let sign_up = (name != SignUpCompleted::NAME)
        .then(|| first(SharedKey::User, &[SignUpCompleted::NAME]))
        .flatten();
    steps_before(name)
        .filter_map(|(key, causes)| first(key, causes))
        .chain(sign_up)
        .max()
        .map(|newest_ms| newest_ms.saturating_add(1))
}

/// An event, and its possible causes: one of them must come before the event.
const STEPS: [(&str, SharedKey, &[&str]); 15] = [
    (
        TrialCanceled::NAME,
        SharedKey::Subscription,
        &[TrialStarted::NAME],
    ),
    (TrialResumed::NAME, SharedKey::Subscription, &[TrialStarted::NAME]),
    (
        TrialResumed::NAME,
        SharedKey::Cancellation,
        &[TrialCanceled::NAME],
    ),
    (
        TrialConverted::NAME,
        SharedKey::Subscription,
        &[TrialStarted::NAME],
    ),
    (
        TrialExpiration::NAME,
        SharedKey::Subscription,
        &[TrialStarted::NAME],
    ),
    // After a trial Stripe reports the subscription as active for an hour before it collects the payment.
    (SubscriptionCanceled::NAME, SharedKey::Subscription, BEGINNINGS),
    (SubscriptionResumed::NAME, SharedKey::Subscription, BEGINNINGS),
    (
        SubscriptionResumed::NAME,
        SharedKey::Cancellation,
        &[SubscriptionCanceled::NAME, TrialCanceled::NAME],
    ),
    (SubscriptionExpiration::NAME, SharedKey::Subscription, PAID),
    (SubscriptionRenewal::NAME, SharedKey::User, PAID),
    (SubscriptionChanged::NAME, SharedKey::User, BEGINNINGS),
    (PaymentFailure::NAME, SharedKey::User, BEGINNINGS),
    // A set-up fee is paid with the start of a trial, and its webhook may be the first.
    (SubscriptionCharge::NAME, SharedKey::User, BEGINNINGS),
    (SubscriptionRefund::NAME, SharedKey::User, CHARGED),
    (SubscriptionDispute::NAME, SharedKey::User, CHARGED),
];
const BEGINNINGS: &[&str] = &[TrialStarted::NAME, SubscriptionStarted::NAME];
const PAID: &[&str] = &[TrialConverted::NAME, SubscriptionStarted::NAME];
const CHARGED: &[&str] = &[
    TrialConverted::NAME,
    SubscriptionStarted::NAME,
    SubscriptionCharge::NAME,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(events: &[(&str, &str, i64)]) -> Vec<ReportedEvent> {
        let event = |&(name, insert_id, time_ms): &(&str, &str, i64)| ReportedEvent {
            name: name.to_owned(),
            insert_id: insert_id.to_owned(),
            time_ms,
        };
        events.iter().map(event).collect()
    }

    #[test]
    fn case_25_an_event_comes_after_its_reported_causes() {
        let history = reported(&[
            (SignUpCompleted::NAME, "sign-up:u", 100),
            (TrialStarted::NAME, "trial-started:sub_1", 800),
            (TrialCanceled::NAME, "trial-canceled:sub_1:5", 900),
            (TrialCanceled::NAME, "trial-canceled:sub_1:7", 1_900),
            (TrialConverted::NAME, "trial-converted:sub_1", 2_500),
            (SubscriptionStarted::NAME, "subscription-started:sub_2", 9_000),
        ]);
        for (name, insert_id, expected) in [
            (TrialConverted::NAME, "trial-converted:sub_1", Some(801)),
            (TrialConverted::NAME, "trial-converted:sub_3", Some(101)),
            (TrialResumed::NAME, "trial-resumed:sub_1:5", Some(901)),
            (TrialResumed::NAME, "trial-resumed:sub_1:7", Some(1_901)),
            // Of several payments of the user, the first one counts.
            (SubscriptionRenewal::NAME, "renewal:in_2", Some(2_501)),
            (SubscriptionStarted::NAME, "subscription-started:sub_2", Some(101)),
            // An event that it causes does not change its earliest time.
            (TrialStarted::NAME, "trial-started:sub_1", Some(101)),
            (SignUpCompleted::NAME, "sign-up:u", None),
        ] {
            assert_eq!(earliest_ms(name, insert_id, &history), expected, "{insert_id}");
            assert_eq!(earliest_ms(name, insert_id, &[]), None);
        }
    }

    #[test]
    fn names_of_causes() {
        assert_eq!(
            cause_names(TrialConverted::NAME),
            [SignUpCompleted::NAME, TrialStarted::NAME]
        );
        assert_eq!(cause_names("Email verified"), [SignUpCompleted::NAME]);
    }
}
