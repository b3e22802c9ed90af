//! What time alone will do to a subscription or an invoice, and when.

use crate::{
    billing::{
        lifecycle::{self, TrialEnd},
        period::DAY,
    },
    world::{Invoice, InvoiceStatus, Status, Subscription},
};

/// Days before a trial's end at which its notice is sent.
const TRIAL_NOTICE_DAYS: i64 = 3;

/// A subscription that was never paid expires after this many seconds.
const INCOMPLETE_SECONDS: i64 = 23 * 3600;

/// Something that happens by itself. Of two at the same second the earlier in this list comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    TrialNotice,
    UpcomingNotice,
    Cancel,
    TrialEnd,
    Renew,
    ExpireIncomplete,
    Finalize,
    Collect,
}

/// The next step of a subscription.
pub(crate) fn of_subscription(
    subscription: &Subscription,
    upcoming_days: Option<i64>,
) -> Option<(i64, Step)> {
    let mut steps: Vec<(i64, Step)> = Vec::new();
    let period = subscription.period;
    match subscription.status {
        Status::Canceled | Status::IncompleteExpired => return None,
        Status::Paused => {}
        Status::Incomplete => steps.push((subscription.created + INCOMPLETE_SECONDS, Step::ExpireIncomplete)),
        Status::Trialing => {
            if let Some(trial) = subscription.trial {
                steps.push((trial.end, Step::TrialEnd));
                if !subscription.trial_notice_sent {
                    let notice = (trial.end - TRIAL_NOTICE_DAYS * DAY).max(trial.start);
                    steps.push((notice, Step::TrialNotice));
                }
            }
        }
        Status::Active | Status::PastDue | Status::Unpaid => {
            steps.push((period.end, Step::Renew));
            let told = subscription.upcoming_sent_for == Some(period.end);
            let ends = subscription.ends_at().is_some_and(|at| at <= period.end);
            if let (Some(days), false, false) = (upcoming_days, told, ends) {
                steps.push(((period.end - days * DAY).max(period.start), Step::UpcomingNotice));
            }
        }
    }
    if let Some(at) = subscription.ends_at() {
        steps.push((at, Step::Cancel));
    }
    steps.into_iter().min()
}

/// Whether the end of the current period brings an invoice that money is taken for.
pub(crate) fn is_billed_at_period_end(subscription: &Subscription, has_card: bool) -> bool {
    let ends = subscription
        .ends_at()
        .is_some_and(|at| at <= subscription.period.end);
    let billed = match subscription.status {
        Status::Active | Status::PastDue => true,
        Status::Trialing => {
            lifecycle::at_trial_end(has_card, subscription.missing_payment_method) == TrialEnd::Bill
        }
        // An unpaid one is given drafts that stay drafts.
        Status::Canceled
        | Status::Incomplete
        | Status::IncompleteExpired
        | Status::Paused
        | Status::Unpaid => false,
    };
    billed && !ends
}

/// The next step of an invoice.
pub(crate) fn of_invoice(invoice: &Invoice) -> Option<(i64, Step)> {
    if !invoice.auto_advance {
        return None;
    }
    match invoice.status {
        InvoiceStatus::Draft => invoice.finalizes_at.map(|at| (at, Step::Finalize)),
        InvoiceStatus::Open => invoice.next_attempt.map(|at| (at, Step::Collect)),
        InvoiceStatus::Paid | InvoiceStatus::Void => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Metadata;
    use crate::world::{
        BillingMode, BillingReason, Cancellation, Interval, MissingPaymentMethod, Period, Recurring,
    };

    fn subscription(status: Status) -> Subscription {
        Subscription {
            id: "sub_1".to_owned(),
            created: 0,
            customer: "cus_1".to_owned(),
            test_clock: None,
            status,
            items: Vec::new(),
            recurring: Recurring {
                interval: Interval::Month,
                count: 1,
            },
            currency: "usd".to_owned(),
            period: Period {
                start: 0,
                end: 30 * DAY,
            },
            billing_cycle_anchor: 0,
            billing_mode: BillingMode::Flexible,
            cancel_at: None,
            cancel_at_period_end: false,
            canceled_at: None,
            cancellation: Cancellation::default(),
            ended_at: None,
            default_payment_method: None,
            description: None,
            latest_invoice: None,
            metadata: Metadata::new(),
            trial: None,
            missing_payment_method: MissingPaymentMethod::CreateInvoice,
            pause: None,
            pending_lines: Vec::new(),
            trial_notice_sent: false,
            upcoming_sent_for: None,
            changed_at: 0,
        }
    }

    fn trial(days: i64, told: bool) -> Subscription {
        let period = Period {
            start: 0,
            end: days * DAY,
        };
        Subscription {
            trial: Some(period),
            period,
            trial_notice_sent: told,
            ..subscription(Status::Trialing)
        }
    }

    #[test]
    fn subscriptions() {
        let at_period_end = |flag, cancel_at| Subscription {
            cancel_at_period_end: flag,
            cancel_at,
            ..subscription(Status::Active)
        };
        let cases = [
            (
                "a short trial's notice is due at once",
                trial(3, false),
                Some((0, Step::TrialNotice)),
            ),
            (
                "a long one's three days before",
                trial(10, false),
                Some((7 * DAY, Step::TrialNotice)),
            ),
            ("then it ends", trial(10, true), Some((10 * DAY, Step::TrialEnd))),
            (
                "a canceled trial ends without being billed",
                Subscription {
                    cancel_at_period_end: true,
                    ..trial(10, true)
                },
                Some((10 * DAY, Step::Cancel)),
            ),
            (
                "active: notice",
                subscription(Status::Active),
                Some((23 * DAY, Step::UpcomingNotice)),
            ),
            (
                "active: renewal",
                Subscription {
                    upcoming_sent_for: Some(30 * DAY),
                    ..subscription(Status::Active)
                },
                Some((30 * DAY, Step::Renew)),
            ),
            (
                "no notice of what will not come",
                at_period_end(true, None),
                Some((30 * DAY, Step::Cancel)),
            ),
            (
                "a date alone ends it too",
                at_period_end(false, Some(9 * DAY)),
                Some((9 * DAY, Step::Cancel)),
            ),
            (
                "a date after the period",
                Subscription {
                    upcoming_sent_for: Some(30 * DAY),
                    ..at_period_end(false, Some(40 * DAY))
                },
                Some((30 * DAY, Step::Renew)),
            ),
            (
                "never paid",
                subscription(Status::Incomplete),
                Some((23 * 3600, Step::ExpireIncomplete)),
            ),
            ("paused", subscription(Status::Paused), None),
            ("over", subscription(Status::Canceled), None),
        ];
        for (name, subscription, expected) in cases {
            assert_eq!(of_subscription(&subscription, Some(7)), expected, "{name}");
        }
        assert_eq!(
            of_subscription(&subscription(Status::Active), None),
            Some((30 * DAY, Step::Renew))
        );
    }

    #[test]
    fn what_the_end_of_a_period_brings() {
        let without_card = |missing_payment_method| Subscription {
            missing_payment_method,
            ..trial(3, true)
        };
        let ending = Subscription {
            cancel_at_period_end: true,
            ..trial(3, true)
        };
        let cases = [
            ("a trial with a card", trial(3, true), true, true),
            ("an ending one", ending, true, false),
            (
                "none, and an end",
                without_card(MissingPaymentMethod::Cancel),
                false,
                false,
            ),
            (
                "none, and a pause",
                without_card(MissingPaymentMethod::Pause),
                false,
                false,
            ),
            (
                "none, and an invoice",
                without_card(MissingPaymentMethod::CreateInvoice),
                false,
                true,
            ),
            ("a renewal", subscription(Status::Active), true, true),
            ("a renewal that fails", subscription(Status::PastDue), false, true),
            ("a pause", subscription(Status::Paused), true, false),
            ("unpaid", subscription(Status::Unpaid), true, false),
            ("over", subscription(Status::Canceled), true, false),
        ];
        for (name, subscription, has_card, expected) in cases {
            assert_eq!(
                is_billed_at_period_end(&subscription, has_card),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn invoices() {
        let invoice = |status, auto_advance, finalizes_at, next_attempt| Invoice {
            id: "in_1".to_owned(),
            created: 0,
            customer: "cus_1".to_owned(),
            test_clock: None,
            subscription: "sub_1".to_owned(),
            subscription_metadata: Metadata::new(),
            status,
            reason: BillingReason::SubscriptionCycle,
            currency: "usd".to_owned(),
            lines: Vec::new(),
            period: Period { start: 0, end: 1 },
            number: None,
            auto_advance,
            finalizes_at,
            finalized_at: None,
            paid_at: None,
            voided_at: None,
            attempts: 0,
            next_attempt,
            amount_paid: 0,
            payment_intent: None,
            metadata: Metadata::new(),
        };
        use InvoiceStatus::{Draft, Open, Paid};
        let cases = [
            (invoice(Draft, true, Some(5), Some(6)), Some((5, Step::Finalize))),
            (invoice(Open, true, Some(5), Some(6)), Some((6, Step::Collect))),
            (invoice(Open, true, None, None), None),
            (invoice(Open, false, None, Some(6)), None),
            (invoice(Paid, true, Some(5), Some(6)), None),
        ];
        for (invoice, expected) in cases {
            assert_eq!(of_invoice(&invoice), expected);
        }
    }
}
