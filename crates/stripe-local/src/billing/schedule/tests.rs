use super::*;
use crate::form::Metadata;
use crate::records::{
    BillingMode, BillingPeriod, CancellationDetails, InvoiceBillingReason, MissingPaymentMethod,
    PriceInterval, Recurring,
};

fn subscription(status: StripeSubscriptionStatus) -> SubscriptionRecord {
    SubscriptionRecord {
        id: "sub_1".to_owned(),
        created: 0,
        customer: "cus_1".to_owned(),
        test_clock: None,
        status,
        items: Vec::new(),
        recurring: Recurring {
            interval: PriceInterval::Month,
            count: 1,
        },
        currency: "usd".to_owned(),
        period: BillingPeriod {
            start: 0,
            end: 30 * DAY_SECS,
        },
        billing_cycle_anchor: 0,
        billing_mode: BillingMode::Flexible,
        cancel_at: None,
        cancel_at_period_end: false,
        canceled_at: None,
        cancellation: CancellationDetails::default(),
        ended_at: None,
        default_payment_method: None,
        description: None,
        latest_invoice: None,
        metadata: Metadata::new(),
        trial: None,
        missing_payment_method: MissingPaymentMethod::CreateInvoice,
        pause: None,
        collection_pause: None,
        pending_lines: Vec::new(),
        trial_notice_sent: false,
        upcoming_sent_for: None,
        changed_at: 0,
    }
}

fn trial(days: i64, notice_sent: bool) -> SubscriptionRecord {
    let period = BillingPeriod {
        start: 0,
        end: days * DAY_SECS,
    };
    SubscriptionRecord {
        trial: Some(period),
        period,
        trial_notice_sent: notice_sent,
        ..subscription(StripeSubscriptionStatus::Trialing)
    }
}

#[test]
fn next_step_of_each_subscription_status() {
    let at_period_end = |flag, cancel_at| SubscriptionRecord {
        cancel_at_period_end: flag,
        cancel_at,
        ..subscription(StripeSubscriptionStatus::Active)
    };
    let cases = [
        (
            "short trial: notice immediately",
            trial(3, false),
            Some((0, ScheduledStep::TrialNotice)),
        ),
        (
            "long trial: notice three days before its end",
            trial(10, false),
            Some((7 * DAY_SECS, ScheduledStep::TrialNotice)),
        ),
        (
            "trial after its notice",
            trial(10, true),
            Some((10 * DAY_SECS, ScheduledStep::TrialEnd)),
        ),
        (
            "a canceled trial is not billed",
            SubscriptionRecord {
                cancel_at_period_end: true,
                ..trial(10, true)
            },
            Some((10 * DAY_SECS, ScheduledStep::Cancel)),
        ),
        (
            "active: notice",
            subscription(StripeSubscriptionStatus::Active),
            Some((23 * DAY_SECS, ScheduledStep::UpcomingNotice)),
        ),
        (
            "active: renewal",
            SubscriptionRecord {
                upcoming_sent_for: Some(30 * DAY_SECS),
                ..subscription(StripeSubscriptionStatus::Active)
            },
            Some((30 * DAY_SECS, ScheduledStep::Renew)),
        ),
        (
            "no upcoming notice if the subscription is canceled at period end",
            at_period_end(true, None),
            Some((30 * DAY_SECS, ScheduledStep::Cancel)),
        ),
        (
            "cancel_at within the period",
            at_period_end(false, Some(9 * DAY_SECS)),
            Some((9 * DAY_SECS, ScheduledStep::Cancel)),
        ),
        (
            "cancel_at after the period",
            SubscriptionRecord {
                upcoming_sent_for: Some(30 * DAY_SECS),
                ..at_period_end(false, Some(40 * DAY_SECS))
            },
            Some((30 * DAY_SECS, ScheduledStep::Renew)),
        ),
        (
            "first invoice unpaid",
            subscription(StripeSubscriptionStatus::Incomplete),
            Some((23 * 3600, ScheduledStep::ExpireIncomplete)),
        ),
        ("paused", subscription(StripeSubscriptionStatus::Paused), None),
        ("canceled", subscription(StripeSubscriptionStatus::Canceled), None),
    ];
    for (name, subscription, expected) in cases {
        assert_eq!(next_subscription_step(&subscription, Some(7)), expected, "{name}");
    }
    assert_eq!(
        next_subscription_step(&subscription(StripeSubscriptionStatus::Active), None),
        Some((30 * DAY_SECS, ScheduledStep::Renew))
    );
}

#[test]
fn billing_at_the_end_of_a_period() {
    let without_card = |missing_payment_method| SubscriptionRecord {
        missing_payment_method,
        ..trial(3, true)
    };
    let ending = SubscriptionRecord {
        cancel_at_period_end: true,
        ..trial(3, true)
    };
    let cases = [
        ("trial with a card", trial(3, true), true, true),
        ("canceled trial", ending, true, false),
        (
            "no card: cancel",
            without_card(MissingPaymentMethod::Cancel),
            false,
            false,
        ),
        (
            "no card: pause",
            without_card(MissingPaymentMethod::Pause),
            false,
            false,
        ),
        (
            "no card: create an invoice",
            without_card(MissingPaymentMethod::CreateInvoice),
            false,
            true,
        ),
        (
            "active",
            subscription(StripeSubscriptionStatus::Active),
            true,
            true,
        ),
        (
            "past due",
            subscription(StripeSubscriptionStatus::PastDue),
            false,
            true,
        ),
        (
            "paused",
            subscription(StripeSubscriptionStatus::Paused),
            true,
            false,
        ),
        (
            "unpaid",
            subscription(StripeSubscriptionStatus::Unpaid),
            true,
            false,
        ),
        (
            "over",
            subscription(StripeSubscriptionStatus::Canceled),
            true,
            false,
        ),
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
fn next_step_of_each_invoice_status() {
    let invoice = |status, auto_advance, finalizes_at, next_attempt| InvoiceRecord {
        id: "in_1".to_owned(),
        created: 0,
        customer: "cus_1".to_owned(),
        test_clock: None,
        subscription: "sub_1".to_owned(),
        subscription_metadata: Metadata::new(),
        status,
        reason: InvoiceBillingReason::SubscriptionCycle,
        currency: "usd".to_owned(),
        lines: Vec::new(),
        period: BillingPeriod { start: 0, end: 1 },
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
        (
            invoice(Draft, true, Some(5), Some(6)),
            Some((5, ScheduledStep::Finalize)),
        ),
        (
            invoice(Open, true, Some(5), Some(6)),
            Some((6, ScheduledStep::Collect)),
        ),
        (invoice(Open, true, None, None), None),
        (invoice(Open, false, None, Some(6)), None),
        (invoice(Paid, true, Some(5), Some(6)), None),
    ];
    for (invoice, expected) in cases {
        assert_eq!(next_invoice_step(&invoice), expected);
    }
}
