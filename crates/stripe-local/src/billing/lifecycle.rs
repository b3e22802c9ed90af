//! Status transitions of a subscription.

use crate::{
    billing::period::DAY_SECS,
    records::{BillingMode, InvoiceBillingReason, MissingPaymentMethod, StripeSubscriptionStatus},
    settings::AfterLastRetry,
};

/// The result of the first invoice's payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPayment {
    /// No amount was due.
    NotNeeded,
    Succeeded,
    /// The card was declined, needs confirmation, or is missing.
    Open,
}

/// The status of a new subscription.
pub(crate) fn first_status(trial: bool, payment: FirstPayment) -> StripeSubscriptionStatus {
    match (trial, payment) {
        (true, _) => StripeSubscriptionStatus::Trialing,
        (false, FirstPayment::NotNeeded | FirstPayment::Succeeded) => StripeSubscriptionStatus::Active,
        (false, FirstPayment::Open) => StripeSubscriptionStatus::Incomplete,
    }
}

/// The effect of a trial's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrialEndAction {
    Bill,
    Cancel,
    Pause,
}

pub(crate) fn trial_end_action(
    has_payment_method: bool,
    missing_payment_method: MissingPaymentMethod,
) -> TrialEndAction {
    match (has_payment_method, missing_payment_method) {
        (true, _) | (false, MissingPaymentMethod::CreateInvoice) => TrialEndAction::Bill,
        (false, MissingPaymentMethod::Cancel) => TrialEndAction::Cancel,
        (false, MissingPaymentMethod::Pause) => TrialEndAction::Pause,
    }
}

/// Why a subscription cannot be paused, as an error message. `None` if it can be paused.
pub(crate) fn pause_obstacle(status: StripeSubscriptionStatus, mode: BillingMode) -> Option<&'static str> {
    match (status, mode) {
        (StripeSubscriptionStatus::Active, BillingMode::Flexible) => None,
        (StripeSubscriptionStatus::Active, BillingMode::Classic) => {
            Some("Only subscriptions with `billing_mode[type]=flexible` can be paused.")
        }
        (StripeSubscriptionStatus::Paused, _) => Some("This subscription is paused already."),
        _ => Some("Only active subscriptions can be paused."),
    }
}

/// The time of the next payment attempt after the failed attempt number `attempts` at `at`, in Unix seconds.
///
/// `None` after the last retry, and for a subscription's first invoice, which is not retried.
pub(crate) fn next_attempt_at(
    attempts: i64,
    at: i64,
    reason: InvoiceBillingReason,
    retry_days: &[i64],
) -> Option<i64> {
    if reason == InvoiceBillingReason::SubscriptionCreate {
        return None;
    }
    let index = usize::try_from(attempts - 1).ok()?;
    retry_days.get(index).map(|days| at + days * DAY_SECS)
}

/// The effect of a failed payment attempt on the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailedPaymentEffect {
    None,
    SetStatus(StripeSubscriptionStatus),
    Cancel,
}

pub(crate) fn effect_of_failed_payment(
    status: StripeSubscriptionStatus,
    reason: InvoiceBillingReason,
    will_retry: bool,
    rule: AfterLastRetry,
) -> FailedPaymentEffect {
    let is_collectible = matches!(
        status,
        StripeSubscriptionStatus::Active
            | StripeSubscriptionStatus::PastDue
            | StripeSubscriptionStatus::Trialing
    );
    if !is_collectible || reason == InvoiceBillingReason::SubscriptionCreate {
        return FailedPaymentEffect::None;
    }
    let past_due = if status == StripeSubscriptionStatus::PastDue {
        FailedPaymentEffect::None
    } else {
        FailedPaymentEffect::SetStatus(StripeSubscriptionStatus::PastDue)
    };
    match rule {
        _ if will_retry => past_due,
        AfterLastRetry::Cancel => FailedPaymentEffect::Cancel,
        AfterLastRetry::MarkUnpaid => FailedPaymentEffect::SetStatus(StripeSubscriptionStatus::Unpaid),
        AfterLastRetry::LeavePastDue => past_due,
    }
}

/// The new status after a paid invoice, or `None` if it does not change. `owes_more`: another invoice is still open.
pub(crate) fn status_after_payment(
    status: StripeSubscriptionStatus,
    owes_more: bool,
) -> Option<StripeSubscriptionStatus> {
    let is_unpaid = matches!(
        status,
        StripeSubscriptionStatus::Incomplete
            | StripeSubscriptionStatus::PastDue
            | StripeSubscriptionStatus::Unpaid
    );
    (is_unpaid && !owes_more).then_some(StripeSubscriptionStatus::Active)
}

/// Where a cancellation at the end of the period was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancellationSource {
    Api,
    Portal,
}

/// `cancel_at` and `cancel_at_period_end` of a subscription that is canceled at the end of its period.
///
/// In flexible billing mode the portal sets only `cancel_at` (Stripe changelog, 2025-09-30.clover). Otherwise both are
/// set.
pub(crate) fn period_end_cancellation(
    source: CancellationSource,
    mode: BillingMode,
    period_end: i64,
) -> (Option<i64>, bool) {
    let flag = (source, mode) != (CancellationSource::Portal, BillingMode::Flexible);
    (Some(period_end), flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_status_follows_trial_and_payment() {
        use FirstPayment::{NotNeeded, Open, Succeeded};
        let cases = [
            (true, NotNeeded, StripeSubscriptionStatus::Trialing),
            (true, Open, StripeSubscriptionStatus::Trialing),
            (false, NotNeeded, StripeSubscriptionStatus::Active),
            (false, Succeeded, StripeSubscriptionStatus::Active),
            (false, Open, StripeSubscriptionStatus::Incomplete),
        ];
        for (trial, payment, expected) in cases {
            assert_eq!(first_status(trial, payment), expected, "{trial} {payment:?}");
        }
    }

    #[test]
    fn trial_end_action_follows_card_and_setting() {
        use MissingPaymentMethod::{Cancel, CreateInvoice, Pause};
        let cases = [
            (true, Cancel, TrialEndAction::Bill),
            (true, Pause, TrialEndAction::Bill),
            (true, CreateInvoice, TrialEndAction::Bill),
            (false, Cancel, TrialEndAction::Cancel),
            (false, Pause, TrialEndAction::Pause),
            (false, CreateInvoice, TrialEndAction::Bill),
        ];
        for (card, missing_payment_method, expected) in cases {
            assert_eq!(
                trial_end_action(card, missing_payment_method),
                expected,
                "{card} {missing_payment_method:?}"
            );
        }
    }

    #[test]
    fn only_active_flexible_subscriptions_can_be_paused() {
        use BillingMode::{Classic, Flexible};
        for status in StripeSubscriptionStatus::ALL {
            assert_eq!(
                pause_obstacle(status, Flexible).is_none(),
                status == StripeSubscriptionStatus::Active,
                "{status:?}"
            );
            assert!(pause_obstacle(status, Classic).is_some(), "{status:?}");
        }
    }

    #[test]
    fn retry_days_count_from_the_failed_attempt() {
        let cycle = InvoiceBillingReason::SubscriptionCycle;
        let days = [3, 5, 7];
        assert_eq!(next_attempt_at(1, 100, cycle, &days), Some(100 + 3 * DAY_SECS));
        assert_eq!(next_attempt_at(3, 100, cycle, &days), Some(100 + 7 * DAY_SECS));
        assert_eq!(next_attempt_at(4, 100, cycle, &days), None);
        assert_eq!(next_attempt_at(1, 100, cycle, &[]), None);
        assert_eq!(
            next_attempt_at(1, 100, InvoiceBillingReason::SubscriptionCreate, &days),
            None
        );
    }

    #[test]
    fn failed_payments_change_the_status() {
        use AfterLastRetry::{Cancel, LeavePastDue, MarkUnpaid};
        use FailedPaymentEffect::{None, SetStatus};
        let cases = [
            (
                StripeSubscriptionStatus::Active,
                true,
                Cancel,
                SetStatus(StripeSubscriptionStatus::PastDue),
            ),
            (StripeSubscriptionStatus::PastDue, true, Cancel, None),
            (
                StripeSubscriptionStatus::PastDue,
                false,
                Cancel,
                FailedPaymentEffect::Cancel,
            ),
            (
                StripeSubscriptionStatus::Active,
                false,
                Cancel,
                FailedPaymentEffect::Cancel,
            ),
            (
                StripeSubscriptionStatus::PastDue,
                false,
                MarkUnpaid,
                SetStatus(StripeSubscriptionStatus::Unpaid),
            ),
            (StripeSubscriptionStatus::PastDue, false, LeavePastDue, None),
            (
                StripeSubscriptionStatus::Active,
                false,
                LeavePastDue,
                SetStatus(StripeSubscriptionStatus::PastDue),
            ),
            (StripeSubscriptionStatus::Canceled, true, Cancel, None),
            (StripeSubscriptionStatus::Unpaid, false, Cancel, None),
            (StripeSubscriptionStatus::Paused, false, Cancel, None),
        ];
        for (status, will_retry, rule, expected) in cases {
            let found =
                effect_of_failed_payment(status, InvoiceBillingReason::SubscriptionCycle, will_retry, rule);
            assert_eq!(found, expected, "{status:?} {will_retry} {rule:?}");
        }
        let first = effect_of_failed_payment(
            StripeSubscriptionStatus::Incomplete,
            InvoiceBillingReason::SubscriptionCreate,
            false,
            Cancel,
        );
        assert_eq!(first, None);
    }

    #[test]
    fn payments_activate_unpaid_subscriptions() {
        for status in StripeSubscriptionStatus::ALL {
            let is_unpaid = matches!(
                status,
                StripeSubscriptionStatus::Incomplete
                    | StripeSubscriptionStatus::PastDue
                    | StripeSubscriptionStatus::Unpaid
            );
            assert_eq!(
                status_after_payment(status, false),
                is_unpaid.then_some(StripeSubscriptionStatus::Active),
                "{status:?}"
            );
            assert_eq!(status_after_payment(status, true), Option::None, "{status:?}");
        }
    }

    #[test]
    fn only_the_portal_in_flexible_mode_leaves_the_flag_off() {
        let cases = [
            (CancellationSource::Api, BillingMode::Classic, true),
            (CancellationSource::Api, BillingMode::Flexible, true),
            (CancellationSource::Portal, BillingMode::Classic, true),
            (CancellationSource::Portal, BillingMode::Flexible, false),
        ];
        for (source, mode, flag) in cases {
            assert_eq!(
                period_end_cancellation(source, mode, 9),
                (Some(9), flag),
                "{source:?} {mode:?}"
            );
        }
    }
}
