//! What an account may use, and what we call the state of its subscription.
//!
//! Both follow from Stripe's status alone. A subscription is `active` for an hour before its first money comes, and
//! `past_due` for as long as Stripe tries: neither takes anything away from anybody.

use tracking::{AccountType, SubscriptionStatus};

use super::payload::{StripeStatus, Subscription};

/// What an account may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// What everybody has.
    Free,
    /// Paid, or on trial.
    Pro,
}

impl Plan {
    /// The value of the user property `account_type`.
    pub const fn account_type(self) -> AccountType {
        match self {
            Self::Free => AccountType::Free,
            Self::Pro => AccountType::Pro,
        }
    }
}

/// The plan that a subscription of this status gives. A word of Stripe's that we do not know gives nothing.
pub const fn plan(status: &StripeStatus) -> Plan {
    match status {
        StripeStatus::Trialing | StripeStatus::Active | StripeStatus::PastDue => Plan::Pro,
        StripeStatus::Incomplete
        | StripeStatus::IncompleteExpired
        | StripeStatus::Canceled
        | StripeStatus::Unpaid
        | StripeStatus::Paused
        | StripeStatus::Other(_) => Plan::Free,
    }
}

/// The state of a subscription in words of the tracking plan. Whatever gives nothing counts as ended.
pub const fn state(subscription: &Subscription) -> SubscriptionStatus {
    match (&subscription.status, subscription.is_scheduled_to_end()) {
        (StripeStatus::Trialing, false) => SubscriptionStatus::Trialing,
        (StripeStatus::Trialing, true) => SubscriptionStatus::TrialCanceled,
        (StripeStatus::Active, false) => SubscriptionStatus::Active,
        (StripeStatus::PastDue, false) => SubscriptionStatus::PastDue,
        (StripeStatus::Active | StripeStatus::PastDue, true) => SubscriptionStatus::Canceled,
        (
            StripeStatus::Incomplete
            | StripeStatus::IncompleteExpired
            | StripeStatus::Canceled
            | StripeStatus::Unpaid
            | StripeStatus::Paused
            | StripeStatus::Other(_),
            _,
        ) => SubscriptionStatus::Expired,
    }
}

/// The state of an account: that of the newest of its subscriptions that gives something. A refund for a subscription
/// that ended long ago must not say of somebody who came back that they are gone.
pub fn standing<'a>(subscriptions: impl IntoIterator<Item = &'a Subscription>) -> SubscriptionStatus {
    subscriptions
        .into_iter()
        .filter(|subscription| plan(&subscription.status) == Plan::Pro)
        .max_by_key(|subscription| (subscription.created, &subscription.id))
        .map_or(SubscriptionStatus::Expired, state)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tracking::Interval;

    use super::*;

    fn subscription(status: &str) -> Subscription {
        Subscription {
            id: "sub_1".to_owned(),
            customer: "cus_1".to_owned(),
            status: StripeStatus::read(status),
            metadata: BTreeMap::new(),
            created: 1,
            cancel_at: None,
            cancel_at_period_end: false,
            canceled_at: None,
            ended_at: None,
            trial_start: None,
            trial_end: None,
            item: None,
            interval: Some(Interval::Month),
            lookup_key: None,
            current_period: None,
            latest_invoice: None,
            payment_method: None,
        }
    }

    #[test]
    fn every_status_of_stripe_s() {
        use SubscriptionStatus::{Active, Canceled, Expired, PastDue, TrialCanceled, Trialing};
        let rows = [
            ("incomplete", Plan::Free, Expired, Expired),
            ("incomplete_expired", Plan::Free, Expired, Expired),
            ("trialing", Plan::Pro, Trialing, TrialCanceled),
            ("active", Plan::Pro, Active, Canceled),
            ("past_due", Plan::Pro, PastDue, Canceled),
            ("canceled", Plan::Free, Expired, Expired),
            ("unpaid", Plan::Free, Expired, Expired),
            ("paused", Plan::Free, Expired, Expired),
            ("a word of next year", Plan::Free, Expired, Expired),
            ("", Plan::Free, Expired, Expired),
        ];
        for (word, gives, running, scheduled) in rows {
            let open = subscription(word);
            let classic = Subscription {
                cancel_at_period_end: true,
                ..open.clone()
            };
            let flexible = Subscription {
                cancel_at: Some(2),
                ..open.clone()
            };
            let both = Subscription {
                cancel_at: Some(2),
                ..classic.clone()
            };
            assert_eq!(plan(&open.status), gives, "{word}");
            assert_eq!(state(&open), running, "{word}");
            for ending in [&classic, &flexible, &both] {
                assert_eq!(state(ending), scheduled, "{word}");
            }
            for any in [&open, &classic, &flexible, &both] {
                assert_eq!(
                    state(any).account_type(),
                    plan(&any.status).account_type(),
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn an_account_stands_where_its_newest_running_subscription_does() {
        let at = |created, status| Subscription {
            created,
            ..subscription(status)
        };
        let rows: [(&str, &[Subscription], SubscriptionStatus); 6] = [
            ("none", &[], SubscriptionStatus::Expired),
            ("one", &[at(1, "trialing")], SubscriptionStatus::Trialing),
            ("ended", &[at(1, "canceled")], SubscriptionStatus::Expired),
            (
                "came back",
                &[at(1, "canceled"), at(2, "active")],
                SubscriptionStatus::Active,
            ),
            (
                "a second one was turned away",
                &[at(1, "trialing"), at(2, "canceled")],
                SubscriptionStatus::Trialing,
            ),
            (
                "two run",
                &[at(2, "past_due"), at(1, "active")],
                SubscriptionStatus::PastDue,
            ),
        ];
        for (why, subscriptions, expected) in rows {
            assert_eq!(standing(subscriptions), expected, "{why}");
            assert_eq!(
                standing(subscriptions.iter().rev()),
                expected,
                "{why}, the other way around"
            );
        }
    }
}
