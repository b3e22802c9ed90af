//! The life of a subscription: which status follows from what.

use crate::{
    billing::period::DAY,
    settings::AfterLastRetry,
    world::{BillingMode, BillingReason, MissingPaymentMethod, Status},
};

/// How the first invoice went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPayment {
    /// Nothing was due.
    NotNeeded,
    Succeeded,
    /// Declined, waiting for its owner's confirmation, or without a card.
    Open,
}

/// The status that a subscription begins with.
pub(crate) fn first_status(trial: bool, payment: FirstPayment) -> Status {
    match (trial, payment) {
        (true, _) => Status::Trialing,
        (false, FirstPayment::NotNeeded | FirstPayment::Succeeded) => Status::Active,
        (false, FirstPayment::Open) => Status::Incomplete,
    }
}

/// What a trial's end comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrialEnd {
    Bill,
    Cancel,
    Pause,
}

pub(crate) fn at_trial_end(has_payment_method: bool, missing: MissingPaymentMethod) -> TrialEnd {
    match (has_payment_method, missing) {
        (true, _) | (false, MissingPaymentMethod::CreateInvoice) => TrialEnd::Bill,
        (false, MissingPaymentMethod::Cancel) => TrialEnd::Cancel,
        (false, MissingPaymentMethod::Pause) => TrialEnd::Pause,
    }
}

/// Why a subscription cannot be paused on demand, if it cannot.
pub(crate) fn why_not_paused(status: Status, mode: BillingMode) -> Option<&'static str> {
    match (status, mode) {
        (Status::Active, BillingMode::Flexible) => None,
        (Status::Active, BillingMode::Classic) => {
            Some("Only subscriptions with `billing_mode[type]=flexible` can be paused.")
        }
        (Status::Paused, _) => Some("This subscription is paused already."),
        _ => Some("Only active subscriptions can be paused."),
    }
}

/// When an invoice is tried again after its `attempts`-th failure at `at`, if ever.
///
/// A first invoice is not retried: its subscription expires. Nor is one of a subscription that is over.
pub(crate) fn next_attempt(attempts: i64, at: i64, reason: BillingReason, retry_days: &[i64]) -> Option<i64> {
    if reason == BillingReason::SubscriptionCreate {
        return None;
    }
    let index = usize::try_from(attempts - 1).ok()?;
    retry_days.get(index).map(|days| at + days * DAY)
}

/// What a failed attempt does to the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    None,
    Become(Status),
    Cancel,
}

pub(crate) fn after_failure(
    status: Status,
    reason: BillingReason,
    retried: bool,
    rule: AfterLastRetry,
) -> Consequence {
    let owing = matches!(status, Status::Active | Status::PastDue | Status::Trialing);
    if !owing || reason == BillingReason::SubscriptionCreate {
        return Consequence::None;
    }
    let past_due = if status == Status::PastDue {
        Consequence::None
    } else {
        Consequence::Become(Status::PastDue)
    };
    match rule {
        _ if retried => past_due,
        AfterLastRetry::Cancel => Consequence::Cancel,
        AfterLastRetry::MarkUnpaid => Consequence::Become(Status::Unpaid),
        AfterLastRetry::LeavePastDue => past_due,
    }
}

/// The status after an invoice was paid, if it changes. `owes_more`: another invoice is still open.
pub(crate) fn after_payment(status: Status, owes_more: bool) -> Option<Status> {
    let waits = matches!(status, Status::Incomplete | Status::PastDue | Status::Unpaid);
    (waits && !owes_more).then_some(Status::Active)
}

/// Who asks for an end at the end of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedIn {
    Api,
    Portal,
}

/// `cancel_at` and `cancel_at_period_end` of a subscription that ends with its period.
///
/// The portal in flexible mode says `cancel_at` alone (Stripe changelog, 2025-09-30.clover); everything else says both.
pub(crate) fn scheduled_end(asked_in: AskedIn, mode: BillingMode, period_end: i64) -> (Option<i64>, bool) {
    let flag = (asked_in, mode) != (AskedIn::Portal, BillingMode::Flexible);
    (Some(period_end), flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_begins() {
        use FirstPayment::{NotNeeded, Open, Succeeded};
        let cases = [
            (true, NotNeeded, Status::Trialing),
            (true, Open, Status::Trialing),
            (false, NotNeeded, Status::Active),
            (false, Succeeded, Status::Active),
            (false, Open, Status::Incomplete),
        ];
        for (trial, payment, expected) in cases {
            assert_eq!(first_status(trial, payment), expected, "{trial} {payment:?}");
        }
    }

    #[test]
    fn how_a_trial_ends() {
        use MissingPaymentMethod::{Cancel, CreateInvoice, Pause};
        let cases = [
            (true, Cancel, TrialEnd::Bill),
            (true, Pause, TrialEnd::Bill),
            (true, CreateInvoice, TrialEnd::Bill),
            (false, Cancel, TrialEnd::Cancel),
            (false, Pause, TrialEnd::Pause),
            (false, CreateInvoice, TrialEnd::Bill),
        ];
        for (card, missing, expected) in cases {
            assert_eq!(at_trial_end(card, missing), expected, "{card} {missing:?}");
        }
    }

    #[test]
    fn what_can_be_paused() {
        use BillingMode::{Classic, Flexible};
        for status in Status::ALL {
            assert_eq!(
                why_not_paused(status, Flexible).is_none(),
                status == Status::Active,
                "{status:?}"
            );
            assert!(why_not_paused(status, Classic).is_some(), "{status:?}");
        }
    }

    #[test]
    fn retries() {
        let cycle = BillingReason::SubscriptionCycle;
        let days = [3, 5, 7];
        assert_eq!(next_attempt(1, 100, cycle, &days), Some(100 + 3 * DAY));
        assert_eq!(next_attempt(3, 100, cycle, &days), Some(100 + 7 * DAY));
        assert_eq!(next_attempt(4, 100, cycle, &days), None);
        assert_eq!(next_attempt(1, 100, cycle, &[]), None);
        assert_eq!(
            next_attempt(1, 100, BillingReason::SubscriptionCreate, &days),
            None
        );
    }

    #[test]
    fn what_failures_do() {
        use AfterLastRetry::{Cancel, LeavePastDue, MarkUnpaid};
        use Consequence::{Become, None};
        let cases = [
            (Status::Active, true, Cancel, Become(Status::PastDue)),
            (Status::PastDue, true, Cancel, None),
            (Status::PastDue, false, Cancel, Consequence::Cancel),
            (Status::Active, false, Cancel, Consequence::Cancel),
            (Status::PastDue, false, MarkUnpaid, Become(Status::Unpaid)),
            (Status::PastDue, false, LeavePastDue, None),
            (Status::Active, false, LeavePastDue, Become(Status::PastDue)),
            (Status::Canceled, true, Cancel, None),
            (Status::Unpaid, false, Cancel, None),
            (Status::Paused, false, Cancel, None),
        ];
        for (status, retried, rule, expected) in cases {
            let found = after_failure(status, BillingReason::SubscriptionCycle, retried, rule);
            assert_eq!(found, expected, "{status:?} {retried} {rule:?}");
        }
        let first = after_failure(
            Status::Incomplete,
            BillingReason::SubscriptionCreate,
            false,
            Cancel,
        );
        assert_eq!(first, None);
    }

    #[test]
    fn what_payments_do() {
        for status in Status::ALL {
            let waits = matches!(status, Status::Incomplete | Status::PastDue | Status::Unpaid);
            assert_eq!(
                after_payment(status, false),
                waits.then_some(Status::Active),
                "{status:?}"
            );
            assert_eq!(after_payment(status, true), Option::None, "{status:?}");
        }
    }

    #[test]
    fn scheduled_ends() {
        let cases = [
            (AskedIn::Api, BillingMode::Classic, true),
            (AskedIn::Api, BillingMode::Flexible, true),
            (AskedIn::Portal, BillingMode::Classic, true),
            (AskedIn::Portal, BillingMode::Flexible, false),
        ];
        for (asked_in, mode, flag) in cases {
            assert_eq!(
                scheduled_end(asked_in, mode, 9),
                (Some(9), flag),
                "{asked_in:?} {mode:?}"
            );
        }
    }
}
